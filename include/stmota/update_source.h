/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update_source.h - where a pass learns which device should run what: one interface for a signed
 * channel, a medium, and a hawkBit server
 *
 * A source says what is wanted; it never decides that it is done. Package checks, order, limits,
 * health, budget and halt are the same for all of them.
 */
#ifndef STMOTA_UPDATE_SOURCE_H
#define STMOTA_UPDATE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/digest.h>
#include <stmota/err.h>
#include <stmota/event.h>
#include <stmota/fetch.h>
#include <stmota/fleet.h>
#include <stmota/fleet_db.h>
#include <stmota/trust.h>
#include <stmota/version.h>

struct update_offer {
	char rollout[64];
	uint8_t package[SHA256_SIZE]; /* of the full package file */
	uint64_t length;
	bool has_release; /* version, counter, product, hw, chip are announced */
	struct imf_version version;
	uint32_t counter;
	uint8_t product[16];
	uint16_t hw_min, hw_max, chip;
	bool has_min_version;
	struct imf_version min_version;
	bool may_go_back;   /* a signed word names this device: below version and counter */
	uint64_t deadline;  /* Unix time; 0: none */
	uint32_t in_flight; /* 0: the gateway's own limit */
	bool has_delta;     /* chosen for what the device runs */
	uint8_t delta[SHA256_SIZE];
	uint64_t delta_length;
	bool download_only; /* hawkBit: fetch, but do not start */
	bool prove;         /* also a device that is known to run it shall show that it does */
	char why[160];      /* "bucket 4711 of 10000, the stage is 5000" */
	char newer[120];    /* why a newer one is not offered: "2.1.0: the rollout is halted"; "" */
};

enum update_wish {
	UPDATE_NOTHING, /* for this device; `why` says why not */
	UPDATE_OFFER,
	UPDATE_WITHDRAWN, /* it was offered once: halted or cancelled; what runs is finished */
};

struct update_source;

struct update_source_ops {
	const char *name; /* "channel" */
	/*
	 * Asks the server. State that must not go back is in `db` before it returns. A source that
	 * speaks for each device (hawkBit) may fail for some: these get UPDATE_NOTHING with the reason.
	 * ERR_NETWORK: nothing may be started; else as channel_fetch().
	 */
	int (*refresh)(struct update_source *s, struct err *e);
	enum update_wish (*wish)(struct update_source *s, const struct fleet_device *d,
		const struct fleet_known *k, struct update_offer *ret, char why[160]);
	/* Where the file with that digest can be fetched; `want_delta`: that of the delta. */
	int (*urls)(struct update_source *s, const struct update_offer *o, bool want_delta,
		struct fetch_request *ret, struct err *e);
	/* What may be believed for this package. */
	const struct trust *(*trust)(struct update_source *s);
	/* Told as it happens; each may do nothing (NULL). Never fails the delivery: what cannot be
	   sent goes to the outbox. */
	/* The package is in the cache and was checked; with `download_only` that is all for now. */
	void (*fetched)(struct update_source *s, const struct fleet_device *d,
		const struct update_offer *o);
	void (*started)(struct update_source *s, const struct fleet_device *d,
		const struct update_offer *o);
	void (*progress)(struct update_source *s, const struct fleet_device *d,
		const struct update_offer *o, uint64_t done, uint64_t total);
	/* After fleet_db_end(), for every outcome. */
	void (*ended)(struct update_source *s, const struct fleet_device *d,
		const struct update_offer *o, const struct fleet_ending *end);
	/* Asked between devices: has an operator said stop for this one meanwhile? */
	bool (*withdrawn)(struct update_source *s, const struct fleet_device *d,
		const struct update_offer *o);
	void (*free)(struct update_source *s);
};

struct update_source {
	const struct update_source_ops *ops;
};

struct update_source_request {
	const struct fleet *fleet;
	struct fleet_db *db;
	const struct config *config;
	const struct fetch_settings *fetch;
	const struct event_sink *events;
	uint64_t now; /* Unix time, fixed for the whole pass */
	bool at_once; /* somebody stands there: a server is asked whatever time it wished for */
	bool dry_run; /* nothing is told to the server, nothing but believed state is stored */
};

int update_source_channel(
	const struct update_source_request *rq, struct update_source **ret, struct err *e);
int update_source_hawkbit(
	const struct update_source_request *rq, struct update_source **ret, struct err *e);

#endif
