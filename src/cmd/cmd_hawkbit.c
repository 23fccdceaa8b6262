/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_hawkbit.c - stmota hawkbit audit: is a rollout of a hawkBit server one that stops itself?
 */
#include "cmd.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>

#include <stmota/clock.h>
#include <stmota/fetch.h>
#include <stmota/hawkbit_audit.h>
#include <stmota/log.h>
#include <stmota/signals.h>
#include <stmota/strparse.h>

#define EVERY_S   60u
#define EVERY_MAX 86400u
#define LOST_MAX  5u /* looks in a row that failed */

static const struct opt opts[] = {
	OPT_STRING("url", "URL", "the hawkBit server"),
	OPT_STRING("user", "NAME", "who asks; with --password-file"),
	OPT_FILE("password-file", "FILE", "its first line is the password of --user"),
	OPT_FILE("token-file", "FILE", "its first line is a bearer token, instead of --user"),
	OPT_U32("error-max", "PERCENT",
		"highest error threshold after the first group (default 10)"),
	OPT_STRING("deadline", "TIME", "an open action may be silent for so long (default 1d)"),
	OPT_FLAG("watch", "look again until it has ended, and pause it when it is not safe"),
	OPT_STRING("every", "TIME", "with --watch: how often (default 60s)"),
	OPT_END,
};

struct audit {
	struct command_env *env;
	struct hawkbit_manager manager;
	struct hawkbit_limits limits;
	struct hawkbit_rollout rollout;
	struct hawkbit_finding first; /* unsafe one */
	size_t unsafe;
	char said[200]; /* what people were told last */
};

/* ---- settings ---- */

static int check(const struct command_env *env, struct err *e)
{
	const struct opts *o = env->opts;
	bool user = opt_given(o, "user"), password = opt_given(o, "password-file");

	if (!opt_given(o, "url")) {
		err_set(e, ERR_USAGE, "which server?");
		return err_hint(e, "stmota hawkbit audit ROLLOUT --url https://HOST");
	}
	if (user != password || user == opt_given(o, "token-file"))
		return err_set(e, ERR_USAGE,
			"the server wants to know who asks: --user and --password-file, or "
			"--token-file");
	if (opt_given(o, "every") && !opt_given(o, "watch"))
		return err_set(e, ERR_USAGE, "--every goes with --watch");
	if (opt_u32(o, "error-max", 0) > 100)
		return err_set(e, ERR_USAGE, "--error-max: 0 to 100 per cent");
	return 0;
}

static int load_time(const struct command_env *env, const char *name, uint64_t max,
	uint64_t fallback, uint64_t *ret, struct err *e)
{
	uint64_t s = fallback;
	int rc = opt_given(env->opts, name) ? parse_duration(opt_str(env->opts, name, ""), &s, e)
					    : 0;

	if (rc < 0)
		return err_wrap(e, "--%s", name);
	if (s == 0 || s > max)
		return err_set(e, ERR_USAGE, "--%s: 1 s to %" PRIu64 " d", name, max / 86400);
	*ret = s;
	return 0;
}

static int open_manager(struct audit *a, struct err *e)
{
	const struct opts *o = a->env->opts;
	char secret[HAWKBIT_TOKEN_MAX + 1] = "";
	struct fetch_settings fetch;
	int rc = cmd_fetch_settings(a->env, &fetch, e);

	if (rc == 0)
		rc = hawkbit_token_read(
			opt_str(o, "password-file", opt_str(o, "token-file", "")), secret, e);
	if (rc == 0)
		rc = hawkbit_manager_init(&a->manager, &fetch, opt_str(o, "url", ""),
			opt_str(o, "user", NULL), secret, e);
	OPENSSL_cleanse(secret, sizeof(secret));
	return rc;
}

/* ---- one look ---- */

static void note_first(void *ctx, const struct hawkbit_finding *f)
{
	struct audit *a = ctx;

	if (f->unsafe && a->first.what[0] == '\0')
		a->first = *f;
}

