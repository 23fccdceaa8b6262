/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_fleet_db.c - what a gateway remembers of its fleet
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include <jansson.h>

#include <stmota/fleet_db.h>
#include <stmota/fs.h>

static char folder[64], path[96];

static const uint8_t PACKAGE[SHA256_SIZE] = {1, 2, 3}, OTHER[SHA256_SIZE] = {9};
static const uint8_t IMAGE[SHA256_SIZE] = {0xAA, 0xBB};

static int setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/stmota-test-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/fleet.db", folder);
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
	assert_null(fleet_db_why_read_only(db));
	return db;
}

static void ok(int rc, const struct err *e)
{
	if (rc < 0)
		fail_msg("%s", e->msg);
}

static struct fleet_attempt attempt_of(const char *device, uint64_t started)
{
	struct fleet_attempt a = {.version = {1, 2, 3, 4}, .counter = 7, .started = started};

	snprintf(a.device, sizeof(a.device), "%s", device);
	snprintf(a.rollout, sizeof(a.rollout), "r2");
	snprintf(a.source, sizeof(a.source), "channel");
	memcpy(a.package, PACKAGE, SHA256_SIZE);
	return a;
}

/* Begins and ends; the rest of the ending as given. */
static int64_t run_one(
	struct fleet_db *db, struct fleet_attempt a, struct fleet_ending end, uint64_t ended)
{
	struct err e = ERR_INIT;

	ok(fleet_db_begin(db, &a, &e), &e);
	assert_true(a.id > 0);
	if (end.outcome != FLEET_OPEN)
		ok(fleet_db_end(db, a.id, &end, ended, &e), &e);
	return a.id;
}

static struct fleet_known known(struct fleet_db *db, const char *name)
{
	struct fleet_known k;
	struct err e = ERR_INIT;

	ok(fleet_db_device(db, name, &k, &e), &e);
	return k;
}

/* ---- devices and attempts ---- */

static void test_fleet_db__unknown_device_is_empty(void **state)
{
	struct fleet_db *db = open_db();
	struct fleet_known k = known(db, "lamp-1");

	(void)state;
	assert_string_equal("lamp-1", k.name);
	assert_false(k.has_version || k.has_image || k.has_package || k.has_healthy);
	assert_int_equal(0, k.seen);
	assert_int_equal(0, k.highest_counter);
	fleet_db_close(db);
}

static int see_image(void *ctx, const struct fleet_attempt *a, struct err *e)
{
	(void)ctx;
	(void)e;
	assert_true(a->has_image && a->confirmed);
	assert_memory_equal(IMAGE, a->image, SHA256_SIZE);
	return 0;
}

static void test_fleet_db__success_is_remembered(void **state)
{
	struct fleet_db *db = open_db();
	struct fleet_ending end = {.outcome = FLEET_OK,
		.text = "healthy after 3 s",
		.uid = "0102030405060708090a0b0c",
		.has_image = true,
		.confirmed = true};
	struct fleet_known k;

	(void)state;
	memcpy(end.image, IMAGE, SHA256_SIZE);
	run_one(db, attempt_of("lamp-1", 1000), end, 1010);
	fleet_db_close(db);

	db = open_db();
	k = known(db, "lamp-1");
	assert_true(k.has_version);
	assert_int_equal(0, imf_version_compare(k.version, (struct imf_version){1, 2, 3, 4}));
	assert_int_equal(7, k.counter);
	assert_int_equal(7, k.highest_counter);
	assert_true(k.has_image && k.has_package && k.has_healthy);
	assert_memory_equal(IMAGE, k.image, SHA256_SIZE);
	assert_memory_equal(PACKAGE, k.healthy, SHA256_SIZE);
	assert_string_equal("0102030405060708090a0b0c", k.uid);
	assert_int_equal(1000, k.tried);
	assert_int_equal(1010, k.seen);
	assert_int_equal(FLEET_OK, k.last);
	assert_string_equal("healthy after 3 s", k.text);
	ok(fleet_db_each_attempt(db, NULL, 0, see_image, NULL, &(struct err){0}),
		&(struct err){.msg = "the image"});
	fleet_db_close(db);
}

