/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim_flash.c - what the virtual flash does with words that are not erased, not whole, or not
 * finished
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim_talk.h"

static const uint8_t a[32] = {[0 ... 31] = 0xF0}, c[32] = {[0 ... 31] = 0x3C};

/* A board that listens. */
static struct sim_board *ready(uint16_t pid, uint32_t kib, const char *fault)
{
	struct sim_board *b = talk_board(pid, kib, 0, fault);

	talk(b, "7F", "79");
	return b;
}

static void test_sim_flash__program_over_what_is_not_erased(void **state)
{
	static const struct {
		uint16_t pid;
		uint8_t result; /* of 0x3C over 0xF0, byte by byte; 1: neither, rubbish */
	} rows[] = {
		{0x413, 0x30}, /* F4: bits go to 0 */
		{0x410, 0xF0}, /* F1: refused */
		{0x435, 0xF0}, /* L4: refused, ECC */
		{0x447, 0xF0}, /* L0: refused */
		{0x429, 0xFC}, /* L1: bits go to 1 */
		{0x483, 1},    /* H7: the ECC does not fit */
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sim_board *b = ready(rows[i].pid, 0, NULL);
		uint8_t *flash = sim_board_flash(b, NULL);

		talk_write(b, 0x08000000, a, 32);
		assert_memory_equal(flash, a, 32);
		talk_write(b, 0x08000000, c, 32);
		if (rows[i].result == 1)
			assert_true(memcmp(flash, a, 32) != 0 && memcmp(flash, c, 32) != 0);
		else
			assert_true(bytes_all(flash, 32, rows[i].result));
		sim_board_free(b);
	}
}

static void test_sim_flash__ones_count_as_programmed_with_ecc(void **state)
{
	uint8_t ones[32];
	struct sim_board *b = ready(0x435, 0, NULL);

	memset(ones, 0xFF, sizeof(ones));
	talk_write(b, 0x08000000, ones, 32);
	talk_write(b, 0x08000000, a, 32);
	assert_memory_equal(sim_board_flash(b, NULL), ones, 32);
	talk(b, "44 BB", "79");
	talk(b, "00 00 00 00 00", "79");
	talk_write(b, 0x08000000, a, 32);
	assert_memory_equal(sim_board_flash(b, NULL), a, 32);
	sim_board_free(b);
}

static void test_sim_flash__zero_over_anything_on_f1(void **state)
{
	static const uint8_t zero[4] = {0};
	struct sim_board *b = ready(0x410, 0, NULL);

	talk_write(b, 0x08000000, a, 32);
	talk_write(b, 0x08000004, zero, 4);
	assert_memory_equal(sim_board_flash(b, NULL), "\xF0\xF0\xF0\xF0\0\0\0\0\xF0", 9);
	sim_board_free(b);
}

static void test_sim_flash__words_that_are_not_whole_are_lost(void **state)
{
	struct sim_board *b = ready(0x435, 0, NULL);
	uint8_t *flash = sim_board_flash(b, NULL);

	talk_write(b, 0x08000000, a, 12);
	assert_true(bytes_all(flash, 8, 0xF0));
	assert_true(bytes_all(flash + 8, 8, 0xFF));
	talk_write(b, 0x08000104, a, 16);
	assert_true(bytes_all(flash + 0x100, 32, 0xFF));
	/* On this family that is all. */
	talk_write(b, 0x08000200, a, 16);
	assert_memory_equal(flash + 0x200, a, 16);
	sim_board_free(b);
}

static void test_sim_flash__misaligned_write_spoils_the_later_ones(void **state)
{
	struct sim_board *b = ready(0x450, 0, NULL);
	uint8_t *flash = sim_board_flash(b, NULL);

	talk_write(b, 0x08000000, a, 16);
	talk_write(b, 0x08000100, a, 32);
	assert_true(bytes_all(flash, 1024, 0xFF));
	sim_board_reset(b);
	talk(b, "7F", "79");
	talk_write(b, 0x08000100, a, 32);
	assert_memory_equal(flash + 0x100, a, 32);
	sim_board_free(b);
}

static void test_sim_flash__first_write_after_a_read(void **state)
{
	struct sim_board *b = ready(0x483, 0, NULL);
	uint8_t *flash = sim_board_flash(b, NULL), block[64], word[4];

	memset(block, 0x77, sizeof(block));
	talk_write(b, 0x08000000, block, 64);
	assert_memory_equal(flash, block, 64);
	talk_read(b, 0x08000000, word, 4);
	talk_write(b, 0x08000100, block, 64);
	assert_true(bytes_all(flash + 0x100, 32, 0xFF));
	assert_true(bytes_all(flash + 0x120, 32, 0x77));
	/* The way round it: 32 bytes of the same, then the block. */
	talk_read(b, 0x08000000, word, 4);
	talk_write(b, 0x08000200, block, 32);
	talk_write(b, 0x08000200, block, 64);
	assert_memory_equal(flash + 0x200, block, 64);
	sim_board_free(b);
}

