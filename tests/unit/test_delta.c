/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_delta.c - deltas: made, applied, damaged, interrupted
 *
 * delta_make() proves every payload with the decoder; these tests look at what it makes from all
 * sorts of images, and at what the decoder does with payloads that no encoder makes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <imf/imf_patch.h>
#include <stmota/bytes.h>
#include <stmota/delta.h>
#include <stmota/fs.h>

#define ADDR 0x08004000u

static uint32_t seed;

static uint32_t next(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)seed * below >> 32);
}

/* ---- images ---- */

enum content { CODE, RANDOM, TEXT, BLANK, N_CONTENTS };

static void fill(uint8_t *p, size_t len, enum content content)
{
	static const uint16_t often[] = {
		0x4618, 0xB510, 0xBD10, 0x6818, 0x2000, 0x4770, 0xD0F1, 0xE7FE, 0x4B08, 0x2301};

	for (size_t i = 0; i < len; i++)
		p[i] = content == BLANK  ? 0xFF
		       : content == TEXT ? (uint8_t)('a' + next(20))
					 : (uint8_t)next(256);
	for (size_t i = 0; content == CODE && i + 4 <= len; i += 2) {
		uint32_t what = next(10), v = ADDR + next((uint32_t)len);

		if (what == 0) { /* BL somewhere */
			p[i + 1] = (uint8_t)(0xF0 | (p[i + 1] & 7));
			p[i + 3] = (uint8_t)(0xF8 | (p[i + 3] & 7));
			i += 2;
		} else if (what == 1 && i % 4 == 0) { /* a pointer */
			put_le32(p + i, next(2) ? v : 0x20000000u + next(8192) * 4);
			i += 2;
		} else if (what < 8) {
			uint32_t h = often[next(ARRAY_LEN(often))];

			p[i] = (uint8_t)h;
			p[i + 1] = (uint8_t)(h >> 8);
		}
	}
}

/* A new version: `edits` random changes, insertions, deletions, moves. */
static size_t edit(const uint8_t *old, size_t len, uint8_t *new, size_t room, uint32_t edits)
{
	size_t n = len < room ? len : room;

	memcpy(new, old, n);
	while (edits-- > 0 && n > 0) {
		size_t at = next((uint32_t)n), k = 1 + next(40);

		switch (next(4)) {
		case 0: new[at] = (uint8_t)next(256); break;
		case 1:
			if (n + k > room)
				break;
			memmove(new + at + k, new + at, n - at);
			fill(new + at, k, next(N_CONTENTS));
			n += k;
			break;
		case 2:
			if (at + k > n)
				break;
			memmove(new + at, new + at + k, n - at - k);
			n -= k;
			break;
		default:
			k *= 8;
			if (at + k <= n && len >= k)
				memcpy(new + at, old + next((uint32_t)(len - k + 1)), k);
		}
	}
	return n;
}

static size_t make(const uint8_t *old, size_t n_old, const uint8_t *new, size_t n_new, uint32_t ram)
{
	struct delta_image base = {old, n_old, ADDR}, image = {new, n_new, ADDR};
	cleanup_buf struct buf payload = BUF_INIT, made = BUF_INIT;
	struct delta_recipe r = {ram, (uint32_t)n_old, ADDR, {0}, (uint32_t)n_new, ADDR, {0}};
	struct err e = {0};

	if (delta_make(&base, &image, ram, &payload, NULL, &e) < 0)
		fail_msg("%zu -> %zu bytes: %s", n_old, n_new, e.msg);
	assert_int_equal(sha256(old, n_old, r.base_digest, &e), 0);
	assert_int_equal(sha256(new, n_new, r.plain_digest, &e), 0);
	assert_int_equal(delta_apply(&r, &base, payload.data, payload.len, &made, &e), 0);
	assert_int_equal(made.len, n_new);
	if (n_new > 0)
		assert_memory_equal(made.data, new, n_new);
	return payload.len;
}

