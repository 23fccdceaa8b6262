/* SPDX-License-Identifier: Apache-2.0 */
/*
 * encrypt_option.c - the keys that encrypt and open packages: --encrypt-key, --encrypt-to,
 * --decrypt-key
 */
#include "cmd.h"

#include <string.h>

#include <stmota/strparse.h>

int cmd_load_devices(
	const struct command_env *env, struct key *ret[IMF_WRAPS_MAX], size_t *ret_n, struct err *e)
{
	size_t n = opt_count(env->opts, "encrypt-to");
	int rc = 0;

	*ret_n = 0;
	if (n > IMF_WRAPS_MAX) {
		err_set(e, ERR_USAGE, "a package is encrypted for %u devices at most, not for %zu",
			IMF_WRAPS_MAX, n);
		return err_hint(e, "'stmota rewrap' makes copies for others without the signer");
	}
	for (size_t i = 0; rc == 0 && i < n; i++) {
		const char *path = opt_str_at(env->opts, "encrypt-to", i);

		rc = key_load_public(path, &ret[i], e);
		if (rc < 0)
			break;
		*ret_n = i + 1;
		rc = secret_check_device(ret[i], path, e);
	}
	return rc;
}

static int load_product(const struct command_env *env, struct cmd_lock *ret, struct err *e)
{
	cleanup_secret struct secret s = SECRET_INIT;
	int rc = secret_load_product(opt_str(env->opts, "encrypt-key", ""), &s, e);

	if (rc < 0)
		return rc;
	ret->lock.source = IMF_KEY_PRODUCT;
	ret->lock.key_len = s.product_len;
	memcpy(ret->lock.key, s.product, s.product_len);
	return 0;
}

int cmd_load_lock(const struct command_env *env, struct cmd_lock *ret, struct err *e)
{
	const struct opts *o = env->opts;
	bool product = opt_given(o, "encrypt-key");
	int rc;

	*ret = (struct cmd_lock){0};
	if (product && opt_given(o, "encrypt-to"))
		return err_set(e, ERR_USAGE, "--encrypt-key and --encrypt-to: one of them");
	if (opt_given(o, "cipher") && !opt_given(o, "encrypt-to")) {
		err_set(e, ERR_USAGE, "--cipher is for --encrypt-to");
		return err_hint(
			e, "with a product key its length says which: 16 bytes are AES-128");
	}
	ret->used = product || opt_given(o, "encrypt-to");
	if (product)
		return load_product(env, ret, e);
	if (!ret->used)
		return 0;
	ret->lock.source = IMF_KEY_WRAPPED;
	ret->lock.key_len = strcmp(opt_str(o, "cipher", "aes128"), "aes256") == 0 ? 32 : 16;
	rc = cmd_load_devices(env, ret->to, &ret->lock.n_to, e);
	ret->lock.to = ret->to;
	return rc < 0 ? rc : secret_random(ret->lock.key, ret->lock.key_len, e);
}

void cmd_lock_done(struct cmd_lock *l)
{
	for (size_t i = 0; i < IMF_WRAPS_MAX; i++)
		key_free(l->to[i]);
	secret_wipe(l, sizeof(*l));
}

int cmd_load_secret(const struct command_env *env, struct secret *ret, struct err *e)
{
	const char *path = opt_str(env->opts, "decrypt-key", NULL);
	struct key_unlock unlock = cmd_unlock(env);

	*ret = SECRET_INIT;
	return path != NULL ? secret_load(path, &unlock, ret, e) : 0;
}

int cmd_unlock_package(const struct command_env *env, struct package *p, struct err *e)
{
	cleanup_secret struct secret s = SECRET_INIT;
	int rc = cmd_load_secret(env, &s, e);

	return rc < 0 ? rc : package_unlock(p, &s, e);
}
