/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_patch_mix.c - how likely a bit of a delta payload is
 *
 * Several adaptive probabilities, picked by different contexts, are mixed in the logistic domain
 * (as PAQ does), in integers: host and device must agree in every bit. Right shifts of negative
 * numbers are arithmetic, which C leaves to the compiler and every compiler for these machines
 * does; the check below would stop one that does not.
 */
#include "imf_patch_priv.h"
#include "imf_priv.h"

#ifndef IMF_NO_PATCH

typedef char shift_is_arithmetic[(-3 >> 1) == -2 ? 1 : -1];

/* 65536 / (1 + e^(i/4)): the probability of the less likely bit at a distance of i/4. */
static const uint16_t squash_table[] = {32768, 28693, 24743, 21025, 17625, 14595, 11955, 9702, 7812,
	6249, 4971, 3938, 3108, 2446, 1921, 1506, 1179, 922, 720, 562, 439, 342, 267, 208, 162, 126,
	98, 77, 60, 47, 36, 28, 22, 17, 13, 10, 8, 6, 5, 4, 3, 2, 2, 1, 1, 1};

#define STEPS     44
#define LOGIT_MAX (STEPS * 64 - 1)
#define HALF      32768u

/* x in 1/256; the result in 1/65536, at least 1. */
static uint32_t squash(int32_t x)
{
	uint32_t away, i, f, p;

	if (x > LOGIT_MAX)
		x = LOGIT_MAX;
	if (x < -LOGIT_MAX)
		x = -LOGIT_MAX;
	away = (uint32_t)(x < 0 ? -x : x);
	i = away >> 6;
	f = away & 63;
	p = (squash_table[i] * (64 - f) + squash_table[i + 1] * f + 32) >> 6;
	return x < 0 ? p : 65536 - p;
}

/* The inverse: p in 1/65536, 1 to 65535. */
static int32_t stretch(uint32_t p)
{
	uint32_t q = p < HALF ? p : 65536 - p, low = 0, high = STEPS;
	int32_t x;

	/* table[low] >= q > table[high], or q is the last entry's value */
	while (high - low > 1) {
		uint32_t mid = (low + high) >> 1;

		if (squash_table[mid] >= q)
			low = mid;
		else
			high = mid;
	}
	x = (int32_t)(low * 64 + (squash_table[low] - q) * 64 /
					 (uint32_t)(squash_table[low] - squash_table[high]));
	return p < HALF ? -x : x;
}

/* ---- adaptive probabilities ---- */

/* 16384 / (n + 2): how far the n-th observation moves a probability. */
static const uint16_t rate[] = {16384, 10922, 8192, 6553, 5461, 4681, 4096, 3641, 3277};

#define BYTE_LIMIT 8
#define BIT_LIMIT  5
#define FLAG_LIMIT 250

/* Probability of a 1 in the upper 12 bits, observations in the lower 4. */
static void update(uint16_t *s, int bit, uint32_t limit)
{
	uint32_t n = *s & 15u;
	int32_t p = *s & 0xFFF0;

	p += ((bit ? 65535 : 0) - p) * (int32_t)rate[n] / 32768;
	if (p < 16)
		p = 16;
	*s = (uint16_t)(((uint32_t)p & 0xFFF0u) | (n < limit ? n + 1 : n));
}

static uint32_t probability(uint16_t s)
{
	return (s & 0xFFF0u) | 8u;
}

/* The same with 22 and 10 bits, for what is nearly certain. */
static void update_flag(uint32_t *s, int bit)
{
	int32_t n = (int32_t)(*s & 1023u), p = (int32_t)(*s >> 10);

	p += ((bit ? 0x3FFFFF : 0) - p) * 2 / (2 * n + 3);
	*s = (uint32_t)p << 10 | (uint32_t)(n < FLAG_LIMIT ? n + 1 : n);
}

#define WEIGHT_MAX 0x400000

