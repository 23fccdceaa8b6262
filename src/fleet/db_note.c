/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db_note.c - halts that this gateway made, what the sources keep, small facts by name
 */
#include "db_priv.h"

#include <string.h>

/* ---- halts ---- */

int fleet_db_halt(
	struct fleet_db *db, const char *rollout, const char *why, uint64_t now, struct err *e)
{
	int rc = db_open_tx(db, e);

	if (rc < 0)
		return rc;
	/* Halted twice is halted once, for the first reason. */
	rc = db_run(db, e,
		"INSERT INTO halt (rollout, why, halted) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
		"tti", rollout, why, (int64_t)now);
	if (rc == 0 && sqlite3_changes(db->sql) > 0)
		rc = db_report_halt(
			db, sqlite3_last_insert_rowid(db->sql), rollout, why, false, now, e);
	return db_close_tx(db, rc, e);
}

static int current_halt(struct fleet_db *db, const char *rollout, sqlite3_stmt **st, struct err *e)
{
	int rc = db_query(db, st, e, "SELECT id, why FROM halt WHERE rollout = ? AND resumed = 0",
		"t", rollout);

	return rc == 0 ? db_step(db, *st, e) : rc;
}

static int end_halt(struct fleet_db *db, const char *rollout, uint64_t now, struct err *e)
{
	cleanup_stmt sqlite3_stmt *st = NULL;
	int64_t id;
	int rc = current_halt(db, rollout, &st, e);

	if (rc <= 0)
		return rc < 0 ? rc
			      : err_set(e, ERR_USAGE, "%s is not halted on this gateway", rollout);
	id = sqlite3_column_int64(st, 0);
	rc = db_run(db, e,
		"UPDATE halt SET resumed = ?2,"
		" resumed_attempt = (SELECT coalesce(max(id), 0) FROM attempt) WHERE id = ?1",
		"ii", id, (int64_t)(now > 0 ? now : 1));
	return rc == 0 ? db_report_halt(db, id, rollout, NULL, true, now, e) : rc;
}

int fleet_db_resume(struct fleet_db *db, const char *rollout, uint64_t now, struct err *e)
{
	int rc = db_open_tx(db, e);

	return rc == 0 ? db_close_tx(db, end_halt(db, rollout, now, e), e) : rc;
}

int fleet_db_halted(
	struct fleet_db *db, const char *rollout, char *ret_why, size_t size, struct err *e)
{
	cleanup_stmt sqlite3_stmt *st = NULL;
	int rc = current_halt(db, rollout, &st, e);

	if (rc == 1)
		db_text(st, 1, ret_why, size);
	return rc;
}

int fleet_db_each_halt(struct fleet_db *db,
	int (*fn)(void *ctx, const struct fleet_halt *h, struct err *e), void *ctx, struct err *e)
{
	cleanup_stmt sqlite3_stmt *st = NULL;
	int rc = db_query(
		db, &st, e, "SELECT rollout, why, halted, resumed FROM halt ORDER BY id", "");

	while (rc == 0 && (rc = db_step(db, st, e)) == 1) {
		struct fleet_halt h = {0};

		db_text(st, 0, h.rollout, sizeof(h.rollout));
		db_text(st, 1, h.why, sizeof(h.why));
		rc = db_uint(db, st, 2, INT64_MAX, &h.halted, e);
		if (rc == 0)
			rc = db_uint(db, st, 3, INT64_MAX, &h.resumed, e);
		if (rc == 0)
			rc = fn(ctx, &h, e);
	}
	return rc;
}

/* ---- channels ---- */

static int column_bytes(sqlite3_stmt *st, int at, struct buf *ret, struct err *e)
{
	const void *bytes = sqlite3_column_blob(st, at);

	return bytes == NULL
		       ? 0
		       : buf_append(ret, bytes, (size_t)sqlite3_column_bytes(st, at), e);
}

int fleet_db_channel_load(
	struct fleet_db *db, const char *channel, struct channel_state *ret, struct err *e)
{
	cleanup_stmt sqlite3_stmt *st = NULL;
	struct channel_state s = {0};
	int rc = db_query(db, &st, e,
		"SELECT root, root_version, head_issued, plan_version, plan_sha256, halt_version,"
		" time_floor, plan, plan_sig FROM channel WHERE name = ?",
		"t", channel);
	uint64_t *const numbers[] = {NULL, &s.root_version, &s.head_issued, &s.plan_version, NULL,
		&s.halt_version, &s.time_floor};

	if (rc == 0)
		rc = db_step(db, st, e);
	if (rc < 0)
		return rc;
	if (rc == 1) {
		rc = column_bytes(st, 0, &s.root, e);
		if (rc == 0)
			rc = column_bytes(st, 7, &s.plan, e);
		if (rc == 0)
			rc = column_bytes(st, 8, &s.plan_sig, e);
		for (int i = 1; rc == 0 && i < 7; i++)
			rc = i == 4 ? db_digest(db, st, i, s.plan_sha256, NULL, e)
				    : db_uint(db, st, i, INT64_MAX, numbers[i], e);
	}
	if (rc < 0) {
		channel_state_done(&s);
		return rc;
	}
	*ret = s;
	return 0;
}

int fleet_db_channel_save(
	struct fleet_db *db, const char *channel, const struct channel_state *s, struct err *e)
{
	const uint64_t numbers[] = {
		s->root_version, s->head_issued, s->plan_version, s->halt_version, s->time_floor};
	int rc;

	/* A number above this one would come back negative. */
	for (size_t i = 0; i < 5; i++)
		if (numbers[i] > INT64_MAX)
			return err_set(e, ERR_FORMAT, "a number of the channel is out of range");
	rc = db_open_tx(db, e);
	if (rc < 0)
		return rc;
	rc = db_run(db, e,
		"INSERT OR REPLACE INTO channel (name, root, root_version, head_issued,"
		" plan_version, plan_sha256, halt_version, time_floor, plan, plan_sig)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		"tziiidiizz", channel, (const void *)s->root.data, s->root.len,
		(int64_t)s->root_version, (int64_t)s->head_issued, (int64_t)s->plan_version,
		s->plan_sha256, (int64_t)s->halt_version, (int64_t)s->time_floor,
		(const void *)s->plan.data, s->plan.len, (const void *)s->plan_sig.data,
		s->plan_sig.len);
	return db_close_tx(db, rc, e);
}

/* ---- notes ---- */

int fleet_db_note_get(
	struct fleet_db *db, const char *owner, const char *key, struct buf *ret, struct err *e)
{
	cleanup_stmt sqlite3_stmt *st = NULL;
	int rc = db_query(
		db, &st, e, "SELECT value FROM note WHERE owner = ? AND key = ?", "tt", owner, key);

	if (rc == 0)
		rc = db_step(db, st, e);
	if (rc <= 0)
		return rc;
	rc = buf_append(ret, sqlite3_column_blob(st, 0), (size_t)sqlite3_column_bytes(st, 0), e);
	return rc < 0 ? rc : 1;
}

int fleet_db_note_set(struct fleet_db *db, const char *owner, const char *key, const void *value,
	size_t len, struct err *e)
{
	int rc = db_open_tx(db, e);

	if (rc < 0)
		return rc;
	if (value == NULL)
		rc = db_run(
			db, e, "DELETE FROM note WHERE owner = ? AND key = ?", "tt", owner, key);
	else
		rc = db_run(db, e,
			"INSERT OR REPLACE INTO note (owner, key, value) VALUES (?, ?, ?)", "ttz",
			owner, key, value, len);
	return db_close_tx(db, rc, e);
}
