/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transcript.h - what was said to a device and what it answered, kept for whoever has to explain it
 *
 * One file for each session, with times; the content of files that are sent is not in it, only that
 * they were. It ends at a bounded size, and of a device only the newest few are kept.
 */
#ifndef STMOTA_TRANSCRIPT_H
#define STMOTA_TRANSCRIPT_H

#include <stddef.h>
#include <stdint.h>

#include <stmota/err.h>

#define TRANSCRIPT_MAX  (256u << 10) /* bytes of one */
#define TRANSCRIPT_KEEP 10           /* of one device */

struct transcript;

/*
 * Begins one in `folder` (made where missing), and removes the oldest of this device.
 *
 * device  as the user calls it; becomes part of the file name
 *
 * ERR_IO.
 */
int transcript_open(const char *folder, const char *device, struct transcript **ret, struct err *e);

/* NULL is taken by all of these: then nothing is written. A full disk ends it in silence. */
void transcript_close(struct transcript *t);
const char *transcript_path(const struct transcript *t);

/* What the device said: lines are put together, control bytes shown as <06>. */
void transcript_heard(struct transcript *t, const uint8_t *p, size_t len);
/* What was sent: text as it is, a block of YMODEM by its number and length. */
void transcript_sent(struct transcript *t, const uint8_t *p, size_t len);
void transcript_note(struct transcript *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
