/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export.c - rows of the database as they are, in a form that other programs read
 *
 * Columns keep their names; digests become hexadecimal digits, times and outcomes what every JSON of
 * ours has for them.
 */
#include "db_priv.h"

#include <stdlib.h>
#include <string.h>

#include <stmota/bytes.h>
#include <stmota/fleet_export.h>
#include <stmota/text.h>

const char *const fleet_export_tables[] = {
	"device", "attempt", "halt", "channel", "note", "outbox", NULL};

/* In the order of the names. */
static const char *const selects[] = {
	"SELECT name, uid, product_uuid, version, counter, highest_counter, image, package, healthy,"
	" seen, tried, last, text FROM device ORDER BY name",
	"SELECT " DB_ATTEMPT_COLUMNS " FROM attempt ORDER BY id",
	"SELECT id, rollout, why, halted, resumed FROM halt ORDER BY id",
	"SELECT name, root_version, head_issued, plan_version, plan_sha256, halt_version, time_floor"
	" FROM channel ORDER BY name",
	"SELECT owner, key, value FROM note ORDER BY owner, key",
	"SELECT id, dest, created, body FROM outbox ORDER BY id",
};

/* Columns whose number is more than a number. */
static const struct {
	const char *name;
	char kind; /* 't' time, 'o' outcome, 'e' error, 'b' yes or no, 'j' JSON */
} meanings[] = {
	{"seen", 't'},
	{"tried", 't'},
	{"started", 't'},
	{"ended", 't'},
	{"halted", 't'},
	{"resumed", 't'},
	{"head_issued", 't'},
	{"time_floor", 't'},
	{"created", 't'},
	{"last", 'o'},
	{"outcome", 'o'},
	{"error", 'e'},
	{"delta", 'b'},
	{"canary", 'b'},
	{"confirmed", 'b'},
	{"evidence", 'j'},
	{"body", 'j'},
};

static char kind_of(const char *column)
{
	for (size_t i = 0; i < ARRAY_LEN(meanings); i++)
		if (strcmp(meanings[i].name, column) == 0)
			return meanings[i].kind;
	return 0;
}

static json_t *number(char kind, int64_t v)
{
	switch (kind) {
	case 't': return db_json_time(v > 0 ? (uint64_t)v : 0);
	case 'o': return json_string(fleet_outcome_text((enum fleet_outcome)v));
	case 'e': return v != 0 ? json_string(err_code_name((enum err_code)v)) : json_null();
	case 'b': return json_boolean(v != 0);
	default: return json_integer(v);
	}
}

static json_t *blob(const uint8_t *p, int len)
{
	char *text = malloc(2 * (size_t)len + 1);
	json_t *j;

	if (text == NULL)
		return NULL;
	text[0] = '\0';
	for (int i = 0; i < len; i++)
		snprintf(text + 2 * i, 3, "%02x", p[i]);
	j = json_string(text);
	free(text);
	return j;
}

static json_t *cell(sqlite3_stmt *st, int col)
{
	char kind = kind_of(sqlite3_column_name(st, col));
	const char *text;

	switch (sqlite3_column_type(st, col)) {
	case SQLITE_INTEGER: return number(kind, sqlite3_column_int64(st, col));
	case SQLITE_BLOB: return blob(sqlite3_column_blob(st, col), sqlite3_column_bytes(st, col));
	case SQLITE_NULL: return json_null();
	default:
		text = (const char *)sqlite3_column_text(st, col);
		return kind == 'j' ? db_json_evidence(text) : db_json_text(text);
	}
}

static int table_of(const char *name, size_t *ret, struct err *e)
{
	for (size_t i = 0; fleet_export_tables[i] != NULL; i++)
		if (strcmp(fleet_export_tables[i], name) == 0) {
			*ret = i;
			return 0;
		}
	err_set(e, ERR_USAGE, "there is no table '%.40s'", name);
	return err_hint(e, "device, attempt, halt, channel, note, outbox");
}

