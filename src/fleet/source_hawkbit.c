/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_hawkbit.c - what a hawkBit server wants of each device of the fleet
 *
 * Every device is a target. The server says which file; whether that file may go onto a device is
 * for the keys that are trusted here to say, as with every other source.
 */
#include <stmota/update_source.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "hawkbit_target.h"

/* A device is asked that much before its time, so that a timer is not missed by a second. */
#define EARLY_PART 10u

/* A server that does not answer so many in a row is not asked by the rest. */
#define DEAF_AFTER 2u

struct from_hawkbit {
	struct update_source base;
	struct update_source_request rq;
	struct hawkbit_target *targets;
	size_t n;
	json_t *polls; /* when each shall be asked again */
	struct trust trust;
};

static struct from_hawkbit *self(struct update_source *s)
{
	return (struct from_hawkbit *)s;
}

static struct hawkbit_target *target_of(struct from_hawkbit *h, const struct fleet_device *d)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->targets[i].device == d)
			return &h->targets[i];
	return NULL;
}

/* The one that this offer was made to, or another that was offered the same bytes. */
static struct hawkbit_target *target_with(struct from_hawkbit *h, const struct update_offer *o)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->targets[i].has_offer && !h->targets[i].withdrawn &&
			memcmp(h->targets[i].offer.package, o->package, SHA256_SIZE) == 0)
			return &h->targets[i];
	return NULL;
}

/* ---- when ---- */

static int load_polls(struct from_hawkbit *h, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT;
	int rc = fleet_db_note_get(h->rq.db, "hawkbit", "polls", &b, e);

	if (rc < 0)
		return rc;
	json_decref(h->polls);
	h->polls = rc == 1 ? json_loadb((const char *)b.data, b.len, 0, NULL) : NULL;
	if (!json_is_object(h->polls)) {
		json_decref(h->polls);
		h->polls = json_object();
	}
	return 0;
}