static void test_delta__synthetic_pairs(void **state)
{
	static uint8_t old[6000], new[8000];
	static const uint32_t rams[] = {4096, 8192, 16384};

	(void)state;
	seed = 1;
	for (uint32_t i = 0; i < 400; i++) {
		size_t n_old = next(sizeof(old)), n_new;

		fill(old, n_old, next(N_CONTENTS));
		if (next(8) == 0) {
			n_new = next(sizeof(new));
			fill(new, n_new, next(N_CONTENTS));
		} else {
			n_new = edit(old, n_old, new, sizeof(new), next(30));
		}
		make(old, n_old, new, n_new, rams[i % 3]);
	}
}

static void test_delta__shortest_images(void **state)
{
	static const uint8_t old[] = {1, 2, 3, 4, 5, 6, 7, 8}, new[] = {1, 2, 3, 4, 9, 6, 7, 8, 9};

	(void)state;
	for (size_t i = 0; i <= sizeof(old); i++)
		for (size_t k = 0; k <= sizeof(new); k++)
			make(old, i, new, k, 4096);
}

static void test_delta__identical_images_cost_next_to_nothing(void **state)
{
	static uint8_t old[100001];

	(void)state;
	seed = 2;
	fill(old, sizeof(old), CODE);
	assert_in_range(make(old, sizeof(old), old, sizeof(old), 8192), 1, 24);
}

static void test_delta__moved_calls_are_foreseen(void **state)
{
	static uint8_t old[40000], new[40002];
	size_t i;

	(void)state;
	/* Nothing but calls of one function at the end; a halfword in front moves all but their start. */
	seed = 3;
	fill(old, sizeof(old), RANDOM);
	for (i = 0; i + 4 <= 30000; i += 4) {
		uint32_t off = (uint32_t)(38000 - (i + 4));

		old[i] = (uint8_t)(off >> 12);
		old[i + 1] = 0xF0;
		old[i + 2] = (uint8_t)(off >> 1);
		old[i + 3] = (uint8_t)(0xF8 | (off >> 9 & 7));
	}
	memcpy(new, old, 36000);
	memset(new + 36000, 0, 2);
	memcpy(new + 36002, old + 36000, 4000);
	for (i = 0; i + 4 <= 30000; i += 4) {
		uint32_t off = (uint32_t)(38002 - (i + 4));

		new[i] = (uint8_t)(off >> 12);
		new[i + 2] = (uint8_t)(off >> 1);
		new[i + 3] = (uint8_t)(0xF8 | (off >> 9 & 7));
	}
	assert_in_range(make(old, sizeof(old), new, sizeof(new), 8192), 1, 64);
}

/* All that takes long is for scripts/campaign. */
static bool campaign(void)
{
	return getenv("STMOTA_CAMPAIGN") != NULL;
}

static void test_delta__large_images(void **state)
{
	size_t len = campaign() ? 2u << 20 : 1u << 18;
	uint8_t *old = malloc(len), *new = malloc(len);

	(void)state;
	assert_non_null(old);
	assert_non_null(new);
	seed = 4;
	fill(old, len, CODE);
	make(old, len, new, edit(old, len, new, len, 200), 8192);
	free(new);
	free(old);
}

/* ---- without a base ---- */

static size_t pack(const uint8_t *data, size_t len, uint32_t ram)
{
	struct delta_image image = {data, len, ADDR};
	cleanup_buf struct buf payload = BUF_INIT, made = BUF_INIT;
	struct delta_recipe r = {.ram = ram, .plain_size = (uint32_t)len, .whole = true};
	struct err e = {0};

	if (delta_pack(&image, ram, &payload, NULL, &e) < 0)
		fail_msg("%zu bytes: %s", len, e.msg);
	assert_int_equal(sha256(data, len, r.plain_digest, &e), 0);
	assert_int_equal(delta_apply(&r, NULL, payload.data, payload.len, &made, &e), 0);
	assert_int_equal(made.len, len);
	if (len > 0)
		assert_memory_equal(made.data, data, len);
	return payload.len;
}

