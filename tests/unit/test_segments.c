/* SPDX-License-Identifier: Apache-2.0 */
/* test_segments.c - the sparse image: order, joining, overlaps, holes */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/segments.h>

static void add(struct segments *s, uint32_t addr, const char *text)
{
	assert_int_equal(segments_add(s, addr, text, (uint32_t)strlen(text), NULL), 0);
}

static void expect_segment(const struct segments *s, size_t i, uint32_t addr, const char *text)
{
	assert_true(i < s->n);
	assert_int_equal(s->v[i].addr, addr);
	assert_int_equal(s->v[i].len, strlen(text));
	assert_memory_equal(s->v[i].data, text, strlen(text));
}

static void test_segments_add__sorted_and_touching_ones_joined(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;

	add(&s, 0x200, "cc");
	add(&s, 0x100, "aa");
	add(&s, 0x102, "bb");
	assert_int_equal(s.n, 2);
	expect_segment(&s, 0, 0x100, "aabb");
	expect_segment(&s, 1, 0x200, "cc");
	add(&s, 0x1fe, "..");
	expect_segment(&s, 1, 0x1fe, "..cc");
}

static void test_segments_add__bridge_over_several(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;

	add(&s, 10, "ab");
	add(&s, 20, "cd");
	add(&s, 30, "ef");
	add(&s, 40, "gh");
	add(&s, 11, "b--------cd--------e");
	assert_int_equal(s.n, 2);
	expect_segment(&s, 0, 10, "ab--------cd--------ef");
	expect_segment(&s, 1, 40, "gh");
}

static void test_segments_add__overlap_equal_bytes_only(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;
	struct err e = ERR_INIT;

	add(&s, 100, "hello");
	add(&s, 102, "llo world");
	expect_segment(&s, 0, 100, "hello world");
	assert_int_equal(segments_add(&s, 98, "..heLlo", 7, &e), ERR_FORMAT);
	assert_int_equal(e.addr, 102);
	assert_int_equal(s.n, 1);
	expect_segment(&s, 0, 100, "hello world");
}

static void test_segments_add__end_of_address_space(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;

	add(&s, UINT32_MAX, "x");
	assert_int_equal(segments_add(&s, UINT32_MAX, "xy", 2, NULL), ERR_FORMAT);
	assert_int_equal(segments_size(&s), 1);
	add(&s, 0, "y");
	assert_int_equal(segments_extent(&s).addr, 0);
	assert_int_equal(segments_extent(&s).len, UINT32_MAX);
	assert_non_null(segments_at(&s, UINT32_MAX));
	assert_null(segments_at(&s, UINT32_MAX - 1));
}

static void test_segments_copy__holes_stay(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;
	uint8_t dst[12] = "............", mask[12] = {0};

	add(&s, 100, "abcd");
	add(&s, 108, "xy");
	assert_int_equal(segments_copy(&s, (struct span){98, 11}, dst), 5);
	assert_memory_equal(dst, "..abcd....x.", 12);
	assert_int_equal(segments_mask(&s, (struct span){98, 12}, mask), 6);
	assert_memory_equal(mask, "\0\0\1\1\1\1\0\0\0\0\1\1", 12);
	assert_int_equal(segments_copy(&s, (struct span){104, 4}, dst), 0);
	assert_int_equal(segments_copy(&s, (struct span){101, 0}, dst), 0);
}

static void test_segments_at__edges(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;

	add(&s, 100, "abcd");
	add(&s, 108, "xy");
	assert_null(segments_at(&s, 99));
	assert_ptr_equal(segments_at(&s, 100), &s.v[0]);
	assert_ptr_equal(segments_at(&s, 103), &s.v[0]);
	assert_null(segments_at(&s, 104));
	assert_ptr_equal(segments_at(&s, 109), &s.v[1]);
	assert_null(segments_at(&s, 110));
}

static void test_segments_join__any_order(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;
	struct segments_piece v[] = {
		{30, 2, (const uint8_t *)"ef"},
		{12, 3, (const uint8_t *)"cde"},
		{10, 4, (const uint8_t *)"abcd"},
		{14, 1, (const uint8_t *)"e"},
		{20, 0, NULL},
	};

	assert_int_equal(segments_join(&s, v, 5, NULL), 0);
	assert_int_equal(s.n, 2);
	expect_segment(&s, 0, 10, "abcde");
	expect_segment(&s, 1, 30, "ef");
	add(&s, 15, "f"); /* what was joined can still grow */
	expect_segment(&s, 0, 10, "abcdef");
}

