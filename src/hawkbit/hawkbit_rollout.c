/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hawkbit_rollout.c - what the Management API says of a rollout, from its text
 */
#include <stmota/hawkbit_audit.h>

#include <stdlib.h>
#include <string.h>

#include <stmota/strparse.h>

#include "hawkbit_priv.h"

void hawkbit_rollout_done(struct hawkbit_rollout *r)
{
	free(r->groups);
	*r = HAWKBIT_ROLLOUT_INIT;
}

int hawkbit_rollout_parse(const void *text, size_t len, struct hawkbit_rollout *ret, struct err *e)
{
	cleanup_json json_t *j = NULL;
	char id[HAWKBIT_ID_SIZE] = "";
	uint64_t total;
	int rc = hawkbit_json(text, len, &j, e);

	if (rc == 0)
		rc = hawkbit_id(json_object_get(j, "id"), id, e);
	if (rc < 0)
		return rc;
	if (!hawkbit_uint(j, "totalTargets", &total) ||
		!json_is_string(json_object_get(j, "status")))
		return err_set(e, ERR_FORMAT, "a rollout without status and number of targets");
	memcpy(ret->id, id, sizeof(ret->id));
	hawkbit_text(j, "name", ret->name, sizeof(ret->name));
	hawkbit_text(j, "status", ret->status, sizeof(ret->status));
	ret->total = total;
	ret->dynamic = json_is_true(json_object_get(j, "dynamic"));
	return 0;
}

/* {"condition": "THRESHOLD", "expression": "50"}; anything else is not known. */
static bool read_threshold(const json_t *j, const char *key, uint32_t *ret)
{
	const json_t *c = json_object_get(j, key);
	const char *kind = json_string_value(json_object_get(c, "condition"));
	const char *percent = json_string_value(json_object_get(c, "expression"));
	uint32_t n;

	if (kind == NULL || strcmp(kind, "THRESHOLD") != 0 || percent == NULL ||
		parse_u32(percent, &n, NULL) < 0 || n > 100)
		return false;
	*ret = n;
	return true;
}

static enum hawkbit_then read_then(const json_t *j)
{
	const char *action =
		json_string_value(json_object_get(json_object_get(j, "successAction"), "action"));

	if (action == NULL || strcmp(action, "NEXTGROUP") == 0)
		return HAWKBIT_THEN_NEXT;
	return strcmp(action, "PAUSE") == 0 ? HAWKBIT_THEN_PAUSE : HAWKBIT_THEN_OTHER;
}

static uint64_t count(const json_t *j, const char *key)
{
	uint64_t n = 0;

	hawkbit_uint(json_object_get(j, "totalTargetsPerStatus"), key, &n);
	return n;
}

static int read_group(const json_t *j, struct hawkbit_group *g, struct err *e)
{
	if (!hawkbit_text(j, "name", g->name, sizeof(g->name)) ||
		!hawkbit_text(j, "status", g->status, sizeof(g->status)) ||
		!hawkbit_uint(j, "totalTargets", &g->total))
		return err_set(e, ERR_FORMAT, "a group without name, status and number of targets");
	if (hawkbit_id(json_object_get(j, "id"), g->id, NULL) < 0)
		g->id[0] = '\0';
	g->has_success = read_threshold(j, "successCondition", &g->success);
	g->has_error = read_threshold(j, "errorCondition", &g->error);
	g->then = read_then(j);
	g->has_counts = json_is_object(json_object_get(j, "totalTargetsPerStatus"));
	g->finished = count(j, "finished");
	g->failed = count(j, "error");
	g->cancelled = count(j, "cancelled");
	g->open = count(j, "running");
	return 0;
}

/* "content" of a page, and whether others follow. `before`: rows on the pages before. */
static int read_page(
	const json_t *j, size_t before, const json_t **ret, bool *ret_more, struct err *e)
{
	const json_t *rows = json_object_get(j, "content");
	uint64_t total = 0;

	if (!json_is_array(rows) || !hawkbit_uint(j, "total", &total))
		return err_set(e, ERR_FORMAT, "a list without content and total");
	*ret = rows;
	*ret_more = json_array_size(rows) > 0 && before + json_array_size(rows) < total;
	return 0;
}

int hawkbit_groups_parse(
	const void *text, size_t len, struct hawkbit_rollout *ret, bool *ret_more, struct err *e)
{
	cleanup_json json_t *j = NULL;
	const json_t *rows = NULL;
	struct hawkbit_group *more;
	size_t n;
	int rc = hawkbit_json(text, len, &j, e);

	if (rc == 0)
		rc = read_page(j, ret->n, &rows, ret_more, e);
	if (rc < 0)
		return rc;
	n = json_array_size(rows);
	if (ret->n + n > HAWKBIT_GROUPS_MAX)
		return err_set(e, ERR_FORMAT, "more than %u groups", HAWKBIT_GROUPS_MAX);
	more = realloc(ret->groups, (ret->n + n + 1) * sizeof(*more));
	if (more == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	ret->groups = more;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct hawkbit_group g = {0};

		rc = read_group(json_array_get(rows, i), &g, e);
		if (rc == 0)
			ret->groups[ret->n++] = g;
	}
	return rc;
}

int hawkbit_group_parse(const void *text, size_t len, struct hawkbit_group *ret, struct err *e)
{
	cleanup_json json_t *j = NULL;
	struct hawkbit_group g = {0};
	int rc = hawkbit_json(text, len, &j, e);

	if (rc == 0)
		rc = read_group(j, &g, e);
	if (rc == 0)
		*ret = g;
	return rc;
}

/* One that waits for its group is not late. */
static bool is_overdue(const json_t *action, uint64_t before)
{
	const char *detail = json_string_value(json_object_get(action, "detailStatus"));
	uint64_t ms = 0;

	if (detail == NULL)
		detail = json_string_value(json_object_get(action, "status"));
	if (detail != NULL && strcmp(detail, "scheduled") == 0)
		return false;
	if (!hawkbit_uint(action, "lastModifiedAt", &ms) && !hawkbit_uint(action, "createdAt", &ms))
		return false;
	return ms / 1000 < before;
}

static void name_example(const json_t *action, struct hawkbit_rollout *ret)
{
	const json_t *target = json_object_get(json_object_get(action, "_links"), "target");
	char href[200];
	const char *id;

	if (hawkbit_text(target, "href", href, sizeof(href)) && (id = strrchr(href, '/')) != NULL &&
		id[1] != '\0')
		hawkbit_show(id + 1, ret->overdue_example, sizeof(ret->overdue_example));
}

int hawkbit_actions_parse(const void *text, size_t len, uint64_t before,
	struct hawkbit_rollout *ret, size_t *ret_n, bool *ret_more, struct err *e)
{
	cleanup_json json_t *j = NULL;
	const json_t *rows = NULL;
	int rc = hawkbit_json(text, len, &j, e);

	if (rc == 0)
		rc = read_page(j, *ret_n, &rows, ret_more, e);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *a = json_array_get(rows, i);

		if (!is_overdue(a, before))
			continue;
		if (ret->overdue++ == 0)
			name_example(a, ret);
	}
	*ret_n += json_array_size(rows);
	return 0;
}
