/* SPDX-License-Identifier: Apache-2.0 */
/* test_fmt_uf2.c - UF2: families, numbering, blocks that are not for the flash, damage */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/fmt.h>
#include <stmota/fmt_uf2.h>

#define F4     0x57755a57u
#define G0     0x300f5633u
#define RP2040 0xe48bff56u

static uint8_t file[8 * 512];

/* Writes block `at` of the file: `len` bytes of value `fill` for `addr`. */
static uint8_t *block(size_t at, uint32_t flags, uint32_t family, uint32_t number, uint32_t total,
	uint32_t addr, uint32_t len, uint8_t fill)
{
	uint8_t *p = file + at * 512;
	const uint32_t head[] = {0x0a324655, 0x9e5d5157, flags, addr, len, number, total, family};

	memset(p, 0, 512);
	for (size_t i = 0; i < 8; i++)
		put_le32(p + 4 * i, head[i]);
	memset(p + 32, fill, len > 476 ? 476 : len);
	put_le32(p + 508, 0x0ab16f30);
	return p;
}

static int parse(size_t n_blocks, struct segments *ret, struct err *e)
{
	return fmt_read(file, n_blocks * 512, "t.uf2", NULL, ret, NULL, e);
}

static void expect_bad(size_t n_blocks, int code, const char *message)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;
	struct err e = ERR_INIT;

	assert_int_equal(parse(n_blocks, &s, &e), code);
	assert_string_equal(e.msg, message);
	assert_int_equal(s.n, 0);
}

static void test_fmt_uf2__blocks_in_any_order_with_a_hole(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;

	block(0, 0x2000, F4, 1, 3, 0x08000100, 256, 2);
	block(1, 0x2000, F4, 0, 3, 0x08000000, 256, 1);
	block(2, 0x2000, F4, 2, 3, 0x08010000, 476, 3);
	assert_int_equal(parse(3, &s, NULL), 0);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.v[0].addr, 0x08000000);
	assert_int_equal(s.v[0].len, 512);
	assert_int_equal(s.v[0].data[255], 1);
	assert_int_equal(s.v[0].data[256], 2);
	assert_int_equal(s.v[1].addr, 0x08010000);
	assert_int_equal(s.v[1].len, 476);
	assert_false(s.has_entry);
}

static void test_fmt_uf2__not_main_flash_is_skipped_but_counts(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;

	block(0, 0x2000, F4, 0, 2, 0x08000000, 16, 1);
	block(1, 0x2001, F4, 1, 2, 0x1fff0000, 16, 2);
	assert_int_equal(parse(2, &s, NULL), 0);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.v[0].len, 16);
	block(0, 0x2001, F4, 0, 2, 0x08000000, 16, 1);
	expect_bad(2, ERR_FORMAT, "t.uf2: the file has no block for the main flash");
}

static void test_fmt_uf2__the_only_stm32_family_is_chosen(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;

	block(0, 0x2000, RP2040, 0, 1, 0x10000000, 256, 9);
	block(1, 0x2000, G0, 0, 2, 0x08000000, 256, 1);
	block(2, 0x2000, G0, 1, 2, 0x08000100, 256, 1);
	assert_int_equal(parse(3, &s, NULL), 0);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.v[0].addr, 0x08000000);
	assert_int_equal(s.v[0].len, 512);
}

static void test_fmt_uf2__none_or_several_families_are_refused(void **state)
{
	block(0, 0x2000, RP2040, 0, 1, 0x10000000, 256, 9);
	expect_bad(1, ERR_UNSUPPORTED,
		"t.uf2: the UF2 file is for no known STM32 family: it has 0xE48BFF56");
	block(0, 0, 256, 0, 1, 0x4000, 256, 9); /* without the flag the field is a file size */
	expect_bad(1, ERR_UNSUPPORTED,
		"t.uf2: the UF2 file is for no known STM32 family: it has no family");
	block(1, 0x2000, G0, 0, 1, 0x08000000, 256, 1);
	block(2, 0x2000, F4, 0, 1, 0x08000000, 256, 1);
	expect_bad(3, ERR_UNSUPPORTED,
		"t.uf2: the UF2 file is for several STM32 families: no family, STM32G0, STM32F4");
}

static void test_fmt_uf2__numbering(void **state)
{
	block(0, 0x2000, F4, 0, 2, 0x08000000, 256, 1);
	expect_bad(1, ERR_FORMAT, "t.uf2: block 0 says that there are 2 blocks, but there are 1");
	block(1, 0x2000, F4, 0, 2, 0x08000100, 256, 1);
	expect_bad(2, ERR_FORMAT, "t.uf2: block 1 (offset 0x200): its number was there before");
	block(1, 0x2000, F4, 2, 2, 0x08000100, 256, 1);
	expect_bad(2, ERR_FORMAT,
		"t.uf2: block 1 (offset 0x200): its number is not below the number of blocks");
}