static void test_delta_pack__synthetic_images(void **state)
{
	static uint8_t image[9000];
	static const uint32_t rams[] = {4096, 8192, 16384};

	(void)state;
	seed = 20;
	for (uint32_t i = 0; i < (campaign() ? 200 : 60); i++) {
		size_t half = next(sizeof(image) / 2), n;

		/* The second half is the first one, edited: long copies with differences. */
		fill(image, half, next(N_CONTENTS));
		n = half + edit(image, half, image + half, sizeof(image) - half, next(20));
		pack(image, n, rams[i % 3]);
	}
	for (size_t len = 0; len < 40; len++)
		pack(image, len, 4096);
}

static void test_delta_pack__repetition_costs_next_to_nothing(void **state)
{
	static uint8_t image[60001];

	(void)state;
	assert_in_range(pack(image, sizeof(image), 4096), 1, 100);
	for (size_t period = 1; period < 50; period += 15) {
		seed = 21;
		fill(image, period, RANDOM);
		for (size_t i = period; i < sizeof(image); i++)
			image[i] = image[i - period];
		assert_in_range(pack(image, sizeof(image), 8192), 1, 500);
	}
}

static void test_delta_pack__calls_are_copied_by_target(void **state)
{
	static uint8_t image[8000];

	(void)state;
	/* The same eight calls again and again: no distance is the same, every target is. */
	memset(image, 0xBF, sizeof(image));
	for (uint32_t i = 0; i + 4 <= 7000; i += 4) {
		uint32_t off = 7200 + i / 4 % 8 * 90 - (i + 4);

		put_le16(image + i, (uint16_t)(0xF000 | (off >> 12 & 0x7FF)));
		put_le16(image + i + 2, (uint16_t)(0xF800 | (off >> 1 & 0x7FF)));
	}
	assert_in_range(pack(image, sizeof(image), 8192), 1, 200);
}

static void test_delta_pack__noise_grows_little(void **state)
{
	static uint8_t image[20000];

	(void)state;
	seed = 22;
	fill(image, sizeof(image), RANDOM);
	assert_in_range(pack(image, sizeof(image), 4096), 19800, 20900);
}

static void test_delta__same_input_same_bytes(void **state)
{
	static uint8_t old[5000], new[6000];
	cleanup_buf struct buf a = BUF_INIT, b = BUF_INIT;
	struct delta_image base = {old, sizeof(old), ADDR}, image = {new, 0, ADDR};

	(void)state;
	seed = 5;
	fill(old, sizeof(old), CODE);
	image.len = edit(old, sizeof(old), new, sizeof(new), 20);
	assert_int_equal(delta_make(&base, &image, 8192, &a, NULL, NULL), 0);
	assert_int_equal(delta_make(&base, &image, 8192, &b, NULL, NULL), 0);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
}

static void test_delta__impossible_requests(void **state)
{
	static uint8_t byte[1];
	struct delta_image base = {byte, 1, ADDR}, large = {byte, IMF_PATCH_IMAGE_MAX, ADDR};
	cleanup_buf struct buf b = BUF_INIT;
	struct err e = {0};

	(void)state;
	assert_int_equal(delta_make(&base, &base, 8000, &b, NULL, &e), ERR_USAGE);
	assert_int_equal(delta_make(&base, &large, 8192, &b, NULL, &e), ERR_UNSUPPORTED);
	assert_int_equal(delta_make(&large, &base, 8192, &b, NULL, &e), ERR_UNSUPPORTED);
	assert_int_equal(b.len, 0);
}

