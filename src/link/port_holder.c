/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port_holder.c - who has the port? A message that names the program saves a search
 *
 * Most serial programs take no lock, so the open files of all processes are looked at. Those of
 * other users cannot be seen without privileges.
 */
#include "uart_priv.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <stmota/cleanup.h>

#define PTY_MAJOR_FIRST 136u
#define PTY_MAJOR_LAST  143u

static void close_dir(DIR **d)
{
	if (*d != NULL)
		closedir(*d);
}

/*
 * A container has nodes of its own for the same device: then the device number tells; not of
 * pseudo terminals, whose numbers begin anew in each container.
 */
static bool same_file(const struct stat *a, const struct stat *b)
{
	unsigned number = major(a->st_rdev);

	if (a->st_dev == b->st_dev && a->st_ino == b->st_ino)
		return true;
	return S_ISCHR(a->st_mode) && S_ISCHR(b->st_mode) && a->st_rdev == b->st_rdev &&
	       (number < PTY_MAJOR_FIRST || number > PTY_MAJOR_LAST);
}

static bool process_has_open(const char *pid, const struct stat *wanted)
{
	char fd_dir[64], link_name[352], target[PATH_MAX];
	CLEANUP(close_dir) DIR *dir = NULL;
	const struct dirent *entry;
	struct stat st;
	ssize_t n;

	snprintf(fd_dir, sizeof(fd_dir), "/proc/%.20s/fd", pid);
	dir = opendir(fd_dir);
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		snprintf(link_name, sizeof(link_name), "%s/%s", fd_dir, entry->d_name);
		n = readlink(link_name, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		/* A file on a server that does not answer is not asked what it is. */
		if (strstr(target, "/dev/") == NULL)
			continue;
		if (stat(link_name, &st) == 0 && same_file(&st, wanted))
			return true;
	}
	return false;
}

static void process_name(const char *pid, char *ret, size_t size)
{
	char path[64];
	cleanup_file FILE *f = NULL;

	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	f = fopen(path, "re");
	if (f == NULL || fgets(ret, (int)size, f) == NULL)
		snprintf(ret, size, "a process");
	ret[strcspn(ret, "\n")] = '\0';
}

bool port_holder(const char *resolved_path, char *ret, size_t size)
{
	CLEANUP(close_dir) DIR *proc = opendir("/proc");
	const struct dirent *entry;
	struct stat wanted;
	char name[64];

	if (stat(resolved_path, &wanted) < 0)
		return false;
	while (proc != NULL && (entry = readdir(proc)) != NULL) {
		if (!isdigit((unsigned char)entry->d_name[0]) ||
			strtol(entry->d_name, NULL, 10) == getpid())
			continue;
		if (!process_has_open(entry->d_name, &wanted))
			continue;
		process_name(entry->d_name, name, sizeof(name));
		snprintf(ret, size, "%s (pid %.20s)", name, entry->d_name);
		return true;
	}
	return false;
}

/* A line of /proc/locks: "3: FLOCK  ADVISORY  WRITE 1234 00:18:5 0 EOF" (device in hexadecimal). */
bool port_lock_holder(int fd, char *ret, size_t size)
{
	cleanup_file FILE *f = fopen("/proc/locks", "re");
	char line[256], pid[24], name[64];
	unsigned dev_major, dev_minor;
	unsigned long long inode;
	struct stat st;

	if (f == NULL || fstat(fd, &st) < 0)
		return false;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%*d: FLOCK %*s %*s %20s %x:%x:%llu", pid, &dev_major, &dev_minor,
			    &inode) != 4)
			continue;
		if (inode != st.st_ino || makedev(dev_major, dev_minor) != st.st_dev)
			continue;
		process_name(pid, name, sizeof(name));
		snprintf(ret, size, "%s (pid %s)", name, pid);
		return true;
	}
	return false;
}
