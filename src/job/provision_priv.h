/* SPDX-License-Identifier: Apache-2.0 */
/*
 * provision_priv.h - what the two halves of provisioning share: the checks, and the deeds
 */
#ifndef STMOTA_JOB_PROVISION_PRIV_H
#define STMOTA_JOB_PROVISION_PRIV_H

#include <stmota/digest.h>
#include <stmota/provision.h>

struct provision_run {
	struct device *d;
	const struct provision_request *rq;
	struct provision_result *ret;
	struct segments image;      /* all parts */
	struct image_heads heads;   /* of all programs, ascending */
	struct span loader;         /* what --wrp-loader protects; len 0: not known yet */
	struct option_plan options; /* named options and write protection: one write */
};

/* ---- provision_check.c: pure but for reading option bytes ---- */

/* All parts as one image. ERR_NO_FIT if two of them claim the same bytes. */
int provision_join(struct provision_run *r, struct err *e);
/* All that can be said against it; fills r->ret->plan, and r->options. */
int provision_check(struct provision_run *r, struct err *e);
/* The rows of the plan, as far as they are known without the device. */
void provision_list_steps(struct provision_run *r);
/* Options and write protection, from what stands now. */
int provision_plan_options(struct provision_run *r, struct err *e);
/* Which parts are there already. */
void provision_note_units(struct provision_run *r, const struct flash_plan *plan);
/* False where write protection covers a part. */
bool provision_needs_writing(const struct provision_run *r);

#endif
