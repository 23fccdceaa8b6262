/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db_attempt.c - attempts: begun before the device is touched, ended in one piece with all that
 * follows from the ending
 */
#include "db_priv.h"

#include <stdlib.h>
#include <string.h>

#include <stmota/bytes.h>

static const struct {
	const char *text;
	bool failure;
} outcomes[] = {
	[FLEET_OPEN] = {"open", false},
	[FLEET_OK] = {"ok", false},
	[FLEET_ALREADY] = {"already there", false},
	[FLEET_FAILED] = {"failed", true},
	[FLEET_UNHEALTHY] = {"unhealthy", true},
	[FLEET_ROLLED_BACK] = {"rolled back", true},
	[FLEET_REFUSED] = {"refused", false},
	[FLEET_UNREACHABLE] = {"unreachable", true},
	[FLEET_INTERRUPTED] = {"interrupted", false},
};

const char *fleet_outcome_text(enum fleet_outcome o)
{
	return (size_t)o < ARRAY_LEN(outcomes) ? outcomes[o].text : "unknown";
}

bool fleet_outcome_is_failure(enum fleet_outcome o)
{
	return (size_t)o < ARRAY_LEN(outcomes) && outcomes[o].failure;
}

void fleet_attempt_done(struct fleet_attempt *a)
{
	free(a->evidence);
	free(a->transcript);
	a->evidence = a->transcript = NULL;
}

int db_attempt_row(struct fleet_db *db, sqlite3_stmt *st, struct fleet_attempt *ret, struct err *e)
{
	struct fleet_attempt a = {.id = sqlite3_column_int64(st, 0)};
	uint64_t counter = 0, outcome = 0;
	int rc;

	db_text(st, 1, a.device, sizeof(a.device));
	db_text(st, 2, a.rollout, sizeof(a.rollout));
	db_text(st, 3, a.source, sizeof(a.source));
	db_text(st, 14, a.text, sizeof(a.text));
	a.delta = sqlite3_column_int(st, 5) != 0;
	a.canary = sqlite3_column_int(st, 6) != 0;
	a.error = sqlite3_column_int(st, 13);
	a.confirmed = sqlite3_column_int(st, 17) != 0;
	rc = db_digest(db, st, 4, a.package, NULL, e);
	if (rc == 0)
		rc = db_digest(db, st, 18, a.image, &a.has_image, e);
	if (rc == 0)
		rc = db_version(db, st, 7, &a.version, NULL, e);
	if (rc == 0)
		rc = db_version(db, st, 8, &a.from, &a.has_from, e);
	if (rc == 0)
		rc = db_uint(db, st, 9, UINT32_MAX, &counter, e);
	if (rc == 0)
		rc = db_uint(db, st, 10, INT64_MAX, &a.started, e);
	if (rc == 0)
		rc = db_uint(db, st, 11, INT64_MAX, &a.ended, e);
	if (rc == 0)
		rc = db_uint(db, st, 12, FLEET_INTERRUPTED, &outcome, e);
	a.counter = (uint32_t)counter;
	a.outcome = (enum fleet_outcome)outcome;
	if (rc == 0)
		rc = db_text_copy(st, 15, &a.evidence, e);
	if (rc == 0)
		rc = db_text_copy(st, 16, &a.transcript, e);
	if (rc < 0) {
		fleet_attempt_done(&a);
		return rc;
	}
	*ret = a;
	return 0;
}

