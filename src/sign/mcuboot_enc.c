/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mcuboot_enc.c - the key of an encrypted MCUboot image, wrapped for a device and opened again
 *
 * ECIES with P-256 or X25519: an ephemeral key, HKDF over the shared secret, then AES-CTR of the
 * body key and an HMAC over what comes out. The entry holds public key, HMAC, wrapped key.
 */
#include "mcuboot_priv.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>

#include <stmota/bytes.h>
#include <stmota/secret.h>

#include "key_priv.h"

#define INFO "MCUBoot_ECIES_v1"

#define TLV_ENC_RSA2048       0x30
#define TLV_ENC_KW            0x31
#define TLV_ENC_EC256         0x32
#define TLV_ENC_X25519        0x33
#define TLV_ENC_X25519_SHA512 0x34

#define PUBLIC_MAX 65
#define MAC_MAX    64

enum enc_type { ENC_X25519, ENC_EC256, ENC_RSA2048 };

struct mcuboot_enc_key {
	EVP_PKEY *pkey; /* owned */
	enum enc_type type;
};

static const struct entry_kind {
	uint16_t tlv;
	enum enc_type type;
	size_t public_len, mac_len; /* RSA: none */
	const char *name;
} kinds[] = {
	{TLV_ENC_X25519, ENC_X25519, 32, 32, "X25519"},
	{TLV_ENC_X25519_SHA512, ENC_X25519, 32, 64, "X25519"},
	{TLV_ENC_EC256, ENC_EC256, 65, 32, "P-256"},
	{TLV_ENC_RSA2048, ENC_RSA2048, 0, 0, "RSA-2048"},
};

/* ---- keys ---- */

static bool type_of(EVP_PKEY *pkey, enum enc_type *ret)
{
	char group[64] = "";

	if (EVP_PKEY_is_a(pkey, "X25519"))
		*ret = ENC_X25519;
	else if (EVP_PKEY_is_a(pkey, "RSA") && EVP_PKEY_get_bits(pkey) == 2048)
		*ret = ENC_RSA2048;
	else if (EVP_PKEY_is_a(pkey, "EC") &&
		 EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) == 1 &&
		 OBJ_sn2nid(group) == NID_X9_62_prime256v1)
		*ret = ENC_EC256;
	else
		return false;
	return true;
}

