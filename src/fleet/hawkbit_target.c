/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hawkbit_target.c - what a hawkBit server and one device have to say to each other
 */
#include "hawkbit_target.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <stmota/bytes.h>
#include <stmota/fleet_hawkbit.h>
#include <stmota/fs.h>

#include "hawkbit_owed.h"

/* `code` of the feedback, by which operators search. */
enum code {
	CODE_NO_PACKAGE = 101, /* the distribution set holds nothing for us, or too much */
	CODE_REFUSED = 110,    /* a check before anything was touched */
	CODE_UNREACHABLE = 120,
	CODE_FAILED = 121,
	CODE_ROLLED_BACK = 130,
	CODE_UNHEALTHY = 131,
	CODE_DONE = 200,
	CODE_ALREADY = 201,
};

static int why(struct hawkbit_target *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int why(struct hawkbit_target *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->why, sizeof(t->why), fmt, ap);
	va_end(ap);
	return 0;
}

/* A conversation that failed is this device's affair; everything else is the pass's. */
static int swallow(struct hawkbit_target *t, int rc, const struct err *e)
{
	if (rc != ERR_NETWORK && rc != ERR_FORMAT && rc != ERR_DAMAGED)
		return rc;
	t->trouble = *e;
	return why(t, "%.150s", e->msg);
}

/* ---- set up ---- */

int hawkbit_target_init(struct hawkbit_target *t, const struct update_source_request *rq,
	const struct fleet_device *d, struct err *e)
{
	int rc;

	*t = (struct hawkbit_target){.rq = rq, .device = d};
	rc = fleet_hawkbit_login(rq->fleet, d, rq->fetch, &t->h, e);
	t->ready = rc == 0;
	return rc;
}

void hawkbit_target_done(struct hawkbit_target *t)
{
	if (t->ready)
		hawkbit_done(&t->h);
	t->ready = false;
}

/* ---- what is in hand ---- */

static int note_phase(struct hawkbit_target *t, enum hawkbit_phase phase, struct err *e)
{
	t->note.phase = phase;
	t->note.since = t->rq->now;
	return t->rq->dry_run ? 0 : hawkbit_note_save(t->rq->db, t->device->name, &t->note, e);
}

static int forget(struct hawkbit_target *t, struct err *e)
{
	t->note = (struct hawkbit_note){0};
	return t->rq->dry_run ? 0 : hawkbit_note_save(t->rq->db, t->device->name, &t->note, e);
}

static bool is_in_hand(const struct hawkbit_target *t, const char *action)
{
	return t->note.action[0] != '\0' && strcmp(t->note.action, action) == 0;
}

/* ---- saying ---- */

void hawkbit_target_tell(struct hawkbit_target *t, const struct hawkbit_feedback *f)
{
	cleanup_buf struct buf b = BUF_INIT;
	struct hawkbit_feedback now = *f;
	bool gone = false;

	now.time = t->rq->now;
	if (t->rq->dry_run || t->silent || t->note.action[0] == '\0' ||
		hawkbit_feedback_text(t->note.action, &now, &b, NULL) < 0)
		return;
	/* Not worth waiting for: the result is what counts. */
	t->silent = hawkbit_post(&t->h, HAWKBIT_DEPLOYMENT, t->note.action, b.data, b.len, &gone,
			    NULL) < 0;
}

/* The end of an action. Durable first; what the server does not take now it gets next time. */
static int conclude(struct hawkbit_target *t, enum hawkbit_about about, const char *action,
	const struct hawkbit_feedback *f, struct err *e)
{
	struct hawkbit_feedback now = *f;
	struct err later = ERR_INIT;
	int rc;

	if (t->rq->dry_run)
		return 0;
	now.time = t->rq->now;
	rc = hawkbit_owed_add(t, about, action, &now, e);
	if (rc < 0)
		return rc;
	rc = hawkbit_owed_send(t, &later);
	return rc == ERR_INTERRUPTED || rc == ERR_NOMEM ? err_set(e, later.code, "%s", later.msg)
							: 0;
}

/* ---- how it ended ---- */

