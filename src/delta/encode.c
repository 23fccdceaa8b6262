/* SPDX-License-Identifier: Apache-2.0 */
/*
 * encode.c - pieces become a delta payload
 *
 * The decoder's own model runs here too; this file only tells it what to say. The result is
 * decoded before it leaves.
 */
#include "delta_priv.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <imf/imf_error.h>
#include <imf/imf_patch.h>
#include <stmota/bytes.h>

#include "imf_patch_priv.h"

enum {
	SEGMENT_MIN = 16, /* bytes; shorter pieces are copies, not part of the map */
	SLACK = 4,        /* bytes of zeros behind the new image: a word may be looked at */
};

struct encoder {
	struct imf_coder coder; /* first: the callback finds the rest from it */
	uint32_t low, high;
	struct buf *out;
	double bits;                    /* said so far, for the statistics alone */
	const struct delta_image *made; /* without a base: the image itself */
	int rc;
};

static void put_byte(struct encoder *c, uint32_t b)
{
	uint8_t byte = (uint8_t)b;

	if (c->rc == 0)
		c->rc = buf_append(c->out, &byte, 1, NULL);
}

static int encode(struct imf_coder *coder, uint32_t p1, int bit)
{
	struct encoder *c = (struct encoder *)(void *)coder;
	uint32_t mid;

	imf_range(&c->low, &c->high, p1, &mid);
	if (bit)
		c->high = mid;
	else
		c->low = mid + 1;
	c->bits -= log2((bit ? p1 : 65536 - p1) / 65536.0);
	for (; (c->low ^ c->high) >> 24 == 0; c->low <<= 8, c->high = c->high << 8 | 0xFF)
		put_byte(c, c->high >> 24);
	return bit;
}

static int read_made(struct imf_coder *coder, uint32_t at, uint8_t *ret, uint32_t len)
{
	const struct encoder *c = (const struct encoder *)(const void *)coder;

	memcpy(ret, c->made->data + at, len);
	return 0;
}

/* The fewest bytes that lie between low and high when zeros follow. */
static void encode_end(struct encoder *c, size_t start)
{
	for (unsigned int n = 0; n <= 4; n++) {
		uint32_t rest = n == 4 ? 0 : UINT32_MAX >> (8 * n), v = (c->low + rest) & ~rest;

		if (v < c->low || v > c->high || (c->low != 0 && c->low + rest < c->low))
			continue;
		for (unsigned int i = 0; i < n; i++)
			put_byte(c, v >> (24 - 8 * i) & 0xFF);
		break;
	}
	while (c->out->len > start + 1 && c->out->data[c->out->len - 1] == 0)
		c->out->len--;
	if (c->out->len == start)
		put_byte(c, 0);
}

/* ---- which pieces make the map ---- */

static int by_length(const void *a, const void *b)
{
	const struct piece *x = *(const struct piece *const *)a,
			   *y = *(const struct piece *const *)b;

	if (x->len != y->len)
		return x->len < y->len ? 1 : -1;
	return x->at < y->at ? -1 : 1;
}

/* listed[i]: piece i is a segment. Returns their number, or ERR_NOMEM. */
static int choose_segments(const struct pieces *p, uint32_t most, bool *listed, struct err *e)
{
	const struct piece **order = calloc(p->n + 1, sizeof(*order));
	int n = 0;

	if (order == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < p->n; i++)
		order[i] = &p->v[i];
	qsort(order, p->n, sizeof(*order), by_length);
	for (size_t i = 0; i < p->n && (uint32_t)n < most && order[i]->len >= SEGMENT_MIN; i++, n++)
		listed[order[i] - p->v] = true;
	free(order);
	return n;
}

/* ---- telling the model ---- */

struct script {
	const struct pieces *pieces;
	const bool *listed;
	uint32_t n_listed;
	size_t segment, copy;            /* next listed piece, next other one */
	const struct delta_order *order; /* NULL: from slot to slot */
	uint32_t group;                  /* next in the order */
};

static size_t next_piece(const struct script *s, size_t i, bool listed)
{
	while (i < s->pieces->n && s->listed[i] != listed)
		i++;
	return i;
}

