/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_receive.c - the order in which a device does everything, over the parts of this library
 *
 * imf_verify drives: its callbacks land here. A component goes through chain, cipher and decoder as
 * its bytes come (chained), or once more from the staging area when its digest was right.
 */
#include <imf/imf_receive.h>
#include <imf/imf_bytes.h>

#if !defined(IMF_NO_RECEIVE) && !defined(IMF_NO_VERIFY)

#include "imf_priv.h"

/* What imf_verify gets to see of an error in here; imf_receive.error has the real one. */
static int receive_result(struct imf_receive *r, int rc)
{
	if (rc != IMF_OK && r->error == IMF_OK)
		r->error = rc < 0 ? rc : IMF_ERR_CALLBACK;
	return rc;
}

static bool is_chained(const struct imf_component *c)
{
	return (c->encoding & IMF_ENC_CHAINED) != 0;
}

/* ---- the last steps: lines, digest, proof ---- */

typedef int (*line_sink)(void *ctx, uint32_t i, uint32_t at, const uint8_t *data, uint32_t len);

static int line_flush(struct imf_receive *r, line_sink to)
{
	uint32_t n = r->n_line;

	if (n == 0)
		return IMF_OK;
	r->n_line = 0;
	if (to(r->cfg->port->ctx, r->index, r->made, r->line, n) != 0)
		return IMF_ERR_CALLBACK;
	r->made += n;
	return IMF_OK;
}

static int line_put(struct imf_receive *r, line_sink to, const uint8_t *data, uint32_t len)
{
	int rc = IMF_OK;

	while (rc == IMF_OK && len > 0) {
		uint32_t room = IMF_RECEIVE_LINE - r->n_line;
		uint32_t n = len < room ? len : room;

		IMF_MEMCPY(r->line + r->n_line, data, n);
		r->n_line += n;
		data += n;
		len -= n;
		if (r->n_line == IMF_RECEIVE_LINE)
			rc = line_flush(r, to);
	}
	return rc;
}

/* Begins the digest of the plain bytes; that of an encrypted component has a secret in front. */
static int plain_begin(struct imf_receive *r)
{
	const struct imf_crypto *hash = r->cfg->plain;

	if (hash->sha256_init(hash->ctx) != 0)
		return IMF_ERR_CRYPTO;
#ifndef IMF_NO_DECRYPT
	if ((r->now.encoding & IMF_ENC_ENCRYPTED) != 0 &&
		hash->sha256_update(hash->ctx, r->decrypt.plain_salt, IMF_SALT_SIZE) != 0)
		return IMF_ERR_CRYPTO;
#endif
	return IMF_OK;
}

static int plain_end(struct imf_receive *r)
{
	const struct imf_crypto *hash = r->cfg->plain;
	uint8_t digest[IMF_DIGEST_SIZE];

	if (hash->sha256_final(hash->ctx, digest) != 0)
		return IMF_ERR_CRYPTO;
	return imf_differ(digest, r->now.plain_digest, IMF_DIGEST_SIZE) != 0 ? IMF_ERR_DIGEST
									     : IMF_OK;
}

/* What the device now holds is what was signed. */
static int prove(struct imf_receive *r)
{
	const struct imf_crypto *hash = r->cfg->plain;
	const struct imf_port *port = r->cfg->port;
	uint32_t at = 0;
	int rc = plain_begin(r);

	while (rc == IMF_OK && at < r->now.plain_size) {
		uint32_t left = r->now.plain_size - at;
		uint32_t n = left < IMF_RECEIVE_LINE ? left : IMF_RECEIVE_LINE;

		if (port->read(port->ctx, r->index, at, r->line, n) != 0)
			return IMF_ERR_CALLBACK;
		if (hash->sha256_update(hash->ctx, r->line, n) != 0)
			return IMF_ERR_CRYPTO;
		at += n;
	}
	return rc < 0 ? rc : plain_end(r);
}

