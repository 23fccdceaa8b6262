/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_fleet_report.c - stmota fleet report: a page to look at, the same as JSON, and what waits sent
 */
#include "cmd_fleet.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include <stmota/fetch.h>
#include <stmota/fleet_report.h>
#include <stmota/fs.h>

static const struct opt opts[] = {
	CMD_OPT_FLEET,
	OPT_FILE("html", "FILE", "write the page there; - is standard output"),
	OPT_FLAG("send", "deliver the reports that wait, now"),
	OPT_END,
};

static const char *gateway_of(const struct fleet *f, char host[256])
{
	if (f->gateway[0] != '\0')
		return f->gateway;
	if (gethostname(host, 255) < 0 || host[0] == '\0')
		return f->path;
	return host;
}

/* ---- what the page shows, as JSON ---- */

static void out_points(struct out *o, const struct fleet_view *v)
{
	out_list(o, "timeline");
	for (size_t i = 0; i < v->n_rollouts; i++) {
		const struct fleet_view_rollout *r = &v->rollouts[i];

		for (size_t k = 0; k < r->n_points; k++) {
			const struct fleet_view_point *at = &r->points[k];

			out_object(o, NULL);
			out_str(o, "rollout", r->id);
			cmd_out_time(o, "time", at->time);
			out_str(o, "device", v->devices[at->device].known.name);
			out_bool(o, "good", at->good);
			out_bool(o, "canary", at->canary);
			out_uint(o, "ok", at->ok);
			out_uint(o, "failed", at->failed);
			out_end(o);
		}
	}
	out_end(o);
}

static void out_halts(struct out *o, const struct fleet_view *v)
{
	out_list(o, "halts");
	for (size_t i = 0; i < v->n_rollouts; i++)
		for (size_t k = 0; k < v->rollouts[i].n_halts; k++) {
			const struct fleet_view_halt *h = &v->rollouts[i].halts[k];

			out_object(o, NULL);
			out_str(o, "rollout", v->rollouts[i].id);
			cmd_out_time(o, "halted", h->halted);
			cmd_out_time(o, "resumed", h->resumed);
			out_str(o, "why", h->why);
			out_end(o);
		}
	out_end(o);
}

static void out_all(struct out *o, const struct fleet_view *v)
{
	cmd_out_fleet_view(o, v);
	out_points(o, v);
	out_halts(o, v);
	out_list(o, "failures");
	for (size_t i = 0; i < v->n_failures; i++) {
		out_object(o, NULL);
		cmd_out_attempt(o, &v->failures[i]);
		out_end(o);
	}
	out_end(o);
}

/* ---- the page ---- */

static int write_page(
	struct command_env *env, const struct fleet_view *v, const char *gateway, struct err *e)
{
	const char *path = opt_str(env->opts, "html", NULL);
	cleanup_buf struct buf page = BUF_INIT;
	int rc = fleet_page(v, gateway, &page, e);

	if (rc == 0)
		rc = fs_write(path, page.data, page.len, 0644, e);
	if (rc == 0 && strcmp(path, "-") != 0 && out_mode(env->out) == OUT_HUMAN) {
		out_str(env->out, "page", path);
		out_size(env->out, "size", page.len);
		out_uint(env->out, "devices", v->n_devices);
	}
	return rc;
}

static int show(struct command_env *env, const struct cmd_fleet *f, struct err *e)
{
	struct fleet_db *db = NULL;
	struct fleet_view v = {0};
	char host[256] = "";
	int rc = 0;

	if (fs_exists(f->fleet.state))
		rc = fleet_db_open(f->fleet.state, true, &db, e);
	if (db != NULL)
		fleet_db_set_fleet(db, &f->fleet);
	if (rc == 0)
		rc = fleet_view_load(db, &f->fleet, (uint64_t)time(NULL), &v, e);
	if (rc == 0 && opt_given(env->opts, "html"))
		rc = write_page(env, &v, gateway_of(&f->fleet, host), e);
	if (rc == 0 && out_mode(env->out) != OUT_HUMAN)
		out_all(env->out, &v);
	fleet_view_done(&v);
	fleet_db_close(db);
	return rc;
}

/* ---- what waits ---- */

static int send_now(struct command_env *env, struct cmd_fleet *f, struct err *e)
{
	struct key_unlock unlock = cmd_unlock(&f->env);
	struct fetch_settings fetch;
	struct fleet_report_send rq = {.fleet = &f->fleet,
		.fetch = &fetch,
		.unlock = &unlock,
		.now = (uint64_t)time(NULL),
		.limit_ms = 60000,
		.at_once = true};
	struct fleet_report_result r = {0};
	struct fleet_db *db = NULL;
	int rc = cmd_fetch_settings(&f->env, &fetch, e);

	if (rc == 0 && f->fleet.report == NULL) {
		rc = err_set(e, ERR_CONFIG, "%s names no place for reports", f->path);
		err_hint(e, "report = URL or folder, in [fleet]");
	}
	if (rc == 0 && fs_exists(f->fleet.state))
		rc = fleet_db_open(f->fleet.state, false, &db, e);
	if (rc == 0 && db != NULL)
		rc = fleet_report_flush(db, &rq, &r, e);
	fleet_db_close(db);
	out_object(env->out, "reports");
	out_uint(env->out, "sent", r.sent);
	out_uint(env->out, "left", r.left);
	if (r.dropped > 0)
		out_uint(env->out, "dropped", r.dropped);
	out_end(env->out);
	return rc;
}

static int check(const struct command_env *env, struct err *e)
{
	if (opt_given(env->opts, "html") || opt_given(env->opts, "send") ||
		out_mode(env->out) != OUT_HUMAN)
		return 0;
	err_set(e, ERR_USAGE, "a report as what?");
	return err_hint(
		e, "--html FILE, --json, or --send; 'stmota fleet status' shows the same here");
}

static int run(struct command_env *env, struct err *e)
{
	struct cmd_fleet f = {0};
	int rc = cmd_fleet_open(env, NULL, NULL, &f, e);

	if (rc == 0 && opt_given(env->opts, "send"))
		rc = send_now(env, &f, e);
	if (rc == 0 && (opt_given(env->opts, "html") || !opt_given(env->opts, "send")))
		rc = show(env, &f, e);
	cmd_fleet_close(&f);
	return rc;
}

const struct command cmd_fleet_report = {
	.name = "fleet report",
	.args = "",
	.summary = "make a page of the state of a fleet, or send the reports that wait",
	.details =
		"The page is one file that loads nothing: how many devices are well, which versions\n"
		"they run, how each rollout went over time and by waves, every device with its state,\n"
		"and every failure with its reason and what was said to the device. It can be put on\n"
		"any web server, mailed, or printed. --json has the same.\n",
	.examples = "stmota fleet report --fleet street.conf --html /var/www/street.html\n"
		    "stmota fleet report --fleet street.conf --send\n",
	.group = COMMAND_FLEET,
	.opts = opts,
	.flags = CMD_JSON,
	.min_args = 0,
	.max_args = 0,
	.check = check,
	.run = run,
};
