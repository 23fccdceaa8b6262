/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress.h - the events of a job as a bar on a terminal, or as sparse lines in a log
 *
 *	compare   64 KiB in 0.1 s
 *	erase     64 KiB in 1.0 s, 62.8 KiB/s
 *	write     ━━━━━━━━━━╸────────────────  40 %      43.2 of 64 KiB     6.9 KiB/s  0:11 left
 *
 * A finished phase leaves one line; the bar of the running one is redrawn in place. If the job
 * announced the shares of its phases, percent and time left are those of the whole.
 */
#ifndef STMOTA_PROGRESS_H
#define STMOTA_PROGRESS_H

#include <stdbool.h>
#include <stdio.h>

#include <stmota/clock.h>
#include <stmota/event.h>

struct progress_config {
	FILE *to;      /* borrowed; nobody else writes there while it lives */
	bool terminal; /* a bar; else lines, at most one for 10 % and for 5 seconds */
	bool colour;
	bool unicode;   /* else ASCII only */
	unsigned width; /* columns, 0: ask the terminal each time */
	const struct clock *clock;
};

struct progress;

/* What suits `to`: terminal or not, TERM, NO_COLOR, locale. */
struct progress_config progress_config_for(FILE *to);

/* NULL if there is no memory: then nobody listens. */
struct progress *progress_new(const struct progress_config *cfg);

/* Ends the line of the running phase; it counts as done if `ok`. Takes NULL. */
void progress_finish(struct progress *p, bool ok);
void progress_free(struct progress *p);

/* Both take NULL. */
struct event_sink progress_sink(struct progress *p);
/* One line above the bar; without newline. Without `p` it goes to standard error. */
void progress_message(struct progress *p, const char *line);

#endif