/* What of an unlisted piece is ahead, up to the next segment or the end of the group. */
static uint32_t copy_left(struct script *s, const struct imf_model *m)
{
	const struct piece *v = s->pieces->v;
	uint32_t left;

	s->copy = next_piece(s, s->copy, false);
	while (s->copy < s->pieces->n && v[s->copy].at + v[s->copy].len <= m->at)
		s->copy = next_piece(s, s->copy + 1, false);
	if (s->copy == s->pieces->n || v[s->copy].at > m->at)
		return 0;
	left = v[s->copy].at + v[s->copy].len - m->at;
	return left < m->now.to - m->at ? left : m->now.to - m->at;
}

static uint32_t number_for(struct script *s, const struct imf_model *m)
{
	const struct piece *v = s->pieces->v;

	switch (m->state) {
	case IMF_ST_COUNT: return s->n_listed;
	case IMF_ST_GAP:
		s->segment = next_piece(s, s->segment, true);
		return v[s->segment].at - m->at;
	case IMF_ST_JUMP: return v[s->segment].from;
	case IMF_ST_LENGTH: return v[s->segment++].len;
	case IMF_ST_GROUPS: return s->order->n;
	case IMF_ST_GROUP: s->copy = 0; return s->order->order[s->group++];
	case IMF_ST_OP: return copy_left(s, m) >= (m->cfg->whole ? IMF_SELF_MIN : IMF_COPY_MIN);
	case IMF_ST_COPY_FROM: return v[s->copy].from + (m->at - v[s->copy].at);
	case IMF_ST_COPY_LENGTH: return copy_left(s, m);
	default: return 0;
	}
}

static void count(struct delta_stats *st, double sums[IMF_ST_DONE + 1], uint32_t state,
	const struct imf_model *m, double bits)
{
	if (state == IMF_ST_UNIT) {
		st->units++;
		st->misses += m->since == 0;
		sums[m->since == 0 ? IMF_ST_DONE : IMF_ST_UNIT] += bits;
		return;
	}
	sums[state] += bits;
	if (state == IMF_ST_OP)
		st->fresh += m->n_out;
	st->copies += state == IMF_ST_COPY_LENGTH;
}

static void sum_up(struct delta_stats *st, const double sums[IMF_ST_DONE + 1])
{
	double list =
		sums[IMF_ST_COUNT] + sums[IMF_ST_GAP] + sums[IMF_ST_JUMP] + sums[IMF_ST_LENGTH];

	st->bytes_list = (uint32_t)(list / 8 + 0.5);
	st->bytes_fresh = (uint32_t)(sums[IMF_ST_OP] / 8 + 0.5);
	st->bytes_copies =
		(uint32_t)((sums[IMF_ST_COPY_FROM] + sums[IMF_ST_COPY_LENGTH]) / 8 + 0.5);
	st->bytes_hits = (uint32_t)(sums[IMF_ST_UNIT] / 8 + 0.5);
	st->bytes_misses = (uint32_t)(sums[IMF_ST_DONE] / 8 + 0.5);
}

static int read_image(void *ctx, uint32_t at, uint8_t *ret, uint32_t len)
{
	const struct delta_image *image = ctx;

	memcpy(ret, image->data + at, len);
	return 0;
}

/* What the device has in its slot when a group is done. */
static void overwrite(struct imf_model *m, const struct script *s, uint8_t *base, size_t base_len,
	const uint8_t *image)
{
	uint32_t start = 0, len = 0, n;

	if (s->order == NULL || m->n_out == 0 ||
		(m->state != IMF_ST_GROUP && m->state != IMF_ST_DONE))
		return;
	imf_group_place(s->order->groups, m->group, &start, &len);
	n = m->end - start;
	if (start < base_len)
		memcpy(base + start, image + start, n < base_len - start ? n : base_len - start);
}

static int run_model(struct imf_model *m, struct encoder *c, struct script *s,
	struct delta_image *base, const uint8_t *image, struct delta_stats *st, uint16_t *fresh,
	struct err *e)
{
	double sums[IMF_ST_DONE + 1] = {0};

