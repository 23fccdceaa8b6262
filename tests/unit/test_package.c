/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_package.c - packages made, signed, opened and refused by the host
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <imf/imf_bytes.h>
#include <stmota/bytes.h>
#include <stmota/fmt.h>
#include <stmota/fs.h>
#include <stmota/package.h>

static void fill(uint8_t *p, size_t len, uint8_t seed)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(seed + i * 7 + (i >> 8));
}

static struct package_spec spec_of(const struct package_item *items, size_t n)
{
	return (struct package_spec){.product = "acme.com/streetlight",
		.version = {1, 2, 3, 4},
		.counter = 7,
		.hw_max = 0xFFFF,
		.chip = 0x413,
		.items = items,
		.n_items = n};
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
		keys[i].conf = (struct trust_conf){.role = TRUST_RELEASE,
			.not_after = TRUST_FOR_EVER,
			.group = "default",
			.threshold = 2};
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

/* ---- what the builder refuses ---- */

struct two { /* an application and a block of settings */
	struct segments image[2];
	struct package_item items[2];
	struct package_spec spec;
};

static void two_init(struct two *t)
{
	uint8_t bytes[256];

	fill(bytes, sizeof(bytes), 3);
	memset(t, 0, sizeof(*t));
	assert_int_equal(segments_add(&t->image[0], 0x08000000, bytes, sizeof(bytes), NULL), 0);
	assert_int_equal(segments_add(&t->image[1], 0x08000100, bytes, 16, NULL), 0);
	t->items[0] = (struct package_item){.kind = IMF_KIND_APPLICATION, .image = &t->image[0]};
	t->items[1] = (struct package_item){.kind = IMF_KIND_CONFIGURATION, .image = &t->image[1]};
	t->spec = spec_of(t->items, 2);
}

static void two_done(struct two *t)
{
	segments_done(&t->image[0]);
	segments_done(&t->image[1]);
}

static void refused(const struct two *t, enum err_code code, const char *text)
{
	cleanup_buf struct buf b = BUF_INIT;
	struct err e = ERR_INIT;

	assert_int_equal(package_build(&t->spec, &b, &e), code);
	if (strstr(e.msg, text) == NULL)
		fail_msg("'%s' does not say '%s'", e.msg, text);
	assert_int_equal(b.len, 0);
}

static void test_package_build__refusals(void **state)
{
	struct segments none = SEGMENTS_INIT;
	struct package_item many[17];
	cleanup_buf struct buf b = BUF_INIT;
	struct two t;

	two_init(&t);
	assert_int_equal(package_build(&t.spec, &b, NULL), 0);
	t.spec.product = "Acme.com/lamp";
	refused(&t, ERR_USAGE, "upper-case");
	t.spec = spec_of(t.items, 0);
	refused(&t, ERR_USAGE, "at least one component");
	for (size_t i = 0; i < 17; i++)
		many[i] = t.items[1];
	t.spec = spec_of(many, 17);
	refused(&t, ERR_UNSUPPORTED, "more than 16 components");
	t.spec = spec_of(t.items, 2);
	t.spec.min_version = (struct imf_version){1, 2, 3, 5};
	refused(&t, ERR_USAGE, "minimum version is above");
	t.spec = spec_of(t.items, 2);
	t.spec.chip = 0x1000;
	refused(&t, ERR_USAGE, "impossible");
	t.spec = spec_of(t.items, 2);
	t.items[0].entry = 0x08000010;
	refused(&t, ERR_USAGE, "is even");
	t.items[0].entry = 0x08000101;
	refused(&t, ERR_USAGE, "outside component 0");
	t.items[0].entry = 0;
	t.items[1].entry = 0x08000101;
	refused(&t, ERR_USAGE, "cannot have an entry point");
	t.items[1].entry = 0;
	t.items[1].image = &t.image[0];
	refused(&t, ERR_USAGE, "components 0 and 1 overlap");
	/* With a slot each, they may: the device puts them elsewhere. */
	t.items[0].slot = 1;
	t.items[1].slot = 2;
	b.len = 0;
	assert_int_equal(package_build(&t.spec, &b, NULL), 0);
	t.items[1].image = &none;
	refused(&t, ERR_USAGE, "holds no bytes");
	two_done(&t);
}

static void test_package_build__too_many_holes(void **state)
{
	cleanup_segments struct segments image = SEGMENTS_INIT;
	cleanup_buf struct buf b = BUF_INIT;
	struct package_item item = {.kind = IMF_KIND_APPLICATION, .image = &image};
	struct package_spec spec = spec_of(&item, 1);
	struct err e = ERR_INIT;

	for (uint32_t i = 0; i < 2100; i++)
		assert_int_equal(segments_add(&image, 0x08000000 + 8 * i, "x", 1, &e), 0);
	assert_int_equal(package_build(&spec, &b, &e), ERR_UNSUPPORTED);
	assert_non_null(strstr(e.hint, "gap-fill"));
}

static void test_package_sign__room_for_sixteen(void **state)
{
	cleanup_buf struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	struct package p;

	build_plain(&b);
	for (int i = 0; i < 17; i++) {
		cleanup_key struct key *k = NULL;

		assert_int_equal(key_generate(KEY_ED25519, &k, &e), 0);
		assert_int_equal(package_sign(&b, k, &e), i < 16 ? 0 : ERR_UNSUPPORTED);
	}
	assert_int_equal(package_open(b.data, b.len, &p, &e), 0);
	assert_int_equal(p.n_signatures, 16);
}

static void test_package_find_app_info__behind_a_hole(void **state)
{
	cleanup_segments struct segments image = SEGMENTS_INIT;
	struct imf_app_info info = {.version = {1, 2, 3, 4}, .hw_max = 0xFFFF}, back;
	uint8_t record[IMF_APP_INFO_SIZE];
	struct err e = ERR_INIT;
	uint32_t offset = 0;
	bool found = true;

	imf_app_info_put(record, &info);
	assert_int_equal(segments_add(&image, 0x08000000, "0123456789abcdef", 16, &e), 0);
	assert_int_equal(package_find_app_info(&image, &offset, &back, &found, &e), 0);
	assert_false(found);
	assert_int_equal(segments_add(&image, 0x08001000, record, sizeof(record), &e), 0);
	assert_int_equal(package_find_app_info(&image, &offset, &back, &found, &e), 0);
	assert_true(found);
	assert_int_equal(offset, 16);
	assert_int_equal(back.version.build, 4);
	assert_int_equal(segments_add(&image, 0x08002000, record, sizeof(record), &e), 0);
	assert_int_equal(package_find_app_info(&image, &offset, &back, &found, &e), ERR_FORMAT);
}

/* Real firmware goes in and comes out the same, holes included. */
static void test_package__real_firmware(void **state)
{
	static const char *const names[] = {"baseflight.hex", "mlrs-rx-g431.hex", "nicla-boot.hex",
		"blink-g431.elf", "hoverboard.elf", "mlrs-tx-f103.elf", "pybv11-1f5d945af.elf",
		"pybv11-v1.10.elf"};
	const char *corpus = getenv("STMOTA_CORPUS");
	struct err e = ERR_INIT;
	char path[512];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		cleanup_buf struct buf file = BUF_INIT, made = BUF_INIT;
		cleanup_segments struct segments in = SEGMENTS_INIT, out = SEGMENTS_INIT;
		struct package_item item = {.kind = IMF_KIND_APPLICATION, .image = &in};
		struct package_spec spec = spec_of(&item, 1);
		struct package p;

		snprintf(
			path, sizeof(path), "%s/files/%s", corpus != NULL ? corpus : ".", names[i]);
		if (!fs_exists(path)) {
			print_message("without %s: not there\n", path);
			skip();
		}
		assert_int_equal(fs_read(path, FS_FILE_MAX, &file, &e), 0);
		if (fmt_read(file.data, file.len, path, NULL, &in, NULL, &e) < 0 ||
			package_build(&spec, &made, &e) < 0 ||
			package_open(made.data, made.len, &p, &e) < 0 ||
			package_segments(&p, 0, &out, &e) < 0)
			fail_msg("%s: %s", names[i], e.msg);
		assert_int_equal(in.n, out.n);
		for (size_t k = 0; k < in.n; k++) {
			assert_int_equal(in.v[k].addr, out.v[k].addr);
			assert_int_equal(in.v[k].len, out.v[k].len);
			assert_memory_equal(in.v[k].data, out.v[k].data, in.v[k].len);
		}
	}
}

