/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_fleet_db_file.c - the file of the fleet's memory: killed writers, power cuts, damage, full
 * and read-only disks, older and newer schemas
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include <stmota/fleet_db.h>
#include <stmota/fs.h>

#include "../../src/fleet/db_priv.h"

static char folder[64], path[96], wal[112];

static int setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/stmota-test-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/fleet.db", folder);
	snprintf(wal, sizeof(wal), "%s/fleet.db-wal", folder);
	return 0;
}

static int teardown(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static struct fleet_db *open_db(void)
{
	struct fleet_db *db = NULL;
	struct err e = ERR_INIT;

	if (fleet_db_open(path, false, &db, &e) < 0)
		fail_msg("%s", e.msg);
	return db;
}

static int run_one(struct fleet_db *db, const char *device, struct err *e)
{
	struct fleet_attempt a = {
		.version = {1, 2, 3, 4}, .counter = 7, .started = 1000, .rollout = "r2"};
	struct fleet_ending end = {.outcome = FLEET_OK, .text = "well", .confirmed = true};
	int rc;

	snprintf(a.device, sizeof(a.device), "%s", device);
	rc = fleet_db_begin(db, &a, e);
	return rc == 0 ? fleet_db_end(db, a.id, &end, 1010, e) : rc;
}

struct tally {
	int64_t n, open, ended, lines, newest;
};

static int count_attempt(void *ctx, const struct fleet_attempt *a, struct err *e)
{
	struct tally *t = ctx;

	(void)e;
	t->n++;
	t->open += a->ended == 0;
	t->ended += a->ended != 0;
	if (a->id > t->newest)
		t->newest = a->id;
	return 0;
}

static struct tally tally_of(struct fleet_db *db)
{
	struct tally t = {0};
	struct err e = ERR_INIT;
	uint64_t lines = 0;

	if (fleet_db_each_attempt(db, NULL, 0, count_attempt, &t, &e) < 0 ||
		fleet_db_outbox_count(db, "report", &lines, &e) < 0)
		fail_msg("%s", e.msg);
	t.lines = (int64_t)lines;
	return t;
}

/* ---- cut at any instant ---- */

/* Tells each deed after it returned: 'B' begun, 'E' ended. Never returns. */
static void work_for_ever(int tell)
{
	struct fleet_db *db = NULL;

	if (fleet_db_open(path, false, &db, NULL) < 0)
		_exit(1);
	for (;;) {
		struct fleet_attempt a = {.device = "lamp", .started = 1000, .rollout = "r2"};
		struct fleet_ending end = {.outcome = FLEET_OK, .text = "well"};

		if (fleet_db_begin(db, &a, NULL) < 0 || write(tell, "B", 1) != 1 ||
			fleet_db_end(db, a.id, &end, 1010, NULL) < 0 || write(tell, "E", 1) != 1)
			_exit(1);
	}
}

static void test_fleet_db_file__a_killed_writer_loses_nothing(void **state)
{
	struct tally before = {0}, now;
	struct err e = ERR_INIT;

	(void)state;
	fleet_db_close(open_db());
	for (unsigned round = 0; round < 25; round++) {
		/* Killed soon after so many deeds were acknowledged; how soon differs. */
		struct timespec t = {0, 130000L * (round * 7 % 25)};
		unsigned wanted = round / 2;
		struct fleet_db *db;
		int64_t begun = 0, ended = 0;
		char told[4096];
		int pipe_fd[2], status;
		size_t recovered = 0;
		ssize_t n;
		pid_t pid;

		assert_int_equal(0, pipe(pipe_fd));
		pid = fork();
		if (pid == 0)
			work_for_ever(pipe_fd[1]);
		close(pipe_fd[1]);
		for (unsigned i = 0; i < wanted; i++) {
			assert_int_equal(1, read(pipe_fd[0], told, 1));
			*(told[0] == 'B' ? &begun : &ended) += 1;
		}
		nanosleep(&t, NULL);
		kill(pid, SIGKILL);
		assert_int_equal(pid, waitpid(pid, &status, 0));
		assert_true(WIFSIGNALED(status));
		while ((n = read(pipe_fd[0], told, sizeof(told))) > 0)
			for (ssize_t i = 0; i < n; i++)
				*(told[i] == 'B' ? &begun : &ended) += 1;
		close(pipe_fd[0]);

		db = open_db();
		now = tally_of(db);
		/* What was acknowledged is there; at most one deed more. */
		assert_in_range(now.n - before.n, begun, begun + 1);
		assert_in_range(now.ended - before.ended, ended, ended + 1);
		assert_true(now.open <= 1);
		assert_int_equal(now.ended, now.lines);
		if (fleet_db_recover(db, 2000, &recovered, &e) < 0)
			fail_msg("%s", e.msg);
		assert_int_equal(now.open, recovered);
		before = tally_of(db);
		assert_int_equal(0, before.open);
		fleet_db_close(db);
	}
	assert_true(before.ended > 0);
}

static void put(const char *to, const void *data, size_t len)
{
	struct err e = ERR_INIT;

	if (fs_write_soon(to, data, len, 0600, &e) < 0)
		fail_msg("%s", e.msg);
}

static void get(const char *from, struct buf *ret)
{
	struct err e = ERR_INIT;

	if (fs_read(from, FS_FILE_MAX, ret, &e) < 0)
		fail_msg("%s", e.msg);
}

/* What a power cut leaves of the log: any part of its end is missing, or garbage. */
static void test_fleet_db_file__a_power_cut_leaves_before_or_after(void **state)
{
	cleanup_buf struct buf db_file = BUF_INIT, log = BUF_INIT;
	struct fleet_db *db;
	struct err e = ERR_INIT;
	struct tally last = {0}, t = {0};
	char shm[112];

	(void)state;
	fleet_db_close(open_db());
	db = open_db();
	for (int i = 0; i < 5; i++)
		assert_int_equal(0, run_one(db, "lamp", &e));
	get(path, &db_file);
	get(wal, &log);
	fleet_db_close(db);
	assert_true(log.len > 20000);
	snprintf(shm, sizeof(shm), "%s-shm", path);
	for (size_t i = 0; i <= 20; i++) {
		/* Odd ones end amidst a frame, with noise; the last one is whole. */
		size_t cut = log.len * i / 20 + (i % 2);
		bool noise = i % 2 == 1;

		put(path, db_file.data, db_file.len);
		put(wal, log.data, cut);
		unlink(shm);
		if (noise) {
			cleanup_buf struct buf noisy = BUF_INIT;

			assert_int_equal(0, buf_append(&noisy, log.data, cut, &e));
			memset(noisy.data + cut - 400, 0x5A, 400);
			put(wal, noisy.data, noisy.len);
		}
		db = open_db();
		t = tally_of(db);
		assert_true(t.n >= last.n || noise);
		assert_int_equal(t.ended, t.lines);
		assert_true(t.open <= 1);
		if (t.n > last.n)
			last = t;
		fleet_db_close(db);
	}
	assert_int_equal(5, t.n);
	assert_int_equal(5, t.ended);
}

/* ---- writes that fail ---- */

/* The VFS of SQLite, but of its writes only so many succeed. Files of different kinds have different
 * tables of methods; all of them write alike. */
static struct {
	const sqlite3_io_methods *theirs;
	sqlite3_io_methods ours;
} methods[8];
static size_t n_methods;
static sqlite3_vfs full_vfs, *unix_vfs;
static int writes_left = -1; /* -1: any number */

static int limited_write(sqlite3_file *f, const void *data, int len, sqlite3_int64 at)
{
	if (writes_left == 0)
		return SQLITE_FULL;
	if (writes_left > 0)
		writes_left--;
	return methods[0].theirs->xWrite(f, data, len, at);
}

static int limited_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *ret)
{
	int rc = unix_vfs->xOpen(vfs, name, f, flags, ret);
	size_t i = 0;

	if (rc != SQLITE_OK || f->pMethods == NULL)
		return rc;
	while (i < n_methods && methods[i].theirs != f->pMethods)
		i++;
	assert_true(i < sizeof(methods) / sizeof(methods[0]));
	if (i == n_methods) {
		methods[i].theirs = f->pMethods;
		methods[i].ours = *f->pMethods;
		methods[i].ours.xWrite = limited_write;
		n_methods++;
	}
	assert_ptr_equal(methods[0].theirs->xWrite, methods[i].theirs->xWrite);
	f->pMethods = &methods[i].ours;
	return rc;
}

