/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_decide.c - which device gets what is offered, when, and why not; and in which order
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/bytes.h>
#include <stmota/decide.h>

#define NOW  UINT64_C(1800000000)
#define HOUR UINT64_C(3600)
#define DAY  (24 * HOUR)
#define NOON (12 * 60)

static const struct imf_version v1_0 = {1, 0, 0, 0}, v1_5 = {1, 5, 0, 0}, v2_1 = {2, 1, 0, 0};


/* ---- one device ---- */

static struct {
	struct fleet fleet;
	struct fleet_device device;
	struct fleet_known known;
	struct update_offer offer;
	struct decide_facts facts;
} t;

/* Runs 1.0.0 of an earlier rollout, proven; 2.1.0 is offered; nothing stands against it. */
static int begin(void **state)
{
	memset(&t, 0, sizeof(t));
	t.fleet.attempts = 5;
	t.fleet.retry_s = HOUR;
	t.fleet.metered_max = 1000;
	t.known.has_version = true;
	t.known.version = v1_0;
	t.known.counter = t.known.highest_counter = 3;
	t.known.has_package = true;
	memset(t.known.package, 1, SHA256_SIZE);
	t.known.last = FLEET_OK;
	t.known.tried = NOW - DAY;
	t.offer.has_release = true;
	t.offer.version = v2_1;
	t.offer.counter = 3;
	t.offer.length = 5000;
	memset(t.offer.package, 2, SHA256_SIZE);
	t.facts = (struct decide_facts){.fleet = &t.fleet,
		.device = &t.device,
		.known = &t.known,
		.wish = UPDATE_OFFER,
		.offer = &t.offer,
		.now = NOW,
		.minute = NOON};
	return 0;
}

static void is(enum decision want, const char *why)
{
	char got[DECIDE_WHY_SIZE];
	enum decision d = decide_device(&t.facts, got);

	if (d != want || strcmp(got, why) != 0)
		fail_msg("%s: '%s' instead of %s: '%s'", decision_name(d), got, decision_name(want),
			why);
}

static void test_decide__delivers(void **state)
{
	is(DECIDE_DELIVER, "1.0.0 to 2.1.0");
	t.offer.has_delta = true;
	is(DECIDE_DELIVER, "1.0.0 to 2.1.0, as a delta");
	t.known = (struct fleet_known){0};
	is(DECIDE_DELIVER, "2.1.0; no version known: asked at delivery");
	t.offer.has_release = false;
	is(DECIDE_DELIVER, "its package says which version: looked at before");
}

static void test_decide__nothing(void **state)
{
	t.facts.wish = UPDATE_NOTHING;
	is(DECIDE_NOTHING, "nothing is offered");
	t.facts.why = "bucket 4711 of 10000, the stage is only 500";
	is(DECIDE_NOTHING, "bucket 4711 of 10000, the stage is only 500");
	t.facts.wish = UPDATE_WITHDRAWN;
	t.facts.why = "the rollout is halted";
	is(DECIDE_HALTED, "the rollout is halted");
}

static void test_decide__up_to_date(void **state)
{
	memcpy(t.known.package, t.offer.package, SHA256_SIZE);
	t.known.version = v2_1;
	is(DECIDE_UP_TO_DATE, "up to date: 2.1.0");
	/* Whatever else is in the way does not matter then. */
	t.facts.halted = "lamp-3 failed";
	is(DECIDE_UP_TO_DATE, "up to date: 2.1.0");
	snprintf(t.offer.newer, sizeof(t.offer.newer), "2.2.0: the rollout is halted");
	is(DECIDE_UP_TO_DATE, "up to date: 2.1.0; 2.2.0: the rollout is halted");
	t.offer.newer[0] = '\0';
	t.offer.prove = true;
	t.facts.halted = NULL;
	is(DECIDE_DELIVER, "2.1.0 to 2.1.0");
	t.offer.prove = false;
	t.known.last = FLEET_ROLLED_BACK; /* of something else */
	is(DECIDE_UP_TO_DATE, "up to date: 2.1.0");
	/* An attempt that broke may have left anything, also half of something else. */
	for (int i = 0; i < 4; i++) {
		static const enum fleet_outcome broken[] = {
			FLEET_FAILED, FLEET_UNHEALTHY, FLEET_INTERRUPTED, FLEET_OPEN};

		t.known.last = broken[i];
		is(DECIDE_DELIVER, "2.1.0 to 2.1.0");
	}
	/* What a device said of itself counts where nothing was delivered yet. */
	t.known.has_package = false;
	t.known.last = FLEET_OPEN;
	t.known.tried = 0;
	is(DECIDE_UP_TO_DATE, "up to date: 2.1.0");
	t.known.counter = 2;
	is(DECIDE_DELIVER, "2.1.0 to 2.1.0");
}

