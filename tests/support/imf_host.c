/* SPDX-License-Identifier: Apache-2.0 */
#include "imf_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/bytes.h>
#include <stmota/version.h>

const struct imf_device imf_host_device = {
	/* acme.com/streetlight; test_package checks the rule that makes it */
	.product = {0x4C, 0xC0, 0x39, 0xE7, 0xA9, 0xFC, 0x5A, 0xCA, 0x99, 0xCC, 0xA5, 0xB2, 0xFB,
		0xF3, 0x43, 0xBB},
	.hw_revision = 3,
	.chip = 0x413,
	.installed_known = true,
	.installed = {1, 2, 0, 0},
	.counter = 5,
	.load_addr = 0x08000000,
	.load_size = 1u << 20,
};

/* ---- callbacks ---- */

static int on_init(void *ctx)
{
	return digest_begin(ctx, NULL);
}

static int on_update(void *ctx, const uint8_t *data, uint32_t len)
{
	return digest_feed(ctx, data, len, NULL);
}

static int on_final(void *ctx, uint8_t ret[IMF_DIGEST_SIZE])
{
	return digest_end(ctx, ret, NULL);
}

static int32_t on_verify(void *ctx, const void *key, const uint8_t *msg, uint32_t len,
	const uint8_t signature[IMF_SIGNATURE_SIZE])
{
	/* `digest` is the first member. */
	struct imf_host *h = ctx;

	h->calls_of_verify++;
	return key_verify(key, msg, len, signature) ? IMF_SIGNATURE_GOOD : 0;
}

static int on_accept(void *ctx, const struct imf_manifest *m)
{
	struct imf_host *h = ctx;

	h->accepted++;
	return h->payload.len == 0 ? 0 : 1;
}

static int on_payload(
	void *ctx, uint32_t component, uint32_t offset, const uint8_t *data, uint32_t len)
{
	struct imf_host *h = ctx;

	if (h->accepted != 1 || component != h->components)
		abort(); /* payload before consent, or out of order */
	return buf_append(&h->payload, data, len, NULL);
}

static int on_component(void *ctx, uint32_t component)
{
	struct imf_host *h = ctx;

	return component == h->components++ ? 0 : 1;
}

/* ---- use ---- */

void imf_host_init(struct imf_host *h, struct key *const *keys, size_t n)
{
	memset(h, 0, sizeof(*h));
	h->crypto = (struct imf_crypto){h, on_init, on_update, on_final, on_verify};
	for (size_t i = 0; i < n && i < ARRAY_LEN(h->keys); i++) {
		memcpy(h->keys[i].id, key_id(keys[i]), IMF_KEY_ID_SIZE);
		h->keys[i].key = keys[i];
	}
	h->cfg = (struct imf_verify_config){.crypto = &h->crypto,
		.keys = h->keys,
		.n_keys = (uint32_t)n,
		.threshold = 1,
		.device = &imf_host_device,
		.work = h->work,
		.work_size = IMF_HEAD_MAX_DEVICE,
		.ctx = h,
		.accept = on_accept,
		.payload = on_payload,
		.component = on_component};
}

void imf_host_done(struct imf_host *h)
{
	digest_done(&h->digest);
	buf_done(&h->payload);
}

int imf_host_check(struct imf_host *h, const uint8_t *data, size_t len, size_t chunk)
{
	int rc = imf_verify_begin(&h->v, &h->cfg);

	h->accepted = h->components = h->calls_of_verify = 0;
	h->payload.len = 0;
	memset(h->work, 0xA5, sizeof(h->work));
	for (size_t at = 0; rc == 0 && at < len; at += chunk) {
		size_t n = len - at < chunk ? len - at : chunk;
		/* Memory of exactly this size, so that sanitizers see a byte too many. */
		uint8_t *copy = malloc(n);

		if (copy == NULL)
			abort();
		memcpy(copy, data + at, n);
		rc = imf_verify_feed(&h->v, copy, (uint32_t)n);
		free(copy);
	}
	return rc < 0 ? rc : imf_verify_finish(&h->v);
}

const char *imf_host_word(int error)
{
	static const char *const words[] = {"ok", "truncated", "magic", "format-version", "format",
		"limit", "trailing", "critical", "encoding", "kind", "buffer", "product",
		"hardware", "chip", "counter", "downgrade", "min-version", "address", "ram",
		"signature", "digest", "crypto", "callback", "argument", "not-found", "base",
		"patch", "key"};

	return error <= 0 && (size_t)-error < ARRAY_LEN(words) ? words[-error] : "?";
}

const char *imf_host_vector(const char *name, const char *suffix)
{
	static char path[512];
	const char *folder = getenv("STMOTA_VECTORS");

	snprintf(path, sizeof(path), "%s/%s%s", folder != NULL ? folder : "image_format/vectors",
		name, suffix);
	return path;
}
