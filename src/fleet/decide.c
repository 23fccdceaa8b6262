/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decide.c - one device, one offer: now, later, or not at all
 */
#include <stmota/decide.h>

#include <stdio.h>
#include <string.h>

#include <stmota/bytes.h>

#define DAY_S UINT64_C(86400)

const char *decision_name(enum decision d)
{
	static const char *const names[] = {
		[DECIDE_NOTHING] = "nothing",
		[DECIDE_UP_TO_DATE] = "up to date",
		[DECIDE_DELIVER] = "deliver",
		[DECIDE_WAIT] = "waits",
		[DECIDE_HALTED] = "halted",
		[DECIDE_REFUSED] = "refused",
	};

	return names[d];
}

/* ---- texts ---- */

/* "14:30", "tomorrow 02:10": local, from the local minute of now. */
static const char *clock_text(const struct decide_facts *f, uint64_t at, char ret[32])
{
	uint64_t minute = f->minute + (at - f->now + 59) / 60;
	const char *day = minute >= 2 * 1440 ? "in two days " : minute >= 1440 ? "tomorrow " : "";

	minute %= 1440;
	snprintf(ret, 32, "%s%02u:%02u", day, (unsigned)(minute / 60), (unsigned)(minute % 60));
	return ret;
}

static int say(enum decision d, char *ret_why, const char *text)
{
	snprintf(ret_why, DECIDE_WHY_SIZE, "%s", text);
	return (int)d;
}

/* ---- each question: a decision, or -1 for "no objection" ---- */

static int ask_source(const struct decide_facts *f, char *why)
{
	if (f->wish == UPDATE_OFFER)
		return -1;
	return say(f->wish == UPDATE_WITHDRAWN ? DECIDE_HALTED : DECIDE_NOTHING, why,
		f->why != NULL && f->why[0] != '\0' ? f->why : "nothing is offered");
}

/* Only what was proven counts: an attempt that broke may have left anything. */
static bool is_proven(const struct fleet_known *k)
{
	return k->last == FLEET_OK || k->last == FLEET_ALREADY || k->last == FLEET_ROLLED_BACK ||
	       k->tried == 0;
}

static int ask_up_to_date(const struct decide_facts *f, char *why)
{
	const struct fleet_known *k = f->known;
	const struct update_offer *o = f->offer;
	char version[VERSION_TEXT_SIZE];
	bool same;

	if (o->prove || !is_proven(k))
		return -1;
	if (k->has_package)
		same = memcmp(k->package, o->package, SHA256_SIZE) == 0;
	else
		same = k->has_version && o->has_release &&
		       imf_version_compare(k->version, o->version) == 0 && k->counter == o->counter;
	if (!same)
		return -1;
	snprintf(why, DECIDE_WHY_SIZE, "up to date%s%s%s%s", k->has_version ? ": " : "",
		k->has_version ? version_format(k->version, version) : "",
		o->newer[0] != '\0' ? "; " : "", o->newer);
	return DECIDE_UP_TO_DATE;
}

static int ask_counter(const struct decide_facts *f, char *why)
{
	const struct update_offer *o = f->offer;

	if (!o->has_release || o->may_go_back || o->counter >= f->known->highest_counter)
		return -1;
	snprintf(why, DECIDE_WHY_SIZE, "release counter %u is below %u that ran here",
		(unsigned)o->counter, (unsigned)f->known->highest_counter);
	return DECIDE_REFUSED;
}

static int ask_version(const struct decide_facts *f, char *why)
{
	const struct update_offer *o = f->offer;
	const struct fleet_known *k = f->known;
	char a[VERSION_TEXT_SIZE], b[VERSION_TEXT_SIZE];

	if (!k->has_version)
		return -1;
	if (o->has_min_version && imf_version_compare(k->version, o->min_version) < 0) {
		snprintf(why, DECIDE_WHY_SIZE, "stepping stone: needs %s first, runs %s",
			version_format(o->min_version, a), version_format(k->version, b));
		return DECIDE_REFUSED;
	}
	if (!o->has_release || o->may_go_back || imf_version_compare(o->version, k->version) >= 0)
		return -1;
	snprintf(why, DECIDE_WHY_SIZE, "lower version, not allowed by the plan: %s, runs %s",
		version_format(o->version, a), version_format(k->version, b));
	return DECIDE_REFUSED;
}

