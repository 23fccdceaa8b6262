/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/out.h>

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "out_priv.h"

struct out {
	enum out_mode mode;
	FILE *to;
	bool lines; /* NDJSON */
	bool failed;
	struct out_node *root, *open; /* `open`: innermost container */
	const char *phase;            /* of the last progress line, to thin them out */
	uint64_t percent;
};

/*
 * Memory for a result is small; if even that is missing, nothing can be reported either, and each
 * command would have to check every field.
 */
static void *need(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

static struct out_node *node_new(enum out_kind kind, const char *key)
{
	struct out_node *n = need(calloc(1, sizeof(*n)));

	n->kind = kind;
	n->key = key != NULL ? need(strdup(key)) : NULL;
	return n;
}

/* Without recursion: the depth is in the hands of the caller. */
static void tree_free(struct out_node *n)
{
	while (n != NULL) {
		struct out_node *up = n->parent;

		if (n->first != NULL) {
			n = n->first;
			continue;
		}
		if (up != NULL)
			up->first = n->next;
		struct out_node *next = n->next != NULL ? n->next : up;

		free(n->key);
		free(n->string);
		free(n);
		n = next;
	}
}

struct out *out_new(enum out_mode mode, FILE *to)
{
	struct out *o = need(calloc(1, sizeof(*o)));

	o->mode = mode;
	o->to = to;
	o->root = o->open = node_new(OUT_OBJECT, NULL);
	return o;
}

enum out_mode out_mode(const struct out *o)
{
	return o->mode;
}

static struct out_node *add(struct out *o, enum out_kind kind, const char *key)
{
	struct out_node *n = node_new(kind, key);

	assert(kind == OUT_TEXT || (key != NULL) == (o->open->kind == OUT_OBJECT));
	n->parent = o->open;
	if (o->open->last != NULL)
		o->open->last->next = n;
	else
		o->open->first = n;
	o->open->last = n;
	return n;
}

void out_str(struct out *o, const char *key, const char *value)
{
	struct out_node *n = add(o, value != NULL ? OUT_STRING : OUT_NULL, key);

	if (value != NULL)
		n->string = need(strdup(value));
}

void out_strf(struct out *o, const char *key, const char *fmt, ...)
{
	struct out_node *n = add(o, OUT_STRING, key);
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&n->string, fmt, ap) < 0)
		abort();
	va_end(ap);
}

void out_text(struct out *o, const char *fmt, ...)
{
	struct out_node *n = add(o, OUT_TEXT, NULL);
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&n->string, fmt, ap) < 0)
		abort();
	va_end(ap);
}

void out_uint(struct out *o, const char *key, uint64_t value)
{
	add(o, OUT_UINT, key)->number = value;
}

void out_size(struct out *o, const char *key, uint64_t bytes)
{
	add(o, OUT_SIZE, key)->number = bytes;
}

void out_bool(struct out *o, const char *key, bool value)
{
	add(o, OUT_BOOL, key)->number = value;
}

void out_real(struct out *o, const char *key, double value, int digits)
{
	struct out_node *n = add(o, OUT_REAL, key);

	n->real = value;
	n->digits = digits;
}

void out_hex(struct out *o, const char *key, uint64_t value, int digits)
{
	out_strf(o, key, "0x%0*llX", digits, (unsigned long long)value);
}

void out_bytes(struct out *o, const char *key, const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	struct out_node *n = add(o, OUT_STRING, key);
	const uint8_t *p = data;

	n->string = need(malloc(2 * len + 1));
	for (size_t i = 0; i < len; i++) {
		n->string[2 * i] = digits[p[i] >> 4];
		n->string[2 * i + 1] = digits[p[i] & 15];
	}
	n->string[2 * len] = '\0';
}

void out_object(struct out *o, const char *key)
{
	o->open = add(o, OUT_OBJECT, key);
}

void out_list(struct out *o, const char *key)
{
	o->open = add(o, OUT_LIST, key);
}

