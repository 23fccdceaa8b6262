/* SPDX-License-Identifier: Apache-2.0 */
/* test_fmt_dfuse.c - DfuSe files and DFU suffixes: sizes, sums, targets */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/buf.h>
#include <stmota/fmt.h>
#include <stmota/fmt_dfuse.h>

#define FLASH "@Internal Flash  /0x08000000/04*016Kg"

struct file {
	struct buf b;
	size_t target; /* offset of the latest */
};

static void put32(struct file *f, uint32_t v)
{
	uint8_t p[4];

	put_le32(p, v);
	buf_append(&f->b, p, 4, NULL);
}

static void begin(struct file *f)
{
	f->b.len = 0;
	buf_append(&f->b, "DfuSe\1\0\0\0\0\0", 11, NULL);
}

static void target(struct file *f, uint8_t alt, const char *name)
{
	char field[255] = "";

	f->target = f->b.len;
	f->b.data[10]++;
	buf_append(&f->b, "Target", 6, NULL);
	buf_append(&f->b, &alt, 1, NULL);
	put32(f, name != NULL);
	snprintf(field, sizeof(field), "%s", name != NULL ? name : "");
	buf_append(&f->b, field, sizeof(field), NULL);
	put32(f, 0);
	put32(f, 0);
}

static void element(struct file *f, uint32_t addr, const char *text)
{
	uint8_t *t;

	put32(f, addr);
	put32(f, (uint32_t)strlen(text));
	buf_append(&f->b, text, strlen(text), NULL);
	t = f->b.data + f->target;
	put_le32(t + 266, (uint32_t)(f->b.len - f->target - 274));
	put_le32(t + 270, get_le32(t + 270) + 1);
}

static uint32_t crc_of(const uint8_t *p, size_t len)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc & 1) != 0 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
	}
	return crc;
}

static void suffix(struct file *f, uint16_t version)
{
	uint8_t p[12] = {0, 0, 0x11, 0xdf, 0x83, 0x04, (uint8_t)version, (uint8_t)(version >> 8),
		'U', 'F', 'D', 16};

	buf_append(&f->b, p, sizeof(p), NULL);
	put32(f, crc_of(f->b.data, f->b.len));
}

/* Fixes the CRC after a change. */
static void resum(struct file *f)
{
	put_le32(f->b.data + f->b.len - 4, crc_of(f->b.data, f->b.len - 4));
}

static void finish(struct file *f)
{
	put_le32(f->b.data + 6, (uint32_t)f->b.len);
	suffix(f, 0x011a);
}

static void simple(struct file *f)
{
	begin(f);
	target(f, 0, "ST...");
	element(f, 0x08000000, "first");
	element(f, 0x08000100, "second");
	finish(f);
}

static int parse(const struct file *f, struct segments *ret, struct err *e)
{
	return fmt_read(f->b.data, f->b.len, "t.dfu", NULL, ret, NULL, e);
}

static void expect_bad(const struct file *f, int code, const char *message)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;
	struct err e = ERR_INIT;

	assert_int_equal(parse(f, &s, &e), code);
	assert_string_equal(e.msg, message);
	assert_int_equal(s.n, 0);
}

static void test_fmt_dfuse__elements_are_segments(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;
	struct file f = {0};

	simple(&f);
	assert_int_equal(parse(&f, &s, NULL), 0);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.v[0].addr, 0x08000000);
	assert_memory_equal(s.v[0].data, "first", 5);
	assert_int_equal(s.v[1].addr, 0x08000100);
	assert_memory_equal(s.v[1].data, "second", 6);
	buf_done(&f.b);
}

