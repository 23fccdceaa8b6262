/* SPDX-License-Identifier: Apache-2.0 */
/*
 * package_unseal.c - encrypted and chained components are opened, by the code that devices use
 */
#include <stmota/package.h>

#include <stdio.h>
#include <string.h>

#include <imf/imf_bytes.h>
#include <imf/imf_chain.h>
#include <imf/imf_decrypt.h>

#include "package_priv.h"

/* ---- cryptography for image_format ---- */

static int on_init(void *ctx)
{
	return digest_begin(ctx, NULL);
}

static int on_update(void *ctx, const uint8_t *data, uint32_t len)
{
	return digest_feed(ctx, data, len, NULL);
}

static int on_final(void *ctx, uint8_t ret[IMF_DIGEST_SIZE])
{
	return digest_end(ctx, ret, NULL);
}

static struct imf_crypto crypto_of(struct digest *d)
{
	return (struct imf_crypto){.ctx = d,
		.sha256_init = on_init,
		.sha256_update = on_update,
		.sha256_final = on_final};
}

/* The key that was derived; the whole stream is made at once by OpenSSL. */
struct derived {
	uint8_t key[IMF_KEY_MAX];
	size_t len;
};

static int on_aes_key(void *ctx, const uint8_t *key, uint32_t len)
{
	struct derived *d = ctx;

	memcpy(d->key, key, len);
	d->len = len;
	return 0;
}

static int on_agree(void *ctx, const uint8_t point[IMF_POINT_SIZE], uint8_t ret[IMF_DIGEST_SIZE])
{
	return secret_agree(ctx, point, ret, NULL);
}

static int prove(const struct package *p, size_t i, const uint8_t *root, size_t len,
	struct derived *ret, uint8_t ret_salt[IMF_SALT_SIZE])
{
	cleanup_digest struct digest d = DIGEST_INIT;
	struct imf_crypto crypto = crypto_of(&d);
	struct imf_aes aes = {.ctx = ret, .set_key = on_aes_key};
	struct imf_decrypt state;
	int error = imf_decrypt_begin(
		&state, &crypto, &aes, &p->manifest, (uint32_t)i, root, (uint32_t)len);

	if (error == IMF_OK && ret_salt != NULL)
		memcpy(ret_salt, state.plain_salt, IMF_SALT_SIZE);
	return error;
}

/* ---- unlocking ---- */

bool package_is_encrypted(const struct package *p, enum imf_key_source *ret_source)
{
	struct imf_encryption enc;

	for (size_t i = 0; i < p->header.n_components; i++) {
		if (!imf_manifest_encryption(&p->manifest, (uint32_t)i, &enc))
			continue;
		if (ret_source != NULL)
			*ret_source = (enum imf_key_source)enc.key_source;
		return true;
	}
	return false;
}

static int locked(const struct package *p, struct err *e)
{
	enum imf_key_source source = IMF_KEY_PRODUCT;

	package_is_encrypted(p, &source);
	err_set(e, ERR_SIGNATURE, "the package is encrypted %s",
		source == IMF_KEY_PRODUCT ? "with a product key" : "for single devices");
	return err_hint(e, source == IMF_KEY_PRODUCT
				   ? "--decrypt-key PRODUCT.key"
				   : "--decrypt-key DEVICE.pem, the private key of such a device");
}

/* Ids of the devices, as many as a line takes. */
static const char *list_wraps(const struct package *p, char *ret, size_t size)
{
	uint32_t one = imf_manifest_wrap_size(&p->manifest);
	size_t len = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < p->n_wraps && len + 20 < size; i++) {
		if (i > 0)
			len += (size_t)snprintf(ret + len, size - len, ", ");
		for (size_t k = 0; k < IMF_KEY_ID_SIZE; k++)
			len += (size_t)snprintf(
				ret + len, size - len, "%02x", p->wraps[i * one + k]);
	}
	return ret;
}

static int unwrap(struct package *p, struct key *device, uint8_t ret[IMF_KEY_MAX], struct err *e)
{
	uint32_t one = imf_manifest_wrap_size(&p->manifest);
	cleanup_digest struct digest d = DIGEST_INIT;
	struct imf_crypto crypto = crypto_of(&d);
	struct imf_device_key k = {.ctx = device, .ecdh = on_agree};
	char list[160];

	memcpy(k.id, key_id(device), IMF_KEY_ID_SIZE);
	for (size_t i = 0; i < p->n_wraps; i++) {
		int error = imf_unwrap(&crypto, &k, &p->manifest, p->wraps + i * one, one, ret);

		if (error == IMF_OK)
			return 0;
		if (error == IMF_ERR_NOT_FOUND)
			continue;
		err_set(e, ERR_SIGNATURE,
			"the key wrap for this device is damaged, or of another package");
		return err_hint(
			e, "'stmota rewrap' makes a new one, with a key that still opens it");
	}
	err_set(e, ERR_SIGNATURE, "the package is not encrypted for this device key");
	return err_hint(e, "it is for the keys %s", list_wraps(p, list, sizeof(list)));
}

static int find_root(struct package *p, const struct secret *s, uint8_t ret[IMF_KEY_MAX],
	size_t *ret_len, struct err *e)
{
	enum imf_key_source source = IMF_KEY_PRODUCT;
	struct imf_encryption enc = {0};
	int rc;

	package_is_encrypted(p, &source);
	if (s == NULL || (source == IMF_KEY_PRODUCT ? s->product_len == 0 : s->device == NULL)) {
		rc = locked(p, e);
		if (s != NULL && (s->product_len > 0 || s->device != NULL))
			err_wrap(e, "this is another kind of key");
		return rc;
	}
	if (source == IMF_KEY_PRODUCT) {
		memcpy(ret, s->product, s->product_len);
		*ret_len = s->product_len;
		return 0;
	}
	rc = unwrap(p, s->device, ret, e);
	for (size_t i = 0; rc == 0 && i < p->header.n_components; i++)
		if (imf_manifest_encryption(&p->manifest, (uint32_t)i, &enc))
			*ret_len = enc.key_size;
	return rc;
}

