/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db_line.c - one line of a report for each event, in the words of stmota-fleet(5)
 *
 * A line is made in the transaction of what it tells, and its id is that of what it tells: however
 * often it is sent, it can be counted once.
 */
#include "db_priv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include <stmota/text.h>

#define SCHEMA 1

static void json_done(json_t **j)
{
	json_decref(*j);
}
#define cleanup_json CLEANUP(json_done)

/* NULL is null; bytes that are no UTF-8 become '?', and the text stays readable. */
json_t *db_json_text(const char *text)
{
	json_t *j;
	char *copy;

	if (text == NULL)
		return json_null();
	j = json_string(text);
	if (j != NULL)
		return j;
	copy = strdup(text);
	for (char *p = copy; p != NULL && *p != '\0'; p++)
		if ((unsigned char)*p > '~')
			*p = '?';
	j = json_string(copy);
	free(copy);
	return j;
}

static json_t *hex(const uint8_t *data, size_t len)
{
	char text[2 * SHA256_SIZE + 1] = "";

	for (size_t i = 0; i < len; i++)
		snprintf(text + 2 * i, 3, "%02x", data[i]);
	return json_string(text);
}

json_t *db_json_time(uint64_t t)
{
	char text[TEXT_TIME_SIZE];

	return t > 0 ? json_string(text_time(t, text)) : json_null();
}

static json_t *version(struct imf_version v, bool has)
{
	char text[VERSION_TEXT_SIZE];

	return has ? json_string(version_format(v, text)) : json_null();
}

/* Evidence is an object already; whatever else it is stays a text. */
json_t *db_json_evidence(const char *text)
{
	json_t *j = text != NULL ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;

	return j != NULL ? j : db_json_text(text);
}

json_t *db_json_attempt(const struct fleet_attempt *a)
{
	json_t *j = json_object();

	json_object_set_new(j, "device", db_json_text(a->device));
	json_object_set_new(j, "rollout", db_json_text(a->rollout));
	json_object_set_new(j, "source", db_json_text(a->source));
	json_object_set_new(j, "package", hex(a->package, SHA256_SIZE));
	json_object_set_new(j, "version", version(a->version, true));
	json_object_set_new(j, "from", version(a->from, a->has_from));
	json_object_set_new(j, "counter", json_integer(a->counter));
	json_object_set_new(j, "delta", json_boolean(a->delta));
	json_object_set_new(j, "canary", json_boolean(a->canary));
	json_object_set_new(j, "started", json_integer((json_int_t)a->started));
	json_object_set_new(
		j, "ended", a->ended > 0 ? json_integer((json_int_t)a->ended) : json_null());
	json_object_set_new(j, "outcome", json_string(fleet_outcome_text(a->outcome)));
	json_object_set_new(j, "failure", json_boolean(fleet_outcome_is_failure(a->outcome)));
	json_object_set_new(j, "confirmed", json_boolean(a->confirmed));
	json_object_set_new(j, "error",
		a->error != 0 ? json_string(err_code_name((enum err_code)a->error)) : json_null());
	json_object_set_new(j, "image", a->has_image ? hex(a->image, SHA256_SIZE) : json_null());
	json_object_set_new(j, "text", db_json_text(a->text));
	json_object_set_new(j, "evidence", db_json_evidence(a->evidence));
	json_object_set_new(j, "transcript", db_json_text(a->transcript));
	return j;
}

/* Without a name of its own a gateway is known by that of the host. */
static json_t *gateway(const struct fleet_db *db)
{
	char host[256] = "";

	if (db->fleet != NULL && db->fleet->gateway[0] != '\0')
		return db_json_text(db->fleet->gateway);
	if (gethostname(host, sizeof(host) - 1) < 0 || host[0] == '\0')
		return json_null();
	return db_json_text(host);
}

/* `kind` and `number` tell this event from all others of this database. */
static json_t *head(struct fleet_db *db, const char *event, char kind, int64_t number, uint64_t now)
{
	json_t *j = json_object();
	char id[DB_ID_SIZE + 24];

	snprintf(id, sizeof(id), "%s-%c%" PRId64, db->id, kind, number);
	json_object_set_new(j, "schema", json_integer(SCHEMA));
	json_object_set_new(j, "id", json_string(id));
	json_object_set_new(j, "event", json_string(event));
	json_object_set_new(j, "time", db_json_time(now));
	json_object_set_new(j, "gateway", gateway(db));
	return j;
}

static int put(struct fleet_db *db, json_t *j, uint64_t now, struct err *e)
{
	char *text = json_dumps(j, JSON_COMPACT);
	int rc;

	if (text == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	rc = db_outbox_put(db, "report", text, now, e);
	free(text);
	return rc;
}

/* Where nobody is to be told, history and export have it all. */
static bool nobody_listens(const struct fleet_db *db)
{
	return db->fleet != NULL && db->fleet->report == NULL;
}

int db_report_attempt(struct fleet_db *db, const struct fleet_attempt *a, const char *uid,
	uint64_t now, struct err *e)
{
	cleanup_json json_t *j = NULL;
	cleanup_json json_t *rest = NULL;
	const char *device_id = NULL;

	if (nobody_listens(db))
		return 0;
	for (size_t i = 0; db->fleet != NULL && i < db->fleet->n; i++)
		if (strcmp(db->fleet->devices[i].name, a->device) == 0)
			device_id = db->fleet->devices[i].id;
	j = head(db, "attempt", 'a', a->id, now);
	rest = db_json_attempt(a);
	json_object_set_new(j, "device_id", db_json_text(device_id));
	json_object_set_new(j, "uid", db_json_text(uid));
	json_object_update(j, rest);
	return put(db, j, now, e);
}

int db_report_halt(struct fleet_db *db, int64_t halt, const char *rollout, const char *why,
	bool resumed, uint64_t now, struct err *e)
{
	cleanup_json json_t *j = NULL;

	if (nobody_listens(db))
		return 0;
	j = head(db, resumed ? "resume" : "halt", resumed ? 'r' : 'h', halt, now);
	json_object_set_new(j, "rollout", db_json_text(rollout));
	json_object_set_new(j, "text", db_json_text(why));
	return put(db, j, now, e);
}