static void test_delta__corpus(void **state)
{
	static const struct {
		const char *name;
		uint32_t addr;
	} pairs[] = {
		{"coldcard-a", 0x08008000},
		{"vesc60-a", 0x08000000},
		{"btt-tft35-a", 0x08008000},
		{"smoothie-a", 0x4000},
		{"uvk5-a", 0},
		{"uvk5-tiny", 0},
		{"pybv11", 0x08020000},
		{"synthesizer", 0x80000},
		{"shell", 0x80000},
		{"portenta-boot", 0x08000000},
		{"cleanflight-cc3d", 0x08003000},
		{"multistepper", 0x08000000},
		{"duckypad-a", 0x08000000},
		{"hoverboard", 0x08000000},
		{"skr-mini-v12", 0x08007000},
		{"mlrs-rx", 0x08000000},
	};
	const char *corpus = getenv("STMOTA_CORPUS");
	struct buf dummy = BUF_INIT;
	char path[1024];

	(void)state;
	snprintf(path, sizeof(path), "%s/README.md", corpus != NULL ? corpus : ".");
	if (corpus == NULL || fs_read(path, FS_FILE_MAX, &dummy, NULL) < 0) {
		print_message("skipped: no firmware corpus (STMOTA_CORPUS)\n");
		skip();
	}
	buf_done(&dummy);
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		cleanup_buf struct buf old = BUF_INIT, new = BUF_INIT, there = BUF_INIT,
				       back = BUF_INIT;
		struct delta_image a, b;
		struct err e = {0};

		snprintf(path, sizeof(path), "%s/%s/old.bin", corpus, pairs[i].name);
		assert_int_equal(fs_read(path, FS_FILE_MAX, &old, &e), 0);
		snprintf(path, sizeof(path), "%s/%s/new.bin", corpus, pairs[i].name);
		assert_int_equal(fs_read(path, FS_FILE_MAX, &new, &e), 0);
		a = (struct delta_image){old.data, old.len, pairs[i].addr};
		b = (struct delta_image){new.data, new.len, pairs[i].addr};
		/* Both prove what they make. */
		if (delta_make(&a, &b, 8192, &there, NULL, &e) < 0 ||
			delta_make(&b, &a, 8192, &back, NULL, &e) < 0)
			fail_msg("%s: %s", pairs[i].name, e.msg);
		print_message(
			"%s: %zu bytes there, %zu back\n", pairs[i].name, there.len, back.len);
	}
}

/* ---- the decoder by itself ---- */

struct device {
	const uint8_t *base;
	uint32_t base_len;
	uint8_t made[8192];
	uint32_t n_made, first; /* bytes written; offset of the first write */
	uint32_t end;           /* of the bytes that are there */
	uint32_t cut;           /* `write` fails here */
	bool lie;               /* every digest is the expected one */
	struct digest d;
	const uint8_t *want;
};

static int dev_read(void *ctx, uint32_t at, uint8_t *ret, uint32_t len)
{
	const struct device *v = ctx;

	assert_true(at <= v->base_len && len <= v->base_len - at);
	memcpy(ret, v->base + at, len);
	return 0;
}

/* Without a base: never more than was written. */
static int dev_read_made(void *ctx, uint32_t at, uint8_t *ret, uint32_t len)
{
	const struct device *v = ctx;

	assert_true(at <= v->end && len <= v->end - at);
	memcpy(ret, v->made + at, len);
	return 0;
}

static int dev_write(void *ctx, uint32_t at, const uint8_t *data, uint32_t len)
{
	struct device *v = ctx;

	assert_true(at <= sizeof(v->made) && len <= sizeof(v->made) - at);
	assert_int_equal(at % IMF_PATCH_OUT, 0);
	if (at >= v->cut)
		return -1;
	if (v->n_made == 0)
		v->first = at;
	memcpy(v->made + at, data, len);
	v->n_made += len;
	v->end = at + len;
	return 0;
}

static int dev_init(void *ctx)
{
	return digest_begin(&((struct device *)ctx)->d, NULL);
}

static int dev_update(void *ctx, const uint8_t *data, uint32_t len)
{
	return digest_feed(&((struct device *)ctx)->d, data, len, NULL);
}

