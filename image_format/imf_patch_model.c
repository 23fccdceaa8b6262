/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_patch_model.c - the steps a delta payload is made of
 *
 * First the list of the segments that both images share, which is also the map by which targets
 * are followed; then the new image from front to back: segments unit by unit, and between them
 * new bytes and shorter copies. A step is small, so that the decoder can stop for want of input
 * between any two. Each step moves on in the list or makes bytes or is followed by one that does:
 * no payload can keep the decoder busy for ever.
 */
#include <imf/imf_bytes.h>

#include "imf_patch_priv.h"
#include "imf_priv.h"

#ifndef IMF_NO_PATCH

/* Of what is made now: the image, or a group of it. */
#ifndef IMF_NO_INPLACE
#define MODEL_END(m) ((m)->end)
#else
#define MODEL_END(m) ((m)->cfg->plain_size)
#endif

static const struct profile {
	uint32_t ram;
	uint16_t n_bytes, n_flags, n_targets, n_repeats, n_rams, max_segments;
} profiles[] = {
	{4096, 492, 128, 16, 16, 16, 56},
	{8192, 1976, 256, 16, 32, 16, 96},
	{16384, 4096, 512, 64, 128, 48, 208},
#ifndef IMF_NO_WHOLE
	{4096, 1152, 64, 0, 0, 0, 0},
	{8192, 3072, 128, 0, 0, 0, 0},
	{16384, 6912, 256, 0, 0, 0, 0},
#endif
};

static uint32_t table_size(const struct profile *p)
{
	return p->n_flags * 4u + ((uint32_t)p->n_targets + p->n_repeats + p->n_rams) * 8u +
	       p->n_bytes * 2u + p->max_segments * 12u;
}

IMF_SHARED int imf_model_tables(struct imf_model *m, uint32_t ram, uint32_t *work, uint32_t size)
{
	const struct profile *p = profiles;

	while (p->ram != ram || (p->n_targets == 0) != m->cfg->whole)
		if (++p == profiles + sizeof(profiles) / sizeof(profiles[0]))
			return IMF_ERR_ARGUMENT;
	if (size < table_size(p))
		return IMF_ERR_RAM;
	m->n_flags = p->n_flags;
	m->n_targets = p->n_targets;
	m->n_repeats = p->n_repeats;
	m->n_rams = p->n_rams;
	m->n_bytes = p->n_bytes;
	m->max_segments = p->max_segments;
	m->flags = work;
	m->targets = (struct imf_pair *)(void *)(m->flags + m->n_flags);
	m->repeats = m->targets + m->n_targets;
	m->rams = m->repeats + m->n_repeats;
	m->segments = (struct imf_segment *)(void *)(m->rams + m->n_rams);
	m->bytes = (uint16_t *)(void *)(m->segments + m->max_segments);
	return IMF_OK;
}

IMF_SHARED uint32_t imf_model_tables_size(const struct imf_model *m)
{
	return (uint32_t)((const uint8_t *)(m->bytes + m->n_bytes) - (const uint8_t *)m->flags);
}

int imf_model_init(struct imf_model *m, uint32_t ram, uint32_t *work, uint32_t size)
{
	uint32_t i;
	int rc = imf_model_tables(m, ram, work, size);

	if (rc < 0)
		return rc;
	IMF_MEMSET(work, 0, imf_model_tables_size(m));
	for (i = 0; i < 3; i++)
		m->rep[i] = 0;
	m->since = 20;
	m->state = IMF_ST_COUNT;
	imf_mix_init(m);
	return IMF_OK;
}

/* ---- helpers ---- */

static uint32_t zigzag(uint32_t v)
{
	return v << 1 ^ (0 - (v >> 31));
}

static uint32_t unzigzag(uint32_t v)
{
	return v >> 1 ^ (0 - (v & 1));
}

static uint32_t bits_of(uint32_t v, uint32_t most)
{
	uint32_t n = 0;

	for (; v != 0 && n < most; v >>= 1)
		n++;
	return n;
}

static void load_segment(struct imf_model *m)
{
	struct imf_segment *g = &m->now;

	g->to = MODEL_END(m);
	g->len = 0;
	if (m->segment < m->n_segments)
		*g = m->segments[m->segment];
#ifndef IMF_NO_INPLACE
	/* Only what of it lies in the group. */
	if (g->to < m->at) {
		g->from += m->at - g->to;
		g->len -= m->at - g->to;
		g->to = m->at;
	}
	if (g->to >= m->end) {
		g->to = m->end;
		g->len = 0;
	} else if (g->len > m->end - g->to) {
		g->len = m->end - g->to;
	}
#endif
}