/* ---- deltas and compressed components ---- */

#ifndef IMF_NO_PATCH

static bool needs_patch(const struct imf_component *c)
{
	return (c->encoding & (IMF_ENC_DELTA | IMF_ENC_COMPRESSED)) != 0;
}

/* A delta is made from its base, a compressed image from itself. */
static int patch_read(void *ctx, uint32_t at, uint8_t *ret, uint32_t len)
{
	struct imf_receive *r = ctx;
	const struct imf_port *port = r->cfg->port;

	return (r->now.encoding & IMF_ENC_DELTA) != 0
		       ? port->base(port->ctx, r->index, at, ret, len)
		       : port->read(port->ctx, r->index, at, ret, len);
}

static int patch_write(void *ctx, uint32_t at, const uint8_t *data, uint32_t len)
{
	struct imf_receive *r = ctx;
	const struct imf_port *port = r->cfg->port;

	r->made = at + len;
	return port->write(port->ctx, r->index, at, data, len);
}

/* What the payload was made from. */
static int patch_source(struct imf_receive *r, struct imf_patch_config *p)
{
	struct imf_delta d;

#ifndef IMF_NO_WHOLE
	if ((r->now.encoding & IMF_ENC_COMPRESSED) != 0) {
		p->whole = true;
		p->ram = imf_manifest_compressed(&r->verify.manifest, r->index);
		return IMF_OK;
	}
#endif
	if (!imf_manifest_delta(&r->verify.manifest, r->index, &d))
		return IMF_ERR_FORMAT;
	p->ram = d.ram;
	p->base_addr = d.addr;
	p->base_len = d.len;
	p->base_digest = d.digest;
	return IMF_OK;
}

/* Begins the decoder, which checks the base. */
static int patch_start(struct imf_receive *r)
{
	struct imf_patch_config *p = &r->patch_cfg;
	int rc;

	IMF_MEMSET(p, 0, sizeof(*p));
	rc = patch_source(r, p);
	if (rc < 0)
		return rc;
	p->crypto = r->cfg->plain;
	p->load_addr = r->now.load_addr;
	p->plain_size = r->now.plain_size;
	p->plain_digest = r->now.plain_digest;
	p->stored_size = imf_manifest_content_size(&r->verify.manifest, r->index);
	p->stored_digest = r->now.stored_digest;
	p->work = r->cfg->patch_work;
	p->work_size = r->cfg->patch_work_size;
	p->ctx = r;
	p->read = patch_read;
	p->write = patch_write;
#ifndef IMF_NO_DECRYPT
	if ((r->now.encoding & IMF_ENC_ENCRYPTED) != 0)
		p->plain_salt = r->decrypt.plain_salt;
#endif
	return imf_patch_begin(r->cfg->patch, p);
}

#endif

/* ---- content of a component: decrypted, decoded, written ---- */

#ifndef IMF_NO_DECRYPT

/* The key of component r->index is set, if any of ours is the right one. */
static int key_start(struct imf_receive *r)
{
	const struct imf_receive_config *cfg = r->cfg;
	struct imf_encryption enc;

	if ((r->now.encoding & IMF_ENC_ENCRYPTED) == 0)
		return IMF_OK;
	if (cfg->aes == NULL || !imf_manifest_encryption(&r->verify.manifest, r->index, &enc))
		return IMF_ERR_KEY;
	if (enc.key_source == IMF_KEY_WRAPPED)
		return r->key_len == 0
			       ? IMF_ERR_KEY
			       : imf_decrypt_begin(&r->decrypt, cfg->plain, cfg->aes,
					 &r->verify.manifest, r->index, r->key, enc.key_size);
	return cfg->product_key == NULL
		       ? IMF_ERR_KEY
		       : imf_decrypt_begin(&r->decrypt, cfg->plain, cfg->aes, &r->verify.manifest,
				 r->index, cfg->product_key, cfg->product_key_len);
}

#endif

