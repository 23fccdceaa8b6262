/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry_command.c - a command of the user's as a way into the bootloader
 *
 * It runs in a process group of its own, so that a time limit and Ctrl-C end its children too.
 */
#include <stmota/entry.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stmota/clock.h>
#include <stmota/log.h>
#include <stmota/signals.h>
#include <stmota/trace.h>

#define SLICE_MS 50
#define TERM_MS  1000 /* between SIGTERM and SIGKILL */

struct run {
	pid_t pid;
	int out;
	char last[120]; /* of its output: the line that tells what went wrong, as a rule */
	size_t len;
};

static int start(const char *line, const char *step, const char *port, struct run *r, struct err *e)
{
	char *argv[] = {(char *)"sh", (char *)"-c", (char *)line, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t defaults;
	int fds[2], rc;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set_errno(e, ERR_LINK, errno, "cannot run '%.80s'", line);
	setenv("STMOTA_ENTRY", step, 1);
	setenv("STMOTA_PORT", port, 1);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
	posix_spawn_file_actions_adddup2(&actions, fds[1], 2);
	posix_spawnattr_init(&attr);
	sigfillset(&defaults);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
	rc = posix_spawn(&r->pid, "/bin/sh", &actions, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	unsetenv("STMOTA_ENTRY");
	unsetenv("STMOTA_PORT");
	close(fds[1]);
	r->out = fds[0];
	fcntl(r->out, F_SETFL, O_NONBLOCK);
	if (rc != 0) {
		close(r->out);
		return err_set_errno(e, ERR_LINK, rc, "cannot run '%.80s'", line);
	}
	return 0;
}

/* Keeps the last line that is not empty. */
static void listen_to(struct run *r)
{
	char piece[256];
	ssize_t n;

	while ((n = read(r->out, piece, sizeof(piece))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (piece[i] == '\n') {
				if (r->len > 0)
					log_debug("command: %s", r->last);
				r->len = 0;
				continue;
			}
			if (r->len + 1 < sizeof(r->last)) {
				r->last[r->len++] = (unsigned char)piece[i] < ' ' ? ' ' : piece[i];
				r->last[r->len] = '\0';
			}
		}
	}
}

static bool ended(const struct run *r, int *ret_status)
{
	return waitpid(r->pid, ret_status, WNOHANG) == r->pid;
}

static void end_it(struct run *r)
{
	int status;

	kill(-r->pid, SIGTERM);
	for (int ms = 0; ms < TERM_MS; ms += SLICE_MS) {
		if (ended(r, &status))
			return;
		clock_sleep_ms(&clock_monotonic, SLICE_MS);
	}
	kill(-r->pid, SIGKILL);
	waitpid(r->pid, &status, 0);
}

static int judge(const struct run *r, const char *line, int status, struct err *e)
{
	const char *colon = r->last[0] != '\0' ? ": " : "";

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status))
		return err_set(e, ERR_LINK, "'%.80s' failed with status %d%s%s", line,
			WEXITSTATUS(status), colon, r->last);
	return err_set(e, ERR_LINK, "'%.80s' was ended by signal %d%s%s", line, WTERMSIG(status),
		colon, r->last);
}

int entry_command(const char *line, const char *step, const char *port, uint32_t limit_s,
	bool even_if_interrupted, struct err *e)
{
	const struct clock *clock = &clock_monotonic;
	uint64_t until_ms = clock_now_ms(clock) + (uint64_t)limit_s * 1000;
	struct run r = {.out = -1};
	int status = 0, rc;

	log_info("%s: %s", step, line);
	trace_note(port[0] != '\0' ? port : "command", "%s: %s", step, line);
	rc = start(line, step, port, &r, e);
	if (rc < 0)
		return rc;
	while (!ended(&r, &status)) {
		struct pollfd p = {.fd = r.out, .events = POLLIN};

		if (!even_if_interrupted)
			rc = signals_check(e);
		if (rc == 0 && clock_now_ms(clock) >= until_ms)
			rc = err_set(e, ERR_LINK, "'%.80s' did not end within %u s", line,
				(unsigned)limit_s);
		if (rc < 0) {
			end_it(&r);
			break;
		}
		/* After its output has ended it may still run. */
		if (poll(&p, 1, SLICE_MS) > 0 && (p.revents & POLLIN) == 0)
			clock_sleep_ms(clock, SLICE_MS);
		listen_to(&r);
	}
	listen_to(&r);
	close(r.out);
	return rc < 0 ? rc : judge(&r, line, status, e);
}