/* Version and counter are those that were proved; a failure takes nothing away and adds nothing. */
static void test_fleet_db__failures_do_not_change_the_version(void **state)
{
	static const enum fleet_outcome all[] = {FLEET_FAILED, FLEET_UNHEALTHY, FLEET_ROLLED_BACK,
		FLEET_REFUSED, FLEET_UNREACHABLE, FLEET_INTERRUPTED};
	struct fleet_db *db = open_db();
	struct fleet_known k;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct fleet_ending first = {.outcome = FLEET_OK, .has_image = true};
		struct fleet_attempt a = attempt_of("lamp-1", 2000 + i);
		struct fleet_ending end = {.outcome = all[i], .error = ERR_TIMEOUT, .text = "no"};

		run_one(db, attempt_of("lamp-1", 1000), first, 1010);
		a.version.major = 2;
		a.counter = 8;
		memcpy(a.package, OTHER, SHA256_SIZE);
		run_one(db, a, end, 2100);
		k = known(db, "lamp-1");
		/* What is in doubt is nobody's version. */
		assert_int_equal(all[i] != FLEET_UNHEALTHY, k.has_version);
		assert_int_equal(all[i] != FLEET_UNHEALTHY, k.has_package);
		assert_int_equal(all[i] != FLEET_UNHEALTHY, k.has_image);
		assert_int_equal(all[i] == FLEET_UNHEALTHY ? 0 : 1, k.version.major);
		assert_int_equal(7, k.counter);
		assert_int_equal(7, k.highest_counter);
		assert_true(k.has_healthy);
		assert_memory_equal(PACKAGE, k.healthy, SHA256_SIZE);
		assert_int_equal(all[i], k.last);
		/* It was heard of again only where it answered. */
		assert_int_equal(all[i] == FLEET_ROLLED_BACK ? 2100 : 1010, k.seen);
	}
	fleet_db_close(db);
}

static void test_fleet_db__after_a_failed_delta_the_base_is_unknown(void **state)
{
	struct fleet_db *db = open_db();
	struct fleet_ending first = {.outcome = FLEET_OK, .has_image = true};
	struct fleet_ending fails = {.outcome = FLEET_FAILED, .text = "base differs"};
	struct fleet_attempt a = attempt_of("lamp-1", 2000);

	(void)state;
	run_one(db, attempt_of("lamp-1", 1000), first, 1010);
	run_one(db, a, fails, 2001);
	assert_true(known(db, "lamp-1").has_image);
	a.delta = true;
	run_one(db, a, fails, 2001);
	assert_false(known(db, "lamp-1").has_image);
	run_one(db, attempt_of("lamp-1", 1000), first, 1010);
	fails.outcome = FLEET_UNREACHABLE;
	run_one(db, a, fails, 2001);
	assert_true(known(db, "lamp-1").has_image);
	fails.outcome = FLEET_REFUSED;
	run_one(db, a, fails, 2001);
	assert_false(known(db, "lamp-1").has_image);
	fleet_db_close(db);
}

static void test_fleet_db__highest_counter_never_falls(void **state)
{
	struct fleet_db *db = open_db();
	struct fleet_ending end = {.outcome = FLEET_OK};
	struct fleet_attempt a = attempt_of("lamp-1", 1000);
	struct fleet_known k = {.name = "lamp-1", .has_version = true, .counter = 9};
	struct err e = ERR_INIT;

	(void)state;
	ok(fleet_db_learn(db, &k, 900, &e), &e);
	run_one(db, a, end, 1001);
	k = known(db, "lamp-1");
	assert_int_equal(7, k.counter);
	assert_int_equal(9, k.highest_counter);
	k.counter = 3;
	k.highest_counter = 0;
	ok(fleet_db_learn(db, &k, 900, &e), &e);
	k = known(db, "lamp-1");
	assert_int_equal(3, k.counter);
	assert_int_equal(9, k.highest_counter);
	fleet_db_close(db);
}

