/* SPDX-License-Identifier: Apache-2.0 */
/*
 * package_cache.h - packages by their digest: fetched once for all devices, checked at each use
 *
 * They lie in the folder of the images (file_cache.h), as SHA256.sota. What is handed out is not
 * the file but a copy of it in sealed memory, made while its digest was computed: what was checked is
 * what will be read, whoever writes into the folder meanwhile. The file itself stays locked, so that
 * no other process throws it out while it is needed.
 */
#ifndef STMOTA_PACKAGE_CACHE_H
#define STMOTA_PACKAGE_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include <stmota/digest.h>
#include <stmota/err.h>
#include <stmota/fetch.h>
#include <stmota/file_cache.h>

struct package_file {
	int fd;  /* sealed memory: the whole package; read with pread() or package_file_open() */
	int pin; /* the file in the cache, locked against removal */
	uint64_t len;
	uint8_t sha256[SHA256_SIZE];
	bool fetched; /* now; else it was there */
};

#define PACKAGE_FILE_INIT ((struct package_file){.fd = -1, .pin = -1})

/* True if a file of that name is there. Nothing is read: it says what get() would not fetch. */
bool package_cache_has(const struct file_cache *c, const uint8_t sha256[SHA256_SIZE]);

/*
 * The package with that digest, from the cache or from a server. A file with another content is
 * removed and fetched anew. What has arrived of an interrupted download is gone on with. If another
 * process fetches the same, its result is waited for. Room is made by removing what was used least
 * recently and is needed by nobody; a package larger than the cache goes when it is closed.
 *
 * rq          where; `sha256`, `max` and `any_status` are set here. NULL: only what is here
 * len         that it must have, 0: not known
 * ret_result  of the download if there was one; may be NULL
 *
 * ERR_IO (not here and nowhere to fetch; no room on the disk: the hint says how much is missing),
 * else as fetch_file(). Release with package_file_close().
 */
int package_cache_get(const struct file_cache *c, const struct fetch_settings *s,
	const struct fetch_request *rq, const uint8_t sha256[SHA256_SIZE], uint64_t len,
	struct package_file *ret, struct fetch_result *ret_result, struct err *e);

/* Used now, so that it goes last; true if it is there. For what must be here when all else fails. */
bool package_cache_touch(const struct file_cache *c, const uint8_t sha256[SHA256_SIZE]);

/*
 * A descriptor of its own on the same bytes, at their beginning: for the standard input of a child.
 * Close-on-exec. ERR_IO.
 */
int package_file_open(const struct package_file *f, int *ret_fd, struct err *e);

void package_file_close(struct package_file *f);

#endif