static int dev_final(void *ctx, uint8_t ret[IMF_DIGEST_SIZE])
{
	struct device *v = ctx;
	int rc = digest_end(&v->d, ret, NULL);

	if (v->lie)
		memset(ret, 0x55, IMF_DIGEST_SIZE);
	return rc;
}

struct rig {
	uint8_t old[4000], new[6100];
	uint32_t n_old, n_new;
	struct buf payload;
	uint8_t base_digest[32], plain_digest[32], stored_digest[32];
	uint32_t work[IMF_PATCH_WORK(8192) / 4];
	struct device dev;
	struct imf_crypto crypto;
	struct imf_patch_config cfg;
	struct imf_patch p;
};

static struct rig rig;

static void rig_up(uint32_t edits)
{
	struct delta_image base = {rig.old, 0, ADDR}, image = {rig.new, 0, ADDR};

	buf_done(&rig.payload);
	digest_done(&rig.dev.d);
	memset(&rig, 0, sizeof(rig));
	rig.n_old = 3000;
	fill(rig.old, rig.n_old, CODE);
	rig.n_new = (uint32_t)edit(rig.old, rig.n_old, rig.new, 5000, edits);
	base.len = rig.n_old;
	image.len = rig.n_new;
	assert_int_equal(delta_make(&base, &image, 8192, &rig.payload, NULL, NULL), 0);
	sha256(rig.old, rig.n_old, rig.base_digest, NULL);
	sha256(rig.new, rig.n_new, rig.plain_digest, NULL);
	sha256(rig.payload.data, rig.payload.len, rig.stored_digest, NULL);
	rig.dev.base = rig.old;
	rig.dev.base_len = rig.n_old;
	rig.dev.cut = UINT32_MAX;
	rig.crypto = (struct imf_crypto){&rig.dev, dev_init, dev_update, dev_final, NULL};
	rig.cfg = (struct imf_patch_config){
		.crypto = &rig.crypto,
		.ram = 8192,
		.base_addr = ADDR,
		.base_len = rig.n_old,
		.base_digest = rig.base_digest,
		.load_addr = ADDR,
		.plain_size = rig.n_new,
		.plain_digest = rig.plain_digest,
		.stored_size = (uint32_t)rig.payload.len,
		.stored_digest = rig.stored_digest,
		.work = rig.work,
		.work_size = sizeof(rig.work),
		.ctx = &rig.dev,
		.read = dev_read,
		.write = dev_write,
	};
}

/* The same, compressed without a base: `len` bytes at most, and some of them once more. */
static void rig_up_whole(uint32_t edits, uint32_t len)
{
	struct delta_image image = {rig.new, 0, ADDR};
	uint32_t again;

	rig_up(edits);
	if (rig.n_new > len)
		rig.n_new = len;
	again = rig.n_new / 3 | 1;
	memcpy(rig.new + rig.n_new, rig.new, again);
	image.len = rig.n_new += again;
	rig.payload.len = 0;
	assert_int_equal(delta_pack(&image, 8192, &rig.payload, NULL, NULL), 0);
	sha256(rig.new, rig.n_new, rig.plain_digest, NULL);
	sha256(rig.payload.data, rig.payload.len, rig.stored_digest, NULL);
	rig.cfg.whole = true;
	rig.cfg.base_len = 0;
	rig.cfg.base_digest = NULL;
	rig.cfg.plain_size = rig.n_new;
	rig.cfg.stored_size = (uint32_t)rig.payload.len;
	rig.cfg.read = dev_read_made;
}

/* Decodes `len` bytes in pieces; the first error. */
static int decode(const uint8_t *data, uint32_t len, uint32_t piece)
{
	int rc = imf_patch_begin(&rig.p, &rig.cfg);

	for (uint32_t at = 0; rc == 0 && at < len; at += piece)
		rc = imf_patch_feed(&rig.p, data + at, len - at < piece ? len - at : piece);
	return rc < 0 ? rc : imf_patch_finish(&rig.p);
}