static int ask_halt(const struct decide_facts *f, char *why)
{
	if (f->halted == NULL)
		return -1;
	snprintf(why, DECIDE_WHY_SIZE, "halted here: %.180s", f->halted);
	return DECIDE_HALTED;
}

static int ask_window(const struct decide_facts *f, char *why)
{
	const struct fleet *fl = f->fleet;

	if (f->at_once || fleet_in_window(fl, f->minute))
		return -1;
	snprintf(why, DECIDE_WHY_SIZE, "outside the window %02u:%02u-%02u:%02u",
		fl->window_from / 60u, fl->window_from % 60u, fl->window_to / 60u,
		fl->window_to % 60u);
	return DECIDE_WAIT;
}

uint64_t decide_retry_at(const struct fleet *f, const struct fleet_tries *t)
{
	uint64_t wait = f->retry_s > 0 ? f->retry_s : 1;

	if (t->n == 0 || t->last_outcome == FLEET_OK || t->last_outcome == FLEET_ALREADY)
		return 0;
	if (t->n >= f->attempts)
		return t->last + DAY_S;
	/* The host was stopped: that says nothing about device or package. */
	if (t->last_outcome == FLEET_INTERRUPTED || t->last_outcome == FLEET_OPEN)
		return 0;
	for (uint32_t i = 1; i < t->n && wait < DAY_S; i++)
		wait *= 2;
	return t->last + (wait < DAY_S ? wait : DAY_S);
}

static int ask_budget(const struct decide_facts *f, char *why)
{
	uint64_t at = decide_retry_at(f->fleet, &f->tries);
	char when[32];

	/* A clock that was set back must not lock a device out. */
	if (f->at_once || at <= f->now || f->tries.last > f->now)
		return -1;
	snprintf(why, DECIDE_WHY_SIZE, "%s until %s after %u attempt%s (%s)",
		f->tries.n >= f->fleet->attempts ? "set aside" : "waits", clock_text(f, at, when),
		(unsigned)f->tries.n, f->tries.n == 1 ? "" : "s",
		fleet_outcome_text(f->tries.last_outcome));
	return DECIDE_WAIT;
}

static int ask_metered(const struct decide_facts *f, char *why)
{
	const struct update_offer *o = f->offer;

	if (!f->fleet->metered || f->cached || o->has_delta || o->length <= f->fleet->metered_max)
		return -1;
	snprintf(why, DECIDE_WHY_SIZE, "metered link: a package of %llu bytes, at most %llu",
		(unsigned long long)o->length, (unsigned long long)f->fleet->metered_max);
	return DECIDE_WAIT;
}

static int say_deliver(const struct decide_facts *f, char *why)
{
	const struct update_offer *o = f->offer;
	char a[VERSION_TEXT_SIZE], b[VERSION_TEXT_SIZE];

	if (!o->has_release && o->why[0] != '\0')
		snprintf(why, DECIDE_WHY_SIZE, "%s", o->why);
	else if (!o->has_release)
		snprintf(why, DECIDE_WHY_SIZE, "its package says which version: looked at before");
	else if (!f->known->has_version)
		snprintf(why, DECIDE_WHY_SIZE, "%s; no version known: asked at delivery",
			version_format(o->version, a));
	else
		snprintf(why, DECIDE_WHY_SIZE, "%s to %s%s", version_format(f->known->version, a),
			version_format(o->version, b), o->has_delta ? ", as a delta" : "");
	return DECIDE_DELIVER;
}

enum decision decide_device(const struct decide_facts *f, char ret_why[DECIDE_WHY_SIZE])
{
	/* What can never be comes before what will pass by itself. */
	static int (*const questions[])(const struct decide_facts *, char *) = {ask_source,
		ask_up_to_date, ask_counter, ask_version, ask_halt, ask_budget, ask_window,
		ask_metered, say_deliver};
	int d = -1;

	for (size_t i = 0; d < 0 && i < ARRAY_LEN(questions); i++)
		d = questions[i](f, ret_why);
	return (enum decision)d;
}
