/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_package.c - packages made, signed, opened and refused by the host
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <imf/imf_bytes.h>
#include <stmota/package.h>

static void fill(uint8_t *p, size_t len, uint8_t seed)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(seed + i * 7 + (i >> 8));
}

static struct package_spec spec_of(const struct package_item *items, size_t n)
{
	return (struct package_spec){.product = "acme.com/streetlight", .version = {1, 2, 3, 4},
		.counter = 7, .hw_max = 0xFFFF, .chip = 0x413, .items = items, .n_items = n};
}

/* One application of 1000 bytes at 0x08000000. */
static void build_plain(struct buf *ret)
{
	cleanup_segments struct segments image = SEGMENTS_INIT;
	uint8_t bytes[1000];
	struct err e = ERR_INIT;

	fill(bytes, sizeof(bytes), 1);
	assert_int_equal(segments_add(&image, 0x08000000, bytes, sizeof(bytes), &e), 0);
	struct package_item item = {.kind = IMF_KIND_APPLICATION, .image = &image};
	struct package_spec spec = spec_of(&item, 1);

	assert_int_equal(package_build(&spec, ret, &e), 0);
}

static void test_package__round_trip(void **state)
{
	cleanup_buf struct buf b = BUF_INIT, again = BUF_INIT;
	cleanup_segments struct segments image = SEGMENTS_INIT;
	struct err e = ERR_INIT;
	struct package p;
	uint8_t bytes[1000];

	fill(bytes, sizeof(bytes), 1);
	build_plain(&b);
	build_plain(&again);
	assert_int_equal(b.len, again.len);
	assert_memory_equal(b.data, again.data, b.len);
	assert_int_equal(package_open(b.data, b.len, &p, &e), 0);
	assert_string_equal(p.product, "acme.com/streetlight");
	assert_int_equal(p.header.chip, 0x413);
	assert_int_equal(p.header.counter, 7);
	assert_int_equal(p.header.version.build, 4);
	assert_int_equal(p.header.load_addr, 0x08000000);
	assert_int_equal(p.n_signatures, 0);
	assert_int_equal(package_segments(&p, 0, &image, &e), 0);
	assert_int_equal(image.n, 1);
	assert_int_equal(image.v[0].len, 1000);
	assert_memory_equal(image.v[0].data, bytes, 1000);
}

static void test_package__holes_stay_holes(void **state)
{
	cleanup_segments struct segments image = SEGMENTS_INIT, back = SEGMENTS_INIT;
	cleanup_buf struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	struct package p;
	uint8_t bytes[300];

	fill(bytes, sizeof(bytes), 9);
	assert_int_equal(segments_add(&image, 0x08000000, bytes, 300, &e), 0);
	assert_int_equal(segments_add(&image, 0x0800012D, bytes, 1, &e), 0);
	assert_int_equal(segments_add(&image, 0x08010000, bytes, 77, &e), 0);
	struct package_item item = {.kind = IMF_KIND_APPLICATION, .image = &image};
	struct package_spec spec = spec_of(&item, 1);

	assert_int_equal(package_build(&spec, &b, &e), 0);
	assert_int_equal(package_open(b.data, b.len, &p, &e), 0);
	assert_int_equal(p.header.plain_size, 378);
	assert_int_equal(package_segments(&p, 0, &back, &e), 0);
	assert_int_equal(back.n, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(back.v[i].addr, image.v[i].addr);
		assert_int_equal(back.v[i].len, image.v[i].len);
		assert_memory_equal(back.v[i].data, image.v[i].data, back.v[i].len);
	}
}

static void test_package__signed_and_judged(void **state)
{
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_key struct key *ed = NULL, *ec = NULL;
	struct err e = ERR_INIT;
	struct package p;
	struct trust_key keys[2] = {{.name = (char *)"ed"}, {.name = (char *)"ec"}};
	struct trust t = {.keys = keys, .n = 2};
	struct package_verdict v;

	build_plain(&b);
	assert_int_equal(key_generate(KEY_ED25519, &ed, &e), 0);
	assert_int_equal(key_generate(KEY_P256, &ec, &e), 0);
	for (size_t i = 0; i < 2; i++) {
		keys[i].key = i == 0 ? ed : ec;
		keys[i].conf = (struct trust_conf){.role = TRUST_RELEASE, .not_after = TRUST_FOR_EVER,
			.group = "default", .threshold = 2};
	}
	assert_int_equal(package_open(b.data, b.len, &p, &e), 0);
	assert_int_equal(package_verify(&p, &t, 0, &v, &e), ERR_SIGNATURE);
	assert_string_equal(e.msg, "not signed");

	assert_int_equal(package_sign(&b, ed, &e), 0);
	assert_int_equal(package_sign(&b, ed, &e), ERR_USAGE);
	assert_int_equal(package_open(b.data, b.len, &p, &e), 0);
	assert_int_equal(package_verify(&p, &t, 0, &v, &e), ERR_SIGNATURE);
	assert_non_null(strstr(e.msg, "signed by 1 key of group 'default', 2 are needed"));
	assert_int_equal(v.n_signers, 1);

	assert_int_equal(package_sign(&b, ec, &e), 0);
	assert_int_equal(package_open(b.data, b.len, &p, &e), 0);
	assert_int_equal(p.n_signatures, 2);
	assert_int_equal(package_verify(&p, &t, 0, &v, &e), 0);
	assert_int_equal(v.n_signers, 2);
	assert_true(v.signers[0].counted && v.signers[1].counted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_package__round_trip),
		cmocka_unit_test(test_package__holes_stay_holes),
		cmocka_unit_test(test_package__signed_and_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
