/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta.h - the difference between two firmware images, made and applied
 *
 * The payload is what image_format/SPEC.md describes under "Delta"; applying uses the decoder that
 * devices use. Pure: no files, no devices.
 */
#ifndef STMOTA_DELTA_H
#define STMOTA_DELTA_H

#include <stddef.h>
#include <stdint.h>

#include <stmota/buf.h>
#include <stmota/digest.h>
#include <stmota/err.h>

#define DELTA_RAM_DEFAULT 8192u

struct delta_image {         /* borrows its bytes */
	const uint8_t *data; /* NULL if len is 0 */
	size_t len;          /* bytes, below 16 MiB */
	uint32_t addr;       /* it is linked for; a wrong one costs size, never correctness */
};

/* Where the bytes of a payload went; compressed bytes, rounded. */
struct delta_stats {
	uint32_t segments, copies; /* in the list; between */
	uint32_t units, misses;    /* copied instructions and words; not as expected */
	uint32_t fresh;            /* plain bytes that come from no copy */
	uint32_t bytes_list, bytes_fresh, bytes_copies, bytes_hits, bytes_misses;
};

/*
 * Appends the payload that turns `base` into `image`, and proves it with the decoder.
 *
 * ram    4096, 8192 or 16384: what the decoder may use, struct imf_patch included
 * stats  may be NULL
 *
 * The same input gives the same bytes. ERR_USAGE (ram), ERR_UNSUPPORTED (16 MiB and more),
 * ERR_NOMEM, ERR_FAILED (the proof failed: a defect of this program).
 */
int delta_make(const struct delta_image *base, const struct delta_image *image, uint32_t ram,
	struct buf *ret, struct delta_stats *stats, struct err *e);

struct delta_recipe { /* what a manifest says about a delta component */
	uint32_t ram;
	uint32_t base_len, base_addr;
	uint8_t base_digest[SHA256_SIZE];
	uint32_t plain_size, load_addr;
	uint8_t plain_digest[SHA256_SIZE];
};

/*
 * Appends the new image to `ret`.
 *
 * ERR_VERIFY if `base` is not the image of the recipe, ERR_FORMAT (damaged payload), ERR_USAGE,
 * ERR_UNSUPPORTED (16 MiB and more), ERR_NOMEM. `ret` stays as it was then.
 */
int delta_apply(const struct delta_recipe *r, const struct delta_image *base,
	const uint8_t *payload, size_t payload_len, struct buf *ret, struct err *e);

#endif
