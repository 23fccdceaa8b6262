/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view.c - one picture of what the fleet file wants and what the database knows
 */
#include <stmota/fleet_view.h>

#include <stdlib.h>
#include <string.h>

#include <stmota/bytes.h>
#include <stmota/decide.h>

#define FAILURES_MAX 200

const char *fleet_view_state_text(enum fleet_view_state s)
{
	static const char *const texts[] = {
		[FLEET_VIEW_NEW] = "new",
		[FLEET_VIEW_OK] = "ok",
		[FLEET_VIEW_RUNNING] = "running",
		[FLEET_VIEW_RETRYING] = "retrying",
		[FLEET_VIEW_ASIDE] = "set aside",
		[FLEET_VIEW_REFUSED] = "refused",
		[FLEET_VIEW_INTERRUPTED] = "interrupted",
		[FLEET_VIEW_EXCUSED] = "excused",
		[FLEET_VIEW_GONE] = "gone",
	};

	return (size_t)s < ARRAY_LEN(texts) ? texts[s] : "unknown";
}

/* Room for one more of `size` bytes behind `n` of them, doubled; *v is the new place. */
static int grow(void *v, size_t n, size_t size, struct err *e)
{
	void **at = v, *p;

	if (n != 0 && (n < 8 || (n & (n - 1)) != 0))
		return 0;
	p = realloc(*at, (n < 8 ? 8 : 2 * n) * size);
	if (p == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	*at = p;
	return 0;
}

/* ---- devices ---- */

static struct fleet_view_device *find_device(struct fleet_view *v, const char *name)
{
	for (size_t i = 0; i < v->n_devices; i++)
		if (strcmp(v->devices[i].known.name, name) == 0)
			return &v->devices[i];
	return NULL;
}

static int add_from_file(struct fleet_view *v, struct err *e)
{
	const struct fleet *f = v->fleet;

	for (size_t i = 0; i < f->n; i++) {
		int rc = grow(&v->devices, v->n_devices, sizeof(*v->devices), e);

		if (rc < 0)
			return rc;
		v->devices[v->n_devices] = (struct fleet_view_device){.device = &f->devices[i]};
		snprintf(v->devices[v->n_devices].known.name, FLEET_NAME_SIZE, "%s",
			f->devices[i].name);
		v->n_devices++;
	}
	return 0;
}

static int add_known(void *ctx, const struct fleet_known *k, struct err *e)
{
	struct fleet_view *v = ctx;
	struct fleet_view_device *d = find_device(v, k->name);
	int rc;

	if (d == NULL) {
		rc = grow(&v->devices, v->n_devices, sizeof(*v->devices), e);
		if (rc < 0)
			return rc;
		d = &v->devices[v->n_devices++];
		*d = (struct fleet_view_device){0};
	}
	d->known = *k;
	return 0;
}

static enum fleet_view_state state_of(const struct fleet *f, const struct fleet_view_device *d)
{
	if (d->device == NULL)
		return FLEET_VIEW_GONE;
	if (d->newest.id == 0)
		return FLEET_VIEW_NEW;
	if (d->device->excused && fleet_outcome_is_failure(d->newest.outcome))
		return FLEET_VIEW_EXCUSED;
	switch (d->newest.outcome) {
	case FLEET_OPEN: return FLEET_VIEW_RUNNING;
	case FLEET_OK:
	case FLEET_ALREADY: return FLEET_VIEW_OK;
	case FLEET_REFUSED: return FLEET_VIEW_REFUSED;
	case FLEET_INTERRUPTED: return FLEET_VIEW_INTERRUPTED;
	default: return d->tries >= f->attempts ? FLEET_VIEW_ASIDE : FLEET_VIEW_RETRYING;
	}
}

static int judge_devices(struct fleet_view *v, struct fleet_db *db, struct err *e)
{
	for (size_t i = 0; i < v->n_devices; i++) {
		struct fleet_view_device *d = &v->devices[i];
		struct fleet_tries t = {0};
		int rc = d->newest.id != 0
				 ? fleet_db_tries(db, d->known.name, d->newest.package, &t, e)
				 : 0;

		if (rc < 0)
			return rc;
		d->tries = t.n;
		d->state = state_of(v->fleet, d);
		d->retry_at = decide_retry_at(v->fleet, &t);
		if (d->retry_at <= v->now || d->state == FLEET_VIEW_GONE)
			d->retry_at = 0;
		v->states[d->state]++;
	}
	return 0;
}

/* ---- rollouts ---- */

/* What a device did last in a rollout, while its attempts are walked in time. */
struct last {
	bool known, good, canary;
};

struct walk {
	struct fleet_view *v;
	struct fleet_attempt *all; /* newest first, without evidence */
	size_t n;
	struct last **lasts; /* of each rollout: one for each device */
	size_t n_lasts;
};

static int collect(void *ctx, const struct fleet_attempt *a, struct err *e)
{
	struct walk *w = ctx;
	struct fleet_view *v = w->v;
	struct fleet_view_device *d = find_device(v, a->device);
	struct fleet_attempt copy = *a;
	int rc = grow(&w->all, w->n, sizeof(*w->all), e);

	if (rc < 0)
		return rc;
	copy.evidence = copy.transcript = NULL;
	w->all[w->n++] = copy;
	if (d != NULL && d->newest.id == 0)
		d->newest = copy;
	if (!fleet_outcome_is_failure(a->outcome))
		return 0;
	v->n_failures_all++;
	if (v->n_failures >= FAILURES_MAX)
		return 0;
	rc = grow(&v->failures, v->n_failures, sizeof(*v->failures), e);
	if (rc < 0)
		return rc;
	copy.evidence = a->evidence != NULL ? strdup(a->evidence) : NULL;
	copy.transcript = a->transcript != NULL ? strdup(a->transcript) : NULL;
	v->failures[v->n_failures++] = copy;
	return (a->evidence != NULL && copy.evidence == NULL) ||
			       (a->transcript != NULL && copy.transcript == NULL)
		       ? err_set(e, ERR_NOMEM, "out of memory")
		       : 0;
}

static int rollout_of(
	struct fleet_view *v, const struct fleet_attempt *a, size_t *ret, struct err *e)
{
	int rc;

	for (size_t i = 0; i < v->n_rollouts; i++)
		if (strcmp(v->rollouts[i].id, a->rollout) == 0) {
			*ret = i;
			return 0;
		}
	rc = grow(&v->rollouts, v->n_rollouts, sizeof(*v->rollouts), e);
	if (rc < 0)
		return rc;
	v->rollouts[v->n_rollouts] = (struct fleet_view_rollout){.first = a->started};
	memcpy(v->rollouts[v->n_rollouts].id, a->rollout, sizeof(a->rollout));
	memcpy(v->rollouts[v->n_rollouts].source, a->source, sizeof(a->source));
	*ret = v->n_rollouts++;
	return 0;
}

static int last_of(struct walk *w, size_t rollout, size_t device, struct last **ret, struct err *e)
{
	while (w->n_lasts <= rollout) {
		int rc = grow(&w->lasts, w->n_lasts, sizeof(*w->lasts), e);

		if (rc < 0)
			return rc;
		w->lasts[w->n_lasts] = calloc(w->v->n_devices, sizeof(**w->lasts));
		if (w->lasts[w->n_lasts] == NULL)
			return err_set(e, ERR_NOMEM, "out of memory");
		w->n_lasts++;
	}
	*ret = &w->lasts[rollout][device];
	return 0;
}

/* One attempt more, in time: where the curves of its rollout go. */
static int add_point(struct walk *w, const struct fleet_attempt *a, struct err *e)
{
	struct fleet_view *v = w->v;
	struct fleet_view_device *d = find_device(v, a->device);
	bool good = a->outcome == FLEET_OK || a->outcome == FLEET_ALREADY;
	struct fleet_view_rollout *r;
	struct fleet_view_point p = {.time = a->ended, .good = good, .canary = a->canary};
	struct last *last = NULL;
	bool excused;
	size_t i;
	int rc = rollout_of(v, a, &i, e);

	if (rc < 0)
		return rc;
	r = &v->rollouts[i];
	r->version = a->version;
	r->counter = a->counter;
	memcpy(r->package, a->package, SHA256_SIZE);
	if (a->started < r->first)
		r->first = a->started;
	if (a->started > r->last)
		r->last = a->started;
	if (a->ended > r->last)
		r->last = a->ended;
	if (d == NULL || (!good && !fleet_outcome_is_failure(a->outcome)))
		return 0;
	/* Its silence counts nowhere; but it no longer counts as one that has it either. */
	excused = !good && d->device != NULL && d->device->excused;
	rc = last_of(w, i, (size_t)(d - v->devices), &last, e);
	if (rc == 0)
		rc = grow(&r->points, r->n_points, sizeof(*r->points), e);
	if (rc < 0)
		return rc;
	if (r->n_points > 0) {
		p.ok = r->points[r->n_points - 1].ok;
		p.failed = r->points[r->n_points - 1].failed;
	}
	if (last->known)
		*(last->good ? &p.ok : &p.failed) -= 1;
	last->known = !excused;
	if (!excused)
		*(good ? &p.ok : &p.failed) += 1;
	r->canaries += a->canary && !last->canary;
	p.device = (uint32_t)(d - v->devices);
	last->good = good;
	last->canary = last->canary || a->canary;
	r->points[r->n_points++] = p;
	return 0;
}

static int add_halt(void *ctx, const struct fleet_halt *h, struct err *e)
{
	struct fleet_view *v = ctx;
	struct fleet_attempt as_attempt = {.started = h->halted};
	struct fleet_view_rollout *r;
	size_t i;
	int rc;

	memcpy(as_attempt.rollout, h->rollout, sizeof(as_attempt.rollout));
	rc = rollout_of(v, &as_attempt, &i, e);
	if (rc < 0)
		return rc;
	r = &v->rollouts[i];
	if (r->n_halts == FLEET_VIEW_HALTS)
		memmove(r->halts, r->halts + 1, sizeof(r->halts[0]) * --r->n_halts);
	r->halts[r->n_halts] = (struct fleet_view_halt){.halted = h->halted, .resumed = h->resumed};
	memcpy(r->halts[r->n_halts].why, h->why, sizeof(h->why));
	r->n_halts++;
	r->halted = h->resumed == 0;
	if (h->halted > r->last)
		r->last = h->halted;
	return 0;
}

/* Those that are open last. Deliveries overlap: what began first need not end first. */
static int by_end(const void *a, const void *b)
{
	const struct fleet_attempt *x = a, *y = b;

	if (x->ended != y->ended)
		return x->ended - 1 < y->ended - 1 ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

static int newest_first(const void *a, const void *b)
{
	const struct fleet_view_rollout *x = a, *y = b;

	return (x->last < y->last) - (x->last > y->last);
}

static bool is_newest_of_one(const struct fleet_view *v, const char *rollout)
{
	for (size_t i = 0; i < v->n_devices; i++)
		if (v->devices[i].device != NULL && v->devices[i].newest.id != 0 &&
			strcmp(v->devices[i].newest.rollout, rollout) == 0)
			return true;
	return false;
}

/* The curve has left out who is excused; a failure from before a resume is one all the same. */
static int count_rollout(struct fleet_db *db, struct fleet_view_rollout *r, struct err *e)
{
	int rc = fleet_db_counts(db, r->id, &r->counts, e);

	if (rc == 0 && r->n_points > 0)
		r->counts.failed = r->points[r->n_points - 1].failed;
	return rc;
}

static int load_rollouts(struct fleet_view *v, struct fleet_db *db, struct err *e)
{
	struct walk w = {.v = v};
	int rc = fleet_db_each_attempt(db, NULL, 0, collect, &w, e);

	v->n_attempts = w.n;
	if (w.n > 1)
		qsort(w.all, w.n, sizeof(*w.all), by_end);
	for (size_t i = 0; rc == 0 && i < w.n; i++)
		rc = add_point(&w, &w.all[i], e);
	for (size_t i = 0; i < w.n_lasts; i++)
		free(w.lasts[i]);
	free(w.lasts);
	free(w.all);
	if (rc == 0)
		rc = fleet_db_each_halt(db, add_halt, v, e);
	for (size_t i = 0; rc == 0 && i < v->n_rollouts; i++)
		v->rollouts[i].matters =
			v->rollouts[i].halted && is_newest_of_one(v, v->rollouts[i].id);
	for (size_t i = 0; rc == 0 && i < v->n_rollouts; i++)
		rc = count_rollout(db, &v->rollouts[i], e);
	if (v->n_rollouts > 1)
		qsort(v->rollouts, v->n_rollouts, sizeof(*v->rollouts), newest_first);
	return rc;
}

/* ---- from outside ---- */

int fleet_view_load(struct fleet_db *db, const struct fleet *f, uint64_t now,
	struct fleet_view *ret, struct err *e)
{
	struct fleet_view v = {.fleet = f, .now = now, .has_state = db != NULL};
	int rc = add_from_file(&v, e);

	if (rc == 0 && db != NULL)
		rc = fleet_db_each_device(db, add_known, &v, e);
	if (rc == 0 && db != NULL)
		rc = load_rollouts(&v, db, e);
	if (rc == 0)
		rc = judge_devices(&v, db, e);
	if (rc == 0 && db != NULL)
		rc = fleet_db_outbox_count(db, NULL, &v.waiting, e);
	if (rc == 0 && db != NULL)
		v.disk = fleet_db_disk(db);
	if (rc < 0) {
		fleet_view_done(&v);
		return rc;
	}
	*ret = v;
	return 0;
}

void fleet_view_done(struct fleet_view *v)
{
	for (size_t i = 0; i < v->n_failures; i++)
		fleet_attempt_done(&v->failures[i]);
	for (size_t i = 0; i < v->n_rollouts; i++)
		free(v->rollouts[i].points);
	free(v->failures);
	free(v->rollouts);
	free(v->devices);
	*v = (struct fleet_view){0};
}
