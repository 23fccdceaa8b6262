/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_opener.h - a device that takes encrypted and chained packages, with host cryptography
 *
 * It looks for its key before it consents, decrypts each chunk only behind its digest, and stages
 * what is not chained until its whole digest matched.
 */
#ifndef STMOTA_TESTS_IMF_OPENER_H
#define STMOTA_TESTS_IMF_OPENER_H

#include <imf/imf_chain.h>
#include <imf/imf_decrypt.h>
#include <openssl/evp.h>
#include <stmota/secret.h>

#include "imf_host.h"

struct imf_opener {
	struct imf_host host;
	struct imf_verify_config cfg;
	struct imf_crypto hash; /* a second one: that of `host` is in the middle of a payload */
	struct digest digest;
	struct imf_aes aes;
	EVP_CIPHER_CTX *cipher;
	struct secret product[2], device;
	struct imf_device_key device_key;
	struct imf_manifest manifest;

	uint8_t root[IMF_KEY_MAX];
	uint32_t root_len;
	const char *word;  /* why it stopped */
	size_t handed_out; /* plain bytes */

	uint8_t work[IMF_HEAD_MAX_DEVICE + IMF_WRAP_MAX], chunk[IMF_CHUNK_MAX];
	struct imf_chain_config chain_cfg;
	struct imf_chain chain;
	struct imf_decrypt decrypt;
	struct buf plain; /* of the component that comes */
};

void imf_opener_init(struct imf_opener *o, struct key *const *keys, size_t n);
void imf_opener_done(struct imf_opener *o);

/* "ok"; "key": it has none; "plain": a chunk or the plain bytes are not as signed; else: refused. */
const char *imf_opener_open(struct imf_opener *o, const uint8_t *data, size_t len, size_t piece);

/* AES by OpenSSL for a callback; ctx is an EVP_CIPHER_CTX. */
int imf_opener_aes_key(void *ctx, const uint8_t *key, uint32_t len);
int imf_opener_aes(void *ctx, const uint8_t block[IMF_AES_BLOCK], uint8_t ret[IMF_AES_BLOCK]);

#endif
