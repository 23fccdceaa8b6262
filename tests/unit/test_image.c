/* SPDX-License-Identifier: Apache-2.0 */
/* test_image.c - a program with holes: where its table is, whether it starts */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/image.h>

static void add_table(struct segments *s, uint32_t base, uint32_t code)
{
	uint8_t table[64] = {0};

	put_le32(table, 0x20001000);
	for (size_t i = 1; i < 4; i++)
		put_le32(table + 4 * i, code + 1);
	assert_int_equal(segments_add(s, base, table, sizeof(table), NULL), 0);
}

static void add_code(struct segments *s, uint32_t addr)
{
	assert_int_equal(segments_add(s, addr, "\xfe\xe7\xfe\xe7", 4, NULL), 0);
}

static void test_image_vector_base__flash_start_wins(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;
	const struct chip *f103 = chip_find(0x410);
	uint32_t base = 1;

	assert_false(image_vector_base(&s, f103, &base));
	add_code(&s, 0x08002000);
	assert_true(image_vector_base(&s, f103, &base));
	assert_int_equal(base, 0x08002000);
	add_code(&s, 0x1000);
	assert_true(image_vector_base(&s, f103, &base));
	assert_int_equal(base, 0x1000);
	add_code(&s, 0x08000000);
	assert_true(image_vector_base(&s, f103, &base));
	assert_int_equal(base, 0x08000000);
	assert_true(image_vector_base(&s, NULL, &base));
	assert_int_equal(base, 0x1000);
}

static void test_image_check_vectors__code_behind_a_hole(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;
	struct err e = ERR_INIT;

	add_table(&s, 0x08000000, 0x08004000);
	assert_int_equal(image_check_vectors(&s, 0x08000000, NULL, NULL, 0, &e), ERR_NO_FIT);
	assert_non_null(strstr(e.msg, "points outside the image"));
	add_code(&s, 0x08004000);
	assert_int_equal(image_check_vectors(&s, 0x08000000, NULL, NULL, 0, NULL), 0);
}

static void test_image_check_vectors__table_inside_a_segment(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;
	struct err e = ERR_INIT;

	add_code(&s, 0x08000ffc);
	add_table(&s, 0x08001000, 0x08001040);
	add_code(&s, 0x08001040);
	assert_int_equal(s.n, 1);
	assert_int_equal(image_check_vectors(&s, 0x08001000, NULL, NULL, 0, NULL), 0);
	assert_int_equal(image_check_vectors(&s, 0x08002000, NULL, NULL, 0, &e), ERR_NO_FIT);
	assert_string_equal(e.msg, "the image has no vector table at 0x08002000");
	assert_int_equal(e.addr, 0x08002000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_image_vector_base__flash_start_wins),
		cmocka_unit_test(test_image_check_vectors__code_behind_a_hole),
		cmocka_unit_test(test_image_check_vectors__table_inside_a_segment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
