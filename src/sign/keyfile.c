/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyfile.c - keys between PEM files and the crypto library
 *
 * Only Ed25519 and ECDSA P-256 are let in where packages are signed or believed, whatever else a
 * file may hold, and a P-256 key is
 * identified by its uncompressed point on the named curve: two spellings of one key stay one key.
 */
#include <stmota/key.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include <stmota/bytes.h>
#include <stmota/fs.h>

#include "key_priv.h"
#include "passphrase.h"
#include "token.h"

#define PEM_FILE_MAX 65536

static const uint8_t spki_ed25519[] = {
	0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00};
static const uint8_t spki_p256[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE,
	0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42,
	0x00, 0x04};

/* A SubjectPublicKeyInfo is a fixed prefix and the raw public key; not of the types that only other
 * projects' images are signed with. */
static const struct {
	const char *name;
	size_t raw_len;
	const uint8_t *spki;
	size_t spki_len;
} types[] = {
	[KEY_ED25519] = {"ed25519", 32, spki_ed25519, sizeof(spki_ed25519)},
	[KEY_P256] = {"p256", 64, spki_p256, sizeof(spki_p256)},
	[KEY_P384] = {"p384", 0, NULL, 0},
	[KEY_RSA2048] = {"rsa2048", 0, NULL, 0},
	[KEY_RSA3072] = {"rsa3072", 0, NULL, 0},
};

const char *key_type_name(enum key_type type)
{
	return types[type].name;
}

int key_type_parse(const char *text, enum key_type *ret, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (types[i].spki != NULL && strcmp(text, types[i].name) == 0) {
			*ret = (enum key_type)i;
			return 0;
		}
	}
	err_set(e, ERR_USAGE, "'%s' is no key type", text);
	return err_hint(e, "key types are ed25519 and p256");
}

int crypto_failed(struct err *e, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	err_set(e, ERR_SIGNATURE, "%s%s%s", what, reason != NULL ? ": " : "",
		reason != NULL ? reason : "");
	ERR_clear_error();
	return ERR_SIGNATURE;
}

/* ---- from the library's key to ours ---- */

static int other_algorithm(const char *name, EVP_PKEY *pkey, struct err *e)
{
	const char *type = EVP_PKEY_get0_type_name(pkey);
	char group[64] = "";

	EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL);
	err_set(e, ERR_SIGNATURE, "%s is a key of type %s%s%s", name,
		type != NULL ? type : "unknown", group[0] != '\0' ? " " : "", group);
	return err_hint(
		e, "only ed25519 and p256 keys can sign packages; 'stmota keygen' makes one");
}

static bool is_foreign(EVP_PKEY *pkey, enum key_type *ret)
{
	char group[64] = "";

	if (EVP_PKEY_is_a(pkey, "RSA") && EVP_PKEY_get_bits(pkey) == 2048)
		*ret = KEY_RSA2048;
	else if (EVP_PKEY_is_a(pkey, "RSA") && EVP_PKEY_get_bits(pkey) == 3072)
		*ret = KEY_RSA3072;
	else if (EVP_PKEY_is_a(pkey, "EC") &&
		 EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) == 1 &&
		 OBJ_sn2nid(group) == NID_secp384r1)
		*ret = KEY_P384;
	else
		return false;
	return true;
}

static int describe_foreign(struct key *k, const char *name, struct err *e)
{
	uint8_t *der = NULL;
	int len = i2d_PUBKEY(k->pkey, &der), rc;

	if (len <= 0)
		return crypto_failed(e, name);
	rc = sha256(der, (size_t)len, k->fingerprint, e);
	OPENSSL_free(der);
	return rc;
}

