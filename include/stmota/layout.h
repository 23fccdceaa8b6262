/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout.h - from a chip and wishes to a partition table of its flash
 *
 * A pure function: everything it decides from stands in the request. All areas are whole erase
 * units, programs begin where the vector table may lie, and the areas in internal flash add up to
 * the flash of the part.
 */
#ifndef STMOTA_LAYOUT_H
#define STMOTA_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/chip.h>
#include <stmota/err.h>

enum layout_scheme {
	LAYOUT_AUTO,    /* staging with external flash or without VTOR, else slots */
	LAYOUT_SLOTS,   /* the program runs from whichever slot holds it */
	LAYOUT_STAGING, /* it runs from slot 1; the bootloader copies it there from a staging area */
	LAYOUT_SWAP,    /* the bootloader swaps two slots by copying, with a scratch area */
	LAYOUT_SELF,    /* no bootloader: the application replaces itself */
};

#define LAYOUT_SLOTS_MAX 8u
#define LAYOUT_AREAS_MAX 40u
#define LAYOUT_NOTES_MAX 8u

struct layout_request {
	const struct geometry *part;
	enum layout_scheme scheme;
	uint32_t app;        /* bytes that the application has, > 0 */
	uint32_t bootloader; /* bytes; 0 for LAYOUT_SELF, > 0 else */
	unsigned slots;      /* with staging areas counted; 0: two */
	uint32_t slot_size;  /* bytes that each slot must offer; 0: as many as possible */
	uint32_t external;   /* bytes of external flash, 0: none */
};

enum layout_kind {
	LAYOUT_BOOTLOADER,
	LAYOUT_BOOTLOADER_COPY, /* the same in bank 2, where the chip may start after a bank swap */
	LAYOUT_SLOT,
	LAYOUT_STAGING_AREA,
	LAYOUT_SCRATCH,
	LAYOUT_FREE,
};

struct layout_area {
	enum layout_kind kind;
	unsigned number; /* of slots and staging areas, 1.. over both; else 0 */
	bool external;   /* then `addr` counts from the start of external flash */
	uint32_t addr;
	uint32_t size;   /* bytes, whole erase units */
	uint32_t usable; /* bytes for an image: the same for all slots; 0 for other areas */
	uint32_t link;   /* address that a program in it is linked for; 0: none runs there */
};

struct layout {
	enum layout_scheme scheme;                 /* never LAYOUT_AUTO */
	struct layout_area area[LAYOUT_AREAS_MAX]; /* internal by address, then external */
	size_t n;
	uint32_t slot_size; /* usable bytes of every slot */
	uint32_t room;      /* slot_size less the application */
	uint32_t align;     /* what the start of a program must be a multiple of; 0: no VTOR */
	bool by_banks;      /* one slot in each bank, at the same place in it */
	char note[LAYOUT_NOTES_MAX][240]; /* what to know about it, and advice */
	size_t n_notes;
};

/*
 * Makes the partition table.
 *
 * ret  on failure only its notes mean something: what was tried, and advice
 *
 * ERR_USAGE where the request contradicts itself, ERR_NO_FIT where it cannot be met: the message
 * says why and what would be the most, the hint what else can be done.
 */
int layout_make(const struct layout_request *r, struct layout *ret, struct err *e);

/* "slots", "bootloader copy"; static. */
const char *layout_scheme_name(enum layout_scheme s);
const char *layout_kind_name(enum layout_kind k);

#endif
