/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link.h - how bytes get to a device: serial port, I2C bus, simulated board
 *
 * A link knows nothing of the protocol above it and never retries. Not for use by two threads.
 */
#ifndef STMOTA_LINK_H
#define STMOTA_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/clock.h>
#include <stmota/err.h>

#define LINK_HAS_LINES    1u /* BOOT0 and NRST can be driven */
#define LINK_FRAMED       2u /* one write or read is one transaction; else a byte stream */
#define LINK_CAN_SET_BAUD 4u

enum link_line { LINK_BOOT0, LINK_NRST };

struct link;

struct link_ops {
	const char *name;
	/*
	 * All or nothing; returns after the bytes left the host's buffer. ERR_LINK.
	 *
	 * LINK_FRAMED: one transaction, tried once. For write and read alike:
	 * ERR_TIMEOUT   nobody knows the address: nothing went over
	 * ERR_NACK      not acknowledged; the adapter does not tell address from data
	 * ERR_PROTOCOL  the transaction broke: clock held low for too long, bus lost
	 * ERR_NO_FIT    longer than the adapter takes: nothing went over, max_frame is lower now
	 */
	int (*write)(struct link *l, const void *buf, size_t len, struct err *e);
	/*
	 * Exactly `len` bytes. ERR_TIMEOUT after `timeout_ms` without a new byte, ERR_LINK if
	 * the port is gone, ERR_INTERRUPTED. On ERR_TIMEOUT the bytes that came are lost.
	 */
	int (*read)(struct link *l, void *buf, size_t len, uint32_t timeout_ms, struct err *e);
	/* Throws away what has arrived and what waits to be sent. */
	int (*flush)(struct link *l, struct err *e);
	/* NULL: no lines. level true = BOOT0 high / NRST released, whatever the wiring inverts. */
	int (*set_line)(struct link *l, enum link_line line, bool level, struct err *e);
	/* NULL: fixed speed. ERR_UNSUPPORTED if the port cannot do it; the old speed stays. */
	int (*set_baud)(struct link *l, uint32_t baud, struct err *e);
	/* NULL: none. The line is quiet again afterwards, also after a failure. */
	int (*send_break)(struct link *l, uint32_t ms, struct err *e);
	/* NULL: nothing to wait for. Returns after the last byte has left the adapter's buffer. */
	int (*drain)(struct link *l, struct err *e);
	/*
	 * NULL: no serial port. 8 bits with even parity or none, at `baud`: a bootloader and the
	 * application behind the same port speak differently. ERR_UNSUPPORTED, ERR_LINK.
	 */
	int (*set_frame)(struct link *l, uint32_t baud, bool even, struct err *e);
	/* Lines to their idle level, locks released, memory freed. Takes a half-opened link. */
	void (*close)(struct link *l);
};

struct link { /* first member of each kind of link */
	const struct link_ops *ops;
	unsigned caps;
	uint32_t baud;       /* 0 where it means nothing */
	uint32_t bus_hz;     /* clock of a bus, as far as it is known; 0 where it means nothing */
	uint32_t max_frame;  /* LINK_FRAMED: bytes of one transaction, 0: any number */
	uint32_t latency_ms; /* known delay of the adapter, added to every time-out */
	const struct clock *clock;
	char name[128]; /* "/dev/ttyUSB0", for messages */
};

static inline void link_close(struct link *l)
{
	if (l != NULL)
		l->ops->close(l);
}

#endif