static int look(struct audit *a, struct err *e)
{
	int rc;

	hawkbit_rollout_done(&a->rollout);
	rc = hawkbit_rollout_read(&a->manager, opt_arg(a->env->opts, 0), (uint64_t)time(NULL),
		&a->limits, &a->rollout, e);
	if (rc < 0)
		return rc;
	a->first = (struct hawkbit_finding){0};
	a->unsafe = hawkbit_judge(&a->rollout, &a->limits, note_first, a);
	return 0;
}

static void out_percent(struct out *o, const char *key, bool known, uint32_t percent)
{
	if (known)
		out_uint(o, key, percent);
	else
		out_str(o, key, NULL);
}

static void out_groups(struct out *o, const struct hawkbit_rollout *r)
{
	static const char *const thens[] = {[HAWKBIT_THEN_NEXT] = "next group",
		[HAWKBIT_THEN_PAUSE] = "pause",
		[HAWKBIT_THEN_OTHER] = "other"};

	out_table(o, "groups");
	for (size_t i = 0; i < r->n; i++) {
		const struct hawkbit_group *g = &r->groups[i];

		out_object(o, NULL);
		out_str(o, "name", g->name);
		out_str(o, "status", g->status);
		out_uint(o, "targets", g->total);
		out_percent(o, "success_from", g->has_success, g->success);
		out_str(o, "then", thens[g->then]);
		out_percent(o, "error_above", g->has_error, g->error);
		out_uint(o, "done", g->finished);
		out_uint(o, "failed", g->failed);
		out_uint(o, "open", g->open);
		out_end(o);
	}
	out_end(o);
}

static void out_finding(void *ctx, const struct hawkbit_finding *f)
{
	struct out *o = ctx;

	out_object(o, NULL);
	out_str(o, "result", f->unsafe ? "unsafe" : "note");
	out_str(o, "where", f->where);
	out_str(o, "what", f->what);
	out_end(o);
}

static void ignore_finding(void *ctx, const struct hawkbit_finding *f)
{
	size_t *n = ctx;

	(void)f;
	++*n;
}

static void describe(struct audit *a)
{
	struct out *o = a->env->out;
	const struct hawkbit_rollout *r = &a->rollout;
	size_t n = 0;

	out_str(o, "rollout", r->name);
	out_str(o, "id", r->id);
	out_str(o, "status", r->status);
	out_uint(o, "targets", r->total);
	out_bool(o, "safe", a->unsafe == 0);
	out_groups(o, r);
	hawkbit_judge(r, &a->limits, ignore_finding, &n);
	if (n == 0 && out_mode(o) != OUT_JSON)
		return;
	out_table(o, "findings");
	hawkbit_judge(r, &a->limits, out_finding, o);
	out_end(o);
}

static int not_safe(const struct audit *a, const char *done, struct err *e)
{
	err_set(e, ERR_FAILED, "rollout %s is not safe%s: %s: %s", a->rollout.name, done,
		a->first.where, a->first.what);
	if (a->unsafe > 1)
		err_hint(e, "and %zu more; conditions of a rollout cannot be changed: make it anew",
			a->unsafe - 1);
	return e->code;
}

/* ---- watching ---- */

static bool is_status(const struct audit *a, const char *status)
{
	return strcmp(a->rollout.status, status) == 0;
}

static bool is_over(const struct audit *a)
{
	return is_status(a, "finished") || is_status(a, "stopped") || is_status(a, "deleting");
}

/* Told when it has changed. */
static void tell(struct audit *a)
{
	char text[sizeof(a->said)] = "";
	size_t n = 0;

	n += (size_t)snprintf(text, sizeof(text), "%s", a->rollout.status);
	for (size_t i = 0; i < a->rollout.n && n < sizeof(text); i++) {
		const struct hawkbit_group *g = &a->rollout.groups[i];

		if (g->finished + g->failed + g->open > 0)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
				"; %.30s: %" PRIu64 " of %" PRIu64 ", %" PRIu64 " failed", g->name,
				g->finished, g->total, g->failed);
	}
	if (strcmp(text, a->said) == 0)
		return;
	snprintf(a->said, sizeof(a->said), "%s", text);
	event_emit(a->env->events, &(struct event){.type = EVENT_NOTE, .text = text});
	if (out_mode(a->env->out) == OUT_JSON) {
		describe(a);
		out_event(a->env->out, "look");
	}
}

