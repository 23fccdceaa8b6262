/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec.c - time, child and nets around a board whose devices umockdev shows
 *
 * Without a paced wire the program never waits for modelled work: the board's time is the machine's
 * plus all that was passed over, so that a pause of the program is a pause for the board.
 */
#include "exec.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <stmota/buf.h>

#include "../sim_stats.h"

#define IDLE_MS 5 /* how long serve() is not called if nothing happens */

static const struct exec_transport *const transports[] = {
	&exec_uart, &exec_i2c, &exec_dfu, &exec_gpio};

const char *sim_exec_transport(size_t i, const char **ret_what)
{
	if (i >= ARRAY_LEN(transports))
		return NULL;
	if (ret_what != NULL)
		*ret_what = transports[i]->what;
	return transports[i]->option;
}

/* ---- time ---- */

static uint64_t machine_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t exec_now_us(const struct exec *x)
{
	return machine_us() - x->machine_0 + x->skew_us;
}

void exec_reach_us(struct exec *x, uint64_t us)
{
	uint64_t now = exec_now_us(x);

	if (us > now)
		x->skew_us += us - now;
}

void exec_wait_delays(struct exec *x)
{
	uint64_t us = sim_board_delays_us(x->board) - x->delays_us;
	struct timespec t = {(time_t)(us / 1000000), (long)(us % 1000000) * 1000};

	x->delays_us += us;
	if (us > 0)
		nanosleep(&t, NULL);
}

/* ---- for the transports ---- */

void exec_lock(struct exec *x)
{
	pthread_mutex_lock(&x->lock);
}

void exec_unlock(struct exec *x)
{
	pthread_mutex_unlock(&x->lock);
}

void exec_lines(struct exec *x, bool boot0, bool nrst)
{
	if (boot0 == x->boot0 && nrst == x->nrst)
		return;
	x->boot0 = boot0;
	x->nrst = nrst;
	sim_board_time(x->board, exec_now_us(x));
	sim_board_lines(x->board, boot0, nrst);
}

static int bad_testbed(GError *error, const char *what, struct err *e)
{
	err_set(e, ERR_FAILED, "umockdev: %s: %s", what,
		error != NULL ? error->message : "refused");
	g_clear_error(&error);
	return ERR_FAILED;
}

int exec_add(struct exec *x, const char *record, struct err *e)
{
	GError *error = NULL;

	return umockdev_testbed_add_from_string(x->testbed, record, &error)
		       ? 0
		       : bad_testbed(error, "cannot add a device", e);
}

int exec_answer(struct exec *x, const char *node, UMockdevIoctlBase *handler, struct err *e)
{
	GError *error = NULL;
	bool ok = umockdev_testbed_attach_ioctl(x->testbed, node, handler, &error);

	g_object_unref(handler); /* the testbed holds its own reference */
	return ok ? 0 : bad_testbed(error, node, e);
}

void exec_watch(struct exec *x, int fd)
{
	if (x->n_watch < EXEC_WATCH_MAX)
		x->watch[x->n_watch++] = fd;
}

/* ---- the program ---- */

/* Where our libraries for LD_PRELOAD are: beside this program before it is installed. */
static void shim_path(const char *name, char *ret, size_t len)
{
	char self[400] = "";
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash = n > 0 ? strrchr(self, '/') : NULL;

	if (slash != NULL) {
		*slash = '\0';
		snprintf(ret, len, "%s/exec/%s", self, name);
		if (access(ret, R_OK) == 0)
			return;
	}
	snprintf(ret, len, "%s/%s", STMOTA_SIM_LIBEXECDIR, name);
}

/* Adds a file name to a list as LD_PRELOAD has it. */
static int add_library(struct buf *list, const char *name, struct err *e)
{
	int rc = list->len > 0 ? buf_append(list, ":", 1, e) : 0;

	return rc < 0 ? rc : buf_append(list, name, strlen(name), e);
}

static int set_environment(const struct sim_exec_config *cfg, struct err *e)
{
	const char *old = getenv("LD_PRELOAD"), *asan = getenv("ASAN_OPTIONS");
	cleanup_buf struct buf list = BUF_INIT;
	char path[600], options[1024];
	int rc = 0;

	/* Ours come before umockdev's, which they call. */
	for (size_t i = 0; i < ARRAY_LEN(transports) && rc == 0; i++) {
		if (!cfg->transports[i] || transports[i]->shim == NULL)
			continue;
		shim_path(transports[i]->shim, path, sizeof(path));
		rc = add_library(&list, path, e);
	}
	if (rc == 0)
		rc = add_library(&list, "libumockdev-preload.so.0", e);
	if (rc == 0 && old != NULL && *old != '\0')
		rc = add_library(&list, old, e);
	if (rc == 0)
		rc = buf_append(&list, "", 1, e);
	if (rc < 0)
		return rc;
	setenv("LD_PRELOAD", (const char *)list.data, 1);
	/* A program with AddressSanitizer wants that to be the first library, and it cannot be. */
	snprintf(options, sizeof(options), "%s%sverify_asan_link_order=0", asan != NULL ? asan : "",
		asan != NULL ? ":" : "");
	setenv("ASAN_OPTIONS", options, 1);
	return 0;
}

