/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_hawkbit_confirm.c - stmota hawkbit confirm: somebody's consent to actions that wait for it
 */
#include "cmd.h"

#include <string.h>

#include <stmota/fetch.h>
#include <stmota/fleet_hawkbit.h>

static const struct opt opts[] = {
	CMD_OPT_FLEET,
	OPT_FLAG("deny", "say no: the action keeps waiting"),
	OPT_STRING("text", "TEXT", "why, for the server"),
	{.name = "dry-run",
		.letter = 'n',
		.type = OPT_TYPE_FLAG,
		.text = "tell what waits, answer nothing"},
	OPT_END,
};

static int answer(const struct command_env *env, struct hawkbit *h, const char *action,
	bool *ret_gone, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT;
	int rc = hawkbit_confirmation_text(!opt_given(env->opts, "deny"),
		opt_str(env->opts, "text", "by stmota hawkbit confirm"), &text, e);

	return rc == 0 ? hawkbit_post(
				 h, HAWKBIT_CONFIRMATION, action, text.data, text.len, ret_gone, e)
		       : rc;
}

static const char *result_of(const struct command_env *env, bool gone)
{
	if (opt_given(env->opts, "dry-run"))
		return "waits";
	return gone ? "was taken back" : opt_given(env->opts, "deny") ? "denied" : "confirmed";
}

static void show(struct out *o, const struct fleet_device *d, const char *action,
	const char *result, const struct hawkbit_deployment *what)
{
	const struct hawkbit_artifact *a = NULL;
	const struct hawkbit_chunk *c = NULL;

	if (hawkbit_package(what, &a, &c, NULL) < 0)
		a = NULL;
	out_object(o, NULL);
	out_str(o, "device", d->name);
	out_str(o, "action", action);
	out_str(o, "result", result);
	out_str(o, "module", a != NULL ? c->name : NULL);
	out_str(o, "version", a != NULL ? c->version : NULL);
	out_str(o, "file", a != NULL ? a->filename : NULL);
	out_end(o);
}

static int one(const struct cmd_fleet *f, const struct fetch_settings *fetch,
	const struct fleet_device *d, struct hawkbit *h, struct err *e)
{
	cleanup_hawkbit_deployment struct hawkbit_deployment what = {0};
	const struct command_env *env = &f->env;
	struct hawkbit_poll p = {0};
	bool gone = false;
	int rc = fleet_hawkbit_login(&f->fleet, d, fetch, h, e);

	if (rc == 0)
		rc = hawkbit_poll(h, &p, NULL, e);
	if (rc < 0)
		return rc;
	if (p.confirmation.id[0] == '\0') {
		show(env->out, d, NULL, "nothing waits", &what);
		return 0;
	}
	rc = hawkbit_deployment(h, &p.confirmation, &what, &gone, e);
	if (rc == 0 && !gone && !opt_given(env->opts, "dry-run"))
		rc = answer(env, h, p.confirmation.id, &gone, e);
	if (rc == 0)
		show(env->out, d, p.confirmation.id, result_of(env, gone), &what);
	return rc;
}

static int all(const struct cmd_fleet *f, struct err *e)
{
	const struct command_env *env = &f->env;
	struct fetch_settings fetch;
	int rc = cmd_fetch_settings(env, &fetch, e);

	if (rc == 0 && f->fleet.hawkbit == NULL)
		rc = err_set(e, ERR_CONFIG, "%s: no [fleet] hawkbit", f->path);
	for (size_t i = 0; rc == 0 && i < opt_n_args(env->opts); i++)
		if (fleet_find(&f->fleet, opt_arg(env->opts, i)) == NULL)
			rc = err_set(e, ERR_USAGE, "there is no device '%s' in %s",
				opt_arg(env->opts, i), f->path);
	if (rc < 0)
		return rc;
	out_table(env->out, "actions");
	for (size_t i = 0; rc == 0 && i < opt_n_args(env->opts); i++) {
		struct hawkbit h = {0};

		rc = one(f, &fetch, fleet_find(&f->fleet, opt_arg(env->opts, i)), &h, e);
		hawkbit_done(&h);
	}
	out_end(env->out);
	return rc;
}

static int run(struct command_env *env, struct err *e)
{
	struct cmd_fleet f = {0};
	int rc = cmd_fleet_open(env, NULL, NULL, &f, e);

	if (rc == 0)
		rc = all(&f, e);
	cmd_fleet_close(&f);
	return rc;
}

const struct command cmd_hawkbit_confirm = {
	.name = "hawkbit confirm",
	.args = "DEVICE...",
	.summary = "consent to actions of a hawkBit server that wait for somebody",
	.details = "A server may want somebody's consent before an action begins; `stmota update`\n"
		   "never gives it by itself.\n",
	.examples = "stmota hawkbit confirm lamp-3 --dry-run\n"
		    "stmota hawkbit confirm lamp-3 --text 'agreed with the city'\n",
	.group = COMMAND_FLEET,
	.opts = opts,
	.flags = CMD_JSON,
	.min_args = 1,
	.max_args = -1,
	.run = run,
};