/* One that waits to be started is not touched: nobody has been hurt yet. */
static int stop_it(struct audit *a, struct err *e)
{
	int rc;

	if (!is_status(a, "running") && !is_status(a, "starting"))
		return not_safe(a, "", e);
	rc = hawkbit_rollout_pause(&a->manager, a->rollout.id, e);
	if (rc < 0)
		return err_wrap(e, "rollout %s is not safe (%s: %s) and cannot be paused",
			a->rollout.name, a->first.where, a->first.what);
	return not_safe(a, " and was paused", e);
}

static int wait_s(uint64_t s, struct err *e)
{
	for (uint64_t ms = s * 1000; ms > 0; ms -= ms < 200 ? ms : 200) {
		if (signals_check(e) < 0)
			return ERR_INTERRUPTED;
		clock_sleep_ms(&clock_monotonic, ms < 200 ? (uint32_t)ms : 200);
	}
	return 0;
}

static int watch(struct audit *a, uint64_t every_s, struct err *e)
{
	unsigned lost = 0;

	for (;;) {
		int rc = look(a, e);

		if (rc == ERR_NETWORK && ++lost < LOST_MAX) {
			event_emit(a->env->events,
				&(struct event){.type = EVENT_WARNING, .text = e->msg});
			err_clear(e);
		} else if (rc < 0) {
			return rc;
		} else {
			lost = 0;
			tell(a);
			if (a->unsafe > 0)
				return stop_it(a, e);
			if (is_over(a))
				return 0;
		}
		if (wait_s(every_s, e) < 0)
			return ERR_INTERRUPTED;
	}
}

static int run(struct command_env *env, struct err *e)
{
	struct audit a = {.env = env, .limits = HAWKBIT_LIMITS_INIT};
	uint64_t every_s = EVERY_S;
	int rc = load_time(env, "deadline", UINT64_C(365) * 86400, a.limits.deadline_s,
		&a.limits.deadline_s, e);

	a.limits.error_max = opt_u32(env->opts, "error-max", a.limits.error_max);
	if (rc == 0)
		rc = load_time(env, "every", EVERY_MAX, every_s, &every_s, e);
	if (rc == 0)
		rc = open_manager(&a, e);
	if (rc == 0)
		rc = opt_given(env->opts, "watch") ? watch(&a, every_s, e) : look(&a, e);
	/* What was seen is told, also where it is the reason to fail. */
	if (a.rollout.id[0] != '\0' && (rc == 0 || rc == ERR_FAILED))
		describe(&a);
	if (rc == 0 && a.unsafe > 0)
		rc = not_safe(&a, "", e);
	hawkbit_rollout_done(&a.rollout);
	hawkbit_manager_done(&a.manager);
	return rc;
}

const struct command cmd_hawkbit_audit = {
	.name = "hawkbit audit",
	.args = "ROLLOUT",
	.needs = "--url URL",
	.summary = "judge whether a rollout of a hawkBit server stops itself",
	.details =
		"Reads a rollout, its groups and its open actions, and refuses what lets a mistake\n"
		"run through the fleet: no canary, one that is empty, one that goes on by itself, the\n"
		"server's limits of 50 and 50 per cent, devices that are silent. To be run before a\n"
		"rollout is started; with --watch also while it runs: then it is paused.\n"
		"\n"
		"ROLLOUT is an id or a name.\n",
	.examples = "stmota hawkbit audit lamp-1.5.0 --url https://ota.example.com --user admin "
		    "--password-file pw\n"
		    "stmota hawkbit audit 17 --url https://ota.example.com --token-file t --watch "
		    "--deadline 2h\n",
	.group = COMMAND_FLEET,
	.opts = opts,
	.flags = CMD_JSON,
	.min_args = 1,
	.max_args = 1,
	.check = check,
	.run = run,
};
