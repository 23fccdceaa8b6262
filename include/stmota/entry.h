/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry.h - how a board is brought into its ROM bootloader and out of it again
 *
 * BOOT0 and NRST may be wired to the modem lines of a serial adapter. A recipe says which line
 * is which, whether the wiring inverts, and how long to wait. Without lines a person does it.
 */
#ifndef STMOTA_ENTRY_H
#define STMOTA_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include <stmota/chip.h>
#include <stmota/err.h>
#include <stmota/link.h>

enum entry_wire { ENTRY_WIRE_NONE, ENTRY_WIRE_DTR, ENTRY_WIRE_RTS };

/*
 * Straight: the pin of the board follows the TTL output of the adapter, so an asserted line is
 * low. Inverted ("!"): a transistor between them, so an asserted line is high.
 */
struct entry_pin {
	enum entry_wire wire;
	bool inverted;
};

struct entry {
	struct entry_pin boot0, nrst;
	bool use_lines;     /* false: --before none; the device is taken as it is */
	uint32_t reset_ms;  /* NRST low */
	uint32_t settle_ms; /* between opening the port or changing BOOT0, and the reset */
	uint32_t boot_ms;   /* from the end of the reset until the ROM listens */
};

/* AN2606: most ROMs are ready after 100 ms; circuits with capacitors want 50 ms and more. */
#define ENTRY_INIT                                                                                 \
	((struct entry){.use_lines = true, .reset_ms = 50, .settle_ms = 50, .boot_ms = 100})

/* How the ROM is reached again when power or the connection fails while flash is half written. */
enum entry_reach {
	REACH_LINES,       /* BOOT0 and NRST are driven from here */
	REACH_EMPTY_CHECK, /* the chip starts its ROM by itself while the first word is blank */
	REACH_BY_HAND,     /* somebody sets BOOT0 and resets the board */
	REACH_APPLICATION, /* only the application can do it: the one that is being erased */
};

/* One pin as people write it: "dtr", "rts", "!dtr", "none". ERR_USAGE. */
int entry_pin_parse(const char *text, struct entry_pin *ret, struct err *e);

/*
 * Applies the text of --before to `en`, which holds what URL and configuration said:
 *
 *   none     do not touch any line
 *   lines    use the wiring that is known already; ERR_USAGE if there is none
 *   dtr-rts  NRST on DTR, BOOT0 on RTS; each may be inverted: "!dtr-rts", "dtr-!rts"
 *   rts-dtr  NRST on RTS, BOOT0 on DTR
 *
 * ERR_USAGE; ERR_UNSUPPORTED for recipes that go through the application ("app:...").
 */
int entry_parse(const char *recipe, struct entry *en, struct err *e);

/* True if the ROM can be started without help: lines in use, BOOT0 and NRST both wired. */
bool entry_can_enter(const struct entry *en);
/* True if the device can be reset: lines in use, NRST wired. */
bool entry_can_reset(const struct entry *en);

/* Which way back into the ROM there is for this wiring and chip; `chip` may be NULL (unknown). */
enum entry_reach entry_reach(const struct entry *en, const struct chip *chip);

/* "by BOOT0 line", "by the empty check at power-up", "by hand", "by the application"; static. */
const char *entry_reach_text(enum entry_reach reach);

/*
 * Sets BOOT0 high where it is wired, pulses NRST, waits until the ROM listens and flushes. The
 * device has started anew afterwards. ERR_UNSUPPORTED if NRST is not wired; ERR_LINK.
 */
int entry_enter(struct link *l, const struct entry *en, struct err *e);

/* BOOT0 low, pulse on NRST: the application starts. ERR_UNSUPPORTED if NRST is not wired. */
int entry_leave(struct link *l, const struct entry *en, struct err *e);

#endif
