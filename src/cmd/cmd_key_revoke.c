/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_key_revoke.c - a key stops counting, whatever signed with it
 */
#include "cmd.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <stmota/fs.h>

static const struct opt opts[] = {
	OPT_FILE("trust", "DIR", "the trust folder whose " TRUST_REVOKED " gets the line"),
	OPT_STRING("reason", "TEXT", "why; shown when something signed with it is refused"),
	OPT_END,
};

static bool is_fingerprint(const char *text)
{
	size_t len = strlen(text);

	return (len == 2 * KEY_ID_SIZE || len == 2 * SHA256_SIZE) &&
	       strspn(text, "0123456789abcdefABCDEF") == len;
}

/* A file may be gone together with who had it: then the id is what is left. */
static int name_key(const char *arg, char ret[2 * SHA256_SIZE + 1], struct err *e)
{
	cleanup_key struct key *k = NULL;
	int rc;

	if (is_fingerprint(arg)) {
		snprintf(ret, 2 * SHA256_SIZE + 1, "%s", arg);
		return 0;
	}
	rc = key_load_public(arg, &k, e);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < SHA256_SIZE; i++)
		snprintf(ret + 2 * i, 3, "%02x", key_fingerprint(k)[i]);
	return 0;
}

static int run(struct command_env *env, struct err *e)
{
	const char *dir = opt_str(env->opts, "trust", NULL);
	const char *reason = opt_str(env->opts, "reason", "");
	char path[PATH_MAX], name[2 * SHA256_SIZE + 1], line[400];
	CLEANUP(trust_done) struct trust known = TRUST_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	int rc, n;

	if (dir == NULL || strlen(reason) > 200 || strpbrk(reason, "\r\n") != NULL)
		return err_set(e, ERR_USAGE,
			dir == NULL ? "--trust DIR is missing"
				    : "--reason is one line of up to 200 bytes");
	if (snprintf(path, sizeof(path), "%s/%s", dir, TRUST_REVOKED) >= (int)sizeof(path))
		return err_set(e, ERR_IO, "file name too long in %s", dir);
	rc = name_key(opt_arg(env->opts, 0), name, e);
	if (rc == 0 && fs_exists(path))
		rc = fs_read(path, TRUST_LIST_MAX, &text, e);
	if (rc == 0)
		rc = trust_revoked_parse(&known, (const char *)text.data, text.len, path, e);
	if (rc == 0 && text.len > 0 && text.data[text.len - 1] != '\n')
		rc = buf_append(&text, "\n", 1, e);
	n = snprintf(line, sizeof(line), "%s%s%s\n", name, reason[0] != '\0' ? " " : "", reason);
	if (rc == 0)
		rc = buf_append(&text, line, (size_t)n, e);
	if (rc == 0)
		rc = fs_write(path, text.data, text.len, 0644, e);
	if (rc < 0)
		return rc;
	out_str(env->out, "revoked", name);
	out_str(env->out, "list", path);
	out_text(env->out, "Every other trust folder needs this line too.");
	return 0;
}

const struct command cmd_key_revoke = {
	.name = "key revoke",
	.args = "PUB.pem|FINGERPRINT",
	.needs = "--trust DIR",
	.summary = "let a key count no longer in a trust folder",
	.details =
		"From now on what only this key signed is refused with the reason, also what was\n"
		"signed before: nobody can tell when a thief signed.\n",
	.examples = "stmota key revoke /etc/stmota/trust.d/release-2026.pem \\\n"
		    "    --trust /etc/stmota/trust.d --reason \"laptop stolen\"\n",
	.group = COMMAND_PACKAGE,
	.opts = opts,
	.flags = CMD_JSON,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
