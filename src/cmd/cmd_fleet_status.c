/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_fleet_status.c - stmota fleet status: each device and each rollout on one line
 */
#include "cmd_fleet.h"

#include <string.h>
#include <time.h>

#define ROLLOUTS_SHOWN 5 /* for people */

static const struct opt opts[] = {
	CMD_OPT_FLEET,
	OPT_END,
};

static void out_devices(struct out *o, const struct fleet_view *v)
{
	char version[VERSION_TEXT_SIZE];

	out_table(o, "devices");
	for (size_t i = 0; i < v->n_devices; i++) {
		const struct fleet_view_device *d = &v->devices[i];
		const struct fleet_known *k = &d->known;

		out_object(o, NULL);
		out_str(o, "device", k->name);
		out_str(o, "id", d->device != NULL ? d->device->id : NULL);
		out_str(o, "state", fleet_view_state_text(d->state));
		out_bool(o, "in_fleet", d->device != NULL);
		out_bool(o, "excused", d->device != NULL && d->device->excused);
		out_str(o, "version", k->has_version ? version_format(k->version, version) : NULL);
		out_uint(o, "counter", k->counter);
		out_uint(o, "highest_counter", k->highest_counter);
		out_str(o, "uid", k->uid[0] != '\0' ? k->uid : NULL);
		if (k->has_package)
			out_bytes(o, "package", k->package, SHA256_SIZE);
		if (k->has_healthy)
			out_bytes(o, "healthy_package", k->healthy, SHA256_SIZE);
		out_str(o, "last", k->tried > 0 ? fleet_outcome_text(k->last) : NULL);
		out_str(o, "text", k->text[0] != '\0' ? k->text : NULL);
		out_uint(o, "tries", d->tries);
		cmd_out_time(o, "seen", k->seen);
		cmd_out_time(o, "tried", k->tried);
		cmd_out_time(o, "retry_at", d->retry_at);
		out_end(o);
	}
	out_end(o);
}

static void out_rollouts(struct out *o, const struct fleet_view *v)
{
	char version[VERSION_TEXT_SIZE];

	out_table(o, "rollouts");
	for (size_t i = 0; i < v->n_rollouts; i++) {
		const struct fleet_view_rollout *r = &v->rollouts[i];
		const struct fleet_view_halt *h = r->n_halts > 0 ? &r->halts[r->n_halts - 1] : NULL;

		out_object(o, NULL);
		out_str(o, "rollout", r->id);
		out_str(o, "source", r->source);
		out_str(o, "version", version_format(r->version, version));
		out_uint(o, "ok", r->counts.ok);
		out_uint(o, "failed", r->counts.failed);
		out_uint(o, "open", r->counts.open);
		out_uint(o, "canaries", r->canaries);
		out_uint(o, "canaries_ok", r->counts.canaries_ok);
		out_bool(o, "halted", r->halted);
		out_str(o, "why", r->halted && h != NULL ? h->why : NULL);
		cmd_out_time(o, "first", r->first);
		cmd_out_time(o, "last", r->last);
		out_end(o);
	}
	out_end(o);
}

void cmd_out_fleet_view(struct out *o, const struct fleet_view *v)
{
	char key[32];

	out_str(o, "gateway", v->fleet->gateway);
	cmd_out_time(o, "time", v->now);
	out_object(o, "sum");
	out_uint(o, "devices", v->fleet->n);
	for (int i = 0; i < FLEET_VIEW_STATES; i++) {
		snprintf(key, sizeof(key), "%s", fleet_view_state_text((enum fleet_view_state)i));
		for (char *p = key; *p != '\0'; p++)
			*p = *p == ' ' ? '_' : *p;
		out_uint(o, key, v->states[i]);
	}
	out_uint(o, "attempts", v->n_attempts);
	out_uint(o, "reports_waiting", v->waiting);
	out_str(o, "disk", v->disk);
	out_end(o);
	out_devices(o, v);
	out_rollouts(o, v);
}

/* ---- for people ---- */

static const char *ago(const struct fleet_view *v, uint64_t t, char *ret, size_t size)
{
	char age[24];

	if (t == 0)
		return "never";
	text_age(v->now > t ? v->now - t : 0, age, sizeof(age));
	snprintf(ret, size, strcmp(age, "now") == 0 ? "%s" : "%s ago", age);
	return ret;
}

/* What a person wants to know of it: why it failed, when it is tried again. */
static const char *remark(
	const struct fleet_view *v, const struct fleet_view_device *d, char *ret, size_t size)
{
	bool well = d->state == FLEET_VIEW_OK || d->state == FLEET_VIEW_NEW ||
		    d->state == FLEET_VIEW_RUNNING || d->state == FLEET_VIEW_GONE;
	char age[24] = "", when[48] = "", not_ours[40] = "";

	if (d->retry_at > 0)
		snprintf(when, sizeof(when), "; again in %s",
			text_age(d->retry_at - v->now + 59, age, sizeof(age)));
	if (d->device == NULL)
		snprintf(not_ours, sizeof(not_ours), "not in the fleet file; ");
	else if (d->device->excused && d->state != FLEET_VIEW_EXCUSED)
		snprintf(not_ours, sizeof(not_ours), "excused; ");
	snprintf(ret, size, "%s%.120s%s", not_ours, well ? "" : d->known.text, when);
	if (ret[0] != '\0' && ret[strlen(ret) - 1] == ' ')
		ret[strlen(ret) - 2] = '\0';
	return ret;
}

