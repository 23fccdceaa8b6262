/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_key_rotate.c - a new key takes the place of an old one in a trust folder, with an overlap
 */
#include "cmd.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <stmota/fs.h>

#define DAYS_USUAL 90

static const struct opt opts[] = {
	OPT_FILE("trust", "DIR", "the trust folder; it holds OLD.pem"),
	OPT_OUT("KEY.pem", "private key of the new pair, mode 0600; keep it secret"),
	OPT_FILE("public", "PUB.pem", "take this public key instead of making a pair"),
	OPT_U32("days", "N", "how long the old key still counts (default 90)"),
	CMD_OPT_PROTECT,
	OPT_END,
};

struct rotation {
	char old_pem[PATH_MAX], old_conf[PATH_MAX], new_pem[PATH_MAX], new_conf[PATH_MAX];
	struct trust_conf conf; /* of the old key */
	struct key *old, *new;  /* owned */
	uint64_t until;         /* the old key's last second */
};

static void rotation_done(struct rotation *r)
{
	key_free(r->old);
	key_free(r->new);
}

static int check(const struct command_env *env, struct err *e)
{
	const struct opts *o = env->opts;

	if (!opt_given(o, "trust") || opt_given(o, "out") == opt_given(o, "public")) {
		err_set(e, ERR_USAGE, "--trust DIR and either --out or --public are needed");
		return err_hint(e, "stmota key rotate release-2026 release-2027 --trust "
				   "/etc/stmota/trust.d --out release-2027.pem");
	}
	for (size_t i = 0; i < 2; i++)
		if (strchr(opt_arg(o, i), '/') != NULL || opt_arg(o, i)[0] == '.')
			return err_set(e, ERR_USAGE,
				"'%s' is no name in a trust folder: NAME stands for NAME.pem there",
				opt_arg(o, i));
	return 0;
}

static int path_in(char *ret, const char *dir, const char *name, const char *end, struct err *e)
{
	if (snprintf(ret, PATH_MAX, "%s/%s%s", dir, name, end) < PATH_MAX)
		return 0;
	return err_set(e, ERR_IO, "file name too long in %s", dir);
}

static int refuse_existing(const char *path, struct err *e)
{
	if (path == NULL || !fs_exists(path))
		return 0;
	err_set(e, ERR_USAGE, "%s exists already", path);
	return err_hint(e, "a key is never overwritten: choose another name");
}

static int look(const struct command_env *env, struct rotation *r, struct err *e)
{
	const char *dir = opt_str(env->opts, "trust", NULL);
	const char *old = opt_arg(env->opts, 0), *new = opt_arg(env->opts, 1);
	cleanup_buf struct buf text = BUF_INIT;
	int rc = path_in(r->old_pem, dir, old, ".pem", e);

	if (rc == 0)
		rc = path_in(r->old_conf, dir, old, ".conf", e);
	if (rc == 0)
		rc = path_in(r->new_pem, dir, new, ".pem", e);
	if (rc == 0)
		rc = path_in(r->new_conf, dir, new, ".conf", e);
	if (rc == 0)
		rc = key_load_public(r->old_pem, &r->old, e);
	if (rc == 0 && fs_exists(r->old_conf))
		rc = fs_read(r->old_conf, TRUST_CONF_MAX, &text, e);
	if (rc == 0)
		rc = trust_conf_parse((const char *)text.data, text.len, r->old_conf, &r->conf, e);
	if (rc == 0)
		rc = refuse_existing(r->new_pem, e);
	if (rc == 0)
		rc = refuse_existing(r->new_conf, e);
	return rc == 0 ? refuse_existing(opt_str(env->opts, "out", NULL), e) : rc;
}

static int make(const struct command_env *env, struct rotation *r, struct err *e)
{
	const char *public = opt_str(env->opts, "public", NULL);
	int rc;

	if (public == NULL) {
		rc = key_generate(key_type(r->old), &r->new, e);
		return rc == 0 ? cmd_save_private(env, r->new, opt_str(env->opts, "out", NULL), e)
			       : rc;
	}
	rc = key_load_public(public, &r->new, e);
	if (rc == 0 && memcmp(key_fingerprint(r->new), key_fingerprint(r->old), SHA256_SIZE) == 0)
		return err_set(e, ERR_USAGE, "%s is the old key", public);
	return rc;
}

static int write_conf(const char *path, const struct trust_conf *c, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT;
	int rc = trust_conf_text(c, &text, e);

	return rc == 0 ? fs_write(path, text.data, text.len, 0644, e) : rc;
}

/* The new key counts before the old one gets an end: whatever fails, one of them counts. */
static int change_folder(struct rotation *r, struct err *e)
{
	struct trust_conf c = r->conf;
	int rc;

	c.not_after = TRUST_FOR_EVER;
	rc = write_conf(r->new_conf, &c, e);
	if (rc == 0)
		rc = key_save_public(r->new, r->new_pem, e);
	if (rc < 0)
		return rc;
	c.not_after = r->until;
	return write_conf(r->old_conf, &c, e);
}

static int run(struct command_env *env, struct err *e)
{
	CLEANUP(rotation_done) struct rotation r = {0};
	uint64_t days = opt_u32(env->opts, "days", DAYS_USUAL);
	char day[TRUST_DAY_SIZE];
	int rc = look(env, &r, e);

	if (rc == 0)
		rc = make(env, &r, e);
	if (rc < 0)
		return rc;
	r.until = (uint64_t)time(NULL) / 86400 * 86400 + days * 86400 + 86399;
	if (r.until > r.conf.not_after)
		r.until = r.conf.not_after;
	rc = change_folder(&r, e);
	if (rc < 0)
		return rc;
	trust_day(r.until, day);
	out_str(env->out, "old_key", opt_arg(env->opts, 0));
	out_str(env->out, "old_counts_until", day);
	out_str(env->out, "new_key", opt_arg(env->opts, 1));
	out_bytes(env->out, "new_key_id", key_id(r.new), KEY_ID_SIZE);
	out_str(env->out, "role", trust_role_name(r.conf.role));
	out_text(env->out, "Until then sign each release with both keys. Every other trust folder "
			   "needs both");
	out_text(env->out,
		"files too, and devices that check signatures need a firmware that holds "
		"the new key:");
	out_text(env->out, "stmota key show %s --c-array", r.new_pem);
	return 0;
}

const struct command cmd_key_rotate = {
	.name = "key rotate",
	.args = "OLD NEW",
	.needs = "--trust DIR --out KEY.pem",
	.summary = "let a new key follow an old one in a trust folder",
	.details = "OLD and NEW are names in the folder. The new key gets the role, group and\n"
		   "threshold of the old one, and the old one a last day. A stolen key needs\n"
		   "'key revoke' instead: it stops counting at once.\n",
	.examples = "stmota key rotate release-2026 release-2027 \\\n"
		    "    --trust /etc/stmota/trust.d --out release-2027.pem\n",
	.group = COMMAND_PACKAGE,
	.opts = opts,
	.flags = CMD_JSON,
	.min_args = 2,
	.max_args = 2,
	.check = check,
	.run = run,
};
