/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order.c - in which order the groups of an image overwrite the base
 *
 * A group that copies from another one must be made before that one is overwritten. Where code has
 * only moved by a little, that gives runs of neighbours, upwards where the image shrank and
 * downwards where it grew; blocks that changed places give circles. Who is left over in a circle
 * codes the bytes that are gone anew: the order with the fewest of them is looked for, first along
 * the dependencies, then by moving single groups to better places.
 */
#include "delta_priv.h"

#include <stdlib.h>
#include <string.h>

enum {
	JUMP = 4,   /* bytes: what a step to another than the next group costs in the payload */
	SLIGHT = 8, /* bytes: dependencies up to this do not lead the way */
	SWEEPS = 8,
};

struct sorter {
	const struct imf_groups *groups;
	uint32_t n;       /* groups of the new image */
	uint32_t *weight; /* [g * n + h]: bytes of g that come from h */
	bool changed[IMF_GROUPS_MAX], seen[IMF_GROUPS_MAX];
	uint16_t order[IMF_GROUPS_MAX], best[IMF_GROUPS_MAX];
	uint32_t n_order;
	uint64_t best_cost;
};

static uint32_t weight(const struct sorter *s, uint32_t g, uint32_t h)
{
	return s->weight[g * s->n + h];
}

/* ---- dependencies ---- */

static void find_changed(
	struct sorter *s, const struct delta_image *base, const struct delta_image *image)
{
	uint32_t start = 0, len = 0;

	for (s->n = 0; imf_group_place(s->groups, s->n, &start, &len); s->n++) {
		size_t most = image->len - start < len ? image->len - start : len;

		s->changed[s->n] = start + most > base->len ||
				   memcmp(base->data + start, image->data + start, most) != 0;
	}
}

static void count_pieces(struct sorter *s, const struct delta_order *o, const struct pieces *p)
{
	for (size_t i = 0; i < p->n; i++) {
		for (uint32_t k = 0; k < p->v[i].len; k++) {
			uint32_t g = o->group[(p->v[i].at + k) / IMF_GROUP_UNIT];
			uint32_t h = o->group[(p->v[i].from + k) / IMF_GROUP_UNIT];

			if (g != h && h < s->n && s->changed[g] && s->changed[h])
				s->weight[g * s->n + h]++;
		}
	}
}

/* ---- orders ---- */

static uint64_t cost(const struct sorter *s)
{
	uint64_t sum = 0;
	int step = 1, last = -1;

	for (uint32_t i = 0; i < s->n_order; i++) {
		int g = s->order[i];

		if (g != last + step) {
			sum += JUMP;
			step = g > last ? 1 : -1;
		}
		last = g;
		for (uint32_t k = 0; k < i; k++)
			sum += weight(s, s->order[i], s->order[k]);
	}
	return sum;
}

/* Whoever reads from `h` first. At most as deep as there are groups. */
static void visit(struct sorter *s, uint32_t h)
{
	s->seen[h] = true;
	for (uint32_t i = 1; i < s->n; i++) {
		/* The neighbours come first. */
		uint32_t g[2] = {h + i, h - i};

		for (int k = 0; k < 2; k++)
			if (g[k] < s->n && s->changed[g[k]] && !s->seen[g[k]] &&
				weight(s, g[k], h) > SLIGHT)
				visit(s, g[k]);
	}
	s->order[s->n_order++] = (uint16_t)h;
}

static void along(struct sorter *s, bool down, bool plain)
{
	memset(s->seen, 0, sizeof(s->seen));
	s->n_order = 0;
	for (uint32_t i = 0; i < s->n; i++) {
		uint32_t g = down ? s->n - 1 - i : i;

		if (!s->changed[g] || s->seen[g])
			continue;
		if (plain)
			s->order[s->n_order++] = (uint16_t)g;
		else
			visit(s, g);
	}
}

/* The group at `from` goes to where it hurts least. */
static bool move_one(struct sorter *s, uint32_t from)
{
	uint32_t g = s->order[from], best = from;
	int64_t gain = 0, most = 0;

	for (uint32_t i = from; i-- > 0;) {
		gain += (int64_t)weight(s, g, s->order[i]) - weight(s, s->order[i], g);
		if (gain > most + JUMP) {
			most = gain;
			best = i;
		}
	}
	gain = 0;
	for (uint32_t i = from + 1; i < s->n_order; i++) {
		gain += (int64_t)weight(s, s->order[i], g) - weight(s, g, s->order[i]);
		if (gain > most + JUMP) {
			most = gain;
			best = i;
		}
	}
	if (best < from)
		memmove(s->order + best + 1, s->order + best, (from - best) * sizeof(*s->order));
	else if (best > from)
		memmove(s->order + from, s->order + from + 1, (best - from) * sizeof(*s->order));
	s->order[best] = (uint16_t)g;
	return best != from;
}

static void try_order(struct sorter *s)
{
	bool moved = true;
	uint64_t now;

	for (int sweep = 0; moved && sweep < SWEEPS; sweep++) {
		now = cost(s);
		if (now < s->best_cost) {
			s->best_cost = now;
			memcpy(s->best, s->order, sizeof(s->best));
		}
		moved = false;
		for (uint32_t i = 0; i < s->n_order; i++)
			moved |= move_one(s, i);
	}
	now = cost(s);
	if (now < s->best_cost) {
		s->best_cost = now;
		memcpy(s->best, s->order, sizeof(s->best));
	}
}

