/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h - the operations that bring a device from what it holds to what it shall hold
 *
 * A plan is data and made by a pure function: printed by --dry-run, walked by execution, tested
 * without a device.
 */
#ifndef STMOTA_PLAN_H
#define STMOTA_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/chip.h>
#include <stmota/survey.h>

enum plan_step_kind {
	PLAN_SAVE,  /* bytes to be kept go to the state file, synced */
	PLAN_ERASE, /* units first..first+n of `erase_order` */
	PLAN_BLANK, /* the first bytes of a head's unit must read erased before anything else goes */
	PLAN_WRITE,  /* data to addr */
	PLAN_VERIFY, /* read back and compare */
};

#define PLAN_KINDS (PLAN_VERIFY + 1)

struct plan_step {
	enum plan_step_kind kind;
	uint32_t first, n;   /* PLAN_ERASE */
	uint32_t addr, len;  /* the others */
	const uint8_t *data; /* borrowed from the survey */
};

struct plan_totals {
	uint32_t units_same, units_rewritten;
	uint64_t bytes_same; /* image bytes in units that stay */
	uint64_t bytes_erased, bytes_written, bytes_verified, bytes_kept;
	double seconds; /* estimate, from the speed of the link and the chip's typical times */
	double seconds_of[PLAN_KINDS]; /* the same for the steps of each kind */
};

struct flash_plan {
	const struct survey *survey;
	struct erase_unit *erase_order;
	size_t n_erase;
	struct plan_step *steps;
	size_t n_steps;
	struct plan_totals totals;
};

#define FLASH_PLAN_INIT ((struct flash_plan){0})

struct plan_options {
	uint32_t write_max;  /* bytes of one write */
	bool across_units;   /* one write may go across the border of erase units */
	bool whole_blocks;   /* this ROM takes only full blocks of write_max bytes */
	uint32_t baud;       /* 0: wire time is left out of the estimate */
	uint32_t bus_hz;     /* clock of a bus instead of a baud rate; 0: not on a bus */
	uint32_t latency_ms; /* of the adapter, for each turnaround */
};

/*
 * Orders the work, for each program in the image on its own:
 * the unit with its vector table is erased first and seen to be blank; then the other units; then
 * everything is written but the first flash word that holds words 0 and 1; then everything is
 * read back; then that word is written and read back.
 *
 * Borrows `survey`, which must outlive the plan. ERR_NOMEM.
 */
int plan_make(const struct survey *survey, const struct plan_options *opt, struct flash_plan *ret,
	struct err *e);

void plan_done(struct flash_plan *p);

#endif
