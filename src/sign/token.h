/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.h - private keys that stay in a PKCS#11 token: smart card, HSM, SoftHSM
 *
 * Named by a URI of RFC 7512, such as pkcs11:token=release;object=lamp-2026. The token is asked for
 * signatures; nothing here ever reads a private key.
 */
#ifndef STMOTA_SIGN_TOKEN_H
#define STMOTA_SIGN_TOKEN_H

#include <openssl/evp.h>

#include <stmota/key.h>

struct token;

/* True for what token_open() takes. */
bool token_is_uri(const char *text);

/*
 * Finds the one token and the one private key that the URI names, and logs in: at most one try,
 * because a token locks itself after a few wrong PINs, and none if the token says that it is the
 * last one.
 *
 * unlock      where the PIN comes from if the URI does not say it
 * ret_public  the public half, owned by the caller
 *
 * ERR_SIGNATURE (no such token or key, several, PIN, another kind of key), ERR_USAGE (URI).
 */
int token_open(const char *uri, const struct key_unlock *unlock, struct token **ret,
	EVP_PKEY **ret_public, struct err *e);

/*
 * Signs `data`: the message for Ed25519, its SHA-256 for P-256. ERR_SIGNATURE.
 */
int token_sign(struct token *t, const uint8_t *data, size_t len, uint8_t ret[KEY_SIGNATURE_SIZE],
	struct err *e);

/* Logs out and lets the token go; takes NULL. */
void token_free(struct token *t);

#endif
