/* SPDX-License-Identifier: Apache-2.0 */
/* test_bank_move.c - the other bank: planned for every chip, refused in time, and back on silence */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/bank_move.h>

#include "../support/bank_scene.h"

/* ---- planning ---- */

struct words {
	const struct chip_bits *bit;
	uint32_t value;
};

static int read_word(void *ctx, uint32_t addr, uint32_t *ret, struct err *e)
{
	const struct words *w = ctx;

	(void)e;
	*ret = 0;
	if (addr == w->bit->addr)
		*ret = w->value << w->bit->bit;
	return 0;
}

static void put_program(uint8_t head[8], uint32_t sp)
{
	put_le32(head, sp);
	put_le32(head + 4, 0x08000401);
}

static void test_bank_move_plan__every_chip(void **state)
{
	unsigned planned = 0, refused = 0, single = 0;

	(void)state;
	for (size_t i = 0; i < chip_count(); i++) {
		const struct chip *c = chip_at(i);
		const char *name = c->bank_swap_bit != NULL ? c->bank_swap_bit : c->bank_boot_bit;
		struct words w = {.bit = name != NULL ? chip_option_find(c, name) : NULL};
		uint8_t heads[2][8];
		struct geometry g;
		struct bank_move m[2];

		if (geometry_init(&g, c, 0, CHIP_BANKS_TABLE, NULL) < 0)
			continue;
		put_program(heads[0], c->ram_base + 0x800);
		put_program(heads[1], c->ram_base + 0x800);
		if (g.banks == 1) {
			assert_int_equal(bank_move_plan(&g, 0xFF, read_word, &w, heads, m, NULL),
				ERR_UNSUPPORTED);
			single++;
			continue;
		}
		if (w.bit == NULL || bank_move_plan(&g, 0xFF, read_word, &w, heads, m, NULL) < 0) {
			refused++;
			continue;
		}
		for (w.value = 0; w.value < 2; w.value++) {
			struct bank_move *now = &m[w.value];
			struct err e = ERR_INIT;

			/* L496 wants nBOOT0 = 1, which these words do not have: no way to bank 2. */
			if (bank_move_plan(&g, 0xFF, read_word, &w, heads, now, &e) < 0)
				fail_msg("0x%03X: %s", c->pid, e.msg);
			assert_int_equal(now->running + now->other, 3);
			assert_int_equal(now->link, g.base);
			assert_int_equal(now->size, g.size / 2);
			assert_int_equal(now->value_back, w.value);
			assert_int_equal(now->value_new, w.value ^ 1);
			if (now->by_rom)
				assert_int_equal(
					now->to, now->running == 1 ? g.bank2_base : g.base);
			else
				assert_int_equal(now->to, g.bank2_base);
		}
		/* The other value, the other bank. */
		assert_int_equal(m[0].running, m[1].other);
		planned++;
	}
	print_message("%u planned, %u with two banks refused as not confirmed, %u with one bank\n",
		planned, refused, single);
	assert_true(planned >= 15);
}

static void test_bank_move_plan__bank2_without_a_program(void **state)
{
	const struct chip *c = chip_find(0x470);
	struct words w = {.bit = chip_option_find(c, "BFB2"), .value = 1};
	uint8_t heads[2][8];
	struct geometry g;
	struct bank_move m;

	(void)state;
	assert_int_equal(geometry_init(&g, c, 0, CHIP_BANKS_TABLE, NULL), 0);
	put_program(heads[0], 0x20001000);
	memset(heads[1], 0xFF, 8);
	/* The bit stands already: bank 1 runs because bank 2 has nothing to run. */
	assert_int_equal(bank_move_plan(&g, 0, read_word, &w, heads, &m, NULL), 0);
	assert_int_equal(m.running, 1);
	assert_int_equal(m.to, g.bank2_base);
	assert_int_equal(m.value_new, 1);
	assert_int_equal(m.value_back, 0);
	assert_int_equal(bank_move_check_stack(&m, c, 0x20001000, NULL), 0);
	assert_int_equal(bank_move_check_stack(&m, c, 0xFFFFFFFF, NULL), ERR_NO_FIT);
}

/* ---- on a board; tests/campaign/banks.c cuts it at every operation ---- */

/* H74: one write does not carry its option area. That must be known before the first erase. */
static void test_bank__a_switch_that_cannot_be_made(void **state)
{
	struct trial_result result;
	struct err e = ERR_INIT;
	struct bank_scene s;

	(void)state;
	bank_scene_init(&s, chip_find(0x450), false);
	bank_scene_board(&s, 11, NULL);
	assert_int_equal(bank_scene_update(&s, "new", &result, &e), ERR_UNSUPPORTED);
	assert_int_equal(sim_board_ops(s.board), 0);
	assert_int_equal(bank_scene_boots(&s), BOOTS_OLD);
	bank_scene_done(&s);
}

static void test_bank__silence_switches_back(void **state)
{
	static const uint16_t pids[] = {0x482, 0x470, 0x419, 0x447};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
		struct trial_result result;
		struct err e = ERR_INIT;
		struct bank_scene s;

		bank_scene_init(&s, chip_find(pids[i]), false);
		bank_scene_board(&s, 11, NULL);
		assert_int_equal(bank_scene_update(&s, "something else", &result, &e), ERR_VERIFY);
		if (!result.taken_back)
			fail_msg("0x%03X: %s", pids[i], e.msg);
		assert_non_null(strstr(e.msg, "bank 1 runs again"));
		assert_int_equal(bank_scene_boots(&s), BOOTS_OLD);
		bank_scene_done(&s);
	}
}

