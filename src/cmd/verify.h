/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify.h - parts of `stmota verify` that stand in several files
 */
#ifndef STMOTA_CMD_VERIFY_H
#define STMOTA_CMD_VERIFY_H

#include <stmota/buf.h>
#include <stmota/command.h>
#include <stmota/trust.h>

/* The table of who signed and whose signature counts. */
void verify_show_signers(struct out *o, const struct trust_signer *signers, size_t n);

int verify_mcuboot(
	struct command_env *env, const char *path, const struct buf *file, struct err *e);
int verify_sfb(struct command_env *env, const char *path, const struct buf *file, struct err *e);

#endif
