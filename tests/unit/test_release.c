/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_release.c - which package may replace what; which device may be written at all
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/firmware.h>

static struct firmware package_of(uint8_t major, uint8_t minor, uint32_t counter)
{
	struct firmware f = {.is_package = true};

	f.package.header.version = (struct imf_version){.major = major, .minor = minor};
	f.package.header.counter = counter;
	f.package.header.hw_max = UINT16_MAX;
	memset(f.package.header.product, 0x11, UUID_SIZE);
	return f;
}

static struct installed_now device_with(uint8_t major, uint8_t minor, uint32_t counter)
{
	struct installed_now now = {.version_source = INSTALLED_RECORD,
		.product_source = INSTALLED_RECORD,
		.counter = counter};

	now.version = (struct imf_version){.major = major, .minor = minor};
	memset(now.product, 0x11, UUID_SIZE);
	return now;
}

static int judge(const struct firmware *f, const struct installed_now *now, bool allow_downgrade,
	bool require_known, char unchecked[80])
{
	struct release_policy policy = {allow_downgrade, require_known};
	struct err e = ERR_INIT;
	int rc = release_check(f, now, &policy, unchecked, 80, &e);

	/* A refusal says why. */
	assert_true(rc == 0 || e.msg[0] != '\0');
	return rc;
}

static void test_release__versions_and_counters(void **state)
{
	static const struct {
		uint8_t major, minor;
		uint32_t counter;
		bool allow;
		int expected;
	} cases[] = {
		{2, 1, 5, false, 0},             /* the same again */
		{2, 2, 5, false, 0},             /* newer */
		{2, 0, 5, false, ERR_DOWNGRADE}, /* older */
		{2, 0, 5, true, 0},              /* older, and wanted */
		{2, 2, 4, false, ERR_DOWNGRADE}, /* newer, counter goes back */
		{2, 2, 4, true, ERR_DOWNGRADE},  /* never, whatever is allowed */
		{1, 9, 6, false, ERR_DOWNGRADE}, /* a higher counter does not excuse the version */
	};
	struct installed_now now = device_with(2, 1, 5);
	char unchecked[80];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct firmware f = package_of(cases[i].major, cases[i].minor, cases[i].counter);

		assert_int_equal(
			cases[i].expected, judge(&f, &now, cases[i].allow, false, unchecked));
		assert_string_equal("", unchecked);
	}
}

static void test_release__minimum_version(void **state)
{
	struct installed_now now = device_with(1, 5, 0);
	struct firmware f = package_of(3, 0, 0);
	char unchecked[80];

	(void)state;
	f.package.header.min_version = (struct imf_version){.major = 1, .minor = 6};
	assert_int_equal(ERR_DOWNGRADE, judge(&f, &now, true, false, unchecked));
	f.package.header.min_version = (struct imf_version){.major = 1, .minor = 5};
	assert_int_equal(0, judge(&f, &now, false, false, unchecked));
}

static void test_release__product_and_hardware(void **state)
{
	struct installed_now now = device_with(1, 0, 0);
	struct firmware f = package_of(1, 0, 0);
	char unchecked[80];

	(void)state;
	now.product[15] ^= 1;
	assert_int_equal(ERR_IDENTITY, judge(&f, &now, true, false, unchecked));
	now.product[15] ^= 1;
	f.package.header.hw_min = 3;
	f.package.header.hw_max = 4;
	assert_int_equal(0, judge(&f, &now, false, false, unchecked));
	assert_string_equal("hardware revision", unchecked);
	now.has_hw = true;
	for (uint16_t hw = 2; hw <= 5; hw++) {
		now.hw = hw;
		assert_int_equal(hw == 3 || hw == 4 ? 0 : ERR_IDENTITY,
			judge(&f, &now, false, false, unchecked));
	}
}

static void test_release__unknown_is_told_or_refused(void **state)
{
	struct installed_now nothing = {0};
	struct firmware f = package_of(1, 0, 0), raw = {0};
	char unchecked[80];

	(void)state;
	assert_int_equal(0, judge(&f, &nothing, false, false, unchecked));
	assert_string_equal("product, version", unchecked);
	assert_int_equal(ERR_IDENTITY, judge(&f, &nothing, true, true, unchecked));
	assert_int_equal(0, judge(&raw, &nothing, false, false, unchecked));
	assert_int_equal(ERR_IDENTITY, judge(&raw, &nothing, false, true, unchecked));
}

