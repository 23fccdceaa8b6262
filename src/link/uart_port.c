/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uart_port.c - opening and setting up a serial port by libserialport
 */
#include "uart_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libserialport.h>
#include <linux/serial.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

#include <stmota/cleanup.h>
#include <stmota/log.h>

#define FTDI_LATENCY_MS 16 /* of a driver that nobody asked for less */

void uart_port_list(char *ret, size_t size)
{
	struct sp_port **ports = NULL;
	size_t len = 0;

	snprintf(ret, size, "none");
	if (sp_list_ports(&ports) != SP_OK)
		return;
	for (size_t i = 0; ports[i] != NULL && len + 1 < size; i++) {
		/* The fixed ports of a PC are there whether or not anything is behind them. */
		if (sp_get_port_transport(ports[i]) == SP_TRANSPORT_NATIVE)
			continue;
		len += (size_t)snprintf(ret + len, size - len, "%s%s", len > 0 ? " " : "",
			sp_get_port_name(ports[i]));
	}
	sp_free_port_list(ports);
}

/* What libserialport's failure means for us; takes errno's place. */
static int port_error(const struct uart *u, enum sp_return rc, const char *what, struct err *e)
{
	char *text;

	if (rc == SP_ERR_FAIL && (sp_last_error_code() == EBUSY || errno == EBUSY))
		return err_set(e, ERR_BUSY, "%s is held by another process", u->l.name);
	if (rc != SP_ERR_FAIL)
		return err_set(e, ERR_LINK, "%s %s: not possible on this port", what, u->l.name);
	if (sp_last_error_code() == EACCES) {
		err_set(e, ERR_LINK, "no permission for %s", u->l.name);
		err_hint(e, "serial ports belong to the group dialout: sudo usermod -aG dialout "
			    "$USER, then log in again");
		return ERR_LINK;
	}
	text = sp_last_error_message();
	err_set(e, ERR_LINK, "%s %s: %s", what, u->l.name, text);
	sp_free_error_message(text);
	return ERR_LINK;
}

static int read_number(const char *path)
{
	cleanup_file FILE *f = fopen(path, "re");
	int v = -1;

	if (f == NULL || fscanf(f, "%d", &v) != 1)
		return -1;
	return v;
}

/*
 * USB adapters collect bytes for a while before they pass them on, FTDI's for 16 ms: that is
 * what a flasher with small packets spends most of its time on. Asking for less is worth a try.
 */
static void lower_latency(struct uart *u)
{
	struct serial_struct ss;
	char path[PATH_MAX + 64];
	const char *name = strrchr(u->path, '/');
	cleanup_file FILE *f = NULL;
	int ms;

	if (ioctl(u->fd, TIOCGSERIAL, &ss) == 0) {
		ss.flags = (int)((unsigned)ss.flags | ASYNC_LOW_LATENCY);
		if (ioctl(u->fd, TIOCSSERIAL, &ss) < 0)
			log_debug("%s: low latency: %s", u->l.name, strerror(errno));
	}
	snprintf(path, sizeof(path), "/sys/class/tty/%s/device/latency_timer",
		name != NULL ? name + 1 : u->path);
	ms = read_number(path);
	if (ms < 0)
		return; /* not FTDI */
	if (ms > 1) {
		f = fopen(path, "we");
		if (f != NULL && fprintf(f, "1\n") > 0 && fflush(f) == 0)
			ms = read_number(path);
	}
	u->l.latency_ms = ms > 0 ? (uint32_t)ms : FTDI_LATENCY_MS;
	if (ms > 1)
		log_info("%s: the adapter waits %d ms before it passes bytes on", u->l.name, ms);
}

int uart_port_find(struct uart *u, struct err *e)
{
	if (sp_get_port_by_name(u->path, &u->port) == SP_OK)
		return 0;
	u->port = NULL;
	return err_set(e, ERR_LINK, "%s is no serial port", u->l.name);
}

int uart_port_open(struct uart *u, struct err *e)
{
	enum sp_return rc = sp_open(u->port, SP_MODE_READ_WRITE);

	if (rc != SP_OK)
		return port_error(u, rc, "cannot open", e);
	rc = sp_get_port_handle(u->port, &u->fd);
	if (rc != SP_OK)
		return port_error(u, rc, "cannot use", e);
	return 0;
}

