/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel_files.c - head, plan and halt as rows of members; root is in channel_root.c
 */
#include "channel_priv.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/bytes.h>

#define ROW(s, f, t)                                                                               \
	{                                                                                          \
#f, t, offsetof(struct s, f), sizeof(((struct s *)0)->f), false                    \
	}
#define ROW_OPTIONAL(s, f, t)                                                                      \
	{                                                                                          \
#f, t, offsetof(struct s, f), sizeof(((struct s *)0)->f), true                     \
	}
#define ROW_OTHER(name, opt)                                                                       \
	{                                                                                          \
		name, MEMBER_OTHER, 0, 0, opt                                                      \
	}

static const struct member head_members[] = {
	ROW(channel_head, channel, MEMBER_NAME),
	ROW(channel_head, plan_version, MEMBER_U64),
	ROW(channel_head, plan_length, MEMBER_U64),
	ROW(channel_head, plan_sha256, MEMBER_SHA256),
	ROW(channel_head, issued, MEMBER_TIME),
	ROW(channel_head, expires, MEMBER_TIME),
	{NULL},
};

static const struct member halt_members[] = {
	ROW(channel_halt, channel, MEMBER_NAME),
	ROW(channel_halt, version, MEMBER_U64),
	ROW(channel_halt, rollouts, MEMBER_IDS),
	{NULL},
};

static const struct member plan_members[] = {
	ROW(channel_plan, channel, MEMBER_NAME),
	ROW(channel_plan, version, MEMBER_U64),
	ROW(channel_plan, issued, MEMBER_TIME),
	ROW_OTHER("rollouts", false),
	{NULL},
};

static const struct member rollout_members[] = {
	ROW(channel_rollout, id, MEMBER_NAME),
	ROW(channel_rollout, product, MEMBER_STRING),
	ROW(channel_rollout, hw_min, MEMBER_U16),
	ROW(channel_rollout, hw_max, MEMBER_U16),
	ROW_OPTIONAL(channel_rollout, chip, MEMBER_U16),
	ROW(channel_rollout, version, MEMBER_VERSION),
	ROW(channel_rollout, counter, MEMBER_U32),
	ROW_OPTIONAL(channel_rollout, min_version, MEMBER_VERSION),
	ROW(channel_rollout, sha256, MEMBER_SHA256),
	ROW(channel_rollout, length, MEMBER_U64),
	ROW(channel_rollout, stage, MEMBER_U32),
	ROW(channel_rollout, salt, MEMBER_STRING),
	ROW_OPTIONAL(channel_rollout, include, MEMBER_IDS),
	ROW_OPTIONAL(channel_rollout, exclude, MEMBER_IDS),
	ROW_OPTIONAL(channel_rollout, downgrade, MEMBER_IDS),
	ROW_OPTIONAL(channel_rollout, not_before, MEMBER_TIME),
	ROW_OPTIONAL(channel_rollout, deadline, MEMBER_TIME),
	ROW_OPTIONAL(channel_rollout, in_flight, MEMBER_U32),
	ROW_OPTIONAL(channel_rollout, halted, MEMBER_BOOL),
	ROW_OTHER("deltas", true),
	{NULL},
};

static const struct member delta_members[] = {
	ROW(channel_delta, base, MEMBER_SHA256),
	ROW(channel_delta, sha256, MEMBER_SHA256),
	ROW(channel_delta, length, MEMBER_U64),
	{NULL},
};

/* ---- head and halt ---- */

static int parse_flat(const void *text, size_t len, const char *type, const struct member *members,
	void *ret, struct err *e)
{
	json_t *j;
	int rc = channel_json_parse(text, len, type, &j, e);

	if (rc < 0)
		return rc;
	rc = channel_json_read(j, members, type, ret, e);
	json_decref(j);
	return rc;
}

static int flat_text(const char *type, const struct member *members, const void *from,
	struct buf *ret, struct err *e)
{
	json_t *j = json_pack("{s:s}", "type", type);
	int rc = channel_json_write(j, members, from, e);

	if (rc == 0)
		return channel_json_text(j, ret, e);
	json_decref(j);
	return rc;
}

int channel_head_parse(const void *text, size_t len, struct channel_head *ret, struct err *e)
{
	struct channel_head h = {0};
	int rc = parse_flat(text, len, "head", head_members, &h, e);

	if (rc == 0)
		*ret = h;
	return rc;
}

int channel_head_text(const struct channel_head *h, struct buf *ret, struct err *e)
{
	return flat_text("head", head_members, h, ret, e);
}

int channel_halt_parse(const void *text, size_t len, struct channel_halt *ret, struct err *e)
{
	struct channel_halt h = {0};
	int rc = parse_flat(text, len, "halt", halt_members, &h, e);

	if (rc == 0)
		*ret = h;
	else
		channel_halt_done(&h);
	return rc;
}

int channel_halt_text(const struct channel_halt *h, struct buf *ret, struct err *e)
{
	return flat_text("halt", halt_members, h, ret, e);
}

void channel_halt_done(struct channel_halt *h)
{
	channel_ids_done(&h->rollouts);
}

