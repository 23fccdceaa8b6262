/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pass.c - one pass: what each device shall run is decided, then all are walked, canaries first
 */
#include "pass_priv.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <stmota/bytes.h>
#include <stmota/clock.h>
#include <stmota/signals.h>

#define SLICE_MS 100

struct pass_device pass_device_of(const struct pass *p, const struct pass_job *j)
{
	return (struct pass_device){.device = j->device,
		.known = &j->known,
		.offer = j->has_offer ? &j->offer : NULL,
		.decision = j->decision,
		.why = j->why,
		.canary = p->turns[j - p->jobs].canary,
		.hint = j->hint[0] != '\0' ? j->hint : NULL};
}

uint64_t pass_now(const struct pass *p)
{
	return p->rq->now + (clock_now_ms(&clock_monotonic) - p->start_ms) / 1000;
}

/* ---- deciding ---- */

/* Newest first: the first that was proved is what it ran last, healthy. */
static int look_for_proof(void *ctx, const struct fleet_attempt *a, struct err *e)
{
	struct fleet_known *k = ctx;

	(void)e;
	if (a->outcome != FLEET_OK && a->outcome != FLEET_ALREADY)
		return 0;
	k->has_version = true;
	k->version = a->version;
	k->counter = a->counter;
	return 1;
}

/*
 * What nobody has seen yet is what the fleet file says. A device that holds something unhealthy is
 * judged by what it ran before: it must not wait for a person.
 */
static int complete(const struct pass *p, struct pass_job *j, struct err *e)
{
	const struct config *cfg = p->rq->config;
	const char *name = j->device->name;
	const char *version = cfg != NULL ? config_get(cfg, "device", name, "version") : NULL;
	struct fleet_known *k = &j->known;
	int rc;

	if (!k->has_version && k->tried > 0) {
		rc = fleet_db_each_attempt(p->rq->db, name, 0, look_for_proof, k, e);
		if (rc < 0)
			return rc;
	}
	if (k->has_version || version == NULL)
		return 0;
	rc = version_parse(version, &k->version, e);
	if (rc == 0)
		rc = config_u32(cfg, "device", name, "counter", 0, &k->counter, e);
	if (rc < 0)
		return err_wrap(e, "[device %s]", name);
	k->has_version = true;
	if (k->highest_counter < k->counter)
		k->highest_counter = k->counter;
	return 0;
}

static uint16_t local_minute(uint64_t now)
{
	time_t t = (time_t)now;
	struct tm tm;

	return localtime_r(&t, &tm) != NULL ? (uint16_t)(tm.tm_hour * 60 + tm.tm_min) : 0;
}

/* Asks the pure function with all that it wants to know. */
static int judge(
	struct pass *p, struct pass_job *j, enum update_wish wish, const char *why, struct err *e)
{
	const struct pass_request *rq = p->rq;
	char halt[256] = "";
	struct decide_facts f = {.fleet = rq->fleet,
		.device = j->device,
		.known = &j->known,
		.wish = wish,
		.why = why,
		.offer = &j->offer,
		.now = rq->now,
		.minute = local_minute(rq->now),
		.at_once = rq->at_once};
	int rc = 0;

	if (wish == UPDATE_OFFER) {
		rc = fleet_db_tries(rq->db, j->device->name, j->offer.package, &j->tries, e);
		if (rc == 0)
			rc = fleet_db_halted(rq->db, j->offer.rollout, halt, sizeof(halt), e);
		if (rc < 0)
			return rc;
		f.halted = rc > 0 ? halt : NULL;
		f.tries = j->tries;
		f.cached = package_cache_has(rq->cache, j->offer.package);
	}
	j->decision = decide_device(&f, j->why);
	return 0;
}

