/* SPDX-License-Identifier: Apache-2.0 */
#include "compare_show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define GROWTH_SHOWN 15 /* lines for people; JSON has all */

/* ---- for people ---- */

static void line_of(const struct program_symbol *s, char *ret, size_t size)
{
	if (s->line > 0)
		snprintf(ret, size, "%s:%d", s->file, s->line);
	else
		snprintf(ret, size, "%s", s->unit);
}

/* One variable: where it was and is, how large, where it is declared. */
static void show_variable(struct out *o, const struct compare_change *c, int width)
{
	const struct program_symbol *s = c->new != NULL ? c->new : c->old;
	char line[256], place[64];

	line_of(s, line, sizeof(line));
	if (c->old != NULL && c->new != NULL && c->old->addr != c->new->addr)
		snprintf(place, sizeof(place), "0x%08X -> 0x%08X", c->old->addr, c->new->addr);
	else
		snprintf(place, sizeof(place), "0x%08X", s->addr);
	out_text(o, "  %-*s  %s  %5" PRIu32 " %s  %s", width, s->name, place, s->size,
		s->size == 1 ? "byte " : "bytes", line);
	for (size_t i = 0; i < c->n_details; i++)
		out_text(o, "      %s", c->details[i]);
}

static int width_of(const struct comparison *c)
{
	size_t width = 8;

	for (size_t i = 0; i < c->n_changes; i++) {
		const struct compare_change *x = &c->changes[i];
		size_t len = strlen((x->new != NULL ? x->new : x->old)->name);

		if (len > width)
			width = len;
	}
	return width > 32 ? 32 : (int)width;
}

static void show_changes(struct out *o, const struct comparison *c)
{
	int width = width_of(c);

	for (size_t i = 0; i < c->n_changes; i++) {
		enum compare_severity s = c->changes[i].severity;

		if (i == 0 || c->changes[i - 1].severity != s) {
			size_t n = 0;

			while (i + n < c->n_changes && c->changes[i + n].severity == s)
				n++;
			out_text(o, "%s", "");
			out_text(o, "%zu %s %s (severity %d): %s", n,
				n == 1 ? "variable" : "variables", compare_severity_name(s), s,
				compare_severity_action(s));
		}
		show_variable(o, &c->changes[i], width);
	}
}

static void show_types(struct out *o, const struct comparison *c)
{
	if (c->n_types == 0)
		return;
	out_text(o, "%s", "");
	out_text(o,
		"%zu %s behind pointers changed (severity 4): what lies in heap or pools is of "
		"the old form",
		c->n_types, c->n_types == 1 ? "type" : "types");
	for (size_t i = 0; i < c->n_types; i++) {
		out_text(o, "  %s  %" PRIu64 " bytes", c->types[i].name, c->types[i].new_size);
		for (size_t k = 0; k < c->types[i].n_details; k++)
			out_text(o, "      %s", c->types[i].details[k]);
	}
}

static void show_growth(struct out *o, const struct comparison *c)
{
	if (c->n_growth == 0)
		return;
	out_text(o, "%s", "");
	out_text(o, "flash by symbol");
	for (size_t i = 0; i < c->n_growth && i < GROWTH_SHOWN; i++) {
		const struct compare_growth *g = &c->growth[i];

		out_text(o, "  %+7" PRId64 "  %-32s %s%s", (int64_t)g->new_size - g->old_size,
			g->name, g->unit,
			g->old_size == 0   ? "  new"
			: g->new_size == 0 ? "  gone"
					   : "");
	}
	if (c->n_growth > GROWTH_SHOWN)
		out_text(o, "  and %zu more with smaller differences", c->n_growth - GROWTH_SHOWN);
}

static void show_people(struct out *o, const struct comparison *c)
{
	show_changes(o, c);
	show_types(o, c);
	show_growth(o, c);
	if (c->n_notes > 0)
		out_text(o, "%s", "");
	for (size_t i = 0; i < c->n_notes; i++)
		out_text(o, "note: %s", c->notes[i]);
}

/* ---- JSON ---- */