/* ---- plan ---- */

static int read_deltas(const json_t *a, struct channel_rollout *r, struct err *e)
{
	if (a != NULL && (!json_is_array(a) || json_array_size(a) > CHANNEL_DELTAS_MAX))
		return err_set(e, ERR_FORMAT, "rollout %s: more than %d deltas", r->id,
			CHANNEL_DELTAS_MAX);
	for (size_t i = 0; i < json_array_size(a); i++) {
		int rc = channel_json_read(
			json_array_get(a, i), delta_members, "a delta", &r->deltas[i], e);

		if (rc < 0)
			return rc;
		r->n_deltas++;
	}
	return 0;
}

static int check_rollout(const struct channel_rollout *r, struct err *e)
{
	if (r->stage > CHANNEL_PERMYRIAD)
		return err_set(e, ERR_FORMAT, "rollout %s: stage %u of 10000", r->id, r->stage);
	if (r->hw_min > r->hw_max)
		return err_set(e, ERR_FORMAT, "rollout %s: no hardware revision fits", r->id);
	if (strlen(r->salt) < 8)
		return err_set(e, ERR_FORMAT, "rollout %s: its salt is too short", r->id);
	return product_check(r->product, e) < 0
		       ? err_set(e, ERR_FORMAT, "rollout %s: its product is no name", r->id)
		       : 0;
}

static int read_rollout(const json_t *j, struct channel_plan *p, struct err *e)
{
	struct channel_rollout *r = &p->rollouts[p->n];
	int rc;

	p->n++;
	rc = channel_json_read(j, rollout_members, "a rollout", r, e);
	if (rc == 0)
		rc = read_deltas(json_object_get(j, "deltas"), r, e);
	if (rc == 0)
		rc = check_rollout(r, e);
	r->has_min_version = json_object_get(j, "min_version") != NULL;
	for (size_t i = 0; rc == 0 && i + 1 < p->n; i++)
		if (strcmp(p->rollouts[i].id, r->id) == 0)
			rc = err_set(e, ERR_FORMAT, "rollout %s is there twice", r->id);
	return rc;
}

int channel_plan_parse(const void *text, size_t len, struct channel_plan *ret, struct err *e)
{
	cleanup_channel_plan struct channel_plan p = CHANNEL_PLAN_INIT;
	json_t *j, *all;
	int rc = channel_json_parse(text, len, "plan", &j, e);

	if (rc < 0)
		return rc;
	rc = channel_json_read(j, plan_members, "the plan", &p, e);
	all = json_object_get(j, "rollouts");
	if (rc == 0 && (!json_is_array(all) || json_array_size(all) > CHANNEL_ROLLOUTS_MAX))
		rc = err_set(e, ERR_FORMAT, "more than %d rollouts", CHANNEL_ROLLOUTS_MAX);
	if (rc == 0)
		p.rollouts = calloc(json_array_size(all) + 1, sizeof(*p.rollouts));
	if (rc == 0 && p.rollouts == NULL)
		rc = err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; rc == 0 && i < json_array_size(all); i++)
		rc = read_rollout(json_array_get(all, i), &p, e);
	json_decref(j);
	if (rc < 0)
		return rc;
	*ret = p;
	p = CHANNEL_PLAN_INIT;
	return 0;
}

static json_t *rollout_json(const struct channel_rollout *r, struct err *e)
{
	json_t *j = json_object(), *deltas = json_array();
	int rc = channel_json_write(j, rollout_members, r, e);

	for (size_t i = 0; rc == 0 && i < r->n_deltas; i++) {
		json_t *d = json_object();

		rc = channel_json_write(d, delta_members, &r->deltas[i], e);
		json_array_append_new(deltas, d);
	}
	if (rc == 0 && r->n_deltas > 0)
		json_object_set(j, "deltas", deltas);
	json_decref(deltas);
	if (rc == 0)
		return j;
	json_decref(j);
	return NULL;
}

int channel_plan_text(const struct channel_plan *p, struct buf *ret, struct err *e)
{
	json_t *j = json_pack("{s:s}", "type", "plan"), *all = json_array();
	int rc = channel_json_write(j, plan_members, p, e);

	for (size_t i = 0; rc == 0 && i < p->n; i++) {
		json_t *r = rollout_json(&p->rollouts[i], e);

		if (r == NULL || json_array_append_new(all, r) < 0)
			rc = err_set(e, ERR_NOMEM, "out of memory");
	}
	json_object_set_new(j, "rollouts", all);
	if (rc == 0)
		return channel_json_text(j, ret, e);
	json_decref(j);
	return rc;
}

void channel_rollout_done(struct channel_rollout *r)
{
	free(r->product);
	free(r->salt);
	channel_ids_done(&r->include);
	channel_ids_done(&r->exclude);
	channel_ids_done(&r->downgrade);
	*r = (struct channel_rollout){0};
}

void channel_plan_done(struct channel_plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		channel_rollout_done(&p->rollouts[i]);
	free(p->rollouts);
	*p = CHANNEL_PLAN_INIT;
}
