/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache_option.c - the section [cache]
 */
#include "cmd.h"

#include <stdio.h>

#include <stmota/file_cache.h>
#include <stmota/state.h>

int cmd_cache_settings(const struct command_env *env, struct file_cache *ret, struct err *e)
{
	const struct config *c = env->config;
	const char *dir = config_get(c, "cache", NULL, "dir");
	char state[PATH_MAX - sizeof("/cache")];
	uint32_t max = 0;
	int rc = config_u32(c, "cache", NULL, "size", 0, &max, e);

	if (rc == 0 && dir == NULL)
		rc = state_folder(config_get(c, "state", NULL, "dir"), state, sizeof(state), e);
	if (rc < 0)
		return rc;
	if (snprintf(ret->dir, sizeof(ret->dir), "%s%s", dir != NULL ? dir : state,
		    dir != NULL ? "" : "/cache") >= (int)sizeof(ret->dir))
		return err_set(e, ERR_CONFIG, "name of the cache folder is too long");
	ret->max = max;
	return 0;
}