/* A device that did not get it in time has failed: silence counts. Said once. */
static int note_deadline(struct pass *p, struct pass_job *j, struct err *e)
{
	const struct update_offer *o = &j->offer;
	struct fleet_attempt a = {.version = o->version,
		.counter = o->counter,
		.from = j->known.version,
		.has_from = j->known.has_version,
		.started = p->rq->now};
	struct fleet_ending end = {.outcome = FLEET_FAILED, .error = ERR_TIMEOUT};
	cleanup_buf struct buf noted = BUF_INIT;
	char key[100], text[80];
	time_t t = (time_t)o->deadline;
	struct tm tm = {0};
	int rc;

	if (!j->has_offer || o->deadline == 0 || p->rq->now <= o->deadline || j->device->excused ||
		j->decision == DECIDE_UP_TO_DATE || p->rq->dry_run)
		return 0;
	snprintf(key, sizeof(key), "deadline %s", o->rollout);
	rc = fleet_db_note_get(p->rq->db, j->device->name, key, &noted, e);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	gmtime_r(&t, &tm);
	strftime(text, sizeof(text), "did not get it until %Y-%m-%d %H:%M UTC", &tm);
	snprintf(a.device, sizeof(a.device), "%s", j->device->name);
	snprintf(a.rollout, sizeof(a.rollout), "%s", o->rollout);
	snprintf(a.source, sizeof(a.source), "%s", p->rq->source->ops->name);
	memcpy(a.package, o->package, SHA256_SIZE);
	end.text = text;
	rc = fleet_db_begin(p->rq->db, &a, e);
	if (rc == 0)
		rc = fleet_db_end(p->rq->db, a.id, &end, p->rq->now, e);
	if (rc == 0)
		rc = fleet_db_note_set(p->rq->db, j->device->name, key, "1", 1, e);
	if (rc < 0)
		return rc;
	p->sums->missed++;
	if (p->rq->listener.ended != NULL) {
		struct pass_device d = pass_device_of(p, j);

		p->rq->listener.ended(p->rq->listener.ctx, &d, &end, 0);
	}
	return 0;
}

static int decide_one(struct pass *p, struct pass_job *j, struct err *e)
{
	struct update_source *s = p->rq->source;
	enum update_wish wish;
	char why[160] = "";
	int rc = fleet_db_device(p->rq->db, j->device->name, &j->known, e);

	if (rc == 0)
		rc = complete(p, j, e);
	if (rc < 0)
		return rc;
	wish = s->ops->wish(s, j->device, &j->known, &j->offer, why);
	j->has_offer = wish == UPDATE_OFFER;
	if (j->known.has_healthy)
		package_cache_touch(p->rq->cache, j->known.healthy);
	rc = judge(p, j, wish, why, e);
	return rc == 0 ? note_deadline(p, j, e) : rc;
}

static bool is_wanted(const struct pass *p, const struct fleet_device *d)
{
	for (size_t i = 0; i < p->rq->n_only; i++)
		if (fleet_find(p->rq->fleet, p->rq->only[i]) == d)
			return true;
	return p->rq->n_only == 0;
}

static void count(struct pass_sums *s, enum decision d)
{
	s->devices++;
	s->nothing += d == DECIDE_NOTHING;
	s->up_to_date += d == DECIDE_UP_TO_DATE;
	s->waiting += d == DECIDE_WAIT;
	s->halted += d == DECIDE_HALTED;
	s->refused += d == DECIDE_REFUSED;
}

static int decide_all(struct pass *p, struct err *e)
{
	const struct fleet *f = p->rq->fleet;
	int rc = 0;

	p->jobs = calloc(f->n > 0 ? f->n : 1, sizeof(*p->jobs));
	p->turns = calloc(f->n > 0 ? f->n : 1, sizeof(*p->turns));
	if (p->jobs == NULL || p->turns == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; rc == 0 && i < f->n; i++) {
		struct pass_job *j = &p->jobs[p->n];

		if (!is_wanted(p, &f->devices[i]))
			continue;
		j->device = &f->devices[i];
		j->worker = WORKER_INIT;
		j->file = PACKAGE_FILE_INIT;
		p->turns[p->n] = (struct decide_job){.device = j->device, .rollout = ""};
		p->n++;
		rc = decide_one(p, j, e);
		if (rc < 0)
			break;
		count(p->sums, j->decision);
		p->turns[p->n - 1].rollout = j->has_offer ? j->offer.rollout : "";
		p->turns[p->n - 1].in_flight = j->has_offer ? j->offer.in_flight : 0;
		p->turns[p->n - 1].stage =
			j->decision == DECIDE_DELIVER ? DECIDE_QUEUED : DECIDE_ENDED;
	}
	return rc;
}

