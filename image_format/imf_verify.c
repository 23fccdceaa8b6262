/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_verify.c - the streaming check: header, manifest, signatures, then payloads
 *
 * The manifest and its signatures are collected in the caller's buffer and decided on as a whole;
 * payload bytes pass through and are only hashed. The decision about the signatures is kept twice,
 * as a value and its inverse, and looked at again before every payload and at the end, so that
 * one skipped instruction does not turn a refusal into consent.
 */
#include <imf/imf_verify.h>
#include <imf/imf_bytes.h>

#ifndef IMF_NO_VERIFY

#include "imf_priv.h"

#define DECISION_GOOD 0x3AC5965Au

enum phase {
	PHASE_HEADER,
	PHASE_MANIFEST,
	PHASE_SIG_HEADER,
	PHASE_SIGNATURES,
	PHASE_WRAPS,
	PHASE_PAYLOAD,
	PHASE_END
};

/* ---- signatures ---- */

static int digest(
	const struct imf_crypto *c, const uint8_t *data, uint32_t len, uint8_t ret[IMF_DIGEST_SIZE])
{
	if (c->sha256_init(c->ctx) != 0 || c->sha256_update(c->ctx, data, len) != 0 ||
		c->sha256_final(c->ctx, ret) != 0)
		return IMF_ERR_CRYPTO;
	return IMF_OK;
}

static bool key_listed_before(const struct imf_verify_config *cfg, uint32_t i)
{
	uint32_t k;

	for (k = 0; k < i; k++)
		if (IMF_MEMCMP(cfg->keys[k].id, cfg->keys[i].id, IMF_KEY_ID_SIZE) == 0)
			return true;
	return false;
}

/* 1 if the key signed the message, else 0. */
static uint32_t key_signed(const struct imf_verify_config *cfg, const struct imf_key *key,
	const struct imf_signatures *s, const uint8_t *message)
{
	struct imf_signature one;
	uint32_t offset = 0;

	while (imf_signatures_next(s, &offset, &one)) {
		volatile int32_t answer;

		if (one.len != IMF_SIGNATURE_SIZE ||
			IMF_MEMCMP(one.key_id, key->id, IMF_KEY_ID_SIZE) != 0)
			continue;
		answer = cfg->crypto->verify(
			cfg->crypto->ctx, key->key, message, IMF_SIGN_MESSAGE_SIZE, one.signature);
		if (answer != IMF_SIGNATURE_GOOD)
			return 0;
		/* The stored answer once more: see the top of the file. */
		return answer == IMF_SIGNATURE_GOOD ? 1 : 0;
	}
	return 0;
}

static bool decided_good(const struct imf_verify *v)
{
	if (v->decision != DECISION_GOOD)
		return false;
	return v->decision_inverse == ~DECISION_GOOD;
}

static int decide(struct imf_verify *v, const struct imf_signatures *s)
{
	const struct imf_verify_config *cfg = v->cfg;
	uint8_t hash[IMF_DIGEST_SIZE], message[IMF_SIGN_MESSAGE_SIZE];
	volatile uint32_t good = 0;
	uint32_t i;
	int rc;

	rc = digest(cfg->crypto, v->manifest.bytes, v->manifest.header.manifest_size, hash);
	if (rc < 0)
		return rc;
	imf_sign_message(hash, message);
	for (i = 0; i < cfg->n_keys; i++)
		if (!key_listed_before(cfg, i))
			good = good + key_signed(cfg, &cfg->keys[i], s, message);
	if (good < cfg->threshold)
		return IMF_ERR_SIGNATURE;
	v->decision = DECISION_GOOD;
	if (good >= cfg->threshold)
		v->decision_inverse = ~DECISION_GOOD;
	return decided_good(v) ? IMF_OK : IMF_ERR_SIGNATURE;
}

/* ---- payloads ---- */

