/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/signals.h>

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static volatile sig_atomic_t pending;
static bool held;

static void on_signal(int number)
{
	(void)number;
	if (pending)
		_exit(130);
	pending = 1;
}

void signals_install(void)
{
	struct sigaction stop = {.sa_handler = on_signal};
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	/* No SA_RESTART: a blocked read returns and its loop sees the flag. */
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGHUP, &stop, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}

bool signals_pending(void)
{
	return pending != 0 && !held;
}

void signals_hold(bool on)
{
	held = on;
}

int signals_check(struct err *e)
{
	if (!signals_pending())
		return 0;
	return err_set(e, ERR_INTERRUPTED, "interrupted");
}
