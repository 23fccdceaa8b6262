/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chip_priv.h - what the sources of src/chip share
 */
#ifndef STMOTA_CHIP_PRIV_H
#define STMOTA_CHIP_PRIV_H

#include <stmota/chip.h>

/* Made from chips.json at build time. */
extern const struct chip chip_table[];
extern const size_t chip_table_len;

/* Part names of one chip: "F405 F407"; an x stands for any character. */
struct chip_names {
	uint16_t pid;
	const char *parts;
};

#endif