static int component_begin(struct imf_verify *v)
{
	struct imf_component c;

	if (!decided_good(v))
		return IMF_ERR_SIGNATURE;
	if (v->component == v->manifest.header.n_components) {
		v->phase = PHASE_END;
		return IMF_OK;
	}
	imf_manifest_component(&v->manifest, v->component, &c);
	v->offset = 0;
	v->left = c.stored_size;
	return v->cfg->crypto->sha256_init(v->cfg->crypto->ctx) == 0 ? IMF_OK : IMF_ERR_CRYPTO;
}

static int component_end(struct imf_verify *v)
{
	const struct imf_verify_config *cfg = v->cfg;
	uint8_t hash[IMF_DIGEST_SIZE];
	struct imf_component c;

	if (cfg->crypto->sha256_final(cfg->crypto->ctx, hash) != 0)
		return IMF_ERR_CRYPTO;
	imf_manifest_component(&v->manifest, v->component, &c);
	if (imf_differ(hash, c.stored_digest, IMF_DIGEST_SIZE) != 0)
		return IMF_ERR_DIGEST;
	v->components_good++;
	if (cfg->component != NULL && cfg->component(cfg->ctx, v->component) != 0)
		return IMF_ERR_CALLBACK;
	v->component++;
	return component_begin(v);
}

static int payload(struct imf_verify *v, const uint8_t *data, uint32_t len)
{
	const struct imf_verify_config *cfg = v->cfg;

	if (cfg->crypto->sha256_update(cfg->crypto->ctx, data, len) != 0)
		return IMF_ERR_CRYPTO;
	if (cfg->payload != NULL && cfg->payload(cfg->ctx, v->component, v->offset, data, len) != 0)
		return IMF_ERR_CALLBACK;
	v->offset += len;
	v->left -= len;
	return v->left == 0 ? component_end(v) : IMF_OK;
}

/* ---- what is collected ---- */

static int need(struct imf_verify *v, uint32_t phase, uint32_t bytes)
{
	if (bytes > v->cfg->work_size)
		return IMF_ERR_BUFFER;
	v->phase = phase;
	v->need = bytes;
	return IMF_OK;
}

static int header_came(struct imf_verify *v)
{
	struct imf_header *h = &v->manifest.header;
	int rc = imf_header_parse(v->cfg->work, h);

	if (rc == IMF_OK && v->cfg->device != NULL)
		rc = imf_header_refuse(h, v->cfg->device);
	if (rc < 0)
		return rc;
	/* Later phases need more, but a package that does not fit is refused here and now. */
	if (v->cfg->work_size < h->manifest_size + IMF_SIG_HEADER_SIZE)
		return IMF_ERR_BUFFER;
	return need(v, PHASE_MANIFEST, h->manifest_size);
}

/* Everything in front of the payloads is there. */
static int head_came(struct imf_verify *v)
{
	if (!decided_good(v))
		return IMF_ERR_SIGNATURE;
	if (v->cfg->accept != NULL && v->cfg->accept(v->cfg->ctx, &v->manifest) != 0)
		return IMF_ERR_CALLBACK;
	v->phase = PHASE_PAYLOAD;
	return component_begin(v);
}

/* `left` bytes of wraps come; each is collected behind the signatures, over the one before. */
static int next_wrap(struct imf_verify *v)
{
#ifndef IMF_NO_DECRYPT
	if (v->left > 0 && v->cfg->wrap != NULL)
		return need(v, PHASE_WRAPS, v->have + imf_manifest_wrap_size(&v->manifest));
#endif
	v->phase = PHASE_WRAPS;
	return v->left > 0 ? IMF_OK : head_came(v);
}

static int wrap_came(struct imf_verify *v)
{
#ifndef IMF_NO_DECRYPT
	uint32_t size = imf_manifest_wrap_size(&v->manifest);

	v->have -= size;
	v->left -= size;
	if (!decided_good(v))
		return IMF_ERR_SIGNATURE;
	if (v->cfg->wrap(v->cfg->ctx, &v->manifest, v->cfg->work + v->have, size) != 0)
		return IMF_ERR_CALLBACK;
#endif
	return next_wrap(v);
}

