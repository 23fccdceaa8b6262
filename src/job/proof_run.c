/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proof_run.c - waits for the proof of health of a program
 */
#include <stmota/proof.h>

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stmota/link_uart.h>
#include <stmota/signals.h>

#define LINE_MAX_SHOWN 80
#define POLL_MS        20
#define GRACE_MS       500 /* between SIGTERM and SIGKILL */

int proof_check_port(const struct proof *p, const struct link *device, struct err *e)
{
	if (!proof_on_device(p) || (device != NULL && device->ops->set_frame != NULL))
		return 0;
	err_set(e, ERR_USAGE, "confirm: the device is on no serial port");
	return err_hint(e, "name the port: uart:/dev/ttyUSB1 expect \"...\"");
}

int proof_begin(struct proof_session *s, const struct proof *p, struct link *device, struct err *e)
{
	struct uart_config uart = {.path = p->port,
		.baud = p->baud,
		.parity = UART_PARITY_NONE,
		.entry = {.use_lines = false}};
	int rc;

	*s = (struct proof_session){.proof = p};
	if (p->kind == PROOF_COMMAND)
		return 0;
	if (!proof_on_device(p)) {
		rc = link_uart_open(&uart, &s->link, e);
		s->own = rc == 0;
		return rc < 0 ? err_wrap(e, "confirm") : 0;
	}
	rc = proof_check_port(p, device, e);
	if (rc < 0)
		return rc;
	rc = device->ops->set_frame(device, p->baud, false, e);
	if (rc < 0)
		return err_wrap(e, "confirm");
	s->link = device;
	return 0;
}

void proof_end(struct proof_session *s)
{
	if (s->own)
		link_close(s->link);
	*s = (struct proof_session){0};
}

/* ---- what a serial port says ---- */

struct listening {
	char line[256]; /* under way; a longer one loses its beginning */
	size_t len;
	char last[LINE_MAX_SHOWN + 1]; /* the last whole one that was not empty */
	bool seen;
};

/* For people: printable only. */
static void show(const char *from, size_t len, char *ret, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < len && n + 1 < size; i++) {
		unsigned char c = (unsigned char)from[i];

		if (c == '\r' || c == '\n')
			continue;
		ret[n++] = c >= 0x20 && c < 0x7F ? (char)c : '.';
	}
	ret[n] = '\0';
}

static void hear(struct listening *h, const struct proof *p, char byte)
{
	if (h->len == sizeof(h->line)) {
		/* Keeps as much as the text needs that may just be arriving. */
		memmove(h->line, h->line + h->len - sizeof(p->expect), sizeof(p->expect));
		h->len = sizeof(p->expect);
	}
	h->line[h->len++] = byte;
	if (h->len >= p->expect_len &&
		memcmp(h->line + h->len - p->expect_len, p->expect, p->expect_len) == 0)
		h->seen = true;
	if (byte != '\n')
		return;
	show(h->line, h->len, h->last, sizeof(h->last));
	/* A text may go on in the next line: only without line ends in it the line is over. */
	if (memchr(p->expect, '\n', p->expect_len) == NULL)
		h->len = 0;
}

static int silence(
	const struct proof *p, const struct listening *h, const char *name, struct err *e)
{
	char text[2 * sizeof(p->expect)], now[LINE_MAX_SHOWN + 1];

	show(p->expect, p->expect_len, text, sizeof(text));
	show(h->line, h->len, now, sizeof(now));
	if (h->last[0] == '\0' && now[0] == '\0')
		return err_set(e, ERR_VERIFY, "%s said nothing within %u s", name,
			(unsigned)(p->within_ms / 1000));
	return err_set(e, ERR_VERIFY, "%s did not say \"%s\" within %u s; the last it said: %s",
		name, text, (unsigned)(p->within_ms / 1000), now[0] != '\0' ? now : h->last);
}

static int wait_uart(
	const struct proof *p, struct link *l, char *ret_seen, size_t size, struct err *e)
{
	uint64_t until_ms = clock_now_ms(l->clock) + p->within_ms;
	struct listening h = {0};

	while (!h.seen) {
		uint64_t now = clock_now_ms(l->clock);
		char byte;
		int rc = signals_check(e);

		if (rc < 0)
			return rc;
		if (now >= until_ms)
			return silence(p, &h, l->name, e);
		rc = l->ops->read(l, &byte, 1, (uint32_t)(until_ms - now), e);
		if (rc == 0)
			hear(&h, p, byte);
		else if (rc != ERR_TIMEOUT)
			return err_wrap(e, "confirm");
	}
	err_clear(e);
	show(h.line, h.len, ret_seen, size);
	return 0;
}

/* ---- what a command says ---- */

static int start(const char *command, pid_t *ret, struct err *e)
{
	char shell[] = "sh", option[] = "-c";
	char *argv[] = {shell, option, (char *)command, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t all;
	int rc;

	sigemptyset(&all);
	sigaddset(&all, SIGPIPE);
	/* Results belong to us: what the command prints goes where messages go. */
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
	/* A group of its own, so that all of it can be ended. */
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigdefault(&attr, &all);
	rc = posix_spawn(ret, "/bin/sh", &files, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return rc == 0 ? 0 : err_set_errno(e, ERR_IO, rc, "cannot run '%.60s'", command);
}

/* True once it is over. */
static bool ended(pid_t pid, int *ret_status)
{
	pid_t got = waitpid(pid, ret_status, WNOHANG);

	return got == pid || (got < 0 && errno == ECHILD);
}

static void end(pid_t pid)
{
	uint64_t until_ms = clock_now_ms(&clock_monotonic) + GRACE_MS;
	int status = 0;

	kill(-pid, SIGTERM);
	while (clock_now_ms(&clock_monotonic) < until_ms) {
		if (ended(pid, &status))
			return;
		clock_sleep_ms(&clock_monotonic, POLL_MS);
	}
	kill(-pid, SIGKILL);
	waitpid(pid, &status, 0);
}

static int wait_command(const struct proof *p, char *ret_seen, size_t size, struct err *e)
{
	uint64_t until_ms = clock_now_ms(&clock_monotonic) + p->within_ms;
	int status = 0, rc;
	pid_t pid;

	rc = start(p->command, &pid, e);
	while (rc == 0 && !ended(pid, &status)) {
		rc = signals_check(e);
		if (rc == 0 && clock_now_ms(&clock_monotonic) >= until_ms)
			rc = err_set(e, ERR_VERIFY, "'%.60s' was not done within %u s", p->command,
				(unsigned)(p->within_ms / 1000));
		if (rc < 0)
			end(pid);
		else
			clock_sleep_ms(&clock_monotonic, POLL_MS);
	}
	if (rc < 0)
		return rc;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		snprintf(ret_seen, size, "'%.60s' ended with exit status 0", p->command);
		return 0;
	}
	if (WIFEXITED(status))
		return err_set(e, ERR_VERIFY, "'%.60s' ended with exit status %d", p->command,
			WEXITSTATUS(status));
	return err_set(e, ERR_VERIFY, "'%.60s' was ended by signal %d", p->command,
		WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

int proof_wait(struct proof_session *s, char *ret_seen, size_t size, struct err *e)
{
	const struct proof *p = s->proof;
	int rc = p->kind == PROOF_COMMAND ? wait_command(p, ret_seen, size, e)
					  : wait_uart(p, s->link, ret_seen, size, e);

	return rc < 0 ? err_wrap(e, "not confirmed") : 0;
}
