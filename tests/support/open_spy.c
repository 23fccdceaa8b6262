/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open_spy.c - writes the name of every terminal that a program opens to $OPEN_SPY_LOG
 *
 * For LD_PRELOAD. A test that nothing is sent to a port that nobody named looks at the log.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

typedef int (*open_fn)(const char *path, int flags, ...);
typedef int (*openat_fn)(int dir, const char *path, int flags, ...);

static void spy(const char *path)
{
	const char *log = getenv("OPEN_SPY_LOG");
	char line[300];
	int fd, n;

	if (log == NULL ||
		(strncmp(path, "/dev/tty", 8) != 0 && strncmp(path, "/dev/pts/", 9) != 0))
		return;
	fd = ((open_fn)dlsym(RTLD_NEXT, "open"))(log, O_WRONLY | O_APPEND | O_CREAT, 0600);
	n = snprintf(line, sizeof(line), "%.250s\n", path);
	if (fd < 0 || write(fd, line, (size_t)n) != n)
		abort();
	close(fd);
}

static mode_t mode_of(int flags, va_list ap)
{
	return (flags & O_CREAT) != 0 ? (mode_t)va_arg(ap, int) : 0;
}

#define OPEN(name)                                                                                 \
	int name(const char *path, int flags, ...);                                                \
	int name(const char *path, int flags, ...)                                                 \
	{                                                                                          \
		mode_t mode;                                                                       \
		va_list ap;                                                                        \
                                                                                                   \
		va_start(ap, flags);                                                               \
		mode = mode_of(flags, ap);                                                         \
		va_end(ap);                                                                        \
		spy(path);                                                                         \
		return ((open_fn)dlsym(RTLD_NEXT, #name))(path, flags, mode);                      \
	}

#define OPENAT(name)                                                                               \
	int name(int dir, const char *path, int flags, ...);                                       \
	int name(int dir, const char *path, int flags, ...)                                        \
	{                                                                                          \
		mode_t mode;                                                                       \
		va_list ap;                                                                        \
                                                                                                   \
		va_start(ap, flags);                                                               \
		mode = mode_of(flags, ap);                                                         \
		va_end(ap);                                                                        \
		spy(path);                                                                         \
		return ((openat_fn)dlsym(RTLD_NEXT, #name))(dir, path, flags, mode);               \
	}

OPEN(open)
OPEN(open64)
OPEN(__open_2)
OPEN(__open64_2)
OPENAT(openat)
OPENAT(openat64)
