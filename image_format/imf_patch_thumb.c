/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_patch_thumb.c - how an instruction or pointer of the base looks after its target has moved
 *
 * Encodings from the ARMv7-M Architecture Reference Manual, A5 and A7.7. A wrong guess costs
 * bytes, never correctness: data that happens to look like code is only predicted worse.
 */
#include <imf/imf_bytes.h>

#include "imf_patch_priv.h"
#include "imf_priv.h"

#ifndef IMF_NO_PATCH

/* How a target was found; part of the statistics' context. */
enum {
	IN_THIS_SEGMENT, /* RAM: the very address is known */
	IN_A_SEGMENT,    /* RAM: neighbours on both sides moved alike */
	NEAR_A_SEGMENT,  /* RAM: the nearest neighbour */
	FAR_FROM_ALL,    /* RAM: nothing known */
	SEEN_BEFORE
};

#define NEAR 64u

void imf_read_base(struct imf_model *m, uint32_t at, uint8_t *ret, uint32_t len)
{
#ifndef IMF_NO_WHOLE
	if (IMF_WHOLE(m) ? m->coder->made(m->coder, at, ret, len) != IMF_OK
			 : m->cfg->read(m->cfg->ctx, at, ret, len) != 0) {
#else
	if (m->cfg->read(m->cfg->ctx, at, ret, len) != 0) {
#endif
		m->error = IMF_ERR_CALLBACK;
		IMF_MEMSET(ret, 0, len);
	}
}

/* ---- where things have gone ---- */

/* Offset in the base to offset in the new image. */
static uint32_t moved(const struct imf_model *m, uint32_t t, uint32_t *quality)
{
	uint32_t nearest = UINT32_MAX, to = t, i;
	const struct imf_segment *g = m->segments;

	if (m->in_segment && t - m->now.from < m->now.len) {
		*quality = IN_THIS_SEGMENT;
		return t - m->now.from + m->now.to;
	}
	for (i = 0; i < m->n_segments; i++, g++) {
		uint32_t here = t - g->from + g->to, away;

		if (t - g->from < g->len) {
			*quality = IN_A_SEGMENT;
			return here;
		}
		away = t < g->from ? g->from - t : t - (g->from + g->len) + 1;
		if (away < nearest) {
			nearest = away;
			to = here;
		}
	}
	*quality = nearest > NEAR ? FAR_FROM_ALL : NEAR_A_SEGMENT;
	return to;
}

static struct imf_pair *pair_of(struct imf_pair *table, uint32_t n, uint32_t key)
{
	return &table[((key * 0x9E3779B1u) >> 16) * n >> 16];
}

/* The same, but a target that was seen before goes where it went then. Keys are stored plus 1. */
static uint32_t moved_or_seen(const struct imf_model *m, uint32_t t, uint32_t *quality)
{
	const struct imf_pair *seen = pair_of(m->targets, m->n_targets, t);
	uint32_t to = moved(m, t, quality);

	if (seen->from != t + 1)
		return to;
	*quality = SEEN_BEFORE;
	return seen->to;
}

static void learn_target(struct imf_model *m, uint32_t t, uint32_t to)
{
	struct imf_pair *seen = pair_of(m->targets, m->n_targets, t);
	uint32_t quality;

	if (seen->from != t + 1 && moved(m, t, &quality) == to)
		return;
	seen->from = t + 1;
	seen->to = to;
}

/* RAM moves in steps, wherever a variable came or went: ask the neighbours that were seen. */
static uint32_t moved_ram(const struct imf_model *m, uint32_t v, uint32_t *quality)
{
	uint32_t below = UINT32_MAX, above = UINT32_MAX, by_below = 0, by_above = 0, i;

	for (i = 0; i < m->rams_used; i++) {
		uint32_t away = v - m->rams[i].from;

		if (away <= INT32_MAX) {
			if (away < below) {
				below = away;
				by_below = m->rams[i].to;
			}
		} else if (0 - away < above) {
			above = 0 - away;
			by_above = m->rams[i].to;
		}
	}
	if (below == 0)
		*quality = IN_THIS_SEGMENT;
	else if (below == UINT32_MAX && above == UINT32_MAX)
		*quality = FAR_FROM_ALL;
	else if (below != UINT32_MAX && above != UINT32_MAX && by_below == by_above)
		*quality = IN_A_SEGMENT;
	else
		*quality = NEAR_A_SEGMENT;
	return v + (below <= above ? by_below : by_above);
}

static void learn_ram(struct imf_model *m, uint32_t v, uint32_t to, bool missed)
{
	uint32_t by = to - v, i;

	if (by + 0x8000u >= 0x10000u)
		return; /* another variable, not a moved one */
	for (i = 0; i < m->rams_used; i++) {
		if (m->rams[i].from == v) {
			m->rams[i].to = by;
			return;
		}
	}
	if (!missed && m->rams_used != 0)
		return;
	m->rams[m->rams_next].from = v;
	m->rams[m->rams_next].to = by;
	m->rams_next = m->rams_next + 1 < m->n_rams ? m->rams_next + 1 : 0;
	if (m->rams_used < m->n_rams)
		m->rams_used++;
}

/* SRAM and CCM of STM32 and its likes: 0x20000000, 0x24000000, 0x10000000, 0x30000000. */
static bool is_ram(uint32_t v)
{
	uint32_t mib = v >> 20;

	return mib == 0x200 || mib == 0x201 || mib == 0x240 || mib == 0x100 || mib == 0x300;
}

/* ---- words that code loads ---- */

static bool marked(const struct imf_model *m, uint32_t at)
{
	return (m->marks[at >> 5 & (IMF_MODEL_MARKS - 1)] >> (at >> 2 & 7) & 1) != 0;
}

static void mark(struct imf_model *m, uint32_t at)
{
	uint8_t *b = &m->marks[at >> 5 & (IMF_MODEL_MARKS - 1)];

	*b = (uint8_t)(*b | 1u << (at >> 2 & 7));
}

void imf_unmark(struct imf_model *m, uint32_t from, uint32_t to)
{
	for (from &= ~3u; from + 4 <= to; from += 4) {
		uint8_t *b = &m->marks[from >> 5 & (IMF_MODEL_MARKS - 1)];

		*b = (uint8_t)(*b & ~(1u << (from >> 2 & 7)));
	}
}

void imf_note(struct imf_model *m, uint32_t at, uint32_t v, uint32_t len)
{
	uint32_t h = v & 0xFFFFu, pc = (at + 4) & ~3u;

	if ((at & 1) != 0)
		return;
	if (len == 2 && (h & 0xF800u) == 0x4800u && !marked(m, at & ~3u))
		mark(m, pc + (h & 0xFFu) * 4);
	if (len == 4 && h == 0xF8DFu && (v >> 16 & 0xFFFu) < 4000u)
		mark(m, pc + (v >> 16 & 0xFFFu));
	if (len == 4 && (h & 0xFFBFu) == 0xED9Fu)
		mark(m, pc + (v >> 16 & 0xFFu) * 4);
}

/* ---- instructions ---- */

static uint32_t sign_extend(uint32_t v, uint32_t bits)
{
	uint32_t sign = 1u << (bits - 1);

	return ((v & ((sign << 1) - 1)) ^ sign) - sign;
}

static bool fits(uint32_t v, uint32_t bits)
{
	return v + (1u << (bits - 1)) < 1u << bits;
}

/*
 * BL, B.W (T4): S imm10 / J1 J2 imm11, of S:I1:I2:imm10:imm11:0 with I = NOT(J EOR S).
 * B<c>.W (T3): S cond imm6 / J1 J2 imm11, of S:J2:J1:imm6:imm11:0.
 */
static bool is_bl(uint32_t v)
{
	return (v & 0x9000F800u) == 0x9000F000u;
}

static bool is_bccw(uint32_t v)
{
	return (v & 0xD000F800u) == 0x8000F000u && (v & 0x0380u) != 0x0380u;
}

static uint32_t top_bits(uint32_t v, uint32_t s, bool bl)
{
	uint32_t a = v >> 1 & 1, b = v & 1;

	return bl ? ((a ^ s ^ 1) << 1 | (b ^ s ^ 1)) : b << 1 | a;
}

static uint32_t branch_offset(uint32_t v, bool bl)
{
	uint32_t s = v >> 10 & 1, n = bl ? 10 : 6;
	uint32_t top = top_bits((v >> 28 & 2) | (v >> 27 & 1), s, bl);

	return sign_extend(
		((s << 2 | top) << n | (v & ((1u << n) - 1))) << 12 | (v >> 15 & 0xFFEu), n + 15);
}

static uint32_t branch_insert(uint32_t v, uint32_t off, bool bl)
{
	uint32_t n = bl ? 10 : 6, field = (1u << n) - 1, s = off >> (n + 14) & 1;
	uint32_t top = top_bits(off >> (n + 12), s, bl);

	return (v & ~(0x2FFF0400u | field)) | s << 10 | (off >> 12 & field) | (top & 2) << 28 |
	       (top & 1) << 27 | (off & 0xFFEu) << 15;
}

/* LDR.W, LDRH.W, LDRB.W (literal); bit 7: upwards. */
static bool is_ldr_literal(uint32_t v)
{
	uint32_t h = v & 0xFF7Fu;

	return h == 0xF85Fu || h == 0xF83Fu || h == 0xF81Fu;
}

static void expect_wide(struct imf_model *m, struct imf_expected *r)
{
	uint32_t v = r->plain, at = m->at, q = m->src, off;
	bool up;

	r->cls = IMF_C_32;
	if (IMF_WHOLE(m)) {
		if (is_bl(v))
			r->first = branch_insert(v, branch_offset(v, true) + q - at, true);
		return;
	}
	if (is_bl(v) || is_bccw(v)) {
		bool bl = is_bl(v);

		r->cls = !bl ? IMF_C_BCCW : (v & 0x40000000u) != 0 ? IMF_C_BL : IMF_C_BW;
		r->target = q + 4 + branch_offset(v, bl);
		if (bl && r->target >= m->cfg->base_len)
			return;
		off = (bl ? moved_or_seen : moved)(m, r->target, &r->quality) - (at + 4);
		if (fits(off, bl ? 25 : 21))
			r->first = branch_insert(v, off, bl);
		return;
	}
	if (!is_ldr_literal(v))
		return;
	r->cls = IMF_C_LDRW;
	off = v >> 16 & 0xFFFu;
	if ((v & 0x80u) == 0)
		off = 0 - off;
	off = moved(m, ((q + 4) & ~3u) + off, &r->quality) - ((at + 4) & ~3u);
	up = off <= INT32_MAX;
	off = up ? off : 0 - off;
	if (off <= 0xFFFu)
		r->first = (v & 0xF000FF7Fu) | (up ? 0x80u : 0) | off << 16;
}

/* Narrow instructions with one field that counts in steps from the (word-aligned) pc. */
static const struct narrow {
	uint16_t mask, match, field;
	uint8_t cls, shift;
	uint8_t sign; /* bits of the offset; 0: forward only, from the aligned pc */
} narrows[] = {
	{0xF800, 0x4800, 0x0FF, IMF_C_LDR, 2, 0},
	{0xF800, 0xA000, 0x0FF, IMF_C_ADR, 2, 0},
	{0xF800, 0xE000, 0x7FF, IMF_C_B, 1, 12},
	{0xF000, 0xD000, 0x0FF, IMF_C_BCC, 1, 9},
};

static void expect_narrow(struct imf_model *m, struct imf_expected *r)
{
	const struct narrow *n = narrows, *end = narrows + sizeof(narrows) / sizeof(narrows[0]);
	uint32_t h = r->plain, pc = m->src + 4, to_pc = m->at + 4, off;

	while (n < end && ((h & n->mask) != n->match || (h & 0xFE00u) == 0xDE00u))
		n++;
	if (n < end) {
		r->cls = n->cls;
		off = (h & n->field) << n->shift;
		if (n->sign != 0) {
			off = sign_extend(off, n->sign);
		} else {
			pc &= ~3u;
			to_pc &= ~3u;
		}
		off = moved(m, pc + off, &r->quality) - to_pc;
		if (n->sign != 0 ? fits(off, n->sign) : off <= 1020 && (off & 3) == 0)
			r->first = (h & ~(uint32_t)n->field) | (off >> n->shift & n->field);
	}
}

/* A word on a word boundary in both images: a pointer, or something that code loads. */
static bool expect_word(struct imf_model *m, struct imf_expected *r, uint32_t v)
{
	uint32_t bit;
	bool loaded = marked(m, m->at);

	if (v - m->cfg->base_addr < m->cfg->base_len && (m->cfg->base_addr != 0 || loaded)) {
		bit = v & 1; /* Thumb */
		r->cls = loaded ? IMF_C_WORD_FLASH : IMF_C_FLASH;
		r->target = (v - m->cfg->base_addr) & ~1u;
		r->first = (moved_or_seen(m, r->target, &r->quality) + m->cfg->load_addr) | bit;
	} else if (is_ram(v)) {
		r->cls = loaded ? IMF_C_WORD_RAM : IMF_C_RAM;
		r->target = v;
		r->first = moved_ram(m, v, &r->quality);
	} else if (loaded) {
		r->cls = IMF_C_WORD;
		r->first = v;
	} else
		return false;
	r->plain = v;
	r->len = 4;
	return true;
}

void imf_expect(struct imf_model *m, struct imf_expected *r)
{
	uint8_t b[4] = {0, 0, 0, 0};
	uint32_t v;

	imf_read_base(m, m->src, b, m->left >= 4 ? 4 : 2);
	v = imf_get_le32(b);
	r->cls = IMF_C_16;
	r->len = 2;
	r->quality = IN_THIS_SEGMENT;
	r->target = 0;
	r->plain = r->first = v & 0xFFFFu;
	if (((m->at | m->src) & 1) == 0 && !(m->left >= 4 && ((m->at | m->src) & 3) == 0 &&
						   !IMF_WHOLE(m) && expect_word(m, r, v))) {
		if ((v & 0xFFFFu) >= 0xE800u && m->left >= 4) {
			r->len = 4;
			r->plain = r->first = v;
			expect_wide(m, r);
		} else if (!IMF_WHOLE(m))
			expect_narrow(m, r);
	}
	r->second = r->plain;
	if (IMF_WHOLE(m))
		return;
	if (r->cls == IMF_C_16 || r->cls == IMF_C_32 || r->cls == IMF_C_WORD) {
		const struct imf_pair *again = pair_of(m->repeats, m->n_repeats, r->plain);

		if (again->from == r->plain)
			r->first = again->to;
	}
}

void imf_learn(struct imf_model *m, const struct imf_expected *r, uint32_t v, bool missed)
{
	if (IMF_WHOLE(m))
		return;
	switch (r->cls) {
	case IMF_C_16:
	case IMF_C_32:
	case IMF_C_WORD:
		if (missed) {
			struct imf_pair *again = pair_of(m->repeats, m->n_repeats, r->plain);

			again->from = r->plain;
			again->to = v;
		}
		break;
	case IMF_C_BL:
	case IMF_C_BW:
		if (is_bl(v) && ((v ^ r->plain) & 0x40000000u) == 0)
			learn_target(m, r->target, m->at + 4 + branch_offset(v, true));
		break;
	case IMF_C_WORD_FLASH:
	case IMF_C_FLASH:
		if (missed && v - m->cfg->load_addr < m->cfg->plain_size)
			learn_target(m, r->target, (v - m->cfg->load_addr) & ~1u);
		break;
	case IMF_C_WORD_RAM:
	case IMF_C_RAM:
		if (is_ram(v))
			learn_ram(m, r->plain, v, missed);
		break;
	default: break;
	}
}

#endif
