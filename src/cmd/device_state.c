/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd.h"

#include <limits.h>
#include <stdio.h>

#include <stmota/device.h>
#include <stmota/state.h>

int cmd_open_state(
	const struct command_env *env, const struct device *d, struct state **ret, struct err *e)
{
	const struct device_facts *f = &d->facts;
	char folder[PATH_MAX], key[160];
	int rc = state_folder(
		config_get(env->config, "state", NULL, "dir"), folder, sizeof(folder), e);

	if (rc < 0)
		return rc;
	if (f->has_uid) {
		for (size_t i = 0; i < sizeof(f->uid); i++)
			snprintf(key + 2 * i, 3, "%02x", f->uid[i]);
	} else {
		snprintf(key, sizeof(key), "%s", d->name);
	}
	return state_open(folder, key, ret, e);
}