static int describe(struct key *k, const char *name, bool any, struct err *e)
{
	uint8_t spki[sizeof(spki_p256) + KEY_RAW_MAX], point[1 + KEY_RAW_MAX];
	char group[64] = "";
	size_t len = 0;

	if (EVP_PKEY_is_a(k->pkey, "ED25519")) {
		k->type = KEY_ED25519;
		k->raw_len = sizeof(k->raw);
		if (EVP_PKEY_get_raw_public_key(k->pkey, k->raw, &k->raw_len) != 1)
			return crypto_failed(e, name);
	} else if (EVP_PKEY_is_a(k->pkey, "EC") &&
		   EVP_PKEY_get_group_name(k->pkey, group, sizeof(group), NULL) == 1 &&
		   OBJ_sn2nid(group) == NID_X9_62_prime256v1) {
		k->type = KEY_P256;
		k->raw_len = 64;
		if (EVP_PKEY_set_utf8_string_param(k->pkey,
			    OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "uncompressed") != 1 ||
			EVP_PKEY_get_octet_string_param(k->pkey, OSSL_PKEY_PARAM_PUB_KEY, point,
				sizeof(point), &len) != 1 ||
			len != sizeof(point) || point[0] != 4)
			return crypto_failed(e, name);
		memcpy(k->raw, point + 1, k->raw_len);
	} else if (any && is_foreign(k->pkey, &k->type)) {
		return describe_foreign(k, name, e);
	} else {
		return other_algorithm(name, k->pkey, e);
	}
	if (k->raw_len != types[k->type].raw_len)
		return crypto_failed(e, name);
	memcpy(spki, types[k->type].spki, types[k->type].spki_len);
	memcpy(spki + types[k->type].spki_len, k->raw, k->raw_len);
	return sha256(spki, types[k->type].spki_len + k->raw_len, k->fingerprint, e);
}

/* Takes `pkey` over, also on failure. */
static int wrap_any(EVP_PKEY *pkey, bool is_private, bool any, const char *name, struct key **ret,
	struct err *e)
{
	struct key *k = calloc(1, sizeof(*k));
	int rc;

	if (k == NULL) {
		EVP_PKEY_free(pkey);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	k->pkey = pkey;
	k->is_private = is_private;
	rc = describe(k, name, any, e);
	if (rc < 0) {
		key_free(k);
		return rc;
	}
	*ret = k;
	return 0;
}

static int wrap(EVP_PKEY *pkey, bool is_private, const char *name, struct key **ret, struct err *e)
{
	return wrap_any(pkey, is_private, false, name, ret, e);
}

void key_free(struct key *k)
{
	if (k == NULL)
		return;
	token_free(k->token);
	EVP_PKEY_free(k->pkey);
	free(k);
}

/* ---- making and reading ---- */

int key_generate(enum key_type type, struct key **ret, struct err *e)
{
	EVP_PKEY *pkey = type == KEY_ED25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
					     : EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");

	if (pkey == NULL)
		return crypto_failed(e, "cannot make a key");
	return wrap(pkey, true, "the new key", ret, e);
}

/* Gives no passphrase, but remembers that one was wanted. Without it the library would ask on the
 * terminal, also for a file that should hold a public key. */
static int no_passphrase(char *buf, int size, int rwflag, void *asked)
{
	*(bool *)asked = true;
	return -1;
}

static BIO *memory_bio(const void *data, size_t len)
{
	return len <= PEM_FILE_MAX ? BIO_new_mem_buf(data, (int)len) : NULL;
}

static bool holds_private_key(const void *pem, size_t len)
{
	BIO *bio = memory_bio(pem, len);
	bool asked = false;
	EVP_PKEY *pkey =
		bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &asked) : NULL;

	BIO_free(bio);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return pkey != NULL || asked;
}

static bool holds_public_key(const void *pem, size_t len)
{
	bool asked = false;
	BIO *bio = memory_bio(pem, len);
	EVP_PKEY *pkey = bio != NULL ? PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, &asked) : NULL;

	BIO_free(bio);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return pkey != NULL;
}

struct asked { /* what the library's call for a passphrase leads to */
	const char *name;
	const struct key_unlock *unlock;
	bool asked; /* the file is encrypted */
	int rc;     /* why there is no passphrase */
	struct err *e;
};

static int give_passphrase(char *buf, int size, int rwflag, void *user)
{
	cleanup_passphrase struct passphrase p = {0};
	struct asked *a = user;
	char what[200];

	a->asked = true;
	snprintf(what, sizeof(what), "passphrase of %.150s", a->name);
	a->rc = passphrase_get(a->unlock, what, false, &p, a->e);
	if (a->rc == 0 && p.len > (size_t)size)
		a->rc = err_set(a->e, ERR_SIGNATURE, "the %s is too long", what);
	if (a->rc < 0)
		return -1;
	memcpy(buf, p.text, p.len);
	return (int)p.len;
}

