/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta.h - the difference between two firmware images, and images compressed
 *
 * The payload is what image_format/SPEC.md describes under "Delta payloads". Pure: no files, no
 * devices.
 */
#ifndef STMOTA_DELTA_H
#define STMOTA_DELTA_H

#include <stmota/delta_apply.h>

#define DELTA_RAM_DEFAULT 8192u

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

/*
 * Appends the payload that makes `image` out of nothing, and proves it with the decoder.
 * Parameters and errors as delta_make().
 */
int delta_pack(const struct delta_image *image, uint32_t ram, struct buf *ret,
	struct delta_stats *stats, struct err *e);

#endif
