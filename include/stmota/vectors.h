/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vectors.h - will this binary run at this address? Rules for Cortex-M vector tables on STM32
 */
#ifndef STMOTA_VECTORS_H
#define STMOTA_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/chip.h>
#include <stmota/err.h>

/*
 * Judges the vector table at the start of `image`, which will lie at `base`.
 *
 * chip       NULL: unknown; then RAM is judged by the weak rule 0x20000000 < SP <= 0x20200000
 * ret_warn   text of the first finding that is only doubtful, "" if none; at least 160 bytes; may be NULL
 *
 * 0 if the image can start there, else ERR_NO_FIT (the message says which word and why; the hint
 * names the guessed base where the table fits another one).
 */
int vectors_check(const uint8_t *image, size_t len, uint32_t base, const struct chip *chip,
	char *ret_warn, size_t warn_size, struct err *e);

/* Only words 0 and 1: would a processor, and a careless boot loader, take this for a program? */
bool vectors_bootable(const uint8_t first_words[8], uint32_t base, uint32_t len,
	const struct chip *chip);

/*
 * Guesses the address a raw image was linked for.
 * Returns the number of candidates written to `ret` (best first, at most `max`), 0 if none fits.
 */
size_t vectors_guess_base(const uint8_t *image, size_t len, uint32_t *ret, size_t max);

#endif
