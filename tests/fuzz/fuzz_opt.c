/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_opt.c - command lines: each line of the input is one word
 */
#include <stdlib.h>
#include <string.h>

#include <stmota/opt.h>

#define WORDS_MAX 64

#define must(x)                                                                                    \
	do {                                                                                       \
		if (!(x))                                                                          \
			abort();                                                                   \
	} while (0)

static const struct opt rows[] = {
	{.name = "flag", .letter = 'f', .type = OPT_TYPE_FLAG, .text = "t", .many = true},
	{.name = "text", .letter = 't', .type = OPT_TYPE_STRING, .arg = "TEXT", .text = "t"},
	OPT_U32("number", "N", "t"),
	OPT_SPANS("range", "ADDR:LEN", "t"),
	OPT_CHOICE("type", "red|green", "t"),
	OPT_END,
};

static size_t split(char *text, char **argv)
{
	size_t n = 0;

	for (char *p = strtok(text, "\n"); p != NULL && n < WORDS_MAX; p = strtok(NULL, "\n"))
		argv[n++] = p;
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct opt *const tables[] = {rows, NULL};
	char *argv[WORDS_MAX + 1] = {NULL}, *text = malloc(size + 1);
	struct opts *o = NULL;
	struct err e = ERR_INIT;
	size_t argc, used = 0;
	int rc;

	must(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	argc = split(text, argv);
	must(opt_first_arg(tables, (int)argc, argv) <= (int)argc);
	rc = opt_parse(tables, (int)argc, argv, &o, &e);
	if (rc < 0) {
		must(rc == ERR_USAGE && e.code == ERR_USAGE && e.msg[0] != '\0' && o == NULL);
	} else {
		for (size_t i = 0; rows[i].name != NULL; i++) {
			size_t n = opt_count(o, rows[i].name);

			used += n;
			must(n <= 1 || rows[i].many || rows[i].type == OPT_TYPE_FLAG);
			for (size_t k = 0; k < n && rows[i].type == OPT_TYPE_SPAN; k++)
				must(opt_span_at(o, rows[i].name, k).len > 0);
			for (size_t k = 0; k < n; k++)
				must((opt_str_at(o, rows[i].name, k) == NULL) ==
					(rows[i].type == OPT_TYPE_FLAG));
		}
		must(opt_n_args(o) <= argc);
		must(used + opt_n_args(o) <= size);
		if (opt_given(o, "type"))
			must(strcmp(opt_str(o, "type", ""), "red") == 0 ||
				strcmp(opt_str(o, "type", ""), "green") == 0);
	}
	opt_free(o);
	free(text);
	return 0;
}