static void test_fmt_dfuse__flash_targets_are_chosen(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT, t = SEGMENTS_INIT;
	struct file f = {0};

	begin(&f);
	target(&f, 1, "@Option Bytes  /0x1FFFC000/01*016 e");
	element(&f, 0x1fffc000, "option bytes");
	target(&f, 2, FLASH);
	element(&f, 0x08000000, "flash");
	finish(&f);
	assert_int_equal(parse(&f, &s, NULL), 0);
	assert_int_equal(s.n, 1);
	assert_memory_equal(s.v[0].data, "flash", 5);

	begin(&f); /* names that say nothing: alternate setting 0 is the flash */
	target(&f, 0, NULL);
	element(&f, 0x08000000, "flash");
	target(&f, 1, "other");
	element(&f, 0x08000000, "another flash");
	finish(&f);
	assert_int_equal(parse(&f, &t, NULL), 0);
	assert_int_equal(t.v[0].len, 5);
	buf_done(&f.b);
}

static void test_fmt_dfuse__no_flash_target_is_refused(void **state)
{
	struct file f = {0};

	begin(&f);
	target(&f, 0, "@OTP Memory /0x1FFF7800/01*512 e");
	element(&f, 0x1fff7800, "fuses");
	finish(&f);
	expect_bad(&f, ERR_UNSUPPORTED,
		"t.dfu: none of the 1 targets is for the main flash: the last is for alt 0 "
		"'@OTP Memory /0x1FFF7800/01*512 e'");
	buf_done(&f.b);
}

static void test_fmt_dfuse__the_only_target_needs_no_name(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;
	struct file f = {0};

	begin(&f);
	target(&f, 3, NULL);
	element(&f, 0x08000000, "flash");
	finish(&f);
	assert_int_equal(parse(&f, &s, NULL), 0);
	assert_int_equal(s.n, 1);
	buf_done(&f.b);
}

static void test_fmt_dfuse__names_are_made_printable(void **state)
{
	struct dfuse_target t;
	struct file f = {0};

	begin(&f);
	target(&f, 0,
		"a\n\x80"
		"b");
	memcpy(f.b.data + f.target + 11 + 5, "rubbish", 7);
	element(&f, 0x08000000, "flash");
	finish(&f);
	assert_int_equal(dfuse_target_at(f.b.data, f.target, &t), f.b.len - DFU_SUFFIX_SIZE);
	assert_string_equal(t.name, "a??b");
	buf_done(&f.b);
}

static void test_fmt_dfuse__crc_and_cut_files(void **state)
{
	struct file f = {0};

	simple(&f);
	for (size_t i = 5; i < f.b.len - 8; i++) {
		cleanup_segments struct segments s = SEGMENTS_INIT;

		f.b.data[i] ^= 0x10;
		assert_int_equal(parse(&f, &s, NULL), ERR_FORMAT);
		f.b.data[i] ^= 0x10;
	}
	for (size_t len = 5; len < f.b.len; len++) {
		cleanup_segments struct segments s = SEGMENTS_INIT;

		assert_int_equal(
			fmt_read(f.b.data, len, "t.dfu", NULL, &s, NULL, NULL), ERR_FORMAT);
	}
	f.b.len--;
	expect_bad(&f, ERR_FORMAT, "t.dfu: no DFU suffix at the end of the file");
	buf_done(&f.b);
}

