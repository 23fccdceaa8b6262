/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_patch.h - a delta component becomes the new image while it is read
 *
 * The stored payload must have been checked against its signed digest before (staged in a slot,
 * in external flash, in a file): see SPEC.md, "Delta". The base image is read at any place and
 * stays as it is; the new image comes out from its first byte to its last. No byte of a damaged
 * payload can make the decoder read or write out of bounds or run on: the number of steps is
 * bounded by the size of the new image.
 */
#ifndef IMF_PATCH_H
#define IMF_PATCH_H

#include <stdbool.h>
#include <stdint.h>

#include <imf/imf_config.h>
#include <imf/imf_verify.h>

#define IMF_PATCH_CODEC     1u
#define IMF_PATCH_IMAGE_MAX 0x1000000u /* bytes of the base and of the new image */

/*
 * What a payload needs: `ram` of its manifest entry is 4096, 8192 or 16384, struct imf_patch and
 * work area together. IMF_PATCH_WORK(8192) bytes of work area decode what says 8192 or less.
 */
#define IMF_PATCH_STATE     1536u
#define IMF_PATCH_WORK(ram) ((ram)-IMF_PATCH_STATE)

#define IMF_PATCH_OUT        64u /* bytes handed to `write`, but for the last time */
#define IMF_PATCH_CHECKPOINT 20u /* bytes of a checkpoint record */

struct imf_patch_config {
	const struct imf_crypto *crypto; /* one hash at a time: none other during the decoding */
	uint32_t ram;                    /* from the manifest entry */
	bool whole;                      /* compressed, no base: the next three are not used */
	uint32_t base_addr, base_len;    /* where the base is linked for, and its bytes; likewise */
	const uint8_t *base_digest;      /* IMF_DIGEST_SIZE; likewise */
	uint32_t load_addr, plain_size;  /* of the component */
	const uint8_t *plain_digest;
	/* imf_decrypt.plain_salt of an encrypted component, hashed before the image; NULL: none. */
	const uint8_t *plain_salt;
	uint32_t stored_size;         /* of the payload: imf_manifest_content_size() */
	const uint8_t *stored_digest; /* names the payload in checkpoints; not checked here */
	uint32_t *work;
	uint32_t work_size; /* bytes */

	void *ctx; /* of the callbacks; they return 0 or stop the decoding */
	/*
	 * `len` bytes of the base at offset `at`; always within base_len. If `whole`: of the new
	 * image, always of what `write` got before (in the interrupted run, below the checkpoint).
	 */
	int (*read)(void *ctx, uint32_t at, uint8_t *ret, uint32_t len);
	/* The next bytes of the new image. Offset `at` is a multiple of IMF_PATCH_OUT. */
	int (*write)(void *ctx, uint32_t at, const uint8_t *data, uint32_t len);
	/*
	 * NULL, or the checkpoint record of an interrupted run. The payload is fed from its start
	 * again; bytes before the checkpoint are computed, but not handed to `write` again.
	 */
	const uint8_t *checkpoint;
#ifndef IMF_NO_INPLACE
	const struct imf_groups *groups; /* NULL; set by imf_inplace.h */
#endif
};

#include <imf/imf_patch_state.h>

/*
 * Checks the configuration, then the digest of the base.
 * IMF_ERR_ARGUMENT, IMF_ERR_RAM (work area), IMF_ERR_LIMIT (image sizes), IMF_ERR_BASE (another
 * image than the one that was signed), IMF_ERR_NOT_FOUND (the checkpoint is of another payload),
 * IMF_ERR_CRYPTO, IMF_ERR_CALLBACK. `cfg` and what it points to must stay.
 */
int imf_patch_begin(struct imf_patch *p, const struct imf_patch_config *cfg);

/*
 * The next bytes of the stored payload, any number. The first failure is final.
 * IMF_ERR_PATCH (not a sound payload), IMF_ERR_TRAILING, IMF_ERR_CALLBACK, IMF_ERR_CRYPTO.
 */
int imf_patch_feed(struct imf_patch *p, const uint8_t *data, uint32_t len);

/*
 * 0 only if all of the payload came, all of the new image was made and its digest is the signed
 * one. IMF_ERR_TRUNCATED, IMF_ERR_DIGEST.
 */
int imf_patch_finish(struct imf_patch *p);

/*
 * A record from which an interrupted run can go on. Valid once everything `write` got is safe.
 */
void imf_patch_checkpoint(const struct imf_patch *p, uint8_t ret[IMF_PATCH_CHECKPOINT]);

#endif
