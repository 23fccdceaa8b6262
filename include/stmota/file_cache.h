/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_cache.h - a folder of files that are called after their SHA-256, bounded together
 *
 * Images (image_cache.h) and packages (package_cache.h) share one. It may be deleted at any time.
 */
#ifndef STMOTA_FILE_CACHE_H
#define STMOTA_FILE_CACHE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/digest.h>
#include <stmota/err.h>

struct file_cache {
	char dir[PATH_MAX]; /* created where missing */
	uint64_t max; /* bytes of all files; 0: no image is kept, a package while it is used */
};

/* Path of the file for this digest; `suffix` with its dot. False: the folder's name is too long. */
bool file_cache_path(const struct file_cache *c, const uint8_t digest[SHA256_SIZE],
	const char *suffix, char ret[PATH_MAX]);

/*
 * Removes what was used least recently until `len` more bytes fit, within `max` and on the disk.
 * Files that another process has locked stay, and so does what begins with the digest `keep` (may be
 * NULL). That it is still too much for `max` is no failure. ERR_IO: the disk is too full, or the
 * folder cannot be read; ERR_NOMEM.
 */
int file_cache_make_room(
	const struct file_cache *c, uint64_t len, const uint8_t keep[SHA256_SIZE], struct err *e);

/* It was used now. */
void file_cache_touch(const char *path);

#endif
