/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_secret.c - encryption against published answers, and against every kind of damage
 *
 * HMAC and HKDF are there twice, from OpenSSL and put together for devices: both give what the RFCs
 * print.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <stmota/fs.h>
#include <stmota/package.h>

#include "imf_opener.h"

static size_t unhex(const char *text, uint8_t *ret)
{
	size_t n = strlen(text) / 2;

	for (size_t i = 0; i < n; i++) {
		unsigned v;

		assert_int_equal(sscanf(text + 2 * i, "%2x", &v), 1);
		ret[i] = (uint8_t)v;
	}
	return n;
}

/* ---- published answers ---- */

static void test_secret__nist_sp_800_38a(void **state)
{
	static const char *const plain =
		"6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45"
		"af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b"
		"417be66c3710";
	static const struct {
		const char *key, *cipher;
	} cases[] = {
		/* F.5.1, CTR-AES128 */
		{"2b7e151628aed2a6abf7158809cf4f3c",
			"874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff5ae4df3edb"
			"d5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee"},
		/* F.5.5, CTR-AES256 */
		{"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
			"601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c52b0930daa2"
			"3de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t key[32], counter[16], data[64], want[64];
		size_t len = unhex(cases[i].key, key);

		unhex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", counter);
		unhex(plain, data);
		unhex(cases[i].cipher, want);
		assert_int_equal(secret_ctr(key, len, counter, data, sizeof(data), NULL), 0);
		assert_memory_equal(data, want, sizeof(want));
	}
}

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

static void test_secret__rfc_4231_hmac(void **state)
{
	static const struct {
		const char *key, *data, *mac;
	} cases[] = {
		{"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
			"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
		{"4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
			"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
	};
	cleanup_digest struct digest d = DIGEST_INIT;
	struct imf_crypto c = {&d, on_init, on_update, on_final, NULL};
	uint8_t key[131], data[64], want[32], mac[32];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t key_len = unhex(cases[i].key, key), len = unhex(cases[i].data, data);
		/* In two pieces, one of them empty. */
		struct imf_bytes pieces[3] = {{data, 3}, {NULL, 0}, {data + 3, (uint32_t)len - 3}};

		unhex(cases[i].mac, want);
		assert_int_equal(secret_hmac(256, key, key_len, data, len, mac, NULL), 0);
		assert_memory_equal(mac, want, 32);
		assert_int_equal(imf_hmac(&c, key, (uint32_t)key_len, pieces, 3, mac), 0);
		assert_memory_equal(mac, want, 32);
	}
	/* Case 6: a key longer than a block. */
	memset(key, 0xAA, sizeof(key));
	unhex("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54", want);
	struct imf_bytes piece = {
		(const uint8_t *)"Test Using Larger Than Block-Size Key - Hash Key First", 54};
	assert_int_equal(imf_hmac(&c, key, sizeof(key), &piece, 1, mac), 0);
	assert_memory_equal(mac, want, 32);
}

static void test_secret__rfc_5869_hkdf(void **state)
{
	static const struct {
		const char *key, *salt, *info, *okm;
	} cases[] = {
		{"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
			"f0f1f2f3f4f5f6f7f8f9",
			"3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5"
			"b887185865"},
		{"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627"
		 "28292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
			"606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f8081828384"
			"85868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9"
			"aaabacadaeaf",
			"b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4"
			"d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9"
			"fafbfcfdfeff",
			"b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99ca"
			"c7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c"
			"01d5c1f3434f1d87"},
		{"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
			"8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395fa"
			"a4b61a96c8"},
	};
	cleanup_digest struct digest d = DIGEST_INIT;
	struct imf_crypto c = {&d, on_init, on_update, on_final, NULL};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t key[80], salt[80], info[80], want[82], got[82];
		size_t key_len = unhex(cases[i].key, key), salt_len = unhex(cases[i].salt, salt);
		size_t info_len = unhex(cases[i].info, info), len = unhex(cases[i].okm, want);
		struct imf_bytes secret = {key, (uint32_t)key_len};
		struct imf_bytes piece = {info, (uint32_t)info_len};

		assert_int_equal(secret_hkdf(256, salt, salt_len, key, key_len, info, info_len, got,
					 len, NULL),
			0);
		assert_memory_equal(got, want, len);
		memset(got, 0, sizeof(got));
		assert_int_equal(imf_hkdf(&c, salt_len > 0 ? salt : NULL, (uint32_t)salt_len,
					 &secret, &piece, 1, got, (uint32_t)len),
			0);
		assert_memory_equal(got, want, len);
	}
}

/* ---- damage ---- */

static struct key *signers[2];

static int load_signers(void **state)
{
	struct err e = ERR_INIT;

	return key_load_public(imf_host_vector("ed25519", ".pem"), &signers[0], &e) == 0 &&
			       key_load_public(imf_host_vector("p256", ".pem"), &signers[1], &e) ==
				       0
		       ? 0
		       : -1;
}

static int free_signers(void **state)
{
	key_free(signers[0]);
	key_free(signers[1]);
	return 0;
}

/*
 * A device gets a package with one bit changed, or cut, at every place. Plain bytes that it hands
 * out meanwhile are those of the good package, from the start, and never all of them.
 */
static void damage(const char *name, size_t from, size_t to)
{
	cleanup_buf struct buf file = BUF_INIT, plain = BUF_INIT;
	struct imf_opener o;

	imf_opener_init(&o, signers, 2);
	assert_int_equal(fs_read(imf_host_vector(name, ".sota"), 65536, &file, NULL), 0);
	assert_string_equal(imf_opener_open(&o, file.data, file.len, 512), "ok");
	assert_int_equal(buf_append(&plain, o.plain.data, o.plain.len, NULL), 0);
	assert_int_equal(o.handed_out, plain.len);
	for (size_t at = 0; at < file.len; at++) {
		if (at >= from && at < to)
			continue; /* the wrap of another device, which this one passes over */
		file.data[at] ^= (uint8_t)(1u << at % 8);
		if (strcmp(imf_opener_open(&o, file.data, file.len, 512), "ok") == 0)
			fail_msg("%s: byte %zu changed, and taken", name, at);
		file.data[at] ^= (uint8_t)(1u << at % 8);
		assert_true(o.handed_out < plain.len);
		assert_true(
			o.handed_out == 0 || memcmp(o.plain.data, plain.data, o.plain.len) == 0);
	}
	for (size_t len = 0; len < file.len; len += len % 3 + 1) {
		assert_string_not_equal(imf_opener_open(&o, file.data, len, 512), "ok");
		assert_true(o.handed_out < plain.len);
	}
	imf_opener_done(&o);
}

static void test_secret__damage_anywhere(void **state)
{
	struct err e = ERR_INIT;
	cleanup_buf struct buf file = BUF_INIT;
	struct package p;
	size_t at;

	damage("good-encrypted-chained", 0, 0);
	assert_int_equal(
		fs_read(imf_host_vector("good-wrapped-128", ".sota"), 65536, &file, &e), 0);
	assert_int_equal(package_parse(file.data, file.len, &p, &e), 0);
	at = (size_t)(p.wraps - p.data);
	/* The second wrap is ours. */
	damage("good-wrapped-128", at, at + 120);
}

/* ---- the same again ---- */

static const uint8_t image_bytes[5000] = {0x00, 0x40, 0x00, 0x20, 0x09, 0x00, 0x00, 0x08, 1, 2, 3};

static void build(const struct package_lock *lock, const char *product, uint8_t major,
	uint32_t chunk, struct buf *ret)
{
	cleanup_segments struct segments image = SEGMENTS_INIT;
	struct package_item items[2] = {{.kind = IMF_KIND_APPLICATION,
						.image = &image,
						.encrypt = true,
						.chunk_size = chunk},
		{.kind = IMF_KIND_APPLICATION, .slot = 2, .image = &image, .encrypt = true}};
	struct package_spec s = {.product = product,
		.version = {major, 0, 0, 0},
		.hw_max = UINT16_MAX,
		.lock = lock,
		.items = items,
		.n_items = 2};
	struct err e = ERR_INIT;

	assert_int_equal(segments_add(&image, 0x08000000, image_bytes, sizeof(image_bytes), &e), 0);
	if (package_build(&s, ret, &e) < 0)
		fail_msg("%s", e.msg);
}

static void test_secret__no_key_stream_twice(void **state)
{
	struct package_lock lock = {.source = IMF_KEY_PRODUCT, .key = {1, 2, 3}, .key_len = 16};
	static const struct {
		const char *product;
		uint8_t major;
	} cases[] = {{"acme.com/lamp", 1}, {"acme.com/lamp", 2}, {"acme.com/kettle", 1}};
	struct buf made[3] = {BUF_INIT, BUF_INIT, BUF_INIT}, again = BUF_INIT;
	uint8_t cipher[6][sizeof(image_bytes)];
	struct err e = ERR_INIT;

	for (size_t i = 0; i < 3; i++) {
		struct package p;

		build(&lock, cases[i].product, cases[i].major, 0, &made[i]);
		assert_int_equal(package_open(made[i].data, made[i].len, &p, &e), 0);
		memcpy(cipher[2 * i], p.payload, sizeof(image_bytes));
		memcpy(cipher[2 * i + 1], p.payload + sizeof(image_bytes), sizeof(image_bytes));
		/* Equal plain bytes, and the digests tell nothing of that. */
		assert_memory_not_equal(package_component(&p, 0).plain_digest,
			package_component(&p, 1).plain_digest, SHA256_SIZE);
	}
	for (size_t i = 0; i < 6; i++)
		for (size_t k = 0; k < i; k++)
			for (size_t at = 0; at + 16 <= sizeof(image_bytes); at += 16)
				assert_memory_not_equal(cipher[i] + at, cipher[k] + at, 16);
	build(&lock, "acme.com/lamp", 1, 0, &again);
	assert_int_equal(again.len, made[0].len);
	assert_memory_equal(again.data, made[0].data, again.len);
	buf_done(&again);
	for (size_t i = 0; i < 3; i++)
		buf_done(&made[i]);
}

static void check_plain(const struct package *p)
{
	struct err e = ERR_INIT;

	for (size_t i = 0; i < 2; i++) {
		cleanup_segments struct segments s = SEGMENTS_INIT;

		assert_int_equal(package_segments(p, i, &s, &e), 0);
		assert_int_equal(s.v[0].len, sizeof(image_bytes));
		assert_memory_equal(s.v[0].data, image_bytes, sizeof(image_bytes));
	}
}

static void test_secret__wrapped_again(void **state)
{
	struct package_lock lock = {.source = IMF_KEY_WRAPPED, .key_len = 32};
	struct secret first = SECRET_INIT, second = SECRET_INIT;
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_key struct key *signer = NULL;
	struct err e = ERR_INIT;
	uint8_t digest[SHA256_SIZE];
	struct package p;

	assert_int_equal(key_generate(KEY_P256, &first.device, &e), 0);
	assert_int_equal(key_generate(KEY_P256, &second.device, &e), 0);
	assert_int_equal(key_generate(KEY_ED25519, &signer, &e), 0);
	assert_int_equal(secret_random(lock.key, sizeof(lock.key), &e), 0);
	lock.to = &first.device;
	lock.n_to = 1;
	build(&lock, "acme.com/lamp", 1, 4096, &b);
	assert_int_equal(package_sign(&b, signer, &e), 0);
	assert_int_equal(package_open(b.data, b.len, &p, &e), 0);
	memcpy(digest, p.digest, sizeof(digest));
	assert_int_equal(package_unlock(&p, NULL, &e), ERR_SIGNATURE);
	assert_int_equal(package_unlock(&p, &second, &e), ERR_SIGNATURE);
	assert_int_equal(p.root_len, 0);
	assert_int_equal(package_unlock(&p, &first, &e), 0);
	check_plain(&p);
	assert_int_equal(package_rewrap(&b, &p, &signer, 1, &e), ERR_SIGNATURE);
	assert_int_equal(package_rewrap(&b, &p, &second.device, 1, &e), 0);
	/* Signed by the same signature; opened by the other device alone. */
	assert_int_equal(package_open(b.data, b.len, &p, &e), 0);
	assert_memory_equal(p.digest, digest, sizeof(digest));
	assert_int_equal(p.n_signatures, 1);
	assert_int_equal(package_unlock(&p, &first, &e), ERR_SIGNATURE);
	assert_int_equal(package_unlock(&p, &second, &e), 0);
	check_plain(&p);
	secret_done(&first);
	secret_done(&second);
}

/* ---- files ---- */

static void test_secret__files(void **state)
{
	static const struct {
		const char *text;
		size_t len, key_len; /* 0: refused */
	} cases[] = {{"0123456789abcdef", 16, 0}, {"\x01 is a raw one..", 16, 16}, {"00112233445566778899aabbccddeeff", 32, 16},
		{"00112233445566778899AABBCCDDEEFF\n", 33, 16},
		{"00112233445566778899aabbccddeef", 31, 0},
		{"00112233445566778899aabbccddeefg", 32, 0}, {"", 0, 0},
		{"0123456789abcdef\n", 17, 0},
		{"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\r\n", 66, 32},
		{"00112233445566778899aabbccddeeff00112233445566778899aabbccddeef", 63, 0}};
	char path[] = "/tmp/test_secret_XXXXXX";
	int fd = mkstemp(path);
	struct secret s = SECRET_INIT;
	struct err e = ERR_INIT;
	struct stat st;

	assert_true(fd >= 0);
	close(fd);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(fs_write(path, cases[i].text, cases[i].len, 0600, &e), 0);
		assert_int_equal(
			secret_load(path, NULL, &s, &e), cases[i].key_len > 0 ? 0 : ERR_SIGNATURE);
		assert_int_equal(s.product_len, cases[i].key_len);
		secret_done(&s);
	}
	assert_int_equal(secret_make_product(32, &s, &e), 0);
	assert_int_equal(secret_save_product(&s, path, &e), ERR_USAGE);
	unlink(path);
	assert_int_equal(secret_save_product(&s, path, &e), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	unlink(path);
	/* A PEM file is no product key, an Ed25519 key no device's. */
	assert_int_equal(
		secret_load_product(imf_host_vector("device", ".pem"), &s, &e), ERR_SIGNATURE);
	assert_int_equal(
		secret_load(imf_host_vector("ed25519", ".pem"), NULL, &s, &e), ERR_SIGNATURE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_secret__nist_sp_800_38a),
		cmocka_unit_test(test_secret__rfc_4231_hmac),
		cmocka_unit_test(test_secret__rfc_5869_hkdf),
		cmocka_unit_test(test_secret__damage_anywhere),
		cmocka_unit_test(test_secret__no_key_stream_twice),
		cmocka_unit_test(test_secret__wrapped_again),
		cmocka_unit_test(test_secret__files),
	};

	return cmocka_run_group_tests(tests, load_signers, free_signers);
}
