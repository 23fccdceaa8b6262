/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source.c - hawkBit as the source of a pass: what a fleet is told, and what the server hears of it
 *
 * A pass is killed by leaving the source without another word: what it knew is in the database.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/bytes.h>
#include <stmota/fs.h>
#include <stmota/update_source.h>

#include "operator.h"

#define LAMPS 3

static struct {
	struct operator op;
	char dir[64], db_path[100], token[100];
	struct fleet fleet;
	struct fleet_device lamps[LAMPS];
	struct fleet_db *db;
	struct config *config;
	struct update_source *source;
	struct update_source_request rq;
	json_int_t set;
	uint64_t now;
	struct update_offer offer;
	char why[160];
	struct err e;
} t;

/* ---- a pass, by hand ---- */

static void leave(void)
{
	if (t.source != NULL)
		t.source->ops->free(t.source);
	t.source = NULL;
}

/* A new process: only the database remembers. */
static int begin(void)
{
	leave();
	fleet_db_close(t.db);
	t.e = ERR_INIT;
	assert_int_equal(fleet_db_open(t.db_path, false, &t.db, &t.e), 0);
	t.now += 600;
	t.rq = (struct update_source_request){.fleet = &t.fleet,
		.db = t.db,
		.config = t.config,
		.fetch = &t.op.fetch,
		.now = t.now};
	if (update_source_hawkbit(&t.rq, &t.source, &t.e) < 0)
		fail_msg("%s", t.e.msg);
	return t.source->ops->refresh(t.source, &t.e);
}

static void begin_ok(void)
{
	if (begin() < 0)
		fail_msg("%s", t.e.msg);
}

static enum update_wish wish(size_t i)
{
	struct fleet_known k = {0};

	return t.source->ops->wish(t.source, &t.lamps[i], &k, &t.offer, t.why);
}

static int64_t start(size_t i)
{
	struct fleet_attempt a = {.source = "hawkbit", .started = t.now};

	snprintf(a.device, sizeof(a.device), "%s", t.lamps[i].name);
	snprintf(a.rollout, sizeof(a.rollout), "%s", t.offer.rollout);
	memcpy(a.package, t.offer.package, SHA256_SIZE);
	assert_int_equal(fleet_db_begin(t.db, &a, &t.e), 0);
	t.source->ops->started(t.source, &t.lamps[i], &t.offer);
	return a.id;
}

static struct fleet_ending ending(enum fleet_outcome o)
{
	return (struct fleet_ending){
		.outcome = o, .text = "as the test says", .confirmed = o == FLEET_OK};
}

static void end_quietly(int64_t id, enum fleet_outcome o)
{
	const struct fleet_ending end = ending(o);

	assert_int_equal(fleet_db_end(t.db, id, &end, t.now, &t.e), 0);
}

static void end(size_t i, int64_t id, enum fleet_outcome o)
{
	const struct fleet_ending x = ending(o);

	end_quietly(id, o);
	t.source->ops->ended(t.source, &t.lamps[i], &t.offer, &x);
}

/* ---- what the server knows ---- */

static json_t *newest_action(const char *target)
{
	char path[100];
	json_t *all, *a;

	snprintf(path, sizeof(path), "/rest/v1/targets/%s/actions", target);
	all = operator_tell(&t.op, "GET", path, NULL);
	a = json_object_get(all, "content");
	a = json_array_get(a, json_array_size(a) - 1);
	assert_non_null(a);
	json_incref(a);
	json_decref(all);
	return a;
}

static void server_has(const char *target, const char *status)
{
	json_t *a = newest_action(target);

	assert_string_equal(json_string_value(json_object_get(a, "detailStatus")), status);
	json_decref(a);
}

static void act(const char *target, const char *method)
{
	json_t *a = newest_action(target);
	char path[120];

	snprintf(path, sizeof(path), "/rest/v1/targets/%s/actions/%lld", target,
		(long long)json_integer_value(json_object_get(a, "id")));
	json_decref(a);
	json_decref(operator_tell(&t.op, method, path, NULL));
}

