/* SPDX-License-Identifier: Apache-2.0 */
/*
 * textpool.h - many short texts that are released together
 *
 * For results that hold hundreds of names and phrases: nobody has to own a single one of them.
 */
#ifndef STMOTA_TEXTPOOL_H
#define STMOTA_TEXTPOOL_H

#include <stdbool.h>
#include <stddef.h>

#include <stmota/cleanup.h>

struct textpool {
	char **v; /* owned */
	size_t n;
	bool failed; /* no memory for some text: "" stands in its place */
};

#define TEXTPOOL_INIT ((struct textpool){0})

/* Never NULL; the text stays until textpool_done(). Without memory: "", and `failed` is set. */
const char *textpool_printf(struct textpool *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * A name out of a file: what is not printable ASCII becomes '?', and it is cut to 200 characters,
 * because it will be shown on a terminal. NULL gives "".
 */
const char *textpool_name(struct textpool *p, const char *name);

void textpool_done(struct textpool *p);

#define cleanup_textpool CLEANUP(textpool_done)

#endif
