/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/signals.h>

#include <signal.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

/*
 * timeout(1) signals its child and then the child's group, service managers send TERM and HUP
 * together: what comes within this time is the same wish to stop, not an impatient second one.
 */
#define SAME_WISH_MS 500

static volatile sig_atomic_t pending;
static struct timespec first;
static bool held;

static long ms_since(const struct timespec *then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - then->tv_sec) * 1000 + (now.tv_nsec - then->tv_nsec) / 1000000;
}

static void on_signal(int number)
{
	(void)number;
	if (pending && ms_since(&first) >= SAME_WISH_MS)
		_exit(130);
	if (!pending)
		clock_gettime(CLOCK_MONOTONIC, &first);
	pending = 1;
}

void signals_install(void)
{
	struct sigaction stop = {.sa_handler = on_signal};
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	/* One at a time: the time of the first is whole before another looks at it. */
	sigemptyset(&stop.sa_mask);
	sigaddset(&stop.sa_mask, SIGINT);
	sigaddset(&stop.sa_mask, SIGTERM);
	sigaddset(&stop.sa_mask, SIGHUP);
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
