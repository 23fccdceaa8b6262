/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_decrypt.h - encrypted components: keys are unwrapped, derived, proved, then used
 *
 * AES, SHA-256 and the multiplication on the curve come through callbacks, so that a device may
 * use its hardware and keep its private key there. SPEC.md, "Encryption", has every byte.
 *
 * Decryption does not authenticate. The stored bytes must have been checked before: by the digest
 * of the whole payload (imf_verify, staged) or chunk by chunk (imf_chain).
 */
#ifndef IMF_DECRYPT_H
#define IMF_DECRYPT_H

#include <stdint.h>

#include <imf/imf_config.h>
#include <imf/imf_manifest.h>
#include <imf/imf_verify.h>

#ifndef IMF_NO_DECRYPT

#define IMF_AES_BLOCK 16u

/* Both return 0, something else if the hardware failed. */
struct imf_aes {
	void *ctx;
	int (*set_key)(void *ctx, const uint8_t *key, uint32_t len); /* 16 or 32 bytes */
	/* Encrypts one block with the key that was set last; CTR never decrypts one. */
	int (*encrypt)(void *ctx, const uint8_t block[IMF_AES_BLOCK], uint8_t ret[IMF_AES_BLOCK]);
};

struct imf_bytes { /* one of several pieces that are hashed as one */
	const uint8_t *data;
	uint32_t len;
};

/* HMAC-SHA256, RFC 2104; a key of any length. IMF_ERR_CRYPTO. */
int imf_hmac(const struct imf_crypto *c, const uint8_t *key, uint32_t key_len,
	const struct imf_bytes *pieces, uint32_t n, uint8_t ret[IMF_DIGEST_SIZE]);

/*
 * HKDF-SHA256, RFC 5869, extract and expand.
 *
 * salt     NULL: none
 * info, n  at most IMF_HKDF_INFO_MAX pieces
 * len      of what is derived, at most IMF_HKDF_MAX
 *
 * IMF_ERR_ARGUMENT, IMF_ERR_CRYPTO.
 */
#define IMF_HKDF_INFO_MAX 6u
#define IMF_HKDF_MAX      (255u * IMF_DIGEST_SIZE)
int imf_hkdf(const struct imf_crypto *c, const uint8_t *salt, uint32_t salt_len,
	const struct imf_bytes *key, const struct imf_bytes *info, uint32_t n, uint8_t *ret,
	uint32_t len);

struct imf_decrypt {
	const struct imf_aes *aes; /* NULL: no key that fits */
	/* The plain digest of an encrypted component is over these bytes, then its plain bytes. */
	uint8_t plain_salt[IMF_SALT_SIZE];
};

/*
 * Derives the key of component `i` and sets it.
 *
 * key, len  the product key or what imf_unwrap() gave; 16 or 32 bytes
 *
 * IMF_ERR_KEY: not the key of this component; nothing can be decrypted. IMF_ERR_ARGUMENT (the
 * component is not encrypted), IMF_ERR_CRYPTO. The manifest must be verified; it and the key are
 * not needed any more when this returns. No hash may be in the middle of something.
 */
int imf_decrypt_begin(struct imf_decrypt *d, const struct imf_crypto *crypto,
	const struct imf_aes *aes, const struct imf_manifest *m, uint32_t i, const uint8_t *key,
	uint32_t len);

/*
 * Decrypts `len` bytes in place that lie at offset `at` of the component's content (what comes out
 * of its chain, or its stored bytes). Any offsets, in any order. IMF_ERR_KEY, IMF_ERR_CRYPTO.
 */
int imf_decrypt_run(const struct imf_decrypt *d, uint32_t at, uint8_t *data, uint32_t len);

#ifndef IMF_NO_UNWRAP

struct imf_device_key {
	uint8_t id[IMF_KEY_ID_SIZE]; /* of its public key, as for signatures */
	void *ctx;
	/*
	 * Multiplies the point by the device's private key and gives x of the result, big endian.
	 * Must refuse (not 0) what is no point of P-256: the bytes are not authenticated.
	 */
	int (*ecdh)(void *ctx, const uint8_t point[IMF_POINT_SIZE], uint8_t ret[IMF_DIGEST_SIZE]);
};

/*
 * Opens a key wrap.
 *
 * m     a verified manifest; the wrap is bound to all of it
 * len   of the wrap, imf_manifest_wrap_size()
 * ret   IMF_KEY_MAX bytes; imf_encryption.key_size of them are the key
 *
 * IMF_ERR_NOT_FOUND (for another device), IMF_ERR_KEY (damaged, or of another package),
 * IMF_ERR_ARGUMENT, IMF_ERR_CRYPTO. `ret` is filled only if this returns 0.
 */
int imf_unwrap(const struct imf_crypto *crypto, const struct imf_device_key *device,
	const struct imf_manifest *m, const uint8_t *wrap, uint32_t len, uint8_t ret[IMF_KEY_MAX]);

#endif
#endif
#endif
