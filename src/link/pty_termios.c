/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pty_termios.c - pseudo terminals, the only ports that go around libserialport
 *
 * libserialport looks names up under /sys/class/tty and refuses /dev/pts. A pseudo terminal has
 * neither speed nor parity nor modem lines: it drops PARENB, and glibc reports that as EINVAL.
 */
#include "uart_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>

bool pty_is(const char *resolved_path)
{
	return strncmp(resolved_path, "/dev/pts/", 9) == 0;
}

int pty_open(struct uart *u, struct err *e)
{
	u->fd = open(u->path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (u->fd < 0)
		return err_set_errno(e, ERR_LINK, errno, "cannot open %s", u->l.name);
	return 0;
}

int pty_setup(struct uart *u, uint32_t baud, struct err *e)
{
	struct termios tio;

	(void)baud;
	if (tcgetattr(u->fd, &tio) < 0)
		return err_set_errno(e, ERR_LINK, errno, "%s is no terminal", u->l.name);
	cfmakeraw(&tio);
	tio.c_cflag |= CLOCAL | CREAD;
	tio.c_cflag &= ~(tcflag_t)(HUPCL | CSTOPB | PARENB | CRTSCTS);
	tio.c_cc[VMIN] = 0;
	tio.c_cc[VTIME] = 0;
	if (tcsetattr(u->fd, TCSANOW, &tio) < 0)
		return err_set_errno(e, ERR_LINK, errno, "cannot set up %s", u->l.name);
	return 0;
}
