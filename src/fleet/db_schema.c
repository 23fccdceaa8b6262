/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db_schema.c - the tables, and how an older file becomes a newer one
 *
 * A step that was released never changes: files in the field have gone through it. A change of the
 * schema is one more step, and a dump of the version before it in tests/unit/data.
 */
#include "db_priv.h"

#include <stmota/bytes.h>

const char *const db_schema[] = {
	/* 1 */
	"PRAGMA application_id = 1398034246;\n" /* "STOF" */
	"CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;\n"
	/* Names this file in reports, so that a line sent twice can be told from two lines. */
	"INSERT INTO meta VALUES ('id', lower(hex(randomblob(16))));\n"
	"CREATE TABLE device (\n"
	"	name TEXT PRIMARY KEY,\n"
	"	uid TEXT, product_uuid TEXT,\n"
	"	version TEXT, counter INTEGER NOT NULL DEFAULT 0 CHECK (counter >= 0),\n"
	"	highest_counter INTEGER NOT NULL DEFAULT 0 CHECK (highest_counter >= 0),\n"
	"	image BLOB CHECK (length(image) = 32),\n"
	"	package BLOB CHECK (length(package) = 32),\n"
	"	healthy BLOB CHECK (length(healthy) = 32),\n"
	"	seen INTEGER NOT NULL DEFAULT 0, tried INTEGER NOT NULL DEFAULT 0,\n"
	"	last INTEGER NOT NULL DEFAULT 0, text TEXT\n"
	") STRICT, WITHOUT ROWID;\n"
	"CREATE TABLE attempt (\n"
	"	id INTEGER PRIMARY KEY AUTOINCREMENT,\n"
	"	device TEXT NOT NULL REFERENCES device (name),\n"
	"	rollout TEXT NOT NULL, source TEXT NOT NULL,\n"
	"	package BLOB NOT NULL CHECK (length(package) = 32),\n"
	"	delta INTEGER NOT NULL, canary INTEGER NOT NULL,\n"
	"	version TEXT NOT NULL, from_version TEXT,\n"
	"	counter INTEGER NOT NULL CHECK (counter >= 0),\n"
	"	started INTEGER NOT NULL, ended INTEGER NOT NULL DEFAULT 0,\n"
	"	outcome INTEGER NOT NULL DEFAULT 0, error INTEGER NOT NULL DEFAULT 0,\n"
	"	text TEXT, evidence TEXT, transcript TEXT,\n"
	"	confirmed INTEGER NOT NULL DEFAULT 0,\n"
	"	CHECK ((ended = 0) = (outcome = 0))\n"
	") STRICT;\n"
	"CREATE INDEX attempt_device ON attempt (device, package, id);\n"
	"CREATE INDEX attempt_rollout ON attempt (rollout, device, id);\n"
	"CREATE INDEX attempt_started ON attempt (started);\n"
	"CREATE INDEX attempt_open ON attempt (id) WHERE ended = 0;\n"
	"CREATE TABLE halt (\n"
	"	id INTEGER PRIMARY KEY AUTOINCREMENT,\n"
	"	rollout TEXT NOT NULL, why TEXT NOT NULL,\n"
	"	halted INTEGER NOT NULL, resumed INTEGER NOT NULL DEFAULT 0,\n"
	/* Failures up to this attempt were known to whoever resumed it. */
	"	resumed_attempt INTEGER NOT NULL DEFAULT 0\n"
	") STRICT;\n"
	"CREATE UNIQUE INDEX halt_now ON halt (rollout) WHERE resumed = 0;\n"
	"CREATE INDEX halt_rollout ON halt (rollout, id);\n"
	"CREATE TABLE channel (\n"
	"	name TEXT PRIMARY KEY, root BLOB NOT NULL, root_version INTEGER NOT NULL,\n"
	"	head_issued INTEGER NOT NULL, plan_version INTEGER NOT NULL,\n"
	"	plan_sha256 BLOB NOT NULL CHECK (length(plan_sha256) = 32),\n"
	"	halt_version INTEGER NOT NULL, time_floor INTEGER NOT NULL\n"
	") STRICT, WITHOUT ROWID;\n"
	"CREATE TABLE note (owner TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL,\n"
	"	PRIMARY KEY (owner, key)) STRICT, WITHOUT ROWID;\n"
	"CREATE TABLE outbox (\n"
	"	id INTEGER PRIMARY KEY AUTOINCREMENT,\n"
	"	dest TEXT NOT NULL, body TEXT NOT NULL, created INTEGER NOT NULL\n"
	") STRICT;\n"
	"CREATE INDEX outbox_dest ON outbox (dest, id);\n",
	/* 2: the plan that was seen last need not be fetched again */
	("ALTER TABLE channel ADD COLUMN plan BLOB;\n"
	 "ALTER TABLE channel ADD COLUMN plan_sig BLOB;\n"),
	/* 3: what the device was seen to hold at the end belongs to the evidence. */
	"ALTER TABLE attempt ADD COLUMN image BLOB CHECK (length(image) = 32);\n",
};

const int db_schema_version = ARRAY_LEN(db_schema);

int db_schema_of(struct fleet_db *db, int *ret, struct err *e)
{
	cleanup_stmt sqlite3_stmt *st = NULL;
	int rc = db_query(db, &st, e, "PRAGMA user_version", "");

	if (rc == 0)
		rc = db_step(db, st, e);
	if (rc < 0)
		return rc;
	*ret = sqlite3_column_int(st, 0);
	return 0;
}

/* PRAGMA takes no bound values: one constant text for each version. */
static const char *const set_version[] = {
	"PRAGMA user_version = 0",
	"PRAGMA user_version = 1",
	"PRAGMA user_version = 2",
	"PRAGMA user_version = 3",
	"PRAGMA user_version = 4",
	"PRAGMA user_version = 5",
	"PRAGMA user_version = 6",
	"PRAGMA user_version = 7",
	"PRAGMA user_version = 8",
	"PRAGMA user_version = 9",
	"PRAGMA user_version = 10",
};

static int run_step(struct fleet_db *db, const char *const *steps, int n, struct err *e)
{
	int now = 0;
	int rc = db_run(db, e, "BEGIN IMMEDIATE", "");

	/* Another process may have been quicker. */
	if (rc == 0)
		rc = db_schema_of(db, &now, e);
	if (rc == 0 && now < n) {
		rc = sqlite3_exec(db->sql, steps[now], NULL, NULL, NULL);
		if (rc == SQLITE_OK)
			rc = sqlite3_exec(db->sql, set_version[now + 1], NULL, NULL, NULL);
		if (rc != SQLITE_OK)
			rc = db_fail(db, rc, "bring the tables up to date", e);
	}
	return db_close_tx(db, rc, e);
}

int db_migrate(struct fleet_db *db, const char *const *steps, int n, struct err *e)
{
	int version = 0;
	int rc = db_schema_of(db, &version, e);

	if (rc == 0 && version < 0)
		return db_damaged(db, "its version is below 0", e);
	if (rc == 0 && version > n) {
		err_set(e, ERR_UNSUPPORTED,
			"%s was made by a newer stmota (schema %d, this one knows %d)", db->path,
			version, n);
		return err_hint(e, "use that stmota; nothing was changed");
	}
	while (rc == 0 && version < n) {
		rc = run_step(db, steps, n, e);
		if (rc == 0)
			rc = db_schema_of(db, &version, e);
	}
	return rc;
}