/* Takes `pkey` over. */
static int take(EVP_PKEY *pkey, const char *path, struct mcuboot_enc_key **ret, struct err *e)
{
	struct mcuboot_enc_key *k = calloc(1, sizeof(*k));
	enum enc_type type;

	if (k == NULL) {
		EVP_PKEY_free(pkey);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	k->pkey = pkey;
	if (!type_of(pkey, &type)) {
		const char *name = EVP_PKEY_get0_type_name(pkey);

		err_set(e, ERR_SIGNATURE, "%s: images are not encrypted for keys of type %s", path,
			name != NULL ? name : "unknown");
		mcuboot_enc_free(k);
		return err_hint(e, "keys for that are X25519 and P-256; 'openssl genpkey "
				   "-algorithm X25519' makes one");
	}
	k->type = type;
	*ret = k;
	return 0;
}

int mcuboot_enc_public(const char *path, struct mcuboot_enc_key **ret, struct err *e)
{
	EVP_PKEY *pkey = NULL;
	int rc = pem_public(path, &pkey, e);

	if (rc == 0)
		rc = take(pkey, path, ret, e);
	if (rc < 0 || (*ret)->type != ENC_RSA2048)
		return rc;
	mcuboot_enc_free(*ret);
	*ret = NULL;
	err_set(e, ERR_UNSUPPORTED, "%s: images are not encrypted for RSA keys", path);
	return err_hint(e, "take an X25519 or P-256 key; images for RSA keys are only read");
}

int mcuboot_enc_private(const char *path, const struct key_unlock *unlock,
	struct mcuboot_enc_key **ret, struct err *e)
{
	EVP_PKEY *pkey = NULL;
	int rc;

	if (strncmp(path, "pkcs11:", 7) == 0)
		return err_set(e, ERR_UNSUPPORTED, "decryption with a key in a token is not built");
	rc = pem_private(path, unlock, "decrypt", &pkey, e);
	return rc < 0 ? rc : take(pkey, path, ret, e);
}

void mcuboot_enc_free(struct mcuboot_enc_key *k)
{
	if (k == NULL)
		return;
	EVP_PKEY_free(k->pkey);
	free(k);
}

/* ---- the pieces ---- */

static int failed(struct err *e)
{
	ERR_clear_error();
	return err_set(e, ERR_SIGNATURE, "the crypto library could not encrypt or decrypt");
}

int mcuboot_ctr(const uint8_t *aes_key, size_t key_len, uint8_t *data, size_t len, struct err *e)
{
	static const uint8_t zero[16];

	return secret_ctr(aes_key, key_len, zero, data, len, e);
}

/* Key for AES-CTR, then key for HMAC. */
static bool derive(EVP_PKEY *own, EVP_PKEY *peer, const struct entry_kind *kind, size_t key_len,
	uint8_t ret[MCUBOOT_AES_MAX + MAC_MAX])
{
	uint8_t secret[32];
	bool ok = secret_multiply(own, peer, secret, NULL) == 0 &&
		  secret_hkdf(8 * (unsigned)kind->mac_len, NULL, 0, secret, sizeof(secret), INFO,
			  strlen(INFO), ret, key_len + kind->mac_len, NULL) == 0;

	secret_wipe(secret, sizeof(secret));
	return ok;
}

static bool mac_of(const struct entry_kind *kind, const uint8_t *mac_key, const uint8_t *data,
	size_t len, uint8_t ret[MAC_MAX])
{
	return secret_hmac(8 * (unsigned)kind->mac_len, mac_key, kind->mac_len, data, len, ret,
		       NULL) == 0;
}

static EVP_PKEY *peer_of(EVP_PKEY *like, const uint8_t *public, size_t len)
{
	EVP_PKEY *pkey = EVP_PKEY_new();

	if (pkey == NULL || EVP_PKEY_copy_parameters(pkey, like) != 1 ||
		EVP_PKEY_set1_encoded_public_key(pkey, public, len) != 1) {
		EVP_PKEY_free(pkey);
		return NULL;
	}
	return pkey;
}

/* ---- wrapping ---- */

static const struct entry_kind *kind_for(enum enc_type type, bool sha512)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].type == type && (kinds[i].mac_len == 64) == sha512)
			return &kinds[i];
	return NULL;
}

static size_t public_of(EVP_PKEY *pkey, const struct entry_kind *kind, uint8_t ret[PUBLIC_MAX])
{
	unsigned char *encoded = NULL;
	size_t len = EVP_PKEY_get1_encoded_public_key(pkey, &encoded);

	if (len == kind->public_len)
		memcpy(ret, encoded, len);
	OPENSSL_free(encoded);
	return len == kind->public_len ? len : 0;
}

int mcuboot_wrap(const struct mcuboot_enc_key *k, bool sha512, const uint8_t *aes_key,
	size_t key_len, uint16_t *ret_type, uint8_t ret[MCUBOOT_ENC_MAX], size_t *ret_len,
	struct err *e)
{
	const struct entry_kind *kind = kind_for(k->type, sha512);
	uint8_t derived[MCUBOOT_AES_MAX + MAC_MAX], *wrapped;
	EVP_PKEY *own;
	bool ok;

