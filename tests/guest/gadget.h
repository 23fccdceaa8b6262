/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gadget.h - virtual boards as USB devices of a real kernel: vhci_hcd, USB/IP on a socket pair
 *
 * The kernel's own drivers sit in front of the boards, so that tests see the tty layer, usbfs,
 * i2c-dev and gpiochip as they are. The boards' time is modelled, never the machine's: a slow
 * virtual machine runs into no time-out of theirs.
 */
#ifndef STMOTA_GUEST_GADGET_H
#define STMOTA_GUEST_GADGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../src/sim/sim.h"

#define GADGET_HOLD (-1000) /* there is no answer */

struct gadget;

struct gadget_ops {
	/* Bytes moved, -errno, or GADGET_HOLD. `data` has room for wLength bytes. */
	int (*control)(struct gadget *g, const uint8_t setup[8], uint8_t *data);
	/* NULL: no bulk endpoints. */
	void (*bulk_out)(struct gadget *g, const uint8_t *data, size_t len);
	/* 0: nothing to send yet. */
	size_t (*bulk_in)(struct gadget *g, uint8_t *ret, size_t max);
	/* Is it on the bus, and the same device as before? NULL: always. */
	bool (*present)(struct gadget *g, bool *ret_changed);
};

#define GADGET_HELD 16

struct gadget {
	const struct gadget_ops *ops;
	void *ctx;
	struct sim_board *board;
	uint64_t *us; /* the board's time, shared by all its gadgets */
	unsigned port;
	int fd; /* -1: not attached */
	struct {
		uint32_t seq, len;
		bool bulk;
	} held[GADGET_HELD];
	size_t n_held;
};

/* usbip.c: 0 or -errno. */
int gadget_attach(struct gadget *g);
void gadget_detach(struct gadget *g);
/* One request from the kernel, fd is readable. -errno where the connection is gone. */
int gadget_serve(struct gadget *g);
/* Answers held bulk transfers for which there is data now. */
void gadget_push(struct gadget *g);

/* GET_DESCRIPTOR and the like for gadgets that have no device model of their own. */
int gadget_standard(const uint8_t setup[8], uint8_t *data, const uint8_t *device, size_t device_len,
	const uint8_t *configuration, size_t configuration_len, const char *serial);

/* gadget_dfu.c, gadget_i2c.c, gadget_uart.c: false if the chip has no such interface. */
bool gadget_dfu(struct gadget *g);
bool gadget_i2c(struct gadget *g);
/* lines: DTR is wired to NRST and RTS to BOOT0, asserted is low. GPIO.0 is BOOT0, GPIO.1 is NRST. */
bool gadget_uart(struct gadget *g, bool lines);

#endif
