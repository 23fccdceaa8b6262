/* SPDX-License-Identifier: Apache-2.0 */
/* test_opt.c - command lines against rows of options */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/opt.h>

static const struct opt own[] = {
	{.name = "flag", .letter = 'f', .type = OPT_TYPE_FLAG, .text = "t", .many = true},
	{.name = "text", .letter = 't', .type = OPT_TYPE_STRING, .arg = "TEXT", .text = "t"},
	OPT_FILES("file", "FILE", "t"),
	OPT_U32("number", "N", "t"),
	OPT_SPANS("range", "ADDR:LEN", "t"),
	OPT_CHOICE("type", "red|green", "t"),
	OPT_END,
};
static const struct opt other[] = {
	OPT_FLAG("quiet", "t"),
	OPT_FLAG("flag", "never reached: the first table wins"),
	OPT_END,
};
static const struct opt *const tables[] = {own, other, NULL};

#define PARSE(ret, e, ...) parse((char *[]){__VA_ARGS__, NULL}, ret, e)

static int parse(char **argv, struct opts **ret, struct err *e)
{
	int argc = 0;

	while (argv[argc] != NULL)
		argc++;
	return opt_parse(tables, argc, argv, ret, e);
}

static void refused(struct err *e, const char *msg, const char *hint, char **argv)
{
	struct opts *o = (struct opts *)tables; /* stays untouched */

	*e = ERR_INIT;
	assert_int_equal(parse(argv, &o, e), ERR_USAGE);
	assert_ptr_equal(o, tables);
	assert_int_equal(e->code, ERR_USAGE);
	assert_string_equal(e->msg, msg);
	assert_string_equal(e->hint, hint);
}

#define REFUSED(msg, hint, ...) refused(&(struct err){0}, msg, hint, (char *[]){__VA_ARGS__, NULL})

static void test_opt_parse__every_form(void **state)
{
	struct opts *o = NULL;

	assert_int_equal(PARSE(&o, NULL, "a", "--flag", "-", "-ft", "y", "--file=1", "--file", "2",
				 "--number=16K", "--range", "0x100:4", "--type", "green", "0", "--",
				 "--flag", "-f"),
		0);
	assert_int_equal(opt_count(o, "flag"), 2);
	assert_true(opt_given(o, "flag"));
	assert_false(opt_given(o, "quiet"));
	assert_string_equal(opt_str(o, "text", "none"), "y");
	assert_int_equal(opt_count(o, "file"), 2);
	assert_string_equal(opt_str_at(o, "file", 1), "2");
	assert_null(opt_str_at(o, "file", 2));
	assert_int_equal(opt_u32(o, "number", 1), 16384);
	assert_int_equal(opt_span_at(o, "range", 0).addr, 0x100);
	assert_int_equal(opt_span_at(o, "range", 0).len, 4);
	assert_string_equal(opt_str(o, "type", NULL), "green");
	assert_int_equal(opt_n_args(o), 5);
	assert_string_equal(opt_arg(o, 0), "a");
	assert_string_equal(opt_arg(o, 1), "-");
	assert_string_equal(opt_arg(o, 2), "0");
	assert_string_equal(opt_arg(o, 3), "--flag");
	assert_string_equal(opt_arg(o, 4), "-f");
	assert_null(opt_arg(o, 5));
	opt_free(o);
}

static void test_opt_parse__letters_and_values(void **state)
{
	struct opts *o = NULL;

	assert_int_equal(PARSE(&o, NULL, "-ffftrest", "--file", "-", "--file", "last"), 0);
	assert_int_equal(opt_count(o, "flag"), 3);
	assert_string_equal(opt_str_at(o, "text", 0), "rest");
	assert_string_equal(opt_str_at(o, "file", 0), "-");
	assert_string_equal(opt_str(o, "file", NULL), "last");
	assert_int_equal(opt_n_args(o), 0);
	opt_free(o);
}