	if (kind == NULL || kind->public_len == 0)
		return err_set(e, ERR_USAGE, "SHA-512 in the key exchange is for X25519 keys");
	own = k->type == ENC_X25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "X25519")
				    : EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	wrapped = ret + kind->public_len + kind->mac_len;
	memcpy(wrapped, aes_key, key_len);
	ok = own != NULL && public_of(own, kind, ret) > 0 &&
	     derive(own, k->pkey, kind, key_len, derived) &&
	     mcuboot_ctr(derived, key_len, wrapped, key_len, NULL) == 0 &&
	     mac_of(kind, derived + key_len, wrapped, key_len, ret + kind->public_len);
	EVP_PKEY_free(own);
	OPENSSL_cleanse(derived, sizeof(derived));
	if (!ok)
		return failed(e);
	*ret_type = kind->tlv;
	*ret_len = kind->public_len + kind->mac_len + key_len;
	return 0;
}

/* ---- opening ---- */

static int open_rsa(const struct mcuboot_enc_key *k, const struct mcuboot_tlv *entry,
	size_t key_len, uint8_t ret[MCUBOOT_AES_MAX])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(k->pkey, NULL);
	uint8_t plain[256];
	size_t len = sizeof(plain);
	bool ok = ctx != NULL && EVP_PKEY_decrypt_init(ctx) == 1 &&
		  EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
		  EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) == 1 &&
		  EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1 &&
		  EVP_PKEY_decrypt(ctx, plain, &len, entry->data, entry->len) == 1 &&
		  len == key_len;

	if (ok)
		memcpy(ret, plain, key_len);
	EVP_PKEY_CTX_free(ctx);
	OPENSSL_cleanse(plain, sizeof(plain));
	return ok;
}

static bool open_ecies(const struct mcuboot_enc_key *k, const struct entry_kind *kind,
	const struct mcuboot_tlv *entry, size_t key_len, uint8_t ret[MCUBOOT_AES_MAX])
{
	uint8_t derived[MCUBOOT_AES_MAX + MAC_MAX], mac[MAC_MAX];
	const uint8_t *theirs = entry->data + kind->public_len;
	const uint8_t *wrapped = theirs + kind->mac_len;
	EVP_PKEY *peer = peer_of(k->pkey, entry->data, kind->public_len);
	bool ok = peer != NULL && derive(k->pkey, peer, kind, key_len, derived) &&
		  mac_of(kind, derived + key_len, wrapped, key_len, mac) &&
		  CRYPTO_memcmp(mac, theirs, kind->mac_len) == 0;

	if (ok) {
		memcpy(ret, wrapped, key_len);
		ok = mcuboot_ctr(derived, key_len, ret, key_len, NULL) == 0;
	}
	EVP_PKEY_free(peer);
	OPENSSL_cleanse(derived, sizeof(derived));
	return ok;
}

int mcuboot_unwrap(const struct mcuboot_enc_key *k, const struct mcuboot_tlv *entry, size_t key_len,
	uint8_t ret[MCUBOOT_AES_MAX], struct err *e)
{
	const struct entry_kind *kind = NULL;
	bool ok;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].tlv == entry->type)
			kind = &kinds[i];
	if (kind == NULL)
		return err_set(e, ERR_UNSUPPORTED,
			"the image key is wrapped with a shared key (%s): opening it is not built",
			entry->name != NULL ? entry->name : "unknown");
	if (kind->type != k->type)
		return err_set(e, ERR_SIGNATURE,
			"the image is encrypted for a key of type %s, this is another", kind->name);
	if (kind->public_len > 0 && entry->len != kind->public_len + kind->mac_len + key_len)
		return err_set(e, ERR_FORMAT, "%s has %u bytes, its key of %zu bits needs %zu",
			entry->name, entry->len, 8 * key_len,
			kind->public_len + kind->mac_len + key_len);
	ok = kind->public_len > 0 ? open_ecies(k, kind, entry, key_len, ret)
				  : open_rsa(k, entry, key_len, ret);
	ERR_clear_error();
	return ok ? 0
		  : err_set(e, ERR_SIGNATURE,
			    "the key does not open the image: it was encrypted for another one, "
			    "or damaged");
}