static int remove_limits(void **state)
{
	writes_left = -1;
	sqlite3_vfs_unregister(&full_vfs);
	return teardown(state);
}

static void test_fleet_db_file__a_disk_that_fills_up_changes_nothing(void **state)
{
	struct fleet_db *db;
	struct err e = ERR_INIT;
	struct tally before, after;
	int good = 0, failed = 0;

	(void)state;
	unix_vfs = sqlite3_vfs_find(NULL);
	full_vfs = *unix_vfs;
	full_vfs.zName = "full";
	full_vfs.xOpen = limited_open;
	full_vfs.pNext = NULL;
	assert_int_equal(SQLITE_OK, sqlite3_vfs_register(&full_vfs, 1));
	for (int limit = 0; limit < 30; limit++) {
		int rc;

		db = open_db();
		before = tally_of(db);
		writes_left = limit;
		rc = run_one(db, "lamp", &e);
		writes_left = -1;
		after = tally_of(db);
		assert_int_equal(after.ended, after.lines);
		if (rc == 0) {
			assert_int_equal(before.ended + 1, after.ended);
			assert_null(fleet_db_why_read_only(db));
			good++;
		} else {
			assert_int_equal(ERR_IO, rc);
			assert_non_null(strstr(e.msg, "the disk is full"));
			assert_int_equal(before.ended, after.ended);
			assert_string_equal("the disk is full", fleet_db_why_read_only(db));
			/* Nothing more is begun; what is known is still told. */
			assert_int_equal(ERR_IO, run_one(db, "lamp", &e));
			assert_int_equal(after.n, tally_of(db).n);
			failed++;
		}
		fleet_db_close(db);
	}
	assert_true(good > 0 && failed > 1);
}

