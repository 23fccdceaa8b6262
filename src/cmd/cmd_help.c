/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_help.c - `stmota help [COMMAND]`: the manual at the section of the command
 */
#include "cmd.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* True if man(1) has the page; asks quietly, since a missing page is no failure of ours. */
static bool run_man(char *const *argv, bool quietly)
{
	posix_spawn_file_actions_t actions;
	extern char **environ;
	pid_t pid;
	int status = 1;

	posix_spawn_file_actions_init(&actions);
	if (quietly) {
		posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", 1 /* O_WRONLY */, 0);
		posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", 1 /* O_WRONLY */, 0);
	}
	if (posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ) == 0)
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	posix_spawn_file_actions_destroy(&actions);
	return status == 0;
}

/* Lets the pager begin at the section of the command; other pagers than less do not look at it. */
static void begin_at(const struct command *c)
{
	const char *less = getenv("LESS");
	char text[512];

	/* The dollar sign ends the pattern and, for less, the option. */
	snprintf(text, sizeof(text), "%s%s+/^   %s$", less != NULL ? less : "",
		less != NULL ? " " : "", c->name);
	setenv("LESS", text, 1);
}

static int print_help(const struct command *c, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT;
	int rc = c != NULL ? command_help(c, &text, e) : command_overview(commands, &text, e);

	if (rc == 0 && fwrite(text.data, 1, text.len, stdout) != text.len)
		rc = err_set_errno(e, ERR_IO, errno, "cannot write the help text");
	return rc;
}

static int run(struct command_env *env, struct err *e)
{
	const struct command *c = NULL;
	char *words[2] = {(char *)opt_arg(env->opts, 0), (char *)opt_arg(env->opts, 1)};
	size_t n = opt_n_args(env->opts), used = 0;
	char *where[] = {"man", "-w", "stmota", NULL};
	char *show[] = {"man", "stmota", NULL};

	if (n > 0) {
		c = command_find(commands, n, words, &used);
		if (c == NULL || used < n) {
			const char *similar = command_similar(commands, words[0]);

			err_set(e, ERR_USAGE, "unknown command '%s'", words[c == NULL ? 0 : used]);
			return similar != NULL ? err_hint(e, "did you mean '%s'?", similar)
					       : err_hint(e, "'stmota --help' lists the commands");
		}
	}
	/* A pipe gets the help text: it is shorter and has no pager. */
	if (isatty(STDOUT_FILENO) && run_man(where, true)) {
		if (c != NULL)
			begin_at(c);
		if (run_man(show, false))
			return 0;
	}
	return print_help(c, e);
}

const struct command cmd_help = {
	.name = "help",
	.args = "[COMMAND]",
	.summary = "open the manual, or print the help text of a command",
	.max_args = 2,
	.run = run,
};
