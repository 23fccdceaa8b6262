/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_publish.c - stmota publish: a channel made, changed, halted and looked at
 */
#include "cmd.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <stmota/bytes.h>
#include <stmota/fs.h>
#include <stmota/package.h>
#include <stmota/publish.h>
#include <stmota/strparse.h>

#define HEAD_DAYS 7u

static const struct opt opts[] = {
	OPT_FILE("channel", "DIR", "the tree of files; begun where it is empty"),
	OPT_STRING("name", "NAME", "of the channel in it (default main)"),
	CMD_OPT_KEYS,
	OPT_FILES("plan-key", "KEY.pem", "signs plan, head and halt instead of --key"),
	OPT_STRING("rollout", "ID", "the one to change (default: the newest)"),
	OPT_STRING("stage", "5%|PERMYRIAD", "so much of the devices may have it"),
	OPT_STRINGS("include", "DEVICE|none", "this one gets it whatever the stage is"),
	OPT_STRINGS("exclude", "DEVICE|none", "this one does not get it"),
	OPT_STRINGS("allow-downgrade", "DEVICE|none", "this one may go back to it"),
	OPT_STRING("min-version", "VERSION", "only over this version or a later one"),
	OPT_STRING("not-before", "TIME", "begin then, such as 2026-12-01T06:00:00Z"),
	OPT_STRING("deadline", "TIME", "a device that did not take it until then has failed"),
	OPT_U32("in-flight", "N", "most devices of one gateway at a time"),
	OPT_FLAG("halt", "start no more devices"),
	OPT_FLAG("resume", "take a halt back"),
	OPT_U32("head-days", "N", "until the channel must be signed afresh (default 7)"),
	OPT_STRINGS(
		"role", "ROLE=PUB.pem", "give a role other keys: root, release, plan, head, halt"),
	OPT_STRINGS("threshold", "ROLE=N", "so many of them must sign; with --role"),
	OPT_FLAG("status", "show what is there, and change nothing"),
	OPT_END,
};

struct call {
	struct command_env *env;
	struct publisher p;
	struct channel_rollout *rollout; /* that the options are about */
};

/* ---- what the options say ---- */

static int parse_stage(const char *text, uint32_t *ret, struct err *e)
{
	size_t len = strlen(text);
	char number[16];
	uint32_t whole = 0, part = 0;
	char *dot;
	int rc;

	if (len == 0 || len >= sizeof(number) || text[len - 1] != '%')
		return parse_u32_range(text, 0, CHANNEL_PERMYRIAD, ret, e);
	snprintf(number, sizeof(number), "%.*s", (int)len - 1, text);
	dot = strchr(number, '.');
	if (dot != NULL)
		*dot++ = '\0';
	rc = parse_u32_range(number, 0, 100, &whole, e);
	if (rc == 0 && dot != NULL)
		rc = strlen(dot) <= 2 ? parse_u32_range(dot, 0, 99, &part, e) : ERR_USAGE;
	if (dot != NULL && strlen(dot) == 1)
		part *= 10;
	if (rc < 0 || whole * 100 + part > CHANNEL_PERMYRIAD)
		return err_set(e, ERR_USAGE, "--stage %s: 0%% to 100%%, or 0 to 10000", text);
	*ret = whole * 100 + part;
	return 0;
}

static int set_ids(const struct call *c, const char *option, struct channel_ids *ids, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < opt_count(c->env->opts, option); i++)
		rc = publish_ids(ids, opt_str_at(c->env->opts, option, i), e);
	return rc;
}

static const char *const rollout_options[] = {"stage", "include", "exclude", "allow-downgrade",
	"min-version", "not-before", "deadline", "in-flight", "halt", "resume", "rollout"};

static bool changes_rollout(const struct opts *o)
{
	for (size_t i = 0; i < ARRAY_LEN(rollout_options); i++)
		if (opt_given(o, rollout_options[i]))
			return true;
	return false;
}

static int set_rollout(struct call *c, struct err *e)
{
	const struct opts *o = c->env->opts;
	struct channel_rollout *r = c->rollout;
	int rc = 0;

	if (opt_given(o, "stage"))
		rc = parse_stage(opt_str(o, "stage", ""), &r->stage, e);
	if (rc == 0)
		rc = set_ids(c, "include", &r->include, e);
	if (rc == 0)
		rc = set_ids(c, "exclude", &r->exclude, e);
	if (rc == 0)
		rc = set_ids(c, "allow-downgrade", &r->downgrade, e);
	if (rc == 0 && opt_given(o, "min-version")) {
		rc = version_parse(opt_str(o, "min-version", ""), &r->min_version, e);
		r->has_min_version = true;
	}
	if (rc == 0 && opt_given(o, "not-before"))
		rc = package_date_parse(opt_str(o, "not-before", ""), &r->not_before, e);
	if (rc == 0 && opt_given(o, "deadline"))
		rc = package_date_parse(opt_str(o, "deadline", ""), &r->deadline, e);
	r->in_flight = opt_u32(o, "in-flight", r->in_flight);
	if (rc == 0 && (opt_given(o, "halt") || opt_given(o, "resume")))
		rc = publish_halt(&c->p, r, opt_given(o, "halt"), e);
	c->p.plan_changed = true;
	return rc;
}

