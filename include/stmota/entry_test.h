/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry_test.h - finds out which lines are wired to BOOT0 and NRST, and which way round
 *
 * A combination counts when the board does what only the right one makes it do: the ROM answers a
 * first sync byte after each reset with BOOT0 high, and none after a reset with BOOT0 low. Nothing
 * but sync bytes is sent, nothing is read, written or erased; the board's program is restarted.
 */
#ifndef STMOTA_ENTRY_TEST_H
#define STMOTA_ENTRY_TEST_H

#include <stmota/device_url.h>
#include <stmota/err.h>
#include <stmota/event.h>

enum trial_result {
	TRIAL_SILENT,   /* no ROM answers */
	TRIAL_NO_RESET, /* a ROM answers, but the line does not reset it */
	TRIAL_ALWAYS, /* it is reset, and the ROM starts with BOOT0 low too: jumper, empty flash */
	TRIAL_WORKS,
};

#define ENTRY_TRIALS_MAX 8

struct entry_trial {
	struct entry entry;
	enum trial_result result;
};

struct entry_test_result {
	struct entry_trial trials[ENTRY_TRIALS_MAX];
	size_t n;
	int best; /* index of the first that works, -1: none */
};

/*
 * Tries the lines that `u` names, in both orders and polarities, else DTR and RTS; or its recipe, if
 * that is no matter of lines. Ends with the first combination that works. The board is left
 * running, the lines idle; where nothing works, DTR and RTS are left not asserted.
 *
 * ERR_UNSUPPORTED (no serial port, or one without lines), ERR_LINK, ERR_BUSY, ERR_INTERRUPTED. That
 * nothing works is no failure.
 */
int entry_test(const struct device_url *u, const struct event_sink *events,
	struct entry_test_result *ret, struct err *e);

/* "works", "no bootloader answers", ...; static. */
const char *entry_trial_text(enum trial_result result);

#endif
