/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_run.c - time, signals and the port around a board; the board itself knows none of them
 *
 * With a paced wire the board's time is the machine's: bytes come and go at the speed of the wire,
 * and what is sent while the device is busy is lost. Without it the board's time runs ahead as far
 * as its work needs, and the host never waits for it. An updater has time-outs of its own: they take
 * as long as they take, in the board's time from where its work has brought it.
 */
#include "sim_run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "sim_pty.h"
#include "sim_stats.h"

#define OUT_MAX         8192u /* bytes between the board and the host */
#define WAIT_MAX_US     3600000000u
#define OUT_TOGETHER_US 1000u    /* bytes that are handed over at once */
#define REPLUG_US       1000000u /* until somebody pushes the plug in again */
#define IDLE_US         300000u  /* a host that comes back sooner does not wait for the file */

struct out_byte {
	uint8_t byte;
	uint64_t due_us; /* machine's time */
};

struct run {
	struct sim_board *board;
	const struct sim_run_config *cfg;
	struct sim_pty pty;
	int signals;
	uint64_t started_us;
	uint64_t board_us;    /* the board's time */
	int64_t ahead_us;     /* of the machine's time; an updater's only */
	uint64_t delays_us;   /* of faults, already waited for */
	uint64_t wire_us;     /* for the statistics */
	uint64_t turnarounds; /* of them counted in wire_us */
	uint64_t saved_ops;
	uint64_t save_us;   /* when the state is to be saved, 0: it is */
	uint64_t replug_us; /* when a pulled plug comes back, 0: it is in */
	struct out_byte out[OUT_MAX];
	size_t out_head, out_len;
	bool stop;
};

static uint64_t machine_us(const struct run *r)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000 - r->started_us;
}

/* The machine's time as the board counts it. */
static uint64_t now_us(const struct run *r)
{
	return (uint64_t)((int64_t)machine_us(r) + r->ahead_us);
}

static bool paced(const struct run *r)
{
	return r->cfg->wire_baud != 0;
}

static uint32_t baud(const struct run *r)
{
	uint32_t set = paced(r) ? r->cfg->wire_baud : sim_pty_baud(&r->pty);

	return set == 0 ? 115200 : set;
}

static void note(const struct run *r, const char *text)
{
	if (r->cfg->note != NULL)
		r->cfg->note(text);
}

/* ---- files ---- */

static int write_stats(const struct run *r, struct err *e)
{
	return sim_stats_write(r->cfg->stats_file, r->board, r->wire_us, e);
}

static int save(struct run *r, struct err *e)
{
	int rc = 0;

	r->save_us = 0;
	if (sim_board_ops(r->board) != r->saved_ops)
		rc = sim_board_save(r->board, e);
	r->saved_ops = sim_board_ops(r->board);
	return rc < 0 ? rc : write_stats(r, e);
}

/* ---- the wire ---- */

/* The board's time follows the machine's. */
static void catch_up(struct run *r)
{
	uint64_t now = now_us(r);

	if (now > r->board_us)
		r->board_us = now;
}

/*
 * What waits in the terminal came before a time-out that this program was too late to see, because
 * the machine had other things to do: the board's time has stood still meanwhile.
 */
static void forgive_late(struct run *r)
{
	uint64_t next = sim_board_next_us(r->board), now = now_us(r);

	if (next > r->board_us && next <= now)
		r->ahead_us -= (int64_t)(now - next) + 1;
}

/* Its work has brought an updater to a later time than the machine's: there it goes on. */
static void keep_ahead(struct run *r)
{
	uint64_t now = now_us(r);

	if (!r->cfg->updater || paced(r))
		return;
	if (sim_board_busy_until(r->board) > r->board_us)
		r->board_us = sim_board_busy_until(r->board);
	if (r->board_us > now)
		r->ahead_us += (int64_t)(r->board_us - now);
}

/* What explicit faults add is waited for in any case: hosts have time-outs. */
static void wait_for_delays(struct run *r)
{
	uint64_t us = sim_board_delays_us(r->board) - r->delays_us;
	struct timespec t = {(time_t)(us / 1000000), (long)(us % 1000000) * 1000};

	r->delays_us += us;
	if (us > 0 && !paced(r))
		nanosleep(&t, NULL);
}

