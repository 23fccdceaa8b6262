/* SPDX-License-Identifier: Apache-2.0 */
/*
 * provision.h - a new board over the bootloader in ROM, as one plan: loader, applications and data,
 * proof of health, option bytes and write protection, read-out protection last
 *
 * All of it is checked before the first erase. What stands already is skipped, so the same call
 * again goes on after any interruption.
 */
#ifndef STMOTA_PROVISION_H
#define STMOTA_PROVISION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/device.h>
#include <stmota/flash_job.h>
#include <stmota/option_job.h>
#include <stmota/proof.h>
#include <stmota/trial.h>

#define PROVISION_PARTS_MAX 16
#define PROVISION_WANTS_MAX 16
#define PROVISION_STEPS_MAX 64

/* Something that will lie in flash; its bytes have the addresses where they will be written. */
struct provision_part {
	const char *what; /* "loader", "application"; static */
	const char *from; /* file, for people; borrowed */
	const struct segments *image;
	const struct image_heads *heads; /* n 0: no program in it */
};

enum provision_kind {
	PROVISION_PART,
	PROVISION_PROOF,
	PROVISION_OPTION,
	PROVISION_WRP,
	PROVISION_RDP,
};

struct provision_step {
	enum provision_kind kind;
	const char *what;  /* "loader", "option", "write protection"; static */
	char detail[128];  /* file, "BOR_LEV 0x3 -> 0x0" */
	struct span where; /* len 0: nowhere in flash */
	bool stands;       /* nothing is to be done */
	bool done;         /* carried out by this run, and read back */
};

struct provision_plan {
	struct provision_step step[PROVISION_STEPS_MAX];
	size_t n;
	struct plan_totals totals; /* of the writing */
	bool changes_options;      /* an option write is among the steps that do not stand */
	unsigned consequences;     /* OPTION_* */
};

struct provision_request {
	struct provision_part part[PROVISION_PARTS_MAX]; /* the first is the loader */
	size_t n_parts;
	struct option_want want[PROVISION_WANTS_MAX];
	size_t n_wants;
	const char *const *irreversible;
	size_t n_irreversible;
	bool wrp_loader; /* the erase units of the loader, rounded up to what the chip protects */
	bool rdp;        /* level 1, at the very end */
	const struct proof *proof; /* NULL: verified is enough */
	enum flash_after after;    /* what happens at the very end */
	uint32_t wait_s;           /* for somebody to bring the board back into its bootloader */
	bool entry_by_hand;
	struct state *state;
	const struct installed *installed; /* for the state file */
	const char *journal; /* file that remembers that read-out protection is being set */
	const struct event_sink *events;
	/* With the plan, before anything is touched. 0: go on; FLASH_STOP; a negative code. */
	int (*on_plan)(void *ctx, const struct provision_plan *plan, struct err *e);
	void *on_plan_ctx;
};

struct provision_result {
	struct provision_plan plan;
	bool stopped;
	bool trusted_journal; /* the device cannot be read any more: an earlier run has verified it */
	bool pending;         /* the options hold from the next power-up on */
	bool confirmed;
	char seen[160];      /* the proof, in words */
	const char *started; /* "yes", "no", "failed"; static */
};

/*
 * Does it all.
 *
 * ERR_NO_FIT (the loader is not at the start of flash, parts share an erase unit or would be
 * write-protected with the loader), ERR_PROTECTED, ERR_UNSUPPORTED, ERR_USAGE (options that change
 * the erase units, that lack --irreversible); ERR_UNFINISHED: the same call goes on. Else as
 * trial_run(), option_execute(), protect_set_rdp().
 */
int provision_run(struct device *d, const struct provision_request *rq,
	struct provision_result *ret, struct err *e);

#endif
