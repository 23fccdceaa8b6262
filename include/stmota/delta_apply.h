/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta_apply.h - deltas and compressed images undone, by the decoder that devices use
 */
#ifndef STMOTA_DELTA_APPLY_H
#define STMOTA_DELTA_APPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <imf/imf_manifest.h>
#include <stmota/buf.h>
#include <stmota/digest.h>
#include <stmota/err.h>

struct delta_image {         /* borrows its bytes */
	const uint8_t *data; /* NULL if len is 0 */
	size_t len;          /* bytes, below 16 MiB */
	uint32_t addr;       /* it is linked for; a wrong one costs size, never correctness */
};

struct delta_recipe { /* what a manifest says about a delta component */
	uint32_t ram;
	uint32_t base_len, base_addr;
	uint8_t base_digest[SHA256_SIZE];
	uint32_t plain_size, load_addr;
	uint8_t plain_digest[SHA256_SIZE];
	const uint8_t *plain_salt; /* package_plain_salt(); NULL: not encrypted */
	bool whole; /* compressed: no base, base_... are not used */
	const struct imf_groups *groups; /* NULL: from slot to slot; else in place; borrowed */
};

/*
 * Appends the new image to `ret`. In place, it is made in a simulated flash that the groups are the
 * erase units of.
 *
 * base  NULL if r->whole
 *
 * ERR_VERIFY if `base` is not the image of the recipe, ERR_FORMAT (damaged payload), ERR_USAGE,
 * ERR_UNSUPPORTED (16 MiB and more), ERR_NOMEM. `ret` stays as it was then.
 */
int delta_apply(const struct delta_recipe *r, const struct delta_image *base,
	const uint8_t *payload, size_t payload_len, struct buf *ret, struct err *e);

#endif
