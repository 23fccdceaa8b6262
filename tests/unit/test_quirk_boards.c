/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_quirk_boards.c - quirks that are switched on by name: the board has them, and stmota works
 * all the same or says what is wrong
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/memory_job.h>
#include <stmota/protect_job.h>

#include "../../src/sim/sim_priv.h"
#include "../support/bank_scene.h"
#include "../support/bench_open.h"

static struct sim_board *board_of(uint16_t pid, const char *quirk)
{
	struct sim_config cfg = {.chip = chip_find(pid), .seed = 1};
	struct sim_board *b = NULL;

	assert_int_equal(sim_board_new(&cfg, &b, NULL), 0);
	if (quirk != NULL)
		assert_int_equal(sim_board_fault(b, quirk, NULL), 0);
	return b;
}

static void put_program(struct sim_board *b, uint32_t sp)
{
	uint8_t *flash = sim_board_flash(b, NULL);

	put_le32(flash, sp);
	put_le32(flash + 4, b->chip->flash_base + 0x101);
}

static void power_cycle(struct sim_board *b, bool boot0)
{
	sim_board_power(b, false);
	sim_board_lines(b, boot0, true);
	sim_board_power(b, true);
}

static int open_it(struct sim_board *b, bool i2c, bool lines, struct device *d, struct err *e)
{
	struct bench_wire wire = {.board = b, .i2c = i2c, .lines = lines};

	*d = (struct device){0};
	*e = (struct err)ERR_INIT;
	return bench_open(&wire, d, e);
}

/* ---- which program starts ---- */

static void test_quirk__boot0_ignored(void **state)
{
	(void)state;
	for (int on = 0; on < 2; on++) {
		struct sim_board *b = board_of(0x413, on ? "quirk:boot0-ignored" : NULL);
		struct device d;
		struct err e;

		put_program(b, 0x20001000);
		power_cycle(b, true);
		assert_int_equal(sim_board_in_application(b), on);
		assert_int_equal(open_it(b, false, false, &d, &e), on ? ERR_TIMEOUT : 0);
		target_close(d.target);
		sim_board_free(b);
	}
}

