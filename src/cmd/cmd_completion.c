/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_completion.c - prints the completion script of a shell
 */
#include "cmd.h"

#include <stmota/completion.h>
#include <stmota/fs.h>

static int run(struct command_env *env, struct err *e)
{
	cleanup_buf struct buf script = BUF_INIT;
	int rc = completion_script(commands, opt_arg(env->opts, 0), &script, e);

	return rc < 0 ? rc : fs_write("-", script.data, script.len, 0644, e);
}

const struct command cmd_completion = {
	.name = "completion",
	.args = COMPLETION_SHELLS,
	.summary = "print a completion script for a shell",
	.examples = "eval \"$(stmota completion bash)\"           # in ~/.bashrc\n"
		    "stmota completion zsh > ~/.zfunc/_stmota    # a folder of $fpath\n"
		    "stmota completion fish > ~/.config/fish/completions/stmota.fish\n",
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
