/* SPDX-License-Identifier: Apache-2.0 */
/* test_out.c - one description of a result, as text and as JSON */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/out.h>

struct capture {
	FILE *file;
	char *text;
	size_t len;
	struct out *out;
};

static void start(struct capture *c, enum out_mode mode)
{
	*c = (struct capture){0};
	c->file = open_memstream(&c->text, &c->len);
	assert_non_null(c->file);
	c->out = out_new(mode, c->file);
	assert_int_equal(out_mode(c->out), mode);
}

static void end(struct capture *c, const char *wanted)
{
	assert_int_equal(out_finish(c->out, NULL), 0);
	fclose(c->file);
	assert_string_equal(c->text, wanted);
	free(c->text);
}

static void describe(struct out *o)
{
	out_str(o, "file", "lamp.sota");
	out_str(o, "product", NULL);
	out_uint(o, "counter", 3);
	out_bool(o, "signed", true);
	out_real(o, "seconds", 1.25, 2);
	out_hex(o, "load_address", 0x8000000, 8);
	out_bytes(o, "digest", "\x00\xff\x10", 3);
	out_size(o, "size", 17736);
	out_text(o, "only for people");
	out_list(o, "baud_rates");
	out_uint(o, NULL, 9600);
	out_uint(o, NULL, 115200);
	out_end(o);
	out_list(o, "nothing");
	out_end(o);
	out_object(o, "chip");
	out_strf(o, "name", "STM32%s", "F4");
	out_size(o, "flash", 524288);
	out_end(o);
	out_table(o, "components");
	for (unsigned i = 0; i < 2; i++) {
		out_object(o, NULL);
		out_str(o, "kind", i ? "configuration" : "app");
		out_size(o, "size", i ? 12 : 17736);
		out_hex(o, "at", 0x100 * i, 4);
		out_end(o);
	}
	out_end(o);
	out_table(o, "empty_table");
	out_end(o);
}

static const char human[] = "file          lamp.sota\n"
			    "product       -\n"
			    "counter       3\n"
			    "signed        yes\n"
			    "seconds       1.25\n"
			    "load address  0x08000000\n"
			    "digest        00ff10\n"
			    "size          17736 bytes (17.3 KiB)\n"
			    "only for people\n"
			    "baud rates    9600, 115200\n"
			    "nothing       -\n"
			    "chip\n"
			    "  name   STM32F4\n"
			    "  flash  524288 bytes (512 KiB)\n"
			    "components\n"
			    "  kind               size  at\n"
			    "  app            17.3 KiB  0x0000\n"
			    "  configuration  12 bytes  0x0100\n";

static const char json[] =
	"{\n"
	"  \"schema\": 1,\n"
	"  \"file\": \"lamp.sota\",\n"
	"  \"product\": null,\n"
	"  \"counter\": 3,\n"
	"  \"signed\": true,\n"
	"  \"seconds\": 1.25,\n"
	"  \"load_address\": \"0x08000000\",\n"
	"  \"digest\": \"00ff10\",\n"
	"  \"size\": 17736,\n"
	"  \"baud_rates\": [\n    9600,\n    115200\n  ],\n"
	"  \"nothing\": [],\n"
	"  \"chip\": {\n    \"name\": \"STM32F4\",\n    \"flash\": 524288\n  },\n"
	"  \"components\": [\n"
	"    {\n      \"kind\": \"app\",\n      \"size\": 17736,\n      \"at\": \"0x0000\"\n    "
	"},\n"
	"    {\n      \"kind\": \"configuration\",\n      \"size\": 12,\n"
	"      \"at\": \"0x0100\"\n    }\n"
	"  ],\n"
	"  \"empty_table\": []\n"
	"}\n";

static void test_out_human__golden(void **state)
{
	struct capture c;

	start(&c, OUT_HUMAN);
	describe(c.out);
	end(&c, human);
}

static void test_out_json__golden(void **state)
{
	struct capture c;

	start(&c, OUT_JSON);
	describe(c.out);
	end(&c, json);
}

static void test_out_human__columns(void **state)
{
	struct capture c;

	start(&c, OUT_HUMAN);
	out_table(c.out, "rows");
	for (unsigned i = 0; i < 3; i++) {
		out_object(c.out, NULL);
		out_str(c.out, "nothing", NULL);
		if (i == 1)
			out_uint(c.out, "number", 1000);
		else
			out_str(c.out, "number", NULL);
		if (i == 1)
			out_str(c.out, "word", "ab");
		else
			out_uint(c.out, "word", i);
		out_end(c.out);
	}
	out_end(c.out);
	end(&c, "rows\n"
		"  nothing  number  word\n"
		"  -             -  0\n"
		"  -          1000  ab\n"
		"  -             -  2\n");
}

static void test_out_quiet__says_nothing(void **state)
{
	struct capture c;

	start(&c, OUT_QUIET);
	describe(c.out);
	end(&c, "");
}

static void test_out_json__reals_are_rounded(void **state)
{
	struct capture c;

	start(&c, OUT_JSON);
	out_set_lines(c.out);
	out_real(c.out, "a", 0.1, 3);
	out_real(c.out, "b", 2.0 / 3, 2);
	end(&c, "{\"event\":\"result\",\"schema\":1,\"a\":0.1,\"b\":0.67}\n");
}

