/* SPDX-License-Identifier: Apache-2.0 */
/*
 * umock_board.c - a virtual board behind a serial port with modem lines, for an unmodified program
 *
 * usage: umock_board CHIP LOG PROGRAM [ARGUMENT]...
 *
 * umockdev makes /dev/ttyUSB7 for the child; DTR is wired to NRST, RTS to BOOT0, both straight.
 * The board starts with BOOT0 low. Changes of the lines go to LOG ("boot0=1 nrst=0"), and at the
 * end whether the application runs. The child gets LD_PRELOAD from $UMOCK_PRELOAD: the shim
 * pty_parity, which keeps the parity bit that a pseudo terminal drops, and umockdev's library.
 * $UMOCK_APP is what the application understands as "start the bootloader": some bytes, or "break".
 * What it hears is in LOG with the speed ("application hears it at 9600 baud").
 * Exit status: that of the program.
 */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <umockdev.h>

#include <stmota/clock.h>

#include "../../src/sim/sim.h"

#define PORT "/dev/ttyUSB7"

static struct {
	pthread_mutex_t lock;
	struct sim_board *board;
	FILE *log;
	int lines; /* TIOCM_* as the host set them */
	const char *app;
	uint64_t break_ms;
} bench = {.lock = PTHREAD_MUTEX_INITIALIZER};

static uint64_t now_us(void)
{
	return clock_now_ms(&clock_monotonic) * 1000;
}

/* Asserted is low at the TTL side. */
static void apply_lines(int lines)
{
	bool boot0 = (lines & TIOCM_RTS) == 0, nrst = (lines & TIOCM_DTR) == 0;

	if (((lines ^ bench.lines) & (TIOCM_RTS | TIOCM_DTR)) != 0)
		fprintf(bench.log, "boot0=%d nrst=%d\n", boot0, nrst);
	fflush(bench.log);
	bench.lines = lines;
	sim_board_time(bench.board, now_us());
	sim_board_lines(bench.board, boot0, nrst);
}

/* The application jumps into the ROM: seen from outside, a reset with BOOT0 high. */
static void start_rom(int fd)
{
	struct termios tio = {0};

	if (fd >= 0)
		tcgetattr(fd, &tio);
	fprintf(bench.log, "application hears it at %s baud\n",
		fd < 0                         ? "no"
		: cfgetospeed(&tio) == B9600   ? "9600"
		: cfgetospeed(&tio) == B115200 ? "115200"
					       : "another");
	fflush(bench.log);
	sim_board_time(bench.board, now_us());
	sim_board_lines(bench.board, true, false);
	sim_board_lines(bench.board, true, true);
	sim_board_lines(bench.board, false, true);
}

static void application_hears(int fd, uint8_t byte)
{
	static size_t matched;

	if (bench.app == NULL || !sim_board_in_application(bench.board))
		return;
	matched = byte == (uint8_t)bench.app[matched] ? matched + 1 : 0;
	if (bench.app[matched] != '\0')
		return;
	matched = 0;
	start_rom(fd);
}

static gboolean on_ioctl(UMockdevIoctlBase *base, UMockdevIoctlClient *client, gpointer user)
{
	unsigned request = (unsigned)umockdev_ioctl_client_get_request(client);
	UMockdevIoctlData *arg = umockdev_ioctl_client_get_arg(client), *data;
	int *value;

	(void)base;
	(void)user;
	if (request == TIOCEXCL || request == TIOCNXCL) {
		umockdev_ioctl_client_complete(client, 0, 0);
		return TRUE;
	}
	if (request == TIOCSBRK || request == TIOCCBRK) {
		pthread_mutex_lock(&bench.lock);
		if (request == TIOCSBRK)
			bench.break_ms = clock_now_ms(&clock_monotonic);
		else if (bench.app != NULL && strcmp(bench.app, "break") == 0 &&
			 clock_now_ms(&clock_monotonic) - bench.break_ms >= 100 &&
			 sim_board_in_application(bench.board))
			start_rom(-1);
		pthread_mutex_unlock(&bench.lock);
		umockdev_ioctl_client_complete(client, 0, 0);
		return TRUE;
	}
	if (request != TIOCMGET && request != TIOCMSET && request != TIOCMBIS &&
		request != TIOCMBIC)
		return FALSE;
	data = umockdev_ioctl_data_resolve(arg, 0, sizeof(int), NULL);
	value = (int *)(void *)data->data;
	pthread_mutex_lock(&bench.lock);
	switch (request) {
	case TIOCMGET: *value = bench.lines | TIOCM_CTS | TIOCM_DSR; break;
	case TIOCMSET: apply_lines(*value); break;
	case TIOCMBIS: apply_lines(bench.lines | *value); break;
	default: apply_lines(bench.lines & ~*value); break;
	}
	pthread_mutex_unlock(&bench.lock);
	umockdev_ioctl_data_unref(data);
	umockdev_ioctl_client_complete(client, 0, 0);
	return TRUE;
}

