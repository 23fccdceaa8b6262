/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_mcuboot.c - signatures of MCUboot images that somebody bent: ECDSA in wrong DER, with numbers
 * that no signature has, made by other keys; Ed25519 with wrong lengths; keys beside wrapped keys
 *
 * The cases are those of Project Wycheproof, made here from a good signature.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/bytes.h>
#include <stmota/digest.h>
#include <stmota/fs.h>
#include <stmota/mcuboot.h>

#define MAX_SIG 200

static const char *folder; /* tests/vectors/mcuboot */

static const char *path_of(const char *name)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static struct buf load(const char *name)
{
	struct buf b = BUF_INIT;

	assert_int_equal(fs_read(path_of(name), 1 << 20, &b, NULL), 0);
	return b;
}

static struct mcuboot_tlv find(const struct buf *b, const struct mcuboot_info *m, uint16_t type)
{
	struct mcuboot_tlv t = {0};

	for (size_t at = 0; mcuboot_tlv_next(b->data, m, &at, &t);)
		if (t.type == type)
			return t;
	fail_msg("no entry 0x%x", type);
	return t;
}

/* `name` with other bytes for the last entry, its signature. */
static int verify_with(const char *name, const char *key, const uint8_t *sig, size_t len)
{
	cleanup_buf struct buf b = load(name), n = BUF_INIT;
	cleanup_trust struct trust trust = {.any_type = true};
	struct mcuboot_verdict verdict;
	struct mcuboot_info m;
	size_t head, area;
	int rc;

	assert_int_equal(mcuboot_inspect(b.data, b.len, &m, NULL), 0);
	head = m.hashed;
	/* Hash (36), key hash (36) and head (4) stay. */
	area = head + 4 + 36 + 36;
	assert_int_equal(buf_append(&n, b.data, area + 4, NULL), 0);
	assert_int_equal(buf_append(&n, sig, len, NULL), 0);
	put_le16(n.data + area + 2, (uint16_t)len);
	put_le16(n.data + head + 2, (uint16_t)(n.len - head));
	assert_int_equal(trust_add(&trust, path_of(key), NULL), 0);
	rc = mcuboot_inspect(n.data, n.len, &m, NULL);
	return rc < 0 ? rc : mcuboot_verify(n.data, &m, &trust, 0, NULL, &verdict, NULL);
}

static uint8_t good[MAX_SIG];
static size_t good_len, r_len, s_len;

static void load_signature(void)
{
	cleanup_buf struct buf b = load("p256.img");
	struct mcuboot_info m;
	struct mcuboot_tlv t;

	assert_int_equal(mcuboot_inspect(b.data, b.len, &m, NULL), 0);
	t = find(&b, &m, MCUBOOT_TLV_ECDSA);
	memcpy(good, t.data, t.len);
	good_len = t.len;
	r_len = good[3];
	s_len = good[5 + r_len];
	assert_int_equal(good_len, 6 + r_len + s_len);
}

static int p256(const uint8_t *sig, size_t len)
{
	return verify_with("p256.img", "p256.pub.pem", sig, len);
}

/* A sequence of two integers with the given bytes. */
static size_t sequence(uint8_t *out, const uint8_t *r, size_t rn, const uint8_t *s, size_t sn)
{
	out[0] = 0x30;
	out[1] = (uint8_t)(4 + rn + sn);
	out[2] = 0x02;
	out[3] = (uint8_t)rn;
	memcpy(out + 4, r, rn);
	out[4 + rn] = 0x02;
	out[5 + rn] = (uint8_t)sn;
	memcpy(out + 6 + rn, s, sn);
	return 6 + rn + sn;
}

static void refuse(const char *what, const uint8_t *sig, size_t len)
{
	if (p256(sig, len) == 0)
		fail_msg("taken: %s", what);
}

