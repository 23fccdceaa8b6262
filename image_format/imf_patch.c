/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_patch.c - the decoder of delta payloads
 *
 * A small ring holds payload bytes. A step runs only when the ring has more than a step can take,
 * or when all of the payload has come; behind its end the payload reads as zeros. So a step never
 * has to stop in the middle, whatever the sizes of the pieces.
 */
#include <imf/imf_patch.h>
#include <imf/imf_bytes.h>

#include "imf_patch_priv.h"
#include "imf_priv.h"

#ifndef IMF_NO_PATCH

/* On a 32-bit machine the state must be as small as imf_patch.h promises. */
typedef char state_fits[sizeof(void *) > 4 || sizeof(struct imf_patch) <= IMF_PATCH_STATE ? 1 : -1];

/* ---- range coder ---- */

void imf_range(uint32_t *low, uint32_t *high, uint32_t p1, uint32_t *mid)
{
	uint32_t range = *high - *low;

	*mid = *low + (range >> 16) * p1 + ((range & 0xFFFFu) * p1 >> 16);
}

static uint32_t next_byte(struct imf_patch *p)
{
	uint32_t b = p->taken < p->fed ? p->in[p->taken % IMF_PATCH_IN] : 0;

	/* Counts on behind the end, but cannot wrap: steps are bounded. */
	p->taken++;
	return b;
}

static int decode(struct imf_coder *c, uint32_t p1, int bit)
{
	struct imf_patch *p = (struct imf_patch *)(void *)c;
	uint32_t mid;

	imf_range(&p->low, &p->high, p1, &mid);
	bit = p->value <= mid;
	if (bit)
		p->high = mid;
	else
		p->low = mid + 1;
	while ((p->low ^ p->high) >> 24 == 0) {
		p->low <<= 8;
		p->high = p->high << 8 | 0xFFu;
		p->value = p->value << 8 | next_byte(p);
	}
	return bit;
}

#ifndef IMF_NO_WHOLE

/* The last bytes still wait in `out`. */
static int read_made(struct imf_coder *c, uint32_t at, uint8_t *ret, uint32_t len)
{
	struct imf_patch *p = (struct imf_patch *)(void *)c;
	uint32_t n = at >= p->at ? 0 : p->at - at < len ? p->at - at : len;

	if (n > 0 && p->cfg->read(p->cfg->ctx, at, ret, n) != 0)
		return IMF_ERR_CALLBACK;
	for (; n < len; n++)
		ret[n] = p->out[at + n - p->at];
	return IMF_OK;
}

#endif

/* ---- begin ---- */

static int base_check(const struct imf_patch_config *cfg, uint8_t *buf)
{
	uint8_t digest[IMF_DIGEST_SIZE];
	uint32_t at = 0;

	if (cfg->crypto->sha256_init(cfg->crypto->ctx) != 0)
		return IMF_ERR_CRYPTO;
	while (at < cfg->base_len) {
		uint32_t n = cfg->base_len - at < IMF_PATCH_IN ? cfg->base_len - at : IMF_PATCH_IN;

		if (cfg->read(cfg->ctx, at, buf, n) != 0)
			return IMF_ERR_CALLBACK;
		if (cfg->crypto->sha256_update(cfg->crypto->ctx, buf, n) != 0)
			return IMF_ERR_CRYPTO;
		at += n;
	}
	if (cfg->crypto->sha256_final(cfg->crypto->ctx, digest) != 0)
		return IMF_ERR_CRYPTO;
	return imf_differ(digest, cfg->base_digest, IMF_DIGEST_SIZE) != 0 ? IMF_ERR_BASE : IMF_OK;
}

/* A checkpoint: the offset, the start of the payload's digest, a sum over both. */
static uint32_t checkpoint_sum(const uint8_t *r)
{
	uint32_t sum = 1, i;

	for (i = 0; i < IMF_PATCH_CHECKPOINT - 4; i++)
		sum = sum * 33 + r[i];
	return sum;
}

static int checkpoint_read(const struct imf_patch_config *cfg, uint32_t *ret_skip)
{
	const uint8_t *r = cfg->checkpoint;

	if (r == NULL)
		return IMF_OK;
	*ret_skip = imf_get_le32(r);
	if (imf_get_le32(r + 16) != checkpoint_sum(r) || *ret_skip % IMF_PATCH_OUT != 0 ||
		IMF_MEMCMP(r + 4, cfg->stored_digest, 12) != 0)
		return IMF_ERR_NOT_FOUND;
	return IMF_OK;
}

void imf_patch_checkpoint(const struct imf_patch *p, uint8_t ret[IMF_PATCH_CHECKPOINT])
{
	uint32_t at = p->at > p->skip ? p->at : p->skip;

	imf_put_le32(ret, at - at % IMF_PATCH_OUT);
	IMF_MEMCPY(ret + 4, p->cfg->stored_digest, 12);
	imf_put_le32(ret + 16, checkpoint_sum(ret));
}

