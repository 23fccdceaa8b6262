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

enum verdict { VERDICT_OK, VERDICT_DOUBTFUL, VERDICT_ERROR };

/* "ok", "doubtful", "error"; static. */
const char *verdict_name(enum verdict v);

/* One thing that was looked at, and what came of it. */
struct finding {
	enum verdict verdict;
	const char *rule; /* stable name, static: "stack_pointer" */
	int word;         /* of the vector table, -1: none of them */
	uint32_t addr;    /* on the device: of that word, else of what is judged */
	bool conditional; /* matters only with an option that the image does not name */
	char what[200];   /* one line, lower case, no full stop */
	char todo[240];   /* what the user can do, "" if nothing */
};

/* Hears of each finding at once; `f` is gone afterwards. */
typedef void (*finding_sink)(void *ctx, const struct finding *f);

/* An image that may have holes. */
struct vectors_image {
	const uint8_t *table; /* from `base` up to the first hole */
	size_t len;
	uint32_t base;
	bool (*holds)(const void *ctx, uint32_t addr); /* has the image a byte there? */
	const void *ctx;
};

/*
 * All rules, with everything that they find, good or bad: table, stack_pointer, reset, handlers,
 * alignment, link_address, loader. Returns the worst verdict.
 */
enum verdict vectors_judge(const struct vectors_image *image, const struct chip *chip,
	finding_sink sink, void *sink_ctx);

/*
 * Judges the vector table at the start of `image`, which will lie at `base`: the first error and
 * the first doubt of vectors_judge().
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
bool vectors_bootable(
	const uint8_t first_words[8], uint32_t base, uint32_t len, const struct chip *chip);

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
 * The guess in words for a hint: "the vector table fits 0x08004000", or with several
 * "... 0x08004000 or 0x08008000: which one?". False, and nothing written, if there is none.
 *
 * before  stands in front of the first address: "--address " where that is the remedy, else ""
 */
bool vectors_guess_text(
	const uint8_t *image, size_t len, const char *before, char *ret, size_t size);

#endif
