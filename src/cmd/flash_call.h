/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flash_call.h - what the parts of the command flash share
 */
#ifndef STMOTA_FLASH_CALL_H
#define STMOTA_FLASH_CALL_H

#include "cmd.h"

#include <stmota/bank_move.h>
#include <stmota/device.h>
#include <stmota/firmware.h>
#include <stmota/flash_job.h>
#include <stmota/image_cache.h>
#include <stmota/proof.h>
#include <stmota/slot.h>
#include <stmota/trial.h>

/*
 * What `update` says beside the options: it was signed elsewhere, nobody is there to be asked, and
 * what cannot be checked is refused.
 */
struct flash_order {
	const struct trust *trust; /* for releases; no other keys count */
	const char *name;          /* of the file, for people */
	bool restore;              /* a backup of ours is written back: no package */
	const uint8_t *sha256;     /* of the file */
	/* Is the package what was announced? */
	int (*check)(void *ctx, const struct package *p, struct err *e);
	void *ctx;
	const struct installed_now *known; /* what is remembered; stands above the configuration */
	const char *uid;                   /* of the board that was there before; NULL: not known */
	bool may_go_back; /* below version and counter: a signed plan names this device */
	uint32_t busy_ms; /* so long is waited for a port that somebody else still holds */
};

struct flash_call {
	struct command_env *env;
	struct device *device;
	struct firmware firmware;
	struct trust trust;
	struct state *state;
	bool has_slot, has_proof, has_bank;
	struct bank_move bank;
	struct slot slot;
	struct proof proof;
	struct segments placed;   /* the image at the addresses where it will be written */
	struct image_heads heads; /* likewise */
	struct span lose[32];
	size_t n_lose;
	bool dry_run;
	/* Why the file is none for memory; a device that takes files may take it all the same. */
	struct err no_image;
	struct file_cache cache;  /* max 0: none */
	struct installed_now now; /* what the device runs */
	const char *base;         /* where the old image of a delta was found; NULL: no delta */
	uint32_t by;              /* bytes from where the image is linked for to where it goes */
	char unchecked[80];
	const struct flash_order *order; /* NULL: the command line is all */
	/* How far it came, for those who give orders. */
	bool begun;      /* erased, written or sent something */
	bool written;    /* all of it is there */
	bool taken_back; /* and what was there before is back */
	char uid[25];
	struct package_verdict signers; /* their keys belong to the order */
};

/* ---- cmd_flash.c ---- */

/* The command, its options in call->env->opts. */
int flash_run_call(struct flash_call *call, struct err *e);
/* The section of the device; NULL: it has none. */
const char *flash_device_section(const struct flash_call *c);
/* What the [device] section says about what is installed. */
int flash_configured(const struct flash_call *c, struct installed_now *ret, struct err *e);
/* Reads and checks the file; as a whole, for a device that takes files. */
int flash_load(struct flash_call *c, bool for_updater, bool whole, struct err *e);

/* ---- flash_order.c ---- */

/*
 * As the command `flash` with the options of env->opts, for one device; describes how far it came
 * to env->out in any case.
 */
int flash_run_order(struct command_env *env, const struct flash_order *order, struct err *e);
/* What may replace it, by options and order. */
struct release_policy flash_policy(const struct flash_call *c);
/* Says to those without a person what is to be done where something is not known. */
int flash_check_known(const struct flash_call *c, int rc, struct err *e);
/* What was remembered stands above what the configuration says. */
void flash_overlay(struct installed_now *now, const struct installed_now *known);
/* ERR_IDENTITY if another board is there than the order was made for. */
int flash_check_board(const struct flash_call *c, struct err *e);

/* ---- flash_file.c ---- */

/* All of it, for a device that takes a file. */
int flash_file(struct flash_call *c, struct err *e);

/* ---- flash_place.c: whether it fits, and where it goes ---- */

/* The chip, and the programs in it; where several chips are possible it has to fit one of them. */
int flash_fit(struct flash_call *c, struct err *e);
/* Finds `by`, and the bank that does not run. */
int flash_locate(struct flash_call *c, struct err *e);
/* From the addresses it was linked for to those where it will be written. */
int flash_place(struct flash_call *c, struct err *e);

/* ---- flash_base.c: deltas, and what is remembered for the next one ---- */

/* Where images are kept, as the configuration says. */
int flash_open_cache(struct flash_call *c, struct err *e);
/* Makes the new images of a delta package: all that speaks against them was checked before. */
int flash_rebuild(struct flash_call *c, struct err *e);
/* Before the first erase: what could not be made again is put into the state file. */
int flash_keep(const struct flash_call *c, const struct flash_plan *plan, struct err *e);
/* After success. */
void flash_remember(const struct flash_call *c);

/* ---- flash_show.c ---- */

void flash_note(const struct flash_call *c, const char *text);
void flash_warn(const struct flash_call *c, const char *text);
void flash_note_plan(const struct flash_call *c, const struct flash_plan *plan);
void flash_note_numbers(const struct flash_call *c, const struct flash_plan *plan);
void flash_show_what(const struct flash_call *c);
void flash_show_totals(struct out *o, const struct flash_plan *plan);
void flash_show_steps(struct out *o, const struct flash_plan *plan);
void flash_show_result(const struct flash_call *c, const struct trial_result *r);

#endif