int fleet_db_begin(struct fleet_db *db, struct fleet_attempt *a, struct err *e)
{
	char version[VERSION_TEXT_SIZE], from[VERSION_TEXT_SIZE];
	int64_t id = 0;
	int rc;

	if (!db_has_room(db)) {
		err_set(e, ERR_IO, "nothing is begun: the disk of %s is full", db->path);
		return err_hint(e, "its end could not be recorded; make room");
	}
	rc = db_open_tx(db, e);
	if (rc < 0)
		return rc;
	rc = db_run(db, e,
		"INSERT INTO device (name, tried) VALUES (?1, ?2)"
		" ON CONFLICT DO UPDATE SET tried = ?2",
		"ti", a->device, (int64_t)a->started);
	if (rc == 0)
		rc = db_run(db, e,
			"INSERT INTO attempt (device, rollout, source, package, delta, canary,"
			" version, from_version, counter, started)"
			" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			"tttdiittii", a->device, a->rollout, a->source, a->package,
			(int64_t)a->delta, (int64_t)a->canary, version_format(a->version, version),
			a->has_from ? version_format(a->from, from) : NULL, (int64_t)a->counter,
			(int64_t)a->started);
	if (rc == 0)
		id = sqlite3_last_insert_rowid(db->sql);
	rc = db_close_tx(db, rc, e);
	if (rc == 0) {
		a->id = id;
		a->outcome = FLEET_OPEN;
		a->ended = 0;
	}
	return rc;
}

/* ---- the end ---- */

static int get_attempt(struct fleet_db *db, int64_t id, struct fleet_attempt *ret, struct err *e)
{
	cleanup_stmt sqlite3_stmt *st = NULL;
	int rc = db_query(
		db, &st, e, "SELECT " DB_ATTEMPT_COLUMNS " FROM attempt WHERE id = ?", "i", id);

	if (rc == 0)
		rc = db_step(db, st, e);
	if (rc == 0)
		return err_set(e, ERR_FAILED, "there is no attempt %lld", (long long)id);
	return rc < 0 ? rc : db_attempt_row(db, st, ret, e);
}

static int keep_ending(struct fleet_db *db, const struct fleet_attempt *a, uint64_t now,
	const struct fleet_ending *end, struct err *e)
{
	return db_run(db, e,
		"UPDATE attempt SET ended = ?2, outcome = ?3, error = ?4, text = ?5, evidence = ?6,"
		" transcript = ?7, confirmed = ?8, image = ?9 WHERE id = ?1",
		"iiiitttid", a->id, (int64_t)now, (int64_t)end->outcome, (int64_t)end->error,
		end->text, end->evidence, end->transcript, (int64_t)end->confirmed,
		end->has_image ? end->image : NULL);
}

/* It runs what was delivered, and proved it. */
static int device_has_it(struct fleet_db *db, const struct fleet_attempt *a, uint64_t now,
	const struct fleet_ending *end, struct err *e)
{
	char version[VERSION_TEXT_SIZE];

	return db_run(db, e,
		"UPDATE device SET version = ?2, counter = ?3,"
		" highest_counter = max(highest_counter, ?3), package = ?4, image = ?5,"
		" healthy = coalesce(?6, healthy), seen = ?7 WHERE name = ?1",
		"ttidddi", a->device, version_format(a->version, version), (int64_t)a->counter,
		a->package, end->has_image ? end->image : NULL,
		end->confirmed || end->outcome == FLEET_OK ? a->package : NULL, (int64_t)now);
}

/*
 * It does not. Version and counter stay those that were proved last, unless it runs what nobody
 * vouches for. A base for deltas is only kept where nothing speaks against it, so that the full
 * package follows a delta that failed.
 */
static int device_has_it_not(struct fleet_db *db, const struct fleet_attempt *a, uint64_t now,
	const struct fleet_ending *end, struct err *e)
{
	enum fleet_outcome o = end->outcome;
	bool doubtful = a->delta && (o == FLEET_FAILED || o == FLEET_REFUSED);
	int rc = 0;

	if (o == FLEET_ROLLED_BACK)
		rc = db_run(db, e, "UPDATE device SET seen = ?2 WHERE name = ?1", "ti", a->device,
			(int64_t)now);
	if (rc == 0 && o == FLEET_UNHEALTHY)
		rc = db_run(db, e,
			"UPDATE device SET version = NULL, package = NULL, image = NULL"
			" WHERE name = ?1",
			"t", a->device);
	if (rc == 0 && (doubtful || end->has_image))
		rc = db_run(db, e, "UPDATE device SET image = ?2 WHERE name = ?1", "td", a->device,
			end->has_image ? end->image : NULL);
	return rc;
}

