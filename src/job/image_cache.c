/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/image_cache.h>

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stmota/fs.h>

#define SUFFIX ".image"

/* Neither a pipe that would block nor somebody else's large file is opened. */
static bool is_file_of(const char *path, uint64_t size)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == size;
}

bool image_cache_find(const struct file_cache *c, const uint8_t digest[SHA256_SIZE], uint32_t len,
	struct buf *ret)
{
	cleanup_buf struct buf found = BUF_INIT;
	uint8_t sum[SHA256_SIZE];
	char path[PATH_MAX];

	if (c->max == 0 || !file_cache_path(c, digest, SUFFIX, path) || !fs_exists(path))
		return false;
	if (!is_file_of(path, len) || fs_read(path, len, &found, NULL) < 0 ||
		sha256(found.data, found.len, sum, NULL) < 0 ||
		memcmp(sum, digest, SHA256_SIZE) != 0) {
		unlink(path);
		return false;
	}
	file_cache_touch(path);
	return buf_append(ret, found.data, found.len, NULL) == 0;
}

int image_cache_store(const struct file_cache *c, const void *data, size_t len, struct err *e)
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
	if (!file_cache_path(c, digest, SUFFIX, path))
		return err_set(e, ERR_IO, "folder name too long: %s", c->dir);
	rc = fs_mkdir(c->dir, e);
	if (rc == 0)
		rc = file_cache_make_room(c, len, digest, e);
	/* Firmware is nobody else's business. */
	return rc == 0 ? fs_write(path, data, len, 0600, e) : rc;
}
