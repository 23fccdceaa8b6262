/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_host.h - the freestanding checker as a device would use it, with host cryptography
 */
#ifndef STMOTA_TESTS_IMF_HOST_H
#define STMOTA_TESTS_IMF_HOST_H

#include <imf/imf.h>
#include <stmota/buf.h>
#include <stmota/key.h>

/* A device of acme.com/streetlight, hardware 3, chip 0x413, running 1.2.0, counter 5. */
extern const struct imf_device imf_host_device;

struct imf_host { /* one check; everything that verify points to */
	struct digest digest;
	struct imf_crypto crypto;
	struct imf_key keys[4];
	struct imf_verify_config cfg;
	struct imf_verify v;
	uint8_t work[IMF_HEAD_MAX];

	/* What the callbacks saw. */
	unsigned accepted, components;
	unsigned calls_of_verify;
	struct buf payload;
};

/* Prepares a check with `n` trusted keys, threshold 1, device imf_host_device, 1,024 bytes. */
void imf_host_init(struct imf_host *h, struct key *const *keys, size_t n);
void imf_host_done(struct imf_host *h);

/* Feeds the whole package in pieces of `chunk` bytes; enum imf_error. Can be called again. */
int imf_host_check(struct imf_host *h, const uint8_t *data, size_t len, size_t chunk);

/* "ok", "format", "sig..": the word that vectors.txt uses. */
const char *imf_host_word(int error);

/* Path of a file in image_format/vectors/; static. Needs STMOTA_VECTORS. */
const char *imf_host_vector(const char *name, const char *suffix);

#endif
