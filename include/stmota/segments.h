/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segments.h - a sparse memory image: the one form that all file formats are read into
 *
 * Segments are sorted by address, never overlap and never touch (touching ones are joined).
 * What lies between them is a hole, not 0xFF.
 */
#ifndef STMOTA_SEGMENTS_H
#define STMOTA_SEGMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/bytes.h>
#include <stmota/cleanup.h>
#include <stmota/err.h>

struct segment {
	uint32_t addr;
	uint32_t len;  /* bytes, never 0 */
	uint8_t *data; /* owned by the list */
};

struct segments {
	struct segment *v;
	size_t n;
	bool has_entry;
	uint32_t entry; /* as the file says, Thumb bit included */
};

#define SEGMENTS_INIT ((struct segments){0})

/*
 * Copies `len` bytes in. Bytes that are there already must be equal, else ERR_FORMAT with the
 * address; nothing is changed then. ERR_FORMAT also if the range passes 2^32, ERR_NOMEM.
 */
int segments_add(struct segments *s, uint32_t addr, const void *data, uint32_t len, struct err *e);

/* Copies what the image holds of `range` over `dst` (range.len bytes); holes leave dst as it is.
 * Returns the number of bytes copied. */
uint32_t segments_copy(const struct segments *s, struct span range, uint8_t *dst);

/* Like segments_copy(), but writes 1 into `mask` for each byte that the image holds. */
uint32_t segments_mask(const struct segments *s, struct span range, uint8_t *mask);

/* Sum of the lengths, bytes. */
uint64_t segments_size(const struct segments *s);

/* From the first to behind the last byte; {0, 0} for an empty image. */
struct span segments_extent(const struct segments *s);

/* Gives the content away and leaves an empty image. */
struct segments segments_move(struct segments *s);

void segments_done(struct segments *s);

#define cleanup_segments CLEANUP(segments_done)

#endif
