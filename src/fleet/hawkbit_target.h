/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hawkbit_target.h - one device of the fleet as a target of a hawkBit server
 *
 * What the server wants of it, what it was told, and what it is still owed. The action that is in
 * hand stands in the database, so that a pass that was killed is taken up by the next one; the end
 * of an action goes through the outbox, so that no result is lost, and is sent before anything new
 * is begun.
 */
#ifndef STMOTA_FLEET_HAWKBIT_TARGET_H
#define STMOTA_FLEET_HAWKBIT_TARGET_H

#include <stmota/hawkbit.h>
#include <stmota/update_source.h>

/* How far an action has come here. */
enum hawkbit_phase {
	HAWKBIT_SEEN,    /* accepted; nothing was touched */
	HAWKBIT_FETCHED, /* the package is here, and the server was told so */
	HAWKBIT_WRITING, /* the device may be half written */
	HAWKBIT_ENDED,   /* its result is on its way to the server */
};

struct hawkbit_note {                 /* kept in the database */
	char action[HAWKBIT_ID_SIZE]; /* "": none in hand */
	uint8_t package[SHA256_SIZE];
	enum hawkbit_phase phase;
	uint64_t since; /* Unix time */
};

/* No note, or one that cannot be read, is an empty one. */
int hawkbit_note_load(
	struct fleet_db *db, const char *device, struct hawkbit_note *ret, struct err *e);
int hawkbit_note_save(
	struct fleet_db *db, const char *device, const struct hawkbit_note *n, struct err *e);

struct hawkbit_target {
	const struct update_source_request *rq; /* not owned */
	const struct fleet_device *device;
	struct hawkbit h;
	bool ready; /* `h` can be used */
	struct hawkbit_note note;
	bool has_offer;
	struct update_offer offer;
	struct hawkbit_artifact artifact; /* of the offer */
	bool withdrawn;
	char why[160];      /* why there is no offer */
	struct err trouble; /* the conversation failed; code ERR_NONE: it did not */
	unsigned told;      /* parts of ten of the delivery that the server was told of */
	bool silent;        /* it did not take the last of these: no more of them in this pass */
	uint32_t sleep_s;   /* as the server said; 0: nothing */
};

int hawkbit_target_init(struct hawkbit_target *t, const struct update_source_request *rq,
	const struct fleet_device *d, struct err *e);
void hawkbit_target_done(struct hawkbit_target *t);

/*
 * Sends what is owed, polls, answers, looks at what is offered. What goes wrong is in `t->why`.
 *
 * ret_heard  an HTTP server answered, whatever it said
 *
 * ERR_INTERRUPTED, ERR_NOMEM, or of the database: the pass cannot go on.
 */
int hawkbit_target_ask(struct hawkbit_target *t, bool *ret_heard, struct err *e);

/* Before a device is begun: false if the action is still open and wanted. */
bool hawkbit_target_withdrawn(struct hawkbit_target *t);

/* How it goes on: lost if the server does not take it. */
void hawkbit_target_tell(struct hawkbit_target *t, const struct hawkbit_feedback *f);

/* How it ended; `n` attempts were made with this package. */
int hawkbit_target_ended(
	struct hawkbit_target *t, const struct fleet_ending *end, uint32_t n, struct err *e);

#endif