int package_unlock(struct package *p, const struct secret *secret, struct err *e)
{
	struct derived derived = {0};
	uint8_t root[IMF_KEY_MAX];
	size_t len = 0;
	int rc = 0;

	p->root_len = 0;
	if (!package_is_encrypted(p, NULL))
		return 0;
	rc = find_root(p, secret, root, &len, e);
	for (size_t i = 0; rc == 0 && i < p->header.n_components; i++) {
		struct imf_component c = package_component(p, i);

		if ((c.encoding & IMF_ENC_ENCRYPTED) == 0)
			continue;
		if (prove(p, i, root, len, &derived, NULL) != IMF_OK) {
			err_set(e, ERR_SIGNATURE, "this is not the key of component %zu", i);
			rc = err_hint(e, "it was encrypted with another key, or for another "
					 "product or version");
		}
	}
	if (rc == 0) {
		memcpy(p->root, root, len);
		p->root_len = len;
	}
	secret_wipe(root, sizeof(root));
	secret_wipe(&derived, sizeof(derived));
	return rc;
}

bool package_plain_salt(const struct package *p, size_t i, uint8_t ret[IMF_SALT_SIZE])
{
	struct derived derived;
	bool found = p->root_len > 0 && prove(p, i, p->root, p->root_len, &derived, ret) == IMF_OK;

	secret_wipe(&derived, sizeof(derived));
	return found;
}

/* ---- content ---- */

struct sink {
	struct buf *to;
	struct err *e;
};

static int on_content(void *ctx, uint32_t at, uint8_t *data, uint32_t len)
{
	struct sink *s = ctx;

	(void)at;
	return buf_append(s->to, data, len, s->e);
}

static int damaged(size_t i, const char *how, struct err *e)
{
	err_set(e, ERR_DAMAGED, "component %zu %s", i, how);
	return err_hint(e, "get the package again from where it was made");
}

static int unchain(const struct package *p, size_t i, const struct imf_chain_info *info,
	struct buf *ret, struct err *e)
{
	struct imf_component c = package_component(p, i);
	cleanup_digest struct digest d = DIGEST_INIT;
	struct imf_crypto crypto = crypto_of(&d);
	struct sink sink = {ret, e};
	uint8_t work[IMF_CHUNK_MAX];
	struct imf_chain_config cfg = {.crypto = &crypto,
		.info = *info,
		.work = work,
		.work_size = sizeof(work),
		.ctx = &sink,
		.content = on_content};
	struct imf_chain chain;
	int error = imf_chain_begin(&chain, &cfg, NULL);

	if (error == IMF_OK)
		error = imf_chain_feed(&chain, p->payload + c.stored_offset, c.stored_size);
	if (error == IMF_OK)
		error = imf_chain_finish(&chain);
	if (error == IMF_ERR_CALLBACK)
		return ERR_NOMEM;
	return error == IMF_OK ? 0 : damaged(i, "has a chunk that does not match its digest", e);
}

static int check_plain(const struct package *p, size_t i, const struct buf *plain, struct err *e)
{
	struct imf_component c = package_component(p, i);
	uint8_t salt[IMF_SALT_SIZE], digest[SHA256_SIZE];
	cleanup_digest struct digest d = DIGEST_INIT;
	int rc = digest_begin(&d, e);

	if (rc == 0 && package_plain_salt(p, i, salt))
		rc = digest_feed(&d, salt, sizeof(salt), e);
	if (rc == 0)
		rc = digest_feed(&d, plain->data, plain->len, e);
	if (rc == 0)
		rc = digest_end(&d, digest, e);
	if (rc < 0 || memcmp(digest, c.plain_digest, SHA256_SIZE) == 0)
		return rc;
	return damaged(i, "does not give the plain bytes that were signed", e);
}

static int decrypt(const struct package *p, size_t i, struct buf *content, struct err *e)
{
	static const uint8_t counter[16];
	struct derived derived = {0};
	int rc;

	if (p->root_len == 0)
		return locked(p, e);
	if (prove(p, i, p->root, p->root_len, &derived, NULL) != IMF_OK)
		return err_set(e, ERR_SIGNATURE, "this is not the key of component %zu", i);
	rc = secret_ctr(derived.key, derived.len, counter, content->data, content->len, e);
	secret_wipe(&derived, sizeof(derived));
	return rc;
}

int package_content(const struct package *p, size_t i, struct buf *ret, struct err *e)
{
	struct imf_component c = package_component(p, i);
	cleanup_buf struct buf content = BUF_INIT;
	struct imf_chain_info info;
	int rc;

	/* Before anything else is done: without its key it stays closed. */
	if ((c.encoding & IMF_ENC_ENCRYPTED) != 0 && p->root_len == 0)
		return locked(p, e);
	rc = imf_manifest_chain(&p->manifest, (uint32_t)i, &info)
		     ? unchain(p, i, &info, &content, e)
		     : buf_append(&content, p->payload + c.stored_offset, c.stored_size, e);
	if (rc == 0 && (c.encoding & IMF_ENC_ENCRYPTED) != 0)
		rc = decrypt(p, i, &content, e);
	if (rc == 0 && (c.encoding & (IMF_ENC_DELTA | IMF_ENC_COMPRESSED)) == 0)
		rc = check_plain(p, i, &content, e);
	return rc < 0 ? rc : buf_append(ret, content.data, content.len, e);
}
