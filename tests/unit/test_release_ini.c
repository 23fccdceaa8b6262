/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_release_ini.c - package descriptions: values, variables, paths, mistakes with their line
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/bytes.h>
#include <stmota/release_ini.h>

static const char *lookup(const char *name)
{
	static const struct {
		const char *name, *value;
	} table[] = {{"TAG", "1.2.3"}, {"EMPTY", ""}, {"ODD", "${TAG} $; ;x"}, {"_a1", "u"}};

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (strcmp(table[i].name, name) == 0)
			return table[i].value;
	return NULL;
}

static int parse(const char *path, const char *text, struct release_ini *ret, struct err *e)
{
	return release_ini_parse(path, text, strlen(text), lookup, ret, e);
}

static void test_release_ini__values_and_variables(void **state)
{
	static const struct {
		const char *written, *value;
	} cases[] = {
		{"plain", "plain"},
		{"  two words  ", "two words"},
		{"${TAG}", "1.2.3"},
		{"v${TAG}-${_a1}.", "v1.2.3-u."},
		{"${NONE:-x y}", "x y"},
		{"${EMPTY:-e}", "e"},
		{"a${NONE:-}b", "ab"},
		{"${TAG:-x}", "1.2.3"},
		{"${ODD}", "${TAG} $; ;x"}, /* once, and no comment */
		{"$${TAG} $$", "${TAG} $"},
		{"a $; b ; comment", "a ; b"},
		{"a;b", "a;b"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_release_ini struct release_ini r = RELEASE_INI_INIT;
		struct err e = ERR_INIT;
		char text[200];

		snprintf(text, sizeof(text), "[package]\ntitle = %s\n[component a]\nfile = f\n",
			cases[i].written);
		if (parse("x.ini", text, &r, &e) < 0)
			fail_msg("%s: %s", cases[i].written, e.msg);
		assert_string_equal(r.package[RELEASE_TITLE].text, cases[i].value);
		assert_int_equal(r.package[RELEASE_TITLE].line, 2);
		assert_null(r.package[RELEASE_VERSION].text);
	}
}

static void test_release_ini__paths_are_beside_the_file(void **state)
{
	static const struct {
		const char *ini, *file, *path;
	} cases[] = {
		{"x.ini", "a.bin", "a.bin"},
		{"x.ini", "-", "./-"},
		{"d/x.ini", "a.bin", "d/a.bin"},
		{"d/x.ini", "../a.bin", "d/../a.bin"},
		{"/d/e/x.ini", "a.bin", "/d/e/a.bin"},
		{"d/x.ini", "/abs/a.bin", "/abs/a.bin"},
		{"-", "a.bin", "a.bin"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_release_ini struct release_ini r = RELEASE_INI_INIT;
		struct err e = ERR_INIT;
		char text[100];

		snprintf(text, sizeof(text), "[component a]\nfile = %s\n", cases[i].file);
		assert_int_equal(parse(cases[i].ini, text, &r, &e), 0);
		assert_string_equal(r.components[0].v[PART_FILE].text, cases[i].path);
	}
}

static void test_release_ini__components_keep_their_order(void **state)
{
	static const char text[] = "[component zulu]\nfile = z\nslot = 3\n"
				   "[package]\nversion = 1\n"
				   "[component 7]\nfile = n\n"
				   "[component a-1.b_c]\nkind = data\nfile = a\n";
	cleanup_release_ini struct release_ini r = RELEASE_INI_INIT;
	struct err e = ERR_INIT;

	assert_int_equal(parse("x.ini", text, &r, &e), 0);
	assert_int_equal(r.n_components, 3);
	assert_string_equal(r.components[0].name, "zulu");
	assert_string_equal(r.components[0].v[PART_SLOT].text, "3");
	assert_null(r.components[1].name);
	assert_string_equal(r.components[2].name, "a-1.b_c");
	assert_int_equal(r.components[2].line, 9);
	assert_string_equal(r.package[RELEASE_VERSION].text, "1");
}

static void test_release_ini__mistakes(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"", "x.ini: no [component NAME]"},
		{"[package]\ntitle = a\n", "x.ini: no [component NAME]"},
		{"title = a\n", "x.ini:1: a setting stands before the first [section]"},
		{"[package]\nTitle = a\n", "x.ini:2: unknown key 'Title' in [package]"},
		{"[component a]\nfiel = a\n", "x.ini:2: unknown key 'fiel' in [component a]"},
		{"[component]\nfile = a\n", "x.ini:2: unknown section [component]"},
		{"[components a]\nfile = a\n", "x.ini:2: unknown section [components a]"},
		{"[component A]\nfile = a\n", "x.ini:2: component name 'A'"},
		{"[component a/b]\nfile = a\n", "x.ini:2: component name 'a/b'"},
		{"[component ..]\nfile = a\n", "x.ini:2: component name '..'"},
		{"[component a]\n\n[component b]\nfile = a\n",
			"x.ini:1: a section without settings"},
		{"[component b]\nfile = a\n[package]\n", "x.ini:3: a section without settings"},
		{"[component a]\nfile = a\nfile = b\n", "x.ini:3: file stands in line 2 already"},
		{"[component a]\nslot = 1\n", "x.ini:2: [component a] names no file"},
		{"[component a]\nfile =\n", "x.ini:2: file is empty"},
		{"[component a]\nfile = ${EMPTY}\n", "x.ini:2: file is empty"},
		{"[component a]\nfile = ${NONE}\n", "x.ini:2: file: the variable NONE is not set"},
		{"[component a]\nfile = ${TAG\n", "closing brace"},
		{"[component a]\nfile = ${1A}\n", "is no variable"},
		{"[component a]\nfile = ${}\n", "is no variable"},
		{"[component a]\nfile = ${A-b}\n", "is no variable"},
		{"[component a]\nfile = $TAG\n", "a single $"},
		{"[component a]\nfile = a\nrubbish\n",
			"x.ini:3: neither [section] nor key = value"},
		{"[package]\nnotes = a\nnotes-file = b\n[component a]\nfile = a\n",
			"x.ini:3: notes stand in line 2 already"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_release_ini struct release_ini r = RELEASE_INI_INIT;
		struct err e = ERR_INIT;

		assert_int_equal(parse("x.ini", cases[i].text, &r, &e), ERR_CONFIG);
		if (strstr(e.msg, cases[i].says) == NULL)
			fail_msg("%s\n%s\nshould say: %s", cases[i].text, e.msg, cases[i].says);
		assert_int_equal(r.n_components, 0); /* untouched */
	}
}

static void test_release_ini__limits(void **state)
{
	cleanup_release_ini struct release_ini r = RELEASE_INI_INIT;
	struct err e = ERR_INIT;
	char text[2048];
	size_t len = 0;

	for (int i = 0; i < 17; i++)
		len += (size_t)snprintf(
			text + len, sizeof(text) - len, "[component c%d]\nfile = f\n", i);
	assert_int_equal(parse("x.ini", text, &r, &e), ERR_CONFIG);
	assert_non_null(strstr(e.msg, "x.ini:34: more than 16 components"));
	assert_int_equal(
		release_ini_parse("x.ini", text, RELEASE_INI_MAX + 1, lookup, &r, &e), ERR_CONFIG);
	assert_int_equal(
		release_ini_parse("x.ini", "[package]\ntitle = a\0b\n", 22, lookup, &r, &e),
		ERR_CONFIG);
	assert_non_null(strstr(e.msg, "x.ini:2: not a text file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_release_ini__values_and_variables),
		cmocka_unit_test(test_release_ini__paths_are_beside_the_file),
		cmocka_unit_test(test_release_ini__components_keep_their_order),
		cmocka_unit_test(test_release_ini__mistakes),
		cmocka_unit_test(test_release_ini__limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
