/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aes_file.c - firmware as nothing but AES-CTR
 *
 * Checked against ST's sources of X-CUBE-DBFU for STM32G474/G484, version 2.0.0 (main.c, ymodem.c):
 * CRYP_AES_CTR with 8-bit data, key and IV as big-endian words, which is what `openssl enc
 * -aes-128-ctr` and the tool named in its readme (Crypto++, `cryptest ae`) compute.
 */
#include <stmota/aes_file.h>

#include <inttypes.h>
#include <string.h>

#include <stmota/bytes.h>
#include <stmota/secret.h>
#include <stmota/strparse.h>

#define BLOCK      16
#define COUNTER_AT 12 /* in the IV: the 32 bits that an STM32 counts */

void aes_file_done(struct aes_file *a)
{
	secret_wipe(a, sizeof(*a));
}

int aes_file_load_key(const char *path, struct aes_file *a, struct err *e)
{
	cleanup_secret struct secret s = SECRET_INIT;
	int rc = secret_load_product(path, &s, e);

	if (rc < 0)
		return rc;
	memcpy(a->key, s.product, s.product_len);
	a->key_len = s.product_len;
	return 0;
}

int aes_file_parse_iv(const char *text, uint8_t ret[AES_FILE_IV], struct err *e)
{
	if (parse_hex(text, strlen(text), ret, AES_FILE_IV))
		return 0;
	err_set(e, ERR_USAGE, "'%.40s' is no initial counter block", text);
	return err_hint(
		e, "it is 16 bytes as 32 hexadecimal digits, as 'openssl enc -iv' has them");
}

/* The first counter block. */
static int start_of(const struct aes_file *a, const uint8_t *salt, size_t len, uint8_t ret[BLOCK],
	struct err *e)
{
	uint64_t blocks = ((uint64_t)len + BLOCK - 1) / BLOCK;

	memcpy(ret, a->iv, BLOCK);
	for (size_t i = 0; salt != NULL && i < BLOCK; i++)
		ret[i] ^= salt[i];
	if (get_be32(ret + COUNTER_AT) + blocks <= (uint64_t)1 << 32)
		return 0;
	err_set(e, ERR_USAGE, "the counter 0x%08" PRIX32 " of the IV would run over in %zu bytes",
		get_be32(ret + COUNTER_AT), len);
	return err_hint(e,
		"an STM32 counts in the last 4 bytes of the IV only: take an IV in which "
		"they are smaller");
}

/* In place behind what was already in `ret`; that is cut off again after a failure. */
static int run(const struct aes_file *a, const uint8_t *salt, const uint8_t *data, size_t len,
	struct buf *ret, struct err *e)
{
	uint8_t counter[BLOCK];
	size_t before = ret->len;
	int rc = start_of(a, salt, len, counter, e);

	if (rc == 0)
		rc = buf_append(ret, data, len, e);
	if (rc == 0)
		rc = secret_ctr(a->key, a->key_len, counter, ret->data + before, len, e);
	if (rc < 0)
		ret->len = before;
	return rc;
}

int aes_file_seal(
	const struct aes_file *a, const uint8_t *image, size_t len, struct buf *ret, struct err *e)
{
	uint8_t salt[BLOCK] = {0};
	size_t before = ret->len;
	int rc = 0;

	if (!a->salted)
		return run(a, NULL, image, len, ret, e);
	rc = secret_random(salt, COUNTER_AT, e);
	if (rc == 0)
		rc = buf_append(ret, salt, BLOCK, e);
	if (rc == 0)
		rc = run(a, salt, image, len, ret, e);
	if (rc < 0)
		ret->len = before;
	return rc;
}

int aes_file_open(
	const struct aes_file *a, const uint8_t *file, size_t len, struct buf *ret, struct err *e)
{
	size_t head = a->salted ? BLOCK : 0;

	if (len <= head)
		return err_set(e, ERR_FORMAT, "%zu bytes are too few for %s", len,
			a->salted ? "a salt and an image" : "an image");
	return run(a, a->salted ? file : NULL, file + head, len - head, ret, e);
}

const char *aes_file_lacks(const struct aes_file *a)
{
	return a->salted
		       ? "nothing in this file protects the program: no signature, no checksum, no "
			 "version; who changes a bit of it changes that bit of the program"
		       : "nothing in this file protects the program: no signature, no checksum, no "
			 "version; who changes a bit of it changes that bit of the program, and "
			 "who has two files of this key and IV sees where their programs differ";
}
