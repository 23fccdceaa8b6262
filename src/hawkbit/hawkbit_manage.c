/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hawkbit_manage.c - an operator's questions to a hawkBit server: its Management API
 */
#include <stmota/hawkbit_audit.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "hawkbit_priv.h"

#define PAGE_GROUPS  50u
#define PAGE_ACTIONS 100u
#define PAGE_TARGETS 100u
#define ACTIONS_MAX  1000000u

/* ---- who asks ---- */

static int make_basic(
	struct hawkbit_manager *m, const char *user, const char *password, struct err *e)
{
	char plain[HAWKBIT_TOKEN_MAX + 1];
	int n = snprintf(plain, sizeof(plain), "%s:%s", user, password), at;

	if (n >= (int)sizeof(plain) || strchr(user, ':') != NULL)
		return err_set(
			e, ERR_CONFIG, "user or password are too long, or the user has a ':'");
	at = snprintf(m->authorization, sizeof(m->authorization), "Authorization: Basic ");
	EVP_EncodeBlock((unsigned char *)m->authorization + at, (const unsigned char *)plain, n);
	OPENSSL_cleanse(plain, sizeof(plain));
	return 0;
}

int hawkbit_manager_init(struct hawkbit_manager *m, const struct fetch_settings *fetch,
	const char *url, const char *user, const char *secret, struct err *e)
{
	size_t n = strlen(url);
	int rc = 0;

	memset(m, 0, sizeof(*m));
	m->rest = *fetch;
	hawkbit_rest_settings(&m->rest);
	while (n > 0 && url[n - 1] == '/')
		n--;
	if ((strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0) ||
		n + 16 > sizeof(m->base) || strpbrk(url, "?# \t\r\n") != NULL) {
		err_set(e, ERR_CONFIG, "'%.60s' is no URL of a hawkBit server", url);
		return err_hint(e, "https://HOST[:PORT]");
	}
	snprintf(m->base, sizeof(m->base), "%.*s/rest/v1", (int)n, url);
	if (user != NULL)
		rc = make_basic(m, user, secret, e);
	else if (snprintf(m->authorization, sizeof(m->authorization), "Authorization: Bearer %s",
			 secret) >= (int)sizeof(m->authorization))
		rc = err_set(e, ERR_CONFIG, "the token is too long");
	m->headers[0] = HAWKBIT_ACCEPT;
	m->headers[1] = m->authorization;
	if (rc < 0)
		hawkbit_manager_done(m);
	return rc;
}

void hawkbit_manager_done(struct hawkbit_manager *m)
{
	OPENSSL_cleanse(m, sizeof(*m));
}

/* ---- asking ---- */

/* `ret_status` may be NULL: the HTTP status. */
static int get_status(struct hawkbit_manager *m, const char *rest, struct buf *ret, int *ret_status,
	struct err *e)
{
	char url[FETCH_URL_SIZE];
	struct hawkbit_exchange x = {.url = url, .answer = ret};
	int rc;

	if (snprintf(url, sizeof(url), "%s/%s", m->base, rest) >= (int)sizeof(url))
		return err_set(e, ERR_USAGE, "the URL is too long");
	rc = hawkbit_ask(&m->rest, m->headers, &x, e);
	if (ret_status != NULL)
		*ret_status = x.result.status;
	return rc == 0 ? hawkbit_judge_status(&x, e) : rc;
}

static int get(struct hawkbit_manager *m, const char *rest, struct buf *ret, struct err *e)
{
	return get_status(m, rest, ret, NULL, e);
}

static bool is_number(const char *text)
{
	return text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
}

/* The one of that name. */
static int find_by_name(
	struct hawkbit_manager *m, const char *name, char ret[HAWKBIT_ID_SIZE], struct err *e)
{
	char rest[FETCH_URL_SIZE] = "rollouts?limit=2&q=name%3D%3D%27";
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_json json_t *j = NULL;
	size_t n;
	int rc;

	if (strpbrk(name, "'\"\\*") != NULL || hawkbit_escape(name, rest, sizeof(rest) - 8) < 0)
		return err_set(e, ERR_USAGE, "'%.60s' cannot be looked for: give its id", name);
	snprintf(rest + strlen(rest), 4, "%%27");
	rc = get(m, rest, &b, e);
	if (rc == 0)
		rc = hawkbit_json(b.data, b.len, &j, e);
	if (rc < 0)
		return rc;
	n = json_array_size(json_object_get(j, "content"));
	if (n != 1)
		return err_set(e, ERR_USAGE, "%s rollout is called '%.60s'",
			n == 0 ? "no" : "more than one", name);
	return hawkbit_id(
		json_object_get(json_array_get(json_object_get(j, "content"), 0), "id"), ret, e);
}

