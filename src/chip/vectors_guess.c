/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vectors_guess.c - which address was a raw binary linked for?
 *
 * The handlers in the vector table bound the base to a window of less than the image's size. Inside
 * it every 256-byte step is a candidate, and three kinds of evidence vote: addresses anywhere in
 * the file that would point to the first instruction of a function, handlers that would be one, and
 * the three words with which GNU start-up code copies .data, which give the base exactly.
 */
#include <stmota/vectors.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/cleanup.h>

#include "vectors_impl.h"

#define STEP         0x100u /* the smallest alignment of a vector table on STM32 with VTOR */
#define FLASH_BASE   0x08000000u
#define PAGE         0x400u       /* the smallest erase unit of nearly all STM32 */
#define HEADER       0x200u       /* the smallest header of a signed image */
#define LEN_MIN      0x40u        /* a table alone proves nothing */
#define LEN_MAX      (16u << 20)  /* no STM32 has more flash */
#define SCAN_MAX     (512u << 10) /* bytes that are looked through for code and pointers */
#define POINTERS_MAX 65536u       /* bounds of time for hostile files */
#define STARTS_MAX   65536u
#define LIST_MAX     2048u /* of one list of starts */
#define EVIDENCE     4u    /* votes of a base that are more than chance; and where ... */
#define EVIDENCE_ODD 24u   /* ... it is no page start, as behind a header of 0x200 bytes */
#define PROOF        16u   /* votes that cannot be chance, if there are also ... */
#define PROOF_RATIO  8u    /* ... so many times those for another base */
#define WEIGHT_LOOP  4u    /* a handler that is "b ." */
#define WEIGHT_COPY  16u   /* a copy descriptor that ends where the file ends */

struct guess {
	const uint8_t *image;
	uint32_t len;
	uint32_t lo, hi; /* first and last candidate */
	uint32_t *votes; /* one for each STEP from lo to hi */
};

/* Handlers among the first 16 words; the others are reserved and may hold anything. */
static const uint8_t handler_words[] = {1, 2, 3, 4, 5, 6, 11, 12, 14, 15};

static uint32_t word_at(const struct guess *g, uint32_t off)
{
	return get_le32(g->image + off);
}

static uint16_t halfword_at(const struct guess *g, uint32_t off)
{
	return get_le16(g->image + off);
}

/* push {..., lr}; push {...}; sub sp, #n; stmdb sp!, {...} */
static bool starts_function(uint16_t op)
{
	return (op & 0xfe00) == 0xb400 || (op & 0xff80) == 0xb080 || op == 0xe92d;
}

static uint32_t distance(uint32_t a, uint32_t b)
{
	return a > b ? a - b : b - a;
}

static void vote(struct guess *g, int64_t base, uint32_t weight)
{
	if (base >= g->lo && base <= g->hi && base % STEP == 0)
		g->votes[(base - g->lo) / STEP] += weight;
}

/* The window of possible bases; false if the first words are no vector table. */
static bool bound(struct guess *g)
{
	uint32_t reset = word_at(g, 4) - 1, low = reset, high = reset;
	uint64_t lo;

	if (!vectors_sp_plausible(word_at(g, 0)))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(handler_words); i++) {
		uint32_t w = word_at(g, handler_words[i] * 4u);
		bool usable = (w & 1) != 0 && distance(w - 1, reset) < g->len;

		/* Reset must be there; NMI and HardFault may have been left out. */
		if (!usable && (handler_words[i] == 1 || (handler_words[i] <= 3 && w != 0)))
			return false;
		if (!usable)
			continue;
		low = w - 1 < low ? w - 1 : low;
		high = w - 1 > high ? w - 1 : high;
	}
	if (low < LEN_MIN)
		return false;
	lo = high >= g->len ? ((uint64_t)high - g->len) / STEP * STEP + STEP : 0;
	/* Nothing is linked across the beginning of an STM32's flash. */
	if (low >= FLASH_BASE && lo < FLASH_BASE)
		lo = FLASH_BASE;
	g->hi = (low - LEN_MIN) / STEP * STEP;
	if (lo > g->hi)
		return false;
	g->lo = (uint32_t)lo;
	return true;
}

