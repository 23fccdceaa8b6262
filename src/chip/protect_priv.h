/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protect_priv.h - the forms of write-protection words, shared by reading and setting them
 */
#ifndef STMOTA_PROTECT_PRIV_H
#define STMOTA_PROTECT_PRIV_H

#include <stmota/chip.h>

enum wrp_form {
	WRP_BYTES,  /* one bit for wrp_unit bytes, 0 protects; a byte and its complement */
	WRP_HALVES, /* one bit for wrp_unit bytes, 1 protects; a half word and its complement */
	WRP_UNITS,  /* one bit for `group` erase units, 0 protects */
	WRP_RANGES, /* first and last page of an area, counted from the start of its bank */
};

struct wrp_rule {
	const char *series;
	uint16_t pid; /* 0: the whole series */
	enum wrp_form form;
	uint8_t group;
	bool full_size_only; /* nobody tells what the bits mean on smaller parts */
	const char *source;
};

/* NULL if no source tells what the WRP words of this chip mean. */
const struct wrp_rule *wrp_rule_of(const struct chip *c);

/* Some words are listed once for each bank mode: the first row counts. */
bool wrp_is_repeated(const struct chip_option_bytes *o, size_t index);

/* "WRP2A_STRT", "WRP1B_PEND", "WRPA_PSTRT": bank and area. */
bool wrp_range_name(const char *name, bool *ret_start, uint32_t *ret_bank, char *ret_area);

#endif