void out_table(struct out *o, const char *key)
{
	o->open = add(o, OUT_TABLE, key);
}

void out_end(struct out *o)
{
	assert(o->open->parent != NULL);
	if (o->open->parent != NULL)
		o->open = o->open->parent;
}

static void print_json(struct out *o, const char *event)
{
	if (out_json(o->root, event, o->lines, o->to) < 0)
		o->failed = true;
}

void out_set_lines(struct out *o)
{
	o->lines = true;
}

void out_event(struct out *o, const char *name)
{
	o->lines = true;
	if (o->mode == OUT_JSON) {
		print_json(o, name);
		fflush(o->to);
	}
	tree_free(o->root);
	o->root = o->open = node_new(OUT_OBJECT, NULL);
}

/* At most one line for each percent of a phase. */
static bool too_soon(struct out *o, const struct event *ev)
{
	uint64_t percent = ev->total > 0 ? ev->done * 100 / ev->total : 100;

	if (ev->type != EVENT_PROGRESS) {
		o->phase = NULL;
		return false;
	}
	if (o->phase == ev->phase && o->percent == percent)
		return true;
	o->phase = ev->phase;
	o->percent = percent;
	return false;
}

static void on_event(void *ctx, const struct event *ev)
{
	static const char *const names[] = {
		[EVENT_PHASE] = "phase",
		[EVENT_PROGRESS] = "progress",
		[EVENT_NOTE] = "note",
		[EVENT_WARNING] = "warning",
		[EVENT_RETRY] = "retry",
	};
	struct out *o = ctx;

	/* Both are for the eye only. */
	if (ev->type == EVENT_PLAN || (ev->type == EVENT_PHASE && ev->phase == NULL))
		return;
	if (too_soon(o, ev))
		return;
	/* A command that is in the middle of describing its result keeps that for later. */
	struct out_node *root = o->root, *open = o->open;

	o->root = o->open = node_new(OUT_OBJECT, NULL);
	if (ev->phase != NULL)
		out_str(o, "phase", ev->phase);
	if (ev->type == EVENT_PROGRESS)
		out_uint(o, "done", ev->done);
	if (ev->type == EVENT_PROGRESS || ev->type == EVENT_PHASE)
		out_uint(o, "total", ev->total);
	if (ev->text != NULL)
		out_str(o, "text", ev->text);
	out_event(o, names[ev->type]);
	tree_free(o->root);
	o->root = root;
	o->open = open;
}

struct event_sink out_event_sink(struct out *o)
{
	return (struct event_sink){.fn = o->mode == OUT_JSON ? on_event : NULL, .ctx = o};
}

void out_error(struct out *o, const struct err *e)
{
	o->open = o->root;
	if (o->mode != OUT_JSON)
		return;
	out_object(o, "error");
	out_str(o, "code", err_code_name(e->code));
	out_str(o, "message", e->msg);
	out_str(o, "hint", e->hint[0] != '\0' ? e->hint : NULL);
	if (e->addr != ERR_NO_ADDR)
		out_hex(o, "address", e->addr, 8);
	else
		out_str(o, "address", NULL);
	out_uint(o, "exit_status", (uint64_t)err_exit_status(e->code));
	out_end(o);
}

int out_finish(struct out *o, struct err *e)
{
	FILE *to;
	bool failed;

	if (o == NULL)
		return 0;
	errno = 0;
	if (o->mode == OUT_HUMAN)
		out_human(o->root, o->to);
	else if (o->mode == OUT_JSON)
		print_json(o, o->lines ? "result" : NULL);
	to = o->to;
	failed = o->failed;
	tree_free(o->root);
	free(o);
	if (fflush(to) != 0 || ferror(to))
		return err_set_errno(e, ERR_IO, errno, "cannot write the result");
	if (failed)
		return err_set(e, ERR_IO, "cannot write the result as JSON");
	return 0;
}