static void test_sim_flash__erased_value(void **state)
{
	struct sim_board *b = ready(0x447, 0, NULL);
	uint8_t *flash = sim_board_flash(b, NULL);

	assert_true(bytes_all(flash, 1024, 0x00));
	talk_write(b, 0x08000000, a, 32);
	talk(b, "44 BB", "79");
	talk(b, "00 00 00 00 00", "79");
	assert_true(bytes_all(flash, 128, 0x00));
	sim_board_free(b);
}

static void test_sim_flash__behind_the_end(void **state)
{
	struct sim_board *b = ready(0x410, 64, NULL);
	uint32_t size;
	uint8_t *flash = sim_board_flash(b, &size), back[32];

	/* The start counts: what lies behind is ACKed and lost, and reads as something. */
	assert_int_equal(size, 65536);
	talk_write(b, 0x0800FFF0, a, 32);
	assert_true(bytes_all(flash + size - 16, 16, 0xF0));
	talk_read(b, 0x0800FFF0, back, 32);
	assert_memory_equal(back, a, 16);
	sim_board_free(b);
}

struct ops {
	struct sim_board *board;
	unsigned calls;
};

static void count(void *ctx)
{
	((struct ops *)ctx)->calls++;
}

static void test_sim_flash__counts_and_times_operations(void **state)
{
	struct sim_board *b = ready(0x435, 0, NULL);
	struct ops ops = {b, 0};
	struct sim_stats s;

	sim_board_on_op(b, count, &ops);
	talk(b, "44 BB", "79");
	talk(b, "00 01 00 00 00 01 00", "79");
	talk_write(b, 0x08000000, a, 32);
	s = sim_board_stats(b);
	assert_int_equal(s.erases, 2);
	assert_int_equal(s.programs, 4);
	assert_int_equal(sim_board_ops(b), 6);
	assert_int_equal(ops.calls, 6);
	assert_true(s.flash_us >= 2000 * chip_erase_ms_typical(chip_find(0x435), 2048));
	sim_board_free(b);
}

/* Nothing is answered any more, and everything before the operation stands. */
static void test_sim_flash__cut_while_programming(void **state)
{
	bool differs = false;

	for (unsigned n = 1; n <= 8; n++) {
		char fault[32];
		struct sim_board *b;
		uint8_t *flash;

		snprintf(fault, sizeof(fault), "cut@op:%u", n);
		b = ready(0x410, 64, fault);
		flash = sim_board_flash(b, NULL);
		talk(b, "31 CE", "79");
		talk(b, "08 00 00 00 08", "79");
		talk(b,
			"1F F0 F0 F0 F0 F0 F0 F0 F0 F0 F0 F0 F0 F0 F0 F0 F0 F0 F0 F0 F0 F0 F0 F0 "
			"F0 "
			"F0 F0 F0 F0 F0 F0 F0 F0 1F",
			"");
		assert_false(sim_board_powered(b));
		assert_true(bytes_all(flash, 4 * (n - 1), 0xF0));
		assert_true(bytes_all(flash + 4 * n, 32 - 4 * n, 0xFF));
		differs = differs || !bytes_all(flash + 4 * (n - 1), 4, 0xFF);
		for (unsigned i = 0; i < 4; i++) /* some bits of it, and none that should not be */
			assert_int_equal(flash[4 * (n - 1) + i] & 0xF0, 0xF0);
		talk(b, "7F", "");
		sim_board_power(b, true);
		talk(b, "7F", "79");
		sim_board_free(b);
	}
	assert_true(differs);
}

static void test_sim_flash__cut_while_erasing(void **state)
{
	unsigned as_before = 0, erased = 0, neither = 0;

	for (unsigned seed = 0; seed < 40; seed++) {
		const char *fault = "cut@op:2";
		struct sim_config cfg = {.chip = chip_find(0x410),
			.flash_size = 65536,
			.faults = &fault,
			.n_faults = 1,
			.seed = seed};
		struct sim_board *b;
		uint8_t *flash;

		assert_int_equal(sim_board_new(&cfg, &b, NULL), 0);
		flash = sim_board_flash(b, NULL);
		memset(flash, 0x66, 4096);
		talk(b, "7F", "79");
		talk(b, "43 BC", "79");
		talk(b, "02 00 01 02 01", "");
		assert_true(bytes_all(flash, 1024, 0xFF));
		assert_true(bytes_all(flash + 2048, 2048, 0x66));
		if (bytes_all(flash + 1024, 1024, 0x66))
			as_before++;
		else if (bytes_all(flash + 1024, 1024, 0xFF))
			erased++;
		else
			neither++;
		sim_board_free(b);
	}
	assert_true(as_before > 0 && erased > 0 && neither > 0);
}

