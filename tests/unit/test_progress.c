/* SPDX-License-Identifier: Apache-2.0 */
/* test_progress.c - bar and lines on a clock that only the test moves */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/progress.h>

static uint64_t now_ms;

static uint64_t fake_now(void *ctx)
{
	(void)ctx;
	return now_ms;
}

static const struct clock fake_clock = {.now_ms = fake_now};

struct fixture {
	FILE *file;
	char *text;
	size_t len;
	struct progress *p;
	struct event_sink sink;
};

static void begin(struct fixture *f, const struct progress_config *like)
{
	struct progress_config cfg = *like;

	now_ms = 1000000;
	f->file = open_memstream(&f->text, &f->len);
	assert_non_null(f->file);
	cfg.to = f->file;
	cfg.clock = &fake_clock;
	f->p = progress_new(&cfg);
	assert_non_null(f->p);
	f->sink = progress_sink(f->p);
}

/* Compares what was printed since the last call. */
static void printed(struct fixture *f, const char *wanted)
{
	fflush(f->file);
	assert_string_equal(f->text, wanted);
	rewind(f->file);
	memset(f->text, 0, f->len);
}

static void end(struct fixture *f, const char *wanted)
{
	progress_free(f->p);
	printed(f, wanted);
	fclose(f->file);
	free(f->text);
}

static void phase(struct fixture *f, const char *name, uint64_t total)
{
	event_emit(&f->sink, &(struct event){.type = EVENT_PHASE, .phase = name, .total = total});
}

static void step(struct fixture *f, uint64_t ms, uint64_t done, uint64_t total)
{
	now_ms += ms;
	event_emit(&f->sink, &(struct event){.type = EVENT_PROGRESS, .done = done, .total = total});
}

static const struct progress_config plain = {.terminal = false};
static const struct progress_config ascii = {.terminal = true, .width = 80};
static const struct progress_config fancy = {
	.terminal = true, .width = 100, .unicode = true, .colour = true};

static void test_progress_lines__one_for_a_short_phase(void **state)
{
	struct fixture f;

	begin(&f, &plain);
	phase(&f, "connect", 0);
	now_ms += 999;
	phase(&f, "write", 28672);
	for (uint64_t done = 0; done <= 28672; done += 256)
		step(&f, 10, done, 28672);
	phase(&f, NULL, 0);
	/* How long it took to connect is worth a line only if somebody had to wait. */
	end(&f, "write     28 KiB in 1.1 s, 24.8 KiB/s\n");
}

static void test_progress__nothing_to_count(void **state)
{
	struct fixture f;

	begin(&f, &plain);
	phase(&f, "connect", 0);
	now_ms += 3400;
	phase(&f, "connect again", 0);
	now_ms += 9000;
	end(&f, "connect   3.4 s\n");

	begin(&f, &ascii);
	phase(&f, "connect", 0);
	printed(&f, "\rconnect   ...\033[K");
	phase(&f, NULL, 0);
	end(&f, "\r\033[K");
}

static void test_progress_lines__sparse_in_a_long_phase(void **state)
{
	struct fixture f;

	begin(&f, &plain);
	phase(&f, "write", 100000);
	/* 100 seconds; 10 % are 10 seconds. */
	for (uint64_t done = 0; done <= 100000; done += 100)
		step(&f, 100, done, 100000);
	progress_finish(f.p, true);
	end(&f, "write     9.8 of 97.7 KiB, 1:31 left\n"
		"write     19.5 of 97.7 KiB, 1:20 left\n"
		"write     29.3 of 97.7 KiB, 1:10 left\n"
		"write     39.1 of 97.7 KiB, 1:00 left\n"
		"write     48.8 of 97.7 KiB, 0:50 left\n"
		"write     58.6 of 97.7 KiB, 0:40 left\n"
		"write     68.4 of 97.7 KiB, 0:30 left\n"
		"write     78.1 of 97.7 KiB, 0:20 left\n"
		"write     87.9 of 97.7 KiB, 0:10 left\n"
		"write     97.7 KiB in 1:40, 999 bytes/s\n");
}