/* ---- roles ---- */

static int role_of(const char *text, enum trust_role *ret, const char **ret_value, struct err *e)
{
	const char *equals = strchr(text, '=');

	for (enum trust_role r = TRUST_RELEASE; equals != NULL && r <= TRUST_HALT; r++) {
		const char *name = trust_role_name(r);

		if (strlen(name) == (size_t)(equals - text) &&
			strncmp(name, text, strlen(name)) == 0) {
			*ret = r;
			*ret_value = equals + 1;
			return 0;
		}
	}
	err_set(e, ERR_USAGE, "'%.60s': ROLE=... is meant", text);
	return err_hint(e, "the roles are root, release, plan, head and halt");
}

static int threshold_of(const struct opts *o, enum trust_role role, uint32_t *ret, struct err *e)
{
	enum trust_role which;
	const char *value;
	int rc = 0;

	*ret = 1;
	for (size_t i = 0; rc == 0 && i < opt_count(o, "threshold"); i++) {
		rc = role_of(opt_str_at(o, "threshold", i), &which, &value, e);
		if (rc == 0 && which == role)
			rc = parse_u32_range(value, 1, PUBLISH_KEYS_MAX, ret, e);
	}
	return rc;
}

static int set_role(struct call *c, enum trust_role role, struct err *e)
{
	const struct opts *o = c->env->opts;
	struct key *keys[PUBLISH_KEYS_MAX] = {NULL};
	enum trust_role which;
	const char *value;
	uint32_t threshold;
	size_t n = 0;
	int rc = threshold_of(o, role, &threshold, e);

	for (size_t i = 0; rc == 0 && i < opt_count(o, "role"); i++) {
		rc = role_of(opt_str_at(o, "role", i), &which, &value, e);
		if (rc == 0 && which == role && n == PUBLISH_KEYS_MAX)
			rc = err_set(e, ERR_USAGE, "more than %d keys", PUBLISH_KEYS_MAX);
		if (rc == 0 && which == role)
			rc = key_load_public(value, &keys[n], e);
		n += rc == 0 && which == role;
	}
	if (rc == 0 && n > 0)
		rc = publish_role(&c->p, role, keys, n, threshold, e);
	for (size_t i = 0; i < n; i++)
		key_free(keys[i]);
	return rc;
}

static int set_roles(struct call *c, struct err *e)
{
	int rc = 0;

	for (enum trust_role r = TRUST_RELEASE; rc == 0 && r <= TRUST_HALT; r++)
		rc = set_role(c, r, e);
	return rc;
}

/* ---- packages ---- */

static int add_packages(struct call *c, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < opt_n_args(c->env->opts); i++) {
		const char *path = opt_arg(c->env->opts, i);
		cleanup_buf struct buf b = BUF_INIT;

		rc = cmd_read_input(c->env, path, FS_FILE_MAX, &b, e);
		if (rc == 0)
			rc = publish_add(&c->p, b.data, b.len, &c->rollout, e);
		if (rc < 0)
			err_wrap(e, "%s", path);
		else if (changes_rollout(c->env->opts))
			rc = set_rollout(c, e);
	}
	return rc;
}

/* ---- showing ---- */

static void show_rollout(struct out *o, const struct channel_rollout *r)
{
	char version[VERSION_TEXT_SIZE], stage[24], date[PACKAGE_DATE_TEXT];

	out_object(o, NULL);
	out_str(o, "id", r->id);
	out_str(o, "product", r->product);
	out_str(o, "version", version_format(r->version, version));
	out_uint(o, "counter", r->counter);
	if (out_mode(o) == OUT_JSON) {
		out_uint(o, "stage_permyriad", r->stage);
		out_bytes(o, "sha256", r->sha256, SHA256_SIZE);
	} else {
		snprintf(stage, sizeof(stage), "%u.%02u %%", r->stage / 100, r->stage % 100);
		out_str(o, "stage", stage);
	}
	out_uint(o, "include", r->include.n);
	out_uint(o, "exclude", r->exclude.n);
	out_uint(o, "deltas", r->n_deltas);
	out_str(o, "deadline", r->deadline > 0 ? package_date_format(r->deadline, date) : NULL);
	out_bool(o, "halted", r->halted);
	out_end(o);
}

