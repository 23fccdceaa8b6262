/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_signatures.c - the signature area behind the manifest, and the message that is signed
 *
 * Records carry a length, so that a signature of another kind can stand beside those a device
 * knows; it matches no key there and is skipped. Nothing in this area is signed itself.
 */
#include <imf/imf_manifest.h>
#include <imf/imf_bytes.h>

#include "imf_priv.h"

int imf_signatures_header(
	const uint8_t p[IMF_SIG_HEADER_SIZE], uint32_t head, struct imf_signatures *ret)
{
	struct imf_signatures s;

	s.size = imf_get_le32(p);
	s.wrap_size = imf_get_le32(p + 4);
	s.records = p + IMF_SIG_HEADER_SIZE;
	if (head > IMF_HEAD_MAX - IMF_SIG_HEADER_SIZE ||
		s.size > IMF_HEAD_MAX - IMF_SIG_HEADER_SIZE - head)
		return IMF_ERR_LIMIT;
	if (s.size % 4 != 0)
		return IMF_ERR_FORMAT;
	if (s.wrap_size > IMF_WRAPS_MAX * IMF_WRAP_MAX)
		return IMF_ERR_LIMIT;
	*ret = s;
	return IMF_OK;
}

bool imf_signatures_next(
	const struct imf_signatures *s, uint32_t *offset, struct imf_signature *ret)
{
	const uint8_t *p;

	if (*offset > s->size || s->size - *offset < IMF_SIG_RECORD_SIZE)
		return false;
	p = s->records + *offset;
	ret->key_id = p;
	ret->len = imf_get_le16(p + IMF_KEY_ID_SIZE);
	ret->signature = p + IMF_SIG_RECORD_SIZE;
	*offset += IMF_SIG_RECORD_SIZE + ret->len;
	return *offset <= s->size;
}

/* True if a record before the one at `offset` has the same key id. */
static bool seen_before(const struct imf_signatures *s, uint32_t offset, const uint8_t *key_id)
{
	struct imf_signature before;
	uint32_t at = 0;

	while (at < offset && imf_signatures_next(s, &at, &before))
		if (IMF_MEMCMP(before.key_id, key_id, IMF_KEY_ID_SIZE) == 0)
			return true;
	return false;
}

int imf_signatures_parse(const uint8_t *p, uint32_t len, uint32_t head, struct imf_signatures *ret)
{
	uint32_t offset = 0, start = 0, n = 0;
	struct imf_signatures s;
	struct imf_signature one;
	int rc;

	if (len < IMF_SIG_HEADER_SIZE)
		return IMF_ERR_TRUNCATED;
	rc = imf_signatures_header(p, head, &s);
	if (rc < 0)
		return rc;
	if (len - IMF_SIG_HEADER_SIZE < s.size)
		return IMF_ERR_TRUNCATED;
	while (imf_signatures_next(&s, &offset, &one)) {
		if (++n > IMF_SIGNATURES_MAX)
			return IMF_ERR_LIMIT;
		if (one.len == 0 || one.len % 4 != 0 || one.signature[-2] != 0 ||
			one.signature[-1] != 0)
			return IMF_ERR_FORMAT;
		if (seen_before(&s, start, one.key_id))
			return IMF_ERR_FORMAT;
		start = offset;
	}
	if (offset != s.size)
		return IMF_ERR_FORMAT;
	*ret = s;
	return IMF_OK;
}

int imf_wraps_check(const struct imf_manifest *m, const struct imf_signatures *s)
{
	uint32_t one = 0, left = s->wrap_size;

#ifndef IMF_NO_DECRYPT
	one = imf_manifest_wrap_size(m);
#else
	(void)m;
#endif
	if (one == 0)
		return s->wrap_size == 0 ? IMF_OK : IMF_ERR_FORMAT;
	if (s->wrap_size > IMF_WRAPS_MAX * one)
		return IMF_ERR_LIMIT;
	while (left > one)
		left -= one;
	return left == one ? IMF_OK : IMF_ERR_FORMAT;
}

void imf_sign_message(const uint8_t digest[IMF_DIGEST_SIZE], uint8_t ret[IMF_SIGN_MESSAGE_SIZE])
{
	static const char domain[IMF_SIGN_DOMAIN_SIZE] = IMF_SIGN_DOMAIN;

	IMF_MEMCPY(ret, domain, IMF_SIGN_DOMAIN_SIZE);
	IMF_MEMCPY(ret + IMF_SIGN_DOMAIN_SIZE, digest, IMF_DIGEST_SIZE);
}