static void test_imf_patch__pieces_of_any_size(void **state)
{
	(void)state;
	seed = 10;
	rig_up(12);
	for (uint32_t piece = 1; piece <= rig.payload.len; piece++) {
		memset(rig.dev.made, 0, sizeof(rig.dev.made));
		assert_int_equal(decode(rig.payload.data, (uint32_t)rig.payload.len, piece), 0);
		assert_memory_equal(rig.dev.made, rig.new, rig.n_new);
	}
}

static void test_imf_patch__every_byte_flipped(void **state)
{
	(void)state;
	seed = 11;
	for (int lie = 0; lie < 2; lie++) {
		rig_up(10);
		for (size_t i = 0; i < rig.payload.len * 8; i++) {
			rig.payload.data[i / 8] ^= (uint8_t)(1 << i % 8);
			if (lie) { /* all digests computed anew */
				rig.dev.lie = true;
				memset(rig.base_digest, 0x55, 32);
				memset(rig.plain_digest, 0x55, 32);
				decode(rig.payload.data, (uint32_t)rig.payload.len, 50);
			} else {
				/* The last byte has spare values; what is taken must be right. */
				int rc = decode(rig.payload.data, (uint32_t)rig.payload.len, 50);

				if (i / 8 < rig.payload.len - 1)
					assert_true(rc < 0);
				else if (rc == 0)
					assert_memory_equal(rig.dev.made, rig.new, rig.n_new);
			}
			rig.payload.data[i / 8] ^= (uint8_t)(1 << i % 8);
		}
	}
}

static void test_imf_patch__noise(void **state)
{
	uint8_t noise[300];

	(void)state;
	seed = 12;
	rig_up(3);
	rig.dev.lie = true;
	memset(rig.base_digest, 0x55, 32);
	memset(rig.plain_digest, 0x55, 32);
	for (uint32_t i = 0; i < 3000; i++) {
		uint32_t len = 1 + next(sizeof(noise));

		for (uint32_t k = 0; k < len; k++)
			noise[k] = next(4) == 0 ? (uint8_t)next(256) : i % 3 == 0 ? 0xFF : 0;
		/* A sound start, then noise. */
		if (i % 2 == 0)
			memcpy(noise, rig.payload.data, next(len < 30 ? len : 30));
		rig.cfg.stored_size = len;
		decode(noise, len, 1 + next(len));
	}
}

static void test_imf_patch__cut_everywhere(void **state)
{
	(void)state;
	seed = 13;
	rig_up(10);
	for (uint32_t len = 0; len < rig.payload.len; len++) {
		rig.cfg.stored_size = (uint32_t)rig.payload.len;
		assert_int_equal(decode(rig.payload.data, len, 64), IMF_ERR_TRUNCATED);
		if (len == 0)
			continue;
		/* The same with a manifest that tells the shorter size. */
		rig.cfg.stored_size = len;
		assert_true(decode(rig.payload.data, len, 64) < 0);
	}
	rig.cfg.stored_size = (uint32_t)rig.payload.len;
	assert_int_equal(decode(rig.payload.data, (uint32_t)rig.payload.len, 64), 0);
	assert_int_equal(imf_patch_feed(&rig.p, rig.old, 1), IMF_ERR_TRAILING);
}

static void test_imf_patch__bytes_behind_the_end(void **state)
{
	static uint8_t longer[8192];
	uint32_t len;

	(void)state;
	seed = 14;
	rig_up(10);
	len = (uint32_t)rig.payload.len;
	memcpy(longer, rig.payload.data, len);
	for (uint32_t extra = 5; extra < 400; extra++) {
		rig.cfg.stored_size = len + extra;
		assert_int_equal(decode(longer, len + extra, 64), IMF_ERR_PATCH);
	}
}

static void test_imf_patch__another_base(void **state)
{
	(void)state;
	seed = 15;
	rig_up(10);
	for (uint32_t i = 0; i < rig.n_old; i++) {
		uint8_t bit = (uint8_t)(1 << i % 8);

		rig.old[i] ^= bit;
		assert_int_equal(imf_patch_begin(&rig.p, &rig.cfg), IMF_ERR_BASE);
		assert_int_equal(imf_patch_feed(&rig.p, rig.payload.data, 1), IMF_ERR_BASE);
		rig.old[i] ^= bit;
	}
	assert_int_equal(rig.dev.n_made, 0);
}

