/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel_client.c - root, head, plan, halt: in this order, nothing believed before it is signed
 */
#include "channel_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/cleanup.h>
#include <stmota/fs.h>

struct client {
	const struct channel_source *source;
	struct channel_state *state;
	struct channel_root root; /* that counts now */
	uint64_t now;             /* of all checks of expiry */
	struct channel_report *report;
	struct buf plan, plan_sig; /* that were fetched; empty: those of the state count */
};

void channel_state_done(struct channel_state *s)
{
	buf_done(&s->root);
	buf_done(&s->plan);
	buf_done(&s->plan_sig);
	*s = (struct channel_state){0};
}

/* ---- files of the channel ---- */

static int url_of(
	const struct channel_source *s, const char *rest, char ret[FETCH_URL_SIZE], struct err *e)
{
	size_t len = strlen(s->url);
	const char *slash = len > 0 && s->url[len - 1] == '/' ? "" : "/";

	if (snprintf(ret, FETCH_URL_SIZE, "%s%s%s", s->url, slash, rest) < FETCH_URL_SIZE)
		return 0;
	return err_set(e, ERR_USAGE, "the URL of the channel is too long");
}

int channel_package_url(const struct channel_source *source, const uint8_t sha256[SHA256_SIZE],
	char ret[FETCH_URL_SIZE], struct err *e)
{
	char rest[2 * SHA256_SIZE + 32] = "packages/";
	size_t n = strlen(rest);

	for (size_t i = 0; i < SHA256_SIZE; i++)
		n += (size_t)snprintf(rest + n, sizeof(rest) - n, "%02x", sha256[i]);
	snprintf(rest + n, sizeof(rest) - n, ".sota");
	return url_of(source, rest, ret, e);
}

/* `missing` NULL: the file must be there. */
static int get(struct client *c, const char *rest, size_t max, struct buf *ret, bool *missing,
	struct err *e)
{
	const struct channel_source *s = c->source;
	struct fetch_request rq = {.n_urls = 1, .max = max, .any_status = missing != NULL};
	struct fetch_result result = {0};
	char url[FETCH_URL_SIZE];
	int rc = url_of(s, rest, url, e);

	if (rc < 0)
		return rc;
	if (!fetch_is_url(url) || strncmp(url, "file:", 5) == 0) {
		const char *path = strncmp(url, "file://", 7) == 0 ? url + 7 : url;

		if (missing != NULL && !fs_exists(path)) {
			*missing = true;
			return 0;
		}
		return fs_read(path, max, ret, e);
	}
	rq.urls[0] = url;
	rc = fetch_buf(s->fetch, &rq, ret, &result, e);
	if (rc < 0 || result.status < 300)
		return rc;
	ret->len = 0;
	if (result.status == 404 || result.status == 410) {
		*missing = true;
		return 0;
	}
	return err_set(e, ERR_NETWORK, "%s: the server says %d", url, result.status);
}

/* A file and its signature; both or neither are there. */
static int get_signed(struct client *c, const char *rest, size_t max, struct buf *ret_data,
	struct buf *ret_sig, bool *missing, struct err *e)
{
	char sig[160];
	int rc = get(c, rest, max, ret_data, missing, e);

	if (rc < 0 || (missing != NULL && *missing))
		return rc;
	snprintf(sig, sizeof(sig), "%s.sig", rest);
	return get(c, sig, CHANNEL_SIG_MAX, ret_sig, NULL, e);
}

static int save(struct client *c, struct err *e)
{
	return c->source->save != NULL ? c->source->save(c->source->ctx, c->state, e) : 0;
}

/* ---- time ---- */

/* One time for the whole run; a clock that was later before is wrong now. */
static void fix_time(struct client *c)
{
	uint64_t floor = c->state->time_floor;

	if (floor < c->source->build_time)
		floor = c->source->build_time;
	c->now = c->source->now;
	c->report->clock_wrong = c->now < floor;
	if (c->report->clock_wrong)
		c->now = floor;
	c->report->now = c->now;
	c->state->time_floor = c->now;
}

/* What was signed with a time was signed at that time or later. */
static void raise_floor(struct client *c, uint64_t issued)
{
	if (c->state->time_floor < issued)
		c->state->time_floor = issued;
}

/* ---- root ---- */

