/* SPDX-License-Identifier: Apache-2.0 */
#include "dev_crypto.h"

#include <stdlib.h>
#include <string.h>

#include "crypto_api.h"

static int hash_init(void *ctx)
{
	br_sha256_init(&((struct dev_hash *)ctx)->sha);
	return 0;
}

static int hash_update(void *ctx, const uint8_t *data, uint32_t len)
{
	br_sha256_update(&((struct dev_hash *)ctx)->sha, data, len);
	return 0;
}

static int hash_final(void *ctx, uint8_t ret[IMF_DIGEST_SIZE])
{
	br_sha256_out(&((struct dev_hash *)ctx)->sha, ret);
	return 0;
}

static bool p256_good(const uint8_t *raw, const uint8_t *msg, uint32_t len, const uint8_t *sig)
{
	uint8_t point[65], digest[32];
	br_ec_public_key key = {BR_EC_secp256r1, point, sizeof(point)};
	br_sha256_context sha;

	point[0] = 4;
	memcpy(point + 1, raw, 64);
	br_sha256_init(&sha);
	br_sha256_update(&sha, msg, len);
	br_sha256_out(&sha, digest);
	return br_ecdsa_i15_vrfy_raw(
		       &br_ec_p256_m15, digest, sizeof(digest), &key, sig, IMF_SIGNATURE_SIZE) == 1;
}

/*
 * RFC 8032 wants s below the order of the curve; not every library looks (this one does not). Without
 * it a second signature can be made from the first one without the key.
 */
static bool s_is_canonical(const uint8_t *s)
{
	static const uint8_t order[32] = {0xED, 0xD3, 0xF5, 0x5C, 0x1A, 0x63, 0x12, 0x58, 0xD6,
		0x9C, 0xF7, 0xA2, 0xDE, 0xF9, 0xDE, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0x10};
	int i;

	for (i = 31; i >= 0; i--)
		if (s[i] != order[i])
			return s[i] < order[i];
	return false;
}

static bool ed25519_good(const uint8_t *raw, const uint8_t *msg, uint32_t len, const uint8_t *sig)
{
	uint8_t sm[IMF_SIGNATURE_SIZE + IMF_SIGN_MESSAGE_SIZE], m[sizeof(sm)];
	unsigned long long n = 0;

	if (len > IMF_SIGN_MESSAGE_SIZE || !s_is_canonical(sig + 32))
		return false;
	memcpy(sm, sig, IMF_SIGNATURE_SIZE);
	memcpy(sm + IMF_SIGNATURE_SIZE, msg, len);
	return crypto_sign_ed25519_open(m, &n, sm, IMF_SIGNATURE_SIZE + len, raw) == 0 && n == len;
}

static bool signature_good(
	const struct dev_key *k, const uint8_t *msg, uint32_t len, const uint8_t *sig)
{
	return k->type == DEV_P256 ? p256_good(k->raw, msg, len, sig)
				   : ed25519_good(k->raw, msg, len, sig);
}

static int32_t on_verify(void *ctx, const void *key, const uint8_t *msg, uint32_t len,
	const uint8_t signature[IMF_SIGNATURE_SIZE])
{
	struct dev_hash *h = ctx;
	unsigned i;

	for (i = 0; i < h->n_seen; i++)
		if (h->seen[i].key == key && memcmp(h->seen[i].msg, msg, len) == 0 &&
			memcmp(h->seen[i].signature, signature, IMF_SIGNATURE_SIZE) == 0)
			return h->seen[i].answer;
	if (h->n_seen == DEV_SEEN || len != IMF_SIGN_MESSAGE_SIZE)
		abort();
	h->calls_of_verify++;
	h->seen[i].key = key;
	memcpy(h->seen[i].msg, msg, len);
	memcpy(h->seen[i].signature, signature, IMF_SIGNATURE_SIZE);
	h->n_seen++;
	return h->seen[i].answer =
		       signature_good(key, msg, len, signature) ? IMF_SIGNATURE_GOOD : 0;
}

void dev_crypto(struct imf_crypto *c, struct dev_hash *h)
{
	h->n_seen = 0;
	c->ctx = h;
	c->sha256_init = hash_init;
	c->sha256_update = hash_update;
	c->sha256_final = hash_final;
	c->verify = on_verify;
}

static int aes_key(void *ctx, const uint8_t *key, uint32_t len)
{
	br_aes_small_ctr_init(&((struct dev_aes *)ctx)->keys, key, len);
	return 0;
}

/* The key stream of a counter is that counter, encrypted: BearSSL offers no single block. */
static int aes_encrypt(void *ctx, const uint8_t block[IMF_AES_BLOCK], uint8_t ret[IMF_AES_BLOCK])
{
	uint32_t counter = (uint32_t)block[12] << 24 | (uint32_t)block[13] << 16 |
			   (uint32_t)block[14] << 8 | block[15];

	memset(ret, 0, IMF_AES_BLOCK);
	br_aes_small_ctr_run(&((struct dev_aes *)ctx)->keys, block, counter, ret, IMF_AES_BLOCK);
	return 0;
}

void dev_aes(struct imf_aes *a, struct dev_aes *state)
{
	a->ctx = state;
	a->set_key = aes_key;
	a->encrypt = aes_encrypt;
}

/* BearSSL refuses what is no point of the curve. */
static int ecdh(void *ctx, const uint8_t point[IMF_POINT_SIZE], uint8_t ret[IMF_DIGEST_SIZE])
{
	uint8_t p[65];

	p[0] = 4;
	memcpy(p + 1, point, IMF_POINT_SIZE);
	if (br_ec_p256_m15.mul(p, sizeof(p), ctx, 32, BR_EC_secp256r1) != 1)
		return 1;
	memcpy(ret, p + 1, 32);
	return 0;
}

void dev_device_key(struct imf_device_key *k, const uint8_t id[IMF_KEY_ID_SIZE], const uint8_t *raw)
{
	memcpy(k->id, id, IMF_KEY_ID_SIZE);
	k->ctx = (void *)(uintptr_t)raw;
	k->ecdh = ecdh;
}

/* What Ed25519 wants besides. */

int crypto_hash_sha512(unsigned char *ret, const unsigned char *in, unsigned long long len)
{
	br_sha512_context sha;

	br_sha512_init(&sha);
	br_sha512_update(&sha, in, (size_t)len);
	br_sha512_out(&sha, ret);
	return 0;
}

int crypto_verify_32(const unsigned char *x, const unsigned char *y)
{
	return imf_differ(x, y, 32) != 0 ? -1 : 0;
}

/* Signing would want random bytes; a device does not sign. */
void arc4random_buf(void *buf, size_t len);

void arc4random_buf(void *buf, size_t len)
{
	(void)buf;
	(void)len;
	abort();
}
