/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypto_bearssl.c - SHA-256, ECDSA P-256 and AES of BearSSL: no heap, constant time, 16-bit
 * multiplications, so that a Cortex-M0+ is happy too
 */
#include <string.h>

#include <bearssl.h>

#include "crypto.h"

/* Or br_ec_prime_i15: less code, three times the time. */
#ifndef BOOT_EC
#define BOOT_EC br_ec_p256_m15
#endif

static int hash_init(void *ctx)
{
	br_sha256_init(ctx);
	return 0;
}

static int hash_update(void *ctx, const uint8_t *data, uint32_t len)
{
	br_sha256_update(ctx, data, len);
	return 0;
}

static int hash_final(void *ctx, uint8_t ret[IMF_DIGEST_SIZE])
{
	br_sha256_out(ctx, ret);
	return 0;
}

static int32_t verify(void *ctx, const void *key, const uint8_t *msg, uint32_t len,
	const uint8_t signature[IMF_SIGNATURE_SIZE])
{
	unsigned char point[65], digest[32];
	br_ec_public_key pk = {BR_EC_secp256r1, point, sizeof(point)};
	br_sha256_context sha;

	(void)ctx;
	point[0] = 4; /* not compressed */
	memcpy(point + 1, key, 64);
	br_sha256_init(&sha);
	br_sha256_update(&sha, msg, len);
	br_sha256_out(&sha, digest);
	return br_ecdsa_i15_vrfy_raw(
		       &BOOT_EC, digest, sizeof(digest), &pk, signature, IMF_SIGNATURE_SIZE) == 1
		       ? IMF_SIGNATURE_GOOD
		       : 0;
}

static br_sha256_context stored, plain;
const struct imf_crypto crypto_stored = {&stored, hash_init, hash_update, hash_final, verify};
const struct imf_crypto crypto_plain = {&plain, hash_init, hash_update, hash_final, NULL};

#ifndef IMF_NO_CHAIN
static br_sha256_context chunk;
const struct imf_crypto crypto_chunk = {&chunk, hash_init, hash_update, hash_final, NULL};
#endif

#ifndef IMF_NO_DECRYPT

static br_aes_small_ctr_keys aes;

static int aes_key(void *ctx, const uint8_t *key, uint32_t len)
{
	br_aes_small_ctr_init(ctx, key, len);
	return 0;
}

/* The key stream of a counter is that counter, encrypted: BearSSL offers no single block. */
static int aes_encrypt(void *ctx, const uint8_t block[IMF_AES_BLOCK], uint8_t ret[IMF_AES_BLOCK])
{
	memset(ret, 0, IMF_AES_BLOCK);
	br_aes_small_ctr_run(ctx, block,
		(uint32_t)block[12] << 24 | (uint32_t)block[13] << 16 | (uint32_t)block[14] << 8 |
			block[15],
		ret, IMF_AES_BLOCK);
	return 0;
}

const struct imf_aes crypto_aes = {&aes, aes_key, aes_encrypt};

#endif
