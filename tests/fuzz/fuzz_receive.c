/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_receive.c - any bytes through the freestanding receiver, into a flash that checks what it is told
 *
 * Every signature is good, and every digest is the same 32 bytes, which are put where the package has
 * digests: so what was changed reaches chains, decryption and the decoders, as it would with a stolen
 * key. Nothing may be touched before `start`, lines come in order, a component ends whole, and all of
 * it is the same whatever the pieces were.
 */
#include <imf/imf.h>

#include "fuzz_image.h"

#define DIGEST 0xA5
#define AREA   (64u << 10)
#define RAM    16384u

/* ---- cryptography ---- */

static int on_init(void *ctx)
{
	return 0;
}

static int on_update(void *ctx, const uint8_t *data, uint32_t len)
{
	volatile uint8_t sum = 0;

	for (uint32_t i = 0; i < len; i++)
		sum = (uint8_t)(sum ^ data[i]);
	return 0;
}

static int on_final(void *ctx, uint8_t ret[IMF_DIGEST_SIZE])
{
	memset(ret, DIGEST, IMF_DIGEST_SIZE);
	return 0;
}

static int32_t on_verify(void *ctx, const void *key, const uint8_t *msg, uint32_t len,
	const uint8_t signature[IMF_SIGNATURE_SIZE])
{
	return IMF_SIGNATURE_GOOD;
}

static int on_key(void *ctx, const uint8_t *key, uint32_t len)
{
	must(len == 16 || len == 32);
	return 0;
}

/* A stream of one byte: enough to change what is decrypted. */
static int on_block(void *ctx, const uint8_t block[IMF_AES_BLOCK], uint8_t ret[IMF_AES_BLOCK])
{
	memset(ret, block[IMF_AES_BLOCK - 1] & 1 ? 0 : 1, IMF_AES_BLOCK);
	return 0;
}

/* ---- a device ---- */

struct area {
	uint8_t bytes[AREA];
	uint32_t used;
};

static struct {
	struct area staging, slot;
	bool started, slot_is_stage;
	unsigned choice, ended;
	uint32_t n, taken;
	enum imf_take take[IMF_COMPONENTS_MAX];
	uint32_t sum; /* of all that came out */
} dev;

static int on_choose(
	void *ctx, const struct imf_manifest *m, uint32_t i, const struct imf_component *c)
{
	must(!dev.started && i == dev.n && i < m->header.n_components);
	dev.take[i] = IMF_TAKE;
	if ((dev.choice >> i & 3) == 3)
		dev.take[i] = IMF_SKIP;
	else if ((dev.choice >> i & 3) == 2)
		dev.take[i] = c->encoding == 0 ? IMF_TAKE_SLOT : IMF_TAKE_STORED;
	dev.n++;
	return c->plain_size > AREA || c->stored_size > AREA ? -1 : (int)dev.take[i];
}

static int on_start(void *ctx, const struct imf_manifest *m)
{
	must(!dev.started && dev.n == m->header.n_components);
	dev.started = true;
	return 0;
}

static int program(struct area *a, uint32_t at, const uint8_t *data, uint32_t len)
{
	must(dev.started);
	if (at == 0)
		a->used = 0;
	must(at == a->used && at % IMF_RECEIVE_LINE == 0);
	must(len > 0 && len <= IMF_RECEIVE_LINE && len <= AREA - at);
	memcpy(a->bytes + at, data, len);
	a->used = at + len;
	return 0;
}

static int fetch(const struct area *a, uint32_t at, uint8_t *ret, uint32_t len)
{
	must(at <= a->used && len <= a->used - at);
	memcpy(ret, a->bytes + at, len);
	return 0;
}

static struct area *stage_of(uint32_t i)
{
	return dev.take[i] == IMF_TAKE_SLOT ? &dev.slot : &dev.staging;
}

static int on_stage(void *ctx, uint32_t i, uint32_t at, const uint8_t *data, uint32_t len)
{
	must(i < dev.n && dev.take[i] != IMF_SKIP);
	return program(stage_of(i), at, data, len);
}

static int on_staged(void *ctx, uint32_t i, uint32_t at, uint8_t *ret, uint32_t len)
{
	return fetch(&dev.staging, at, ret, len);
}

static int on_base(void *ctx, uint32_t i, uint32_t at, uint8_t *ret, uint32_t len)
{
	for (uint32_t k = 0; k < len; k++)
		ret[k] = (uint8_t)((at + k) * 7);
	return 0;
}

static int on_write(void *ctx, uint32_t i, uint32_t at, const uint8_t *data, uint32_t len)
{
	must(i < dev.n && dev.take[i] == IMF_TAKE);
	return program(&dev.slot, at, data, len);
}

static int on_read(void *ctx, uint32_t i, uint32_t at, uint8_t *ret, uint32_t len)
{
	return fetch(&dev.slot, at, ret, len);
}

static int on_end(void *ctx, uint32_t i, const struct imf_component *c)
{
	const struct area *a = dev.take[i] == IMF_TAKE_STORED ? &dev.staging : &dev.slot;

	must(dev.take[i] != IMF_SKIP);
	must(a->used == (dev.take[i] == IMF_TAKE_STORED ? c->stored_size : c->plain_size));
	for (uint32_t k = 0; k < a->used; k++)
		dev.sum = dev.sum * 31 + a->bytes[k];
	dev.ended++;
	return 0;
}

