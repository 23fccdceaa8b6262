/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_update.c - stmota update: one pass over the devices of a fleet, from cron or by hand
 */
#include "update_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <stmota/clock.h>
#include <stmota/fetch.h>
#include <stmota/fleet_report.h>
#include <stmota/log.h>
#include <stmota/signals.h>

static const struct opt opts[] = {
	CMD_OPT_FLEET,
	{.name = "dry-run",
		.letter = 'n',
		.type = OPT_TYPE_FLAG,
		.text = "ask and decide, print the reasons, change nothing"},
	OPT_STRINGS("device", "NAME", "only this device of the fleet, by name or id"),
	OPT_FLAG("now", "whatever the maintenance window and the waiting time after failures say"),
	OPT_STRING("resume", "ROLLOUT", "go on with a rollout that was halted here"),
	OPT_U32("jitter", "SECONDS", "wait a random time first, up to so long"),
	OPT_END,
};

/* ---- before ---- */

static int check_names(const struct update_call *c, const char ***ret, size_t *ret_n, struct err *e)
{
	size_t n = opt_count(c->env->opts, "device");
	const char **names = calloc(n + 1, sizeof(*names));

	if (names == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	*ret = names;
	*ret_n = n;
	for (size_t i = 0; i < n; i++) {
		names[i] = opt_str_at(c->env->opts, "device", i);
		if (fleet_find(&c->fleet.fleet, names[i]) != NULL)
			continue;
		err_set(e, ERR_USAGE, "there is no device '%s' in %s", names[i], c->fleet.path);
		return err_hint(e, "'stmota fleet list' has their names");
	}
	return 0;
}

/* Ten thousand gateways have the same cron line. */
static int wait_a_while(const struct update_call *c, struct err *e)
{
	uint32_t max = opt_u32(c->env->opts, "jitter", 0), n = 0;
	uint64_t until;

	if (max == 0 || c->dry_run || opt_given(c->env->opts, "now"))
		return 0;
	if (getrandom(&n, sizeof(n), 0) != sizeof(n))
		n = max;
	until = clock_now_ms(&clock_monotonic) + (uint64_t)n % ((uint64_t)max * 1000);
	while (!signals_pending() && clock_now_ms(&clock_monotonic) < until)
		clock_sleep_ms(&clock_monotonic, 200);
	return signals_check(e);
}

static int open_source(
	const struct update_source_request *rq, struct update_source **ret, struct err *e)
{
	switch (rq->fleet->source) {
	case FLEET_SOURCE_CHANNEL: return update_source_channel(rq, ret, e);
	case FLEET_SOURCE_HAWKBIT: return update_source_hawkbit(rq, ret, e);
	default:
		err_set(e, ERR_CONFIG, "%s: nothing says what the devices should run",
			rq->fleet->path);
		return err_hint(e, "[fleet] channel or hawkbit names who does");
	}
}

static int open_db(struct update_call *c, struct fleet_db **ret, bool *ret_busy, struct err *e)
{
	const char *why;
	int rc = fleet_db_open(c->fleet.fleet.state, false, ret, e);

	if (rc < 0)
		return rc;
	fleet_db_set_fleet(*ret, &c->fleet.fleet);
	why = fleet_db_why_read_only(*ret);
	if (why != NULL) {
		err_set(e, ERR_IO, "nothing is begun: %s cannot be written: %.120s",
			c->fleet.fleet.state, why);
		return err_hint(e, "what cannot be recorded is not done; make room");
	}
	rc = fleet_db_lock(*ret, e);
	*ret_busy = rc == ERR_BUSY;
	return rc;
}

/* ---- after ---- */

/* A pass that was read from a cache is no attack yet: tomorrow's may be newer. */
static int refused_source(struct err *e)
{
	if (e->code == ERR_DOWNGRADE)
		e->code = ERR_NETWORK;
	return (int)e->code;
}

static int outcome(const struct pass_sums *s, struct err *e)
{
	bool bad = s->fetch.code == ERR_SIGNATURE || s->fetch.code == ERR_DAMAGED ||
		   s->fetch.code == ERR_FORMAT || s->fetch.code == ERR_IDENTITY;
	size_t failed = s->failed + s->missed + s->turned_down;

	if (s->stopped)
		return signals_check(e) < 0 ? (int)e->code
					    : err_set(e, ERR_UNFINISHED, "the pass was stopped");
	if (bad || (failed == 0 && s->fetch.code != 0)) {
		*e = s->fetch;
		return (int)e->code;
	}
	if (failed > 0) {
		err_set(e, ERR_SOME_FAILED, "%zu of %zu devices failed%s", failed, s->devices,
			s->turned_down == 0        ? ""
			: s->turned_down == failed ? ": refused"
						   : " or were refused");
		return err_hint(e, "'stmota fleet status' and 'stmota fleet history' tell more");
	}
	if (s->interrupted > 0 || s->unserved > 0) {
		err_set(e, ERR_UNFINISHED, "%zu of %zu devices are not done",
			s->interrupted + s->unserved, s->devices);
		return err_hint(e, "the next pass goes on with them");
	}
	return 0;
}

/* ---- all of it ---- */

struct flushing {
	struct fleet_db *db;
	const struct fetch_settings *fetch;
};

/* A dead report server holds nothing back; what was not sent waits. */
static void flush(void *ctx)
{
	const struct update_call *c = ctx;
	struct key_unlock unlock = cmd_unlock(&c->fleet.env);
	struct fleet_report_send rq = {.fleet = &c->fleet.fleet,
		.fetch = c->flushing->fetch,
		.unlock = &unlock,
		.now = (uint64_t)time(NULL)};
	struct fleet_report_result result;
	struct err e = ERR_INIT;

	if (fleet_report_flush(c->flushing->db, &rq, &result, &e) < 0)
		log_info("reports wait: %s", e.msg);
}

/* Downloads are for people at a terminal and for JSON; a mail from cron has none of it. */
static void on_event(void *ctx, const struct event *ev)
{
	const struct update_call *c = ctx;

	if (c->json || c->show != NULL || ev->type == EVENT_WARNING)
		event_emit(c->env->events, ev);
	else if (ev->type == EVENT_NOTE)
		log_info("%s", ev->text);
}

static int pass(struct update_call *c, struct fleet_db *db, struct err *e)
{
	const struct event_sink events = {.fn = on_event, .ctx = c};
	struct update_source_request from = {.fleet = &c->fleet.fleet,
		.db = db,
		.config = c->fleet.config,
		.events = &events,
		.now = (uint64_t)time(NULL),
		.at_once = opt_given(c->env->opts, "now"),
		.dry_run = c->dry_run};
	struct pass_request rq = {.fleet = from.fleet,
		.config = from.config,
		.db = db,
		.events = from.events,
		.dry_run = c->dry_run,
		.at_once = opt_given(c->env->opts, "now"),
		.now = from.now,
		.deliver = update_child,
		.flush = flush,
		.ctx = c,
		.listener = update_listener(c)};
	const char *resume = opt_str(c->env->opts, "resume", NULL);
	struct fetch_settings fetch;
	struct file_cache cache = {0};
	struct flushing flushing = {.db = db, .fetch = &fetch};
	struct pass_sums sums;
	const char **names = NULL;
	int rc = check_names(c, &names, &rq.n_only, e);

	rq.only = names;
	from.fetch = rq.fetch = &fetch;
	rq.cache = &cache;
	c->flushing = &flushing;
	if (rc == 0)
		rc = cmd_fetch_settings(&c->fleet.env, &fetch, e);
	if (rc == 0)
		rc = cmd_cache_settings(&c->fleet.env, &cache, e);
	if (rc == 0 && resume != NULL && !c->dry_run)
		rc = fleet_db_resume(db, resume, from.now, e);
	if (rc == 0)
		rc = open_source(&from, &rq.source, e);
	if (rc == 0) {
		rc = pass_run(&rq, &sums, e);
		update_end_decisions(c);
		if (rc < 0)
			rc = refused_source(e);
		many_show_free(c->show);
		c->show = NULL;
		if (rc == 0) {
			update_show_result(c, &sums);
			rc = outcome(&sums, e);
		}
	}
	if (rq.source != NULL)
		rq.source->ops->free(rq.source);
	free(names);
	return rc;
}

static int with_fleet(struct update_call *c, struct err *e)
{
	struct progress_config cfg = progress_config_for(stderr);
	struct fleet_db *db = NULL;
	bool busy = false;
	int rc = open_db(c, &db, &busy, e);

	c->rows = calloc(c->fleet.fleet.n + 1, sizeof(*c->rows));
	if (rc == 0 && c->rows == NULL)
		rc = err_set(e, ERR_NOMEM, "out of memory");
	/* For people at a terminal; a log gets the result. */
	if (rc == 0 && !c->env->quiet && !c->json && (cfg.terminal || c->verbose))
		c->show = many_show_new(&cfg);
	if (rc == 0)
		rc = pass(c, db, e);
	/* Cron starts the next one; a person who asked for something is told. */
	if (busy && !c->dry_run && !opt_given(c->env->opts, "resume")) {
		log_info("%s", e->msg);
		if (c->json)
			out_bool(c->env->out, "busy", true);
		err_clear(e);
		rc = 0;
	}
	fleet_db_close(db);
	return rc;
}

static int run(struct command_env *env, struct err *e)
{
	struct update_call c = {.env = env,
		.dry_run = opt_given(env->opts, "dry-run"),
		.verbose = opt_given(env->opts, "verbose"),
		.json = out_mode(env->out) == OUT_JSON};
	int rc = cmd_fleet_open(env, NULL, NULL, &c.fleet, e);

	if (rc == 0)
		rc = wait_a_while(&c, e);
	if (rc == 0)
		rc = with_fleet(&c, e);
	update_show_done(&c);
	cmd_fleet_close(&c.fleet);
	return rc;
}

const struct command cmd_update = {
	.name = "update",
	.args = "",
	.summary = "bring the devices of a fleet to what its channel says",
	.details =
		"One pass, for cron or a timer: asks the source of the fleet file, decides for each\n"
		"device with a reason, delivers, waits for the proof of health, takes back what does\n"
		"not prove itself, and remembers. Canaries go first and alone; a canary that fails,\n"
		"or too many failures, halt the rollout on this gateway until --resume or the next\n"
		"rollout.\n\n"
		"It may be killed at any instant and started again. While a pass runs, a second one\n"
		"ends at once, without a word and with exit status 0. Where nothing is to be done\n"
		"nothing is printed; -v prints all decisions.\n",
	.examples = "stmota update --fleet /etc/stmota/fleet.conf\n"
		    "stmota update --dry-run\n"
		    "stmota update --device lamp-3 --now -v\n"
		    "stmota update --resume streetlight-2.1.0-7f3a\n",
	.group = COMMAND_DEVICE,
	.opts = opts,
	.flags = CMD_JSON | CMD_EVENTS,
	.min_args = 0,
	.max_args = 0,
	.run = run,
};
