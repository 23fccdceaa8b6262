/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_imf_manifest.c - the parser: places, versions, the device's refusals, records
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/bytes.h>
#include <stmota/fs.h>

#include "imf_host.h"

static void read_vector(const char *name, struct buf *ret)
{
	struct err e = ERR_INIT;

	if (fs_read(imf_host_vector(name, ".sota"), 65536, ret, &e) < 0)
		fail_msg("%s", e.msg);
}

static void test_imf_manifest__fields(void **state)
{
	cleanup_buf struct buf b = BUF_INIT;
	struct imf_manifest m;
	struct imf_component c;
	const uint8_t *name;
	uint32_t len = 0;

	read_vector("good-six", &b);
	assert_int_equal(imf_manifest_parse(b.data, (uint32_t)b.len, &m), 0);
	assert_int_equal(m.header.n_components, 6);
	assert_int_equal(m.header.counter, 7);
	assert_int_equal(m.header.version.major, 1);
	assert_int_equal(m.header.version.minor, 2);
	assert_int_equal(m.header.version.revision, 3);
	assert_int_equal(m.header.version.build, 4);
	assert_int_equal(m.header.hw_max, 0xFFFF);
	assert_int_equal(m.header.chip, 0x413);
	assert_memory_equal(m.header.product, imf_host_device.product, IMF_UUID_SIZE);
	imf_manifest_component(&m, 3, &c);
	assert_int_equal(c.kind, IMF_KIND_RAM_CODE);
	assert_int_equal(c.entry, 0x20000101);
	assert_int_equal(c.stored_offset, 300 + 40 + 21);
	imf_manifest_component(&m, 4, &c);
	assert_int_equal(c.slot, 2);
	name = imf_manifest_name(&m, 4, &len);
	assert_non_null(name);
	assert_int_equal(len, 5);
	assert_memory_equal(name, "radio", 5);
	assert_null(imf_manifest_name(&m, 0, &len));
}

/* The parser alone, on memory that ends exactly there. */
static void test_imf_manifest__every_length(void **state)
{
	cleanup_buf struct buf b = BUF_INIT;
	struct imf_manifest m;

	read_vector("good-holes", &b);
	assert_int_equal(imf_manifest_parse(b.data, (uint32_t)b.len, &m), 0);
	for (uint32_t len = 0; len <= m.header.manifest_size; len++) {
		struct imf_manifest again;
		uint8_t *copy = malloc(len + 1);

		assert_non_null(copy);
		memcpy(copy, b.data, len);
		assert_int_equal(imf_manifest_parse(copy, len, &again),
			len < m.header.manifest_size ? IMF_ERR_TRUNCATED : 0);
		free(copy);
	}
}

static void test_imf_manifest_place__with_and_without_holes(void **state)
{
	static const struct {
		uint32_t offset, addr, run;
	} expected[] = {{0, 0x08000000, 100}, {99, 0x08000063, 1}, {100, 0x08000065, 1},
		{101, 0x08004000, 199}, {299, 0x080040C6, 1}};
	cleanup_buf struct buf b = BUF_INIT, plain = BUF_INIT;
	uint32_t addr = 0, run = 0;
	struct imf_manifest m;

	read_vector("good-holes", &b);
	assert_int_equal(imf_manifest_parse(b.data, (uint32_t)b.len, &m), 0);
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		assert_true(imf_manifest_place(&m, 0, expected[i].offset, &addr, &run));
		assert_int_equal(addr, expected[i].addr);
		assert_int_equal(run, expected[i].run);
	}
	assert_false(imf_manifest_place(&m, 0, 300, &addr, &run));
	assert_false(imf_manifest_place(&m, 0, UINT32_MAX, &addr, &run));
	read_vector("good-ed25519", &plain);
	assert_int_equal(imf_manifest_parse(plain.data, (uint32_t)plain.len, &m), 0);
	assert_true(imf_manifest_place(&m, 0, 10, &addr, &run));
	assert_int_equal(addr, 0x0800000A);
	assert_int_equal(run, 290);
	assert_false(imf_manifest_place(&m, 0, 300, &addr, &run));
}

static void test_imf_version__order(void **state)
{
	static const struct imf_version rising[] = {{0, 0, 0, 0}, {0, 0, 0, 1}, {0, 0, 1, 0},
		{0, 0, 65535, 0}, {0, 1, 0, 0}, {0, 255, 0, 0}, {1, 0, 0, 0}, {1, 2, 3, 4},
		{1, 2, 3, UINT32_MAX}, {1, 2, 4, 0}, {255, 255, 65535, UINT32_MAX}};

	for (size_t i = 0; i < ARRAY_LEN(rising); i++)
		for (size_t k = 0; k < ARRAY_LEN(rising); k++) {
			int rc = imf_version_compare(rising[i], rising[k]);

			assert_int_equal((rc > 0) - (rc < 0), (i > k) - (i < k));
		}
}

