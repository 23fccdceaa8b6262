/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel_root.c - the file that says which keys count, for what, and how many are needed
 *
 * Its keys become a trust store, so that the same code judges them as everywhere.
 */
#include "channel_priv.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/bytes.h>

static const enum trust_role roles[] = {
	TRUST_ROOT, TRUST_RELEASE, TRUST_PLAN, TRUST_HEAD, TRUST_HALT};

static const struct member root_members[] = {
	{"version", MEMBER_U64, offsetof(struct channel_root, version), 8, false},
	{"expires", MEMBER_TIME, offsetof(struct channel_root, expires), 8, false},
	{"roles", MEMBER_OTHER, 0, 0, false},
	{NULL},
};

struct role_row {
	uint32_t threshold;
};

static const struct member role_members[] = {
	{"threshold", MEMBER_U32, offsetof(struct role_row, threshold), 4, false},
	{"keys", MEMBER_OTHER, 0, 0, false},
	{NULL},
};

/* ---- reading ---- */

static int add_key(
	struct trust *t, const char *pem, enum trust_role role, uint32_t threshold, struct err *e)
{
	struct trust_key *more = realloc(t->keys, (t->n + 1) * sizeof(*more));
	struct key *k = NULL;
	char name[32];
	int rc;

	if (more == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	t->keys = more;
	snprintf(name, sizeof(name), "%s-%zu", trust_role_name(role), t->n);
	rc = key_parse_public(pem, strlen(pem), name, &k, e);
	if (rc < 0)
		return err_set(e, ERR_FORMAT, "a key of role %s is none", trust_role_name(role));
	for (size_t i = 0; i < t->n; i++)
		if (t->keys[i].conf.role == role && memcmp(key_fingerprint(t->keys[i].key),
							    key_fingerprint(k), SHA256_SIZE) == 0) {
			key_free(k);
			return err_set(e, ERR_FORMAT, "a key stands twice in role %s",
				trust_role_name(role));
		}
	t->keys[t->n] = (struct trust_key){.key = k,
		.name = strdup(name),
		.conf = {.role = role, .not_after = TRUST_FOR_EVER, .threshold = threshold}};
	snprintf(t->keys[t->n].conf.group, sizeof(t->keys[t->n].conf.group), "default");
	t->n++;
	return t->keys[t->n - 1].name != NULL ? 0 : err_set(e, ERR_NOMEM, "out of memory");
}

static int read_role(const json_t *j, enum trust_role role, struct trust *t, struct err *e)
{
	const json_t *keys = json_object_get(j, "keys");
	struct role_row row = {0};
	int rc = channel_json_read(j, role_members, trust_role_name(role), &row, e);

	if (rc < 0)
		return rc;
	if (!json_is_array(keys) || row.threshold == 0 || row.threshold > json_array_size(keys) ||
		json_array_size(keys) > TRUST_KEYS_MAX)
		return err_set(e, ERR_FORMAT, "role %s: its threshold and its keys do not fit",
			trust_role_name(role));
	for (size_t i = 0; rc == 0 && i < json_array_size(keys); i++) {
		const char *pem = json_string_value(json_array_get(keys, i));

		rc = add_key(t, pem != NULL ? pem : "", role, row.threshold, e);
	}
	return rc;
}

int channel_root_parse(const void *text, size_t len, struct channel_root *ret, struct err *e)
{
	cleanup_channel_root struct channel_root r = {0};
	json_t *j, *all;
	int rc = channel_json_parse(text, len, "root", &j, e);

	if (rc < 0)
		return rc;
	rc = channel_json_read(j, root_members, "the root", &r, e);
	all = json_object_get(j, "roles");
	if (rc == 0 && json_object_size(all) != ARRAY_LEN(roles))
		rc = err_set(e, ERR_FORMAT,
			"the root: root, release, plan, head and halt are its roles");
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(roles); i++)
		rc = read_role(
			json_object_get(all, trust_role_name(roles[i])), roles[i], &r.trust, e);
	json_decref(j);
	if (rc < 0)
		return rc;
	*ret = r;
	r = (struct channel_root){0};
	return 0;
}

/* ---- writing ---- */

static json_t *role_json(const struct trust *t, enum trust_role role, struct err *e)
{
	json_t *keys = json_array();
	uint32_t threshold = 1;

	for (size_t i = 0; i < t->n; i++) {
		cleanup_buf struct buf pem = BUF_INIT;

		if (t->keys[i].conf.role != role)
			continue;
		threshold = t->keys[i].conf.threshold;
		if (key_public_pem(t->keys[i].key, &pem, e) < 0 ||
			json_array_append_new(keys, json_stringn((const char *)pem.data, pem.len)) <
				0) {
			json_decref(keys);
			return NULL;
		}
	}
	return json_pack("{s:i, s:o}", "threshold", (int)threshold, "keys", keys);
}

int channel_root_text(const struct channel_root *r, struct buf *ret, struct err *e)
{
	json_t *j = json_pack("{s:s}", "type", "root"), *all = json_object();
	int rc = channel_json_write(j, root_members, r, e);

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(roles); i++) {
		json_t *role = role_json(&r->trust, roles[i], e);

		if (role == NULL || json_object_set_new(all, trust_role_name(roles[i]), role) < 0)
			rc = err_set(e, ERR_NOMEM, "out of memory");
	}
	json_object_set_new(j, "roles", all);
	if (rc == 0)
		return channel_json_text(j, ret, e);
	json_decref(j);
	return rc;
}

void channel_root_done(struct channel_root *r)
{
	trust_done(&r->trust);
	*r = (struct channel_root){0};
}