/* Another file with the same version is another firmware. */
static void test_decide__same_version_other_package(void **state)
{
	t.known.version = v2_1;
	is(DECIDE_DELIVER, "2.1.0 to 2.1.0");
}

/* 5.3 check 7: the release counter never goes back, but for devices that the signed plan names. */
static void test_decide__check_7_release_counter(void **state)
{
	t.known.highest_counter = 4;
	is(DECIDE_REFUSED, "release counter 3 is below 4 that ran here");
	t.facts.at_once = true; /* no word of somebody at the keyboard changes it */
	is(DECIDE_REFUSED, "release counter 3 is below 4 that ran here");
	t.known.highest_counter = 3;
	is(DECIDE_DELIVER, "1.0.0 to 2.1.0");
	t.known.highest_counter = UINT32_MAX;
	t.offer.may_go_back = true;
	is(DECIDE_DELIVER, "1.0.0 to 2.1.0");
}

static void test_decide__lower_version(void **state)
{
	t.offer.version = v1_0;
	t.known.version = v1_5;
	is(DECIDE_REFUSED, "lower version, not allowed by the plan: 1.0.0, runs 1.5.0");
	t.facts.at_once = true;
	is(DECIDE_REFUSED, "lower version, not allowed by the plan: 1.0.0, runs 1.5.0");
	t.offer.may_go_back = true;
	is(DECIDE_DELIVER, "1.5.0 to 1.0.0");
}

/* 5.3 check 8. */
static void test_decide__check_8_stepping_stone(void **state)
{
	t.offer.has_min_version = true;
	t.offer.min_version = v1_5;
	is(DECIDE_REFUSED, "stepping stone: needs 1.5.0 first, runs 1.0.0");
	t.offer.may_go_back = true;
	is(DECIDE_REFUSED, "stepping stone: needs 1.5.0 first, runs 1.0.0");
	t.known.version = v1_5;
	is(DECIDE_DELIVER, "1.5.0 to 2.1.0");
}

static void test_decide__halted(void **state)
{
	t.facts.halted = "lamp-3 did not come back healthy";
	is(DECIDE_HALTED, "halted here: lamp-3 did not come back healthy");
	t.facts.at_once = true;
	is(DECIDE_HALTED, "halted here: lamp-3 did not come back healthy");
}

static void test_decide__window(void **state)
{
	t.fleet.has_window = true;
	t.fleet.window_from = 22 * 60;
	t.fleet.window_to = 5 * 60;
	is(DECIDE_WAIT, "outside the window 22:00-05:00");
	t.facts.minute = 23 * 60;
	is(DECIDE_DELIVER, "1.0.0 to 2.1.0");
	t.facts.minute = 4 * 60 + 59;
	is(DECIDE_DELIVER, "1.0.0 to 2.1.0");
	t.facts.minute = NOON;
	t.facts.at_once = true;
	is(DECIDE_DELIVER, "1.0.0 to 2.1.0");
}

