/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flash_job.h - brings an image onto a device: check, survey, plan, execute, prove
 *
 * Nothing is erased before everything is checked. Whatever interrupts the job, the same call
 * again finishes it.
 */
#ifndef STMOTA_FLASH_JOB_H
#define STMOTA_FLASH_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/device.h>
#include <stmota/event.h>
#include <stmota/plan.h>
#include <stmota/segments.h>
#include <stmota/state.h>

/* Where the programs of an image begin. */
struct image_heads {
	uint32_t *base; /* owned, ascending */
	size_t n;
};

/*
 * Finds the vector tables of an image: the first segment must carry one, later ones may.
 *
 * ret_warn  as vectors_check(); may be NULL
 *
 * ERR_NO_FIT if the image cannot start on this chip, or does not lie in its flash.
 */
int image_find_heads(const struct segments *image, const struct chip *chip, struct image_heads *ret,
	char *ret_warn, size_t warn_size, struct err *e);
void image_heads_done(struct image_heads *h);
/* The same `by` bytes further up (modulo 2^32: down too), into an empty `ret`. ERR_NOMEM. */
int image_heads_shift(
	const struct image_heads *h, uint32_t by, struct image_heads *ret, struct err *e);

#define PREFLIGHT_BY_HAND  1u /* the user accepts that somebody must set BOOT0 after a cut */
#define PREFLIGHT_LIFT_WRP 2u /* write protection will be lifted and put back */

/*
 * All that can be said against writing `image` to this device, before anything is read from its
 * flash. Pure.
 *
 * accepts  PREFLIGHT_*
 *
 * ERR_PROTECTED (read-out or write protection), ERR_NO_FIT, ERR_UNSUPPORTED (a fact about this
 * chip that is needed is not confirmed, or its ROM has no erase), ERR_USAGE (--entry-by-hand).
 */
int preflight_check(const struct device_facts *facts, const struct segments *image,
	unsigned accepts, struct err *e);

/* The part of it that also matters where nothing will be written. */
int preflight_check_read(
	const struct device_facts *facts, const struct segments *image, struct err *e);

enum flash_after { AFTER_AUTO, AFTER_RESET, AFTER_GO, AFTER_NONE };

struct flash_request {
	const struct segments *image;
	const struct image_heads *heads; /* n 0: data, no program in it */
	bool entry_by_hand;
	/* Write protection in the way is lifted, and put back after the last attempt, however it
	 * ends; the state remembers what. */
	bool lift_wrp;
	bool dry_run; /* on_plan() will stop: a lift that an earlier run left is not put back */
	const struct span *lose;
	size_t n_lose;
	struct state *state; /* NULL: a plan that needs it is refused */
	const struct event_sink *events;
	/*
	 * Called with the first plan before anything is touched, NULL: never. 0: go on; a
	 * negative code with `e` filled stops; FLASH_STOP stops without a failure.
	 */
	int (*on_plan)(void *ctx, const struct flash_plan *plan, struct err *e);
	void *on_plan_ctx;
};

#define FLASH_STOP 1

struct flash_result {
	bool stopped;             /* on_plan() said so */
	bool begun;               /* something was erased or written */
	unsigned attempts;        /* 1: nothing had to be repeated */
	struct plan_totals first; /* of the first plan */
};

/*
 * Does it all. Broken conversations are taken up again a bounded number of times: line up,
 * identify, survey, plan anew.
 *
 * ERR_UNFINISHED: something was erased and the work is not complete; the same call goes on.
 * ERR_VERIFY: the device does not take the bytes. ERR_INTERRUPTED. Else as preflight_check() and
 * the link. `ret` is filled in any case.
 */
int flash_run(
	struct device *d, const struct flash_request *rq, struct flash_result *ret, struct err *e);

/*
 * Compares only; `ret_first` is the address of the first unit that differs.
 * 0 if the device holds the image, ERR_VERIFY if not.
 */
int flash_verify(struct device *d, const struct segments *image, const struct event_sink *events,
	struct err *e);

/*
 * Starts the program at `base`. A failure after a verified write is the caller's to soften.
 * AFTER_AUTO: reset by line if there is one, else Go; Go too where a reset would end in the ROM
 * (facts.empty_latched).
 */
int flash_start(struct device *d, enum flash_after after, uint32_t base, struct err *e);

#endif
