/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_playbook.c - playbook files: values, inheritance, mistakes with their line, what is shipped
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/bytes.h>
#include <stmota/playbook.h>
#include <stmota/ymodem.h>

#define MINIMUM "[send]\nsuccess = done\n"

static int base(void *ctx, const char *name, struct playbook *ret, struct err *e)
{
	struct playbook *p = NULL;
	int rc = playbook_load(name, &p, e);

	if (rc == 0)
		*ret = *p;
	playbook_free(p);
	return rc;
}

static int parse(const char *text, struct playbook **ret, struct err *e)
{
	return playbook_parse("a/mine.playbook", text, strlen(text), base, NULL, ret, e);
}

static struct playbook *good(const char *text)
{
	struct playbook *p = NULL;
	struct err e = ERR_INIT;

	if (parse(text, &p, &e) < 0)
		fail_msg("%s", e.msg);
	return p;
}

static void test_playbook__texts_and_escapes(void **state)
{
	static const struct {
		const char *written, *bytes;
		size_t len;
	} cases[] = {
		{"plain words", "plain words", 11},
		{"\" blanks at the ends \"", " blanks at the ends ", 20},
		{"\"\\r\\n\\t\\x18\\x00\\\\\\\"\"", "\r\n\t\x18\0\\\"", 7},
		{"back\\slash \"inside\"", "back\\slash \"inside\"", 19},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[200];
		struct playbook *p;

		snprintf(text, sizeof(text), MINIMUM "[menu]\nwake = %s\n", cases[i].written);
		p = good(text);
		assert_int_equal(p->wake.len, cases[i].len);
		assert_memory_equal(p->wake.s, cases[i].bytes, cases[i].len);
		playbook_free(p);
	}
}

static void test_playbook__values_and_defaults(void **state)
{
	struct playbook *p = good("[playbook]\ntitle = T\n[line]\nbaud = 57600\nparity = even\n"
				  "[menu]\nprompt = >\nwithin = 500ms\n[file]\nform = sfb\n"
				  "size-max = 480K\naddress = 0x0\n[send]\nkey = 1\nstart = 2m\n"
				  "trait = stream\ntrait = small-blocks\nfailure = A\nfailure = B\n"
				  "[step go]\nitem = run\nwithin = 3s\noptional = yes\n"
				  "[health]\nexpect = alive\n");

	assert_string_equal(p->name, "mine");
	assert_true(p->even && p->baud == 57600 && p->menu_ms == 500 && p->start_ms == 120000);
	assert_true(p->form == PLAYBOOK_SFB && p->size_max == 480 * 1024);
	assert_true(p->has_address && p->address == 0);
	assert_int_equal(p->traits, 1u << YMODEM_STREAM | 1u << YMODEM_SMALL_BLOCKS);
	assert_int_equal(p->failure.n, 2);
	assert_int_equal(p->n_steps, 1);
	assert_true(p->step[0].optional && p->step[0].within_ms == 3000);
	assert_null(playbook_step(p, "g"));
	/* Left to their defaults. */
	assert_true(p->first_ms == 60000 && p->restarts == 2 && p->quiet_ms == 50);
	playbook_free(p);
}

/* A list that is given replaces what the base has; everything else stays. */
static void test_playbook__based_on(void **state)
{
	struct playbook *iap = NULL, *p;

	assert_int_equal(playbook_load("iap", &iap, NULL), 0);
	p = good("[playbook]\ntitle = mine\nbased-on = iap\n[file]\naddress = 0x08010000\n"
		 "[send]\nagain = only this\ntrait = small-blocks\n[step start]\nwithin = 1s\n");
	assert_string_equal(p->name, "mine");
	assert_string_equal(p->title, "mine");
	assert_string_equal(p->based_on, "iap");
	assert_int_equal(p->again.n, 1);
	assert_string_equal(p->again.v[0].s, "only this");
	assert_int_equal(p->traits, 1u << YMODEM_SMALL_BLOCKS);
	assert_int_equal(p->success.n, iap->success.n);
	assert_int_equal(p->sp_mask, iap->sp_mask);
	assert_int_equal(p->n_steps, 1);
	assert_int_equal(p->step[0].within_ms, 1000);
	assert_int_equal(p->step[0].press.item.n, 1);
	playbook_free(p);
	playbook_free(iap);
}