static void take_from_board(struct run *r)
{
	uint32_t byte_us = 11000000u / baud(r);
	struct sim_stats s;
	uint64_t at;
	uint8_t byte;

	wait_for_delays(r);
	while (sim_uart_tx(r->board, &byte, &at)) {
		r->wire_us += byte_us;
		if (at > r->board_us && !paced(r))
			r->board_us = at;
		if (r->pty.users == 0 || r->out_len == OUT_MAX)
			continue; /* nobody listens */
		r->out[(r->out_head + r->out_len++) % OUT_MAX] = (struct out_byte){
			byte, paced(r) ? at + (uint64_t)r->cfg->latency_ms * 1000 : 0};
	}
	s = sim_board_stats(r->board);
	r->wire_us += (s.turnarounds - r->turnarounds) * r->cfg->latency_ms * 1000;
	r->turnarounds = s.turnarounds;
}

static void write_due(struct run *r)
{
	uint64_t now = now_us(r);
	uint8_t chunk[512];
	size_t n = 0;

	while (r->out_len > 0 && n < sizeof(chunk) && r->out[r->out_head].due_us <= now) {
		chunk[n++] = r->out[r->out_head].byte;
		r->out_head = (r->out_head + 1) % OUT_MAX;
		r->out_len--;
	}
	/* What the terminal does not take is lost, as in a serial port that nobody reads. */
	if (n > 0 && write(r->pty.master, chunk, n) < 0 && errno == EINTR)
		(void)!write(r->pty.master, chunk, n);
}

static void feed_board(struct run *r, const uint8_t *p, size_t n)
{
	uint32_t byte_us = 11000000u / baud(r);

	if (n == 0)
		return;
	sim_board_set_baud(r->board, baud(r));
	if (r->cfg->updater)
		forgive_late(r);
	catch_up(r);
	for (size_t i = 0; i < n; i++) {
		if (!paced(r) && sim_board_busy_until(r->board) > r->board_us)
			r->board_us = sim_board_busy_until(r->board);
		r->board_us += byte_us;
		r->wire_us += byte_us;
		sim_uart_rx(r->board, p[i], r->board_us);
	}
	take_from_board(r);
	keep_ahead(r);
}

/* What an updater does by itself. */
static void on_time(struct run *r)
{
	if (sim_board_next_us(r->board) > now_us(r))
		return;
	catch_up(r);
	sim_board_time(r->board, r->board_us);
	take_from_board(r);
	keep_ahead(r);
}

static size_t read_host(struct run *r, uint8_t *ret, size_t max)
{
	ssize_t n = read(r->pty.master, ret, max);

	return n > 0 ? (size_t)n : 0;
}

/* ---- what happens to the board ---- */

static void power_cycle(struct run *r)
{
	catch_up(r);
	sim_board_time(r->board, r->board_us);
	sim_board_power(r->board, false);
	sim_board_power(r->board, true);
	r->out_len = 0;
}

static void on_open(struct run *r)
{
	catch_up(r);
	sim_board_time(r->board, r->board_us);
	r->out_len = 0;
	sim_pty_forget(&r->pty);
	if (r->cfg->reset_on_open) {
		sim_board_lines(r->board, !r->cfg->updater, false);
		sim_board_lines(r->board, !r->cfg->updater, true);
	}
	if (!sim_board_powered(r->board)) {
		note(r, "power is back");
		sim_board_power(r->board, true);
	}
	/* Hosts cannot know of the reset: it counts as part of opening the port. */
	if (r->cfg->reset_on_open)
		sim_board_skip_start_up(r->board);
	take_from_board(r);
	keep_ahead(r);
}

/* Everything the host did to the port since the last call. True if it is closed now. */
static bool take_events(struct run *r)
{
	bool opened, closed = false;

	while (sim_pty_event(&r->pty, &opened)) {
		if (opened && r->pty.users == 1)
			on_open(r);
		closed = !opened && r->pty.users == 0;
	}
	return closed;
}

static int on_events(struct run *r, struct err *e)
{
	uint8_t last[1024];
	size_t n;

	if (!take_events(r))
		return 0;
	/*
	 * The last bytes before the port was closed, unless it is open again by now: then they are
	 * the first of the next session, and its reset comes before them.
	 */
	n = read_host(r, last, sizeof(last));
	take_events(r);
	feed_board(r, last, n);
	if (r->pty.users == 0)
		sim_board_lines(r->board, !r->cfg->boot0_low, true);
	r->save_us = machine_us(r) + IDLE_US;
	return write_stats(r, e);
}

