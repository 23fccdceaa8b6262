/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mcuboot_check.c - is an MCUboot image whole, and signed by a key that is trusted?
 *
 * As its loader does it: the hash over header, plain body and protected entries, then each
 * signature with the key that the entry before it names.
 */
#include <stmota/mcuboot.h>

#include <string.h>

#include <openssl/crypto.h>

#include <stmota/bytes.h>
#include <stmota/digest.h>

#include "mcuboot_priv.h"

/* Which keys make which signature, over which hash. */
static const struct signature_kind {
	uint16_t tlv;
	enum key_type key;
	unsigned hashes; /* bits, added up */
} signature_kinds[] = {
	{MCUBOOT_TLV_RSA2048, KEY_RSA2048, 256},
	{MCUBOOT_TLV_RSA3072, KEY_RSA3072, 256},
	{MCUBOOT_TLV_ECDSA, KEY_P256, 256},
	{MCUBOOT_TLV_ECDSA, KEY_P384, 384},
	{MCUBOOT_TLV_ED25519, KEY_ED25519, 256 | 512},
};

struct imf_version mcuboot_to_version(struct mcuboot_version v)
{
	return (struct imf_version){
		.major = v.major, .minor = v.minor, .revision = v.revision, .build = v.build};
}

/* ---- plain bytes ---- */

static bool hash_matches(const uint8_t *data, const struct mcuboot_info *m)
{
	uint8_t digest[SHA2_MAX];

	return m->hash_bits > 0 && sha2(m->hash_bits, data, m->hashed, digest, NULL) == 0 &&
	       memcmp(digest, m->hash, m->hash_bits / 8) == 0;
}

static bool find_wrap(const uint8_t *data, const struct mcuboot_info *m, struct mcuboot_tlv *ret)
{
	for (size_t at = 0; mcuboot_tlv_next(data, m, &at, ret);)
		if (!ret->is_protected && ret->type >= MCUBOOT_TLV_ENC_FIRST &&
			ret->type <= MCUBOOT_TLV_ENC_LAST)
			return true;
	return false;
}

static int open_body(const struct mcuboot_info *m, const struct mcuboot_enc_key *key,
	const uint8_t *data, struct buf *ret, struct err *e)
{
	size_t key_len = (m->flags & MCUBOOT_ENCRYPTED_AES256) != 0 ? 32 : 16;
	uint8_t aes_key[MCUBOOT_AES_MAX];
	struct mcuboot_tlv wrap;
	int rc;

	if (key == NULL) {
		err_set(e, ERR_SIGNATURE,
			"the image is encrypted: without a key nothing of its "
			"program can be checked");
		return err_hint(e, "--decrypt-key KEY.pem names the device's private key");
	}
	if (!find_wrap(data, m, &wrap))
		return err_set(e, ERR_DAMAGED, "the image is encrypted, but has no key with it");
	rc = mcuboot_unwrap(key, &wrap, key_len, aes_key, e);
	if (rc == 0)
		rc = mcuboot_ctr(aes_key, key_len, ret->data + m->header_size, m->body_size, e);
	OPENSSL_cleanse(aes_key, sizeof(aes_key));
	return rc;
}

static int hash_differs(struct err *e)
{
	err_set(e, ERR_DAMAGED,
		"the image does not match the hash in it: it was changed or damaged");
	return err_hint(e, "get the image again from where it was made");
}

int mcuboot_check_hash(
	const uint8_t *data, const struct mcuboot_info *m, bool *ret_checked, struct err *e)
{
	bool matches = hash_matches(data, m);

	*ret_checked = matches;
	if (matches || m->hash_bits == 0 || (m->flags & MCUBOOT_ENCRYPTED) != 0)
		return 0;
	return hash_differs(e);
}

bool mcuboot_counter(const uint8_t *data, const struct mcuboot_info *m, uint32_t *ret)
{
	struct mcuboot_tlv t;

	for (size_t at = 0; mcuboot_tlv_next(data, m, &at, &t);) {
		/* No loader heeds one that is not protected. */
		if (t.type != MCUBOOT_TLV_SEC_CNT || !t.is_protected)
			continue;
		*ret = get_le32(t.data);
		return true;
	}
	return false;
}

int mcuboot_plain(const uint8_t *data, const struct mcuboot_info *m,
	const struct mcuboot_enc_key *key, struct buf *ret, bool *ret_decrypted, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT;
	bool encrypted = (m->flags & MCUBOOT_ENCRYPTED) != 0;
	int rc = buf_append(&b, data, m->end, e);

	/* A `clear` image has the flag and the key, but its body is plain. */
	if (encrypted && hash_matches(data, m))
		encrypted = false;
	if (rc == 0 && encrypted)
		rc = open_body(m, key, data, &b, e);
	if (rc < 0)
		return rc;
	if (m->hash_bits > 0 && !hash_matches(b.data, m))
		return hash_differs(e);
	if (ret_decrypted != NULL)
		*ret_decrypted = encrypted;
	return buf_append(ret, b.data, b.len, e);
}

