/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/file_cache.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <stmota/bytes.h>

#define DIGITS    ((size_t)2 * SHA256_SIZE)
#define NAME_SIZE (DIGITS + 32)
#define DISK_LEFT (UINT64_C(64) << 10) /* for the state files beside it */

/* Also what a crash left of a file that was being written: the name goes on then. */
static const char *const suffixes[] = {".image", ".sota"};

struct entry {
	char name[NAME_SIZE];
	uint64_t size;
	struct timespec used;
};

struct entries {
	struct entry *v;
	size_t n;
	uint64_t sum; /* of all but those to be kept */
	uint64_t kept;
};

static void hex(const uint8_t digest[SHA256_SIZE], char ret[DIGITS + 1])
{
	for (size_t i = 0; i < SHA256_SIZE; i++)
		snprintf(ret + 2 * i, 3, "%02x", digest[i]);
}

bool file_cache_path(const struct file_cache *c, const uint8_t digest[SHA256_SIZE],
	const char *suffix, char ret[PATH_MAX])
{
	char name[DIGITS + 1];

	hex(digest, name);
	return snprintf(ret, PATH_MAX, "%s/%s%s", c->dir, name, suffix) < PATH_MAX;
}

void file_cache_touch(const char *path)
{
	utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW); /* a read-only folder does no harm */
}

/* ---- what is there ---- */

static bool is_ours(const char *name)
{
	if (strspn(name, "0123456789abcdef") != DIGITS || strlen(name) >= NAME_SIZE)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
		if (strncmp(name + DIGITS, suffixes[i], strlen(suffixes[i])) == 0)
			return true;
	return false;
}

static int add_entry(struct entries *all, const char *name, const struct stat *st, struct err *e)
{
	struct entry *v = realloc(all->v, (all->n + 1) * sizeof(*v));

	if (v == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	all->v = v;
	v[all->n] = (struct entry){.size = (uint64_t)st->st_size, .used = st->st_mtim};
	snprintf(v[all->n].name, sizeof(v[all->n].name), "%s", name);
	all->sum += v[all->n].size;
	all->n++;
	return 0;
}

static int list(const struct file_cache *c, const char *keep, struct entries *ret, struct err *e)
{
	DIR *d = opendir(c->dir);
	const struct dirent *f;
	struct stat st;
	int rc = 0;

	if (d == NULL)
		return err_set_errno(e, ERR_IO, errno, "cannot read the folder %s", c->dir);
	while (rc == 0 && (f = readdir(d)) != NULL) {
		if (!is_ours(f->d_name) ||
			fstatat(dirfd(d), f->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
			!S_ISREG(st.st_mode))
			continue;
		if (keep[0] != '\0' && strncmp(f->d_name, keep, DIGITS) == 0)
			ret->kept += (uint64_t)st.st_size;
		else
			rc = add_entry(ret, f->d_name, &st, e);
	}
	closedir(d);
	return rc;
}

static int by_use(const void *a, const void *b)
{
	const struct timespec *x = &((const struct entry *)a)->used;
	const struct timespec *y = &((const struct entry *)b)->used;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? -1 : 1;
	return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

/* ---- making room ---- */

/* False: somebody needs it. */
static bool throw_out(const struct file_cache *c, const struct entry *f)
{
	char path[PATH_MAX];
	bool gone = false;
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", c->dir, f->name) >= (int)sizeof(path))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return unlink(path) == 0;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		gone = unlink(path) == 0;
	close(fd);
	return gone;
}

/* Bytes that may be written there; UINT64_MAX if nobody knows. */
static uint64_t disk_left(const struct file_cache *c)
{
	struct statvfs fs;

	if (statvfs(c->dir, &fs) < 0 || fs.f_blocks == 0)
		return UINT64_MAX;
	return (uint64_t)fs.f_bavail * fs.f_frsize;
}

int file_cache_make_room(
	const struct file_cache *c, uint64_t len, const uint8_t keep[SHA256_SIZE], struct err *e)
{
	struct entries all = {0};
	char name[DIGITS + 1] = "";
	uint64_t missing, left;
	int rc;

	if (keep != NULL)
		hex(keep, name);
	rc = list(c, name, &all, e);
	if (all.n > 1)
		qsort(all.v, all.n, sizeof(*all.v), by_use);
	/* What has arrived already is on the disk. */
	missing = (len > all.kept ? len - all.kept : 0) + DISK_LEFT;
	for (size_t i = 0; rc == 0 && i < all.n; i++) {
		if (all.sum + len <= c->max && disk_left(c) >= missing)
			break;
		if (throw_out(c, &all.v[i]))
			all.sum -= all.v[i].size;
	}
	free(all.v);
	left = disk_left(c);
	if (rc < 0 || len == 0 || left >= missing)
		return rc;
	err_set(e, ERR_IO,
		"the disk of %s is full: %" PRIu64 " bytes are needed, %" PRIu64 " are left",
		c->dir, missing, left);
	return err_hint(e, "%" PRIu64 " KiB more are needed", (missing - left + 1023) / 1024);
}