/* Runs `fn` where `folder` is a small disk of its own; skips where nothing can be mounted. */
static void on_a_small_disk(int (*fn)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (unshare(CLONE_NEWNS | (geteuid() != 0 ? CLONE_NEWUSER : 0)) < 0 ||
			mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
			mount("tmpfs", folder, "tmpfs", 0, "size=3m") < 0)
			_exit(77);
		_exit(fn());
	}
	assert_int_equal(pid, waitpid(pid, &status, 0));
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77) {
		print_message("SKIP: file systems cannot be mounted here\n");
		skip();
	}
	if (WEXITSTATUS(status) != 0)
		fail_msg("line %d", 3 * WEXITSTATUS(status));
}

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return __LINE__ / 3; /* a status has 8 bits */                             \
	} while (0)

static int fill_disk(void)
{
	char big[112];
	static const char zeros[65536];
	FILE *f;

	snprintf(big, sizeof(big), "%s/big", folder);
	f = fopen(big, "w");
	while (f != NULL && fwrite(zeros, 1, sizeof(zeros), f) == sizeof(zeros))
		;
	return f != NULL ? fclose(f) : 0;
}

/* The process that wrote is killed: its log and shared memory stay. */
static int write_and_die(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct fleet_db *db = NULL;

		_exit(fleet_db_open(path, false, &db, NULL) < 0 || run_one(db, "lamp", NULL) < 0);
	}
	return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

static int full_disk(void)
{
	struct fleet_db *db = NULL;
	struct err e = ERR_INIT;

	CHECK(write_and_die() == 0);
	fill_disk();
	CHECK(fleet_db_open(path, false, &db, &e) == 0);
	CHECK(fleet_db_why_read_only(db) != NULL);
	CHECK(strcmp(fleet_db_why_read_only(db), "the disk is full") == 0);
	CHECK(strcmp(fleet_db_disk(db), "the disk is full") == 0);
	CHECK(tally_of(db).ended == 1);
	CHECK(run_one(db, "lamp", &e) == ERR_IO);
	CHECK(strstr(e.msg, "full") != NULL);
	fleet_db_close(db);
	/* A reader needs no room either. */
	CHECK(fleet_db_open(path, true, &db, &e) == 0);
	CHECK(tally_of(db).ended == 1);
	fleet_db_close(db);
	return 0;
}

