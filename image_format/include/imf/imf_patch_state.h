/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_patch_state.h - inside of struct imf_patch; here only so that its size is known
 */
#ifndef IMF_PATCH_STATE_H
#define IMF_PATCH_STATE_H

#include <stdbool.h>
#include <stdint.h>

#define IMF_MODEL_BYTE_IN 4u /* predictions mixed for a bit of a byte */
#define IMF_MODEL_FLAG_IN 6u /* for a hit flag */
#define IMF_MODEL_NUMBERS 6u /* kinds of numbers */
#define IMF_MODEL_CLASSES 16u
#define IMF_MODEL_MARKS   128u
#define IMF_PATCH_IN      128u

/* The range coder on either side: decides a bit with probability p1 / 65536 of being 1. */
struct imf_coder {
	int (*code)(struct imf_coder *c, uint32_t p1, int bit);
#ifndef IMF_NO_WHOLE
	/* Without a base: `len` bytes of the new image at offset `at`, which have been made. */
	int (*made)(struct imf_coder *c, uint32_t at, uint8_t *ret, uint32_t len);
#endif
};

struct imf_segment {            /* bytes that both images have */
	uint32_t to, from, len; /* offsets in the new image and in the base */
};

struct imf_pair {
	uint32_t from, to;
};

/* The model: all that decoder and encoder must have alike. SPEC.md, "Delta", names the parts. */
struct imf_model {
	struct imf_coder *coder;
	const struct imf_patch_config *cfg; /* images and `read` */
	int error;

	/* tables in the work area */
	uint16_t *bytes;
	uint32_t *flags;
	struct imf_pair *targets, *repeats, *rams;
	struct imf_segment *segments;
	uint32_t n_bytes, n_flags, n_targets, n_repeats, n_rams, max_segments;

	uint32_t state;
	uint32_t at;        /* next byte of the new image */
	uint32_t src, left; /* copying: from where, how many bytes are left */
#ifndef IMF_NO_INPLACE
	uint32_t end; /* of the new image, or of the group that is made in place */
#endif
	uint32_t expect; /* where in the base a copy is expected to begin */
	uint32_t segment, n_segments;
	struct imf_segment now; /* the one being read or copied; behind the last: the end */
	uint32_t rep[3];        /* last distances from new to base, newest first */
	uint32_t run;           /* units of new bytes since the last copy */
	uint32_t copied;        /* units since the start of the copy */
	uint32_t since;         /* units since the last miss */
	uint32_t outcomes;      /* of the last units, newest in bit 0, 1: miss */
	uint32_t rams_used, rams_next;
#ifdef IMF_NO_INPLACE
	bool in_segment;
#else
	bool in_segment : 1;
	bool group_back : 1; /* in place: groups descend */
	uint8_t groups_left; /* still to come */
	uint8_t group;       /* the one that is made, 255: none yet */
#endif
	uint8_t hist[4]; /* last bytes, newest first */
	uint8_t out[4];  /* what the last step made */
	uint8_t n_out;
	uint8_t class_hist[IMF_MODEL_CLASSES];
	uint8_t marks[IMF_MODEL_MARKS];              /* words ahead that code loads */
	uint16_t bits[24 + IMF_MODEL_NUMBERS * 58u]; /* see imf_patch_priv.h */
	int32_t byte_w[4][IMF_MODEL_BYTE_IN];
	int32_t flag_w[8][IMF_MODEL_FLAG_IN];
};

struct imf_patch {
	struct imf_coder coder; /* first: the callback finds the rest from it */
	const struct imf_patch_config *cfg;
	uint32_t low, high, value;
	uint32_t fed, taken; /* bytes of the payload: got, shifted into `value` */
	uint32_t skip;       /* bytes that were written before the interruption */
	int error;
	uint32_t at, n_out; /* bytes of the new image: hashed, waiting in `out` */
	uint8_t out[IMF_PATCH_OUT];
	uint8_t in[IMF_PATCH_IN];
	struct imf_model model;
};

#endif
