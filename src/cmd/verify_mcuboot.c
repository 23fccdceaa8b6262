/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify_mcuboot.c - stmota verify of an MCUboot image
 */
#include "cmd.h"
#include "verify.h"

#include <time.h>

#include <stmota/mcuboot.h>

static int judge(struct command_env *env, const struct buf *file, const struct mcuboot_info *m,
	struct mcuboot_verdict *ret, struct trust *t, struct err *e)
{
	cleanup_mcuboot_enc_key struct mcuboot_enc_key *key = NULL;
	struct key_unlock unlock = cmd_unlock(env);
	int rc = 0;

	if (opt_given(env->opts, "decrypt-key"))
		rc = mcuboot_enc_private(opt_str(env->opts, "decrypt-key", ""), &unlock, &key, e);
	t->any_type = true;
	if (rc == 0)
		rc = cmd_load_trust(env, t, e);
	return rc < 0 ? rc : mcuboot_verify(file->data, m, t, (uint64_t)time(NULL), key, ret, e);
}

int verify_mcuboot(struct command_env *env, const char *path, const struct buf *file, struct err *e)
{
	cleanup_trust struct trust t = TRUST_INIT;
	struct mcuboot_verdict verdict = {0};
	char version[VERSION_TEXT_SIZE];
	struct out *o = env->out;
	struct mcuboot_info m;
	int rc = mcuboot_inspect(file->data, file->len, &m, e);

	/* What is cut off is not what somebody signed. */
	if (rc == ERR_FORMAT && e != NULL)
		e->code = ERR_DAMAGED;
	if (rc == 0)
		rc = judge(env, file, &m, &verdict, &t, e);
	if (rc < 0)
		return err_wrap(e, "%s", path);
	out_str(o, "file", path);
	out_str(o, "format", "mcuboot");
	out_str(o, "version", version_format(mcuboot_to_version(m.version), version));
	if (m.hash_bits > 0)
		out_bytes(o, "digest", m.hash, m.hash_bits / 8);
	out_uint(o, "signatures", m.n_signatures);
	out_bool(o, "encrypted", verdict.decrypted);
	verify_show_signers(o, verdict.signers, verdict.n_signers);
	out_text(o, "%s is good.", path);
	return 0;
}
