/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_db.h - what a gateway remembers of its fleet: SQLite, written before and after each deed
 *
 * One file, WAL, synced at each commit. Every change is one transaction: a power cut at any instant
 * leaves the state before it or after it. Reports to the outside are rows of the same transaction
 * (an outbox), so that none is lost and none is invented.
 */
#ifndef STMOTA_FLEET_DB_H
#define STMOTA_FLEET_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/buf.h>
#include <stmota/channel.h>
#include <stmota/digest.h>
#include <stmota/err.h>
#include <stmota/fleet.h>
#include <stmota/version.h>

struct fleet_db;

/* How an attempt ended. */
enum fleet_outcome {
	FLEET_OPEN,        /* it runs; or its process was killed, see fleet_db_recover() */
	FLEET_OK,          /* written, proved, healthy */
	FLEET_ALREADY,     /* the device held it already: nothing was written */
	FLEET_FAILED,      /* it did not work; the device is as it was, or takes the next attempt */
	FLEET_UNHEALTHY,   /* written, no proof of health, and not returned to the old one */
	FLEET_ROLLED_BACK, /* no proof of health; the old firmware runs again */
	FLEET_REFUSED, /* by a check, before anything was touched: product, chip, counter, protection */
	FLEET_UNREACHABLE, /* nobody answered: silence is a failure */
	FLEET_INTERRUPTED, /* the host was stopped; counts as an attempt, not against the rollout */
};

const char *fleet_outcome_text(enum fleet_outcome o); /* "rolled back" */
/* True for what counts towards `stop_after`. */
bool fleet_outcome_is_failure(enum fleet_outcome o);

/* A device, as it is known. */
struct fleet_known {
	char name[FLEET_NAME_SIZE];
	char uid[25]; /* chip's unique id, hexadecimal; "" */
	char product_uuid[40];
	bool has_version;
	struct imf_version version;
	uint32_t counter;         /* installed */
	uint32_t highest_counter; /* ever: nothing below it is delivered */
	bool has_image, has_package, has_healthy;
	uint8_t image[SHA256_SIZE];   /* plain image that runs: base of deltas */
	uint8_t package[SHA256_SIZE]; /* package file (always the full one) it came from */
	uint8_t healthy[SHA256_SIZE]; /* package that was confirmed last: the golden one */
	uint64_t seen;                /* Unix time of the last answer; 0: never */
	uint64_t tried;               /* start of the last attempt; 0: never */
	enum fleet_outcome last;
	char text[256]; /* of the last ending */
};

struct fleet_attempt {
	int64_t id;
	char device[FLEET_NAME_SIZE];
	char rollout[64];             /* id; of hawkBit: "action 17" */
	char source[16];              /* "channel", "hawkbit" */
	uint8_t package[SHA256_SIZE]; /* the full package */
	bool delta;                   /* a delta of it was sent */
	bool canary;
	struct imf_version version, from;
	bool has_from;
	uint32_t counter;
	uint64_t started, ended; /* Unix time; 0: not ended */
	enum fleet_outcome outcome;
	int error;      /* enum err_code; 0 */
	char text[256]; /* one line for people */
	char *evidence; /* owned, JSON object: signers, digest read back, proof seen, times; or NULL */
	char *transcript; /* owned, file name; or NULL */
	bool confirmed;   /* as its ending said */
	bool has_image;
	uint8_t image[SHA256_SIZE]; /* that the device held at the end, as its ending said */
};

struct fleet_ending { /* strings are borrowed */
	enum fleet_outcome outcome;
	int error;
	const char *text, *evidence, *transcript;
	const char *uid, *product_uuid; /* NULL: nothing new is known */
	bool has_image;
	uint8_t image[SHA256_SIZE];
	bool confirmed; /* health was proved, not only the bytes */
};

struct fleet_tries {   /* of one device with one package */
	uint32_t n;    /* attempts since the last that was OK or ALREADY, all outcomes, OPEN too */
	uint64_t last; /* Unix time of the last start */
	enum fleet_outcome last_outcome;
};

/*
 * Devices of one rollout on this gateway, each by its newest attempt that was not interrupted.
 * Failures from before the last fleet_db_resume() are not counted again, and those of excused devices
 * (fleet_db_set_fleet) never. A canary is ok that was OK,
 * or ALREADY with its health confirmed.
 */
struct fleet_counts {
	uint32_t ok, failed, open, canaries_ok;
};

struct fleet_halt {
	char rollout[64];
	char why[256];
	uint64_t halted, resumed; /* Unix time; 0: it still stands */
};

/*
 * Opens or makes the database, brings its schema up to date, checks it (quick_check).
 *
 * read_only  nothing is changed, no file is made: ERR_IO if it is missing. A disk that is full or
 *            read-only makes any database read-only; fleet_db_why_read_only() tells.
 *
 * ERR_IO; ERR_DAMAGED (the hint names the file and says what moving it away costs);
 * ERR_UNSUPPORTED (made by a newer stmota).
 */
int fleet_db_open(const char *path, bool read_only, struct fleet_db **ret, struct err *e);
void fleet_db_close(struct fleet_db *db);                      /* takes NULL */
const char *fleet_db_why_read_only(const struct fleet_db *db); /* NULL: it can be written */

