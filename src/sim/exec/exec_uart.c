/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec_uart.c - /dev/ttyUSB0 with modem lines: NRST on DTR, BOOT0 on RTS
 *
 * The wiring is straight: a line that is asserted is low at the chip. As long as the program leaves
 * the lines alone BOOT0 is what its strap says.
 */
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "exec.h"

#define NODE    "/dev/ttyUSB0"
#define DEVPATH "/devices/pci0/usb2/2-1/2-1:1.0/ttyUSB0/tty/ttyUSB0"

static struct {
	int fd;    /* our end of the pseudo terminal */
	int lines; /* TIOCM_RTS, TIOCM_DTR as the program set them */
} port = {.fd = -1};

static const struct {
	speed_t code;
	uint32_t baud;
} speeds[] = {{B1200, 1200}, {B1800, 1800}, {B2400, 2400}, {B4800, 4800}, {B9600, 9600},
	{B19200, 19200}, {B38400, 38400}, {B57600, 57600}, {B115200, 115200}, {B230400, 230400},
	{B460800, 460800}, {B500000, 500000}, {B576000, 576000}, {B921600, 921600},
	{B1000000, 1000000}, {B1500000, 1500000}, {B2000000, 2000000}};

static uint32_t baud(void)
{
	struct termios t;

	if (tcgetattr(port.fd, &t) == 0)
		for (size_t i = 0; i < ARRAY_LEN(speeds); i++)
			if (speeds[i].code == cfgetospeed(&t))
				return speeds[i].baud;
	return 115200;
}

static void set_lines(struct exec *x, int lines)
{
	port.lines = lines & (TIOCM_RTS | TIOCM_DTR);
	exec_lines(x, (lines & TIOCM_RTS) == 0, (lines & TIOCM_DTR) == 0);
}

static gboolean on_ioctl(UMockdevIoctlBase *base, UMockdevIoctlClient *client, gpointer user)
{
	struct exec *x = user;
	unsigned request = (unsigned)umockdev_ioctl_client_get_request(client);
	cleanup_data UMockdevIoctlData *data = NULL;
	int value;

	switch (request) {
	case TIOCEXCL:
	case TIOCNXCL: umockdev_ioctl_client_complete(client, 0, 0); return TRUE;
	case TIOCMGET:
	case TIOCMSET:
	case TIOCMBIS:
	case TIOCMBIC: break;
	default: return FALSE; /* the terminal's own business */
	}
	data = umockdev_ioctl_data_resolve(
		umockdev_ioctl_client_get_arg(client), 0, sizeof(int), NULL);
	memcpy(&value, data->data, sizeof(value));
	exec_lock(x);
	switch (request) {
	case TIOCMGET: value = port.lines | TIOCM_CTS | TIOCM_DSR; break;
	case TIOCMSET: set_lines(x, value); break;
	case TIOCMBIS: set_lines(x, port.lines | value); break;
	default: set_lines(x, port.lines & ~value); break;
	}
	exec_unlock(x);
	umockdev_ioctl_data_update(data, 0, (guint8 *)&value, sizeof(value));
	umockdev_ioctl_client_complete(client, 0, 0);
	return TRUE;
}

static void to_board(struct exec *x, const uint8_t *p, size_t n)
{
	uint32_t speed = baud();
	uint64_t t = exec_now_us(x);

	sim_board_set_baud(x->board, speed);
	for (size_t i = 0; i < n; i++) {
		if (sim_board_busy_until(x->board) > t)
			t = sim_board_busy_until(x->board);
		t += 11000000u / speed;
		x->wire_us += 11000000u / speed;
		sim_uart_rx(x->board, p[i], t);
	}
	exec_reach_us(x, t);
}

static void to_program(struct exec *x)
{
	uint8_t bytes[512], byte;
	uint64_t at;
	size_t n = 0;

	exec_wait_delays(x);
	while (n < sizeof(bytes) && sim_uart_tx(x->board, &byte, &at)) {
		x->wire_us += 11000000u / baud();
		exec_reach_us(x, at);
		bytes[n++] = byte;
	}
	if (n > 0)
		(void)!write(port.fd, bytes, n);
}

static void serve(struct exec *x)
{
	struct pollfd p = {.fd = port.fd, .events = POLLIN};
	uint8_t bytes[512];
	ssize_t n = 0;

	if (port.fd < 0)
		return;
	if (poll(&p, 1, 0) > 0 && (p.revents & POLLIN) != 0)
		n = read(port.fd, bytes, sizeof(bytes));
	if (n > 0)
		to_board(x, bytes, (size_t)n);
	to_program(x);
	if (sim_board_vanished(x->board)) {
		/* The program sees a hang-up, and the port does not come back. */
		x->n_watch = 0;
		close(port.fd);
		port.fd = -1;
	}
}

static int attach(struct exec *x, struct err *e)
{
	UMockdevIoctlBase *handler = umockdev_ioctl_base_new();
	int rc = exec_add(x,
		"P: " DEVPATH "\nN: ttyUSB0\nE: DEVNAME=" NODE
		"\nE: SUBSYSTEM=tty\nA: dev=188:0\\n\n",
		e);

	if (rc < 0) {
		g_object_unref(handler);
		return rc;
	}
	g_signal_connect(handler, "handle-ioctl", G_CALLBACK(on_ioctl), x);
	rc = exec_answer(x, NODE, handler, e);
	if (rc < 0)
		return rc;
	port.fd = umockdev_testbed_get_dev_fd(x->testbed, NODE);
	if (port.fd < 0)
		return err_set(e, ERR_FAILED, "umockdev: %s has no other end", NODE);
	exec_watch(x, port.fd);
	return 0;
}

static void detach(struct exec *x)
{
	umockdev_testbed_detach_ioctl(x->testbed, NODE, NULL);
}

const struct exec_transport exec_uart = {
	.option = "uart",
	.what = "the bootloader on the serial port /dev/ttyUSB0; NRST on DTR, BOOT0 on RTS",
	.shim = "libstmota-sim-serial.so",
	.attach = attach,
	.serve = serve,
	.detach = detach,
};
