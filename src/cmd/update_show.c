/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update_show.c - what update tells: decisions and reasons, what runs, how each device ended
 *
 * Cron mails what is printed: where nothing was to be done nothing is said.
 */
#include "update_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- decisions ---- */

static void describe_decision(struct out *o, const struct pass_device *d)
{
	char version[VERSION_TEXT_SIZE];

	out_str(o, "device", d->device->name);
	out_str(o, "decision", decision_name(d->decision));
	if (out_mode(o) == OUT_JSON) {
		out_str(o, "rollout", d->offer != NULL ? d->offer->rollout : NULL);
		out_bool(o, "canary", d->canary);
	}
	out_str(o, "version",
		d->offer != NULL && d->offer->has_release
			? version_format(d->offer->version, version)
			: NULL);
	out_strf(o, "reason", "%s%s", d->canary ? "canary: " : "", d->why);
}

static void on_decided(void *ctx, const struct pass_device *d)
{
	struct update_call *c = ctx;
	struct out *o = c->env->out;

	if (c->json) {
		describe_decision(o, d);
		out_event(o, "decision");
		return;
	}
	if (!c->dry_run && !c->verbose)
		return;
	if (!c->table)
		out_table(o, "decisions");
	c->table = true;
	out_object(o, NULL);
	describe_decision(o, d);
	out_end(o);
}

void update_end_decisions(struct update_call *c)
{
	if (c->table)
		out_end(c->env->out);
	c->table = false;
}

/* ---- while it runs ---- */

static struct many_device *row_of(struct update_call *c, const struct pass_device *d)
{
	for (size_t i = 0; i < c->n_rows; i++)
		if (c->rows[i].name == d->device->name)
			return &c->rows[i];
	return NULL;
}

static void on_began(void *ctx, const struct pass_device *d)
{
	struct update_call *c = ctx;
	struct many_device *row = row_of(c, d);
	struct out *o = c->env->out;

	if (row == NULL && c->n_rows < c->fleet.fleet.n)
		row = &c->rows[c->n_rows++];
	if (row != NULL)
		*row = (struct many_device){.name = d->device->name, .state = MANY_RUNS};
	if (!c->json)
		return;
	out_str(o, "device", d->device->name);
	out_str(o, "rollout", d->offer->rollout);
	out_bool(o, "canary", d->canary);
	out_event(o, "begin");
}

static const char *text_of(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s != NULL ? s : "";
}

static void pass_on(const json_t *line, const char *device)
{
	json_t *named = json_pack("{s:s, s:s}", "event", text_of(line, "event"), "device", device);

	/* Whose line it is comes first. */
	if (named != NULL && json_object_update_missing(named, (json_t *)(uintptr_t)line) == 0) {
		json_dumpf(named, stdout, JSON_COMPACT);
		fputc('\n', stdout);
	}
	json_decref(named);
	fflush(stdout);
}

static void on_said(void *ctx, const struct pass_device *d, const json_t *line)
{
	struct update_call *c = ctx;
	struct many_device *row = row_of(c, d);
	const char *event = text_of(line, "event");
	bool warning = strcmp(event, "warning") == 0 || strcmp(event, "retry") == 0;

	if (c->json) {
		pass_on(line, d->device->name);
		return;
	}
	if (row != NULL && (strcmp(event, "phase") == 0 || strcmp(event, "progress") == 0)) {
		snprintf(row->phase, sizeof(row->phase), "%s", text_of(line, "phase"));
		row->done = (uint64_t)json_integer_value(json_object_get(line, "done"));
		row->total = (uint64_t)json_integer_value(json_object_get(line, "total"));
	} else if (c->verbose && (warning || strcmp(event, "note") == 0)) {
		many_show_say(c->show, d->device->name, text_of(line, "text"));
	}
}

static void on_tick(void *ctx)
{
	struct update_call *c = ctx;

	many_show_draw(c->show, c->rows, c->n_rows, false);
}

/* ---- endings ---- */

static void keep_note(struct update_call *c, const char *text)
{
	char(*more)[300];

	for (size_t i = 0; i < c->n_notes; i++)
		if (strcmp(c->notes[i], text) == 0)
			return;
	more = realloc(c->notes, (c->n_notes + 1) * sizeof(*more));
	if (more == NULL)
		return;
	c->notes = more;
	snprintf(more[c->n_notes++], sizeof(*more), "%s", text);
}

static void keep_hint(struct update_call *c, const char *hint)
{
	char text[300];

	if (hint == NULL)
		return;
	snprintf(text, sizeof(text), "hint: %.240s", hint);
	keep_note(c, text);
}