int pem_private(const char *path, const struct key_unlock *unlock, const char *use, EVP_PKEY **ret,
	struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct asked a = {.name = path, .unlock = unlock, .e = e};
	EVP_PKEY *pkey = NULL;
	BIO *bio;
	int rc = fs_read(path, PEM_FILE_MAX, &text, e);

	if (rc < 0)
		return rc;
	bio = memory_bio(text.data, text.len);
	if (bio != NULL)
		pkey = PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, &a);
	BIO_free(bio);
	ERR_clear_error();
	if (pkey != NULL) {
		*ret = pkey;
	} else if (a.rc < 0) {
		rc = a.rc;
	} else if (a.asked) {
		rc = err_set(e, ERR_SIGNATURE, "the passphrase of %s is wrong", path);
	} else if (holds_public_key(text.data, text.len)) {
		err_set(e, ERR_SIGNATURE, "%s is a public key and cannot %s", path, use);
		rc = err_hint(e, "give the private half; 'stmota keygen --out' writes one to sign");
	} else {
		err_set(e, ERR_SIGNATURE, "%s is not a private key in PEM form", path);
		rc = err_hint(e, "'stmota keygen' makes one");
	}
	/* What was read is a secret. */
	if (text.data != NULL)
		OPENSSL_cleanse(text.data, text.cap);
	return rc;
}

static int load_file(
	const char *path, const struct key_unlock *unlock, struct key **ret, struct err *e)
{
	EVP_PKEY *pkey = NULL;
	int rc = pem_private(path, unlock, "sign", &pkey, e);

	return rc < 0 ? rc : wrap(pkey, true, path, ret, e);
}

static int load_token(
	const char *uri, const struct key_unlock *unlock, struct key **ret, struct err *e)
{
	EVP_PKEY *public = NULL;
	struct token *t = NULL;
	int rc = token_open(uri, unlock, &t, &public, e);

	if (rc == 0)
		rc = wrap(public, true, uri, ret, e);
	if (rc == 0)
		(*ret)->token = t;
	else
		token_free(t);
	return rc;
}

int key_load_private(
	const char *name, const struct key_unlock *unlock, struct key **ret, struct err *e)
{
	return token_is_uri(name) ? load_token(name, unlock, ret, e)
				  : load_file(name, unlock, ret, e);
}

static int parse_public(
	const void *pem, size_t len, const char *name, EVP_PKEY **ret, struct err *e)
{
	BIO *bio = memory_bio(pem, len);
	bool asked = false;
	EVP_PKEY *pkey = bio != NULL ? PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, &asked) : NULL;

	BIO_free(bio);
	ERR_clear_error();
	if (pkey != NULL) {
		*ret = pkey;
		return 0;
	}
	if (holds_private_key(pem, len)) {
		err_set(e, ERR_SIGNATURE, "%s is a private key where a public one is expected",
			name);
		return err_hint(e,
			"give the file that 'stmota keygen --public' wrote; private keys do not "
			"belong into a trust folder");
	}
	err_set(e, ERR_SIGNATURE, "%s is not a public key in PEM form", name);
	return err_hint(e, "'stmota keygen --public' writes one, also 'openssl pkey -pubout'");
}

int key_parse_public(const void *pem, size_t len, const char *name, struct key **ret, struct err *e)
{
	EVP_PKEY *pkey = NULL;
	int rc = parse_public(pem, len, name, &pkey, e);

	return rc < 0 ? rc : wrap(pkey, false, name, ret, e);
}

int pem_public(const char *path, EVP_PKEY **ret, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT;
	int rc = fs_read(path, PEM_FILE_MAX, &text, e);

	if (rc == 0)
		rc = parse_public(text.data, text.len, path, ret, e);
	if (text.data != NULL)
		OPENSSL_cleanse(text.data, text.cap);
	return rc;
}

int key_load_public(const char *path, struct key **ret, struct err *e)
{
	EVP_PKEY *pkey = NULL;
	int rc = pem_public(path, &pkey, e);

	return rc < 0 ? rc : wrap(pkey, false, path, ret, e);
}

int key_load_public_any(const char *path, struct key **ret, struct err *e)
{
	EVP_PKEY *pkey = NULL;
	int rc = pem_public(path, &pkey, e);

	return rc < 0 ? rc : wrap_any(pkey, false, true, path, ret, e);
}

/* ---- writing ---- */

