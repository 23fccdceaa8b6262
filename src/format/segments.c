/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segments.c - the sorted list of pieces behind segments.h
 *
 * Two ways in: segments_add() for a few pieces, segments_join() for the thousands of records of a
 * text format. The second one exists because a hostile file may bring its records in the order
 * that is worst for a sorted list; sorting once keeps that cheap.
 */
#include <stmota/segments.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static uint64_t segment_end(const struct segment *g)
{
	return (uint64_t)g->addr + g->len;
}

/* Index of the first segment that ends at or behind `addr`. */
static size_t first_reaching(const struct segments *s, uint64_t addr)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (segment_end(&s->v[mid]) < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int no_memory(struct err *e)
{
	return err_set(e, ERR_NOMEM, "out of memory");
}

static int differs(struct err *e, uint64_t addr)
{
	err_set(e, ERR_FORMAT, "two different bytes for address 0x%08X", (unsigned)addr);
	return err_at(e, (uint32_t)addr);
}

/* Compares two ranges of which `b` begins inside `a`; true and the first address if they differ. */
static bool find_difference(uint64_t a_addr, const uint8_t *a, uint64_t a_len, uint64_t b_addr,
	const uint8_t *b, uint64_t b_len, uint64_t *ret)
{
	uint64_t from = a_addr > b_addr ? a_addr : b_addr;
	uint64_t a_end = a_addr + a_len, b_end = b_addr + b_len;
	uint64_t to = a_end < b_end ? a_end : b_end;

	if (from >= to || memcmp(a + (from - a_addr), b + (from - b_addr), to - from) == 0)
		return false;
	while (a[from - a_addr] == b[from - b_addr])
		from++;
	*ret = from;
	return true;
}

static int reserve_items(struct segments *s, struct err *e)
{
	size_t cap = s->cap > 0 ? s->cap * 2 : 8;
	struct segment *v;

	if (s->n < s->cap)
		return 0;
	v = realloc(s->v, cap * sizeof(*v));
	if (v == NULL)
		return no_memory(e);
	s->v = v;
	s->cap = cap;
	return 0;
}

static int reserve_bytes(struct segment *g, uint64_t len, struct err *e)
{
	size_t cap = g->cap > 0 ? g->cap : 64;
	uint8_t *data;

	if (len <= g->cap)
		return 0;
	while (cap < len)
		cap *= 2;
	data = realloc(g->data, cap);
	if (data == NULL)
		return no_memory(e);
	g->data = data;
	g->cap = cap;
	return 0;
}

static int insert_new(
	struct segments *s, size_t at, uint32_t addr, const void *data, uint32_t len, struct err *e)
{
	struct segment g = {.addr = addr, .len = len};
	int rc;

	rc = reserve_items(s, e);
	if (rc < 0)
		return rc;
	rc = reserve_bytes(&g, len, e);
	if (rc < 0)
		return rc;
	memcpy(g.data, data, len);
	memmove(&s->v[at + 1], &s->v[at], (s->n - at) * sizeof(g));
	s->v[at] = g;
	s->n++;
	return 0;
}

/* Puts the new bytes and the segments [from, to), which touch them, into one. */
static int merge(struct segments *s, size_t from, size_t to, uint32_t addr, const void *data,
	uint32_t len, struct err *e)
{
	struct segment *first = &s->v[from];
	uint32_t start = addr < first->addr ? addr : first->addr;
	uint64_t end = segment_end(&s->v[to - 1]);
	struct segment g = {.addr = start};
	int rc;

	if (end < (uint64_t)addr + len)
		end = (uint64_t)addr + len;
	if (end - start > UINT32_MAX)
		return err_set(e, ERR_FORMAT, "the image fills all 4 GiB of the address space");
	if (to == from + 1 && start == first->addr) { /* the usual case: more of the same */
		rc = reserve_bytes(first, end - start, e);
		if (rc < 0)
			return rc;
		memcpy(first->data + (addr - start), data, len);
		first->len = (uint32_t)(end - start);
		return 0;
	}
	rc = reserve_bytes(&g, end - start, e);
	if (rc < 0)
		return rc;
	g.len = (uint32_t)(end - start);
	memcpy(g.data + (addr - start), data, len);
	for (size_t i = from; i < to; i++) {
		memcpy(g.data + (s->v[i].addr - start), s->v[i].data, s->v[i].len);
		free(s->v[i].data);
	}
	*first = g;
	memmove(first + 1, &s->v[to], (s->n - to) * sizeof(g));
	s->n -= to - from - 1;
	return 0;
}

int segments_add(struct segments *s, uint32_t addr, const void *data, uint32_t len, struct err *e)
{
	uint64_t end = (uint64_t)addr + len, where;
	size_t from, to;

	if (len == 0)
		return 0;
	if (end > (uint64_t)1 << 32)
		return err_set(e, ERR_FORMAT,
			"%u bytes at 0x%08X pass the end of the address space", (unsigned)len,
			(unsigned)addr);
	from = first_reaching(s, addr);
	for (to = from; to < s->n && s->v[to].addr <= end; to++)
		if (find_difference(
			    s->v[to].addr, s->v[to].data, s->v[to].len, addr, data, len, &where))
			return differs(e, where);
	if (from == to)
		return insert_new(s, from, addr, data, len, e);
	return merge(s, from, to, addr, data, len, e);
}

int segments_take(struct segments *s, uint32_t addr, struct buf *b, struct err *e)
{
	int rc;

	assert(s->n == 0);
	if (b->len == 0 || (uint64_t)addr + b->len > (uint64_t)1 << 32)
		return err_set(e, ERR_FORMAT, "%zu bytes at 0x%08X are no part of memory", b->len,
			(unsigned)addr);
	rc = reserve_items(s, e);
	if (rc < 0)
		return rc;
	s->v[s->n++] = (struct segment){addr, (uint32_t)b->len, b->data, b->cap};
	*b = BUF_INIT;
	return 0;
}

static int piece_order(const void *va, const void *vb)
{
	const struct segments_piece *a = va, *b = vb;

	if (a->addr != b->addr)
		return a->addr < b->addr ? -1 : 1;
	return a->len < b->len ? -1 : a->len > b->len;
}

/* Joins v[0..n), sorted and each touching what lies before it, into one new segment. */
static int join_run(
	struct segments *s, const struct segments_piece *v, size_t n, uint64_t end, struct err *e)
{
	struct segment g = {.addr = v[0].addr};
	uint64_t where;
	int rc;

	if (end - g.addr > UINT32_MAX)
		return err_set(e, ERR_FORMAT, "the image fills all 4 GiB of the address space");
	rc = reserve_items(s, e);
	if (rc < 0)
		return rc;
	g.cap = (size_t)(end - g.addr);
	g.data = malloc(g.cap);
	if (g.data == NULL)
		return no_memory(e);
	s->v[s->n++] = g;
	for (size_t i = 0; i < n; i++) {
		uint64_t filled = g.addr + (uint64_t)g.len;
		uint64_t piece_end = (uint64_t)v[i].addr + v[i].len;

		if (find_difference(g.addr, g.data, g.len, v[i].addr, v[i].data, v[i].len, &where))
			return differs(e, where);
		if (piece_end <= filled)
			continue;
		memcpy(g.data + g.len, v[i].data + (filled - v[i].addr), piece_end - filled);
		g.len = (uint32_t)(piece_end - g.addr);
	}
	s->v[s->n - 1].len = g.len;
	return 0;
}

int segments_join(struct segments *s, struct segments_piece *v, size_t n, struct err *e)
{
	size_t start = 0;

	if (n > 1)
		qsort(v, n, sizeof(*v), piece_order);
	while (start < n) {
		uint64_t end = (uint64_t)v[start].addr + v[start].len;
		size_t next = start + 1;
		int rc;

		for (; next < n && v[next].addr <= end; next++)
			if ((uint64_t)v[next].addr + v[next].len > end)
				end = (uint64_t)v[next].addr + v[next].len;
		if (end > v[start].addr) {
			rc = join_run(s, &v[start], next - start, end, e);
			if (rc < 0) {
				segments_done(s);
				return rc;
			}
		}
		start = next;
	}
	return 0;
}

static uint32_t walk(const struct segments *s, struct span range, uint8_t *dst, bool mask)
{
	uint64_t end = span_end(range);
	uint32_t count = 0;

	for (size_t i = first_reaching(s, range.addr); i < s->n && s->v[i].addr < end; i++) {
		const struct segment *g = &s->v[i];
		uint64_t from = g->addr > range.addr ? g->addr : range.addr;
		uint64_t to = segment_end(g) < end ? segment_end(g) : end;

		if (from >= to)
			continue;
		if (mask)
			memset(dst + (from - range.addr), 1, to - from);
		else
			memcpy(dst + (from - range.addr), g->data + (from - g->addr), to - from);
		count += (uint32_t)(to - from);
	}
	return count;
}

uint32_t segments_copy(const struct segments *s, struct span range, uint8_t *dst)
{
	return walk(s, range, dst, false);
}

uint32_t segments_mask(const struct segments *s, struct span range, uint8_t *mask)
{
	return walk(s, range, mask, true);
}

const struct segment *segments_at(const struct segments *s, uint32_t addr)
{
	size_t i = first_reaching(s, (uint64_t)addr + 1);

	return i < s->n && s->v[i].addr <= addr ? &s->v[i] : NULL;
}

uint64_t segments_size(const struct segments *s)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s->n; i++)
		sum += s->v[i].len;
	return sum;
}

struct span segments_extent(const struct segments *s)
{
	uint64_t len;

	if (s->n == 0)
		return (struct span){0};
	len = segment_end(&s->v[s->n - 1]) - s->v[0].addr;
	if (len > UINT32_MAX)
		len = UINT32_MAX;
	return (struct span){s->v[0].addr, (uint32_t)len};
}

struct segments segments_move(struct segments *s)
{
	struct segments given = *s;

	*s = SEGMENTS_INIT;
	return given;
}

void segments_done(struct segments *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i].data);
	free(s->v);
	*s = SEGMENTS_INIT;
}

int segments_shift(const struct segments *s, uint32_t by, struct segments *ret, struct err *e)
{
	cleanup_segments struct segments copy = SEGMENTS_INIT;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < s->n; i++)
		rc = segments_add(&copy, s->v[i].addr + by, s->v[i].data, s->v[i].len, e);
	if (rc == 0)
		*ret = segments_move(&copy);
	return rc;
}
