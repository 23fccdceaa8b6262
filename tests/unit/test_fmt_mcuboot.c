/* SPDX-License-Identifier: Apache-2.0 */
/* test_fmt_mcuboot.c - MCUboot images: sizes, areas of entries, hashes, trailers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/buf.h>
#include <stmota/bytes.h>
#include <stmota/fmt.h>
#include <stmota/fmt_mcuboot.h>

static struct buf file;
static size_t area; /* offset of the area of entries at hand */

static void put16(size_t at, size_t v)
{
	file.data[at] = (uint8_t)v;
	file.data[at + 1] = (uint8_t)(v >> 8);
}

/* Header of 32 bytes and 20 bytes of body. */
static void begin(void)
{
	file.len = 0;
	buf_fill(&file, 0, 32, NULL);
	buf_fill(&file, 0x5a, 20, NULL);
	put_le32(file.data, 0x96f3b83d);
	put16(8, 32);
	put_le32(file.data + 12, 20);
	memcpy(file.data + 20, "\1\2\3\0\4\0\0\0", 8);
}

static void open_area(uint16_t magic)
{
	area = file.len;
	buf_fill(&file, 0, 4, NULL);
	put16(area, magic);
	put16(area + 2, 4);
}

static void entry(uint16_t type, uint16_t len, uint8_t fill)
{
	size_t at = file.len;

	buf_fill(&file, 0, 4, NULL);
	put16(at, type);
	put16(at + 2, len);
	buf_fill(&file, fill, len, NULL);
	put16(area + 2, file.len - area);
}

static void simple(void)
{
	begin();
	open_area(0x6907);
	entry(0x10, 32, 0x11);
	entry(0x22, 71, 0x22);
}

static void expect_bad(int code, const char *message)
{
	struct mcuboot_info m;
	struct err e = ERR_INIT;

	assert_int_equal(mcuboot_inspect(file.data, file.len, &m, &e), code);
	assert_string_equal(e.msg, message);
}

static struct mcuboot_info expect_good(void)
{
	struct mcuboot_info m = {0};
	struct err e = ERR_INIT;

	if (mcuboot_inspect(file.data, file.len, &m, &e) != 0)
		fail_msg("%s", e.msg);
	return m;
}

static void test_fmt_mcuboot__header_and_hash(void **state)
{
	struct mcuboot_info m;

	simple();
	m = expect_good();
	assert_int_equal(m.header_size, 32);
	assert_int_equal(m.body_size, 20);
	assert_int_equal(m.version.major, 1);
	assert_int_equal(m.version.minor, 2);
	assert_int_equal(m.version.revision, 3);
	assert_int_equal(m.version.build, 4);
	assert_int_equal(m.hashed, 52);
	assert_int_equal(m.hash_bits, 256);
	assert_int_equal(m.hash[0], 0x11);
	assert_int_equal(m.n_signatures, 1);
	assert_int_equal(m.end, file.len);
	assert_false(m.pure);
	assert_false(m.has_trailer);
}

static void test_fmt_mcuboot__both_areas_are_walked(void **state)
{
	static const struct {
		uint16_t type, len;
		bool is_protected;
		const char *name;
	} want[] = {
		{0x50, 4, true, "SEC_CNT"}, {0x12a0, 3, true, NULL}, {0x12, 64, false, "SHA512"}};
	struct mcuboot_info m;
	struct mcuboot_tlv t;
	size_t at = 0;

	begin();
	open_area(0x6908);
	entry(0x50, 4, 7);
	entry(0x12a0, 3, 8);
	put16(10, file.len - area);
	open_area(0x6907);
	entry(0x12, 64, 9);
	m = expect_good();
	assert_int_equal(m.hashed, 52 + 4 + 8 + 7);
	assert_int_equal(m.hash_bits, 512);
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		assert_true(mcuboot_tlv_next(file.data, &m, &at, &t));
		assert_int_equal(t.type, want[i].type);
		assert_int_equal(t.len, want[i].len);
		assert_int_equal(t.is_protected, want[i].is_protected);
		assert_int_equal(t.data[0], 7 + i);
		if (want[i].name == NULL)
			assert_null(t.name);
		else
			assert_string_equal(t.name, want[i].name);
	}
	assert_false(mcuboot_tlv_next(file.data, &m, &at, &t));
}

static void test_fmt_mcuboot__empty_protected_area(void **state)
{
	struct mcuboot_info m;
	struct mcuboot_tlv t;
	size_t at = 0;

	begin();
	open_area(0x6908);
	put16(10, 4);
	open_area(0x6907);
	entry(0x10, 32, 9);
	m = expect_good();
	assert_true(mcuboot_tlv_next(file.data, &m, &at, &t));
	assert_int_equal(t.type, 0x10);
	assert_false(mcuboot_tlv_next(file.data, &m, &at, &t));
}

static void test_fmt_mcuboot__every_cut_is_refused(void **state)
{
	struct mcuboot_info m;

	simple();
	for (size_t len = 0; len < file.len; len++)
		assert_int_equal(mcuboot_inspect(file.data, len, &m, NULL), ERR_FORMAT);
}

static void test_fmt_mcuboot__header_that_cannot_be(void **state)
{
	simple();
	put16(8, 31);
	expect_bad(ERR_FORMAT, "the header says that it has 31 bytes, fewer than 32");
	simple();
	put_le32(file.data + 12, 0xfffffff0);
	expect_bad(ERR_FORMAT,
		"the header says that the body ends at 0x100000010, but the file has 0xA7 bytes");
	simple();
	put_le32(file.data, 0x96f3b83c);
	expect_bad(ERR_UNSUPPORTED, "an image of MCUboot before 1.0 is not known");
}

