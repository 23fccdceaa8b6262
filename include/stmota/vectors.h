/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vectors.h - will this binary run at this address? Rules for Cortex-M vector tables on STM32
 *
 * ARMv6-M and ARMv7-M architecture manuals (table, VTOR), device headers (number of interrupts).
 */
#ifndef STMOTA_VECTORS_H
#define STMOTA_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/chip.h>
#include <stmota/err.h>

/* The handlers of the processor itself; a table of an image has at least these words. */
#define VECTORS_CORE_BYTES 64u

/*
 * Judges the vector table at the start of `image`, which will lie at `base`.
 *
 * chip       NULL: unknown; then RAM is judged by weak rules that fit all parts
 * ret_warn   text of the first finding that is only doubtful, "" if none; at least 160 bytes; may be NULL
 *
 * 0 if the image can start there, else ERR_NO_FIT (the message says which word and why, `addr` is
 * that of the table; the hint names the guessed base where the table fits another one).
 */
int vectors_check(const uint8_t *image, size_t len, uint32_t base, const struct chip *chip,
	char *ret_warn, size_t warn_size, struct err *e);

/*
 * The same for an image with holes: `table` are the `len` bytes from `base` up to the first hole,
 * `holds` tells whether the image has a byte at an address, where a handler may lie then.
 */
int vectors_check_parts(const uint8_t *table, size_t len, uint32_t base,
	bool (*holds)(const void *ctx, uint32_t addr), const void *ctx, const struct chip *chip,
	char *ret_warn, size_t warn_size, struct err *e);

/*
 * Only words 0 and 1: would a processor, and a careless boot loader, take this for a program?
 * len  bytes of the image at `base`, in which the reset handler has to lie
 */
bool vectors_bootable(const uint8_t first_words[8], uint32_t base, uint32_t len,
	const struct chip *chip);

/*
 * What the start of a vector table on this chip must be a multiple of, bytes. 0: the core has no
 * VTOR. `ret_exact` false: the number of interrupts is not confirmed; then the result is the least
 * that the core demands.
 */
uint32_t vectors_alignment(const struct chip *chip, bool *ret_exact);

/*
 * Guesses the address a raw image was linked for.
 * Returns the number of candidates written to `ret` (best first, at most `max`), 0 if none fits.
 * With more than one, ask: none of them is certain.
 */
size_t vectors_guess_base(const uint8_t *image, size_t len, uint32_t *ret, size_t max);

/*
 * The guess in words for a hint: "the vector table fits --address 0x08004000", or with several
 * "... 0x08004000 or 0x08008000: which one?". False, and nothing written, if there is none.
 */
bool vectors_guess_text(const uint8_t *image, size_t len, char *ret, size_t size);

#endif
