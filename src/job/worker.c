/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/worker.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE_MAX_LEN (1u << 20) /* a plan in one line is long; more than this is none */
#define PIPE_SIZE    (1 << 20)  /* who is busy for a while must not stop those that write flash */

static void close_others(int keep)
{
	if (keep > STDERR_FILENO + 1)
		close_range(STDERR_FILENO + 1, (unsigned)keep - 1, 0);
	close_range((unsigned)keep + 1, ~0u, 0);
}

/* Never returns: everything that belongs to the parent stays as it is. */
static void child(
	int fd, int input, pid_t parent, bool alone, int (*run)(void *, FILE *), void *ctx)
{
	int in = input >= 0 ? input : open("/dev/null", O_RDONLY | O_CLOEXEC), status;
	FILE *to;

	/* Ctrl-C at the terminal goes to the parent alone, which passes it on once. */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent || in < 0 || dup2(in, STDIN_FILENO) < 0)
		_exit(EXIT_FAILURE);
	if (alone)
		close_others(fd);
	to = fdopen(fd, "w");
	if (to == NULL)
		_exit(EXIT_FAILURE);
	status = run(ctx, to);
	fflush(to);
	_exit(status);
}

int worker_start(struct worker *w, bool alone, int input, int (*run)(void *ctx, FILE *to),
	void *ctx, struct err *e)
{
	pid_t parent = getpid();
	int fds[2];

	*w = WORKER_INIT;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set_errno(e, ERR_IO, errno, "cannot begin");
	fcntl(fds[1], F_SETPIPE_SZ, PIPE_SIZE);
	fflush(stdout);
	fflush(stderr);
	w->pid = fork();
	if (w->pid == 0)
		child(fds[1], input, parent, alone, run, ctx);
	close(fds[1]);
	if (w->pid < 0) {
		close(fds[0]);
		return err_set_errno(e, ERR_IO, errno, "cannot begin");
	}
	w->fd = fds[0];
	fcntl(w->fd, F_SETFL, O_NONBLOCK);
	return 0;
}

static void take_bytes(struct worker *w, const char *p, size_t len,
	void (*line)(void *ctx, const char *text), void *ctx)
{
	while (len > 0) {
		const char *end = memchr(p, '\n', len);
		size_t n = end != NULL ? (size_t)(end - p) : len;
		char *more = w->len + n < LINE_MAX_LEN ? realloc(w->text, w->len + n + 1) : NULL;

		if (more != NULL) {
			w->text = more;
			memcpy(more + w->len, p, n);
			w->len += n;
			more[w->len] = '\0';
		}
		p += n;
		len -= n;
		if (end == NULL)
			continue;
		p++;
		len--;
		if (w->text != NULL)
			line(ctx, w->text);
		w->len = 0;
	}
}

static void finish(struct worker *w)
{
	close(w->fd);
	w->fd = -1;
	while (waitpid(w->pid, &w->status, 0) < 0 && errno == EINTR)
		;
	free(w->text);
	w->text = NULL;
	w->len = 0;
}

bool worker_listen(struct worker *w, void (*line)(void *ctx, const char *text), void *ctx)
{
	char piece[4096];
	ssize_t n;

	while ((n = read(w->fd, piece, sizeof(piece))) > 0)
		take_bytes(w, piece, (size_t)n, line, ctx);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	finish(w);
	return false;
}

void worker_stop(const struct worker *w)
{
	if (w->fd >= 0)
		kill(w->pid, SIGINT);
}

bool worker_is_ok(const struct worker *w)
{
	return WIFEXITED(w->status) && WEXITSTATUS(w->status) == 0;
}

const char *worker_status_text(const struct worker *w, char *ret, size_t size)
{
	bool killed = WIFSIGNALED(w->status);

	snprintf(ret, size, "%s %d", killed ? "signal" : "status",
		killed ? WTERMSIG(w->status) : WEXITSTATUS(w->status));
	return ret;
}