/* err: bit minus probability, in 1/65536 */
static void train(int32_t *w, const int32_t *x, uint32_t n, int32_t err, uint32_t shift)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		int32_t v = w[i] + ((x[i] * (err >> 2) + (1 << (shift - 1))) >> shift);

		w[i] = v > WEIGHT_MAX ? WEIGHT_MAX : v < -WEIGHT_MAX ? -WEIGHT_MAX : v;
	}
}

static uint32_t mix(const int32_t *w, const int32_t *x, uint32_t n)
{
	int32_t sum = 0;
	uint32_t i;

	for (i = 0; i < n; i++)
		sum += (w[i] >> 4) * x[i] >> 12;
	return squash(sum);
}

static uint32_t slot(uint32_t context, uint32_t n)
{
	context *= 0x2C1B3C6Du;
	return (((context ^ context >> 15) * 0x2C1B3C6Du) >> 16) * n >> 16;
}

void imf_mix_init(struct imf_model *m)
{
	int32_t *w = &m->byte_w[0][0];
	uint32_t i;

	for (i = 0; i < m->n_bytes; i++)
		m->bytes[i] = HALF;
	for (i = 0; i < m->n_flags; i++)
		m->flags[i] = 1u << 26; /* a miss once in 64 */
	for (i = 0; i < sizeof(m->bits) / sizeof(m->bits[0]); i++)
		m->bits[i] = HALF;
	for (i = 0; i < 4 * IMF_MODEL_BYTE_IN; i++)
		w[i] = 90 << 8;
	w = &m->flag_w[0][0];
	for (i = 0; i < 8 * IMF_MODEL_FLAG_IN; i++)
		w[i] = 50 << 8;
}

/* ---- single bits and numbers ---- */

int imf_code_bit(struct imf_model *m, uint16_t *s, int bit)
{
	bit = m->coder->code(m->coder, probability(*s), bit);
	update(s, bit, BIT_LIMIT);
	return bit;
}

/*
 * v + 1 as the number of its bits behind the first, through a tree, then those bits, the first
 * of them adaptive. 25 at most: no number in a sound payload needs more.
 */
uint32_t imf_code_number(struct imf_model *m, uint32_t kind, uint32_t v)
{
	uint16_t *s = m->bits + IMF_BITS_NUMBERS + kind * 58;
	uint32_t node = 1, n = 0, i, x = 1;

	v++;
	while (v >> n > 1)
		n++;
	for (i = 0; i < 5; i++)
		node = node * 2 + (uint32_t)imf_code_bit(m, s + node, (int)(n >> (4 - i) & 1));
	n = node - 32;
	if (n > 25) {
		m->error = IMF_ERR_PATCH;
		return 0;
	}
	for (i = n; i-- > 0;) {
		int bit = (int)(v >> i & 1);

		bit = i == n - 1 ? imf_code_bit(m, s + 32 + n, bit)
				 : m->coder->code(m->coder, HALF, bit);
		x = x * 2 + (uint32_t)bit;
	}
	return x - 1;
}

/* ---- hit flags ---- */

int imf_code_flag(struct imf_model *m, const uint32_t ctx[IMF_MODEL_FLAG_IN], uint32_t set, int bit)
{
	int32_t x[IMF_MODEL_FLAG_IN], *w = m->flag_w[set];
	uint32_t *s[IMF_MODEL_FLAG_IN], i, p;

	for (i = 0; i < IMF_MODEL_FLAG_IN; i++) {
		s[i] = &m->flags[slot(ctx[i] + (i + 1) * 0x3D4D51CBu, m->n_flags)];
		p = *s[i] >> 16;
		x[i] = stretch(p < 1 ? 1 : p);
	}
	p = mix(w, x, IMF_MODEL_FLAG_IN);
	bit = m->coder->code(m->coder, p, bit);
	train(w, x, IMF_MODEL_FLAG_IN, (bit ? 65536 : 0) - (int32_t)p, 12);
	for (i = 0; i < IMF_MODEL_FLAG_IN; i++)
		update_flag(s[i], bit);
	return bit;
}

