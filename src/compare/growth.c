/* SPDX-License-Identifier: Apache-2.0 */
/*
 * growth.c - which symbols take more or less flash than before
 */
#include "compare_priv.h"

#include <stdlib.h>
#include <string.h>

struct walk { /* over the symbols of one program, which stand by name and unit */
	const struct program *p, *other;
	size_t at;
};

static bool takes_flash(const struct program_symbol *s)
{
	return s->init != NULL;
}

static const struct program_symbol *front(struct walk *w)
{
	while (w->at < w->p->n_symbols && !takes_flash(&w->p->symbols[w->at]))
		w->at++;
	return w->at < w->p->n_symbols ? &w->p->symbols[w->at] : NULL;
}

/* Copies of a function that the compiler made have one name: they count together. */
static uint32_t take(struct walk *w, const struct program_symbol *like)
{
	const struct program_symbol *s;
	uint32_t size = 0;

	while ((s = front(w)) != NULL && compare_order(w->p, w->other, s, like) == 0) {
		size += s->size;
		w->at++;
	}
	return size;
}

static uint32_t difference(const struct compare_growth *g)
{
	return g->new_size > g->old_size ? g->new_size - g->old_size : g->old_size - g->new_size;
}

static int largest_first(const void *va, const void *vb)
{
	const struct compare_growth *a = va, *b = vb;
	int d;

	if (difference(a) != difference(b))
		return difference(a) > difference(b) ? -1 : 1;
	d = strcmp(a->name, b->name);
	return d != 0 ? d : strcmp(a->unit, b->unit);
}

int compare_growth(
	const struct program *old, const struct program *new, struct comparison *c, struct err *e)
{
	struct walk a = {.p = old, .other = new}, b = {.p = new, .other = old};

	for (;;) {
		const struct program_symbol *o = front(&a), *n = front(&b);
		const struct program_symbol *first = compare_order(old, new, o, n) <= 0 ? o : n;
		struct compare_growth g;

		if (first == NULL)
			break;
		g = (struct compare_growth){.name = first->name, .unit = first->unit};
		g.old_size = take(&a, first);
		g.new_size = take(&b, first);
		if (g.old_size == g.new_size)
			continue;
		if (!program_room(&c->growth, c->n_growth, sizeof(g)))
			return err_set(e, ERR_NOMEM, "out of memory");
		c->growth[c->n_growth++] = g;
	}
	if (c->n_growth > 0)
		qsort(c->growth, c->n_growth, sizeof(*c->growth), largest_first);
	return 0;
}