static void test_playbook__mistakes_have_a_line(void **state)
{
	static const struct {
		const char *text, *where, *what;
	} cases[] = {
		{"[send]\nsucces = x\n", "a/mine.playbook:2: ", "unknown key 'succes'"},
		{"[sent]\nsuccess = x\n", "a/mine.playbook:2: ", "unknown section"},
		{"baud = 1\n", "a/mine.playbook:1: ", "before the first"},
		{"[line]\nbaud = 9600\n\nbaud = 9600\n", "a/mine.playbook:4: ", "line 2 already"},
		{"[line]\nbaud = fast\n", "a/mine.playbook:2: ", "baud"},
		{"[line]\nparity = odd\n", "a/mine.playbook:2: ", "none or even"},
		{"[menu]\nwithin = 5\n", "a/mine.playbook:2: ", "is not a time"},
		{"[menu]\nwithin = 61m\n", "a/mine.playbook:2: ", "is not a time"},
		{"[menu]\nwake = \"open\n", "a/mine.playbook:2: ", "closing quote"},
		{"[menu]\nwake = \"a\\q\"\n", "a/mine.playbook:2: ", "unknown \\"},
		{"[menu]\nprompt = \"a\\r\"\n", "a/mine.playbook:2: ", "cannot be printed"},
		{"[menu]\nprompt =\n", "a/mine.playbook:2: ", "empty"},
		{"[file]\nform = elf\n", "a/mine.playbook:2: ", "is not one of"},
		{"[send]\ntrait = magic\n", "a/mine.playbook:2: ", "no trait"},
		{"[send]\nrestarts = 21\n", "a/mine.playbook:2: ", "restarts"},
		{"[step A]\nkey = 1\n", "a/mine.playbook:2: ", "is no step"},
		{"[step a]\nkeys = 1\n", "a/mine.playbook:2: ", "unknown key"},
		{"[line]\nbaud = 9600\n[playbook]\nbased-on = iap\n",
			"a/mine.playbook:4: ", "behind other settings"},
		{"[playbook]\nbased-on = nothing\n", "a/mine.playbook:2: ", "there is no playbook"},
		{"[line]\n[send]\nsuccess = a\n", "a/mine.playbook:1: ", "without settings"},
		{"nonsense\n", "a/mine.playbook:1", ""},
		/* What belongs together. */
		{"[line]\nbaud = 9600\n", "a/mine.playbook: ", "nothing would prove"},
		{MINIMUM "key = 1\n", "a/mine.playbook: ", "needs the prompt"},
		{MINIMUM "key = 12\n[menu]\nprompt = >\n", "a/mine.playbook: ", "one character"},
		{MINIMUM "key = 1\ntype = x\n[menu]\nprompt = >\n",
			"a/mine.playbook: ", "both a key"},
		{MINIMUM "[menu]\nprompt = >\n[step a]\nexpect = x\n",
			"a/mine.playbook: ", "neither item"},
		{MINIMUM "[banks]\nbank-1 = one\n", "a/mine.playbook: ", "[banks] needs"},
		{MINIMUM "[file]\nform = bin\ndeltas = yes\n",
			"a/mine.playbook: ", "form = package"},
		{MINIMUM "[file]\nsp-mask = 0xF0\nsp-value = 0x0F\n",
			"a/mine.playbook: ", "sp-value"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct playbook *p = NULL;
		struct err e = ERR_INIT;

		if (parse(cases[i].text, &p, &e) != ERR_CONFIG || p != NULL)
			fail_msg("taken: %s", cases[i].text);
		if (strncmp(e.msg, cases[i].where, strlen(cases[i].where)) != 0 ||
			strstr(e.msg, cases[i].what) == NULL)
			fail_msg("for %s: %s", cases[i].text, e.msg);
		assert_true(err_exit_status(e.code) == 2);
	}
}

static void test_playbook__all_shipped_ones_are_sound(void **state)
{
	/* The ones that the fact file treats; each has its virtual device. */
	static const char *const wanted[] = {"iap-f0", "iap-f1", "iap-f3", "iap-f4", "iap-f7",
		"iap-h7", "iap-l4", "x-cube-dbfu", "x-cube-dbfu-l4", "x-cube-dbfu-g4",
		"x-cube-dbfu-l0", "x-cube-sbsfu-boot", "x-cube-sbsfu-app", "x-cube-sbsfu-loader",
		"tfm", "oemurot", "rt-fota", "rb", "stmota"};
	/* Those whose receivers count in 8 bits. */
	static const char *const short_ones[] = {"iap-f0", "iap-f1", "iap-f3", "iap-f7", "iap-l4",
		"x-cube-dbfu-l4", "x-cube-dbfu-g4"};

	for (size_t i = 0; playbook_shipped[i].name != NULL; i++) {
		struct playbook *p = NULL;
		struct err e = ERR_INIT;

		if (playbook_load(playbook_shipped[i].name, &p, &e) < 0)
			fail_msg("%s", e.msg);
		assert_string_equal(p->name, playbook_shipped[i].name);
		assert_true(p->title[0] != '\0');
		playbook_free(p);
	}
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		struct playbook *p = NULL;

		assert_int_equal(playbook_load(wanted[i], &p, NULL), 0);
		playbook_free(p);
	}
	for (size_t i = 0; i < ARRAY_LEN(short_ones); i++) {
		struct playbook *p = NULL;

		assert_int_equal(playbook_load(short_ones[i], &p, NULL), 0);
		assert_true((p->traits >> YMODEM_COUNTS_8_BITS & 1u) != 0);
		assert_true((p->traits >> YMODEM_NAK_IS_NUMBER & 1u) != 0);
		playbook_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_playbook__texts_and_escapes),
		cmocka_unit_test(test_playbook__values_and_defaults),
		cmocka_unit_test(test_playbook__based_on),
		cmocka_unit_test(test_playbook__mistakes_have_a_line),
		cmocka_unit_test(test_playbook__all_shipped_ones_are_sound),
	};

	/* What the user of this machine has is not looked at. */
	setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
