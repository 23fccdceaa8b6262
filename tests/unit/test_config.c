/* SPDX-License-Identifier: Apache-2.0 */
/* test_config.c - settings: which source wins, and what is refused with file and line */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <stmota/config.h>
#include <stmota/fs.h>

static struct config *parsed(const char *text)
{
	struct config *c = NULL;
	struct err e = ERR_INIT;

	assert_int_equal(config_new(&c, NULL), 0);
	if (config_parse(c, "my.conf", text, strlen(text), &e) < 0)
		fail_msg("%s", e.msg);
	return c;
}

static void refused_n(const char *text, size_t len, const char *msg, const char *hint)
{
	struct config *c = NULL;
	struct err e = ERR_INIT;

	assert_int_equal(config_new(&c, NULL), 0);
	assert_int_equal(config_parse(c, "my.conf", text, len, &e), ERR_CONFIG);
	assert_string_equal(e.msg, msg);
	assert_string_equal(e.hint, hint);
	/* The same without anybody to tell. */
	assert_int_equal(config_parse(c, "my.conf", text, len, NULL), ERR_CONFIG);
	config_free(c);
}

static void refused(const char *text, const char *msg, const char *hint)
{
	refused_n(text, strlen(text), msg, hint);
}

static void is(const struct config *c, const char *section, const char *name, const char *key,
	const char *value, const char *origin)
{
	assert_string_equal(config_get(c, section, name, key), value);
	assert_string_equal(config_origin(c, section, name, key), origin);
}

static void test_config_parse__sections_comments_indentation(void **state)
{
	struct config *c = parsed("\xef\xbb\xbf# comment\n"
				  "; comment\n"
				  "[defaults]\n"
				  "  device = bench ; where it stands\r\n"
				  "  baud = 57600\n"
				  "\n"
				  "[device bench]\n"
				  "\turl = uart:/dev/ttyUSB0?parity=e\n"
				  "\tchip= 0x413\n"
				  "[device two words]\n"
				  "url=uart:/dev/x\n"
				  "[device bench]\n"
				  "baud = 9600");
	uint32_t baud = 0;

	is(c, "defaults", NULL, "device", "bench", "my.conf:4");
	is(c, "device", "bench", "url", "uart:/dev/ttyUSB0?parity=e", "my.conf:8");
	is(c, "device", "bench", "chip", "0x413", "my.conf:9");
	is(c, "device", "two words", "url", "uart:/dev/x", "my.conf:11");
	assert_int_equal(config_u32(c, "device", "bench", "baud", 1, &baud, NULL), 0);
	assert_int_equal(baud, 9600);
	assert_int_equal(config_n_devices(c), 2);
	assert_string_equal(config_device_name(c, 0), "bench");
	assert_string_equal(config_device_name(c, 1), "two words");
	assert_null(config_device_name(c, 2));
	assert_null(config_get(c, "device", "bench", "product"));
	assert_null(config_get(c, "device", "unknown", "url"));
	assert_null(config_get(c, "no", NULL, "such key"));
	config_free(c);
}

static void test_config_parse__unknown_names(void **state)
{
	refused("[flash]\n\nrequire_sigature = yes\n",
		"my.conf:3: unknown key 'require_sigature' in section [flash]",
		"did you mean 'require_signature'?");
	refused("[flash]\nurl = x\n", "my.conf:2: unknown key 'url' in section [flash]", "");
	refused("[flahs]\nrequire_known = no\n", "my.conf:2: unknown section [flahs]",
		"did you mean [flash]?");
	refused("[flash x]\nrequire_known = no\n", "my.conf:2: unknown section [flash x]",
		"did you mean [flash]?");
	refused("[device]\nurl = x\n", "my.conf:2: unknown section [device]",
		"write [device NAME]; the default device is device = in [defaults]");
	refused("baud = 1\n", "my.conf:1: a setting stands before the first [section]", "");
}

static void test_config_parse__bad_lines(void **state)
{
	char line[1000];

	refused("[flash]\nrequire_known\n", "my.conf:2: neither [section] nor key = value", "");
	refused("[flash\n", "my.conf:1: neither [section] nor key = value", "");
	refused_n("[defaults]\nba\0ud = 1\n", 20, "my.conf:2: not a text file", "");
	/* 49 is the longest name of a section; of longer ones two would become one. */
	refused("[device lamp-67890123456789012345678901234567890123]\nurl = x\n",
		"my.conf:1: the name of the section is longer than 49 characters", "");
	config_free(parsed("[device lamp-6789012345678901234567890123456789012]\nurl = x\n"));
	memset(line, 'x', sizeof(line));
	memcpy(line, "[trust]\ndir = ", 14);
	refused_n(line, sizeof(line), "my.conf:2: the line is longer than 198 characters", "");
}

