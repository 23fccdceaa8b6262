/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_pass_ending.c - what counts as success, and what each failure is called
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/bytes.h>

#include "../../src/fleet/pass_priv.h"

#define EXITED(n) ((n) << 8)

static struct pass_verdict judge(const char *result, int status, bool delta)
{
	struct pass_job j = {.delta = delta};
	struct pass p = {.n = 0};
	struct pass_verdict v;

	j.offer.version = (struct imf_version){2, 1, 0, 0};
	j.worker = (struct worker){.fd = -1, .status = status};
	j.result = result != NULL ? json_loads(result, 0, NULL) : NULL;
	assert_true(result == NULL || j.result != NULL);
	pass_judge(&p, &j, &v);
	json_decref(j.result);
	return v;
}

static void is(const char *result, int status, enum fleet_outcome want)
{
	struct pass_verdict v = judge(result, status, false);

	if (v.outcome != want)
		fail_msg("%s: %s instead of %s", result, fleet_outcome_text(v.outcome),
			fleet_outcome_text(want));
	assert_true(v.text[0] != '\0');
}

/*
 * 5.3 check 12: no success without read-back or a word of the running firmware. That bytes were sent
 * and taken is none.
 */
static void test_pass_ending__check_12_no_success_without_proof(void **state)
{
	is("{\"bytes_written\": 100, \"verified\": true}", 0, FLEET_OK);
	is("{\"verified\": true}", 0, FLEET_OK); /* an updater that gives its memory back */
	is("{\"verified\": false, \"proof\": \"reported by the device\"}", 0, FLEET_OK);
	is("{\"verified\": false, \"proof\": \"accepted by the device, not read back\","
	   " \"confirmed\": true, \"seen\": \"2.1.0 runs\"}",
		0, FLEET_OK);
	is("{\"verified\": false, \"proof\": \"accepted by the device, not read back\"}", 0,
		FLEET_UNHEALTHY);
	is("{\"verified\": false}", 0, FLEET_UNHEALTHY);
	is("{}", 0, FLEET_UNHEALTHY);
	is("{\"verified\": \"true\"}", 0, FLEET_UNHEALTHY);
	/* A process that says good things and then fails, or dies, has not done it. */
	is("{\"bytes_written\": 100, \"verified\": true}", EXITED(9), FLEET_FAILED);
	is("{\"bytes_written\": 100, \"verified\": true}", 11, FLEET_FAILED);
	is(NULL, 0, FLEET_FAILED);
	is(NULL, 9, FLEET_FAILED);
}

static void test_pass_ending__already(void **state)
{
	struct pass_verdict v;

	is("{\"bytes_written\": 0, \"verified\": true}", 0, FLEET_ALREADY);
	v = judge(
		"{\"bytes_written\": 0, \"verified\": true, \"confirmed\": true, \"seen\": \"x\"}",
		0, false);
	assert_true(v.confirmed);
	assert_string_equal("2.1.0 was there already; healthy: x", v.text);
	assert_false(judge("{\"bytes_written\": 0, \"verified\": true}", 0, false).confirmed);
}

static void test_pass_ending__failures(void **state)
{
	static const struct {
		const char *code, *begun, *written, *back;
		enum fleet_outcome outcome;
	} rows[] = {
		/* before anything was touched */
		{"timeout", "false", "false", "false", FLEET_UNREACHABLE},
		{"link", "false", "false", "false", FLEET_UNREACHABLE},
		{"identity", "false", "false", "false", FLEET_REFUSED},
		{"protected", "false", "false", "false", FLEET_REFUSED},
		{"signature", "false", "false", "false", FLEET_REFUSED},
		{"downgrade", "false", "false", "false", FLEET_REFUSED},
		{"damaged", "false", "false", "false", FLEET_REFUSED},
		{"busy", "false", "false", "false", FLEET_INTERRUPTED},
		{"io", "false", "false", "false", FLEET_INTERRUPTED},
		{"interrupted", "false", "false", "false", FLEET_INTERRUPTED},
		{"protocol", "false", "false", "false", FLEET_FAILED},
		{"no such code", "false", "false", "false", FLEET_FAILED},
		/* and after */
		{"timeout", "true", "false", "false", FLEET_FAILED},
		{"identity", "true", "false", "false", FLEET_FAILED},
		{"unfinished", "true", "false", "false", FLEET_FAILED},
		{"interrupted", "true", "false", "false", FLEET_INTERRUPTED},
		{"verify", "true", "true", "false", FLEET_UNHEALTHY},
		{"link", "true", "true", "false", FLEET_UNHEALTHY},
		{"verify", "true", "true", "true", FLEET_ROLLED_BACK},
		{"verify", "true", "false", "true", FLEET_ROLLED_BACK},
		/* Nothing had to be written, and it is not healthy all the same. */
		{"verify", "false", "true", "false", FLEET_UNHEALTHY},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[300];

		snprintf(text, sizeof(text),
			"{\"begun\": %s, \"written\": %s, \"taken_back\": %s,"
			" \"error\": {\"code\": \"%s\", \"message\": \"why\"}}",
			rows[i].begun, rows[i].written, rows[i].back, rows[i].code);
		is(text, EXITED(1), rows[i].outcome);
	}
}

/* A delta whose old image is nowhere: the full package follows, and the device was not asked. */
static void test_pass_ending__delta_without_base(void **state)
{
	static const char text[] =
		"{\"begun\": false, \"written\": false, \"error\": {\"code\": \"verify\","
		" \"message\": \"the device holds something else\"}}";
	struct pass_verdict v = judge(text, EXITED(9), true);

	assert_true(v.no_base);
	assert_int_equal(FLEET_REFUSED, v.outcome);
	v = judge(text, EXITED(9), false);
	assert_false(v.no_base);
	assert_int_equal(FLEET_FAILED, v.outcome);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pass_ending__check_12_no_success_without_proof),
		cmocka_unit_test(test_pass_ending__already),
		cmocka_unit_test(test_pass_ending__failures),
		cmocka_unit_test(test_pass_ending__delta_without_base),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
