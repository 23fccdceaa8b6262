/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fs.h - whole files in and out
 */
#ifndef STMOTA_FS_H
#define STMOTA_FS_H

#include <stdbool.h>
#include <stddef.h>

#include <stmota/buf.h>
#include <stmota/err.h>

/* No input file of ours is larger; a larger one is refused before it fills the memory. */
#define FS_FILE_MAX ((size_t)256 << 20)

/*
 * Appends the content of `path` to `ret`; "-" is standard input.
 * ERR_IO if it cannot be read, ERR_FORMAT if it is longer than `max` bytes.
 */
int fs_read(const char *path, size_t max, struct buf *ret, struct err *e);

/*
 * Writes a file so that a crash leaves the old or the new content, never a mixture: temporary
 * file beside it, fsync, rename, fsync of the folder. "-" is standard output. `mode` is as of
 * open(2), 0600 for secrets. ERR_IO; the old file stays.
 */
int fs_write(const char *path, const void *data, size_t len, unsigned mode, struct err *e);
/* The same without waiting for the disk: what the program's end leaves whole, a power cut may not. */
int fs_write_soon(const char *path, const void *data, size_t len, unsigned mode, struct err *e);

/* Creates `path` and its parents with mode 0755 where missing. */
int fs_mkdir(const char *path, struct err *e);

bool fs_exists(const char *path);

#endif
