/* SPDX-License-Identifier: Apache-2.0 */
/* test_text.c - sizes, times, similar words */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stmota/bytes.h>
#include <stmota/similar.h>
#include <stmota/text.h>

static void test_text_size__units(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *rounded, *exact;
	} cases[] = {
		{0, "0 bytes", "0 bytes"},
		{1, "1 byte", "1 byte"},
		{1023, "1023 bytes", "1023 bytes"},
		{1024, "1 KiB", "1024 bytes (1 KiB)"},
		{17736, "17.3 KiB", "17736 bytes (17.3 KiB)"},
		{524288, "512 KiB", "524288 bytes (512 KiB)"},
		{1048575, "1.0 MiB", "1048575 bytes (1.0 MiB)"},
		{2097152, "2.0 MiB", "2097152 bytes (2.0 MiB)"},
	};
	char text[64];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		text_size(cases[i].bytes, text, sizeof(text));
		assert_string_equal(text, cases[i].rounded);
		text_size_exact(cases[i].bytes, text, sizeof(text));
		assert_string_equal(text, cases[i].exact);
	}
}

static void test_text_duration__units(void **state)
{
	static const struct {
		uint64_t ms;
		const char *text;
	} cases[] = {{0, "0.0 s"}, {849, "0.8 s"}, {9949, "9.9 s"}, {9950, "10 s"}, {59499, "59 s"},
		{59500, "1:00"}, {187000, "3:07"}, {3753000, "1:02:33"}};
	char text[32];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		text_duration(cases[i].ms, text, sizeof(text));
		assert_string_equal(text, cases[i].text);
	}
}

static void test_text_time__utc(void **state)
{
	char text[TEXT_TIME_SIZE];

	(void)state;
	assert_string_equal("1970-01-01T00:00:00Z", text_time(0, text));
	assert_string_equal("2026-11-21T18:40:00Z", text_time(1795286400, text));
	assert_string_equal("9999-12-31T23:59:59Z", text_time(UINT64_MAX, text));
}

static void test_text_age__units(void **state)
{
	char text[32];

	(void)state;
	assert_string_equal("now", text_age(59, text, sizeof(text)));
	assert_string_equal("1 min", text_age(60, text, sizeof(text)));
	assert_string_equal("59 min", text_age(3599, text, sizeof(text)));
	assert_string_equal("1 h", text_age(3600, text, sizeof(text)));
	assert_string_equal("47 h", text_age(48 * 3600 - 1, text, sizeof(text)));
	assert_string_equal("2 d", text_age(48 * 3600, text, sizeof(text)));
}

static void test_text_width__code_points(void **state)
{
	assert_int_equal(text_width(""), 0);
	assert_int_equal(text_width("abc"), 3);
	assert_int_equal(text_width("━╸ü"), 3);
}

static const char *nearest(const char *word)
{
	static const char *const known[] = {"completion", "erase", "flash", "go", "help", "info",
		"key show", "keygen", "pack", "probe", "read", "sign", "verify"};
	struct similar s = SIMILAR_INIT(word);

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		similar_offer(&s, known[i]);
	return s.best;
}

static void test_similar__slips(void **state)
{
	assert_string_equal(nearest("flsh"), "flash");
	assert_string_equal(nearest("falsh"), "flash");
	assert_string_equal(nearest("flashh"), "flash");
	assert_string_equal(nearest("vrefiy"), "verify");
	assert_string_equal(nearest("comp"), "completion");
	assert_string_equal(nearest("keygne"), "keygen");
	assert_string_equal(nearest("pakc"), "pack");
	assert_string_equal(nearest("porbe"), "probe");
}

static void test_similar__other_words(void **state)
{
	assert_null(nearest(""));
	assert_null(nearest("x"));
	assert_null(nearest("update"));
	assert_null(nearest("upload"));
	assert_null(nearest("a very long word that nobody would ever take for a command"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_size__units),
		cmocka_unit_test(test_text_duration__units),
		cmocka_unit_test(test_text_time__utc),
		cmocka_unit_test(test_text_age__units),
		cmocka_unit_test(test_text_width__code_points),
		cmocka_unit_test(test_similar__slips),
		cmocka_unit_test(test_similar__other_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
