/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blank.c - Thumb code seen without the places it refers to
 *
 * Two builds of a function differ in every call as soon as anything before it has changed. The
 * matcher therefore compares blanked images. The view need not be exact: it only steers.
 */
#include "delta_priv.h"

#include <stdbool.h>
#include <string.h>

#include <stmota/bytes.h>

static bool is_flash(const struct delta_image *image, size_t span, uint32_t v)
{
	return image->addr != 0 && v - image->addr < span;
}

static bool is_ram(uint32_t v)
{
	uint32_t mib = v >> 20;

	return mib == 0x200 || mib == 0x201 || mib == 0x240 || mib == 0x100 || mib == 0x300;
}

static uint32_t sign_extend(uint32_t v, unsigned int bits)
{
	uint32_t sign = 1u << (bits - 1);

	return ((v & ((sign << 1) - 1)) ^ sign) - sign;
}

enum shape { OTHER, POINTER, BL, BCCW, LDRW, VLDR, LDR, B, BCC, CBZ, WIDE };

/* What stands at an even offset; `v` gets the word there, or the halfword at the very end. */
static enum shape shape_at(const struct delta_image *image, size_t span, size_t at, uint32_t *v)
{
	bool whole = image->len - at >= 4;
	uint32_t h = get_le16(image->data + at), k;

	*v = whole ? get_le32(image->data + at) : h;
	k = *v >> 16;
	if (whole && at % 4 == 0 && (is_flash(image, span, *v) || is_ram(*v)))
		return POINTER;
	if (whole && h >= 0xE800) {
		if ((h & 0xF800) == 0xF000 && (k & 0x9000) == 0x9000)
			return BL;
		if ((h & 0xF800) == 0xF000 && (k & 0xD000) == 0x8000 && (h & 0x380) != 0x380)
			return BCCW;
		if ((h & 0xFF7F) == 0xF85F)
			return LDRW;
		return (h & 0xFF3F) == 0xED1F ? VLDR : WIDE;
	}
	if ((h & 0xF800) == 0x4800 || (h & 0xF800) == 0xA000)
		return LDR;
	if ((h & 0xF800) == 0xE000)
		return B;
	if ((h & 0xF000) == 0xD000 && (h & 0x0E00) != 0x0E00)
		return BCC;
	return (h & 0xF500) == 0xB100 ? CBZ : OTHER;
}

static size_t shape_len(enum shape s)
{
	return s == POINTER || s == BL || s == BCCW || s == LDRW || s == VLDR || s == WIDE ? 4 : 2;
}

void delta_blank(const struct delta_image *image, size_t span, uint8_t *ret)
{
	static const uint8_t keep[][4] = {
		[OTHER] = {0xFF, 0xFF},
		[POINTER] = {0, 0, 0xC0, 0xFF},
		[BL] = {0, 0xF8, 0, 0xD0},
		[BCCW] = {0xC0, 0xFB, 0, 0xD0},
		[LDRW] = {0x7F, 0xFF, 0, 0xF0},
		[VLDR] = {0x7F, 0xFF, 0, 0xFF},
		[LDR] = {0, 0xFF},
		[B] = {0, 0xF8},
		[BCC] = {0, 0xFF},
		[CBZ] = {0x07, 0xFD},
		[WIDE] = {0xFF, 0xFF, 0xFF, 0xFF},
	};
	size_t at = 0, i;

	while (image->len - at >= 2) {
		uint32_t v;
		enum shape s = shape_at(image, span, at, &v);

		for (i = 0; i < shape_len(s); i++, at++)
			ret[at] = image->data[at] & keep[s][i];
	}
	if (at < image->len)
		ret[at] = image->data[at];
}

static uint32_t target_of(const struct delta_image *image, enum shape s, uint32_t at, uint32_t v)
{
	uint32_t h = v & 0xFFFF, k = v >> 16, pc = at + 4, word = pc & ~3u, sign, i1, i2;

	switch (s) {
	case POINTER: return is_ram(v) ? DELTA_NOWHERE : (v - image->addr) & ~1u;
	case BL:
		sign = h >> 10 & 1;
		i1 = ~(k >> 13 ^ sign) & 1;
		i2 = ~(k >> 11 ^ sign) & 1;
		return pc + sign_extend(sign << 24 | i1 << 23 | i2 << 22 | (h & 0x3FF) << 12 |
						(k & 0x7FF) << 1,
				    25);
	case BCCW:
		return pc + sign_extend((h >> 10 & 1) << 20 | (k >> 11 & 1) << 19 |
						(k >> 13 & 1) << 18 | (h & 0x3F) << 12 |
						(k & 0x7FF) << 1,
				    21);
	case LDRW: return (h & 0x80) != 0 ? word + (k & 0xFFF) : word - (k & 0xFFF);
	case VLDR: return (h & 0x80) != 0 ? word + (k & 0xFF) * 4 : word - (k & 0xFF) * 4;
	case LDR: return word + (h & 0xFF) * 4;
	case B: return pc + sign_extend(h << 1, 12);
	case BCC: return pc + sign_extend(h << 1, 9);
	case CBZ: return pc + ((h >> 9 & 1) << 6 | (h >> 3 & 0x1F) << 1);
	default: return DELTA_NOWHERE;
	}
}

void delta_targets(const struct delta_image *image, size_t span, uint32_t *ret)
{
	size_t at = 0;

	while (image->len - at >= 2) {
		uint32_t v;
		enum shape s = shape_at(image, span, at, &v);

		ret[at / 2] = target_of(image, s, (uint32_t)at, v);
		if (shape_len(s) == 4)
			ret[at / 2 + 1] = DELTA_NOWHERE;
		at += shape_len(s);
	}
}