/* Without its numbers a group whose devices are silent would look as one that was not started. */
static int count_group(struct hawkbit_manager *m, const struct hawkbit_rollout *r,
	struct hawkbit_group *g, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT;
	char rest[160];
	int rc;

	if (g->id[0] == '\0')
		return err_set(e, ERR_FORMAT, "a group without numbers and id");
	snprintf(rest, sizeof(rest), "rollouts/%s/deploygroups/%s", r->id, g->id);
	rc = get(m, rest, &b, e);
	if (rc == 0)
		rc = hawkbit_group_parse(b.data, b.len, g, e);
	if (rc == 0 && !g->has_counts)
		rc = err_set(e, ERR_FORMAT, "a group without the numbers of its targets by status");
	return rc;
}

static int read_groups(struct hawkbit_manager *m, struct hawkbit_rollout *r, struct err *e)
{
	bool more = true;
	int rc = 0;

	while (rc == 0 && more) {
		cleanup_buf struct buf b = BUF_INIT;
		char rest[160];

		snprintf(rest, sizeof(rest),
			"rollouts/%s/deploygroups?representation=full&sort=id:ASC&limit=%u&offset=%zu",
			r->id, PAGE_GROUPS, r->n);
		rc = get(m, rest, &b, e);
		if (rc == 0)
			rc = hawkbit_groups_parse(b.data, b.len, r, &more, e);
	}
	for (size_t i = 0; rc == 0 && i < r->n; i++)
		if (!r->groups[i].has_counts)
			rc = count_group(m, r, &r->groups[i], e);
	return rc;
}

/*
 * Open ones only. From 0.10.0 on the field is called `active`; before that, `status` had two values;
 * after 1.0 `status` is something else.
 */
static int get_actions(struct hawkbit_manager *m, const char *id, size_t from, bool *old,
	bool *ret_none, struct buf *ret, struct err *e)
{
	char rest[200];
	int status = 0, rc;

	for (;;) {
		snprintf(rest, sizeof(rest),
			"actions?representation=full&sort=id:ASC&limit=%u&offset=%zu"
			"&q=rollout.id%%3D%%3D%s%%3B%s",
			PAGE_ACTIONS, from, id, *old ? "status%3D%3Dpending" : "active%3D%3Dtrue");
		rc = get_status(m, rest, ret, &status, e);
		*ret_none = status == 404;
		if (rc == 0 || status != 400 || *old)
			return rc;
		*old = true;
		ret->len = 0;
		err_clear(e);
	}
}

/* ---- the same of a server of 0.3, which lists actions of a target only ---- */

static int read_target(struct hawkbit_manager *m, const char *target, uint64_t before,
	struct hawkbit_rollout *r, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT;
	char rest[FETCH_URL_SIZE] = "targets/";
	const uint64_t overdue = r->overdue;
	size_t n = 0;
	bool more = false;
	int rc;

	if (hawkbit_escape(target, rest, sizeof(rest) - 80) < 0)
		return err_set(e, ERR_FORMAT, "a target with a name of more than %u characters",
			HAWKBIT_CONTROLLER_MAX);
	snprintf(rest + strlen(rest), 80, "/actions?sort=id:ASC&limit=%u&q=status%%3D%%3Dpending",
		PAGE_ACTIONS);
	rc = get(m, rest, &b, e);
	if (rc == 0)
		rc = hawkbit_actions_parse(b.data, b.len, before, r, &n, &more, e);
	if (rc == 0 && overdue == 0 && r->overdue > 0)
		hawkbit_show(target, r->overdue_example, sizeof(r->overdue_example));
	return rc;
}