	while (m->state != IMF_ST_DONE) {
		struct imf_hint h = {number_for(s, m), image + m->at};
		uint32_t state = m->state;
		double before = c->bits;

		imf_model_step(m, &h);
		if (m->error < 0)
			return err_set(e, ERR_FAILED, "the delta could not be made: %s at byte %u",
				imf_strerror(m->error), m->at);
		count(st, sums, state, m, c->bits - before);
		for (uint32_t i = 0; fresh != NULL && i + 1 < m->n_out; i += 2)
			fresh[(m->at - m->n_out + i) / 2] =
				(uint16_t)((c->bits - before) * 32 / m->n_out + 0.5);
		overwrite(m, s, (uint8_t *)(uintptr_t)base->data, base->len, image);
	}
	sum_up(st, sums);
	return c->rc < 0 ? err_set(e, ERR_NOMEM, "out of memory") : 0;
}

/*
 * base   NULL: none, the pieces come from the image itself
 * fresh  NULL, or takes what each halfword cost that came from no piece, in sixteenths of a bit
 */
static int encode_pieces(const struct delta_image *base, const struct delta_image *image,
	uint32_t ram, const struct delta_order *order, const struct pieces *p, struct buf *out,
	struct delta_stats *st, uint16_t *fresh, struct err *e)
{
	struct encoder c = {
		.coder = {encode, read_made}, .high = UINT32_MAX, .out = out, .made = image};
	cleanup_buf struct buf padded = BUF_INIT, slot = BUF_INIT;
	struct delta_image there = {0};
	uint32_t work[IMF_PATCH_WORK(16384) / 4];
	struct imf_patch_config cfg = {
		.whole = base == NULL,
		.base_addr = base != NULL ? base->addr : 0,
		.base_len = base != NULL ? (uint32_t)base->len : 0,
		.load_addr = image->addr,
		.plain_size = (uint32_t)image->len,
		.ctx = &there,
		.groups = order != NULL ? order->groups : NULL,
		.read = read_image,
	};
	struct imf_model m = {.cfg = &cfg};
	struct script s = {.pieces = p, .order = order};
	size_t start = out->len;
	bool *listed;
	int rc;

	if (imf_model_init(&m, ram, work, IMF_PATCH_WORK(ram)) < 0)
		return err_set(e, ERR_USAGE, "decoder RAM is 4096, 8192 or 16384 bytes");
	m.coder = &c.coder;
	rc = buf_append(&padded, image->data, image->len, e);
	if (rc == 0)
		rc = buf_fill(&padded, 0, SLACK, e);
	if (rc == 0 && base != NULL) {
		there = *base;
		rc = buf_append(&slot, base->data, base->len, e);
	}
	if (rc < 0)
		return rc;
	there.data = slot.data;
	listed = calloc(p->n + 1, sizeof(*listed));
	if (listed == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	rc = base == NULL ? 0 : choose_segments(p, m.max_segments, listed, e);
	s.listed = listed;
	s.n_listed = st->segments = rc < 0 ? 0 : (uint32_t)rc;
	if (rc >= 0)
		rc = run_model(&m, &c, &s, &there, padded.data, st, fresh, e);
	free(listed);
	if (rc < 0)
		return rc;
	encode_end(&c, start);
	return c.rc < 0 ? err_set(e, ERR_NOMEM, "out of memory") : 0;
}

/* ---- proof ---- */

static int prove(const struct delta_image *base, const struct delta_image *image, uint32_t ram,
	const struct imf_groups *groups, const uint8_t *payload, size_t len, struct err *e)
{
	struct delta_recipe r = {
		.ram = ram,
		.whole = base == NULL,
		.base_len = base != NULL ? (uint32_t)base->len : 0,
		.base_addr = base != NULL ? base->addr : 0,
		.plain_size = (uint32_t)image->len,
		.load_addr = image->addr,
		.groups = groups,
	};
	cleanup_buf struct buf made = BUF_INIT;
	int rc = base != NULL ? sha256(base->data, base->len, r.base_digest, e) : 0;

	if (rc == 0)
		rc = sha256(image->data, image->len, r.plain_digest, e);
	if (rc == 0 && delta_apply(&r, base, payload, len, &made, e) < 0)
		rc = ERR_FAILED;
	return rc < 0 ? err_wrap(e, "the delta does not make the image it was made from") : 0;
}

static int check_sizes(const struct delta_image *base, const struct delta_image *image,
	uint32_t ram, struct err *e)
{
	if (ram != 4096 && ram != 8192 && ram != 16384)
		return err_set(e, ERR_USAGE, "decoder RAM is 4096, 8192 or 16384 bytes");
	if (image->len >= IMF_PATCH_IMAGE_MAX || (base != NULL && base->len >= IMF_PATCH_IMAGE_MAX))
		return err_set(e, ERR_UNSUPPORTED,
			"images of 16 MiB and more are neither compressed nor made into deltas");
	return 0;
}

static int check_in_place(
	const struct delta_image *base, const struct delta_image *image, struct err *e)
{
	if (base->addr != image->addr)
		return err_set(e, ERR_USAGE,
			"in place, both images must be linked for the same address: 0x%08X is not "
			"0x%08X",
			base->addr, image->addr);
	if (base->len == 0 || image->len == 0)
		return err_set(e, ERR_USAGE, "an in-place delta needs two images with bytes");
	return 0;
}

int delta_make_in_place(const struct delta_image *base, const struct delta_image *image,
	uint32_t ram, const struct imf_groups *groups, struct buf *ret, struct delta_stats *stats,
	struct err *e)
{
	struct delta_stats st = {0};
	struct pieces p = {NULL, 0};
	struct delta_order *order = NULL;
	size_t start = ret->len;
	int rc = check_sizes(base, image, ram, e);

