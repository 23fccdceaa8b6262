/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_channel.c - what a signed channel wants: the rollouts of its plan, for each device
 *
 * All of it was signed by keys that the root names, before a word of it was read; what must not go
 * back is in the database before it counts here.
 */
#include <stmota/update_source.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <stmota/bytes.h>
#include <stmota/channel.h>
#include <stmota/chip.h>
#include <stmota/clock.h>
#include <stmota/fs.h>

/* No program that knows channels is older: a clock before 2026-11-01 is wrong. */
#define BUILD_TIME UINT64_C(1793491200)

/* A long pass asks again whether a rollout was halted meanwhile. */
#define ASK_AGAIN_MS 60000u

struct from_channel {
	struct update_source base;
	struct update_source_request rq;
	struct channel_source source;
	struct channel_state state;
	struct channel_plan plan;
	struct channel_root root;
	bool has_root;
	uint64_t asked_ms;           /* by the monotonic clock; 0: never */
	bool lost;                   /* asked again in vain: nothing new is started */
	bool unsaved;                /* what failed was our own database, not the medium */
	char folder[FETCH_URL_SIZE]; /* of packages; a URL, also for a medium */
	char url[FETCH_URL_SIZE];    /* of the request that was made last */
};

static struct from_channel *self(struct update_source *s)
{
	return (struct from_channel *)s;
}

/* ---- asking ---- */

static int save_state(void *ctx, const struct channel_state *s, struct err *e)
{
	struct from_channel *c = ctx;
	int rc = fleet_db_channel_save(c->rq.db, c->source.name, s, e);

	c->unsaved = rc < 0;
	return rc;
}

/* The first one is given with the gateway; later ones were signed by their predecessors. */
static int provision(struct from_channel *c, struct err *e)
{
	const char *path = c->rq.fleet->root;
	struct channel_root first = {0};
	int rc;

	if (c->state.root.len > 0)
		return 0;
	if (path == NULL) {
		err_set(e, ERR_CONFIG, "%s: [fleet] root is missing", c->rq.fleet->path);
		return err_hint(e, "it names the file 1.root of whoever publishes the channel; the "
				   "first trust must not come from the server");
	}
	rc = fs_read(path, CHANNEL_ROOT_MAX, &c->state.root, e);
	if (rc == 0)
		rc = channel_root_parse(c->state.root.data, c->state.root.len, &first, e);
	if (rc == 0)
		c->state.root_version = first.version;
	else
		c->state.root.len = 0;
	channel_root_done(&first);
	return rc < 0 ? err_wrap(e, "[fleet] root") : 0;
}

static void tell(const struct from_channel *c, const char *text)
{
	event_emit(c->rq.events, &(struct event){.type = EVENT_WARNING, .text = text});
}

static bool is_medium(const char *url)
{
	return !fetch_is_url(url) || strncmp(url, "file:", 5) == 0;
}

static int ask(struct from_channel *c, struct err *e)
{
	struct channel_plan plan = CHANNEL_PLAN_INIT;
	struct channel_report report = {0};
	int rc = channel_fetch(&c->source, &c->state, &plan, &report, e);

	c->asked_ms = clock_now_ms(&clock_monotonic);
	/* A medium that cannot be read is a server that does not answer. */
	if (rc == ERR_IO && !c->unsaved && is_medium(c->source.url))
		return (int)(e->code = ERR_NETWORK);
	if (rc < 0)
		return rc;
	channel_plan_done(&c->plan);
	c->plan = plan;
	channel_root_done(&c->root);
	c->has_root = channel_root_parse(c->state.root.data, c->state.root.len, &c->root, e) == 0;
	if (!c->has_root)
		return e->code;
	if (report.clock_wrong)
		tell(c, "the clock is behind what was seen before: expiry is judged by that");
	if (report.grace_used)
		tell(c, "the head of the channel has expired; taken all the same, as grace says");
	return 0;
}

static int refresh(struct update_source *s, struct err *e)
{
	struct from_channel *c = self(s);
	int rc;

	channel_state_done(&c->state);
	rc = fleet_db_channel_load(c->rq.db, c->source.name, &c->state, e);
	if (rc == 0)
		rc = provision(c, e);
	return rc == 0 ? ask(c, e) : rc;
}

/* ---- which rollout ---- */

/* A device, as far as rollouts look at it. */
struct looked_at {
	const struct fleet_device *device;
	const struct fleet_known *known;
	uint16_t chip; /* 0: not known */
	bool has_hw;
	uint32_t hw;
};

