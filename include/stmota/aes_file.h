/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aes_file.h - firmware as nothing but AES-CTR, the form that updaters without a package format take
 *
 * X-CUBE-DBFU of AN4767 in its encrypted builds is one of them: key and IV are constants of the
 * device, the file is the image under that key stream, byte for byte. Nothing in it tells a right
 * file from a wrong one; who has the choice takes a package.
 *
 * Salted, the file begins with 16 bytes of its own, and the counter starts at IV xor these: with one
 * key and IV for years, no two files are under the same key stream. The last 4 bytes of a salt made
 * here are 0, so that the counter itself starts where the IV says.
 */
#ifndef STMOTA_AES_FILE_H
#define STMOTA_AES_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/buf.h>
#include <stmota/cleanup.h>
#include <stmota/err.h>

#define AES_FILE_IV  16
#define AES_FILE_KEY 32 /* at most */

struct aes_file { /* how the files of one kind of device are made */
	uint8_t key[AES_FILE_KEY];
	size_t key_len; /* 16 or 32 */
	uint8_t iv[AES_FILE_IV];
	bool salted;
};

#define AES_FILE_INIT ((struct aes_file){0})

/* 16 or 32 bytes, raw or as hexadecimal text, into key and key_len. ERR_IO, ERR_SIGNATURE. */
int aes_file_load_key(const char *path, struct aes_file *a, struct err *e);

/* 32 hexadecimal digits, as `openssl enc -iv` takes them. ERR_USAGE. */
int aes_file_parse_iv(const char *text, uint8_t ret[AES_FILE_IV], struct err *e);

/*
 * Appends the file of an image.
 *
 * ERR_USAGE: the last 4 bytes of the IV would run over inside the file. The AES unit of an STM32
 * counts in these 32 bits only, a computer in all 128. ERR_FAILED, ERR_NOMEM.
 */
int aes_file_seal(
	const struct aes_file *a, const uint8_t *image, size_t len, struct buf *ret, struct err *e);

/*
 * Appends the image of a file. A wrong key, IV or file is not noticed: what comes out is rubbish then.
 * ERR_FORMAT (too short), and as aes_file_seal().
 */
int aes_file_open(
	const struct aes_file *a, const uint8_t *file, size_t len, struct buf *ret, struct err *e);

/* What such a file does not do, for a warning where one is made. */
const char *aes_file_lacks(const struct aes_file *a);

/* Forgets the key. */
void aes_file_done(struct aes_file *a);
#define cleanup_aes_file CLEANUP(aes_file_done)

#endif
