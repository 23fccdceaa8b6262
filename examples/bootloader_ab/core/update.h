/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update.h - a package goes into the slot that does not run, and is put on trial
 *
 * Bytes come from anywhere, in pieces of any size. The signed manifest is at their beginning: product,
 * hardware, version, counter and address are checked before anything is erased, and the slot that runs
 * is never touched.
 */
#ifndef BOOT_UPDATE_H
#define BOOT_UPDATE_H

#include "state.h"

/* Why a package is refused, besides what enum imf_error says. */
enum update_error {
	UPDATE_TRIAL = -100,   /* what runs has not confirmed itself: there would be no way back */
	UPDATE_FLASH = -101,   /* the flash failed */
	UPDATE_VECTORS = -102, /* the image has no vector table that could be started */
	UPDATE_OWN = -103      /* it brings other boot code than what is there (self-replicating) */
};

/*
 * `s` is the device's state, which changes. `running` is the slot whose program calls this, or
 * BOOT_NONE for a loader. 0 or an error.
 */
int update_begin(const struct boot_port *p, struct boot_state *s, uint32_t running);

/* Bytes behind the end of the package (padding of a transfer) are passed over. 0 or an error. */
int update_feed(const uint8_t *data, uint32_t len);

/* 0: the new image is whole and on trial from the next boot on. */
int update_end(void);

/* The slot it went to. */
uint32_t update_slot(void);

/* A word for an error. */
const char *update_text(int error);

#endif