/* ---- signatures ---- */

struct image {               /* whose signatures are looked at */
	const uint8_t *data; /* plain */
	const struct mcuboot_info *info;
	uint8_t digest[SHA2_MAX];
};

static bool names_key(const struct image *im, const struct mcuboot_tlv *t, const struct key *k)
{
	cleanup_buf struct buf der = BUF_INIT;
	uint8_t hash[SHA2_MAX];
	unsigned bits = 8u * t->len;

	if (key_public_der(k, &der, NULL) < 0)
		return false;
	if (t->type == MCUBOOT_TLV_PUBKEY)
		return t->len == der.len && memcmp(t->data, der.data, der.len) == 0;
	if (bits != 256 && bits != 384 && bits != 512)
		return false;
	return sha2(bits, der.data, der.len, hash, NULL) == 0 && memcmp(hash, t->data, t->len) == 0;
}

/* Tools for MCUboot before 1.5 filled P-256 signatures up to 72 bytes with zeros. */
static size_t der_length(const struct mcuboot_tlv *t)
{
	size_t len = t->len >= 2 ? 2u + t->data[1] : t->len;

	if (t->type != MCUBOOT_TLV_ECDSA || t->len > 72 || len > t->len ||
		!bytes_all(t->data + len, t->len - len, 0))
		return t->len;
	return len;
}

static bool is_good(const struct image *im, const struct mcuboot_tlv *t, const struct key *k)
{
	for (size_t i = 0; i < ARRAY_LEN(signature_kinds); i++) {
		const struct signature_kind *kind = &signature_kinds[i];

		if (kind->tlv != t->type || kind->key != key_type(k))
			continue;
		if (im->info->pure)
			return t->type == MCUBOOT_TLV_ED25519 && t->len == KEY_SIGNATURE_SIZE &&
			       key_verify(k, im->data, im->info->hashed, t->data);
		return (kind->hashes & im->info->hash_bits) != 0 &&
		       key_verify_digest(
			       k, im->info->hash_bits, im->digest, t->data, der_length(t));
	}
	return false;
}

static bool is_signature(uint16_t type)
{
	for (size_t i = 0; i < ARRAY_LEN(signature_kinds); i++)
		if (signature_kinds[i].tlv == type)
			return true;
	return false;
}

static enum trust_look look(void *ctx, const struct key *k)
{
	const struct image *im = ctx;
	enum trust_look seen = TRUST_NO_SIGNATURE;
	bool named = false, mine = false;
	struct mcuboot_tlv t;

	for (size_t at = 0; mcuboot_tlv_next(im->data, im->info, &at, &t);) {
		if (t.is_protected)
			continue;
		if (t.type == MCUBOOT_TLV_KEYHASH || t.type == MCUBOOT_TLV_PUBKEY) {
			named = true;
			mine = names_key(im, &t, k);
		}
		if (!is_signature(t.type) || (named && !mine))
			continue;
		if (is_good(im, &t, k))
			return TRUST_GOOD;
		if (mine)
			seen = TRUST_WRONG;
	}
	return seen;
}

/* What steers a loader must be in what was signed. */
static int check_protected(const uint8_t *data, const struct mcuboot_info *m, struct err *e)
{
	struct mcuboot_tlv t;

	for (size_t at = 0; mcuboot_tlv_next(data, m, &at, &t);) {
		if (t.is_protected || t.type < MCUBOOT_TLV_DEPENDENCY ||
			t.type > MCUBOOT_TLV_UUID_CID)
			continue;
		return err_set(e, ERR_DAMAGED,
			"%s stands outside of what is signed: anybody could have put it there",
			t.name != NULL ? t.name : "an entry that nobody knows");
	}
	return 0;
}

int mcuboot_verify(const uint8_t *data, const struct mcuboot_info *m, const struct trust *trust,
	uint64_t now, const struct mcuboot_enc_key *key, struct mcuboot_verdict *ret, struct err *e)
{
	cleanup_buf struct buf plain = BUF_INIT;
	struct mcuboot_verdict v = {0};
	struct image im = {.info = m};
	int rc;

	if (m->n_signatures == 0) {
		err_set(e, ERR_SIGNATURE, "not signed");
		return err_hint(e, "'stmota convert IN --to mcuboot --key KEY.pem' signs it");
	}
	rc = mcuboot_plain(data, m, key, &plain, &v.decrypted, e);
	if (rc == 0)
		rc = check_protected(data, m, e);
	if (rc == 0 && m->hash_bits > 0)
		rc = sha2(m->hash_bits, plain.data, m->hashed, im.digest, e);
	if (rc < 0)
		return rc;
	im.data = plain.data;
	rc = trust_judge_by(trust, TRUST_RELEASE, now, look, &im, m->n_signatures, v.signers,
		ARRAY_LEN(v.signers), &v.n_signers, e);
	*ret = v;
	return rc;
}
