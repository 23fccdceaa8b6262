/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.h - what the loader must not forget, in flash
 *
 * Never in RAM: start-up code of an application clears it. Records of 96 bytes with a sequence number
 * and a CRC, appended to one region until it is full, then to the other one, which is erased for that.
 * The newest sound record counts, so a cut at any time leaves the state before or the one after. The
 * application links this file too: it confirms itself by a record.
 */
#ifndef BOOT_STATE_H
#define BOOT_STATE_H

#include <imf/imf_version.h>

#include "port.h"

#define STATE_RECORD 96u

enum image_mark {
	IMAGE_NONE = 0,  /* nothing, or in the middle of being written */
	IMAGE_NEW = 1,   /* authentic and whole, has never shown that it works */
	IMAGE_GOOD = 2,  /* has confirmed itself */
	IMAGE_FAILED = 3 /* was given its chances: the last thing to start */
};

/* Words only: a record is these, one behind the other. */
struct boot_image {
	uint32_t mark;       /* enum image_mark */
	uint32_t size, crc;  /* bytes; of them */
	uint32_t counter;    /* security counter */
	uint32_t version[2]; /* the 8 bytes of SPEC.md, section 7, as two words */
};

struct boot_state {
	uint32_t magic;
	uint32_t seq;     /* of the record; 0: there is none yet */
	uint32_t counter; /* highest security counter of an image that confirmed itself */
	uint32_t run;     /* slot of the image that last confirmed itself, or BOOT_NONE */
	uint32_t trial;   /* slot of the image on trial, or BOOT_NONE */
	uint32_t starts;  /* times that it was started */
	uint32_t asked;   /* the application wants an update to be received */
	uint32_t failed;  /* trials in a row that nobody confirmed */
	uint32_t pause;   /* boots to let pass before the source is read again */
	uint32_t refused; /* times in a row that the source's package did not work out */
	uint32_t tried;   /* CRC of the head of the package that was last taken from the source */
	struct boot_image image[BOOT_SLOTS];
};

struct imf_version state_version(const struct boot_image *i);
void state_put_version(struct boot_image *i, struct imf_version v);

/* The newest record. 0, or -1: there is none, *ret is a state that knows nothing. */
int state_load(const struct boot_port *p, struct boot_state *ret);

/* Appends s with the next sequence number. 0, or -1: the flash failed, the old state stands. */
int state_save(const struct boot_port *p, struct boot_state *s);

#endif