/* Of 30 boards whose power fails while option bytes are written, those that refuse to erase. */
static unsigned protected_by_cuts(uint16_t pid)
{
	unsigned n = 0;

	for (unsigned seed = 0; seed < 30; seed++) {
		const char *fault = "cut@op:1";
		struct sim_config cfg = {
			.chip = chip_find(pid), .faults = &fault, .n_faults = 1, .seed = seed};
		struct sim_board *b;
		uint64_t at;
		uint8_t status;

		assert_int_equal(sim_board_new(&cfg, &b, NULL), 0);
		talk(b, "7F", "79");
		talk(b, "73 8C", "79");
		assert_false(sim_board_powered(b));
		sim_board_power(b, true);
		talk(b, "7F", "79");
		sim_uart_rx(b, 0x44, sim_board_busy_until(b) + 1000);
		sim_uart_rx(b, 0xBB, sim_board_busy_until(b) + 1000);
		assert_true(sim_uart_tx(b, &status, &at));
		n += status == 0x1F;
		sim_board_free(b);
	}
	return n;
}

static void test_sim_flash__cut_in_the_option_window(void **state)
{
	/* An F7 protects itself, always. */
	for (unsigned seed = 0; seed < 10; seed++) {
		const char *fault = "cut@op:1";
		struct sim_config cfg = {
			.chip = chip_find(0x449), .faults = &fault, .n_faults = 1, .seed = seed};
		struct sim_board *b;

		assert_int_equal(sim_board_new(&cfg, &b, NULL), 0);
		talk(b, "7F", "79");
		talk(b, "73 8C", "79");
		assert_false(sim_board_powered(b));
		sim_board_power(b, true);
		talk(b, "7F", "79");
		talk(b, "11 EE", "1F");
		sim_board_free(b);
	}
	/* Elsewhere it may be the old value, the new one, or protection; PRODUCT_STATE stays. */
	assert_in_range(protected_by_cuts(0x413), 1, 29);
	assert_in_range(protected_by_cuts(0x435), 1, 29);
	assert_in_range(protected_by_cuts(0x447), 1, 29);
	assert_in_range(protected_by_cuts(0x482), 1, 29);
	assert_int_equal(protected_by_cuts(0x474), 0);
}

static void test_sim_flash__acknowledged_too_early(void **state)
{
	struct sim_board *b = talk_board(0x460, 128, 0xB3, NULL);
	uint8_t *flash = sim_board_flash(b, NULL);
	uint64_t at;
	uint8_t byte;

	/* G07x V11.3 wants 40 ms between two erases; a second one at once is lost. */
	memset(flash, 0x44, 8192);
	talk(b, "7F", "79");
	talk(b, "44 BB", "79");
	talk(b, "00 00 00 00 00", "79");
	talk(b, "44 BB", "79");
	talk(b, "00 00 00 01 01", "79");
	assert_int_equal(flash[2048], 0x44);
	at = sim_board_busy_until(b) + 50000;
	sim_board_time(b, at);
	talk(b, "44 BB", "79");
	talk(b, "00 00 00 01 01", "79");
	assert_int_equal(flash[2048], 0xFF);
	assert_false(sim_uart_tx(b, &byte, &at));
	sim_board_free(b);
}

static void test_sim_flash__ram_and_option_bytes_are_no_flash(void **state)
{
	struct sim_board *b = ready(0x410, 64, NULL);
	uint8_t back[8];

	/* RAM is written in whole words: a byte more than sent may change. */
	talk_write(b, 0x20000200, a, 6);
	talk_read(b, 0x20000200, back, 6);
	assert_memory_equal(back, a, 6);
	assert_int_equal(sim_board_ops(b), 0);
	sim_board_power(b, false);
	sim_board_power(b, true);
	talk(b, "7F", "79");
	talk_read(b, 0x20000200, back, 6);
	assert_memory_not_equal(back, a, 6);
	sim_board_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sim_flash__program_over_what_is_not_erased),
		cmocka_unit_test(test_sim_flash__ones_count_as_programmed_with_ecc),
		cmocka_unit_test(test_sim_flash__zero_over_anything_on_f1),
		cmocka_unit_test(test_sim_flash__words_that_are_not_whole_are_lost),
		cmocka_unit_test(test_sim_flash__misaligned_write_spoils_the_later_ones),
		cmocka_unit_test(test_sim_flash__first_write_after_a_read),
		cmocka_unit_test(test_sim_flash__erased_value),
		cmocka_unit_test(test_sim_flash__behind_the_end),
		cmocka_unit_test(test_sim_flash__counts_and_times_operations),
		cmocka_unit_test(test_sim_flash__cut_while_programming),
		cmocka_unit_test(test_sim_flash__cut_while_erasing),
		cmocka_unit_test(test_sim_flash__cut_in_the_option_window),
		cmocka_unit_test(test_sim_flash__acknowledged_too_early),
		cmocka_unit_test(test_sim_flash__ram_and_option_bytes_are_no_flash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