/* The driver may accept settings that the hardware does not have: what stuck is read back. */
static int check_frame(const struct uart *u, struct err *e)
{
	static const struct {
		const char *name;
		tcflag_t flags;
	} frames[] = {
		[UART_PARITY_EVEN] = {"8E1", PARENB},
		[UART_PARITY_NONE] = {"8N1", 0},
		[UART_PARITY_ODD] = {"8O1", PARENB | PARODD},
	};
	tcflag_t wanted = frames[u->cfg.parity].flags;
	struct termios tio;

	if (tcgetattr(u->fd, &tio) < 0)
		return err_set_errno(
			e, ERR_LINK, errno, "cannot read the settings of %s", u->l.name);
	if ((tio.c_cflag & CSIZE) == CS8 && (tio.c_cflag & CSTOPB) == 0 &&
		(tio.c_cflag & (PARENB | (wanted & PARODD))) == wanted &&
		((tio.c_cflag & PARODD) == 0 || wanted != PARENB))
		return 0;
	err_set(e, ERR_LINK, "%s cannot do %s", u->l.name, frames[u->cfg.parity].name);
	if (u->cfg.parity == UART_PARITY_EVEN)
		err_hint(
			e, "the bootloader needs even parity; this adapter or its driver has none");
	return ERR_LINK;
}

/* Closing the port must not pull DTR and RTS: that resets boards that are wired to them. */
static void clear_hupcl(const struct uart *u)
{
	struct termios tio;

	if (tcgetattr(u->fd, &tio) < 0)
		return;
	tio.c_cflag &= ~(tcflag_t)HUPCL;
	if (tcsetattr(u->fd, TCSANOW, &tio) < 0)
		log_debug("%s: HUPCL stays set: %s", u->l.name, strerror(errno));
}

static enum sp_return configure(struct uart *u, uint32_t baud)
{
	struct sp_port_config *c = NULL;
	enum sp_return rc = sp_new_config(&c);

	if (rc != SP_OK)
		return rc;
	sp_set_config_baudrate(c, (int)baud);
	sp_set_config_bits(c, 8);
	sp_set_config_parity(c, u->cfg.parity == UART_PARITY_NONE  ? SP_PARITY_NONE
				: u->cfg.parity == UART_PARITY_ODD ? SP_PARITY_ODD
								   : SP_PARITY_EVEN);
	sp_set_config_stopbits(c, 1);
	sp_set_config_cts(c, SP_CTS_IGNORE);
	sp_set_config_dsr(c, SP_DSR_IGNORE);
	sp_set_config_xon_xoff(c, SP_XONXOFF_DISABLED);
	rc = sp_set_config(u->port, c);
	sp_free_config(c);
	return rc;
}

int uart_port_setup(struct uart *u, uint32_t baud, struct err *e)
{
	enum sp_return rc = configure(u, baud);
	int err;

	if (rc != SP_OK && baud != u->l.baud && u->l.baud != 0) {
		configure(u, u->l.baud); /* the old speed stays */
		return err_set(
			e, ERR_UNSUPPORTED, "%s cannot do %" PRIu32 " baud", u->l.name, baud);
	}
	if (rc != SP_OK) {
		err = port_error(u, rc, "cannot set up", e);
		if (baud > 115200)
			err_hint(e, "try a lower --baud");
		return err;
	}
	clear_hupcl(u);
	lower_latency(u);
	return check_frame(u, e);
}

int uart_port_line(struct uart *u, enum entry_wire wire, bool asserted, struct err *e)
{
	enum sp_return rc = SP_OK;

	if (wire == ENTRY_WIRE_DTR)
		rc = sp_set_dtr(u->port, asserted ? SP_DTR_ON : SP_DTR_OFF);
	else if (wire == ENTRY_WIRE_RTS)
		rc = sp_set_rts(u->port, asserted ? SP_RTS_ON : SP_RTS_OFF);
	return rc == SP_OK ? 0 : port_error(u, rc, "cannot set the lines of", e);
}

void uart_port_close(struct uart *u)
{
	if (u->port == NULL)
		return;
	if (u->fd >= 0)
		sp_close(u->port);
	sp_free_port(u->port);
	u->port = NULL;
	u->fd = -1;
}