int imf_patch_begin(struct imf_patch *p, const struct imf_patch_config *cfg)
{
	struct imf_model *m = &p->model;
	int rc = IMF_OK;

	/* Both limits are powers of two. */
	if ((cfg->base_len | cfg->plain_size) >= IMF_PATCH_IMAGE_MAX ||
		(int32_t)cfg->stored_size <= 0)
		rc = IMF_ERR_LIMIT;
	IMF_MEMSET(p, 0, sizeof(*p));
	p->cfg = cfg;
	p->high = UINT32_MAX;
	p->coder.code = decode;
#ifndef IMF_NO_WHOLE
	p->coder.made = read_made;
#endif
	m->coder = &p->coder;
	m->cfg = cfg;
	if (rc == IMF_OK)
		rc = imf_model_init(m, cfg->ram, cfg->work, cfg->work_size);
	if (rc == IMF_OK)
		rc = checkpoint_read(cfg, &p->skip);
	if (rc == IMF_OK && !IMF_WHOLE(m))
		rc = base_check(cfg, p->in);
	if (rc == IMF_OK &&
		(cfg->crypto->sha256_init(cfg->crypto->ctx) != 0 ||
			(cfg->plain_salt != NULL &&
				cfg->crypto->sha256_update(cfg->crypto->ctx, cfg->plain_salt,
					IMF_SALT_SIZE) != 0)))
		rc = IMF_ERR_CRYPTO;
	p->error = rc;
	return rc;
}

/* ---- output ---- */

static int flush(struct imf_patch *p)
{
	const struct imf_patch_config *cfg = p->cfg;
	uint32_t n = p->n_out;

	p->n_out = 0;
	if (cfg->crypto->sha256_update(cfg->crypto->ctx, p->out, n) != 0)
		return IMF_ERR_CRYPTO;
	if (p->at >= p->skip && cfg->write(cfg->ctx, p->at, p->out, n) != 0)
		return IMF_ERR_CALLBACK;
	p->at += n;
	return IMF_OK;
}

static int put(struct imf_patch *p, const uint8_t *data, uint32_t n)
{
	int rc = IMF_OK;

	for (; n > 0 && rc == IMF_OK; n--) {
		p->out[p->n_out++] = *data++;
		if (p->n_out == IMF_PATCH_OUT)
			rc = flush(p);
	}
	return rc;
}

/* ---- feeding ---- */

static int run(struct imf_patch *p)
{
	struct imf_model *m = &p->model;

	while (m->state != IMF_ST_DONE &&
		(p->fed == p->cfg->stored_size || p->fed - p->taken >= IMF_STEP_BYTES)) {
		int rc;

		while (p->taken < 4)
			p->value = p->value << 8 | next_byte(p);
		imf_model_step(m, NULL);
		if (m->error != IMF_OK)
			return m->error;
		rc = put(p, m->out, m->n_out);
		if (rc < 0)
			return rc;
	}
	return IMF_OK;
}

int imf_patch_feed(struct imf_patch *p, const uint8_t *data, uint32_t len)
{
	if (p->error < 0)
		return p->error;
	if (len > p->cfg->stored_size - p->fed)
		return p->error = IMF_ERR_TRAILING;
	while (len > 0) {
		uint32_t used = p->taken < p->fed ? p->fed - p->taken : 0;
		uint32_t room = IMF_PATCH_IN - used;

		/* The image is complete, but the payload goes on. */
		if (room == 0)
			return p->error = IMF_ERR_PATCH;
		for (; room > 0 && len > 0; room--, len--)
			p->in[p->fed++ % IMF_PATCH_IN] = *data++;
		p->error = run(p);
		if (p->error < 0)
			return p->error;
	}
	return IMF_OK;
}

int imf_patch_finish(struct imf_patch *p)
{
	uint8_t digest[IMF_DIGEST_SIZE];

	if (p->error < 0)
		return p->error;
	if (p->fed < p->cfg->stored_size)
		return p->error = IMF_ERR_TRUNCATED;
	if (p->taken < p->fed)
		return p->error = IMF_ERR_PATCH;
	if (p->n_out > 0)
		p->error = flush(p);
	if (p->error < 0)
		return p->error;
	if (p->cfg->crypto->sha256_final(p->cfg->crypto->ctx, digest) != 0)
		return p->error = IMF_ERR_CRYPTO;
	if (imf_differ(digest, p->cfg->plain_digest, IMF_DIGEST_SIZE) != 0)
		p->error = IMF_ERR_DIGEST;
	return p->error;
}

#endif
