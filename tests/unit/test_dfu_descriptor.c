/* SPDX-License-Identifier: Apache-2.0 */
/* test_dfu_descriptor.c - descriptors as devices send them, honest and otherwise */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <stmota/bytes.h>
#include <stmota/dfu_descriptor.h>

#define INTERFACE(number, alt, class, sub, protocol, name)                                         \
	9, 4, number, alt, 0, class, sub, protocol, name
#define CONFIG           9, 2, 0, 0, 1, 1, 0, 0xC0, 50
#define FUNCTIONAL(size) 9, 0x21, 0x0B, 255, 0, (size)&255, (size) >> 8, 0x1A, 0x01

static const uint8_t st_rom[18] = {
	18, 1, 0, 2, 0, 0, 0, 64, 0x83, 0x04, 0x11, 0xDF, 0x00, 0x22, 1, 2, 3, 1};
static const uint8_t other[18] = {
	18, 1, 0, 2, 0, 0, 0, 64, 0x09, 0x12, 0x01, 0x00, 0x00, 0x01, 1, 2, 0, 1};

static int parse(const uint8_t *device, const uint8_t *config, size_t len,
	struct dfu_descriptor *ret, struct err *e)
{
	*ret = (struct dfu_descriptor){0};
	*e = ERR_INIT;
	return dfu_descriptor_parse(device, 18, config, len, ret, e);
}

#define PARSE(device, config) parse(device, config, sizeof(config), &d, &e)

static void test_dfu_descriptor__f4(void **state)
{
	static const uint8_t config[] = {CONFIG, INTERFACE(0, 0, 0xFE, 1, 2, 4),
		INTERFACE(0, 1, 0xFE, 1, 2, 5), INTERFACE(0, 2, 0xFE, 1, 2, 6),
		INTERFACE(0, 3, 0xFE, 1, 2, 7), FUNCTIONAL(2048)};
	struct dfu_descriptor d;
	struct err e;

	(void)state;
	assert_int_equal(PARSE(st_rom, config), 0);
	assert_int_equal(d.vid, 0x0483);
	assert_int_equal(d.pid, 0xDF11);
	assert_int_equal(d.bcd_device, 0x2200);
	assert_int_equal(d.n_alts, 4);
	assert_int_equal(d.alts[2].number, 2);
	assert_int_equal(d.alts[2].name_index, 6);
	assert_int_equal(d.transfer_size, 2048);
	assert_int_equal(d.attributes, 0x0B);
	assert_int_equal(d.detach_ms, 255);
	assert_int_equal(d.version, 0x011A);
	assert_true(d.dfuse);
	assert_false(d.runtime);
	assert_false(d.transfer_size_doubtful);
	assert_true(dfu_descriptor_is_st_rom(&d));
}

/* It may sit behind any alternate setting. */
static void test_dfu_descriptor__behind_the_first_alt(void **state)
{
	static const uint8_t config[] = {CONFIG, INTERFACE(0, 0, 0xFE, 1, 2, 4), FUNCTIONAL(1024),
		INTERFACE(0, 1, 0xFE, 1, 2, 5)};
	struct dfu_descriptor d;
	struct err e;

	(void)state;
	assert_int_equal(PARSE(st_rom, config), 0);
	assert_int_equal(d.transfer_size, 1024);
	assert_int_equal(d.n_alts, 2);
}

/* 0x21 is the HID descriptor as well. */
static void test_dfu_descriptor__hid_is_none_of_it(void **state)
{
	static const uint8_t config[] = {CONFIG, INTERFACE(0, 0, 3, 1, 1, 0), 9, 0x21, 0x11, 1, 0,
		1, 0x22, 0x34, 0x12, INTERFACE(1, 0, 0xFE, 1, 1, 9), 9, 0x21, 0x0D, 0xE8, 3, 64, 0,
		0x10, 0x01};
	static const uint8_t only_hid[] = {
		CONFIG, INTERFACE(0, 0, 3, 1, 1, 0), 9, 0x21, 0x11, 1, 0, 1, 0x22, 0x34, 0x12};
	struct dfu_descriptor d;
	struct err e;

	(void)state;
	assert_int_equal(PARSE(other, config), 0);
	assert_true(d.runtime);
	assert_false(d.dfuse);
	assert_int_equal(d.interface, 1);
	assert_int_equal(d.transfer_size, 64);
	assert_int_equal(d.detach_ms, 1000);
	assert_int_equal(d.version, 0x0110);
	assert_int_equal(PARSE(other, only_hid), ERR_UNSUPPORTED);
}

static void test_dfu_descriptor__bootloader_beside_application(void **state)
{
	static const uint8_t config[] = {CONFIG, INTERFACE(0, 0, 0xFE, 1, 1, 0), FUNCTIONAL(64),
		INTERFACE(2, 0, 0xFE, 1, 2, 4), INTERFACE(2, 1, 0xFE, 1, 2, 5), FUNCTIONAL(512)};
	struct dfu_descriptor d;
	struct err e;

	(void)state;
	assert_int_equal(PARSE(other, config), 0);
	assert_false(d.runtime);
	assert_int_equal(d.interface, 2);
	assert_int_equal(d.n_alts, 2);
	assert_int_equal(d.transfer_size, 512);
	assert_false(d.transfer_size_doubtful);
}

