/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret.c - product keys and device keys, read and made
 */
#include <stmota/secret.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <stmota/fs.h>
#include <stmota/strparse.h>

#include "key_priv.h"

#define SECRET_FILE_MAX 65536

void secret_wipe(void *p, size_t len)
{
	OPENSSL_cleanse(p, len);
}

void secret_done(struct secret *s)
{
	key_free(s->device);
	secret_wipe(s, sizeof(*s));
}

int secret_random(uint8_t *ret, size_t len, struct err *e)
{
	if (RAND_priv_bytes(ret, (int)len) == 1)
		return 0;
	return err_set(e, ERR_FAILED, "the crypto library has no random numbers");
}

/* ---- files ---- */

static bool is_key_size(size_t len)
{
	return len == 16 || len == 32;
}

/* 32 or 64 digits, nothing else but white space behind them. */
static bool parse_digits(const struct buf *b, struct secret *ret)
{
	size_t len = b->len;

	while (len > 0 && isspace(b->data[len - 1]))
		len--;
	if (!is_key_size(len / 2) || !parse_hex(b->data, len, ret->product, len / 2))
		return false;
	ret->product_len = len / 2;
	return true;
}

static bool is_text(const struct buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		if (!isprint(b->data[i]) && !isspace(b->data[i]))
			return false;
	return true;
}

static int parse_product(const struct buf *b, const char *path, struct secret *ret, struct err *e)
{
	if (parse_digits(b, ret))
		return 0;
	/* Text that is not hexadecimal is a slip, or a password: no key. */
	if (is_key_size(b->len) && !is_text(b)) {
		memcpy(ret->product, b->data, b->len);
		ret->product_len = b->len;
		return 0;
	}
	err_set(e, ERR_SIGNATURE, "%s is no product key", path);
	return err_hint(e, "a product key is 16 or 32 bytes, raw or as hexadecimal text: "
			   "'stmota keygen --type aes128' makes one");
}

static bool is_pem(const struct buf *b)
{
	static const char mark[] = "-----BEGIN ";

	return b->len >= sizeof(mark) - 1 && memcmp(b->data, mark, sizeof(mark) - 1) == 0;
}

static int read_file(const char *path, struct buf *ret, struct err *e)
{
	return fs_read(path, SECRET_FILE_MAX, ret, e);
}

int secret_load_product(const char *path, struct secret *ret, struct err *e)
{
	struct buf b = BUF_INIT;
	int rc = read_file(path, &b, e);

	*ret = SECRET_INIT;
	if (rc == 0 && is_pem(&b)) {
		err_set(e, ERR_SIGNATURE, "%s is a PEM file, no product key", path);
		rc = err_hint(e, "to encrypt for single devices: --encrypt-to DEVICE.pub.pem");
	} else if (rc == 0) {
		rc = parse_product(&b, path, ret, e);
	}
	if (b.data != NULL)
		secret_wipe(b.data, b.len);
	buf_done(&b);
	return rc;
}

int secret_load(
	const char *path, const struct key_unlock *unlock, struct secret *ret, struct err *e)
{
	struct buf b = BUF_INIT;
	int rc = read_file(path, &b, e);
	bool pem = rc == 0 && is_pem(&b);

	*ret = SECRET_INIT;
	if (rc == 0 && !pem)
		rc = parse_product(&b, path, ret, e);
	if (b.data != NULL)
		secret_wipe(b.data, b.len);
	buf_done(&b);
	if (rc == 0 && pem)
		rc = key_load_private(path, unlock, &ret->device, e);
	if (rc == 0 && pem)
		rc = secret_check_device(ret->device, path, e);
	if (rc < 0)
		secret_done(ret);
	return rc;
}

int secret_check_device(const struct key *k, const char *name, struct err *e)
{
	if (key_type(k) == KEY_P256 && !key_is_in_token(k))
		return 0;
	if (key_is_in_token(k))
		return err_set(
			e, ERR_UNSUPPORTED, "%s: device keys in tokens are not supported", name);
	err_set(e, ERR_SIGNATURE, "%s is a key of type %s, which cannot be a device's", name,
		key_type_name(key_type(k)));
	return err_hint(e, "'stmota keygen --type p256-device' makes a device key");
}

/* ---- making ---- */

int secret_make_product(size_t len, struct secret *ret, struct err *e)
{
	*ret = SECRET_INIT;
	if (!is_key_size(len))
		return err_set(e, ERR_USAGE, "a product key is 16 or 32 bytes");
	ret->product_len = len;
	return secret_random(ret->product, len, e);
}

int secret_save_product(const struct secret *s, const char *path, struct err *e)
{
	char text[2 * IMF_KEY_MAX + 2];
	size_t len = 0;
	int rc;

	for (size_t i = 0; i < s->product_len; i++)
		len += (size_t)snprintf(text + len, 3, "%02x", s->product[i]);
	text[len++] = '\n';
	rc = key_save_new(path, text, len, 0600, e);
	secret_wipe(text, sizeof(text));
	return rc;
}