int key_save_new(const char *path, const char *data, size_t len, mode_t mode, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	ssize_t n;

	if (fd < 0 && errno == EEXIST) {
		err_set(e, ERR_USAGE, "%s exists already", path);
		return err_hint(e, "a key is never overwritten: choose another name");
	}
	if (fd < 0)
		return err_set_errno(e, ERR_IO, errno, "cannot create %s", path);
	n = write(fd, data, len);
	if (n != (ssize_t)len || fsync(fd) < 0) {
		err_set_errno(e, ERR_IO, n >= 0 && (size_t)n < len ? ENOSPC : errno,
			"cannot write %s", path);
		close(fd);
		unlink(path);
		return ERR_IO;
	}
	close(fd);
	return 0;
}

/* Takes over `bio`, which holds the text if `written`. */
static int save_private(BIO *bio, bool written, const char *path, struct err *e)
{
	char *text = NULL;
	long len = written ? BIO_get_mem_data(bio, &text) : 0;
	int rc = written ? key_save_new(path, text, (size_t)len, 0600, e)
			 : crypto_failed(e, "cannot write the private key");

	BIO_free(bio);
	return rc;
}

static bool has_private_half(const struct key *k)
{
	return k->is_private && k->token == NULL;
}

int key_save_private(const struct key *k, const char *path, struct err *e)
{
	BIO *bio = BIO_new(BIO_s_secmem());

	return save_private(bio,
		bio != NULL && has_private_half(k) &&
			PEM_write_bio_PKCS8PrivateKey(bio, k->pkey, NULL, NULL, 0, NULL, NULL) == 1,
		path, e);
}

/* scrypt makes each guess cost 16 MiB; openssl reads such files since 1.1.0 (RFC 7914). */
static X509_SIG *encrypt(const struct key *k, const struct passphrase *p)
{
	X509_ALGOR *how = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), NULL, 0, NULL, 16384, 8, 1);
	PKCS8_PRIV_KEY_INFO *plain = EVP_PKEY2PKCS8(k->pkey);
	X509_SIG *made = NULL;

	if (how != NULL && plain != NULL)
		made = PKCS8_set0_pbe(p->text, (int)p->len, plain, how);
	if (made == NULL)
		X509_ALGOR_free(how);
	PKCS8_PRIV_KEY_INFO_free(plain);
	return made;
}

int key_save_protected(
	const struct key *k, const char *path, const struct key_unlock *unlock, struct err *e)
{
	cleanup_passphrase struct passphrase p = {0};
	X509_SIG *made = NULL;
	BIO *bio;
	int rc = passphrase_get(unlock, "new passphrase", true, &p, e);

	if (rc < 0)
		return rc;
	bio = BIO_new(BIO_s_secmem());
	if (has_private_half(k))
		made = encrypt(k, &p);
	rc = save_private(
		bio, bio != NULL && made != NULL && PEM_write_bio_PKCS8(bio, made) == 1, path, e);
	X509_SIG_free(made);
	return rc;
}

int key_public_pem(const struct key *k, struct buf *ret, struct err *e)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long len;
	int rc;

	if (bio == NULL || PEM_write_bio_PUBKEY(bio, k->pkey) != 1) {
		rc = crypto_failed(e, "cannot write the public key");
	} else {
		len = BIO_get_mem_data(bio, &text);
		rc = buf_append(ret, text, (size_t)len, e);
	}
	BIO_free(bio);
	return rc;
}

int key_public_der(const struct key *k, struct buf *ret, struct err *e)
{
	bool rsa = k->type == KEY_RSA2048 || k->type == KEY_RSA3072;
	uint8_t *der = NULL;
	int len = rsa ? i2d_PublicKey(k->pkey, &der) : i2d_PUBKEY(k->pkey, &der), rc;

	if (len <= 0)
		return crypto_failed(e, "cannot encode the public key");
	rc = buf_append(ret, der, (size_t)len, e);
	OPENSSL_free(der);
	return rc;
}

int key_save_public(const struct key *k, const char *path, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT;
	int rc = key_public_pem(k, &text, e);

	return rc < 0 ? rc : key_save_new(path, (const char *)text.data, text.len, 0644, e);
}

/* ---- facts ---- */

enum key_type key_type(const struct key *k)
{
	return k->type;
}

bool key_is_private(const struct key *k)
{
	return k->is_private;
}

bool key_is_in_token(const struct key *k)
{
	return k->token != NULL;
}

const uint8_t *key_fingerprint(const struct key *k)
{
	return k->fingerprint;
}

const uint8_t *key_id(const struct key *k)
{
	return k->fingerprint;
}

const uint8_t *key_raw_public(const struct key *k, size_t *ret_len)
{
	*ret_len = k->raw_len;
	return k->raw;
}
