/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest.h - SHA-256
 */
#ifndef STMOTA_DIGEST_H
#define STMOTA_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include <stmota/cleanup.h>
#include <stmota/err.h>

#define SHA256_SIZE 32

/* Digest of one buffer. ERR_FAILED if the crypto library fails. */
int sha256(const void *data, size_t len, uint8_t ret[SHA256_SIZE], struct err *e);

#define SHA2_MAX 64

/* SHA-256, 384 or 512 (`bits`), for files of other makers; bits / 8 bytes. ERR_FAILED. */
int sha2(unsigned bits, const void *data, size_t len, uint8_t ret[SHA2_MAX], struct err *e);

/* 64 hexadecimal digits. ERR_USAGE. */
int sha256_parse(const char *text, uint8_t ret[SHA256_SIZE], struct err *e);

/* Digest of bytes that come in pieces. */
struct digest {
	void *state; /* owned; NULL: not begun */
};

#define DIGEST_INIT ((struct digest){0})

/* Begins anew, whatever was there before. */
int digest_begin(struct digest *d, struct err *e);
int digest_feed(struct digest *d, const void *data, size_t len, struct err *e);
int digest_end(struct digest *d, uint8_t ret[SHA256_SIZE], struct err *e);
void digest_done(struct digest *d);

#define cleanup_digest CLEANUP(digest_done)

#endif
