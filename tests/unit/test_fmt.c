/* SPDX-License-Identifier: Apache-2.0 */
/* test_fmt.c - detection by content, raw binaries, formats that are refused by name */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/fmt.h>

/* A small image with a table for 0x08004000: SP, Reset, NMI, HardFault, zeros, code. */
static const uint32_t image[32] = {
	0x20005000, 0x08004041, 0x08004045, 0x08004045, [16] = 0xe7fe4770, [17] = 0xe7fee7fe};

static int read_bin(const void *data, size_t len, const struct fmt_options *opt,
	struct segments *ret, struct err *e)
{
	return fmt_read(data, len, "t.bin", opt, ret, NULL, e);
}

static void test_fmt__detects_by_content(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		enum fmt_kind kind;
	} rows[] = {
		{":00000001FF\n", 12, FMT_IHEX},
		{"\r\n  :10", 7, FMT_IHEX},
		{":abc", 4, FMT_IHEX},
		{":)", 2, FMT_BIN},
		{":-) hello", 9, FMT_BIN},
		{"\x7f"
		 "ELF",
			4, FMT_ELF},
		{"S00600004844521B\n", 17, FMT_SREC},
		{"S123", 4, FMT_SREC},
		{"Some text", 9, FMT_BIN},
		{"UF2\n\x57\x51\x5d\x9e", 8, FMT_UF2},
		{"UF2\n\x57\x51\x5d\x00", 8, FMT_BIN},
		{"DfuSe\1", 6, FMT_DFUSE},
		{"\x3d\xb8\xf3\x96", 4, FMT_MCUBOOT},
		{"\x3c\xb8\xf3\x96", 4, FMT_MCUBOOT},
		{"SFU1....", 8, FMT_SFB},
		{"SFU3....", 8, FMT_SFB},
		{"SFU4....", 8, FMT_BIN},
		{"\x89SOTA\r\n\x1a", 8, FMT_SOTA},
		{"", 0, FMT_BIN},
		{"\x7f", 1, FMT_BIN},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct fmt *f = fmt_detect((const uint8_t *)rows[i].bytes, rows[i].len);

		if (f->kind != rows[i].kind)
			fail_msg("row %zu: detected %s", i, f->name);
	}
	assert_int_equal(fmt_detect((const uint8_t *)image, sizeof(image))->kind, FMT_BIN);
}

/* The example of the DFU 1.1 suffix: CRC over all but its own 4 bytes, not inverted at the end. */
static void test_fmt__detects_dfu_suffix(void **state)
{
	uint8_t file[] = "12345678\xff\xff\xff\xff\xff\xff\x00\x01UFD\x10....";
	uint32_t crc = UINT32_MAX;
	size_t len = sizeof(file) - 1;

	for (size_t i = 0; i < len - 4; i++) {
		crc ^= file[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc & 1) != 0 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
	}
	assert_int_equal(fmt_detect(file, len)->kind, FMT_BIN);
	put_le32(file + len - 4, crc);
	assert_int_equal(fmt_detect(file, len)->kind, FMT_DFU);
	file[0] ^= 1;
	assert_int_equal(fmt_detect(file, len)->kind, FMT_BIN);
}

static void test_fmt__every_row_is_complete_and_found(void **state)
{
	size_t n = 0;

	for (; fmt_at(n) != NULL; n++) {
		const struct fmt *f = fmt_at(n);

		assert_non_null(f->name);
		assert_non_null(f->description);
		assert_non_null(f->detect);
		assert_ptr_equal(fmt_find(f->name), f);
		assert_false(
			f->kind != FMT_BIN && f->detect((const uint8_t *)image, sizeof(image)));
	}
	assert_int_equal(n, FMT_SOTA + 1);
	assert_null(fmt_find("tar"));
}

