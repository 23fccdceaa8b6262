/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_decrypt.c - the key of a component, and AES in counter mode
 *
 * A key proves itself before anything is decrypted: the derivation gives a check value beside the
 * key, and the signed manifest says what it must be.
 */
#include <imf/imf_decrypt.h>
#include <imf/imf_bytes.h>

#ifndef IMF_NO_DECRYPT

#include "imf_priv.h"

#define DERIVED     64u /* key 32, check 16, salt of the plain digest 16 */
#define CHECK_AT    32u
#define SALT_AT     48u
#define DOMAIN      "stmota-encrypt-v1"
#define DOMAIN_SIZE 18u /* with its NUL */

static int derive(const struct imf_crypto *crypto, const struct imf_manifest *m, uint32_t i,
	const struct imf_encryption *enc, const uint8_t *key, uint8_t ret[DERIVED])
{
	static const char domain[DOMAIN_SIZE] = DOMAIN;
	struct imf_bytes root, info[4];
	uint8_t version[IMF_VERSION_SIZE], tail[4];

	root.data = key;
	root.len = enc->key_size;
	imf_version_put(version, m->header.version);
	imf_put_le16(tail, (uint16_t)i);
	tail[2] = enc->cipher;
	tail[3] = enc->key_source;
	info[0].data = (const uint8_t *)domain;
	info[0].len = DOMAIN_SIZE;
	info[1].data = m->header.product;
	info[1].len = IMF_UUID_SIZE;
	info[2].data = version;
	info[2].len = sizeof(version);
	info[3].data = tail;
	info[3].len = sizeof(tail);
	return imf_hkdf(crypto, enc->salt, IMF_SALT_SIZE, &root, info, 4, ret, DERIVED);
}

int imf_decrypt_begin(struct imf_decrypt *d, const struct imf_crypto *crypto,
	const struct imf_aes *aes, const struct imf_manifest *m, uint32_t i, const uint8_t *key,
	uint32_t len)
{
	struct imf_encryption enc;
	uint8_t derived[DERIVED];
	int rc;

	IMF_MEMSET(d, 0, sizeof(*d));
	if (i >= m->header.n_components || !imf_manifest_encryption(m, i, &enc))
		return IMF_ERR_ARGUMENT;
	if (len != enc.key_size)
		return IMF_ERR_KEY;
	rc = derive(crypto, m, i, &enc, key, derived);
	if (rc == IMF_OK && imf_differ(derived + CHECK_AT, enc.check, IMF_KEYCHECK_SIZE) != 0)
		rc = IMF_ERR_KEY;
	if (rc == IMF_OK && aes->set_key(aes->ctx, derived, enc.key_size) != 0)
		rc = IMF_ERR_CRYPTO;
	if (rc == IMF_OK) {
		IMF_MEMCPY(d->plain_salt, derived + SALT_AT, IMF_SALT_SIZE);
		d->aes = aes;
	}
	imf_wipe(derived, sizeof(derived));
	return rc;
}

/* Twelve zeros, then the number of the block, big endian. */
static int key_stream(const struct imf_aes *aes, uint32_t block, uint8_t ret[IMF_AES_BLOCK])
{
	uint8_t counter[IMF_AES_BLOCK];

	IMF_MEMSET(counter, 0, sizeof(counter));
	counter[12] = (uint8_t)(block >> 24);
	counter[13] = (uint8_t)(block >> 16 & 0xFF);
	counter[14] = (uint8_t)(block >> 8 & 0xFF);
	counter[15] = (uint8_t)(block & 0xFF);
	return aes->encrypt(aes->ctx, counter, ret) == 0 ? IMF_OK : IMF_ERR_CRYPTO;
}

int imf_decrypt_run(const struct imf_decrypt *d, uint32_t at, uint8_t *data, uint32_t len)
{
	uint8_t stream[IMF_AES_BLOCK];
	uint32_t i;
	int rc = d->aes != NULL ? IMF_OK : IMF_ERR_KEY;

	IMF_MEMSET(stream, 0, sizeof(stream));
	for (i = 0; rc == IMF_OK && i < len; i++, at++) {
		if (i == 0 || at % IMF_AES_BLOCK == 0)
			rc = key_stream(d->aes, at / IMF_AES_BLOCK, stream);
		if (rc == IMF_OK)
			data[i] = (uint8_t)(data[i] ^ stream[at % IMF_AES_BLOCK]);
	}
	imf_wipe(stream, sizeof(stream));
	return rc;
}

#endif
