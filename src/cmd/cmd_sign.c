/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_sign.c - adds signatures to a package
 */
#include "cmd.h"

#include <string.h>

#include <stmota/fs.h>
#include <stmota/package.h>

static const struct opt opts[] = {
	OPT_FILES("key", "KEY.pem", "private key to sign with"),
	OPT_OUT("FILE", "where the signed package goes (default: the same file)"),
	OPT_END,
};

static int run(struct command_env *env, struct err *e)
{
	const char *path = opt_arg(env->opts, 0);
	const char *to = opt_str(env->opts, "out", path);
	cleanup_buf struct buf b = BUF_INIT;
	struct package p;
	int rc;

	if (!opt_given(env->opts, "key")) {
		err_set(e, ERR_USAGE, "sign with which key?");
		return err_hint(e, "--key KEY.pem; 'stmota keygen' makes one");
	}
	rc = fs_read(path, FS_FILE_MAX, &b, e);
	if (rc < 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < opt_count(env->opts, "key"); i++) {
		const char *key_path = opt_str_at(env->opts, "key", i);
		cleanup_key struct key *k = NULL;

		rc = key_load_private(key_path, &k, e);
		if (rc == 0 && package_sign(&b, k, e) < 0)
			rc = err_wrap(e, "%s", path);
	}
	if (rc == 0)
		rc = package_open(b.data, b.len, &p, e);
	if (rc == 0)
		rc = fs_write(to, b.data, b.len, 0644, e);
	if (rc < 0 || strcmp(to, "-") == 0)
		return rc;
	out_str(env->out, "file", to);
	out_uint(env->out, "signatures", p.n_signatures);
	out_bytes(env->out, "manifest_digest", p.digest, SHA256_SIZE);
	return 0;
}

const struct command cmd_sign = {
	.name = "sign",
	.args = "FILE",
	.needs = "--key KEY.pem",
	.summary = "add a signature to a package",
	.details =
		"Signatures that are there stay: keys can be rotated, and two people can sign one\n"
		"release. How many are needed is decided where the package is checked.\n",
	.examples = "stmota sign app.sota --key release.pem\n"
		    "stmota sign app.sota --key second.pem --out app-signed.sota\n",
	.group = COMMAND_PACKAGE,
	.opts = opts,
	.flags = CMD_JSON,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