static struct looked_at look_at(
	const struct from_channel *c, const struct fleet_device *d, const struct fleet_known *k)
{
	const struct config *cfg = c->rq.config;
	const char *chip = cfg != NULL ? config_get(cfg, "device", d->name, "chip") : NULL;
	struct looked_at l = {.device = d, .known = k};
	const struct chip *row = NULL;

	if (chip != NULL && chip_find_name(chip, &row, NULL) == 0)
		l.chip = row->pid;
	l.has_hw = cfg != NULL && config_get(cfg, "device", d->name, "hw") != NULL &&
		   config_u32(cfg, "device", d->name, "hw", 0, &l.hw, NULL) == 0;
	return l;
}

static bool is_product(const struct looked_at *l, const char *product)
{
	uint8_t uuid[UUID_SIZE];
	char text[UUID_TEXT_SIZE];

	if (l->device->product != NULL)
		return strcmp(l->device->product, product) == 0;
	return l->known->product_uuid[0] != '\0' && product_uuid(product, uuid, NULL) == 0 &&
	       strcmp(l->known->product_uuid, uuid_format(uuid, text)) == 0;
}

/* Hardware that is not known fits what is for all; the rest is asked again at delivery. */
static bool fits(const struct looked_at *l, const struct channel_rollout *r)
{
	bool any_hw = r->hw_min == 0 && r->hw_max == UINT16_MAX;

	return is_product(l, r->product) &&
	       (any_hw || (l->has_hw && l->hw >= r->hw_min && l->hw <= r->hw_max)) &&
	       (r->chip == 0 || l->chip == 0 || r->chip == l->chip);
}

static bool stone_is_missing(const struct looked_at *l, const struct channel_rollout *r)
{
	return r->has_min_version && l->known->has_version &&
	       imf_version_compare(l->known->version, r->min_version) < 0;
}

static void offer(const struct from_channel *c, const struct looked_at *l,
	const struct channel_rollout *r, struct update_offer *ret)
{
	uint8_t uuid[UUID_SIZE] = {0};

	*ret = (struct update_offer){.length = r->length,
		.has_release = true,
		.version = r->version,
		.counter = r->counter,
		.hw_min = r->hw_min,
		.hw_max = r->hw_max,
		.chip = r->chip,
		.has_min_version = r->has_min_version,
		.min_version = r->min_version,
		.may_go_back = channel_ids_have(&r->downgrade, l->device->id),
		.deadline = r->deadline,
		.in_flight = r->in_flight};
	product_uuid(r->product, uuid, NULL);
	memcpy(ret->product, uuid, sizeof(ret->product));
	memcpy(ret->package, r->sha256, SHA256_SIZE);
	snprintf(ret->rollout, sizeof(ret->rollout), "%s", r->id);
	for (size_t i = 0; l->known->has_image && !ret->has_delta && i < r->n_deltas; i++) {
		const struct channel_delta *d = &r->deltas[i];

		if (memcmp(d->base, l->known->image, SHA256_SIZE) != 0)
			continue;
		ret->has_delta = true;
		memcpy(ret->delta, d->sha256, SHA256_SIZE);
		ret->delta_length = d->length;
	}
	channel_choice_text(channel_choose(r, l->device->id, c->rq.now), r, l->device->id, ret->why,
		sizeof(ret->why));
}

/* The first reason counts: that of the newest rollout that is for such devices. */
static void note_reason(const struct looked_at *l, const struct channel_rollout *r,
	enum channel_choice choice, bool stone, char why[160])
{
	char version[VERSION_TEXT_SIZE], needs[VERSION_TEXT_SIZE], text[100];

	if (why[0] != '\0')
		return;
	if (stone)
		snprintf(why, 160, "stepping stone: %s needs %s first",
			version_format(r->version, version), version_format(r->min_version, needs));
	else
		snprintf(why, 160, "%s: %s", version_format(r->version, version),
			channel_choice_text(choice, r, l->device->id, text, sizeof(text)));
}

