/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_updater_crypto.c - what an updater decrypts and digests, by OpenSSL
 */
#include "sim_updater.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include <stmota/fs.h>

#define FILE_MAX 1024u

struct updater_cipher {
	EVP_CIPHER_CTX *ctx;
	uint8_t key[32], counter[16];
	size_t key_len;
};

/* Hexadecimal digits up to the end of the line; how many bytes, 0: none or no such line. */
static size_t hex_line(const char **text, uint8_t *ret, size_t room)
{
	const char *p = *text;
	size_t n = 0;

	while (isxdigit((unsigned char)p[0]) && isxdigit((unsigned char)p[1]) && n < room) {
		char two[3] = {p[0], p[1], '\0'};

		ret[n++] = (uint8_t)strtoul(two, NULL, 16);
		p += 2;
	}
	if (*p == '\r')
		p++;
	if (*p == '\n')
		p++;
	else if (*p != '\0')
		return 0;
	*text = p;
	return n;
}

int updater_cipher_new(const char *path, struct updater_cipher **ret, struct err *e)
{
	cleanup_buf struct buf in = BUF_INIT;
	struct updater_cipher *c;
	const char *p;
	size_t n = 0;
	int rc = fs_read(path, FILE_MAX, &in, e);

	if (rc == 0)
		rc = buf_append(&in, "", 1, e);
	if (rc < 0)
		return rc;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return err_set(e, ERR_NOMEM, "no memory");
	p = (const char *)in.data;
	c->key_len = hex_line(&p, c->key, sizeof(c->key));
	if (*p != '\0')
		n = hex_line(&p, c->counter, sizeof(c->counter));
	if ((c->key_len != 16 && c->key_len != 32) || (n != 0 && n != 16) || *p != '\0') {
		updater_cipher_free(c);
		err_set(e, ERR_FORMAT, "%s: not a key and a first counter block", path);
		return err_hint(e, "32 or 64 hexadecimal digits, and on the next line 32 or none");
	}
	c->ctx = EVP_CIPHER_CTX_new();
	if (c->ctx == NULL) {
		updater_cipher_free(c);
		return err_set(e, ERR_NOMEM, "no memory");
	}
	updater_cipher_start(c);
	*ret = c;
	return 0;
}

void updater_cipher_free(struct updater_cipher *c)
{
	if (c == NULL)
		return;
	EVP_CIPHER_CTX_free(c->ctx);
	free(c);
}

void updater_cipher_start(struct updater_cipher *c)
{
	EVP_DecryptInit_ex(c->ctx, c->key_len == 16 ? EVP_aes_128_ctr() : EVP_aes_256_ctr(), NULL,
		c->key, c->counter);
}

void updater_decrypt(struct updater_cipher *c, uint8_t *data, size_t len)
{
	int n = 0;

	EVP_DecryptUpdate(c->ctx, data, &n, data, (int)len);
}

bool updater_open_cbc(struct updater_cipher *c, const uint8_t iv[16], const uint8_t *data,
	uint32_t len, uint8_t *plain)
{
	int n = 0;

	return c->key_len == 16 &&
	       EVP_DecryptInit_ex(c->ctx, EVP_aes_128_cbc(), NULL, c->key, iv) == 1 &&
	       EVP_CIPHER_CTX_set_padding(c->ctx, 0) == 1 &&
	       EVP_DecryptUpdate(c->ctx, plain, &n, data, (int)len) == 1 && (uint32_t)n == len;
}

bool updater_open_gcm(struct updater_cipher *c, const uint8_t *iv, size_t iv_len,
	const uint8_t tag[16], const uint8_t *data, uint32_t len, uint8_t *plain)
{
	uint8_t copy[16];
	int n = 0;

	memcpy(copy, tag, sizeof(copy));
	return c->key_len == 16 &&
	       EVP_DecryptInit_ex(c->ctx, EVP_aes_128_gcm(), NULL, NULL, NULL) == 1 &&
	       EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_GCM_SET_IVLEN, (int)iv_len, NULL) == 1 &&
	       EVP_DecryptInit_ex(c->ctx, NULL, NULL, c->key, iv) == 1 &&
	       EVP_DecryptUpdate(c->ctx, plain, &n, data, (int)len) == 1 && (uint32_t)n == len &&
	       EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_GCM_SET_TAG, sizeof(copy), copy) == 1 &&
	       EVP_DecryptFinal_ex(c->ctx, plain + n, &n) == 1;
}

void updater_sha256(const uint8_t *data, size_t len, uint8_t ret[32])
{
	EVP_Digest(data, len, ret, NULL, EVP_sha256(), NULL);
}
