/* SPDX-License-Identifier: Apache-2.0 */
/*
 * match.c - which bytes of the new image come from where in the base
 *
 * A shortest path. At every halfword of the new image a few *lines* are alive: constant distances
 * between new and base along which bytes are copied. Going on along a line costs little where the
 * blanked images agree and about what a miss costs where not; new bytes and changing the line have
 * prices too. New lines come from the suffix array of the blanked base. The prices are those of
 * the coder, measured over many images, in sixteenths of a bit.
 *
 * A second pass knows from the first where code has moved, and so which targets will be guessed.
 */
#include "delta_priv.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <divsufsort.h>
#include <stmota/bytes.h>

enum {
	BIT = 16,
	COST_EQUAL = 1,        /* a halfword as in the base */
	COST_TARGET = 2,       /* its target moved as expected */
	COST_LIKELY = 24,      /* equal when blanked, target not known */
	COST_LIKELY_FIRST = 4, /* the same in the first pass */
	COST_TARGET_MISS = 9 * BIT,
	COST_MISS = 16 * BIT,
	COST_MISS_AGAIN = 12 * BIT,
	COST_NEW = 11 * BIT, /* a halfword out of nothing */
	COST_NEW_FIRST = 2 * BIT,
	COST_LINE = 16 * BIT,   /* a new line, plus a bit for each bit of its distance */
	COST_RETURN = 14 * BIT, /* one of the last three lines */
	COST_LINE_MAX = 36 * BIT,
	MATCH_MIN = 6, /* bytes */
	MATCH_MAX = 400,
	NEIGHBOURS = 6, /* looked at on either side in the suffix array */
	LINES_MAX = 64,
	SETTLED = 24, /* halfwords in a row: no search for better lines */
	REPS = 3,
	REP_SEARCH = 64,   /* choices to walk back */
	PIECE_MAPPED = 16, /* bytes; shorter ones do not tell where code moved */
	PASSES = 2,
	CHOICES_KEPT = 1 << 20, /* fewer are not worth the sweeping */
};

#define NO_LINE INT32_MIN

struct choice { /* from `at` on along `line`, decided after `before` */
	uint32_t at;
	int32_t line; /* base offset minus new offset, NO_LINE: new bytes */
	uint32_t before;
};

struct line {
	int32_t line;
	uint32_t cost, choice, settled;
};

struct matcher {
	const struct delta_image *base, *image;
	uint8_t *base_blank, *image_blank;
	int32_t *suffixes;
	uint32_t *base_targets, *image_targets;
	uint32_t
		*moved; /* where the targets of the base lie in the new image; first pass: unused */
	bool second;
	const struct delta_order *order; /* NULL: the base stays */
	struct choice *choices;
	size_t n_choices, cap, sweep_at;
	bool out_of_memory;
	struct line lines[LINES_MAX + REPS];
	size_t n_lines;
	int32_t reps[REPS]; /* of the cheapest way so far */
	size_t n_reps;
};

/* ---- choices ---- */

static uint32_t add_choice(struct matcher *m, uint32_t at, int32_t line, uint32_t before)
{
	if (m->n_choices == m->cap) {
		size_t cap = m->cap == 0 ? 65536 : m->cap * 2;
		struct choice *v = realloc(m->choices, cap * sizeof(*v));

		if (v == NULL) {
			m->out_of_memory = true;
			return before;
		}
		m->choices = v;
		m->cap = cap;
	}
	m->choices[m->n_choices] = (struct choice){at, line, before};
	return (uint32_t)m->n_choices++;
}

static void keep_way(const struct matcher *m, uint32_t *kept, uint32_t choice)
{
	while (kept[choice] == 0) {
		kept[choice] = 1;
		choice = m->choices[choice].before;
	}
}

/*
 * Choices that are on no way any more are forgotten; in noise there would be tens of millions. The
 * others keep their order, so that each comes after the one before it.
 */