static void test_progress_lines__five_seconds_apart(void **state)
{
	struct fixture f;

	begin(&f, &plain);
	phase(&f, "write", 1000);
	step(&f, 2000, 200, 1000);
	step(&f, 2000, 400, 1000);
	printed(&f, "");
	step(&f, 2000, 600, 1000);
	printed(&f, "write     600 of 1000 bytes, 0:04 left\n");
	step(&f, 2000, 800, 1000);
	printed(&f, "");
	end(&f, "write     stopped after 800 of 1000 bytes, 8.0 s\n");
}

static void test_progress_lines__messages(void **state)
{
	struct fixture f;

	begin(&f, &plain);
	phase(&f, "write", 1000);
	event_emit(&f.sink, &(struct event){.type = EVENT_NOTE, .text = "a note"});
	event_emit(&f.sink, &(struct event){.type = EVENT_WARNING, .text = "careful"});
	event_emit(&f.sink, &(struct event){.type = EVENT_RETRY, .text = "no answer"});
	progress_message(f.p, "anything");
	progress_finish(f.p, true);
	end(&f, "a note\n"
		"warning: careful\n"
		"trying again: no answer\n"
		"anything\n"
		"write     1000 bytes in 0.0 s\n");
}

static void test_progress__a_note_behind_the_last_byte(void **state)
{
	struct fixture f;

	begin(&f, &plain);
	phase(&f, "compare", 1000);
	step(&f, 2000, 999, 1000);
	event_emit(&f.sink, &(struct event){.type = EVENT_NOTE, .text = "in between"});
	step(&f, 2000, 1000, 1000);
	event_emit(&f.sink, &(struct event){.type = EVENT_NOTE, .text = "the plan"});
	end(&f, "in between\n"
		"compare   1000 bytes in 4.0 s, 250 bytes/s\n"
		"the plan\n");
}

static void test_progress_bar__drawn_in_place(void **state)
{
	struct fixture f;

	begin(&f, &ascii);
	phase(&f, "write", 28672);
	printed(&f, "\rwrite     [>            ]   0 %       0.0 of 28 KiB\033[K");
	step(&f, 99, 256, 28672);
	printed(&f, "");
	step(&f, 1, 512, 28672);
	printed(&f, "\rwrite     [>            ]   1 %       0.5 of 28 KiB\033[K");
	step(&f, 900, 14336, 28672);
	printed(&f, "\rwrite     [======>      ]  50 %      14.0 of 28 KiB      14 KiB/s  0:01 "
		    "left\033[K");
	step(&f, 1000, 28672, 28672);
	printed(&f, "\rwrite     [=============] 100 %      28.0 of 28 KiB      14 KiB/s  0:00 "
		    "left\033[K");
	phase(&f, NULL, 0);
	end(&f, "\r\033[Kwrite     28 KiB in 2.0 s, 14 KiB/s\n");
}

static void test_progress_bar__colours_and_halves(void **state)
{
	struct fixture f;

	begin(&f, &fancy);
	phase(&f, "erase", 131072);
	step(&f, 100, 131072 / 72 * 3, 131072);
	end(&f, "\rerase     \033[36m\033[0;90m───────────────────────────────────\033[0m   0 %      "
		"0.0 of "
		"128 KiB\033[K"
		"\rerase     \033[36m━\033[0;90m──────────────────────────────────\033[0m   4 %      "
		"5.3 of "
		"128 KiB\033[K"
		"\r\033[Kerase     stopped after 5.3 of 128 KiB, 0.1 s\n");
}

static void test_progress_bar__message_above(void **state)
{
	struct fixture f;

	begin(&f, &ascii);
	phase(&f, "write", 1000);
	printed(&f, "\rwrite     [>            ]   0 %     0 of 1000 bytes\033[K");
	progress_message(f.p, "warning: careful");
	printed(&f, "\r\033[Kwarning: careful\n"
		    "\rwrite     [>            ]   0 %     0 of 1000 bytes\033[K");
	progress_finish(f.p, true);
	progress_message(f.p, "after it");
	end(&f, "\r\033[Kwrite     1000 bytes in 0.0 s\nafter it\n");
}

