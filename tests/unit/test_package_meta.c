/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_package_meta.c - texts and places: what a package may say, and where its parts may go
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/bytes.h>
#include <stmota/package.h>

static void test_package_meta__characters(void **state)
{
	/* RFC 3629, section 10, and what Unicode hides. */
	static const struct {
		const char *text;
		bool title, notes;
	} cases[] = {
		{"A", true, true},
		{"a \xC3\xBC \xE2\x82\xAC \xF0\x9F\x92\xA1", true, true},
		{"\xED\x9F\xBF\xEE\x80\x80", true,
			true},                    /* the last before, the first behind surrogates */
		{"\xF4\x8F\xBF\xBF", true, true}, /* U+10FFFF */
		{"\xF4\x90\x80\x80", false, false}, /* U+110000 */
		{"\xED\xA0\x80", false, false},     /* a surrogate */
		{"\xC0\xAF", false, false},         /* overlong */
		{"\xE0\x80\xAF", false, false},
		{"\xF0\x80\x80\xAF", false, false},
		{"\x80", false, false}, /* continuation alone */
		{"\xC3", false, false}, /* cut off */
		{"\xE2\x82", false, false},
		{"\xFF", false, false},
		{"a\nb", false, true},
		{"a\n", false, false},
		{"a\tb", false, false},
		{"a\rb", false, false},
		{"a\x1B[31mb", false, false},
		{"a\x7F", false, false},
		{"a\xC2\x9B"
		 "b",
			false, false}, /* U+009B, CSI */
		{"a\xC2\xA0"
		 "b",
			true, true},
		{"a\xE2\x80\x8B", false, false}, /* zero width */
		{"a\xE2\x80\xAE", false, false}, /* right to left override */
		{"a\xE2\x81\xA6", false, false}, /* isolate */
		{"a\xEF\xBB\xBF", false, false}, /* byte order mark */
		{" a", false, false},
		{"a ", false, false},
		{"", false, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct package_meta m = {0};
		struct err e = ERR_INIT;

		if ((package_meta_set(&m, "title", cases[i].text, &e) == 0) != cases[i].title)
			fail_msg("title %zu: %s", i, e.msg);
		assert_string_equal(m.title, cases[i].title ? cases[i].text : "");
		if ((package_meta_set(&m, "notes", cases[i].text, &e) == 0) != cases[i].notes)
			fail_msg("notes %zu: %s", i, e.msg);
	}
}

static void test_package_meta__lengths_and_words(void **state)
{
	static const struct {
		const char *name;
		size_t max;
	} texts[] = {{"title", 64}, {"build id", 64}, {"revision", 64}, {"notes", 1024}};
	struct package_meta m = {0};
	char text[1100];

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		memset(text, 'x', sizeof(text));
		text[texts[i].max + 1] = '\0';
		assert_int_equal(package_meta_set(&m, texts[i].name, text, NULL), ERR_USAGE);
		text[texts[i].max] = '\0';
		assert_int_equal(package_meta_set(&m, texts[i].name, text, NULL), 0);
	}
	assert_int_equal(strlen(m.notes), 1024);
	assert_int_equal(package_meta_set(&m, "build id", "a b", NULL), ERR_USAGE);
	assert_int_equal(package_meta_set(&m, "revision", "\xC3\xBC", NULL), ERR_USAGE);
	assert_int_equal(package_meta_set(&m, "revision", "!~;$", NULL), 0);
	assert_int_equal(package_meta_date(&m, 253402300800u, NULL), ERR_USAGE);
	assert_false(m.has_date);
	assert_int_equal(package_meta_date(&m, 253402300799u, NULL), 0);
	assert_string_equal(package_date_format(m.date, text), "9999-12-31T23:59:59Z");
	assert_string_equal(package_date_format(0, text), "1970-01-01T00:00:00Z");
}

/* A day that does not exist is no other day: a roll-out would begin when nobody meant it. */
static void test_package_date__one_spelling(void **state)
{
	static const char *const bad[] = {"2026-02-31T06:00:00Z", "2026-12-31T23:59:60Z",
		" 2026-12-01T06:00:00Z", "2026-12-1T6:0:0Z", "2026-12-01T06:00:00Z ",
		"2026-12-01T06:00:00", "1969-12-31T23:59:59Z", "10000-01-01T00:00:00Z", ""};
	uint64_t t = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(package_date_parse(bad[i], &t, NULL), ERR_USAGE);
		assert_int_equal(t, 7);
	}
	assert_int_equal(package_date_parse("2028-02-29T23:59:59Z", &t, NULL), 0);
	assert_int_equal(t, 1835481599);
}

