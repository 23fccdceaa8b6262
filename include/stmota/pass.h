/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pass.h - one pass over a fleet: ask, decide, deliver, prove, take back, remember
 *
 * A pass may be killed at any instant and repeated: what it does is in the database before it is
 * done, each device has a process of its own that ends with the pass and puts its lines back.
 */
#ifndef STMOTA_PASS_H
#define STMOTA_PASS_H

#include <jansson.h>

#include <stmota/decide.h>
#include <stmota/package.h>
#include <stmota/package_cache.h>
#include <stmota/update_source.h>

/* What the process of a device is to do. */
struct pass_delivery {
	const struct fleet_device *device;
	const struct fleet_known *known;
	const struct update_offer *offer; /* with all that its package says */
	/* Package, delta, golden package or backup. */
	const char *path, *name; /* name: for people */
	const uint8_t *sha256;   /* of the file; NULL: it is a backup of ours */
	bool delta;
	bool back;          /* the way back: path is a golden package or a backup */
	const char *backup; /* where to keep what was there; NULL: nowhere */
	const char *base;   /* package of what runs, where it is here; NULL */
	const struct trust *trust;
};

/* A device, as listeners see it. */
struct pass_device {
	const struct fleet_device *device;
	const struct fleet_known *known;
	const struct update_offer *offer; /* NULL: none */
	enum decision decision;
	const char *why;
	bool canary;
	const char *hint; /* what can be done about its failure; NULL */
};

struct pass_listener { /* any may be NULL */
	void *ctx;
	/* One reason for each device, in the order of the fleet. */
	void (*decided)(void *ctx, const struct pass_device *d);
	void (*began)(void *ctx, const struct pass_device *d);
	/* A line of its process: as those of `flash --json`. */
	void (*said)(void *ctx, const struct pass_device *d, const json_t *line);
	void (*ended)(void *ctx, const struct pass_device *d, const struct fleet_ending *end,
		uint64_t ms);
	void (*halted)(void *ctx, const char *rollout, const char *why);
	void (*trouble)(void *ctx, const struct pass_device *d, const struct err *e);
	/* Every now and then. */
	void (*tick)(void *ctx);
};

struct pass_request {
	const struct fleet *fleet;
	const struct config *config;
	struct fleet_db *db; /* locked */
	struct update_source *source;
	const struct fetch_settings *fetch;
	const struct file_cache *cache;
	const struct event_sink *events;
	const char *const *only; /* names of devices; the others do not exist for this pass */
	size_t n_only;           /* 0: all */
	bool dry_run;            /* decides and tells, and does nothing */
	bool at_once;
	uint64_t now; /* Unix time at the start */
	/* Runs in the process of a device: does it, tells by lines, returns an exit status. */
	int (*deliver)(void *ctx, const struct pass_delivery *d, FILE *to);
	/* Reports that wait are sent, within bounds; NULL: nobody is told. */
	void (*flush)(void *ctx);
	void *ctx;
	struct pass_listener listener;
};

struct pass_sums {
	size_t devices, nothing, up_to_date, waiting, halted, refused; /* by decision */
	size_t ok, already, failed, interrupted, turned_down;          /* by ending */
	size_t missed;                                                 /* deadlines */
	size_t unserved; /* to be delivered, and not begun: package missing, pass stopped, halt */
	bool stopped;
	struct err fetch; /* code 0, or why packages could not be fetched or believed */
};

/*
 * Does it. ERR_NETWORK, ERR_SIGNATURE and whatever else the source's refresh() says: nothing was
 * begun. ERR_IO: the database cannot be written. Else 0: look at the sums.
 */
int pass_run(const struct pass_request *rq, struct pass_sums *ret, struct err *e);

/*
 * Is a package what was announced, and for this device? Product, version, counter, hardware, chip.
 *
 * delta  it is one; the package that it makes was announced
 *
 * ERR_SIGNATURE, ERR_IDENTITY (of another product than the device).
 */
int pass_check_package(const struct update_offer *o, const struct fleet_device *d, bool delta,
	const struct package *p, struct err *e);

#endif
