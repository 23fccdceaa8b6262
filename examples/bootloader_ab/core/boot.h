/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boot.h - which image runs, and bringing it to where it runs
 *
 * The choice is a pure function of the records and of which slots are sound; that is why every case of
 * it can be tested. There is no state from which nothing is tried any more.
 */
#ifndef BOOT_BOOT_H
#define BOOT_BOOT_H

#include "state.h"

/* Starts that an image on trial gets to confirm itself. */
#ifndef BOOT_TRIES
#define BOOT_TRIES 3u
#endif

enum boot_news {
	NEWS_NONE,
	NEWS_TRIAL,      /* starts on trial */
	NEWS_BACK,       /* a trial failed, the image before it runs again */
	NEWS_LAST_RESORT /* nothing confirmed is sound: something that failed before is tried again */
};

/*
 * Takes over what was programmed without this loader: gives a device without records its first one.
 * Without a program that looks like one, nothing is there and stays so. 0, or -1: the flash failed.
 */
int boot_adopt(const struct boot_port *p, struct boot_state *s);

/* A vector table that can be started lies at the beginning, and the bytes are those of the record. */
bool boot_sound(const struct boot_port *p, const struct boot_state *s, uint32_t slot);

/* Looks at the first two vectors of `f`, of a program that runs at `addr`. */
bool boot_vectors(const struct boot_port *p, const struct flash *f, uint32_t addr, uint32_t size);

/*
 * The slot to start, or BOOT_NONE: none is sound. Changes s; if it did, the state must be saved before
 * the start.
 */
uint32_t boot_choose(struct boot_state *s, const bool sound[BOOT_SLOTS], enum boot_news *news);

/* Where images of `slot` run: what they must be linked for. */
uint32_t boot_address(const struct boot_port *p, uint32_t slot);

/*
 * Copies the image to where it runs, if it does not lie there. Can be cut at any time and called
 * again: only units that differ are written. The first one comes last.
 */
int boot_install(const struct boot_port *p, const struct boot_state *s, uint32_t slot);

/* The slot that the next image goes to. */
uint32_t boot_free_slot(const struct boot_state *s);

#endif
