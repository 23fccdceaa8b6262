/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_priv.h - what the files that handle keys share
 */
#ifndef STMOTA_KEY_PRIV_H
#define STMOTA_KEY_PRIV_H

#include <sys/types.h>

#include <openssl/evp.h>

#include <stmota/key.h>

struct key {
	EVP_PKEY *pkey;      /* owned; the public half alone if there is a token */
	struct token *token; /* owned; holds the private half, NULL: `pkey` does */
	enum key_type type;
	bool is_private;
	uint8_t raw[KEY_RAW_MAX];
	size_t raw_len;
	uint8_t fingerprint[SHA256_SIZE];
};

/*
 * The library's key of a PEM file; the caller frees it. `use` for messages: what a public key
 * cannot do ("sign").
 */
int pem_private(const char *path, const struct key_unlock *unlock, const char *use, EVP_PKEY **ret,
	struct err *e);
int pem_public(const char *path, EVP_PKEY **ret, struct err *e);

/* SHA-256, 384 or 512. */
const EVP_MD *sha2_md(unsigned bits);

/* What both sides of a key agreement get: 32 bytes on P-256 and X25519. ERR_FAILED. */
int secret_multiply(EVP_PKEY *own, EVP_PKEY *peer, uint8_t ret[32], struct err *e);

/* ERR_SIGNATURE: `what`, and why the crypto library says so. */
int crypto_failed(struct err *e, const char *what);

/* Writes a file that must not exist yet. ERR_USAGE, ERR_IO. */
int key_save_new(const char *path, const char *data, size_t len, mode_t mode, struct err *e);

#endif
