/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_sign.c - adds signatures to a package: with a key here, or made elsewhere
 */
#include "cmd.h"

#include <string.h>

#include <stmota/fs.h>
#include <stmota/package.h>

#define SIGNATURE_FILE_MAX 4096

static const struct opt opts[] = {
	CMD_OPT_KEYS,
	OPT_OUT("FILE", "where the signed package goes (default: the same file)"),
	OPT_FILE("digest-out", "MESSAGE", "write what must be signed, 50 bytes, and sign nothing"),
	OPT_FILE("attach", "SIGNATURE", "add a signature that was made elsewhere"),
	OPT_FILE("public", "PUB.pem", "with --attach: the public key it was made with"),
	OPT_END,
};

static int check(const struct command_env *env, struct err *e)
{
	const struct opts *o = env->opts;
	bool digest = opt_given(o, "digest-out"), attach = opt_given(o, "attach");
	int ways = opt_given(o, "key") + digest + attach;

	if (ways == 0) {
		err_set(e, ERR_USAGE, "sign with which key?");
		return err_hint(e, "--key KEY.pem; 'stmota keygen' makes one");
	}
	if (ways > 1)
		return err_set(e, ERR_USAGE, "--key, --digest-out and --attach exclude each other");
	if (attach != opt_given(o, "public")) {
		err_set(e, ERR_USAGE, "--attach and --public go together");
		return err_hint(e, "--attach SIGNATURE --public PUB.pem");
	}
	if (digest && opt_given(o, "out"))
		return err_set(
			e, ERR_USAGE, "--digest-out changes no package: --out makes no sense");
	return cmd_check_keys(env, e);
}

/* The signer needs no more than these bytes, and can see the digest in them. */
static int write_message(
	const struct command_env *env, const struct buf *b, const char *to, struct err *e)
{
	uint8_t message[IMF_SIGN_MESSAGE_SIZE];
	struct package p;
	int rc = package_open(b->data, b->len, &p, e);

	if (rc < 0)
		return rc;
	imf_sign_message(p.digest, message);
	rc = fs_write(to, message, sizeof(message), 0644, e);
	if (rc < 0 || strcmp(to, "-") == 0)
		return rc;
	out_str(env->out, "message", to);
	out_bytes(env->out, "manifest_digest", p.digest, SHA256_SIZE);
	out_text(env->out,
		"ed25519: openssl pkeyutl -sign -rawin -inkey KEY.pem -in %s -out SIGNATURE", to);
	out_text(env->out, "p256:    openssl dgst -sha256 -sign KEY.pem -out SIGNATURE %s", to);
	out_text(env->out, "then:    stmota sign %s --attach SIGNATURE --public PUB.pem",
		opt_arg(env->opts, 0));
	return 0;
}

static int attach(const struct command_env *env, struct buf *b, struct err *e)
{
	const char *path = opt_str(env->opts, "attach", NULL);
	cleanup_buf struct buf signature = BUF_INIT;
	cleanup_key struct key *public = NULL;
	int rc = key_load_public(opt_str(env->opts, "public", NULL), &public, e);

	if (rc == 0)
		rc = fs_read(path, SIGNATURE_FILE_MAX, &signature, e);
	if (rc == 0 && package_attach(b, public, signature.data, signature.len, e) < 0)
		rc = err_wrap(e, "%s", path);
	return rc;
}

static int run(struct command_env *env, struct err *e)
{
	const char *path = opt_arg(env->opts, 0), *to = opt_str(env->opts, "out", path);
	const char *message = opt_str(env->opts, "digest-out", NULL);
	cleanup_buf struct buf b = BUF_INIT;
	struct package p;
	int rc = fs_read(path, FS_FILE_MAX, &b, e);

	if (rc == 0 && message != NULL)
		return write_message(env, &b, message, e);
	if (rc == 0)
		rc = opt_given(env->opts, "attach") ? attach(env, &b, e)
						    : cmd_sign_package(env, path, &b, e);
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
		"release. How many are needed is decided where the package is checked.\n\n"
		"Where the key must not meet the network: --digest-out writes the short message\n"
		"that is signed, --attach brings the signature back, checked.\n",
	.examples = "stmota sign app.sota --key release.pem\n"
		    "stmota sign app.sota --key 'pkcs11:token=release;object=lamp' \\\n"
		    "    --passphrase-file pin --out app-signed.sota\n"
		    "stmota sign app.sota --digest-out message\n"
		    "stmota sign app.sota --attach signature --public release.pub.pem\n",
	.group = COMMAND_PACKAGE,
	.opts = opts,
	.flags = CMD_JSON,
	.min_args = 1,
	.max_args = 1,
	.check = check,
	.run = run,
};
