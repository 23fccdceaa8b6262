/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protect_job.h - what protects a device, and changes of it with their consequences
 *
 * Nothing here sends a command that can erase in order to find something out. The one command that
 * erases, Readout Unprotect, is sent by protect_set_rdp() alone, to a device that is known to be
 * at level 1.
 */
#ifndef STMOTA_PROTECT_JOB_H
#define STMOTA_PROTECT_JOB_H

#include <stdbool.h>
#include <stddef.h>

#include <stmota/device.h>
#include <stmota/option_job.h>
#include <stmota/segments.h>
#include <stmota/state.h>

/* ---- what is there ---- */

#define PROTECT_ROWS 48

struct protect_row {
	char what[40];       /* "RDP", "write protection", "nSWBOOT0" */
	char state[72];      /* "level 0", "0x08000000..0x08003FFF" */
	const char *forbids; /* static text; NULL: nothing */
	const char *undo;    /* what undoing it takes and destroys; static, NULL: nothing to undo */
	bool in_the_way;     /* of the image that was given */
};

/*
 * words  as read by option_read(), NULL where it could not
 * image  what shall be written, NULL: nothing
 *
 * Returns the number of rows. Pure.
 */
size_t protect_table(const struct device_facts *f, const struct option_words *words,
	const struct segments *image, struct protect_row ret[PROTECT_ROWS]);

/* ---- write protection ---- */

struct wrp_change {
	struct span before[DEVICE_MAX_WRP], after[DEVICE_MAX_WRP];
	size_t n_before, n_after;
	bool by_command; /* Write Unprotect instead of option words: everything, at once */
	struct option_plan plan;
};

/*
 * Plans to protect (`on`) or open `ranges`; n 0: the whole flash. Reads, changes nothing.
 *
 * ERR_NO_FIT (not whole erase units, or not as the chip can protect: the hint names a range that
 * fits), ERR_UNSUPPORTED (not confirmed), ERR_PROTECTED (read-out protection), or the link's.
 */
int protect_plan_wrp(struct device *d, bool on, const struct span *ranges, size_t n,
	struct wrp_change *ret, struct err *e);

/* Carries it out and reads back; d->facts are new afterwards. As option_execute(). */
int protect_apply_wrp(struct device *d, const struct wrp_change *c, const struct event_sink *events,
	enum option_outcome *ret, struct err *e);

/*
 * Lifts all write protection, also where a power cut left option words that cannot be read as any:
 * then by the bootloader's own command, where that is safe. Nothing is erased. As protect_apply_wrp().
 */
int protect_clear_wrp(struct device *d, const struct event_sink *events, struct err *e);

/* ---- read-out protection ---- */

/*
 * What stands against it, without asking the device anything: ERR_UNSUPPORTED, ERR_PROTECTED
 * (level 2). `ret_erases`: it goes from level 1 to 0. `ret_stands`: nothing is to be done.
 */
int protect_check_rdp(const struct device_facts *f, unsigned level, bool *ret_erases,
	bool *ret_stands, struct err *e);

/*
 * Level 0 or 1, by the bootloader's own commands, or by the option byte where it has none. From 1 to
 * 0 everything is erased: only with `erase_everything`. Proved by what the device lets be read
 * afterwards.
 */
int protect_set_rdp(struct device *d, unsigned level, bool erase_everything,
	const struct event_sink *events, struct err *e);

/* ---- a lift for the time of one update ---- */

/*
 * Write protection of the erase units of `image` is lifted. What stood is in the state file, synced,
 * before anything is sent. Nothing is done where nothing is in the way.
 */
int wrp_lift(struct device *d, struct state *s, const struct segments *image,
	const struct event_sink *events, struct err *e);

/*
 * Puts back what an earlier lift, of this run or another, left in the state file; then forgets it.
 * 0 also if there was nothing. On a failure the state file keeps it for the next run.
 */
int wrp_put_back(struct device *d, struct state *s, const struct event_sink *events, struct err *e);

#endif