/* The root that was stored was judged when it came; its expiry does not matter yet. */
static int begin_root(struct client *c, struct err *e)
{
	if (c->state->root.len == 0) {
		err_set(e, ERR_SIGNATURE, "no root of the channel is known here");
		return err_hint(e, "'1.root' of its publisher is given once, by [channel] root");
	}
	return channel_root_parse(c->state->root.data, c->state->root.len, &c->root, e);
}

static bool same_keys(const struct trust *a, const struct trust *b, enum trust_role role)
{
	size_t n = 0, found = 0;

	for (size_t i = 0; i < b->n; i++)
		n += b->keys[i].conf.role == role;
	for (size_t i = 0; i < a->n; i++) {
		if (a->keys[i].conf.role != role)
			continue;
		n--;
		for (size_t k = 0; k < b->n; k++)
			found += b->keys[k].conf.role == role &&
				 memcmp(key_fingerprint(a->keys[i].key),
					 key_fingerprint(b->keys[k].key), SHA256_SIZE) == 0;
		if (found == 0)
			return false;
		found = 0;
	}
	return n == 0;
}

/*
 * A thief of the head's or plan's key may have pushed versions to their end: with other keys they
 * begin anew (TUF 5.3.11).
 */
static void forget_if_rotated(struct client *c, const struct channel_root *next)
{
	if (!same_keys(&c->root.trust, &next->trust, TRUST_HEAD))
		c->state->head_issued = 0;
	if (!same_keys(&c->root.trust, &next->trust, TRUST_HEAD) ||
		!same_keys(&c->root.trust, &next->trust, TRUST_PLAN))
		c->state->plan_version = 0;
	if (!same_keys(&c->root.trust, &next->trust, TRUST_HALT))
		c->state->halt_version = 0;
}

/* Version N+1, signed by enough keys of N and by enough of its own. */
static int judge_next(struct client *c, const struct buf *data, const struct buf *sig,
	struct channel_root *ret, struct err *e)
{
	struct channel_root next = {0};
	int rc = channel_verify(
		&c->root, TRUST_ROOT, 0, data->data, data->len, sig->data, sig->len, e);

	if (rc == 0)
		rc = channel_root_parse(data->data, data->len, &next, e);
	if (rc == 0)
		rc = channel_verify(
			&next, TRUST_ROOT, 0, data->data, data->len, sig->data, sig->len, e);
	if (rc == 0 && next.version != c->state->root_version + 1)
		rc = err_set(
			e, ERR_SIGNATURE, "it says version %llu", (unsigned long long)next.version);
	if (rc == 0)
		*ret = next;
	else
		channel_root_done(&next);
	return rc;
}

static int take_next_root(struct client *c, bool *ret_last, struct err *e)
{
	cleanup_buf struct buf data = BUF_INIT, sig = BUF_INIT;
	struct channel_root next;
	struct buf old = c->state->root;
	char rest[48];
	int rc;

	snprintf(rest, sizeof(rest), "root/%llu.root",
		(unsigned long long)c->state->root_version + 1);
	rc = get_signed(c, rest, CHANNEL_ROOT_MAX, &data, &sig, ret_last, e);
	if (rc < 0 || *ret_last)
		return rc;
	rc = judge_next(c, &data, &sig, &next, e);
	if (rc < 0)
		return err_wrap(e, "%s", rest);
	forget_if_rotated(c, &next);
	c->state->root = data;
	c->state->root_version = next.version;
	rc = save(c, e);
	data = old; /* is released */
	channel_root_done(&c->root);
	c->root = next;
	return rc;
}

static int walk_roots(struct client *c, struct err *e)
{
	bool last = false;
	int rc = begin_root(c, e);

	for (size_t i = 0; rc == 0 && !last && i < CHANNEL_ROOTS_MAX; i++)
		rc = take_next_root(c, &last, e);
	return rc;
}

static int check_root_expiry(const struct client *c, struct err *e)
{
	if (c->now <= c->root.expires)
		return 0;
	err_set(e, ERR_SIGNATURE, "root %llu of the channel has expired",
		(unsigned long long)c->root.version);
	return err_hint(e, "its publisher must sign a new one");
}

/* ---- head and plan ---- */

