/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_fleet_check.c - stmota fleet check: all that is wrong with a fleet file, at once
 *
 * Sends nothing.
 */
#include "cmd.h"

static const struct opt opts[] = {
	CMD_OPT_FLEET,
	OPT_END,
};

struct findings {
	struct out *out;
	size_t mistakes;
};

static void show(void *ctx, bool warning, const struct err *what)
{
	struct findings *f = ctx;

	const char *severity = warning ? "warning" : "error";

	f->mistakes += !warning;
	if (out_mode(f->out) == OUT_HUMAN) {
		out_text(f->out, "%-7s  %s", severity, what->msg);
		if (what->hint[0] != '\0')
			out_text(f->out, "         %s", what->hint);
		return;
	}
	out_object(f->out, NULL);
	out_str(f->out, "severity", severity);
	out_str(f->out, "finding", what->msg);
	out_str(f->out, "hint", what->hint[0] != '\0' ? what->hint : NULL);
	out_end(f->out);
}

static void show_sum(struct out *o, const struct cmd_fleet *f)
{
	static const char *const sources[] = {[FLEET_SOURCE_NONE] = NULL,
		[FLEET_SOURCE_CHANNEL] = "channel",
		[FLEET_SOURCE_HAWKBIT] = "hawkbit"};

	out_str(o, "gateway", f->fleet.gateway);
	out_str(o, "source", sources[f->fleet.source]);
	out_str(o, "state", f->fleet.state);
	out_uint(o, "devices", f->fleet.n);
}

static int run(struct command_env *env, struct err *e)
{
	struct findings found = {.out = env->out};
	bool list = out_mode(env->out) != OUT_HUMAN;
	struct cmd_fleet f = {0};
	struct err why = ERR_INIT;
	int rc;

	out_str(env->out, "file", cmd_fleet_path(env));
	if (list)
		out_list(env->out, "findings");
	rc = cmd_fleet_open(env, show, &found, &f, &why);
	if (rc == 0)
		fleet_check(&f.fleet, f.config, show, &found);
	if (list)
		out_end(env->out);
	if (rc == 0)
		show_sum(env->out, &f);
	cmd_fleet_close(&f);
	if (rc < 0 && found.mistakes < 2) {
		*e = why; /* nothing more is known than the error itself says */
		return rc;
	}
	return found.mistakes > 0 ? err_set(e, ERR_CONFIG, "%s: %zu mistakes", cmd_fleet_path(env),
					    found.mistakes)
				  : 0;
}

const struct command cmd_fleet_check = {
	.name = "fleet check",
	.args = "",
	.summary = "say all that is wrong with a fleet file",
	.details =
		"Reads the file, looks at the ports, keys and packages that it names, and sends\n"
		"nothing. Warnings are what is allowed but seldom meant: a device without confirm,\n"
		"say, of which nobody will know whether its new program runs.\n",
	.examples = "stmota fleet check --fleet street.conf\n",
	.group = COMMAND_FLEET,
	.opts = opts,
	.flags = CMD_JSON,
	.min_args = 0,
	.max_args = 0,
	.run = run,
};
