/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pieces.h - the pieces of a file on their way to segments_join()
 */
#ifndef STMOTA_FORMAT_PIECES_H
#define STMOTA_FORMAT_PIECES_H

#include <stmota/segments.h>

struct pieces {
	struct segments_piece *v;
	size_t n, cap;
};

#define PIECES_INIT ((struct pieces){0})

/*
 * Appends a piece; one that follows the last in address and in memory makes that one longer.
 * addr + len is at most 2^32. ERR_NOMEM, ERR_FORMAT beyond SEGMENTS_PIECES_MAX.
 */
int pieces_add(struct pieces *p, uint32_t addr, const uint8_t *data, uint32_t len, struct err *e);

void pieces_done(struct pieces *p);

#define cleanup_pieces CLEANUP(pieces_done)

#endif
