/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_fleet.c - the fleet file, its database, and whether the server that it follows can be asked
 *
 * The channel is fetched and judged as a pass would, but what is learnt is not stored: a pass is what
 * believes.
 */
#include "doctor.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <stmota/channel.h>
#include <stmota/fetch.h>
#include <stmota/fleet_db.h>
#include <stmota/fs.h>

#include "cmd.h"

#define ASK_MS     15000u
#define DB_NEED    (16ull << 20)
#define ANSWER_MAX (1u << 20)

/* ---- the file ---- */

static void on_finding(void *ctx, bool warning, const struct err *what)
{
	doctor_failed(ctx, warning ? DOCTOR_WARNING : DOCTOR_WRONG, "fleet file", what);
}

static void one_source(struct doctor *d, const struct fleet *f)
{
	static const char *const names[] = {[FLEET_SOURCE_NONE] = "no source",
		[FLEET_SOURCE_CHANNEL] = "a channel",
		[FLEET_SOURCE_HAWKBIT] = "a hawkBit server"};

	doctor_say(d, DOCTOR_OK, "fleet", "%s: %zu device%s, %s", f->path, f->n,
		f->n == 1 ? "" : "s", names[f->source]);
}

bool doctor_fleet_open(struct doctor *d, struct cmd_fleet *ret)
{
	const char *path = cmd_fleet_path(d->env);
	struct err e = ERR_INIT;
	size_t before = d->n;

	/* The usual place is only looked at where something is. */
	if (!opt_given(d->env->opts, "fleet") && (path == NULL || !fs_exists(path)))
		return false;
	if (cmd_fleet_open(d->env, on_finding, d, ret, &e) < 0) {
		if (d->n == before)
			doctor_failed(d, DOCTOR_WRONG, "fleet file", &e);
		return false;
	}
	one_source(d, &ret->fleet);
	fleet_check(&ret->fleet, ret->config, on_finding, d);
	return true;
}

/* ---- secrets ---- */

static void secret_file(struct doctor *d, const char *check, const char *path)
{
	struct stat st;

	if (path == NULL)
		return;
	if (stat(path, &st) < 0 || access(path, R_OK) < 0) {
		doctor_say(d, DOCTOR_WRONG, check, "%s: %s", path, strerror(errno));
		doctor_advise(d, "it must be readable by the user who runs the pass");
	} else if ((st.st_mode & 007) != 0) {
		doctor_say(d, DOCTOR_WRONG, check, "%s can be read by anybody", path);
		doctor_advise(d, "chmod 600 %s", path);
	} else {
		doctor_say(d, DOCTOR_OK, check, "%s", path);
	}
}

static void secrets(struct doctor *d, const struct fleet *f)
{
	secret_file(d, "hawkBit token", f->hawkbit_token_file);
	for (size_t i = 0; i < f->n; i++)
		secret_file(d, "hawkBit token", f->devices[i].token_file);
	if (f->report_key != NULL && strncmp(f->report_key, "pkcs11:", 7) != 0)
		secret_file(d, "report key", f->report_key);
	if (f->decrypt_key != NULL && strncmp(f->decrypt_key, "pkcs11:", 7) != 0)
		secret_file(d, "decryption key", f->decrypt_key);
}

/* ---- the database ---- */

static void database(struct doctor *d, const struct fleet *f, struct fleet_db **ret)
{
	struct err e = ERR_INIT;
	char folder[PATH_MAX];
	char *slash;

	snprintf(folder, sizeof(folder), "%s", f->state);
	slash = strrchr(folder, '/');
	if (slash != NULL)
		slash[slash == folder] = '\0';
	doctor_folder(d, "fleet state", slash != NULL ? folder : ".", DB_NEED);
	if (!fs_exists(f->state)) {
		doctor_say(d, DOCTOR_OK, "fleet database", "%s, not made yet", f->state);
		return;
	}
	if (fleet_db_open(f->state, true, ret, &e) < 0)
		doctor_failed(d, DOCTOR_WRONG, "fleet database", &e);
	else if (access(f->state, W_OK) < 0) {
		doctor_say(d, DOCTOR_WRONG, "fleet database", "%s: %s", f->state, strerror(errno));
		doctor_advise(d,
			"a pass notes what it does before it does it: give the file to the "
			"user who runs it");
	} else {
		doctor_say(d, DOCTOR_OK, "fleet database", "%s, sound", f->state);
	}
}

/* ---- the source ---- */

