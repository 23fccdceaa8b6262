/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_doctor.c - stmota doctor: is this machine fit for what is asked of it?
 *
 * One table: what was looked at, how it is, and below it what to do. Everything is looked at, however
 * much is wrong: whoever comes to a gateway once wants to hear of all of it.
 */
#include "doctor.h"
#include "cmd.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/cleanup.h>

static const char *const result_names[] = {
	[DOCTOR_OK] = "ok", [DOCTOR_WARNING] = "warning", [DOCTOR_WRONG] = "wrong"};

void doctor_say(
	struct doctor *d, enum doctor_result result, const char *check, const char *fmt, ...)
{
	struct doctor_row *more = realloc(d->rows, (d->n + 1) * sizeof(*more));
	va_list ap;

	if (more == NULL) {
		d->nomem = true;
		return;
	}
	d->rows = more;
	more = &more[d->n++];
	*more = (struct doctor_row){.result = result};
	snprintf(more->check, sizeof(more->check), "%s", check);
	va_start(ap, fmt);
	vsnprintf(more->found, sizeof(more->found), fmt, ap);
	va_end(ap);
}

void doctor_advise(struct doctor *d, const char *fmt, ...)
{
	va_list ap;

	if (d->n == 0)
		return;
	va_start(ap, fmt);
	vsnprintf(d->rows[d->n - 1].advice, sizeof(d->rows->advice), fmt, ap);
	va_end(ap);
}

void doctor_failed(
	struct doctor *d, enum doctor_result result, const char *check, const struct err *e)
{
	doctor_say(d, result, check, "%s", e->msg);
	if (e->hint[0] != '\0')
		doctor_advise(d, "%s", e->hint);
}

/* ---- what is configured ---- */

static void configuration(struct doctor *d)
{
	const struct err *wrong = &d->env->config_error;
	const char *file = opt_str(d->env->opts, "config", NULL);
	size_t n = config_n_devices(d->config);

	if (wrong->code != ERR_NONE)
		doctor_failed(d, DOCTOR_WRONG, "configuration", wrong);
	else
		doctor_say(d, DOCTOR_OK, "configuration", "%s%s%zu device%s",
			file != NULL ? file : "", file != NULL ? ": " : "", n, n == 1 ? "" : "s");
}

static void add_device(struct doctor *d, const char *what, const char *url, bool must)
{
	struct doctor_device *more;
	struct err e = ERR_INIT;

	more = realloc(d->devices, (d->n_devices + 1) * sizeof(*more));
	if (more == NULL) {
		d->nomem = true;
		return;
	}
	d->devices = more;
	more = &more[d->n_devices];
	*more = (struct doctor_device){.must = must};
	snprintf(more->what, sizeof(more->what), "%s", what);
	if (device_url_parse(url, &more->url, &e) < 0)
		doctor_failed(d, DOCTOR_WRONG, what, &e);
	else
		d->n_devices++;
}

/* Those of [device NAME], and the one that is meant where none is named. */
static void find_devices(struct doctor *d)
{
	const char *common = config_get(d->config, "defaults", NULL, "device");
	char what[96];

	for (size_t i = 0; i < config_n_devices(d->config); i++) {
		const char *name = config_device_name(d->config, i);
		const char *url = config_get(d->config, "device", name, "url");

		snprintf(what, sizeof(what), "device %s", name);
		if (url == NULL) {
			doctor_say(d, DOCTOR_WARNING, what, "has no url");
			doctor_advise(d, "add url = uart:/dev/ttyUSB0 or the like to its section");
			continue;
		}
		add_device(d, what, url, false);
	}
	if (common != NULL && device_url_is_url(common))
		add_device(d, "default device", common, false);
}

/* A device that is known to be dark may be missing. */
static void find_fleet(struct doctor *d, const struct fleet *f)
{
	char what[96];

	for (size_t i = 0; i < f->n; i++)
		if (f->devices[i].url != NULL) {
			snprintf(what, sizeof(what), "device %s", f->devices[i].name);
			add_device(d, what, f->devices[i].url, !f->devices[i].excused);
		}
}

