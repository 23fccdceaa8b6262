/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flash.h - a region of flash with erase units of one size, reached by three functions
 *
 * The loader knows no other memory: a slot in the chip's flash, a staging area in a serial flash behind
 * SPI and an array of a test are the same to it. A region lies wholly inside one kind of unit (on an
 * STM32F4: only sectors of 16 KiB, or only those of 128 KiB).
 */
#ifndef BOOT_FLASH_H
#define BOOT_FLASH_H

#include <stdbool.h>
#include <stdint.h>

struct flash {
	void *ctx;      /* of the port */
	uint32_t base;  /* of the region, as the port's functions want it: they add it to `at` */
	uint32_t addr;  /* where the processor sees it; 0: not at all */
	uint32_t size;  /* bytes, a multiple of unit */
	uint32_t unit;  /* bytes that one erase takes */
	uint32_t align; /* bytes that are programmed at once, a power of two up to FLASH_LINE */
	uint8_t blank;  /* what an erased byte reads as: 0xFF, on L0 and L1 0x00 */
	/* All return 0, something else if the flash failed. They kick the watchdog. */
	int (*read)(const struct flash *f, uint32_t at, void *ret, uint32_t len);
	/* at and len are multiples of align; what is written was erased before. */
	int (*write)(const struct flash *f, uint32_t at, const void *data, uint32_t len);
	int (*erase)(const struct flash *f, uint32_t at); /* the unit that begins at `at` */
};

/* Data goes to flash in lines of so many bytes, at multiples of it. */
#define FLASH_LINE 64u

/* Erases the units that hold the first `len` bytes. */
int flash_erase(const struct flash *f, uint32_t len);

/* Programs a line or less; fills up to `align` with blank bytes. */
int flash_program(const struct flash *f, uint32_t at, const uint8_t *data, uint32_t len);

/* CRC-32 (that of zlib) over the first `len` bytes. */
int flash_crc(const struct flash *f, uint32_t len, uint32_t *ret);

/* Bytes up to the last one that is not blank, a multiple of a line. */
int flash_used(const struct flash *f, uint32_t *ret);

bool bytes_are(const uint8_t *p, uint32_t len, uint8_t value);

/* Begins with 0; crc of two pieces: crc32_add(crc32_add(0, a), b). */
uint32_t crc32_add(uint32_t crc, const uint8_t *p, uint32_t len);

#endif