static enum update_wish wish(struct update_source *s, const struct fleet_device *d,
	const struct fleet_known *k, struct update_offer *ret, char why[160])
{
	struct from_channel *c = self(s);
	struct looked_at l = look_at(c, d, k);
	bool halted = false;

	why[0] = '\0';
	for (size_t i = 0; i < c->plan.n; i++) {
		const struct channel_rollout *r = &c->plan.rollouts[i];
		enum channel_choice choice;
		bool stone;

		if (!fits(&l, r))
			continue;
		choice = channel_choose(r, d->id, c->rq.now);
		stone = stone_is_missing(&l, r);
		if (!stone && (choice == CHANNEL_CHOSEN || choice == CHANNEL_INCLUDED)) {
			offer(c, &l, r, ret);
			snprintf(ret->newer, sizeof(ret->newer), "%.119s", why);
			snprintf(why, 160, "%s", ret->why);
			return UPDATE_OFFER;
		}
		halted |= !stone && choice == CHANNEL_HALTED && why[0] == '\0';
		note_reason(&l, r, choice, stone, why);
	}
	if (why[0] == '\0' && d->product == NULL && k->product_uuid[0] == '\0')
		snprintf(why, 160, "its product is not known: say it in its section");
	else if (why[0] == '\0')
		snprintf(why, 160, "no rollout is for such devices");
	return halted ? UPDATE_WITHDRAWN : UPDATE_NOTHING;
}

static bool withdrawn(
	struct update_source *s, const struct fleet_device *d, const struct update_offer *o)
{
	struct from_channel *c = self(s);
	struct err e = ERR_INIT;

	if (clock_now_ms(&clock_monotonic) - c->asked_ms >= ASK_AGAIN_MS) {
		/* Without a fresh word of its publisher nothing is begun; what runs is finished. */
		c->lost = ask(c, &e) < 0;
		if (c->lost)
			tell(c, e.msg);
	}
	if (c->lost)
		return true;
	for (size_t i = 0; i < c->plan.n; i++)
		if (strcmp(c->plan.rollouts[i].id, o->rollout) == 0)
			return c->plan.rollouts[i].halted ||
			       channel_ids_have(&c->plan.rollouts[i].exclude, d->id);
	return true;
}

/* ---- bytes ---- */

static int urls(struct update_source *s, const struct update_offer *o, bool want_delta,
	struct fetch_request *ret, struct err *e)
{
	struct from_channel *c = self(s);
	struct channel_source at = c->source;
	int rc;

	at.url = c->folder;
	rc = channel_package_url(&at, want_delta ? o->delta : o->package, c->url, e);
	if (rc < 0)
		return rc;
	*ret = (struct fetch_request){.urls = {c->url},
		.n_urls = 1,
		.max = want_delta ? o->delta_length : o->length,
		.sha256 = want_delta ? o->delta : o->package,
		.events = c->rq.events};
	return 0;
}

static const struct trust *trust_of(struct update_source *s)
{
	struct from_channel *c = self(s);

	return c->has_root ? &c->root.trust : NULL;
}

static void source_free(struct update_source *s)
{
	struct from_channel *c = self(s);

	channel_state_done(&c->state);
	channel_plan_done(&c->plan);
	channel_root_done(&c->root);
	free(c);
}

static const struct update_source_ops ops = {
	.name = "channel",
	.refresh = refresh,
	.wish = wish,
	.urls = urls,
	.trust = trust_of,
	.withdrawn = withdrawn,
	.free = source_free,
};

/* ---- opening ---- */

/* A folder's name becomes a URL, so that packages come all the same way. */
static int find_folder(struct from_channel *c, struct err *e)
{
	const char *where = c->rq.fleet->channel;
	cleanup_free char *path = NULL;
	int n;

	if (fetch_is_url(where)) {
		n = snprintf(c->folder, sizeof(c->folder), "%s", where);
	} else {
		path = realpath(where, NULL);
		/* A stick that is not plugged in is a server that does not answer. */
		if (path == NULL)
			return err_set(e, ERR_NETWORK, "%s: no such folder", where);
		n = snprintf(c->folder, sizeof(c->folder), "file://%s", path);
	}
	return n < (int)sizeof(c->folder)
		       ? 0
		       : err_set(e, ERR_CONFIG, "the URL of the channel is too long");
}

int update_source_channel(
	const struct update_source_request *rq, struct update_source **ret, struct err *e)
{
	const struct fleet *f = rq->fleet;
	struct from_channel *c;
	int rc;

	if (f->channel == NULL)
		return err_set(e, ERR_CONFIG, "%s: [fleet] channel is missing", f->path);
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	c->base.ops = &ops;
	c->rq = *rq;
	c->source = (struct channel_source){.url = f->channel,
		.name = f->channel_name != NULL ? f->channel_name : "main",
		.fetch = rq->fetch,
		.now = rq->now,
		.build_time = BUILD_TIME,
		.grace = is_medium(f->channel) ? f->grace_s : 0,
		.save = save_state,
		.ctx = c};
	rc = find_folder(c, e);
	if (rc < 0) {
		source_free(&c->base);
		return rc;
	}
	*ret = &c->base;
	return 0;
}
