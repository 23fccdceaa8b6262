/* SPDX-License-Identifier: Apache-2.0 */
/* test_fmt_write.c - writers: exact round trips, the bytes that other programs look at, limits */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/buf.h>
#include <stmota/fmt.h>

#define F4 0x57755a57u

static const struct fmt_write_options usual = {.erased = 0xff, .has_family = true, .family = F4};

struct part {
	uint32_t addr, len;
};

/* Bytes that tell their address. */
static void fill(struct segments *s, const struct part *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cleanup_buf struct buf b = BUF_INIT;

		for (uint32_t k = 0; k < v[i].len; k++) {
			uint8_t c = (uint8_t)((v[i].addr + k) * 2654435761u >> 24);

			buf_append(&b, &c, 1, NULL);
		}
		assert_int_equal(segments_add(s, v[i].addr, b.data, v[i].len, NULL), 0);
	}
}

static void write_as(const char *name, const struct segments *s, struct buf *ret)
{
	struct err e = ERR_INIT;

	if (fmt_write(fmt_find(name), s, &usual, ret, &e) != 0)
		fail_msg("%s: %s", name, e.msg);
}

static void expect_text(const char *name, const struct segments *s, const char *text)
{
	cleanup_buf struct buf b = BUF_INIT;

	write_as(name, s, &b);
	buf_append(&b, "", 1, NULL);
	assert_string_equal((char *)b.data, text);
}

static void expect_same(const struct segments *a, const struct segments *b)
{
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++) {
		assert_int_equal(a->v[i].addr, b->v[i].addr);
		assert_int_equal(a->v[i].len, b->v[i].len);
		assert_memory_equal(a->v[i].data, b->v[i].data, a->v[i].len);
	}
}

static void test_fmt_write__round_trips_are_exact(void **state)
{
	static const struct {
		struct part v[4];
		size_t n;
	} images[] = {
		{{{0x08000000, 1}}, 1},
		{{{0x08000000, 5000}, {0x08004001, 1}, {0x08004003, 255}, {0x0800fff0, 0x20010}},
			4},
		{{{0, 70000}}, 1},
		{{{0xfff0, 0x20}, {0x1000000, 3}}, 2},
		{{{0xfffffff1, 15}}, 1},
		{{{0x1fffc000, 16}, {0x90000000, 1000}}, 2},
	};
	static const char *const names[] = {"ihex", "srec", "uf2", "dfuse"};

	for (size_t i = 0; i < ARRAY_LEN(images); i++) {
		cleanup_segments struct segments s = SEGMENTS_INIT;

		fill(&s, images[i].v, images[i].n);
		for (size_t k = 0; k < ARRAY_LEN(names); k++) {
			cleanup_segments struct segments back = SEGMENTS_INIT;
			cleanup_buf struct buf b = BUF_INIT;
			const struct fmt *f = NULL;
			struct err e = ERR_INIT;

			write_as(names[k], &s, &b);
			if (fmt_read(b.data, b.len, names[k], NULL, &back, &f, &e) != 0)
				fail_msg("image %zu: %s", i, e.msg);
			assert_string_equal(f->name, names[k]);
			expect_same(&s, &back);
			assert_false(back.has_entry);
		}
	}
}

static void test_fmt_write__entries(void **state)
{
	static const char *const names[] = {"ihex", "srec"};
	cleanup_segments struct segments s = SEGMENTS_INIT;

	segments_add(&s, 0x100, "ab", 2, NULL);
	s.has_entry = true;
	s.entry = 0x08000101;
	for (size_t k = 0; k < ARRAY_LEN(names); k++) {
		cleanup_segments struct segments back = SEGMENTS_INIT;
		cleanup_buf struct buf b = BUF_INIT;

		write_as(names[k], &s, &b);
		assert_int_equal(fmt_read(b.data, b.len, "t", NULL, &back, NULL, NULL), 0);
		expect_same(&s, &back);
		assert_true(back.has_entry);
		assert_int_equal(back.entry, 0x08000101);
	}
}

static void test_fmt_write__ihex_lines(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;

	segments_add(&s, 0x0800fffc, "\1\2\3\4\5\6", 6, NULL);
	s.has_entry = true;
	s.entry = 0x0800002d;
	expect_text("ihex", &s,
		":020000040800F2\n:04FFFC0001020304F7\n:020000040801F1\n:020000000506F3\n"
		":040000050800002DC2\n:00000001FF\n");
}

static void test_fmt_write__srec_takes_the_narrowest_type(void **state)
{
	static const struct {
		uint32_t addr;
		const char *text;
	} rows[] = {
		{0xfffe, "S0030000FC\nS105FFFEABCD85\nS5030001FB\nS9030000FC\n"},
		/* Lines begin at multiples of 16, so these two bytes are two lines. */
		{0xffff, "S0030000FC\nS20500FFFFAB51\nS205010000CD2C\nS5030002FA\nS804000000FB\n"},
		{0x08001234, "S0030000FC\nS30708001234ABCD32\nS5030001FB\nS70500000000FA\n"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_segments struct segments s = SEGMENTS_INIT;
		static const uint8_t bytes[] = {0xab, 0xcd};

		segments_add(&s, rows[i].addr, bytes, 2, NULL);
		expect_text("srec", &s, rows[i].text);
	}
}

static void test_fmt_write__uf2_blocks(void **state)
{
	static const struct part parts[] = {{0x080000f0, 0x130}, {0x08001000, 0x100}};
	static const struct {
		uint32_t addr, len;
	} want[] = {{0x080000f0, 16}, {0x08000100, 256}, {0x08000200, 32}, {0x08001000, 256}};
	cleanup_segments struct segments s = SEGMENTS_INIT;
	cleanup_buf struct buf b = BUF_INIT;

	fill(&s, parts, 2);
	write_as("uf2", &s, &b);
	assert_int_equal(b.len, ARRAY_LEN(want) * 512);
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		const uint8_t *p = b.data + 512 * i;

		assert_memory_equal(p, "UF2\n\x57\x51\x5d\x9e\0\x20\0\0", 12);
		assert_int_equal(get_le32(p + 12), want[i].addr);
		assert_int_equal(get_le32(p + 16), want[i].len);
		assert_int_equal(get_le32(p + 20), i);
		assert_int_equal(get_le32(p + 24), ARRAY_LEN(want));
		assert_int_equal(get_le32(p + 28), F4);
		assert_true(bytes_all(p + 32 + want[i].len, 476 - want[i].len, 0));
		assert_int_equal(get_le32(p + 508), 0x0ab16f30);
	}
}