static int canaries_of(struct pass *p, const char *rollout, uint32_t *ret, struct err *e)
{
	struct fleet_counts c = {0};
	int rc = fleet_db_counts(p->rq->db, rollout, &c, e);

	if (rc == 0)
		*ret = c.canaries_ok;
	return rc;
}

/* Each device and its reason; who would have to wait is told as if all began now. */
static int tell_decisions(struct pass *p, struct err *e)
{
	const struct pass_listener *l = &p->rq->listener;
	int rc = 0;

	for (size_t i = 0; rc == 0 && l->decided != NULL && i < p->n; i++) {
		struct pass_device d = pass_device_of(p, &p->jobs[i]);
		char wait[DECIDE_WHY_SIZE] = "", text[2 * DECIDE_WHY_SIZE + 4];
		uint32_t ok = 0;

		if (d.decision == DECIDE_DELIVER) {
			rc = canaries_of(p, p->turns[i].rollout, &ok, e);
			if (rc < 0)
				break;
			d.canary = decide_turn(p->rq->fleet, p->turns, p->n, i, ok, wait).canary;
			snprintf(text, sizeof(text), "%s%s%s", d.why, wait[0] != '\0' ? "; " : "",
				wait);
			d.why = text;
		}
		l->decided(l->ctx, &d);
	}
	return rc;
}

/* ---- halting ---- */

static void drop_queued(struct pass *p, const char *rollout, const char *why)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->turns[i].stage != DECIDE_QUEUED || strcmp(p->turns[i].rollout, rollout) != 0)
			continue;
		p->turns[i].stage = DECIDE_ENDED;
		p->jobs[i].decision = DECIDE_HALTED;
		snprintf(p->jobs[i].why, sizeof(p->jobs[i].why), "halted here: %.180s", why);
		p->sums->halted++;
	}
}

/* A failed canary, or too many failures: nobody else gets it here, whatever the plan says. */
static int halt_if_bad(struct pass *p, const struct pass_job *j, bool canary, struct err *e)
{
	const struct pass_listener *l = &p->rq->listener;
	struct fleet_counts c = {0};
	char why[200];
	int rc;

	if (!fleet_outcome_is_failure(j->tries.last_outcome) ||
		j->tries.last_outcome == FLEET_REFUSED || j->device->excused)
		return 0;
	rc = fleet_db_counts(p->rq->db, j->offer.rollout, &c, e);
	if (rc < 0)
		return rc;
	if (!canary && (p->rq->fleet->stop_after == 0 || c.failed < p->rq->fleet->stop_after))
		return 0;
	if (canary)
		snprintf(why, sizeof(why), "the canary %s is %s", j->device->name,
			fleet_outcome_text(j->tries.last_outcome));
	else
		snprintf(why, sizeof(why), "%u device%s failed, the last is %s: %s",
			(unsigned)c.failed, c.failed == 1 ? "" : "s", j->device->name,
			fleet_outcome_text(j->tries.last_outcome));
	rc = fleet_db_halt(p->rq->db, j->offer.rollout, why, pass_now(p), e);
	if (rc < 0)
		return rc;
	drop_queued(p, j->offer.rollout, why);
	if (l->halted != NULL)
		l->halted(l->ctx, j->offer.rollout, why);
	return 0;
}

/* ---- walking ---- */

static void trouble(struct pass *p, const struct pass_job *j, const struct err *why)
{
	const struct pass_listener *l = &p->rq->listener;
	struct pass_device d = pass_device_of(p, j);

	if (l->trouble != NULL)
		l->trouble(l->ctx, &d, why);
}

static void count_ending(struct pass_sums *s, const struct fleet_device *d, enum fleet_outcome o)
{
	/* The silence of one that is known to be dark is no news. */
	if (o == FLEET_UNREACHABLE && d->excused)
		return;
	s->ok += o == FLEET_OK;
	s->already += o == FLEET_ALREADY;
	s->interrupted += o == FLEET_INTERRUPTED;
	s->failed += fleet_outcome_is_failure(o);
	s->turned_down += o == FLEET_REFUSED;
}

