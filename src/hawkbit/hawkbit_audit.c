/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hawkbit_audit.c - what is wrong with a rollout
 *
 * The first group is the canary: what goes wrong there must stop everything, and nothing may start
 * after it by itself.
 */
#include <stmota/hawkbit_audit.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <stmota/bytes.h>
#include <stmota/text.h>

/* A first group of more than this part of the fleet is no canary, unless it is this small. */
#define CANARY_PER_CENT 10u
#define CANARY_SMALL    5u

struct judging {
	const struct hawkbit_rollout *r;
	const struct hawkbit_limits *l;
	void (*fn)(void *ctx, const struct hawkbit_finding *f);
	void *ctx;
	size_t unsafe;
};

static void found(struct judging *j, bool unsafe, const char *where, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void found(struct judging *j, bool unsafe, const char *where, const char *fmt, ...)
{
	struct hawkbit_finding f = {.unsafe = unsafe};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f.what, sizeof(f.what), fmt, ap);
	va_end(ap);
	snprintf(f.where, sizeof(f.where), "%s", where);
	j->unsafe += unsafe;
	j->fn(j->ctx, &f);
}

static bool has_ended(const struct hawkbit_group *g)
{
	return strcmp(g->status, "finished") == 0;
}

/* ---- each question ---- */

static void ask_thresholds(struct judging *j, const struct hawkbit_group *g, bool canary)
{
	if (!g->has_success)
		found(j, true, g->name, "its success condition cannot be judged");
	if (!g->has_error) {
		found(j, true, g->name, "no error threshold that can be judged: nothing stops it");
		return;
	}
	if (g->has_success && g->success == 50 && g->error == 50)
		found(j, true, g->name,
			"success 50 and error 50 are the server's defaults: half of it may die "
			"before it stops");
	else if (canary && g->error > 0)
		found(j, true, g->name, "error threshold %u: a canary stops at its first error (0)",
			(unsigned)g->error);
	else if (!canary && g->error > j->l->error_max)
		found(j, true, g->name, "error threshold %u, more than %u of a hundred may fail",
			(unsigned)g->error, (unsigned)j->l->error_max);
}

static void ask_success(struct judging *j, const struct hawkbit_group *g, bool canary)
{
	if (!g->has_success || g->success == 100 || (g->success == 50 && g->error == 50))
		return;
	if (canary)
		found(j, true, g->name,
			"success threshold %u: the next group starts while others of the canary are "
			"silent",
			(unsigned)g->success);
	else
		found(j, false, g->name,
			"success threshold %u: the next group starts before this one has ended; who "
			"is silent is no error",
			(unsigned)g->success);
}

static void ask_empty(struct judging *j, const struct hawkbit_group *g, bool canary, bool last)
{
	if (g->total == 0)
		found(j, !last || canary, g->name,
			canary ? "the canary is empty (rounded to nothing?): it is successful at "
				 "once and starts the next group"
			       : "an empty group is successful at once");
}

static void ask_canary(struct judging *j, const struct hawkbit_group *g)
{
	const struct hawkbit_rollout *r = j->r;

	if (r->n == 1 && g->total > 1) {
		found(j, true, g->name, "one group: all %" PRIu64 " targets at once, no canary",
			g->total);
		return;
	}
	if (r->n > 1 && g->then != HAWKBIT_THEN_PAUSE)
		found(j, true, g->name,
			"after it the next group starts by itself: its success "
			"action is not PAUSE");
	if (g->total > CANARY_SMALL && g->total * 100 > r->total * CANARY_PER_CENT)
		found(j, true, g->name,
			"%" PRIu64 " of %" PRIu64 " targets are no canary: at most %u %%", g->total,
			r->total, CANARY_PER_CENT);
}

/* A group that has ended goes on whatever came of it: only its error threshold stops it. */
static void ask_outcome(struct judging *j, const struct hawkbit_group *g, bool last)
{
	uint64_t good = g->finished * 100;

	if (!has_ended(g) || g->total == 0 || !g->has_success ||
		good >= (uint64_t)g->success * g->total)
		return;
	found(j, !last, g->name,
		"it has ended with %" PRIu64 " of %" PRIu64
		" successful, below its threshold of %u %%, and goes on all the same",
		g->finished, g->total, (unsigned)g->success);
}

static void ask_rollout(struct judging *j)
{
	const struct hawkbit_rollout *r = j->r;
	char time[32];

	if (r->n == 0 || r->total == 0)
		found(j, true, r->name, "no targets: nothing can be judged");
	if (r->dynamic)
		found(j, false, r->name, "dynamic: targets that appear later join the last groups");
	if (r->overdue > 0) {
		text_duration(j->l->deadline_s * 1000, time, sizeof(time));
		found(j, true, r->name,
			"%" PRIu64 " open action%s without a word for more than %s, such as %s: "
			"silence is a failure",
			r->overdue, r->overdue == 1 ? "" : "s", time,
			r->overdue_example[0] != '\0' ? r->overdue_example : "(unnamed)");
	}
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->groups[i].status, "error") == 0)
			found(j, false, r->groups[i].name,
				"stopped by its errors (%" PRIu64 "): resuming the rollout starts "
				"the next group and does not repeat this one",
				r->groups[i].failed);
}

size_t hawkbit_judge(const struct hawkbit_rollout *r, const struct hawkbit_limits *l,
	void (*fn)(void *ctx, const struct hawkbit_finding *f), void *ctx)
{
	struct judging j = {.r = r, .l = l, .fn = fn, .ctx = ctx};

	for (size_t i = 0; i < r->n; i++) {
		const struct hawkbit_group *g = &r->groups[i];
		bool last = i + 1 == r->n;

		ask_empty(&j, g, i == 0, last);
		if (i == 0)
			ask_canary(&j, g);
		ask_thresholds(&j, g, i == 0);
		ask_success(&j, g, i == 0);
		ask_outcome(&j, g, last);
	}
	ask_rollout(&j);
	return j.unsafe;
}