static void sweep(struct matcher *m, uint32_t *fresh)
{
	uint32_t *now = calloc(m->n_choices, sizeof(*now)), n = 0; /* new index + 1 */

	if (now == NULL) {
		m->out_of_memory = true;
		return;
	}
	keep_way(m, now, *fresh);
	for (size_t i = 0; i < m->n_lines; i++)
		keep_way(m, now, m->lines[i].choice);
	for (size_t i = 0; i < m->n_choices; i++) {
		struct choice c = m->choices[i];

		if (now[i] == 0)
			continue;
		now[i] = n + 1;
		m->choices[n++] = (struct choice){c.at, c.line, now[c.before] - 1};
	}
	*fresh = now[*fresh] - 1;
	for (size_t i = 0; i < m->n_lines; i++)
		m->lines[i].choice = now[m->lines[i].choice] - 1;
	free(now);
	m->n_choices = n;
	m->sweep_at = n < CHOICES_KEPT / 2 ? CHOICES_KEPT : 2 * (size_t)n;
}

/* The last different lines on the way that ends in `choice`. */
static void find_reps(struct matcher *m, uint32_t choice)
{
	m->n_reps = 0;
	for (int steps = 0; steps < REP_SEARCH && m->n_reps < REPS; steps++) {
		const struct choice *c = &m->choices[choice];
		size_t i = 0;

		while (i < m->n_reps && m->reps[i] != c->line)
			i++;
		if (i == m->n_reps && c->line != NO_LINE)
			m->reps[m->n_reps++] = c->line;
		if (c->before == choice)
			return;
		choice = c->before;
	}
}

static uint32_t line_cost(const struct matcher *m, int32_t line)
{
	uint32_t far = (uint32_t)m->base->len, bits = 0;

	for (size_t i = 0; i < m->n_reps; i++)
		if (m->reps[i] == line)
			return COST_RETURN;
	if (m->n_reps > 0)
		far = (uint32_t)abs(line - m->reps[0]);
	for (; far != 0; far >>= 1)
		bits++;
	return COST_LINE + bits * BIT;
}

/* ---- the suffix array ---- */

static uint32_t match_len(const struct matcher *m, uint32_t from, uint32_t at, uint32_t most)
{
	uint32_t n = 0;

	while (n < most && from + n < m->base->len && at + n < m->image->len &&
		m->base_blank[from + n] == m->image_blank[at + n])
		n++;
	return n;
}

/* Index of the first suffix that is not below the new image from `at` on. */
static uint32_t lower_bound(const struct matcher *m, uint32_t at)
{
	uint32_t low = 0, high = (uint32_t)m->base->len;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2, from = (uint32_t)m->suffixes[mid];
		uint32_t n = match_len(m, from, at, MATCH_MAX);

		if (n == MATCH_MAX)
			return mid;
		if (from + n < m->base->len &&
			(at + n >= m->image->len ||
				m->base_blank[from + n] >= m->image_blank[at + n]))
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

/* ---- lines ---- */

static void offer(
	struct matcher *m, uint32_t at, int32_t line, uint32_t cost, uint32_t before, size_t most)
{
	size_t i, worst = 0;

	for (i = 0; i < m->n_lines; i++) {
		if (m->lines[i].line == line) {
			if (m->lines[i].cost > cost)
				m->lines[i] = (struct line){
					line, cost, add_choice(m, at, line, before), 0};
			return;
		}
		if (m->lines[i].cost > m->lines[worst].cost)
			worst = i;
	}
	if (m->n_lines < most)
		worst = m->n_lines++;
	else if (m->lines[worst].cost <= cost)
		return;
	m->lines[worst] = (struct line){line, cost, add_choice(m, at, line, before), 0};
}

static void offer_matches(struct matcher *m, uint32_t at, uint32_t cost, uint32_t before)
{
	uint32_t found = lower_bound(m, at), i;
	uint32_t first = found < NEIGHBOURS ? 0 : found - NEIGHBOURS;

	for (i = first; i < m->base->len && i <= found + NEIGHBOURS; i++) {
		uint32_t from = (uint32_t)m->suffixes[i];
		int32_t line = (int32_t)from - (int32_t)at;

		if (match_len(m, from, at, MATCH_MIN) >= MATCH_MIN)
			offer(m, at, line, cost + line_cost(m, line), before, LINES_MAX);
	}
}

static void offer_known(struct matcher *m, uint32_t at, uint32_t cost, uint32_t before)
{
	size_t i;

	for (i = 0; i < m->n_reps; i++) {
		int64_t from = (int64_t)at + m->reps[i];

		if (from >= 0 && from < (int64_t)m->base->len &&
			match_len(m, (uint32_t)from, at, 4) >= 4)
			offer(m, at, m->reps[i], cost + COST_RETURN, before, LINES_MAX + REPS);
	}
	for (i = 0; i < m->n_lines; i++) {
		struct line *l = &m->lines[i];
		uint32_t c;

		if (l->cost <= cost + COST_RETURN)
			continue;
		c = cost + line_cost(m, l->line);
		if (c < l->cost)
			*l = (struct line){l->line, c, add_choice(m, at, l->line, before), 0};
	}
}

/* What the halfword at `at` costs when it comes from `from`. */
static uint32_t halfword_cost(
	const struct matcher *m, const struct line *l, uint32_t from, uint32_t at)
{
	const uint8_t *b = m->base->data + from, *n = m->image->data + at;
	bool equal = b[0] == n[0] && b[1] == n[1];

	if (m->base_blank[from] != m->image_blank[at] ||
		m->base_blank[from + 1] != m->image_blank[at + 1] ||
		(m->order != NULL && delta_order_gone(m->order, at, from)))
		return l->settled > 0 ? COST_MISS : COST_MISS_AGAIN;
	if (m->second && from % 2 == 0 && m->image_targets[at / 2] != DELTA_NOWHERE) {
		bool wide = get_le16(n) >= 0xE800 && at + 4 <= m->image->len;

		if (m->moved[from / 2] == m->image_targets[at / 2])
			return COST_TARGET;
		if (equal && (!wide || (from + 4 <= m->base->len && memcmp(b, n, 4) == 0)))
			return COST_TARGET;
		return COST_TARGET_MISS;
	}
	if (equal)
		return COST_EQUAL;
	return m->second ? COST_LIKELY : COST_LIKELY_FIRST;
}

/* All lines go on by a halfword; those that cannot win any more end. */
static void advance(struct matcher *m, uint32_t at, uint32_t best)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->n_lines; i++) {
		struct line l = m->lines[i];
		int64_t from = (int64_t)at + l.line;
		uint32_t cost;

		if (from < 0 || from + 2 > (int64_t)m->base->len)
			continue;
		cost = halfword_cost(m, &l, (uint32_t)from, at);
		l.settled = cost >= COST_TARGET_MISS ? 0 : l.settled + 1;
		l.cost += cost;
		if (l.cost < best + COST_LINE_MAX + 2 * COST_MISS)
			m->lines[kept++] = l;
	}
	m->n_lines = kept;
}