static void test_fleet_db__learning_keeps_what_was_not_said(void **state)
{
	struct fleet_db *db = open_db();
	struct fleet_ending end = {.outcome = FLEET_OK, .has_image = true, .confirmed = true};
	struct fleet_known k = {.name = "lamp-1", .uid = "aabb"};
	struct err e = ERR_INIT;

	(void)state;
	run_one(db, attempt_of("lamp-1", 1000), end, 1001);
	ok(fleet_db_learn(db, &k, 2000, &e), &e);
	k = known(db, "lamp-1");
	assert_string_equal("aabb", k.uid);
	assert_true(k.has_version && k.has_image && k.has_package && k.has_healthy);
	assert_int_equal(7, k.counter);
	assert_int_equal(2000, k.seen);

	/* Somebody flashed another version by hand: image and package are not those any more. */
	k = (struct fleet_known){.name = "lamp-1", .has_version = true, .version = {5, 0, 0, 0}};
	ok(fleet_db_learn(db, &k, 3000, &e), &e);
	k = known(db, "lamp-1");
	assert_int_equal(5, k.version.major);
	assert_false(k.has_image || k.has_package);
	assert_true(k.has_healthy);
	fleet_db_close(db);
}

static void test_fleet_db__an_attempt_ends_once(void **state)
{
	struct fleet_db *db = open_db();
	struct fleet_ending end = {.outcome = FLEET_OK};
	struct err e = ERR_INIT;
	int64_t id = run_one(db, attempt_of("lamp-1", 1000), end, 1001);

	(void)state;
	end.outcome = FLEET_FAILED;
	assert_int_equal(ERR_FAILED, fleet_db_end(db, id, &end, 1002, &e));
	assert_int_equal(ERR_FAILED, fleet_db_end(db, id + 1, &end, 1002, &e));
	end.outcome = FLEET_OPEN;
	assert_int_equal(ERR_FAILED, fleet_db_end(db, id, &end, 1002, &e));
	assert_int_equal(FLEET_OK, known(db, "lamp-1").last);
	fleet_db_close(db);
}

static void test_fleet_db__recover_ends_what_is_open(void **state)
{
	struct fleet_db *db = open_db();
	struct fleet_ending open = {.outcome = FLEET_OPEN}, good = {.outcome = FLEET_OK};
	struct fleet_counts c;
	struct fleet_tries t;
	struct err e = ERR_INIT;
	size_t n = 99;

	(void)state;
	run_one(db, attempt_of("lamp-1", 1000), open, 0);
	run_one(db, attempt_of("lamp-2", 1000), good, 1001);
	run_one(db, attempt_of("lamp-3", 1000), open, 0);
	ok(fleet_db_counts(db, "r2", &c, &e), &e);
	assert_int_equal(2, c.open);
	ok(fleet_db_recover(db, 3000, &n, &e), &e);
	assert_int_equal(2, n);
	assert_int_equal(FLEET_INTERRUPTED, known(db, "lamp-1").last);
	assert_int_equal(FLEET_OK, known(db, "lamp-2").last);
	ok(fleet_db_counts(db, "r2", &c, &e), &e);
	assert_int_equal(0, c.open);
	assert_int_equal(0, c.failed);
	assert_int_equal(1, c.ok);
	/* But it was an attempt. */
	ok(fleet_db_tries(db, "lamp-1", PACKAGE, &t, &e), &e);
	assert_int_equal(1, t.n);
	assert_int_equal(FLEET_INTERRUPTED, t.last_outcome);
	ok(fleet_db_recover(db, 3000, &n, &e), &e);
	assert_int_equal(0, n);
	fleet_db_close(db);
}

static void test_fleet_db__tries_are_of_one_package(void **state)
{
	struct fleet_db *db = open_db();
	struct fleet_ending bad = {.outcome = FLEET_UNREACHABLE}, good = {.outcome = FLEET_OK};
	struct fleet_attempt a = attempt_of("lamp-1", 1000);
	struct fleet_tries t;
	struct err e = ERR_INIT;

	(void)state;
	ok(fleet_db_tries(db, "lamp-1", PACKAGE, &t, &e), &e);
	assert_int_equal(0, t.n);
	assert_int_equal(0, t.last);
	for (uint64_t i = 0; i < 3; i++) {
		a.started = 1000 + 100 * i;
		run_one(db, a, bad, a.started + 1);
	}
	memcpy(a.package, OTHER, SHA256_SIZE);
	a.started = 5000;
	run_one(db, a, bad, 5001);
	ok(fleet_db_tries(db, "lamp-1", PACKAGE, &t, &e), &e);
	assert_int_equal(3, t.n);
	assert_int_equal(1200, t.last);
	assert_int_equal(FLEET_UNREACHABLE, t.last_outcome);
	ok(fleet_db_tries(db, "lamp-2", PACKAGE, &t, &e), &e);
	assert_int_equal(0, t.n);
	run_one(db, attempt_of("lamp-1", 6000), good, 6001);
	ok(fleet_db_tries(db, "lamp-1", PACKAGE, &t, &e), &e);
	assert_int_equal(0, t.n);
	fleet_db_close(db);
}

