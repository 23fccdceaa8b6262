/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hawkbit_note.c - the action of a hawkBit server that a device has in hand
 */
#include "hawkbit_target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <stmota/bytes.h>

static const char *const phases[] = {[HAWKBIT_SEEN] = "seen",
	[HAWKBIT_FETCHED] = "fetched",
	[HAWKBIT_WRITING] = "writing",
	[HAWKBIT_ENDED] = "ended"};

/* Keys of a device in the database. */
static const char *owner_of(const char *device, char ret[FLEET_NAME_SIZE + 16])
{
	snprintf(ret, FLEET_NAME_SIZE + 16, "hawkbit:%s", device);
	return ret;
}

static bool read_note(const json_t *j, struct hawkbit_note *ret)
{
	const char *id = json_string_value(json_object_get(j, "action"));
	const char *sum = json_string_value(json_object_get(j, "package"));
	const char *phase = json_string_value(json_object_get(j, "phase"));
	json_int_t since = json_integer_value(json_object_get(j, "since"));

	if (id == NULL || sum == NULL || phase == NULL || strlen(id) >= sizeof(ret->action) ||
		since < 0 || sha256_parse(sum, ret->package, NULL) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(phases); i++)
		if (strcmp(phase, phases[i]) == 0) {
			ret->phase = (enum hawkbit_phase)i;
			ret->since = (uint64_t)since;
			snprintf(ret->action, sizeof(ret->action), "%s", id);
			return true;
		}
	return false;
}

int hawkbit_note_load(
	struct fleet_db *db, const char *device, struct hawkbit_note *ret, struct err *e)
{
	char owner[FLEET_NAME_SIZE + 16];
	cleanup_buf struct buf b = BUF_INIT;
	struct hawkbit_note n = {0};
	json_t *j;
	int rc = fleet_db_note_get(db, owner_of(device, owner), "action", &b, e);

	if (rc < 0)
		return rc;
	j = rc == 1 ? json_loadb((const char *)b.data, b.len, 0, NULL) : NULL;
	*ret = j != NULL && read_note(j, &n) ? n : (struct hawkbit_note){0};
	json_decref(j);
	return 0;
}

int hawkbit_note_save(
	struct fleet_db *db, const char *device, const struct hawkbit_note *n, struct err *e)
{
	char owner[FLEET_NAME_SIZE + 16], sum[2 * SHA256_SIZE + 1];
	cleanup_free char *text = NULL;
	json_t *j;

	owner_of(device, owner);
	if (n->action[0] == '\0')
		return fleet_db_note_set(db, owner, "action", NULL, 0, e);
	for (size_t i = 0; i < SHA256_SIZE; i++)
		snprintf(sum + 2 * i, 3, "%02x", n->package[i]);
	j = json_pack("{s:s,s:s,s:s,s:I}", "action", n->action, "package", sum, "phase",
		phases[n->phase], "since", (json_int_t)n->since);
	text = j != NULL ? json_dumps(j, JSON_COMPACT) : NULL;
	json_decref(j);
	if (text == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	return fleet_db_note_set(db, owner, "action", text, strlen(text), e);
}