static int read_only_disk(void)
{
	for (int wanted = 0; wanted < 3; wanted++) {
		struct fleet_db *db = NULL;
		struct err e = ERR_INIT;
		char shm[112];

		/* Closed in good order; killed; killed, and without the file of shared memory. */
		CHECK(mount("tmpfs", folder, NULL, MS_REMOUNT, "size=3m") == 0);
		if (wanted == 0) {
			CHECK(fleet_db_open(path, false, &db, &e) == 0);
			CHECK(run_one(db, "lamp", &e) == 0);
			fleet_db_close(db);
		} else {
			CHECK(write_and_die() == 0);
		}
		snprintf(shm, sizeof(shm), "%s-shm", path);
		if (wanted == 2)
			CHECK(unlink(shm) == 0);
		CHECK(mount("tmpfs", folder, NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0);
		for (int as_reader = 0; as_reader < 2; as_reader++) {
			CHECK(fleet_db_open(path, as_reader == 1, &db, &e) == 0);
			CHECK(fleet_db_why_read_only(db) != NULL);
			CHECK(as_reader == 1 || strcmp(fleet_db_why_read_only(db),
							"the file system is read-only") == 0);
			CHECK(strcmp(fleet_db_disk(db), "the file system is read-only") == 0);
			CHECK(tally_of(db).ended == 1 + wanted);
			CHECK(run_one(db, "lamp", &e) == ERR_IO);
			CHECK(fleet_db_lock(db, &e) == ERR_IO);
			fleet_db_close(db);
		}
	}
	return 0;
}

static void test_fleet_db_file__a_full_disk_is_read(void **state)
{
	(void)state;
	on_a_small_disk(full_disk);
}

static void test_fleet_db_file__a_read_only_disk_is_read(void **state)
{
	(void)state;
	on_a_small_disk(read_only_disk);
}

static void test_fleet_db_file__a_reader_makes_nothing(void **state)
{
	struct fleet_db *db = NULL;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(ERR_IO, fleet_db_open(path, true, &db, &e));
	assert_non_null(strstr(e.hint, "stmota update"));
	assert_false(fs_exists(path));
	fleet_db_close(open_db());
	assert_int_equal(0, fleet_db_open(path, true, &db, &e));
	assert_string_equal("it was opened for reading", fleet_db_why_read_only(db));
	assert_null(fleet_db_disk(db));
	assert_int_equal(ERR_IO, run_one(db, "lamp", &e));
	assert_int_equal(ERR_IO, fleet_db_halt(db, "r2", "why", 1, &e));
	assert_int_equal(0, tally_of(db).n);
	fleet_db_close(db);
}

/* A receiver that never comes back does not fill the disk; what was dropped is counted. */
static void test_fleet_db_file__the_outbox_is_bounded(void **state)
{
	cleanup_buf struct buf dropped = BUF_INIT;
	struct fleet_db *db = open_db();
	struct fleet_report oldest;
	struct err e = ERR_INIT;
	uint64_t n = 0;
	size_t got = 0;

	(void)state;
	assert_int_equal(
		0, db_run(db, &e,
			   "WITH RECURSIVE i (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i"
			   " WHERE n < 20000) INSERT INTO outbox (dest, body, created)"
			   " SELECT 'report', 'line ' || n, 1 FROM i",
			   ""));
	assert_int_equal(0, fleet_db_outbox_add(db, "hawkbit:lamp", "other", 2, &e));
	assert_int_equal(0, fleet_db_note_get(db, "outbox", "report", &dropped, &e));
	for (int i = 0; i < 3; i++)
		assert_int_equal(0, fleet_db_outbox_add(db, "report", "new", 2, &e));
	assert_int_equal(0, fleet_db_outbox_count(db, "report", &n, &e));
	assert_int_equal(20000, n);
	assert_int_equal(0, fleet_db_outbox_peek(db, "report", &oldest, 1, &got, &e));
	assert_string_equal("line 4", oldest.body);
	fleet_report_done(&oldest);
	assert_int_equal(0, fleet_db_outbox_count(db, "hawkbit:lamp", &n, &e));
	assert_int_equal(1, n);
	assert_int_equal(1, fleet_db_note_get(db, "outbox", "report", &dropped, &e));
	assert_int_equal(1, dropped.len);
	assert_int_equal('3', dropped.data[0]);
	fleet_db_close(db);
}

/* ---- damage ---- */

static void expect_damaged(const char *what)
{
	for (int read_only = 0; read_only < 2; read_only++) {
		struct fleet_db *db = NULL;
		struct err e = ERR_INIT;
		int rc = fleet_db_open(path, read_only == 1, &db, &e);

		if (rc != ERR_DAMAGED)
			fail_msg("%s: %d %s", what, rc, e.msg);
		assert_non_null(strstr(e.msg, path));
		assert_non_null(strstr(e.hint, "counters"));
		assert_null(db);
	}
}

static void make_full(struct buf *ret)
{
	struct fleet_db *db = open_db();
	struct err e = ERR_INIT;
	char name[16];

	for (int i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "lamp-%d", i);
		assert_int_equal(0, run_one(db, name, &e));
	}
	fleet_db_close(db);
	get(path, ret);
}