/* fwupd#2696: 0x40 and 0x800 by different alternates of one device. */
static void test_dfu_descriptor__two_sizes(void **state)
{
	static const uint8_t config[] = {CONFIG, INTERFACE(0, 0, 0xFE, 1, 2, 4), FUNCTIONAL(2048),
		INTERFACE(0, 1, 0xFE, 1, 2, 5), FUNCTIONAL(64)};
	static const uint8_t huge[] = {CONFIG, INTERFACE(0, 0, 0xFE, 1, 2, 4), FUNCTIONAL(65535)};
	static const uint8_t tiny[] = {CONFIG, INTERFACE(0, 0, 0xFE, 1, 2, 4), FUNCTIONAL(4)};
	static const uint8_t zero[] = {CONFIG, INTERFACE(0, 0, 0xFE, 1, 2, 4), FUNCTIONAL(0)};
	struct dfu_descriptor d;
	struct err e;

	(void)state;
	assert_int_equal(PARSE(st_rom, config), 0);
	assert_int_equal(d.transfer_size, 64);
	assert_true(d.transfer_size_doubtful);
	assert_int_equal(PARSE(st_rom, huge), 0);
	assert_int_equal(d.transfer_size, 4096);
	assert_true(d.transfer_size_doubtful);
	assert_int_equal(PARSE(st_rom, tiny), ERR_UNSUPPORTED);
	/* No size is no descriptor: an STM32's ROM has known ones, others have not. */
	assert_int_equal(PARSE(st_rom, zero), 0);
	assert_int_equal(d.transfer_size, 1024);
	assert_true(d.transfer_size_doubtful);
	assert_int_equal(PARSE(other, zero), ERR_UNSUPPORTED);
}

static void test_dfu_descriptor__dfu_1_0(void **state)
{
	static const uint8_t config[] = {
		CONFIG, INTERFACE(0, 0, 0xFE, 1, 2, 4), 7, 0x21, 0x01, 255, 0, 0, 4};
	struct dfu_descriptor d;
	struct err e;

	(void)state;
	assert_int_equal(PARSE(other, config), 0);
	assert_int_equal(d.version, 0x0100);
	assert_false(d.dfuse);
	assert_int_equal(PARSE(st_rom, config), 0);
	assert_true(d.dfuse); /* whatever it says */
}

static void test_dfu_descriptor__damaged(void **state)
{
	static const uint8_t good[] = {CONFIG, INTERFACE(0, 0, 0xFE, 1, 2, 4), FUNCTIONAL(2048)};
	static const uint8_t zero[] = {CONFIG, 0, 4};
	struct dfu_descriptor d;
	struct err e;

	(void)state;
	for (size_t len = 0; len < sizeof(good); len++) {
		int rc = parse(st_rom, good, len, &d, &e);

		/* Cut between two descriptors is whole, as far as it goes. */
		if (len == 0 || len == 9)
			assert_int_equal(rc, ERR_UNSUPPORTED);
		else if (len == 18)
			assert_int_equal(rc, 0);
		else
			assert_int_equal(rc, ERR_PROTOCOL);
	}
	assert_int_equal(PARSE(st_rom, zero), ERR_PROTOCOL);
	assert_int_equal(
		dfu_descriptor_parse(st_rom, 17, good, sizeof(good), &d, &e), ERR_PROTOCOL);
}

static void test_dfu_descriptor__more_alternates_than_room(void **state)
{
	uint8_t config[9 + 40 * 9 + 9] = {CONFIG};
	static const uint8_t functional[] = {FUNCTIONAL(2048)};
	struct dfu_descriptor d;
	struct err e;

	(void)state;
	for (uint8_t i = 0; i < 40; i++)
		memcpy(config + 9 + 9 * i, (uint8_t[]){INTERFACE(0, i, 0xFE, 1, 2, 4)}, 9);
	memcpy(config + 9 + 40 * 9, functional, 9);
	assert_int_equal(PARSE(st_rom, config), 0);
	assert_int_equal(d.n_alts, DFU_ALTS_MAX);
	assert_int_equal(d.transfer_size, 2048);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dfu_descriptor__f4),
		cmocka_unit_test(test_dfu_descriptor__behind_the_first_alt),
		cmocka_unit_test(test_dfu_descriptor__hid_is_none_of_it),
		cmocka_unit_test(test_dfu_descriptor__bootloader_beside_application),
		cmocka_unit_test(test_dfu_descriptor__two_sizes),
		cmocka_unit_test(test_dfu_descriptor__dfu_1_0),
		cmocka_unit_test(test_dfu_descriptor__damaged),
		cmocka_unit_test(test_dfu_descriptor__more_alternates_than_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