static int decode_begin(struct imf_receive *r)
{
	int rc = IMF_OK;

	r->made = r->n_line = 0;
#ifndef IMF_NO_DECRYPT
	rc = key_start(r);
#endif
#ifndef IMF_NO_PATCH
	if (rc == IMF_OK && needs_patch(&r->now))
		return patch_start(r);
#endif
	return rc == IMF_OK ? plain_begin(r) : rc;
}

/* Authenticated bytes at offset `at` of the content; they are changed. */
static int decode_content(struct imf_receive *r, uint32_t at, uint8_t *data, uint32_t len)
{
	const struct imf_crypto *hash = r->cfg->plain;

#ifndef IMF_NO_DECRYPT
	if ((r->now.encoding & IMF_ENC_ENCRYPTED) != 0) {
		int rc = imf_decrypt_run(&r->decrypt, at, data, len);

		if (rc < 0)
			return rc;
	}
#else
	(void)at;
#endif
#ifndef IMF_NO_PATCH
	if (needs_patch(&r->now))
		return imf_patch_feed(r->cfg->patch, data, len);
#endif
	if (hash->sha256_update(hash->ctx, data, len) != 0)
		return IMF_ERR_CRYPTO;
	return line_put(r, r->cfg->port->write, data, len);
}

static int decode_end(struct imf_receive *r)
{
	int rc;

#ifndef IMF_NO_PATCH
	if (needs_patch(&r->now)) {
		rc = imf_patch_finish(r->cfg->patch);
		return rc == IMF_OK ? prove(r) : rc;
	}
#endif
	rc = line_flush(r, r->cfg->port->write);
	if (rc == IMF_OK)
		rc = plain_end(r);
	return rc == IMF_OK ? prove(r) : rc;
}

/* From the staging area. The stored digest was right; the plain one must still be so at the end. */
static int decode_staged(struct imf_receive *r)
{
	const struct imf_port *port = r->cfg->port;
	uint8_t piece[IMF_RECEIVE_LINE];
	uint32_t at = 0;
	int rc = decode_begin(r);

	while (rc == IMF_OK && at < r->now.stored_size) {
		uint32_t left = r->now.stored_size - at;
		uint32_t n = left < sizeof(piece) ? left : (uint32_t)sizeof(piece);

		if (port->staged(port->ctx, r->index, at, piece, n) != 0)
			return IMF_ERR_CALLBACK;
		rc = decode_content(r, at, piece, n);
		at += n;
	}
	return rc == IMF_OK ? decode_end(r) : rc;
}

#ifndef IMF_NO_CHAIN

static int chain_content(void *ctx, uint32_t at, uint8_t *data, uint32_t len)
{
	struct imf_receive *r = ctx;

	return receive_result(r, decode_content(r, at, data, len));
}

static int chain_start(struct imf_receive *r)
{
	struct imf_chain_config *c = &r->chain_cfg;
	int rc = decode_begin(r);

	IMF_MEMSET(c, 0, sizeof(*c));
	if (rc == IMF_OK && !imf_manifest_chain(&r->verify.manifest, r->index, &c->info))
		rc = IMF_ERR_FORMAT;
	c->crypto = r->cfg->chunk_hash;
	c->work = r->cfg->chunk;
	c->work_size = r->cfg->chunk_size;
	c->ctx = r;
	c->content = chain_content;
	return rc == IMF_OK ? imf_chain_begin(&r->chain, c, NULL) : rc;
}

#endif

/* ---- before anything is erased ---- */

static bool ways_are_there(const struct imf_receive *r, uint32_t take)
{
	const struct imf_port *port = r->cfg->port;

	if (is_chained(&r->now))
		return take == IMF_TAKE && port->write != NULL && port->read != NULL;
	if (port->stage == NULL)
		return false;
	switch (take) {
	case IMF_TAKE: return port->staged != NULL && port->write != NULL && port->read != NULL;
	case IMF_TAKE_SLOT: return r->now.encoding == 0 && port->read != NULL;
	default: return take == IMF_TAKE_STORED;
	}
}