static void show_devices(struct out *o, const struct fleet_view *v)
{
	char version[VERSION_TEXT_SIZE], seen[32], text[256];

	out_table(o, "devices");
	for (size_t i = 0; i < v->n_devices; i++) {
		const struct fleet_view_device *d = &v->devices[i];
		const struct fleet_known *k = &d->known;

		out_object(o, NULL);
		out_str(o, "device", k->name);
		out_str(o, "state", fleet_view_state_text(d->state));
		out_str(o, "version", k->has_version ? version_format(k->version, version) : "?");
		out_uint(o, "counter", k->counter);
		out_str(o, "last", k->tried > 0 ? fleet_outcome_text(k->last) : "-");
		out_str(o, "seen", ago(v, k->seen, seen, sizeof(seen)));
		if (d->tries > 0 && d->state != FLEET_VIEW_GONE)
			out_strf(o, "tries", "%u of %u", d->tries, v->fleet->attempts);
		else
			out_str(o, "tries", "-");
		out_str(o, "", remark(v, d, text, sizeof(text)));
		out_end(o);
	}
	out_end(o);
}

static void show_rollouts(struct out *o, const struct fleet_view *v)
{
	char version[VERSION_TEXT_SIZE], when[32];

	if (v->n_rollouts == 0)
		return;
	out_table(o, "rollouts");
	for (size_t i = 0; i < v->n_rollouts && i < ROLLOUTS_SHOWN; i++) {
		const struct fleet_view_rollout *r = &v->rollouts[i];

		out_object(o, NULL);
		out_str(o, "rollout", r->id);
		out_str(o, "version", version_format(r->version, version));
		out_uint(o, "ok", r->counts.ok);
		out_uint(o, "failed", r->counts.failed);
		out_uint(o, "open", r->counts.open);
		out_str(o, "last", ago(v, r->last, when, sizeof(when)));
		out_str(o, "", r->halted ? r->halts[r->n_halts - 1].why : "");
		out_end(o);
	}
	out_end(o);
	for (size_t i = 0; i < v->n_rollouts; i++)
		if (v->rollouts[i].matters)
			out_text(o,
				"%s is halted on this gateway; stmota update --resume %s when it is "
				"clear why",
				v->rollouts[i].id, v->rollouts[i].id);
	if (v->n_rollouts > ROLLOUTS_SHOWN)
		out_text(o, "%zu older rollouts: --json, fleet history",
			v->n_rollouts - ROLLOUTS_SHOWN);
}

static void show(struct out *o, const struct fleet_view *v)
{
	char line[256] = "";
	size_t len = 0;

	for (int i = 0; i < FLEET_VIEW_STATES; i++)
		if (v->states[i] > 0)
			len += (size_t)snprintf(line + len, sizeof(line) - len, "%s%u %s",
				len > 0 ? ", " : "", v->states[i],
				fleet_view_state_text((enum fleet_view_state)i));
	out_strf(o, "fleet", "%s: %zu device%s%s%s",
		v->fleet->gateway[0] != '\0' ? v->fleet->gateway : v->fleet->path, v->fleet->n,
		v->fleet->n == 1 ? "" : "s", len > 0 ? "; " : "", line);
	if (v->disk != NULL)
		out_strf(o, "disk", "%s: no device is updated until that is mended", v->disk);
	if (v->waiting > 0)
		out_strf(o, "reports", "%llu wait to be delivered", (unsigned long long)v->waiting);
	if (v->n_devices > 0)
		show_devices(o, v);
	show_rollouts(o, v);
	if (!v->has_state)
		out_text(o, "There was no pass yet: stmota update makes %s.", v->fleet->state);
}

static int run(struct command_env *env, struct err *e)
{
	struct cmd_fleet f = {0};
	struct fleet_db *db = NULL;
	struct fleet_view v = {0};
	int rc = cmd_fleet_look(env, &f, &db, e);

	if (rc < 0)
		return rc;
	rc = fleet_view_load(db, &f.fleet, (uint64_t)time(NULL), &v, e);
	if (rc == 0)
		(out_mode(env->out) == OUT_HUMAN ? show : cmd_out_fleet_view)(env->out, &v);
	fleet_view_done(&v);
	fleet_db_close(db);
	cmd_fleet_close(&f);
	return rc;
}

const struct command cmd_fleet_status = {
	.name = "fleet status",
	.args = "",
	.summary = "show what each device of a fleet runs, and how its rollouts go",
	.details =
		"Reads the fleet file and what passes have left in its database; asks no device and\n"
		"no server. Works while a pass runs, and where the disk is full or read-only.\n",
	.examples = "stmota fleet status --fleet street.conf\n"
		    "stmota fleet status --fleet street.conf --json\n",
	.group = COMMAND_FLEET,
	.opts = opts,
	.flags = CMD_JSON,
	.min_args = 0,
	.max_args = 0,
	.run = run,
};
