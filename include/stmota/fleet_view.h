/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_view.h - the state of a fleet as people look at it: one picture of file and database
 *
 * `fleet status`, the report page and its JSON show the same picture.
 */
#ifndef STMOTA_FLEET_VIEW_H
#define STMOTA_FLEET_VIEW_H

#include <stmota/err.h>
#include <stmota/fleet.h>
#include <stmota/fleet_db.h>

enum fleet_view_state {
	FLEET_VIEW_NEW,         /* nothing was tried yet */
	FLEET_VIEW_OK,          /* the last attempt was */
	FLEET_VIEW_RUNNING,     /* an attempt is open */
	FLEET_VIEW_RETRYING,    /* the last attempt failed; there is another one */
	FLEET_VIEW_ASIDE,       /* its attempts are used up for now */
	FLEET_VIEW_REFUSED,     /* by a check: it may not have what is offered */
	FLEET_VIEW_INTERRUPTED, /* this host was stopped amidst it */
	FLEET_VIEW_EXCUSED,     /* it failed, and that was to be expected */
	FLEET_VIEW_GONE,        /* the fleet file does not have it any more */
	FLEET_VIEW_STATES,
};

const char *fleet_view_state_text(enum fleet_view_state s); /* "set aside" */

struct fleet_view_device {
	const struct fleet_device *device; /* NULL: the fleet file does not have it any more */
	struct fleet_known known;
	enum fleet_view_state state;
	uint32_t tries;              /* in vain, with the package that was tried last */
	uint64_t retry_at;           /* Unix time; 0: the next pass */
	struct fleet_attempt newest; /* id 0: none */
};

struct fleet_view_point { /* a device's attempt in a rollout ended */
	uint64_t time;
	uint32_t ok, failed; /* devices, after it; none that are excused among the failed */
	bool good, canary;   /* this one */
	uint32_t device;     /* its place among the devices of the view */
};

struct fleet_view_halt {
	uint64_t halted, resumed; /* 0: it stands */
	char why[256];
};

#define FLEET_VIEW_HALTS 16

struct fleet_view_rollout {
	char id[64], source[16];
	struct imf_version version;
	uint32_t counter;
	uint8_t package[SHA256_SIZE];
	uint64_t first, last; /* Unix time: first start, last event */
	struct fleet_counts counts;
	uint32_t canaries;               /* devices that were one */
	struct fleet_view_point *points; /* in time */
	size_t n_points;
	struct fleet_view_halt halts[FLEET_VIEW_HALTS]; /* the last ones */
	size_t n_halts;
	bool halted;  /* now */
	bool matters; /* and for some device nothing newer came */
};

struct fleet_view {
	const struct fleet *fleet;
	uint64_t now;
	struct fleet_view_device
		*devices; /* as in the fleet file; behind them those it has no more */
	size_t n_devices;
	struct fleet_view_rollout *rollouts; /* the one that was active last first */
	size_t n_rollouts;
	struct fleet_attempt *failures; /* newest first, and not the whole past */
	size_t n_failures, n_failures_all;
	size_t n_attempts;
	uint64_t waiting;                   /* reports that are not delivered */
	uint32_t states[FLEET_VIEW_STATES]; /* devices */
	const char *disk; /* why no pass can begin anything; NULL: none of that */
	bool has_state;                     /* false: there was no pass yet */
};

/*
 * `db` NULL: no pass was run yet. Borrows `f`. ERR_DAMAGED, ERR_IO, ERR_NOMEM.
 * Release with fleet_view_done().
 */
int fleet_view_load(struct fleet_db *db, const struct fleet *f, uint64_t now,
	struct fleet_view *ret, struct err *e);
void fleet_view_done(struct fleet_view *v);

#endif