static void begin_copy(struct imf_model *m, uint32_t src, uint32_t len)
{
	uint32_t by = src - m->at, i = 0;

	while (i < 2 && m->rep[i] != by)
		i++;
	for (; i > 0; i--)
		m->rep[i] = m->rep[i - 1];
	m->rep[0] = by;
	m->src = src;
	m->left = len;
	m->copied = 0;
	m->state = IMF_ST_UNIT;
}

/* The next segment begins, or the gap before it, or all is done. */
static void next_part(struct imf_model *m)
{
	m->in_segment = false;
	m->run = 0;
	if (m->at == MODEL_END(m)) {
		m->state = IMF_ST_DONE;
#ifndef IMF_NO_INPLACE
		if (m->groups_left > 0)
			m->state = IMF_ST_GROUP;
#endif
	} else if (m->at == m->now.to) {
		m->in_segment = true;
		begin_copy(m, m->now.from, m->now.len);
	} else {
		m->state = IMF_ST_OP;
	}
}

static void made(struct imf_model *m, uint32_t n)
{
	if (!IMF_WHOLE(m))
		imf_unmark(m, m->at, m->at + n);
	m->at += n;
	m->n_out = (uint8_t)n;
}

/* ---- the list ---- */

static void list_ends(struct imf_model *m)
{
	m->segment = 0;
	m->at = 0;
	m->expect = 0;
#ifndef IMF_NO_INPLACE
	if (m->cfg->groups != NULL) {
		m->state = IMF_ST_GROUPS;
		return;
	}
#endif
#ifndef IMF_NO_INPLACE
	m->end = m->cfg->plain_size;
#endif
	load_segment(m);
	next_part(m);
}

#ifndef IMF_NO_INPLACE

/* ---- the order of groups ---- */

static void step_groups(struct imf_model *m, uint32_t number)
{
	number = imf_code_number(m, IMF_NUM_COUNT, number);
	if (number > IMF_GROUPS_MAX)
		m->error = IMF_ERR_PATCH;
	m->groups_left = (uint8_t)number;
	m->group = UINT8_MAX;
	m->state = number > 0 ? IMF_ST_GROUP : IMF_ST_DONE;
}

static void step_group(struct imf_model *m, uint32_t number)
{
	uint32_t last = m->group == UINT8_MAX ? UINT32_MAX : m->group,
		 next = m->group_back ? last - 1 : last + 1;
	uint32_t start = 0, len = 0;

	if (imf_code_bit(m, &m->bits[IMF_BITS_GROUP], number != next)) {
		next = last + unzigzag(imf_code_number(m, IMF_NUM_COUNT, zigzag(number - last)));
		m->group_back = next - last > INT32_MAX;
	}
	m->group = (uint8_t)next;
	m->groups_left--;
	if (!imf_group_place(m->cfg->groups, next, &start, &len) || start >= m->cfg->plain_size) {
		m->error = IMF_ERR_PATCH;
		return;
	}
	m->at = m->expect = start;
	m->end = len < m->cfg->plain_size - start ? start + len : m->cfg->plain_size;
	m->segment = 0;
	while (m->segment < m->n_segments &&
		m->segments[m->segment].to + m->segments[m->segment].len <= start)
		m->segment++;
	load_segment(m);
	next_part(m);
}

#endif

static void step_count(struct imf_model *m, uint32_t number)
{
	if (!IMF_WHOLE(m))
		m->n_segments = imf_code_number(m, IMF_NUM_COUNT, number);
	if (m->n_segments > m->max_segments) {
		m->n_segments = 0;
		m->error = IMF_ERR_PATCH;
	}
	m->state = IMF_ST_GAP;
	if (m->n_segments == 0)
		list_ends(m);
}