static void test_opt_parse__nothing_given(void **state)
{
	struct opts *o = NULL;

	assert_int_equal(opt_parse(tables, 0, NULL, &o, NULL), 0);
	assert_int_equal(opt_n_args(o), 0);
	assert_string_equal(opt_str(o, "text", "fallback"), "fallback");
	assert_int_equal(opt_u32(o, "number", 7), 7);
	assert_int_equal(opt_count(o, "no such option"), 0);
	opt_free(o);
	opt_free(NULL);
}

static void test_opt_parse__empty_value_is_a_value(void **state)
{
	struct opts *o = NULL;

	assert_int_equal(PARSE(&o, NULL, "--text=", "--file", ""), 0);
	assert_string_equal(opt_str(o, "text", NULL), "");
	assert_string_equal(opt_str(o, "file", NULL), "");
	opt_free(o);
}

static void test_opt_parse__refusals(void **state)
{
	REFUSED("unknown option --tpye", "did you mean --type?", "--tpye", "red");
	REFUSED("unknown option --num", "did you mean --number?", "--num=3");
	REFUSED("unknown option --zebra", "", "--zebra");
	REFUSED("unknown option -x", "", "-x");
}

static void test_opt_parse__bad_values(void **state)
{
	REFUSED("--flag takes no value", "", "--flag=1");
	REFUSED("--text needs a value: TEXT", "", "--text");
	REFUSED("--text needs a value: TEXT", "", "-ft");
	REFUSED("--text needs a value: TEXT", "write --text=--flag if that is the value", "--text",
		"--flag");
	REFUSED("--text is given twice", "", "--text=x", "-t", "y");
	REFUSED("--number: '12x' is not a number", "", "--number", "12x");
	REFUSED("--number: '-1' is not a number", "", "--number", "-1");
	REFUSED("--number: '4294967296' is too large", "", "--number=4294967296");
	REFUSED("--range: '0x100' is not ADDR:LEN", "", "--range=0x100");
	REFUSED("--range: '1:0' is an impossible range", "", "--range", "1:0");
	REFUSED("--type: 'gree' is none of red|green", "", "--type", "gree");
	REFUSED("--type: 'red|green' is none of red|green", "", "--type", "red|green");
	REFUSED("--type: '' is none of red|green", "", "--type=");
}

static void test_opt_parse__long_name_typed_with_one_dash(void **state)
{
	static const struct opt only_long[] = {OPT_FLAG("yes", "t"), OPT_END};
	const struct opt *const t[] = {only_long, NULL};
	struct opts *o = NULL;
	struct err e = ERR_INIT;

	assert_int_equal(opt_parse(t, 1, (char *[]){"-yes", NULL}, &o, &e), ERR_USAGE);
	assert_string_equal(e.hint, "did you mean --yes?");
}

static void first_arg(int wanted, char **argv)
{
	int argc = 0;

	while (argv[argc] != NULL)
		argc++;
	assert_int_equal(opt_first_arg(tables, argc, argv), wanted);
}

#define FIRST_ARG(wanted, ...) first_arg(wanted, (char *[]){__VA_ARGS__, NULL})

static void test_opt_first_arg__skips_values(void **state)
{
	FIRST_ARG(0, "flash", "--flag");
	FIRST_ARG(3, "--flag", "--text", "x", "flash");
	FIRST_ARG(2, "--text=x", "-ty", "flash");
	FIRST_ARG(2, "-t", "x", "flash");
	FIRST_ARG(1, "--unknown", "flash");
	FIRST_ARG(1, "--", "--flag");
	FIRST_ARG(2, "--text", "x");
	FIRST_ARG(1, "--text");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_opt_parse__every_form),
		cmocka_unit_test(test_opt_parse__letters_and_values),
		cmocka_unit_test(test_opt_parse__nothing_given),
		cmocka_unit_test(test_opt_parse__empty_value_is_a_value),
		cmocka_unit_test(test_opt_parse__refusals),
		cmocka_unit_test(test_opt_parse__bad_values),
		cmocka_unit_test(test_opt_parse__long_name_typed_with_one_dash),
		cmocka_unit_test(test_opt_first_arg__skips_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
