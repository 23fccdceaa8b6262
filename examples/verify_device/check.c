/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.c - callbacks and buffers around the streaming check
 */
#include "check.h"

#include "crypto.h"
#include "sha256.h"

#define BLOCK 256u /* bytes hashed between two looks at a watchdog */

static int on_init(void *ctx)
{
	sha256_init(ctx);
	return 0;
}

static int on_update(void *ctx, const uint8_t *data, uint32_t len)
{
	sha256_update(ctx, data, len);
	return 0;
}

static int on_final(void *ctx, uint8_t ret[IMF_DIGEST_SIZE])
{
	sha256_final(ctx, ret);
	return 0;
}

static int32_t on_verify(void *ctx, const void *key, const uint8_t *msg, uint32_t len,
	const uint8_t signature[IMF_SIGNATURE_SIZE])
{
	(void)ctx;
	return crypto_check(key, msg, len, signature) ? IMF_SIGNATURE_GOOD : 0;
}

int check_package(const uint8_t *area, uint32_t size, const struct imf_device *device,
	const uint8_t key_id[IMF_KEY_ID_SIZE], const void *key, uint32_t *ret_size)
{
	uint8_t work[IMF_HEAD_MAX_DEVICE];
	struct sha256 hash;
	struct imf_crypto crypto = {&hash, on_init, on_update, on_final, on_verify};
	struct imf_key trusted;
	struct imf_verify_config cfg = {
		&crypto, &trusted, 1, 1, device, work, sizeof(work), 0, 0, 0, 0, 0};
	struct imf_verify v;
	uint32_t at = 0, n, i;
	int rc;

	for (i = 0; i < IMF_KEY_ID_SIZE; i++)
		trusted.id[i] = key_id[i];
	trusted.key = key;
	rc = imf_verify_begin(&v, &cfg);
	/* The area goes on behind the package: no more than belongs to it is handed over. */
	while (rc == IMF_OK && at < size && (n = imf_verify_wants(&v)) > 0) {
		if (n > BLOCK)
			n = BLOCK;
		if (n > size - at)
			n = size - at;
		rc = imf_verify_feed(&v, area + at, n);
		at += n;
	}
	rc = imf_verify_finish(&v);
	if (rc == IMF_OK)
		*ret_size = at;
	return rc;
}