static int number_order(const void *va, const void *vb)
{
	uint32_t a = *(const uint32_t *)va, b = *(const uint32_t *)vb;

	return a < b ? -1 : a > b;
}

/* The start of a large file proves as much as all of it. */
static uint32_t scanned(const struct guess *g)
{
	return g->len < SCAN_MAX ? g->len : SCAN_MAX;
}

/* Distinct code addresses (odd) that some candidate could explain, their Thumb bit cleared. */
static size_t collect_pointers(const struct guess *g, uint32_t *v, size_t max)
{
	uint64_t end = (uint64_t)g->hi + g->len;
	uint32_t lo = g->lo, range = (uint32_t)((end < UINT32_MAX ? end : UINT32_MAX) - lo);
	uint32_t up_to = scanned(g);
	size_t n = 0, distinct = 0;

	for (uint32_t off = 4; off + 4 <= up_to && n < max; off += 4) {
		uint32_t w = word_at(g, off);

		/* What is rarely true stands first: it is asked for every word of the file. */
		if (w - lo < range && (w & 1) != 0 && w != lo)
			v[n++] = w - 1;
	}
	qsort(v, n, sizeof(*v), number_order);
	for (size_t i = 0; i < n; i++)
		if (distinct == 0 || v[i] != v[distinct - 1])
			v[distinct++] = v[i];
	return distinct;
}

/* Places where a function begins, as lists by their low 8 bits: a base changes only the others. */
struct starts {
	uint32_t head[STEP], count[STEP]; /* head: index + 1, 0 for an empty list */
	uint32_t n;
	struct {
		uint32_t at, next; /* next: index + 1 */
	} v[];
};

static void collect_starts(const struct guess *g, struct starts *s, uint32_t max)
{
	/* High bytes of what starts_function() takes: most of a file is passed over by a look-up. */
	static const bool maybe[256] = {[0xb0] = true, [0xb4] = true, [0xb5] = true, [0xe9] = true};

	uint32_t up_to = scanned(g);

	for (uint32_t off = LEN_MIN; off + 2 <= up_to && s->n < max; off += 2) {
		if (!maybe[g->image[off + 1]])
			continue;
		if (!starts_function(halfword_at(g, off)) || s->count[off % STEP] == LIST_MAX)
			continue;
		s->count[off % STEP]++;
		s->v[s->n].at = off;
		s->v[s->n].next = s->head[off % STEP];
		s->head[off % STEP] = ++s->n;
	}
}

static int vote_pointers(struct guess *g)
{
	uint32_t max_starts = g->len / 2 < STARTS_MAX ? g->len / 2 : STARTS_MAX;
	uint32_t max_pointers = g->len / 4 < POINTERS_MAX ? g->len / 4 : POINTERS_MAX;
	cleanup_free struct starts *s = calloc(1, sizeof(*s) + max_starts * sizeof(s->v[0]));
	cleanup_free uint32_t *pointers = malloc(max_pointers * sizeof(*pointers));
	size_t n;

	if (s == NULL || pointers == NULL)
		return -1;
	collect_starts(g, s, max_starts);
	n = collect_pointers(g, pointers, max_pointers);
	for (size_t i = 0; i < n; i++)
		for (uint32_t k = s->head[pointers[i] % STEP]; k > 0; k = s->v[k - 1].next)
			vote(g, (int64_t)pointers[i] - s->v[k - 1].at, 1);
	return 0;
}

