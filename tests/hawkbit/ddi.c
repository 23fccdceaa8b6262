/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ddi.c - the hawkBit client talks to a server that also misbehaves (fake.py)
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
#include <stmota/hawkbit.h>

#include "operator.h"

#define SIZE 50000

static struct {
	struct operator op;
	char dir[64], path[100];
	struct fetch_settings fetch;
	struct hawkbit h;
	uint8_t file[SIZE];
	json_int_t set; /* of the distribution set */
	struct err e;
} t;

static int setup(void **state)
{
	(void)state;
	snprintf(t.dir, sizeof(t.dir), "/tmp/stmota-ddi-XXXXXX");
	assert_non_null(mkdtemp(t.dir));
	snprintf(t.path, sizeof(t.path), "%s/got", t.dir);
	for (size_t i = 0; i < SIZE; i++)
		t.file[i] = (uint8_t)(i * 7 + i / 251);
	operator_start(&t.op);
	t.fetch = t.op.fetch;
	const struct hawkbit_login l = {.fetch = &t.fetch,
		.url = t.op.url,
		.controller = "lamp 7",
		.auth = HAWKBIT_TARGET_TOKEN,
		.token = "tok-lamp 7"};
	assert_int_equal(hawkbit_init(&t.h, &l, &t.e), ERR_CONFIG); /* a token has no spaces */
	const struct hawkbit_login gw = {.fetch = &t.fetch,
		.url = t.op.url,
		.controller = "lamp 7",
		.auth = HAWKBIT_GATEWAY_TOKEN,
		.token = "gw-token"};
	assert_int_equal(hawkbit_init(&t.h, &gw, &t.e), 0);
	t.set = operator_release(&t.op, "1.5.0", t.file, SIZE);
	return 0;
}

static int teardown(void **state)
{
	char command[100];

	(void)state;
	hawkbit_done(&t.h);
	operator_stop(&t.op);
	snprintf(command, sizeof(command), "rm -rf %s", t.dir);
	return system(command);
}

/* ---- helpers of the cases ---- */

static struct hawkbit_poll poll_ok(void)
{
	struct hawkbit_poll p = {0};

	t.e = ERR_INIT;
	if (hawkbit_poll(&t.h, &p, NULL, &t.e) < 0)
		fail_msg("%s", t.e.msg);
	return p;
}

static struct hawkbit_deployment deployment_ok(const struct hawkbit_poll *p)
{
	struct hawkbit_deployment d = {0};
	bool gone = true;

	assert_string_not_equal(p->deployment.id, "");
	assert_int_equal(hawkbit_deployment(&t.h, &p->deployment, &d, &gone, &t.e), 0);
	assert_false(gone);
	return d;
}

static bool say(
	enum hawkbit_about about, const char *id, enum hawkbit_execution x, enum hawkbit_finished f)
{
	const struct hawkbit_feedback fb = {
		.execution = x, .finished = f, .details = {"by a test"}, .n_details = 1};
	cleanup_buf struct buf b = BUF_INIT;
	bool gone = false;

	assert_int_equal(hawkbit_feedback_text(id, &fb, &b, &t.e), 0);
	if (hawkbit_post(&t.h, about, id, b.data, b.len, &gone, &t.e) < 0)
		fail_msg("%s", t.e.msg);
	return gone;
}

static void status_is(const char *id, const char *want)
{
	char path[100];
	json_t *j;

	snprintf(path, sizeof(path), "/rest/v1/targets/lamp%%207/actions/%s", id);
	j = operator_tell(&t.op, "GET", path, NULL);
	assert_string_equal(json_string_value(json_object_get(j, "detailStatus")), want);
	json_decref(j);
}

/* ---- cases ---- */

