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

int cmd_keys_load(const struct command_env *env, struct cmd_keys *ret, struct err *e)
{
	size_t n = opt_count(env->opts, "key");
	int rc = cmd_check_keys(env, e);

	*ret = (struct cmd_keys){0};
	if (rc == 0 && n > CMD_KEYS_MAX)
		rc = err_set(e, ERR_USAGE, "more than %d times --key", CMD_KEYS_MAX);
	for (; rc == 0 && ret->n < n; ret->n += rc == 0) {
		struct key_unlock unlock = unlock_for(env, ret->n);

		rc = key_load_private(
			opt_str_at(env->opts, "key", ret->n), &unlock, &ret->v[ret->n], e);
	}
	return rc;
}

int cmd_keys_sign(const struct cmd_keys *keys, const char *name, struct buf *package, struct err *e)
{
	for (size_t i = 0; i < keys->n; i++)
		if (package_sign(package, keys->v[i], e) < 0)
			return err_wrap(e, "%s", name);
	return 0;
}

void cmd_keys_done(struct cmd_keys *keys)
{
	for (size_t i = 0; i < keys->n; i++)
		key_free(keys->v[i]);
	keys->n = 0;
}

int cmd_sign_package(
	const struct command_env *env, const char *name, struct buf *package, struct err *e)
{
	struct cmd_keys keys = {0};
	int rc = cmd_keys_load(env, &keys, e);

	if (rc == 0)
		rc = cmd_keys_sign(&keys, name, package, e);
	cmd_keys_done(&keys);
	return rc;
}
