/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_verify.h - a package is checked while it comes in
 *
 * Order: refusal header, manifest, signatures; only then the caller is asked for consent
 * (`accept`: the first moment at which something may be erased) and payload bytes are handed on.
 * Cryptography comes through callbacks, so that a device may use its hardware.
 */
#ifndef IMF_VERIFY_H
#define IMF_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include <imf/imf_config.h>
#include <imf/imf_manifest.h>

/* What `verify` returns for a good signature: no value that a glitch leaves behind by chance. */
#define IMF_SIGNATURE_GOOD 0x2D5A69C3

/*
 * One hash is computed at a time: init, any number of updates, final. All return 0, something
 * else if the hardware failed.
 */
struct imf_crypto {
	void *ctx;
	int (*sha256_init)(void *ctx);
	int (*sha256_update)(void *ctx, const uint8_t *data, uint32_t len);
	int (*sha256_final)(void *ctx, uint8_t ret[IMF_DIGEST_SIZE]);
	/*
	 * Checks a signature over `msg` with a key of the table. `key` is imf_key.key; it decides
	 * the algorithm. IMF_SIGNATURE_GOOD or anything else.
	 */
	int32_t (*verify)(void *ctx, const void *key, const uint8_t *msg, uint32_t len,
		const uint8_t signature[IMF_SIGNATURE_SIZE]);
};

/* A trusted key. The same id twice in a table counts once. */
struct imf_key {
	uint8_t id[IMF_KEY_ID_SIZE];
	const void *key; /* handed to `verify` */
};

/* What this device is and runs. */
struct imf_device {
	uint8_t product[IMF_UUID_SIZE];
	uint16_t hw_revision;
	uint16_t chip;        /* STM32 product ID */
	bool installed_known; /* false: nothing runs yet; a minimum version is not met */
	struct imf_version installed;
	uint32_t counter;     /* highest security counter seen, 0 if none */
	bool allow_downgrade; /* of the version; never of the counter */
	/* Component 0 must lie within; load_size 0: `accept` looks where it goes. */
	uint32_t load_addr, load_size;
	uint32_t decoder_ram; /* bytes */
};

/* 0, or the first reason why the header forbids this device to take the package. */
int imf_header_refuse(const struct imf_header *h, const struct imf_device *d);

/* What only the manifest can tell: 0, or IMF_ERR_ADDRESS where holes push component 0 out. */
int imf_manifest_refuse(const struct imf_manifest *m, const struct imf_device *d);

#ifndef IMF_NO_VERIFY

struct imf_verify_config {
	const struct imf_crypto *crypto;
	const struct imf_key *keys;
	uint32_t n_keys;
	uint32_t threshold;              /* different keys that must have signed, at least 1 */
	const struct imf_device *device; /* NULL: the header is checked for form only */
	uint8_t *work;                   /* for manifest and signatures of the package */
	/* Bytes; IMF_HEAD_MAX_DEVICE, plus IMF_WRAP_MAX with `wrap`, is enough for device packages. */
	uint32_t work_size;

	void *ctx; /* of the callbacks; each may be NULL, returns 0 or stops everything */
	/*
	 * A key wrap of an encrypted package, before `accept`: imf_unwrap() tells whether it is for
	 * this device. Not authenticated; needs `len` bytes of work behind manifest and signatures.
	 * NULL: wraps are passed over.
	 */
	int (*wrap)(void *ctx, const struct imf_manifest *m, const uint8_t *wrap, uint32_t len);
	/*
	 * Signatures are good, no payload byte has been handed on. Who has no key that opens the
	 * package says no here.
	 */
	int (*accept)(void *ctx, const struct imf_manifest *m);
	/*
	 * Stored bytes of a component, in order. They are NOT authenticated before `component`:
	 * stage them, never run or decode them.
	 */
	int (*payload)(
		void *ctx, uint32_t component, uint32_t offset, const uint8_t *data, uint32_t len);
	/* All bytes of the component came and their digest is the signed one. */
	int (*component)(void *ctx, uint32_t component);
};

struct imf_verify {
	const struct imf_verify_config *cfg;
	struct imf_manifest manifest;
	uint32_t phase;
	uint32_t have, need; /* bytes in cfg->work; bytes it must reach */
	uint32_t component, offset;
	uint32_t left; /* bytes of the component, or of the key wraps */
	uint32_t components_good;
	int error;
	volatile uint32_t decision, decision_inverse;
};

/* `cfg` and everything it points to must stay. IMF_ERR_ARGUMENT. */
int imf_verify_begin(struct imf_verify *v, const struct imf_verify_config *cfg);

/*
 * The next bytes of the package, any number. The first failure is final: further calls return it.
 * IMF_ERR_TRAILING for bytes behind the end.
 */
int imf_verify_feed(struct imf_verify *v, const uint8_t *data, uint32_t len);

/*
 * Bytes that the check wants next: as many belong to the package for certain. 0 when it is complete
 * or has failed. For packages that are read from a memory that goes on behind them.
 */
uint32_t imf_verify_wants(const struct imf_verify *v);

/* 0 only if the whole package came and everything in it was good. */
int imf_verify_finish(const struct imf_verify *v);

#endif
#endif
