/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_verify_device.c - examples/verify_device on the host: its check and its SHA-256
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/bytes.h>
#include <stmota/digest.h>
#include <stmota/fs.h>

#include "../../examples/verify_device/check.h"
#include "../../examples/verify_device/crypto.h"
#include "../../examples/verify_device/release_key.h"
#include "../../examples/verify_device/sha256.h"
#include "imf_host.h"

static struct key *trusted;

/* What crypto_none.c leaves to the device's maker. */
bool crypto_check(const void *key, const uint8_t *msg, uint32_t len, const uint8_t signature[64])
{
	assert_ptr_equal(key, release_key);
	return key_verify(trusted, msg, len, signature);
}

static int load(void **state)
{
	return key_load_public(imf_host_vector("ed25519", ".pem"), &trusted, NULL);
}

static int unload(void **state)
{
	key_free(trusted);
	return 0;
}

static void test_verify_device__the_key_is_that_of_the_vectors(void **state)
{
	size_t len = 0;

	assert_memory_equal(key_raw_public(trusted, &len), release_key, sizeof(release_key));
	assert_memory_equal(key_id(trusted), release_key_id, sizeof(release_key_id));
}

/* The flash goes on behind the package, erased. */
static int check(const char *name, size_t keep, uint32_t *ret_size)
{
	static uint8_t area[65536];
	cleanup_buf struct buf b = BUF_INIT;
	struct err e = ERR_INIT;

	if (fs_read(imf_host_vector(name, ".sota"), sizeof(area), &b, &e) < 0)
		fail_msg("%s", e.msg);
	memset(area, 0xFF, sizeof(area));
	memcpy(area, b.data, b.len < keep ? b.len : keep);
	*ret_size = 0;
	return check_package(
		area, sizeof(area), &imf_host_device, release_key_id, release_key, ret_size);
}

static void test_verify_device__good_and_bad(void **state)
{
	static const struct {
		const char *name;
		int result;
		uint32_t size;
	} cases[] = {{"good-ed25519", 0, 128 + 96 + 24 + 84 + 300}, {"good-six", 0, 0},
		{"good-holes", 0, 0}, {"good-both", 0, 0}, {"good-p256", IMF_ERR_SIGNATURE, 0},
		{"unsigned", IMF_ERR_SIGNATURE, 0}, {"sig-stranger", IMF_ERR_SIGNATURE, 0},
		{"payload-flipped", IMF_ERR_DIGEST, 0}, {"other-product", IMF_ERR_PRODUCT, 0},
		{"version-below", IMF_ERR_DOWNGRADE, 0}, {"large-head", IMF_ERR_BUFFER, 0}};
	uint32_t size = 0;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int rc = check(cases[i].name, SIZE_MAX, &size);

		if (rc != cases[i].result)
			fail_msg("%s: %d", cases[i].name, rc);
		assert_true(rc == 0 ? size > 0 : size == 0);
		if (cases[i].size != 0)
			assert_int_equal(size, cases[i].size);
	}
}

static void test_verify_device__half_a_package(void **state)
{
	uint32_t size = 0;

	assert_int_equal(check("good-ed25519", 0, &size), IMF_ERR_MAGIC);
	for (size_t len = 1; len < 128 + 96 + 24 + 84 + 300; len += 7)
		assert_int_not_equal(check("good-ed25519", len, &size), 0);
}

static void test_verify_device__sha256(void **state)
{
	static uint8_t data[1000];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 31);
	for (size_t len = 0; len <= sizeof(data); len++) {
		uint8_t ours[32], theirs[32];
		struct sha256 s;

		sha256_init(&s);
		sha256_update(&s, data, (uint32_t)(len / 3));
		sha256_update(&s, data + len / 3, (uint32_t)(len - len / 3));
		sha256_final(&s, ours);
		assert_int_equal(sha256(data, len, theirs, NULL), 0);
		assert_memory_equal(ours, theirs, 32);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verify_device__the_key_is_that_of_the_vectors),
		cmocka_unit_test(test_verify_device__good_and_bad),
		cmocka_unit_test(test_verify_device__half_a_package),
		cmocka_unit_test(test_verify_device__sha256),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
