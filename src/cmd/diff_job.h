/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff_job.h - one delta package from two files; `diff` makes one, `diff --from` one for each release
 */
#ifndef STMOTA_DIFF_JOB_H
#define STMOTA_DIFF_JOB_H

#include "cmd.h"
#include "delta_files.h"

struct diff_settings {
	uint32_t ram;                  /* of the decoder */
	const char *product;           /* where NEW is no package; NULL: none was named */
	const char *version;           /* likewise; NULL: that of its own record */
	const struct opts *in_place;   /* they tell the erase units; NULL: from slot to slot */
	bool compare;                  /* in place: tell the size from slot to slot too */
	uint32_t chunk_size;           /* 0: one piece */
	const struct command_env *env; /* its options tell the keys to encrypt with */
};

struct diff_job {
	const struct delta_file *old, *new; /* borrowed */
	struct buf payload, package;        /* the package is not signed yet */
	struct delta_stats stats;
	struct imf_groups groups; /* in place */
	size_t two_slots;         /* in place, to compare: bytes from slot to slot */
	struct package_delta delta;
	struct package_item item;
	struct package_spec spec;
};

/* As the options of the command say. */
struct diff_settings diff_settings_of(const struct command_env *env);

/*
 * Makes the package. What it says about itself comes from NEW where that is one; a plain image is
 * packed as the settings and its own record say. Encrypted for devices, each has a key of its own:
 * two under one key would betray each other. ERR_USAGE, ERR_UNSUPPORTED; release with
 * diff_job_done() in any case.
 */
int diff_job_make(struct diff_job *d, const struct diff_settings *s, struct err *e);
void diff_job_done(struct diff_job *d);

/* ---- diff_from.c ---- */

/* `diff --from DIR NEW --out-dir DIR`: a delta from each release in a folder. */
int diff_from(const struct command_env *env, struct err *e);

#endif
