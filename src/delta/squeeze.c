/* SPDX-License-Identifier: Apache-2.0 */
/*
 * squeeze.c - which bytes of an image are copies of earlier ones, for compression without a base
 *
 * A shortest path again, over the halfwords of the image: new bytes at the price the coder would
 * take for them, or a copy along one of the last three distances, or along a new one. Copies are
 * looked for in a view of the image in which calls show where they lead and not how far it is, as
 * the decoder will see them. Prices are in sixteenths of a bit.
 */
#include "delta_priv.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/bytes.h>

#include "imf_patch_priv.h"

enum {
	BIT = 16,
	COST_COPY = 24,  /* to say that a copy follows, and not by a known distance */
	COST_KNOWN = 44, /* by a known one */
	COST_LOW = 18,   /* the lower two bits of a distance */
	COST_UNIT = 2,   /* a halfword copied */
	REPS = 3,
	HASH_BITS = 16,
	DEPTH = 64, /* candidates that are looked at */
	TRIED = 96, /* halfwords: every length up to this is tried */
	LONG = 256, /* halfwords: nothing else is looked for inside of such a copy */
};

#define NOTHING UINT32_MAX

struct step { /* the cheapest way to a halfword */
	uint32_t cost;
	uint32_t src, len;  /* bytes; src NOTHING: a new halfword */
	uint32_t rep[REPS]; /* distances, newest first; 0: none */
};

struct squeeze {
	const uint8_t *view;
	const bool *inside; /* by halfword: the second half of a call */
	uint32_t end;       /* bytes, even */
	struct step *steps; /* by halfword */
	uint32_t *chain;    /* by halfword: the one before with the same hash */
	uint32_t *heads;
};

/* ---- the view ---- */

static uint32_t call_target(uint32_t v, uint32_t at)
{
	uint32_t h = v & 0xFFFF, k = v >> 16, s = h >> 10 & 1;
	uint32_t i1 = ~(k >> 13 ^ s) & 1, i2 = ~(k >> 11 ^ s) & 1;

	return (at + 4 +
		       ((0 - s) << 24 | i1 << 23 | i2 << 22 | (h & 0x3FF) << 12 |
			       (k & 0x7FF) << 1)) &
	       0x1FFFFFF;
}

static void make_view(const struct delta_image *image, uint8_t *view, bool *inside)
{
	memcpy(view, image->data, image->len);
	for (uint32_t at = 0; at + 4 <= image->len; at += 2) {
		uint32_t v = get_le32(image->data + at), to;

		if ((v & 0xFFFF) < 0xE800)
			continue;
		if ((v & 0x9000F800) == 0x9000F000) {
			to = call_target(v, at) >> 1;
			put_le16(view + at, (uint16_t)(0xF000 | to >> 12));
			put_le16(view + at + 2, (uint16_t)((v >> 16 & 0xD000) | (to & 0xFFF)));
			inside[at / 2 + 1] = true;
		}
		at += 2;
	}
}

/* ---- candidates ---- */

static uint32_t hash_of(const uint8_t *p)
{
	return get_le32(p) * 0x9E3779B1u >> (32 - HASH_BITS);
}

/* Equal bytes, a whole number of halfwords and of calls. */
static uint32_t match_len(const struct squeeze *s, uint32_t src, uint32_t at, uint32_t most)
{
	uint32_t n = 0;

	while (n < most && s->view[src + n] == s->view[at + n])
		n++;
	n &= ~1u;
	if (n < most && n > 0 && s->inside[(at + n) / 2])
		n -= 2;
	return n;
}

static uint32_t bits_of(uint32_t v)
{
	uint32_t n = 0;

	for (; v != 0; v >>= 1)
		n++;
	return n;
}

static uint32_t length_cost(uint32_t len)
{
	uint32_t n = bits_of((len - IMF_SELF_MIN) / 2 + 1);

	return (n < 3 ? 2 * n : 2 * n - 1) * BIT + len / 2 * COST_UNIT;
}

static void take(struct squeeze *s, uint32_t at, uint32_t src, uint32_t len, uint32_t cost)
{
	const struct step *from = &s->steps[at / 2];
	struct step *to = &s->steps[(at + len) / 2];
	uint32_t by = at - src, i = 0;

	if (to->cost <= cost)
		return;
	*to = (struct step){cost, src, len, {by, from->rep[0], from->rep[1]}};
	while (i < REPS - 1 && from->rep[i] != by)
		i++;
	for (uint32_t k = 1; k < REPS; k++)
		to->rep[k] = from->rep[k <= i ? k - 1 : k];
}

