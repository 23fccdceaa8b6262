/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_segments.c - the sparse image against a plain array of 64 KiB
 *
 * Each 5 bytes of input are one piece: address, length, fill value; the bytes of a piece depend on
 * address and fill, so that overlaps with the same fill agree.
 */
#include "fuzz_image.h"

#define SPACE      0x10000u
#define PIECES_MAX 500

static uint8_t memory[SPACE], held[SPACE], copy[SPACE], mask[SPACE];

static uint8_t byte_at(uint32_t addr, uint8_t fill)
{
	return (uint8_t)(fill + (fill & 1) * addr);
}

static bool agrees(uint32_t addr, const uint8_t *p, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		if (held[addr + i] && memory[addr + i] != p[i])
			return false;
	return true;
}

static void compare(const struct segments *s)
{
	const struct span all = {0, SPACE};

	memset(copy, 0, sizeof(copy));
	memset(mask, 0, sizeof(mask));
	must(segments_copy(s, all, copy) == segments_size(s));
	must(segments_mask(s, all, mask) == segments_size(s));
	must(memcmp(mask, held, SPACE) == 0);
	must(memcmp(copy, memory, SPACE) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[PIECES_MAX][0x100];
	struct segments_piece v[PIECES_MAX];
	cleanup_segments struct segments s = SEGMENTS_INIT, joined = SEGMENTS_INIT;
	size_t n = 0;

	memset(memory, 0, sizeof(memory));
	memset(held, 0, sizeof(held));
	for (; size >= 5 && n < PIECES_MAX; data += 5, size -= 5) {
		uint32_t addr = get_le16(data), len = data[2];
		struct err e = ERR_INIT;
		uint8_t *p = bytes[n];
		int rc;

		if (len > SPACE - addr)
			len = SPACE - addr;
		for (uint32_t i = 0; i < len; i++)
			p[i] = byte_at(addr + i, data[3] & data[4]);
		rc = segments_add(&s, addr, p, len, &e);
		must((rc == 0) == agrees(addr, p, len));
		if (rc < 0) {
			must(rc == ERR_FORMAT && e.addr - addr < len && held[e.addr]);
			continue;
		}
		memcpy(memory + addr, p, len);
		memset(held + addr, 1, len);
		v[n++] = (struct segments_piece){addr, len, p};
	}
	compare(&s);
	must(segments_join(&joined, v, n, NULL) == 0);
	compare(&joined);
	must(joined.n == s.n);
	if (s.n > 0)
		check_image(0, &s, NULL, SPACE);
	return 0;
}
