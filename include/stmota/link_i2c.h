/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_i2c.h - an address on an I2C bus as a link (Linux i2c-dev)
 */
#ifndef STMOTA_LINK_I2C_H
#define STMOTA_LINK_I2C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/err.h>
#include <stmota/link.h>

#define I2C_ADDR_MIN 0x08
#define I2C_ADDR_MAX 0x7F /* WBA2x has 0x78, in a range that many tools leave out */

struct i2c_config {
	const char *path;   /* "/dev/i2c-1", or a link to it */
	uint8_t addr;       /* 7 bit */
	uint32_t max_frame; /* bytes of one message; 0: find out what the adapter takes */
};

/*
 * Opens the bus and locks this address of it; other addresses stay free for others. Nothing is
 * sent to the address. How long a message may be is tried out on one that nobody has.
 *
 * ret  release with link_close()
 *
 * ERR_LINK (missing, no permission), ERR_BUSY (a driver of the kernel has the address, or another
 * program: the message names it), ERR_UNSUPPORTED (the adapter speaks SMBus only).
 */
int link_i2c_open(const struct i2c_config *cfg, struct link **ret, struct err *e);

/* What a careful look at an address shows. */
enum i2c_presence {
	I2C_NOBODY,    /* not acknowledged */
	I2C_OTHER,     /* something that answers a read at once: no bootloader */
	I2C_CANDIDATE, /* holds the clock: a bootloader does, for its command must come first */
};

/*
 * Looks whether a bootloader could be there, without writing: one byte is read. What else lives on
 * the bus answers that, and a write could change it. A bootloader resets itself afterwards, so
 * that the bus may be blocked for a second or two.
 */
int link_i2c_look(struct link *l, enum i2c_presence *ret, struct err *e);

struct i2c_bus {
	char path[32]; /* "/dev/i2c-1" */
	char name[64]; /* "bcm2835 (i2c@7e804000)"; "" if not known */
};

/* The buses of this machine, without touching them. `ret` is the caller's, free(). ERR_NOMEM. */
int i2c_buses_list(struct i2c_bus **ret, size_t *ret_n, struct err *e);

#endif
