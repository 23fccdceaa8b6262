/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_receive.h - a package goes in as it comes, plain components come out
 *
 * The whole of what a device does, over imf_verify, imf_chain, imf_decrypt and imf_patch, in the one
 * order that is safe: header, manifest, signatures, keys, bases; then, and only then, the port may
 * erase. A chained component is authenticated chunk by chunk and decoded at once; any other one is
 * staged, checked as a whole, and decoded from there. What was written is read back and must have the
 * signed plain digest before the port is told that the component is there.
 *
 * A transfer that was cut begins again from the first byte; `start` then finds what was begun.
 */
#ifndef IMF_RECEIVE_H
#define IMF_RECEIVE_H

#include <stdbool.h>
#include <stdint.h>

#include <imf/imf_chain.h>
#include <imf/imf_config.h>
#include <imf/imf_decrypt.h>
#include <imf/imf_manifest.h>
#include <imf/imf_patch.h>
#include <imf/imf_verify.h>

#if !defined(IMF_NO_RECEIVE) && !defined(IMF_NO_VERIFY)

/* `stage` and `write` get this many bytes at multiples of it, but for the last of a component. */
#define IMF_RECEIVE_LINE 64u

/* What the port wants to be done with a component. */
enum imf_take {
	IMF_SKIP = 0, /* pass over it; it must be whole nevertheless */
	IMF_TAKE = 1, /* undo its encodings, hand plain bytes to `write` */
	/*
	 * A component without encodings: `stage` puts it right where it stays, in a slot that does not
	 * run. Not authentic before `end`: an update that is cut leaves anything there.
	 */
	IMF_TAKE_SLOT = 2,
	/* Stage it, check its stored bytes, no more: the caller decodes it itself (in-place deltas). */
	IMF_TAKE_STORED = 3
};

/*
 * What the device's maker writes. `i` is the number of a component. All return 0, something else to
 * stop; `choose` returns an enum imf_take or something negative. Those that are never needed may be
 * NULL: `stage` and `staged` if all components are chained, `base` without deltas.
 */
struct imf_port {
	void *ctx;
	/* Once for each component, after the signatures were good. Nothing may be erased yet. */
	int (*choose)(
		void *ctx, const struct imf_manifest *m, uint32_t i, const struct imf_component *c);
	/* All is well so far, and what was chosen can be done: the first moment to erase. */
	int (*start)(void *ctx, const struct imf_manifest *m);
	/* Stored bytes that nobody has authenticated yet; keep them apart from what runs. */
	int (*stage)(void *ctx, uint32_t i, uint32_t at, const uint8_t *data, uint32_t len);
	int (*staged)(void *ctx, uint32_t i, uint32_t at, uint8_t *ret, uint32_t len);
	/* Bytes of the image that a delta was made from. */
	int (*base)(void *ctx, uint32_t i, uint32_t at, uint8_t *ret, uint32_t len);
	/* Plain, authenticated bytes, in order. imf_manifest_place() tells where they go. */
	int (*write)(void *ctx, uint32_t i, uint32_t at, const uint8_t *data, uint32_t len);
	/* Reads back what `write`, or `stage` of IMF_TAKE_SLOT, put there. */
	int (*read)(void *ctx, uint32_t i, uint32_t at, uint8_t *ret, uint32_t len);
	/* The component is there and good. */
	int (*end)(void *ctx, uint32_t i, const struct imf_component *c);
};

struct imf_receive_config {
	/* Signatures and stored bytes; a second hash at the same time for what comes out of it. */
	const struct imf_crypto *crypto, *plain;
	const struct imf_key *keys;
	uint32_t n_keys, threshold;
	const struct imf_device *device; /* NULL: `choose` must look at all of it */
	uint8_t *work;                   /* for manifest, signatures and a key wrap */
	uint32_t work_size;              /* bytes: IMF_HEAD_MAX_DEVICE + IMF_WRAP_MAX is enough */
	const struct imf_port *port;

#ifndef IMF_NO_CHAIN
	/* NULL: chained components are refused. A third hash, and a buffer for a chunk. */
	const struct imf_crypto *chunk_hash;
	uint8_t *chunk;
	uint32_t chunk_size; /* bytes: IMF_CHUNK_MAX takes any */
#endif
#ifndef IMF_NO_DECRYPT
	/* NULL: encrypted components are refused. */
	const struct imf_aes *aes;
	const uint8_t *product_key; /* NULL: none */
	uint32_t product_key_len;   /* 16 or 32 bytes */
#ifndef IMF_NO_UNWRAP
	const struct imf_device_key *device_key; /* NULL: none */
#endif
#endif
#ifndef IMF_NO_PATCH
	/* NULL: deltas and compressed components are refused. device->decoder_ram should say what is here. */
	struct imf_patch *patch;
	uint32_t *patch_work;
	uint32_t patch_work_size; /* bytes: IMF_PATCH_WORK(ram) */
#endif
};

struct imf_receive {
	const struct imf_receive_config *cfg;
	struct imf_verify_config verify_cfg;
	struct imf_verify verify;
	uint8_t take[IMF_COMPONENTS_MAX]; /* enum imf_take */
	struct imf_component now;         /* the component that comes in */
	uint32_t index;                   /* its number */
	uint32_t made;                    /* bytes of it: staged, later written */
	uint32_t n_line;
	uint8_t line[IMF_RECEIVE_LINE];
	int error; /* of the callbacks inside; imf_verify only knows that one failed */
#ifndef IMF_NO_CHAIN
	struct imf_chain_config chain_cfg;
	struct imf_chain chain;
#endif
#ifndef IMF_NO_DECRYPT
	struct imf_decrypt decrypt;
	uint8_t key[IMF_KEY_MAX];
	uint32_t key_len; /* 0: none */
#endif
#ifndef IMF_NO_PATCH
	struct imf_patch_config patch_cfg;
#endif
};

/* `cfg` and everything it points to must stay. IMF_ERR_ARGUMENT. */
int imf_receive_begin(struct imf_receive *r, const struct imf_receive_config *cfg);

/*
 * The next bytes of the package, any number. The first failure is final.
 * As imf_verify_feed(), and before `start`: IMF_ERR_KEY (no key opens it), IMF_ERR_BASE (a delta for
 * another image), IMF_ERR_BUFFER, IMF_ERR_RAM, IMF_ERR_ENCODING (what the port chose cannot be done
 * with what the configuration has); later IMF_ERR_DIGEST, IMF_ERR_PATCH, IMF_ERR_CALLBACK.
 */
int imf_receive_feed(struct imf_receive *r, const uint8_t *data, uint32_t len);

/* As imf_verify_wants(): bytes that belong to the package for certain. */
uint32_t imf_receive_wants(const struct imf_receive *r);

/* 0 only if all of it came, was good and is where it belongs: the moment to switch over. */
int imf_receive_finish(struct imf_receive *r);

#endif
#endif
