/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_keygen.c - makes a pair of signing keys, a product key, or the pair of a device
 */
#include "cmd.h"

#include <string.h>
#include <unistd.h>

#include <stmota/fs.h>
#include <stmota/key.h>

static const struct opt opts[] = {
	OPT_CHOICE("type", "ed25519|p256|aes128|aes256|p256-device",
		"to sign: ed25519 (default), p256 where the device has hardware for it; "
		"to encrypt: aes128 or aes256, a product key, or p256-device, the pair of one "
		"device"),
	OPT_OUT("KEY", "private key or product key, mode 0600; keep it secret"),
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

/* No pair: 16 or 32 random bytes. */
static int make_product(
	const struct command_env *env, const char *kind, const char *out, struct err *e)
{
	static const char *const of_pairs[] = {"public", "protect", "passphrase-file"};
	cleanup_secret struct secret s = SECRET_INIT;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(of_pairs); i++)
		if (opt_given(env->opts, of_pairs[i]))
			rc = err_set(e, ERR_USAGE, "--%s: a product key is no pair of keys",
				of_pairs[i]);
	if (rc == 0)
		rc = secret_make_product(strcmp(kind, "aes128") == 0 ? 16 : 32, &s, e);
	if (rc == 0)
		rc = secret_save_product(&s, out, e);
	if (rc < 0)
		return rc;
	out_str(env->out, "type", kind);
	out_str(env->out, "private", out);
	return 0;
}

static int run(struct command_env *env, struct err *e)
{
	const char *out = opt_str(env->opts, "out", NULL);
	const char *public = opt_str(env->opts, "public", NULL);
	cleanup_key struct key *k = NULL;
	const char *kind = opt_str(env->opts, "type", "ed25519");
	bool device = strcmp(kind, "p256-device") == 0;
	enum key_type type;
	int rc;

	if (out != NULL && strncmp(kind, "aes", 3) == 0)
		return make_product(env, kind, out, e);
	if (out == NULL) {
		err_set(e, ERR_USAGE, "where should the private key go?");
		return err_hint(e, "stmota keygen --out KEY.pem --public PUB.pem");
	}
	rc = key_type_parse(device ? "p256" : kind, &type, e);
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
	out_str(env->out, "type", kind);
	out_bytes(env->out, "key_id", key_id(k), KEY_ID_SIZE);
	out_str(env->out, "private", out);
	out_str(env->out, "public", public);
	return 0;
}

const struct command cmd_keygen = {
	.name = "keygen",
	.args = "",
	.needs = "--out KEY.pem",
	.summary = "make keys that sign or encrypt",
	.details =
		"Keys are PEM files as openssl writes them. Whoever has the private key can make\n"
		"packages that your devices take: keep it off the gateways.\n"
		"With a passphrase it is PKCS#8 under AES-256 and scrypt, which openssl reads.\n"
		"A product key (aes128, aes256) is a line of hexadecimal digits that every device of\n"
		"the product holds; one opened device gives it away. Of a p256-device pair the\n"
		"private half belongs into one device and nowhere else; never sign with it.\n",
	.examples = "stmota keygen --out release.pem --public release.pub.pem\n"
		    "stmota keygen --protect --out release.pem --public release.pub.pem\n"
		    "stmota keygen --type p256 --out release.pem --public release.pub.pem\n"
		    "stmota keygen --type aes128 --out lamp.key\n"
		    "stmota keygen --type p256-device --out lamp-17.pem --public lamp-17.pub.pem\n",
	.group = COMMAND_PACKAGE,
	.opts = opts,
	.flags = CMD_JSON,
	.run = run,
};
