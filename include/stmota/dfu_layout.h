/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dfu_layout.h - the memory map that a DfuSe device writes into the name of an interface
 *
 * "@Internal Flash  /0x08000000/04*016Kg,01*064Kg": a name, then zones, each with an address and
 * runs of equal erase units.
 */
#ifndef STMOTA_DFU_LAYOUT_H
#define STMOTA_DFU_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/bytes.h>
#include <stmota/err.h>

#define DFU_RUNS_MAX 64

#define DFU_MAY_READ  1u
#define DFU_MAY_ERASE 2u
#define DFU_MAY_WRITE 4u

struct dfu_run { /* `count` units of `size` bytes from `addr` on */
	uint32_t addr, count, size;
	uint8_t access; /* DFU_MAY_... */
	uint8_t zone;   /* counts from 0; runs of a zone touch each other */
};

struct dfu_layout {
	char name[48]; /* without blanks at the ends */
	uint8_t alt;   /* the alternate setting that it belongs to; left to the caller */
	struct dfu_run runs[DFU_RUNS_MAX];
	size_t n_runs;
	bool untyped; /* a run without a type letter: taken as read-only */
};

/*
 * ERR_FORMAT for anything that is not a memory map, all sizes and addresses checked; nothing of
 * a string that is partly wrong is used.
 */
int dfu_layout_parse(const char *text, struct dfu_layout *ret, struct err *e);

/* The run that holds `addr`, or NULL. */
const struct dfu_run *dfu_layout_at(const struct dfu_layout *l, uint32_t addr);

/* The whole zone of a run. */
struct span dfu_layout_zone(const struct dfu_layout *l, const struct dfu_run *run);

#endif
