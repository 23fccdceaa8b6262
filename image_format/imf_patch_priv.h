/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_patch_priv.h - the model of delta payloads, shared by the decoder and the host's encoder
 *
 * Both sides run imf_model_step() over the same state, so that they cannot differ: where the
 * decoder takes a decision from the range coder, the encoder gives the decision to it.
 */
#ifndef IMF_PATCH_PRIV_H
#define IMF_PATCH_PRIV_H

#include <imf/imf_patch.h>

enum imf_model_state {
	IMF_ST_COUNT,  /* how many segments there are */
	IMF_ST_GAP,    /* of the next segment: new bytes before it, */
	IMF_ST_JUMP,   /* where it comes from, */
	IMF_ST_LENGTH, /* how long it is */
	IMF_ST_GROUPS, /* in place: how many groups of erase units follow, */
	IMF_ST_GROUP,  /* which is the next */
	IMF_ST_OP,     /* between segments: new bytes, or a copy */
	IMF_ST_COPY_FROM,
	IMF_ST_COPY_LENGTH,
	IMF_ST_UNIT, /* copying: one instruction or word */
	IMF_ST_DONE
};

/* Kinds of numbers, each with statistics of its own. */
enum {
	IMF_NUM_COUNT,
	IMF_NUM_GAP,
	IMF_NUM_JUMP,
	IMF_NUM_LENGTH,
	IMF_NUM_COPY_FROM,
	IMF_NUM_COPY_LENGTH
};

/* Single adaptive bits in imf_model.bits. */
enum {
	IMF_BITS_OP = 0,      /* copy or new bytes, by new bytes before */
	IMF_BITS_REP = 4,     /* one of the last distances */
	IMF_BITS_GROUP = 7,   /* in place: not the neighbour of the group before */
	IMF_BITS_SECOND = 8,  /* not as in the base either, by class */
	IMF_BITS_LOW = 16,    /* whole: the lower bits of a distance */
	IMF_BITS_NUMBERS = 24 /* 58 for each kind */
};

/* What the encoder wants the next step to say; the decoder has none. */
struct imf_hint {
	uint32_t number;      /* in states that ask for one; IMF_ST_OP: 1 for a copy */
	const uint8_t *bytes; /* the new image from `at` on */
};

#define IMF_COPY_MIN 6u /* bytes; the shortest copy between segments */
#define IMF_SELF_MIN 4u /* whole: the shortest distance and copy */

/* A unit of the base as it is expected to look in the new image. */
struct imf_expected {
	uint32_t cls;     /* enum imf_class */
	uint32_t len;     /* bytes, 2 or 4 */
	uint32_t plain;   /* as it stands in the base */
	uint32_t first;   /* likeliest value in the new image */
	uint32_t second;  /* next likely; equal to first: none */
	uint32_t quality; /* how the target was found */
	uint32_t target;  /* offset in the base, or RAM address */
};

enum imf_class {
	IMF_C_16,
	IMF_C_32,
	IMF_C_BL,
	IMF_C_BW,
	IMF_C_BCCW,
	IMF_C_B,
	IMF_C_BCC,
	IMF_C_LDR,
	IMF_C_LDRW,
	IMF_C_ADR,
	IMF_C_WORD,
	IMF_C_WORD_FLASH,
	IMF_C_WORD_RAM,
	IMF_C_FLASH,
	IMF_C_RAM
};

/*
 * Prepares the model. `work` of `size` bytes takes the tables for `ram`.
 * m->cfg must be set. IMF_ERR_RAM, IMF_ERR_ARGUMENT (ram is none of the three).
 */
int imf_model_init(struct imf_model *m, uint32_t ram, uint32_t *work, uint32_t size);

/* Compressed without a base: copies come from what has been made. */
#ifndef IMF_NO_WHOLE
#define IMF_WHOLE(m) ((m)->cfg->whole)
#else
#define IMF_WHOLE(m) false
#endif

/*
 * One step; m->error is set where the payload is not sound. At most 40 decisions.
 *
 * h  NULL: decode; else what to say, where IMF_ENCODER is defined
 */
void imf_model_step(struct imf_model *m, const struct imf_hint *h);

/* Bytes that `decisions` can shift in, see SPEC.md. */
#define IMF_STEP_BYTES 84u

/* Between imf_patch.c and imf_inplace.c; without the latter, the former's own. */
typedef int (*imf_patch_run)(struct imf_patch *p);
#ifdef IMF_NO_INPLACE
#define IMF_SHARED static
#else
#define IMF_SHARED
/* The part of it that only says where in `work` the tables lie. */
int imf_model_tables(struct imf_model *m, uint32_t ram, uint32_t *work, uint32_t size);
/* Bytes of the tables, after imf_model_tables(). */
uint32_t imf_model_tables_size(const struct imf_model *m);

void imf_patch_wire(struct imf_patch *p, const struct imf_patch_config *cfg);
/*
 * IMF_ERR_BASE where the first `len` bytes that `read` gives have another digest.
 *
 * salt  IMF_SALT_SIZE bytes in front of them, or NULL
 */
int imf_patch_check(const struct imf_patch_config *cfg, const uint8_t *salt, uint32_t len,
	const uint8_t *digest, uint8_t buf[IMF_PATCH_IN]);
/* True while a step can be taken without waiting for more of the payload. */
bool imf_patch_ready(const struct imf_patch *p);
int imf_patch_step(struct imf_patch *p);
int imf_patch_take(struct imf_patch *p, const uint8_t *data, uint32_t len, imf_patch_run run);
/* IMF_OK if all of the payload came and was used. */
int imf_patch_whole(const struct imf_patch *p);
#endif

/* imf_patch_mix.c */
void imf_mix_init(struct imf_model *m);
int imf_code_bit(struct imf_model *m, uint16_t *s, int bit);
uint32_t imf_code_number(struct imf_model *m, uint32_t kind, uint32_t v);
#define IMF_NOTHING 0x10000u
void imf_code_half(struct imf_model *m, const uint8_t *want, uint32_t expected, uint8_t *out);
void imf_code_single(struct imf_model *m, const uint8_t *want, uint32_t expected, uint8_t *out);
int imf_code_flag(
	struct imf_model *m, const uint32_t ctx[IMF_MODEL_FLAG_IN], uint32_t set, int bit);
void imf_push(struct imf_model *m, uint8_t b);
void imf_range(uint32_t *low, uint32_t *high, uint32_t p1, uint32_t *mid);

/* imf_patch_thumb.c */
void imf_expect(struct imf_model *m, struct imf_expected *r);
void imf_learn(struct imf_model *m, const struct imf_expected *r, uint32_t v, bool missed);
void imf_note(struct imf_model *m, uint32_t at, uint32_t v, uint32_t len);
void imf_unmark(struct imf_model *m, uint32_t from, uint32_t to);
void imf_read_base(struct imf_model *m, uint32_t at, uint8_t *ret, uint32_t len);

#endif
