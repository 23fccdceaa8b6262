/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_crc.c - the CRC of the chips' CRC unit: values of AN3155's Get Checksum, typed from known
 * results (the 65,536 times FF agrees with stm32flash -C)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/crc.h>

static void test_crc__known_values(void **state)
{
	static const struct {
		uint8_t data[8];
		size_t len;
		uint32_t crc;
	} cases[] = {
		{{0, 1, 2, 3}, 4, 0x76DBF7C7},
		{{0x31, 0x32, 0x33, 0x34}, 4, 0xC2091428},
		{{0, 1, 2, 3, 4, 5, 6, 7}, 8, 0x9C08808D},
		{{0xFF, 0xFF, 0xFF, 0xFF}, 4, 0x00000000},
		{{0, 0, 0, 0}, 4, 0xC704DD7B},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(cases[i].crc, crc_stm32(cases[i].data, cases[i].len));
}

static void test_crc__long_runs(void **state)
{
	uint8_t *data = malloc(65536);

	(void)state;
	memset(data, 0xFF, 65536);
	assert_int_equal(0x7BEAEA80, crc_stm32(data, 256));
	assert_int_equal(0x8D812A84, crc_stm32(data, 65536));
	for (int i = 0; i < 256; i++)
		data[i] = (uint8_t)i;
	assert_int_equal(0xB7EC66F4, crc_stm32(data, 256));
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crc__known_values),
		cmocka_unit_test(test_crc__long_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