static void test_ddi__attributes_then_nothing(void **state)
{
	const struct hawkbit_attribute a[] = {{"product_id", "LAMP"}, {"gateway", "gw-1"}};
	struct hawkbit_poll p = poll_ok();
	cleanup_buf struct buf b = BUF_INIT;
	json_t *j;

	(void)state;
	assert_true(p.has_sleep);
	assert_string_not_equal(p.config_data, "");
	assert_string_equal(p.deployment.id, "");
	assert_int_equal(hawkbit_attributes_text(a, ARRAY_LEN(a), &b, &t.e), 0);
	assert_int_equal(hawkbit_put_attributes(&t.h, p.config_data, b.data, b.len, &t.e), 0);
	j = operator_tell(&t.op, "GET", "/rest/v1/targets/lamp%207/attributes", NULL);
	assert_string_equal(json_string_value(json_object_get(j, "gateway")), "gw-1");
	json_decref(j);
	p = poll_ok();
	assert_string_equal(p.config_data, "");
	assert_string_not_equal(t.h.etag, "");
	p = poll_ok(); /* "not modified": the same links as before */
	assert_true(p.has_sleep);
}

static void test_ddi__deployment_to_the_end(void **state)
{
	struct hawkbit_poll p;
	struct hawkbit_deployment d;
	const struct hawkbit_artifact *a;
	struct fetch_request rq;
	struct fetch_result result;
	cleanup_buf struct buf b = BUF_INIT;

	(void)state;
	operator_assign(&t.op, t.set, "lamp 7", "forced");
	p = poll_ok();
	d = deployment_ok(&p);
	assert_int_equal(d.update, HAWKBIT_FORCED);
	assert_int_equal(hawkbit_package(&d, &a, NULL, &t.e), 0);
	assert_int_equal(hawkbit_download(&t.h, a, &rq, &t.e), 0);
	/* Cut, then gone on with: the whole is one file. */
	operator_fault(&t.op, "GET .*lamp.sota", "cut-20000", 1);
	assert_int_equal(fetch_file(&t.fetch, &rq, t.path, &result, &t.e), 0);
	assert_int_equal(fs_read(t.path, SIZE, &b, &t.e), 0);
	assert_memory_equal(b.data, t.file, SIZE);
	assert_int_equal(result.resumed_from, 20000);
	assert_false(say(HAWKBIT_DEPLOYMENT, d.id, HAWKBIT_DOWNLOADED, HAWKBIT_NONE));
	assert_false(say(HAWKBIT_DEPLOYMENT, d.id, HAWKBIT_PROCEEDING, HAWKBIT_NONE));
	status_is(d.id, "running");
	assert_false(say(HAWKBIT_DEPLOYMENT, d.id, HAWKBIT_CLOSED, HAWKBIT_SUCCESS));
	status_is(d.id, "finished");
	assert_true(say(HAWKBIT_DEPLOYMENT, d.id, HAWKBIT_CLOSED, HAWKBIT_SUCCESS)); /* 410 */
	p = poll_ok();
	assert_string_equal(p.deployment.id, "");
	assert_string_equal(p.installed.id, d.id);
	hawkbit_deployment_done(&d);
}

