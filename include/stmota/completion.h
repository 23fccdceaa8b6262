/* SPDX-License-Identifier: Apache-2.0 */
/*
 * completion.h - shell completion, made from the table of commands
 */
#ifndef STMOTA_COMPLETION_H
#define STMOTA_COMPLETION_H

#include <stmota/buf.h>
#include <stmota/command.h>
#include <stmota/err.h>

/* Shells that a script can be made for, as of OPT_TYPE_CHOICE. */
#define COMPLETION_SHELLS "bash|zsh|fish"

/* Appends the script for `shell`. ERR_USAGE for another shell, ERR_NOMEM. */
int completion_script(
	const struct command *const *commands, const char *shell, struct buf *ret, struct err *e);

#endif