static void on_signal(struct run *r)
{
	struct signalfd_siginfo info;

	if (read(r->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGUSR1:
		note(r, "reset");
		catch_up(r);
		sim_board_time(r->board, r->board_us);
		sim_board_reset(r->board);
		break;
	case SIGUSR2:
		note(r, "power cycle");
		power_cycle(r);
		break;
	default: r->stop = true;
	}
	take_from_board(r); /* a program may have been started that says something */
	keep_ahead(r);
}

/* The plug is pulled: the terminal goes away, and comes back a second later. */
static int on_vanish(struct run *r, struct err *e)
{
	int rc;

	if (r->replug_us == 0) {
		note(r, "the port has vanished");
		rc = save(r, e);
		sim_pty_close(&r->pty);
		r->out_len = 0;
		r->replug_us = machine_us(r) + REPLUG_US;
		return rc;
	}
	if (machine_us(r) < r->replug_us)
		return 0;
	r->replug_us = 0;
	sim_board_replug(r->board);
	note(r, "the port is back");
	return sim_pty_open(&r->pty, r->cfg->uart, e);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

/*
 * When the next bytes go out: those that come within a millisecond together, no later than the last
 * of them is due. So an answer is complete when the wire would have it complete.
 */
static uint64_t out_due(const struct run *r)
{
	uint64_t due = r->out[r->out_head].due_us, limit = due + OUT_TOGETHER_US;

	for (size_t i = 1; i < r->out_len; i++) {
		uint64_t next = r->out[(r->out_head + i) % OUT_MAX].due_us;

		if (next > limit)
			break;
		due = next;
	}
	return due;
}

/* Until there is something to do that nobody announces; NULL: until something is announced. */
static const struct timespec *wait_for(const struct run *r, struct timespec *ret)
{
	uint64_t next = sooner(r->replug_us, r->pty.users == 0 ? r->save_us : 0),
		 now = machine_us(r), due = 0, left;

	if (r->out_len > 0)
		due = out_due(r) + 1;
	if (sim_board_next_us(r->board) != UINT64_MAX)
		due = sooner(due, sim_board_next_us(r->board) + 1);
	if (next == 0 && due == 0)
		return NULL;
	left = next > now ? next - now : next == 0 ? UINT64_MAX : 0;
	if (due != 0 && left != 0)
		left = due > now_us(r) ? (due - now_us(r) < left ? due - now_us(r) : left) : 0;
	if (left > WAIT_MAX_US)
		left = WAIT_MAX_US;
	*ret = (struct timespec){(time_t)(left / 1000000), (long)(left % 1000000) * 1000};
	return ret;
}

static int serve(struct run *r, struct err *e)
{
	bool was_powered = true;
	struct timespec wait;
	uint8_t chunk[1024];
	int rc = 0;

	while (!r->stop && rc == 0) {
		/* The terminal counts only while somebody has it open. */
		struct pollfd fds[] = {
			{.fd = r->signals, .events = POLLIN},
			{.fd = r->pty.watch, .events = POLLIN},
			{.fd = r->pty.users > 0 ? r->pty.master : -1, .events = POLLIN},
		};

		if (ppoll(fds, 3, wait_for(r, &wait), NULL) < 0 && errno != EINTR)
			return err_set_errno(e, ERR_IO, errno, "cannot wait for the serial port");
		if (fds[0].revents != 0)
			on_signal(r);
		if (fds[1].revents != 0)
			rc = on_events(r, e);
		if (rc == 0 && fds[2].revents != 0)
			feed_board(r, chunk, read_host(r, chunk, sizeof(chunk)));
		else
			on_time(r);
		if (r->pty.master >= 0)
			write_due(r);
		if (rc == 0 && was_powered && !sim_board_powered(r->board)) {
			note(r, "the power has failed");
			rc = save(r, e);
		}
		was_powered = sim_board_powered(r->board);
		if (rc == 0 && r->save_us != 0 && r->pty.users == 0 && machine_us(r) >= r->save_us)
			rc = save(r, e);
		if (rc == 0 && sim_board_vanished(r->board))
			rc = on_vanish(r, e);
	}
	return rc;
}

int sim_run(struct sim_board *b, const struct sim_run_config *cfg, struct err *e)
{
	struct run *r = calloc(1, sizeof(*r));
	struct err second = ERR_INIT;
	sigset_t set;
	int rc;

	if (r == NULL)
		return err_set(e, ERR_NOMEM, "no memory");
	r->board = b;
	r->cfg = cfg;
	r->pty = SIM_PTY_INIT;
	r->started_us = machine_us(r);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	r->signals = signalfd(-1, &set, SFD_CLOEXEC);
	rc = r->signals < 0 ? err_set_errno(e, ERR_IO, errno, "cannot wait for signals")
			    : sim_pty_open(&r->pty, cfg->uart, e);
	if (rc == 0)
		rc = serve(r, e);
	r->saved_ops = UINT64_MAX; /* write the state in any case, also of a new chip */
	if (r->signals >= 0 && save(r, &second) < 0 && rc == 0) {
		rc = second.code;
		if (e != NULL)
			*e = second;
	}
	sim_pty_close(&r->pty);
	if (r->signals >= 0)
		close(r->signals);
	free(r);
	return rc;
}
