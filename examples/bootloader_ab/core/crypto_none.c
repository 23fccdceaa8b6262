/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypto_none.c - a frame for cryptography of your own, such as the chip's; this one refuses every
 * package, and `sizes` measures with it what the loader takes without any
 */
#include <stddef.h>

#include "crypto.h"

static int hash(void *ctx)
{
	(void)ctx;
	return -1;
}

static int hash_update(void *ctx, const uint8_t *data, uint32_t len)
{
	(void)data;
	(void)len;
	return hash(ctx);
}

static int hash_final(void *ctx, uint8_t ret[IMF_DIGEST_SIZE])
{
	(void)ret;
	return hash(ctx);
}

static int32_t verify(void *ctx, const void *key, const uint8_t *msg, uint32_t len,
	const uint8_t signature[IMF_SIGNATURE_SIZE])
{
	(void)ctx;
	(void)key;
	(void)msg;
	(void)len;
	(void)signature;
	return 0;
}

const struct imf_crypto crypto_stored = {NULL, hash, hash_update, hash_final, verify};
const struct imf_crypto crypto_plain = {NULL, hash, hash_update, hash_final, NULL};
#ifndef IMF_NO_CHAIN
const struct imf_crypto crypto_chunk = {NULL, hash, hash_update, hash_final, NULL};
#endif

#ifndef IMF_NO_DECRYPT

static int aes_key(void *ctx, const uint8_t *key, uint32_t len)
{
	(void)key;
	(void)len;
	return hash(ctx);
}

static int aes_encrypt(void *ctx, const uint8_t block[IMF_AES_BLOCK], uint8_t ret[IMF_AES_BLOCK])
{
	(void)block;
	(void)ret;
	return hash(ctx);
}

const struct imf_aes crypto_aes = {NULL, aes_key, aes_encrypt};

#endif
