/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key.h - signing keys: made, read from PEM files, used
 *
 * Private keys are PKCS#8, public keys SubjectPublicKeyInfo, as the openssl program writes them.
 * A key's id is the first 8 bytes of its fingerprint, the SHA-256 of the SubjectPublicKeyInfo.
 */
#ifndef STMOTA_KEY_H
#define STMOTA_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/buf.h>
#include <stmota/cleanup.h>
#include <stmota/digest.h>
#include <stmota/err.h>

#define KEY_ID_SIZE        8
#define KEY_SIGNATURE_SIZE 64 /* Ed25519; ECDSA P-256 as r || s, big endian */
#define KEY_RAW_MAX        64

/* The first two sign packages. The others are known because MCUboot images are signed with them:
 * such a key is only let in by key_load_public_any(), and key_verify() never calls it good. */
enum key_type { KEY_ED25519, KEY_P256, KEY_P384, KEY_RSA2048, KEY_RSA3072 };

struct key; /* a key pair, or a public key alone */

/* "ed25519", "p256", "p384", "rsa2048", "rsa3072". */
const char *key_type_name(enum key_type type);
/* Of the two that sign packages. ERR_USAGE. */
int key_type_parse(const char *text, enum key_type *ret, struct err *e);

int key_generate(enum key_type type, struct key **ret, struct err *e);

/* Where the passphrase of a key file or the PIN of a token comes from. */
struct key_unlock {
	const char *file; /* its first line is the passphrase; NULL: none */
	bool ask;         /* without a file: a person sits at the terminal and may be asked */
};

/*
 * Opens a private key: a PEM file (PKCS#8, also with a passphrase), or a key in a PKCS#11 token,
 * named by a URI "pkcs11:..." of RFC 7512, which stays in the token.
 *
 * unlock  NULL: no passphrase is to be had
 *
 * ERR_IO, ERR_USAGE (URI), ERR_SIGNATURE (not a key, a public key, another algorithm than the two,
 * wrong passphrase or PIN or none, no such token).
 */
int key_load_private(
	const char *name, const struct key_unlock *unlock, struct key **ret, struct err *e);

/*
 * Reads a public key from a file or from `len` bytes of PEM text (`name` for messages). A
 * private key is refused: it has no business where public keys are expected.
 */
int key_load_public(const char *path, struct key **ret, struct err *e);
int key_parse_public(
	const void *pem, size_t len, const char *name, struct key **ret, struct err *e);
/* Likewise, of every type in enum key_type. */
int key_load_public_any(const char *path, struct key **ret, struct err *e);

/*
 * Writes a new file, mode 0600 for private keys. An existing file is never overwritten: ERR_USAGE.
 */
int key_save_private(const struct key *k, const char *path, struct err *e);
/* Encrypted as PKCS#8 with AES-256 and scrypt, under the passphrase that `unlock` gives. */
int key_save_protected(
	const struct key *k, const char *path, const struct key_unlock *unlock, struct err *e);
int key_save_public(const struct key *k, const char *path, struct err *e);

/* PEM text of the public key, appended. */
int key_public_pem(const struct key *k, struct buf *ret, struct err *e);

void key_free(struct key *k);

enum key_type key_type(const struct key *k);
bool key_is_private(const struct key *k);
bool key_is_in_token(const struct key *k);
const uint8_t *key_fingerprint(const struct key *k); /* SHA256_SIZE bytes */
const uint8_t *key_id(const struct key *k);          /* KEY_ID_SIZE bytes */
/* The public key as a device stores it: Ed25519 32 bytes, P-256 x || y, 64 bytes. Returns it.
 * Other types have none: 0 bytes. */
const uint8_t *key_raw_public(const struct key *k, size_t *ret_len);

/*
 * Signs `msg`: Ed25519 over the message itself, ECDSA over its SHA-256. ERR_SIGNATURE without
 * private part. Ed25519 gives the same bytes each time; ECDSA does not (the crypto library draws a
 * random nonce).
 */
int key_sign(const struct key *k, const void *msg, size_t len, uint8_t ret[KEY_SIGNATURE_SIZE],
	struct err *e);

/*
 * A signature as a file holds it: the 64 bytes, or DER for P-256 (RFC 3279, 2.2.3). It is not
 * checked. ERR_SIGNATURE.
 */
int key_signature_read(const struct key *k, const void *data, size_t len,
	uint8_t ret[KEY_SIGNATURE_SIZE], struct err *e);

#define KEY_DER_MAX 80

/* The 64 bytes of P-256 as DER; returns its length, 0 if it is no such signature. */
size_t key_signature_der(const uint8_t signature[KEY_SIGNATURE_SIZE], uint8_t ret[KEY_DER_MAX]);

/* Appends the public key in DER: PKCS#1 for RSA, SubjectPublicKeyInfo for all others. */
int key_public_der(const struct key *k, struct buf *ret, struct err *e);

/*
 * A signature over a digest that was computed elsewhere, of `bits` (256, 384, 512): ECDSA in DER
 * and nothing but DER, RSA as PSS with MGF1 and a salt of the digest's length, Ed25519 over the
 * digest as its message. True only for a good one.
 */
bool key_verify_digest(const struct key *k, unsigned bits, const uint8_t *digest,
	const uint8_t *signature, size_t len);

/* True only for a good signature. */
bool key_verify(const struct key *k, const void *msg, size_t len,
	const uint8_t signature[KEY_SIGNATURE_SIZE]);

static inline void cleanup_key_(struct key **k)
{
	key_free(*k);
}

#define cleanup_key CLEANUP(cleanup_key_)

#endif