static void test_fmt_dfuse__sums_of_sizes(void **state)
{
	static const struct {
		size_t at;
		int change;
		const char *message;
	} rows[] = {
		{6, 1, "t.dfu: the prefix says 313 bytes, but there are 312 before the suffix"},
		{10, 1, "t.dfu: offset 0x138: no room for another target"},
		{10, -1, "t.dfu: the file has no targets"},
		{11, 1, "t.dfu: offset 0xB: a target begins with \"Target\""},
		{11 + 266, 1, "t.dfu: offset 0xB: the target is longer than the file"},
		{11 + 266, -1, "t.dfu: offset 0x12A: the element is longer than its target"},
		{11 + 270, 1, "t.dfu: offset 0x138: no room for another element in the target"},
		{11 + 270, -1, "t.dfu: offset 0x12A: the target is longer than its elements"},
		{11 + 270, -2, "t.dfu: offset 0x11D: the target has no elements"},
		{11 + 274 + 4, -5, "t.dfu: offset 0x11D: the element has no data"},
	};
	cleanup_segments struct segments s = SEGMENTS_INIT;
	struct file f = {0};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		simple(&f);
		f.b.data[rows[i].at] = (uint8_t)(f.b.data[rows[i].at] + rows[i].change);
		resum(&f);
		expect_bad(&f, ERR_FORMAT, rows[i].message);
	}
	simple(&f);
	put_le32(f.b.data + 6, (uint32_t)f.b.len); /* as dfuse-pack counts: with the suffix */
	resum(&f);
	assert_int_equal(parse(&f, &s, NULL), 0);
	simple(&f);
	put_le32(f.b.data + 11 + 274, 0xfffffffc);
	resum(&f);
	expect_bad(&f, ERR_FORMAT,
		"t.dfu: offset 0x11D: the element passes the end of the address space");
	buf_done(&f.b);
}

static void test_fmt_dfuse__bytes_behind_the_targets(void **state)
{
	struct file f = {0};

	begin(&f);
	target(&f, 0, FLASH);
	element(&f, 0x08000000, "flash");
	buf_append(&f.b, "more", 4, NULL);
	finish(&f);
	expect_bad(&f, ERR_FORMAT,
		"t.dfu: offset 0x12A: bytes between the last target and the suffix");
	buf_done(&f.b);
}

static void test_fmt_dfuse__versions(void **state)
{
	struct file f = {0};

	simple(&f);
	f.b.data[5] = 2;
	resum(&f);
	expect_bad(&f, ERR_UNSUPPORTED, "t.dfu: DfuSe version 2 is not known");
	simple(&f);
	f.b.data[f.b.len - 10] = 0;
	resum(&f);
	expect_bad(&f, ERR_FORMAT, "t.dfu: the suffix is of DFU version 0x0100, not 0x011A");
	buf_done(&f.b);
}

static void test_fmt_dfuse__suffix_behind_a_raw_binary(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;
	struct fmt_options opt = {.has_address = true, .address = 0x08004000};
	const struct fmt *format = NULL;
	struct dfu_suffix found;
	struct err e = ERR_INIT;
	struct file f = {0};

	buf_append(&f.b, "\0\x50\0\x20\x41\x40\0\x08 program", 16, NULL);
	suffix(&f, 0x0100);
	assert_int_equal(parse(&f, &s, &e), ERR_USAGE);
	assert_string_equal(e.msg, "t.dfu: a raw binary does not say where it belongs");
	assert_int_equal(fmt_read(f.b.data, f.b.len, "t.dfu", &opt, &s, &format, NULL), 0);
	assert_int_equal(format->kind, FMT_DFU);
	assert_int_equal(s.v[0].addr, 0x08004000);
	assert_int_equal(s.v[0].len, 16);
	assert_int_equal(dfu_suffix_read(f.b.data, f.b.len, &found, NULL), 0);
	assert_int_equal(found.vendor, 0x0483);
	assert_int_equal(found.product, 0xdf11);
	assert_int_equal(found.version, 0x0100);
	buf_done(&f.b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fmt_dfuse__elements_are_segments),
		cmocka_unit_test(test_fmt_dfuse__flash_targets_are_chosen),
		cmocka_unit_test(test_fmt_dfuse__no_flash_target_is_refused),
		cmocka_unit_test(test_fmt_dfuse__the_only_target_needs_no_name),
		cmocka_unit_test(test_fmt_dfuse__names_are_made_printable),
		cmocka_unit_test(test_fmt_dfuse__crc_and_cut_files),
		cmocka_unit_test(test_fmt_dfuse__sums_of_sizes),
		cmocka_unit_test(test_fmt_dfuse__bytes_behind_the_targets),
		cmocka_unit_test(test_fmt_dfuse__versions),
		cmocka_unit_test(test_fmt_dfuse__suffix_behind_a_raw_binary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
