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

/* The digest of what is encrypted has a secret in front. */
static int digest_start(const struct imf_patch_config *cfg, const uint8_t *salt)
{
	const struct imf_crypto *hash = cfg->crypto;

	if (hash->sha256_init(hash->ctx) != 0 ||
		(salt != NULL && hash->sha256_update(hash->ctx, salt, IMF_SALT_SIZE) != 0))
		return IMF_ERR_CRYPTO;
	return IMF_OK;
}

/* IMF_OK if it is the wanted one. */
static int digest_ends(const struct imf_patch_config *cfg, const uint8_t *want, int error)
{
	uint8_t digest[IMF_DIGEST_SIZE];

	if (cfg->crypto->sha256_final(cfg->crypto->ctx, digest) != 0)
		return IMF_ERR_CRYPTO;
	return imf_differ(digest, want, IMF_DIGEST_SIZE) != 0 ? error : IMF_OK;
}

IMF_SHARED int imf_patch_check(const struct imf_patch_config *cfg, const uint8_t *salt,
	uint32_t len, const uint8_t *want, uint8_t buf[IMF_PATCH_IN])
{
	uint32_t at = 0;

	if (digest_start(cfg, salt) < 0)
		return IMF_ERR_CRYPTO;
	while (at < len) {
		uint32_t n = len - at < IMF_PATCH_IN ? len - at : IMF_PATCH_IN;

		if (cfg->read(cfg->ctx, at, buf, n) != 0)
			return IMF_ERR_CALLBACK;
		if (cfg->crypto->sha256_update(cfg->crypto->ctx, buf, n) != 0)
			return IMF_ERR_CRYPTO;
		at += n;
	}
	return digest_ends(cfg, want, IMF_ERR_BASE);
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

/* Everything in the state that is an address. */
IMF_SHARED void imf_patch_wire(struct imf_patch *p, const struct imf_patch_config *cfg)
{
	p->cfg = cfg;
	p->coder.code = decode;
#ifndef IMF_NO_WHOLE
	p->coder.made = read_made;
#endif
	p->model.coder = &p->coder;
	p->model.cfg = cfg;
}

int imf_patch_begin(struct imf_patch *p, const struct imf_patch_config *cfg)
{
	int rc = IMF_OK;

	/* Both limits are powers of two. */
	if ((cfg->base_len | cfg->plain_size) >= IMF_PATCH_IMAGE_MAX ||
		(int32_t)cfg->stored_size <= 0)
		rc = IMF_ERR_LIMIT;
	IMF_MEMSET(p, 0, sizeof(*p));
	p->high = UINT32_MAX;
	imf_patch_wire(p, cfg);
	if (rc == IMF_OK)
		rc = imf_model_init(&p->model, cfg->ram, cfg->work, cfg->work_size);
	if (rc == IMF_OK)
		rc = checkpoint_read(cfg, &p->skip);
	if (rc == IMF_OK && !IMF_WHOLE(&p->model))
		rc = imf_patch_check(cfg, NULL, cfg->base_len, cfg->base_digest, p->in);
	if (rc == IMF_OK)
		rc = digest_start(cfg, cfg->plain_salt);
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

IMF_SHARED bool imf_patch_ready(const struct imf_patch *p)
{
	return p->model.state != IMF_ST_DONE &&
	       (p->fed == p->cfg->stored_size || p->fed - p->taken >= IMF_STEP_BYTES);
}

IMF_SHARED int imf_patch_step(struct imf_patch *p)
{
	while (p->taken < 4)
		p->value = p->value << 8 | next_byte(p);
	imf_model_step(&p->model, NULL);
	return p->model.error;
}

static int run(struct imf_patch *p)
{
	int rc = IMF_OK;

	while (rc == IMF_OK && imf_patch_ready(p)) {
		rc = imf_patch_step(p);
		if (rc == IMF_OK)
			rc = put(p, p->model.out, p->model.n_out);
	}
	return rc;
}

IMF_SHARED int imf_patch_take(
	struct imf_patch *p, const uint8_t *data, uint32_t len, imf_patch_run go)
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
		p->error = go(p);
		if (p->error < 0)
			return p->error;
	}
	return IMF_OK;
}

int imf_patch_feed(struct imf_patch *p, const uint8_t *data, uint32_t len)
{
	return imf_patch_take(p, data, len, run);
}

IMF_SHARED int imf_patch_whole(const struct imf_patch *p)
{
	if (p->error < 0)
		return p->error;
	if (p->fed < p->cfg->stored_size)
		return IMF_ERR_TRUNCATED;
	return p->taken < p->fed ? IMF_ERR_PATCH : IMF_OK;
}

int imf_patch_finish(struct imf_patch *p)
{
	p->error = imf_patch_whole(p);
	if (p->error == IMF_OK && p->n_out > 0)
		p->error = flush(p);
	if (p->error == IMF_OK)
		p->error = digest_ends(p->cfg, p->cfg->plain_digest, IMF_ERR_DIGEST);
	return p->error;
}

#endif
