/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_encodings.c - what the manifest says about chained and encrypted components
 */
#include <imf/imf_manifest.h>
#include <imf/imf_bytes.h>
#include <imf/imf_config.h>

#include "imf_manifest_priv.h"
#include "imf_priv.h"

/* ---- chains ---- */

uint32_t imf_manifest_content_size(const struct imf_manifest *m, uint32_t i)
{
	struct imf_component c;
#ifndef IMF_NO_CHAIN
	struct imf_chain_info info;

	if (imf_manifest_chain(m, i, &info))
		return info.content_size;
#endif
	imf_manifest_component(m, i, &c);
	return c.stored_size;
}

#ifndef IMF_NO_CHAIN

/* Value: component u16, chunk size u16, SHA-256 of chunk 0. */
bool imf_manifest_chain(const struct imf_manifest *m, uint32_t i, struct imf_chain_info *ret)
{
	struct imf_component c;
	struct imf_tlv t;
	uint32_t shift;

	if (!imf_tlv_of(m, IMF_TLV_CHAIN, i, &t))
		return false;
	imf_manifest_component(m, i, &c);
	ret->chunk_size = imf_get_le16(t.value + 2);
	ret->stored_size = c.stored_size;
	/* A power of two: no division, which small cores have in software. */
	for (shift = 10; 1u << shift < ret->chunk_size; shift++)
		;
	ret->n_chunks = ((c.stored_size - 1) >> shift) + 1;
	ret->content_size = c.stored_size - (ret->n_chunks - 1) * IMF_DIGEST_SIZE;
	ret->digest = t.value + 4;
	return true;
}

int imf_chain_check(const struct imf_manifest *m, const struct imf_tlv *t)
{
	uint32_t size = imf_get_le16(t->value + 2), last;
	struct imf_component c;

	if (size != IMF_CHUNK_MIN && size != 2048 && size != IMF_CHUNK_MAX)
		return IMF_ERR_FORMAT;
	imf_manifest_component(m, imf_get_le16(t->value), &c);
	if ((c.encoding & IMF_ENC_CHAINED) == 0)
		return IMF_ERR_FORMAT;
	/* What fits into one chunk without a next one is not cut. */
	last = ((c.stored_size - 1) & (size - 1)) + 1;
	return c.stored_size > size && last <= IMF_DIGEST_SIZE ? IMF_ERR_FORMAT : IMF_OK;
}

#endif

/* ---- encryption ---- */

#ifndef IMF_NO_DECRYPT

/* Value: component u16, cipher u8, key source u8, salt 16, check 16. */
static void encryption_fields(const uint8_t *p, struct imf_encryption *ret)
{
	ret->cipher = p[2];
	ret->key_source = p[3];
	ret->key_size = p[2] == IMF_CIPHER_AES128_CTR ? 16 : 32;
	ret->salt = p + 4;
	ret->check = p + 4 + IMF_SALT_SIZE;
}

int imf_encryption_check(const struct imf_manifest *m, const struct imf_tlv *t)
{
	struct imf_encryption e, first;
	struct imf_component c;
	uint32_t offset = 0;
	struct imf_tlv f;

	encryption_fields(t->value, &e);
	if ((e.cipher != IMF_CIPHER_AES128_CTR && e.cipher != IMF_CIPHER_AES256_CTR) ||
		(e.key_source != IMF_KEY_PRODUCT && e.key_source != IMF_KEY_WRAPPED))
		return IMF_ERR_ENCODING;
	imf_manifest_component(m, imf_get_le16(t->value), &c);
	if ((c.encoding & IMF_ENC_ENCRYPTED) == 0)
		return IMF_ERR_FORMAT;
	/* One key opens a package: cipher and source of the first entry are those of all. */
	while (imf_manifest_tlv(m, &offset, &f) && f.type != IMF_TLV_ENCRYPTION)
		;
	encryption_fields(f.value, &first);
	return e.cipher == first.cipher && e.key_source == first.key_source ? IMF_OK
									    : IMF_ERR_FORMAT;
}

bool imf_manifest_encryption(const struct imf_manifest *m, uint32_t i, struct imf_encryption *ret)
{
	struct imf_tlv t;

	if (!imf_tlv_of(m, IMF_TLV_ENCRYPTION, i, &t))
		return false;
	encryption_fields(t.value, ret);
	return true;
}

uint32_t imf_manifest_wrap_size(const struct imf_manifest *m)
{
	struct imf_encryption e;
	struct imf_tlv t;
	uint32_t offset = 0;

	while (imf_manifest_tlv(m, &offset, &t)) {
		if (t.type != IMF_TLV_ENCRYPTION)
			continue;
		encryption_fields(t.value, &e);
		if (e.key_source != IMF_KEY_WRAPPED)
			return 0;
		return IMF_KEY_ID_SIZE + IMF_POINT_SIZE + e.key_size + IMF_DIGEST_SIZE;
	}
	return 0;
}

#endif
