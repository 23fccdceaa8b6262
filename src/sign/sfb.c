/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sfb.c - makes and checks images for ST's SBSFU
 *
 * FwTag is the SHA-256 of the plain program, or the tag of its AES-GCM. The header is signed with
 * ECDSA P-256 (r and s as they are), or authenticated as additional data of AES-GCM with the nonce
 * of the program and no text: so ST's loader does it (SE_CRYPTO_Authenticate_Metadata).
 */
#include <stmota/sfb.h>

#include <inttypes.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <stmota/bytes.h>
#include <stmota/digest.h>
#include <stmota/fs.h>

#define TAG_AT         20
#define SIGNED_UP_TO   192
#define STATE_SIZE     96
#define FINGERPRINT_AT 288
#define OFFSET_MIN     512
#define OFFSET_MAX     4096

static int crypto_failed(struct err *e)
{
	ERR_clear_error();
	return err_set(e, ERR_FAILED, "the crypto library could not encrypt or decrypt");
}

int sfb_load_key(const char *path, uint8_t ret[SFB_AES_KEY], struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT;
	int rc = fs_read(path, 65536, &b, e);

	if (rc == 0 && b.len != SFB_AES_KEY) {
		err_set(e, ERR_SIGNATURE, "%s has %zu bytes: an AES key of SBSFU has 16", path,
			b.len);
		rc = err_hint(e, "the file holds the bytes of the key as they are");
	}
	if (rc == 0)
		memcpy(ret, b.data, SFB_AES_KEY);
	if (b.data != NULL)
		OPENSSL_cleanse(b.data, b.cap);
	return rc;
}

/* ---- ciphers ---- */

/* Without padding; `len` is whole blocks. In place. */
static int cbc(bool encrypt, const uint8_t *key, const uint8_t *iv, uint8_t *data, size_t len,
	struct err *e)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0, last = 0;
	bool ok = ctx != NULL && len <= INT32_MAX &&
		  EVP_CipherInit_ex(ctx, EVP_aes_128_cbc(), NULL, key, iv, encrypt) == 1 &&
		  EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
		  EVP_CipherUpdate(ctx, data, &n, data, (int)len) == 1 &&
		  EVP_CipherFinal_ex(ctx, data + n, &last) == 1 && (size_t)(n + last) == len;

	EVP_CIPHER_CTX_free(ctx);
	return ok ? 0 : crypto_failed(e);
}

/* `aad` or `data` may be empty. Encrypts in place, or decrypts; the tag is given back either way. */
static int gcm(bool encrypt, const uint8_t *key, const uint8_t *nonce, const uint8_t *aad,
	size_t aad_len, uint8_t *data, size_t len, uint8_t tag[16], struct err *e)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t nothing[16];
	int n = 0, last = 0;
	bool ok = ctx != NULL && len <= INT32_MAX &&
		  EVP_CipherInit_ex(ctx, EVP_aes_128_gcm(), NULL, key, nonce, encrypt) == 1;

	if (ok && !encrypt)
		ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, 16, tag) == 1;
	if (ok && aad_len > 0)
		ok = EVP_CipherUpdate(ctx, NULL, &n, aad, (int)aad_len) == 1;
	if (ok && len > 0)
		ok = EVP_CipherUpdate(ctx, data, &n, data, (int)len) == 1;
	ok = ok && EVP_CipherFinal_ex(ctx, nothing, &last) == 1;
	if (ok && encrypt)
		ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, tag) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok ? 0 : crypto_failed(e);
}

/* ---- making ---- */

