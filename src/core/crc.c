/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/crc.h>

#include <stmota/bytes.h>

#define POLYNOMIAL 0x04C11DB7u

uint32_t crc_stm32(const uint8_t *data, size_t len)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i + 4 <= len; i += 4) {
		crc ^= get_le32(data + i);
		for (int bit = 0; bit < 32; bit++)
			crc = crc << 1 ^ (crc >> 31 ? POLYNOMIAL : 0);
	}
	return crc;
}
