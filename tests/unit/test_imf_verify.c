/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_imf_verify.c - the streaming check: damage at every place, thresholds, callbacks that fail
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/fs.h>
#include <stmota/package.h>

#include "imf_host.h"

static struct key *keys[2];

static int load(void **state)
{
	struct err e = ERR_INIT;

	if (key_load_public(imf_host_vector("ed25519", ".pem"), &keys[0], &e) < 0 ||
		key_load_public(imf_host_vector("p256", ".pem"), &keys[1], &e) < 0) {
		print_error("%s\n", e.msg);
		return -1;
	}
	return 0;
}

static int unload(void **state)
{
	key_free(keys[0]);
	key_free(keys[1]);
	return 0;
}

static void read_vector(const char *name, struct buf *ret)
{
	struct err e = ERR_INIT;

	if (fs_read(imf_host_vector(name, ".sota"), 65536, ret, &e) < 0)
		fail_msg("%s", e.msg);
}

static void test_imf_verify__every_flipped_bit(void **state)
{
	static const char *const names[] = {
		"good-ed25519", "good-holes", "good-six", "good-app-info"};
	struct imf_host h;

	imf_host_init(&h, keys, 2);
	for (size_t n = 0; n < ARRAY_LEN(names); n++) {
		cleanup_buf struct buf b = BUF_INIT;

		read_vector(names[n], &b);
		for (size_t bit = 0; bit < b.len * 8; bit++) {
			b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
			if (imf_host_check(&h, b.data, b.len, 4096) == 0)
				fail_msg("%s: bit %zu of byte %zu is not noticed", names[n],
					bit % 8, bit / 8);
			b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		assert_int_equal(imf_host_check(&h, b.data, b.len, 4096), 0);
	}
	imf_host_done(&h);
}

static void test_imf_verify__every_length(void **state)
{
	cleanup_buf struct buf b = BUF_INIT;
	struct imf_host h;

	imf_host_init(&h, keys, 2);
	read_vector("good-six", &b);
	for (size_t len = 0; len < b.len; len++)
		assert_int_equal(imf_host_check(&h, b.data, len, 61), IMF_ERR_TRUNCATED);
	assert_int_equal(buf_append(&b, "", 1, NULL), 0);
	assert_int_equal(imf_host_check(&h, b.data, b.len, 61), IMF_ERR_TRAILING);
	imf_host_done(&h);
}

static void test_imf_verify__refuses_in_the_first_128_bytes(void **state)
{
	static const char *const names[] = {"other-product", "other-hardware", "other-chip",
		"counter-below", "version-below", "min-version", "address-below", "encoding-delta",
		"format-1"};
	struct imf_host h;

	imf_host_init(&h, keys, 2);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		cleanup_buf struct buf b = BUF_INIT;
		int rc;

		read_vector(names[i], &b);
		rc = imf_host_check(&h, b.data, 128, 128);
		assert_true(rc != 0 && rc != IMF_ERR_TRUNCATED);
	}
	imf_host_done(&h);
}

static void test_imf_verify__threshold(void **state)
{
	cleanup_buf struct buf one = BUF_INIT, both = BUF_INIT;
	struct imf_host h;

	imf_host_init(&h, keys, 2);
	h.cfg.threshold = 2;
	read_vector("good-ed25519", &one);
	read_vector("good-both", &both);
	assert_int_equal(imf_host_check(&h, one.data, one.len, 64), IMF_ERR_SIGNATURE);
	assert_int_equal(h.accepted, 0);
	assert_int_equal(imf_host_check(&h, both.data, both.len, 64), 0);
	imf_host_done(&h);

	/* The same key twice in the device's table is still one key. */
	imf_host_init(&h, (struct key *[]){keys[0], keys[0]}, 2);
	h.cfg.threshold = 2;
	assert_int_equal(imf_host_check(&h, both.data, both.len, 64), IMF_ERR_SIGNATURE);
	imf_host_done(&h);
}

