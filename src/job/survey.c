/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/survey.h>

#include <stdlib.h>
#include <string.h>

#include <stmota/cleanup.h>
#include <stmota/crc.h>
#include <stmota/signals.h>

#define PIECE     256 /* bytes read at once: one Read Memory command */
#define SAMPLE    16  /* bytes that are enough to see that two programs differ */
#define N_SAMPLES 4

#define CMD_CHECKSUM 0xA1

struct pass {
	const struct survey_request *rq;
	struct survey *s;
	uint8_t erased;
	uint64_t done, total; /* bytes, for progress */
};

/* ---- building: what shall be there ---- */

static bool in_saved(const struct survey_request *rq, uint32_t addr)
{
	for (size_t i = 0; rq->saved != NULL && i < rq->saved->n; i++)
		if (rq->saved->units[i].addr == addr)
			return true;
	return false;
}

static bool any_overlap(const struct span *list, size_t n, struct span with)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].len > 0 && span_overlaps(list[i], with))
			return true;
	return false;
}

static int unit_fill(struct pass *p, struct survey_unit *u, struct err *e)
{
	const struct survey_request *rq = p->rq;
	struct span at = {u->unit.addr, u->unit.size};

	memset(u->want, p->erased, at.len);
	if (rq->saved != NULL && in_saved(rq, at.addr)) {
		segments_copy(&rq->saved->bytes, at, u->want);
		segments_mask(&rq->saved->bytes, at, u->what);
		for (uint32_t i = 0; i < at.len; i++)
			if (u->what[i] != BYTE_FREE)
				u->what[i] = BYTE_KEPT;
	}
	segments_copy(rq->image, at, u->want);
	segments_mask(rq->image, at, u->what);
	for (uint32_t i = 0; i < at.len; i++)
		u->kept += u->what[i] == BYTE_KEPT;
	u->suspect = any_overlap(rq->suspects, rq->n_suspects, at);
	for (size_t i = 0; i < rq->n_heads; i++)
		if (rq->heads[i] - at.addr < at.len)
			u->is_head = true;
	return 0;
}

/* Units that follow each other on the device do so in memory: writes may go across their border. */
int survey_make_room(struct survey *s, struct err *e)
{
	size_t total = 0, at = 0;

	for (size_t i = 0; i < s->n; i++)
		total += s->units[i].unit.size;
	s->bytes = calloc(2, total);
	if (s->bytes == NULL && total > 0)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < s->n; i++) {
		s->units[i].want = s->bytes + at;
		s->units[i].what = s->bytes + total + at;
		at += s->units[i].unit.size;
	}
	return 0;
}

static bool unit_touched(const struct survey_request *rq, const struct erase_unit *unit)
{
	struct span at = {unit->addr, unit->size};

	for (size_t i = 0; i < rq->image->n; i++)
		if (span_overlaps(at, (struct span){rq->image->v[i].addr, rq->image->v[i].len}))
			return true;
	return in_saved(rq, unit->addr);
}