static void step_length(struct imf_model *m, uint32_t number)
{
	struct imf_segment *g = &m->now;
	uint32_t len = imf_code_number(m, IMF_NUM_LENGTH, number);

	if (g->to > m->cfg->plain_size || len > m->cfg->plain_size - g->to || len == 0 ||
		g->from > m->cfg->base_len || len > m->cfg->base_len - g->from) {
		m->error = IMF_ERR_PATCH;
		return;
	}
	g->len = len;
	m->segments[m->segment] = *g;
	m->at = g->to + len;
	m->expect = g->from + len;
	m->state = IMF_ST_GAP;
	if (++m->segment == m->n_segments)
		list_ends(m);
}

/* ---- between segments ---- */

static void step_op(struct imf_model *m, const struct imf_hint *h)
{
	const uint8_t *want = h != NULL ? h->bytes : NULL;
	uint32_t left = m->now.to - m->at, n = 2;

	if ((IMF_WHOLE(m) ? left >= IMF_SELF_MIN && m->at >= IMF_SELF_MIN : left >= IMF_COPY_MIN) &&
		imf_code_bit(m, &m->bits[IMF_BITS_OP + m->run], h != NULL && h->number != 0)) {
		m->state = IMF_ST_COPY_FROM;
		return;
	}
	if (left < 2 || (m->at & 1) != 0) {
		imf_code_single(m, want, IMF_NOTHING | 0x100u, m->out);
		n = 1;
	} else {
		imf_code_half(m, want, IMF_NOTHING, m->out);
		imf_note(m, m->at, imf_get_le16(m->out), 2);
	}
	made(m, n);
	m->expect += n;
	if (m->run < 3)
		m->run++;
	if (m->at == m->now.to)
		next_part(m);
}

/*
 * Whole: how far back. Most is aligned, so the lower two bits are worth statistics.
 */
static uint32_t code_back(struct imf_model *m, uint32_t v)
{
	uint16_t *s = m->bits + IMF_BITS_LOW;
	uint32_t low = (uint32_t)imf_code_bit(m, s, (int)(v & 1));

	low |= (uint32_t)imf_code_bit(m, s + 1 + low, (int)(v >> 1 & 1)) << 1;
	return imf_code_number(m, IMF_NUM_COPY_FROM, v >> 2) << 2 | low;
}

static void step_copy_from(struct imf_model *m, uint32_t number)
{
	uint32_t by = number - m->at, i = 0;

	while (i < 3 && !imf_code_bit(m, &m->bits[IMF_BITS_REP + i], by == m->rep[i]))
		i++;
	if (i < 3)
		m->src = m->at + m->rep[i];
	else if (IMF_WHOLE(m))
		m->src = m->at - IMF_SELF_MIN - code_back(m, 0 - by - IMF_SELF_MIN);
	else
		m->src = m->expect + unzigzag(imf_code_number(
					     m, IMF_NUM_COPY_FROM, zigzag(number - m->expect)));
	m->state = IMF_ST_COPY_LENGTH;
}

/* Whole: the source may run into what the copy makes, but each unit of it lies before that. */
static void self_copy(struct imf_model *m, uint32_t number)
{
	uint32_t by = m->src - m->at, kind = IMF_NUM_COPY_LENGTH, len;

	if (by == m->rep[0] || by == m->rep[1] || by == m->rep[2])
		kind = IMF_NUM_LENGTH;
	len = imf_code_number(m, kind, (number - IMF_SELF_MIN) >> 1) * 2 + IMF_SELF_MIN;
	if (m->src > m->at - IMF_SELF_MIN || len > m->now.to - m->at)
		m->error = IMF_ERR_PATCH;
	else
		begin_copy(m, m->src, len);
}

static void step_copy_length(struct imf_model *m, uint32_t number)
{
	uint32_t len;

	if (IMF_WHOLE(m)) {
		self_copy(m, number);
		return;
	}
	len = imf_code_number(m, IMF_NUM_COPY_LENGTH, number);
	if (len == 0 || len > m->now.to - m->at || m->src > m->cfg->base_len ||
		len > m->cfg->base_len - m->src)
		m->error = IMF_ERR_PATCH;
	else
		begin_copy(m, m->src, len);
}

/* ---- copying ---- */