static void test_imf_verify__impossible_configurations(void **state)
{
	struct imf_verify_config cfg;
	struct imf_host h;

	imf_host_init(&h, keys, 2);
	cfg = h.cfg;
	h.cfg.crypto = NULL;
	assert_int_equal(imf_verify_begin(&h.v, &h.cfg), IMF_ERR_ARGUMENT);
	h.cfg = cfg;
	h.cfg.keys = NULL;
	assert_int_equal(imf_verify_begin(&h.v, &h.cfg), IMF_ERR_ARGUMENT);
	h.cfg = cfg;
	h.cfg.threshold = 0;
	assert_int_equal(imf_verify_begin(&h.v, &h.cfg), IMF_ERR_ARGUMENT);
	/* A caller that does not look at begin() learns nothing good later. */
	assert_int_equal(imf_verify_feed(&h.v, (const uint8_t *)"x", 1), IMF_ERR_ARGUMENT);
	assert_int_equal(imf_verify_finish(&h.v), IMF_ERR_ARGUMENT);
	assert_int_equal(imf_verify_wants(&h.v), 0);
	h.cfg = cfg;
	h.cfg.threshold = 3;
	assert_int_equal(imf_verify_begin(&h.v, &h.cfg), IMF_ERR_ARGUMENT);
	h.cfg = cfg;
	h.cfg.n_keys = 0;
	assert_int_equal(imf_verify_begin(&h.v, &h.cfg), IMF_ERR_ARGUMENT);
	h.cfg = cfg;
	h.cfg.work_size = 127;
	assert_int_equal(imf_verify_begin(&h.v, &h.cfg), IMF_ERR_ARGUMENT);
	h.cfg = cfg;
	assert_int_equal(imf_verify_begin(&h.v, &h.cfg), 0);
	assert_int_equal(imf_verify_finish(&h.v), IMF_ERR_TRUNCATED);
	imf_host_done(&h);
}

static void test_imf_verify__work_buffer_of_every_size(void **state)
{
	cleanup_buf struct buf b = BUF_INIT;
	struct imf_host h;
	uint32_t head = 128 + 96 + 24 + 8 + 76;

	imf_host_init(&h, keys, 2);
	read_vector("good-ed25519", &b);
	for (uint32_t size = IMF_HEADER_SIZE; size <= head; size++) {
		h.cfg.work_size = size;
		assert_int_equal(
			imf_host_check(&h, b.data, b.len, 50), size < head ? IMF_ERR_BUFFER : 0);
		/* Nothing is written behind it. */
		assert_int_equal(h.work[size], 0xA5);
	}
	imf_host_done(&h);
}

/* ---- callbacks that fail ---- */

static unsigned calls_left;

static int failing_init(void *ctx)
{
	return calls_left-- == 0 ? -1 : digest_begin(ctx, NULL);
}

static int failing_update(void *ctx, const uint8_t *data, uint32_t len)
{
	return calls_left-- == 0 ? -1 : digest_feed(ctx, data, len, NULL);
}

static int failing_final(void *ctx, uint8_t ret[IMF_DIGEST_SIZE])
{
	return calls_left-- == 0 ? -1 : digest_end(ctx, ret, NULL);
}

static void test_imf_verify__hash_hardware_fails(void **state)
{
	cleanup_buf struct buf b = BUF_INIT;
	unsigned n = 0;
	struct imf_host h;
	int rc;

	imf_host_init(&h, keys, 2);
	h.crypto.sha256_init = failing_init;
	h.crypto.sha256_update = failing_update;
	h.crypto.sha256_final = failing_final;
	read_vector("good-ed25519", &b);
	do {
		calls_left = n++;
		rc = imf_host_check(&h, b.data, b.len, 100);
		assert_true(rc == IMF_ERR_CRYPTO || rc == 0);
	} while (rc != 0);
	assert_true(n > 8); /* every call was made to fail once */
	imf_host_done(&h);
}

static int32_t almost_good;

static int32_t answers(void *ctx, const void *key, const uint8_t *msg, uint32_t len,
	const uint8_t signature[IMF_SIGNATURE_SIZE])
{
	return almost_good;
}