/* A delta that overwrites its base needs a journal, which `write` does not have: imf_inplace.h. */
static bool is_in_place(const struct imf_receive *r)
{
#if !defined(IMF_NO_PATCH) && !defined(IMF_NO_INPLACE)
	struct imf_groups groups;

	return imf_manifest_in_place(&r->verify.manifest, r->index, &groups);
#else
	(void)r;
	return false;
#endif
}

/* Everything that can be found out about the component before the first erase. */
static int chosen(struct imf_receive *r, uint32_t take)
{
	int rc = IMF_OK;

	if (!ways_are_there(r, take))
		return IMF_ERR_ENCODING;
#ifndef IMF_NO_CHAIN
	if (is_chained(&r->now)) {
		struct imf_chain_info info;

		if (r->cfg->chunk_hash == NULL || r->cfg->chunk == NULL ||
			!imf_manifest_chain(&r->verify.manifest, r->index, &info))
			return IMF_ERR_ENCODING;
		if (r->cfg->chunk_size < info.chunk_size)
			return IMF_ERR_BUFFER;
	}
#endif
	if (take != IMF_TAKE)
		return IMF_OK;
	if (is_in_place(r))
		return IMF_ERR_ENCODING;
#ifndef IMF_NO_DECRYPT
	rc = key_start(r);
#endif
#ifndef IMF_NO_PATCH
	if (rc == IMF_OK && needs_patch(&r->now)) {
		if (r->cfg->patch == NULL || r->cfg->patch_work == NULL)
			return IMF_ERR_RAM;
		if ((r->now.encoding & IMF_ENC_DELTA) != 0 && r->cfg->port->base == NULL)
			return IMF_ERR_ENCODING;
		/* Looks at the base; begins again when the payload comes. */
		rc = patch_start(r);
	}
#endif
	return rc;
}

static int receive_accept(void *ctx, const struct imf_manifest *m)
{
	struct imf_receive *r = ctx;
	const struct imf_port *port = r->cfg->port;
	uint32_t i;

	for (i = 0; i < m->header.n_components; i++) {
		int take, rc;

		imf_manifest_component(m, i, &r->now);
		r->index = i;
		take = port->choose(port->ctx, m, i, &r->now);
		if (take < 0 || take > IMF_TAKE_STORED)
			return receive_result(r, IMF_ERR_CALLBACK);
		r->take[i] = (uint8_t)take;
		rc = take == IMF_SKIP ? IMF_OK : chosen(r, (uint32_t)take);
		if (rc < 0)
			return receive_result(r, rc);
	}
	return receive_result(r, port->start(port->ctx, m) == 0 ? IMF_OK : IMF_ERR_CALLBACK);
}

#if !defined(IMF_NO_DECRYPT) && !defined(IMF_NO_UNWRAP)

static int receive_wrap(void *ctx, const struct imf_manifest *m, const uint8_t *wrap, uint32_t len)
{
	struct imf_receive *r = ctx;
	int rc;

	if (r->cfg->device_key == NULL || r->key_len != 0)
		return 0;
	rc = imf_unwrap(r->cfg->plain, r->cfg->device_key, m, wrap, len, r->key);
	if (rc == IMF_OK)
		r->key_len = IMF_KEY_MAX;
	/* For another device; or damaged, which leaves this one without a key. */
	return rc == IMF_ERR_CRYPTO ? receive_result(r, rc) : 0;
}

#endif

/* ---- payloads ---- */

static int component_start(struct imf_receive *r, uint32_t i)
{
	imf_manifest_component(&r->verify.manifest, i, &r->now);
	r->index = i;
	r->made = r->n_line = 0;
#ifndef IMF_NO_CHAIN
	if (r->take[i] != IMF_SKIP && is_chained(&r->now))
		return chain_start(r);
#endif
	return IMF_OK;
}

