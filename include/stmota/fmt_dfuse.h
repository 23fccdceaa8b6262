/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fmt_dfuse.h - the suffix of DFU files (USB DFU 1.1, appendix B) and what ST put before it (DfuSe)
 */
#ifndef STMOTA_FMT_DFUSE_H
#define STMOTA_FMT_DFUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/err.h>

#define DFU_SUFFIX_SIZE 16

struct dfu_suffix {
	uint16_t device, product, vendor; /* 0xFFFF: any */
	uint16_t version;                 /* 0x0100, DfuSe 0x011A */
};

/* Checks signature, length and CRC. ERR_FORMAT. */
int dfu_suffix_read(const uint8_t *data, size_t len, struct dfu_suffix *ret, struct err *e);

#define DFUSE_NAME_SIZE 256

struct dfuse_target { /* what goes to one alternate setting of a DFU device */
	uint8_t alt;
	bool named;
	char name[DFUSE_NAME_SIZE]; /* "" if it has none; what is no plain character became '?' */
	bool main_flash;            /* by its name, or as the target without a memory's name */
	uint32_t n_elements;
	uint32_t size; /* bytes, with the 8 bytes before each element */
	size_t offset; /* of the first element in the file */
};

struct dfuse_element {
	uint32_t addr, len;
	const uint8_t *data; /* borrowed */
};

struct dfuse_info {
	struct dfu_suffix suffix;
	unsigned n_targets;
	size_t first_target; /* offset */
};

/* Checks all sizes and the CRC; after that targets and elements can be walked. ERR_FORMAT. */
int dfuse_inspect(const uint8_t *data, size_t len, struct dfuse_info *ret, struct err *e);

/*
 * The target and the element at `offset` of an inspected file; returns the offset of the next one.
 */
size_t dfuse_target_at(const uint8_t *data, size_t offset, struct dfuse_target *ret);
size_t dfuse_element_at(const uint8_t *data, size_t offset, struct dfuse_element *ret);

#endif
