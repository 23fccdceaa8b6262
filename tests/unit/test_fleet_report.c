/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_fleet_report.c - reports leave the outbox when they are somewhere else for sure
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <stmota/fleet_report.h>
#include <stmota/fs.h>

static char folder[64], spool[96];
static struct fleet fleet;
static struct fleet_db *db;

static int setup(void **state)
{
	char path[96];

	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/stmota-test-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/fleet.db", folder);
	snprintf(spool, sizeof(spool), "%s/spool", folder);
	fleet = (struct fleet){.gateway = "gw-7", .report = spool};
	if (mkdir(spool, 0755) < 0 || fleet_db_open(path, false, &db, NULL) < 0)
		return -1;
	fleet_db_set_fleet(db, &fleet);
	return 0;
}

static int teardown(void **state)
{
	char command[96];

	(void)state;
	fleet_db_close(db);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static void add_lines(unsigned n)
{
	struct err e = ERR_INIT;
	char line[64];

	for (unsigned i = 0; i < n; i++) {
		snprintf(line, sizeof(line), "{\"id\":\"line-%u\"}", i);
		if (fleet_db_outbox_add(db, "report", line, 1000 + i, &e) < 0)
			fail_msg("%s", e.msg);
	}
}

static struct fleet_report_result flush(int want, uint64_t now, bool at_once, struct err *e)
{
	struct fetch_settings s = FETCH_SETTINGS_INIT;
	struct fleet_report_send rq = {
		.fleet = &fleet, .fetch = &s, .now = now, .limit_ms = 3000, .at_once = at_once};
	struct fleet_report_result r;
	int rc;

	s.allow_http = true;
	rc = fleet_report_flush(db, &rq, &r, e);
	if (rc != want)
		fail_msg("%d: %s", rc, e->msg);
	return r;
}

/* Files in the spool folder whose name ends so; the name of the last one is kept. */
static unsigned files(const char *end, char *ret, size_t size)
{
	DIR *d = opendir(spool);
	const struct dirent *f;
	unsigned n = 0;

	assert_non_null(d);
	while ((f = readdir(d)) != NULL) {
		size_t len = strlen(f->d_name), tail = strlen(end);

		if (len <= tail || strcmp(f->d_name + len - tail, end) != 0)
			continue;
		if (ret != NULL)
			snprintf(ret, size, "%s/%s", spool, f->d_name);
		n++;
	}
	closedir(d);
	return n;
}

static void test_fleet_report__spooled_lines_are_files(void **state)
{
	cleanup_buf struct buf b = BUF_INIT;
	struct fleet_report_result r;
	struct err e = ERR_INIT;
	char name[PATH_MAX];

	(void)state;
	r = flush(0, 5000, false, &e);
	assert_int_equal(0, r.sent + r.left);
	assert_int_equal(0, files(".ndjson", NULL, 0));
	add_lines(3);
	r = flush(0, 5000, false, &e);
	assert_int_equal(3, r.sent);
	assert_int_equal(0, r.left);
	assert_int_equal(1, files(".ndjson", name, sizeof(name)));
	assert_int_equal(0, files(".sig", NULL, 0));
	assert_int_equal(0, fs_read(name, 4096, &b, &e));
	assert_int_equal(0, buf_append(&b, "", 1, NULL));
	assert_string_equal(
		"{\"id\":\"line-0\"}\n{\"id\":\"line-1\"}\n{\"id\":\"line-2\"}\n", b.data);
	add_lines(450);
	r = flush(0, 5000, false, &e);
	assert_int_equal(450, r.sent);
	assert_int_equal(1 + 3, files(".ndjson", NULL, 0));
}

/* The power goes between the file and the outbox: the same lines come again, under the same name. */
static void test_fleet_report__a_cut_repeats_and_loses_nothing(void **state)
{
	cleanup_buf struct buf before = BUF_INIT, after = BUF_INIT;
	struct fleet_report lines[4];
	struct err e = ERR_INIT;
	char name[PATH_MAX], copy[96], path[96];
	size_t n = 0;

	(void)state;
	add_lines(4);
	/* What the disk held before the outbox was emptied. */
	fleet_db_close(db);
	snprintf(path, sizeof(path), "%s/fleet.db", folder);
	snprintf(copy, sizeof(copy), "%s/copy.db", folder);
	assert_int_equal(0, fs_read(path, FS_FILE_MAX, &before, &e));
	assert_int_equal(0, fs_write(copy, before.data, before.len, 0600, &e));
	assert_int_equal(0, fleet_db_open(path, false, &db, &e));
	flush(0, 5000, false, &e);
	assert_int_equal(1, files(".ndjson", name, sizeof(name)));
	before.len = 0;
	assert_int_equal(0, fs_read(name, 4096, &before, &e));
	fleet_db_close(db);

	assert_int_equal(0, fleet_db_open(copy, false, &db, &e));
	assert_int_equal(0, fleet_db_outbox_peek(db, "report", lines, 4, &n, &e));
	assert_int_equal(4, n);
	for (size_t i = 0; i < n; i++)
		fleet_report_done(&lines[i]);
	flush(0, 5000, false, &e);
	assert_int_equal(1, files(".ndjson", name, sizeof(name)));
	assert_int_equal(0, fs_read(name, 4096, &after, &e));
	assert_int_equal(before.len, after.len);
	assert_memory_equal(before.data, after.data, after.len);
}

static void test_fleet_report__a_folder_that_is_missing_keeps_all(void **state)
{
	struct fleet_report_result r;
	struct err e = ERR_INIT;

	(void)state;
	add_lines(2);
	assert_int_equal(0, rmdir(spool));
	r = flush(ERR_IO, 5000, false, &e);
	assert_int_equal(2, r.left);
	assert_non_null(strstr(e.hint, "mkdir"));
	assert_false(fs_exists(spool));
	assert_int_equal(0, mkdir(spool, 0755));
	r = flush(0, 5000, true, &e);
	assert_int_equal(2, r.sent);
}

static void test_fleet_report__signed_by_the_gateway(void **state)
{
	static const char domain[] = "stmota-report-v1";
	cleanup_buf struct buf msg = BUF_INIT, sig = BUF_INIT;
	cleanup_key struct key *key = NULL;
	struct fleet_report_result r;
	struct err e = ERR_INIT;
	char name[PATH_MAX], pem[96];

	(void)state;
	snprintf(pem, sizeof(pem), "%s/gateway.pem", folder);
	fleet.report_key = pem;
	add_lines(2);
	/* Nothing leaves unsigned because a key is missing. */
	r = flush(ERR_IO, 5000, false, &e);
	assert_int_equal(2, r.left);
	assert_int_equal(0, files(".ndjson", NULL, 0));
	assert_int_equal(0, key_generate(KEY_ED25519, &key, &e));
	assert_int_equal(0, key_save_private(key, pem, &e));
	flush(0, 5000, true, &e);
	assert_int_equal(1, files(".sig", name, sizeof(name)));
	assert_int_equal(0, fs_read(name, 4096, &sig, &e));
	assert_int_equal(12 + 76, sig.len);
	assert_memory_equal("STMOSIG1\1\0\0\0\1\0\0\0", sig.data, 16);
	assert_memory_equal(key_id(key), sig.data + 16, KEY_ID_SIZE);
	*strrchr(name, '.') = '\0';
	assert_int_equal(0, buf_append(&msg, domain, sizeof(domain), &e));
	assert_int_equal(0, fs_read(name, 4096, &msg, &e));
	assert_true(key_verify(key, msg.data, msg.len, sig.data + 24));
	msg.data[msg.len - 3] ^= 1;
	assert_false(key_verify(key, msg.data, msg.len, sig.data + 24));
}

static void test_fleet_report__after_failures_it_pauses(void **state)
{
	struct fleet_report_result r;
	struct err e = ERR_INIT;
	uint64_t now = 1795286000, pause = 0;
	char closed[] = "http://127.0.0.1:1/reports";

	(void)state;
	fleet.report = closed; /* nobody listens there */
	add_lines(2);
	for (int i = 0; i < 9; i++) {
		uint64_t longer;

		r = flush(ERR_NETWORK, now, false, &e);
		assert_int_equal(2, r.left);
		longer = r.next - now;
		assert_in_range(longer, pause < 3600 ? pause : 3600, 3600 + 900);
		assert_true(longer >= 60);
		pause = longer > 3600 ? 3600 : longer;
		/* Quiet until then, also after the process has ended. */
		r = flush(0, now + longer - 1, false, &e);
		assert_int_equal(0, r.sent);
		assert_int_equal(2, r.left);
		now += longer;
	}
	assert_int_equal(3600, pause);
	/* Somebody asks for it; the clock was set back by a year. */
	flush(ERR_NETWORK, now, true, &e);
	flush(ERR_NETWORK, now - 31536000, false, &e);
	fleet.report = spool;
	r = flush(0, now, true, &e);
	assert_int_equal(2, r.sent);
	add_lines(1);
	r = flush(0, now, false, &e);
	assert_int_equal(1, r.sent);
}

static void test_fleet_report__nowhere_to_report_to(void **state)
{
	struct fleet_report_result r;
	struct err e = ERR_INIT;

	(void)state;
	add_lines(1);
	fleet.report = NULL;
	r = flush(0, 5000, true, &e);
	assert_int_equal(0, r.sent);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_fleet_report__##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(spooled_lines_are_files),
		TEST(a_cut_repeats_and_loses_nothing),
		TEST(a_folder_that_is_missing_keeps_all),
		TEST(signed_by_the_gateway),
		TEST(after_failures_it_pauses),
		TEST(nowhere_to_report_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