static void carry_bytes(int fd)
{
	static bool has_next;
	static uint8_t next;
	static uint64_t next_us;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint8_t bytes[512];
	ssize_t n = 0;

	if (poll(&p, 1, 1) > 0 && (p.revents & POLLIN) != 0)
		n = read(fd, bytes, sizeof(bytes));
	pthread_mutex_lock(&bench.lock);
	for (ssize_t i = 0; i < n; i++) {
		application_hears(fd, bytes[i]);
		sim_uart_rx(bench.board, bytes[i], now_us());
	}
	while (has_next || sim_uart_tx(bench.board, &next, &next_us)) {
		has_next = next_us > now_us();
		if (has_next || write(fd, &next, 1) != 1)
			break;
	}
	pthread_mutex_unlock(&bench.lock);
}

static int run(int fd, char **program)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		const char *preload = getenv("UMOCK_PRELOAD");

		/* The testbed itself must not be preloaded. */
		if (preload != NULL)
			setenv("LD_PRELOAD", preload, 1);
		execvp(program[0], program);
		_exit(127);
	}
	while (waitpid(pid, &status, WNOHANG) == 0)
		carry_bytes(fd);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 126;
}

int main(int argc, char **argv)
{
	struct sim_config cfg = {.boot0_low = true};
	struct err e = ERR_INIT;
	UMockdevIoctlBase *handler;
	UMockdevTestbed *testbed;
	int fd, status;

	if (argc < 4) {
		fprintf(stderr, "usage: umock_board CHIP LOG PROGRAM [ARGUMENT]...\n");
		return 2;
	}
	bench.app = getenv("UMOCK_APP");
	bench.log = fopen(argv[2], "w");
	if (bench.log == NULL || chip_find_name(argv[1], &cfg.chip, &e) < 0 ||
		sim_board_new(&cfg, &bench.board, &e) < 0) {
		fprintf(stderr, "umock_board: %s\n", e.msg);
		return 2;
	}
	testbed = umockdev_testbed_new();
	if (!umockdev_testbed_add_from_string(testbed,
		    "P: /devices/pci0/usb1/1-1/1-1:1.0/ttyUSB7/tty/ttyUSB7\nN: ttyUSB7\n"
		    "E: DEVNAME=" PORT "\nE: SUBSYSTEM=tty\nA: dev=188:7\n",
		    NULL))
		return 2;
	handler = umockdev_ioctl_base_new();
	g_signal_connect(handler, "handle-ioctl", G_CALLBACK(on_ioctl), NULL);
	if (!umockdev_testbed_attach_ioctl(testbed, PORT, handler, NULL))
		return 2;
	fd = umockdev_testbed_get_dev_fd(testbed, PORT);
	status = run(fd, argv + 3);
	pthread_mutex_lock(&bench.lock);
	fprintf(bench.log, "lines at the end: boot0=%d nrst=%d\n", (bench.lines & TIOCM_RTS) == 0,
		(bench.lines & TIOCM_DTR) == 0);
	fprintf(bench.log, "application runs: %s\n",
		sim_board_in_application(bench.board) ? "yes" : "no");
	fclose(bench.log);
	umockdev_testbed_detach_ioctl(testbed, PORT, NULL);
	return status;
}
