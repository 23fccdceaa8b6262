/* SPDX-License-Identifier: Apache-2.0 */
/*
 * package_seal.c - components are encrypted and chained on their way into a package
 *
 * Keys are derived here with OpenSSL's HKDF, and again by image_format/ when a package is opened:
 * each is a check of the other.
 */
#include <stmota/package.h>

#include <string.h>

#include <imf/imf_bytes.h>

#include "package_priv.h"

#define SALT_DOMAIN    "stmota-salt-v1" /* with its NUL, like the other */
#define ENCRYPT_DOMAIN "stmota-encrypt-v1"
#define DERIVED        64 /* key 32, check 16, salt of the plain digest 16 */
#define CHECK_AT       32
#define SALT_AT        48
#define INFO_SIZE      (sizeof(ENCRYPT_DOMAIN) + UUID_SIZE + IMF_VERSION_SIZE + 4)

void package_sealed_done(struct package_sealed *s)
{
	buf_done(&s->stored);
}

/* ---- bytes ---- */

struct package_raw package_raw_of(const struct package_item *it)
{
	if (it->delta != NULL)
		return (struct package_raw){
			it->delta->payload, it->delta->len, IMF_ENC_DELTA, it->delta->ram};
	if (it->packed != NULL)
		return (struct package_raw){
			it->packed->payload, it->packed->len, IMF_ENC_COMPRESSED, it->packed->ram};
	return (struct package_raw){NULL, segments_size(it->image), 0, 0};
}

static int append_content(struct buf *b, const struct package_item *it, struct err *e)
{
	struct package_raw raw = package_raw_of(it);
	int rc = 0;

	if (raw.encoding != 0)
		return buf_append(b, raw.data, raw.len, e);
	for (size_t k = 0; rc == 0 && k < it->image->n; k++)
		rc = buf_append(b, it->image->v[k].data, it->image->v[k].len, e);
	return rc;
}

static int plain_digest(
	const uint8_t *salt, const struct segments *s, uint8_t ret[SHA256_SIZE], struct err *e)
{
	cleanup_digest struct digest d = DIGEST_INIT;
	int rc = digest_begin(&d, e);

	if (rc == 0 && salt != NULL)
		rc = digest_feed(&d, salt, IMF_SALT_SIZE, e);
	for (size_t i = 0; rc == 0 && i < s->n; i++)
		rc = digest_feed(&d, s->v[i].data, s->v[i].len, e);
	return rc < 0 ? rc : digest_end(&d, ret, e);
}

/* ---- encryption ---- */

static uint8_t cipher_of(const struct package_lock *lock)
{
	return lock->key_len == 16 ? IMF_CIPHER_AES128_CTR : IMF_CIPHER_AES256_CTR;
}

/* HMAC(salt key, component number || SHA-256 of the bytes to encrypt): no two streams are alike. */
static int make_salt(const struct package_lock *lock, size_t i, const struct buf *content,
	uint8_t ret[IMF_SALT_SIZE], struct err *e)
{
	uint8_t key[SHA256_SIZE], message[2 + SHA256_SIZE], mac[SHA256_SIZE];
	int rc = secret_hkdf(256, NULL, 0, lock->key, lock->key_len, SALT_DOMAIN,
		sizeof(SALT_DOMAIN), key, sizeof(key), e);

	imf_put_le16(message, (uint16_t)i);
	if (rc == 0)
		rc = sha256(content->data, content->len, message + 2, e);
	if (rc == 0)
		rc = secret_hmac(256, key, sizeof(key), message, sizeof(message), mac, e);
	if (rc == 0)
		memcpy(ret, mac, IMF_SALT_SIZE);
	secret_wipe(key, sizeof(key));
	return rc;
}

static int derive(const struct package_spec *s, size_t i, const uint8_t *salt, uint8_t ret[DERIVED],
	struct err *e)
{
	uint8_t info[INFO_SIZE] = ENCRYPT_DOMAIN, *p = info + sizeof(ENCRYPT_DOMAIN);
	int rc = product_uuid(s->product, p, e);

	p += UUID_SIZE;
	imf_version_put(p, s->version);
	p += IMF_VERSION_SIZE;
	imf_put_le16(p, (uint16_t)i);
	p[2] = cipher_of(s->lock);
	p[3] = (uint8_t)s->lock->source;
	return rc < 0 ? rc
		      : secret_hkdf(256, salt, IMF_SALT_SIZE, s->lock->key, s->lock->key_len, info,
				sizeof(info), ret, DERIVED, e);
}

