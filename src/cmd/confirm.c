/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <stmota/signals.h>

int cmd_confirm(const struct command_env *env, const char *text, struct err *e)
{
	char answer[16] = "";

	if (opt_given(env->opts, "yes"))
		return 0;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
		err_set(e, ERR_USAGE, "refused without consent: %s", text);
		return err_hint(e, "--yes gives consent where nobody can be asked");
	}
	event_emit(env->events, &(struct event){.type = EVENT_PHASE});
	fprintf(stderr, "%s\nGo on? [y/N] ", text);
	fflush(stderr);
	if (fgets(answer, sizeof(answer), stdin) == NULL)
		fputc('\n', stderr);
	if (signals_pending() ||
		(strcasecmp(answer, "y\n") != 0 && strcasecmp(answer, "yes\n") != 0))
		return err_set(e, ERR_INTERRUPTED, "not confirmed, nothing was changed");
	return 0;
}
