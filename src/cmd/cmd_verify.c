/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_verify.c - says who signed a package, an MCUboot or an SBSFU image, and whether that is enough
 */
#include "cmd.h"
#include "verify.h"

#include <time.h>

#include <stmota/fmt.h>
#include <stmota/fs.h>
#include <stmota/package.h>

static const struct opt opts[] = {
	OPT_FILES("trust", "PUB.pem|DIR", "public keys to believe, instead of the configured ones"),
	CMD_OPT_DECRYPT_IMAGE,
	OPT_FILE("passphrase-file", "FILE", "its first line is the passphrase of that key"),
	OPT_END,
};

void verify_show_signers(struct out *o, const struct trust_signer *signers, size_t n)
{
	out_table(o, "signed_by");
	for (size_t i = 0; i < n; i++) {
		const struct trust_key *k = signers[i].key;

		out_object(o, NULL);
		out_str(o, "key", k->name);
		out_str(o, "type", key_type_name(key_type(k->key)));
		out_bytes(o, "key_id", key_id(k->key), KEY_ID_SIZE);
		out_str(o, "role", trust_role_name(k->conf.role));
		out_str(o, "group", k->conf.group);
		out_bool(o, "counts", signers[i].counted);
		out_end(o);
	}
	out_end(o);
}

static void show_payloads(struct out *o, const struct package *p)
{
	out_table(o, "payloads");
	for (size_t i = 0; i < p->header.n_components; i++) {
		struct imf_component c = package_component(p, i);

		out_object(o, NULL);
		out_str(o, "name", p->names[i][0] != '\0' ? p->names[i] : NULL);
		out_str(o, "kind", package_kind_name(c.kind));
		out_size(o, "size", c.plain_size);
		/* Of what is encrypted it is no SHA-256 of the plain bytes alone. */
		if ((c.encoding & IMF_ENC_ENCRYPTED) == 0)
			out_bytes(o, "sha256", c.plain_digest, SHA256_SIZE);
		else
			out_str(o, "sha256", NULL);
		out_end(o);
	}
	out_end(o);
}

/* To the last plain byte. */
static int check_content(const struct command_env *env, struct package *p, struct err *e)
{
	int rc = 0;

	if (!package_is_encrypted(p, NULL))
		return err_set(e, ERR_USAGE, "nothing is encrypted: --decrypt-key opens nothing");
	rc = cmd_unlock_package(env, p, e);
	for (size_t i = 0; rc == 0 && i < p->header.n_components; i++) {
		cleanup_buf struct buf content = BUF_INIT;

		rc = package_content(p, i, &content, e);
	}
	return rc;
}

static int verify_package(
	struct command_env *env, const char *path, const struct buf *b, struct err *e)
{
	cleanup_trust struct trust t = TRUST_INIT;
	struct package_verdict verdict = {0};
	char version[VERSION_TEXT_SIZE];
	struct package p;
	int rc;

	rc = cmd_load_trust(env, &t, e);
	if (rc < 0)
		return rc;
	rc = package_open(b->data, b->len, &p, e);
	if (rc == 0)
		rc = package_verify(&p, &t, (uint64_t)time(NULL), &verdict, e);
	if (rc == 0 && opt_given(env->opts, "decrypt-key"))
		rc = check_content(env, &p, e);
	if (rc < 0) {
		/* No package at all: not what a trusted key signed either. */
		if (rc == ERR_FORMAT && e != NULL)
			e->code = ERR_SIGNATURE;
		return err_wrap(e, "%s", path);
	}
	out_str(env->out, "file", path);
	out_str(env->out, "product", p.product[0] != '\0' ? p.product : NULL);
	out_str(env->out, "version", version_format(p.header.version, version));
	out_bytes(env->out, "manifest_digest", p.digest, SHA256_SIZE);
	out_uint(env->out, "signatures", p.n_signatures);
	out_bool(env->out, "encrypted", package_is_encrypted(&p, NULL));
	if (opt_given(env->opts, "decrypt-key"))
		out_bool(env->out, "opened", true);
	verify_show_signers(env->out, verdict.signers, verdict.n_signers);
	show_payloads(env->out, &p);
	out_text(env->out, "%s is good.", path);
	return 0;
}

static int run(struct command_env *env, struct err *e)
{
	const char *path = opt_arg(env->opts, 0);
	cleanup_buf struct buf b = BUF_INIT;
	int rc = cmd_read_input(env, path, FS_FILE_MAX, &b, e);

	if (rc < 0)
		return rc;
	switch (fmt_detect(b.data, b.len)->kind) {
	case FMT_MCUBOOT: return verify_mcuboot(env, path, &b, e);
	case FMT_SFB: return verify_sfb(env, path, &b, e);
	default: return verify_package(env, path, &b, e);
	}
}

const struct command cmd_verify = {
	.name = "verify",
	.args = "FILE",
	.summary = "check the signatures and digests of a package, an MCUboot or an SBSFU image",
	.details =
		"Without --trust the keys in /etc/stmota/trust.d and the user's own trust.d\n"
		"count. Exit status 7: damaged, not signed, or not by enough trusted keys.\n"
		"With --decrypt-key an encrypted package is opened and its content checked too.\n"
		"\n"
		"An MCUboot image is checked as its loader does it, with RSA and P-384 keys too;\n"
		"an encrypted one needs --decrypt-key.\n",
	.examples = "stmota verify app.sota --trust release.pub.pem\n"
		    "stmota verify app.sota --trust /etc/stmota/trust.d --json\n"
		    "stmota verify app.img --trust release.pub.pem\n",
	.group = COMMAND_PACKAGE,
	.opts = opts,
	.flags = CMD_JSON,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