/* What a server does to a download, and what is left of it in the end. */
static void test_ddi__downloads_that_go_wrong(void **state)
{
	static const struct {
		const char *cut, *then;
		int times;
		enum err_code code;
	} cases[] = {
		{"cut-100", "no-range", 1, ERR_NONE},    /* 200 in reply to a range */
		{"cut-100", "wrong-range", 1, ERR_NONE}, /* another Content-Range */
		{"cut-100", "status-416", 1, ERR_NONE},
		{"cut-100", "status-503", 2, ERR_NONE},
		{"cut-100", "cut-7", 3, ERR_NONE},
		{NULL, "changed", 9, ERR_DAMAGED}, /* other bytes under the same name */
		{NULL, "longer", 9, ERR_NETWORK},  /* than announced */
		{NULL, "status-404", 9, ERR_NETWORK},
		{NULL, "no-answer", 9, ERR_NETWORK},
	};
	struct hawkbit_poll p;
	struct hawkbit_deployment d;
	const struct hawkbit_artifact *a;
	struct fetch_request rq;

	(void)state;
	operator_assign(&t.op, t.set, "lamp 7", "forced");
	p = poll_ok();
	d = deployment_ok(&p);
	assert_int_equal(hawkbit_package(&d, &a, NULL, &t.e), 0);
	assert_int_equal(hawkbit_download(&t.h, a, &rq, &t.e), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_buf struct buf b = BUF_INIT;
		int rc;

		if (cases[i].cut != NULL)
			operator_fault(&t.op, "GET .*lamp.sota", cases[i].cut, 1);
		operator_fault(&t.op, "GET .*lamp.sota", cases[i].then, cases[i].times);
		rc = fetch_buf(&t.fetch, &rq, &b, NULL, &t.e);
		if (rc != (int)cases[i].code)
			fail_msg("%s: %d, %s", cases[i].then, rc, t.e.msg);
		assert_true(rc < 0 || (b.len == SIZE && memcmp(b.data, t.file, SIZE) == 0));
		/* What was not used up is not for the next case. */
		while (cases[i].times == 9 && fetch_buf(&t.fetch, &rq, &b, NULL, &t.e) < 0)
			;
	}
	assert_false(say(HAWKBIT_DEPLOYMENT, d.id, HAWKBIT_CLOSED, HAWKBIT_FAILURE));
	status_is(d.id, "error");
	hawkbit_deployment_done(&d);
}

