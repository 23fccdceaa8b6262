/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slot.h - a part of flash with a name, as the configuration declares it
 *
 * A slot is a promise about what lies around it: an image that goes into one never touches
 * another. So it has whole erase units, and what does not fit is refused.
 */
#ifndef STMOTA_SLOT_H
#define STMOTA_SLOT_H

#include <stdint.h>

#include <stmota/chip.h>
#include <stmota/config.h>
#include <stmota/err.h>
#include <stmota/segments.h>

enum slot_purpose {
	SLOT_APPLICATION, /* its program runs from there */
	SLOT_STAGING,     /* its program runs elsewhere: a boot loader brings it to `link` */
	SLOT_DATA,        /* no program */
};

struct slot {
	const char *name;   /* borrowed */
	const char *origin; /* where it is declared, borrowed: "FILE:LINE" */
	struct span at;
	uint32_t link; /* where the program's vector table lies when it runs */
	enum slot_purpose purpose;
	const struct chip *chip; /* NULL: not said */
};

/*
 * Reads [slot NAME]. ERR_USAGE if there is none of that name (the hint lists those there are),
 * ERR_CONFIG if it says too little or contradicts itself.
 *
 * ret  borrows from `config` and `name`
 */
int slot_find(const struct config *config, const char *name, struct slot *ret, struct err *e);

/*
 * Is it a part of this chip: within its flash, whole erase units, apart from all other slots of
 * the configuration that are for the same chip? ERR_CONFIG, ERR_IDENTITY (another chip).
 */
int slot_check_part(
	const struct slot *s, const struct config *config, const struct geometry *g, struct err *e);

/*
 * Brings an image to where the slot wants it: `image` has the addresses it was linked for, `ret`
 * those it will be written to. The vector table was judged before.
 *
 * head  of the program's vector table; ignored for SLOT_DATA
 *
 * ERR_NO_FIT if it is linked for another place or reaches out of the slot. ERR_NOMEM.
 */
int slot_place(const struct slot *s, const struct segments *image, uint32_t head,
	struct segments *ret, struct err *e);

const char *slot_purpose_name(enum slot_purpose p);

#endif
