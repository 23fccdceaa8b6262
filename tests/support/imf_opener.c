/* SPDX-License-Identifier: Apache-2.0 */
#include "imf_opener.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(bool condition)
{
	if (!condition)
		abort();
}

/* ---- cryptography ---- */

int imf_opener_aes_key(void *ctx, const uint8_t *key, uint32_t len)
{
	const EVP_CIPHER *kind = len == 16 ? EVP_aes_128_ecb() : EVP_aes_256_ecb();

	return EVP_EncryptInit_ex(ctx, kind, NULL, key, NULL) == 1 &&
			       EVP_CIPHER_CTX_set_padding(ctx, 0) == 1
		       ? 0
		       : 1;
}

int imf_opener_aes(void *ctx, const uint8_t block[IMF_AES_BLOCK], uint8_t ret[IMF_AES_BLOCK])
{
	int n = 0;

	return EVP_EncryptUpdate(ctx, ret, &n, block, IMF_AES_BLOCK) == 1 && n == 16 ? 0 : 1;
}

static int hash_init(void *ctx)
{
	return digest_begin(ctx, NULL);
}

static int hash_update(void *ctx, const uint8_t *data, uint32_t len)
{
	return digest_feed(ctx, data, len, NULL);
}

static int hash_final(void *ctx, uint8_t ret[IMF_DIGEST_SIZE])
{
	return digest_end(ctx, ret, NULL);
}

static int agree(void *ctx, const uint8_t point[IMF_POINT_SIZE], uint8_t ret[IMF_DIGEST_SIZE])
{
	return secret_agree(ctx, point, ret, NULL);
}

/* ---- the key ---- */

static int on_wrap(void *ctx, const struct imf_manifest *m, const uint8_t *wrap, uint32_t len)
{
	struct imf_opener *o = ctx;
	int rc = imf_unwrap(&o->hash, &o->device_key, m, wrap, len, o->root);

	must(o->host.accepted == 0);
	if (rc == IMF_OK)
		o->root_len = len - IMF_KEY_ID_SIZE - IMF_POINT_SIZE - IMF_DIGEST_SIZE;
	return 0;
}

static bool opens(struct imf_opener *o, const uint8_t *root, uint32_t len)
{
	struct imf_encryption enc;
	bool all = true;

	for (uint32_t i = 0; all && i < o->manifest.header.n_components; i++)
		if (imf_manifest_encryption(&o->manifest, i, &enc))
			all = imf_decrypt_begin(&o->decrypt, &o->hash, &o->aes, &o->manifest, i,
				      root, len) == IMF_OK;
	return all;
}

static int on_accept(void *ctx, const struct imf_manifest *m)
{
	struct imf_opener *o = ctx;
	bool open;

	o->host.accepted++;
	o->manifest = *m;
	open = opens(o, o->root, o->root_len);
	for (size_t i = 0; !open && i < 2 && imf_manifest_wrap_size(m) == 0; i++) {
		memcpy(o->root, o->product[i].product, IMF_KEY_MAX);
		o->root_len = (uint32_t)o->product[i].product_len;
		open = opens(o, o->root, o->root_len);
	}
	if (!open)
		o->word = "key";
	return open ? 0 : 1;
}

/* ---- content ---- */

static int on_content(void *ctx, uint32_t at, uint8_t *data, uint32_t len)
{
	struct imf_opener *o = ctx;

	must(at == o->plain.len);
	if (o->decrypt.aes != NULL && imf_decrypt_run(&o->decrypt, at, data, len) != IMF_OK)
		return 1;
	o->handed_out += len;
	return buf_append(&o->plain, data, len, NULL);
}

static void begin(struct imf_opener *o, uint32_t i)
{
	struct imf_encryption enc;

	o->plain.len = 0;
	memset(&o->decrypt, 0, sizeof(o->decrypt));
	if (imf_manifest_encryption(&o->manifest, i, &enc))
		must(imf_decrypt_begin(&o->decrypt, &o->hash, &o->aes, &o->manifest, i, o->root,
			     o->root_len) == IMF_OK);
	o->chain_cfg = (struct imf_chain_config){.crypto = &o->hash,
		.work = o->chunk,
		.work_size = sizeof(o->chunk),
		.ctx = o,
		.content = on_content};
	if (imf_manifest_chain(&o->manifest, i, &o->chain_cfg.info))
		must(imf_chain_begin(&o->chain, &o->chain_cfg, NULL) == IMF_OK);
}