/* Unused exceptions usually share a handler that loops on itself. */
static void vote_loops(struct guess *g)
{
	uint32_t seen[ARRAY_LEN(handler_words)];
	size_t n_seen = 0;

	for (size_t i = 1; i < ARRAY_LEN(handler_words); i++) {
		uint32_t w = word_at(g, handler_words[i] * 4u);
		bool again = (w & 1) == 0;

		for (size_t k = 0; k < n_seen; k++)
			again = again || seen[k] == w;
		if (again)
			continue;
		seen[n_seen++] = w;
		/* 64 bits: the last candidate may be the last that there is. */
		for (uint64_t base = g->lo; base <= g->hi; base += STEP) {
			uint32_t off = w - 1 - (uint32_t)base;

			if (w > base && off < g->len - 1 && halfword_at(g, off) == 0xe7fe)
				vote(g, (int64_t)base, WEIGHT_LOOP);
		}
	}
}

static bool is_ram(uint32_t w)
{
	return w - 0x10000000 <= 0x30000000 && w % 4 == 0 && vectors_sp_plausible(w + 8);
}

/* Three words of a copy descriptor, in any order: where one of them is the source. */
static void vote_copy_at(struct guess *g, const uint32_t w[3])
{
	for (unsigned i = 0; i < 3; i++) {
		uint32_t source = w[i], start = w[i == 0 ? 1 : 0], end = w[i == 2 ? 1 : 2];
		int64_t base;

		if (!is_ram(start) || !is_ram(end) || source < g->lo || is_ram(source))
			continue;
		if (start >= end || end - start >= g->len)
			continue;
		base = (int64_t)source + (end - start) - g->len;
		for (int64_t pad = 0; pad <= 8; pad += 4)
			vote(g, base + pad, WEIGHT_COPY);
	}
}

/*
 * GNU start-up code has _sidata, _sdata and _edata side by side in a literal pool, in any order:
 * where .data lies in flash, and where it starts and ends in RAM. It is the end of the file, give
 * or take padding.
 */
static void vote_copy(struct guess *g)
{
	/* High bytes of RAM: each word is looked at once, as most of a file is something else. */
	static const bool maybe[256] = {
		[0x10] = true, [0x20] = true, [0x24] = true, [0x30] = true, [0x38] = true};
	const uint8_t *high = g->image + 3;
	uint32_t end = g->len - 3;
	unsigned seen = 0;

	for (uint32_t off = 0x40; off < end; off += 4) {
		uint32_t w[3];
		unsigned in_ram;

		seen = (seen << 1 | maybe[high[off]]) & 7;
		if ((seen & (seen - 1)) == 0 || off < 0x48) /* fewer than two of three */
			continue;
		for (unsigned i = 0; i < 3; i++)
			w[i] = word_at(g, off - 8 + 4 * i);
		in_ram = 4u * is_ram(w[0]) + 2u * is_ram(w[1]) + is_ram(w[2]);
		if (in_ram == 3 || in_ram == 5 || in_ram == 6)
			vote_copy_at(g, w);
	}
}

static uint32_t votes_of(const struct guess *g, uint32_t base)
{
	return g->votes[(base - g->lo) / STEP];
}

/* True if `a` is the likelier base; among equals the start of a larger page. */
static bool better(const struct guess *g, uint32_t a, uint32_t b)
{
	if (votes_of(g, a) != votes_of(g, b))
		return votes_of(g, a) > votes_of(g, b);
	return (a & -a) > (b & -b);
}

/* Puts `base` where it belongs in a list of the best; the last one falls out of a full list. */
static size_t insert(const struct guess *g, uint32_t base, uint32_t *ret, size_t n, size_t max)
{
	size_t at = n;

	while (at > 0 && better(g, base, ret[at - 1]))
		at--;
	if (at == max)
		return n;
	if (n < max)
		n++;
	memmove(&ret[at + 1], &ret[at], (n - 1 - at) * sizeof(*ret));
	ret[at] = base;
	return n;
}

/* Behind a header: as much speaks for it as for any page start, and not clearly less than for another. */
static bool is_header_place(const struct guess *g, uint64_t base, uint32_t most, uint32_t top)
{
	uint32_t votes = votes_of(g, (uint32_t)base);

	return base % PAGE != 0 && votes >= most && (top == 0 || 2 * votes > top);
}

/*
 * Little but the table itself: every page start that it allows, and every place behind a header for
 * which no less speaks, if there are few. Of many, the page starts alone are told, but never one.
 */
