/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <stmota/bytes.h>
#include <stmota/entry.h>

/* A link that writes down what happens to its lines. */
struct lines {
	struct link link;
	struct clock clock;
	uint64_t now_ms;
	char log[256];
	int fail_at; /* fails at this call of set_line, counted from 1 */
	int calls;
};

static int set_line(struct link *l, enum link_line line, bool level, struct err *e)
{
	struct lines *s = (struct lines *)l;
	size_t n = strlen(s->log);

	if (++s->calls == s->fail_at)
		return err_set(e, ERR_LINK, "gone");
	snprintf(s->log + n, sizeof(s->log) - n, "%s=%d@%u ", line == LINK_BOOT0 ? "boot0" : "nrst",
		level, (unsigned)s->now_ms);
	return 0;
}

static int flush(struct link *l, struct err *e)
{
	struct lines *s = (struct lines *)l;
	size_t n = strlen(s->log);

	(void)e;
	snprintf(s->log + n, sizeof(s->log) - n, "flush@%u", (unsigned)s->now_ms);
	return 0;
}

static uint64_t now_ms(void *ctx)
{
	return ((struct lines *)ctx)->now_ms;
}

static void sleep_ms(void *ctx, uint32_t ms)
{
	((struct lines *)ctx)->now_ms += ms;
}

static const struct link_ops ops = {.name = "lines", .set_line = set_line, .flush = flush};

static void lines_init(struct lines *s)
{
	*s = (struct lines){.link = {.ops = &ops, .caps = LINK_HAS_LINES}};
	s->clock = (struct clock){s, now_ms, sleep_ms};
	s->link.clock = &s->clock;
}

static void test_entry__presets(void **state)
{
	struct entry en = ENTRY_INIT;

	(void)state;
	assert_int_equal(entry_parse("dtr-rts", NULL, &en, NULL), 0);
	assert_int_equal(en.nrst.wire, ENTRY_WIRE_DTR);
	assert_int_equal(en.boot0.wire, ENTRY_WIRE_RTS);
	assert_false(en.nrst.inverted);
	assert_int_equal(entry_parse("!rts-dtr", NULL, &en, NULL), 0);
	assert_int_equal(en.nrst.wire, ENTRY_WIRE_RTS);
	assert_true(en.nrst.inverted);
	assert_int_equal(en.boot0.wire, ENTRY_WIRE_DTR);
	assert_false(en.boot0.inverted);
	assert_int_equal(entry_parse("dtr-!rts", NULL, &en, NULL), 0);
	assert_true(en.boot0.inverted);
	assert_true(entry_can_enter(&en));
	assert_int_equal(entry_parse("none", NULL, &en, NULL), 0);
	assert_false(entry_can_enter(&en));
	assert_false(entry_can_reset(&en));
	/* The wiring is remembered. */
	assert_int_equal(entry_parse("lines", NULL, &en, NULL), 0);
	assert_true(entry_can_enter(&en));
}

static void test_entry__refusals(void **state)
{
	static const struct {
		const char *text;
		int code;
	} cases[] = {
		{"lines", ERR_USAGE}, /* no wiring known */
		{"", ERR_USAGE}, {"dtr", ERR_USAGE}, {"dtr-dtr", ERR_USAGE},
		{"dtr-!dtr", ERR_USAGE}, {"dtr-cts", ERR_USAGE}, {"-", ERR_USAGE},
		{"dtr-", ERR_USAGE}, {"none-dtr", ERR_USAGE}, {"!none-dtr", ERR_USAGE},
		{"!!dtr-rts", ERR_USAGE}, {"dtrdtrdtr-rts", ERR_USAGE},
		{"app:1200bps", ERR_USAGE}, /* neither a recipe nor the name of a section */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct entry en = ENTRY_INIT, before = en;
		struct err e = ERR_INIT;

		if (entry_parse(cases[i].text, NULL, &en, &e) != cases[i].code)
			fail_msg("'%s': %s", cases[i].text, e.msg);
		assert_true(e.msg[0] != '\0');
		assert_memory_equal(&en.boot0, &before.boot0, sizeof(en.boot0));
		assert_memory_equal(&en.nrst, &before.nrst, sizeof(en.nrst));
	}
}

static void test_entry__enter_and_leave(void **state)
{
	struct entry en = ENTRY_INIT;
	struct lines s;

	(void)state;
	en.settle_ms = 5;
	en.reset_ms = 50;
	en.boot_ms = 100;
	assert_int_equal(entry_parse("dtr-rts", NULL, &en, NULL), 0);
	lines_init(&s);
	assert_int_equal(entry_enter(&s.link, &en, NULL), 0);
	assert_string_equal(s.log, "boot0=1@0 nrst=0@5 nrst=1@55 flush@155");
	lines_init(&s);
	assert_int_equal(entry_leave(&s.link, &en, NULL), 0);
	assert_string_equal(s.log, "boot0=0@0 nrst=0@5 nrst=1@55 ");
}

static void test_entry__no_line_no_reset(void **state)
{
	struct entry en = ENTRY_INIT;
	struct lines s;

	(void)state;
	lines_init(&s);
	assert_int_equal(entry_enter(&s.link, &en, NULL), ERR_UNSUPPORTED);
	assert_int_equal(entry_parse("dtr-rts", NULL, &en, NULL), 0);
	assert_int_equal(entry_parse("none", NULL, &en, NULL), 0);
	assert_int_equal(entry_leave(&s.link, &en, NULL), ERR_UNSUPPORTED);
	assert_string_equal(s.log, "");
}

static void test_entry__a_port_that_goes_is_reported(void **state)
{
	struct entry en = ENTRY_INIT;
	struct lines s;

	(void)state;
	assert_int_equal(entry_parse("dtr-rts", NULL, &en, NULL), 0);
	for (int at = 1; at <= 3; at++) {
		lines_init(&s);
		s.fail_at = at;
		assert_int_equal(entry_enter(&s.link, &en, NULL), ERR_LINK);
	}
}

static void test_entry__reach(void **state)
{
	struct entry en = ENTRY_INIT;

	(void)state;
	assert_int_equal(entry_reach(&en, chip_find(0x413)), REACH_BY_HAND);
	assert_int_equal(entry_reach(&en, chip_find(0x466)), REACH_EMPTY_CHECK);
	/* 0x442 is F09x and F030xC; only some of them look: nothing to rely on. */
	assert_int_equal(entry_reach(&en, chip_find(0x442)), REACH_BY_HAND);
	assert_int_equal(entry_reach(&en, NULL), REACH_BY_HAND);
	assert_int_equal(entry_parse("dtr-rts", NULL, &en, NULL), 0);
	assert_int_equal(entry_reach(&en, chip_find(0x466)), REACH_LINES);
	/* A reset alone does not lead into the ROM. */
	en.boot0.wire = ENTRY_WIRE_NONE;
	assert_int_equal(entry_reach(&en, chip_find(0x413)), REACH_BY_HAND);
	assert_true(entry_can_reset(&en));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entry__presets),
		cmocka_unit_test(test_entry__refusals),
		cmocka_unit_test(test_entry__enter_and_leave),
		cmocka_unit_test(test_entry__no_line_no_reset),
		cmocka_unit_test(test_entry__a_port_that_goes_is_reported),
		cmocka_unit_test(test_entry__reach),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