/* How often the server heard that word about the newest action. */
static size_t heard(const char *target, const char *word)
{
	json_t *a = newest_action(target), *all, *row;
	char path[120];
	size_t i, n = 0;

	snprintf(path, sizeof(path), "/rest/v1/targets/%s/actions/%lld/status", target,
		(long long)json_integer_value(json_object_get(a, "id")));
	json_decref(a);
	all = operator_tell(&t.op, "GET", path, NULL);
	json_array_foreach(json_object_get(all, "content"), i, row) n +=
		strcmp(json_string_value(json_object_get(row, "type")), word) == 0;
	json_decref(all);
	return n;
}

static void release(const char *version)
{
	uint8_t file[200];

	memset(file, version[2], sizeof(file));
	t.set = operator_release(&t.op, version, file, sizeof(file));
}

static void assign(size_t i, const char *type)
{
	operator_assign(&t.op, t.set, t.lamps[i].id, type);
}

/* ---- set-up ---- */

static int setup(void **state)
{
	static char pem[] = "-----BEGIN PUBLIC KEY-----\n"
			    "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
			    "-----END PUBLIC KEY-----\n";
	char text[200];

	(void)state;
	operator_start(&t.op);
	snprintf(t.dir, sizeof(t.dir), "/tmp/stmota-source-XXXXXX");
	assert_non_null(mkdtemp(t.dir));
	snprintf(t.db_path, sizeof(t.db_path), "%s/fleet.db", t.dir);
	snprintf(t.token, sizeof(t.token), "%s/token", t.dir);
	assert_int_equal(fs_write(t.token, "gw-token\n", 9, 0600, &t.e), 0);
	snprintf(text, sizeof(text), "%s/release.pem", t.dir);
	assert_int_equal(fs_write(text, pem, strlen(pem), 0600, &t.e), 0);
	snprintf(text, sizeof(text), "[trust]\ndir = %s\n", t.dir);
	assert_int_equal(config_new(&t.config, &t.e), 0);
	assert_int_equal(config_parse(t.config, "test", text, strlen(text), &t.e), 0);
	t.now = 1800000000;
	t.fleet = (struct fleet){.path = "fleet.conf",
		.gateway = "gw-1",
		.source = FLEET_SOURCE_HAWKBIT,
		.hawkbit = t.op.url,
		.hawkbit_token_file = t.token,
		.hawkbit_gateway_token = true,
		.attempts = 3,
		.devices = t.lamps,
		.n = LAMPS};
	for (size_t i = 0; i < LAMPS; i++) {
		snprintf(t.lamps[i].name, sizeof(t.lamps[i].name), "lamp-%zu", i);
		snprintf(t.lamps[i].id, sizeof(t.lamps[i].id), "gw-1.lamp-%zu", i);
		t.lamps[i].product = "example.com/lamp";
	}
	release("1.1.0");
	return 0;
}

static int teardown(void **state)
{
	char command[100];

	(void)state;
	leave();
	fleet_db_close(t.db);
	config_free(t.config);
	operator_stop(&t.op);
	snprintf(command, sizeof(command), "rm -rf %s", t.dir);
	return system(command);
}

/* ---- cases, in this order ---- */

static void test_source__registers_and_tells_who_it_is(void **state)
{
	json_t *j;

	(void)state;
	begin_ok();
	for (size_t i = 0; i < LAMPS; i++)
		assert_int_equal(wish(i), UPDATE_NOTHING);
	j = operator_tell(&t.op, "GET", "/rest/v1/targets/gw-1.lamp-1/attributes", NULL);
	assert_string_equal(json_string_value(json_object_get(j, "product")), "example.com/lamp");
	assert_string_equal(json_string_value(json_object_get(j, "gateway")), "gw-1");
	json_decref(j);
}

