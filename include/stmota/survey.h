/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survey.h - what a device holds now, against what it shall hold
 *
 * Reads only. The result, erase unit by erase unit, is all that planning needs.
 */
#ifndef STMOTA_SURVEY_H
#define STMOTA_SURVEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/chip.h>
#include <stmota/event.h>
#include <stmota/segments.h>
#include <stmota/state.h>
#include <stmota/target.h>

/* What a byte of a unit is. */
enum survey_byte {
	BYTE_FREE =
		0,  /* nothing is asked of it: becomes the erased value if the unit is rewritten */
	BYTE_IMAGE, /* the image says what it shall be */
	BYTE_KEPT,  /* held something outside the image; survives */
};

struct survey_unit {
	struct erase_unit unit;
	bool equal;    /* all bytes that are asked for are there */
	bool suspect;  /* an operation on it was cut short: not trusted even if it reads equal */
	bool rewrite;  /* will be erased and written */
	bool is_head;  /* holds the vector table of a program */
	uint32_t kept; /* bytes of BYTE_KEPT */
	uint8_t *want; /* unit.size bytes */
	uint8_t *what; /* unit.size times enum survey_byte */
};

struct survey {
	const struct geometry *geometry;
	struct survey_unit *units; /* in address order, only those that the image touches */
	size_t n;
	uint8_t *bytes; /* all of `want`, then all of `what`, unit after unit */
	const uint32_t
		*heads; /* borrowed: base addresses of the programs in the image, ascending */
	size_t n_heads;
};

#define SURVEY_INIT ((struct survey){0})

struct survey_request {
	struct target *target;
	const struct geometry *geometry;
	const struct segments *image;
	const uint32_t *heads; /* where a vector table lies; ascending */
	size_t n_heads;
	const struct saved_units
		*saved;          /* from an interrupted run: outranks the device; NULL: none */
	const struct span *lose; /* bytes outside the image that need not survive */
	size_t n_lose;
	const struct span *suspects;
	size_t n_suspects;
	bool compare_all; /* compare every unit, also where samples say that all is new */
	bool read_only;   /* nothing will be rewritten: do not read bytes to be kept */
	const struct event_sink *events;
};

/*
 * Compares the device with the image and reads the bytes to be kept (twice; they must agree).
 *
 * A unit is compared from a few bytes on and left at the first difference. If none of eight
 * samples spread over the image agrees, all units count as different without further reading.
 *
 * The image lies within the flash of this part. ERR_PROTECTED, ERR_INTERRUPTED, link errors.
 */
int survey_make(const struct survey_request *rq, struct survey *ret, struct err *e);

/*
 * Gives `want` and `what` of all units their room, zeroed; `units` and `n` are set. For survey_make()
 * and tests. ERR_NOMEM.
 */
int survey_make_room(struct survey *s, struct err *e);

/* How many units are to be rewritten. */
size_t survey_n_rewrite(const struct survey *s);

void survey_done(struct survey *s);

#endif