/* ---- bytes ---- */

void imf_push(struct imf_model *m, uint8_t b)
{
	m->hist[3] = m->hist[2];
	m->hist[2] = m->hist[1];
	m->hist[1] = m->hist[0];
	m->hist[0] = b;
}

static uint32_t code_byte(
	struct imf_model *m, const uint32_t ctx[IMF_MODEL_BYTE_IN], uint32_t set, uint32_t v)
{
	int32_t x[IMF_MODEL_BYTE_IN], *w = m->byte_w[set];
	uint16_t *s[IMF_MODEL_BYTE_IN];
	uint32_t node = 1, i;
	int k;

	for (k = 7; k >= 0; k--) {
		uint32_t p;
		int bit;

		for (i = 0; i < IMF_MODEL_BYTE_IN; i++) {
			s[i] = &m->bytes[slot(ctx[i] + node * 0x3D4D51CBu, m->n_bytes)];
			x[i] = stretch(probability(*s[i]));
		}
		p = mix(w, x, IMF_MODEL_BYTE_IN);
		if (p < 32)
			p = 32;
		if (p > 65536 - 32)
			p = 65536 - 32;
		bit = m->coder->code(m->coder, p, (int)(v >> k & 1));
		train(w, x, IMF_MODEL_BYTE_IN, (bit ? 65536 : 0) - (int32_t)p, 13);
		for (i = 0; i < IMF_MODEL_BYTE_IN; i++)
			update(s[i], bit, BYTE_LIMIT);
		node = node * 2 + (uint32_t)bit;
	}
	return node & 255u;
}

/*
 * A halfword; the upper byte, the operation, comes first. `expected` is what it is not, or half of
 * a word that it is not; IMF_NOTHING where there is nothing to lean on.
 */
void imf_code_half(struct imf_model *m, const uint8_t *want, uint32_t expected, uint8_t *out)
{
	uint32_t eh = expected >> 8, el = expected & 255u, last = m->hist[0], before = m->hist[2];
	uint32_t c[IMF_MODEL_BYTE_IN], lo, hi;
	bool alone = expected == IMF_NOTHING;

	c[0] = 0x100u;
	c[1] = 0x200u | last;
	c[2] = alone ? 0x10000u | last << 8 | before : 0x20000u | eh << 8 | last;
	c[3] = alone ? 0x400u | before << 1 | (m->at >> 1 & 1u) : 0x600u | eh;
	hi = code_byte(m, c, alone ? 0 : 2, want != NULL ? want[1] : 0);
	c[0] = 0x700u;
	c[1] = 0x800u | hi;
	c[2] = 0x30000u | hi << 8 | (alone ? last : el | 0x40000u);
	c[3] = alone ? 0x80000u | hi << 8 | m->hist[3] : 0xA00u | el << 1 | (hi == eh ? 1u : 0u);
	lo = code_byte(m, c, alone ? 1 : 3, want != NULL ? want[0] : 0);
	out[0] = (uint8_t)lo;
	out[1] = (uint8_t)hi;
	imf_push(m, out[0]);
	imf_push(m, out[1]);
}

/* A byte at an odd place or at the very end. */
void imf_code_single(struct imf_model *m, const uint8_t *want, uint32_t expected, uint8_t *out)
{
	uint32_t c[IMF_MODEL_BYTE_IN];

	c[0] = 0xC00u;
	c[1] = 0xD00u | m->hist[0];
	c[2] = 0xC0000u | m->hist[0] | (uint32_t)m->hist[1] << 8;
	c[3] = 0xE00u + (expected & 0x1FFu);
	out[0] = (uint8_t)code_byte(m, c, 0, want != NULL ? want[0] : 0);
	imf_push(m, out[0]);
}

#endif