static void test_progress_bar__narrow_terminals(void **state)
{
	static const struct {
		unsigned width;
		const char *wanted;
	} cases[] = {
		{70, "[======      "},
		{50, "[=="},
		{40, " 50 %  0:02 left"},
		{20, " 50 %"},
		{1, " 50 %"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct progress_config cfg = ascii;
		struct fixture f;
		const char *line;
		size_t columns;

		cfg.width = cases[i].width;
		begin(&f, &cfg);
		phase(&f, "write", 100000);
		step(&f, 2000, 50000, 100000);
		fflush(f.file);
		line = strrchr(f.text, '\r');
		columns = strlen(line + 1) - strlen("\033[K");
		/* A line that wraps could not be redrawn in place. */
		if (cases[i].width >= 20)
			assert_true(columns < cases[i].width);
		if (strstr(line, " 50 %") == NULL)
			fail_msg("width %u: %s", cases[i].width, line);
		assert_true(
			(strchr(line, '[') != strchr(line, '\033') + 1) == (cases[i].width >= 50));
		progress_free(f.p);
		fclose(f.file);
		free(f.text);
	}
}

static void test_progress_bar__shares_make_one_whole(void **state)
{
	const struct event_share shares[] = {{"erase", 1000}, {"write", 3000}};
	struct fixture f;

	begin(&f, &ascii);
	event_emit(&f.sink, &(struct event){.type = EVENT_PLAN, .shares = shares, .n_shares = 2});
	phase(&f, "erase", 100);
	step(&f, 500, 50, 100);
	printed(&f, "\rerase     [>            ]   0 %      0 of 100 bytes\033[K"
		    "\rerase     [=>           ]  12 %     50 of 100 bytes\033[K");
	step(&f, 500, 100, 100);
	phase(&f, "write", 1000);
	printed(&f, "\rerase     [===>         ]  25 %    100 of 100 bytes   100 bytes/s  0:03 "
		    "left\033[K"
		    "\r\033[Kerase     100 bytes in 1.0 s, 100 bytes/s\n"
		    "\rwrite     [===>         ]  25 %     0 of 1000 bytes                0:03 "
		    "left\033[K");
	step(&f, 1000, 400, 1000);
	printed(&f, "\rwrite     [=======>     ]  55 %   400 of 1000 bytes   400 bytes/s  0:02 "
		    "left\033[K");
	/* Taken up again further back: the bar waits, it does not jump. */
	phase(&f, "write", 1000);
	step(&f, 1000, 100, 1000);
	fflush(f.file);
	assert_non_null(strstr(f.text, "]  55 %   100 of 1000"));
	progress_free(f.p);
	fclose(f.file);
	free(f.text);
}

static void test_progress__more_done_than_announced(void **state)
{
	struct fixture f;

	begin(&f, &ascii);
	step(&f, 5, 1, 2);
	printed(&f, "");
	phase(&f, "write", 10);
	step(&f, 100, 200, 100);
	fflush(f.file);
	assert_non_null(strstr(f.text, "[=============] 100 %"));
	progress_free(f.p);
	fclose(f.file);
	free(f.text);
}

static void test_progress__nobody(void **state)
{
	progress_finish(NULL, true);
	progress_free(NULL);
	assert_null(progress_sink(NULL).fn);
}

static void test_progress_config_for__a_file_is_no_terminal(void **state)
{
	FILE *f = tmpfile();
	struct progress_config cfg;

	assert_non_null(f);
	setenv("TERM", "xterm", 1);
	cfg = progress_config_for(f);
	assert_false(cfg.terminal);
	assert_false(cfg.colour);
	fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_progress_lines__one_for_a_short_phase),
		cmocka_unit_test(test_progress__nothing_to_count),
		cmocka_unit_test(test_progress_lines__sparse_in_a_long_phase),
		cmocka_unit_test(test_progress_lines__five_seconds_apart),
		cmocka_unit_test(test_progress_lines__messages),
		cmocka_unit_test(test_progress__a_note_behind_the_last_byte),
		cmocka_unit_test(test_progress_bar__drawn_in_place),
		cmocka_unit_test(test_progress_bar__colours_and_halves),
		cmocka_unit_test(test_progress_bar__message_above),
		cmocka_unit_test(test_progress_bar__narrow_terminals),
		cmocka_unit_test(test_progress_bar__shares_make_one_whole),
		cmocka_unit_test(test_progress__more_done_than_announced),
		cmocka_unit_test(test_progress__nobody),
		cmocka_unit_test(test_progress_config_for__a_file_is_no_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