static void test_imf_header_refuse__each_reason(void **state)
{
	struct imf_device d = imf_host_device;
	cleanup_buf struct buf b = BUF_INIT;
	struct imf_header h;

	read_vector("min-version-met", &b);
	assert_int_equal(imf_header_parse(b.data, &h), 0);
	assert_int_equal(imf_header_refuse(&h, &d), 0);
	d.installed_known = false;
	assert_int_equal(imf_header_refuse(&h, &d), IMF_ERR_MIN_VERSION);
	d = imf_host_device;
	d.installed = (struct imf_version){9, 0, 0, 0};
	assert_int_equal(imf_header_refuse(&h, &d), IMF_ERR_DOWNGRADE);
	d.allow_downgrade = true;
	assert_int_equal(imf_header_refuse(&h, &d), 0);
	/* The counter never goes back, whatever else is allowed. */
	d.counter = 8;
	assert_int_equal(imf_header_refuse(&h, &d), IMF_ERR_COUNTER);
	d = imf_host_device;
	d.load_addr = 0x08000001;
	assert_int_equal(imf_header_refuse(&h, &d), IMF_ERR_ADDRESS);
	d.load_addr = 0x08000000;
	d.load_size = 299;
	assert_int_equal(imf_header_refuse(&h, &d), IMF_ERR_ADDRESS);
	d.load_size = 300;
	assert_int_equal(imf_header_refuse(&h, &d), 0);
	h.decoder_ram = 1;
	assert_int_equal(imf_header_refuse(&h, &d), IMF_ERR_RAM);
	d.decoder_ram = 1;
	assert_int_equal(imf_header_refuse(&h, &d), 0);
}

/* ---- the firmware's record ---- */

IMF_APP_INFO(test_record, 1, 2, 3, 4, 7, 0, 0xFFFF, 0x413, 0xe739c04c, 0xca5afca9, 0xb2a5cc99,
	0xbb43f3fb);

static void record_bytes(uint8_t ret[IMF_APP_INFO_SIZE])
{
	for (size_t i = 0; i < 16; i++)
		imf_put_le32(ret + 4 * i, test_record.word[i]);
}

static void test_imf_app_info__macro_and_library_agree(void **state)
{
	uint8_t made[IMF_APP_INFO_SIZE], put[IMF_APP_INFO_SIZE];
	cleanup_buf struct buf b = BUF_INIT;
	struct imf_app_info info;

	record_bytes(made);
	assert_int_equal(imf_app_info_parse(made, &info), 0);
	assert_memory_equal(info.product, imf_host_device.product, IMF_UUID_SIZE);
	assert_int_equal(info.version.build, 4);
	assert_int_equal(info.counter, 7);
	assert_int_equal(info.chip, 0x413);
	imf_app_info_put(put, &info);
	assert_memory_equal(put, made, sizeof(put));
	/* And with the specification, whose script made this one. */
	read_vector("good-app-info", &b);
	assert_memory_equal(b.data + b.len - 20 - 64, made, sizeof(made));
}

static void test_imf_app_info__every_flipped_bit(void **state)
{
	uint8_t p[IMF_APP_INFO_SIZE];
	struct imf_app_info info;

	record_bytes(p);
	for (size_t bit = 0; bit < sizeof(p) * 8; bit++) {
		p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(imf_app_info_parse(p, &info),
			bit < 64 ? IMF_ERR_NOT_FOUND : IMF_ERR_FORMAT);
		p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void test_imf_app_info_find__places(void **state)
{
	uint8_t image[400] = {0};
	struct imf_app_info info;
	uint32_t at = 0;

	assert_int_equal(imf_app_info_find(image, 0, &at, &info), IMF_ERR_NOT_FOUND);
	assert_int_equal(imf_app_info_find(image, 63, &at, &info), IMF_ERR_NOT_FOUND);
	/* The magic alone, as a literal in code, is not a record. */
	memcpy(image + 8, "\xA5imfinfo", 8);
	assert_int_equal(imf_app_info_find(image, sizeof(image), &at, &info), IMF_ERR_NOT_FOUND);
	record_bytes(image + 336);
	assert_int_equal(imf_app_info_find(image, 400, &at, &info), 0);
	assert_int_equal(at, 336);
	assert_int_equal(imf_app_info_find(image, 399, &at, &info), IMF_ERR_NOT_FOUND);
	record_bytes(image + 100);
	assert_int_equal(imf_app_info_find(image, 400, &at, &info), IMF_ERR_FORMAT);
}

static void test_imf_strerror__every_error_has_words(void **state)
{
	for (int a = 0; a >= IMF_ERR_KEY; a--) {
		assert_string_not_equal(imf_strerror(a), "unknown error");
		for (int b = 0; b > a; b--)
			assert_string_not_equal(imf_strerror(a), imf_strerror(b));
	}
	assert_string_equal(imf_strerror(IMF_ERR_KEY - 1), "unknown error");
	assert_string_equal(imf_strerror(1), "unknown error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_imf_manifest__fields),
		cmocka_unit_test(test_imf_manifest__every_length),
		cmocka_unit_test(test_imf_manifest_place__with_and_without_holes),
		cmocka_unit_test(test_imf_version__order),
		cmocka_unit_test(test_imf_header_refuse__each_reason),
		cmocka_unit_test(test_imf_app_info__macro_and_library_agree),
		cmocka_unit_test(test_imf_app_info__every_flipped_bit),
		cmocka_unit_test(test_imf_app_info_find__places),
		cmocka_unit_test(test_imf_strerror__every_error_has_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