static void test_fleet_db_file__damage_is_told(void **state)
{
	cleanup_buf struct buf good = BUF_INIT;
	uint8_t was;

	(void)state;
	make_full(&good);
	put(path, "gateway,device\nthis is no database, but long enough to have a header\n", 70);
	expect_damaged("a text");
	put(path, good.data, good.len / 2);
	expect_damaged("half of it");
	put(path, good.data, good.len - 4096);
	expect_damaged("without its last page");
	was = good.data[3];
	good.data[3] ^= 1;
	put(path, good.data, good.len);
	expect_damaged("one bit of the header");
	good.data[3] = was;
	memset(good.data + good.len / 2 / 4096 * 4096, 0xFF, 4096);
	put(path, good.data, good.len);
	expect_damaged("one page erased");
}

static int see_device(void *ctx, const struct fleet_known *k, struct err *e)
{
	(void)ctx;
	(void)k;
	(void)e;
	return 0;
}

/* Any bit may flip: it is told or it does no harm; nothing crashes. */
static void test_fleet_db_file__flipped_bits_do_no_harm(void **state)
{
	cleanup_buf struct buf good = BUF_INIT;
	unsigned told = 0, rounds = 0;
	uint32_t x = 12345;

	(void)state;
	make_full(&good);
	for (rounds = 0; rounds < 120; rounds++) {
		struct fleet_db *db = NULL;
		struct err e = ERR_INIT;
		struct tally t = {0};
		size_t at;
		int rc;

		x = x * 1664525 + 1013904223;
		at = rounds < 40 ? rounds * 3 : x % good.len;
		good.data[at] ^= (uint8_t)(1u << (x >> 29));
		put(path, good.data, good.len);
		rc = fleet_db_open(path, true, &db, &e);
		if (rc == 0)
			rc = fleet_db_each_device(db, see_device, NULL, &e);
		if (rc == 0)
			rc = fleet_db_each_attempt(db, NULL, 0, count_attempt, &t, &e);
		if (rc < 0 && rc != ERR_DAMAGED && rc != ERR_UNSUPPORTED && rc != ERR_IO)
			fail_msg("bit at %zu: %d %s", at, rc, e.msg);
		told += rc < 0;
		fleet_db_close(db);
		good.data[at] ^= (uint8_t)(1u << (x >> 29));
	}
	assert_true(told > 10);
}

/* ---- other schemas ---- */

