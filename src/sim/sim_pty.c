/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_pty.c - see sim_pty.h; the kernel's own termios structure, for speeds without a constant
 */
#include "sim_pty.h"

#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static int make_raw(int fd)
{
	struct termios2 t;

	if (ioctl(fd, TCGETS2, &t) < 0)
		return -1;
	t.c_iflag = 0;
	t.c_oflag = 0;
	t.c_lflag = 0;
	t.c_cflag =
		(t.c_cflag & ~(unsigned)(CSIZE | PARENB | CBAUD)) | CS8 | CREAD | CLOCAL | B115200;
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	return ioctl(fd, TCSETS2, &t);
}

/* Replaces a link at once, so that nobody sees the path missing. */
static int put_link(const char *target, const char *path, struct err *e)
{
	char temporary[PATH_MAX];
	struct stat st;

	if (lstat(path, &st) == 0 && !S_ISLNK(st.st_mode)) {
		err_set(e, ERR_IO, "%s is there already and no link", path);
		return err_hint(e, "name another path for the serial port, or remove it");
	}
	if (snprintf(temporary, sizeof(temporary), "%s.%ld", path, (long)getpid()) >= PATH_MAX)
		return err_set(e, ERR_IO, "%s: the path is too long", path);
	unlink(temporary);
	if (symlink(target, temporary) < 0)
		return err_set_errno(e, ERR_IO, errno, "%s", path);
	if (rename(temporary, path) < 0) {
		int saved = errno;

		unlink(temporary);
		return err_set_errno(e, ERR_IO, saved, "%s", path);
	}
	return 0;
}

int sim_pty_open(struct sim_pty *p, const char *path, struct err *e)
{
	int rc;

	*p = SIM_PTY_INIT;
	p->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (p->master < 0 || grantpt(p->master) < 0 || unlockpt(p->master) < 0 ||
		ptsname_r(p->master, p->tty, sizeof(p->tty)) != 0)
		goto failed;
	p->slave = open(p->tty, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	p->watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (p->slave < 0 || make_raw(p->slave) < 0 || p->watch < 0 ||
		inotify_add_watch(p->watch, p->tty, IN_OPEN | IN_CLOSE) < 0)
		goto failed;
	p->path = strdup(path);
	if (p->path == NULL) {
		rc = err_set(e, ERR_NOMEM, "no memory");
		goto out;
	}
	rc = put_link(p->tty, path, e);
	if (rc == 0)
		return 0;
	free(p->path);
	p->path = NULL; /* not ours to remove */
	goto out;
failed:
	rc = err_set_errno(e, ERR_IO, errno, "cannot make a pseudo terminal");
out:
	sim_pty_close(p);
	return rc;
}

void sim_pty_close(struct sim_pty *p)
{
	char target[sizeof(p->tty)];
	ssize_t n;

	if (p->path != NULL) {
		n = readlink(p->path, target, sizeof(target) - 1);
		if (n > 0) {
			target[n] = '\0';
			if (strcmp(target, p->tty) == 0)
				unlink(p->path);
		}
	}
	if (p->watch >= 0)
		close(p->watch);
	if (p->slave >= 0)
		close(p->slave);
	if (p->master >= 0)
		close(p->master);
	free(p->path);
	*p = SIM_PTY_INIT;
}

bool sim_pty_event(struct sim_pty *p, bool *ret_opened)
{
	/* Room for one event without a name: they come one by one. */
	union {
		struct inotify_event event;
		char room[sizeof(struct inotify_event) + 1];
	} in;

	while (p->watch >= 0 && read(p->watch, &in, sizeof(struct inotify_event)) > 0) {
		if ((in.event.mask & IN_OPEN) != 0) {
			p->users++;
			*ret_opened = true;
			return true;
		}
		if ((in.event.mask & IN_CLOSE) != 0 && p->users > 0) {
			p->users--;
			*ret_opened = false;
			return true;
		}
	}
	return false;
}

void sim_pty_forget(struct sim_pty *p)
{
	ioctl(p->slave, TIOCNXCL);
	ioctl(p->slave, TCFLSH, TCIFLUSH);
}

uint32_t sim_pty_baud(const struct sim_pty *p)
{
	struct termios2 t;

	return ioctl(p->slave, TCGETS2, &t) < 0 ? 0 : t.c_ospeed;
}
