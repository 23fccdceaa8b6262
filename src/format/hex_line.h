/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hex_line.h - lines of hexadecimal digits, as Intel HEX and S-records have them
 */
#ifndef STMOTA_FORMAT_HEX_LINE_H
#define STMOTA_FORMAT_HEX_LINE_H

#include <stmota/buf.h>

#define HEX_LINE_DATA 16 /* bytes in a line, as most tools write them */

/* Appends `start`, n bytes as upper-case digits and a newline; n <= 256. ERR_NOMEM. */
int hex_line(struct buf *ret, const char *start, const uint8_t *bytes, size_t n, struct err *e);

/* Bytes from `addr` to the end of its line: lines begin at multiples of HEX_LINE_DATA. */
static inline uint32_t hex_line_room(uint32_t addr)
{
	return HEX_LINE_DATA - addr % HEX_LINE_DATA;
}

#endif