static void show(struct out *o, const struct publisher *p)
{
	char date[PACKAGE_DATE_TEXT];

	out_str(o, "channel", p->name);
	out_uint(o, "root", p->root_changed ? p->keys.version : p->state.root_version);
	out_str(o, "root_expires", package_date_format(p->keys.expires, date));
	out_uint(o, "plan", p->current.version);
	out_table(o, "rollouts");
	for (size_t i = 0; i < p->current.n; i++)
		show_rollout(o, &p->current.rollouts[i]);
	out_end(o);
}

/* ---- the command ---- */

static int load_plan_keys(struct call *c, struct err *e)
{
	const struct opts *o = c->env->opts;
	struct key_unlock unlock = cmd_unlock(c->env);
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < opt_count(o, "plan-key"); i++) {
		if (c->p.plan.n == PUBLISH_KEYS_MAX)
			return err_set(e, ERR_USAGE, "more than %d keys", PUBLISH_KEYS_MAX);
		rc = key_load_private(
			opt_str_at(o, "plan-key", i), &unlock, &c->p.plan.v[c->p.plan.n], e);
		c->p.plan.n += rc == 0;
	}
	return rc;
}

static int change(struct call *c, struct err *e)
{
	const struct opts *o = c->env->opts;
	int rc = set_roles(c, e);

	if (rc == 0)
		rc = add_packages(c, e);
	if (rc == 0 && opt_n_args(o) == 0 && changes_rollout(o)) {
		rc = publish_find(&c->p, opt_str(o, "rollout", NULL), &c->rollout, e);
		if (rc == 0)
			rc = set_rollout(c, e);
	}
	return rc == 0 ? publish_write(&c->p, e) : rc;
}

static int check(const struct command_env *env, struct err *e)
{
	if (!opt_given(env->opts, "channel")) {
		err_set(e, ERR_USAGE, "which channel?");
		return err_hint(e, "stmota publish --channel DIR --key KEY.pem PACKAGE...");
	}
	if (!opt_given(env->opts, "status") && !opt_given(env->opts, "key") &&
		!opt_given(env->opts, "plan-key"))
		return err_set(
			e, ERR_USAGE, "a channel is changed with its keys: --key or --plan-key");
	if (opt_given(env->opts, "halt") && opt_given(env->opts, "resume"))
		return err_set(e, ERR_USAGE, "--halt or --resume");
	return 0;
}

static int run(struct command_env *env, struct err *e)
{
	struct cmd_keys keys = {0};
	struct call c = {.env = env,
		.p = {.dir = opt_str(env->opts, "channel", NULL),
			.name = opt_str(env->opts, "name", "main"),
			.now = (uint64_t)time(NULL),
			.head_days = opt_u32(env->opts, "head-days", HEAD_DAYS)}};
	bool status = opt_given(env->opts, "status");
	char root[4096];
	int rc = status ? 0 : cmd_keys_load(env, &keys, e);

	for (size_t i = 0; i < keys.n; i++)
		c.p.root.v[c.p.root.n++] = keys.v[i];
	if (rc == 0)
		rc = load_plan_keys(&c, e);
	snprintf(root, sizeof(root), "%s/root/1.root", c.p.dir);
	if (rc == 0 && status && !fs_exists(root))
		rc = err_set(e, ERR_USAGE, "%s holds no channel", c.p.dir);
	if (rc == 0)
		rc = publish_open(&c.p, e);
	if (rc == 0 && !status)
		rc = change(&c, e);
	if (rc == 0)
		show(env->out, &c.p);
	publish_done(&c.p);
	for (size_t i = 0; i < c.p.plan.n; i++)
		key_free(c.p.plan.v[i]);
	cmd_keys_done(&keys);
	return rc;
}

const struct command cmd_publish = {
	.name = "publish",
	.args = "[PACKAGE...]",
	.needs = "--channel DIR",
	.summary = "make a signed channel of static files, and stage its releases",
	.details =
		"A new release is at stage 0: nobody but --include gets it until --stage is raised. It\n"
		"is raised by the same command without PACKAGE. Lowering it rolls nobody back. Deltas\n"
		"are added to the release that they make, and every gateway takes what fits.\n"
		"\n"
		"Every run signs a fresh head; without one for --head-days, gateways start nothing\n"
		"new: let cron call it. Any HTTP server can serve DIR; copy packages, root, plan and\n"
		"halt first, and the head last.\n",
	.examples = "stmota publish --channel www --key release.pem --plan-key plan.pem lamp.sota\n"
		    "stmota publish --channel www --plan-key plan.pem --stage 5%\n"
		    "stmota publish --channel www --plan-key plan.pem --halt\n"
		    "stmota publish --channel www --status\n",
	.group = COMMAND_FLEET,
	.opts = opts,
	.flags = CMD_JSON,
	.min_args = 0,
	.max_args = -1,
	.check = check,
	.run = run,
};
