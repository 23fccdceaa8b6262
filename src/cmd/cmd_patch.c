/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_patch.c - makes the new image from the old one and a delta package
 */
#include "cmd.h"

#include <string.h>
#include <time.h>

#include <stmota/fs.h>

#include "delta_files.h"

static const struct opt opts[] = {
	OPT_FILES("trust", "PUB.pem|DIR", "check the signatures too: public keys to believe"),
	CMD_OPT_DECRYPT,
	OPT_OUT("NEW", "the new image, a raw binary"),
	OPT_END,
};

static int open_delta(const struct command_env *env, const char *path, const struct buf *b,
	struct package *ret, struct imf_delta *ret_delta, struct err *e)
{
	int rc = package_open(b->data, b->len, ret, e);

	if (rc == 0 && opt_given(env->opts, "trust")) {
		cleanup_trust struct trust t = TRUST_INIT;

		rc = cmd_load_trust(env, &t, e);
		if (rc == 0)
			rc = package_verify(ret, &t, (uint64_t)time(NULL), NULL, e);
	}
	if (rc == 0)
		rc = cmd_unlock_package(env, ret, e);
	if (rc < 0)
		return err_wrap(e, "%s", path);
	if (ret->header.n_components != 1)
		return err_set(e, ERR_UNSUPPORTED,
			"%s: deltas of packages with several components are not "
			"supported",
			path);
	if (!imf_manifest_delta(&ret->manifest, 0, ret_delta)) {
		err_set(e, ERR_USAGE, "%s is no delta package", path);
		return err_hint(e, "it holds the whole image; 'stmota diff' makes deltas");
	}
	return 0;
}

static int apply(const struct package *p, const struct imf_delta *d, const struct delta_file *old,
	struct buf *ret, struct err *e)
{
	struct imf_component c = package_component(p, 0);
	struct delta_image base = delta_file_image(old);
	struct delta_recipe r = {
		.ram = d->ram,
		.base_len = d->len,
		.base_addr = d->addr,
		.plain_size = c.plain_size,
		.load_addr = c.load_addr,
	};
	cleanup_buf struct buf payload = BUF_INIT;
	struct imf_groups groups;
	uint8_t salt[IMF_SALT_SIZE];
	int rc;

	if (imf_manifest_in_place(&p->manifest, 0, &groups))
		r.groups = &groups;
	memcpy(r.base_digest, d->digest, SHA256_SIZE);
	memcpy(r.plain_digest, c.plain_digest, SHA256_SIZE);
	if (package_plain_salt(p, 0, salt))
		r.plain_salt = salt;
	rc = package_content(p, 0, &payload, e);
	return rc < 0 ? rc : delta_apply(&r, &base, payload.data, payload.len, ret, e);
}

static int run(struct command_env *env, struct err *e)
{
	const char *to = opt_str(env->opts, "out", NULL), *path = opt_arg(env->opts, 1);
	cleanup_buf struct buf file = BUF_INIT, made = BUF_INIT;
	struct delta_file old = DELTA_FILE_INIT;
	struct imf_delta delta = {0};
	struct package p;
	int rc;

	if (to == NULL) {
		err_set(e, ERR_USAGE, "where should the new image go?");
		return err_hint(e, "stmota patch OLD PATCH.sota --out NEW");
	}
	rc = fs_read(path, FS_FILE_MAX, &file, e);
	if (rc == 0)
		rc = open_delta(env, path, &file, &p, &delta, e);
	if (rc < 0)
		return rc;
	rc = delta_file_read(opt_arg(env->opts, 0), &delta.addr, &old, e);
	if (rc == 0)
		rc = apply(&p, &delta, &old, &made, e);
	delta_file_done(&old);
	if (rc == 0)
		rc = fs_write(to, made.data, made.len, 0644, e);
	if (rc < 0 || strcmp(to, "-") == 0)
		return rc;
	out_str(env->out, "file", to);
	out_hex(env->out, "address", p.header.load_addr, 8);
	out_size(env->out, "size", made.len);
	out_bytes(env->out, "sha256", package_component(&p, 0).plain_digest, SHA256_SIZE);
	if (!opt_given(env->opts, "trust"))
		out_text(env->out, "signatures were not checked here (--trust PUB.pem)");
	return 0;
}

const struct command cmd_patch = {
	.name = "patch",
	.args = "OLD PATCH.sota",
	.needs = "--out NEW",
	.summary = "make the new image from the old one and a delta package",
	.details =
		"OLD must be the image that the delta was made from, as an image or as the full\n"
		"package. What comes out has the digest of the package's manifest, or nothing\n"
		"comes out.\n",
	.examples = "stmota patch app-1.0.bin patch.sota --out app-1.1.bin\n"
		    "stmota patch app-1.0.sota patch.sota --trust release.pub.pem --out new.bin\n",
	.group = COMMAND_PACKAGE,
	.opts = opts,
	.flags = CMD_JSON,
	.min_args = 2,
	.max_args = 2,
	.run = run,
};
