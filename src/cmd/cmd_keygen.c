/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_keygen.c - makes a pair of signing keys
 */
#include "cmd.h"

#include <unistd.h>

#include <stmota/fs.h>
#include <stmota/key.h>

static const struct opt opts[] = {
	OPT_CHOICE("type", "ed25519|p256",
		"algorithm (default ed25519); p256 where the device has hardware for it"),
	OPT_OUT("KEY.pem", "private key, mode 0600; keep it secret"),
	OPT_FILE("public", "PUB.pem", "public key, for those who check"),
	CMD_OPT_PROTECT,
	OPT_END,
};

static int refuse_existing(const char *path, struct err *e)
{
	if (path == NULL || !fs_exists(path))
		return 0;
	err_set(e, ERR_USAGE, "%s exists already", path);
	return err_hint(e, "a key is never overwritten: choose another name");
}

static int run(struct command_env *env, struct err *e)
{
	const char *out = opt_str(env->opts, "out", NULL);
	const char *public = opt_str(env->opts, "public", NULL);
	cleanup_key struct key *k = NULL;
	enum key_type type;
	int rc;

	if (out == NULL) {
		err_set(e, ERR_USAGE, "where should the private key go?");
		return err_hint(e, "stmota keygen --out KEY.pem --public PUB.pem");
	}
	rc = key_type_parse(opt_str(env->opts, "type", "ed25519"), &type, e);
	/* Both names are looked at first: half a pair would only be in the way. */
	if (rc == 0)
		rc = refuse_existing(out, e);
	if (rc == 0)
		rc = refuse_existing(public, e);
	if (rc == 0)
		rc = key_generate(type, &k, e);
	if (rc == 0)
		rc = cmd_save_private(env, k, out, e);
	if (rc < 0)
		return rc;
	rc = public != NULL ? key_save_public(k, public, e) : 0;
	if (rc < 0) {
		unlink(out);
		return rc;
	}
	out_str(env->out, "type", key_type_name(type));
	out_bytes(env->out, "key_id", key_id(k), KEY_ID_SIZE);
	out_str(env->out, "private", out);
	out_str(env->out, "public", public);
	return 0;
}

const struct command cmd_keygen = {
	.name = "keygen",
	.args = "",
	.needs = "--out KEY.pem",
	.summary = "make a pair of signing keys",
	.details =
		"Keys are PEM files as openssl writes them. Whoever has the private key can make\n"
		"packages that your devices take: keep it off the gateways.\n"
		"With a passphrase it is PKCS#8 under AES-256 and scrypt, which openssl reads.\n",
	.examples = "stmota keygen --out release.pem --public release.pub.pem\n"
		    "stmota keygen --protect --out release.pem --public release.pub.pem\n"
		    "stmota keygen --type p256 --out release.pem --public release.pub.pem\n",
	.group = COMMAND_PACKAGE,
	.opts = opts,
	.flags = CMD_JSON,
	.run = run,
};