static int start(const struct sim_exec_config *cfg, const sigset_t *mask, pid_t *ret, struct err *e)
{
	posix_spawnattr_t attr;
	int rc = set_environment(cfg, e);

	if (rc < 0)
		return rc;
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, mask);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	rc = posix_spawnp(ret, cfg->command[0], NULL, &attr, cfg->command, environ);
	posix_spawnattr_destroy(&attr);
	unsetenv("LD_PRELOAD");
	if (rc == 0)
		return 0;
	err_set_errno(e, ERR_IO, rc, "cannot start %s", cfg->command[0]);
	return err_hint(e, "stmota-sim exec --chip PID --i2c -- COMMAND [ARGUMENT]...");
}

/* Ctrl-C at the terminal reaches the program by itself; what is sent to us is passed on. */
static void on_signal(int signals, pid_t child)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGHUP ||
		(info.ssi_signo == SIGINT && info.ssi_code <= 0))
		kill(child, (int)info.ssi_signo);
}

static void serve_all(struct exec *x, const struct sim_exec_config *cfg)
{
	exec_lock(x);
	sim_board_time(x->board, exec_now_us(x));
	for (size_t i = 0; i < ARRAY_LEN(transports); i++)
		if (cfg->transports[i] && transports[i]->serve != NULL)
			transports[i]->serve(x);
	exec_unlock(x);
}

static int wait_for(struct exec *x, const struct sim_exec_config *cfg, int signals, pid_t child)
{
	struct pollfd fds[1 + EXEC_WATCH_MAX] = {{.fd = signals, .events = POLLIN}};
	int status = 0;

	while (waitpid(child, &status, WNOHANG) == 0) {
		bool hung_up = false;

		for (size_t i = 0; i < x->n_watch; i++)
			fds[1 + i] = (struct pollfd){.fd = x->watch[i], .events = POLLIN};
		poll(fds, 1 + x->n_watch, IDLE_MS);
		if (fds[0].revents != 0)
			on_signal(signals, child);
		serve_all(x, cfg);
		/* A terminal that nobody has open is always ready. */
		for (size_t i = 0; i < x->n_watch; i++)
			hung_up = hung_up || (fds[1 + i].revents & (POLLHUP | POLLERR)) != 0;
		if (hung_up)
			poll(fds, 1, 1);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run(struct exec *x, const struct sim_exec_config *cfg, int *ret_status, struct err *e)
{
	sigset_t set, old;
	pid_t child;
	int signals, rc = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (signals < 0)
		return err_set_errno(e, ERR_IO, errno, "cannot wait for signals");
	x->testbed = umockdev_testbed_new();
	for (size_t i = 0; i < ARRAY_LEN(transports) && rc == 0; i++)
		if (cfg->transports[i])
			rc = transports[i]->attach(x, e);
	if (rc == 0)
		rc = start(cfg, &old, &child, e);
	if (rc == 0)
		*ret_status = wait_for(x, cfg, signals, child);
	for (size_t i = 0; i < ARRAY_LEN(transports); i++)
		if (cfg->transports[i] && transports[i]->detach != NULL)
			transports[i]->detach(x);
	g_object_unref(x->testbed);
	close(signals);
	return rc;
}

int sim_exec(struct sim_board *b, const struct sim_exec_config *cfg, int *ret_status, struct err *e)
{
	static struct exec x; /* the testbed's thread ends some time after this call */
	int rc;

	x = (struct exec){.board = b,
		.more = cfg->more,
		.n_more = cfg->n_more,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.dfu_as = cfg->dfu_as,
		.boot0 = !cfg->boot0_low,
		.nrst = true};

	/* It has been on for a while. */
	x.machine_0 = machine_us();
	x.skew_us = sim_board_busy_until(b);
	rc = run(&x, cfg, ret_status, e);
	if (rc == 0)
		rc = sim_board_save(b, e);
	for (size_t i = 0; rc == 0 && i < cfg->n_more; i++)
		rc = sim_board_save(cfg->more[i], e);
	if (rc == 0)
		rc = sim_stats_write(cfg->stats_file, b, x.wire_us, e);
	return rc;
}
