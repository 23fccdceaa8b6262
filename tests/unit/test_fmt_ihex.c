/* SPDX-License-Identifier: Apache-2.0 */
/* test_fmt_ihex.c - Intel HEX: every record type, every way to be damaged */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/buf.h>
#include <stmota/fmt.h>

#define EOF_LINE ":00000001FF\n"

static int parse(const char *text, struct segments *ret, struct err *e)
{
	const struct fmt *f = NULL;
	int rc = fmt_read((const uint8_t *)text, strlen(text), "t.hex", NULL, ret, &f, e);

	if (rc == 0)
		assert_int_equal(f->kind, FMT_IHEX);
	return rc;
}

static void expect_bad(const char *text, const char *message)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;
	struct err e = ERR_INIT;

	assert_int_equal(parse(text, &s, &e), ERR_FORMAT);
	assert_string_equal(e.msg, message);
	assert_int_equal(s.n, 0);
}

static void expect_one(const char *text, uint32_t addr, const void *data, size_t len)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;
	struct err e = ERR_INIT;

	if (parse(text, &s, &e) != 0)
		fail_msg("%s", e.msg);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.v[0].addr, addr);
	assert_int_equal(s.v[0].len, len);
	assert_memory_equal(s.v[0].data, data, len);
}

static void test_fmt_ihex__data_without_base(void **state)
{
	expect_one(":0401000001020304F1\n" EOF_LINE, 0x100, "\1\2\3\4", 4);
}

static void test_fmt_ihex__line_ends_and_case(void **state)
{
	expect_one("\r\n:02000004080ae8\r\n:04010000DEadBEefC3 \r\n:00000001ff\r\n", 0x080a0100,
		"\xde\xad\xbe\xef", 4);
}

static void test_fmt_ihex__linear_base(void **state)
{
	expect_one(":020000040800F2\n:0401000001020304F1\n" EOF_LINE, 0x08000100, "\1\2\3\4", 4);
}

static void test_fmt_ihex__segment_replaces_linear_and_back(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;

	assert_int_equal(parse(":020000040800F2\n:0100000001FE\n"
			       ":020000021000EC\n:0100000002FD\n"
			       ":020000040801F1\n:0100000003FC\n" EOF_LINE,
				 &s, NULL),
		0);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.v[0].addr, 0x00010000);
	assert_int_equal(s.v[0].data[0], 2);
	assert_int_equal(s.v[1].addr, 0x08000000);
	assert_int_equal(s.v[1].data[0], 1);
	assert_int_equal(s.v[2].addr, 0x08010000);
	assert_int_equal(s.v[2].data[0], 3);
}

static void test_fmt_ihex__segment_wraps_inside_64k(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;

	/* Base 0x10000, offset 0xFFFE: two bytes at the end, two at the start of the segment. */
	assert_int_equal(parse(":020000021000EC\n:04FFFE0001020304F5\n" EOF_LINE, &s, NULL), 0);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.v[0].addr, 0x10000);
	assert_memory_equal(s.v[0].data, "\3\4", 2);
	assert_int_equal(s.v[1].addr, 0x1fffe);
	assert_memory_equal(s.v[1].data, "\1\2", 2);
}

static void test_fmt_ihex__linear_goes_on_over_64k(void **state)
{
	expect_one(":020000040800F2\n:04FFFE0001020304F5\n" EOF_LINE, 0x0800fffe, "\1\2\3\4", 4);
}

static void test_fmt_ihex__end_of_address_space(void **state)
{
	expect_one(":02000004FFFFFC\n:04FFFC0001020304F7\n" EOF_LINE, 0xfffffffc, "\1\2\3\4", 4);
	expect_bad(":02000004FFFFFC\n:04FFFD0001020304F6\n" EOF_LINE,
		"t.hex: line 2: data passes the end of the address space");
}

static void test_fmt_ihex__entries(void **state)
{
	cleanup_segments struct segments a = SEGMENTS_INIT, b = SEGMENTS_INIT;

	assert_int_equal(parse(":0100000001FE\n:040000050800002DC2\n" EOF_LINE, &a, NULL), 0);
	assert_true(a.has_entry);
	assert_int_equal(a.entry, 0x0800002d);
	assert_int_equal(a.v[0].addr, 0); /* type 05 is no base */
	assert_int_equal(parse(":0100000001FE\n:04000003100002C126\n" EOF_LINE, &b, NULL), 0);
	assert_int_equal(b.entry, 0x102c1);
}

static void test_fmt_ihex__unsorted_with_holes(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;

	assert_int_equal(
		parse(":0100200003DC\n:0100000001FE\n:0100010002FC\n" EOF_LINE, &s, NULL), 0);
	assert_int_equal(s.n, 2);
	assert_memory_equal(s.v[0].data, "\1\2", 2);
	assert_int_equal(s.v[1].addr, 0x20);
}

static void test_fmt_ihex__overlaps(void **state)
{
	expect_one(":0400000001020304F2\n:0400020003040506E8\n" EOF_LINE, 0, "\1\2\3\4\5\6", 6);
}

static void test_fmt_ihex__records_that_disagree(void **state)
{
	struct err e = ERR_INIT;
	cleanup_segments struct segments s = SEGMENTS_INIT;
	const char *text = ":0400000001020304F2\n:0200020003FFFA\n" EOF_LINE;

	expect_bad(text, "t.hex: line 2: other bytes for address 0x00000003 than line 1 has");
	parse(text, &s, &e);
	assert_int_equal(e.addr, 3);
}