static const struct ending {
	bool final;
	enum hawkbit_finished finished;
	int code;
	const char *text;
} endings[] = {
	[FLEET_OK] = {true, HAWKBIT_SUCCESS, CODE_DONE, "written and proved"},
	[FLEET_ALREADY] = {true, HAWKBIT_SUCCESS, CODE_ALREADY, "it held it already: verified"},
	[FLEET_FAILED] = {false, HAWKBIT_FAILURE, CODE_FAILED, "did not work"},
	[FLEET_UNHEALTHY] = {true, HAWKBIT_FAILURE, CODE_UNHEALTHY, "written, but not healthy"},
	[FLEET_ROLLED_BACK] = {true, HAWKBIT_FAILURE, CODE_ROLLED_BACK,
		"not healthy: the old firmware runs again"},
	[FLEET_REFUSED] = {true, HAWKBIT_FAILURE, CODE_REFUSED,
		"refused before anything was touched"},
	[FLEET_UNREACHABLE] = {false, HAWKBIT_FAILURE, CODE_UNREACHABLE, "no answer"},
	[FLEET_INTERRUPTED] = {false, HAWKBIT_NONE, 0, "interrupted: it is taken up again"},
};

int hawkbit_target_ended(
	struct hawkbit_target *t, const struct fleet_ending *end, uint32_t n, struct err *e)
{
	const struct ending *x = (size_t)end->outcome < ARRAY_LEN(endings)
					 ? &endings[end->outcome]
					 : &endings[FLEET_INTERRUPTED];
	bool used_up = x->finished == HAWKBIT_FAILURE && n >= t->rq->fleet->attempts;
	struct hawkbit_feedback f = {
		.code = x->code, .details = {NULL, end->text, end->evidence}, .n_details = 3};
	char line[200];
	int rc;

	if (t->note.action[0] == '\0' || x->text == NULL)
		return 0;
	snprintf(line, sizeof(line),
		x->final || x->finished == HAWKBIT_NONE ? "%s: %s"
		: used_up                               ? "%s: %s, attempt %u of %u was the last"
			  : "%s: %s, attempt %u of %u; tried again later",
		t->device->name, x->text, (unsigned)n, (unsigned)t->rq->fleet->attempts);
	f.details[0] = line;
	if (!x->final && !used_up) {
		hawkbit_target_tell(t, &f);
		/* It may be half written: a cancel comes too late. */
		return 0;
	}
	f.execution = HAWKBIT_CLOSED;
	f.finished = x->finished;
	rc = conclude(t, HAWKBIT_DEPLOYMENT, t->note.action, &f, e);
	return rc == 0 ? note_phase(t, HAWKBIT_ENDED, e) : rc;
}

/* ---- a pass that was killed ---- */

struct newest {
	bool found;
	struct fleet_attempt attempt; /* without what it owns */
	char evidence[400];
};

static int take_newest(void *ctx, const struct fleet_attempt *a, struct err *e)
{
	struct newest *n = ctx;

	(void)e;
	n->found = true;
	n->attempt = *a;
	snprintf(n->evidence, sizeof(n->evidence), "%s", a->evidence != NULL ? a->evidence : "");
	n->attempt.evidence = NULL;
	n->attempt.transcript = NULL;
	return 1;
}

/* Its attempt ended, but the word of it was not even written down. */
static int catch_up(struct hawkbit_target *t, struct err *e)
{
	struct newest n = {0};
	struct fleet_tries tries = {0};
	int rc;

	if (t->rq->dry_run || t->note.action[0] == '\0' || t->note.phase != HAWKBIT_WRITING)
		return 0;
	rc = fleet_db_each_attempt(t->rq->db, t->device->name, t->note.since, take_newest, &n, e);
	if (rc < 0)
		return rc;
	if (!n.found || memcmp(n.attempt.package, t->note.package, SHA256_SIZE) != 0 ||
		n.attempt.outcome == FLEET_OPEN)
		return 0;
	if (n.attempt.outcome == FLEET_INTERRUPTED) {
		const struct hawkbit_feedback f = {.execution = HAWKBIT_RESUMED,
			.details = {"the gateway was stopped in mid-work and goes on"},
			.n_details = 1};

		hawkbit_target_tell(t, &f);
		return 0;
	}
	rc = fleet_db_tries(t->rq->db, t->device->name, t->note.package, &tries, e);
	if (rc < 0)
		return rc;
	return hawkbit_target_ended(t,
		&(struct fleet_ending){.outcome = n.attempt.outcome,
			.text = n.attempt.text,
			.evidence = n.evidence},
		tries.n, e);
}

/* ---- hearing ---- */

