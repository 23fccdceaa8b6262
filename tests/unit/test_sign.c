/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sign.c - keys in files, signatures, product names and versions
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

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <stmota/bytes.h>
#include <stmota/fs.h>
#include <stmota/key.h>
#include <stmota/version.h>

static char folder[] = "/tmp/stmota-sign.XXXXXX";

static const char *in_folder(const char *name)
{
	static char path[2][128];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", folder, name);
	return path[turn];
}

static int make_folder(void **state)
{
	return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
	static const char *const names[] = {"ed.pem", "ed.pub", "ec.pem", "ec.pub", "rsa.pem",
		"rsa.pub", "p384.pem", "x.pem", "locked.pem", "compressed.pub"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unlink(in_folder(names[i]));
	return rmdir(folder);
}

static void test_key__files_round_trip(void **state)
{
	static const struct {
		enum key_type type;
		const char *private, *public;
	} cases[] = {{KEY_ED25519, "ed.pem", "ed.pub"}, {KEY_P256, "ec.pem", "ec.pub"}};
	static const char text[] = "fifty bytes or any other number of them";

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_key struct key *made = NULL, *private = NULL, *public = NULL;
		uint8_t signature[KEY_SIGNATURE_SIZE];
		struct err e = ERR_INIT;
		struct stat st;

		assert_int_equal(key_generate(cases[i].type, &made, &e), 0);
		assert_int_equal(key_save_private(made, in_folder(cases[i].private), &e), 0);
		assert_int_equal(key_save_public(made, in_folder(cases[i].public), &e), 0);
		assert_int_equal(stat(in_folder(cases[i].private), &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
		/* Never over an existing file. */
		assert_int_equal(
			key_save_private(made, in_folder(cases[i].private), &e), ERR_USAGE);
		assert_int_equal(key_save_public(made, in_folder(cases[i].public), &e), ERR_USAGE);

		assert_int_equal(
			key_load_private(in_folder(cases[i].private), NULL, &private, &e), 0);
		assert_int_equal(key_load_public(in_folder(cases[i].public), &public, &e), 0);
		assert_true(key_is_private(private) && !key_is_private(public));
		assert_int_equal(key_type(public), cases[i].type);
		assert_memory_equal(key_fingerprint(private), key_fingerprint(public), SHA256_SIZE);

		assert_int_equal(key_sign(private, text, sizeof(text), signature, &e), 0);
		assert_true(key_verify(public, text, sizeof(text), signature));
		assert_false(key_verify(public, text, sizeof(text) - 1, signature));
		for (size_t bit = 0; bit < sizeof(signature) * 8; bit += 5) {
			signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_false(key_verify(public, text, sizeof(text), signature));
			signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		assert_int_equal(
			key_sign(public, text, sizeof(text), signature, &e), ERR_SIGNATURE);
	}
}

static void write_pem(const char *name, EVP_PKEY *pkey, bool private, const char *passphrase)
{
	FILE *f = fopen(in_folder(name), "w");

	assert_non_null(f);
	assert_non_null(pkey);
	if (private)
		assert_int_equal(
			PEM_write_PKCS8PrivateKey(f, pkey,
				passphrase != NULL ? EVP_aes_128_cbc() : NULL, passphrase,
				passphrase != NULL ? (int)strlen(passphrase) : 0, NULL, NULL),
			1);
	else
		assert_int_equal(PEM_write_PUBKEY(f, pkey), 1);
	fclose(f);
}

static void refused(int rc, const struct err *e, const char *text)
{
	assert_int_equal(rc, ERR_SIGNATURE);
	if (strstr(e->msg, text) == NULL)
		fail_msg("'%s' does not say '%s'", e->msg, text);
	assert_true(e->hint[0] != '\0');
}

static void test_key__what_is_refused(void **state)
{
	EVP_PKEY *rsa = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	EVP_PKEY *p384 = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384");
	EVP_PKEY *x25519 = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
	EVP_PKEY *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	struct key *k = NULL;
	struct err e = ERR_INIT;

	write_pem("rsa.pem", rsa, true, NULL);
	write_pem("rsa.pub", rsa, false, NULL);
	write_pem("p384.pem", p384, true, NULL);
	write_pem("x.pem", x25519, true, NULL);
	write_pem("locked.pem", ed, true, "secret");
	refused(key_load_private(in_folder("rsa.pem"), NULL, &k, &e), &e, "type RSA");
	refused(key_load_public(in_folder("rsa.pub"), &k, &e), &e, "type RSA");
	refused(key_load_private(in_folder("p384.pem"), NULL, &k, &e), &e, "secp384r1");
	refused(key_load_private(in_folder("x.pem"), NULL, &k, &e), &e, "X25519");
	refused(key_load_private(in_folder("locked.pem"), NULL, &k, &e), &e, "passphrase");
	refused(key_load_private(in_folder("ed.pub"), NULL, &k, &e), &e,
		"public key and cannot sign");
	refused(key_load_public(in_folder("ed.pem"), &k, &e), &e, "private key where a public one");
	refused(key_load_public(in_folder("locked.pem"), &k, &e), &e,
		"private key where a public one");
	refused(key_parse_public("", 0, "nothing", &k, &e), &e, "not a public key");
	refused(key_parse_public("-----BEGIN PUBLIC KEY-----\nAAAA\n", 32, "half", &k, &e), &e,
		"half");
	assert_int_equal(key_load_public(in_folder("missing"), &k, &e), ERR_IO);
	assert_null(k);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(p384);
	EVP_PKEY_free(x25519);
	EVP_PKEY_free(ed);
}

/* The same P-256 key with a compressed point is the same key, so it cannot count twice. */
/* n of P-256, and L of Ed25519 (little endian): SEC 2 and RFC 8032, 5.1. */
static const uint8_t order_p256[32] = {0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF,
	0xFF, 0xFF, 0xFF, 0xFF, 0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA,
	0xC2, 0xFC, 0x63, 0x25, 0x51};
static const uint8_t order_ed25519[32] = {0xED, 0xD3, 0xF5, 0x5C, 0x1A, 0x63, 0x12, 0x58, 0xD6,
	0x9C, 0xF7, 0xA2, 0xDE, 0xF9, 0xDE, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0x10};

static void refuse_signature(const struct key *k, const uint8_t signature[KEY_SIGNATURE_SIZE])
{
	assert_false(key_verify(k, "message", 7, signature));
}

static void test_key_verify__numbers_out_of_range(void **state)
{
	static const uint8_t zero[32], one[32] = {[31] = 1};
	const uint8_t *const bad[] = {zero, order_p256};
	cleanup_key struct key *k = NULL;
	uint8_t good[KEY_SIGNATURE_SIZE], s[KEY_SIGNATURE_SIZE];
	struct err e = ERR_INIT;

	assert_int_equal(key_generate(KEY_P256, &k, &e), 0);
	assert_int_equal(key_sign(k, "message", 7, good, &e), 0);
	assert_true(key_verify(k, "message", 7, good));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		for (size_t half = 0; half < 2; half++) {
			memcpy(s, good, sizeof(s));
			memcpy(s + 32 * half, bad[i], 32);
			refuse_signature(k, s);
		}
	memset(s, 0, sizeof(s));
	refuse_signature(k, s);
	memset(s, 0xFF, sizeof(s));
	refuse_signature(k, s);
	memcpy(s, one, 32);
	memcpy(s + 32, one, 32);
	refuse_signature(k, s);
	/* The halves change places. */
	memcpy(s, good + 32, 32);
	memcpy(s + 32, good, 32);
	refuse_signature(k, s);
}

/* S + L is the same number modulo L: who accepts it accepts two signatures for one message. */
static void test_key_verify__ed25519_has_one_form(void **state)
{
	cleanup_key struct key *k = NULL, *other = NULL;
	uint8_t s[KEY_SIGNATURE_SIZE];
	struct err e = ERR_INIT;
	unsigned carry = 0;

	assert_int_equal(key_generate(KEY_ED25519, &k, &e), 0);
	assert_int_equal(key_generate(KEY_P256, &other, &e), 0);
	assert_int_equal(key_sign(k, "message", 7, s, &e), 0);
	assert_true(key_verify(k, "message", 7, s));
	refuse_signature(other, s);
	for (size_t i = 0; i < 32; i++) {
		carry += s[32 + i] + order_ed25519[i];
		s[32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
	refuse_signature(k, s);
	memset(s, 0, sizeof(s));
	refuse_signature(k, s);
	s[0] = 1; /* the neutral point and S = 0: good for keys of small order only */
	refuse_signature(k, s);
	assert_int_equal(key_sign(other, "message", 7, s, &e), 0);
	refuse_signature(k, s);
}

static void test_key_signature_read__forms_of_der(void **state)
{
	/* 0x30 len, 0x02 len r, 0x02 len s */
	static const struct {
		const char *what;
		uint8_t der[80];
		size_t len;
		bool good;
	} cases[] = {
		{"smallest", {0x30, 6, 2, 1, 1, 2, 1, 1}, 8, true},
		{"one byte missing", {0x30, 6, 2, 1, 1, 2, 1}, 7, false},
		{"one byte more", {0x30, 6, 2, 1, 1, 2, 1, 1, 0}, 9, false},
		{"negative r", {0x30, 6, 2, 1, 0x81, 2, 1, 1}, 8, false},
		{"another type", {0x31, 6, 2, 1, 1, 2, 1, 1}, 8, false},
		{"one number", {0x30, 3, 2, 1, 1}, 5, false},
		{"33 bytes of r", {0x30, 38, 2, 33, 1, [37] = 2, 1, 1}, 40, false},
		{"nothing", {0}, 0, false},
	};
	cleanup_key struct key *k = NULL, *ed = NULL;
	struct err e = ERR_INIT;

	assert_int_equal(key_generate(KEY_P256, &k, &e), 0);
	assert_int_equal(key_generate(KEY_ED25519, &ed, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t raw[KEY_SIGNATURE_SIZE];
		int rc = key_signature_read(k, cases[i].der, cases[i].len, raw, &e);

		if ((rc == 0) != cases[i].good)
			fail_msg("%s: %d", cases[i].what, rc);
		assert_int_equal(
			key_signature_read(ed, cases[i].der, cases[i].len, raw, &e), ERR_SIGNATURE);
	}
}

static void test_key__compressed_point_is_the_same_key(void **state)
{
	cleanup_key struct key *plain = NULL, *compressed = NULL;
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	struct err e = ERR_INIT;

	unlink(in_folder("ec.pub"));
	write_pem("ec.pub", pkey, false, NULL);
	assert_int_equal(EVP_PKEY_set_utf8_string_param(pkey, "point-format", "compressed"), 1);
	write_pem("compressed.pub", pkey, false, NULL);
	EVP_PKEY_free(pkey);
	assert_int_equal(key_load_public(in_folder("ec.pub"), &plain, &e), 0);
	assert_int_equal(key_load_public(in_folder("compressed.pub"), &compressed, &e), 0);
	assert_memory_equal(key_fingerprint(plain), key_fingerprint(compressed), SHA256_SIZE);
}

static void test_version_parse__good_and_bad(void **state)
{
	static const struct {
		const char *text, *again; /* again NULL: refused */
	} cases[] = {{"1.2.3+4", "1.2.3+4"}, {"1.2.3", "1.2.3"}, {"1.2", "1.2.0"}, {"7", "7.0.0"},
		{"0.0.0", "0.0.0"}, {"255.255.65535+4294967295", "255.255.65535+4294967295"},
		{"1+5", "1.0.0+5"}, {"256.0.0", NULL}, {"1.256.0", NULL}, {"1.2.65536", NULL},
		{"1.2.3+4294967296", NULL}, {"1.2.3+99999999999999999999", NULL}, {"", NULL},
		{"1.", NULL}, {"1.2.", NULL}, {"1.2.3.4", NULL}, {"v1.2.3", NULL}, {"1.2.3+", NULL},
		{" 1.2.3", NULL}, {"1.2.3 ", NULL}, {"01.2.3", NULL}, {"1.2.3-rc1", NULL},
		{"-1.2.3", NULL}, {"1.2.3+0x4", NULL}};
	char text[VERSION_TEXT_SIZE];
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct imf_version v = {0};
		int rc = version_parse(cases[i].text, &v, &e);

		assert_int_equal(rc, cases[i].again != NULL ? 0 : ERR_USAGE);
		if (rc == 0)
			assert_string_equal(version_format(v, text), cases[i].again);
		else
			assert_true(e.hint[0] != '\0');
	}
	version_parse("1.2.3-rc1", &(struct imf_version){0}, &e);
	assert_non_null(strstr(e.msg, "pre-release"));
}

static void test_product_uuid__as_specified(void **state)
{
	uint8_t uuid[UUID_SIZE];
	char text[UUID_TEXT_SIZE];
	struct err e = ERR_INIT;

	assert_int_equal(product_uuid("acme.com/streetlight", uuid, &e), 0);
	assert_string_equal(uuid_format(uuid, text), "4cc039e7-a9fc-5aca-99cc-a5b2fbf343bb");
	assert_int_equal(product_uuid("acme.com/lamp", uuid, &e), 0);
	assert_string_equal(uuid_format(uuid, text), "d5c0e85d-3b97-5356-ab6b-21648fedec7e");
}

static void test_product_check__names(void **state)
{
	static const char *const good[] = {
		"acme.com/streetlight", "a", "a/b/c", "x-1.example/lamp_2"};
	static const char *const bad[] = {"", "Acme.com/lamp", "acme.com/", "/lamp",
		"acme.com//lamp", "acme com/lamp", "acme.com/lämp", "acme.com/-", "acme.com/lamp-",
		"acme.com/la\nmp"};
	char longest[PRODUCT_NAME_SIZE + 1];
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(product_check(good[i], &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(product_check(bad[i], &e), ERR_USAGE);
	memset(longest, 'a', sizeof(longest));
	longest[127] = '\0';
	assert_int_equal(product_check(longest, &e), 0);
	longest[127] = 'a';
	longest[128] = '\0';
	assert_int_equal(product_check(longest, &e), ERR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key__files_round_trip),
		cmocka_unit_test(test_key__what_is_refused),
		cmocka_unit_test(test_key_verify__numbers_out_of_range),
		cmocka_unit_test(test_key_verify__ed25519_has_one_form),
		cmocka_unit_test(test_key_signature_read__forms_of_der),
		cmocka_unit_test(test_key__compressed_point_is_the_same_key),
		cmocka_unit_test(test_version_parse__good_and_bad),
		cmocka_unit_test(test_product_uuid__as_specified),
		cmocka_unit_test(test_product_check__names),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
