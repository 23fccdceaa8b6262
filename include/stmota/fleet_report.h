/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_report.h - what a gateway tells its operator, and how it gets there
 *
 * The lines lie in the outbox until they are delivered: in a server's answer, or in a file of the
 * spool folder that is on the disk. A line may arrive twice, never not at all; its id tells.
 */
#ifndef STMOTA_FLEET_REPORT_H
#define STMOTA_FLEET_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include <stmota/err.h>
#include <stmota/fetch.h>
#include <stmota/fleet.h>
#include <stmota/fleet_db.h>
#include <stmota/fleet_view.h>
#include <stmota/key.h>

struct fleet_report_send {
	const struct fleet *fleet;          /* report, report_key */
	const struct fetch_settings *fetch; /* one try each, within limit_ms */
	const struct key_unlock *unlock;    /* of report_key; NULL: it has no passphrase */
	uint64_t now;                       /* Unix time */
	uint32_t limit_ms;                  /* for all of it; 0: 10 s */
	bool at_once; /* somebody waits: the pause after a failure is cut short */
};

struct fleet_report_result {
	uint64_t sent;    /* lines */
	uint64_t left;    /* that still wait */
	uint64_t dropped; /* ever, because too many waited */
	uint64_t next;    /* when it is tried again after a failure; 0: at the next call */
};

/*
 * Delivers what waits, in batches. After a failure the next calls do nothing until a pause is over
 * that doubles from a minute to an hour. Nowhere to report to: nothing is done.
 *
 * ret  filled whatever comes of it
 *
 * ERR_NETWORK, ERR_IO (spool folder, database), ERR_SIGNATURE (key): what was not delivered waits,
 * and nobody needs to stop for it.
 */
int fleet_report_flush(struct fleet_db *db, const struct fleet_report_send *rq,
	struct fleet_report_result *ret, struct err *e);

/*
 * Appends a page of HTML that shows the picture: one file, no script, nothing that is loaded. Reads
 * the transcripts that the failures name, where they are still there. ERR_NOMEM.
 */
int fleet_page(const struct fleet_view *v, const char *gateway, struct buf *ret, struct err *e);

#endif
