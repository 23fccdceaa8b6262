/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench.c - virtual boards at the USB of this kernel while a program runs
 *
 * usage: guest_bench [--chip PID] [--dfu|--i2c|--uart|--lines]... [--boards N] [--said]
 *                    [--state FILE] [--fault SPEC]... -- PROGRAM [ARGUMENT]...
 *
 * Needs vhci_hcd. Waits until the kernel has made the device nodes, runs the program, saves the
 * boards; --said tells whether the first one runs its application. Exit status: that of the program.
 */
#include <errno.h>
#include <glob.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stmota/bytes.h>
#include <stmota/clock.h>

#include "gadget.h"

#define BOARDS_MAX  8
#define GADGETS_MAX 8 /* ports of the virtual hub */
#define READY_MS    20000

static const struct {
	const char *option;
	const char *nodes; /* what the kernel makes of it */
} kinds[] = {
	{"--dfu", "/dev/bus/usb/*/*"},
	{"--i2c", "/dev/i2c-*"},
	{"--uart", "/dev/ttyUSB*"},
	{"--lines", "/dev/ttyUSB*"},
};

static struct {
	const char *chip, *state;
	const char *faults[8];
	size_t n_faults, n_boards;
	bool said, kinds[ARRAY_LEN(kinds)];
} cfg = {.chip = "0x413", .n_boards = 1};

static struct sim_board *boards[BOARDS_MAX];
static uint64_t times[BOARDS_MAX];
static struct gadget gadgets[GADGETS_MAX];
static size_t n_gadgets;

static void die(const char *what, const char *why)
{
	fprintf(stderr, "guest_bench: %s: %s\n", what, why);
	exit(125);
}

static char **parse(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		size_t k = 0;

		while (k < ARRAY_LEN(kinds) && strcmp(kinds[k].option, argv[i]) != 0)
			k++;
		if (k < ARRAY_LEN(kinds))
			cfg.kinds[k] = true;
		else if (strcmp(argv[i], "--said") == 0)
			cfg.said = true;
		else if (i + 1 == argc)
			die(argv[i], "unknown, or without a value");
		else if (strcmp(argv[i], "--chip") == 0)
			cfg.chip = argv[++i];
		else if (strcmp(argv[i], "--state") == 0)
			cfg.state = argv[++i];
		else if (strcmp(argv[i], "--boards") == 0)
			cfg.n_boards = strtoul(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--fault") == 0 && cfg.n_faults < ARRAY_LEN(cfg.faults))
			cfg.faults[cfg.n_faults++] = argv[++i];
		else
			die(argv[i], "unknown");
	}
	if (i + 1 >= argc || cfg.n_boards == 0 || cfg.n_boards > BOARDS_MAX)
		die("usage", "guest_bench [OPTION]... -- PROGRAM [ARGUMENT]...");
	return argv + i + 1;
}

static void make_boards(void)
{
	struct err e = ERR_INIT;

	for (size_t i = 0; i < cfg.n_boards; i++) {
		struct sim_config c = {.state_file = i == 0 ? cfg.state : NULL,
			.faults = cfg.faults,
			.n_faults = cfg.n_faults,
			.seed = (uint32_t)i + 1};

		if (chip_find_name(cfg.chip, &c.chip, &e) < 0 ||
			sim_board_new(&c, &boards[i], &e) < 0)
			die("board", e.msg);
		for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
			struct gadget *g = &gadgets[n_gadgets];

			if (!cfg.kinds[k])
				continue;
			if (n_gadgets == GADGETS_MAX)
				die("board", "not so many ports");
			*g = (struct gadget){.board = boards[i],
				.us = &times[i],
				.port = (unsigned)n_gadgets,
				.fd = -1};
			if (!(k == 0         ? gadget_dfu(g)
				    : k == 1 ? gadget_i2c(g)
					     : gadget_uart(g, k == 3)))
				die(kinds[k].option, "this chip does not have it");
			n_gadgets++;
		}
	}
}

/* Devices come and go as their boards say. */
static void look_at(struct gadget *g)
{
	bool changed = false;
	bool there = g->ops->present == NULL || g->ops->present(g, &changed);
	int rc;

	if (g->fd >= 0 && (!there || changed))
		gadget_detach(g);
	if (g->fd < 0 && there) {
		rc = gadget_attach(g);
		if (rc < 0)
			die("vhci_hcd", strerror(-rc));
	}
}

static void serve(int timeout_ms)
{
	struct pollfd fds[GADGETS_MAX];

	for (size_t i = 0; i < n_gadgets; i++)
		fds[i] = (struct pollfd){.fd = gadgets[i].fd, .events = POLLIN};
	if (poll(fds, n_gadgets, timeout_ms) <= 0)
		return;
	for (size_t i = 0; i < n_gadgets; i++) {
		if (fds[i].revents == 0)
			continue;
		if (gadget_serve(&gadgets[i]) < 0)
			gadget_detach(&gadgets[i]);
		look_at(&gadgets[i]);
	}
}

static size_t count_nodes(const char *pattern)
{
	glob_t g;
	size_t n = glob(pattern, 0, NULL, &g) == 0 ? g.gl_pathc : 0;

	globfree(&g);
	return n;
}

/* The nodes of all devices are there. */
static void wait_for_nodes(const size_t before[ARRAY_LEN(kinds)])
{
	uint64_t until = clock_now_ms(&clock_monotonic) + READY_MS;
	size_t missing = 1;

	while (missing > 0) {
		missing = 0;
		serve(5);
		for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
			if (cfg.kinds[k] && count_nodes(kinds[k].nodes) < before[k] + cfg.n_boards)
				missing++;
		if (clock_now_ms(&clock_monotonic) > until)
			die("kernel", "the device nodes do not appear");
	}
	/* The node of a USB device comes before its configuration. */
	for (int i = 0; i < 50; i++)
		serve(5);
}

int main(int argc, char **argv)
{
	char **program = parse(argc, argv);
	size_t before[ARRAY_LEN(kinds)];
	struct err e = ERR_INIT;
	int status = 0;
	pid_t pid;

	for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
		before[k] = count_nodes(kinds[k].nodes);
	make_boards();
	/* Whoever plugs a board in waits until its ROM has started. */
	for (size_t i = 0; i < cfg.n_boards; i++)
		times[i] = sim_board_busy_until(boards[i]);
	for (size_t i = 0; i < n_gadgets; i++)
		look_at(&gadgets[i]);
	wait_for_nodes(before);
	pid = fork();
	if (pid == 0) {
		execvp(program[0], program);
		perror(program[0]);
		_exit(127);
	}
	while (waitpid(pid, &status, WNOHANG) == 0)
		serve(5);
	for (size_t i = 0; i < n_gadgets; i++)
		gadget_detach(&gadgets[i]);
	for (size_t i = 0; i < cfg.n_boards; i++)
		if (sim_board_save(boards[i], &e) < 0)
			die("state", e.msg);
	if (cfg.said)
		printf("application runs: %s\n",
			sim_board_in_application(boards[0]) ? "yes" : "no");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 126;
}
