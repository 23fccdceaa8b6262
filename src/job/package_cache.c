/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/package_cache.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stmota/cleanup.h>
#include <stmota/clock.h>
#include <stmota/fs.h>
#include <stmota/signals.h>

#define SUFFIX    ".sota"
#define STEP      65536u
#define POLL_MS   100u
#define FETCH_MAX 3 /* it may be thrown out by another process between arriving and being opened */

bool package_cache_has(const struct file_cache *c, const uint8_t sha256[SHA256_SIZE])
{
	char path[PATH_MAX];
	struct stat st;

	return file_cache_path(c, sha256, SUFFIX, path) && lstat(path, &st) == 0 &&
	       S_ISREG(st.st_mode);
}

bool package_cache_touch(const struct file_cache *c, const uint8_t sha256[SHA256_SIZE])
{
	char path[PATH_MAX];

	if (!package_cache_has(c, sha256) || !file_cache_path(c, sha256, SUFFIX, path))
		return false;
	file_cache_touch(path);
	return true;
}

/* ---- a copy that nobody can change ---- */

static int copy(int from, int to, struct err *e)
{
	uint8_t piece[STEP];

	for (;;) {
		ssize_t n = read(from, piece, sizeof(piece));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(e, ERR_IO, errno, "cannot read a package");
		if (n == 0)
			return 0;
		if (write(to, piece, (size_t)n) != n)
			return err_set(e, ERR_NOMEM, "out of memory");
	}
}

/* The digest is of what was sealed: of the bytes that will be read. */
static int digest_of(int fd, uint64_t len, uint8_t ret[SHA256_SIZE], struct err *e)
{
	void *all = mmap(NULL, (size_t)len, PROT_READ, MAP_SHARED, fd, 0);
	int rc;

	if (all == MAP_FAILED)
		return err_set(e, ERR_NOMEM, "out of memory");
	rc = sha256(all, (size_t)len, ret, e);
	munmap(all, (size_t)len);
	return rc;
}

/* 1: sealed and right, 0: it is not what its name says. */
static int seal(int file, const uint8_t sha256[SHA256_SIZE], uint64_t len, struct package_file *ret,
	struct err *e)
{
	cleanup_close int fd = -1;
	uint8_t sum[SHA256_SIZE];
	struct stat st;
	int rc;

	if (fstat(file, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 ||
		(uint64_t)st.st_size > FS_FILE_MAX || (len != 0 && (uint64_t)st.st_size != len))
		return 0;
	fd = memfd_create("package", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return err_set_errno(e, ERR_IO, errno, "cannot keep a package in memory");
	rc = copy(file, fd, e);
	if (rc < 0)
		return rc;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0 ||
		fstat(fd, &st) < 0)
		return err_set_errno(e, ERR_IO, errno, "cannot keep a package in memory");
	if (st.st_size == 0 || (len != 0 && (uint64_t)st.st_size != len))
		return 0;
	rc = digest_of(fd, (uint64_t)st.st_size, sum, e);
	if (rc < 0)
		return rc;
	if (memcmp(sum, sha256, SHA256_SIZE) != 0)
		return 0;
	ret->fd = fd;
	fd = -1;
	ret->len = (uint64_t)st.st_size;
	memcpy(ret->sha256, sha256, SHA256_SIZE);
	return 1;
}

/* 1: it is there and right. 0: it is not; what had its name is gone. */
static int find(const char *path, const uint8_t sha256[SHA256_SIZE], uint64_t len,
	struct package_file *ret, struct err *e)
{
	/* Neither a pipe that would block nor what a link leads to is read. */
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int rc;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 && errno != ELOOP)
		return err_set_errno(e, ERR_IO, errno, "cannot open %s", path);
	/* Fails only while somebody throws it out: then it is gone in a moment, and needed here. */
	rc = fd < 0 || flock(fd, LOCK_SH | LOCK_NB) < 0 ? 0 : seal(fd, sha256, len, ret, e);
	if (rc == 0 && unlink(path) < 0 && errno != ENOENT)
		return err_set_errno(e, ERR_IO, errno, "cannot remove %s, which is damaged", path);
	if (rc == 1) {
		file_cache_touch(path);
		ret->pin = fd;
		fd = -1;
	}
	return rc;
}

/* ---- from a server ---- */

static int nowhere(const uint8_t sha256[SHA256_SIZE], struct err *e)
{
	char digits[17];

	for (size_t i = 0; i < 8; i++)
		snprintf(digits + 2 * i, 3, "%02x", sha256[i]);
	return err_set(e, ERR_IO, "package %s... is not in the cache", digits);
}

/* 0: it has arrived, here or in another process. */
static int fetch(const struct file_cache *c, const struct fetch_settings *s,
	const struct fetch_request *rq, const char *path, struct fetch_result *ret, struct err *e)
{
	const struct clock *clock = &clock_monotonic;
	uint64_t until = clock_now_ms(clock) + s->total_ms;
	int rc;

	while ((rc = fetch_file(s, rq, path, ret, e)) == ERR_BUSY) {
		if (s->total_ms > 0 && clock_now_ms(clock) >= until)
			return rc;
		clock_sleep_ms(clock, POLL_MS);
		rc = signals_check(e);
		if (rc < 0 || fs_exists(path))
			return rc;
	}
	if (rc == 0)
		chmod(path, 0600); /* firmware is nobody else's business */
	return rc;
}

int package_cache_get(const struct file_cache *c, const struct fetch_settings *s,
	const struct fetch_request *rq, const uint8_t sha256[SHA256_SIZE], uint64_t len,
	struct package_file *ret, struct fetch_result *ret_result, struct err *e)
{
	struct package_file f = PACKAGE_FILE_INIT;
	struct fetch_request file;
	char path[PATH_MAX];
	int rc;

	if (!file_cache_path(c, sha256, SUFFIX, path))
		return err_set(e, ERR_IO, "folder name too long: %s", c->dir);
	rc = find(path, sha256, len, &f, e);
	for (int i = 0; rc == 0 && i < FETCH_MAX; i++) {
		if (rq == NULL || rq->n_urls == 0)
			return nowhere(sha256, e);
		file = *rq;
		file.sha256 = sha256;
		file.max = len > 0 ? len : FS_FILE_MAX;
		file.any_status = false;
		rc = fs_mkdir(c->dir, e);
		if (rc == 0)
			rc = file_cache_make_room(c, len, sha256, e);
		if (rc == 0)
			rc = fetch(c, s, &file, path, ret_result, e);
		if (rc == 0) {
			f.fetched = true;
			rc = find(path, sha256, len, &f, e);
		}
	}
	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(e, ERR_IO, "%s does not stay as it was fetched", path);
	/* Too large to stay: its name goes now, its bytes when it is closed. */
	if (f.len > c->max)
		unlink(path);
	*ret = f;
	return 0;
}

int package_file_open(const struct package_file *f, int *ret_fd, struct err *e)
{
	char path[40];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", f->fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set_errno(e, ERR_IO, errno, "cannot open a package again");
	*ret_fd = fd;
	return 0;
}

void package_file_close(struct package_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->pin >= 0)
		close(f->pin);
	*f = PACKAGE_FILE_INIT;
}
