/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_fetch.c - stmota fetch: a file from a server, whole or not at all
 */
#include "cmd.h"

#include <string.h>

#include <stmota/digest.h>
#include <stmota/fetch.h>
#include <stmota/fs.h>

static const struct opt opts[] = {
	OPT_OUT("FILE", "where it goes; what stands there stays until the new one is whole"),
	OPT_STRING("sha256", "HEX", "refuse anything with another digest"),
	OPT_U32("size-max", "SIZE", "refuse larger files (default 256M)"),
	OPT_END,
};

static int check(const struct command_env *env, struct err *e)
{
	if (!opt_given(env->opts, "out")) {
		err_set(e, ERR_USAGE, "where should it go?");
		return err_hint(e, "stmota fetch URL --out FILE");
	}
	if (opt_n_args(env->opts) > FETCH_MIRRORS_MAX)
		return err_set(e, ERR_USAGE, "more than %d mirrors", FETCH_MIRRORS_MAX);
	return 0;
}

/* Standard output holds the file then, and nothing else. */
static int to_output(const struct fetch_settings *s, const struct fetch_request *rq, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT;
	int rc = fetch_buf(s, rq, &b, NULL, e);

	return rc == 0 ? fs_write("-", b.data, b.len, 0644, e) : rc;
}

static int run(struct command_env *env, struct err *e)
{
	const char *out = opt_str(env->opts, "out", NULL);
	struct fetch_request rq = {.n_urls = opt_n_args(env->opts),
		.max = opt_u32(env->opts, "size-max", FS_FILE_MAX),
		.events = env->events};
	struct fetch_result result;
	struct fetch_settings s;
	uint8_t sha256[SHA256_SIZE];
	int rc = cmd_fetch_settings(env, &s, e);

	for (size_t i = 0; i < rq.n_urls; i++)
		rq.urls[i] = opt_arg(env->opts, i);
	if (rc == 0 && opt_given(env->opts, "sha256")) {
		rc = sha256_parse(opt_str(env->opts, "sha256", ""), sha256, e);
		rq.sha256 = sha256;
	}
	if (rc == 0 && strcmp(out, "-") == 0)
		return to_output(&s, &rq, e);
	if (rc == 0)
		rc = fetch_file(&s, &rq, out, &result, e);
	if (rc < 0)
		return rc;
	out_str(env->out, "file", out);
	out_str(env->out, "url", result.url);
	out_size(env->out, "size", result.size);
	if (result.resumed_from > 0)
		out_size(env->out, "resumed_from", result.resumed_from);
	out_uint(env->out, "tries", result.tries);
	return 0;
}

const struct command cmd_fetch = {
	.name = "fetch",
	.args = "URL [MIRROR...]",
	.needs = "--out FILE",
	.summary = "download a file; broken connections are taken up again",
	.details =
		"Wherever a command takes firmware, it takes a URL too; fetch is for the rest. What\n"
		"has arrived when a run ends is in FILE.part, and the next run goes on there. Proxy,\n"
		"CA, client certificate, limits: section [fetch] of the configuration.\n",
	.examples = "stmota fetch https://example.com/lamp-1.2.0.sota --out lamp.sota\n"
		    "stmota flash https://example.com/lamp-1.2.0.sota --device uart:/dev/ttyUSB0\n",
	.group = COMMAND_PACKAGE,
	.opts = opts,
	.flags = CMD_JSON,
	.min_args = 1,
	.max_args = -1,
	.check = check,
	.run = run,
};
