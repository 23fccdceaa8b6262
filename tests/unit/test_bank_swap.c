/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_bank_swap.c - two banks, one option bit: from every state, with the power cut or the host
 * lost at every point, and again at every point of what follows
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/bytes.h>

#include "../../src/target/bank_swap.h"

enum content {
	BLANK, /* its first word is no stack pointer */
	HALF,  /* it is one, and the rest is missing: it starts and hangs */
	OLD,
	NEW,
};

struct board {
	enum content bank[2];
	bool system;
	int runs;
	bool hung; /* a reset has started half a program: nobody answers ever again */
	bool was_hung;
};

/* Every point where something can be cut counts down; at zero it happens. */
struct cut {
	int at;
	bool lose_journal; /* and with the host goes what it remembered */
	bool happened;
};

struct run {
	struct board b;
	struct bank_journal saved; /* on the host's disk */
	struct cut cut;
	bool both;
	unsigned points; /* passed without a cut */
	unsigned actions;
};

/* AN2606, BFB2: the ROM starts bank 2 if its first word is a stack pointer, else bank 1. */
static void reset(struct board *b)
{
	b->runs = b->system && b->bank[1] != BLANK ? 2 : 1;
	b->hung = b->bank[b->runs - 1] < OLD;
	b->was_hung |= b->hung;
}

static bool cut_here(struct run *r)
{
	r->points++;
	if (r->cut.happened || r->cut.at-- > 0)
		return r->cut.happened;
	r->cut.happened = true;
	reset(&r->b);
	if (r->cut.lose_journal)
		r->saved = (struct bank_journal){.stage = BANK_NOTHING};
	return true;
}

/* Writes a bank in the pieces in which a cut may leave it. False: cut. */
static bool write_bank(struct run *r, int bank, enum content what)
{
	static const enum content ways[] = {BLANK, HALF};

	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		r->b.bank[bank - 1] = ways[i];
		if (cut_here(r))
			return false;
	}
	r->b.bank[bank - 1] = what;
	return !cut_here(r);
}

static bool note(struct run *r, struct bank_journal *j, enum bank_stage stage)
{
	j->stage = stage;
	r->saved = *j;
	return !cut_here(r);
}

/* One walk of the host, as updater_banks.c does it; true at its end. */
static bool walk(struct run *r)
{
	struct bank_journal j = r->saved;

	for (unsigned i = 0; i < 24; i++) {
		struct bank_now now = {r->b.runs, r->b.system};
		enum bank_action action = bank_next(&now, &j, r->both);
		int other = 3 - now.bank;

		r->actions++;
		switch (action) {
		case BANK_DO_NOTHING: return true;
		case BANK_DO_SEND:
			j.target = other;
			if (!note(r, &j, BANK_SENDING) || !write_bank(r, other, NEW) ||
				!note(r, &j, BANK_SENT))
				return false;
			break;
		case BANK_DO_COPY:
			if ((j.stage == BANK_SENT && !note(r, &j, BANK_PROVEN)) ||
				!note(r, &j, BANK_COPYING) ||
				!write_bank(r, other, r->b.bank[now.bank - 1]) ||
				!note(r, &j, BANK_COPIED))
				return false;
			break;
		case BANK_DO_SWITCH:
			/* What is known to be worth nothing is never run on purpose. */
			if (r->b.bank[other - 1] < OLD)
				fail_msg("bank %d is run with nothing in it", other);
			r->b.runs = other;
			if (cut_here(r))
				return false;
			break;
		case BANK_DO_SELECT:
			if (r->b.system && r->b.bank[0] < OLD)
				fail_msg("bank 1 would start with nothing in it");
			r->b.system = !r->b.system;
			reset(&r->b);
			if (cut_here(r))
				return false;
			break;
		}
	}
	fail_msg("it goes round");
	return false;
}

/* Every state that a device can be found in: something runs that shows the menu. */
static const struct board found[] = {
	{{OLD, BLANK}, false, 1},
	{{OLD, OLD}, false, 1},
	{{OLD, HALF}, false, 1},
	{{OLD, OLD}, true, 2},
	{{BLANK, OLD}, true, 2},
	{{HALF, OLD}, true, 2},
	{{OLD, BLANK}, true, 1}, /* the ROM has fallen back */
	{{OLD, OLD}, true, 1},   /* somebody pressed 5 */
	{{OLD, OLD}, false, 2},
};

static void must_be_done(const struct run *r, size_t i, int cut_at)
{
	const struct board *b = &r->b;

	if (b->was_hung || b->bank[b->runs - 1] != NEW || b->system != (b->runs == 2))
		fail_msg("state %zu, cut at %d: banks %d %d, %d runs, system %d%s", i, cut_at,
			b->bank[0], b->bank[1], b->runs, b->system, b->was_hung ? ", hung" : "");
	if (r->both && (b->bank[0] != NEW || b->bank[1] != NEW || b->runs != 1))
		fail_msg("state %zu, cut at %d: not both banks", i, cut_at);
}

