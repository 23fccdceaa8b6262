/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rom.h - the ROM bootloader as a target, over UART (AN3155) and I2C (AN4221)
 *
 * The driver knows exchanges, not ports and buses: each packet of the host is one write of the
 * link, each status byte one read. It never retries a command (the sync excepted): after a time-out or
 * nonsense the caller calls recover(), and until then every command fails without sending a byte.
 */
#ifndef STMOTA_ROM_H
#define STMOTA_ROM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/entry.h>
#include <stmota/err.h>
#include <stmota/event.h>
#include <stmota/link.h>
#include <stmota/target.h>

struct rom_options {
	struct entry entry; /* how the device is reset, if at all */
	const struct chip *assume; /* for a product ID that is not in the table; NULL: none */
	bool fixed_baud;    /* do not fall back to lower rates after resets */
	bool no_resync;     /* connect() tries the sync byte only */
	uint32_t resync_ms; /* how long a broken session is lined up; 0: as long as the longest
				packet takes, 18 s at 115200 baud */
	const struct event_sink *events; /* notes while somebody waits; may be NULL */
};

#define ROM_OPTIONS_INIT ((struct rom_options){.entry = ENTRY_INIT})

/*
 * A target over `link`, which belongs to the target from then on, on failure too.
 * Nothing is sent before connect(). ERR_NOMEM.
 */
int rom_target_new(
	struct link *link, const struct rom_options *opt, struct target **ret, struct err *e);

/*
 * Erases one bank (1 or 2) of `bank_size` bytes. ERR_UNSUPPORTED where the device has no
 * extended erase; ERR_NACK where it has one bank only.
 */
int rom_erase_bank(struct target *t, unsigned bank, uint32_t bank_size, struct err *e);

#define ROM_SPECIAL_MAX          128  /* bytes to and from Special */
#define ROM_EXTENDED_SPECIAL_MAX 1024 /* bytes of the second packet of Extended Special */

/*
 * data_len, status_len: over I2C a reply must be read with its exact length, so the caller says
 * how many bytes the opcode is known to answer; over UART what stands there does not matter.
 * Afterwards: what came.
 */
struct rom_special_reply {
	uint8_t data[ROM_SPECIAL_MAX];
	size_t data_len;
	uint8_t status[ROM_SPECIAL_MAX];
	size_t status_len;
};

/* Special (0x50). ERR_UNSUPPORTED if the device does not list it; ERR_NACK: unknown opcode. */
int rom_special(struct target *t, uint16_t opcode, const void *data, size_t len,
	struct rom_special_reply *ret, struct err *e);

/* Extended Special (0x51): a second packet goes to the device, only a status comes back. */
int rom_extended_special(struct target *t, uint16_t opcode, const void *data, size_t len,
	const void *more, size_t more_len, struct rom_special_reply *ret, struct err *e);

enum rom_answer {
	ROM_SILENT,
	ROM_STRANGE, /* something else than a ROM, or one that has measured a wrong speed */
	ROM_FRESH,   /* just started: this was its sync byte */
	ROM_SYNCED,  /* had its sync byte before */
};

/* Sends the sync byte, twice where nothing answers, and tells what does. For serial links. */
int rom_listen(struct link *l, enum rom_answer *ret, struct err *e);

#endif