static int give_attributes(struct hawkbit_target *t, const char *url, struct err *e)
{
	const struct fleet_device *d = t->device;
	struct fleet_known k = {0};
	char version[VERSION_TEXT_SIZE], counter[16];
	struct hawkbit_attribute a[8];
	cleanup_buf struct buf b = BUF_INIT;
	size_t n = 0;
	int rc = fleet_db_device(t->rq->db, d->name, &k, e);

	if (rc < 0)
		return rc;
	a[n++] = (struct hawkbit_attribute){"stmota", STMOTA_VERSION};
	if (t->rq->fleet->gateway[0] != '\0')
		a[n++] = (struct hawkbit_attribute){"gateway", t->rq->fleet->gateway};
	if (d->product != NULL)
		a[n++] = (struct hawkbit_attribute){"product", d->product};
	if (d->group != NULL)
		a[n++] = (struct hawkbit_attribute){"group", d->group};
	if (k.uid[0] != '\0')
		a[n++] = (struct hawkbit_attribute){"uid", k.uid};
	if (k.has_version) {
		snprintf(counter, sizeof(counter), "%" PRIu32, k.counter);
		a[n++] = (struct hawkbit_attribute){
			"fw_version", version_format(k.version, version)};
		a[n++] = (struct hawkbit_attribute){"fw_counter", counter};
	}
	rc = hawkbit_attributes_text(a, n, &b, e);
	return rc == 0 ? hawkbit_put_attributes(&t->h, url, b.data, b.len, e) : rc;
}

/*
 * Only what is true: an action that was not begun is over, one whose device may be half written, or
 * is written already, is not. The server then takes it for running again.
 */
static int answer_cancel(struct hawkbit_target *t, const struct hawkbit_link *l, struct err *e)
{
	struct hawkbit_feedback f = {.n_details = 1};
	char stop[HAWKBIT_ID_SIZE];
	bool gone = false, mine;
	int rc = hawkbit_cancel(&t->h, l, stop, &gone, e);

	if (rc < 0 || gone)
		return rc;
	mine = is_in_hand(t, stop);
	if (mine && t->note.phase >= HAWKBIT_WRITING) {
		why(t, "action %s: a cancel came too late, it was begun", stop);
		f.execution = HAWKBIT_REJECTED;
		f.details[0] = t->note.phase == HAWKBIT_WRITING
				       ? "too late: the device may be half written, it is finished"
				       : "too late: it is done, its result is on the way";
		return conclude(t, HAWKBIT_CANCEL, stop, &f, e);
	}
	why(t, "action %s was cancelled before it was begun", stop);
	t->withdrawn = true;
	f.execution = HAWKBIT_CLOSED;
	f.finished = HAWKBIT_SUCCESS;
	f.details[0] =
		mine ? "cancelled before anything was written" : "cancelled: it was not begun here";
	rc = conclude(t, HAWKBIT_CANCEL, stop, &f, e);
	return rc == 0 && mine ? forget(t, e) : rc;
}

/* An action that can never be done here ends at once. */
static int refuse(struct hawkbit_target *t, const char *action, const char *text, struct err *e)
{
	const struct hawkbit_feedback f = {.execution = HAWKBIT_CLOSED,
		.finished = HAWKBIT_FAILURE,
		.code = CODE_NO_PACKAGE,
		.details = {text},
		.n_details = 1};

	why(t, "action %s: %.120s", action, text);
	return conclude(t, HAWKBIT_DEPLOYMENT, action, &f, e);
}

static void make_offer(struct hawkbit_target *t, const struct hawkbit_deployment *d,
	const struct hawkbit_chunk *c, bool download_only)
{
	const uint8_t *s = t->artifact.sha256;

	t->has_offer = true;
	t->offer = (struct update_offer){
		.length = t->artifact.size, .download_only = download_only, .prove = true};
	memcpy(t->offer.package, s, SHA256_SIZE);
	/* The server does not say which rollout it is: the same bytes are the same one. */
	snprintf(t->offer.rollout, sizeof(t->offer.rollout), "%.30s %.16s #%02x%02x%02x%02x",
		c->name, c->version, s[0], s[1], s[2], s[3]);
	snprintf(t->offer.why, sizeof(t->offer.why), "action %s of hawkBit: %.50s %.30s%s", d->id,
		c->name, c->version, download_only ? ", only to be fetched yet" : "");
}

