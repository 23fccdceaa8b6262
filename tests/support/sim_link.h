/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_link.h - a struct link to a virtual board in the same process, with a clock of its own
 *
 * No time passes but the modelled one: writing takes as long as the wire needs, reading advances
 * the clock to the moment the byte arrives or by the time-out.
 */
#ifndef STMOTA_TESTS_SIM_LINK_H
#define STMOTA_TESTS_SIM_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include <stmota/link.h>

#include "../../src/sim/sim.h"

struct sim_link_config {
	uint32_t baud;       /* 0: 115200 */
	uint32_t latency_ms; /* of the adapter, added to each answer */
	bool lines;          /* BOOT0 and NRST can be driven */
	bool boot0_low;      /* and at first BOOT0 is: a board whose program is wanted */
};

/*
 * b    not owned; must live until the link is closed
 * cfg  NULL: 115200 baud, no latency, no lines
 *
 * Several links to one board may follow each other: the clock goes on where the board is.
 * Returns the link, released by link_close(), or NULL without memory.
 */
struct link *sim_link_new(struct sim_board *b, const struct sim_link_config *cfg);

/* The modelled time in microseconds; link->clock gives the same in milliseconds. */
uint64_t sim_link_now_us(const struct link *l);

/* Lets time pass. */
void sim_link_wait_us(struct link *l, uint64_t us);

#endif
