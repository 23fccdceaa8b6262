/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fmt_uf2.h - what stands in a UF2 file, and the family ids of the STM32 (UF2 specification)
 */
#ifndef STMOTA_FMT_UF2_H
#define STMOTA_FMT_UF2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/err.h>

struct uf2_family {
	uint32_t id;
	const char *name; /* "STM32F4" */
};

/* NULL behind the last STM32 family, and for an id that is none. */
const struct uf2_family *uf2_family_at(size_t index);
const struct uf2_family *uf2_family_find(uint32_t id);
/* By name in any case ("stm32f4") or by id ("0x57755A57", any number). ERR_USAGE. */
int uf2_family_parse(const char *text, uint32_t *ret, struct err *e);

#define UF2_GROUPS_MAX 32

struct uf2_group { /* the blocks of one family, numbered from 0 */
	bool has_family;
	uint32_t family; /* 0 without */
	uint32_t n_blocks;
	uint32_t n_skipped; /* of them: not for the main flash */
	uint64_t size;      /* bytes for the main flash */
};

struct uf2_info {
	struct uf2_group groups[UF2_GROUPS_MAX]; /* in the order of their first blocks */
	size_t n_groups;
	uint32_t n_blocks;
	bool has_md5, has_tags;
};

/*
 * Checks every block: magic numbers, sizes, numbering (each number of a family once, none
 * missing), MD5 fields. ERR_FORMAT with the block, ERR_UNSUPPORTED (file containers), ERR_NOMEM.
 */
int uf2_inspect(const uint8_t *data, size_t len, struct uf2_info *ret, struct err *e);

/*
 * The one group that is for an STM32. ERR_UNSUPPORTED if there is none or several; the message
 * lists the families that are there.
 */
int uf2_choose(const struct uf2_info *info, const struct uf2_group **ret, struct err *e);

#endif