static int take_offer(struct hawkbit_target *t, const struct hawkbit_deployment *d, struct err *e)
{
	const struct hawkbit_artifact *a = NULL;
	const struct hawkbit_chunk *c = NULL;
	struct err reason = ERR_INIT;
	bool later = d->update == HAWKBIT_SKIP || d->window == HAWKBIT_WINDOW_CLOSED;
	int rc;

	if (hawkbit_package(d, &a, &c, &reason) < 0)
		return refuse(t, d->id, reason.msg, e);
	if (a->size == 0 || a->size > FS_FILE_MAX)
		return refuse(t, d->id, "the package is empty or larger than any that can be", e);
	if (d->download == HAWKBIT_SKIP)
		return why(
			t, "action %s: the server wants it neither fetched nor started yet", d->id);
	t->artifact = *a;
	make_offer(t, d, c, later);
	if (is_in_hand(t, d->id) && memcmp(t->note.package, a->sha256, SHA256_SIZE) == 0) {
		/* Closed here, open there: the server was told and does not know it any more. */
		return t->note.phase == HAWKBIT_ENDED ? note_phase(t, HAWKBIT_FETCHED, e) : 0;
	}
	snprintf(t->note.action, sizeof(t->note.action), "%s", d->id);
	memcpy(t->note.package, a->sha256, SHA256_SIZE);
	rc = note_phase(t, HAWKBIT_SEEN, e);
	return rc;
}

static int look_at(struct hawkbit_target *t, const struct hawkbit_link *l, struct err *e)
{
	cleanup_hawkbit_deployment struct hawkbit_deployment d = {0};
	bool gone = false;
	int rc = hawkbit_deployment(&t->h, l, &d, &gone, e);

	if (rc < 0)
		return rc;
	if (gone)
		return why(t, "action %s was taken back", l->id);
	return take_offer(t, &d, e);
}

static int hear(struct hawkbit_target *t, const struct hawkbit_poll *p, struct err *e)
{
	int rc = 0;

	if (p->config_data[0] != '\0' && !t->rq->dry_run)
		rc = give_attributes(t, p->config_data, e);
	if (rc < 0)
		return rc;
	if (p->cancel.id[0] != '\0')
		return answer_cancel(t, &p->cancel, e);
	if (p->confirmation.id[0] != '\0')
		return why(t, "action %s waits for somebody's consent on the server",
			p->confirmation.id);
	if (p->deployment.id[0] != '\0')
		return look_at(t, &p->deployment, e);
	return why(t, "the server wants nothing");
}

static int poll(struct hawkbit_target *t, struct hawkbit_poll *ret, bool *ret_heard, struct err *e)
{
	int status = 0;
	int rc = hawkbit_poll(&t->h, ret, &status, e);

	*ret_heard |= status != 0;
	if (rc == 0)
		t->sleep_s = ret->has_sleep ? ret->sleep_s : 0;
	return rc;
}

int hawkbit_target_ask(struct hawkbit_target *t, bool *ret_heard, struct err *e)
{
	struct hawkbit_poll p;
	int rc = hawkbit_note_load(t->rq->db, t->device->name, &t->note, e);

	t->has_offer = t->withdrawn = t->silent = false;
	t->told = 0;
	t->why[0] = '\0';
	t->trouble = ERR_INIT;
	if (rc == 0)
		rc = catch_up(t, e);
	if (rc < 0)
		return rc;
	if (!t->rq->dry_run && (rc = hawkbit_owed_send(t, e)) < 0) {
		err_wrap(e, "a result is still owed");
		return swallow(t, rc, e);
	}
	rc = poll(t, &p, ret_heard, e);
	if (rc == 0) {
		bool again = p.cancel.id[0] != '\0' && !t->rq->dry_run;

		rc = hear(t, &p, e);
		/* What a cancel has hidden shows itself afterwards. */
		if (rc == 0 && again && !t->withdrawn)
			rc = poll(t, &p, ret_heard, e);
		else
			again = false;
		if (rc == 0 && again && p.cancel.id[0] == '\0')
			rc = hear(t, &p, e);
	}
	return rc < 0 ? swallow(t, rc, e) : 0;
}

bool hawkbit_target_withdrawn(struct hawkbit_target *t)
{
	struct err e = ERR_INIT;
	struct hawkbit_poll p;
	bool heard = false;

	if (t->withdrawn || !t->has_offer)
		return true;
	/* Without a fresh word nothing is begun. */
	if (poll(t, &p, &heard, &e) < 0) {
		why(t, "%.150s", e.msg);
		return true;
	}
	if (strcmp(p.deployment.id, t->note.action) == 0)
		return false;
	if (strcmp(p.cancel.id, t->note.action) == 0 && !t->rq->dry_run &&
		answer_cancel(t, &p.cancel, &e) < 0)
		why(t, "%.150s", e.msg);
	t->has_offer = false;
	return true;
}