static int check_spec(const struct sfb_spec *s, struct err *e)
{
	bool ecdsa = s->scheme != SFB_AES_GCM, aes = s->scheme != SFB_ECDSA;

	if (s->slot < 1 || s->slot > SFB_SLOTS)
		return err_set(e, ERR_USAGE, "SBSFU has the images 1, 2 and 3");
	if (s->offset < OFFSET_MIN || s->offset > OFFSET_MAX ||
		(s->offset & (s->offset - 1)) != 0) {
		err_set(e, ERR_USAGE, "the program begins at 512, 1024, 2048 or 4096");
		return err_hint(e,
			"--header-size 512 on L0, L1, L4, F4, WB; 1024 on F7, H7; 2048 on "
			"G0 and with KMS; 4096 on G4: as the loader was built");
	}
	if (ecdsa != (s->key != NULL))
		return err_set(e, ERR_USAGE,
			ecdsa ? "this scheme is signed: give --key"
			      : "with aes-gcm nothing is signed: no --key");
	if (aes != (s->aes_key != NULL))
		return err_set(e, ERR_USAGE,
			aes ? "this scheme is encrypted: give --aes-key"
			    : "with ecdsa nothing is encrypted: no --aes-key");
	if (ecdsa && key_type(s->key) != KEY_P256)
		return err_set(e, ERR_USAGE, "SBSFU knows P-256 keys only");
	return 0;
}

static void put_fixed(uint8_t *h, const struct sfb_spec *s, uint32_t size)
{
	memset(h, 0, SFB_HEADER_SIZE);
	memcpy(h, "SFU", 3);
	h[3] = (uint8_t)('0' + s->slot);
	put_le16(h + 4, s->protocol);
	put_le16(h + 6, s->version);
	put_le32(h + 8, size);
	put_le32(h + 16, size);
	memset(h + SIGNED_UP_TO, 0xff, STATE_SIZE); /* new */
}

/* Tag, IV, and the body as it goes into the file. */
static int seal_body(const struct sfb_spec *s, uint8_t *h, uint8_t *body, size_t len, struct err *e)
{
	const struct sfb_layout *l = sfb_layout(s->scheme);
	uint8_t tag[SFB_TAG_MAX];
	int rc = 0;

	if (l->iv_size > 0 && RAND_bytes(h + l->iv, (int)l->iv_size) != 1)
		return err_set(e, ERR_FAILED, "the crypto library has no random numbers");
	if (s->scheme != SFB_AES_GCM)
		rc = sha256(body, len, tag, e);
	if (rc == 0 && s->scheme == SFB_ECDSA_AES_CBC)
		rc = cbc(true, s->aes_key, h + l->iv, body, len, e);
	if (rc == 0 && s->scheme == SFB_AES_GCM)
		rc = gcm(true, s->aes_key, h + l->iv, NULL, 0, body, len, tag, e);
	if (rc < 0)
		return rc;
	memcpy(h + TAG_AT, tag, l->tag_size);
	memcpy(h + TAG_AT + l->tag_size, tag, l->tag_size);
	return 0;
}

static int seal_header(const struct sfb_spec *s, uint8_t *h, struct err *e)
{
	const struct sfb_layout *l = sfb_layout(s->scheme);

	if (s->scheme == SFB_AES_GCM)
		return gcm(
			true, s->aes_key, h + l->iv, h, l->signature, NULL, 0, h + l->signature, e);
	return key_sign(s->key, h, l->signature, h + l->signature, e);
}

int sfb_build(const struct sfb_spec *s, const uint8_t *program, size_t len, struct buf *ret,
	struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT;
	size_t pad = s->scheme == SFB_ECDSA_AES_CBC ? (16 - len % 16) % 16 : 0;
	int rc = check_spec(s, e);

	if (rc < 0)
		return rc;
	if (len == 0 || len > INT32_MAX)
		return err_set(e, ERR_USAGE, "%zu bytes are no program", len);
	rc = buf_fill(&b, 0xff, s->offset, e);
	if (rc == 0)
		rc = buf_append(&b, program, len, e);
	if (rc == 0)
		rc = buf_fill(&b, s->erased, pad, e);
	if (rc < 0)
		return rc;
	put_fixed(b.data, s, (uint32_t)(len + pad));
	rc = seal_body(s, b.data, b.data + s->offset, len + pad, e);
	if (rc == 0)
		rc = seal_header(s, b.data, e);
	return rc < 0 ? rc : buf_append(ret, b.data, b.len, e);
}

