/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fmt_impl.h - the rows of the format table, each defined in the file of its format
 */
#ifndef STMOTA_FORMAT_FMT_IMPL_H
#define STMOTA_FORMAT_FMT_IMPL_H

#include <stmota/fmt.h>

extern const struct fmt fmt_bin, fmt_ihex, fmt_elf, fmt_srec, fmt_uf2, fmt_dfuse, fmt_dfu,
	fmt_mcuboot, fmt_sfb;

/* Recognised so that they are refused by name; fmt_known.c. */
extern const struct fmt fmt_sota;

/* Value of a hexadecimal digit of either case, -1 if it is none. */
static inline int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

#endif