static void take_all(struct squeeze *s, uint32_t at, uint32_t src, uint32_t len, uint32_t cost)
{
	uint32_t most = len < 2 * TRIED ? len : 2 * TRIED, n;

	cost += s->steps[at / 2].cost;
	for (n = IMF_SELF_MIN; n <= most; n += 2)
		if (at + n == s->end || !s->inside[(at + n) / 2])
			take(s, at, src, n, cost + length_cost(n));
	if (len > most)
		take(s, at, src, len, cost + length_cost(len));
}

/* Returns the longest copy found. */
static uint32_t try_copies(struct squeeze *s, uint32_t at)
{
	const struct step *here = &s->steps[at / 2];
	uint32_t most = s->end - at, longest = 0, best = 0, src, n;

	for (int i = 0; i < REPS; i++) {
		if (here->rep[i] == 0 || here->rep[i] > at)
			continue;
		n = match_len(s, at - here->rep[i], at, most);
		if (n >= IMF_SELF_MIN)
			take_all(s, at, at - here->rep[i], n, COST_KNOWN);
		longest = n > longest ? n : longest;
	}
	src = s->heads[hash_of(s->view + at)];
	for (int i = 0; i < DEPTH && src != NOTHING; i++, src = s->chain[src / 2]) {
		if (at - src < IMF_SELF_MIN)
			continue;
		/* Farther away is dearer: only what is longer helps. */
		if (best > 0 && (best >= most || s->view[src + best] != s->view[at + best]))
			continue;
		n = match_len(s, src, at, most);
		if (n <= best || n < IMF_SELF_MIN)
			continue;
		best = n;
		take_all(
			s, at, src, n, COST_COPY + COST_LOW + (2 + bits_of((at - src) >> 2)) * BIT);
	}
	return longest > best ? longest : best;
}

static void note_place(struct squeeze *s, uint32_t at)
{
	uint32_t *head;

	if (s->end - at < 4)
		return;
	head = &s->heads[hash_of(s->view + at)];
	s->chain[at / 2] = *head;
	*head = at;
}

static void find_way(struct squeeze *s, const uint16_t *fresh)
{
	uint32_t at, until = 0;

	for (at = 0; at <= s->end; at += 2)
		s->steps[at / 2].cost = UINT32_MAX;
	s->steps[0] = (struct step){.src = NOTHING};
	for (at = 0; at < s->end; at += 2) {
		struct step *here = &s->steps[at / 2], *next = here + 1;
		uint32_t cost = here->cost + fresh[at / 2];

		if (here->cost == UINT32_MAX)
			goto noted; /* inside of a long copy */
		if (cost < next->cost) {
			*next = *here;
			next->cost = cost;
			next->src = NOTHING;
			next->len = 2;
		}
		if (at >= until && s->end - at >= IMF_SELF_MIN && !s->inside[at / 2]) {
			uint32_t n = try_copies(s, at);

			if (n >= 2 * LONG)
				until = at + n;
		}
	noted:
		note_place(s, at);
	}
}

/* ---- pieces ---- */

static int collect(const struct squeeze *s, struct pieces *ret, struct err *e)
{
	uint32_t at;
	size_t n = 0;

	for (at = s->end; at > 0; at -= s->steps[at / 2].len)
		n += s->steps[at / 2].src != NOTHING;
	ret->v = calloc(n + 1, sizeof(*ret->v));
	if (ret->v == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	ret->n = n;
	for (at = s->end; at > 0; at -= s->steps[at / 2].len) {
		const struct step *x = &s->steps[at / 2];

		if (x->src != NOTHING)
			ret->v[--n] = (struct piece){at - x->len, x->src, x->len};
	}
	return 0;
}

int delta_squeeze(
	const struct delta_image *image, const uint16_t *fresh, struct pieces *ret, struct err *e)
{
	size_t halves = image->len / 2 + 1, i;
	uint8_t *view = malloc(image->len + 1);
	bool *inside = calloc(halves + 1, sizeof(*inside));
	struct squeeze s = {
		.view = view,
		.inside = inside,
		.end = (uint32_t)image->len & ~1u,
		.steps = malloc(halves * sizeof(*s.steps)),
		.chain = malloc(halves * sizeof(*s.chain)),
		.heads = malloc(sizeof(*s.heads) << HASH_BITS),
	};
	int rc;

	if (view == NULL || inside == NULL || s.steps == NULL || s.chain == NULL ||
		s.heads == NULL) {
		rc = err_set(e, ERR_NOMEM, "out of memory");
	} else {
		for (i = 0; i < (size_t)1 << HASH_BITS; i++)
			s.heads[i] = NOTHING;
		make_view(image, view, inside);
		find_way(&s, fresh);
		rc = collect(&s, ret, e);
	}
	free(s.heads);
	free(s.chain);
	free(s.steps);
	free(inside);
	free(view);
	return rc;
}