static void on_ended(
	void *ctx, const struct pass_device *d, const struct fleet_ending *end, uint64_t ms)
{
	struct update_call *c = ctx;
	struct many_device *row = row_of(c, d);
	struct update_end *more = realloc(c->ends, (c->n_ends + 1) * sizeof(*more)), *it;
	struct out *o = c->env->out;

	if (row != NULL)
		row->state = fleet_outcome_is_failure(end->outcome) ? MANY_FAILED : MANY_OK;
	if (more == NULL)
		return;
	c->ends = more;
	it = &more[c->n_ends++];
	*it = (struct update_end){.device = d->device->name,
		.outcome = fleet_outcome_text(end->outcome),
		.seconds = (double)ms / 1000,
		.canary = d->canary};
	snprintf(it->text, sizeof(it->text), "%.200s%s", end->text != NULL ? end->text : "",
		d->canary && end->outcome == FLEET_REFUSED ? "; the next one is the canary" : "");
	keep_hint(c, d->hint);
	version_format(d->offer->version, it->version);
	if (c->json) {
		out_str(o, "device", it->device);
		out_str(o, "rollout", d->offer->rollout);
		out_str(o, "version", it->version);
		out_bool(o, "canary", it->canary);
		out_str(o, "outcome", it->outcome);
		out_bool(o, "failure", fleet_outcome_is_failure(end->outcome));
		out_bool(o, "confirmed", end->confirmed);
		out_str(o, "error",
			end->error != 0 ? err_code_name((enum err_code)end->error) : NULL);
		out_str(o, "text", it->text);
		out_str(o, "hint", d->hint);
		out_real(o, "seconds", it->seconds, 1);
		out_event(o, "device_result");
	} else if (fleet_outcome_is_failure(end->outcome) && c->show != NULL) {
		many_show_say(c->show, it->device, it->text);
	}
}

static void on_halted(void *ctx, const char *rollout, const char *why)
{
	struct update_call *c = ctx;
	struct out *o = c->env->out;

	char text[300];

	snprintf(text, sizeof(text),
		"%.64s is halted here: %.120s; --resume %.64s when it is clear why", rollout, why,
		rollout);
	keep_note(c, text);
	if (!c->json)
		return;
	out_str(o, "rollout", rollout);
	out_str(o, "reason", why);
	out_event(o, "halt");
}

static void on_trouble(void *ctx, const struct pass_device *d, const struct err *e)
{
	struct update_call *c = ctx;
	struct out *o = c->env->out;

	if (c->json) {
		out_str(o, "device", d->device->name);
		out_str(o, "error", err_code_name(e->code));
		out_str(o, "text", e->msg);
		out_event(o, "trouble");
	} else if (c->verbose) {
		many_show_say(c->show, d->device->name, e->msg);
	}
}

struct pass_listener update_listener(struct update_call *c)
{
	return (struct pass_listener){.ctx = c,
		.decided = on_decided,
		.began = on_began,
		.said = on_said,
		.ended = on_ended,
		.halted = on_halted,
		.trouble = on_trouble,
		.tick = on_tick};
}

/* ---- the result ---- */

static void show_ends(const struct update_call *c)
{
	struct out *o = c->env->out;

	out_table(o, "deliveries");
	for (size_t i = 0; i < c->n_ends; i++) {
		const struct update_end *it = &c->ends[i];

		out_object(o, NULL);
		out_str(o, "device", it->device);
		out_str(o, "version", it->version);
		out_str(o, "outcome", it->outcome);
		out_real(o, "seconds", it->seconds, 1);
		out_str(o, "text", it->text);
		out_end(o);
	}
	out_end(o);
}

void update_show_result(struct update_call *c, const struct pass_sums *s)
{
	struct out *o = c->env->out;
	bool all = c->json || c->verbose || c->dry_run;

	update_end_decisions(c);
	if (c->n_ends > 0 || c->json)
		show_ends(c);
	for (size_t i = 0; i < c->n_notes; i++)
		out_text(o, "%s", c->notes[i]);
	if (!all && c->n_ends == 0)
		return;
	out_uint(o, "devices", s->devices);
	if (all) {
		out_uint(o, "up_to_date", s->up_to_date);
		out_uint(o, "nothing_offered", s->nothing);
		out_uint(o, "waiting", s->waiting);
		out_uint(o, "halted", s->halted);
	}
	if (all || s->refused + s->turned_down > 0)
		out_uint(o, "refused", s->refused + s->turned_down);
	if (c->dry_run)
		return;
	out_uint(o, "delivered", s->ok);
	out_uint(o, "already_there", s->already);
	out_uint(o, "failed", s->failed + s->missed);
	out_uint(o, "interrupted", s->interrupted);
	out_uint(o, "not_begun", s->unserved);
}

void update_show_done(struct update_call *c)
{
	many_show_free(c->show);
	free(c->rows);
	free(c->ends);
	free(c->notes);
}