/* Returns the choice in which the cheapest way ends. */
static uint32_t find_way(struct matcher *m)
{
	uint32_t end = (uint32_t)m->image->len & ~1u, start, fresh, fresh_cost = 0, at;
	uint32_t best, choice, settled;

	m->n_choices = 0;
	m->sweep_at = CHOICES_KEPT;
	start = fresh = add_choice(m, 0, NO_LINE, 0);
	m->lines[0] = (struct line){0, COST_LINE / 4, add_choice(m, 0, 0, start), 0};
	m->n_lines = 1;
	for (at = 0;; at += 2) {
		if (m->n_choices >= m->sweep_at)
			sweep(m, &fresh);
		best = fresh_cost;
		choice = fresh;
		settled = 0;
		for (size_t i = 0; i < m->n_lines; i++) {
			if (m->lines[i].cost >= best)
				continue;
			best = m->lines[i].cost;
			choice = m->lines[i].choice;
			settled = m->lines[i].settled;
		}
		if (at >= end || m->out_of_memory)
			return choice;
		if (settled < SETTLED) {
			find_reps(m, choice);
			offer_matches(m, at, best, choice);
			offer_known(m, at, best, choice);
		}
		if (best + COST_NEW_FIRST < fresh_cost) {
			fresh_cost = best + COST_NEW_FIRST;
			fresh = add_choice(m, at, NO_LINE, choice);
		}
		fresh_cost += COST_NEW;
		advance(m, at, best);
	}
}

/* ---- pieces ---- */

