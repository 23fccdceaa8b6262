/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_hkdf.c - HMAC and HKDF, put together from the caller's SHA-256
 */
#include <imf/imf_decrypt.h>

#ifndef IMF_NO_DECRYPT

#include "imf_priv.h"

#define HASH_BLOCK 64u

static int hash(const struct imf_crypto *c, const uint8_t *pad, const struct imf_bytes *pieces,
	uint32_t n, uint8_t ret[IMF_DIGEST_SIZE])
{
	uint32_t i;

	if (c->sha256_init(c->ctx) != 0)
		return IMF_ERR_CRYPTO;
	if (pad != NULL && c->sha256_update(c->ctx, pad, HASH_BLOCK) != 0)
		return IMF_ERR_CRYPTO;
	for (i = 0; i < n; i++)
		if (pieces[i].len > 0 &&
			c->sha256_update(c->ctx, pieces[i].data, pieces[i].len) != 0)
			return IMF_ERR_CRYPTO;
	return c->sha256_final(c->ctx, ret) == 0 ? IMF_OK : IMF_ERR_CRYPTO;
}

static void change_pad(uint8_t pad[HASH_BLOCK], uint8_t with)
{
	uint32_t i;

	for (i = 0; i < HASH_BLOCK; i++)
		pad[i] = (uint8_t)(pad[i] ^ with);
}

int imf_hmac(const struct imf_crypto *c, const uint8_t *key, uint32_t key_len,
	const struct imf_bytes *pieces, uint32_t n, uint8_t ret[IMF_DIGEST_SIZE])
{
	uint8_t pad[HASH_BLOCK], inner[IMF_DIGEST_SIZE];
	struct imf_bytes one;
	int rc = IMF_OK;

	IMF_MEMSET(pad, 0, sizeof(pad));
	one.data = key;
	one.len = key_len;
	if (key_len > HASH_BLOCK)
		rc = hash(c, NULL, &one, 1, pad);
	else if (key_len > 0)
		IMF_MEMCPY(pad, key, key_len);
	change_pad(pad, 0x36);
	if (rc == IMF_OK)
		rc = hash(c, pad, pieces, n, inner);
	change_pad(pad, 0x36 ^ 0x5C);
	one.data = inner;
	one.len = sizeof(inner);
	if (rc == IMF_OK)
		rc = hash(c, pad, &one, 1, ret);
	imf_wipe(pad, sizeof(pad));
	imf_wipe(inner, sizeof(inner));
	return rc;
}

int imf_hkdf(const struct imf_crypto *c, const uint8_t *salt, uint32_t salt_len,
	const struct imf_bytes *key, const struct imf_bytes *info, uint32_t n, uint8_t *ret,
	uint32_t len)
{
	struct imf_bytes pieces[IMF_HKDF_INFO_MAX + 2];
	uint8_t prk[IMF_DIGEST_SIZE], block[IMF_DIGEST_SIZE], count = 1;
	uint32_t i;
	int rc;

	if (n > IMF_HKDF_INFO_MAX || len > IMF_HKDF_MAX)
		return IMF_ERR_ARGUMENT;
	/* Without salt: a key of zeros, which HMAC makes of an empty one. */
	rc = imf_hmac(c, salt, salt != NULL ? salt_len : 0, key, 1, prk);
	pieces[0].data = block;
	pieces[0].len = 0;
	for (i = 0; i < n; i++)
		pieces[i + 1] = info[i];
	pieces[n + 1].data = &count;
	pieces[n + 1].len = 1;
	while (rc == IMF_OK && len > 0) {
		uint32_t take = len < IMF_DIGEST_SIZE ? len : IMF_DIGEST_SIZE;

		rc = imf_hmac(c, prk, IMF_DIGEST_SIZE, pieces, n + 2, block);
		if (rc == IMF_OK)
			IMF_MEMCPY(ret, block, take);
		pieces[0].len = IMF_DIGEST_SIZE;
		count++;
		ret += take;
		len -= take;
	}
	imf_wipe(prk, sizeof(prk));
	imf_wipe(block, sizeof(block));
	return rc;
}

#endif