static void test_out__hostile_text(void **state)
{
	static const char text[] = "a\"\n\x1b[2J\xc2\x9b\xff";
	struct capture c;

	start(&c, OUT_HUMAN);
	out_str(c.out, "name", text);
	end(&c, "name  a\"??[2J?\xff\n");
	start(&c, OUT_JSON);
	out_set_lines(c.out);
	out_str(c.out, "name", text);
	/* Not UTF-8: what is not ASCII is replaced, the rest escaped. */
	end(&c, "{\"event\":\"result\",\"schema\":1,\"name\":\"a\\\"\\n\\u001B[2J???\"}\n");
}

static void test_out_event__lines_leave_at_once(void **state)
{
	struct capture c;

	start(&c, OUT_JSON);
	out_uint(c.out, "units", 3);
	out_event(c.out, "plan");
	fflush(c.file);
	assert_string_equal(c.text, "{\"event\":\"plan\",\"units\":3}\n");
	out_bool(c.out, "ok", true);
	end(&c, "{\"event\":\"plan\",\"units\":3}\n"
		"{\"event\":\"result\",\"schema\":1,\"ok\":true}\n");
}

static void test_out_event__people_see_the_result_only(void **state)
{
	struct capture c;

	start(&c, OUT_HUMAN);
	out_uint(c.out, "units", 3);
	out_event(c.out, "plan");
	out_bool(c.out, "ok", true);
	end(&c, "ok  yes\n");
}

static void test_out_event_sink__one_line_a_percent(void **state)
{
	struct capture c;
	struct event_sink s;

	start(&c, OUT_JSON);
	out_str(c.out, "half", "described");
	s = out_event_sink(c.out);
	event_emit(&s, &(struct event){.type = EVENT_PLAN});
	event_emit(&s, &(struct event){.type = EVENT_PHASE, .phase = "write", .total = 1000});
	for (uint64_t done = 0; done <= 20; done++)
		event_emit(&s, &(struct event){.type = EVENT_PROGRESS,
				       .phase = "write",
				       .done = done,
				       .total = 1000});
	event_emit(&s, &(struct event){.type = EVENT_WARNING, .text = "slow"});
	event_emit(&s, &(struct event){.type = EVENT_PHASE});
	end(&c, "{\"event\":\"phase\",\"phase\":\"write\",\"total\":1000}\n"
		"{\"event\":\"progress\",\"phase\":\"write\",\"done\":0,\"total\":1000}\n"
		"{\"event\":\"progress\",\"phase\":\"write\",\"done\":10,\"total\":1000}\n"
		"{\"event\":\"progress\",\"phase\":\"write\",\"done\":20,\"total\":1000}\n"
		"{\"event\":\"warning\",\"text\":\"slow\"}\n"
		"{\"event\":\"result\",\"schema\":1,\"half\":\"described\"}\n");
}

static void test_out_event_sink__nobody_listens_for_people(void **state)
{
	struct capture c;

	start(&c, OUT_HUMAN);
	assert_null(out_event_sink(c.out).fn);
	end(&c, "");
}

static void test_out_error__closes_what_is_open(void **state)
{
	struct err e = ERR_INIT;
	struct capture c;

	err_set(&e, ERR_VERIFY, "bytes differ");
	err_hint(&e, "try again");
	err_at(&e, 0x8000100);
	start(&c, OUT_JSON);
	out_set_lines(c.out);
	out_object(c.out, "chip");
	out_list(c.out, "units");
	out_error(c.out, &e);
	end(&c, "{\"event\":\"result\",\"schema\":1,\"chip\":{\"units\":[]},\"error\":"
		"{\"code\":\"verify\",\"message\":\"bytes differ\",\"hint\":\"try again\","
		"\"address\":\"0x08000100\",\"exit_status\":9}}\n");
	start(&c, OUT_HUMAN);
	out_error(c.out, &e);
	end(&c, "");
}

static void test_out_finish__full_disk(void **state)
{
	FILE *full = fopen("/dev/full", "w");
	struct err e = ERR_INIT;
	struct out *o;

	if (full == NULL)
		skip();
	o = out_new(OUT_HUMAN, full);
	out_str(o, "a", "b");
	assert_int_equal(out_finish(o, &e), ERR_IO);
	assert_string_equal(e.msg, "cannot write the result: No space left on device");
	fclose(full);
	assert_int_equal(out_finish(NULL, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_out_human__golden),
		cmocka_unit_test(test_out_json__golden),
		cmocka_unit_test(test_out_human__columns),
		cmocka_unit_test(test_out_quiet__says_nothing),
		cmocka_unit_test(test_out_json__reals_are_rounded),
		cmocka_unit_test(test_out__hostile_text),
		cmocka_unit_test(test_out_event__lines_leave_at_once),
		cmocka_unit_test(test_out_event__people_see_the_result_only),
		cmocka_unit_test(test_out_event_sink__one_line_a_percent),
		cmocka_unit_test(test_out_event_sink__nobody_listens_for_people),
		cmocka_unit_test(test_out_error__closes_what_is_open),
		cmocka_unit_test(test_out_finish__full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