static void test_fleet_db__counts_are_of_devices(void **state)
{
	struct fleet_db *db = open_db();
	struct fleet_ending bad = {.outcome = FLEET_FAILED}, good = {.outcome = FLEET_OK};
	struct fleet_ending there = {.outcome = FLEET_ALREADY};
	struct fleet_device lamps[2] = {{.name = "lamp-2"}, {.name = "lamp-1", .excused = true}};
	struct fleet_attempt a = attempt_of("canary-1", 1000);
	struct fleet_counts c;
	struct err e = ERR_INIT;

	(void)state;
	a.canary = true;
	run_one(db, a, there, 1001); /* it holds it; whether it is well nobody saw */
	ok(fleet_db_counts(db, "r2", &c, &e), &e);
	assert_int_equal(1, c.ok);
	assert_int_equal(0, c.canaries_ok);
	there.confirmed = true;
	run_one(db, a, there, 1001);
	run_one(db, a, there, 1001);
	run_one(db, attempt_of("lamp-1", 1000), bad, 1001);
	run_one(db, attempt_of("lamp-1", 1100), bad, 1101);
	run_one(db, attempt_of("lamp-2", 1000), bad, 1001);
	run_one(db, attempt_of("lamp-2", 1000), good, 1001); /* made good */
	ok(fleet_db_counts(db, "r2", &c, &e), &e);
	assert_int_equal(2, c.ok);
	assert_int_equal(1, c.failed);
	assert_int_equal(1, c.canaries_ok);
	/* A device that is known to be dark is no failure; what it has is a success. */
	fleet_db_set_fleet(db, &(struct fleet){.devices = lamps, .n = 2});
	ok(fleet_db_counts(db, "r2", &c, &e), &e);
	assert_int_equal(2, c.ok);
	assert_int_equal(0, c.failed);
	fleet_db_set_fleet(db, NULL);
	ok(fleet_db_counts(db, "r3", &c, &e), &e);
	assert_int_equal(0, c.ok + c.failed + c.open + c.canaries_ok);
	fleet_db_close(db);
}

/* ---- halts ---- */

static void test_fleet_db__halt_and_resume(void **state)
{
	struct fleet_db *db = open_db();
	struct fleet_ending bad = {.outcome = FLEET_UNHEALTHY};
	struct fleet_counts c;
	struct err e = ERR_INIT;
	char why[64] = "";

	(void)state;
	run_one(db, attempt_of("lamp-1", 1000), bad, 1001);
	assert_int_equal(0, fleet_db_halted(db, "r2", why, sizeof(why), &e));
	assert_int_equal(ERR_USAGE, fleet_db_resume(db, "r2", 1500, &e));
	ok(fleet_db_halt(db, "r2", "the canary is silent", 1200, &e), &e);
	ok(fleet_db_halt(db, "r2", "another reason", 1300, &e), &e);
	fleet_db_close(db);

	db = open_db();
	assert_int_equal(1, fleet_db_halted(db, "r2", why, sizeof(why), &e));
	assert_string_equal("the canary is silent", why);
	assert_int_equal(0, fleet_db_halted(db, "r3", why, sizeof(why), &e));
	ok(fleet_db_resume(db, "r2", 1500, &e), &e);
	assert_int_equal(0, fleet_db_halted(db, "r2", why, sizeof(why), &e));
	/* Who resumed it knew of that failure: it does not halt it again. */
	ok(fleet_db_counts(db, "r2", &c, &e), &e);
	assert_int_equal(0, c.failed);
	run_one(db, attempt_of("lamp-1", 2000), bad, 2001);
	ok(fleet_db_counts(db, "r2", &c, &e), &e);
	assert_int_equal(1, c.failed);
	ok(fleet_db_halt(db, "r2", "again", 2002, &e), &e);
	assert_int_equal(1, fleet_db_halted(db, "r2", why, sizeof(why), &e));
	assert_string_equal("again", why);
	fleet_db_close(db);
}