static int signatures_came(struct imf_verify *v)
{
	uint32_t head = v->manifest.header.manifest_size;
	struct imf_signatures s;
	int rc = imf_signatures_parse(v->cfg->work + head, v->have - head, head, &s);

	if (rc == IMF_OK)
		rc = decide(v, &s);
	if (rc < 0)
		return rc;
	v->left = s.wrap_size;
	return next_wrap(v);
}

/* cfg->work holds what the phase needs. */
static int collected(struct imf_verify *v)
{
	uint32_t head = v->manifest.header.manifest_size;
	struct imf_signatures s;
	int rc;

	/* No fifth case: from there on compilers make a table that needs their library. */
	if (v->phase == PHASE_WRAPS)
		return wrap_came(v);
	switch (v->phase) {
	case PHASE_HEADER: return header_came(v);
	case PHASE_MANIFEST:
		rc = imf_manifest_parse(v->cfg->work, v->have, &v->manifest);
		if (rc == IMF_OK && v->cfg->device != NULL)
			rc = imf_manifest_refuse(&v->manifest, v->cfg->device);
		return rc < 0 ? rc : need(v, PHASE_SIG_HEADER, head + IMF_SIG_HEADER_SIZE);
	case PHASE_SIG_HEADER:
		rc = imf_signatures_header(v->cfg->work + head, head, &s);
		if (rc == IMF_OK)
			rc = imf_wraps_check(&v->manifest, &s);
		if (rc < 0)
			return rc;
		rc = need(v, PHASE_SIGNATURES, head + IMF_SIG_HEADER_SIZE + s.size);
		/* An unsigned package ends its head here. */
		return rc == IMF_OK && s.size == 0 ? signatures_came(v) : rc;
	default: return signatures_came(v);
	}
}

/* Nobody asked for the wraps. */
static bool passes_wraps(const struct imf_verify *v)
{
	return v->phase == PHASE_WRAPS && v->cfg->wrap == NULL;
}

static int take(struct imf_verify *v, const uint8_t **data, uint32_t *len)
{
	uint32_t left = imf_verify_wants(v);
	uint32_t n = *len < left ? *len : left;
	const uint8_t *from = *data;

	*data += n;
	*len -= n;
	if (v->phase == PHASE_PAYLOAD)
		return payload(v, from, n);
	if (passes_wraps(v)) {
		v->left -= n;
		return next_wrap(v);
	}
	IMF_MEMCPY(v->cfg->work + v->have, from, n);
	v->have += n;
	return v->have == v->need ? collected(v) : IMF_OK;
}

/* ---- outside ---- */

int imf_verify_begin(struct imf_verify *v, const struct imf_verify_config *cfg)
{
	IMF_MEMSET(v, 0, sizeof(*v));
	v->error = IMF_ERR_ARGUMENT;
	if (cfg->crypto == NULL || cfg->keys == NULL || cfg->n_keys == 0 || cfg->threshold == 0 ||
		cfg->threshold > cfg->n_keys || cfg->work == NULL ||
		cfg->work_size < IMF_HEADER_SIZE)
		return IMF_ERR_ARGUMENT;
	v->cfg = cfg;
	v->error = IMF_OK;
	return need(v, PHASE_HEADER, IMF_HEADER_SIZE);
}

int imf_verify_feed(struct imf_verify *v, const uint8_t *data, uint32_t len)
{
	while (v->error == IMF_OK && len > 0) {
		if (v->phase == PHASE_END)
			v->error = IMF_ERR_TRAILING;
		else
			v->error = take(v, &data, &len);
	}
	return v->error;
}

uint32_t imf_verify_wants(const struct imf_verify *v)
{
	if (v->error != IMF_OK || v->phase == PHASE_END)
		return 0;
	return v->phase == PHASE_PAYLOAD || passes_wraps(v) ? v->left : v->need - v->have;
}

int imf_verify_finish(const struct imf_verify *v)
{
	if (v->error != IMF_OK)
		return v->error;
	if (v->phase != PHASE_END)
		return IMF_ERR_TRUNCATED;
	if (!decided_good(v))
		return IMF_ERR_SIGNATURE;
	return v->components_good == v->manifest.header.n_components ? IMF_OK : IMF_ERR_DIGEST;
}

#endif