/* ---- a package ---- */

static void same_digest(const uint8_t *at, size_t len)
{
	memset((uint8_t *)(uintptr_t)at, DIGEST, len);
}

/* In a copy of ours, of which `m` was read. */
static void put_digests(const struct imf_manifest *m)
{
	struct imf_encryption enc;
	struct imf_chain_info info;
	struct imf_delta delta;

	if ((m->header.encodings & IMF_ENC_DELTA) != 0)
		same_digest(m->bytes + 80, IMF_BASE_PREFIX_SIZE);
	for (uint32_t i = 0; i < m->header.n_components; i++) {
		struct imf_component c;

		imf_manifest_component(m, i, &c);
		same_digest(c.plain_digest, IMF_DIGEST_SIZE);
		same_digest(c.stored_digest, IMF_DIGEST_SIZE);
		if (imf_manifest_chain(m, i, &info))
			same_digest(info.digest, IMF_DIGEST_SIZE);
		if (imf_manifest_encryption(m, i, &enc))
			same_digest(enc.check, IMF_KEYCHECK_SIZE);
		if (imf_manifest_delta(m, i, &delta))
			same_digest(delta.digest, IMF_DIGEST_SIZE);
	}
}

/* The digests at the ends of chunks, where the payload is all there. */
static void put_chain_digests(const struct imf_manifest *m, uint8_t *payload, size_t len)
{
	struct imf_chain_info info;
	struct imf_component c;

	for (uint32_t i = 0; i < m->header.n_components; i++) {
		imf_manifest_component(m, i, &c);
		if (!imf_manifest_chain(m, i, &info))
			continue;
		for (uint32_t k = 1; k < info.n_chunks; k++) {
			size_t end = (size_t)c.stored_offset + (size_t)k * info.chunk_size;

			if (end <= len)
				same_digest(payload + end - IMF_DIGEST_SIZE, IMF_DIGEST_SIZE);
		}
	}
}

static int run(
	const struct imf_receive_config *cfg, const uint8_t *data, uint32_t size, uint32_t step)
{
	static struct imf_receive r;
	unsigned choice = dev.choice;
	int rc = imf_receive_begin(&r, cfg);

	memset(&dev, 0, sizeof(dev));
	dev.choice = choice;
	must(rc == IMF_OK);
	for (uint32_t at = 0; rc == IMF_OK && at < size; at += step) {
		uint32_t n = size - at < step ? size - at : step;

		rc = imf_receive_feed(&r, data + at, n);
	}
	if (rc == IMF_OK)
		rc = imf_receive_finish(&r);
	must(imf_receive_feed(&r, data, 1) < 0 || size == 0);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct imf_port port = {
		NULL, on_choose, on_start, on_stage, on_staged, on_base, on_write, on_read, on_end};
	static uint8_t work[IMF_HEAD_MAX_DEVICE + IMF_WRAP_MAX], chunk[IMF_CHUNK_MAX];
	static uint32_t patch_work[IMF_PATCH_WORK(RAM) / 4];
	static const uint8_t product_key[32] = {1};
	static struct imf_patch patch;
	struct imf_crypto crypto = {NULL, on_init, on_update, on_final, on_verify};
	struct imf_crypto plain = crypto, chunk_hash = crypto;
	struct imf_aes aes = {NULL, on_key, on_block};
	struct imf_key key = {.id = {1}};
	struct imf_receive_config cfg = {.crypto = &crypto,
		.plain = &plain,
		.keys = &key,
		.n_keys = 1,
		.threshold = 1,
		.work = work,
		.work_size = sizeof(work),
		.port = &port,
		.chunk_hash = &chunk_hash,
		.chunk = chunk,
		.chunk_size = sizeof(chunk),
		.aes = &aes,
		.product_key = product_key,
		.patch = &patch,
		.patch_work = patch_work,
		.patch_work_size = sizeof(patch_work)};
	uint8_t *copy = malloc(size + 1);
	struct imf_encryption enc;
	struct imf_manifest m;
	uint32_t sum, ended;
	int whole;

	if (copy == NULL || size == 0 || size > (1u << 20)) {
		free(copy);
		return 0;
	}
	memcpy(copy, data, size);
	cfg.product_key_len = 16;
	if (imf_manifest_parse(copy, (uint32_t)size, &m) == IMF_OK) {
		size_t at = m.header.manifest_size + IMF_SIG_HEADER_SIZE;

		put_digests(&m);
		must(imf_manifest_parse(copy, (uint32_t)size, &m) == IMF_OK);
		if (size >= at + IMF_KEY_ID_SIZE)
			memcpy(key.id, copy + at, IMF_KEY_ID_SIZE);
		if (size >= m.header.payload_size)
			put_chain_digests(
				&m, copy + size - m.header.payload_size, m.header.payload_size);
		for (uint32_t i = 0; i < m.header.n_components; i++)
			if (imf_manifest_encryption(&m, i, &enc))
				cfg.product_key_len = enc.key_size;
	}
	dev.choice = copy[size - 1];
	whole = run(&cfg, copy, (uint32_t)size, (uint32_t)size);
	sum = dev.sum;
	ended = dev.ended;
	must(run(&cfg, copy, (uint32_t)size, (uint32_t)(size % 61) + 1) == whole);
	must(dev.sum == sum && dev.ended == ended);
	free(copy);
	return 0;
}