/* By what its package says, before the device was asked: it is told and stored like any other end. */
static int refuse_inside(struct pass *p, struct pass_job *j, struct err *e)
{
	struct err why = ERR_INIT;
	int rc;

	j->begun_ms = clock_now_ms(&clock_monotonic);
	err_set(&why, ERR_DOWNGRADE, "%s", j->why);
	rc = pass_refuse(p, j, &why, e);
	if (rc == 0)
		count_ending(p->sums, j->device, FLEET_REFUSED);
	return rc;
}

/* Its package is here and judged; what was not announced is known now and asked again. */
static int look_inside(struct pass *p, struct pass_job *j, bool *ret_go, struct err *e)
{
	struct update_source *s = p->rq->source;
	struct package_file file = PACKAGE_FILE_INIT;
	bool only = j->offer.download_only;
	int rc = 0;

	*ret_go = true;
	if (j->offer.has_release && !only && s->ops->fetched == NULL)
		return 0;
	rc = pass_package(p, j, false, &file, e);
	package_file_close(&file);
	/* It is said at pass_begin(), and recorded there. */
	if (rc < 0)
		return 0;
	if (s->ops->fetched != NULL)
		s->ops->fetched(s, j->device, &j->offer);
	rc = judge(p, j, UPDATE_OFFER, j->offer.why, e);
	*ret_go = rc == 0 && j->decision == DECIDE_DELIVER && !only;
	if (rc == 0 && j->decision == DECIDE_REFUSED)
		rc = refuse_inside(p, j, e);
	if (rc == 0 && only)
		snprintf(j->why, sizeof(j->why), "fetched; it is not to be started yet");
	return rc;
}

static int begin_one(struct pass *p, size_t i, bool canary, struct err *e)
{
	struct update_source *s = p->rq->source;
	struct pass_job *j = &p->jobs[i];
	struct err why = ERR_INIT;
	bool go = true;
	int rc;

	if (s->ops->withdrawn != NULL && s->ops->withdrawn(s, j->device, &j->offer)) {
		/* This device; the others are asked when it is their turn. */
		p->turns[i].stage = DECIDE_ENDED;
		j->decision = DECIDE_HALTED;
		snprintf(j->why, sizeof(j->why), "the source has withdrawn it");
		p->sums->halted++;
		return 0;
	}
	rc = look_inside(p, j, &go, e);
	if (rc < 0 || !go) {
		p->turns[i].stage = DECIDE_ENDED;
		return rc;
	}
	p->turns[i].canary = canary;
	rc = pass_begin(p, j, canary, &why);
	if (rc == 0) {
		p->turns[i].stage = DECIDE_RUNNING;
		return 0;
	}
	p->turns[i].stage = DECIDE_ENDED;
	p->turns[i].canary = false;
	p->sums->unserved++;
	if (p->sums->fetch.code == 0)
		p->sums->fetch = why;
	trouble(p, j, &why);
	return 0;
}

static int begin_more(struct pass *p, struct err *e)
{
	for (size_t i = 0; i < p->n && !p->stopped && !signals_pending(); i++) {
		char why[DECIDE_WHY_SIZE];
		struct decide_turn turn;
		uint32_t ok = 0;
		int rc;

		if (p->turns[i].stage != DECIDE_QUEUED)
			continue;
		rc = canaries_of(p, p->turns[i].rollout, &ok, e);
		if (rc < 0)
			return rc;
		turn = decide_turn(p->rq->fleet, p->turns, p->n, i, ok, why);
		rc = turn.start ? begin_one(p, i, turn.canary, e) : 0;
		if (rc < 0)
			return rc;
	}
	return 0;
}

static void stop(struct pass *p)
{
	p->stopped = p->sums->stopped = true;
	for (size_t i = 0; i < p->n; i++) {
		worker_stop(&p->jobs[i].worker);
		if (p->turns[i].stage != DECIDE_QUEUED)
			continue;
		p->turns[i].stage = DECIDE_ENDED;
		p->sums->unserved++;
	}
}

static size_t queued(const struct pass *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += p->turns[i].stage == DECIDE_QUEUED;
	return n;
}

