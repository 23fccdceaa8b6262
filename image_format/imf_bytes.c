/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_bytes.c - byte access without alignment or byte-order assumptions
 */
#include <imf/imf_bytes.h>

uint16_t imf_get_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | (uint32_t)p[1] << 8);
}

uint32_t imf_get_le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

void imf_put_le16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v & 0xFF);
	p[1] = (uint8_t)(v >> 8);
}

void imf_put_le32(uint8_t *p, uint32_t v)
{
	imf_put_le16(p, (uint16_t)(v & 0xFFFF));
	imf_put_le16(p + 2, (uint16_t)(v >> 16));
}

bool imf_all_zero(const uint8_t *p, uint32_t len)
{
	uint32_t i;

	for (i = 0; i < len; i++)
		if (p[i] != 0)
			return false;
	return true;
}

uint32_t imf_differ(const uint8_t *a, const uint8_t *b, uint32_t len)
{
	/* volatile: the compiler must not leave the loop at the first difference. */
	volatile uint8_t bits = 0;
	uint32_t i;

	for (i = 0; i < len; i++)
		bits = (uint8_t)(bits | (a[i] ^ b[i]));
	return bits;
}
