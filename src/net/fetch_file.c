/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch_file.c - what is being fetched lies in PATH.part, so that the next run can go on
 *
 * The lock is on the part itself. Its ETag stands in a file of its own; a part of a server that tells
 * none is only gone on with where a digest will judge the whole.
 */
#include <stmota/fetch.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stmota/bytes.h>
#include <stmota/cleanup.h>
#include <stmota/fs.h>

#include "fetch_priv.h"

struct part {
	struct fetch_store store;
	int fd;
	char path[PATH_MAX], etag_path[PATH_MAX];
};

static int failed(const struct part *p, const char *what, struct err *e)
{
	return err_set_errno(e, ERR_IO, errno, "cannot %s %s", what, p->path);
}

static int part_restart(void *ctx, const char *etag, struct err *e)
{
	struct part *p = ctx;

	unlink(p->etag_path); /* before the bytes: they are never those of another name */
	if (ftruncate(p->fd, 0) < 0 || lseek(p->fd, 0, SEEK_SET) < 0)
		return failed(p, "empty", e);
	p->store.len = 0;
	snprintf(p->store.etag, sizeof(p->store.etag), "%s", etag);
	return etag[0] != '\0' ? fs_write(p->etag_path, etag, strlen(etag), 0600, e) : 0;
}

static int part_write(void *ctx, const void *data, size_t len, struct err *e)
{
	struct part *p = ctx;
	const char *at = data;

	while (len > 0) {
		ssize_t n = write(p->fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return failed(p, "write", e);
		at += n;
		len -= (size_t)n;
		p->store.len += (uint64_t)n;
	}
	return 0;
}

static int part_digest(void *ctx, uint8_t ret[SHA256_SIZE], struct err *e)
{
	const struct part *p = ctx;
	cleanup_buf struct buf all = BUF_INIT;
	int rc = fs_read(p->path, FS_FILE_MAX, &all, e);

	return rc == 0 ? sha256(all.data, all.len, ret, e) : rc;
}

/* Opens what an earlier run has left, for this process alone. */
static int part_open(struct part *p, const char *path, struct err *e)
{
	cleanup_buf struct buf etag = BUF_INIT;
	struct stat st, now;

	if ((size_t)snprintf(p->path, sizeof(p->path), "%s.part", path) >= sizeof(p->path) ||
		(size_t)snprintf(p->etag_path, sizeof(p->etag_path), "%s.part.etag", path) >=
			sizeof(p->etag_path))
		return err_set(e, ERR_USAGE, "the name of the file is too long");
	p->fd = open(p->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (p->fd < 0)
		return failed(p, "create", e);
	if (flock(p->fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(e, ERR_BUSY, "another process is fetching %s", path);
	/* The one that held it may have finished meanwhile: then this is no longer the part. */
	if (fstat(p->fd, &st) < 0 || stat(p->path, &now) < 0 || st.st_ino != now.st_ino)
		return err_set(e, ERR_BUSY, "another process has just fetched %s", path);
	if (!S_ISREG(st.st_mode) || lseek(p->fd, 0, SEEK_END) < 0)
		return err_set(e, ERR_IO, "%s is no plain file", p->path);
	p->store.len = (uint64_t)st.st_size;
	if (fs_exists(p->etag_path) &&
		fs_read(p->etag_path, FETCH_ETAG_SIZE - 1, &etag, NULL) == 0) {
		memcpy(p->store.etag, etag.data, etag.len);
		p->store.etag[etag.len] = '\0';
	}
	return 0;
}

/* After a failure: what is there stays for the next run. */
static void part_keep(struct part *p)
{
	if (p->store.len > 0)
		return;
	unlink(p->etag_path);
	unlink(p->path);
}

static int part_finish(struct part *p, const char *path, struct err *e)
{
	if (fsync(p->fd) < 0 || fchmod(p->fd, 0644) < 0)
		return failed(p, "write", e);
	if (rename(p->path, path) < 0)
		return err_set_errno(e, ERR_IO, errno, "cannot create %s", path);
	unlink(p->etag_path);
	return 0;
}

int fetch_file(const struct fetch_settings *s, const struct fetch_request *rq, const char *path,
	struct fetch_result *ret_result, struct err *e)
{
	struct part p = {.fd = -1};
	struct fetch_result result = {0};
	int rc = part_open(&p, path, e);

	if (rc == 0) {
		p.store.sink = (struct transfer_sink){part_restart, part_write, &p};
		p.store.digest = part_digest;
		rc = fetch_into(s, rq, &p.store, &result, e);
		if (rc == 0 && !result.not_modified && result.status < 300)
			rc = part_finish(&p, path, e);
		else
			part_keep(&p);
	}
	if (p.fd >= 0)
		close(p.fd);
	if (rc == 0 && ret_result != NULL)
		*ret_result = result;
	return rc;
}