/* The targets of a group that have not ended. `*ret_more`: other pages follow. */
static int read_targets(struct hawkbit_manager *m, const struct hawkbit_group *g, uint64_t before,
	struct hawkbit_rollout *r, size_t *n, bool *ret_more, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_json json_t *j = NULL;
	const json_t *rows;
	uint64_t total = 0;
	char rest[200];
	int rc;

	snprintf(rest, sizeof(rest),
		"rollouts/%s/deploygroups/%s/targets?sort=id:ASC&limit=%u&offset=%zu"
		"&q=updatestatus%%3D%%3Dpending",
		r->id, g->id, PAGE_TARGETS, *n);
	rc = get(m, rest, &b, e);
	if (rc == 0)
		rc = hawkbit_json(b.data, b.len, &j, e);
	if (rc < 0)
		return rc;
	rows = json_object_get(j, "content");
	if (!json_is_array(rows) || !hawkbit_uint(j, "total", &total))
		return err_set(e, ERR_FORMAT, "a list without content and total");
	for (size_t i = 0; rc == 0 && i < json_array_size(rows); i++) {
		const char *id =
			json_string_value(json_object_get(json_array_get(rows, i), "controllerId"));

		rc = id == NULL ? err_set(e, ERR_FORMAT, "a target without controllerId")
				: read_target(m, id, before, r, e);
	}
	*n += json_array_size(rows);
	*ret_more = json_array_size(rows) > 0 && *n < total;
	return rc;
}

static int read_actions_by_target(
	struct hawkbit_manager *m, uint64_t before, struct hawkbit_rollout *r, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < r->n; i++) {
		bool more = r->groups[i].open > 0;
		size_t n = 0;

		if (more && r->groups[i].id[0] == '\0')
			rc = err_set(e, ERR_FORMAT, "a group without id");
		while (rc == 0 && more && n < ACTIONS_MAX)
			rc = read_targets(m, &r->groups[i], before, r, &n, &more, e);
	}
	return rc;
}

static int read_actions(
	struct hawkbit_manager *m, uint64_t before, struct hawkbit_rollout *r, struct err *e)
{
	bool more = true, old = false, none = false;
	size_t n = 0;
	int rc = 0;

	while (rc == 0 && more && n < ACTIONS_MAX) {
		cleanup_buf struct buf b = BUF_INIT;

		rc = get_actions(m, r->id, n, &old, &none, &b, e);
		if (rc < 0 && none) {
			err_clear(e);
			return read_actions_by_target(m, before, r, e);
		}
		if (rc == 0)
			rc = hawkbit_actions_parse(b.data, b.len, before, r, &n, &more, e);
	}
	return rc;
}

int hawkbit_rollout_read(struct hawkbit_manager *m, const char *id_or_name, uint64_t now,
	const struct hawkbit_limits *l, struct hawkbit_rollout *ret, struct err *e)
{
	struct hawkbit_rollout r = HAWKBIT_ROLLOUT_INIT;
	cleanup_buf struct buf b = BUF_INIT;
	char id[HAWKBIT_ID_SIZE] = "", rest[64];
	bool open = false;
	int rc = 0;

	if (!is_number(id_or_name))
		rc = find_by_name(m, id_or_name, id, e);
	else if (!hawkbit_id_ok(id_or_name))
		rc = err_set(e, ERR_USAGE, "'%.40s' is no id of a rollout", id_or_name);
	else
		snprintf(id, sizeof(id), "%s", id_or_name);
	snprintf(rest, sizeof(rest), "rollouts/%s", id);
	if (rc == 0)
		rc = get(m, rest, &b, e);
	if (rc == 0)
		rc = hawkbit_rollout_parse(b.data, b.len, &r, e);
	if (rc == 0)
		rc = read_groups(m, &r, e);
	for (size_t i = 0; i < r.n; i++)
		open |= r.groups[i].open > 0;
	if (rc == 0 && open)
		rc = read_actions(m, now > l->deadline_s ? now - l->deadline_s : 0, &r, e);
	if (rc == 0)
		*ret = r;
	else
		hawkbit_rollout_done(&r);
	return rc;
}

int hawkbit_rollout_pause(struct hawkbit_manager *m, const char *id, struct err *e)
{
	char url[FETCH_URL_SIZE];
	struct hawkbit_exchange x = {.url = url, .method = "POST", .body = "", .body_len = 0};
	int rc;

	if (!hawkbit_id_ok(id) ||
		snprintf(url, sizeof(url), "%s/rollouts/%s/pause", m->base, id) >= (int)sizeof(url))
		return err_set(e, ERR_USAGE, "'%.40s' is no id of a rollout", id);
	rc = hawkbit_ask(&m->rest, m->headers, &x, e);
	return rc == 0 ? hawkbit_judge_status(&x, e) : rc;
}