/* ---- what sources keep ---- */

static void test_fleet_db__channel_state(void **state)
{
	struct fleet_db *db = open_db();
	struct channel_state s = {.root_version = 3,
		.head_issued = 4,
		.plan_version = 5,
		.halt_version = 6,
		.time_floor = 1795000000};
	struct channel_state back = {0};
	struct err e = ERR_INIT;

	(void)state;
	ok(fleet_db_channel_load(db, "main", &back, &e), &e);
	assert_int_equal(0, back.root.len);
	assert_int_equal(0, back.time_floor);
	assert_int_equal(0, buf_append(&s.root, "root\0file", 9, NULL));
	memcpy(s.plan_sha256, IMAGE, SHA256_SIZE);
	ok(fleet_db_channel_save(db, "main", &s, &e), &e);
	s.plan_version = 9;
	ok(fleet_db_channel_save(db, "main", &s, &e), &e);
	fleet_db_close(db);
	db = open_db();
	ok(fleet_db_channel_load(db, "main", &back, &e), &e);
	assert_int_equal(9, back.root.len);
	assert_memory_equal("root\0file", back.root.data, 9);
	assert_int_equal(3, back.root_version);
	assert_int_equal(4, back.head_issued);
	assert_int_equal(9, back.plan_version);
	assert_int_equal(6, back.halt_version);
	assert_int_equal(1795000000, back.time_floor);
	assert_memory_equal(IMAGE, back.plan_sha256, SHA256_SIZE);
	channel_state_done(&back);
	back = (struct channel_state){0};
	ok(fleet_db_channel_load(db, "other", &back, &e), &e);
	assert_int_equal(0, back.root.len);
	s.plan_version = UINT64_MAX;
	assert_int_equal(ERR_FORMAT, fleet_db_channel_save(db, "main", &s, &e));
	channel_state_done(&s);
	fleet_db_close(db);
}

static void test_fleet_db__notes(void **state)
{
	struct fleet_db *db = open_db();
	cleanup_buf struct buf b = BUF_INIT;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(0, fleet_db_note_get(db, "hawkbit:lamp-1", "action", &b, &e));
	ok(fleet_db_note_set(db, "hawkbit:lamp-1", "action", "17", 2, &e), &e);
	ok(fleet_db_note_set(db, "hawkbit:lamp-1", "action", "1\0008", 3, &e), &e);
	ok(fleet_db_note_set(db, "hawkbit:lamp-2", "action", "", 0, &e), &e);
	assert_int_equal(1, fleet_db_note_get(db, "hawkbit:lamp-1", "action", &b, &e));
	assert_int_equal(3, b.len);
	assert_memory_equal("1\0008", b.data, 3);
	assert_int_equal(1, fleet_db_note_get(db, "hawkbit:lamp-2", "action", &b, &e));
	assert_int_equal(3, b.len);
	ok(fleet_db_note_set(db, "hawkbit:lamp-1", "action", NULL, 0, &e), &e);
	assert_int_equal(0, fleet_db_note_get(db, "hawkbit:lamp-1", "action", &b, &e));
	assert_int_equal(1, fleet_db_note_get(db, "hawkbit:lamp-2", "action", &b, &e));
	fleet_db_close(db);
}

/* ---- the outbox ---- */

static void test_fleet_db__outbox_keeps_order_and_receivers(void **state)
{
	struct fleet_db *db = open_db();
	struct fleet_report r[8];
	struct err e = ERR_INIT;
	uint64_t count = 0;
	size_t n = 0;
	char text[8];

	(void)state;
	for (int i = 0; i < 5; i++) {
		snprintf(text, sizeof(text), "m%d", i);
		ok(fleet_db_outbox_add(db, i % 2 == 0 ? "even" : "odd", text, 100, &e), &e);
	}
	fleet_db_close(db);
	db = open_db();
	ok(fleet_db_outbox_peek(db, "even", r, 2, &n, &e), &e);
	assert_int_equal(2, n);
	assert_string_equal("m0", r[0].body);
	assert_string_equal("m2", r[1].body);
	ok(fleet_db_outbox_done(db, r[1].id, "even", &e), &e);
	for (size_t i = 0; i < n; i++)
		fleet_report_done(&r[i]);
	ok(fleet_db_outbox_peek(db, "even", r, 8, &n, &e), &e);
	assert_int_equal(1, n);
	assert_string_equal("m4", r[0].body);
	fleet_report_done(&r[0]);
	ok(fleet_db_outbox_count(db, "odd", &count, &e), &e);
	assert_int_equal(2, count);
	ok(fleet_db_outbox_count(db, NULL, &count, &e), &e);
	assert_int_equal(3, count);
	fleet_db_close(db);
}