static void test_fmt_mcuboot__areas_that_cannot_be(void **state)
{
	simple();
	put16(52, 0x6906);
	expect_bad(ERR_FORMAT, "offset 0x34: no entries (TLV) behind the body");
	simple();
	put16(10, 12);
	expect_bad(ERR_FORMAT, "offset 0x34: no protected entries, which the header announces");
	simple();
	put16(54, file.len - 52 + 1);
	expect_bad(ERR_FORMAT, "offset 0x34: the entries (TLV) pass the end of the file");
	simple();
	put16(54, 3);
	expect_bad(ERR_FORMAT, "offset 0x34: the entries (TLV) pass the end of the file");
	simple();
	put16(54, file.len - 52 - 1);
	expect_bad(ERR_FORMAT, "offset 0x5C: an entry (TLV) passes the end of its area");
	begin();
	open_area(0x6908);
	entry(0x50, 4, 7);
	put16(10, 8);
	open_area(0x6907);
	entry(0x10, 32, 9);
	expect_bad(ERR_FORMAT,
		"offset 0x34: the protected entries are not as long as the header says");
}

static void test_fmt_mcuboot__entries_that_cannot_be(void **state)
{
	begin();
	open_area(0x6907);
	entry(0x22, 71, 0x22);
	expect_bad(ERR_FORMAT, "offset 0x34: no hash of the image among the entries (TLV)");
	entry(0x10, 32, 1);
	entry(0x12, 64, 1);
	expect_bad(ERR_FORMAT, "offset 0xA7: a second hash of the image");
	begin();
	open_area(0x6907);
	entry(0x10, 31, 1);
	expect_bad(ERR_FORMAT, "offset 0x38: SHA256 cannot have 31 bytes");
	begin();
	open_area(0x6907);
	entry(0x25, 0, 1);
	expect_bad(ERR_FORMAT, "offset 0x38: SIG_PURE cannot have 0 bytes");
}

static void test_fmt_mcuboot__pure_signature_needs_no_hash(void **state)
{
	begin();
	open_area(0x6907);
	entry(0x25, 1, 1);
	entry(0x24, 64, 2);
	assert_true(expect_good().pure);
	begin();
	open_area(0x6907);
	entry(0x25, 1, 0); /* false */
	entry(0x24, 64, 2);
	expect_bad(ERR_FORMAT, "offset 0x34: no hash of the image among the entries (TLV)");
}

static void test_fmt_mcuboot__padding_and_trailer(void **state)
{
	static const uint8_t first[] = {0x77, 0xc2, 0x95, 0xf3, 0x60, 0xd2, 0xef, 0x7f, 0x35, 0x52,
		0x50, 0x0f, 0x2c, 0xb6, 0x79, 0x80};
	static const uint8_t other[] = {0x20, 0x00, 0x2d, 0xe1, 0x5d, 0x29, 0x41, 0x0b, 0x8d, 0x77,
		0x67, 0x9c, 0x11, 0x0f, 0x1f, 0x8a};
	struct mcuboot_info m;
	size_t end;

	simple();
	end = file.len;
	buf_fill(&file, 0xff, 100, NULL);
	m = expect_good();
	assert_int_equal(m.end, end);
	assert_false(m.has_trailer);
	memcpy(file.data + file.len - 16, first, 16);
	assert_true(expect_good().has_trailer);
	memcpy(file.data + file.len - 16, other, 16);
	assert_true(expect_good().has_trailer);
}

static void test_fmt_mcuboot__is_read_as_it_lies_in_its_slot(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT, none = SEGMENTS_INIT;
	struct fmt_options opt = {.has_address = true, .address = 0x08004000};
	struct err e = ERR_INIT;

	simple();
	assert_int_equal(fmt_read(file.data, file.len, "t.img", &opt, &s, NULL, &e), 0);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.v[0].addr, 0x08004000);
	assert_int_equal(s.v[0].len, file.len);
	assert_memory_equal(s.v[0].data, file.data, file.len);
	/* Nobody knows where it goes. */
	assert_int_equal(fmt_read(file.data, file.len, "t.img", NULL, &none, NULL, &e), ERR_USAGE);
	assert_non_null(strstr(e.msg, "does not say where its slot is"));
	/* It says itself where it goes: then nobody else does. */
	put_le32(file.data + 4, 0x08010000);
	put_le32(file.data + 16, MCUBOOT_ROM_FIXED);
	assert_int_equal(fmt_read(file.data, file.len, "t.img", &opt, &none, NULL, &e), ERR_USAGE);
	assert_int_equal(fmt_read(file.data, file.len, "t.img", NULL, &none, NULL, &e), 0);
	assert_int_equal(none.v[0].addr, 0x08010000);
	segments_done(&none);
	/* The end of the address space. */
	put_le32(file.data + 4, 0xffffffc0);
	assert_int_equal(fmt_read(file.data, file.len, "t.img", NULL, &none, NULL, &e), ERR_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fmt_mcuboot__header_and_hash),
		cmocka_unit_test(test_fmt_mcuboot__both_areas_are_walked),
		cmocka_unit_test(test_fmt_mcuboot__empty_protected_area),
		cmocka_unit_test(test_fmt_mcuboot__every_cut_is_refused),
		cmocka_unit_test(test_fmt_mcuboot__header_that_cannot_be),
		cmocka_unit_test(test_fmt_mcuboot__areas_that_cannot_be),
		cmocka_unit_test(test_fmt_mcuboot__entries_that_cannot_be),
		cmocka_unit_test(test_fmt_mcuboot__pure_signature_needs_no_hash),
		cmocka_unit_test(test_fmt_mcuboot__padding_and_trailer),
		cmocka_unit_test(test_fmt_mcuboot__is_read_as_it_lies_in_its_slot),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	buf_done(&file);
	return rc;
}
