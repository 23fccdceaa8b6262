/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opt.c - parses a command line by rows of options
 *
 * getopt_long() is not used: its rows carry no types and no texts, it prints by itself, and its
 * state is global.
 */
#include <stmota/opt.h>

#include <stdlib.h>
#include <string.h>

#include <stmota/similar.h>
#include <stmota/strparse.h>

struct value {
	const struct opt *opt;
	const char *text; /* borrowed from argv; NULL for flags */
	uint32_t u32;
	struct span span;
};

struct opts {
	struct value *values; /* in the order given */
	size_t n_values;
	const char **args;
	size_t n_args;
};

static const struct opt *find_name(const struct opt *const *tables, const char *name, size_t len)
{
	for (; *tables != NULL; tables++)
		for (const struct opt *o = *tables; o->name != NULL; o++)
			if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
				return o;
	return NULL;
}

static const struct opt *find_letter(const struct opt *const *tables, char letter)
{
	for (; *tables != NULL; tables++)
		for (const struct opt *o = *tables; o->name != NULL; o++)
			if (o->letter != 0 && o->letter == letter)
				return o;
	return NULL;
}

static int unknown_name(
	const struct opt *const *tables, const char *name, size_t len, struct err *e)
{
	char word[64];
	struct similar s = SIMILAR_INIT(word);

	err_set(e, ERR_USAGE, "unknown option --%.*s", (int)(len < 60 ? len : 60), name);
	if (len >= sizeof(word))
		return ERR_USAGE;
	memcpy(word, name, len);
	word[len] = '\0';
	for (; *tables != NULL; tables++)
		for (const struct opt *o = *tables; o->name != NULL; o++)
			similar_offer(&s, o->name);
	if (s.best != NULL)
		err_hint(e, "did you mean --%s?", s.best);
	return ERR_USAGE;
}

static bool is_choice(const char *choices, const char *text)
{
	size_t len = strlen(text);

	for (const char *p = choices; p != NULL; p = strchr(p, '|')) {
		if (*p == '|')
			p++;
		if (strcspn(p, "|") == len && memcmp(p, text, len) == 0)
			return true;
	}
	return false;
}

static int check_value(const struct opt *opt, const char *text, struct value *v, struct err *e)
{
	int rc = 0;

	switch (opt->type) {
	case OPT_TYPE_FLAG:
	case OPT_TYPE_STRING:
	case OPT_TYPE_FILE: break;
	case OPT_TYPE_U32: rc = parse_u32(text, &v->u32, e); break;
	case OPT_TYPE_SPAN: rc = parse_span(text, &v->span, e); break;
	case OPT_TYPE_CHOICE:
		if (!is_choice(opt->choices, text))
			rc = err_set(e, ERR_USAGE, "'%s' is none of %s", text, opt->choices);
		break;
	}
	if (rc < 0) {
		err_wrap(e, "--%s", opt->name);
		return ERR_USAGE;
	}
	return 0;
}

static int add(struct opts *o, const struct opt *opt, const char *text, struct err *e)
{
	struct value v = {.opt = opt, .text = text};
	int rc;

	/* Neither of two addresses is the one that is meant. Flags say the same twice. */
	if (!opt->many && opt->type != OPT_TYPE_FLAG && opt_given(o, opt->name))
		return err_set(e, ERR_USAGE, "--%s is given twice", opt->name);
	rc = check_value(opt, text, &v, e);

	if (rc == 0)
		o->values[o->n_values++] = v;
	return rc;
}

/* The value of an option that stands alone is the next word, unless that is an option itself. */
static int next_word(
	const struct opt *opt, int argc, char **argv, int *i, const char **ret, struct err *e)
{
	if (*i + 1 >= argc || strncmp(argv[*i + 1], "--", 2) == 0) {
		err_set(e, ERR_USAGE, "--%s needs a value: %s", opt->name, opt->arg);
		if (*i + 1 < argc)
			err_hint(e, "write --%s=%s if that is the value", opt->name, argv[*i + 1]);
		return ERR_USAGE;
	}
	*ret = argv[++*i];
	return 0;
}

static int parse_long(const struct opt *const *tables, int argc, char **argv, int *i,
	struct opts *o, struct err *e)
{
	const char *name = argv[*i] + 2;
	const char *equals = strchr(name, '=');
	size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name);
	const struct opt *opt = find_name(tables, name, len);
	const char *text = NULL;
	int rc;

	if (opt == NULL)
		return unknown_name(tables, name, len, e);
	if (opt->type == OPT_TYPE_FLAG) {
		if (equals != NULL)
			return err_set(e, ERR_USAGE, "--%s takes no value", opt->name);
		return add(o, opt, NULL, e);
	}
	if (equals != NULL)
		return add(o, opt, equals + 1, e);
	rc = next_word(opt, argc, argv, i, &text, e);
	return rc < 0 ? rc : add(o, opt, text, e);
}