/* What keeps any process from writing it, however it was opened here: full, read-only; or NULL. */
const char *fleet_db_disk(const struct fleet_db *db);

/* Names gateway and devices in reports; without a place to report to, none are kept. Borrowed. */
void fleet_db_set_fleet(struct fleet_db *db, const struct fleet *f);
/* 32 hexadecimal digits that name this file in reports. */
const char *fleet_db_id(const struct fleet_db *db);

/* One pass at a time: ERR_BUSY names the process that has it. Released by close and by death. */
int fleet_db_lock(struct fleet_db *db, struct err *e);

/* ---- devices ---- */
int fleet_db_device(struct fleet_db *db, const char *name, struct fleet_known *ret, struct err *e);
/*
 * What a device said of itself outside an attempt (adopt): what it did not say stays. A counter
 * that it has had is never forgotten.
 */
int fleet_db_learn(struct fleet_db *db, const struct fleet_known *k, uint64_t now, struct err *e);
/* By name, those that the fleet file no longer has too; fn returns non-zero to stop. */
int fleet_db_each_device(struct fleet_db *db,
	int (*fn)(void *ctx, const struct fleet_known *k, struct err *e), void *ctx, struct err *e);

/* ---- attempts ---- */

/*
 * Durable before it returns, and before the device is touched. `a->id` is set. ERR_IO also where
 * there is no room left for the end.
 */
int fleet_db_begin(struct fleet_db *db, struct fleet_attempt *a, struct err *e);
/*
 * Attempt, device and outbox line in one transaction. After OK and ALREADY version, counter, package
 * and image of the device are those of the attempt, and after OK, or ALREADY with `confirmed`, that
 * package is the healthy one. After UNHEALTHY version, package and image are unknown. After any other
 * ending they stay those that were proved last; but the image is unknown after a delta that FAILED or
 * was REFUSED, so that the full package follows.
 * ERR_FAILED: there is no such attempt, or it has ended.
 */
int fleet_db_end(struct fleet_db *db, int64_t id, const struct fleet_ending *end, uint64_t now,
	struct err *e);
/* Attempts whose process is gone (the lock is ours) become FLEET_INTERRUPTED; how many. */
int fleet_db_recover(struct fleet_db *db, uint64_t now, size_t *ret_n, struct err *e);
int fleet_db_tries(struct fleet_db *db, const char *device, const uint8_t package[SHA256_SIZE],
	struct fleet_tries *ret, struct err *e);
int fleet_db_counts(
	struct fleet_db *db, const char *rollout, struct fleet_counts *ret, struct err *e);
/* Newest first; `device` NULL: all; fn returns non-zero to stop. */
int fleet_db_each_attempt(struct fleet_db *db, const char *device, uint64_t since,
	int (*fn)(void *ctx, const struct fleet_attempt *a, struct err *e), void *ctx,
	struct err *e);

/* ---- halts that this gateway made ---- */
int fleet_db_halt(struct fleet_db *db, const char *rollout, const char *why, uint64_t now,
	struct err *e); /* also an outbox line */
/* ERR_USAGE: it is not halted. Also an outbox line. */
int fleet_db_resume(struct fleet_db *db, const char *rollout, uint64_t now, struct err *e);
/* 1 and the reason, 0: not halted. */
int fleet_db_halted(
	struct fleet_db *db, const char *rollout, char *ret_why, size_t size, struct err *e);
/* Oldest first, those that were lifted too; fn returns non-zero to stop. */
int fleet_db_each_halt(struct fleet_db *db,
	int (*fn)(void *ctx, const struct fleet_halt *h, struct err *e), void *ctx, struct err *e);

/* ---- what a source keeps ---- */
int fleet_db_channel_load(
	struct fleet_db *db, const char *channel, struct channel_state *ret, struct err *e);
int fleet_db_channel_save(
	struct fleet_db *db, const char *channel, const struct channel_state *s, struct err *e);
/* Small facts by name (a poll time, the action that is in hand); NULL value removes. */
int fleet_db_note_get(struct fleet_db *db, const char *owner, const char *key, struct buf *ret,
	struct err *e); /* 1: there, 0: not */
int fleet_db_note_set(struct fleet_db *db, const char *owner, const char *key, const void *value,
	size_t len, struct err *e);

/* ---- the outbox ---- */
struct fleet_report {
	int64_t id;
	char *body; /* owned: one JSON object, one line */
	uint64_t created;
};
/*
 * `to`: "report" (the operator's), "hawkbit:DEVICE"; a message for each. Of more than 20,000 for
 * one receiver the oldest are dropped; note "outbox", key `to` counts them.
 */
int fleet_db_outbox_add(
	struct fleet_db *db, const char *to, const char *body, uint64_t now, struct err *e);
/* Oldest first, at most `max`; how many. */
int fleet_db_outbox_peek(struct fleet_db *db, const char *to, struct fleet_report *ret, size_t max,
	size_t *ret_n, struct err *e);
int fleet_db_outbox_done(struct fleet_db *db, int64_t up_to_id, const char *to, struct err *e);
/* `to` NULL: all. */
int fleet_db_outbox_count(struct fleet_db *db, const char *to, uint64_t *ret, struct err *e);

void fleet_attempt_done(struct fleet_attempt *a);
void fleet_report_done(struct fleet_report *r);

#endif