static size_t choose_by_table(const struct guess *g, uint32_t *ret, size_t max)
{
	uint64_t first = ((uint64_t)g->lo + HEADER - 1) / HEADER * HEADER;
	size_t pages = 0, n = 0, headers = 0;
	uint32_t most = 0,
		 top = 0; /* votes of the best page start, of the best place behind a header */

	for (uint64_t base = first; base <= g->hi; base += HEADER) {
		uint32_t votes = votes_of(g, (uint32_t)base),
			 *best = base % PAGE == 0 ? &most : &top;

		*best = votes > *best ? votes : *best;
		if (base % PAGE != 0)
			continue;
		if (pages++ == max)
			return 0;
		n = insert(g, (uint32_t)base, ret, n, max);
	}
	for (uint64_t base = first; base <= g->hi; base += HEADER)
		headers += is_header_place(g, base, most, top);
	if (pages + headers > max)
		return pages > 1 ? pages : 0;
	for (uint64_t base = first; base <= g->hi; base += HEADER)
		if (is_header_place(g, base, most, top))
			n = insert(g, (uint32_t)base, ret, n, max);
	return n;
}

/* The best candidates, and only those that the evidence does not clearly put behind the best. */
static size_t choose(const struct guess *g, uint32_t *ret, size_t max)
{
	size_t n = 0, fitting = 0;

	for (uint32_t base = g->lo;; base += STEP) {
		n = insert(g, base, ret, n, max);
		if (base == g->hi)
			break;
	}
	if (votes_of(g, ret[0]) < (ret[0] % PAGE == 0 ? EVIDENCE : EVIDENCE_ODD))
		return choose_by_table(g, ret, max);
	while (fitting < n && votes_of(g, ret[fitting]) * 2 > votes_of(g, ret[0]))
		fitting++;
	return fitting;
}

/* Gathers all votes; false if the image cannot be judged. `g->votes` is the caller's to free. */
static bool gather(struct guess *g, const uint8_t *image, size_t len)
{
	g->image = image;
	if (len < LEN_MIN + 12 || len > LEN_MAX)
		return false;
	g->len = (uint32_t)len;
	if (!bound(g))
		return false;
	g->votes = calloc((g->hi - g->lo) / STEP + 1, sizeof(*g->votes));
	if (g->votes == NULL || vote_pointers(g) < 0)
		return false;
	vote_loops(g);
	vote_copy(g);
	return true;
}

size_t vectors_guess_base(const uint8_t *image, size_t len, uint32_t *ret, size_t max)
{
	struct guess g = {0};
	size_t n = max > 0 && gather(&g, image, len) ? choose(&g, ret, max) : 0;

	free(g.votes);
	return n;
}

bool vectors_linked_elsewhere(const uint8_t *image, size_t len, uint32_t base, uint32_t *ret)
{
	struct guess g = {0};
	bool elsewhere = false;
	uint32_t best[2], own = 0;

	if (gather(&g, image, len) && choose(&g, best, 2) == 1) {
		if (base >= g.lo && base <= g.hi && base % STEP == 0)
			own = votes_of(&g, base);
		elsewhere = best[0] != base && votes_of(&g, best[0]) >= PROOF &&
			    votes_of(&g, best[0]) >= PROOF_RATIO * own;
		*ret = best[0];
	}
	free(g.votes);
	return elsewhere;
}

bool vectors_guess_text(
	const uint8_t *image, size_t len, const char *before, char *ret, size_t size)
{
	uint32_t base[4];
	size_t n = vectors_guess_base(image, len, base, ARRAY_LEN(base));
	size_t at;

	if (n == 0)
		return false;
	at = (size_t)snprintf(ret, size, "the vector table fits %s0x%08" PRIX32, before, base[0]);
	for (size_t i = 1; i < n && at < size; i++)
		at += (size_t)snprintf(ret + at, size - at, " or 0x%08" PRIX32, base[i]);
	if (n > 1 && at < size)
		snprintf(ret + at, size - at, ": which one?");
	return true;
}
