/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decide.h - whether a device gets what is offered to it, when, and why not
 *
 * Pure functions of what is known: no device, server or database is asked here. Each answer comes
 * with one reason for people, which is what `stmota update --dry-run` prints.
 */
#ifndef STMOTA_DECIDE_H
#define STMOTA_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/fleet.h>
#include <stmota/fleet_db.h>
#include <stmota/update_source.h>

#define DECIDE_WHY_SIZE 200

enum decision {
	DECIDE_NOTHING,    /* the source wants nothing of this device */
	DECIDE_UP_TO_DATE, /* it runs what is wanted */
	DECIDE_DELIVER,
	DECIDE_WAIT,    /* by itself, in a later pass: window, back-off, metered link */
	DECIDE_HALTED,  /* until somebody says more: halted here or by the operator */
	DECIDE_REFUSED, /* it may not have it: counter, version */
};

const char *decision_name(enum decision d); /* "up to date", for people and JSON */

struct decide_facts {
	const struct fleet *fleet;
	const struct fleet_device *device;
	const struct fleet_known *known;
	enum update_wish wish;
	const char *why;                  /* of the wish */
	const struct update_offer *offer; /* of UPDATE_OFFER */
	struct fleet_tries tries;         /* of this device with this package */
	const char *halted; /* why this gateway halted the rollout; NULL: it did not */
	uint64_t now;       /* Unix time */
	uint16_t minute;    /* of the local day, 0..1439 */
	bool at_once;       /* somebody stands there: neither window nor back-off */
	bool cached;        /* the package is here already */
};

/* ret_why  one line without full stop, DECIDE_WHY_SIZE bytes */
enum decision decide_device(const struct decide_facts *f, char ret_why[DECIDE_WHY_SIZE]);

/* When a device that failed is tried again; 0: at once. */
uint64_t decide_retry_at(const struct fleet *f, const struct fleet_tries *t);

/* ---- in which order, and how many at a time ---- */

enum decide_stage { DECIDE_QUEUED, DECIDE_RUNNING, DECIDE_ENDED };

/* One of those that shall be delivered, in the order of the fleet: by wave, then as in the file. */
struct decide_job {
	const struct fleet_device *device;
	const char *rollout;
	uint32_t in_flight; /* of the offer; 0: no limit of its own */
	enum decide_stage stage;
	bool canary; /* started as one */
};

struct decide_turn {
	bool start;  /* it may begin now */
	bool canary; /* and then it is one: nobody else of the rollout runs before it is healthy */
};

/*
 * May job `i` begin now? It must be queued.
 *
 * canaries_ok  canaries of its rollout that are healthy, in this pass or an earlier one
 * ret_why      if it may not: "waits for the canary lamp-3"
 */
struct decide_turn decide_turn(const struct fleet *f, const struct decide_job *jobs, size_t n,
	size_t i, uint32_t canaries_ok, char ret_why[DECIDE_WHY_SIZE]);

#endif