static void test_package_open__damage_is_named(void **state)
{
	static const struct {
		const char *data;
		size_t len;
		enum err_code code;
		const char *says;
	} cases[] = {
		{"", 0, ERR_FORMAT, "not a stmota package"},
		{"\x7F"
		 "ELF",
			4, ERR_FORMAT, "not a stmota package"},
		{"\x89SOTA\n\x1A", 7, ERR_DAMAGED, "line ends"},
		{"\x89SOTA\r\n\x1A", 8, ERR_DAMAGED, "truncated"},
	};
	struct package p;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(package_open((const uint8_t *)cases[i].data, cases[i].len, &p, &e),
			cases[i].code);
		if (strstr(e.msg, cases[i].says) == NULL)
			fail_msg("'%s' does not say '%s'", e.msg, cases[i].says);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_package__round_trip),
		cmocka_unit_test(test_package__holes_stay_holes),
		cmocka_unit_test(test_package__signed_and_judged),
		cmocka_unit_test(test_package_build__refusals),
		cmocka_unit_test(test_package_build__too_many_holes),
		cmocka_unit_test(test_package_sign__room_for_sixteen),
		cmocka_unit_test(test_package_find_app_info__behind_a_hole),
		cmocka_unit_test(test_package__real_firmware),
		cmocka_unit_test(test_package_open__damage_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
