/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_i2c_link.h - a virtual board on a bus as a struct link, in the same process
 *
 * One write or read is one transaction. No time passes but the modelled one.
 */
#ifndef STMOTA_TESTS_SIM_I2C_LINK_H
#define STMOTA_TESTS_SIM_I2C_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include <stmota/link.h>

#include "../../src/sim/sim.h"

/*
 * b      not owned; must live until the link is closed
 * addr   7 bit, 0: where the board's bootloader is
 * lines  BOOT0 and NRST can be driven
 *
 * Several links to one board may follow each other. NULL without memory.
 */
struct link *sim_i2c_link_new(struct sim_board *b, uint8_t addr, bool lines);

/* The modelled time in microseconds. */
uint64_t sim_i2c_link_now_us(const struct link *l);

#endif
