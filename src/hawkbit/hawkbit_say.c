/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hawkbit_say.c - what a device says to a hawkBit server, as text
 */
#include "hawkbit_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <stmota/bytes.h>

#define ATTRIBUTE_MAX 128 /* characters of a key and of a value */

int hawkbit_json_text(json_t *j, struct buf *ret, struct err *e)
{
	char *text = j != NULL ? json_dumps(j, JSON_COMPACT) : NULL;
	int rc = text != NULL ? buf_append(ret, text, strlen(text), e)
			      : err_set(e, ERR_NOMEM, "out of memory");

	free(text);
	json_decref(j);
	return rc;
}

/* Text of anywhere, cut to what a server takes without cutting a UTF-8 character in two. */
static json_t *text_json(const char *text, size_t max)
{
	size_t n = strlen(text);
	json_t *j;

	if (n > max)
		for (n = max; n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80; n--)
			;
	j = json_stringn(text, n);
	if (j == NULL) { /* no UTF-8 */
		char plain[HAWKBIT_DETAIL_MAX + 1];

		hawkbit_show(text, plain, max < sizeof(plain) ? max + 1 : sizeof(plain));
		j = json_string(plain);
	}
	return j;
}

static json_t *details_json(const struct hawkbit_feedback *f)
{
	json_t *a = json_array();

	for (size_t i = 0; i < f->n_details && i < HAWKBIT_DETAILS_MAX; i++)
		if (f->details[i] != NULL && f->details[i][0] != '\0')
			json_array_append_new(a, text_json(f->details[i], HAWKBIT_DETAIL_MAX));
	return a;
}

static json_t *status_json(const struct hawkbit_feedback *f)
{
	static const char *const executions[] = {[HAWKBIT_PROCEEDING] = "proceeding",
		[HAWKBIT_RESUMED] = "resumed",
		[HAWKBIT_DOWNLOAD] = "download",
		[HAWKBIT_DOWNLOADED] = "downloaded",
		[HAWKBIT_REJECTED] = "rejected",
		[HAWKBIT_CLOSED] = "closed"};
	static const char *const results[] = {[HAWKBIT_NONE] = "none",
		[HAWKBIT_SUCCESS] = "success",
		[HAWKBIT_FAILURE] = "failure"};
	json_t *result = json_pack("{s:s}", "finished", results[f->finished]);
	json_t *status;

	if (f->of > 0)
		json_object_set_new(result, "progress",
			json_pack("{s:I,s:I}", "cnt", (json_int_t)f->cnt, "of", (json_int_t)f->of));
	status = json_pack("{s:s,s:o,s:o}", "execution", executions[f->execution], "result", result,
		"details", details_json(f));
	if (f->code != 0)
		json_object_set_new(status, "code", json_integer(f->code));
	return status;
}

int hawkbit_feedback_text(
	const char *id, const struct hawkbit_feedback *f, struct buf *ret, struct err *e)
{
	char when[32] = "";
	time_t t = (time_t)f->time;
	struct tm tm;

	/* A server takes `closed` with `none` for success. */
	if (f->execution == HAWKBIT_CLOSED && f->finished == HAWKBIT_NONE)
		return err_set(e, ERR_USAGE, "an action is closed by success or by failure");
	if (gmtime_r(&t, &tm) != NULL)
		strftime(when, sizeof(when), "%Y%m%dT%H%M%S", &tm);
	/* `id` and `time` are read by servers before 0.3.0 and 0.8.0, and skipped by later ones. */
	return hawkbit_json_text(json_pack("{s:s,s:s,s:I,s:o}", "id", id, "time", when, "timestamp",
					 (json_int_t)f->time * 1000, "status", status_json(f)),
		ret, e);
}

int hawkbit_attributes_text(
	const struct hawkbit_attribute *a, size_t n, struct buf *ret, struct err *e)
{
	json_t *data = json_object();

	for (size_t i = 0; i < n; i++)
		json_object_set_new(data, a[i].key, text_json(a[i].value, ATTRIBUTE_MAX));
	return hawkbit_json_text(json_pack("{s:s,s:o}", "mode", "merge", "data", data), ret, e);
}

int hawkbit_confirmation_text(bool confirmed, const char *detail, struct buf *ret, struct err *e)
{
	json_t *details = json_array();

	if (detail != NULL && detail[0] != '\0')
		json_array_append_new(details, text_json(detail, HAWKBIT_DETAIL_MAX));
	return hawkbit_json_text(
		json_pack("{s:s,s:i,s:o}", "confirmation", confirmed ? "confirmed" : "denied",
			"code", 0, "details", details),
		ret, e);
}