static int on_payload(void *ctx, uint32_t i, uint32_t at, const uint8_t *data, uint32_t len)
{
	struct imf_opener *o = ctx;
	struct imf_chain_info info;

	if (at == 0)
		begin(o, i);
	if (!imf_manifest_chain(&o->manifest, i, &info))
		return buf_append(&o->plain, data, len, NULL);
	if (imf_chain_feed(&o->chain, data, len) == IMF_OK)
		return 0;
	o->word = "plain";
	return 1;
}

static int on_component(void *ctx, uint32_t i)
{
	struct imf_opener *o = ctx;
	struct imf_chain_info info;
	struct imf_component c;
	uint8_t digest[IMF_DIGEST_SIZE];
	bool salted = o->decrypt.aes != NULL;

	imf_manifest_component(&o->manifest, i, &c);
	if (imf_manifest_chain(&o->manifest, i, &info)) {
		must(imf_chain_finish(&o->chain) == IMF_OK);
	} else if (salted) {
		/* From the end to the start, odd pieces: any order must do. */
		for (uint32_t end = (uint32_t)o->plain.len; end > 0;) {
			uint32_t n = end < 37 ? end : 37;

			end -= n;
			must(imf_decrypt_run(&o->decrypt, end, o->plain.data + end, n) == IMF_OK);
		}
	}
	if ((c.encoding & IMF_ENC_DELTA) != 0)
		return 0;
	digest_begin(&o->digest, NULL);
	if (salted)
		digest_feed(&o->digest, o->decrypt.plain_salt, IMF_SALT_SIZE, NULL);
	digest_feed(&o->digest, o->plain.data, o->plain.len, NULL);
	digest_end(&o->digest, digest, NULL);
	if (o->plain.len == c.plain_size && memcmp(digest, c.plain_digest, sizeof(digest)) == 0)
		return 0;
	o->word = "plain";
	return 1;
}

/* ---- use ---- */

void imf_opener_init(struct imf_opener *o, struct key *const *keys, size_t n)
{
	struct err e = ERR_INIT;

	memset(o, 0, sizeof(*o));
	imf_host_init(&o->host, keys, n);
	o->cfg = o->host.cfg;
	o->cfg.work = o->work;
	o->cfg.work_size = sizeof(o->work);
	o->cfg.ctx = o;
	o->cfg.wrap = on_wrap;
	o->cfg.accept = on_accept;
	o->cfg.payload = on_payload;
	o->cfg.component = on_component;
	o->hash = (struct imf_crypto){&o->digest, hash_init, hash_update, hash_final, NULL};
	o->cipher = EVP_CIPHER_CTX_new();
	o->aes = (struct imf_aes){o->cipher, imf_opener_aes_key, imf_opener_aes};
	must(secret_load(imf_host_vector("product-128", ".key"), NULL, &o->product[0], &e) == 0);
	must(secret_load(imf_host_vector("product-256", ".key"), NULL, &o->product[1], &e) == 0);
	must(secret_load(imf_host_vector("device", ".pem"), NULL, &o->device, &e) == 0);
	o->device_key = (struct imf_device_key){.ctx = o->device.device, .ecdh = agree};
	memcpy(o->device_key.id, key_id(o->device.device), IMF_KEY_ID_SIZE);
}

void imf_opener_done(struct imf_opener *o)
{
	secret_done(&o->product[0]);
	secret_done(&o->product[1]);
	secret_done(&o->device);
	EVP_CIPHER_CTX_free(o->cipher);
	digest_done(&o->digest);
	buf_done(&o->plain);
	imf_host_done(&o->host);
}

const char *imf_opener_open(struct imf_opener *o, const uint8_t *data, size_t len, size_t piece)
{
	struct imf_verify *v = &o->host.v;
	int rc = imf_verify_begin(v, &o->cfg);

	o->host.accepted = 0;
	o->root_len = 0;
	o->handed_out = 0;
	o->word = "refused";
	for (size_t at = 0; rc == 0 && at < len; at += piece)
		rc = imf_verify_feed(v, data + at, (uint32_t)(len - at < piece ? len - at : piece));
	if (rc == 0)
		rc = imf_verify_finish(v);
	return rc == 0 ? "ok" : o->word;
}