static void list_texts(struct out *o, const char *key, const char *const *v, size_t n)
{
	out_list(o, key);
	for (size_t i = 0; i < n; i++)
		out_str(o, NULL, v[i]);
	out_end(o);
}

static void describe_symbol(struct out *o, const char *key, const struct program_symbol *s)
{
	if (s == NULL) {
		out_str(o, key, NULL);
		return;
	}
	out_object(o, key);
	out_hex(o, "address", s->addr, 8);
	out_uint(o, "size", s->size);
	out_str(o, "file", s->line > 0 ? s->file : NULL);
	out_uint(o, "line", s->line > 0 ? (uint64_t)s->line : 0);
	out_end(o);
}

static void describe_changes(struct out *o, const struct comparison *c)
{
	out_list(o, "changes");
	for (size_t i = 0; i < c->n_changes; i++) {
		const struct compare_change *x = &c->changes[i];
		const struct program_symbol *s = x->new != NULL ? x->new : x->old;

		out_object(o, NULL);
		out_str(o, "variable", s->name);
		out_str(o, "unit", s->unit[0] != '\0' ? s->unit : NULL);
		out_uint(o, "severity", x->severity);
		out_str(o, "what", compare_severity_name(x->severity));
		describe_symbol(o, "old", x->old);
		describe_symbol(o, "new", x->new);
		list_texts(o, "fields", x->details, x->n_details);
		out_end(o);
	}
	out_end(o);
}

static void describe_types(struct out *o, const struct comparison *c)
{
	out_list(o, "types");
	for (size_t i = 0; i < c->n_types; i++) {
		out_object(o, NULL);
		out_str(o, "type", c->types[i].name);
		out_uint(o, "old_size", c->types[i].old_size);
		out_uint(o, "new_size", c->types[i].new_size);
		list_texts(o, "fields", c->types[i].details, c->types[i].n_details);
		out_end(o);
	}
	out_end(o);
}

static void describe_growth(struct out *o, const struct comparison *c)
{
	out_list(o, "growth");
	for (size_t i = 0; i < c->n_growth; i++) {
		out_object(o, NULL);
		out_str(o, "symbol", c->growth[i].name);
		out_str(o, "unit", c->growth[i].unit[0] != '\0' ? c->growth[i].unit : NULL);
		out_uint(o, "old_size", c->growth[i].old_size);
		out_uint(o, "new_size", c->growth[i].new_size);
		out_end(o);
	}
	out_end(o);
}

/* ---- both ---- */

static void show_size(struct out *o, const char *key, uint64_t old, uint64_t new)
{
	char name[32];

	if (out_mode(o) == OUT_HUMAN) {
		out_strf(o, key, "%" PRIu64 " -> %" PRIu64 " bytes (%+" PRId64 ")", old, new,
			(int64_t)(new - old));
		return;
	}
	snprintf(name, sizeof(name), "old_%s", key);
	out_uint(o, name, old);
	snprintf(name, sizeof(name), "new_%s", key);
	out_uint(o, name, new);
}

void compare_show(struct out *o, const struct comparison *c, const struct program *old,
	const struct program *new)
{
	if (out_mode(o) == OUT_HUMAN)
		out_strf(o, "severity", "%d of 4: %s", c->severity,
			c->severity == COMPARE_SAME ? "the RAM map is the same"
						    : compare_severity_name(c->severity));
	else
		out_uint(o, "severity", c->severity);
	out_str(o, "action", compare_severity_action(c->severity));
	out_uint(o, "same", c->n_same);
	out_bool(o, "types_compared", old->has_types && new->has_types);
	show_size(o, "flash", old->flash, new->flash);
	show_size(o, "ram", old->ram, new->ram);
	if (out_mode(o) == OUT_HUMAN) {
		show_people(o, c);
		return;
	}
	out_uint(o, "compared_by_size_only", c->n_unproven);
	describe_changes(o, c);
	describe_types(o, c);
	describe_growth(o, c);
	list_texts(o, "notes", c->notes, c->n_notes);
}
