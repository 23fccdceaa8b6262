/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_chain.h - a chained component is authenticated chunk by chunk while it comes in
 *
 * The manifest holds the digest of the first chunk, each chunk ends with the digest of the next:
 * see SPEC.md, "Chained payloads". Nothing of a chunk is handed out before its digest matched, so
 * what comes out may be decrypted, decoded and written at once. An interrupted run goes on from a
 * point, the number and the digest of the next chunk, without reading what lies before it.
 */
#ifndef IMF_CHAIN_H
#define IMF_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include <imf/imf_config.h>
#include <imf/imf_manifest.h>
#include <imf/imf_verify.h>

#ifndef IMF_NO_CHAIN

/* Where to go on: chunk `chunk` comes next, and this is its digest. Valid only as it was given. */
struct imf_chain_point {
	uint32_t chunk;
	uint8_t digest[IMF_DIGEST_SIZE];
};

struct imf_chain_config {
	/*
	 * A hash of its own: `content` may be in the middle of another one (imf_patch, imf_verify).
	 * `verify` is not used.
	 */
	const struct imf_crypto *crypto;
	struct imf_chain_info info; /* from imf_manifest_chain() */
	uint8_t *work;              /* at least info.chunk_size bytes */
	uint32_t work_size;         /* bytes */

	void *ctx; /* of the callback; it returns 0 or stops the run */
	/*
	 * Authenticated content, in order, each chunk in one call; `at` is the offset in the content.
	 * The callback may change the bytes (decrypt them in place).
	 */
	int (*content)(void *ctx, uint32_t at, uint8_t *data, uint32_t len);
};

struct imf_chain {
	const struct imf_chain_config *cfg;
	struct imf_chain_point next; /* the chunk that is being collected */
	uint32_t have;               /* bytes of it */
	bool complete;
	int error;
};

/*
 * from  NULL: from the first chunk; else the bytes fed begin with chunk from->chunk, which lies at
 *       offset from->chunk * info.chunk_size of the stored bytes
 *
 * IMF_ERR_ARGUMENT, IMF_ERR_BUFFER (work area), IMF_ERR_NOT_FOUND (no such chunk in this payload).
 * `cfg` and what it points to must stay.
 */
int imf_chain_begin(struct imf_chain *c, const struct imf_chain_config *cfg,
	const struct imf_chain_point *from);

/*
 * The next stored bytes, any number. The first failure is final.
 * IMF_ERR_DIGEST, IMF_ERR_TRAILING (bytes behind the end), IMF_ERR_CRYPTO, IMF_ERR_CALLBACK.
 */
int imf_chain_feed(struct imf_chain *c, const uint8_t *data, uint32_t len);

/* 0 only if the last chunk came and matched. IMF_ERR_TRUNCATED, or the failure. */
int imf_chain_finish(const struct imf_chain *c);

/*
 * The point to go on from, once everything `content` got is safe. Inside `content` it is still the
 * chunk that is being handed out; false when the component is complete or has failed.
 */
bool imf_chain_point(const struct imf_chain *c, struct imf_chain_point *ret);

#endif
#endif
