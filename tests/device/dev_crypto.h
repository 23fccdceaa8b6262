/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dev_crypto.h - the callbacks of image_format/, filled with libraries that fit on a device
 *
 * SHA-256, AES, ECDH and ECDSA are BearSSL's, Ed25519 is that of signify. Compiled from Debian's
 * sources (scripts/device-crypto) for the host and for Thumb alike, so that what is tested is what
 * a device runs.
 */
#ifndef DEV_CRYPTO_H
#define DEV_CRYPTO_H

#include <bearssl.h>

#include <imf/imf.h>

enum dev_key_type { DEV_ED25519, DEV_P256 };

struct dev_key { /* what imf_key.key points to */
	enum dev_key_type type;
	const uint8_t *raw; /* 32 bytes, or x || y */
};

/* A hash; several may be in the middle of something. */
#define DEV_SEEN 4
struct dev_hash {
	br_sha256_context sha;
	unsigned calls_of_verify;
	/* A signature takes 50 ms in QEMU: answers are kept while the same file is fed again. */
	struct {
		const void *key;
		uint8_t msg[IMF_SIGN_MESSAGE_SIZE], signature[IMF_SIGNATURE_SIZE];
		int32_t answer;
	} seen[DEV_SEEN];
	unsigned n_seen;
};

/* Also forgets all answers. */
void dev_crypto(struct imf_crypto *c, struct dev_hash *h);

struct dev_aes {
	br_aes_small_ctr_keys keys;
};

void dev_aes(struct imf_aes *a, struct dev_aes *state);

/* A device's own key; `raw` is the private half, 32 bytes big endian. */
void dev_device_key(
	struct imf_device_key *k, const uint8_t id[IMF_KEY_ID_SIZE], const uint8_t *raw);

#endif
