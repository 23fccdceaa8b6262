/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta_priv.h - between the parts of the encoder
 */
#ifndef STMOTA_DELTA_PRIV_H
#define STMOTA_DELTA_PRIV_H

#include <stdbool.h>

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

#define DELTA_NEVER    UINT32_MAX
#define DELTA_NO_GROUP UINT16_MAX

/* In which order the groups of a delta in place are made. */
struct delta_order {
	const struct imf_groups *groups; /* borrowed */
	uint32_t n;                      /* groups that are made: those that change */
	uint16_t order[IMF_GROUPS_MAX];
	uint32_t rank[IMF_GROUPS_MAX]; /* place in `order`, DELTA_NEVER */
	uint16_t *group;               /* of each IMF_GROUP_UNIT bytes; owned */
	size_t n_units;
};

/* Nothing is ordered yet. ERR_NOMEM. */
int delta_order_init(struct delta_order *o, const struct imf_groups *groups, size_t base_len,
	size_t image_len, struct err *e);
void delta_order_done(struct delta_order *o);
/* Finds the order in which the fewest bytes of `p` are lost. ERR_NOMEM. */
int delta_order_choose(struct delta_order *o, const struct delta_image *base,
	const struct delta_image *image, const struct pieces *p, struct err *e);
/*
 * Takes out of `p` what lies behind the end of the new image in a group that has been overwritten:
 * nobody knows what is there then.
 */
void delta_order_cut(const struct delta_order *o, size_t image_len, struct pieces *p);
/* True if byte `from` of the base has been overwritten when byte `at` of the image is made. */
bool delta_order_gone(const struct delta_order *o, uint32_t at, uint32_t from);

/*
 * Finds the pieces. With an order, which is chosen here, they leave out what is gone. ERR_NOMEM.
 * `ret` is released with free(ret->v).
 */
int delta_match(const struct delta_image *base, const struct delta_image *image,
	struct delta_order *order, struct pieces *ret, struct err *e);

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
