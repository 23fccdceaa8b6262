/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_uart.c - a serial port or pseudo terminal as a link
 *
 * Ports are opened and set up by libserialport; bytes go through the descriptor itself, because
 * the library's blocking calls do not return when Ctrl-C comes, and an erase is waited for up to
 * half a minute.
 */
#include "fd_io.h"
#include "uart_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <stmota/log.h>
#include <stmota/signals.h>
#include <stmota/trace.h>

#define QUIET_MS      20  /* CP2102N delivers bytes of an earlier session after the flush */
#define QUIET_MAX_MS  400 /* an application that prints never gets quiet */
#define SETTLE_MS     50  /* opening a USB adapter glitches its lines */

static struct uart *uart_of(struct link *l)
{
	return (struct uart *)l;
}

static int gone(const struct uart *u, struct err *e)
{
	return fd_io_gone(&u->l, e);
}

static int uart_write(struct link *l, const void *buf, size_t len, struct err *e)
{
	return fd_io_write(l, uart_of(l)->fd, buf, len, e);
}

static int uart_read(struct link *l, void *buf, size_t len, uint32_t timeout_ms, struct err *e)
{
	return fd_io_read(l, uart_of(l)->fd, buf, len, timeout_ms, e);
}

static int uart_flush(struct link *l, struct err *e)
{
	struct uart *u = uart_of(l);

	if (tcflush(u->fd, TCIOFLUSH) < 0)
		return gone(u, e);
	return 0;
}

static int uart_set_line(struct link *l, enum link_line line, bool level, struct err *e)
{
	struct uart *u = uart_of(l);
	const struct entry_pin *pin = line == LINK_BOOT0 ? &u->cfg.entry.boot0 : &u->cfg.entry.nrst;

	if (pin->wire != ENTRY_WIRE_DTR && pin->wire != ENTRY_WIRE_RTS)
		return 0;
	trace_note(l->name, "%s=%d", line == LINK_BOOT0 ? "boot0" : "nrst", level);
	/* An asserted line is low at the TTL side of the adapter. */
	return uart_port_line(u, pin->wire, pin->inverted ? level : !level, e);
}

/* NRST released and BOOT0 low: the board runs as if nothing were connected. */
static int lines_idle(struct uart *u, struct err *e)
{
	int rc;

	if ((u->l.caps & LINK_HAS_LINES) == 0)
		return 0;
	rc = uart_set_line(&u->l, LINK_BOOT0, false, e);
	return rc < 0 ? rc : uart_set_line(&u->l, LINK_NRST, true, e);
}

static int uart_set_baud(struct link *l, uint32_t baud, struct err *e)
{
	struct uart *u = uart_of(l);
	int rc;

	if (u->port == NULL)
		return err_set(e, ERR_UNSUPPORTED, "%s has no speed", l->name);
	rc = uart_port_setup(u, baud, e);
	if (rc == 0) {
		l->baud = baud;
		trace_note(l->name, "%u baud", (unsigned)baud);
	}
	return rc;
}

static int uart_set_frame(struct link *l, uint32_t baud, bool even, struct err *e)
{
	struct uart *u = uart_of(l);
	enum uart_parity was = u->cfg.parity;
	int rc;

	u->cfg.parity = even ? UART_PARITY_EVEN : UART_PARITY_NONE;
	rc = u->port != NULL ? uart_port_setup(u, baud, e) : pty_setup(u, baud, e);
	if (rc == 0) {
		l->baud = baud;
		trace_note(l->name, "%u baud, 8%c1", (unsigned)baud, even ? 'E' : 'N');
	} else {
		u->cfg.parity = was;
	}
	return rc;
}

static int uart_send_break(struct link *l, uint32_t ms, struct err *e)
{
	struct uart *u = uart_of(l);

	trace_note(l->name, "break of %u ms", (unsigned)ms);
	if (ioctl(u->fd, TIOCSBRK) < 0)
		return err_set_errno(e, ERR_UNSUPPORTED, errno, "%s cannot send a break", l->name);
	clock_sleep_ms(l->clock, ms);
	if (ioctl(u->fd, TIOCCBRK) < 0)
		return gone(u, e);
	return 0;
}

static int uart_drain(struct link *l, struct err *e)
{
	struct uart *u = uart_of(l);

	if (tcdrain(u->fd) < 0 && errno != EINTR)
		return gone(u, e);
	return 0;
}

static void uart_close(struct link *l)
{
	struct uart *u = uart_of(l);

	if (u->fd >= 0) {
		lines_idle(u, NULL);
		trace_note(l->name, "close");
		if (u->port != NULL)
			ioctl(u->fd, TIOCNXCL);
		flock(u->fd, LOCK_UN);
	}
	if (u->port != NULL)
		uart_port_close(u);
	else if (u->fd >= 0)
		close(u->fd);
	free(u);
}

static const struct link_ops uart_ops_lines = {
	.name = "uart",
	.write = uart_write,
	.read = uart_read,
	.flush = uart_flush,
	.set_line = uart_set_line,
	.set_baud = uart_set_baud,
	.set_frame = uart_set_frame,
	.send_break = uart_send_break,
	.drain = uart_drain,
	.close = uart_close,
};