static int keep_nothing(void *ctx, const struct channel_state *s, struct err *e)
{
	(void)ctx;
	(void)s;
	(void)e;
	return 0;
}

/* The believed root of the database, else the one that came with the gateway. */
static int first_root(
	const struct fleet *f, struct fleet_db *db, struct channel_state *ret, struct err *e)
{
	int rc = db != NULL ? fleet_db_channel_load(db, f->channel_name, ret, e) : 0;
	struct channel_root first = {0};

	if (rc < 0 || ret->root.len > 0)
		return rc;
	if (f->root == NULL)
		return err_set(e, ERR_CONFIG, "[fleet] root is missing");
	rc = fs_read(f->root, CHANNEL_ROOT_MAX, &ret->root, e);
	if (rc == 0)
		rc = channel_root_parse(ret->root.data, ret->root.len, &first, e);
	ret->root_version = rc == 0 ? first.version : 0;
	channel_root_done(&first);
	return rc;
}

static void ask_channel(struct doctor *d, const struct fleet *f, const struct fetch_settings *fetch,
	struct fleet_db *db)
{
	cleanup_channel_plan struct channel_plan plan = CHANNEL_PLAN_INIT;
	struct channel_report report = {0};
	struct channel_state state = {0};
	struct err e = ERR_INIT;
	struct channel_source source = {.url = f->channel,
		.name = f->channel_name,
		.fetch = fetch,
		.now = (uint64_t)time(NULL),
		.grace = f->grace_s,
		.save = keep_nothing};
	int rc = first_root(f, db, &state, &e);

	if (rc == 0)
		rc = channel_fetch(&source, &state, &plan, &report, &e);
	if (rc < 0)
		doctor_failed(d, DOCTOR_WRONG, "channel", &e);
	else if (report.grace_used)
		doctor_say(d, DOCTOR_WARNING, "channel", "%s: expired, taken by [fleet] grace",
			f->channel);
	else
		doctor_say(d, DOCTOR_OK, "channel", "%s: plan %llu, %zu rollout%s", f->channel,
			(unsigned long long)plan.version, plan.n, plan.n == 1 ? "" : "s");
	channel_state_done(&state);
}

/* Who is asked without a token says so; that it answers over a sound connection is what counts. */
static void ask_hawkbit(struct doctor *d, const struct fleet *f, const struct fetch_settings *fetch)
{
	cleanup_buf struct buf answer = BUF_INIT;
	struct fetch_result result = {0};
	struct err e = ERR_INIT;
	struct fetch_request rq = {
		.urls = {f->hawkbit}, .n_urls = 1, .max = ANSWER_MAX, .any_status = true};
	int rc = fetch_buf(fetch, &rq, &answer, &result, &e);
	char shown[200];

	fetch_show_url(f->hawkbit, shown, sizeof(shown));
	if (rc < 0)
		doctor_failed(d, DOCTOR_WRONG, "hawkBit server", &e);
	else if (result.status >= 500)
		doctor_say(d, DOCTOR_WRONG, "hawkBit server", "%s answers status %d", shown,
			result.status);
	else
		doctor_say(d, DOCTOR_OK, "hawkBit server", "%s answers", shown);
}

static void source(struct doctor *d, const struct cmd_fleet *cf, struct fleet_db *db)
{
	const struct fleet *f = &cf->fleet;
	struct fetch_settings fetch;
	struct err e = ERR_INIT;

	if (cmd_fetch_settings(&cf->env, &fetch, &e) < 0) {
		doctor_failed(d, DOCTOR_WRONG, "[fetch]", &e);
		return;
	}
	/* Somebody waits for the answer. */
	fetch.tries = 1;
	fetch.total_ms = ASK_MS;
	if (fetch.connect_ms > ASK_MS)
		fetch.connect_ms = ASK_MS;
	if (f->source == FLEET_SOURCE_CHANNEL)
		ask_channel(d, f, &fetch, db);
	else if (f->source == FLEET_SOURCE_HAWKBIT)
		ask_hawkbit(d, f, &fetch);
}

void doctor_fleet(struct doctor *d, const struct cmd_fleet *cf)
{
	struct fleet_db *db = NULL;

	secrets(d, &cf->fleet);
	database(d, &cf->fleet, &db);
	source(d, cf, db);
	if (cf->fleet.report != NULL && !fetch_is_url(cf->fleet.report))
		doctor_folder(d, "report folder", cf->fleet.report, DB_NEED);
	fleet_db_close(db);
}
