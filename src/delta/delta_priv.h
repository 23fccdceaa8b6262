/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta_priv.h - between the parts of the encoder
 */
#ifndef STMOTA_DELTA_PRIV_H
#define STMOTA_DELTA_PRIV_H

#include <stmota/delta.h>

#define DELTA_NOWHERE UINT32_MAX

struct piece {                  /* bytes that both images have, more or less */
	uint32_t at, from, len; /* in the new image, in the base, bytes */
};

struct pieces {
	struct piece *v; /* owned, ascending in `at`, without overlap */
	size_t n;
};

/*
 * Copies an image with everything blanked out that depends on where things lie: the targets of
 * branches and literal loads, pointers into flash of `span` bytes from addr on, and into RAM.
 * `ret` has room for image->len bytes.
 */
void delta_blank(const struct delta_image *image, size_t span, uint8_t *ret);

/* Offset that each halfword's instruction or pointer aims at, DELTA_NOWHERE if none. */
void delta_targets(const struct delta_image *image, size_t span, uint32_t *ret);

/* Finds the pieces. ERR_NOMEM. `ret` is released with free(ret->v). */
int delta_match(const struct delta_image *base, const struct delta_image *image, struct pieces *ret,
	struct err *e);

/*
 * Finds the pieces that an image has in common with itself, for compression without a base.
 *
 * fresh  what each of its halfwords costs as new bytes, in sixteenths of a bit
 *
 * ERR_NOMEM. `ret` is released with free(ret->v).
 */
int delta_squeeze(
	const struct delta_image *image, const uint16_t *fresh, struct pieces *ret, struct err *e);

#endif
