/* SPDX-License-Identifier: Apache-2.0 */
/* test_err.c - codes, messages, exit statuses */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/bytes.h>
#include <stmota/err.h>

static void test_err_set__describes_and_returns(void **state)
{
	struct err e = ERR_INIT;

	err_hint(&e, "old hint");
	err_at(&e, 5);
	assert_int_equal(err_set(&e, ERR_TIMEOUT, "no answer in %d s", 3), ERR_TIMEOUT);
	assert_int_equal(e.code, ERR_TIMEOUT);
	assert_string_equal(e.msg, "no answer in 3 s");
	assert_string_equal(e.hint, "");
	assert_int_equal(e.addr, ERR_NO_ADDR);
	assert_int_equal(err_set(NULL, ERR_NACK, "x"), ERR_NACK);
}

static void test_err_set__may_quote_itself(void **state)
{
	struct err e = ERR_INIT;

	err_set(&e, ERR_IO, "disk full");
	err_set(&e, ERR_FAILED, "gave up: %s", e.msg);
	assert_string_equal(e.msg, "gave up: disk full");
}

static void test_err_wrap__keeps_the_rest(void **state)
{
	struct err e = ERR_INIT;

	err_set(&e, ERR_NACK, "refused");
	err_hint(&e, "hint %d", 1);
	err_at(&e, 0x8000000);
	assert_int_equal(err_wrap(&e, "erase of page %u", 4), ERR_NACK);
	assert_string_equal(e.msg, "erase of page 4: refused");
	assert_string_equal(e.hint, "hint 1");
	assert_int_equal(e.addr, 0x8000000);
	/* Without a struct the code is still the right one. */
	err_set(NULL, ERR_BUSY, "x");
	assert_int_equal(err_wrap(NULL, "x"), ERR_BUSY);
	assert_int_equal(err_hint(NULL, "x"), ERR_BUSY);
}

static void test_err__long_texts_are_cut(void **state)
{
	struct err e = ERR_INIT;
	char text[2000];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	err_set(&e, ERR_IO, "%s", text);
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
	err_wrap(&e, "%s", text);
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
	err_hint(&e, "%s", text);
	assert_int_equal(strlen(e.hint), sizeof(e.hint) - 1);
	err_set_errno(&e, ERR_IO, 2, "%s", text);
	assert_non_null(strstr(e.msg, ": No such file"));
}

static void test_err_exit_status__as_decided(void **state)
{
	static const struct {
		enum err_code code;
		int status;
	} cases[] = {{ERR_NONE, 0}, {ERR_FAILED, 1}, {ERR_IO, 1}, {ERR_USAGE, 2}, {ERR_CONFIG, 2},
		{ERR_LINK, 3}, {ERR_TIMEOUT, 3}, {ERR_IDENTITY, 4}, {ERR_PROTECTED, 5},
		{ERR_NO_FIT, 6}, {ERR_SIGNATURE, 7}, {ERR_DOWNGRADE, 8}, {ERR_VERIFY, 9},
		{ERR_UNFINISHED, 10}, {ERR_SOME_FAILED, 11}, {ERR_NETWORK, 12},
		{ERR_INTERRUPTED, 130}};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(err_exit_status(cases[i].code), cases[i].status);
	/* A code that does not exist is still a failure. */
	assert_int_equal(err_exit_status((enum err_code) - 1000), 1);
	assert_int_equal(err_exit_status((enum err_code)5), 1);
}

static void test_err_code_name__every_code_has_its_own(void **state)
{
	for (int a = 0; a >= ERR_LAST; a--) {
		assert_true(
			a == ERR_FAILED || strcmp(err_code_name((enum err_code)a), "failed") != 0);
		for (int b = a - 1; b >= ERR_LAST; b--)
			assert_string_not_equal(
				err_code_name((enum err_code)a), err_code_name((enum err_code)b));
	}
}

static void test_err_is_transient__conversation_only(void **state)
{
	for (int code = 0; code >= ERR_LAST; code--)
		assert_true(err_is_transient((enum err_code)code) ==
			    (code == ERR_TIMEOUT || code == ERR_NACK || code == ERR_PROTOCOL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_err_set__describes_and_returns),
		cmocka_unit_test(test_err_set__may_quote_itself),
		cmocka_unit_test(test_err_wrap__keeps_the_rest),
		cmocka_unit_test(test_err__long_texts_are_cut),
		cmocka_unit_test(test_err_exit_status__as_decided),
		cmocka_unit_test(test_err_code_name__every_code_has_its_own),
		cmocka_unit_test(test_err_is_transient__conversation_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
