/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace.h - every byte that goes over a wire, written down for people (--trace FILE)
 *
 *	# stmota trace 1, 2026-11-21T12:00:00Z
 *	   0.051302 /dev/ttyUSB0 * nrst=0
 *	   0.204410 /dev/ttyUSB0 > 7F
 *	   0.204893 /dev/ttyUSB0 < 79
 *
 * Seconds since the start, the port, then > what went to the device, < what came from it, * what
 * else happened (lines, USB requests, refusals). Bytes are hexadecimal, 32 in a line; . goes on.
 * Links call this where bytes leave and arrive, so a trace shows also what the drivers threw away.
 */
#ifndef STMOTA_TRACE_H
#define STMOTA_TRACE_H

#include <stdbool.h>
#include <stddef.h>

#include <stmota/err.h>

enum trace_dir { TRACE_OUT, TRACE_IN };

/*
 * Begins a trace in a new file, or goes on in an old one. Each event is one write, so several
 * processes may share a file. ERR_IO.
 */
int trace_open(const char *path, struct err *e);
/* Ends it. ERR_IO if something could not be written (disk full). Also where none was begun. */
int trace_close(struct err *e);

/* True if somebody reads it: for what is costly to describe. */
bool trace_on(void);

/* `name` is the port: "/dev/i2c-1@0x4a". A framed link calls it once for each transaction. */
void trace_bytes(const char *name, enum trace_dir dir, const void *buf, size_t len);
/* What is no byte: "nrst=0", "no ACK from the address", "control 21 01 0002 0000 0800". */
void trace_note(const char *name, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
