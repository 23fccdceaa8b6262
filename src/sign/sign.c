/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sign.c - signatures of 64 bytes with either algorithm
 *
 * The crypto library speaks DER for ECDSA; packages hold r || s, which has one form and one size.
 */
#include <stmota/key.h>

#include <string.h>

#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "key_priv.h"
#include "token.h"

#define HALF    (KEY_SIGNATURE_SIZE / 2)
#define DER_MAX KEY_DER_MAX

static const EVP_MD *message_digest(const struct key *k)
{
	return k->type == KEY_P256 ? EVP_sha256() : NULL; /* Ed25519 hashes by itself */
}

static bool raw_to_der(const uint8_t raw[KEY_SIGNATURE_SIZE], uint8_t der[DER_MAX], size_t *ret_len)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, HALF, NULL), *s = BN_bin2bn(raw + HALF, HALF, NULL);
	int len = 0;

	if (sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1) {
		r = s = NULL; /* taken over */
		len = i2d_ECDSA_SIG(sig, NULL);
		if (len > 0 && len <= DER_MAX)
			len = i2d_ECDSA_SIG(sig, &(uint8_t *){der});
		else
			len = 0;
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	*ret_len = (size_t)len;
	return len > 0;
}

static bool der_to_raw(const uint8_t *der, size_t len, uint8_t raw[KEY_SIGNATURE_SIZE])
{
	const uint8_t *p = der;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)len);
	bool ok = sig != NULL && p == der + len &&
		  BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, HALF) == HALF &&
		  BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + HALF, HALF) == HALF;

	ECDSA_SIG_free(sig);
	return ok;
}

static int sign_by_token(const struct key *k, const void *msg, size_t len,
	uint8_t ret[KEY_SIGNATURE_SIZE], struct err *e)
{
	uint8_t digest[SHA256_SIZE];
	bool hashed = k->type == KEY_P256;
	int rc = hashed ? sha256(msg, len, digest, e) : 0;

	if (rc == 0)
		rc = token_sign(
			k->token, hashed ? digest : msg, hashed ? sizeof(digest) : len, ret, e);
	/* The public key beside a private one may be that of another pair. */
	if (rc == 0 && !key_verify(k, msg, len, ret))
		rc = err_set(e, ERR_SIGNATURE,
			"the token's signature does not fit the public key that it tells");
	return rc;
}

int key_sign(const struct key *k, const void *msg, size_t len, uint8_t ret[KEY_SIGNATURE_SIZE],
	struct err *e)
{
	uint8_t out[DER_MAX];
	size_t out_len = sizeof(out);
	EVP_MD_CTX *ctx;
	bool ok;

	if (!k->is_private)
		return err_set(e, ERR_SIGNATURE, "a public key cannot sign");
	if (k->token != NULL)
		return sign_by_token(k, msg, len, ret, e);
	ctx = EVP_MD_CTX_new();
	ok = ctx != NULL && EVP_DigestSignInit(ctx, NULL, message_digest(k), NULL, k->pkey) == 1 &&
	     EVP_DigestSign(ctx, out, &out_len, msg, len) == 1;
	EVP_MD_CTX_free(ctx);
	if (ok && k->type == KEY_P256)
		ok = der_to_raw(out, out_len, ret);
	else if (ok && out_len == KEY_SIGNATURE_SIZE)
		memcpy(ret, out, KEY_SIGNATURE_SIZE);
	else
		ok = false;
	ERR_clear_error();
	return ok ? 0 : err_set(e, ERR_SIGNATURE, "the crypto library could not sign");
}

int key_signature_read(const struct key *k, const void *data, size_t len,
	uint8_t ret[KEY_SIGNATURE_SIZE], struct err *e)
{
	bool ok = true;

	if (len == KEY_SIGNATURE_SIZE)
		memcpy(ret, data, len);
	else
		ok = k->type == KEY_P256 && len <= DER_MAX && der_to_raw(data, len, ret);
	ERR_clear_error();
	if (ok)
		return 0;
	err_set(e, ERR_SIGNATURE, "%zu bytes that are no signature of type %s", len,
		key_type_name(k->type));
	return err_hint(e, k->type == KEY_P256 ? "64 bytes r and s, or DER as openssl writes it"
					       : "64 bytes, as 'openssl pkeyutl -sign' writes it");
}

size_t key_signature_der(const uint8_t signature[KEY_SIGNATURE_SIZE], uint8_t ret[KEY_DER_MAX])
{
	size_t len = 0;
	bool ok = raw_to_der(signature, ret, &len);

	ERR_clear_error();
	return ok ? len : 0;
}

static bool verify_ed25519(const struct key *k, const uint8_t *msg, size_t len,
	const uint8_t *signature, size_t sig_len)
{
	return sig_len == KEY_SIGNATURE_SIZE && key_verify(k, msg, len, signature);
}

bool key_verify_digest(const struct key *k, unsigned bits, const uint8_t *digest,
	const uint8_t *signature, size_t len)
{
	const EVP_MD *md = sha2_md(bits);
	EVP_PKEY_CTX *ctx;
	bool ok;

	if (k->type == KEY_ED25519)
		return verify_ed25519(k, digest, bits / 8, signature, len);
	ctx = EVP_PKEY_CTX_new(k->pkey, NULL);
	ok = ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
	     EVP_PKEY_CTX_set_signature_md(ctx, md) == 1;
	if (ok && (k->type == KEY_RSA2048 || k->type == KEY_RSA3072))
		ok = EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
		     EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1 &&
		     EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) == 1;
	ok = ok && EVP_PKEY_verify(ctx, signature, len, digest, bits / 8) == 1;
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}

bool key_verify(const struct key *k, const void *msg, size_t len,
	const uint8_t signature[KEY_SIGNATURE_SIZE])
{
	uint8_t der[DER_MAX];
	const uint8_t *sig = signature;
	size_t sig_len = KEY_SIGNATURE_SIZE;
	EVP_MD_CTX *ctx;
	bool ok;

	if (k->type != KEY_ED25519 && k->type != KEY_P256)
		return false;
	if (k->type == KEY_P256) {
		if (!raw_to_der(signature, der, &sig_len))
			return false;
		sig = der;
	}
	ctx = EVP_MD_CTX_new();
	ok = ctx != NULL &&
	     EVP_DigestVerifyInit(ctx, NULL, message_digest(k), NULL, k->pkey) == 1 &&
	     EVP_DigestVerify(ctx, sig, sig_len, msg, len) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}