static int code_hit(struct imf_model *m, const struct imf_expected *r, int miss)
{
	static const uint8_t sets[IMF_MODEL_CLASSES] = {
		0, 1, 2, 2, 3, 3, 3, 4, 4, 4, 5, 6, 7, 6, 7};
	uint32_t two = r->first != r->plain, cls = r->cls, last = m->outcomes & 1u;
	uint32_t kind = cls | r->quality << 4 | two << 7, since = bits_of(m->since, 8);
	uint32_t c[IMF_MODEL_FLAG_IN];

	c[0] = kind | (m->outcomes & 3u) << 8;
	c[1] = since | cls << 4 | two << 8;
	c[2] = (r->plain >> 8 & 0xFFu) | last << 8;
	c[3] = kind | (m->class_hist[cls] & 7u) << 8;
	c[4] = bits_of(m->left, 6) | bits_of(m->copied, 5) << 4 | last << 8;
	c[5] = (m->outcomes & 0xFFu) | two << 8;
	return imf_code_flag(m, c, sets[cls], miss);
}

static void copy_byte(struct imf_model *m, const uint8_t *want)
{
	uint8_t b = 0;

	imf_read_base(m, m->src, &b, 1);
	imf_code_single(m, want, b, m->out);
	m->src++;
	m->left--;
	made(m, 1);
}

static void copy_unit(struct imf_model *m, const uint8_t *want)
{
	struct imf_expected r;
	uint32_t v, w = 0, i;
	bool missed;

	imf_expect(m, &r);
	if (want != NULL)
		w = r.len == 4 ? imf_get_le32(want) : imf_get_le16(want);
	v = r.first;
	missed = code_hit(m, &r, w != v) != 0;
	if (missed && r.second != r.first)
		v = r.second;
	if (missed && (r.second == r.first ||
			      imf_code_bit(m, &m->bits[IMF_BITS_SECOND + r.cls], w != v))) {
		imf_code_half(m, want, r.first & 0xFFFFu, m->out);
		if (r.len == 4)
			imf_code_half(m, want != NULL ? want + 2 : NULL, r.first >> 16, m->out + 2);
		v = r.len == 4 ? imf_get_le32(m->out) : imf_get_le16(m->out);
	} else {
		imf_put_le32(m->out, v);
		for (i = 0; i < r.len; i++)
			imf_push(m, m->out[i]);
	}
	m->since = missed ? 0 : m->since + 1;
	m->outcomes = m->outcomes << 1 | (missed ? 1u : 0u);
	m->class_hist[r.cls] = (uint8_t)(m->class_hist[r.cls] << 1 | (missed ? 1 : 0));
	imf_learn(m, &r, v, missed);
	if (r.cls < IMF_C_WORD && !IMF_WHOLE(m))
		imf_note(m, m->at, v, r.len);
	m->src += r.len;
	m->left -= r.len;
	m->copied++;
	made(m, r.len);
}

static void step_unit(struct imf_model *m, const uint8_t *want)
{
	if (m->left < 2)
		copy_byte(m, want);
	else
		copy_unit(m, want);
	if (m->left > 0)
		return;
	m->expect = m->src;
	if (m->in_segment) {
		m->segment++;
		load_segment(m);
	}
	next_part(m);
}

void imf_model_step(struct imf_model *m, const struct imf_hint *h)
{
	uint32_t number = 0;

	/* Devices only decode: all that follows from a hint falls away. */
#ifdef IMF_ENCODER
	if (h != NULL)
		number = h->number;
#else
	h = NULL;
#endif
	m->n_out = 0;
	switch (m->state) {
	case IMF_ST_COUNT: step_count(m, number); break;
	case IMF_ST_GAP:
		number = imf_code_number(m, IMF_NUM_GAP, number);
		m->now.to = m->at + number;
		m->expect += number;
		m->state = IMF_ST_JUMP;
		break;
	case IMF_ST_JUMP:
		m->now.from = m->expect + unzigzag(imf_code_number(
						  m, IMF_NUM_JUMP, zigzag(number - m->expect)));
		m->state = IMF_ST_LENGTH;
		break;
	case IMF_ST_LENGTH: step_length(m, number); break;
#ifndef IMF_NO_INPLACE
	case IMF_ST_GROUPS: step_groups(m, number); break;
	case IMF_ST_GROUP: step_group(m, number); break;
#endif
	case IMF_ST_OP: step_op(m, h); break;
	case IMF_ST_COPY_FROM: step_copy_from(m, number); break;
	case IMF_ST_COPY_LENGTH: step_copy_length(m, number); break;
	case IMF_ST_UNIT: step_unit(m, h != NULL ? h->bytes : NULL); break;
	default: break;
	}
}

#endif