/* Undisturbed: how many points there are, and the end. */
static unsigned straight(const struct run *from, size_t i)
{
	struct run r = *from;

	r.cut = (struct cut){.at = 1000000};
	r.points = 0;
	assert_true(walk(&r));
	must_be_done(&r, i, -1);
	return r.points;
}

static void test_bank_swap__every_cut_and_then_every_cut(void **state)
{
	unsigned cases = 0;

	for (unsigned both = 0; both < 2; both++)
		for (size_t i = 0; i < ARRAY_LEN(found); i++) {
			struct run start = {.b = found[i], .both = both};
			unsigned n = straight(&start, i);

			for (unsigned at = 0; at < 2 * n; at++) {
				struct run once = start;
				unsigned m;

				once.cut = (struct cut){
					.at = (int)(at / 2), .lose_journal = at % 2 != 0};
				walk(&once);
				if (once.b.was_hung)
					fail_msg("state %zu, cut at %u: it hangs", i, at / 2);
				m = straight(&once, i);
				for (unsigned again = 0; again < 2 * m; again++, cases++) {
					struct run twice = once;

					twice.cut = (struct cut){.at = (int)(again / 2),
						.lose_journal = again % 2 != 0};
					walk(&twice);
					straight(&twice, i);
				}
			}
		}
	print_message("%u pairs of cuts\n", cases);
	assert_true(cases > 1000);
}

/* ST's order, from a new device: 1 4 5 6, and 3 4 5 6 for both banks. */
static void test_bank_swap__the_order_of_an4767(void **state)
{
	struct bank_now now = {1, false};
	struct bank_journal j = {.stage = BANK_NOTHING};

	assert_int_equal(bank_next(&now, &j, true), BANK_DO_SEND);
	j = (struct bank_journal){.stage = BANK_SENT, .target = 2};
	assert_int_equal(bank_next(&now, &j, true), BANK_DO_SWITCH);
	now.bank = 2;
	assert_int_equal(bank_next(&now, &j, true), BANK_DO_SELECT);
	now.system = true;
	assert_int_equal(bank_next(&now, &j, false), BANK_DO_NOTHING);
	assert_int_equal(bank_next(&now, &j, true), BANK_DO_COPY);
	j.stage = BANK_COPIED;
	assert_int_equal(bank_next(&now, &j, true), BANK_DO_SWITCH);
	now.bank = 1;
	assert_int_equal(bank_next(&now, &j, true), BANK_DO_SELECT);
	now.system = false;
	assert_int_equal(bank_next(&now, &j, true), BANK_DO_NOTHING);
}

/* Somebody at the keyboard runs the bank that is being written: back, before anything else. */
static void test_bank_swap__a_half_written_bank_is_left(void **state)
{
	const struct bank_now in_2 = {2, false}, in_1 = {1, true};
	const struct bank_journal sending = {.stage = BANK_SENDING, .target = 2},
				  copying = {.stage = BANK_COPYING, .target = 2};

	assert_int_equal(bank_next(&in_2, &sending, false), BANK_DO_SWITCH);
	assert_int_equal(bank_next(&in_1, &copying, true), BANK_DO_SWITCH);
}

static void test_bank_swap__journal(void **state)
{
	static const char path[] = "bank_journal.tmp";
	struct bank_journal j = {.stage = BANK_COPYING, .target = 2}, back;
	struct err e = ERR_INIT;
	FILE *f;

	memset(j.image, 0xA5, sizeof(j.image));
	assert_int_equal(bank_journal_save(path, &j, &e), 0);
	bank_journal_load(path, &back);
	assert_true(back.stage == j.stage && back.target == 2);
	assert_memory_equal(back.image, j.image, sizeof(j.image));
	/* Damaged: as if there were none. */
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("[banks]\nstage = copying\ntarget = 3\nimage = 00\n", f);
	fclose(f);
	bank_journal_load(path, &back);
	assert_int_equal(back.stage, BANK_NOTHING);
	j.stage = BANK_NOTHING;
	assert_int_equal(bank_journal_save(path, &j, &e), 0);
	assert_null(fopen(path, "r"));
	bank_journal_load(path, &back);
	assert_int_equal(back.stage, BANK_NOTHING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bank_swap__every_cut_and_then_every_cut),
		cmocka_unit_test(test_bank_swap__the_order_of_an4767),
		cmocka_unit_test(test_bank_swap__a_half_written_bank_is_left),
		cmocka_unit_test(test_bank_swap__journal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