	if (rc == 0 && groups != NULL)
		rc = check_in_place(base, image, e);
	if (rc == 0 && groups != NULL) {
		order = calloc(1, sizeof(*order));
		rc = order != NULL ? delta_order_init(order, groups, base->len, image->len, e)
				   : err_set(e, ERR_NOMEM, "out of memory");
	}
	if (rc == 0)
		rc = delta_match(base, image, order, &p, e);
	if (rc == 0 && order != NULL) {
		delta_order_cut(order, image->len, &p);
		st.groups = order->n;
	}
	if (rc == 0)
		rc = encode_pieces(base, image, ram, order, &p, ret, &st, NULL, e);
	free(p.v);
	if (order != NULL)
		delta_order_done(order);
	free(order);
	if (rc == 0)
		rc = prove(base, image, ram, groups, ret->data + start, ret->len - start, e);
	if (rc < 0)
		ret->len = start;
	else if (stats != NULL)
		*stats = st;
	return rc;
}

int delta_make(const struct delta_image *base, const struct delta_image *image, uint32_t ram,
	struct buf *ret, struct delta_stats *stats, struct err *e)
{
	return delta_make_in_place(base, image, ram, NULL, ret, stats, e);
}

int delta_pack(const struct delta_image *image, uint32_t ram, struct buf *ret,
	struct delta_stats *stats, struct err *e)
{
	uint16_t *fresh = calloc(image->len / 2 + 1, sizeof(*fresh));
	cleanup_buf struct buf alone = BUF_INIT;
	struct delta_stats st = {0};
	struct pieces p = {NULL, 0};
	size_t start = ret->len;
	int rc;

	if (fresh == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	/* First without any copy, to see what bytes cost. */
	rc = check_sizes(NULL, image, ram, e);
	if (rc == 0)
		rc = encode_pieces(NULL, image, ram, NULL, &p, &alone, &st, fresh, e);
	if (rc == 0)
		rc = delta_squeeze(image, fresh, &p, e);
	free(fresh);
	st = (struct delta_stats){0};
	if (rc == 0)
		rc = encode_pieces(NULL, image, ram, NULL, &p, ret, &st, NULL, e);
	free(p.v);
	if (rc == 0)
		rc = prove(NULL, image, ram, NULL, ret->data + start, ret->len - start, e);
	if (rc < 0)
		ret->len = start;
	else if (stats != NULL)
		*stats = st;
	return rc;
}
