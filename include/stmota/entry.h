/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry.h - how a board is brought into its ROM bootloader and out of it again
 *
 * A recipe is apart from the link that carries the data: BOOT0 and NRST on the modem lines of a
 * serial adapter or on GPIO lines, a command of the user's, or the running application, which is
 * asked by a break or by bytes on its serial port. Without a recipe a person does it.
 */
#ifndef STMOTA_ENTRY_H
#define STMOTA_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/chip.h>
#include <stmota/config.h>
#include <stmota/err.h>
#include <stmota/link.h>

enum entry_wire { ENTRY_WIRE_NONE, ENTRY_WIRE_DTR, ENTRY_WIRE_RTS, ENTRY_WIRE_GPIO };

/*
 * Straight: the pin of the board follows the TTL output of the adapter, so an asserted modem line
 * is low; and it follows the GPIO line. Inverted ("!"): a transistor between them.
 */
struct entry_pin {
	enum entry_wire wire;
	bool inverted;
	char gpio[64]; /* "gpiochip0/17"; see gpio_lines.h */
};

enum entry_way {
	ENTRY_BY_LINES,
	ENTRY_BY_COMMAND, /* the user's own programs */
	ENTRY_BY_BREAK,   /* the running application sees a long break */
	ENTRY_BY_SEND,    /* the running application gets some bytes */
};

enum entry_parity { ENTRY_PARITY_NONE, ENTRY_PARITY_EVEN, ENTRY_PARITY_ODD };

struct entry_held; /* GPIO lines and the port of modem lines, while a device is open */

struct entry {
	struct entry_pin boot0, nrst;
	bool use_lines;     /* false: --before none; the device is taken as it is */
	uint32_t reset_ms;  /* NRST low */
	uint32_t settle_ms; /* between opening the port or changing BOOT0, and the reset */
	uint32_t boot_ms;   /* from the end of the reset until the ROM listens */

	enum entry_way way;
	char recipe[64]; /* name of its section, "" if it has none */
	char port[108];  /* serial port of modem lines, break and bytes; "": the device's own */

	char enter[192], leave[192], idle[192]; /* commands; "": none */
	uint32_t command_s;                     /* time limit of each */
	bool needs_application;                 /* `enter` works only while the application runs */

	uint32_t break_ms;
	uint8_t send[64];
	size_t send_len;
	uint32_t send_baud;
	enum entry_parity send_parity;

	struct entry_held *held; /* shared by all copies; entry_hold() */
};

/* AN2606: most ROMs are ready after 100 ms; circuits with capacitors want 50 ms and more. */
#define ENTRY_INIT                                                                                 \
	((struct entry){.use_lines = true,                                                         \
		.reset_ms = 50,                                                                    \
		.settle_ms = 50,                                                                   \
		.boot_ms = 100,                                                                    \
		.command_s = 10,                                                                   \
		.break_ms = 250,                                                                   \
		.send_baud = 115200})

/* How the ROM is reached again when power or the connection fails while flash is half written. */
enum entry_reach {
	REACH_LINES,       /* BOOT0 and NRST are driven from here */
	REACH_COMMAND,     /* the recipe's command does it, and needs no application for it */
	REACH_EMPTY_CHECK, /* the chip starts its ROM by itself while the first word is blank */
	REACH_BY_HAND,     /* somebody sets BOOT0 and resets the board */
	REACH_APPLICATION, /* only the application can do it: the one that is being erased */
};

/*
 * One pin as people write it: "dtr", "rts", "!dtr", "gpio:gpiochip0/17", "!gpio:gpiochip0/NRST",
 * "gpio:BOOT0", "none". ERR_USAGE.
 */
int entry_pin_parse(const char *text, struct entry_pin *ret, struct err *e);
/* The same, the other way round; at most 80 bytes. */
void entry_pin_format(const struct entry_pin *pin, char *ret, size_t size);

/*
 * Applies the text of --before to `en`, which holds what URL and configuration said:
 *
 *   none     do not touch any line
 *   lines    use the wiring that is known already; ERR_USAGE if there is none
 *   dtr-rts  NRST on DTR, BOOT0 on RTS; each may be inverted: "!dtr-rts", "dtr-!rts"
 *   rts-dtr  NRST on RTS, BOOT0 on DTR
 *   NAME     the recipe of section [entry NAME]; pins that `en` names already stay
 *
 * config  may be NULL: then there are no names
 *
 * ERR_USAGE; ERR_CONFIG with file and line for a section that is wrong.
 */
int entry_parse(const char *recipe, const struct config *config, struct entry *en, struct err *e);

/* Reads [entry NAME] alone, for listing and checking. ERR_CONFIG. */
int entry_from_section(
	const struct config *config, const char *name, struct entry *ret, struct err *e);

/* "NRST on dtr, BOOT0 on rts", "command: ...", "sends 5 bytes at 9600 8N1 to the application" */
void entry_describe(const struct entry *en, char *ret, size_t size);

/* True if the ROM can be started without help and without the application, at any time. */
bool entry_can_enter(const struct entry *en);
/* True if the device can be reset into its application: NRST wired, or a command that leaves. */
bool entry_can_reset(const struct entry *en);
/* True if the running application is asked (break, bytes, a command that needs it). */
bool entry_asks_application(const struct entry *en);
/* True if BOOT0 or NRST is wired to modem lines of the port that carries the data. */
bool entry_uses_modem_lines(const struct entry *en);

/* Which way back into the ROM there is for this wiring and chip; `chip` may be NULL (unknown). */
enum entry_reach entry_reach(const struct entry *en, const struct chip *chip);

/* "by BOOT0 line", "by the empty check at power-up", "by hand", "by the application"; static. */
const char *entry_reach_text(enum entry_reach reach);

/* ---- entry_run.c ---- */

/*
 * Takes the GPIO lines and the port that the recipe names for its lines, and brings them to idle:
 * NRST released, BOOT0 low. Before the data link is opened; nothing to do for other recipes, and
 * when they are held already. ERR_LINK, ERR_BUSY.
 */
int entry_hold(struct entry *en, struct err *e);

/*
 * Idle levels once more (or the `idle` command, if the recipe was used), then everything is given
 * back. Also after failures and signals. Takes one that holds nothing.
 */
void entry_release(struct entry *en);

/*
 * Brings the device into its ROM: BOOT0 high where it is wired, a pulse on NRST, or the command;
 * waits until the ROM listens; flushes `l`. The device has started anew afterwards.
 *
 * l  the data link; NULL where there is none yet (USB)
 *
 * ERR_UNSUPPORTED if NRST is not wired and there is no command; ERR_LINK.
 */
int entry_enter(struct link *l, const struct entry *en, struct err *e);

/* BOOT0 low, pulse on NRST, or the command: the application starts. As entry_enter(). */
int entry_leave(struct link *l, const struct entry *en, struct err *e);

/*
 * Asks the running application for the ROM, on the recipe's port or on `path`, which must not be
 * open; waits boot_ms. ERR_LINK, ERR_UNSUPPORTED (the port has no break).
 */
int entry_ask(const struct entry *en, const char *path, struct err *e);

/* ---- entry_command.c ---- */

/*
 * Runs a command line by /bin/sh, with STMOTA_ENTRY (`step`) and STMOTA_PORT in its environment.
 * ERR_LINK: it failed, or ran for more than `limit_s`; its last line of output is in the message.
 * ERR_INTERRUPTED: a signal came first; the command and its children got a SIGTERM.
 */
int entry_command(const char *line, const char *step, const char *port, uint32_t limit_s,
	bool even_if_interrupted, struct err *e);

#endif