static int encrypt(
	const struct package_spec *s, size_t i, struct package_sealed *ret, struct err *e)
{
	static const uint8_t counter[16];
	uint8_t derived[DERIVED];
	int rc = make_salt(s->lock, i, &ret->stored, ret->salt, e);

	if (rc == 0)
		rc = derive(s, i, ret->salt, derived, e);
	if (rc == 0)
		rc = plain_digest(derived + SALT_AT, s->items[i].image, ret->plain_digest, e);
	if (rc == 0)
		rc = secret_ctr(
			derived, s->lock->key_len, counter, ret->stored.data, ret->stored.len, e);
	if (rc == 0)
		memcpy(ret->check, derived + CHECK_AT, IMF_KEYCHECK_SIZE);
	secret_wipe(derived, sizeof(derived));
	return rc;
}

/* ---- chains ---- */

static int chain(uint32_t chunk_size, struct package_sealed *s, struct err *e)
{
	cleanup_buf struct buf content = s->stored;
	size_t share = chunk_size - SHA256_SIZE, n = 1;
	int rc = 0;

	s->stored = BUF_INIT;
	if (content.len > chunk_size)
		n += (content.len - chunk_size + share - 1) / share;
	for (size_t k = 0; rc == 0 && k < n; k++) {
		size_t len = k + 1 < n ? share : content.len - k * share;

		rc = buf_append(&s->stored, content.data + k * share, len, e);
		if (rc == 0 && k + 1 < n)
			rc = buf_fill(&s->stored, 0, SHA256_SIZE, e);
	}
	/* From the last to the first: each ends with the digest of the next. */
	for (size_t k = n; rc == 0 && k-- > 0;) {
		size_t at = k * chunk_size;
		size_t len = k + 1 < n ? chunk_size : s->stored.len - at;

		rc = sha256(s->stored.data + at, len,
			k > 0 ? s->stored.data + at - SHA256_SIZE : s->chain_digest, e);
	}
	return rc;
}

/* ---- outside ---- */

/* Without a copy: a large package costs a hash and no more. */
static int describe_plain(const struct package_item *it, struct package_sealed *ret, struct err *e)
{
	struct package_raw raw = package_raw_of(it);
	int rc = plain_digest(NULL, it->image, ret->plain_digest, e);

	if (rc < 0)
		return rc;
	ret->stored_size = (uint32_t)raw.len;
	if (raw.encoding != 0)
		return sha256(raw.data, raw.len, ret->stored_digest, e);
	memcpy(ret->stored_digest, ret->plain_digest, SHA256_SIZE);
	return 0;
}

int package_seal(const struct package_spec *s, size_t i, struct package_sealed *ret, struct err *e)
{
	const struct package_item *it = &s->items[i];
	int rc;

	ret->stored = BUF_INIT;
	ret->encoding =
		(uint16_t)(package_raw_of(it).encoding | (it->encrypt ? IMF_ENC_ENCRYPTED : 0) |
			   (it->chunk_size != 0 ? IMF_ENC_CHAINED : 0));
	if (!it->encrypt && it->chunk_size == 0)
		return describe_plain(it, ret, e);
	rc = append_content(&ret->stored, it, e);
	if (rc == 0)
		rc = it->encrypt ? encrypt(s, i, ret, e)
				 : plain_digest(NULL, it->image, ret->plain_digest, e);
	if (rc == 0 && it->chunk_size != 0)
		rc = chain(it->chunk_size, ret, e);
	if (rc == 0 && ret->stored.len > IMF_PAYLOAD_MAX)
		rc = err_set(e, ERR_UNSUPPORTED, "component %zu is larger than 2 GiB", i);
	ret->stored_size = (uint32_t)ret->stored.len;
	return rc < 0 ? rc : sha256(ret->stored.data, ret->stored.len, ret->stored_digest, e);
}

int package_append_encodings(struct buf *b, const struct package_spec *s,
	const struct package_sealed *sealed, struct err *e)
{
	uint8_t p[4 + SHA256_SIZE];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < s->n_items; i++) {
		if (s->items[i].chunk_size == 0)
			continue;
		imf_put_le16(p, (uint16_t)i);
		imf_put_le16(p + 2, (uint16_t)s->items[i].chunk_size);
		memcpy(p + 4, sealed[i].chain_digest, SHA256_SIZE);
		rc = package_append_tlv(b, IMF_TLV_CHAIN, p, sizeof(p), e);
	}
	for (size_t i = 0; rc == 0 && i < s->n_items; i++) {
		if (!s->items[i].encrypt)
			continue;
		imf_put_le16(p, (uint16_t)i);
		p[2] = cipher_of(s->lock);
		p[3] = (uint8_t)s->lock->source;
		memcpy(p + 4, sealed[i].salt, IMF_SALT_SIZE);
		memcpy(p + 4 + IMF_SALT_SIZE, sealed[i].check, IMF_KEYCHECK_SIZE);
		rc = package_append_tlv(b, IMF_TLV_ENCRYPTION, p, sizeof(p), e);
	}
	return rc;
}
