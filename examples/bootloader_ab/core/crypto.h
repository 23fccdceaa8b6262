/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypto.h - what the loader wants of cryptography, and whom it trusts
 *
 * crypto_bearssl.c fills it; a product may put its chip's hardware there. device.c has keys and names.
 */
#ifndef BOOT_CRYPTO_H
#define BOOT_CRYPTO_H

#include <imf/imf.h>

/* Three hashes can be in the middle of something: stored bytes, plain bytes, a chunk. */
extern const struct imf_crypto crypto_stored, crypto_plain;
#ifndef IMF_NO_CHAIN
extern const struct imf_crypto crypto_chunk;
#endif
#ifndef IMF_NO_DECRYPT
extern const struct imf_aes crypto_aes;
#endif

#define BOOT_KEYS_MAX 4u

struct trusted_key { /* as `stmota key show --c-array` prints them */
	const uint8_t *id, *key;
};

/* What this device is; nothing of it changes in its life. */
struct device_facts {
	uint8_t product[IMF_UUID_SIZE];
	uint16_t hw_revision;
	uint16_t chip; /* STM32 product ID, 0: none of them */
	struct trusted_key keys[BOOT_KEYS_MAX];
	uint32_t n_keys, threshold;
	const uint8_t *product_key; /* NULL: none */
	uint32_t product_key_len;
};

extern const struct device_facts device_facts;

#endif