static int judge_head(struct client *c, const struct channel_head *h, struct err *e)
{
	if (strcmp(h->channel, c->source->name) != 0)
		return err_set(e, ERR_SIGNATURE, "head is that of channel %s", h->channel);
	if (h->issued < c->state->head_issued || h->plan_version < c->state->plan_version) {
		err_set(e, ERR_DOWNGRADE, "head is older than the one that was there before");
		return err_hint(e, "a cache that lags behind, or somebody plays old files again");
	}
	if (c->now > h->expires && c->now - h->expires <= c->source->grace)
		c->report->grace_used = true;
	else if (c->now > h->expires) {
		err_set(e, ERR_SIGNATURE, "head has expired");
		return err_hint(e, "nothing new is started before the publisher signs a fresh one");
	}
	return h->plan_length > CHANNEL_PLAN_MAX
		       ? err_set(e, ERR_FORMAT, "head announces a plan of %llu bytes",
				 (unsigned long long)h->plan_length)
		       : 0;
}

static int read_head(struct client *c, struct channel_head *ret, struct err *e)
{
	cleanup_buf struct buf data = BUF_INIT, sig = BUF_INIT;
	char rest[CHANNEL_NAME_SIZE + 32];
	int rc;

	snprintf(rest, sizeof(rest), "channel/%s/head", c->source->name);
	rc = get_signed(c, rest, CHANNEL_HEAD_MAX, &data, &sig, NULL, e);
	if (rc == 0)
		rc = channel_verify(
			&c->root, TRUST_HEAD, c->now, data.data, data.len, sig.data, sig.len, e);
	if (rc == 0)
		rc = channel_head_parse(data.data, data.len, ret, e);
	return rc < 0 ? err_wrap(e, "%s", rest) : 0;
}

static int take_head(struct client *c, struct channel_head *ret, struct err *e)
{
	int rc = read_head(c, ret, e);

	/* Two files, replaced one after the other: we may have come between. */
	if (rc == ERR_SIGNATURE)
		rc = read_head(c, ret, e);
	if (rc < 0)
		return rc;
	rc = judge_head(c, ret, e);
	if (rc < 0)
		return rc;
	c->state->head_issued = ret->issued;
	raise_floor(c, ret->issued);
	return 0;
}

static int judge_plan(const struct client *c, const struct channel_head *h,
	const struct channel_plan *p, struct err *e)
{
	if (p->version != h->plan_version || strcmp(p->channel, c->source->name) != 0)
		return err_set(e, ERR_SIGNATURE, "the plan is not the one that head names");
	/* One version, one content, for ever. */
	if (p->version == c->state->plan_version &&
		memcmp(h->plan_sha256, c->state->plan_sha256, SHA256_SIZE) != 0)
		return err_set(e, ERR_DOWNGRADE, "plan %llu has another content than before",
			(unsigned long long)p->version);
	return 0;
}

static int read_plan(const struct client *c, const struct channel_head *h, const struct buf *data,
	const struct buf *sig, struct channel_plan *ret, struct err *e)
{
	uint8_t sum[SHA256_SIZE];
	int rc = sha256(data->data, data->len, sum, e);

	if (rc == 0 &&
		(data->len != h->plan_length || memcmp(sum, h->plan_sha256, SHA256_SIZE) != 0))
		rc = err_set(e, ERR_DAMAGED, "not what head announces");
	if (rc == 0)
		rc = channel_verify(&c->root, TRUST_PLAN, c->now, data->data, data->len, sig->data,
			sig->len, e);
	return rc == 0 ? channel_plan_parse(data->data, data->len, ret, e) : rc;
}

static int take_plan(
	struct client *c, const struct channel_head *h, struct channel_plan *ret, struct err *e)
{
	const struct channel_state *s = c->state;
	char rest[CHANNEL_NAME_SIZE + 48];
	int rc = -1;

	snprintf(rest, sizeof(rest), "channel/%s/%llu.plan", c->source->name,
		(unsigned long long)h->plan_version);
	/* That of the last run is judged as if it came now; if anything is wrong, it does. */
	if (s->plan.len > 0 && s->plan_version == h->plan_version)
		rc = read_plan(c, h, &s->plan, &s->plan_sig, ret, NULL);
	if (rc < 0) {
		rc = get_signed(c, rest, (size_t)h->plan_length, &c->plan, &c->plan_sig, NULL, e);
		if (rc == 0)
			rc = read_plan(c, h, &c->plan, &c->plan_sig, ret, e);
	}
	if (rc < 0)
		return err_wrap(e, "%s", rest);
	rc = judge_plan(c, h, ret, e);
	if (rc < 0)
		return rc;
	c->report->unchanged = c->state->plan_version == ret->version;
	c->state->plan_version = ret->version;
	memcpy(c->state->plan_sha256, h->plan_sha256, SHA256_SIZE);
	raise_floor(c, ret->issued);
	return 0;
}