static int save_polls(struct from_hawkbit *h, struct err *e)
{
	cleanup_free char *text = json_dumps(h->polls, JSON_COMPACT);

	if (text == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	return fleet_db_note_set(h->rq.db, "hawkbit", "polls", text, strlen(text), e);
}

/* True if the server wants to be left alone by it: no action in hand, nothing owed. */
static bool not_yet(struct from_hawkbit *h, struct hawkbit_target *t, const char *box)
{
	json_int_t next = json_integer_value(json_object_get(h->polls, t->device->name));
	uint64_t owed = 1;
	struct hawkbit_note note;

	/* A clock that was set back must not silence a device. */
	if (h->rq.at_once || next <= (json_int_t)h->rq.now ||
		next > (json_int_t)(h->rq.now + HAWKBIT_SLEEP_MAX))
		return false;
	if (hawkbit_note_load(h->rq.db, t->device->name, &note, NULL) < 0 ||
		(note.action[0] != '\0' && note.phase != HAWKBIT_ENDED) ||
		fleet_db_outbox_count(h->rq.db, box, &owed, NULL) < 0 || owed > 0)
		return false;
	t->has_offer = t->withdrawn = false;
	snprintf(t->why, sizeof(t->why), "asked again in %lld s, as the server wishes",
		(long long)(next - (json_int_t)h->rq.now));
	return true;
}

static void set_next(struct from_hawkbit *h, const struct hawkbit_target *t)
{
	uint64_t sleep = t->sleep_s - t->sleep_s / EARLY_PART;

	json_object_set_new(h->polls, t->device->name,
		json_integer((json_int_t)(h->rq.now + (t->sleep_s > 0 ? sleep : 0))));
}

/* ---- asking ---- */

struct round {         /* of asking all */
	unsigned deaf; /* in a row */
	size_t asked, heard, failed;
	struct err first; /* trouble */
};

static int ask_one(struct from_hawkbit *h, struct hawkbit_target *t, struct round *r, struct err *e)
{
	char box[FLEET_NAME_SIZE + 16];
	bool heard = false;
	int rc;

	snprintf(box, sizeof(box), "hawkbit:%s", t->device->name);
	if (not_yet(h, t, box))
		return 0;
	r->asked++;
	if (r->deaf >= DEAF_AFTER) {
		t->has_offer = false;
		snprintf(t->why, sizeof(t->why), "not asked: the server does not answer");
		r->failed++;
		return 0;
	}
	rc = hawkbit_target_ask(t, &heard, e);
	if (rc < 0)
		return rc;
	r->heard += heard;
	r->deaf = heard || t->trouble.code == ERR_NONE ? 0 : r->deaf + 1;
	if (t->trouble.code == ERR_NONE) {
		set_next(h, t);
		return 0;
	}
	if (r->failed++ == 0)
		r->first = t->trouble;
	return 0;
}

/* One line for all of them: nobody reads two hundred. */
static void tell_trouble(const struct from_hawkbit *h, const struct round *r)
{
	char text[sizeof(r->first.msg) + 80];

	if (r->failed == 1)
		snprintf(text, sizeof(text), "%s", r->first.msg);
	else
		snprintf(text, sizeof(text), "%s; likewise %zu more", r->first.msg, r->failed - 1);
	event_emit(h->rq.events, &(struct event){.type = EVENT_WARNING, .text = text});
}

static int refresh(struct update_source *s, struct err *e)
{
	struct from_hawkbit *h = self(s);
	struct round r = {.first = ERR_INIT};
	int rc = load_polls(h, e);

	for (size_t i = 0; rc == 0 && i < h->n; i++)
		rc = ask_one(h, &h->targets[i], &r, e);
	if (rc == 0 && r.asked > r.failed && !h->rq.dry_run)
		rc = save_polls(h, e);
	if (rc < 0 || r.failed == 0)
		return rc;
	if (r.failed < r.asked) {
		tell_trouble(h, &r);
		return 0;
	}
	err_set(e, ERR_NETWORK, "%s", r.first.msg);
	return err_hint(e, "%s",
		r.first.hint[0] != '\0' ? r.first.hint : "[fleet] hawkbit names the server");
}

static enum update_wish wish(struct update_source *s, const struct fleet_device *d,
	const struct fleet_known *k, struct update_offer *ret, char why[160])
{
	struct hawkbit_target *t = target_of(self(s), d);

	(void)k;
	if (t == NULL) {
		snprintf(why, 160, "it is no target");
		return UPDATE_NOTHING;
	}
	if (!t->has_offer) {
		snprintf(why, 160, "%s", t->why);
		return t->withdrawn ? UPDATE_WITHDRAWN : UPDATE_NOTHING;
	}
	*ret = t->offer;
	snprintf(why, 160, "%s", t->offer.why);
	return UPDATE_OFFER;
}

static int urls(struct update_source *s, const struct update_offer *o, bool want_delta,
	struct fetch_request *ret, struct err *e)
{
	struct hawkbit_target *t = target_with(self(s), o);
	int rc;

	if (t == NULL || want_delta)
		return err_set(e, ERR_NETWORK, "the server offers this file no more");
	rc = hawkbit_download(&t->h, &t->artifact, ret, e);
	ret->events = t->rq->events;
	return rc;
}

static const struct trust *trust_of(struct update_source *s)
{
	return &self(s)->trust;
}

static bool withdrawn(
	struct update_source *s, const struct fleet_device *d, const struct update_offer *o)
{
	struct hawkbit_target *t = target_of(self(s), d);

	(void)o;
	return t == NULL || hawkbit_target_withdrawn(t);
}

/* ---- telling ---- */

static void say(struct hawkbit_target *t, enum hawkbit_execution x, uint32_t cnt, uint32_t of,
	const char *text)
{
	const struct hawkbit_feedback f = {
		.execution = x, .cnt = cnt, .of = of, .details = {text}, .n_details = 1};

	hawkbit_target_tell(t, &f);
}

static void tell_warning(const struct from_hawkbit *h, const struct err *e)
{
	event_emit(h->rq.events, &(struct event){.type = EVENT_WARNING, .text = e->msg});
}

static void remember(struct from_hawkbit *h, struct hawkbit_target *t, enum hawkbit_phase phase)
{
	struct err e = ERR_INIT;

	t->note.phase = phase;
	t->note.since = h->rq.now;
	if (!h->rq.dry_run && hawkbit_note_save(h->rq.db, t->device->name, &t->note, &e) < 0)
		tell_warning(h, &e);
}

static void fetched(
	struct update_source *s, const struct fleet_device *d, const struct update_offer *o)
{
	struct hawkbit_target *t = target_of(self(s), d);

	(void)o;
	if (t == NULL || t->note.phase != HAWKBIT_SEEN)
		return;
	remember(self(s), t, HAWKBIT_FETCHED);
	say(t, HAWKBIT_DOWNLOADED, 0, 0, "fetched and checked by the gateway");
}

static void started(
	struct update_source *s, const struct fleet_device *d, const struct update_offer *o)
{
	struct hawkbit_target *t = target_of(self(s), d);

	(void)o;
	if (t == NULL)
		return;
	remember(self(s), t, HAWKBIT_WRITING);
	say(t, HAWKBIT_PROCEEDING, 0, 10, "the delivery begins");
}

/* A server keeps a thousand lines of an action: coarse steps. */
static void progress(struct update_source *s, const struct fleet_device *d,
	const struct update_offer *o, uint64_t done, uint64_t total)
{
	struct hawkbit_target *t = target_of(self(s), d);
	uint32_t part = total > 0 && done < total ? (uint32_t)(done * 10 / total) : 0;
	char text[60];

	(void)o;
	if (t == NULL || part < t->told + 3)
		return;
	t->told = part;
	snprintf(text, sizeof(text), "%u %% is delivered", part * 10);
	say(t, HAWKBIT_PROCEEDING, part, 10, text);
}

static void ended(struct update_source *s, const struct fleet_device *d,
	const struct update_offer *o, const struct fleet_ending *end)
{
	struct from_hawkbit *h = self(s);
	struct hawkbit_target *t = target_of(h, d);
	struct fleet_tries tries = {0};
	struct err e = ERR_INIT;

	if (t == NULL)
		return;
	if (fleet_db_tries(h->rq.db, d->name, o->package, &tries, &e) < 0 ||
		hawkbit_target_ended(t, end, tries.n, &e) < 0)
		tell_warning(h, &e);
	/* It is asked soon what comes next. */
	json_object_del(h->polls, d->name);
	if (!h->rq.dry_run && save_polls(h, &e) < 0)
		tell_warning(h, &e);
}

static void source_free(struct update_source *s)
{
	struct from_hawkbit *h = self(s);

	for (size_t i = 0; i < h->n; i++)
		hawkbit_target_done(&h->targets[i]);
	free(h->targets);
	trust_done(&h->trust);
	json_decref(h->polls);
	free(h);
}

static const struct update_source_ops ops = {
	.name = "hawkbit",
	.refresh = refresh,
	.wish = wish,
	.urls = urls,
	.trust = trust_of,
	.fetched = fetched,
	.started = started,
	.progress = progress,
	.ended = ended,
	.withdrawn = withdrawn,
	.free = source_free,
};

/* ---- opening ---- */

static int load_trust(struct from_hawkbit *h, struct err *e)
{
	const char *dir = config_get(h->rq.config, "trust", NULL, "dir");
	int rc = dir != NULL ? trust_add(&h->trust, dir, e) : trust_add_default(&h->trust, e);

	if (rc < 0 || h->trust.n > 0)
		return rc;
	err_set(e, ERR_CONFIG, "no key is trusted here: no package of hawkBit could be believed");
	return err_hint(e, "public keys of releases (*.pem) in /etc/stmota/trust.d or [trust] dir");
}

static int open_targets(struct from_hawkbit *h, struct err *e)
{
	const struct fleet *f = h->rq.fleet;
	int rc = 0;

	h->targets = calloc(f->n + 1, sizeof(*h->targets));
	if (h->targets == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (; rc == 0 && h->n < f->n; h->n++)
		rc = hawkbit_target_init(&h->targets[h->n], &h->rq, &f->devices[h->n], e);
	return rc;
}

int update_source_hawkbit(
	const struct update_source_request *rq, struct update_source **ret, struct err *e)
{
	struct from_hawkbit *h;
	int rc;

	if (rq->fleet->hawkbit == NULL)
		return err_set(e, ERR_CONFIG, "%s: [fleet] hawkbit is missing", rq->fleet->path);
	h = calloc(1, sizeof(*h));
	if (h == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	h->base.ops = &ops;
	h->rq = *rq;
	h->trust = TRUST_INIT;
	rc = load_trust(h, e);
	if (rc == 0)
		rc = open_targets(h, e);
	if (rc < 0) {
		source_free(&h->base);
		return rc;
	}
	*ret = &h->base;
	return 0;
}
