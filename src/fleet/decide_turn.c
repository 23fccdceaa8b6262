/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decide_turn.c - who goes first, and how many at a time
 *
 * A mistake stops itself where only few devices have it: canaries alone until they are healthy,
 * then wave by wave, and never more neighbours in the dark at once than the fleet file allows.
 */
#include <stmota/decide.h>

#include <stdio.h>
#include <string.h>

struct turns {
	const struct fleet *fleet;
	const struct decide_job *jobs;
	size_t n;
	const struct decide_job *job; /* in question */
};

static bool same_rollout(const struct turns *t, size_t k)
{
	return strcmp(t->jobs[k].rollout, t->job->rollout) == 0;
}

static bool has_label(const struct fleet_device *d, const char *label)
{
	for (size_t i = 0; i < d->n_labels; i++)
		if (strcmp(d->label[i], label) == 0)
			return true;
	return false;
}

/* ---- canaries ---- */

/* How well it suits: labelled ones first, dark ones last, then by wave; lower is better. */
static uint64_t suits(const struct fleet_device *d)
{
	return (has_label(d, "canary") ? 0 : UINT64_C(1) << 32) +
	       (d->excused ? UINT64_C(1) << 33 : 0) + d->wave;
}

static const struct decide_job *running_canary(const struct turns *t, uint32_t *ret_n)
{
	const struct decide_job *first = NULL;

	*ret_n = 0;
	for (size_t k = 0; k < t->n; k++) {
		if (!same_rollout(t, k) || t->jobs[k].stage != DECIDE_RUNNING)
			continue;
		if (first == NULL)
			first = &t->jobs[k];
		++*ret_n;
	}
	return first;
}

/* How many of those that wait would be a better canary, and the best of them. */
static uint32_t better_ones(const struct turns *t, const struct decide_job **ret_best)
{
	const struct decide_job *best = t->job;
	uint32_t n = 0;

	for (size_t k = 0; k < t->n; k++) {
		const struct decide_job *j = &t->jobs[k];
		uint64_t it = suits(j->device), me = suits(t->job->device);

		if (j == t->job || !same_rollout(t, k) || j->stage != DECIDE_QUEUED || it > me ||
			(it == me && j > t->job))
			continue;
		n++;
		if (suits(best->device) > it || (suits(best->device) == it && j < best))
			best = j;
	}
	*ret_best = best;
	return n;
}

static bool may_be_canary(const struct turns *t, uint32_t missing, char *why)
{
	const struct decide_job *best = NULL, *first;
	uint32_t running, better;

	first = running_canary(t, &running);
	better = better_ones(t, &best);
	/* A dark one proves nothing: it goes when nobody else is left, and then alone. */
	if (running < missing && better < (t->job->device->excused ? 1 : missing - running) &&
		!(t->job->device->excused && running > 0))
		return true;
	snprintf(why, DECIDE_WHY_SIZE, "waits for the canary %s",
		(first != NULL ? first : best)->device->name);
	return false;
}

/* ---- limits ---- */

static bool wave_is_open(const struct turns *t, char *why)
{
	for (size_t k = 0; k < t->n; k++) {
		const struct decide_job *j = &t->jobs[k];

		if (!same_rollout(t, k) || j->stage == DECIDE_ENDED ||
			j->device->wave >= t->job->device->wave)
			continue;
		snprintf(why, DECIDE_WHY_SIZE, "waits for wave %u", (unsigned)j->device->wave);
		return false;
	}
	return true;
}

/* What shares power, cable or street with it; a device without a group is alone. */
static bool same_group(const struct fleet_device *a, const struct fleet_device *b)
{
	return a->group != NULL && b->group != NULL && strcmp(a->group, b->group) == 0;
}

static bool has_room(const struct turns *t, char *why)
{
	const struct fleet *f = t->fleet;
	uint32_t all = 0, group = 0, rollout = 0;

	for (size_t k = 0; k < t->n; k++) {
		if (t->jobs[k].stage != DECIDE_RUNNING)
			continue;
		all++;
		group += same_group(t->jobs[k].device, t->job->device);
		rollout += same_rollout(t, k);
	}
	if (f->parallel > 0 && all >= f->parallel)
		snprintf(why, DECIDE_WHY_SIZE, "%u at a time", (unsigned)f->parallel);
	else if (f->per_group > 0 && group >= f->per_group)
		snprintf(why, DECIDE_WHY_SIZE, "%u at a time in group %.100s",
			(unsigned)f->per_group, t->job->device->group);
	else if (t->job->in_flight > 0 && rollout >= t->job->in_flight)
		snprintf(why, DECIDE_WHY_SIZE, "the rollout allows %u at a time",
			(unsigned)t->job->in_flight);
	else
		return true;
	return false;
}

struct decide_turn decide_turn(const struct fleet *f, const struct decide_job *jobs, size_t n,
	size_t i, uint32_t canaries_ok, char ret_why[DECIDE_WHY_SIZE])
{
	struct turns t = {.fleet = f, .jobs = jobs, .n = n, .job = &jobs[i]};
	struct decide_turn turn = {.canary = canaries_ok < f->canaries};

	ret_why[0] = '\0';
	if (turn.canary ? !may_be_canary(&t, f->canaries - canaries_ok, ret_why)
			: !wave_is_open(&t, ret_why))
		return (struct decide_turn){0};
	turn.start = has_room(&t, ret_why);
	turn.canary &= turn.start && !jobs[i].device->excused;
	return turn;
}
