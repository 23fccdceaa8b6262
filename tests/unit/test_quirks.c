/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_quirks.c - which quirk applies to which chip and bootloader
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/quirks.h>

static void test_quirk_applies__chip_and_rom(void **state)
{
	static const struct {
		uint16_t pid;
		uint8_t rom;
		enum chip_quirk quirk;
		bool applies, certain;
	} cases[] = {
		/* two NACKs: F40x V3.1 and V9.0 only */
		{0x413, 0x31, CHIP_QUIRK_DOUBLE_NACK_RDP, true, true},
		{0x413, 0x90, CHIP_QUIRK_DOUBLE_NACK_RDP, true, true},
		{0x413, 0x91, CHIP_QUIRK_DOUBLE_NACK_RDP, false, false},
		{0x413, 0x00, CHIP_QUIRK_DOUBLE_NACK_RDP, true, false},
		{0x419, 0x90, CHIP_QUIRK_DOUBLE_NACK_RDP, false, false},
		{0x436, 0x45, CHIP_QUIRK_DOUBLE_NACK_RDP, true, true},
		{0x436, 0x42, CHIP_QUIRK_DOUBLE_NACK_RDP, false, false},
		/* whole series, every bootloader */
		{0x447, 0x41, CHIP_QUIRK_NO_MASS_ERASE, true, true},
		{0x416, 0x00, CHIP_QUIRK_NO_MASS_ERASE, true, true},
		{0x435, 0x91, CHIP_QUIRK_NO_MASS_ERASE, false, false},
		{0x417, 0x00, CHIP_QUIRK_WHOLE_BLOCK_READS, true, true},
		{0x413, 0x91, CHIP_QUIRK_WHOLE_BLOCK_READS, true, false},
		{0x410, 0x00, CHIP_QUIRK_WHOLE_BLOCK_READS, false, false},
		{0x028, 0x00, CHIP_QUIRK_PARITY_NONE, true, true},
		/* H74x: V9.0, V9.1, V13.2, V13.3 each have their own */
		{0x450, 0x90, CHIP_QUIRK_GET_WRONG_COUNT, true, true},
		{0x450, 0x90, CHIP_QUIRK_GO_FIRST_ACK_MISSING, true, true},
		{0x450, 0x91, CHIP_QUIRK_GO_FIRST_ACK_MISSING, false, false},
		{0x450, 0x91, CHIP_QUIRK_BANK2_ERASE_EARLY_ACK, true, true},
		{0x450, 0xD2, CHIP_QUIRK_GO_BROKEN, true, true},
		{0x450, 0xD3, CHIP_QUIRK_BANK_ERASE_BROKEN, true, true},
		{0x450, 0xD3, CHIP_QUIRK_GO_BROKEN, false, false},
		{0x461, 0x93, CHIP_QUIRK_BANK_ERASE_BROKEN, true, true},
		/* one page per packet */
		{0x460, 0xB3, CHIP_QUIRK_ONE_PAGE_PER_ERASE, true, true},
		{0x460, 0xB2, CHIP_QUIRK_ONE_PAGE_PER_ERASE, false, false},
		{0x454, 0xE1, CHIP_QUIRK_ONE_PAGE_PER_ERASE, true, true},
		{0x467, 0x92, CHIP_QUIRK_BANK2_ONE_PAGE_PER_ERASE, true, true},
		{0x467, 0xD0, CHIP_QUIRK_BANK2_ONE_PAGE_PER_ERASE, true, true},
		{0x464, 0xD1, CHIP_QUIRK_DOUBLE_ACK_SYNC, true, true},
		{0x464, 0x90, CHIP_QUIRK_DOUBLE_ACK_SYNC, false, false},
		{0x483, 0x91, CHIP_QUIRK_WRITE_AFTER_READ_LOSES_32, true, true},
		{0x450, 0x91, CHIP_QUIRK_WRITE_AFTER_READ_LOSES_32, false, false},
		{0x425, 0x00, CHIP_QUIRK_RAM_ACCESS_NONE, true, true},
		/* reported, but not on every part */
		{0x435, 0x91, CHIP_QUIRK_BYTE_PACING, true, false},
		{0x417, 0xC0, CHIP_QUIRK_WRITE_128, true, false},
		/* empty check: G07x V11.3 clears it, the others latch it */
		{0x460, 0xB3, CHIP_QUIRK_EMPTY_CHECK_CLEARED, true, true},
		{0x460, 0xB3, CHIP_QUIRK_EMPTY_CHECK_LATCHED, false, false},
		{0x460, 0xB2, CHIP_QUIRK_EMPTY_CHECK_LATCHED, true, true},
		{0x413, 0x91, CHIP_QUIRK_EMPTY_CHECK_LATCHED, false, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct chip *c = chip_find(cases[i].pid);

		if (quirk_applies(c, cases[i].rom, cases[i].quirk) != cases[i].applies ||
			quirk_certain(c, cases[i].rom, cases[i].quirk) != cases[i].certain)
			fail_msg("0x%03X V%02X %s", cases[i].pid, cases[i].rom,
				quirk_name(cases[i].quirk));
	}
}

static void test_quirk_applies__unknown_chip(void **state)
{
	/* Rows for all chips stay; no other one applies. */
	assert_true(quirk_applies(NULL, 0, CHIP_QUIRK_ERASE_MAX_512));
	assert_false(quirk_applies(NULL, 0, CHIP_QUIRK_NO_MASS_ERASE));
	assert_false(quirk_certain(NULL, 0, CHIP_QUIRK_ERASE_MAX_512));
}

static void test_quirk_name__each_is_found_again(void **state)
{
	enum chip_quirk found;
	struct err e = ERR_INIT;

	for (int q = 0; q < CHIP_QUIRK_COUNT; q++) {
		const char *name = quirk_name((enum chip_quirk)q);

		assert_non_null(name);
		for (const char *p = name; *p != '\0'; p++)
			assert_true(islower((unsigned char)*p) || isdigit((unsigned char)*p) ||
				    *p == '-');
		assert_int_equal(quirk_find(name, &found, &e), 0);
		assert_int_equal(found, q);
	}
	assert_int_equal(quirk_find("double-nack", &found, &e), ERR_USAGE);
	assert_int_equal(quirk_find("", &found, &e), ERR_USAGE);
}

/* Each row can be reached through some chip, so that no product ID or series is misspelt. */
static void test_quirk_next__every_row_has_a_chip(void **state)
{
	/* The rows for all chips are not listed: two of the UART, nine of USB DFU. */
	const size_t n_everywhere = 11;
	const struct quirk_row *seen[256] = {0}, *r;
	size_t n = 0, quirks[CHIP_QUIRK_COUNT] = {0};

	for (size_t i = 0; i < chip_count(); i++) {
		size_t pos = 0;

		while ((r = quirk_next(chip_at(i), 0, &pos)) != NULL) {
			bool known = false;

			assert_true(r->rom_min <= r->rom_max);
			assert_true(strlen(r->text) > 10 && strlen(r->text) < 100);
			assert_non_null(r->source);
			assert_true(r->quirk < CHIP_QUIRK_COUNT);
			quirks[r->quirk]++;
			for (size_t k = 0; k < n; k++)
				known |= seen[k] == r;
			if (!known)
				seen[n++] = r;
			assert_true(n < ARRAY_LEN(seen));
		}
		/* pos counts the rows of the table once it is at the end */
		if (i + 1 == chip_count())
			assert_int_equal(pos, n + n_everywhere);
	}
	for (int q = 0; q < CHIP_QUIRK_COUNT; q++)
		if (quirks[q] == 0 && !quirk_applies(NULL, 0, (enum chip_quirk)q))
			fail_msg("no row has %s", quirk_name((enum chip_quirk)q));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quirk_applies__chip_and_rom),
		cmocka_unit_test(test_quirk_applies__unknown_chip),
		cmocka_unit_test(test_quirk_name__each_is_found_again),
		cmocka_unit_test(test_quirk_next__every_row_has_a_chip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