static void test_quirk__boot_every_second_reset(void **state)
{
	struct sim_board *b = board_of(0x470, "quirk:boot-every-second-reset");
	bool first, second;
	struct device d;
	struct err e;

	(void)state;
	put_program(b, 0x20001000);
	power_cycle(b, true);
	first = sim_board_in_application(b);
	sim_board_reset(b);
	second = sim_board_in_application(b);
	assert_true(first != second);
	/* Whichever comes next: with lines it is reset until the bootloader answers. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(open_it(b, false, true, &d, &e), 0);
		target_close(d.target);
		sim_board_reset(b);
	}
	sim_board_free(b);
}

static void test_quirk__msp_below_ram_end_16(void **state)
{
	(void)state;
	for (int on = 0; on < 2; on++) {
		struct sim_board *b = board_of(0x413, on ? "quirk:msp-below-ram-end-16" : NULL);
		struct span at;

		put_program(b, b->chip->ram_base + b->chip->ram_size);
		power_cycle(b, false);
		assert_int_equal(sim_board_running(b, &at), !on);
		put_program(b, b->chip->ram_base + b->chip->ram_size - 16);
		power_cycle(b, false);
		assert_true(sim_board_running(b, &at));
		sim_board_free(b);
	}
}

static void test_quirk__rdp2_rom(void **state)
{
	(void)state;
	for (int on = 0; on < 2; on++) {
		struct sim_board *b = board_of(0x413, on ? "quirk:rdp2-rom" : NULL);
		struct device d;
		struct err e;

		put_program(b, 0x20001000);
		assert_true(sim_option_set_rdp(b, 0xCC));
		power_cycle(b, true);
		assert_int_equal(sim_board_in_application(b), !on);
		assert_int_equal(open_it(b, false, false, &d, &e), on ? 0 : ERR_TIMEOUT);
		if (on)
			assert_true(d.facts.read_refused);
		target_close(d.target);
		sim_board_free(b);
	}
}

static void test_quirk__app_silent(void **state)
{
	(void)state;
	for (int on = 0; on < 2; on++) {
		struct trial_result result;
		struct err e = ERR_INIT;
		struct bank_scene s;

		bank_scene_init(&s, chip_find(0x482), false);
		s.quirk = on ? "quirk:app-silent" : NULL;
		bank_scene_board(&s, 1, NULL);
		assert_int_equal(bank_scene_update(&s, "new", &result, &e), on ? ERR_VERIFY : 0);
		assert_int_equal(bank_scene_boots(&s), on ? BOOTS_OLD : BOOTS_NEW);
		bank_scene_done(&s);
	}
}

/* ---- memory ---- */

static void test_quirk__read_past_end_fault(void **state)
{
	struct sim_board *b = board_of(0x410, "quirk:read-past-end-fault");
	uint8_t buf[256];
	struct span last;
	struct device d;
	struct err e;

	(void)state;
	assert_int_equal(open_it(b, false, false, &d, &e), 0);
	last = (struct span){d.facts.geometry.base + d.facts.flash_size - 16, 16};
	assert_int_equal(memory_read(&d, last, true, buf, NULL, &e), 0);
	/* What nobody of ours does. */
	assert_true(d.target->ops->read(d.target, last.addr, buf, 256, &e) < 0);
	target_close(d.target);
	sim_board_free(b);
}

/* G0B1: until it is certain which it is, bank 2 is not erased by number. */
static void test_quirk__bank2_from_256(void **state)
{
	(void)state;
	for (int on = 0; on < 2; on++) {
		struct sim_board *b = board_of(0x467, on ? "quirk:bank2-from-256" : NULL);
		uint8_t *flash = sim_board_flash(b, NULL);
		struct erase_unit u;
		struct device d;
		struct err e;

		assert_int_equal(open_it(b, false, false, &d, &e), 0);
		assert_int_equal(
			geometry_need_numbers(&d.facts.geometry, d.facts.geometry.n_bank1, 1, &e),
			ERR_UNSUPPORTED);
		u = geometry_unit(&d.facts.geometry, d.facts.geometry.n_bank1);
		u.number = 256;
		memset(flash + d.facts.flash_size / 2, 0x5A, 64);
		assert_int_equal(d.target->ops->erase(d.target, &u, 1, &e), 0);
		assert_int_equal(flash[d.facts.flash_size / 2], on ? 0xFF : 0x5A);
		target_close(d.target);
		sim_board_free(b);
	}
}

static void test_quirk__i2c_mass_erase_bank2_only(void **state)
{
	struct sim_board *b = board_of(0x482, "quirk:i2c-mass-erase-bank2-only");
	uint8_t *flash = sim_board_flash(b, NULL);
	struct device d;
	struct err e;

	(void)state;
	flash[0] = 0x5A;
	flash[b->flash_size / 2] = 0x5A;
	assert_int_equal(open_it(b, true, false, &d, &e), 0);
	/* Unknown of this ROM: found out by looking. */
	assert_int_equal(memory_erase_all(&d, NULL, &e), ERR_VERIFY);
	assert_int_equal(flash[0], 0x5A);
	assert_int_equal(flash[b->flash_size / 2], 0xFF);
	target_close(d.target);
	sim_board_free(b);
}

static void test_quirk__erase_pause_40_ms(void **state)
{
	static const uint8_t data[16] = {1, 2, 3};

	(void)state;
	for (int on = 0; on < 2; on++) {
		struct sim_board *b = board_of(0x435, on ? "quirk:erase-pause-40-ms" : NULL);
		struct erase_unit u;
		struct device d;
		struct err e;

		assert_int_equal(open_it(b, false, false, &d, &e), 0);
		u = geometry_unit(&d.facts.geometry, 3);
		assert_int_equal(d.target->ops->erase(d.target, &u, 1, &e), 0);
		assert_int_equal(d.target->ops->write(d.target, u.addr, data, 16, &e), 0);
		assert_int_equal(memcmp(sim_board_flash(b, NULL) + 3 * u.size, data, 16) == 0, !on);
		target_close(d.target);
		sim_board_free(b);
	}
}

/* ---- what it says of itself ---- */

static void test_quirk__version_wrong(void **state)
{
	struct sim_board *b = board_of(0x413, "quirk:version-wrong");
	struct erase_unit u;
	struct device d;
	struct err e;

	(void)state;
	assert_int_equal(open_it(b, false, false, &d, &e), 0);
	assert_int_equal(d.facts.protocol, 0x20);
	/* 2.0 would have 0x43: the list is what counts. */
	u = geometry_unit(&d.facts.geometry, 1);
	memset(sim_board_flash(b, NULL) + u.size, 0x5A, 64);
	assert_int_equal(d.target->ops->erase(d.target, &u, 1, &e), 0);
	assert_int_equal(sim_board_flash(b, NULL)[u.size], 0xFF);
	target_close(d.target);
	sim_board_free(b);
}

static void test_quirk__i2c_absent(void **state)
{
	struct sim_board *b = board_of(0x413, "quirk:i2c-absent");
	struct device d;
	struct err e;

	(void)state;
	assert_int_equal(sim_i2c_address(b), 0);
	assert_true(open_it(b, true, false, &d, &e) < 0);
	target_close(d.target);
	sim_board_free(b);
}

/* ---- option bytes ---- */

static void test_quirk__option_cut_rdp(void **state)
{
	uint64_t ops;

	(void)state;
	for (uint32_t seed = 0; seed <= 3; seed++) {
		struct trial_result result;
		struct err e = ERR_INIT;
		struct bank_scene s;
		char fault[32];

		bank_scene_init(&s, chip_find(0x482), false);
		s.quirk = "quirk:option-cut-rdp";
		bank_scene_board(&s, seed, NULL);
		assert_int_equal(bank_scene_update(&s, "new", &result, &e), 0);
		ops = bank_scene_ops(&s);
		snprintf(fault, sizeof(fault), "cut@op:%u", (unsigned)ops);
		bank_scene_board(&s, seed, fault);
		assert_true(bank_scene_update(&s, "new", &result, &e) < 0);
		assert_true(bank_scene_enter_rom(&s));
		assert_true(bank_scene_protected(&s));
		bank_scene_done(&s);
	}
}

static void test_quirk__unprotect_power_cycle(void **state)
{
	struct sim_board *b = board_of(0x413, "quirk:unprotect-power-cycle");
	struct device d;
	struct err e;

	(void)state;
	assert_true(sim_option_set_rdp(b, 0x00));
	power_cycle(b, true);
	assert_int_equal(open_it(b, false, true, &d, &e), 0);
	assert_true(d.facts.read_refused);
	/* It is asked for the power cycle, not told that all is well. */
	assert_int_equal(protect_set_rdp(&d, 0, true, NULL, &e), ERR_VERIFY);
	assert_non_null(strstr(e.hint, "cut the power"));
	target_close(d.target);
	power_cycle(b, true);
	assert_int_equal(open_it(b, false, true, &d, &e), 0);
	assert_false(d.facts.read_refused);
	target_close(d.target);
	sim_board_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quirk__boot0_ignored),
		cmocka_unit_test(test_quirk__boot_every_second_reset),
		cmocka_unit_test(test_quirk__msp_below_ram_end_16),
		cmocka_unit_test(test_quirk__rdp2_rom),
		cmocka_unit_test(test_quirk__app_silent),
		cmocka_unit_test(test_quirk__read_past_end_fault),
		cmocka_unit_test(test_quirk__bank2_from_256),
		cmocka_unit_test(test_quirk__i2c_mass_erase_bank2_only),
		cmocka_unit_test(test_quirk__erase_pause_40_ms),
		cmocka_unit_test(test_quirk__version_wrong),
		cmocka_unit_test(test_quirk__i2c_absent),
		cmocka_unit_test(test_quirk__option_cut_rdp),
		cmocka_unit_test(test_quirk__unprotect_power_cycle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
