/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf.h - a byte buffer that grows
 */
#ifndef STMOTA_BUF_H
#define STMOTA_BUF_H

#include <stddef.h>
#include <stdint.h>

#include <stmota/cleanup.h>
#include <stmota/err.h>

struct buf {
	uint8_t *data; /* owned; NULL while empty */
	size_t len;    /* bytes */
	size_t cap;    /* bytes */
};

#define BUF_INIT ((struct buf){0})

/* Makes room for `extra` more bytes. ERR_NOMEM, the content stays. */
int buf_reserve(struct buf *b, size_t extra, struct err *e);

/* Appends `len` bytes; `data` may be NULL if `len` is 0. ERR_NOMEM, the content stays. */
int buf_append(struct buf *b, const void *data, size_t len, struct err *e);

/* Appends `len` times `value`. */
int buf_fill(struct buf *b, uint8_t value, size_t len, struct err *e);

/* Releases the memory; takes a zeroed object. */
void buf_done(struct buf *b);

#define cleanup_buf CLEANUP(buf_done)

#endif
