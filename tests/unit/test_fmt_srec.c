/* SPDX-License-Identifier: Apache-2.0 */
/* test_fmt_srec.c - S-records: every type, every way to be damaged */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/fmt.h>

#define END "S9030000FC\n"

static int parse(const char *text, struct segments *ret, struct err *e)
{
	const struct fmt *f = NULL;
	int rc = fmt_read((const uint8_t *)text, strlen(text), "t.s19", NULL, ret, &f, e);

	if (rc == 0)
		assert_int_equal(f->kind, FMT_SREC);
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

static void test_fmt_srec__three_widths_of_address(void **state)
{
	expect_one("S1051234ABCD3C\n" END, 0x1234, "\xab\xcd", 2);
	expect_one("S206123456ABCDE5\nS804000000FB\n", 0x123456, "\xab\xcd", 2);
	expect_one("S30708001234ABCD32\nS70500000000FA\n", 0x08001234, "\xab\xcd", 2);
}

static void test_fmt_srec__header_case_and_line_ends(void **state)
{
	expect_one("S00600004844521B\r\nS1051234abCD3c \r\nS9030000fc\r\n\r\n \n", 0x1234,
		"\xab\xcd", 2);
	expect_one("S1051234ABCD3C\nS9030000FC", 0x1234, "\xab\xcd", 2);
}

static void test_fmt_srec__entry(void **state)
{
	cleanup_segments struct segments a = SEGMENTS_INIT, b = SEGMENTS_INIT;

	assert_int_equal(parse("S30708001234ABCD32\nS70508000101F0\n", &a, NULL), 0);
	assert_true(a.has_entry);
	assert_int_equal(a.entry, 0x08000101);
	assert_int_equal(parse("S1051234ABCD3C\n" END, &b, NULL), 0);
	assert_false(b.has_entry); /* 0: the writer knew none */
}

/* srec_cat writes the narrowest type for each record, and no terminator without an entry. */
static void test_fmt_srec__mixed_types_closed_by_a_count(void **state)
{
	expect_one("S105FFFEABCD85\nS206010000EF0108\nS5030002FA\n", 0xfffe, "\xab\xcd\xef\x01", 4);
	expect_one("S105FFFEABCD85\nS206010000EF0108\nS604000002F9\nS804000000FB\n", 0xfffe,
		"\xab\xcd\xef\x01", 4);
	/* A count in the middle closes nothing. */
	expect_bad(
		"S5030000FC\nS1051234ABCD3C\n", "t.s19: no terminator (S7, S8, S9) after line 2");
}

static void test_fmt_srec__counts(void **state)
{
	expect_bad("S1051234ABCD3C\nS5030002FA\n" END,
		"t.s19: line 2: S5 counts 2 data records, but there are 1");
	expect_bad("S1051234ABCD3C\nS604000000FB\n" END,
		"t.s19: line 2: S6 counts 0 data records, but there are 1");
	expect_bad("S1051234ABCD3C\nS504000100FA\n" END, "t.s19: line 2: S5 has no data");
}

static void test_fmt_srec__terminators(void **state)
{
	expect_bad("S1051234ABCD3C\n", "t.s19: no terminator (S7, S8, S9) after line 1");
	expect_bad("S1051234ABCD3C\n" END END, "t.s19: line 3: something follows the terminator");
	expect_bad("S1051234ABCD3C\nS70500000000FA\n",
		"t.s19: line 2: S7 ends a file of S3 records, which this is not");
	expect_bad("S1051234ABCD3C\nS804000000FB\n",
		"t.s19: line 2: S8 ends a file of S2 records, which this is not");
	expect_bad("S1051234ABCD3C\nS904000000FB\n", "t.s19: line 2: S9 has no data");
	expect_bad(END, "t.s19: the file has no data");
}

static void test_fmt_srec__damaged_lines(void **state)
{
	expect_bad("S1051234ABCD3D\n" END, "t.s19: line 1: the checksum is 3D, should be 3C");
	expect_bad("S1051234ABCD3\n" END, "t.s19: line 1: odd number of digits");
	expect_bad("S1051234ABCD\n" END, "t.s19: line 1: the record is cut short");
	expect_bad("S1051234ABCD3C00\n" END,
		"t.s19: line 1: the record is longer than its count byte says");
	expect_bad("S1051234ABXD3C\n" END, "t.s19: line 1: not a hexadecimal digit");
	expect_bad("S1051234ABCD3C\n1051234ABCD3C\n",
		"t.s19: line 2: a record begins with 'S' and a digit");
	expect_bad("S4051234ABCD3C\n" END, "t.s19: line 1: S4 is a reserved type");
	expect_bad("S30412345605\n", "t.s19: line 1: the checksum is 05, should be 5F");
	expect_bad("S3041234565F\n", "t.s19: line 1: S3 needs 4 bytes of address and a checksum");
	expect_bad("S100FF\n", "t.s19: line 1: the record is longer than its count byte says");
}

static void test_fmt_srec__end_of_its_addresses(void **state)
{
	expect_one("S105FFFEABCD85\n" END, 0xfffe, "\xab\xcd", 2);
	expect_bad("S105FFFFABCD84\n" END,
		"t.s19: line 1: data passes the end of the addresses of S1");
	expect_one("S307FFFFFFFEABCD85\nS70500000000FA\n", 0xfffffffe, "\xab\xcd", 2);
	expect_bad("S307FFFFFFFFABCD84\nS70500000000FA\n",
		"t.s19: line 1: data passes the end of the addresses of S3");
}

static void test_fmt_srec__unsorted_overlapping_disagreeing(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;
	struct err e = ERR_INIT;

	expect_one(
		"S1050002EF0108\nS1050000ABCD82\nS1050001CDEF3D\n" END, 0, "\xab\xcd\xef\x01", 4);
	expect_bad("S1050000ABCD82\nS1050001CCEF3E\n" END,
		"t.s19: line 2: other bytes for address 0x00000001 than line 1 has");
	parse("S1050000ABCD82\nS1050001CCEF3E\n" END, &s, &e);
	assert_int_equal(e.addr, 1);
}

static void test_fmt_srec__longest_record(void **state)
{
	char text[700], *p = text;
	uint8_t data[252], sum = 0xff;

	p += sprintf(p, "S1FF0000");
	for (unsigned i = 0; i < 252; i++) {
		data[i] = (uint8_t)(i * 3);
		sum = (uint8_t)(sum + data[i]);
		p += sprintf(p, "%02x", data[i]);
	}
	sprintf(p, "%02x\n" END, (uint8_t)~sum);
	expect_one(text, 0, data, sizeof(data));
	sprintf(p, "%02x00\n" END, (uint8_t)~sum);
	expect_bad(text, "t.s19: line 1: 516 characters are more than a record can have");
}

static void test_fmt_srec__address_is_refused(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;
	struct fmt_options opt = {.has_address = true, .address = 0x08000000};
	const char *text = "S1051234ABCD3C\n" END;

	assert_int_equal(
		fmt_read((const uint8_t *)text, strlen(text), "t.s19", &opt, &s, NULL, NULL),
		ERR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fmt_srec__three_widths_of_address),
		cmocka_unit_test(test_fmt_srec__header_case_and_line_ends),
		cmocka_unit_test(test_fmt_srec__entry),
		cmocka_unit_test(test_fmt_srec__mixed_types_closed_by_a_count),
		cmocka_unit_test(test_fmt_srec__counts),
		cmocka_unit_test(test_fmt_srec__terminators),
		cmocka_unit_test(test_fmt_srec__damaged_lines),
		cmocka_unit_test(test_fmt_srec__end_of_its_addresses),
		cmocka_unit_test(test_fmt_srec__unsorted_overlapping_disagreeing),
		cmocka_unit_test(test_fmt_srec__longest_record),
		cmocka_unit_test(test_fmt_srec__address_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