static void test_fmt_write__dfuse_fields(void **state)
{
	static const struct part parts[] = {{0x08000000, 10}, {0x08001000, 6}};
	cleanup_segments struct segments s = SEGMENTS_INIT;
	cleanup_buf struct buf b = BUF_INIT;

	fill(&s, parts, 2);
	write_as("dfuse", &s, &b);
	assert_int_equal(b.len, 11 + 274 + 8 + 10 + 8 + 6 + 16);
	assert_memory_equal(b.data, "DfuSe\1", 6);
	assert_int_equal(get_le32(b.data + 6), b.len - 16);
	assert_int_equal(b.data[10], 1);
	assert_memory_equal(b.data + 11, "Target\0\1\0\0\0@Internal Flash", 27);
	assert_int_equal(get_le32(b.data + 11 + 266), 32);
	assert_int_equal(get_le32(b.data + 11 + 270), 2);
	assert_memory_equal(b.data + b.len - 16, "\0\0\x11\xdf\x83\x04\x1a\x01UFD\x10", 12);
}

static void test_fmt_write__bin_fills_holes(void **state)
{
	struct fmt_write_options zero = {.erased = 0x00};
	cleanup_segments struct segments s = SEGMENTS_INIT;
	cleanup_buf struct buf b = BUF_INIT, c = BUF_INIT;

	segments_add(&s, 0x08000000, "ab", 2, NULL);
	segments_add(&s, 0x08000005, "c", 1, NULL);
	write_as("bin", &s, &b);
	assert_int_equal(b.len, 6);
	assert_memory_equal(b.data,
		"ab\xff\xff\xff"
		"c",
		6);
	assert_int_equal(fmt_write(fmt_find("bin"), &s, &zero, &c, NULL), 0);
	assert_memory_equal(c.data, "ab\0\0\0c", 6);
}

static void test_fmt_write__bin_limit_of_holes(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT, t = SEGMENTS_INIT;
	cleanup_buf struct buf b = BUF_INIT;
	struct err e = ERR_INIT;

	segments_add(&s, 0x08000000, "a", 1, NULL);
	segments_add(&s, 0x08000001 + FMT_FILL_MAX, "b", 1, NULL);
	write_as("bin", &s, &b);
	assert_int_equal(b.len, FMT_FILL_MAX + 2);
	segments_add(&t, 0x08000000, "a", 1, NULL);
	segments_add(&t, 0x08000002 + FMT_FILL_MAX, "b", 1, NULL);
	b.len = 0;
	assert_int_equal(fmt_write(fmt_find("bin"), &t, &usual, &b, &e), ERR_NO_FIT);
	assert_string_equal(
		e.msg, "a raw binary from 0x08000000 on would need 4194305 bytes of filling");
	assert_int_equal(b.len, 0);
}

static void test_fmt_write__refusals(void **state)
{
	static const struct fmt_write_options no_family = {.erased = 0xff};
	cleanup_segments struct segments s = SEGMENTS_INIT;
	cleanup_buf struct buf b = BUF_INIT;
	struct err e = ERR_INIT;

	assert_int_equal(fmt_write(fmt_find("ihex"), &s, &usual, &b, &e), ERR_FORMAT);
	segments_add(&s, 0x08000000, "a", 1, NULL);
	assert_int_equal(fmt_write(fmt_find("mcuboot"), &s, &usual, &b, &e), ERR_UNSUPPORTED);
	assert_string_equal(e.msg, "writing the format MCUboot is not built");
	assert_int_equal(fmt_write(fmt_find("elf"), &s, &usual, &b, &e), ERR_UNSUPPORTED);
	assert_int_equal(fmt_write(fmt_find("uf2"), &s, &no_family, &b, &e), ERR_USAGE);
	assert_string_equal(e.msg, "a UF2 file names the chip family that it is for");
	assert_int_equal(b.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fmt_write__round_trips_are_exact),
		cmocka_unit_test(test_fmt_write__entries),
		cmocka_unit_test(test_fmt_write__ihex_lines),
		cmocka_unit_test(test_fmt_write__srec_takes_the_narrowest_type),
		cmocka_unit_test(test_fmt_write__uf2_blocks),
		cmocka_unit_test(test_fmt_write__dfuse_fields),
		cmocka_unit_test(test_fmt_write__bin_fills_holes),
		cmocka_unit_test(test_fmt_write__bin_limit_of_holes),
		cmocka_unit_test(test_fmt_write__refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
