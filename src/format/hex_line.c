/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hex_line.c - writes one record of a text format
 */
#include "hex_line.h"

#include <string.h>

int hex_line(struct buf *ret, const char *start, const uint8_t *bytes, size_t n, struct err *e)
{
	static const char digits[] = "0123456789ABCDEF";
	char line[2 * 256 + 8];
	size_t at = strlen(start);

	memcpy(line, start, at);
	for (size_t i = 0; i < n; i++) {
		line[at++] = digits[bytes[i] >> 4];
		line[at++] = digits[bytes[i] & 15];
	}
	line[at++] = '\n';
	return buf_append(ret, line, at, e);
}