static void test_config_parse__bad_values(void **state)
{
	refused("[flash]\nrequire_known = maybe\n",
		"my.conf:2: require_known is 'maybe', not yes or no", "");
	refused("[flash]\nrequire_known =\n", "my.conf:2: require_known is '', not yes or no", "");
	refused("[defaults]\nbaud = fast\n", "my.conf:2: baud: 'fast' is not a number", "");
	refused("[fleet]\nretry = 90\n", "my.conf:2: retry: '90' is not a time",
		"a number and its unit: 90s, 30m, 1h, 2d");
	refused("[defaults]\nbaud = 1\nbaud = 2\n", "my.conf:3: baud was set in my.conf:2 already",
		"");
	refused("[device a]\nurl = 1\n[device b]\nurl = 1\n[device a]\nurl = 2\n",
		"my.conf:6: url was set in my.conf:2 already", "");
}

static void test_config_in_last_file__sections_of_it(void **state)
{
	static const char first[] = "[device a]\nurl = 1\n[device b]\nurl = 2\n[slot a]\n"
				    "address = 1\n";
	static const char second[] = "[device b]\nchip = 3\n[device c]\nurl = 4\n";
	struct config *c = parsed(first);

	assert_true(config_in_last_file(c, "device", "a"));
	assert_int_equal(config_parse(c, "two.conf", second, strlen(second), NULL), 0);
	assert_false(config_in_last_file(c, "device", "a"));
	assert_true(config_in_last_file(c, "device", "b"));
	assert_true(config_in_last_file(c, "device", "c"));
	assert_false(config_in_last_file(c, "device", "d"));
	assert_false(config_in_last_file(c, "slot", "a"));
	is(c, "device", "b", "url", "2", "my.conf:4");
	config_free(c);
}

static void test_config_bool__all_words(void **state)
{
	static const struct {
		const char *text;
		bool value;
	} cases[] = {{"yes", true}, {"No", false}, {"TRUE", true}, {"false", false}, {"on", true},
		{"off", false}, {"1", true}, {"0", false}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[100];
		bool value = !cases[i].value;

		snprintf(text, sizeof(text), "[flash]\nrequire_known = %s\n", cases[i].text);
		struct config *c = parsed(text);

		assert_int_equal(
			config_bool(c, "flash", NULL, "require_known", false, &value, NULL), 0);
		assert_true(value == cases[i].value);
		config_free(c);
	}
}

static void test_config__built_in_values(void **state)
{
	struct config *c = parsed("");
	bool flag = true;
	uint32_t number = 0;

	assert_int_equal(config_bool(c, "flash", NULL, "require_known", true, &flag, NULL), 0);
	assert_false(flag);
	is(c, "flash", NULL, "require_known", "no", "built in");
	assert_int_equal(config_u32(c, "device", "x", "baud", 4711, &number, NULL), 0);
	assert_int_equal(number, 4711);
	config_free(c);
}

static void test_config_u32__text_setting_that_is_no_number(void **state)
{
	struct config *c = parsed("[device x]\nchip = nonsense\n");
	struct err e = ERR_INIT;
	uint32_t number = 5;

	assert_int_equal(config_u32(c, "device", "x", "chip", 0, &number, &e), ERR_CONFIG);
	assert_int_equal(number, 5);
	assert_string_equal(e.msg, "my.conf:2: chip is 'nonsense', not a number");
	config_free(c);
}

static void test_config_parse_env__names(void **state)
{
	struct config *c = parsed("[defaults]\nbaud = 1\n[device d]\nurl = x\n");
	char *good[] = {"HOME=/", "STMOTA_DEFAULTS_BAUD=2", "STMOTA_FLASH_REQUIRE_KNOWN=on",
		"STMOTA_BUILD=other program's", "STMOTA_DEVICE_URL=not a setting", "STMOTA_", NULL};
	char *typo[] = {"STMOTA_FLASH_REQUIRE_KNWON=yes", NULL};
	char *value[] = {"STMOTA_DEFAULTS_BAUD=fast", NULL};
	struct err e = ERR_INIT;

	assert_int_equal(config_parse_env(c, good, NULL), 0);
	is(c, "defaults", NULL, "baud", "2", "environment");
	is(c, "flash", NULL, "require_known", "on", "environment");
	assert_int_equal(config_parse_env(c, typo, &e), ERR_CONFIG);
	assert_string_equal(e.msg, "environment variable STMOTA_FLASH_REQUIRE_KNWON: unknown key "
				   "'require_knwon' in section [flash]");
	assert_int_equal(config_parse_env(c, value, &e), ERR_CONFIG);
	assert_string_equal(
		e.msg, "environment variable STMOTA_DEFAULTS_BAUD: baud: 'fast' is not a number");
	config_free(c);
}