static const struct link_ops uart_ops = {
	.name = "uart",
	.write = uart_write,
	.read = uart_read,
	.flush = uart_flush,
	.set_baud = uart_set_baud,
	.set_frame = uart_set_frame,
	.send_break = uart_send_break,
	.drain = uart_drain,
	.close = uart_close,
};

static const struct link_ops pty_ops = {
	.name = "uart",
	.write = uart_write,
	.read = uart_read,
	.flush = uart_flush,
	.set_frame = uart_set_frame,
	.close = uart_close,
};

static int missing(const struct uart *u, int errno_value, struct err *e)
{
	char ports[160];

	if (errno_value != ENOENT && errno_value != ENOTDIR)
		return err_set_errno(e, ERR_LINK, errno_value, "cannot open %s", u->l.name);
	uart_port_list(ports, sizeof(ports));
	err_set(e, ERR_LINK, "there is no %s", u->l.name);
	err_hint(e, "serial ports here: %s", ports);
	return ERR_LINK;
}

static int busy(const struct uart *u, const char *holder, struct err *e)
{
	err_set(e, ERR_BUSY, "%s is held by %s", u->l.name, holder);
	err_hint(e, "end that program, or wait for it");
	return ERR_BUSY;
}

static int lock(struct uart *u, struct err *e)
{
	char holder[96] = "another process";

	if (flock(u->fd, LOCK_EX | LOCK_NB) < 0) {
		/* A pseudo terminal's maker may have it open too, without the lock. */
		if (!port_lock_holder(u->fd, holder, sizeof(holder)))
			port_holder(u->path, holder, sizeof(holder));
		return busy(u, holder, e);
	}
	/* Not on a pseudo terminal: there it would outlive a killed process. */
	if (u->port != NULL && ioctl(u->fd, TIOCEXCL) < 0)
		log_debug("%s: not exclusive: %s", u->l.name, strerror(errno));
	return 0;
}

static int wait_until_quiet(struct uart *u, struct err *e)
{
	uint64_t until_ms;
	uint8_t byte;
	int rc;

	if (u->port != NULL)
		clock_sleep_ms(u->l.clock, SETTLE_MS);
	rc = uart_flush(&u->l, e);
	until_ms = clock_now_ms(u->l.clock) + QUIET_MAX_MS;
	while (rc == 0 && clock_now_ms(u->l.clock) < until_ms)
		rc = uart_read(&u->l, &byte, 1, QUIET_MS, e);
	if (rc == ERR_TIMEOUT) {
		err_clear(e);
		return 0;
	}
	return rc;
}

/* libserialport does not follow links; a node in /dev is taken by the name it has. */
static int resolve(struct uart *u, struct err *e)
{
	struct stat st;

	if (strncmp(u->cfg.path, "/dev/", 5) == 0 && lstat(u->cfg.path, &st) == 0 &&
		S_ISCHR(st.st_mode) && strlen(u->cfg.path) < sizeof(u->path)) {
		memcpy(u->path, u->cfg.path, strlen(u->cfg.path) + 1);
		return 0;
	}
	return realpath(u->cfg.path, u->path) != NULL ? 0 : missing(u, errno, e);
}

static int open_and_set_up(struct uart *u, struct err *e)
{
	char holder[96];
	int rc = resolve(u, e);

	if (rc < 0)
		return rc;
	if (pty_is(u->path)) {
		u->l.ops = &pty_ops;
		rc = pty_open(u, e);
	} else {
		rc = uart_port_find(u, e);
		/* Looked at before opening: that alone moves the lines of the other's board. */
		if (rc == 0 && port_holder(u->path, holder, sizeof(holder)))
			return busy(u, holder, e);
		if (rc == 0)
			rc = uart_port_open(u, e);
	}
	if (rc == 0)
		rc = lock(u, e);
	if (rc == 0)
		rc = u->port != NULL ? uart_port_setup(u, u->cfg.baud, e)
				     : pty_setup(u, u->cfg.baud, e);
	if (rc < 0)
		return rc;
	u->l.baud = u->cfg.baud;
	trace_note(u->l.name, "open, %u baud", (unsigned)u->l.baud);
	if (u->port != NULL) {
		u->l.caps |= LINK_CAN_SET_BAUD;
		if (entry_uses_modem_lines(&u->cfg.entry)) {
			u->l.caps |= LINK_HAS_LINES;
			u->l.ops = &uart_ops_lines;
		}
	}
	rc = lines_idle(u, e);
	return rc < 0 ? rc : wait_until_quiet(u, e);
}

int link_uart_open(const struct uart_config *cfg, struct link **ret, struct err *e)
{
	struct uart *u = calloc(1, sizeof(*u));
	int rc;

	if (u == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	u->l.ops = &uart_ops;
	u->l.clock = &clock_monotonic;
	u->cfg = *cfg;
	u->fd = -1;
	snprintf(u->l.name, sizeof(u->l.name), "%s", cfg->path);
	rc = open_and_set_up(u, e);
	if (rc < 0) {
		uart_close(&u->l);
		return rc;
	}
	u->cfg.path = NULL; /* the caller's */
	*ret = &u->l;
	return 0;
}
