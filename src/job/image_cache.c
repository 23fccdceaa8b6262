/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/image_cache.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stmota/cleanup.h>
#include <stmota/fs.h>

#define SUFFIX   ".image"
#define NAME_LEN (2 * SHA256_SIZE + sizeof(SUFFIX) - 1)

struct entry {
	char name[NAME_LEN + 16]; /* also what a crash left of a file that was being written */
	uint64_t size;
	struct timespec used;
};

struct entries {
	struct entry *v;
	size_t n;
};

static bool path_of(
	const struct image_cache *c, const uint8_t digest[SHA256_SIZE], char ret[PATH_MAX])
{
	size_t len = (size_t)snprintf(ret, PATH_MAX, "%s/", c->dir);

	if (len + NAME_LEN >= PATH_MAX)
		return false;
	for (size_t i = 0; i < SHA256_SIZE; i++)
		len += (size_t)snprintf(ret + len, 3, "%02x", digest[i]);
	memcpy(ret + len, SUFFIX, sizeof(SUFFIX));
	return true;
}

/* Neither a pipe that would block nor somebody else's large file is opened. */
static bool is_file_of(const char *path, uint64_t size)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == size;
}

bool image_cache_find(const struct image_cache *c, const uint8_t digest[SHA256_SIZE], uint32_t len,
	struct buf *ret)
{
	cleanup_buf struct buf found = BUF_INIT;
	uint8_t sum[SHA256_SIZE];
	char path[PATH_MAX];

	if (c->max == 0 || !path_of(c, digest, path) || !fs_exists(path))
		return false;
	if (!is_file_of(path, len) || fs_read(path, len, &found, NULL) < 0 ||
		sha256(found.data, found.len, sum, NULL) < 0 ||
		memcmp(sum, digest, SHA256_SIZE) != 0) {
		unlink(path);
		return false;
	}
	utimensat(AT_FDCWD, path, NULL, 0); /* used now; a read-only folder does no harm */
	return buf_append(ret, found.data, found.len, NULL) == 0;
}

/* ---- making room ---- */

static bool is_ours(const char *name)
{
	return strspn(name, "0123456789abcdef") == 2 * SHA256_SIZE &&
	       strncmp(name + 2 * SHA256_SIZE, SUFFIX, sizeof(SUFFIX) - 1) == 0;
}

static int add_entry(struct entries *all, const char *name, const struct stat *st, struct err *e)
{
	struct entry *v = realloc(all->v, (all->n + 1) * sizeof(*v));

	if (v == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	all->v = v;
	v[all->n] = (struct entry){.size = (uint64_t)st->st_size, .used = st->st_mtim};
	snprintf(v[all->n].name, sizeof(v[all->n].name), "%s", name);
	all->n++;
	return 0;
}

static int list(const struct image_cache *c, struct entries *ret, struct err *e)
{
	DIR *d = opendir(c->dir);
	const struct dirent *f;
	struct stat st;
	int rc = 0;

	if (d == NULL)
		return err_set_errno(e, ERR_IO, errno, "cannot read the folder %s", c->dir);
	while (rc == 0 && (f = readdir(d)) != NULL)
		if (is_ours(f->d_name) && strlen(f->d_name) < sizeof(ret->v->name) &&
			fstatat(dirfd(d), f->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISREG(st.st_mode))
			rc = add_entry(ret, f->d_name, &st, e);
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

static int make_room(const struct image_cache *c, uint64_t len, struct err *e)
{
	struct entries all = {0};
	uint64_t sum = len;
	char path[PATH_MAX];
	int rc = list(c, &all, e);

	for (size_t i = 0; i < all.n; i++)
		sum += all.v[i].size;
	if (all.n > 1)
		qsort(all.v, all.n, sizeof(*all.v), by_use);
	for (size_t i = 0; rc == 0 && i < all.n && sum > c->max; i++) {
		if (snprintf(path, sizeof(path), "%s/%s", c->dir, all.v[i].name) >=
			(int)sizeof(path))
			continue;
		unlink(path);
		sum -= all.v[i].size;
	}
	free(all.v);
	return rc;
}

int image_cache_store(const struct image_cache *c, const void *data, size_t len, struct err *e)
{
	uint8_t digest[SHA256_SIZE];
	cleanup_buf struct buf there = BUF_INIT;
	char path[PATH_MAX];
	int rc;

	if (len == 0 || len > c->max || len > UINT32_MAX)
		return 0;
	rc = sha256(data, len, digest, e);
	if (rc < 0 || image_cache_find(c, digest, (uint32_t)len, &there))
		return rc;
	if (!path_of(c, digest, path))
		return err_set(e, ERR_IO, "folder name too long: %s", c->dir);
	rc = fs_mkdir(c->dir, e);
	if (rc == 0)
		rc = make_room(c, len, e);
	/* Firmware is nobody else's business. */
	return rc == 0 ? fs_write(path, data, len, 0600, e) : rc;
}
