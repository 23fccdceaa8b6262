/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trial.h - writes firmware, starts it, waits for its proof of health, and takes it back if none comes
 *
 * The old firmware is where it was (the other bank) or in a file (the backup) before the first
 * erase; silence, a wrong answer and bytes that the chip does not take all lead back to it.
 */
#ifndef STMOTA_TRIAL_H
#define STMOTA_TRIAL_H

#include <stmota/bank_move.h>
#include <stmota/device.h>
#include <stmota/flash_job.h>
#include <stmota/proof.h>
#include <stmota/segments.h>

struct trial_request {
	struct flash_request flash;   /* addresses as they will be written */
	const char *backup;           /* file, or NULL */
	bool own_backup; /* the file is of ours alone: one that no interrupted run needs may go */
	const struct bank_move *bank; /* the image goes to its other bank; NULL: no banks */
	const struct proof *proof;    /* NULL: written and verified is enough */
	enum flash_after after;
	bool has_start;
	uint32_t start;  /* address of the vector table for Go */
	uint32_t wait_s; /* for somebody to bring the device back into its bootloader */
	const struct installed *installed; /* for the state file once it is proven; NULL: data */
};

struct trial_result {
	struct flash_result flash;
	bool backup_taken;   /* the file was written */
	bool backup_kept;    /* that of an interrupted run was there */
	bool written;        /* and read back: what fails after it is its start or its proof */
	bool switched;       /* the other bank was made to run */
	bool taken_back;     /* the old firmware is in place again */
	const char *started; /* "yes", "no", "failed"; static */
	char why_not[360];   /* it was not started; "" else */
	bool confirmed;
	char seen[160]; /* the proof, in words */
};

/*
 * What speaks against it, before anything is touched. Pure.
 *
 * ERR_USAGE: a proof without a start, or a way back that needs somebody at the board
 * (flash.entry_by_hand accepts it).
 */
int trial_check(const struct device *d, const struct trial_request *rq, struct err *e);

/*
 * Does it all. `ret` is filled in any case.
 *
 * ERR_VERIFY: not taken by the chip, or not confirmed; ret->taken_back tells whether the old
 * firmware is in place again, the message too. Else as flash_run(), backup_take(), proof_wait().
 * A start that fails without a proof asked for is no failure: see `started`.
 */
int trial_run(
	struct device *d, const struct trial_request *rq, struct trial_result *ret, struct err *e);

#endif
