/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shim_gpio.c - opens what GPIO_GET_LINEHANDLE answers with, in the program that asked
 *
 * For LD_PRELOAD, before umockdev's library. The virtual chip puts the number of a device node
 * where the kernel would put a descriptor.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim_gpio.h"

#define FDS 1024

static bool is_handle[FDS];

/* The C library opens the folder by itself there, past umockdev: libgpiod finds chips that way. */
int scandir(const char *dir, struct dirent ***list, int (*filter)(const struct dirent *),
	int (*compare)(const struct dirent **, const struct dirent **))
{
	int (*real)(const char *, struct dirent ***, int (*)(const struct dirent *),
		int (*)(const struct dirent **, const struct dirent **)) =
		(int (*)(const char *, struct dirent ***, int (*)(const struct dirent *),
			int (*)(const struct dirent **, const struct dirent **)))dlsym(RTLD_NEXT,
			"scandir");
	const char *root = getenv("UMOCKDEV_DIR");
	char path[400];

	if (root == NULL || strcmp(dir, "/dev") != 0)
		return real(dir, list, filter, compare);
	snprintf(path, sizeof(path), "%s/dev", root);
	return real(path, list, filter, compare);
}

int ioctl(int fd, unsigned long request, ...)
{
	int (*real)(int, unsigned long, ...) =
		(int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
	struct gpiohandle_request *rq;
	char path[64];
	va_list ap;
	void *arg;
	int rc;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if ((unsigned)request != GPIO_GET_LINEHANDLE_IOCTL)
		return real(fd, request, arg);
	rq = arg;
	rq->fd = getpid();
	rc = real(fd, request, arg);
	if (rc < 0)
		return rc;
	snprintf(path, sizeof(path), SHIM_GPIO_NODE "%d", rq->fd);
	rq->fd = open(path, O_RDWR | O_CLOEXEC);
	if (rq->fd < 0)
		return -1;
	if (rq->fd < FDS)
		is_handle[rq->fd] = true;
	return 0;
}

int close(int fd)
{
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "close");

	if (fd >= 0 && fd < FDS && is_handle[fd]) {
		is_handle[fd] = false;
		ioctl(fd, SHIM_GPIO_RELEASE, NULL);
	}
	return real(fd);
}