static void test_fmt__known_formats_are_refused_by_name(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;
	struct fmt_options opt = {.has_address = true, .address = 0x08000000};
	struct err e = ERR_INIT;

	assert_int_equal(read_bin("SFU1....", 8, NULL, &s, &e), ERR_UNSUPPORTED);
	assert_non_null(strstr(e.msg, "ST SBSFU"));
	/* An address does not turn a container into a raw binary. */
	assert_int_equal(read_bin("\x3d\xb8\xf3\x96", 4, &opt, &s, &e), ERR_FORMAT);
	assert_non_null(strstr(e.msg, "MCUboot"));
	assert_int_equal(read_bin("\x89SOTA\r\n\x1a", 8, &opt, &s, &e), ERR_FORMAT);
	assert_string_equal(e.msg, "t.bin: this is a stmota package, not an image");
}

static void test_fmt_bin__address_and_bytes(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;
	struct fmt_options opt = {.has_address = true, .address = 0x08004000};

	assert_int_equal(read_bin(image, sizeof(image), &opt, &s, NULL), 0);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.v[0].addr, 0x08004000);
	assert_int_equal(s.v[0].len, sizeof(image));
	assert_memory_equal(s.v[0].data, image, sizeof(image));
	assert_false(s.has_entry);
}

static void test_fmt_bin__without_address_the_hint_names_the_guess(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;
	struct err e = ERR_INIT;
	uint8_t noise[200];

	assert_int_equal(read_bin(image, sizeof(image), NULL, &s, &e), ERR_USAGE);
	assert_string_equal(e.msg, "t.bin: a raw binary does not say where it belongs");
	assert_string_equal(e.hint, "the vector table fits --address 0x08004000");
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (uint8_t)(i * 37);
	assert_int_equal(read_bin(noise, sizeof(noise), NULL, &s, &e), ERR_USAGE);
	assert_string_equal(e.hint, "give its start with --address ADDR");
}

static void test_fmt_bin__what_is_no_firmware(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *message;
	} rows[] = {
		{"\x1f\x8b\x08\0\0\0\0\0\0\3", 10,
			"t.bin: this is a gzip file, not a firmware image"},
		{"PK\3\4\0\0\0\0\0\0\0\0", 12, "t.bin: this is a zip file, not a firmware image"},
		{"\xfd"
		 "7zXZ\0....",
			10, "t.bin: this is an xz file, not a firmware image"},
		{"#!/bin/sh\necho\n", 15, "t.bin: this is a text file, not a firmware image"},
		{"\0\0\0\x20\1\0\0\x08", 8, "t.bin: 8 bytes are too few for a firmware image"},
		{"\0\0\0\0\0\0\0\0\0\0", 10, "t.bin: all 10 bytes are 0x00: this is no firmware"},
		{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10,
			"t.bin: all 10 bytes are 0xFF: this is no firmware"},
		{"", 0, "t.bin: the file is empty"},
	};
	struct fmt_options opt = {.has_address = true, .address = 0x08000000};
	struct fmt_options raw = {.has_address = true, .address = 0x08000000, .raw = true};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_segments struct segments s = SEGMENTS_INIT;
		struct err e = ERR_INIT;

		assert_int_equal(read_bin(rows[i].bytes, rows[i].len, &opt, &s, &e), ERR_FORMAT);
		assert_string_equal(e.msg, rows[i].message);
		/* As data of a package the same bytes are welcome, an empty file is not. */
		assert_int_equal(read_bin(rows[i].bytes, rows[i].len, &raw, &s, &e),
			rows[i].len > 0 ? 0 : ERR_FORMAT);
	}
}

static void test_fmt_bin__end_of_address_space(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;
	struct fmt_options opt = {.has_address = true, .address = UINT32_MAX - sizeof(image) + 1};

	assert_int_equal(read_bin(image, sizeof(image), &opt, &s, NULL), 0);
	opt.address++;
	assert_int_equal(read_bin(image, sizeof(image), &opt, &s, NULL), ERR_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fmt__detects_by_content),
		cmocka_unit_test(test_fmt__detects_dfu_suffix),
		cmocka_unit_test(test_fmt__every_row_is_complete_and_found),
		cmocka_unit_test(test_fmt__known_formats_are_refused_by_name),
		cmocka_unit_test(test_fmt_bin__address_and_bytes),
		cmocka_unit_test(test_fmt_bin__without_address_the_hint_names_the_guess),
		cmocka_unit_test(test_fmt_bin__what_is_no_firmware),
		cmocka_unit_test(test_fmt_bin__end_of_address_space),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
