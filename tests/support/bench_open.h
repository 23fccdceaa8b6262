/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_open.h - a virtual board in the same process as an opened device, over UART, I2C or USB
 *
 * As the commands open one: connect, identify, gather the facts; a broken conversation is taken up
 * again where the commands do so.
 */
#ifndef STMOTA_TESTS_BENCH_OPEN_H
#define STMOTA_TESTS_BENCH_OPEN_H

#include <stdbool.h>
#include <stdint.h>

#include <stmota/device.h>

#include "../../src/sim/sim.h"
#include "../../src/sim/sim_usb.h"

struct bench_wire {
	struct sim_board *board; /* not owned; must outlive the device */
	struct sim_usb *usb;     /* over USB; NULL: over I2C or UART */
	uint64_t *now_us;        /* of the USB host, goes on from device to device */
	bool i2c;
	bool lines;    /* BOOT0 and NRST can be driven */
	uint16_t hint; /* over USB: the product ID that the firmware is for */
};

/*
 * Fills an all-zero device. On failure too what it holds is released by target_close(d->target).
 * Ends the program when memory runs out.
 */
int bench_open(const struct bench_wire *w, struct device *d, struct err *e);

#endif
