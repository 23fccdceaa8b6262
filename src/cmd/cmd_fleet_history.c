/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_fleet_history.c - stmota fleet history: each attempt, newest first
 */
#include "cmd_fleet.h"

#include <string.h>
#include <time.h>

#include <jansson.h>

#include <stmota/strparse.h>

static const struct opt opts[] = {
	CMD_OPT_FLEET,
	OPT_STRING("device", "NAME", "only of this one"),
	OPT_STRING("since", "TIME", "of the last 7d, 12h, 30m (default: all)"),
	OPT_U32("limit", "N", "at most so many lines"),
	OPT_END,
};

#define TEXT_MAX 140 /* characters of a line for people */

struct history {
	struct out *out;
	uint32_t left;
	bool lines;
};

static void out_value(struct out *o, const char *key, json_t *j)
{
	const char *name;
	size_t i;
	json_t *v;

	switch (json_typeof(j)) {
	case JSON_OBJECT:
		out_object(o, key);
		json_object_foreach(j, name, v) out_value(o, name, v);
		out_end(o);
		return;
	case JSON_ARRAY:
		out_list(o, key);
		json_array_foreach(j, i, v) out_value(o, NULL, v);
		out_end(o);
		return;
	case JSON_STRING: out_str(o, key, json_string_value(j)); return;
	case JSON_INTEGER: out_uint(o, key, (uint64_t)json_integer_value(j)); return;
	case JSON_REAL: out_real(o, key, json_real_value(j), 3); return;
	case JSON_TRUE:
	case JSON_FALSE: out_bool(o, key, json_is_true(j)); return;
	default: out_str(o, key, NULL); return;
	}
}

/* An object as it was stored; a text where it is none. */
static void out_evidence(struct out *o, const char *evidence)
{
	json_t *j = evidence != NULL ? json_loads(evidence, JSON_REJECT_DUPLICATES, NULL) : NULL;

	if (j != NULL)
		out_value(o, "evidence", j);
	else
		out_str(o, "evidence", evidence);
	json_decref(j);
}

void cmd_out_attempt(struct out *o, const struct fleet_attempt *a)
{
	char version[VERSION_TEXT_SIZE], from[VERSION_TEXT_SIZE];

	out_uint(o, "attempt", (uint64_t)a->id);
	out_str(o, "device", a->device);
	out_str(o, "rollout", a->rollout);
	out_str(o, "source", a->source);
	out_bytes(o, "package", a->package, SHA256_SIZE);
	out_str(o, "version", version_format(a->version, version));
	out_str(o, "from", a->has_from ? version_format(a->from, from) : NULL);
	out_uint(o, "counter", a->counter);
	out_bool(o, "delta", a->delta);
	out_bool(o, "canary", a->canary);
	cmd_out_time(o, "started", a->started);
	cmd_out_time(o, "ended", a->ended);
	out_str(o, "outcome", fleet_outcome_text(a->outcome));
	out_bool(o, "failure", fleet_outcome_is_failure(a->outcome));
	out_bool(o, "confirmed", a->confirmed);
	if (a->has_image)
		out_bytes(o, "image", a->image, SHA256_SIZE);
	out_str(o, "error", a->error != 0 ? err_code_name((enum err_code)a->error) : NULL);
	out_str(o, "text", a->text[0] != '\0' ? a->text : NULL);
	out_evidence(o, a->evidence);
	out_str(o, "transcript", a->transcript);
}

/* Local time: it is read beside a clock and a log. */
static const char *local_time(uint64_t unix_time, char ret[24])
{
	time_t t = (time_t)unix_time;
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL || strftime(ret, 24, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		snprintf(ret, 24, "?");
	return ret;
}

/* Times are whole seconds here. */
static void took_text(uint64_t seconds, char *ret, size_t size)
{
	if (seconds >= 60)
		text_duration(1000 * seconds, ret, size);
	else
		snprintf(ret, size, seconds > 0 ? "%u s" : "<%u s",
			seconds > 0 ? (unsigned)seconds : 1);
}

static void show(struct out *o, const struct fleet_attempt *a)
{
	char version[VERSION_TEXT_SIZE], from[VERSION_TEXT_SIZE], when[24], took[32] = "-";

	if (a->ended > 0)
		took_text(a->ended > a->started ? a->ended - a->started : 0, took, sizeof(took));
	out_object(o, NULL);
	out_str(o, "started", local_time(a->started, when));
	out_str(o, "took", took);
	out_str(o, "device", a->device);
	out_str(o, "rollout", a->rollout);
	out_strf(o, "version", "%s%s%s%s%s", a->has_from ? version_format(a->from, from) : "",
		a->has_from ? " > " : "", version_format(a->version, version),
		a->delta ? " delta" : "", a->canary ? " canary" : "");
	out_str(o, "outcome", fleet_outcome_text(a->outcome));
	out_strf(o, "", "%.*s%s", TEXT_MAX, a->text, strlen(a->text) > TEXT_MAX ? " ..." : "");
	out_end(o);
}

static int each(void *ctx, const struct fleet_attempt *a, struct err *e)
{
	struct history *h = ctx;

	(void)e;
	if (h->left == 0)
		return 1;
	h->left--;
	if (h->lines) {
		cmd_out_attempt(h->out, a);
		out_event(h->out, "attempt");
	} else {
		show(h->out, a);
	}
	return 0;
}

static int run(struct command_env *env, struct err *e)
{
	const char *device = opt_str(env->opts, "device", NULL);
	const char *since = opt_str(env->opts, "since", NULL);
	struct history h = {.out = env->out,
		.left = opt_u32(env->opts, "limit", UINT32_MAX),
		.lines = out_mode(env->out) == OUT_JSON};
	uint32_t limit = h.left;
	struct cmd_fleet f = {0};
	struct fleet_db *db = NULL;
	uint64_t seconds = 0, now = (uint64_t)time(NULL);
	int rc = since != NULL ? parse_duration(since, &seconds, e) : 0;

	if (rc < 0)
		return err_wrap(e, "--since");
	rc = cmd_fleet_look(env, &f, &db, e);
	if (rc < 0)
		return rc;
	if (device != NULL && fleet_find(&f.fleet, device) != NULL)
		device = fleet_find(&f.fleet, device)->name;
	if (!h.lines)
		out_table(env->out, "attempts");
	if (db != NULL)
		rc = fleet_db_each_attempt(db, device,
			since != NULL && seconds < now ? now - seconds : 0, each, &h, e);
	if (!h.lines)
		out_end(env->out);
	if (rc >= 0 && h.left == limit)
		out_text(env->out, "Nothing was attempted%s%s%s.", device != NULL ? " on " : "",
			device != NULL ? device : "", since != NULL ? " in this time" : "");
	if (rc >= 0 && h.lines)
		out_uint(env->out, "attempts", limit - h.left);
	fleet_db_close(db);
	cmd_fleet_close(&f);
	return rc < 0 ? rc : 0;
}

const struct command cmd_fleet_history = {
	.name = "fleet history",
	.args = "",
	.summary = "list what was attempted on the devices of a fleet, newest first",
	.details =
		"An attempt is written down before its device is touched, and never taken away.\n"
		"With --json a line for each, with its evidence, and a last one with their number.\n",
	.examples = "stmota fleet history --fleet street.conf --since 7d\n"
		    "stmota fleet history --fleet street.conf --device lamp-3 --json\n",
	.group = COMMAND_FLEET,
	.opts = opts,
	.flags = CMD_JSON | CMD_EVENTS,
	.min_args = 0,
	.max_args = 0,
	.run = run,
};
