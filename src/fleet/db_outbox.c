/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db_outbox.c - messages that wait for their way out, oldest first
 */
#include "db_priv.h"

#include <stdlib.h>
#include <string.h>

/* A receiver that is gone for good must not fill the disk: the oldest ones make room. */
#define OUTBOX_MAX 20000

int db_outbox_put(
	struct fleet_db *db, const char *to, const char *body, uint64_t now, struct err *e)
{
	int rc = db_run(db, e, "INSERT INTO outbox (dest, body, created) VALUES (?, ?, ?)", "tti",
		to, body, (int64_t)now);

	if (rc == 0)
		rc = db_run(db, e,
			"DELETE FROM outbox WHERE dest = ?1 AND id <= (SELECT id FROM outbox"
			" WHERE dest = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
			"ti", to, (int64_t)OUTBOX_MAX);
	if (rc == 0 && sqlite3_changes(db->sql) > 0)
		rc = db_run(db, e,
			"INSERT INTO note (owner, key, value) VALUES ('outbox', ?1, CAST('1' AS BLOB))"
			" ON CONFLICT DO UPDATE SET value ="
			" CAST(CAST(CAST(value AS TEXT) AS INTEGER) + 1 AS BLOB)",
			"t", to);
	return rc;
}

int fleet_db_outbox_add(
	struct fleet_db *db, const char *to, const char *body, uint64_t now, struct err *e)
{
	int rc = db_open_tx(db, e);

	return rc == 0 ? db_close_tx(db, db_outbox_put(db, to, body, now, e), e) : rc;
}

int fleet_db_outbox_peek(struct fleet_db *db, const char *to, struct fleet_report *ret, size_t max,
	size_t *ret_n, struct err *e)
{
	cleanup_stmt sqlite3_stmt *st = NULL;
	size_t n = 0;
	int rc = db_query(db, &st, e,
		"SELECT id, body, created FROM outbox WHERE dest = ? ORDER BY id LIMIT ?", "ti", to,
		(int64_t)max);

	while (rc == 0 && n < max && (rc = db_step(db, st, e)) == 1) {
		ret[n] = (struct fleet_report){.id = sqlite3_column_int64(st, 0)};
		rc = db_text_copy(st, 1, &ret[n].body, e);
		if (rc == 0)
			rc = db_uint(db, st, 2, INT64_MAX, &ret[n].created, e);
		n++;
	}
	if (rc < 0) {
		while (n > 0)
			fleet_report_done(&ret[--n]);
		return rc;
	}
	*ret_n = n;
	return 0;
}

int fleet_db_outbox_done(struct fleet_db *db, int64_t up_to_id, const char *to, struct err *e)
{
	int rc = db_open_tx(db, e);

	if (rc < 0)
		return rc;
	rc = db_run(db, e, "DELETE FROM outbox WHERE dest = ? AND id <= ?", "ti", to, up_to_id);
	return db_close_tx(db, rc, e);
}

int fleet_db_outbox_count(struct fleet_db *db, const char *to, uint64_t *ret, struct err *e)
{
	cleanup_stmt sqlite3_stmt *st = NULL;
	int rc = db_query(
		db, &st, e, "SELECT count(*) FROM outbox WHERE ?1 IS NULL OR dest = ?1", "t", to);

	if (rc == 0)
		rc = db_step(db, st, e);
	return rc < 0 ? rc : db_uint(db, st, 0, INT64_MAX, ret, e);
}

void fleet_report_done(struct fleet_report *r)
{
	free(r->body);
	r->body = NULL;
}
