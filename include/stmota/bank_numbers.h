/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bank_numbers.h - which erase units a bootloader means while the banks are swapped
 *
 * No source tells whether an erase command then means the bank or the address, and the wrong guess
 * erases the program that runs. So the device is asked, with two units that hold nothing: the same
 * unit of either bank, blank in both. A mark is written into the upper one, the number that may mean
 * either is erased, and the mark is gone or not.
 */
#ifndef STMOTA_BANK_NUMBERS_H
#define STMOTA_BANK_NUMBERS_H

#include <stmota/device.h>
#include <stmota/err.h>
#include <stmota/event.h>
#include <stmota/state.h>

/*
 * Finds it out and settles d->facts.geometry; does nothing where nothing is open. To be called when
 * all else was checked: it writes 32 bytes into a blank unit and erases them again. A cut leaves at
 * most these; the next call takes them for blank, and a part of them if `marking` tells the unit.
 *
 * state    remembers the unit that is marked, as state_note_current() does; may be NULL
 * marking  in: the unit in which an earlier try was cut short, len 0 if there was none; out: this one's
 * events   may be NULL
 *
 * ERR_UNSUPPORTED if no unit is blank in both banks, or if neither number erases the mark; errors of
 * the link are transient: call again.
 */
int bank_numbers_find(struct device *d, struct state *state, struct span *marking,
	const struct event_sink *events, struct err *e);

#endif