static char folder[] = "/tmp/stmota-config-XXXXXX";

static void write_file(char *path, size_t size, const char *name, const char *text)
{
	snprintf(path, size, "%s/%s", folder, name);
	assert_int_equal(fs_write(path, text, strlen(text), 0644, NULL), 0);
}

static void test_config_load__later_source_wins(void **state)
{
	char user[200], extra[200], dir[200], origin[220];
	struct config *c = NULL;

	assert_non_null(mkdtemp(folder));
	snprintf(dir, sizeof(dir), "%s/stmota", folder);
	assert_int_equal(fs_mkdir(dir, NULL), 0);
	write_file(user, sizeof(user), "stmota/stmota.conf",
		"[defaults]\nbaud = 1\ndevice = user\n[trust]\ndir = user\n[device d]\nurl = u\n");
	write_file(
		extra, sizeof(extra), "extra.conf", "[defaults]\nbaud = 3\n[device d]\nhw = 3\n");
	setenv("XDG_CONFIG_HOME", folder, 1);
	setenv("STMOTA_DEFAULTS_BAUD", "2", 1);
	setenv("STMOTA_DEFAULTS_DEVICE", "env", 1);

	assert_int_equal(config_load(NULL, &c, NULL), 0);
	is(c, "defaults", NULL, "baud", "2", "environment");
	config_free(c);

	assert_int_equal(config_load(extra, &c, NULL), 0);
	snprintf(origin, sizeof(origin), "%s:2", extra);
	is(c, "defaults", NULL, "baud", "3", origin);
	is(c, "defaults", NULL, "device", "env", "environment");
	snprintf(origin, sizeof(origin), "%s:5", user);
	is(c, "trust", NULL, "dir", "user", origin);
	assert_string_equal(config_get(c, "device", "d", "url"), "u");
	assert_string_equal(config_get(c, "device", "d", "hw"), "3");
	config_free(c);
	unlink(user);
	unlink(extra);
	rmdir(dir);
	rmdir(folder);
}

static void test_config_load__file_of_the_option_must_exist(void **state)
{
	struct config *c = NULL;
	struct err e = ERR_INIT;

	assert_int_equal(config_load("/nonexistent/x.conf", &c, &e), ERR_CONFIG);
	assert_null(c);
	assert_int_equal(e.code, ERR_CONFIG);
	assert_string_equal(e.msg, "cannot open /nonexistent/x.conf: No such file or directory");
}

static void test_config_keys__are_sane(void **state)
{
	for (const struct config_key *k = config_keys; k->section != NULL; k++) {
		bool flag;
		struct config *c = parsed("");

		assert_non_null(k->text);
		assert_true(k->text[0] != '\0' && k->text[strlen(k->text) - 1] != '.');
		if (k->type == CONFIG_BOOL)
			assert_int_equal(
				config_bool(c, k->section, NULL, k->key, false, &flag, NULL), 0);
		for (const struct config_key *o = k + 1; o->section != NULL; o++)
			assert_false(
				strcmp(k->section, o->section) == 0 && strcmp(k->key, o->key) == 0);
		config_free(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_config_parse__sections_comments_indentation),
		cmocka_unit_test(test_config_parse__unknown_names),
		cmocka_unit_test(test_config_parse__bad_lines),
		cmocka_unit_test(test_config_parse__bad_values),
		cmocka_unit_test(test_config_in_last_file__sections_of_it),
		cmocka_unit_test(test_config_bool__all_words),
		cmocka_unit_test(test_config__built_in_values),
		cmocka_unit_test(test_config_u32__text_setting_that_is_no_number),
		cmocka_unit_test(test_config_parse_env__names),
		cmocka_unit_test(test_config_load__later_source_wins),
		cmocka_unit_test(test_config_load__file_of_the_option_must_exist),
		cmocka_unit_test(test_config_keys__are_sane),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