static void test_decide__budget(void **state)
{
	static const struct {
		uint32_t n;
		enum fleet_outcome last;
		uint64_t ago;
		const char *why; /* NULL: it is tried */
	} rows[] = {
		{1, FLEET_FAILED, 0, "waits until 13:00 after 1 attempt (failed)"},
		{1, FLEET_FAILED, HOUR - 60, "waits until 12:01 after 1 attempt (failed)"},
		{1, FLEET_FAILED, HOUR, NULL},
		{2, FLEET_UNREACHABLE, HOUR, "waits until 13:00 after 2 attempts (unreachable)"},
		{4, FLEET_REFUSED, 0, "waits until 20:00 after 4 attempts (refused)"},
		{5, FLEET_FAILED, 0, "set aside until tomorrow 12:00 after 5 attempts (failed)"},
		{9, FLEET_FAILED, DAY - HOUR, "set aside until 13:00 after 9 attempts (failed)"},
		/* Never for ever. */
		{9, FLEET_FAILED, DAY, NULL},
		{4000000000u, FLEET_UNHEALTHY, DAY, NULL},
		/* A host that was stopped is no reason to wait, until it happens too often. */
		{4, FLEET_INTERRUPTED, 0, NULL},
		{5, FLEET_INTERRUPTED, 0,
			"set aside until tomorrow 12:00 after 5 attempts (interrupted)"},
		{7, FLEET_OK, 0, NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		t.facts.at_once = false;
		t.facts.tries = (struct fleet_tries){
			.n = rows[i].n, .last = NOW - rows[i].ago, .last_outcome = rows[i].last};
		if (rows[i].why == NULL)
			is(DECIDE_DELIVER, "1.0.0 to 2.1.0");
		else
			is(DECIDE_WAIT, rows[i].why);
		t.facts.at_once = true;
		is(DECIDE_DELIVER, "1.0.0 to 2.1.0");
	}
	/* The clock was set back. */
	t.facts.at_once = false;
	t.facts.tries =
		(struct fleet_tries){.n = 9, .last = NOW + DAY, .last_outcome = FLEET_FAILED};
	is(DECIDE_DELIVER, "1.0.0 to 2.1.0");
}

/* Doubled, never beyond a day, whatever numbers a fleet file has. */
static void test_decide__back_off_is_bounded(void **state)
{
	struct fleet_tries tries = {.n = 100, .last = NOW, .last_outcome = FLEET_FAILED};

	t.fleet.attempts = 1000;
	assert_int_equal(NOW + DAY, decide_retry_at(&t.fleet, &tries));
	t.fleet.retry_s = 0;
	tries.n = 1;
	assert_int_equal(NOW + 1, decide_retry_at(&t.fleet, &tries));
}

static void test_decide__metered(void **state)
{
	t.fleet.metered = true;
	is(DECIDE_WAIT, "metered link: a package of 5000 bytes, at most 1000");
	t.facts.cached = true;
	is(DECIDE_DELIVER, "1.0.0 to 2.1.0");
	t.facts.cached = false;
	t.offer.has_delta = true;
	is(DECIDE_DELIVER, "1.0.0 to 2.1.0, as a delta");
	t.offer.has_delta = false;
	t.offer.length = 1000;
	is(DECIDE_DELIVER, "1.0.0 to 2.1.0");
}

/* ---- several ---- */

#define MANY 8

static struct {
	struct fleet fleet;
	struct fleet_device device[MANY];
	struct decide_job job[MANY];
	uint32_t canaries_ok;
} q;

static char *canary_label[] = {"canary"};

static int begin_many(void **state)
{
	memset(&q, 0, sizeof(q));
	q.fleet.parallel = MANY;
	q.fleet.per_group = 1;
	q.fleet.canaries = 1;
	for (size_t i = 0; i < MANY; i++) {
		snprintf(q.device[i].name, sizeof(q.device[i].name), "lamp-%zu", i);
		q.device[i].wave = 1;
		q.job[i] = (struct decide_job){.device = &q.device[i], .rollout = "r"};
	}
	return 0;
}

/* Asks for each in turn, starting those that may: "c" canary, "s" started, "." waits. */
static const char *turns(void)
{
	static char text[MANY + 1];
	char why[DECIDE_WHY_SIZE];

	memset(text, 0, sizeof(text));
	for (size_t i = 0; i < MANY; i++) {
		struct decide_turn turn;

		text[i] = '-';
		if (q.job[i].stage != DECIDE_QUEUED)
			continue;
		turn = decide_turn(&q.fleet, q.job, MANY, i, q.canaries_ok, why);
		text[i] = turn.canary ? 'c' : turn.start ? 's' : '.';
		assert_int_equal(turn.start, why[0] == '\0');
		if (turn.start)
			q.job[i].stage = DECIDE_RUNNING;
	}
	return text;
}

static void waits(size_t i, const char *want)
{
	char why[DECIDE_WHY_SIZE];

	assert_false(decide_turn(&q.fleet, q.job, MANY, i, q.canaries_ok, why).start);
	assert_string_equal(want, why);
}

static void test_turn__canary_first_and_alone(void **state)
{
	assert_string_equal("c.......", turns());
	waits(1, "waits for the canary lamp-0");
	assert_string_equal("-.......", turns());
	/* It was refused, or the host was stopped: the next one is the canary. */
	q.job[0].stage = DECIDE_ENDED;
	waits(7, "waits for the canary lamp-1");
	assert_string_equal("-c......", turns());
	q.job[1].stage = DECIDE_ENDED;
	q.canaries_ok = 1;
	assert_string_equal("--ssssss", turns());
}

static void test_turn__several_canaries(void **state)
{
	q.fleet.canaries = 3;
	q.canaries_ok = 1;
	assert_string_equal("cc......", turns());
	q.job[1].stage = DECIDE_ENDED;
	q.canaries_ok = 2;
	waits(5, "waits for the canary lamp-0");
	q.job[0].stage = DECIDE_ENDED;
	q.canaries_ok = 3;
	assert_string_equal("--ssssss", turns());
}

static void test_turn__no_canaries(void **state)
{
	q.fleet.canaries = 0;
	assert_string_equal("ssssssss", turns());
}

/* By label, never a dark one; a lower wave before a higher one. */
static void test_turn__which_canary(void **state)
{
	q.device[5].label = canary_label;
	q.device[5].n_labels = 1;
	assert_string_equal(".....c..", turns());
	waits(0, "waits for the canary lamp-5");
	q.job[5].stage = DECIDE_QUEUED;
	q.device[5].excused = true;
	q.device[0].wave = 2;
	q.device[1].excused = true;
	assert_string_equal("..c.....", turns());
}

/* It proves nothing for others, so it is none; and it does not go before one either. */
static void test_turn__dark_ones(void **state)
{
	q.fleet.canaries = 2;
	for (size_t i = 1; i < MANY; i++)
		q.device[i].excused = true;
	assert_string_equal("c.......", turns());
	waits(1, "waits for the canary lamp-0");
	q.job[0].stage = DECIDE_ENDED;
	assert_string_equal("-s......", turns());
	q.job[1].stage = DECIDE_ENDED;
	assert_string_equal("--s.....", turns());
	q.canaries_ok = 2;
	assert_string_equal("---sssss", turns());
}

/* Another rollout has canaries of its own. */
static void test_turn__rollouts_apart(void **state)
{
	for (size_t i = 4; i < MANY; i++)
		q.job[i].rollout = "other";
	assert_string_equal("c...c...", turns());
}

static void test_turn__waves(void **state)
{
	q.canaries_ok = 1;
	for (size_t i = 3; i < MANY; i++)
		q.device[i].wave = 2;
	q.job[0].stage = DECIDE_ENDED;
	assert_string_equal("-ss.....", turns());
	waits(3, "waits for wave 1");
	q.job[1].stage = DECIDE_ENDED;
	q.job[2].stage = DECIDE_ENDED;
	assert_string_equal("---sssss", turns());
}

static void test_turn__limits(void **state)
{
	char north[] = "north", south[] = "south";

	q.canaries_ok = 1;
	for (size_t i = 0; i < MANY; i++)
		q.device[i].group = i < 4 ? north : south;
	assert_string_equal("s...s...", turns());
	waits(1, "1 at a time in group north");
	q.fleet.per_group = 2;
	assert_string_equal("-s..-s..", turns());
	q.fleet.per_group = 10;
	q.fleet.parallel = 5;
	assert_string_equal("--s.--..", turns());
	waits(3, "5 at a time");
	q.fleet.parallel = 100;
	q.job[7].in_flight = 5;
	waits(7, "the rollout allows 5 at a time");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_decide__delivers, begin),
		cmocka_unit_test_setup(test_decide__nothing, begin),
		cmocka_unit_test_setup(test_decide__up_to_date, begin),
		cmocka_unit_test_setup(test_decide__same_version_other_package, begin),
		cmocka_unit_test_setup(test_decide__check_7_release_counter, begin),
		cmocka_unit_test_setup(test_decide__lower_version, begin),
		cmocka_unit_test_setup(test_decide__check_8_stepping_stone, begin),
		cmocka_unit_test_setup(test_decide__halted, begin),
		cmocka_unit_test_setup(test_decide__window, begin),
		cmocka_unit_test_setup(test_decide__budget, begin),
		cmocka_unit_test_setup(test_decide__back_off_is_bounded, begin),
		cmocka_unit_test_setup(test_decide__metered, begin),
		cmocka_unit_test_setup(test_turn__canary_first_and_alone, begin_many),
		cmocka_unit_test_setup(test_turn__several_canaries, begin_many),
		cmocka_unit_test_setup(test_turn__no_canaries, begin_many),
		cmocka_unit_test_setup(test_turn__which_canary, begin_many),
		cmocka_unit_test_setup(test_turn__dark_ones, begin_many),
		cmocka_unit_test_setup(test_turn__rollouts_apart, begin_many),
		cmocka_unit_test_setup(test_turn__waves, begin_many),
		cmocka_unit_test_setup(test_turn__limits, begin_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