static void test_ddi__windows_and_kinds(void **state)
{
	static const struct {
		const char *type;
		enum hawkbit_handling download, update;
		enum hawkbit_window window;
	} cases[] = {
		{"soft", HAWKBIT_ATTEMPT, HAWKBIT_ATTEMPT, HAWKBIT_NO_WINDOW},
		{"skip", HAWKBIT_SKIP, HAWKBIT_SKIP, HAWKBIT_NO_WINDOW},
		{"downloadonly", HAWKBIT_FORCED, HAWKBIT_SKIP, HAWKBIT_NO_WINDOW},
		{"+forced", HAWKBIT_FORCED, HAWKBIT_SKIP, HAWKBIT_WINDOW_CLOSED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct hawkbit_poll p, before;
		struct hawkbit_deployment d;

		operator_assign(&t.op, t.set, "lamp 7", cases[i].type);
		before = p = poll_ok();
		d = deployment_ok(&p);
		assert_int_equal(d.download, cases[i].download);
		assert_int_equal(d.update, cases[i].update);
		assert_int_equal(d.window, cases[i].window);
		hawkbit_deployment_done(&d);
		if (d.window == HAWKBIT_WINDOW_CLOSED || cases[i].type[0] == '+') {
			json_decref(operator_tell(&t.op, "PUT", "/fake/window", "{\"open\":true}"));
			p = poll_ok(); /* another `c`: look again */
			assert_string_not_equal(before.deployment.url, p.deployment.url);
			d = deployment_ok(&p);
			assert_int_equal(d.update, HAWKBIT_FORCED);
			assert_int_equal(d.window, HAWKBIT_WINDOW_OPEN);
			hawkbit_deployment_done(&d);
		}
		assert_false(
			say(HAWKBIT_DEPLOYMENT, p.deployment.id, HAWKBIT_CLOSED, HAWKBIT_SUCCESS));
	}
}

static void cancel_action(const char *id)
{
	char path[100];

	snprintf(path, sizeof(path), "/rest/v1/targets/lamp%%207/actions/%s", id);
	json_decref(operator_tell(&t.op, "DELETE", path, NULL));
}

static void test_ddi__cancel(void **state)
{
	struct hawkbit_poll p, with;
	struct hawkbit_deployment d;
	char id[HAWKBIT_ID_SIZE];
	bool gone = false;

	(void)state;
	operator_assign(&t.op, t.set, "lamp 7", "forced");
	with = poll_ok();
	cancel_action(with.deployment.id);
	/* Between poll and look it was cancelled: gone, not an error. */
	assert_int_equal(hawkbit_deployment(&t.h, &with.deployment, &d, &gone, &t.e), 0);
	assert_true(gone);
	p = poll_ok();
	assert_string_equal(p.deployment.id, "");
	assert_int_equal(hawkbit_cancel(&t.h, &p.cancel, id, &gone, &t.e), 0);
	assert_false(gone);
	assert_string_equal(id, with.deployment.id);
	/* Refused while the device is being written, then it goes on. */
	assert_false(say(HAWKBIT_CANCEL, id, HAWKBIT_REJECTED, HAWKBIT_NONE));
	status_is(id, "running");
	p = poll_ok();
	assert_string_equal(p.deployment.id, id);
	assert_true(say(HAWKBIT_CANCEL, id, HAWKBIT_CLOSED, HAWKBIT_SUCCESS)); /* 405 */
	cancel_action(id);
	assert_false(say(HAWKBIT_CANCEL, id, HAWKBIT_CLOSED, HAWKBIT_SUCCESS));
	status_is(id, "canceled");
	assert_true(say(HAWKBIT_CANCEL, "999999", HAWKBIT_CLOSED, HAWKBIT_SUCCESS)); /* 404 */
}

static void test_ddi__confirmation(void **state)
{
	struct hawkbit_deployment d;
	struct hawkbit_poll p;
	cleanup_buf struct buf b = BUF_INIT;
	bool gone = false;

	(void)state;
	json_decref(operator_tell(&t.op, "PUT", "/fake/set", "{\"confirm\":true}"));
	operator_assign(&t.op, t.set, "lamp 7", "forced");
	json_decref(operator_tell(&t.op, "PUT", "/fake/set", "{\"confirm\":false}"));
	p = poll_ok();
	assert_string_equal(p.deployment.id, "");
	assert_int_equal(hawkbit_deployment(&t.h, &p.confirmation, &d, &gone, &t.e), 0);
	hawkbit_deployment_done(&d);
	for (int yes = 0; yes <= 1; yes++) {
		b.len = 0;
		assert_int_equal(hawkbit_confirmation_text(yes, "by hand", &b, &t.e), 0);
		assert_int_equal(hawkbit_post(&t.h, HAWKBIT_CONFIRMATION, p.confirmation.id, b.data,
					 b.len, &gone, &t.e),
			0);
		assert_false(gone);
		assert_int_equal(poll_ok().deployment.id[0] != '\0', yes);
	}
	assert_false(say(HAWKBIT_DEPLOYMENT, p.confirmation.id, HAWKBIT_CLOSED, HAWKBIT_SUCCESS));
}

static void test_ddi__status_codes(void **state)
{
	static const struct {
		const char *what;
		int times;
		enum err_code code;
	} cases[] = {
		{"status-409", 3, ERR_NONE},
		{"status-429", 1, ERR_NONE},
		{"status-500", 2, ERR_NONE},
		{"no-answer", 1, ERR_NONE},
		{"status-401", 1, ERR_NETWORK},
		{"status-403", 1, ERR_NETWORK},
		{"status-404", 1, ERR_NETWORK},
		{"truncated", 1, ERR_FORMAT},
		{"text", 1, ERR_FORMAT},
		{"nested", 1, ERR_FORMAT},
		{"huge", 1, ERR_NETWORK},
		{"away-http://localhost:1/x", 1, ERR_NETWORK},
	};
	struct hawkbit_poll p;

	(void)state;
	poll_ok();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int rc;

		operator_fault(
			&t.op, "GET /DEFAULT/controller/v1/lamp%20", cases[i].what, cases[i].times);
		rc = hawkbit_poll(&t.h, &p, NULL, &t.e);
		if (rc != (int)cases[i].code)
			fail_msg("%s: %d, %s", cases[i].what, rc, t.e.msg);
		assert_true(rc == 0 || t.e.msg[0] != '\0');
	}
	poll_ok(); /* and what was known of the last good answer still is */
}