static void test_fmt_ihex__end_of_file(void **state)
{
	expect_bad(":0100000001FE\n", "t.hex: no end-of-file record after line 1");
	expect_bad(":0100000001FE\n" EOF_LINE EOF_LINE,
		"t.hex: line 3: something follows the end-of-file record");
	expect_bad(EOF_LINE, "t.hex: the file has no data records");
	expect_one(":0100000001FE\n" EOF_LINE "\n \r\n", 0, "\1", 1);
	expect_one(":0100000001FE\n:00000001FF", 0, "\1", 1);   /* no newline at the end */
	expect_one(":0100000001FE\n:00010001FE\n", 0, "\1", 1); /* old tools: start address */
}

static void test_fmt_ihex__damaged_lines(void **state)
{
	expect_bad(":0100000001FF\n" EOF_LINE, "t.hex: line 1: the checksum is FF, should be FE");
	expect_bad(":0100000001F\n" EOF_LINE, "t.hex: line 1: odd number of digits");
	expect_bad(":01000000FF\n" EOF_LINE, "t.hex: line 1: the record is cut short");
	expect_bad(":0100\n" EOF_LINE, "t.hex: line 1: the record is cut short");
	expect_bad(":010000000102FC\n" EOF_LINE,
		"t.hex: line 1: the record is longer than its length byte says");
	expect_bad(":0100000001FE\n0100000001FE\n", "t.hex: line 2: a record begins with ':'");
	expect_bad(":01000000G1FE\n", "t.hex: line 1: not a hexadecimal digit");
	expect_bad(":0100000601F8\n" EOF_LINE, "t.hex: line 1: unknown record type 06");
	expect_bad(":0000000000\n" EOF_LINE, "t.hex: line 1: data record without data");
	expect_bad(":0100000408F3\n" EOF_LINE,
		"t.hex: line 1: a record of type 04 (extended linear address) has 2 bytes of data, not 1");
	expect_bad(":0100000100FE\n",
		"t.hex: line 1: a record of type 01 (end-of-file) has 0 bytes of data, not 1");
}

static void test_fmt_ihex__longest_record(void **state)
{
	char text[700], *p = text;
	uint8_t data[255], sum = 0xff;

	p += sprintf(p, ":FF000000");
	for (unsigned i = 0; i < 255; i++) {
		data[i] = (uint8_t)(i * 3);
		sum = (uint8_t)(sum + data[i]);
		p += sprintf(p, "%02x", data[i]);
	}
	sprintf(p, "%02x\n" EOF_LINE, (uint8_t)-sum);
	expect_one(text, 0, data, 255);
	sprintf(p, "%02x00\n" EOF_LINE, (uint8_t)-sum);
	expect_bad(text, "t.hex: line 1: 523 characters are more than a record can have");
}

/* The order that is worst for a sorted list must not cost more than a moment. */
static void test_fmt_ihex__descending_bytes(void **state)
{
	cleanup_buf struct buf text = BUF_INIT;
	cleanup_segments struct segments s = SEGMENTS_INIT;
	const unsigned banks = 8;

	for (unsigned bank = banks; bank-- > 0;) {
		char line[32];

		sprintf(line, ":0200000400%02X%02X\n", bank, (uint8_t) - (6 + bank));
		buf_append(&text, line, strlen(line), NULL);
		for (unsigned a = 0x10000; a-- > 0;) {
			sprintf(line, ":01%04X005A%02X\n", a, (uint8_t) - (0x5b + (a >> 8) + a));
			buf_append(&text, line, strlen(line), NULL);
		}
	}
	buf_append(&text, EOF_LINE, strlen(EOF_LINE), NULL);
	assert_int_equal(fmt_read(text.data, text.len, "t.hex", NULL, &s, NULL, NULL), 0);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.v[0].len, banks * 0x10000);
	assert_true(bytes_all(s.v[0].data, s.v[0].len, 0x5a));
}

static void test_fmt_ihex__address_is_refused(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;
	struct fmt_options opt = {.has_address = true, .address = 0x08000000};
	const char *text = ":0100000001FE\n" EOF_LINE;

	assert_int_equal(
		fmt_read((const uint8_t *)text, strlen(text), "t.hex", &opt, &s, NULL, NULL),
		ERR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fmt_ihex__data_without_base),
		cmocka_unit_test(test_fmt_ihex__line_ends_and_case),
		cmocka_unit_test(test_fmt_ihex__linear_base),
		cmocka_unit_test(test_fmt_ihex__segment_replaces_linear_and_back),
		cmocka_unit_test(test_fmt_ihex__segment_wraps_inside_64k),
		cmocka_unit_test(test_fmt_ihex__linear_goes_on_over_64k),
		cmocka_unit_test(test_fmt_ihex__end_of_address_space),
		cmocka_unit_test(test_fmt_ihex__entries),
		cmocka_unit_test(test_fmt_ihex__unsorted_with_holes),
		cmocka_unit_test(test_fmt_ihex__overlaps),
		cmocka_unit_test(test_fmt_ihex__records_that_disagree),
		cmocka_unit_test(test_fmt_ihex__end_of_file),
		cmocka_unit_test(test_fmt_ihex__damaged_lines),
		cmocka_unit_test(test_fmt_ihex__longest_record),
		cmocka_unit_test(test_fmt_ihex__descending_bytes),
		cmocka_unit_test(test_fmt_ihex__address_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
