/* SPDX-License-Identifier: Apache-2.0 */
/*
 * out_priv.h - the tree of a described result, between out.c and its back ends
 */
#ifndef STMOTA_OUT_PRIV_H
#define STMOTA_OUT_PRIV_H

#include <stdint.h>

#include <stmota/out.h>

enum out_kind {
	OUT_NULL,
	OUT_STRING,
	OUT_UINT,
	OUT_BOOL,
	OUT_REAL,
	OUT_SIZE,
	OUT_TEXT, /* people only */
	OUT_OBJECT,
	OUT_LIST,
	OUT_TABLE,
};

struct out_node {
	enum out_kind kind;
	char *key;       /* NULL in lists */
	char *string;    /* OUT_STRING, OUT_TEXT */
	uint64_t number; /* OUT_UINT, OUT_BOOL, OUT_SIZE */
	double real;
	int digits; /* of `real` */
	struct out_node *parent, *first, *last, *next;
};

/* Each writes the whole tree below `root`, an OUT_OBJECT. */
void out_human(const struct out_node *root, FILE *to);
/* `event` NULL: a result. One line, or indented. -1: no memory, or text that is not UTF-8. */
int out_json(const struct out_node *root, const char *event, bool one_line, FILE *to);

#endif
