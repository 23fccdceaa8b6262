/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_inplace.h - a delta component takes the place of the image it was made from
 *
 * For devices with one slot. The new image comes in groups of erase units, in the order that the
 * payload says. A group is decoded into the journal; when it is complete there, the state of the
 * decoder goes beside it, and only then the group's units are erased and written from the journal.
 * Whatever flash operation the power is cut in, imf_inplace_begin() finds where to go on.
 *
 * What is fed must be authentic: a payload that is staged whole and had its signed digest, or
 * chained chunks whose digests matched. The first group is overwritten long before the last byte
 * of the payload has come.
 */
#ifndef IMF_INPLACE_H
#define IMF_INPLACE_H

#include <stdbool.h>
#include <stdint.h>

#include <imf/imf_config.h>
#include <imf/imf_patch.h>

#if !defined(IMF_NO_PATCH) && !defined(IMF_NO_INPLACE)

/* struct imf_inplace is this much larger than struct imf_patch, at most. */
#define IMF_INPLACE_STATE 64u
#define IMF_NOTE_MAX      64u

enum imf_area {
	IMF_AREA_SLOT,   /* offsets from the load address */
	IMF_AREA_JOURNAL /* flash of its own, erase units of one size */
};

struct imf_inplace_config {
	/*
	 * Images, digests, payload, tables, crypto. `read` reads the slot, up to the end of the
	 * longer image; it fails where the flash does (ECC). `groups` is what
	 * imf_manifest_in_place() gave. `write` and `checkpoint` are not used. stored_digest
	 * tells whose journal it is: it must be the one of the manifest.
	 */
	struct imf_patch_config patch;

	uint32_t slot_size; /* bytes from the load address that belong to the slot */
	/*
	 * The journal: two records, IMF_JOURNAL_RECORD(ram_max) bytes each, and the largest group,
	 * each rounded up to its erase unit, a multiple of 64 bytes.
	 */
	uint32_t journal_size, journal_unit;
	uint32_t ram_max;      /* the most decoder RAM that this device takes */
	uint32_t program_size; /* bytes programmed at once: a power of two, 64 at most */
	uint8_t erased;        /* what erased flash reads as: 0xFF, 0 on STM32L0 and L1 */

	/*
	 * NULL, or what the caller needs to bring the payload from the returned offset on after a
	 * power cut, such as the digest of the chunk that it is in. Saved with each group, given
	 * back by begin. note_size is 0 to IMF_NOTE_MAX.
	 */
	uint8_t *note;
	uint32_t note_size;

	/* All with patch.ctx; they return 0 or stop the decoding. */
	int (*read_journal)(void *ctx, uint32_t at, uint8_t *ret, uint32_t len);
	/* True if an erase unit of the slot begins at `at`, or its last one ends there. */
	bool (*boundary)(void *ctx, uint32_t at);
	/* All erase units from `at` to `at` + len: whole ones. */
	int (*erase)(void *ctx, enum imf_area area, uint32_t at, uint32_t len);
	/* Erased flash; `at` and len are multiples of program_size. Each word once per erase. */
	int (*program)(
		void *ctx, enum imf_area area, uint32_t at, const uint8_t *data, uint32_t len);
};

struct imf_inplace {
	struct imf_patch patch;
	const struct imf_inplace_config *cfg;
	uint32_t seq; /* records committed; the newest lies in place seq & 1 */
	/* The group that is made: its units, bytes of the image in it, CRC over those in the journal. */
	uint32_t start, size, made, crc;
	bool clean;    /* the journal holds no record but ours */
	bool complete; /* the slot held the new image from the start */
};

/*
 * Checks the configuration and what the slot holds. A fresh start erases nothing here; an
 * interrupted run puts its last group into the slot again. *ret_offset is the offset of the
 * payload byte to feed next; stored_size: nothing, only finish is missing.
 *
 * IMF_ERR_BASE: the slot holds neither the base nor the new image, and the journal does not say
 * that it is on the way from one to the other. IMF_ERR_LIMIT: slot or journal are too small, or a
 * group ends in the middle of an erase unit. IMF_ERR_ARGUMENT, IMF_ERR_RAM as imf_patch_begin().
 * IMF_ERR_CALLBACK, IMF_ERR_CRYPTO.
 */
int imf_inplace_begin(
	struct imf_inplace *v, const struct imf_inplace_config *cfg, uint32_t *ret_offset);

/* The next bytes of the stored payload, as imf_patch_feed(). Also IMF_ERR_DIGEST: flash did not keep. */
int imf_inplace_feed(struct imf_inplace *v, const uint8_t *data, uint32_t len);

/*
 * 0 only if the slot now holds the new image: its digest is computed from the flash. Then the
 * journal is erased. IMF_ERR_TRUNCATED, IMF_ERR_DIGEST.
 */
int imf_inplace_finish(struct imf_inplace *v);

/*
 * True if the journal says that an update was interrupted: what the slot holds must not be started.
 * cfg: the members about the journal, and patch.ctx.
 */
bool imf_inplace_pending(const struct imf_inplace_config *cfg);

#endif
#endif