static void test_source__success_is_told_after_the_end(void **state)
{
	struct fetch_request rq;
	int64_t id;

	(void)state;
	assign(0, "forced");
	begin_ok();
	assert_int_equal(wish(0), UPDATE_OFFER);
	assert_int_equal(wish(1), UPDATE_NOTHING);
	assert_int_equal(wish(0), UPDATE_OFFER);
	assert_true(t.offer.prove);
	assert_false(t.offer.download_only);
	assert_int_equal(t.offer.length, 200);
	assert_int_equal(t.source->ops->urls(t.source, &t.offer, false, &rq, &t.e), 0);
	assert_non_null(rq.sha256);
	assert_string_equal(rq.headers[0], "Authorization: GatewayToken gw-token");
	t.source->ops->fetched(t.source, &t.lamps[0], &t.offer);
	assert_false(t.source->ops->withdrawn(t.source, &t.lamps[0], &t.offer));
	id = start(0);
	for (uint64_t done = 0; done <= 1000; done++)
		t.source->ops->progress(t.source, &t.lamps[0], &t.offer, done, 1000);
	server_has("gw-1.lamp-0", "running");
	assert_int_equal(heard("gw-1.lamp-0", "downloaded"), 1);
	assert_int_equal(heard("gw-1.lamp-0", "proceeding"), 4); /* the beginning, 30, 60, 90 % */
	end(0, id, FLEET_OK);
	server_has("gw-1.lamp-0", "finished");
	begin_ok();
	assert_int_equal(wish(0), UPDATE_NOTHING);
}

static void test_source__the_same_again_is_proved_again(void **state)
{
	int64_t id;

	(void)state;
	assign(0, "soft");
	begin_ok();
	assert_int_equal(wish(0), UPDATE_OFFER);
	assert_true(t.offer.prove);
	id = start(0);
	end(0, id, FLEET_ALREADY);
	server_has("gw-1.lamp-0", "finished");
}

static void test_source__failures(void **state)
{
	static const struct {
		enum fleet_outcome outcome;
		bool at_once; /* told as the end of the action */
	} cases[] = {
		{FLEET_REFUSED, true},
		{FLEET_UNHEALTHY, true},
		{FLEET_ROLLED_BACK, true},
		{FLEET_FAILED, false},
		{FLEET_UNREACHABLE, false},
	};
	char version[8];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		snprintf(version, sizeof(version), "2.%zu.0", i);
		release(version);
		assign(1, "forced");
		for (unsigned n = 1; n <= t.fleet.attempts; n++) {
			int64_t id;

			begin_ok();
			assert_int_equal(wish(1), UPDATE_OFFER);
			id = start(1);
			end(1, id, cases[i].outcome);
			if (cases[i].at_once || n == t.fleet.attempts)
				break;
			server_has("gw-1.lamp-1", "running");
		}
		server_has("gw-1.lamp-1", "error");
	}
	/* An interrupted one says nothing about the device. */
	release("2.9.0");
	assign(1, "forced");
	for (unsigned n = 0; n < 5; n++) {
		int64_t id;

		begin_ok();
		assert_int_equal(wish(1), UPDATE_OFFER);
		id = start(1);
		end(1, id, FLEET_INTERRUPTED);
		server_has("gw-1.lamp-1", "running");
	}
	begin_ok();
	wish(1);
	end(1, start(1), FLEET_OK);
	server_has("gw-1.lamp-1", "finished");
}

/* The server is away when the result is known: it is told before anything else. */
static void test_source__owed_results_come_first(void **state)
{
	int64_t id;

	(void)state;
	release("3.0.0");
	assign(2, "forced");
	begin_ok();
	assert_int_equal(wish(2), UPDATE_OFFER);
	id = start(2);
	operator_fault(&t.op, "lamp-2", "no-answer", 1000);
	end(2, id, FLEET_OK);
	server_has("gw-1.lamp-2", "running");
	begin_ok(); /* for the others it answers */
	assert_int_equal(wish(2), UPDATE_NOTHING);
	assert_non_null(strstr(t.why, "owed"));
	operator_fault(&t.op, "lamp-2", "", 0);
	json_decref(operator_tell(&t.op, "PUT", "/fake/set", "{\"forgive\":true}"));
	begin_ok();
	server_has("gw-1.lamp-2", "finished");
	assert_int_equal(heard("gw-1.lamp-2", "closed"), 1);
	assert_int_equal(wish(2), UPDATE_NOTHING);
}