/*
 * The banks are swapped by now. No source tells which numbers their units have: either way the
 * update goes where it should, and the program that runs keeps every byte until the switch.
 */
static void test_bank__the_second_update(void **state)
{
	static const struct {
		uint16_t pid;
		const char *quirk;
	} cases[] = {
		{0x482, NULL},
		{0x482, "quirk:numbers-by-address"},
		{0x472, NULL},
		{0x472, "quirk:numbers-by-bank"},
		{0x474, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial_result result;
		struct err e = ERR_INIT;
		struct bank_scene s;

		bank_scene_init(&s, chip_find(cases[i].pid), false);
		s.second = true;
		s.quirk = cases[i].quirk;
		bank_scene_board(&s, 11, NULL);
		assert_int_equal(bank_scene_boots(&s), BOOTS_OLD);
		assert_true(bank_scene_enter_rom(&s));
		if (bank_scene_update(&s, "something else", &result, &e) != ERR_VERIFY)
			fail_msg("0x%03X %s: %s", cases[i].pid, cases[i].quirk, e.msg);
		assert_non_null(strstr(e.msg, "bank 2 runs again"));
		assert_int_equal(bank_scene_boots(&s), BOOTS_OLD);
		assert_true(bank_scene_enter_rom(&s));
		if (bank_scene_update(&s, "new", &result, &e) != 0)
			fail_msg("0x%03X %s: %s", cases[i].pid, cases[i].quirk, e.msg);
		assert_int_equal(bank_scene_boots(&s), BOOTS_NEW);
		bank_scene_done(&s);
	}
}

/* Nothing is tried out on a unit that holds something, in whichever bank. */
static void test_bank__no_unit_is_free(void **state)
{
	(void)state;
	for (int full = 0; full < 2; full++) {
		struct trial_result result;
		struct err e = ERR_INIT;
		struct bank_scene s;
		uint8_t *flash;
		uint32_t half;

		bank_scene_init(&s, chip_find(0x474), false);
		s.second = true;
		bank_scene_board(&s, 11, NULL);
		flash = sim_board_flash(s.board, NULL);
		half = s.geometry.size / 2;
		for (uint32_t i = 0; i < s.geometry.n_bank1; i++)
			flash[(uint32_t)full * half + (i + 1) * (half / s.geometry.n_bank1) - 3] =
				7;
		assert_int_equal(bank_scene_update(&s, "new", &result, &e), ERR_UNSUPPORTED);
		assert_non_null(strstr(e.msg, "no erase unit is blank"));
		assert_int_equal(bank_scene_ops(&s), 0);
		assert_int_equal(bank_scene_boots(&s), BOOTS_OLD);
		bank_scene_done(&s);
	}
}

/* All units but the last of either bank hold something. */
static void fill_up(struct bank_scene *s)
{
	uint8_t *flash = sim_board_flash(s->board, NULL);
	uint32_t half = s->geometry.size / 2, unit = half / s->geometry.n_bank1;

	for (uint32_t at = unit; at + unit < half; at += unit)
		flash[at + unit - 3] = flash[half + at + unit - 3] = 7;
}

/*
 * A cut while the device is asked for its numbers: a mark that is there in part, a unit that reads
 * blank and takes no word. The same update goes on: where no other unit could be asked, and where the
 * host has lost what it remembered.
 */
static void test_bank__asking_is_cut_short(void **state)
{
	static const char *const quirks[] = {NULL, "quirk:numbers-by-address"};
	static const uint16_t pids[] = {0x482, 0x474};
	unsigned cuts = 0;

	(void)state;
	for (unsigned i = 0; i < 2 * 2 * 2 * 8 * 5; i++) {
		const struct chip *c = chip_find(pids[i % 2]);
		uint32_t seed = i / 8 % 8 + 4;
		bool forgets = i / 4 % 2 == 1;
		struct trial_result result;
		struct err e = ERR_INIT;
		struct bank_scene s;
		char fault[20];

		bank_scene_init(&s, c, false);
		s.second = true;
		s.quirk = quirks[i / 2 % 2];
		snprintf(fault, sizeof(fault), "cut@op:%u", i / 64 + 1);
		bank_scene_board(&s, seed, fault);
		if (!forgets)
			fill_up(&s);
		assert_int_not_equal(bank_scene_update(&s, "new", &result, &e), 0);
		sim_board_clear_faults(s.board);
		assert_int_equal(bank_scene_boots(&s), BOOTS_OLD);
		assert_true(bank_scene_enter_rom(&s));
		if (forgets)
			bank_scene_forget(&s);
		e = ERR_INIT;
		if (bank_scene_update(&s, "new", &result, &e) != 0)
			fail_msg("0x%03X %s seed %u: %s", c->pid, fault, seed, e.msg);
		assert_int_equal(bank_scene_boots(&s), BOOTS_NEW);
		bank_scene_done(&s);
		cuts++;
	}
	assert_int_equal(cuts, 320);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bank_move_plan__every_chip),
		cmocka_unit_test(test_bank_move_plan__bank2_without_a_program),
		cmocka_unit_test(test_bank__a_switch_that_cannot_be_made),
		cmocka_unit_test(test_bank__silence_switches_back),
		cmocka_unit_test(test_bank__the_second_update),
		cmocka_unit_test(test_bank__no_unit_is_free),
		cmocka_unit_test(test_bank__asking_is_cut_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
