/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/fs.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include <stmota/cleanup.h>

#define READ_STEP 65536u

static bool is_dash(const char *path)
{
	return strcmp(path, "-") == 0;
}

/* expected: bytes that are likely to come, so that a buffer need not grow; any other number is as good */
static int read_all(
	int fd, const char *path, size_t max, size_t expected, struct buf *ret, struct err *e)
{
	size_t start = ret->len;
	int rc = expected <= max ? buf_reserve(ret, expected + 1, e) : 0;

	for (;;) {
		ssize_t n;

		if (rc == 0 && ret->cap == ret->len)
			rc = buf_reserve(ret, READ_STEP, e);
		if (rc < 0)
			return rc;
		n = read(fd, ret->data + ret->len, ret->cap - ret->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(e, ERR_IO, errno, "cannot read %s", path);
		if (n == 0)
			return 0;
		if (ret->len - start + (size_t)n > max)
			return err_set(e, ERR_FORMAT, "%s is larger than %zu bytes", path, max);
		ret->len += (size_t)n;
	}
}

int fs_read(const char *path, size_t max, struct buf *ret, struct err *e)
{
	cleanup_close int fd = -1;
	struct stat st;

	if (is_dash(path))
		return read_all(STDIN_FILENO, "standard input", max, READ_STEP, ret, e);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set_errno(e, ERR_IO, errno, "cannot open %s", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < 0)
		st.st_size = READ_STEP;
	return read_all(fd, path, max, (size_t)st.st_size, ret, e);
}

static int write_all(int fd, const char *path, const uint8_t *data, size_t len, struct err *e)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(e, ERR_IO, errno, "cannot write %s", path);
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static void sync_folder_of(const char *path)
{
	char copy[PATH_MAX];
	cleanup_close int fd = -1;

	snprintf(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		fsync(fd);
}

static int put_file(
	const char *path, const void *data, size_t len, unsigned mode, bool durable, struct err *e)
{
	char temp[PATH_MAX];
	cleanup_close int fd = -1;
	struct stat st;
	int rc;

	if (is_dash(path))
		return write_all(STDOUT_FILENO, "standard output", data, len, e);
	/* A device or a pipe is written to, never replaced. */
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0)
			return err_set_errno(e, ERR_IO, errno, "cannot open %s", path);
		return write_all(fd, path, data, len, e);
	}
	if (snprintf(temp, sizeof(temp), "%s.XXXXXX", path) >= (int)sizeof(temp))
		return err_set(e, ERR_IO, "file name too long: %s", path);
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return err_set_errno(e, ERR_IO, errno, "cannot create %s", path);
	rc = write_all(fd, path, data, len, e);
	if (rc == 0 && (fchmod(fd, mode) < 0 || (durable && fsync(fd) < 0)))
		rc = err_set_errno(e, ERR_IO, errno, "cannot write %s", path);
	if (rc == 0 && rename(temp, path) < 0)
		rc = err_set_errno(e, ERR_IO, errno, "cannot replace %s", path);
	if (rc < 0) {
		unlink(temp);
		return rc;
	}
	if (durable)
		sync_folder_of(path);
	return 0;
}

int fs_write(const char *path, const void *data, size_t len, unsigned mode, struct err *e)
{
	return put_file(path, data, len, mode, true, e);
}

int fs_write_soon(const char *path, const void *data, size_t len, unsigned mode, struct err *e)
{
	return put_file(path, data, len, mode, false, e);
}

int fs_mkdir(const char *path, struct err *e)
{
	char part[PATH_MAX];

	if (snprintf(part, sizeof(part), "%s", path) >= (int)sizeof(part))
		return err_set(e, ERR_IO, "folder name too long: %s", path);
	for (char *p = part + 1;; p++) {
		char was = *p;

		if (was != '/' && was != '\0')
			continue;
		*p = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return err_set_errno(e, ERR_IO, errno, "cannot create folder %s", part);
		*p = was;
		if (was == '\0')
			return 0;
	}
}

bool fs_exists(const char *path)
{
	return access(path, F_OK) == 0;
}