static int collect(struct matcher *m, uint32_t choice, struct pieces *ret, struct err *e)
{
	uint32_t end = (uint32_t)m->image->len, i = choice;
	size_t n = 0, k;

	for (;; i = m->choices[i].before) {
		n++;
		if (m->choices[i].before == i)
			break;
	}
	ret->v = calloc(n, sizeof(*ret->v));
	if (ret->v == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	k = n;
	for (i = choice;; i = m->choices[i].before) {
		const struct choice *c = &m->choices[i];
		uint32_t from = c->at + (uint32_t)c->line, last = end;

		/* An odd last byte may lie behind the base. */
		if (c->line != NO_LINE && last - c->at > m->base->len - from)
			last = c->at + (uint32_t)(m->base->len - from);
		if (c->line != NO_LINE && last > c->at)
			ret->v[--k] = (struct piece){c->at, from, last - c->at};
		end = c->at;
		if (c->before == i)
			break;
	}
	ret->n = 0;
	for (; k < n; k++) {
		struct piece *p = ret->n > 0 ? &ret->v[ret->n - 1] : NULL;

		if (p != NULL && p->at + p->len == ret->v[k].at &&
			p->from + p->len == ret->v[k].from)
			p->len += ret->v[k].len;
		else
			ret->v[ret->n++] = ret->v[k];
	}
	return 0;
}

/* From the pieces of the first pass: where everything in the base has gone. Longest piece wins. */
static int learn_moves(struct matcher *m, const struct pieces *p, struct err *e)
{
	size_t len = m->base->len;
	uint32_t *to = malloc((len + 1) * sizeof(*to)), *by = calloc(len + 1, sizeof(*by));

	if (to != NULL && by != NULL) {
		memset(to, 0xFF, (len + 1) * sizeof(*to));
		for (size_t i = 0; i < p->n; i++) {
			const struct piece *x = &p->v[i];

			for (uint32_t k = 0; x->len >= PIECE_MAPPED && k < x->len; k++) {
				if (by[x->from + k] >= x->len)
					continue;
				by[x->from + k] = x->len;
				to[x->from + k] = x->at + k;
			}
		}
		for (size_t i = 0; i < len / 2; i++)
			m->moved[i] = m->base_targets[i] < len ? to[m->base_targets[i]]
							       : DELTA_NOWHERE - 1;
	}
	free(by);
	free(to);
	return to != NULL && by != NULL ? 0 : err_set(e, ERR_NOMEM, "out of memory");
}

static int prepare(struct matcher *m, struct err *e)
{
	size_t base = m->base->len, image = m->image->len, span = base > image ? base : image;

	m->base_blank = malloc(base + 1);
	m->image_blank = malloc(image + 1);
	m->suffixes = malloc((base + 1) * sizeof(*m->suffixes));
	m->base_targets = malloc((base / 2 + 1) * sizeof(uint32_t));
	m->image_targets = malloc((image / 2 + 1) * sizeof(uint32_t));
	m->moved = malloc((base / 2 + 1) * sizeof(uint32_t));
	if (m->base_blank == NULL || m->image_blank == NULL || m->suffixes == NULL ||
		m->base_targets == NULL || m->image_targets == NULL || m->moved == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	delta_blank(m->base, span, m->base_blank);
	delta_blank(m->image, span, m->image_blank);
	delta_targets(m->base, span, m->base_targets);
	delta_targets(m->image, span, m->image_targets);
	if (base > 0 && divsufsort(m->base_blank, m->suffixes, (saidx_t)base) != 0)
		return err_set(e, ERR_NOMEM, "out of memory");
	return 0;
}

/* The passes; the last one once more when it is known what is gone when. */
int delta_match(const struct delta_image *base, const struct delta_image *image,
	struct delta_order *order, struct pieces *ret, struct err *e)
{
	struct matcher *m = calloc(1, sizeof(*m));
	struct pieces p = {NULL, 0};
	int rc;

	if (m == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	m->base = base;
	m->image = image;
	rc = prepare(m, e);
	for (int pass = 0; rc == 0 && base->len > 0 && pass < PASSES + (order != NULL); pass++) {
		uint32_t choice;

		m->second = pass > 0;
		if (pass == PASSES) {
			rc = delta_order_choose(order, base, image, &p, e);
			m->order = order;
			if (rc < 0)
				break;
		}
		if (m->second)
			rc = learn_moves(m, &p, e);
		if (rc < 0)
			break;
		choice = find_way(m);
		free(p.v);
		p.v = NULL;
		rc = m->out_of_memory ? err_set(e, ERR_NOMEM, "out of memory")
				      : collect(m, choice, &p, e);
	}
	free(m->choices);
	free(m->moved);
	free(m->image_targets);
	free(m->base_targets);
	free(m->suffixes);
	free(m->image_blank);
	free(m->base_blank);
	free(m);
	if (rc < 0) {
		free(p.v);
		return rc;
	}
	*ret = p;
	return 0;
}