/* ---- the result ---- */

static size_t count(const struct doctor *d, enum doctor_result r)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++)
		n += d->rows[i].result == r;
	return n;
}

static void show(const struct doctor *d)
{
	struct out *o = d->env->out;
	bool json = out_mode(o) == OUT_JSON;

	out_table(o, "checks");
	for (size_t i = 0; i < d->n; i++) {
		const struct doctor_row *r = &d->rows[i];

		out_object(o, NULL);
		out_str(o, "check", r->check);
		out_str(o, "result", result_names[r->result]);
		out_str(o, "found", r->found);
		if (json)
			out_str(o, "advice", r->advice[0] != '\0' ? r->advice : NULL);
		out_end(o);
	}
	out_end(o);
	if (json) {
		out_uint(o, "warnings", count(d, DOCTOR_WARNING));
		out_uint(o, "wrong", count(d, DOCTOR_WRONG));
		return;
	}
	for (size_t i = 0, first = 1; i < d->n; i++)
		if (d->rows[i].advice[0] != '\0') {
			if (first)
				out_text(o, "what to do");
			first = 0;
			out_text(o, "  %s: %s", d->rows[i].check, d->rows[i].advice);
		}
}

static int run(struct command_env *env, struct err *e)
{
	struct doctor d = {.env = env, .config = env->config};
	struct cmd_fleet fleet = {0};
	struct command_env own = *env;
	bool has_fleet;
	size_t wrong;
	int rc = 0;

	configuration(&d);
	has_fleet = !opt_given(env->opts, "config") && doctor_fleet_open(&d, &fleet);
	if (has_fleet) {
		/* What is set there is set for all that is looked at. */
		own.config = d.config = fleet.config;
		d.env = &own;
		find_fleet(&d, &fleet.fleet);
	} else {
		find_devices(&d);
	}
	doctor_libraries(&d);
	doctor_locale(&d);
	doctor_clock(&d);
	doctor_trust(&d);
	doctor_folders(&d);
	if (has_fleet)
		doctor_fleet(&d, &fleet);
	doctor_ports(&d);
	show(&d);
	cmd_fleet_close(&fleet);
	wrong = count(&d, DOCTOR_WRONG);
	if (d.nomem)
		rc = err_set(e, ERR_NOMEM, "out of memory");
	else if (wrong > 0)
		rc = err_set(e, ERR_FAILED, "%zu of %zu checks found something wrong", wrong, d.n);
	free(d.rows);
	free(d.devices);
	return rc;
}

static int check(const struct command_env *env, struct err *e)
{
	if (!opt_given(env->opts, "config") || !opt_given(env->opts, "fleet"))
		return 0;
	err_set(e, ERR_USAGE, "--config and a fleet file exclude each other");
	return err_hint(e, "a fleet file is a configuration file: put the settings there");
}

static const struct opt opts[] = {CMD_OPT_FLEET, OPT_END};

const struct command cmd_doctor = {
	.name = "doctor",
	.args = "",
	.summary = "look whether this machine is fit: ports, rights, clock, keys, disk",
	.details =
		"Changes nothing: no port is opened, nothing is sent to a device, no file is made. With\n"
		"a fleet file the server that it follows is asked, as a pass would.\n"
		"Rights are those of the user who asks: run it as the one that does the work, such as\n"
		"'sudo -u stmota stmota doctor'. Exit status 0 if nothing is wrong (warnings may be),\n"
		"else 1.\n",
	.examples = "stmota doctor\n"
		    "sudo -u stmota stmota doctor --fleet /etc/stmota/fleet.conf\n"
		    "stmota doctor --config boards.conf --json\n",
	.group = COMMAND_OTHER,
	.opts = opts,
	.flags = CMD_JSON | CMD_ANY_CONFIG,
	.check = check,
	.run = run,
};
