/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta_apply.c - the device's decoder, with memory for flash and OpenSSL for the hash
 */
#include <stmota/delta_apply.h>

#include "delta_apply_priv.h"

#include <string.h>

#include <imf/imf_patch.h>

struct sink {
	const struct delta_image *base;
	struct buf made;
	struct digest digest;
	struct err *e;
};

static int read_base(void *ctx, uint32_t at, uint8_t *ret, uint32_t len)
{
	const struct sink *s = ctx;

	memcpy(ret, (s->base != NULL ? s->base->data : s->made.data) + at, len);
	return 0;
}

static int write_made(void *ctx, uint32_t at, const uint8_t *data, uint32_t len)
{
	struct sink *s = ctx;

	(void)at;
	return buf_append(&s->made, data, len, s->e);
}

static int hash_init(void *ctx)
{
	return digest_begin(&((struct sink *)ctx)->digest, NULL);
}

static int hash_update(void *ctx, const uint8_t *data, uint32_t len)
{
	return digest_feed(&((struct sink *)ctx)->digest, data, len, NULL);
}

static int hash_final(void *ctx, uint8_t ret[IMF_DIGEST_SIZE])
{
	return digest_end(&((struct sink *)ctx)->digest, ret, NULL);
}

int delta_refuse(int error, struct err *e)
{
	switch (error) {
	case IMF_ERR_BASE:
		err_set(e, ERR_VERIFY, "the base is not the image that the delta was made from");
		return err_hint(
			e, "take the delta for the version that is there, or the full package");
	case IMF_ERR_ARGUMENT:
	case IMF_ERR_RAM: return err_set(e, ERR_USAGE, "decoder RAM is 4096, 8192 or 16384 bytes");
	case IMF_ERR_LIMIT:
		return err_set(e, ERR_UNSUPPORTED,
			"images of 16 MiB and more are neither compressed nor made into deltas");
	case IMF_ERR_CRYPTO:
		return err_set(e, ERR_FAILED, "the crypto library could not compute SHA-256");
	case IMF_ERR_CALLBACK: return err_set(e, ERR_NOMEM, "out of memory");
	case IMF_ERR_DIGEST:
		return err_set(
			e, ERR_DAMAGED, "the payload makes another image than its manifest says");
	default: return err_set(e, ERR_DAMAGED, "damaged payload: %s", imf_strerror(error));
	}
}

int delta_apply(const struct delta_recipe *r, const struct delta_image *base,
	const uint8_t *payload, size_t payload_len, struct buf *ret, struct err *e)
{
	/* The caller has checked the payload; in memory nothing is ever resumed. */
	static const uint8_t no_checkpoint[IMF_DIGEST_SIZE];
	uint32_t work[IMF_PATCH_WORK(16384) / 4];
	struct sink s = {.base = base, .made = BUF_INIT, .digest = DIGEST_INIT, .e = e};
	struct imf_crypto crypto = {
		.ctx = &s,
		.sha256_init = hash_init,
		.sha256_update = hash_update,
		.sha256_final = hash_final,
	};
	struct imf_patch_config cfg = {
		.crypto = &crypto,
		.ram = r->ram,
		.whole = r->whole,
		.base_addr = r->base_addr,
		.base_len = r->base_len,
		.base_digest = r->base_digest,
		.load_addr = r->load_addr,
		.plain_size = r->plain_size,
		.plain_digest = r->plain_digest,
		.plain_salt = r->plain_salt,
		.stored_size = payload_len > IMF_PAYLOAD_MAX ? 0 : (uint32_t)payload_len,
		.stored_digest = no_checkpoint,
		.work = work,
		.work_size = sizeof(work),
		.ctx = &s,
		.read = read_base,
		.write = write_made,
	};
	struct imf_patch p;
	int rc = !r->whole && base->len != r->base_len ? IMF_ERR_BASE : IMF_OK;

	if (rc == IMF_OK && r->groups != NULL)
		return delta_apply_in_place(r, base, payload, payload_len, ret, e);
	if (rc == IMF_OK)
		rc = imf_patch_begin(&p, &cfg);

	if (rc == IMF_OK)
		rc = imf_patch_feed(&p, payload, cfg.stored_size);
	if (rc == IMF_OK)
		rc = imf_patch_finish(&p);
	digest_done(&s.digest);
	rc = rc == IMF_OK ? buf_append(ret, s.made.data, s.made.len, e) : delta_refuse(rc, e);
	buf_done(&s.made);
	return rc;
}