static int receive_payload(void *ctx, uint32_t i, uint32_t at, const uint8_t *data, uint32_t len)
{
	struct imf_receive *r = ctx;
	int rc = at == 0 ? component_start(r, i) : IMF_OK;

	if (rc < 0 || r->take[i] == IMF_SKIP)
		return receive_result(r, rc);
#ifndef IMF_NO_CHAIN
	if (is_chained(&r->now))
		return receive_result(r, imf_chain_feed(&r->chain, data, len));
#endif
	return receive_result(r, line_put(r, r->cfg->port->stage, data, len));
}

/* The stored bytes are those that were signed. */
static int component_good(struct imf_receive *r)
{
	int rc;

#ifndef IMF_NO_CHAIN
	if (is_chained(&r->now)) {
		rc = imf_chain_finish(&r->chain);
		return rc == IMF_OK ? decode_end(r) : rc;
	}
#endif
	rc = line_flush(r, r->cfg->port->stage);
	if (rc < 0 || r->take[r->index] == IMF_TAKE_STORED)
		return rc;
	return r->take[r->index] == IMF_TAKE_SLOT ? prove(r) : decode_staged(r);
}

static int receive_component(void *ctx, uint32_t i)
{
	struct imf_receive *r = ctx;
	const struct imf_port *port = r->cfg->port;
	int rc;

	if (r->take[i] == IMF_SKIP)
		return 0;
	rc = component_good(r);
	if (rc == IMF_OK && port->end != NULL && port->end(port->ctx, i, &r->now) != 0)
		rc = IMF_ERR_CALLBACK;
	return receive_result(r, rc);
}

/* ---- outside ---- */

int imf_receive_begin(struct imf_receive *r, const struct imf_receive_config *cfg)
{
	struct imf_verify_config *v = &r->verify_cfg;

	IMF_MEMSET(r, 0, sizeof(*r));
	r->error = IMF_ERR_ARGUMENT;
	if (cfg->port == NULL || cfg->port->choose == NULL || cfg->port->start == NULL ||
		cfg->plain == NULL || cfg->plain == cfg->crypto)
		return IMF_ERR_ARGUMENT;
	r->cfg = cfg;
	v->crypto = cfg->crypto;
	v->keys = cfg->keys;
	v->n_keys = cfg->n_keys;
	v->threshold = cfg->threshold;
	v->device = cfg->device;
	v->work = cfg->work;
	v->work_size = cfg->work_size;
	v->ctx = r;
#if !defined(IMF_NO_DECRYPT) && !defined(IMF_NO_UNWRAP)
	if (cfg->device_key != NULL)
		v->wrap = receive_wrap;
#endif
	v->accept = receive_accept;
	v->payload = receive_payload;
	v->component = receive_component;
	return r->error = imf_verify_begin(&r->verify, v);
}

static void receive_forget(struct imf_receive *r)
{
#ifndef IMF_NO_DECRYPT
	imf_wipe(r->key, sizeof(r->key));
	imf_wipe(&r->decrypt, sizeof(r->decrypt));
	r->key_len = 0;
#else
	(void)r;
#endif
}

int imf_receive_feed(struct imf_receive *r, const uint8_t *data, uint32_t len)
{
	int rc;

	if (r->error < 0)
		return r->error;
	rc = imf_verify_feed(&r->verify, data, len);
	/* What failed in a callback is known better here. */
	if (rc < 0 && r->error == IMF_OK)
		r->error = rc;
	if (r->error < 0)
		receive_forget(r);
	return r->error;
}

uint32_t imf_receive_wants(const struct imf_receive *r)
{
	return r->error < 0 ? 0 : imf_verify_wants(&r->verify);
}

int imf_receive_finish(struct imf_receive *r)
{
	if (r->error == IMF_OK)
		r->error = imf_verify_finish(&r->verify);
	receive_forget(r);
	return r->error;
}

#endif
