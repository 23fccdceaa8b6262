/* SPDX-License-Identifier: Apache-2.0 */
/* test_strparse.c - numbers, ranges and pairs as people write them */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <stmota/strparse.h>

static void test_parse_u32__good(void **state)
{
	static const struct {
		const char *text;
		uint32_t value;
	} cases[] = {{"0", 0}, {"10", 10}, {"010", 10}, {"0x10", 16}, {"0XfF", 255}, {"4K", 4096},
		{"4k", 4096}, {"0x2M", 2097152}, {"4294967295", UINT32_MAX},
		{"0xFFFFFFFF", UINT32_MAX}, {"4194303K", 4194303u * 1024},
		{"0x8000000", 0x8000000}};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint32_t v = 77;

		assert_int_equal(parse_u32(cases[i].text, &v, NULL), 0);
		assert_int_equal(v, cases[i].value);
	}
}

static void test_parse_u32__bad(void **state)
{
	static const char *const cases[] = {"", " 1", "1 ", "-1", "+1", "x", "0x", "0xg", "1x",
		"1KK", "K", "1.5", "0x-1", "ff", "4294967296", "4194304K", "4096M",
		"99999999999999999999999", "0x1FFFFFFFFFFFFFFFFF"};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = ERR_INIT;
		uint32_t v = 77;

		assert_int_equal(parse_u32(cases[i], &v, &e), ERR_USAGE);
		assert_int_equal(v, 77);
		assert_int_equal(e.code, ERR_USAGE);
	}
}

static void test_parse_u32_range__limits(void **state)
{
	struct err e = ERR_INIT;
	uint32_t v = 77;

	assert_int_equal(parse_u32_range("9", 10, 20, &v, &e), ERR_USAGE);
	assert_string_equal(e.msg, "'9' is not within 10..20");
	assert_int_equal(parse_u32_range("21", 10, 20, &v, NULL), ERR_USAGE);
	assert_int_equal(v, 77);
	assert_int_equal(parse_u32_range("10", 10, 20, &v, NULL), 0);
	assert_int_equal(v, 10);
	assert_int_equal(parse_u32_range("20", 10, 20, &v, NULL), 0);
	assert_int_equal(v, 20);
}

static void test_parse_pid__always_hexadecimal(void **state)
{
	static const char *const bad[] = {
		"", "0x", "1000", "0x1000", "435x", "g", "-1", "4 35", "0x0x1"};
	uint16_t pid = 0;

	assert_int_equal(parse_pid("435", &pid, NULL), 0);
	assert_int_equal(pid, 0x435);
	assert_int_equal(parse_pid("0x413", &pid, NULL), 0);
	assert_int_equal(pid, 0x413);
	assert_int_equal(parse_pid("FFF", &pid, NULL), 0);
	assert_int_equal(pid, 0xFFF);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(parse_pid(bad[i], &pid, NULL), ERR_USAGE);
		assert_int_equal(pid, 0xFFF);
	}
}

static void test_parse_span__ends_at_the_end(void **state)
{
	static const char *const bad[] = {"", ":", "1", "1:", ":1", "1:0", "0xFFFFFFFF:2", "1:2:3",
		"0x100000000:1", "0:4294967296", "1;2",
		"000000000000000000000000000000000000000000001:1"};
	struct span s = {7, 7};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(parse_span(bad[i], &s, NULL), ERR_USAGE);
		assert_int_equal(s.addr, 7);
		assert_int_equal(s.len, 7);
	}
	assert_int_equal(parse_span("0x08000000:16K", &s, NULL), 0);
	assert_int_equal(s.addr, 0x8000000);
	assert_int_equal(s.len, 16384);
	assert_int_equal(parse_span("0xFFFFFFFF:1", &s, NULL), 0);
	assert_int_equal(span_end(s), (uint64_t)1 << 32);
}

static void test_parse_u16_pair__one_or_two(void **state)
{
	static const char *const bad[] = {"", "..", "1..", "..1", "2..1", "65536", "1..65536",
		"1...2", "1-2", "0000000000000000001"};
	uint16_t min = 7, max = 7;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(parse_u16_pair(bad[i], &min, &max, NULL), ERR_USAGE);
		assert_int_equal(min, 7);
		assert_int_equal(max, 7);
	}
	assert_int_equal(parse_u16_pair("3", &min, &max, NULL), 0);
	assert_int_equal(min, 3);
	assert_int_equal(max, 3);
	assert_int_equal(parse_u16_pair("0..65535", &min, &max, NULL), 0);
	assert_int_equal(min, 0);
	assert_int_equal(max, 65535);
}

static void test_parse_duration__number_and_unit(void **state)
{
	static const struct {
		const char *text;
		uint64_t s;
	} good[] = {{"0", 0}, {"0s", 0}, {"90s", 90}, {"30m", 1800}, {"1h", 3600}, {"2d", 172800},
		{"3660d", 316224000}, {"007m", 420}};
	static const char *const bad[] = {"", "s", "1", "90", "1w", "1 h", " 1h", "1h ", "-1h",
		"+1h", "1.5h", "1h30m", "0x1h", "3661d", "316224001s", "99999999999999999999s",
		"18446744073709551616d", "1H", "m1"};
	uint64_t s = 7;

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(parse_duration(good[i].text, &s, NULL), 0);
		assert_int_equal(s, good[i].s);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err e = ERR_INIT;

		s = 7;
		assert_int_equal(parse_duration(bad[i], &s, &e), ERR_USAGE);
		assert_int_equal(s, 7);
		assert_non_null(strstr(e.msg, bad[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_u32__good),
		cmocka_unit_test(test_parse_u32__bad),
		cmocka_unit_test(test_parse_u32_range__limits),
		cmocka_unit_test(test_parse_pid__always_hexadecimal),
		cmocka_unit_test(test_parse_span__ends_at_the_end),
		cmocka_unit_test(test_parse_u16_pair__one_or_two),
		cmocka_unit_test(test_parse_duration__number_and_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
