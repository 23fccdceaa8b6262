/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/crc.h>

#include <stmota/bytes.h>

#define POLYNOMIAL        0x04C11DB7u
#define POLYNOMIAL_XMODEM 0x1021u

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

uint16_t crc_xmodem(const uint8_t *data, size_t len)
{
	uint32_t crc = 0;

	for (size_t i = 0; i < len; i++) {
		crc ^= (uint32_t)data[i] << 8;
		for (int bit = 0; bit < 8; bit++)
			crc = (crc << 1 ^ (crc & 0x8000 ? POLYNOMIAL_XMODEM : 0)) & 0xFFFF;
	}
	return (uint16_t)crc;
}