/* Who could not begin after all makes room for one that was asked before. */
static int begin_all(struct pass *p, struct err *e)
{
	size_t before;
	int rc = 0;

	if (!p->changed && !signals_pending())
		return 0;
	p->changed = false;
	do {
		before = queued(p);
		if (signals_pending() && !p->stopped)
			stop(p);
		rc = begin_more(p, e);
	} while (rc == 0 && p->running == 0 && queued(p) > 0 && queued(p) < before);
	return rc;
}

static int listen_to(struct pass *p, size_t i, struct err *e)
{
	struct pass_job *j = &p->jobs[i];
	int rc;

	if (!pass_listen(p, j, e))
		return 0;
	p->changed = true;
	if (p->stopped && e->code != 0)
		return (int)e->code;
	count_ending(p->sums, j->device, j->tries.last_outcome);
	p->turns[i].stage = DECIDE_ENDED;
	rc = halt_if_bad(p, j, p->turns[i].canary, e);
	/* The full package follows the delta at once. */
	if (rc == 0 && j->no_delta && j->delta && !p->stopped &&
		j->tries.last_outcome == FLEET_REFUSED) {
		p->sums->turned_down--;
		p->turns[i].stage = DECIDE_QUEUED;
	}
	return rc;
}

static int walk(struct pass *p, struct err *e)
{
	const struct pass_listener *l = &p->rq->listener;
	cleanup_free struct pollfd *fds = calloc(p->n > 0 ? p->n : 1, sizeof(*fds));
	int rc;

	if (fds == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	rc = begin_all(p, e);
	while (p->running > 0) {
		struct err own = ERR_INIT;

		for (size_t i = 0; i < p->n; i++)
			fds[i] = (struct pollfd){.fd = p->jobs[i].worker.fd, .events = POLLIN};
		poll(fds, p->n, SLICE_MS);
		/* Whatever happens to us: those that run end their work. */
		if ((signals_pending() || rc < 0) && !p->stopped)
			stop(p);
		for (size_t i = 0; i < p->n; i++)
			if (fds[i].revents != 0 && listen_to(p, i, &own) < 0 && rc == 0) {
				*e = own;
				rc = (int)own.code;
			}
		if (rc == 0)
			rc = begin_all(p, e);
		if (l->tick != NULL)
			l->tick(l->ctx);
	}
	return rc;
}

/* ---- all of it ---- */

static int name_folder(struct pass *p, struct err *e)
{
	const char *path = p->rq->fleet->state, *slash = strrchr(path, '/');
	int n = slash == NULL
			? snprintf(p->folder, sizeof(p->folder), ".")
			: snprintf(p->folder, sizeof(p->folder), "%.*s", (int)(slash - path), path);

	return n < (int)sizeof(p->folder)
		       ? 0
		       : err_set(e, ERR_CONFIG, "the name of the database is too long");
}

static int pass_it(struct pass *p, struct err *e)
{
	const struct pass_request *rq = p->rq;
	size_t n = 0;
	int rc = name_folder(p, e);

	if (rc == 0 && !rq->dry_run)
		rc = fleet_db_recover(rq->db, rq->now, &n, e);
	if (rc == 0 && !rq->dry_run && rq->flush != NULL)
		rq->flush(rq->ctx);
	if (rc == 0)
		rc = rq->source->ops->refresh(rq->source, e);
	if (rc == 0)
		rc = decide_all(p, e);
	if (rc == 0)
		rc = tell_decisions(p, e);
	if (rc == 0 && !rq->dry_run)
		rc = walk(p, e);
	if (!rq->dry_run && rq->flush != NULL)
		rq->flush(rq->ctx);
	return rc;
}

int pass_run(const struct pass_request *rq, struct pass_sums *ret, struct err *e)
{
	struct pass p = {
		.rq = rq, .sums = ret, .changed = true, .start_ms = clock_now_ms(&clock_monotonic)};
	int rc;

	*ret = (struct pass_sums){.fetch = ERR_INIT};
	rc = pass_it(&p, e);
	free(p.jobs);
	free(p.turns);
	free(p.bad);
	return rc;
}
