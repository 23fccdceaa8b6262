/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hawkbit_owed.c - results that a hawkBit server has not taken yet
 *
 * A row of the outbox is {"about": "deployment"|"cancel", "id": ACTION, "text": BODY OF THE POST}.
 */
#include "hawkbit_owed.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#define AT_ONCE 16u /* rows that are read at a time */

static const char *const abouts[] = {
	[HAWKBIT_DEPLOYMENT] = "deployment", [HAWKBIT_CANCEL] = "cancel"};

static const char *box_of(const struct hawkbit_target *t, char ret[FLEET_NAME_SIZE + 16])
{
	snprintf(ret, FLEET_NAME_SIZE + 16, "hawkbit:%s", t->device->name);
	return ret;
}

/* A row that cannot be read was not written by us: it is dropped. */
static int send_row(struct hawkbit_target *t, const struct fleet_report *r, struct err *e)
{
	json_t *j = json_loads(r->body, 0, NULL);
	const char *about = json_string_value(json_object_get(j, "about"));
	const char *id = json_string_value(json_object_get(j, "id"));
	const char *text = json_string_value(json_object_get(j, "text"));
	bool gone = false;
	int rc = 0;

	if (about != NULL && id != NULL && text != NULL)
		rc = hawkbit_post(&t->h,
			strcmp(about, abouts[HAWKBIT_CANCEL]) == 0 ? HAWKBIT_CANCEL
								   : HAWKBIT_DEPLOYMENT,
			id, text, strlen(text), &gone, e);
	json_decref(j);
	return rc;
}

int hawkbit_owed_send(struct hawkbit_target *t, struct err *e)
{
	char box[FLEET_NAME_SIZE + 16];
	struct fleet_report rows[AT_ONCE];
	size_t n = AT_ONCE;
	int rc = 0;

	box_of(t, box);
	while (rc == 0 && n == AT_ONCE) {
		rc = fleet_db_outbox_peek(t->rq->db, box, rows, AT_ONCE, &n, e);
		if (rc < 0)
			return rc;
		for (size_t i = 0; i < n; i++) {
			if (rc == 0)
				rc = send_row(t, &rows[i], e);
			if (rc == 0)
				rc = fleet_db_outbox_done(t->rq->db, rows[i].id, box, e);
			fleet_report_done(&rows[i]);
		}
	}
	return rc;
}

int hawkbit_owed_add(struct hawkbit_target *t, enum hawkbit_about about, const char *id,
	const struct hawkbit_feedback *f, struct err *e)
{
	char box[FLEET_NAME_SIZE + 16];
	cleanup_buf struct buf text = BUF_INIT;
	cleanup_free char *body = NULL;
	json_t *j;
	int rc = hawkbit_feedback_text(id, f, &text, e);

	if (rc < 0)
		return rc;
	j = json_pack("{s:s,s:s,s:o}", "about", abouts[about], "id", id, "text",
		json_stringn((const char *)text.data, text.len));
	body = j != NULL ? json_dumps(j, JSON_COMPACT) : NULL;
	json_decref(j);
	if (body == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	return fleet_db_outbox_add(t->rq->db, box_of(t, box), body, t->rq->now, e);
}
