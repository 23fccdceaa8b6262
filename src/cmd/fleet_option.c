/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_option.c - --fleet: the file, and the configuration that it is the last part of
 */
#include "cmd.h"

#include <stmota/fs.h>

const char *cmd_fleet_path(const struct command_env *env)
{
	return opt_str(env->opts, "fleet", config_get(env->config, "defaults", NULL, "fleet"));
}

static int no_file(const struct command_env *env, const char *path, struct err *e)
{
	err_set(e, ERR_USAGE, "there is no fleet file %s", path);
	if (opt_given(env->opts, "fleet"))
		return err_hint(e, "'stmota fleet adopt --fleet %s' begins one", path);
	return err_hint(e, "name it with --fleet FILE, or by fleet = FILE in [defaults]");
}

int cmd_fleet_open(const struct command_env *env, fleet_finding_fn *fn, void *ctx,
	struct cmd_fleet *ret, struct err *e)
{
	struct cmd_fleet f = {.path = cmd_fleet_path(env), .env = *env};
	int rc;

	/* What is delivered is delivered by `flash --config FLEET`: one file says it all. */
	if (opt_given(env->opts, "config")) {
		err_set(e, ERR_USAGE, "--config and a fleet file exclude each other");
		return err_hint(e, "a fleet file is a configuration file: put the settings there");
	}
	if (!fs_exists(f.path))
		return no_file(env, f.path, e);
	rc = config_load(NULL, &f.config, e);
	if (rc == 0)
		rc = config_load_file(f.config, f.path, e);
	if (rc == 0)
		rc = fleet_load(f.config, f.path, fn, ctx, &f.fleet, e);
	if (rc < 0) {
		cmd_fleet_close(&f);
		return rc;
	}
	f.env.config = f.config;
	*ret = f;
	return 0;
}

void cmd_fleet_close(struct cmd_fleet *f)
{
	fleet_done(&f->fleet);
	config_free(f->config);
	f->config = NULL;
}
