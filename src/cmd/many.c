/* SPDX-License-Identifier: Apache-2.0 */
/*
 * many.c - one command for several devices at once, each in a process of its own
 */
#include "many.h"

#include <fnmatch.h>
#include <glob.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/cleanup.h>
#include <stmota/device_url.h>
#include <stmota/log.h>
#include <stmota/signals.h>

#define SLICE_MS 100

struct many {
	struct command_env *env;
	struct many_device *d;
	size_t n, running, started;
	struct many_show *show;
	bool json, stopped;
	many_run run;
	void *ctx;
};

/* ---- names ---- */

static int add_name(struct device_names *names, const char *name, bool skip, struct err *e)
{
	char **more;

	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->v[i], name) == 0)
			return skip ? 0 : err_set(e, ERR_USAGE, "--device %s is given twice", name);
	more = realloc(names->v, (names->n + 1) * sizeof(*more));
	if (more == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	names->v = more;
	more[names->n] = strdup(name);
	if (more[names->n] == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	names->n++;
	return 0;
}

/* "uart:/dev/ttyUSB*,baud=57600": the path is a pattern of files, the rest goes to each. */
static int add_matching_ports(struct device_names *names, const char *pattern, struct err *e)
{
	const char *colon = strchr(pattern, ':');
	size_t path_len = strcspn(colon + 1, ",");
	cleanup_free char *path = strndup(colon + 1, path_len);
	glob_t found = {0};
	int rc = 0;

	if (path == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (glob(path, GLOB_NOSORT, NULL, &found) == 0) {
		for (size_t i = 0; rc == 0 && i < found.gl_pathc; i++) {
			cleanup_free char *url = NULL;

			if (asprintf(&url, "%.*s%s%s", (int)(colon + 1 - pattern), pattern,
				    found.gl_pathv[i], colon + 1 + path_len) < 0)
				rc = err_set(e, ERR_NOMEM, "out of memory");
			else
				rc = add_name(names, url, true, e);
		}
	}
	globfree(&found);
	return rc;
}

static int add_matching(
	struct device_names *names, const struct config *config, const char *pattern, struct err *e)
{
	size_t before = names->n;
	int rc = 0;

	if (device_url_is_url(pattern) && strncmp(pattern, "uart:", 5) == 0) {
		rc = add_matching_ports(names, pattern, e);
	} else if (device_url_is_url(pattern)) {
		err_set(e, ERR_UNSUPPORTED, "--all-matching %s: only uart:PATH can be a pattern",
			pattern);
		return err_hint(e, "name the others one by one, or in [device NAME] sections");
	} else {
		for (size_t i = 0; rc == 0 && i < config_n_devices(config); i++)
			if (fnmatch(pattern, config_device_name(config, i), 0) == 0)
				rc = add_name(names, config_device_name(config, i), true, e);
	}
	if (rc == 0 && names->n == before) {
		err_set(e, ERR_USAGE, "--all-matching %s: no device", pattern);
		return err_hint(e, "patterns are for names of [device NAME] sections, or for "
				   "ports: 'uart:/dev/ttyUSB*'");
	}
	return rc;
}

int device_names_collect(const struct command_env *env, struct device_names *ret, struct err *e)
{
	size_t n = opt_count(env->opts, "device");
	const char *pattern = opt_str(env->opts, "all-matching", NULL);
	struct device_names names = {0};
	int rc = 0;

	if (n < 2 && pattern == NULL)
		return 0;
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = add_name(&names, opt_str_at(env->opts, "device", i), false, e);
	for (size_t i = 0; rc == 0 && i < opt_count(env->opts, "all-matching"); i++)
		rc = add_matching(&names, env->config, opt_str_at(env->opts, "all-matching", i), e);
	if (rc < 0) {
		device_names_done(&names);
		return rc;
	}
	*ret = names;
	return 0;
}

void device_names_done(struct device_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->v[i]);
	free(names->v);
	*names = (struct device_names){0};
}

/* ---- the process of a device ---- */

static void child_log(void *ctx, enum log_level level, const char *line)
{
	struct event ev = {.type = level <= LOG_WARN ? EVENT_WARNING : EVENT_NOTE, .text = line};

	event_emit(ctx, &ev);
}

int many_child(
	const struct command_env *parent, const char *device, many_run run, void *ctx, FILE *to)
{
	struct command_env env = *parent;
	struct event_sink sink;
	struct err e = ERR_INIT;
	size_t verbose = opt_count(env.opts, "verbose");
	int rc;

	env.out = out_new(OUT_JSON, to);
	out_set_lines(env.out);
	sink = out_event_sink(env.out);
	env.events = &sink;
	env.device = device;
	log_set_handler(child_log, &sink,
		verbose >= 2   ? LOG_DEBUG
		: verbose == 1 ? LOG_INFO
			       : LOG_WARN);
	rc = run(&env, ctx, &e);
	if (rc < 0) {
		if (e.code == ERR_NONE)
			e.code = rc;
		out_error(env.out, &e);
	}
	out_finish(env.out, NULL);
	return err_exit_status(rc < 0 ? e.code : ERR_NONE);
}

struct child {
	const struct many *m;
	const struct many_device *d;
};

static int child(void *ctx, FILE *to)
{
	const struct child *c = ctx;

	return many_child(c->m->env, c->d->name, c->m->run, c->m->ctx, to);
}

static int start(struct many *m, struct many_device *d, struct err *e)
{
	struct child c = {.m = m, .d = d};
	int rc = worker_start(&d->worker, false, -1, child, &c, e);

	if (rc < 0)
		return err_wrap(e, "%s", d->name);
	d->start_ms = clock_now_ms(&clock_monotonic);
	d->state = MANY_RUNS;
	m->running++;
	return 0;
}

/* ---- what it reports ---- */

static const char *text_of(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s != NULL ? s : "";
}

static void pass_on(json_t *j, const char *device)
{
	json_t *named = json_pack("{s:s, s:s}", "event", text_of(j, "event"), "device", device);

	/* Whose line it is comes first. */
	if (named != NULL && json_object_update_missing(named, j) == 0) {
		json_dumpf(named, stdout, JSON_COMPACT);
		fputc('\n', stdout);
	}
	json_decref(named);
	fflush(stdout);
}

static void take_result(struct many *m, struct many_device *d, json_t *j)
{
	const json_t *error = json_object_get(j, "error");

	json_decref(d->result);
	d->result = json_incref(j);
	if (error != NULL)
		snprintf(d->error, sizeof(d->error), "%.199s", text_of(error, "message"));
	if (!m->json)
		return;
	json_object_set_new(j, "event", json_string("device_result"));
	json_object_del(j, "schema");
	pass_on(j, d->name);
}

struct heard {
	struct many *m;
	struct many_device *d;
};

static void take_event(void *ctx, const char *line)
{
	const struct heard *h = ctx;
	struct many *m = h->m;
	struct many_device *d = h->d;
	json_t *j = json_loads(line, 0, NULL);
	const char *event = text_of(j, "event");
	bool verbose = opt_given(m->env->opts, "verbose");

	if (strcmp(event, "result") == 0) {
		take_result(m, d, j);
		json_decref(j);
		return;
	}
	if (strcmp(event, "phase") == 0 || strcmp(event, "progress") == 0) {
		snprintf(d->phase, sizeof(d->phase), "%s", text_of(j, "phase"));
		d->done = (uint64_t)json_integer_value(json_object_get(j, "done"));
		d->total = (uint64_t)json_integer_value(json_object_get(j, "total"));
	} else if (strcmp(event, "plan") != 0 && !m->json) {
		bool warning = strcmp(event, "note") != 0;
		char text[600];

		snprintf(text, sizeof(text), "%s%s",
			strcmp(event, "retry") == 0 ? "trying again: "
			: warning                   ? "warning: "
						    : "",
			text_of(j, "text"));
		if (warning || verbose)
			many_show_say(m->show, d->name, text);
	}
	if (m->json && j != NULL)
		pass_on(j, d->name);
	json_decref(j);
}

/* --quiet prints errors, and only those. */
static void tell_failure(const struct many *m, const struct many_device *d)
{
	if (m->show != NULL)
		many_show_say(m->show, d->name, d->error);
	else
		fprintf(stderr, "%sstmota: %s: %s\n", log_priority(stderr, LOG_ERROR), d->name,
			d->error);
}

static void finish(struct many *m, struct many_device *d)
{
	char how[32];

	d->ms = clock_now_ms(&clock_monotonic) - d->start_ms;
	m->running--;
	d->state = worker_is_ok(&d->worker) && d->result != NULL ? MANY_OK : MANY_FAILED;
	if (d->state == MANY_FAILED && d->error[0] == '\0')
		snprintf(d->error, sizeof(d->error), "its process ended with %s",
			worker_status_text(&d->worker, how, sizeof(how)));
	if (d->state == MANY_FAILED)
		tell_failure(m, d);
}

static void listen_to(struct many *m, struct many_device *d)
{
	struct heard h = {m, d};

	if (!worker_listen(&d->worker, take_event, &h))
		finish(m, d);
}

/* ---- all of them ---- */

/* Every device ends its own work and puts its lines back; those that wait do not begin. */
static void stop(struct many *m)
{
	m->stopped = true;
	for (size_t i = 0; i < m->n; i++) {
		struct many_device *d = &m->d[i];

		if (d->state == MANY_RUNS)
			worker_stop(&d->worker);
		if (d->state != MANY_WAITS)
			continue;
		d->state = MANY_FAILED;
		snprintf(d->error, sizeof(d->error), "interrupted before it began");
	}
	m->started = m->n;
}

static void start_more(struct many *m, size_t jobs)
{
	struct err e = ERR_INIT;

	while (m->started < m->n && m->running < jobs) {
		struct many_device *d = &m->d[m->started++];

		if (start(m, d, &e) == 0)
			continue;
		d->state = MANY_FAILED;
		snprintf(d->error, sizeof(d->error), "%.199s", e.msg);
		tell_failure(m, d);
	}
}

static int serve(struct many *m, size_t jobs, struct err *e)
{
	cleanup_free struct pollfd *fds = calloc(m->n, sizeof(*fds));

	if (fds == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	start_more(m, jobs);
	while (m->running > 0 || m->started < m->n) {
		for (size_t i = 0; i < m->n; i++)
			fds[i] = (struct pollfd){.fd = m->d[i].worker.fd, .events = POLLIN};
		poll(fds, m->n, SLICE_MS);
		if (signals_pending() && !m->stopped)
			stop(m);
		for (size_t i = 0; i < m->n; i++)
			if (fds[i].revents != 0)
				listen_to(m, &m->d[i]);
		start_more(m, jobs);
		many_show_draw(m->show, m->d, m->n, false);
	}
	return 0;
}

static void describe(const struct many *m, size_t failed)
{
	struct out *o = m->env->out;

	out_table(o, "devices");
	for (size_t i = 0; i < m->n; i++) {
		const struct many_device *d = &m->d[i];
		const json_t *chip = json_object_get(d->result, "chip");
		const json_t *written = json_object_get(d->result, "bytes_written");

		out_object(o, NULL);
		out_str(o, "device", d->name);
		out_str(o, "result", d->state == MANY_OK ? "ok" : "failed");
		out_str(o, "chip", json_string_value(chip));
		if (json_is_integer(written))
			out_size(o, "bytes_written", (uint64_t)json_integer_value(written));
		else
			out_str(o, "bytes_written", NULL);
		out_real(o, "seconds", (double)d->ms / 1000, 1);
		out_str(o, "error", d->error[0] != '\0' ? d->error : NULL);
		out_end(o);
	}
	out_end(o);
	out_uint(o, "succeeded", m->n - failed);
	out_uint(o, "failed", failed);
}

int many_do(struct command_env *env, const struct device_names *names, size_t jobs, many_run run,
	void *ctx, struct err *e)
{
	struct progress_config cfg = progress_config_for(stderr);
	struct many m = {.env = env, .n = names->n, .run = run, .ctx = ctx};
	size_t failed = 0;
	int rc;

	m.json = out_mode(env->out) == OUT_JSON && !env->quiet;
	m.d = calloc(names->n, sizeof(*m.d));
	if (m.d == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < names->n; i++)
		m.d[i] = (struct many_device){.name = names->v[i], .worker = WORKER_INIT};
	/* What is said about one of them names it; the command as a whole has no device. */
	env->device = NULL;
	if (!env->quiet && !m.json)
		m.show = many_show_new(&cfg);
	rc = serve(&m, jobs > 0 ? jobs : names->n, e);
	many_show_free(m.show);
	for (size_t i = 0; i < m.n; i++)
		failed += m.d[i].state != MANY_OK;
	if (rc == 0)
		describe(&m, failed);
	for (size_t i = 0; i < m.n; i++)
		json_decref(m.d[i].result);
	free(m.d);
	if (rc == 0)
		rc = signals_check(e);
	if (rc < 0 || failed == 0)
		return rc;
	err_set(e, ERR_SOME_FAILED, "%zu of %zu devices failed", failed, names->n);
	return err_hint(e, "the same command again goes on with them; those that hold it already "
			   "take no time");
}