static void test_imf_patch__configurations(void **state)
{
	(void)state;
	seed = 16;
	rig_up(1);
	rig.cfg.work_size = IMF_PATCH_WORK(4096);
	assert_int_equal(imf_patch_begin(&rig.p, &rig.cfg), IMF_ERR_RAM);
	rig.cfg.ram = 5000;
	assert_int_equal(imf_patch_begin(&rig.p, &rig.cfg), IMF_ERR_ARGUMENT);
	rig.cfg.ram = 8192;
	rig.cfg.work_size = IMF_PATCH_WORK(8192);
	assert_int_equal(imf_patch_begin(&rig.p, &rig.cfg), 0);
	rig.cfg.plain_size = IMF_PATCH_IMAGE_MAX;
	assert_int_equal(imf_patch_begin(&rig.p, &rig.cfg), IMF_ERR_LIMIT);
	rig.cfg.plain_size = rig.n_new;
	rig.cfg.stored_size = 0;
	assert_int_equal(imf_patch_begin(&rig.p, &rig.cfg), IMF_ERR_LIMIT);
}

static void test_imf_patch__power_cut_at_every_write(void **state)
{
	uint8_t record[IMF_PATCH_CHECKPOINT];

	(void)state;
	seed = 17;
	rig_up(20);
	for (uint32_t cut = 0; cut < rig.n_new; cut += IMF_PATCH_OUT) {
		memset(rig.dev.made, 0, sizeof(rig.dev.made));
		rig.cfg.checkpoint = NULL;
		rig.dev.cut = cut;
		assert_int_equal(
			decode(rig.payload.data, (uint32_t)rig.payload.len, 33), IMF_ERR_CALLBACK);
		imf_patch_checkpoint(&rig.p, record);
		rig.cfg.checkpoint = record;
		rig.dev.cut = UINT32_MAX;
		rig.dev.n_made = 0;
		assert_int_equal(decode(rig.payload.data, (uint32_t)rig.payload.len, 33), 0);
		assert_int_equal(rig.dev.first, cut);
		assert_int_equal(rig.dev.n_made, rig.n_new - cut);
		assert_memory_equal(rig.dev.made, rig.new, rig.n_new);
		record[next(sizeof(record))] ^= (uint8_t)(1 + next(255));
		assert_int_equal(imf_patch_begin(&rig.p, &rig.cfg), IMF_ERR_NOT_FOUND);
	}
}

static void test_imf_patch__whole_in_pieces(void **state)
{
	(void)state;
	seed = 30;
	rig_up_whole(12, 3000);
	for (uint32_t piece = 1; piece <= rig.payload.len; piece += 1 + piece / 20) {
		memset(rig.dev.made, 0, sizeof(rig.dev.made));
		rig.dev.end = 0;
		assert_int_equal(decode(rig.payload.data, (uint32_t)rig.payload.len, piece), 0);
		assert_memory_equal(rig.dev.made, rig.new, rig.n_new);
	}
}

static void test_imf_patch__whole_damaged(void **state)
{
	(void)state;
	seed = 31;
	for (int lie = 0; lie < 2; lie++) {
		rig_up_whole(5, campaign() ? 3000 : 700);
		rig.dev.lie = lie != 0;
		if (lie)
			memset(rig.plain_digest, 0x55, 32);
		for (size_t i = 0; i < rig.payload.len; i++) {
			uint8_t bit = (uint8_t)(1 + next(255));
			int rc;

			rig.payload.data[i] ^= bit;
			rig.dev.end = 0;
			rc = decode(rig.payload.data, (uint32_t)rig.payload.len, 50);
			/* The last byte has spare values; what is taken must be right. */
			if (!lie && i < rig.payload.len - 1)
				assert_true(rc < 0);
			else if (!lie && rc == 0)
				assert_memory_equal(rig.dev.made, rig.new, rig.n_new);
			rig.payload.data[i] ^= bit;
		}
	}
}