static int build(struct pass *p, struct err *e)
{
	const struct geometry *g = p->rq->geometry;
	struct survey *s = p->s;
	int rc;

	s->units = calloc(g->n_units, sizeof(*s->units));
	if (s->units == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (uint32_t i = 0; i < g->n_units; i++) {
		struct erase_unit unit = geometry_unit(g, i);

		if (unit_touched(p->rq, &unit))
			s->units[s->n++].unit = unit;
	}
	rc = survey_make_room(s, e);
	for (size_t i = 0; rc == 0 && i < s->n; i++)
		rc = unit_fill(p, &s->units[i], e);
	return rc;
}

/* ---- comparing ---- */

static void progress(struct pass *p, uint64_t bytes)
{
	struct event ev = {.type = EVENT_PROGRESS, .phase = "compare", .total = p->total};

	p->done += bytes;
	ev.done = p->done < p->total ? p->done : p->total;
	event_emit(p->rq->events, &ev);
}

/* Next run of bytes that are asked for, from `from` on; false at the end of the unit. */
static bool next_run(const struct survey_unit *u, uint32_t from, struct span *ret)
{
	uint32_t i = from, end;

	while (i < u->unit.size && u->what[i] == BYTE_FREE)
		i++;
	if (i == u->unit.size)
		return false;
	for (end = i; end < u->unit.size && u->what[end] != BYTE_FREE;)
		end++;
	*ret = (struct span){i, end - i};
	return true;
}

/* Reads one piece and says whether it is as wanted. `off` is relative to the unit. */
static int piece_equal(struct pass *p, const struct survey_unit *u, uint32_t off, uint32_t len,
	bool *ret_equal, struct err *e)
{
	uint8_t now[PIECE];
	int rc = signals_check(e);

	if (rc == 0)
		rc = p->rq->target->ops->read(p->rq->target, u->unit.addr + off, now, len, e);
	if (rc < 0)
		return err_wrap(e, "compare");
	*ret_equal = memcmp(now, u->want + off, len) == 0;
	return 0;
}

static int unit_compare(struct pass *p, struct survey_unit *u, bool sample_first, struct err *e)
{
	struct span run = {0};
	uint32_t piece = sample_first ? SAMPLE : PIECE;
	uint32_t off = 0;
	bool equal = true;
	int rc;

	while (equal && next_run(u, off, &run)) {
		for (off = run.addr; equal && off < run.addr + run.len;) {
			uint32_t left = run.addr + run.len - off;
			uint32_t len = left < piece ? left : piece;

			rc = piece_equal(p, u, off, len, &equal, e);
			if (rc < 0)
				return rc;
			off += len;
			piece = PIECE;
		}
	}
	u->equal = equal;
	progress(p, u->unit.size);
	return 0;
}

static bool has_checksum(const struct target *t)
{
	return t->ops->checksum != NULL && t->info.commands[CMD_CHECKSUM];
}

/* Compares whole words by the chip's checksum and the odd bytes at both ends by reading. */
static int range_by_checksum(struct pass *p, uint32_t addr, uint32_t len, const uint8_t *want,
	bool *ret_equal, struct err *e)
{
	struct target *t = p->rq->target;
	uint32_t lead = -addr & 3u, crc = 0;
	struct span words;
	uint8_t edge[4];
	int rc;

	if (lead > len)
		lead = len;
	words = (struct span){addr + lead, (len - lead) & ~3u};
	*ret_equal = true;
	if (words.len > 0) {
		rc = t->ops->checksum(t, words, &crc, e);
		if (rc < 0)
			return err_wrap(e, "compare");
		*ret_equal = crc == crc_stm32(want + lead, words.len);
	}
	for (int i = 0; *ret_equal && i < 2; i++) {
		uint32_t off = i == 0 ? 0 : lead + words.len;
		uint32_t n = i == 0 ? lead : len - off;

		if (n == 0)
			continue;
		rc = t->ops->read(t, addr + off, edge, n, e);
		if (rc < 0)
			return err_wrap(e, "compare");
		*ret_equal = memcmp(edge, want + off, n) == 0;
	}
	return 0;
}

static int unit_by_checksum(struct pass *p, struct survey_unit *u, struct err *e)
{
	struct span run = {0};
	uint32_t off = 0;
	int rc;

	for (u->equal = true; u->equal && next_run(u, off, &run); off = run.addr + run.len) {
		rc = range_by_checksum(
			p, u->unit.addr + run.addr, run.len, u->want + run.addr, &u->equal, e);
		if (rc < 0)
			return rc;
	}
	progress(p, u->unit.size);
	return 0;
}

/* One checksum over each segment: enough where nothing has changed. */
static int all_by_checksum(struct pass *p, bool *ret_equal, struct err *e)
{
	const struct segments *image = p->rq->image;

	*ret_equal = true;
	for (size_t i = 0; *ret_equal && i < image->n; i++) {
		int rc = range_by_checksum(
			p, image->v[i].addr, image->v[i].len, image->v[i].data, ret_equal, e);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int compare_by_checksum(struct pass *p, struct err *e)
{
	bool all = false;
	int rc = 0;

	if (p->rq->saved == NULL || p->rq->saved->n == 0)
		rc = all_by_checksum(p, &all, e);
	for (size_t i = 0; rc == 0 && i < p->s->n; i++) {
		if (all)
			p->s->units[i].equal = true;
		else
			rc = unit_by_checksum(p, &p->s->units[i], e);
	}
	return rc;
}

/* True if the unit with this vector table is rewritten whatever it holds. */
static bool head_is_lost(const struct survey *s, const struct survey_unit *head)
{
	for (size_t k = 0; k < s->n_heads; k++) {
		uint64_t end = k + 1 < s->n_heads ? s->heads[k + 1] : (uint64_t)1 << 32;

		if (s->heads[k] - head->unit.addr >= head->unit.size)
			continue;
		for (size_t i = 0; i < s->n; i++) {
			const struct survey_unit *u = &s->units[i];

			if (!u->is_head && !u->equal && u->unit.addr > s->heads[k] &&
				u->unit.addr < end)
				return true;
		}
	}
	return false;
}

/* True through ret_new if none of a few samples agrees with the image: it is all new. */
static int looks_all_new(struct pass *p, bool *ret_new, struct err *e)
{
	struct survey *s = p->s;

	*ret_new = s->n >= 2 * N_SAMPLES && !p->rq->compare_all;
	for (size_t k = 0; *ret_new && k < N_SAMPLES; k++) {
		struct survey_unit *u = &s->units[k * (s->n - 1) / (N_SAMPLES - 1)];
		struct span run = {0};
		bool equal = false;
		int rc;

		if (!next_run(u, 0, &run))
			continue;
		rc = piece_equal(p, u, run.addr, run.len < SAMPLE ? run.len : SAMPLE, &equal, e);
		if (rc < 0)
			return rc;
		/* A blank stretch of the image is no evidence that the image is there. */
		if (equal && !bytes_all(u->want + run.addr, run.len < SAMPLE ? run.len : SAMPLE,
				     p->erased))
			*ret_new = false;
	}
	return 0;
}

static int compare(struct pass *p, struct err *e)
{
	struct event ev = {.type = EVENT_PHASE, .phase = "compare"};
	struct survey *s = p->s;
	bool all_new = false, last_equal = true;
	int rc = 0;

	for (size_t i = 0; i < s->n; i++)
		p->total += s->units[i].unit.size;
	ev.total = p->total;
	event_emit(p->rq->events, &ev);
	if (has_checksum(p->rq->target))
		return compare_by_checksum(p, e);
	rc = looks_all_new(p, &all_new, e);
	/* Units with a vector table last: if another unit differs, they are rewritten anyway. */
	for (int heads = 0; rc == 0 && !all_new && heads < 2; heads++) {
		for (size_t i = 0; rc == 0 && i < s->n; i++) {
			if (s->units[i].is_head != (heads == 1))
				continue;
			if (heads == 1 && !p->rq->read_only && head_is_lost(s, &s->units[i])) {
				progress(p, s->units[i].unit.size);
				continue;
			}
			rc = unit_compare(p, &s->units[i], !last_equal, e);
			last_equal = s->units[i].equal;
		}
	}
	return rc;
}

/* ---- deciding what is rewritten ---- */

/*
 * The unit with a program's vector table is rewritten if any unit of that program is. A program
 * reaches from its head to the next one; two may share a unit, so this runs until it is stable.
 */
static void mark_rewrites(struct survey *s)
{
	bool changed = true;

	for (size_t i = 0; i < s->n; i++)
		s->units[i].rewrite = !s->units[i].equal || s->units[i].suspect;
	while (changed) {
		changed = false;
		for (size_t k = 0; k < s->n_heads; k++) {
			uint64_t end = k + 1 < s->n_heads ? s->heads[k + 1] : (uint64_t)1 << 32;
			struct survey_unit *head = NULL;
			bool dirty = false;

			for (size_t i = 0; i < s->n; i++) {
				struct survey_unit *u = &s->units[i];

				if (span_end((struct span){u->unit.addr, u->unit.size}) <=
						s->heads[k] ||
					u->unit.addr >= end)
					continue;
				if (head == NULL)
					head = u;
				dirty |= u->rewrite;
			}
			if (dirty && !head->rewrite) {
				head->rewrite = true;
				changed = true;
			}
		}
	}
}

/* ---- bytes to be kept ---- */

static int read_agreed(struct pass *p, uint32_t addr, uint8_t *ret, uint32_t len, struct err *e)
{
	uint8_t again[PIECE];
	int rc;

	for (int i = 0; i < 3; i++) {
		rc = p->rq->target->ops->read(p->rq->target, addr, again, len, e);
		if (rc < 0)
			return err_wrap(e, "bytes to be kept");
		if (memcmp(again, ret, len) == 0)
			return 0;
		memcpy(ret, again, len);
	}
	err_set(e, ERR_PROTOCOL, "reading 0x%08X twice gave different bytes", addr);
	return err_hint(e, "check the wiring, or use a lower --baud");
}

static int keep_range(
	struct pass *p, struct survey_unit *u, uint32_t off, uint32_t len, struct err *e)
{
	uint8_t now[PIECE];
	int rc = signals_check(e);

	if (rc == 0)
		rc = p->rq->target->ops->read(p->rq->target, u->unit.addr + off, now, len, e);
	if (rc < 0)
		return err_wrap(e, "bytes to be kept");
	if (bytes_all(now, len, p->erased))
		return 0;
	rc = read_agreed(p, u->unit.addr + off, now, len, e);
	for (uint32_t i = 0; rc == 0 && i < len; i++) {
		if (now[i] == p->erased)
			continue;
		u->want[off + i] = now[i];
		u->what[off + i] = BYTE_KEPT;
		u->kept++;
	}
	return rc;
}

static bool may_be_lost(const struct survey_request *rq, uint32_t addr)
{
	return any_overlap(rq->lose, rq->n_lose, (struct span){addr, 1});
}

static int unit_keep(struct pass *p, struct survey_unit *u, struct err *e)
{
	uint32_t off = 0;

	while (off < u->unit.size) {
		uint32_t end;
		int rc;

		if (u->what[off] != BYTE_FREE || may_be_lost(p->rq, u->unit.addr + off)) {
			off++;
			continue;
		}
		for (end = off + 1; end < u->unit.size && end - off < PIECE; end++)
			if (u->what[end] != BYTE_FREE || may_be_lost(p->rq, u->unit.addr + end))
				break;
		rc = keep_range(p, u, off, end - off, e);
		if (rc < 0)
			return rc;
		off = end;
	}
	return 0;
}

static int keep(struct pass *p, struct err *e)
{
	for (size_t i = 0; i < p->s->n; i++) {
		struct survey_unit *u = &p->s->units[i];
		int rc;

		if (!u->rewrite || in_saved(p->rq, u->unit.addr))
			continue;
		rc = unit_keep(p, u, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int survey_make(const struct survey_request *rq, struct survey *ret, struct err *e)
{
	CLEANUP(survey_done)
	struct survey s = {.geometry = rq->geometry, .heads = rq->heads, .n_heads = rq->n_heads};
	struct pass p = {.rq = rq, .s = &s, .erased = rq->geometry->chip->erased_value};
	int rc = build(&p, e);

	if (rc == 0)
		rc = compare(&p, e);
	if (rc < 0)
		return rc;
	if (!rq->read_only) {
		mark_rewrites(&s);
		rc = keep(&p, e);
	}
	if (rc < 0)
		return rc;
	*ret = s;
	s = SURVEY_INIT;
	return 0;
}

size_t survey_n_rewrite(const struct survey *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += s->units[i].rewrite;
	return n;
}

void survey_done(struct survey *s)
{
	free(s->bytes);
	free(s->units);
	*s = SURVEY_INIT;
}
