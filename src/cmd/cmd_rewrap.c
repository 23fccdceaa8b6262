/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_rewrap.c - a package that was encrypted for one device is made for others
 */
#include "cmd.h"

#include <string.h>
#include <time.h>

#include <stmota/fs.h>

static const struct opt opts[] = {
	OPT_FILE("device-key", "DEVICE.pem", "private key of a device that it is encrypted for"),
	OPT_FILES("encrypt-to", "PUB.pem", "public key of a device that shall open it; up to 8"),
	OPT_FILES("trust", "PUB.pem|DIR", "check the signatures too: public keys to believe"),
	OPT_OUT("OUT.sota", "the new package; it may be FILE itself"),
	OPT_END,
};

static int check(const struct command_env *env, struct err *e)
{
	static const char *const needed[] = {"device-key", "encrypt-to", "out"};

	for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
		if (opt_given(env->opts, needed[i]))
			continue;
		err_set(e, ERR_USAGE, "--%s is missing", needed[i]);
		return err_hint(e, "stmota rewrap FILE --device-key DEVICE.pem "
				   "--encrypt-to OTHER.pub.pem --out OUT.sota");
	}
	return 0;
}

static int unlock(const struct command_env *env, struct package *p, struct err *e)
{
	struct key_unlock ask = {
		.file = config_get(env->config, "key", NULL, "passphrase_file"), .ask = false};
	cleanup_secret struct secret s = SECRET_INIT;
	cleanup_trust struct trust t = TRUST_INIT;
	int rc = secret_load(opt_str(env->opts, "device-key", ""), &ask, &s, e);

	if (rc == 0 && opt_given(env->opts, "trust")) {
		rc = cmd_load_trust(env, &t, e);
		if (rc == 0)
			rc = package_verify(p, &t, (uint64_t)time(NULL), NULL, e);
	}
	return rc < 0 ? rc : package_unlock(p, &s, e);
}

static int rewrap(const struct command_env *env, struct buf *file, size_t *ret_n, struct err *e)
{
	struct key *to[IMF_WRAPS_MAX] = {NULL};
	size_t n = 0;
	struct package p = {0};
	int rc = cmd_load_devices(env, to, &n, e);

	if (rc == 0) {
		rc = package_open(file->data, file->len, &p, e);
		if (rc == 0)
			rc = unlock(env, &p, e);
		if (rc == 0)
			rc = package_rewrap(file, &p, to, n, e);
		if (rc < 0)
			err_wrap(e, "%s", opt_arg(env->opts, 0));
	}
	secret_wipe(p.root, sizeof(p.root));
	for (size_t i = 0; i < IMF_WRAPS_MAX; i++)
		key_free(to[i]);
	*ret_n = n;
	return rc;
}

static int run(struct command_env *env, struct err *e)
{
	const char *out = opt_str(env->opts, "out", NULL);
	cleanup_buf struct buf file = BUF_INIT;
	struct package made;
	size_t n = 0;
	int rc = fs_read(opt_arg(env->opts, 0), FS_FILE_MAX, &file, e);

	if (rc == 0)
		rc = rewrap(env, &file, &n, e);
	if (rc == 0)
		rc = package_open(file.data, file.len, &made, e);
	if (rc == 0)
		rc = fs_write(out, file.data, file.len, 0644, e);
	if (rc < 0 || strcmp(out, "-") == 0)
		return rc;
	out_str(env->out, "file", out);
	out_uint(env->out, "devices", n);
	out_uint(env->out, "signatures", made.n_signatures);
	out_bytes(env->out, "manifest_digest", made.digest, SHA256_SIZE);
	return 0;
}

const struct command cmd_rewrap = {
	.name = "rewrap",
	.args = "FILE",
	.needs = "--device-key KEY --encrypt-to PUB --out OUT",
	.summary = "make an encrypted package for other devices, without its signer",
	.details =
		"The key of the package is opened with the private key of a device it is encrypted\n"
		"for, and wrapped to those that --encrypt-to names, instead of the ones before.\n"
		"Manifest, signatures and payloads stay what they are.\n",
	.examples =
		"stmota rewrap app.sota --device-key depot.pem --encrypt-to lamp-17.pub.pem \\\n"
		"    --out lamp-17.sota\n",
	.group = COMMAND_PACKAGE,
	.opts = opts,
	.flags = CMD_JSON,
	.min_args = 1,
	.max_args = 1,
	.check = check,
	.run = run,
};
