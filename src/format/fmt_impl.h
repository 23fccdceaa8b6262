/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fmt_impl.h - the rows of the format table, each defined in the file of its format
 */
#ifndef STMOTA_FORMAT_FMT_IMPL_H
#define STMOTA_FORMAT_FMT_IMPL_H

#include <stmota/fmt.h>

extern const struct fmt fmt_bin, fmt_ihex, fmt_elf, fmt_srec, fmt_uf2, fmt_dfuse, fmt_dfu,
	fmt_mcuboot, fmt_sfb;

/* What speaks against a raw binary as `opt` wants it. ERR_FORMAT, ERR_USAGE (no address). */
int fmt_bin_check(const uint8_t *data, size_t len, const struct fmt_options *opt, struct err *e);

/* Not read as an image, or not without a key; fmt_known.c. */
extern const struct fmt fmt_sota, fmt_aes;

#endif