/* -abc is -a -b -c; the first letter that takes a value takes what is left, or the next word. */
static int parse_letters(const struct opt *const *tables, int argc, char **argv, int *i,
	struct opts *o, struct err *e)
{
	for (const char *p = argv[*i] + 1; *p != '\0'; p++) {
		const struct opt *opt = find_letter(tables, *p);
		const char *text = NULL;
		int rc;

		if (opt == NULL) {
			err_set(e, ERR_USAGE, "unknown option -%c", *p);
			if (p == argv[*i] + 1 && find_name(tables, p, strlen(p)) != NULL)
				err_hint(e, "did you mean --%s?", p);
			return ERR_USAGE;
		}
		if (opt->type == OPT_TYPE_FLAG) {
			rc = add(o, opt, NULL, e);
			if (rc < 0)
				return rc;
			continue;
		}
		if (p[1] != '\0')
			return add(o, opt, p + 1, e);
		rc = next_word(opt, argc, argv, i, &text, e);
		return rc < 0 ? rc : add(o, opt, text, e);
	}
	return 0;
}

/* The loop is bounded by argc, and a word adds at most strlen(word) values. */
static struct opts *opts_new(int argc, char **argv)
{
	struct opts *o = calloc(1, sizeof(*o));
	size_t most = 1;

	if (o == NULL)
		return NULL;
	for (int i = 0; i < argc; i++)
		most += argv[i][0] == '-' ? strlen(argv[i]) : 0;
	o->values = calloc(most, sizeof(*o->values));
	o->args = calloc((size_t)argc + 1, sizeof(*o->args));
	if (o->values == NULL || o->args == NULL) {
		opt_free(o);
		return NULL;
	}
	return o;
}

int opt_parse(
	const struct opt *const *tables, int argc, char **argv, struct opts **ret, struct err *e)
{
	struct opts *o = opts_new(argc, argv);
	bool only_args = false;
	int rc = 0;

	if (o == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (int i = 0; i < argc && rc == 0; i++) {
		const char *word = argv[i];

		if (only_args || word[0] != '-' || word[1] == '\0')
			o->args[o->n_args++] = word;
		else if (strcmp(word, "--") == 0)
			only_args = true;
		else if (word[1] == '-')
			rc = parse_long(tables, argc, argv, &i, o, e);
		else
			rc = parse_letters(tables, argc, argv, &i, o, e);
	}
	if (rc < 0) {
		opt_free(o);
		return rc;
	}
	*ret = o;
	return 0;
}

int opt_first_arg(const struct opt *const *tables, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		const char *word = argv[i];
		const struct opt *opt = NULL;

		if (word[0] != '-' || word[1] == '\0')
			return i;
		if (strcmp(word, "--") == 0)
			return i + 1;
		if (word[1] == '-')
			opt = find_name(tables, word + 2, strlen(word + 2));
		else if (word[2] == '\0')
			opt = find_letter(tables, word[1]);
		if (opt != NULL && opt->type != OPT_TYPE_FLAG)
			i++;
	}
	return argc;
}

void opt_free(struct opts *o)
{
	if (o == NULL)
		return;
	free(o->values);
	free(o->args);
	free(o);
}

static const struct value *value_at(const struct opts *o, const char *name, size_t index)
{
	for (size_t i = 0; i < o->n_values; i++)
		if (strcmp(o->values[i].opt->name, name) == 0 && index-- == 0)
			return &o->values[i];
	return NULL;
}

size_t opt_count(const struct opts *o, const char *name)
{
	size_t n = 0;

	while (value_at(o, name, n) != NULL)
		n++;
	return n;
}

bool opt_given(const struct opts *o, const char *name)
{
	return value_at(o, name, 0) != NULL;
}

static const struct value *last_value(const struct opts *o, const char *name)
{
	size_t n = opt_count(o, name);

	return n > 0 ? value_at(o, name, n - 1) : NULL;
}

const char *opt_str(const struct opts *o, const char *name, const char *fallback)
{
	const struct value *v = last_value(o, name);

	return v != NULL ? v->text : fallback;
}

const char *opt_str_at(const struct opts *o, const char *name, size_t i)
{
	const struct value *v = value_at(o, name, i);

	return v != NULL ? v->text : NULL;
}

uint32_t opt_u32(const struct opts *o, const char *name, uint32_t fallback)
{
	const struct value *v = last_value(o, name);

	return v != NULL ? v->u32 : fallback;
}

struct span opt_span_at(const struct opts *o, const char *name, size_t i)
{
	const struct value *v = value_at(o, name, i);

	return v != NULL ? v->span : (struct span){0};
}

size_t opt_n_args(const struct opts *o)
{
	return o->n_args;
}

const char *opt_arg(const struct opts *o, size_t i)
{
	return i < o->n_args ? o->args[i] : NULL;
}
