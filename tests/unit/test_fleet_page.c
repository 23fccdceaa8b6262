/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_fleet_page.c - text of anybody in a page is text
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "../../src/fleet/page.h"

static void expect(const char *text, size_t len, const char *html)
{
	cleanup_buf struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	struct page p = {.to = &b, .e = &e};

	page_text_n(&p, text, len);
	assert_int_equal(0, p.rc);
	assert_int_equal(0, buf_append(&b, "", 1, NULL));
	assert_string_equal(html, (const char *)b.data);
}

static void test_fleet_page__markup_is_text(void **state)
{
	(void)state;
	expect("a<b>&\"c\"'", 9, "a&lt;b&gt;&amp;&quot;c&quot;&#39;");
	expect("&amp;", 5, "&amp;amp;");
	expect("]]>--", 5, "]]&gt;--");
	expect("", 0, "");
}

static void test_fleet_page__controls_are_shown(void **state)
{
	(void)state;
	expect("\x1b[2J\x07\r\x7f", 7, "\\x1B[2J\\x07\\x0D\\x7F");
	expect("a\0b", 3, "a\\x00b");
	expect("a\tb\nc", 5, "a\tb\nc");
	expect("\xC2\x9B!", 3, "\\x9B!");       /* CSI in one character */
	expect("\xE2\x80\xAE!", 4, "\\u202E!"); /* right to left */
	expect("\xEF\xBB\xBF!", 4, "\\uFEFF!"); /* byte order mark */
	expect("\xEF\xBF\xBE!", 4, "\\uFFFE!"); /* no character */
	expect("\xE2\x82\xAC \xF0\x9F\x92\xA1", 8, "\xE2\x82\xAC \xF0\x9F\x92\xA1");
}

static void test_fleet_page__bytes_that_are_no_text(void **state)
{
	static const char bad[] = "\xEF\xBF\xBD";
	char two[8], three[12];

	(void)state;
	snprintf(two, sizeof(two), "%s%s", bad, bad);
	snprintf(three, sizeof(three), "%s%s%s", bad, bad, bad);
	expect("\xFF", 1, bad);
	expect("\xC0\x80", 2, two);       /* overlong */
	expect("\xED\xA0\x80", 3, three); /* half of a pair */
	expect("\xE2\x82", 2, two);       /* cut off */
	expect("\xF4\x90\x80", 3, three); /* above U+10FFFF, and cut off */
}

/* Whatever comes: valid UTF-8 without markup or control characters comes out. */
static void test_fleet_page__any_bytes(void **state)
{
	char noise[64];
	uint32_t x = 1;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		cleanup_buf struct buf b = BUF_INIT;
		struct page p = {.to = &b};
		json_t *j;

		for (size_t i = 0; i < sizeof(noise); i++) {
			x = x * 1664525 + 1013904223;
			noise[i] = (char)(round % 3 == 0 ? x >> 24 : 0xC0 + (x >> 24) % 0x40);
			if (round % 3 == 2 && i % 2 == 1)
				noise[i] = (char)(0x80 + (x >> 20) % 0x40);
		}
		page_text_n(&p, noise, sizeof(noise));
		assert_int_equal(0, p.rc);
		for (size_t i = 0; i < b.len; i++) {
			assert_null(memchr("<>\"'", b.data[i], 4));
			assert_true(b.data[i] >= 0x20 || b.data[i] == '\n' || b.data[i] == '\t');
			assert_int_not_equal(0x7F, b.data[i]);
		}
		j = json_stringn((const char *)b.data, b.len); /* takes nothing but UTF-8 */
		assert_non_null(j);
		json_decref(j);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fleet_page__markup_is_text),
		cmocka_unit_test(test_fleet_page__controls_are_shown),
		cmocka_unit_test(test_fleet_page__bytes_that_are_no_text),
		cmocka_unit_test(test_fleet_page__any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
