/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writer_priv.h - formatted text into a buffer; the first failure stays and stops the rest
 */
#ifndef STMOTA_WRITER_PRIV_H
#define STMOTA_WRITER_PRIV_H

#include <stmota/buf.h>

struct writer {
	struct buf *to;
	struct err *e;
	int rc; /* 0, or the first failure */
};

/* At most 4095 bytes at once. */
void writer_put(struct writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
