/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opt.h - options of a command as rows of data
 *
 * Help text, shell completion and the check of the man pages come from the same rows.
 */
#ifndef STMOTA_OPT_H
#define STMOTA_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/bytes.h>
#include <stmota/err.h>

enum opt_type {
	OPT_TYPE_FLAG,
	OPT_TYPE_STRING,
	OPT_TYPE_FILE,   /* string that completes file names */
	OPT_TYPE_U32,    /* parse_u32() */
	OPT_TYPE_SPAN,   /* parse_span() */
	OPT_TYPE_CHOICE, /* one of `choices` */
};

struct opt {
	const char *name; /* long name without dashes; NULL ends the table */
	char letter;      /* short form, 0 if none; never for what destroys data */
	enum opt_type type;
	const char *arg;     /* "FILE", "ADDR:LEN"; NULL for flags */
	const char *text;    /* one line of help, no full stop */
	const char *choices; /* "a|b|c" for OPT_TYPE_CHOICE */
	const char *heading; /* of it and those that follow, in the help text; NULL: none */
	bool many;           /* may be given more than once; twice is an error otherwise */
};

/* clang-format off */
#define OPT_FLAG(n, t)          {.name = n, .type = OPT_TYPE_FLAG, .text = t}
#define OPT_STRING(n, a, t)     {.name = n, .type = OPT_TYPE_STRING, .arg = a, .text = t}
#define OPT_FILE(n, a, t)       {.name = n, .type = OPT_TYPE_FILE, .arg = a, .text = t}
#define OPT_U32(n, a, t)        {.name = n, .type = OPT_TYPE_U32, .arg = a, .text = t}
#define OPT_SPAN(n, a, t)       {.name = n, .type = OPT_TYPE_SPAN, .arg = a, .text = t}
#define OPT_CHOICE(n, c, t)     {.name = n, .type = OPT_TYPE_CHOICE, .arg = c, .choices = c, .text = t}
#define OPT_STRINGS(n, a, t)    {.name = n, .type = OPT_TYPE_STRING, .arg = a, .text = t, .many = true}
#define OPT_FILES(n, a, t)      {.name = n, .type = OPT_TYPE_FILE, .arg = a, .text = t, .many = true}
#define OPT_SPANS(n, a, t)      {.name = n, .type = OPT_TYPE_SPAN, .arg = a, .text = t, .many = true}
/* The file that a command makes: -o, --out. */
#define OPT_OUT(a, t)           {.name = "out", .letter = 'o', .type = OPT_TYPE_FILE, .arg = a, .text = t}
#define OPT_END                 {.name = NULL}
/* clang-format on */

/* A parsed command line; filled by opt_parse(). */
struct opts;

/* How often the option was given. */
size_t opt_count(const struct opts *o, const char *name);
bool opt_given(const struct opts *o, const char *name);
/* Its text; the last one if there are many; `fallback` if not given. */
const char *opt_str(const struct opts *o, const char *name, const char *fallback);
/* Text of the i-th one; i < opt_count(). */
const char *opt_str_at(const struct opts *o, const char *name, size_t i);
/* Values are checked while parsing, so these cannot fail. */
uint32_t opt_u32(const struct opts *o, const char *name, uint32_t fallback);
struct span opt_span_at(const struct opts *o, const char *name, size_t i);
/* Positional arguments; opt_arg() is NULL from opt_n_args() on. */
size_t opt_n_args(const struct opts *o);
const char *opt_arg(const struct opts *o, size_t i);

/*
 * Parses argv[0..argc) by the rows of all `tables` (NULL-terminated list). Options may stand
 * between positional arguments; "--" ends them; "--name=value" and "--name value" both work.
 * ERR_USAGE; the hint names a similar option where there is one. Strings are borrowed from argv.
 */
int opt_parse(
	const struct opt *const *tables, int argc, char **argv, struct opts **ret, struct err *e);
void opt_free(struct opts *o);

/*
 * Index of the first word that is neither an option of the tables nor the value of one; argc if
 * there is none. Unknown options count as flags: opt_parse() complains about them later.
 */
int opt_first_arg(const struct opt *const *tables, int argc, char **argv);

#endif