static void test_mcuboot__good_signature_and_old_padding(void **state)
{
	uint8_t padded[72] = {0};

	assert_int_equal(p256(good, good_len), 0);
	/* As tools for MCUboot before 1.5 wrote it: zeros up to 72 bytes, and no others. */
	memcpy(padded, good, good_len);
	assert_int_equal(p256(padded, sizeof(padded)), 0);
	if (good_len < sizeof(padded)) {
		padded[sizeof(padded) - 1] = 1;
		refuse("padding that is not zero", padded, sizeof(padded));
	}
}

static void test_mcuboot__der_that_is_not_der(void **state)
{
	uint8_t b[MAX_SIG] = {0}, zero_r[40] = {0};

	for (size_t n = 8; n < good_len; n++)
		refuse("cut off", good, n);
	/* The length in two bytes (BER). */
	b[0] = 0x30;
	b[1] = 0x81;
	memcpy(b + 2, good + 1, good_len - 1);
	refuse("long form of the length", b, good_len + 1);
	/* Indefinite length. */
	memcpy(b, good, good_len);
	b[1] = 0x80;
	b[good_len] = b[good_len + 1] = 0;
	refuse("indefinite length", b, good_len + 2);
	/* Zeros before an integer. */
	memcpy(zero_r + 1, good + 4, r_len);
	if (r_len < 33)
		refuse("a leading zero", b,
			sequence(b, zero_r, r_len + 1, good + 6 + r_len, s_len));
	memmove(zero_r + 2, good + 4, r_len);
	zero_r[1] = 0;
	refuse("leading zeros", b, sequence(b, zero_r, r_len + 2, good + 6 + r_len, s_len));
	/* Bytes behind it, also inside the sequence. */
	memcpy(b, good, good_len);
	b[good_len] = 5;
	b[good_len + 1] = 0;
	refuse("bytes behind it", b, good_len + 2);
	b[1] = (uint8_t)(b[1] + 2);
	refuse("a third element", b, good_len + 2);
	/* Other tags. */
	for (size_t i = 0; i < 2; i++) {
		memcpy(b, good, good_len);
		b[i == 0 ? 0 : 2] = i == 0 ? 0x31 : 0x03;
		refuse("another tag", b, good_len);
	}
	/* r and s as they are, without DER. */
	memcpy(b, good + good_len - 64, 64);
	refuse("raw", b, 64);
}