/* ---- preflight ---- */

static struct device_facts f405(void)
{
	struct device_facts f = {.pid = 0x413,
		.chip = chip_find(0x413),
		.lists_erase = true,
		.rdp = RDP_0,
		.has_geometry = true,
		.wrp_known = true,
		.reach = REACH_BY_HAND};

	assert_int_equal(
		0, geometry_init(&f.geometry, f.chip, 512 * 1024, CHIP_BANKS_DEFAULT, NULL));
	return f;
}

static int preflight(const struct device_facts *f, uint32_t addr, uint32_t len)
{
	struct segments image = SEGMENTS_INIT;
	struct err e = ERR_INIT;
	uint8_t *data = calloc(len, 1);
	int rc;

	assert_int_equal(0, segments_add(&image, addr, data, len, NULL));
	rc = preflight_check(f, &image, false, &e);
	assert_true(rc == 0 || e.msg[0] != '\0');
	segments_done(&image);
	free(data);
	return rc;
}

static void test_preflight__fits_or_not(void **state)
{
	struct device_facts f = f405();

	(void)state;
	assert_int_equal(0, preflight(&f, 0x08000000, 512 * 1024));
	assert_int_equal(ERR_NO_FIT, preflight(&f, 0x08000000, 512 * 1024 + 1));
	assert_int_equal(ERR_NO_FIT, preflight(&f, 0x08080000, 4));
	assert_int_equal(ERR_NO_FIT, preflight(&f, 0x20000000, 4));
	assert_int_equal(ERR_NO_FIT, preflight(&f, 0x07FFFFFF, 4));
}

static void test_preflight__protection(void **state)
{
	struct device_facts f = f405();

	(void)state;
	f.wrp[0] = (struct span){0x08004000, 0x4000};
	f.n_wrp = 1;
	assert_int_equal(0, preflight(&f, 0x08000000, 0x4000));
	assert_int_equal(ERR_PROTECTED, preflight(&f, 0x08000000, 0x4001));
	assert_int_equal(0, preflight(&f, 0x08008000, 0x100));
	/* The whole erase unit counts, not only the bytes that the image has in it. */
	f.wrp[0] = (struct span){0x08011000, 0x1000};
	assert_int_equal(ERR_PROTECTED, preflight(&f, 0x08010000, 0x10));
	f = f405();
	f.rdp = RDP_1;
	assert_int_equal(ERR_PROTECTED, preflight(&f, 0x08000000, 4));
	f = f405();
	f.read_refused = true;
	assert_int_equal(ERR_PROTECTED, preflight(&f, 0x08000000, 4));
}

static void test_preflight__what_is_not_confirmed_is_refused(void **state)
{
	struct device_facts f = f405();

	(void)state;
	f.has_geometry = false;
	assert_int_equal(ERR_UNSUPPORTED, preflight(&f, 0x08000000, 4));
	f = f405();
	f.banks_assumed = true;
	assert_int_equal(ERR_UNSUPPORTED, preflight(&f, 0x08000000, 4));
	f = f405();
	f.lists_erase = false;
	assert_int_equal(ERR_UNSUPPORTED, preflight(&f, 0x08000000, 4));
}

static void test_preflight__no_way_back_needs_consent(void **state)
{
	struct device_facts f = f405();
	struct segments image = SEGMENTS_INIT;

	(void)state;
	f.reach = REACH_APPLICATION;
	assert_int_equal(0, segments_add(&image, 0x08000000, "abcd", 4, NULL));
	assert_int_equal(ERR_USAGE, preflight_check(&f, &image, false, NULL));
	assert_int_equal(0, preflight_check(&f, &image, true, NULL));
	segments_done(&image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_release__versions_and_counters),
		cmocka_unit_test(test_release__minimum_version),
		cmocka_unit_test(test_release__product_and_hardware),
		cmocka_unit_test(test_release__unknown_is_told_or_refused),
		cmocka_unit_test(test_preflight__fits_or_not),
		cmocka_unit_test(test_preflight__protection),
		cmocka_unit_test(test_preflight__what_is_not_confirmed_is_refused),
		cmocka_unit_test(test_preflight__no_way_back_needs_consent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