static void test_imf_patch__whole_noise(void **state)
{
	uint8_t noise[300];

	(void)state;
	seed = 32;
	rig_up_whole(3, 3000);
	rig.dev.lie = true;
	memset(rig.plain_digest, 0x55, 32);
	for (uint32_t i = 0; i < 3000; i++) {
		uint32_t len = 1 + next(sizeof(noise));

		for (uint32_t k = 0; k < len; k++)
			noise[k] = next(4) == 0 ? (uint8_t)next(256) : i % 3 == 0 ? 0xFF : 0;
		if (i % 2 == 0)
			memcpy(noise, rig.payload.data, next(len < 100 ? len : 100));
		rig.cfg.stored_size = len;
		rig.dev.end = 0;
		decode(noise, len, 1 + next(len));
	}
}

static void test_imf_patch__whole_power_cut_at_every_write(void **state)
{
	uint8_t record[IMF_PATCH_CHECKPOINT];

	(void)state;
	seed = 33;
	rig_up_whole(20, 3000);
	for (uint32_t cut = 0; cut < rig.n_new; cut += IMF_PATCH_OUT) {
		memset(rig.dev.made, 0, sizeof(rig.dev.made));
		rig.dev.end = 0;
		rig.cfg.checkpoint = NULL;
		rig.dev.cut = cut;
		assert_int_equal(
			decode(rig.payload.data, (uint32_t)rig.payload.len, 33), IMF_ERR_CALLBACK);
		imf_patch_checkpoint(&rig.p, record);
		rig.cfg.checkpoint = record;
		rig.dev.cut = UINT32_MAX;
		rig.dev.n_made = 0;
		/* What was written is still there, and is read again. */
		assert_int_equal(decode(rig.payload.data, (uint32_t)rig.payload.len, 33), 0);
		assert_int_equal(rig.dev.first, cut);
		assert_memory_equal(rig.dev.made, rig.new, rig.n_new);
	}
}

static int release(void **state)
{
	(void)state;
	buf_done(&rig.payload);
	digest_done(&rig.dev.d);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delta__synthetic_pairs),
		cmocka_unit_test(test_delta__shortest_images),
		cmocka_unit_test(test_delta__identical_images_cost_next_to_nothing),
		cmocka_unit_test(test_delta__moved_calls_are_foreseen),
		cmocka_unit_test(test_delta__large_images),
		cmocka_unit_test(test_delta_pack__synthetic_images),
		cmocka_unit_test(test_delta_pack__repetition_costs_next_to_nothing),
		cmocka_unit_test(test_delta_pack__calls_are_copied_by_target),
		cmocka_unit_test(test_delta_pack__noise_grows_little),
		cmocka_unit_test(test_delta__same_input_same_bytes),
		cmocka_unit_test(test_delta__impossible_requests),
		cmocka_unit_test(test_delta__corpus),
		cmocka_unit_test(test_imf_patch__pieces_of_any_size),
		cmocka_unit_test(test_imf_patch__every_byte_flipped),
		cmocka_unit_test(test_imf_patch__noise),
		cmocka_unit_test(test_imf_patch__cut_everywhere),
		cmocka_unit_test(test_imf_patch__bytes_behind_the_end),
		cmocka_unit_test(test_imf_patch__another_base),
		cmocka_unit_test(test_imf_patch__configurations),
		cmocka_unit_test(test_imf_patch__power_cut_at_every_write),
		cmocka_unit_test(test_imf_patch__whole_in_pieces),
		cmocka_unit_test(test_imf_patch__whole_damaged),
		cmocka_unit_test(test_imf_patch__whole_noise),
		cmocka_unit_test(test_imf_patch__whole_power_cut_at_every_write),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