static void test_mcuboot__numbers_that_no_signature_has(void **state)
{
	/* The order of P-256 (FIPS 186-4, D.1.2.3) and its neighbours. */
	static const uint8_t n[33] = {0x00, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e,
		0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
	static const uint8_t zero[1] = {0}, one[1] = {1}, minus[1] = {0xff};
	const uint8_t *r = good + 4, *s = good + 6 + r_len;
	uint8_t b[MAX_SIG], above[33], negative[34];

	memcpy(above, n, sizeof(n));
	above[32]++;
	for (int swap = 0; swap < 2; swap++) {
		const struct {
			const char *what;
			const uint8_t *v;
			size_t len;
		} bad[] = {{"0", zero, 1}, {"1", one, 1}, {"-1", minus, 1}, {"n", n, 33},
			{"n + 1", above, 33}, {"empty", zero, 0}};

		for (size_t i = 0; i < ARRAY_LEN(bad); i++)
			refuse(bad[i].what, b,
				swap ? sequence(b, r, r_len, bad[i].v, bad[i].len)
				     : sequence(b, bad[i].v, bad[i].len, s, s_len));
		refuse("both", b, sequence(b, n, 33, n, 33));
	}
	refuse("r for s", b, sequence(b, s, s_len, r, r_len));
	/* r with its sign turned. */
	for (size_t i = 0; i < r_len; i++)
		negative[i] = (uint8_t)~r[i];
	refuse("complement of r", b, sequence(b, negative, r_len, s, s_len));
	/* A number that fills all that an entry can hold. */
	memset(b, 0x7f, sizeof(b));
	refuse("a huge one", b, 104);
}

static void test_mcuboot__every_bit_counts(void **state)
{
	uint8_t b[MAX_SIG];

	for (size_t i = 0; i < good_len * 8; i += 7) {
		memcpy(b, good, good_len);
		b[i / 8] ^= (uint8_t)(1 << i % 8);
		refuse("one bit changed", b, good_len);
	}
}

static void test_mcuboot__ed25519_lengths_and_malleable_ones(void **state)
{
	/* The order of the group, little endian (RFC 8032, 5.1). */
	static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6,
		0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
	cleanup_buf struct buf b = load("ed25519.img");
	struct mcuboot_info m;
	struct mcuboot_tlv t;
	uint8_t sig[65] = {0};
	unsigned carry = 0;

	assert_int_equal(mcuboot_inspect(b.data, b.len, &m, NULL), 0);
	t = find(&b, &m, MCUBOOT_TLV_ED25519);
	memcpy(sig, t.data, 64);
	assert_int_equal(verify_with("ed25519.img", "ed25519.pub.pem", sig, 64), 0);
	assert_int_not_equal(verify_with("ed25519.img", "ed25519.pub.pem", sig, 63), 0);
	assert_int_not_equal(verify_with("ed25519.img", "ed25519.pub.pem", sig, 65), 0);
	/* s + order is the same number, but not the same signature. */
	for (size_t i = 0; i < 32; i++) {
		carry += sig[32 + i] + order[i];
		sig[32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
	assert_int_not_equal(verify_with("ed25519.img", "ed25519.pub.pem", sig, 64), 0);
	memset(sig, 0, sizeof(sig));
	assert_int_not_equal(verify_with("ed25519.img", "ed25519.pub.pem", sig, 64), 0);
}

static void test_mcuboot__a_signature_of_another_type(void **state)
{
	/* A good signature, but the key in the store is not the one that made it. */
	assert_int_not_equal(verify_with("p256.img", "p384.pub.pem", good, good_len), 0);
	assert_int_not_equal(verify_with("p256.img", "ed25519.pub.pem", good, good_len), 0);
	assert_int_not_equal(verify_with("p256.img", "rsa2048.pub.pem", good, good_len), 0);
	assert_int_not_equal(verify_with("ed25519.img", "p256.pub.pem", good, 64), 0);
}

static void test_mcuboot__foreign_keys_stay_out_of_packages(void **state)
{
	static const char *const names[] = {"p384.pub.pem", "rsa2048.pub.pem", "rsa3072.pub.pem"};
	static const uint8_t nothing[KEY_SIGNATURE_SIZE];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		cleanup_trust struct trust t = TRUST_INIT;
		cleanup_key struct key *k = NULL;

		assert_int_equal(trust_add(&t, path_of(names[i]), NULL), ERR_SIGNATURE);
		assert_int_equal(key_load_public(path_of(names[i]), &k, NULL), ERR_SIGNATURE);
		assert_int_equal(key_load_public_any(path_of(names[i]), &k, NULL), 0);
		assert_false(key_verify(k, "x", 1, nothing));
	}
}

/* A wrapped key in which anything was changed opens nothing; no other byte decides. */
static void test_mcuboot__wrapped_keys_that_were_bent(void **state)
{
	static const char *const images[][2] = {{"x25519-aes128.img", "x25519.pem"},
		{"x25519-sha512-aes256.img", "x25519.pem"}, {"ec256-aes256.img", "p256.pem"},
		{"rsa2048-encrypted.img", "rsa2048.pem"}};

	for (size_t i = 0; i < ARRAY_LEN(images); i++) {
		cleanup_buf struct buf b = load(images[i][0]);
		cleanup_mcuboot_enc_key struct mcuboot_enc_key *k = NULL;
		struct mcuboot_info m;
		struct mcuboot_tlv t;
		size_t at = 0, first;

		assert_int_equal(mcuboot_enc_private(path_of(images[i][1]), NULL, &k, NULL), 0);
		assert_int_equal(mcuboot_inspect(b.data, b.len, &m, NULL), 0);
		while (mcuboot_tlv_next(b.data, &m, &at, &t) && t.type < MCUBOOT_TLV_ENC_FIRST)
			;
		first = (size_t)(t.data - b.data);
		for (size_t n = 0; n < t.len; n++) {
			cleanup_buf struct buf plain = BUF_INIT;

			b.data[first + n] ^= 0x40;
			assert_true(mcuboot_plain(b.data, &m, k, &plain, NULL, NULL) < 0);
			b.data[first + n] ^= 0x40;
			assert_int_equal(plain.len, 0);
		}
		/* Points that are on no curve, or of small order. */
		memset(b.data + first, 0, t.len);
		assert_true(mcuboot_plain(b.data, &m, k, &(struct buf){0}, NULL, NULL) < 0);
	}
}

static void test_mcuboot__settings_that_cannot_be(void **state)
{
	struct mcuboot_spec spec = {.header_size = 32, .align = 8, .max_sectors = 128};
	cleanup_buf struct buf b = BUF_INIT;
	struct mcuboot_info m;

	/* An empty program is one: the loader refuses it, its form is right. */
	assert_int_equal(mcuboot_build(&spec, (const uint8_t *)"x", 1, &b, NULL), 0);
	assert_int_equal(mcuboot_inspect(b.data, b.len, &m, NULL), 0);
	assert_int_equal(m.body_size, 1);
	spec.header_size = 28;
	assert_int_equal(mcuboot_build(&spec, (const uint8_t *)"x", 1, &b, NULL), ERR_USAGE);
	spec.header_size = 65536;
	assert_int_equal(mcuboot_build(&spec, (const uint8_t *)"x", 1, &b, NULL), ERR_USAGE);
	spec.header_size = 32;
	spec.has_room = true;
	assert_int_equal(mcuboot_build(&spec, (const uint8_t *)"x", 1, &b, NULL), ERR_FORMAT);
	spec.has_room = false;
	spec.max_sectors = UINT32_MAX;
	assert_int_equal(mcuboot_build(&spec, (const uint8_t *)"x", 1, &b, NULL), ERR_USAGE);
}

static void test_mcuboot__the_slot_holds_the_trailer_too(void **state)
{
	static uint8_t program[1000];
	struct mcuboot_spec spec = {.header_size = 32, .align = 8, .max_sectors = 4, .pad = true};
	/* 4 sectors x 3 x 8, four fields of 8, the magic; header, program, entries: 4 + 36. */
	uint32_t need = 4 * 3 * 8 + 4 * 8 + 16 + 32 + 1000 + 40;
	cleanup_buf struct buf b = BUF_INIT;

	spec.slot_size = need - 1;
	assert_int_equal(mcuboot_build(&spec, program, sizeof(program), &b, NULL), ERR_NO_FIT);
	assert_int_equal(b.len, 0);
	spec.slot_size = need;
	assert_int_equal(mcuboot_build(&spec, program, sizeof(program), &b, NULL), 0);
	assert_int_equal(b.len, need);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mcuboot__good_signature_and_old_padding),
		cmocka_unit_test(test_mcuboot__der_that_is_not_der),
		cmocka_unit_test(test_mcuboot__numbers_that_no_signature_has),
		cmocka_unit_test(test_mcuboot__every_bit_counts),
		cmocka_unit_test(test_mcuboot__ed25519_lengths_and_malleable_ones),
		cmocka_unit_test(test_mcuboot__a_signature_of_another_type),
		cmocka_unit_test(test_mcuboot__foreign_keys_stay_out_of_packages),
		cmocka_unit_test(test_mcuboot__wrapped_keys_that_were_bent),
		cmocka_unit_test(test_mcuboot__settings_that_cannot_be),
		cmocka_unit_test(test_mcuboot__the_slot_holds_the_trailer_too),
	};

	folder = getenv("STMOTA_MCUBOOT");
	if (folder == NULL)
		return 1;
	load_signature();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
