/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strparse.h - numbers, addresses, ranges and versions as people write them
 *
 * All functions take the whole text: leading or trailing rubbish is an error. On failure the
 * result is untouched and `e` names the text (ERR_USAGE; the caller wraps it where it came from).
 */
#ifndef STMOTA_STRPARSE_H
#define STMOTA_STRPARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/bytes.h>
#include <stmota/err.h>

/* Decimal, or hexadecimal with 0x; a suffix K or M multiplies by 1024 or 1024 * 1024. */
int parse_u32(const char *text, uint32_t *ret, struct err *e);

/* Like parse_u32(), and within `min`..`max`. */
int parse_u32_range(const char *text, uint32_t min, uint32_t max, uint32_t *ret, struct err *e);

/* Product ID: hexadecimal with or without 0x, at most 0xFFF. */
int parse_pid(const char *text, uint16_t *ret, struct err *e);

/* ADDR:LEN, both as parse_u32(); LEN > 0 and the range ends at or below 2^32. */
int parse_span(const char *text, struct span *ret, struct err *e);

/* MIN..MAX or a single number for both; u16 each. */
int parse_u16_pair(const char *text, uint16_t *ret_min, uint16_t *ret_max, struct err *e);

/*
 * A time in seconds: "90s", "30m", "1h", "2d", at most ten years; 0 needs no unit. A number without
 * one is refused, for nobody knows what it means.
 */
int parse_duration(const char *text, uint64_t *ret_s, struct err *e);

/* `n` bytes as 2 * n hexadecimal digits of either case; false, and `ret` not to be used, if they are not. */
bool parse_hex(const void *text, size_t len, uint8_t *ret, size_t n);

#endif
