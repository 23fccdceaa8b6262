/* SPDX-License-Identifier: Apache-2.0 */
/*
 * out_human.c - a described result as aligned text
 *
 *	product   acme.com/lamp        fields, values in one column
 *	components                     a table: its key, a heading, one line an item
 *	  kind         size
 *	  application  17.3 KiB
 */
#include "out_priv.h"

#include <stdlib.h>
#include <string.h>

#include <stmota/text.h>

#define STEP        2  /* columns of one level */
#define GAP         2  /* blanks between columns */
#define COLUMNS_MAX 16 /* of a table */

/* Bytes from files and devices could move the cursor or hide what stands there: shown as '?'. */
static void put(FILE *to, const char *s)
{
	for (; *s != '\0'; s++) {
		bool control = ((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7F;

		/* U+0080 to U+009F are the same controls once more. */
		if ((unsigned char)s[0] == 0xC2 && (unsigned char)s[1] - 0x80u < 0x20) {
			control = true;
			s++;
		}
		fputc(control ? '?' : *s, to);
	}
}

static void blanks(FILE *to, size_t n)
{
	while (n-- > 0)
		fputc(' ', to);
}

/* "flash_size" is "flash size" for people. */
static void put_key(FILE *to, const char *key)
{
	for (; *key != '\0'; key++)
		fputc(*key == '_' ? ' ' : *key, to);
}

static bool is_leaf(const struct out_node *n)
{
	return n->kind < OUT_TEXT;
}

static const char *value(const struct out_node *n, bool in_table, char *buf, size_t size)
{
	switch (n->kind) {
	case OUT_STRING: return n->string;
	case OUT_UINT: snprintf(buf, size, "%llu", (unsigned long long)n->number); break;
	case OUT_BOOL: return n->number ? "yes" : "no";
	case OUT_REAL: snprintf(buf, size, "%.*f", n->digits, n->real); break;
	case OUT_SIZE:
		if (in_table)
			text_size(n->number, buf, size);
		else
			text_size_exact(n->number, buf, size);
		break;
	default: return "-";
	}
	return buf;
}

static void object(const struct out_node *o, size_t indent, FILE *to);

/* A list of plain values stands on one line; one of objects has one block each. */
static void list(const struct out_node *l, size_t indent, FILE *to)
{
	const char *between = "";
	char buf[64];

	for (const struct out_node *n = l->first; n != NULL; n = n->next) {
		if (is_leaf(n)) {
			fputs(between, to);
			put(to, value(n, false, buf, sizeof(buf)));
			between = ", ";
			continue;
		}
		if (n != l->first)
			fputc('\n', to);
		if (n->kind == OUT_OBJECT) {
			object(n, indent, to);
		} else if (n->kind == OUT_TEXT) {
			blanks(to, indent);
			put(to, n->string);
			fputc('\n', to);
		} else {
			list(n, indent, to);
		}
	}
	if (between[0] != '\0')
		fputc('\n', to);
}

static bool is_plain_list(const struct out_node *n)
{
	return n->kind == OUT_LIST && (n->first == NULL || is_leaf(n->first));
}

struct column {
	const char *key;
	size_t width;
	bool words, right; /* right: numbers only, where there is anything */
};

static size_t columns_of(const struct out_node *t, struct column *c)
{
	size_t n_columns = 0;
	char buf[64];

	for (const struct out_node *row = t->first; row != NULL; row = row->next) {
		size_t i = 0;

		for (const struct out_node *n = row->first; n != NULL; n = n->next) {
			size_t width;

			if (!is_leaf(n) || i == COLUMNS_MAX)
				continue;
			if (i == n_columns) {
				c[n_columns++] =
					(struct column){.key = n->key, .width = text_width(n->key)};
			}
			width = text_width(value(n, true, buf, sizeof(buf)));
			if (width > c[i].width)
				c[i].width = width;
			c[i].words |= n->kind == OUT_STRING || n->kind == OUT_BOOL;
			c[i].right = !c[i].words && (c[i].right || n->kind != OUT_NULL);
			i++;
		}
	}
	return n_columns;
}

static void cell(const char *s, const struct column *c, bool last, bool is_key, FILE *to)
{
	size_t fill = c->width - text_width(s);

	if (c->right)
		blanks(to, fill);
	if (is_key)
		put_key(to, s);
	else
		put(to, s);
	if (!last)
		blanks(to, (c->right ? 0 : fill) + GAP);
}

static void table(const struct out_node *t, size_t indent, FILE *to)
{
	struct column c[COLUMNS_MAX];
	size_t n_columns = columns_of(t, c);
	char buf[64];

	if (n_columns == 0)
		return;
	blanks(to, indent);
	for (size_t i = 0; i < n_columns; i++)
		cell(c[i].key, &c[i], i + 1 == n_columns, true, to);
	fputc('\n', to);
	for (const struct out_node *row = t->first; row != NULL; row = row->next) {
		size_t i = 0;

		blanks(to, indent);
		for (const struct out_node *n = row->first; n != NULL; n = n->next) {
			if (!is_leaf(n) || i == n_columns)
				continue;
			cell(value(n, true, buf, sizeof(buf)), &c[i], i + 1 == n_columns, false,
				to);
			i++;
		}
		fputc('\n', to);
	}
}

static void container(const struct out_node *n, size_t indent, FILE *to)
{
	if (n->key != NULL) {
		blanks(to, indent);
		put_key(to, n->key);
		fputc('\n', to);
		indent += STEP;
	}
	if (n->kind == OUT_OBJECT)
		object(n, indent, to);
	else if (n->kind == OUT_TABLE)
		table(n, indent, to);
	else
		list(n, indent, to);
}

static void object(const struct out_node *o, size_t indent, FILE *to)
{
	size_t width = 0;
	char buf[64];

	for (const struct out_node *n = o->first; n != NULL; n = n->next)
		if ((is_leaf(n) || is_plain_list(n)) && text_width(n->key) > width)
			width = text_width(n->key);
	for (const struct out_node *n = o->first; n != NULL; n = n->next) {
		if (n->kind == OUT_TEXT) {
			blanks(to, indent);
			put(to, n->string);
			fputc('\n', to);
			continue;
		}
		if (!is_leaf(n) && !is_plain_list(n)) {
			/* An empty container says nothing to people. */
			if (n->first != NULL)
				container(n, indent, to);
			continue;
		}
		blanks(to, indent);
		put_key(to, n->key);
		blanks(to, width - text_width(n->key) + GAP);
		if (is_leaf(n)) {
			put(to, value(n, false, buf, sizeof(buf)));
			fputc('\n', to);
		} else if (n->first != NULL) {
			list(n, indent, to);
		} else {
			fputs("-\n", to);
		}
	}
}

void out_human(const struct out_node *root, FILE *to)
{
	object(root, 0, to);
}
