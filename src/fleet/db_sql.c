/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db_sql.c - statements, values and rows of SQLite, with this project's errors
 */
#include "db_priv.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include <stmota/bytes.h>

int db_damaged(struct fleet_db *db, const char *what, struct err *e)
{
	err_set(e, ERR_DAMAGED, "%s is damaged: %s", db->path, what);
	return err_hint(e,
		"move it and its -wal file away to start anew; lost are the history, what "
		"is not reported yet, and which counters each device has had");
}

static bool is_no_room(struct fleet_db *db, int rc)
{
	return (rc & 0xFF) == SQLITE_FULL || sqlite3_system_errno(db->sql) == ENOSPC ||
	       sqlite3_system_errno(db->sql) == EDQUOT;
}

int db_fail(struct fleet_db *db, int rc, const char *doing, struct err *e)
{
	switch (rc & 0xFF) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_MISMATCH:
		return db_damaged(db, db->sql != NULL ? sqlite3_errmsg(db->sql) : "no database", e);
	case SQLITE_NOMEM: return err_set(e, ERR_NOMEM, "out of memory");
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		err_set(e, ERR_BUSY, "%s is in use by another process", db->path);
		return err_hint(e, "it was waited for; try again");
	case SQLITE_READONLY:
		return err_set(e, ERR_IO, "%s cannot be written: %s", db->path,
			db->why[0] != '\0' ? db->why : "it was opened for reading");
	default: break;
	}
	if (db->sql != NULL && is_no_room(db, rc)) {
		db->gone_full = true;
		err_set(e, ERR_IO, "cannot %s in %s: the disk is full", doing, db->path);
		return err_hint(e, "nothing was changed; make room, then run it again");
	}
	return err_set(e, ERR_IO, "cannot %s in %s: %s", doing, db->path,
		db->sql != NULL ? sqlite3_errmsg(db->sql) : sqlite3_errstr(rc));
}

/* Wrong types or a wrong number of values are our own mistakes; SQLite reports them. */
static int bind(sqlite3_stmt *st, const char *types, va_list ap)
{
	int rc = SQLITE_OK;

	for (int i = 0; types[i] != '\0' && rc == SQLITE_OK; i++) {
		const void *p;
		size_t len;

		switch (types[i]) {
		case 't':
			p = va_arg(ap, const char *);
			rc = p != NULL ? sqlite3_bind_text(st, i + 1, p, -1, SQLITE_TRANSIENT)
				       : sqlite3_bind_null(st, i + 1);
			break;
		case 'd':
			p = va_arg(ap, const uint8_t *);
			rc = p != NULL ? sqlite3_bind_blob(
						 st, i + 1, p, SHA256_SIZE, SQLITE_TRANSIENT)
				       : sqlite3_bind_null(st, i + 1);
			break;
		case 'z':
			p = va_arg(ap, const void *);
			len = va_arg(ap, size_t);
			rc = len > 0 ? sqlite3_bind_blob64(st, i + 1, p, len, SQLITE_TRANSIENT)
				     : sqlite3_bind_zeroblob(st, i + 1, 0);
			break;
		default: rc = sqlite3_bind_int64(st, i + 1, va_arg(ap, int64_t)); break;
		}
	}
	return rc;
}

static int query(struct fleet_db *db, sqlite3_stmt **ret, struct err *e, const char *sql,
	const char *types, va_list ap)
{
	int rc = sqlite3_prepare_v2(db->sql, sql, -1, ret, NULL);

	if (rc == SQLITE_OK)
		rc = bind(*ret, types, ap);
	return rc == SQLITE_OK ? 0 : db_fail(db, rc, "ask", e);
}

int db_query(struct fleet_db *db, sqlite3_stmt **ret, struct err *e, const char *sql,
	const char *types, ...)
{
	va_list ap;
	int rc;

	va_start(ap, types);
	rc = query(db, ret, e, sql, types, ap);
	va_end(ap);
	return rc;
}

int db_step(struct fleet_db *db, sqlite3_stmt *st, struct err *e)
{
	int rc = sqlite3_step(st);

	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE)
		return 0;
	return db_fail(db, rc, sqlite3_stmt_readonly(st) ? "read" : "write", e);
}

int db_run(struct fleet_db *db, struct err *e, const char *sql, const char *types, ...)
{
	cleanup_stmt sqlite3_stmt *st = NULL;
	va_list ap;
	int rc;

	va_start(ap, types);
	rc = query(db, &st, e, sql, types, ap);
	va_end(ap);
	while (rc == 0 && (rc = db_step(db, st, e)) == 1)
		rc = 0;
	return rc;
}

int db_open_tx(struct fleet_db *db, struct err *e)
{
	if (!db->writable)
		return err_set(e, ERR_IO, "%s cannot be written: %s", db->path,
			db->why[0] != '\0' ? db->why : "it was opened for reading");
	return db_run(db, e, "BEGIN IMMEDIATE", "");
}

int db_close_tx(struct fleet_db *db, int rc, struct err *e)
{
	if (rc == 0)
		rc = db_run(db, e, "COMMIT", "");
	/* Some failures have rolled it back already. */
	if (rc < 0 && sqlite3_get_autocommit(db->sql) == 0)
		sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

/* ---- columns ---- */

void db_text(sqlite3_stmt *st, int col, char *ret, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(st, col);

	snprintf(ret, size, "%s", text != NULL ? text : "");
}

int db_text_copy(sqlite3_stmt *st, int col, char **ret, struct err *e)
{
	const char *text = (const char *)sqlite3_column_text(st, col);

	if (text == NULL)
		return 0;
	*ret = strdup(text);
	return *ret != NULL ? 0 : err_set(e, ERR_NOMEM, "out of memory");
}

int db_digest(struct fleet_db *db, sqlite3_stmt *st, int col, uint8_t ret[SHA256_SIZE],
	bool *ret_has, struct err *e)
{
	bool has = sqlite3_column_type(st, col) != SQLITE_NULL;

	if (ret_has != NULL)
		*ret_has = has;
	if (!has && ret_has != NULL)
		return 0;
	if (sqlite3_column_bytes(st, col) != SHA256_SIZE)
		return db_damaged(db, "a digest that is none", e);
	memcpy(ret, sqlite3_column_blob(st, col), SHA256_SIZE);
	return 0;
}

int db_version(struct fleet_db *db, sqlite3_stmt *st, int col, struct imf_version *ret,
	bool *ret_has, struct err *e)
{
	const char *text = (const char *)sqlite3_column_text(st, col);

	if (ret_has != NULL)
		*ret_has = text != NULL;
	if (text == NULL && ret_has != NULL)
		return 0;
	if (text == NULL || version_parse(text, ret, NULL) < 0)
		return db_damaged(db, "a version that is none", e);
	return 0;
}

int db_uint(
	struct fleet_db *db, sqlite3_stmt *st, int col, uint64_t max, uint64_t *ret, struct err *e)
{
	int64_t v = sqlite3_column_int64(st, col);

	if (v < 0 || (uint64_t)v > max)
		return db_damaged(db, "a number out of range", e);
	*ret = (uint64_t)v;
	return 0;
}
