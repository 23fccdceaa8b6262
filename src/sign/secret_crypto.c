/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret_crypto.c - HMAC, HKDF, AES-CTR and the agreement on a curve, by OpenSSL
 */
#include <stmota/secret.h>

#include <limits.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "key_priv.h"

static int failed(struct err *e, const char *what)
{
	ERR_clear_error();
	return err_set(e, ERR_FAILED, "the crypto library could not compute %s", what);
}

int secret_hmac(unsigned bits, const void *key, size_t key_len, const void *data, size_t len,
	uint8_t *ret, struct err *e)
{
	if (HMAC(sha2_md(bits), key, (int)key_len, data, len, ret, NULL) != NULL)
		return 0;
	return failed(e, "HMAC");
}

int secret_hkdf(unsigned bits, const void *salt, size_t salt_len, const void *key, size_t key_len,
	const void *info, size_t info_len, uint8_t *ret, size_t len, struct err *e)
{
	const char *md = EVP_MD_get0_name(sha2_md(bits));
	OSSL_PARAM params[5], *p = params;
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
	int rc = 0;

	/* The library only reads them; its parameters are not const. */
	*p++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)md, 0);
	*p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)key, key_len);
	*p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)info, info_len);
	if (salt_len > 0)
		*p++ = OSSL_PARAM_construct_octet_string(
			OSSL_KDF_PARAM_SALT, (void *)salt, salt_len);
	*p = OSSL_PARAM_construct_end();
	if (ctx == NULL || EVP_KDF_derive(ctx, ret, len, params) != 1)
		rc = failed(e, "HKDF");
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return rc;
}

int secret_ctr(const uint8_t *key, size_t key_len, const uint8_t counter[16], uint8_t *data,
	size_t len, struct err *e)
{
	const EVP_CIPHER *kind = key_len == 16 ? EVP_aes_128_ctr() : EVP_aes_256_ctr();
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	bool good = ctx != NULL && (key_len == 16 || key_len == 32) &&
		    EVP_EncryptInit_ex(ctx, kind, NULL, key, counter) == 1;

	while (good && len > 0) {
		int n = len > INT_MAX / 2 ? INT_MAX / 2 : (int)len, made = 0;

		good = EVP_EncryptUpdate(ctx, data, &made, data, n) == 1 && made == n;
		data += n;
		len -= (size_t)n;
	}
	EVP_CIPHER_CTX_free(ctx);
	return good ? 0 : failed(e, "AES");
}

/* ---- the agreement ---- */

static EVP_PKEY *point_of(const uint8_t raw[IMF_POINT_SIZE])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	uint8_t point[1 + IMF_POINT_SIZE] = {4};
	EVP_PKEY *ret = NULL;
	OSSL_PARAM params[3];

	memcpy(point + 1, raw, IMF_POINT_SIZE);
	params[0] = OSSL_PARAM_construct_utf8_string(
		OSSL_PKEY_PARAM_GROUP_NAME, (char *)"prime256v1", 0);
	params[1] =
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point));
	params[2] = OSSL_PARAM_construct_end();
	/* Refuses what does not lie on the curve. */
	if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1)
		EVP_PKEY_fromdata(ctx, &ret, EVP_PKEY_PUBLIC_KEY, params);
	EVP_PKEY_CTX_free(ctx);
	return ret;
}

int secret_multiply(EVP_PKEY *own, EVP_PKEY *peer, uint8_t ret[32], struct err *e)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(own, NULL);
	size_t len = SHA256_SIZE;
	/* set_peer checks the point; X25519 refuses an all-zero secret when it derives. */
	bool good = ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
		    EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
		    EVP_PKEY_derive(ctx, ret, &len) == 1 && len == SHA256_SIZE;

	EVP_PKEY_CTX_free(ctx);
	return good ? 0 : failed(e, "ECDH");
}

int secret_agree_new(const struct key *to, uint8_t ret_point[IMF_POINT_SIZE],
	uint8_t ret_shared[SHA256_SIZE], struct err *e)
{
	EVP_PKEY *ephemeral = EVP_EC_gen("prime256v1");
	uint8_t point[1 + IMF_POINT_SIZE];
	size_t len = 0;
	int rc = 0;

	if (ephemeral == NULL ||
		EVP_PKEY_get_octet_string_param(
			ephemeral, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &len) != 1 ||
		len != sizeof(point) || point[0] != 4)
		rc = failed(e, "a P-256 key");
	if (rc == 0)
		rc = secret_multiply(ephemeral, to->pkey, ret_shared, e);
	if (rc == 0)
		memcpy(ret_point, point + 1, IMF_POINT_SIZE);
	EVP_PKEY_free(ephemeral);
	return rc;
}

int secret_agree(const struct key *device, const uint8_t point[IMF_POINT_SIZE],
	uint8_t ret_shared[SHA256_SIZE], struct err *e)
{
	EVP_PKEY *peer = point_of(point);
	int rc;

	if (peer == NULL) {
		ERR_clear_error();
		return err_set(e, ERR_SIGNATURE, "a key wrap holds no point of the curve");
	}
	rc = secret_multiply(device->pkey, peer, ret_shared, e);
	EVP_PKEY_free(peer);
	return rc;
}
