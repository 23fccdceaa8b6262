/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_option.c - the private keys of a command: --key, --passphrase-file
 */
#include "cmd.h"

#include <unistd.h>

#include <stmota/package.h>

static struct key_unlock unlock_for(const struct command_env *env, size_t i)
{
	size_t n = opt_count(env->opts, "passphrase-file");
	struct key_unlock u = {.file = config_get(env->config, "key", NULL, "passphrase_file"),
		.ask = isatty(STDIN_FILENO) && isatty(STDERR_FILENO)};

	/* One for all keys, or one for each. */
	if (n > 0)
		u.file = opt_str_at(env->opts, "passphrase-file", n == 1 ? 0 : i);
	return u;
}

int cmd_check_keys(const struct command_env *env, struct err *e)
{
	size_t n_keys = opt_count(env->opts, "key");
	size_t n = opt_count(env->opts, "passphrase-file");

	if (n <= 1 || n == n_keys)
		return 0;
	return err_set(e, ERR_USAGE,
		"%zu --passphrase-file for %zu --key: one for all, or one each", n, n_keys);
}

struct key_unlock cmd_unlock(const struct command_env *env)
{
	return unlock_for(env, 0);
}

int cmd_save_private(
	const struct command_env *env, const struct key *k, const char *path, struct err *e)
{
	struct key_unlock unlock = cmd_unlock(env);

	if (!opt_given(env->opts, "protect") && !opt_given(env->opts, "passphrase-file"))
		return key_save_private(k, path, e);
	return key_save_protected(k, path, &unlock, e);
}

int cmd_sign_package(
	const struct command_env *env, const char *name, struct buf *package, struct err *e)
{
	int rc = cmd_check_keys(env, e);

	for (size_t i = 0; rc == 0 && i < opt_count(env->opts, "key"); i++) {
		struct key_unlock unlock = unlock_for(env, i);
		cleanup_key struct key *k = NULL;

		rc = key_load_private(opt_str_at(env->opts, "key", i), &unlock, &k, e);
		if (rc == 0 && package_sign(package, k, e) < 0)
			rc = err_wrap(e, "%s", name);
	}
	return rc;
}
