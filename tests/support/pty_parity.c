/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pty_parity.c - lets a pseudo terminal look like a serial port that can do parity
 *
 * For LD_PRELOAD, before umockdev's. A pseudo terminal drops PARENB, and glibc reports that as
 * EINVAL. With PTY_PARITY=none it plays an adapter that drops parity silently.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>

#define REMEMBERED (PARENB | PARODD | HUPCL)

static tcflag_t remembered[64];

int tcsetattr(int fd, int actions, const struct termios *tio)
{
	int (*real)(int, int, const struct termios *) =
		(int (*)(int, int, const struct termios *))dlsym(RTLD_NEXT, "tcsetattr");
	const char *mode = getenv("PTY_PARITY");
	struct termios t = *tio;

	if (fd >= 0 && fd < 64)
		remembered[fd] = t.c_cflag & REMEMBERED;
	if (fd >= 0 && fd < 64 && mode != NULL && strcmp(mode, "none") == 0)
		remembered[fd] &= ~(tcflag_t)PARENB;
	t.c_cflag &= ~(tcflag_t)(PARENB | PARODD);
	return real(fd, actions, &t);
}

int tcgetattr(int fd, struct termios *tio)
{
	int (*real)(int, struct termios *) =
		(int (*)(int, struct termios *))dlsym(RTLD_NEXT, "tcgetattr");
	int rc = real(fd, tio);

	if (rc == 0 && fd >= 0 && fd < 64)
		tio->c_cflag = (tio->c_cflag & ~(tcflag_t)(PARENB | PARODD)) |
			       (remembered[fd] & (PARENB | PARODD));
	return rc;
}
