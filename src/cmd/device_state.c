/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device_state.c - what the host remembers of a device, and what of it cannot wait
 */
#include "cmd.h"

#include <limits.h>
#include <stdio.h>

#include <stmota/device.h>
#include <stmota/protect_job.h>
#include <stmota/state.h>

struct place {
	char folder[PATH_MAX], key[160];
};

static int place_of(
	const struct command_env *env, const struct device *d, struct place *ret, struct err *e)
{
	const struct device_facts *f = &d->facts;
	int rc = state_folder(
		config_get(env->config, "state", NULL, "dir"), ret->folder, sizeof(ret->folder), e);

	if (f->has_uid) {
		for (size_t i = 0; i < sizeof(f->uid); i++)
			snprintf(ret->key + 2 * i, 3, "%02x", f->uid[i]);
	} else {
		snprintf(ret->key, sizeof(ret->key), "%s", d->name);
	}
	return rc;
}

int cmd_open_state(
	const struct command_env *env, const struct device *d, struct state **ret, struct err *e)
{
	struct place p;
	int rc = place_of(env, d, &p, e);

	return rc == 0 ? state_open(p.folder, p.key, ret, e) : rc;
}

/* Whichever command comes next: a gateway may never be asked for the same update again. */
static int put_back(const struct command_env *env, struct device *d, struct err *e)
{
	struct state *s = NULL;
	struct place p;
	int rc;

	if (place_of(env, d, &p, NULL) < 0 || !state_is_there(p.folder, p.key))
		return 0;
	rc = state_open(p.folder, p.key, &s, e);
	if (rc == 0)
		rc = wrp_put_back(d, s, env->events, e);
	state_close(s);
	return rc;
}

int cmd_end_earlier(const struct command_env *env, struct device *d, struct err *e)
{
	struct err why = ERR_INIT;
	struct event warning = {.type = EVENT_WARNING, .text = why.msg};
	int rc;

	/* One that lifts it again at once leaves it lifted; what is refused now waits. */
	if (opt_given(env->opts, "dry-run") || opt_given(env->opts, "lift-wrp") ||
		d->facts.read_refused)
		return 0;
	rc = put_back(env, d, &why);
	if (rc == 0)
		return 0;
	if (env->looks && rc != ERR_INTERRUPTED) {
		event_emit(env->events, &warning);
		return 0;
	}
	*e = why;
	return rc;
}