/* A file may lie elsewhere: it is fetched, and the token stays here. */
static void test_ddi__token_does_not_follow_a_redirect(void **state)
{
	struct hawkbit_poll p;
	struct hawkbit_deployment d;
	const struct hawkbit_artifact *a;
	struct fetch_request rq;
	cleanup_buf struct buf b = BUF_INIT;
	char away[120];
	json_t *log, *row;
	size_t i, seen = 0;

	(void)state;
	operator_assign(&t.op, t.set, "lamp 7", "forced");
	p = poll_ok();
	assert_true(strlen(p.deployment.id) == 10); /* more than 32 bits */
	d = deployment_ok(&p);
	assert_int_equal(hawkbit_package(&d, &a, NULL, &t.e), 0);
	assert_int_equal(hawkbit_download(&t.h, a, &rq, &t.e), 0);
	snprintf(away, sizeof(away), "away-http://localhost:%s/elsewhere/lamp.sota",
		strrchr(t.op.url, ':') + 1);
	operator_fault(&t.op, "GET /DEFAULT.*lamp.sota", away, 1);
	assert_int_equal(fetch_buf(&t.fetch, &rq, &b, NULL, &t.e), ERR_NETWORK); /* 404 there */
	log = operator_tell(&t.op, "GET", "/fake/log", NULL);
	json_array_foreach(log, i, row)
	{
		const char *path = json_string_value(json_object_get(row, "path"));
		const json_t *headers = json_object_get(row, "headers");

		if (strncmp(path, "/elsewhere/", 11) != 0)
			continue;
		seen++;
		assert_null(json_object_get(headers, "Authorization"));
	}
	assert_int_equal(seen, 1);
	json_decref(log);
	assert_false(say(HAWKBIT_DEPLOYMENT, d.id, HAWKBIT_CLOSED, HAWKBIT_FAILURE));
	hawkbit_deployment_done(&d);
}

/* Behind a proxy that tells hawkBit nothing its links are wrong: the token does not go there. */
static void test_ddi__links_to_elsewhere(void **state)
{
	struct hawkbit_poll p;

	(void)state;
	operator_assign(&t.op, t.set, "lamp 7", "forced");
	json_decref(operator_tell(
		&t.op, "PUT", "/fake/set", "{\"links\":\"http://inside.example:8080\"}"));
	assert_int_equal(hawkbit_poll(&t.h, &p, NULL, &t.e), ERR_NETWORK);
	assert_non_null(strstr(t.e.msg, "another server"));
	assert_non_null(strstr(t.e.hint, "forward"));
	json_decref(operator_tell(&t.op, "PUT", "/fake/set", "{\"links\":null}"));
	p = poll_ok();
	assert_false(say(HAWKBIT_DEPLOYMENT, p.deployment.id, HAWKBIT_CLOSED, HAWKBIT_FAILURE));
}

static void test_ddi__wrong_token(void **state)
{
	const struct hawkbit_login l = {.fetch = &t.fetch,
		.url = t.op.url,
		.controller = "lamp-8",
		.auth = HAWKBIT_TARGET_TOKEN,
		.token = "tok-lamp-7"};
	struct hawkbit_poll p;
	struct hawkbit h;
	int status = 0;

	(void)state;
	assert_int_equal(hawkbit_init(&h, &l, &t.e), 0);
	assert_int_equal(hawkbit_poll(&h, &p, &status, &t.e), ERR_NETWORK);
	assert_int_equal(status, 401);
	assert_null(strstr(t.e.msg, "tok-"));
	hawkbit_done(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ddi__attributes_then_nothing),
		cmocka_unit_test(test_ddi__deployment_to_the_end),
		cmocka_unit_test(test_ddi__downloads_that_go_wrong),
		cmocka_unit_test(test_ddi__windows_and_kinds),
		cmocka_unit_test(test_ddi__cancel),
		cmocka_unit_test(test_ddi__confirmation),
		cmocka_unit_test(test_ddi__status_codes),
		cmocka_unit_test(test_ddi__token_does_not_follow_a_redirect),
		cmocka_unit_test(test_ddi__links_to_elsewhere),
		cmocka_unit_test(test_ddi__wrong_token),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