/* ---- checking ---- */

static int not_whole(struct err *e)
{
	err_set(e, ERR_DAMAGED,
		"the program does not match its tag: it was changed or damaged, or "
		"the key is another");
	return err_hint(e, "get the image again from where it was made");
}

int sfb_plain(const uint8_t *data, const struct sfb_info *in, const uint8_t *aes_key,
	struct buf *ret, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT;
	uint8_t tag[SFB_TAG_MAX] = {0};
	int rc;

	if (in->is_partial)
		return err_set(e, ERR_UNSUPPORTED,
			"a part of a program (%" PRIu32 " of %" PRIu32
			" bytes): what its tags are of is not confirmed",
			in->partial_size, in->size);
	if (in->scheme != SFB_ECDSA && aes_key == NULL) {
		err_set(e, ERR_SIGNATURE,
			"the image is encrypted (%s): without the key nothing of "
			"its program can be checked",
			in->layout->name);
		return err_hint(
			e, "--decrypt-key KEY names the file with the 16 bytes of the AES key");
	}
	rc = buf_append(&b, data + in->offset, in->size, e);
	if (rc == 0 && in->scheme == SFB_AES_GCM) {
		memcpy(tag, in->tag, in->layout->tag_size);
		rc = gcm(false, aes_key, in->iv, NULL, 0, b.data, b.len, tag, NULL) < 0
			     ? not_whole(e)
			     : 0;
		return rc < 0 ? rc : buf_append(ret, b.data, b.len, e);
	}
	if (rc == 0 && in->scheme == SFB_ECDSA_AES_CBC)
		rc = cbc(false, aes_key, in->iv, b.data, b.len, e);
	if (rc == 0)
		rc = sha256(b.data, b.len, tag, e);
	if (rc < 0)
		return rc;
	if (memcmp(tag, in->tag, in->layout->tag_size) != 0)
		return not_whole(e);
	return buf_append(ret, b.data, b.len, e);
}

struct signed_header {
	const uint8_t *data;
	const struct sfb_info *info;
};

/* No field names the key. */
static enum trust_look look(void *ctx, const struct key *k)
{
	const struct signed_header *h = ctx;

	if (key_type(k) != KEY_P256)
		return TRUST_NO_SIGNATURE;
	return key_verify(k, h->data, h->info->layout->signature, h->info->signature)
		       ? TRUST_GOOD
		       : TRUST_NO_SIGNATURE;
}

static int check_header_tag(
	const uint8_t *data, const struct sfb_info *in, const uint8_t *aes_key, struct err *e)
{
	uint8_t tag[16];

	memcpy(tag, in->signature, sizeof(tag));
	if (gcm(false, aes_key, in->iv, data, in->layout->signature, NULL, 0, tag, NULL) == 0)
		return 0;
	return err_set(e, ERR_SIGNATURE,
		"the header was not made with this key, or it was changed or damaged");
}

int sfb_verify(const uint8_t *data, const struct sfb_info *in, const struct trust *trust,
	uint64_t now, const uint8_t *aes_key, struct trust_signer *ret_signers, size_t max,
	size_t *ret_n, struct err *e)
{
	struct signed_header h = {data, in};
	cleanup_buf struct buf plain = BUF_INIT;
	int rc = 0;

	*ret_n = 0;
	if (in->scheme == SFB_AES_GCM && aes_key != NULL)
		rc = check_header_tag(data, in, aes_key, e);
	if (rc == 0 && in->scheme != SFB_AES_GCM)
		rc = trust_judge_by(
			trust, TRUST_RELEASE, now, look, &h, 1, ret_signers, max, ret_n, e);
	return rc < 0 ? rc : sfb_plain(data, in, aes_key, &plain, e);
}