static void check_line(const struct fleet_report *r, const char *outcome, const char *device_id)
{
	json_t *j = json_loads(r->body, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(j);
	assert_null(strchr(r->body, '\n'));
	assert_int_equal(1, json_integer_value(json_object_get(j, "schema")));
	assert_string_equal("gw-7", json_string_value(json_object_get(j, "gateway")));
	assert_string_equal(device_id, json_string_value(json_object_get(j, "device_id")));
	assert_string_equal(outcome, json_string_value(json_object_get(j, "outcome")));
	assert_string_equal("1.2.3+4", json_string_value(json_object_get(j, "version")));
	json_decref(j);
}

static void test_fleet_db__each_ending_is_one_line(void **state)
{
	struct fleet_device device = {.name = "lamp-1", .id = "gw-7/lamp-1"};
	struct fleet fleet = {.gateway = "gw-7", .report = "/spool", .devices = &device, .n = 1};
	struct fleet_db *db = open_db();
	struct fleet_ending good = {.outcome = FLEET_OK, .evidence = "{\"read_back\":\"00ff\"}"};
	struct fleet_ending bad = {.outcome = FLEET_FAILED, .text = "bad \xFF byte\n\"quote\""};
	struct fleet_report r[8];
	struct err e = ERR_INIT;
	json_t *j;
	size_t n = 0;

	(void)state;
	fleet_db_set_fleet(db, &fleet);
	run_one(db, attempt_of("lamp-1", 1000), good, 1001);
	run_one(db, attempt_of("lamp-1", 1000), bad, 1001);
	ok(fleet_db_halt(db, "r2", "enough", 1002, &e), &e);
	ok(fleet_db_halt(db, "r2", "enough", 1002, &e), &e);
	ok(fleet_db_resume(db, "r2", 1003, &e), &e);
	ok(fleet_db_outbox_peek(db, "report", r, 8, &n, &e), &e);
	assert_int_equal(4, n);
	check_line(&r[0], "ok", "gw-7/lamp-1");
	check_line(&r[1], "failed", "gw-7/lamp-1");
	j = json_loads(r[0].body, 0, NULL);
	assert_string_equal("00ff",
		json_string_value(json_object_get(json_object_get(j, "evidence"), "read_back")));
	json_decref(j);
	assert_non_null(strstr(r[2].body, "\"halt\""));
	assert_non_null(strstr(r[3].body, "\"resume\""));
	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n; k++)
			assert_string_not_equal(r[i].body, r[k].body);
	for (size_t i = 0; i < n; i++)
		fleet_report_done(&r[i]);

	/* Nobody to tell: nothing is collected. */
	fleet.report = NULL;
	ok(fleet_db_outbox_done(db, INT64_MAX, "report", &e), &e);
	run_one(db, attempt_of("lamp-1", 1000), good, 1001);
	ok(fleet_db_halt(db, "r2", "enough", 1002, &e), &e);
	ok(fleet_db_outbox_peek(db, "report", r, 8, &n, &e), &e);
	assert_int_equal(0, n);
	fleet_db_close(db);
}

/* ---- lists ---- */

struct seen {
	char text[128];
	int stop_after;
};

static int note_attempt(void *ctx, const struct fleet_attempt *a, struct err *e)
{
	struct seen *s = ctx;
	size_t len = strlen(s->text);

	(void)e;
	snprintf(s->text + len, sizeof(s->text) - len, "%s@%d ", a->device, (int)a->started);
	return s->stop_after > 0 && --s->stop_after == 0 ? 1 : 0;
}

