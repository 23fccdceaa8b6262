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

#include <stmota/buf.h>
#include <stmota/bytes.h>
#include <stmota/cleanup.h>
#include <stmota/err.h>

struct segment {
	uint32_t addr;
	uint32_t len;  /* bytes, never 0 */
	uint8_t *data; /* owned by the list */
	size_t cap;    /* bytes at `data`; private */
};

struct segments {
	struct segment *v;
	size_t n;
	size_t cap; /* items at `v`; private */
	bool has_entry;
	uint32_t entry; /* as the file says, Thumb bit included */
};

#define SEGMENTS_INIT ((struct segments){0})

/*
 * Copies `len` bytes in. Bytes that are there already must be equal, else ERR_FORMAT with the
 * address; nothing is changed then. ERR_FORMAT also if the range passes 2^32, ERR_NOMEM.
 *
 * Cheap for bytes that follow the last ones; a reader with thousands of pieces in any order uses
 * segments_join().
 */
int segments_add(struct segments *s, uint32_t addr, const void *data, uint32_t len, struct err *e);

/*
 * Moves a whole buffer into an empty image, without a copy; `b` is empty afterwards. After ERR_FORMAT
 * (it is empty, or passes 2^32) and ERR_NOMEM nothing has changed.
 */
int segments_take(struct segments *s, uint32_t addr, struct buf *b, struct err *e);

struct segments_piece { /* some bytes of a file that is being read */
	uint32_t addr;
	uint32_t len;        /* bytes; a piece never passes 2^32 */
	const uint8_t *data; /* borrowed */
};

/* A file with more separate pieces is no firmware, and would make a listing that nobody reads. */
#define SEGMENTS_PIECES_MAX 1000000u

/*
 * Fills the empty image `s` from pieces in any order, in time n log n whatever they are; `v` is
 * sorted on the way. Bytes that several pieces hold must be equal, else ERR_FORMAT with the
 * address in `e`; `s` stays empty then. ERR_NOMEM.
 */
int segments_join(struct segments *s, struct segments_piece *v, size_t n, struct err *e);

/* Copies what the image holds of `range` over `dst` (range.len bytes); holes leave dst as it is.
 * Returns the number of bytes copied. */
uint32_t segments_copy(const struct segments *s, struct span range, uint8_t *dst);

/* Like segments_copy(), but writes 1 into `mask` for each byte that the image holds. */
uint32_t segments_mask(const struct segments *s, struct span range, uint8_t *mask);

/* The segment that holds `addr`, NULL if it lies in a hole. */
const struct segment *segments_at(const struct segments *s, uint32_t addr);

/* Sum of the lengths, bytes. */
uint64_t segments_size(const struct segments *s);

/* From the first to behind the last byte; {0, 0} for an empty image. The length is one short for
 * an image that has both the first and the last byte of the 4 GiB. */
struct span segments_extent(const struct segments *s);

/* Gives the content away and leaves an empty image. */
struct segments segments_move(struct segments *s);

/* A copy `by` bytes further up (modulo 2^32: down too), into an empty `ret`. ERR_NOMEM. */
int segments_shift(const struct segments *s, uint32_t by, struct segments *ret, struct err *e);

void segments_done(struct segments *s);

#define cleanup_segments CLEANUP(segments_done)

#endif