static void test_segments_join__clash_names_the_address(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;
	struct err e = ERR_INIT;
	struct segments_piece v[] = {
		{10, 4, (const uint8_t *)"abcd"},
		{12, 2, (const uint8_t *)"cD"},
		{50, 1, (const uint8_t *)"z"},
	};

	assert_int_equal(segments_join(&s, v, 3, &e), ERR_FORMAT);
	assert_int_equal(e.addr, 13);
	assert_int_equal(s.n, 0);
}

/* Every way to build an image gives the same image: random pieces of one known text. */
static void test_segments_join__agrees_with_add(void **state)
{
	uint8_t memory[2048];
	uint32_t seed = 1;

	for (size_t i = 0; i < sizeof(memory); i++)
		memory[i] = (uint8_t)(i * 7 + i / 256);
	for (int round = 0; round < 200; round++) {
		cleanup_segments struct segments a = SEGMENTS_INIT, b = SEGMENTS_INIT;
		struct segments_piece v[40];

		for (size_t i = 0; i < ARRAY_LEN(v); i++) {
			seed = seed * 1103515245 + 12345;
			v[i].addr = (seed >> 8) % 1900;
			v[i].len = (seed >> 20) % 60;
			v[i].data = memory + v[i].addr;
			assert_int_equal(segments_add(&a, v[i].addr, v[i].data, v[i].len, NULL), 0);
		}
		assert_int_equal(segments_join(&b, v, ARRAY_LEN(v), NULL), 0);
		assert_int_equal(a.n, b.n);
		for (size_t i = 0; i < a.n; i++) {
			assert_int_equal(a.v[i].addr, b.v[i].addr);
			assert_int_equal(a.v[i].len, b.v[i].len);
			assert_memory_equal(a.v[i].data, b.v[i].data, a.v[i].len);
			assert_memory_equal(a.v[i].data, memory + a.v[i].addr, a.v[i].len);
			assert_true(i == 0 || a.v[i].addr > a.v[i - 1].addr + a.v[i - 1].len);
		}
	}
}

static void test_segments_move__leaves_an_empty_image(void **state)
{
	cleanup_segments struct segments a = SEGMENTS_INIT, b = SEGMENTS_INIT;

	add(&a, 1, "x");
	a.has_entry = true;
	b = segments_move(&a);
	assert_int_equal(a.n, 0);
	assert_false(a.has_entry);
	assert_true(b.has_entry);
	assert_int_equal(segments_size(&b), 1);
}

/* A buffer becomes the image: the very bytes, and they can be added to as to any other. */
static void test_segments_take__moves(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;
	cleanup_buf struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	const uint8_t *bytes;

	assert_int_equal(segments_take(&s, 0x08000000, &b, &e), ERR_FORMAT);
	assert_int_equal(buf_append(&b, "12345", 5, NULL), 0);
	assert_int_equal(segments_take(&s, 0xfffffffc, &b, &e), ERR_FORMAT);
	assert_int_equal(b.len, 5);
	assert_int_equal(s.n, 0);
	bytes = b.data;
	assert_int_equal(segments_take(&s, 0xfffffffb, &b, &e), 0);
	assert_ptr_equal(s.v[0].data, bytes);
	assert_null(b.data);
	assert_int_equal(b.len, 0);
	assert_int_equal(segments_add(&s, 0xfffffff0, "abc", 3, &e), 0);
	assert_int_equal(segments_add(&s, 0xfffffff3, "defghijk", 8, &e), 0);
	assert_int_equal(s.n, 1);
	assert_memory_equal(s.v[0].data, "abcdefghijk12345", 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segments_add__sorted_and_touching_ones_joined),
		cmocka_unit_test(test_segments_add__bridge_over_several),
		cmocka_unit_test(test_segments_add__overlap_equal_bytes_only),
		cmocka_unit_test(test_segments_add__end_of_address_space),
		cmocka_unit_test(test_segments_copy__holes_stay),
		cmocka_unit_test(test_segments_at__edges),
		cmocka_unit_test(test_segments_join__any_order),
		cmocka_unit_test(test_segments_join__clash_names_the_address),
		cmocka_unit_test(test_segments_join__agrees_with_add),
		cmocka_unit_test(test_segments_move__leaves_an_empty_image),
		cmocka_unit_test(test_segments_take__moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