static int note_device(void *ctx, const struct fleet_known *k, struct err *e)
{
	struct seen *s = ctx;
	size_t len = strlen(s->text);

	(void)e;
	snprintf(s->text + len, sizeof(s->text) - len, "%s ", k->name);
	return 0;
}

static void test_fleet_db__lists(void **state)
{
	struct fleet_db *db = open_db();
	struct fleet_ending good = {.outcome = FLEET_OK};
	struct seen all = {{0}}, one = {{0}}, late = {{0}}, two = {.stop_after = 2}, names = {{0}};
	struct err e = ERR_INIT;

	(void)state;
	run_one(db, attempt_of("b", 10), good, 11);
	run_one(db, attempt_of("a", 20), good, 21);
	run_one(db, attempt_of("b", 30), good, 31);
	ok(fleet_db_each_attempt(db, NULL, 0, note_attempt, &all, &e), &e);
	assert_string_equal("b@30 a@20 b@10 ", all.text);
	ok(fleet_db_each_attempt(db, "b", 0, note_attempt, &one, &e), &e);
	assert_string_equal("b@30 b@10 ", one.text);
	ok(fleet_db_each_attempt(db, NULL, 20, note_attempt, &late, &e), &e);
	assert_string_equal("b@30 a@20 ", late.text);
	assert_int_equal(1, fleet_db_each_attempt(db, NULL, 0, note_attempt, &two, &e));
	assert_string_equal("b@30 a@20 ", two.text);
	ok(fleet_db_each_device(db, note_device, &names, &e), &e);
	assert_string_equal("a b ", names.text);
	fleet_db_close(db);
}

/* ---- one pass at a time ---- */

static void test_fleet_db__the_lock_names_its_holder(void **state)
{
	struct fleet_db *db = open_db(), *mine = open_db();
	struct err e = ERR_INIT;
	int go[2], stop[2], status;
	char byte, pid_text[32];
	pid_t pid;

	(void)state;
	assert_int_equal(0, pipe(go));
	assert_int_equal(0, pipe(stop));
	pid = fork();
	if (pid == 0) {
		struct fleet_db *theirs = NULL;
		int rc = fleet_db_open(path, false, &theirs, NULL);

		rc = rc == 0 ? fleet_db_lock(theirs, NULL) : rc;
		close(stop[1]);
		if (write(go[1], "x", 1) != 1 || read(stop[0], &byte, 1) < 0)
			_exit(9);
		_exit(rc == 0 ? 0 : 1); /* without closing: death releases it */
	}
	assert_int_equal(1, read(go[0], &byte, 1));
	assert_int_equal(ERR_BUSY, fleet_db_lock(db, &e));
	snprintf(pid_text, sizeof(pid_text), "(pid %ld)", (long)pid);
	assert_non_null(strstr(e.msg, pid_text));
	/* The lock is of passes only: what is known can be read and written meanwhile. */
	run_one(db, attempt_of("lamp-1", 1), (struct fleet_ending){.outcome = FLEET_OK}, 2);
	close(stop[1]);
	assert_int_equal(pid, waitpid(pid, &status, 0));
	assert_int_equal(0, status);
	ok(fleet_db_lock(db, &e), &e);
	ok(fleet_db_lock(db, &e), &e);
	assert_int_equal(ERR_BUSY, fleet_db_lock(mine, &e));
	fleet_db_close(db);
	ok(fleet_db_lock(mine, &e), &e);
	fleet_db_close(mine);
	close(go[0]);
	close(go[1]);
	close(stop[0]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_fleet_db__##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unknown_device_is_empty),
		TEST(success_is_remembered),
		TEST(failures_do_not_change_the_version),
		TEST(after_a_failed_delta_the_base_is_unknown),
		TEST(highest_counter_never_falls),
		TEST(learning_keeps_what_was_not_said),
		TEST(an_attempt_ends_once),
		TEST(recover_ends_what_is_open),
		TEST(tries_are_of_one_package),
		TEST(counts_are_of_devices),
		TEST(halt_and_resume),
		TEST(channel_state),
		TEST(notes),
		TEST(outbox_keeps_order_and_receivers),
		TEST(each_ending_is_one_line),
		TEST(lists),
		TEST(the_lock_names_its_holder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