static int end_one(struct fleet_db *db, int64_t id, const struct fleet_ending *end, uint64_t now,
	struct err *e)
{
	struct fleet_attempt a = {0};
	bool has = end->outcome == FLEET_OK || end->outcome == FLEET_ALREADY;
	int rc = get_attempt(db, id, &a, e);

	if (rc == 0 && a.ended != 0)
		rc = err_set(e, ERR_FAILED, "attempt %lld has ended already", (long long)id);
	if (rc == 0)
		rc = keep_ending(db, &a, now, end, e);
	if (rc == 0)
		rc = (has ? device_has_it : device_has_it_not)(db, &a, now, end, e);
	if (rc == 0)
		rc = db_run(db, e,
			"UPDATE device SET last = ?2, text = ?3, uid = coalesce(?4, uid),"
			" product_uuid = coalesce(?5, product_uuid) WHERE name = ?1",
			"tittt", a.device, (int64_t)end->outcome, end->text, end->uid,
			end->product_uuid);
	fleet_attempt_done(&a);
	/* Read again: the line says what is stored, and nothing else. */
	if (rc == 0)
		rc = get_attempt(db, id, &a, e);
	if (rc == 0)
		rc = db_report_attempt(db, &a, end->uid, now, e);
	fleet_attempt_done(&a);
	return rc;
}

int fleet_db_end(struct fleet_db *db, int64_t id, const struct fleet_ending *end, uint64_t now,
	struct err *e)
{
	int rc;

	if (end->outcome <= FLEET_OPEN || end->outcome > FLEET_INTERRUPTED)
		return err_set(e, ERR_FAILED, "an attempt does not end with %d", end->outcome);
	rc = db_open_tx(db, e);
	return rc == 0 ? db_close_tx(db, end_one(db, id, end, now > 0 ? now : 1, e), e) : rc;
}

/* The first of them; 0: there is none. */
static int first_open(struct fleet_db *db, int64_t *ret, struct err *e)
{
	cleanup_stmt sqlite3_stmt *st = NULL;
	int rc = db_query(
		db, &st, e, "SELECT coalesce(min(id), 0) FROM attempt WHERE ended = 0", "");

	if (rc == 0)
		rc = db_step(db, st, e);
	if (rc < 0)
		return rc;
	*ret = sqlite3_column_int64(st, 0);
	return 0;
}

int fleet_db_recover(struct fleet_db *db, uint64_t now, size_t *ret_n, struct err *e)
{
	static const struct fleet_ending end = {.outcome = FLEET_INTERRUPTED,
		.error = ERR_INTERRUPTED,
		.text = "stmota was stopped, or the power went, before it ended"};
	size_t n = 0;
	int64_t id = 0;
	int rc = first_open(db, &id, e);

	if (rc == 0 && id == 0) {
		*ret_n = 0;
		return 0;
	}
	if (rc == 0)
		rc = db_open_tx(db, e);
	if (rc < 0)
		return rc;
	while (rc == 0 && (rc = first_open(db, &id, e)) == 0 && id > 0) {
		rc = end_one(db, id, &end, now > 0 ? now : 1, e);
		n++;
	}
	rc = db_close_tx(db, rc, e);
	if (rc == 0)
		*ret_n = n;
	return rc;
}

/* ---- what the past says ---- */

int fleet_db_tries(struct fleet_db *db, const char *device, const uint8_t package[SHA256_SIZE],
	struct fleet_tries *ret, struct err *e)
{
	cleanup_stmt sqlite3_stmt *st = NULL;
	uint64_t n = 0, last = 0, outcome = 0;
	/* A success pays off what was before it. The bare columns are of the row of max(id). */
	int rc = db_query(db, &st, e,
		"SELECT count(*), coalesce(started, 0), coalesce(outcome, 0), max(id) FROM attempt"
		" WHERE device = ?1 AND package = ?2 AND id > (SELECT coalesce(max(id), 0)"
		" FROM attempt WHERE device = ?1 AND package = ?2 AND outcome IN (?3, ?4))",
		"tdii", device, package, (int64_t)FLEET_OK, (int64_t)FLEET_ALREADY);