static void test_source__killed_at_every_step(void **state)
{
	int64_t id;

	(void)state;
	release("4.0.0");
	assign(0, "forced");
	begin_ok();
	assert_int_equal(wish(0), UPDATE_OFFER);
	begin_ok(); /* killed when nothing was done */
	assert_int_equal(wish(0), UPDATE_OFFER);
	t.source->ops->fetched(t.source, &t.lamps[0], &t.offer);
	begin_ok(); /* killed with the package here: not told twice */
	assert_int_equal(wish(0), UPDATE_OFFER);
	t.source->ops->fetched(t.source, &t.lamps[0], &t.offer);
	assert_int_equal(heard("gw-1.lamp-0", "downloaded"), 1);
	id = start(0);
	(void)id;
	leave(); /* killed while it was written */
	begin_ok();
	{
		size_t n = 0;

		assert_int_equal(fleet_db_recover(t.db, t.now, &n, &t.e), 0);
		assert_int_equal(n, 1);
	}
	begin_ok();
	assert_int_equal(heard("gw-1.lamp-0", "resumed"), 1);
	assert_int_equal(wish(0), UPDATE_OFFER);
	id = start(0);
	end_quietly(id, FLEET_ROLLED_BACK); /* killed before a word of it was written down */
	server_has("gw-1.lamp-0", "running");
	begin_ok();
	server_has("gw-1.lamp-0", "error");
	assert_int_equal(wish(0), UPDATE_NOTHING);
}

static void test_source__cancelled(void **state)
{
	int64_t id;

	(void)state;
	/* Before the gateway knew of it, and before anything was begun. */
	release("5.0.0");
	assign(0, "forced");
	act("gw-1.lamp-0", "DELETE");
	begin_ok();
	assert_int_equal(wish(0), UPDATE_WITHDRAWN);
	server_has("gw-1.lamp-0", "canceled");
	/* Between the look at the server and the delivery. */
	release("5.1.0");
	assign(0, "forced");
	begin_ok();
	assert_int_equal(wish(0), UPDATE_OFFER);
	act("gw-1.lamp-0", "DELETE");
	assert_true(t.source->ops->withdrawn(t.source, &t.lamps[0], &t.offer));
	server_has("gw-1.lamp-0", "canceled");
	/* While the device is written: too late, and the pass was killed besides. */
	release("5.2.0");
	assign(0, "forced");
	begin_ok();
	assert_int_equal(wish(0), UPDATE_OFFER);
	id = start(0);
	act("gw-1.lamp-0", "DELETE");
	begin_ok();
	server_has("gw-1.lamp-0", "running");
	assert_int_equal(wish(0), UPDATE_OFFER);
	/* While it runs to its end. */
	act("gw-1.lamp-0", "DELETE");
	end(0, id, FLEET_OK);
	server_has("gw-1.lamp-0", "finished");
	begin_ok();
	assert_int_equal(wish(0), UPDATE_NOTHING);
}

static void test_source__windows(void **state)
{
	(void)state;
	release("6.0.0");
	assign(0, "+forced");
	begin_ok();
	assert_int_equal(wish(0), UPDATE_OFFER);
	assert_true(t.offer.download_only);
	t.source->ops->fetched(t.source, &t.lamps[0], &t.offer);
	server_has("gw-1.lamp-0", "running");
	assert_int_equal(heard("gw-1.lamp-0", "downloaded"), 1);
	json_decref(operator_tell(&t.op, "PUT", "/fake/window", "{\"open\":true}"));
	begin_ok();
	assert_int_equal(wish(0), UPDATE_OFFER);
	assert_false(t.offer.download_only);
	end(0, start(0), FLEET_OK);
	json_decref(operator_tell(&t.op, "PUT", "/fake/window", "{\"open\":false}"));
	assign(0, "skip");
	begin_ok();
	assert_int_equal(wish(0), UPDATE_NOTHING);
	act("gw-1.lamp-0", "DELETE");
	begin_ok();
	server_has("gw-1.lamp-0", "canceled");
	/* To be fetched and no more: done when it is here. */
	assign(0, "downloadonly");
	begin_ok();
	assert_int_equal(wish(0), UPDATE_OFFER);
	assert_true(t.offer.download_only);
	t.source->ops->fetched(t.source, &t.lamps[0], &t.offer);
	server_has("gw-1.lamp-0", "finished");
}

