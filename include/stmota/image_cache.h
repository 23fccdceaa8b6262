/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_cache.h - firmware images that were here before, found by their digest
 *
 * What was written successfully is what the next delta starts from. A folder of plain images, each
 * called after its SHA-256; bounded; whatever has another content than its name says is removed.
 * Nothing depends on it: it may be deleted at any time.
 */
#ifndef STMOTA_IMAGE_CACHE_H
#define STMOTA_IMAGE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/buf.h>
#include <stmota/digest.h>
#include <stmota/err.h>
#include <stmota/file_cache.h>

/*
 * Appends the image to `ret` if it is there and is what its name says. A file that is not is
 * removed. `len` is the size that it must have.
 */
bool image_cache_find(const struct file_cache *c, const uint8_t digest[SHA256_SIZE], uint32_t len,
	struct buf *ret);

/*
 * Keeps an image; the ones that were used least recently make room. One that is larger than the
 * whole cache is not kept. Several processes may do this at once. ERR_IO, ERR_NOMEM.
 */
int image_cache_store(const struct file_cache *c, const void *data, size_t len, struct err *e);

#endif
