/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port.h - what a board brings: regions, a serial line, a watchdog, a way to start a program
 *
 * One struct, filled by port/NAME/. Everything else of the loader is the same on all boards and in the
 * tests on the host.
 */
#ifndef BOOT_PORT_H
#define BOOT_PORT_H

#include <stddef.h>
#include <stdint.h>

#include "flash.h"

#define BOOT_SLOTS 2u
#define BOOT_NONE  0xFFu /* no slot */

struct boot_port {
	void *ctx; /* of the port */
	/* Two regions of one unit each, better in different banks: the records of state.h. */
	struct flash state[2];
	/* Images arrive here and stay here. Without `run` they also run here: linked for slot[].addr. */
	struct flash slot[BOOT_SLOTS];
	/*
	 * NULL, or the place where all images run: for parts without VTOR, or with slots in memory that
	 * the processor does not execute from. What runs is a copy of a slot. Not larger than a slot.
	 */
	const struct flash *run;
	/*
	 * Bytes of `run`, a multiple of its unit, that hold the boot code itself and come with the
	 * application (self-replicating). 0: the loader lies elsewhere.
	 */
	uint32_t own;
	/*
	 * Puts the first `len` bytes of `from` there, the vector table last, and resets: what called it
	 * is gone. Runs in RAM. NULL: they cannot be replaced.
	 */
	void (*replace_own)(const struct boot_port *p, const struct flash *from, uint32_t len);

	uint32_t ram_addr, ram_size; /* where initial stack pointers may lie */

	/* A byte of the serial line, or -1 after so many milliseconds. Kicks the watchdog. */
	int (*get)(const struct boot_port *p, uint32_t ms);
	void (*put)(const struct boot_port *p, uint8_t byte);
	/* From now on the board resets if nobody kicks; a program on trial is started behind this. */
	void (*guard)(const struct boot_port *p);
	/* Starts the program with this vector table. Comes back only if it cannot. */
	void (*start)(const struct boot_port *p, uint32_t vectors);
	/*
	 * NULL, or for parts where an option bit selects the bank: makes slot `slot` the one that runs,
	 * by a reset if it does not. 0 if it is the one; something else if it cannot be made so.
	 */
	int (*select)(const struct boot_port *p, uint32_t slot);
	void (*reset)(const struct boot_port *p); /* does not come back */
	/*
	 * NULL, or a package that lies somewhere by itself: a file on a card. Bytes at `at`; *ret_len
	 * may be less than wanted, 0 at the end. Not 0: there is no file.
	 */
	int (*source)(const struct boot_port *p, uint32_t at, uint8_t *ret, uint32_t len,
		uint32_t *ret_len);
};

#endif