static void sql(const char *text)
{
	sqlite3 *s = NULL;
	char *why = NULL;

	assert_int_equal(SQLITE_OK, sqlite3_open(path, &s));
	if (sqlite3_exec(s, text, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s", why);
	sqlite3_close(s);
}

static void test_fleet_db_file__a_newer_schema_is_left_alone(void **state)
{
	cleanup_buf struct buf before = BUF_INIT, after = BUF_INIT;
	struct fleet_db *db = NULL;
	struct err e = ERR_INIT;

	(void)state;
	fleet_db_close(open_db());
	sql("PRAGMA user_version = 99; CREATE TABLE later (x)");
	get(path, &before);
	for (int read_only = 0; read_only < 2; read_only++) {
		assert_int_equal(ERR_UNSUPPORTED, fleet_db_open(path, read_only == 1, &db, &e));
		assert_non_null(strstr(e.msg, "newer stmota"));
	}
	get(path, &after);
	assert_int_equal(before.len, after.len);
	assert_memory_equal(before.data, after.data, before.len);
}

static void test_fleet_db_file__another_programs_database_is_left_alone(void **state)
{
	struct fleet_db *db = NULL;
	struct err e = ERR_INIT;

	(void)state;
	sql("CREATE TABLE moz_places (id INTEGER PRIMARY KEY, url TEXT)");
	for (int read_only = 0; read_only < 2; read_only++) {
		assert_int_equal(ERR_DAMAGED, fleet_db_open(path, read_only == 1, &db, &e));
		assert_non_null(strstr(e.msg, "another program"));
	}
	sql("INSERT INTO moz_places VALUES (1, 'still there')");
}

/* Files as every released version made them are read for ever: data/fleet_v<N>.sql. */
static void test_fleet_db_file__older_schemas_become_newer(void **state)
{
	const char *data = getenv("STMOTA_TEST_DATA");

	(void)state;
	assert_non_null(data);
	for (int version = 1; version <= db_schema_version; version++) {
		for (int read_only = 1; read_only >= 0; read_only--) {
			cleanup_buf struct buf text = BUF_INIT;
			struct fleet_db *db = NULL;
			struct fleet_known k;
			struct fleet_counts c;
			struct err e = ERR_INIT;
			char name[256], why[64] = "";
			int now = 0;

			snprintf(name, sizeof(name), "%s/fleet_v%d.sql", data, version);
			get(name, &text);
			assert_int_equal(0, buf_append(&text, "", 1, NULL));
			if (read_only == 1)
				sql((const char *)text.data);
			if (fleet_db_open(path, read_only == 1, &db, &e) < 0)
				fail_msg("%s", e.msg);
			assert_int_equal(0, db_schema_of(db, &now, &e));
			assert_int_equal(db_schema_version, now);
			assert_string_equal("0123456789abcdef0123456789abcdef", fleet_db_id(db));
			assert_int_equal(0, fleet_db_device(db, "lamp-1", &k, &e));
			assert_int_equal(2, k.version.major);
			assert_int_equal(5, k.counter);
			assert_int_equal(6, k.highest_counter);
			assert_true(k.has_image && k.has_healthy);
			assert_int_equal(3, tally_of(db).n);
			assert_int_equal(1, tally_of(db).lines);
			assert_int_equal(0, fleet_db_counts(db, "r2", &c, &e));
			assert_int_equal(1, c.ok);
			assert_int_equal(1, c.failed);
			assert_int_equal(1, c.canaries_ok);
			assert_int_equal(1, fleet_db_halted(db, "r2", why, sizeof(why), &e));
			assert_string_equal("lamp-2 is silent", why);
			fleet_db_close(db);
		}
		unlink(path);
	}
}

static void test_fleet_db_file__a_step_is_whole_or_not_at_all(void **state)
{
	const char *steps[10];
	struct fleet_db *db = open_db();
	struct err e = ERR_INIT;
	int version = 0, n = db_schema_version;

	(void)state;
	assert_in_range(n, 1, 8);
	memcpy(steps, db_schema, sizeof(steps[0]) * (size_t)n);
	steps[n] = "CREATE TABLE more (x); INSERT INTO more VALUES (7);";
	steps[n + 1] = "CREATE TABLE third (x); INSERT INTO nowhere VALUES (1);";
	assert_int_equal(0, db_migrate(db, steps, n + 1, &e));
	assert_int_equal(0, db_schema_of(db, &version, &e));
	assert_int_equal(n + 1, version);
	assert_int_equal(0, db_run(db, &e, "UPDATE more SET x = x + 1", ""));
	assert_true(db_migrate(db, steps, n + 2, &e) < 0);
	assert_int_equal(0, db_schema_of(db, &version, &e));
	assert_int_equal(n + 1, version);
	assert_true(db_run(db, &e, "INSERT INTO third VALUES (1)", "") < 0);
	assert_int_equal(0, run_one(db, "lamp", &e));
	fleet_db_close(db);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_fleet_db_file__##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_killed_writer_loses_nothing),
		TEST(a_power_cut_leaves_before_or_after),
		cmocka_unit_test_setup_teardown(
			test_fleet_db_file__a_disk_that_fills_up_changes_nothing, setup,
			remove_limits),
		TEST(a_full_disk_is_read),
		TEST(a_read_only_disk_is_read),
		TEST(a_reader_makes_nothing),
		TEST(the_outbox_is_bounded),
		TEST(damage_is_told),
		TEST(flipped_bits_do_no_harm),
		TEST(a_newer_schema_is_left_alone),
		TEST(another_programs_database_is_left_alone),
		TEST(older_schemas_become_newer),
		TEST(a_step_is_whole_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
