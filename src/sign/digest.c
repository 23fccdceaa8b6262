/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest.c - SHA-256 by OpenSSL
 */
#include <stmota/digest.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "key_priv.h"

static int failed(struct err *e)
{
	return err_set(e, ERR_FAILED, "the crypto library could not compute SHA-256");
}

int sha256(const void *data, size_t len, uint8_t ret[SHA256_SIZE], struct err *e)
{
	return EVP_Digest(data, len, ret, NULL, EVP_sha256(), NULL) == 1 ? 0 : failed(e);
}

const EVP_MD *sha2_md(unsigned bits)
{
	return bits == 256 ? EVP_sha256() : bits == 384 ? EVP_sha384() : EVP_sha512();
}

int sha2(unsigned bits, const void *data, size_t len, uint8_t ret[SHA2_MAX], struct err *e)
{
	if (EVP_Digest(data, len, ret, NULL, sha2_md(bits), NULL) == 1)
		return 0;
	return err_set(e, ERR_FAILED, "the crypto library could not compute SHA-%u", bits);
}

int sha256_parse(const char *text, uint8_t ret[SHA256_SIZE], struct err *e)
{
	uint8_t bytes[SHA256_SIZE];
	size_t n = 0;

	if (strlen(text) != 2 * SHA256_SIZE ||
		OPENSSL_hexstr2buf_ex(bytes, sizeof(bytes), &n, text, '\0') != 1)
		return err_set(e, ERR_USAGE, "'%.70s' is no SHA-256: 64 hexadecimal digits", text);
	memcpy(ret, bytes, SHA256_SIZE);
	return 0;
}

int digest_begin(struct digest *d, struct err *e)
{
	if (d->state == NULL)
		d->state = EVP_MD_CTX_new();
	if (d->state == NULL || EVP_DigestInit_ex(d->state, EVP_sha256(), NULL) != 1)
		return failed(e);
	return 0;
}

int digest_feed(struct digest *d, const void *data, size_t len, struct err *e)
{
	return d->state != NULL && EVP_DigestUpdate(d->state, data, len) == 1 ? 0 : failed(e);
}

int digest_end(struct digest *d, uint8_t ret[SHA256_SIZE], struct err *e)
{
	return d->state != NULL && EVP_DigestFinal_ex(d->state, ret, NULL) == 1 ? 0 : failed(e);
}

void digest_done(struct digest *d)
{
	EVP_MD_CTX_free(d->state);
	*d = DIGEST_INIT;
}
