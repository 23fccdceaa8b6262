/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_patch.c - the decoder of deltas meets any payload: it stays in bounds and ends
 *
 * Input: decoder RAM (1 byte), size of the new image (2; the highest bit: without a base), then
 * the payload. Digests always match, so
 * that everything reaches the decoder.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <imf/imf_patch.h>

enum { BASE = 1024, PLAIN_MAX = 4096 };

struct device {
	uint32_t made, size;
	uint8_t image[PLAIN_MAX];
};

static int hash_init(void *ctx)
{
	(void)ctx;
	return 0;
}

static int hash_update(void *ctx, const uint8_t *data, uint32_t len)
{
	(void)ctx;
	(void)data;
	(void)len;
	return 0;
}

static int hash_final(void *ctx, uint8_t ret[IMF_DIGEST_SIZE])
{
	(void)ctx;
	memset(ret, 0, IMF_DIGEST_SIZE);
	return 0;
}

/* Without a base: never more than was written. */
static int read_made(void *ctx, uint32_t at, uint8_t *ret, uint32_t len)
{
	const struct device *v = ctx;

	if (at > v->made || len > v->made - at)
		abort();
	memcpy(ret, v->image + at, len);
	return 0;
}

/* Something like code: the same every time. */
static int read_base(void *ctx, uint32_t at, uint8_t *ret, uint32_t len)
{
	(void)ctx;
	if (at > BASE || len > BASE - at)
		abort();
	for (; len > 0; len--, at++)
		*ret++ = at % 8 == 1 || at % 8 == 3 ? (uint8_t)(0xF0 | at % 5)
						    : (uint8_t)(at * 7 >> 3);
	return 0;
}

static int write_made(void *ctx, uint32_t at, const uint8_t *data, uint32_t len)
{
	struct device *v = ctx;

	if (at != v->made || len == 0 || len > v->size - v->made)
		abort();
	memcpy(v->image + at, data, len);
	v->made += len;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t zero[IMF_DIGEST_SIZE];
	static const uint32_t rams[] = {4096, 8192, 16384};
	uint32_t work[IMF_PATCH_WORK(16384) / 4], piece;
	struct device v = {.made = 0};
	struct imf_crypto crypto = {&v, hash_init, hash_update, hash_final, NULL};
	struct imf_patch_config cfg = {
		.crypto = &crypto,
		.base_addr = 0x08000000,
		.base_len = BASE,
		.base_digest = zero,
		.load_addr = 0x08000000,
		.plain_digest = zero,
		.stored_digest = zero,
		.work = work,
		.work_size = sizeof(work),
		.ctx = &v,
		.read = read_base,
		.write = write_made,
	};
	struct imf_patch p;

	if (size < 4 || size > 65536)
		return 0;
	cfg.ram = rams[data[0] % 3];
	cfg.plain_size = v.size = (data[1] | (uint32_t)data[2] << 8) % PLAIN_MAX;
	cfg.whole = (data[2] & 0x80) != 0;
	if (cfg.whole)
		cfg.read = read_made;
	cfg.stored_size = (uint32_t)(size - 3);
	piece = data[0] / 3u + 1;
	if (imf_patch_begin(&p, &cfg) < 0)
		return 0;
	for (uint32_t at = 0; at < cfg.stored_size; at += piece)
		if (imf_patch_feed(&p, data + 3 + at,
			    cfg.stored_size - at < piece ? cfg.stored_size - at : piece) < 0)
			return 0;
	if (imf_patch_finish(&p) == 0 && v.made != v.size)
		abort();
	return 0;
}