/* ---- the result ---- */

int delta_order_choose(struct delta_order *o, const struct delta_image *base,
	const struct delta_image *image, const struct pieces *p, struct err *e)
{
	struct sorter *s = calloc(1, sizeof(*s));

	if (s != NULL)
		s->weight = calloc(IMF_GROUPS_MAX * IMF_GROUPS_MAX, sizeof(*s->weight));
	if (s == NULL || s->weight == NULL) {
		free(s);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	s->groups = o->groups;
	s->best_cost = UINT64_MAX;
	find_changed(s, base, image);
	count_pieces(s, o, p);
	for (int way = 0; way < 4; way++) {
		along(s, (way & 1) != 0, way < 2);
		try_order(s);
	}
	o->n = s->n_order;
	memcpy(o->order, s->best, sizeof(o->order));
	for (uint32_t i = 0; i < o->n; i++)
		o->rank[o->order[i]] = i;
	free(s->weight);
	free(s);
	return 0;
}

int delta_order_init(struct delta_order *o, const struct imf_groups *groups, size_t base_len,
	size_t image_len, struct err *e)
{
	size_t most = base_len > image_len ? base_len : image_len;
	uint32_t start = 0, len = 0;

	*o = (struct delta_order){.groups = groups};
	for (uint32_t g = 0; g < IMF_GROUPS_MAX; g++)
		o->rank[g] = DELTA_NEVER;
	o->n_units = most / IMF_GROUP_UNIT + 1;
	o->group = malloc(o->n_units * sizeof(*o->group));
	if (o->group == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < o->n_units; i++)
		o->group[i] = DELTA_NO_GROUP;
	for (uint32_t g = 0; imf_group_place(groups, g, &start, &len); g++)
		for (size_t i = start / IMF_GROUP_UNIT;
			i < (start + len) / IMF_GROUP_UNIT && i < o->n_units; i++)
			o->group[i] = (uint16_t)g;
	return 0;
}

void delta_order_done(struct delta_order *o)
{
	free(o->group);
	o->group = NULL;
}

bool delta_order_gone(const struct delta_order *o, uint32_t at, uint32_t from)
{
	uint32_t to = o->group[at / IMF_GROUP_UNIT], g = o->group[from / IMF_GROUP_UNIT];

	return to < IMF_GROUPS_MAX && g < IMF_GROUPS_MAX && o->rank[to] != DELTA_NEVER &&
	       o->rank[g] < o->rank[to];
}

void delta_order_cut(const struct delta_order *o, size_t image_len, struct pieces *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->n; i++) {
		struct piece *x = &p->v[i];
		uint32_t n = 0;

		/* Only the last group has such bytes, so all that is behind the first one goes. */
		while (n < x->len &&
			(x->from + n < image_len || !delta_order_gone(o, x->at + n, x->from + n)))
			n++;
		x->len = n;
		if (n > 0)
			p->v[kept++] = *x;
	}
	p->n = kept;
}

/* ---- groups of a memory ---- */

static int add_group(struct imf_groups *g, uint32_t size, uint32_t *n)
{
	struct imf_group_run *r = g->n_runs > 0 ? &g->runs[g->n_runs - 1] : NULL;

	if (++*n > IMF_GROUPS_MAX)
		return -1;
	if (r == NULL || r->size != size) {
		if (g->n_runs == IMF_GROUP_RUNS_MAX)
			return -1;
		r = &g->runs[g->n_runs++];
		*r = (struct imf_group_run){0, size};
	}
	r->n++;
	return 0;
}

int delta_groups_make(const uint32_t *units, size_t n_units, size_t image_len, uint32_t ram,
	uint32_t target, struct imf_groups *ret, struct err *e)
{
	struct imf_groups g = {0};
	uint32_t size = 0, n = 0;
	uint64_t end = 0;

	for (size_t i = 0; i < n_units && end + size < image_len; i++) {
		if (units[i] == 0 || units[i] % IMF_GROUP_UNIT != 0)
			return err_set(e, ERR_UNSUPPORTED,
				"erase units of %u bytes: in-place deltas need multiples of %u",
				units[i], IMF_GROUP_UNIT);
		/* Units of one size lie together, so that few runs tell it. */
		if (size > 0 && units[i] != units[i - 1]) {
			end += size;
			if (add_group(&g, size, &n) < 0)
				break;
			size = 0;
		}
		size += units[i];
		if (size < target && end + size < image_len)
			continue;
		end += size;
		if (size > g.largest)
			g.largest = size;
		if (add_group(&g, size, &n) < 0)
			break;
		size = 0;
	}
	if (n > IMF_GROUPS_MAX || (end < image_len && g.n_runs == IMF_GROUP_RUNS_MAX))
		return err_set(e, ERR_UNSUPPORTED,
			"the image spans more erase units than an in-place delta can tell");
	if (end < image_len)
		return err_set(e, ERR_NO_FIT, "the image of %zu bytes passes the end of the flash",
			image_len);
	g.journal = IMF_JOURNAL_NEED(g.largest, ram);
	*ret = g;
	return 0;
}
