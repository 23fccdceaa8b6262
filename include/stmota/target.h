/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target.h - how a device's memory is read and written, whatever the protocol
 *
 * Nothing above asks which protocol it is: a member that may be NULL is asked for.
 */
#ifndef STMOTA_TARGET_H
#define STMOTA_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/chip.h>
#include <stmota/err.h>
#include <stmota/link.h>

/* Facts are read in pairs that must agree; so often before the device is not believed. */
#define TARGET_READ_PAIRS 3

#define TARGET_CANDIDATES_MAX 32

struct target_info {
	uint16_t pid;            /* read twice, both answers were equal; 0: not certain */
	const struct chip *chip; /* NULL: product ID not in the table */
	/* USB DFU tells no product ID: the chips that contradict nothing, `chip` is the first.
	   0: `pid` says it. */
	const struct chip *candidates[TARGET_CANDIDATES_MAX];
	size_t n_candidates;
	/* What two readings agreed on while the chip was found out; whoever takes it sets len 0. */
	struct {
		uint32_t addr, len;
		uint8_t data[96];
	} agreed;
	uint8_t protocol;      /* BCD: 0x31 = 3.1 */
	uint8_t boot_id;       /* bootloader id such as 0x91; 0 until somebody has read it */
	uint8_t commands[256]; /* 1 for each command code that the device lists */
	char transport[16];    /* "uart", "i2c", "dfu" */
};

enum target_protect {
	TARGET_WRITE_PROTECT,
	TARGET_WRITE_UNPROTECT,
	TARGET_READ_PROTECT,
	TARGET_READ_UNPROTECT
};

struct target;

struct target_ops {
	const char *name;
	/*
	 * Brings the device to a command boundary (sync, or lining up a broken session) and
	 * identifies it. ERR_TIMEOUT (nothing there), ERR_PROTOCOL, ERR_IDENTITY (two readings
	 * that disagree).
	 */
	int (*connect)(struct target *t, struct target_info *ret, struct err *e);
	/* Lines up again after a failure in mid-command: by reset where there is a line. */
	int (*recover)(struct target *t, struct err *e);
	/*
	 * Erases whole units, in the order given. Returns after the device says that it is done;
	 * that is no proof. The chip of connect() and the unit sizes give the time-outs.
	 */
	int (*erase)(struct target *t, const struct erase_unit *units, size_t n, struct err *e);
	/* NULL: not offered. Everything is lost. `flash_size` gives the time-out. */
	int (*mass_erase)(struct target *t, uint32_t flash_size, struct err *e);
	/* At most write_max bytes; addr and len multiples of the chip's write alignment. */
	int (*write)(struct target *t, uint32_t addr, const void *buf, uint32_t len, struct err *e);
	/* Any length; ERR_PROTECTED where the device refuses because of read-out protection. */
	int (*read)(struct target *t, uint32_t addr, void *buf, uint32_t len, struct err *e);
	/* NULL, or ERR_UNSUPPORTED where the device does not list it. STM32 CRC unit, words. */
	int (*checksum)(struct target *t, struct span range, uint32_t *ret, struct err *e);
	/*
	 * sectors, n: for TARGET_WRITE_PROTECT only, codes of the chip's WRP units. The device
	 * resets itself afterwards. TARGET_READ_UNPROTECT erases everything.
	 */
	int (*protect)(struct target *t, enum target_protect what, const uint8_t *sectors, size_t n,
		struct err *e);
	/* Starts the program whose vector table lies at `addr`. */
	int (*go)(struct target *t, uint32_t addr, struct err *e);
	/* NULL: no line. Resets the device into its application. */
	int (*reset)(struct target *t, struct err *e);
	/* Frees the target and closes its link. */
	void (*close)(struct target *t);
};

struct target { /* first member of each kind of target */
	const struct target_ops *ops;
	struct link *link;  /* owned */
	uint32_t write_max; /* bytes of one write(), set by connect() */
	/* One write() may go across the border of erase units; set by connect(). */
	bool writes_across_units;
	struct target_info info;
};

static inline void target_close(struct target *t)
{
	if (t != NULL)
		t->ops->close(t);
}

#endif