static void test_imf_verify__only_the_agreed_answer_is_good(void **state)
{
	cleanup_buf struct buf b = BUF_INIT;
	struct imf_host h;

	imf_host_init(&h, keys, 2);
	h.crypto.verify = answers;
	read_vector("good-ed25519", &b);
	for (int bit = 0; bit < 31; bit++) {
		almost_good = IMF_SIGNATURE_GOOD ^ (1 << bit);
		assert_int_equal(imf_host_check(&h, b.data, b.len, 100), IMF_ERR_SIGNATURE);
	}
	for (almost_good = -2; almost_good <= 2; almost_good++)
		assert_int_equal(imf_host_check(&h, b.data, b.len, 100), IMF_ERR_SIGNATURE);
	almost_good = IMF_SIGNATURE_GOOD;
	assert_int_equal(imf_host_check(&h, b.data, b.len, 100), 0);
	imf_host_done(&h);
}

static void test_imf_verify__decision_is_looked_at_again(void **state)
{
	cleanup_buf struct buf b = BUF_INIT;
	struct imf_host h;

	imf_host_init(&h, keys, 2);
	read_vector("good-six", &b);
	for (int word = 0; word < 2; word++) {
		assert_int_equal(imf_verify_begin(&h.v, &h.cfg), 0);
		h.accepted = h.components = 0;
		h.payload.len = 0;
		assert_int_equal(imf_verify_feed(&h.v, b.data, (uint32_t)b.len - 100), 0);
		if (word == 0)
			h.v.decision ^= 1;
		else
			h.v.decision_inverse ^= 0x8000;
		assert_int_equal(
			imf_verify_feed(&h.v, b.data + b.len - 100, 100), IMF_ERR_SIGNATURE);
		assert_int_equal(imf_verify_finish(&h.v), IMF_ERR_SIGNATURE);
	}
	/* Also at the very end. */
	assert_int_equal(imf_host_check(&h, b.data, b.len, 100), 0);
	assert_int_equal(imf_verify_wants(&h.v), 0);
	h.v.decision ^= 1;
	assert_int_equal(imf_verify_finish(&h.v), IMF_ERR_SIGNATURE);
	imf_host_done(&h);
}

static int refuse_manifest(void *ctx, const struct imf_manifest *m)
{
	return -1;
}

static int refuse_payload(
	void *ctx, uint32_t component, uint32_t offset, const uint8_t *data, uint32_t len)
{
	return component == 1 ? -1 : 0;
}

static int refuse_component(void *ctx, uint32_t component)
{
	return component == 1 ? -1 : 0;
}

static void test_imf_verify__the_device_refuses(void **state)
{
	cleanup_buf struct buf b = BUF_INIT;
	struct imf_host h;
	struct imf_verify_config cfg;

	imf_host_init(&h, keys, 2);
	cfg = h.cfg;
	read_vector("good-six", &b);
	h.cfg.accept = refuse_manifest;
	assert_int_equal(imf_host_check(&h, b.data, b.len, 33), IMF_ERR_CALLBACK);
	assert_int_equal(h.payload.len, 0);
	h.cfg = cfg;
	h.cfg.payload = refuse_payload;
	assert_int_equal(imf_host_check(&h, b.data, b.len, 33), IMF_ERR_CALLBACK);
	h.cfg = cfg;
	h.cfg.payload = NULL;
	h.cfg.component = refuse_component;
	assert_int_equal(imf_host_check(&h, b.data, b.len, 33), IMF_ERR_CALLBACK);
	/* All three are optional. */
	h.cfg = cfg;
	h.cfg.accept = NULL;
	h.cfg.payload = NULL;
	h.cfg.component = NULL;
	h.cfg.device = NULL;
	assert_int_equal(imf_host_check(&h, b.data, b.len, 33), 0);
	imf_host_done(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_imf_verify__every_flipped_bit),
		cmocka_unit_test(test_imf_verify__every_length),
		cmocka_unit_test(test_imf_verify__refuses_in_the_first_128_bytes),
		cmocka_unit_test(test_imf_verify__threshold),
		cmocka_unit_test(test_imf_verify__impossible_configurations),
		cmocka_unit_test(test_imf_verify__work_buffer_of_every_size),
		cmocka_unit_test(test_imf_verify__hash_hardware_fails),
		cmocka_unit_test(test_imf_verify__only_the_agreed_answer_is_good),
		cmocka_unit_test(test_imf_verify__decision_is_looked_at_again),
		cmocka_unit_test(test_imf_verify__the_device_refuses),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
