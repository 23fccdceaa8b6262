/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shim_serial.c - lets a pseudo terminal look like a serial port that can do parity
 *
 * For LD_PRELOAD, before umockdev's library. A pseudo terminal drops PARENB, and the C library
 * reports that as EINVAL. With STMOTA_SIM_PARITY=none it plays an adapter that drops parity
 * silently.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>

#define PARITY (PARENB | PARODD)
#define FDS    1024

static tcflag_t remembered[FDS];

int tcsetattr(int fd, int actions, const struct termios *tio)
{
	int (*real)(int, int, const struct termios *) =
		(int (*)(int, int, const struct termios *))dlsym(RTLD_NEXT, "tcsetattr");
	const char *mode = getenv("STMOTA_SIM_PARITY");
	struct termios t = *tio;

	if (fd >= 0 && fd < FDS)
		remembered[fd] = mode != NULL && strcmp(mode, "none") == 0 ? 0 : t.c_cflag & PARITY;
	t.c_cflag &= ~(tcflag_t)PARITY;
	return real(fd, actions, &t);
}

int tcgetattr(int fd, struct termios *tio)
{
	int (*real)(int, struct termios *) =
		(int (*)(int, struct termios *))dlsym(RTLD_NEXT, "tcgetattr");
	int rc = real(fd, tio);

	if (rc == 0 && fd >= 0 && fd < FDS)
		tio->c_cflag = (tio->c_cflag & ~(tcflag_t)PARITY) | remembered[fd];
	return rc;
}