static void test_source__nothing_in_it_for_us(void **state)
{
	json_int_t module;
	json_t *j;
	char text[200];

	(void)state;
	j = operator_tell(&t.op, "POST", "/rest/v1/softwaremodules",
		"[{\"name\":\"empty\",\"version\":\"1\",\"type\":\"os\"}]");
	module = json_integer_value(json_object_get(json_array_get(j, 0), "id"));
	json_decref(j);
	snprintf(text, sizeof(text),
		"[{\"name\":\"empty\",\"version\":\"1\",\"modules\":[{\"id\":%lld}]}]",
		(long long)module);
	j = operator_tell(&t.op, "POST", "/rest/v1/distributionsets", text);
	t.set = json_integer_value(json_object_get(json_array_get(j, 0), "id"));
	json_decref(j);
	assign(0, "forced");
	begin_ok();
	assert_int_equal(wish(0), UPDATE_NOTHING);
	assert_non_null(strstr(t.why, "no package"));
	server_has("gw-1.lamp-0", "error");
}

/* A dry run asks and says nothing. */
static void test_source__dry_run(void **state)
{
	(void)state;
	release("7.0.0");
	assign(0, "forced");
	assign(1, "forced");
	act("gw-1.lamp-1", "DELETE");
	begin_ok();
	leave();
	server_has("gw-1.lamp-1", "canceled");
	assign(1, "forced");
	act("gw-1.lamp-1", "DELETE");
	t.now += 600;
	t.rq.now = t.now;
	t.rq.dry_run = true;
	assert_int_equal(update_source_hawkbit(&t.rq, &t.source, &t.e), 0);
	assert_int_equal(t.source->ops->refresh(t.source, &t.e), 0);
	assert_int_equal(wish(0), UPDATE_OFFER);
	assert_int_equal(wish(1), UPDATE_WITHDRAWN);
	server_has("gw-1.lamp-1", "canceling");
	begin_ok();
	assert_int_equal(wish(0), UPDATE_OFFER);
	end(0, start(0), FLEET_OK);
	server_has("gw-1.lamp-1", "canceled");
}

/* As often as the server wants to be asked, and no more. */
static void test_source__is_not_asked_too_often(void **state)
{
	(void)state;
	begin_ok();
	begin_ok();
	t.now -= 590; /* ten seconds later */
	begin_ok();
	assert_int_equal(wish(0), UPDATE_NOTHING);
	leave();
	t.now -= 590;
	begin_ok();
	assert_int_equal(wish(0), UPDATE_NOTHING);
	assert_non_null(strstr(t.why, "as the server wishes"));
}

static void test_source__a_server_that_is_away(void **state)
{
	(void)state;
	operator_fault(&t.op, "controller", "no-answer", 20);
	assert_int_equal(begin(), ERR_NETWORK);
	for (size_t i = 0; i < LAMPS; i++)
		assert_int_equal(wish(i), UPDATE_NOTHING);
	assert_non_null(strstr(t.why, "not asked"));
	json_decref(operator_tell(&t.op, "PUT", "/fake/set", "{\"forgive\":true}"));
	/* It is there and lets nobody in: a wrong token must not look like a quiet day. */
	operator_fault(&t.op, "controller", "status-401", LAMPS);
	assert_int_equal(begin(), ERR_NETWORK);
	assert_non_null(strstr(t.e.msg, "401"));
	assert_non_null(strstr(t.e.hint, "token"));
	/* One of them: the others go on, and somebody hears of it. */
	operator_fault(&t.op, "controller", "status-403", 1);
	begin_ok();
	assert_int_equal(wish(0), UPDATE_NOTHING);
	assert_non_null(strstr(t.why, "403"));
	assert_int_equal(wish(1), UPDATE_NOTHING);
	assert_null(strstr(t.why, "403"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_source__registers_and_tells_who_it_is),
		cmocka_unit_test(test_source__success_is_told_after_the_end),
		cmocka_unit_test(test_source__the_same_again_is_proved_again),
		cmocka_unit_test(test_source__failures),
		cmocka_unit_test(test_source__owed_results_come_first),
		cmocka_unit_test(test_source__killed_at_every_step),
		cmocka_unit_test(test_source__cancelled),
		cmocka_unit_test(test_source__windows),
		cmocka_unit_test(test_source__nothing_in_it_for_us),
		cmocka_unit_test(test_source__dry_run),
		cmocka_unit_test(test_source__is_not_asked_too_often),
		cmocka_unit_test(test_source__a_server_that_is_away),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
