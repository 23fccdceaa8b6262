/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify_sfb.c - stmota verify of an image for ST's SBSFU
 */
#include "cmd.h"
#include "verify.h"

#include <string.h>
#include <time.h>

#include <stmota/sfb.h>

#define SIGNERS_MAX 8

static int judge(struct command_env *env, const struct buf *file, const struct sfb_info *in,
	struct trust *t, struct trust_signer *signers, size_t *n, struct err *e)
{
	const char *path = opt_str(env->opts, "decrypt-key", NULL);
	uint8_t aes_key[SFB_AES_KEY];
	int rc = path != NULL ? sfb_load_key(path, aes_key, e) : 0;

	if (rc == 0)
		rc = cmd_load_trust(env, t, e);
	if (rc == 0)
		rc = sfb_verify(file->data, in, t, (uint64_t)time(NULL),
			path != NULL ? aes_key : NULL, signers, SIGNERS_MAX, n, e);
	explicit_bzero(aes_key, sizeof(aes_key));
	return rc;
}

int verify_sfb(struct command_env *env, const char *path, const struct buf *file, struct err *e)
{
	cleanup_trust struct trust t = TRUST_INIT;
	struct trust_signer signers[SIGNERS_MAX];
	struct out *o = env->out;
	struct sfb_info in;
	size_t n = 0;
	int rc = sfb_inspect(file->data, file->len, &in, e);

	/* What is cut off is not what somebody signed. */
	if (rc == ERR_FORMAT && e != NULL)
		e->code = ERR_DAMAGED;
	if (rc == 0)
		rc = judge(env, file, &in, &t, signers, &n, e);
	if (rc < 0)
		return err_wrap(e, "%s", path);
	out_str(o, "file", path);
	out_str(o, "format", "sfb");
	out_str(o, "scheme", in.layout->name);
	out_uint(o, "version", in.version);
	verify_show_signers(o, signers, n);
	if (in.scheme == SFB_AES_GCM)
		out_text(o, "%s was made with this AES key, by whoever has it.", path);
	else
		out_text(o, "%s is good.", path);
	return 0;
}
