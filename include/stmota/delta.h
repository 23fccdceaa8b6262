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
	uint32_t groups;           /* in place: how many are overwritten */
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
 * The same for a device with one slot: the image takes the place of `base` group by group.
 *
 * groups  as the manifest will tell them; NULL: from slot to slot
 *
 * Also ERR_USAGE: different addresses, an empty image.
 */
int delta_make_in_place(const struct delta_image *base, const struct delta_image *image,
	uint32_t ram, const struct imf_groups *groups, struct buf *ret, struct delta_stats *stats,
	struct err *e);

#define DELTA_GROUP_DEFAULT 16384u /* bytes */

/*
 * Cuts a memory into groups of whole erase units for a delta in place.
 *
 * units   bytes of each unit, from the load address on
 * target  bytes that a group should have at least; the units of one size may be fewer
 *
 * ERR_UNSUPPORTED (more groups than a manifest tells, odd units), ERR_NO_FIT (the image is longer).
 */
int delta_groups_make(const uint32_t *units, size_t n_units, size_t image_len, uint32_t ram,
	uint32_t target, struct imf_groups *ret, struct err *e);

/*
 * Appends the payload that makes `image` out of nothing, and proves it with the decoder.
 * Parameters and errors as delta_make().
 */
int delta_pack(const struct delta_image *image, uint32_t ram, struct buf *ret,
	struct delta_stats *stats, struct err *e);

#endif
