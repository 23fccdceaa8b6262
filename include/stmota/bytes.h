/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bytes.h - numbers in byte buffers, checked ranges in device space
 */
#ifndef STMOTA_BYTES_H
#define STMOTA_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* A range of device addresses; addr + len never passes 2^32 in a valid span. */
struct span {
	uint32_t addr;
	uint32_t len;
};

static inline uint16_t get_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t get_le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint32_t get_be32(const uint8_t *p)
{
	return (uint32_t)p[3] | (uint32_t)p[2] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[0] << 24;
}

static inline uint16_t get_be16(const uint8_t *p)
{
	return (uint16_t)(p[1] | p[0] << 8);
}

static inline void put_le16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void put_le32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)(v >> 16);
	p[3] = (uint8_t)(v >> 24);
}

static inline void put_be32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static inline void put_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* Address behind the span; 64 bits, because a span may end at 2^32. */
static inline uint64_t span_end(struct span s)
{
	return (uint64_t)s.addr + s.len;
}

static inline bool span_contains(struct span outer, struct span inner)
{
	return inner.addr >= outer.addr && span_end(inner) <= span_end(outer);
}

static inline bool span_overlaps(struct span a, struct span b)
{
	return a.addr < span_end(b) && b.addr < span_end(a);
}

/* Value of a hexadecimal digit of either case, -1 if it is none. */
static inline int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* True if all `len` bytes are `value`. */
static inline bool bytes_all(const uint8_t *p, size_t len, uint8_t value)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] != value)
			return false;
	return true;
}

#endif
