/* SPDX-License-Identifier: Apache-2.0 */
#include "flash.h"

#include <string.h>

/* Sixteen entries: four bits at once, a fifth of the time of one bit, for 64 bytes. */
uint32_t crc32_add(uint32_t crc, const uint8_t *p, uint32_t len)
{
	static const uint32_t table[16] = {0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC,
		0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C, 0xEDB88320, 0xF00F9344, 0xD6D6A3E8,
		0xCB61B38C, 0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C};

	crc = ~crc;
	while (len-- > 0) {
		crc ^= *p++;
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}

bool bytes_are(const uint8_t *p, uint32_t len, uint8_t value)
{
	while (len > 0 && *p == value) {
		p++;
		len--;
	}
	return len == 0;
}

int flash_erase(const struct flash *f, uint32_t len)
{
	uint32_t at;
	int rc = 0;

	for (at = 0; rc == 0 && at < len; at += f->unit)
		rc = f->erase(f, at);
	return rc;
}

int flash_program(const struct flash *f, uint32_t at, const uint8_t *data, uint32_t len)
{
	uint32_t line[FLASH_LINE / 4];
	uint32_t whole = (len + f->align - 1) & ~(f->align - 1);

	if (len > FLASH_LINE || at > f->size || whole > f->size - at)
		return -1;
	memset(line, f->blank, sizeof(line));
	memcpy(line, data, len);
	return f->write(f, at, line, whole);
}

int flash_crc(const struct flash *f, uint32_t len, uint32_t *ret)
{
	uint8_t line[FLASH_LINE];
	uint32_t crc = 0, at = 0;

	if (len > f->size)
		return -1;
	while (at < len) {
		uint32_t n = len - at < sizeof(line) ? len - at : (uint32_t)sizeof(line);

		if (f->read(f, at, line, n) != 0)
			return -1;
		crc = crc32_add(crc, line, n);
		at += n;
	}
	*ret = crc;
	return 0;
}

int flash_used(const struct flash *f, uint32_t *ret)
{
	uint8_t line[FLASH_LINE];
	uint32_t end = f->size;

	for (; end > 0; end -= FLASH_LINE) {
		if (f->read(f, end - FLASH_LINE, line, FLASH_LINE) != 0)
			return -1;
		if (!bytes_are(line, FLASH_LINE, f->blank))
			break;
	}
	*ret = end;
	return 0;
}
