/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta_apply_priv.h - between the two ways to undo a delta
 */
#ifndef STMOTA_DELTA_APPLY_PRIV_H
#define STMOTA_DELTA_APPLY_PRIV_H

#include <stmota/delta_apply.h>

/* delta_apply() on a flash that is overwritten. */
int delta_apply_in_place(const struct delta_recipe *r, const struct delta_image *base,
	const uint8_t *payload, size_t payload_len, struct buf *ret, struct err *e);

/* The decoder's error in the words of the host. */
int delta_refuse(int error, struct err *e);

#endif