	if (rc == 0)
		rc = db_step(db, st, e);
	if (rc >= 0)
		rc = db_uint(db, st, 0, UINT32_MAX, &n, e);
	if (rc == 0)
		rc = db_uint(db, st, 1, INT64_MAX, &last, e);
	if (rc == 0)
		rc = db_uint(db, st, 2, FLEET_INTERRUPTED, &outcome, e);
	if (rc < 0)
		return rc;
	*ret = (struct fleet_tries){
		.n = (uint32_t)n, .last = last, .last_outcome = (enum fleet_outcome)outcome};
	return 0;
}

static bool is_excused(const struct fleet_db *db, const char *name)
{
	for (size_t i = 0; db->fleet != NULL && i < db->fleet->n; i++)
		if (strcmp(db->fleet->devices[i].name, name) == 0)
			return db->fleet->devices[i].excused;
	return false;
}

int fleet_db_counts(
	struct fleet_db *db, const char *rollout, struct fleet_counts *ret, struct err *e)
{
	cleanup_stmt sqlite3_stmt *st = NULL;
	struct fleet_counts c = {0};
	int64_t known = 0;
	int rc = db_query(db, &st, e,
		"SELECT coalesce(max(resumed_attempt), 0) FROM halt WHERE rollout = ?", "t",
		rollout);

	if (rc == 0)
		rc = db_step(db, st, e);
	if (rc < 0)
		return rc;
	known = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	st = NULL;
	/* One row a device: its newest attempt, and whether a canary among them was healthy. An
	   interrupted one says nothing: the one before it counts. */
	rc = db_query(db, &st, e,
		"SELECT max(id), outcome, (SELECT 1 FROM attempt AS c WHERE c.rollout = ?1"
		" AND c.device = attempt.device AND c.canary AND (c.outcome = ?2 OR"
		" c.outcome = ?3 AND c.confirmed) LIMIT 1), device"
		" FROM attempt WHERE rollout = ?1 AND outcome <> ?4 GROUP BY device",
		"tiii", rollout, (int64_t)FLEET_OK, (int64_t)FLEET_ALREADY,
		(int64_t)FLEET_INTERRUPTED);
	while (rc == 0 && (rc = db_step(db, st, e)) == 1) {
		char name[FLEET_NAME_SIZE];
		uint64_t outcome = 0;

		db_text(st, 3, name, sizeof(name));
		rc = db_uint(db, st, 1, FLEET_INTERRUPTED, &outcome, e);
		c.ok += outcome == FLEET_OK || outcome == FLEET_ALREADY;
		c.open += outcome == FLEET_OPEN;
		c.failed += fleet_outcome_is_failure((enum fleet_outcome)outcome) &&
			    sqlite3_column_int64(st, 0) > known && !is_excused(db, name);
		c.canaries_ok += sqlite3_column_int(st, 2) != 0;
	}
	if (rc == 0)
		*ret = c;
	return rc;
}

int fleet_db_each_attempt(struct fleet_db *db, const char *device, uint64_t since,
	int (*fn)(void *ctx, const struct fleet_attempt *a, struct err *e), void *ctx,
	struct err *e)
{
	cleanup_stmt sqlite3_stmt *st = NULL;
	int rc = db_query(db, &st, e,
		"SELECT " DB_ATTEMPT_COLUMNS " FROM attempt"
		" WHERE (?1 IS NULL OR device = ?1) AND started >= ?2 ORDER BY id DESC",
		"ti", device, (int64_t)(since > INT64_MAX ? INT64_MAX : since));

	while (rc == 0 && (rc = db_step(db, st, e)) == 1) {
		struct fleet_attempt a = {0};

		rc = db_attempt_row(db, st, &a, e);
		if (rc == 0)
			rc = fn(ctx, &a, e);
		fleet_attempt_done(&a);
	}
	return rc;
}