static void test_fmt_uf2__magic_numbers_and_size(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;
	struct err e = ERR_INIT;

	for (size_t at = 0; at < 512; at += at == 4 ? 504 : 4) {
		block(0, 0x2000, F4, 0, 2, 0x08000000, 256, 1);
		block(1, 0x2000, F4, 1, 2, 0x08000100, 256, 1)[at] ^= 1;
		expect_bad(2, ERR_FORMAT,
			"t.uf2: block 1 (offset 0x200): no UF2 block: wrong magic number");
	}
	assert_int_equal(fmt_read(file, 1000, "t.uf2", NULL, &s, NULL, &e), ERR_FORMAT);
	assert_string_equal(e.msg, "t.uf2: 1000 bytes are no whole number of UF2 blocks (512)");
}

static void test_fmt_uf2__payload_and_fields_behind_it(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT, t = SEGMENTS_INIT;

	block(0, 0x2000, F4, 0, 1, 0x08000000, 0, 1);
	expect_bad(1, ERR_FORMAT,
		"t.uf2: block 0 (offset 0x0): the payload has no size from 1 to 476");
	block(0, 0x2000, F4, 0, 1, 0x08000000, 477, 1);
	expect_bad(1, ERR_FORMAT,
		"t.uf2: block 0 (offset 0x0): the payload has no size from 1 to 476");
	block(0, 0x6000, F4, 0, 1, 0x08000000, 453, 1);
	expect_bad(1, ERR_FORMAT, "t.uf2: block 0 (offset 0x0): payload and MD5 field overlap");
	block(0, 0x6000, F4, 0, 1, 0x08000000, 452, 1);
	assert_int_equal(parse(1, &s, NULL), 0);
	put_le32(block(0, 0x6000, F4, 0, 1, 0x08000000, 452, 1) + 32 + 452, 0xffffffff);
	put_le32(file + 32 + 456, 2);
	expect_bad(1, ERR_FORMAT,
		"t.uf2: block 0 (offset 0x0): the range of the MD5 field passes the end of the address space");
	/* Extension tags lie behind the payload and are no part of it. */
	memset(block(0, 0xa000, F4, 0, 1, 0x08000000, 256, 1) + 32 + 256, 0x55, 40);
	assert_int_equal(parse(1, &t, NULL), 0);
	assert_int_equal(t.v[0].len, 256);
	assert_int_equal(t.v[0].data[255], 1);
}

static void test_fmt_uf2__addresses(void **state)
{
	block(0, 0x2000, F4, 0, 1, 0xffffff01, 256, 1);
	expect_bad(1, ERR_FORMAT,
		"t.uf2: block 0 (offset 0x0): data passes the end of the address space");
	/* No overlap, even of equal bytes. */
	block(0, 0x2000, F4, 0, 2, 0x08000000, 256, 1);
	block(1, 0x2000, F4, 1, 2, 0x080000f0, 256, 1);
	expect_bad(2, ERR_FORMAT, "t.uf2: two blocks hold address 0x080000F0");
}

static void test_fmt_uf2__file_container(void **state)
{
	block(0, 0x1000, 256, 0, 1, 0, 256, 1);
	expect_bad(1, ERR_UNSUPPORTED, "t.uf2: the UF2 file is a container of files, not of flash");
}

static void test_fmt_uf2__families_by_name_and_id(void **state)
{
	uint32_t id = 0;
	struct err e = ERR_INIT;

	for (size_t i = 0; uf2_family_at(i) != NULL; i++) {
		const struct uf2_family *f = uf2_family_at(i);

		assert_ptr_equal(uf2_family_find(f->id), f);
		assert_int_equal(uf2_family_parse(f->name, &id, NULL), 0);
		assert_int_equal(id, f->id);
	}
	assert_null(uf2_family_find(RP2040));
	assert_int_equal(uf2_family_parse("stm32wl", &id, NULL), 0);
	assert_int_equal(id, 0x21460ff0);
	assert_int_equal(uf2_family_parse("0xE48BFF56", &id, NULL), 0);
	assert_int_equal(id, RP2040);
	assert_int_equal(uf2_family_parse("STM32X9", &id, &e), ERR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fmt_uf2__blocks_in_any_order_with_a_hole),
		cmocka_unit_test(test_fmt_uf2__not_main_flash_is_skipped_but_counts),
		cmocka_unit_test(test_fmt_uf2__the_only_stm32_family_is_chosen),
		cmocka_unit_test(test_fmt_uf2__none_or_several_families_are_refused),
		cmocka_unit_test(test_fmt_uf2__numbering),
		cmocka_unit_test(test_fmt_uf2__magic_numbers_and_size),
		cmocka_unit_test(test_fmt_uf2__payload_and_fields_behind_it),
		cmocka_unit_test(test_fmt_uf2__addresses),
		cmocka_unit_test(test_fmt_uf2__file_container),
		cmocka_unit_test(test_fmt_uf2__families_by_name_and_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