/* ---- NDJSON ---- */

static int row_json(sqlite3_stmt *st, size_t table, struct buf *ret, struct err *e)
{
	json_t *row = json_object();
	char *text;
	int rc = 0;

	json_object_set_new(row, "table", json_string(fleet_export_tables[table]));
	for (int i = 0; i < sqlite3_column_count(st); i++)
		json_object_set_new(row, sqlite3_column_name(st, i), cell(st, i));
	text = json_dumps(row, JSON_COMPACT);
	json_decref(row);
	if (text == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	rc = buf_append(ret, text, strlen(text), e);
	free(text);
	return rc == 0 ? buf_append(ret, "\n", 1, e) : rc;
}

static int table_json(struct fleet_db *db, size_t table, struct buf *ret, struct err *e)
{
	cleanup_stmt sqlite3_stmt *st = NULL;
	int rc = db_query(db, &st, e, selects[table], "");

	while (rc == 0 && (rc = db_step(db, st, e)) == 1)
		rc = row_json(st, table, ret, e);
	return rc;
}

int fleet_export_json(struct fleet_db *db, const char *table, struct buf *ret, struct err *e)
{
	size_t i = 0;
	int rc;

	if (table != NULL) {
		rc = table_of(table, &i, e);
		return rc == 0 ? table_json(db, i, ret, e) : rc;
	}
	for (i = 0, rc = 0; rc == 0 && fleet_export_tables[i] != NULL; i++)
		rc = table_json(db, i, ret, e);
	return rc;
}

/* ---- CSV ---- */

static int put_quoted(const char *text, struct buf *ret, struct err *e)
{
	bool formula = text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL;
	int rc = buf_append(ret, formula ? "\"'" : "\"", formula ? 2 : 1, e);

	for (; rc == 0 && *text != '\0'; text++)
		rc = buf_append(ret, *text == '"' ? "\"\"" : text, *text == '"' ? 2 : 1, e);
	return rc == 0 ? buf_append(ret, "\"", 1, e) : rc;
}

static int cell_csv(sqlite3_stmt *st, int col, struct buf *ret, struct err *e)
{
	json_t *j = cell(st, col);
	char *text = NULL;
	int rc = 0;

	if (json_is_string(j))
		rc = put_quoted(json_string_value(j), ret, e);
	else if (!json_is_null(j)) {
		text = json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY);
		if (text == NULL)
			rc = err_set(e, ERR_NOMEM, "out of memory");
		else if (json_is_object(j) || json_is_array(j))
			rc = put_quoted(text, ret, e);
		else
			rc = buf_append(ret, text, strlen(text), e);
	}
	free(text);
	json_decref(j);
	return rc;
}

int fleet_export_csv(struct fleet_db *db, const char *table, struct buf *ret, struct err *e)
{
	cleanup_stmt sqlite3_stmt *st = NULL;
	size_t t = 0;
	int n, rc = table_of(table, &t, e);

	if (rc == 0)
		rc = db_query(db, &st, e, selects[t], "");
	if (rc < 0)
		return rc;
	n = sqlite3_column_count(st);
	for (int i = 0; rc == 0 && i < n; i++) {
		const char *name = sqlite3_column_name(st, i);

		rc = buf_append(ret, name, strlen(name), e);
		if (rc == 0)
			rc = buf_append(ret, i + 1 < n ? "," : "\r\n", i + 1 < n ? 1 : 2, e);
	}
	while (rc == 0 && (rc = db_step(db, st, e)) == 1) {
		rc = 0;
		for (int i = 0; rc == 0 && i < n; i++) {
			rc = cell_csv(st, i, ret, e);
			if (rc == 0)
				rc = buf_append(
					ret, i + 1 < n ? "," : "\r\n", i + 1 < n ? 1 : 2, e);
		}
	}
	return rc;
}