static void test_package_meta__names(void **state)
{
	static const char *const good[] = {
		"a", "app", "radio-2.x_y", "abcdefghijklmnopqrstuvwxyz-1234"};
	static const char *const bad[] = {"", "1", "-a", ".", "..", "A", "a b", "a/b", "a\nb",
		"\xC3\xBC", "abcdefghijklmnopqrstuvwxyz-12345"};

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(package_name_check(good[i], NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(package_name_check(bad[i], NULL), ERR_USAGE);
}

static int place(enum imf_kind kind, uint32_t addr, uint32_t len, const struct chip *chip)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;
	uint8_t *bytes = calloc(1, len);
	struct err e = ERR_INIT;
	int rc;

	assert_non_null(bytes);
	assert_int_equal(segments_add(&s, addr, bytes, len, &e), 0);
	free(bytes);
	rc = package_place_check(kind, &s, chip, &e);
	assert_true(rc == 0 || (rc == ERR_NO_FIT && e.msg[0] != '\0' && e.hint[0] != '\0'));
	return rc;
}

/* Every chip: each end of its flash and of its RAM, from both sides. */
static void test_package_meta__places_of_every_chip(void **state)
{
	for (size_t i = 0; i < chip_count(); i++) {
		const struct chip *c = chip_at(i);
		uint32_t end = c->flash_base + c->flash_size_max;

		assert_int_equal(place(IMF_KIND_APPLICATION, c->flash_base, 16, c), 0);
		assert_int_equal(place(IMF_KIND_CONFIGURATION, end - 16, 16, c), 0);
		assert_int_equal(place(IMF_KIND_SECOND_IMAGE, end - 16, 17, c), ERR_NO_FIT);
		assert_int_equal(place(IMF_KIND_RAM_INIT, c->flash_base, 16, c), ERR_NO_FIT);
		assert_int_equal(place(IMF_KIND_RAM_CODE, 0x40000000, 16, c), ERR_NO_FIT);
		assert_int_equal(place(IMF_KIND_CONFIGURATION, 0xE0000000, 16, c), ERR_NO_FIT);
		assert_int_equal(place(IMF_KIND_OPAQUE, 0, 16, c), 0);
		for (size_t k = 0; k < c->n_ram; k++) {
			assert_int_equal(place(IMF_KIND_RAM_INIT, c->ram[k].base, 16, c), 0);
			assert_int_equal(place(IMF_KIND_RAM_CODE,
						 c->ram[k].base + c->ram[k].size - 16, 16, c),
				0);
			assert_int_equal(
				place(IMF_KIND_APPLICATION, c->ram[k].base, 16, c), ERR_NO_FIT);
		}
	}
}

static void test_package_meta__places(void **state)
{
	const struct chip *f407 = chip_find(0x413), *l0 = chip_find(0x447);

	/* 128 KiB from 0x20000000 are two regions side by side; CCM stands alone. */
	assert_int_equal(place(IMF_KIND_RAM_INIT, 0x20000000, 0x20000, f407), 0);
	assert_int_equal(place(IMF_KIND_RAM_INIT, 0x20000000, 0x20001, f407), ERR_NO_FIT);
	assert_int_equal(place(IMF_KIND_RAM_INIT, 0x10000000, 0x10000, f407), 0);
	assert_int_equal(place(IMF_KIND_RAM_INIT, 0x10000000, 0x10001, f407), ERR_NO_FIT);
	/* Settings may lie in data EEPROM, programs may not. */
	assert_int_equal(place(IMF_KIND_CONFIGURATION, l0->eeprom.addr, 16, l0), 0);
	assert_int_equal(place(IMF_KIND_APPLICATION, l0->eeprom.addr, 16, l0), ERR_NO_FIT);
	/* Memory of the board is nobody's to judge. */
	assert_int_equal(place(IMF_KIND_APPLICATION, 0x90000000, 16, f407), 0);
	assert_int_equal(place(IMF_KIND_RAM_INIT, 0xD0000000, 16, f407), 0);
	/* No chip: what holds for all. */
	assert_int_equal(place(IMF_KIND_APPLICATION, 0x08000000, 16, NULL), 0);
	assert_int_equal(place(IMF_KIND_APPLICATION, 0x20000000, 16, NULL), ERR_NO_FIT);
	assert_int_equal(place(IMF_KIND_RAM_CODE, 0x20000000, 16, NULL), 0);
	assert_int_equal(place(IMF_KIND_RAM_CODE, 0x0FFFFFF8, 16, NULL), ERR_NO_FIT);
	assert_int_equal(place(IMF_KIND_RAM_CODE, 0x3FFFFFF8, 16, NULL), ERR_NO_FIT);
	assert_int_equal(place(IMF_KIND_RAM_CODE, 0x10000000, 16, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_package_meta__characters),
		cmocka_unit_test(test_package_meta__lengths_and_words),
		cmocka_unit_test(test_package_date__one_spelling),
		cmocka_unit_test(test_package_meta__names),
		cmocka_unit_test(test_package_meta__places_of_every_chip),
		cmocka_unit_test(test_package_meta__places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