/* ---- halt ---- */

static void apply_halt(const struct channel_halt *h, struct channel_plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		p->rollouts[i].halted |= channel_ids_have(&h->rollouts, p->rollouts[i].id);
}

/*
 * No halt file proves nothing, and one that is older than one seen before is no permission either:
 * only one that is newer takes a halt back.
 */
static int take_halt(struct client *c, struct channel_plan *p, struct err *e)
{
	cleanup_buf struct buf data = BUF_INIT, sig = BUF_INIT;
	cleanup_channel_halt struct channel_halt h = {0};
	char rest[CHANNEL_NAME_SIZE + 16];
	bool missing = false;
	int rc;

	snprintf(rest, sizeof(rest), "halt/%s", c->source->name);
	rc = get_signed(c, rest, CHANNEL_HALT_MAX, &data, &sig, &missing, e);
	if (rc == 0 && missing && c->state->halt_version > 0)
		return err_set(e, ERR_DOWNGRADE, "%s was there, and is gone", rest);
	if (rc < 0 || missing)
		return rc;
	rc = channel_verify(
		&c->root, TRUST_HALT, c->now, data.data, data.len, sig.data, sig.len, e);
	if (rc == 0)
		rc = channel_halt_parse(data.data, data.len, &h, e);
	if (rc < 0)
		return err_wrap(e, "%s", rest);
	if (strcmp(h.channel, c->source->name) != 0)
		return err_set(e, ERR_SIGNATURE, "%s is that of channel %s", rest, h.channel);
	if (h.version < c->state->halt_version)
		return err_set(
			e, ERR_DOWNGRADE, "%s is older than the one that was there before", rest);
	c->state->halt_version = h.version;
	apply_halt(&h, p);
	return 0;
}

/* ---- all of it ---- */

static int fetch_all(struct client *c, struct channel_plan *ret, struct err *e)
{
	struct channel_head head = {0};
	struct channel_state stood;
	int rc;

	fix_time(c);
	rc = walk_roots(c, e); /* each that is accepted is stored at once */
	if (rc == 0)
		rc = check_root_expiry(c, e);
	if (rc < 0)
		return rc;
	stood = *c->state;
	rc = take_head(c, &head, e);
	if (rc == 0)
		rc = take_plan(c, &head, ret, e);
	if (rc == 0)
		rc = take_halt(c, ret, e);
	if (rc == 0 && c->plan.len > 0) {
		c->state->plan = c->plan;
		c->state->plan_sig = c->plan_sig;
	}
	if (rc == 0)
		rc = save(c, e);
	if (rc < 0) {
		*c->state = stood; /* these three are believed together or not at all */
	} else if (c->plan.len > 0) {
		c->plan = stood.plan; /* are released */
		c->plan_sig = stood.plan_sig;
	}
	return rc;
}

int channel_fetch(const struct channel_source *source, struct channel_state *state,
	struct channel_plan *ret, struct channel_report *ret_report, struct err *e)
{
	cleanup_channel_plan struct channel_plan plan = CHANNEL_PLAN_INIT;
	struct channel_report report = {0};
	struct client c = {.source = source, .state = state, .report = &report};
	int rc = channel_name_check(source->name, e);

	if (rc == 0)
		rc = fetch_all(&c, &plan, e);
	channel_root_done(&c.root);
	buf_done(&c.plan);
	buf_done(&c.plan_sig);
	if (ret_report != NULL)
		*ret_report = report;
	if (rc < 0)
		return rc;
	*ret = plan;
	plan = CHANNEL_PLAN_INIT;
	return 0;
}

int channel_walk(const struct channel_source *source, struct channel_state *state,
	struct channel_root *ret, struct err *e)
{
	struct channel_report report = {0};
	struct client c = {.source = source, .state = state, .report = &report};
	int rc = walk_roots(&c, e);

	if (rc == 0)
		*ret = c.root;
	else
		channel_root_done(&c.root);
	return rc;
}
