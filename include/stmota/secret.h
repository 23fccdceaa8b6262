/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret.h - keys that encrypt: product keys, device keys, and what OpenSSL does with them
 *
 * A product key is 16 or 32 bytes that all devices of a product hold. A device key is a P-256 pair
 * of which one device holds the private half. image_format/SPEC.md, "Encryption", has every byte.
 */
#ifndef STMOTA_SECRET_H
#define STMOTA_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <imf/imf_manifest.h>
#include <stmota/buf.h>
#include <stmota/cleanup.h>
#include <stmota/err.h>
#include <stmota/key.h>

/* What opens packages; at most one of both is there. */
struct secret {
	uint8_t product[IMF_KEY_MAX];
	size_t product_len; /* 16 or 32; 0: none */
	struct key *device; /* with its private half, P-256; NULL: none. Owned */
};

#define SECRET_INIT ((struct secret){0})

/*
 * Reads a product key (16 or 32 bytes, raw or as hexadecimal text; never other text) or the private key of a device
 * (PEM, P-256); the content says which.
 *
 * unlock  of a device key with passphrase; NULL: none is to be had
 *
 * ERR_IO, ERR_SIGNATURE (neither of both). `ret` is released with secret_done().
 */
int secret_load(
	const char *path, const struct key_unlock *unlock, struct secret *ret, struct err *e);

/* Only a product key. ERR_SIGNATURE otherwise. */
int secret_load_product(const char *path, struct secret *ret, struct err *e);

/* A random product key of 16 or 32 bytes. ERR_FAILED. */
int secret_make_product(size_t len, struct secret *ret, struct err *e);

/* Writes a new file, mode 0600, as hexadecimal text. ERR_USAGE if it exists. */
int secret_save_product(const struct secret *s, const char *path, struct err *e);

/* Forgets the key. */
void secret_done(struct secret *s);
#define cleanup_secret CLEANUP(secret_done)

/* Zeros that the compiler does not leave out. */
void secret_wipe(void *p, size_t len);

/* ---- cryptography ---- */

/* Cryptographic random bytes. ERR_FAILED. */
int secret_random(uint8_t *ret, size_t len, struct err *e);

/* With SHA-256 or, for files of other makers, SHA-512; `bits` / 8 bytes. ERR_FAILED. */
int secret_hmac(unsigned bits, const void *key, size_t key_len, const void *data, size_t len,
	uint8_t *ret, struct err *e);
int secret_hkdf(unsigned bits, const void *salt, size_t salt_len, const void *key, size_t key_len,
	const void *info, size_t info_len, uint8_t *ret, size_t len, struct err *e);

/*
 * AES-CTR over `data` in place, which encrypts and decrypts.
 *
 * key_len  16 or 32
 * counter  the first counter block, counted up as one 128-bit number, big endian
 */
int secret_ctr(const uint8_t *key, size_t key_len, const uint8_t counter[16], uint8_t *data,
	size_t len, struct err *e);

/*
 * What a wrap for `to` (P-256) and its sender agree on: x of the shared point, and the sender's
 * public key, made for this one wrap.
 */
int secret_agree_new(const struct key *to, uint8_t ret_point[IMF_POINT_SIZE],
	uint8_t ret_shared[SHA256_SIZE], struct err *e);
/* The other side. ERR_SIGNATURE if `point` is none of the curve. */
int secret_agree(const struct key *device, const uint8_t point[IMF_POINT_SIZE],
	uint8_t ret_shared[SHA256_SIZE], struct err *e);

/* ERR_SIGNATURE if this key cannot be a device's: only P-256 can. */
int secret_check_device(const struct key *k, const char *name, struct err *e);

#endif
