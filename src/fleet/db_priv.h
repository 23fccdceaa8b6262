/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db_priv.h - what the files of the fleet's database share
 *
 * SQL is constant text; values are bound. A row that was read is checked like a file that was read.
 */
#ifndef STMOTA_FLEET_DB_PRIV_H
#define STMOTA_FLEET_DB_PRIV_H

#include <limits.h>

#include <jansson.h>
#include <sqlite3.h>

#include <stmota/cleanup.h>
#include <stmota/fleet_db.h>

#define DB_ID_SIZE 33 /* hexadecimal digits and the NUL */

struct fleet_db {
	sqlite3 *sql;
	char path[PATH_MAX];
	char copy_dir[64]; /* of a copy that is read in its place; "" */
	int lock_fd;
	bool writable;
	bool gone_full; /* a write failed for want of room: no more is begun */
	char why[200];  /* not writable: the reason; "" if it was asked for */
	char id[DB_ID_SIZE];
	const struct fleet *fleet; /* borrowed; NULL: not known */
};

/* ---- db_sql.c ---- */

/* Describes a failure of SQLite; returns the code. */
int db_fail(struct fleet_db *db, int rc, const char *doing, struct err *e);

/*
 * A statement with its values. One letter in `types` for each argument:
 *   t  const char *, NULL is NULL     i  int64_t
 *   d  const uint8_t * of SHA256_SIZE bytes, NULL is NULL
 *   z  const void *, size_t
 */
int db_query(struct fleet_db *db, sqlite3_stmt **ret, struct err *e, const char *sql,
	const char *types, ...);
/* 1: a row, 0: no more. */
int db_step(struct fleet_db *db, sqlite3_stmt *st, struct err *e);
/* A statement without rows. */
int db_run(struct fleet_db *db, struct err *e, const char *sql, const char *types, ...);

static inline void db_finish(sqlite3_stmt **st)
{
	sqlite3_finalize(*st);
}
#define cleanup_stmt CLEANUP(db_finish)

/* One transaction: begin, then db_close_tx() with what came of it; commits if `rc` is 0. */
int db_open_tx(struct fleet_db *db, struct err *e);
int db_close_tx(struct fleet_db *db, int rc, struct err *e);

/* Columns. Text is cut to fit; false, and ERR_DAMAGED is due, where the type is wrong. */
void db_text(sqlite3_stmt *st, int col, char *ret, size_t size);
/* A copy; NULL for NULL. ERR_NOMEM. */
int db_text_copy(sqlite3_stmt *st, int col, char **ret, struct err *e);
/* A digest; `ret_has` NULL: it must be there. ERR_DAMAGED. */
int db_digest(struct fleet_db *db, sqlite3_stmt *st, int col, uint8_t ret[SHA256_SIZE],
	bool *ret_has, struct err *e);
int db_version(struct fleet_db *db, sqlite3_stmt *st, int col, struct imf_version *ret,
	bool *ret_has, struct err *e);
/* 0..max. ERR_DAMAGED. */
int db_uint(
	struct fleet_db *db, sqlite3_stmt *st, int col, uint64_t max, uint64_t *ret, struct err *e);
int db_damaged(struct fleet_db *db, const char *what, struct err *e);

/* ---- db_open.c ---- */

/* False: what is begun now could not be ended for want of room. */
bool db_has_room(struct fleet_db *db);

/* ---- db_schema.c ---- */

/* The steps from an empty file to the newest schema; its version is their number. */
extern const char *const db_schema[];
extern const int db_schema_version;

/*
 * Each step that is missing, in a transaction of its own with the new version number.
 * ERR_UNSUPPORTED for a file of a newer stmota, ERR_DAMAGED, ERR_IO.
 */
int db_migrate(struct fleet_db *db, const char *const *steps, int n, struct err *e);
int db_schema_of(struct fleet_db *db, int *ret, struct err *e);

/* ---- db_line.c ---- */

json_t *db_json_text(const char *text);     /* NULL: null */
json_t *db_json_time(uint64_t t);           /* 0: null */
json_t *db_json_evidence(const char *text); /* an object where it is one */
json_t *db_json_attempt(const struct fleet_attempt *a);

/* What a report says of an attempt; appended to the outbox unless nobody is to be told. */
int db_report_attempt(struct fleet_db *db, const struct fleet_attempt *a, const char *uid,
	uint64_t now, struct err *e);
int db_report_halt(struct fleet_db *db, int64_t halt, const char *rollout, const char *why,
	bool resumed, uint64_t now, struct err *e);

/* ---- db_outbox.c ---- */

/* In the transaction that is open. */
int db_outbox_put(
	struct fleet_db *db, const char *to, const char *body, uint64_t now, struct err *e);

/* ---- db_attempt.c ---- */

#define DB_ATTEMPT_COLUMNS                                                                         \
	"id, device, rollout, source, package, delta, canary, version, from_version, counter, "    \
	"started, ended, outcome, error, text, evidence, transcript, confirmed, image"
int db_attempt_row(struct fleet_db *db, sqlite3_stmt *st, struct fleet_attempt *ret, struct err *e);

#endif
