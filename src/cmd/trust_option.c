/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust_option.c - which keys a command believes: --trust, else [trust] dir, else the usual folders
 */
#include "cmd.h"

int cmd_load_trust(const struct command_env *env, struct trust *ret, struct err *e)
{
	const char *dir = config_get(env->config, "trust", NULL, "dir");
	size_t n = opt_count(env->opts, "trust");
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = trust_add(ret, opt_str_at(env->opts, "trust", i), e);
	if (n > 0)
		return rc;
	return dir != NULL ? trust_add(ret, dir, e) : trust_add_default(ret, e);
}
