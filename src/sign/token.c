/* SPDX-License-Identifier: Apache-2.0 */
#include "token.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

#include <stmota/bytes.h>
#include <stmota/log.h>

#include "passphrase.h"

#define SLOTS_MAX 64
#define POINT_MAX 80 /* bytes of a public key as tokens tell it, with its DER header */

struct token {
	CK_FUNCTION_LIST **modules; /* all that are registered; NULL: only `own` */
	CK_FUNCTION_LIST *own;      /* the one that the URI names */
	CK_FUNCTION_LIST *f;        /* the one that has the token */
	CK_SESSION_HANDLE session;
	bool in_session;
	CK_OBJECT_HANDLE key;
	CK_MECHANISM_TYPE mechanism;
	bool asks_each_time; /* a login for each signature */
	struct passphrase pin;
};

struct search {
	P11KitUri *uri;
	const char *text; /* of the URI, without its secrets, for messages */
};

static void search_done(struct search *s)
{
	p11_kit_uri_free(s->uri);
}

bool token_is_uri(const char *text)
{
	return strncmp(text, P11_KIT_URI_SCHEME ":", sizeof(P11_KIT_URI_SCHEME)) == 0;
}

/* ---- what tokens answer ---- */

static const struct {
	CK_RV rv;
	const char *what, *todo;
} answers[] = {
	{CKR_PIN_INCORRECT, "the PIN is wrong",
		"it was tried once; a token locks itself after a few wrong PINs"},
	{CKR_PIN_LEN_RANGE, "the PIN has a wrong length", "check the PIN"},
	{CKR_PIN_LOCKED, "the PIN is locked after too many wrong ones",
		"unlock it with the tool of the token's maker (PUK or security officer)"},
	{CKR_PIN_EXPIRED, "the PIN has expired",
		"set a new one with the tool of the token's maker"},
	{CKR_USER_PIN_NOT_INITIALIZED, "the token has no PIN yet",
		"set one with the tool of the token's maker"},
	{CKR_TOKEN_NOT_PRESENT, "the token was taken out", "put it back in"},
	{CKR_DEVICE_REMOVED, "the token was taken out", "put it back in"},
	{CKR_MECHANISM_INVALID, "the token cannot make this kind of signature",
		"p256 keys are what most tokens know"},
};

static int refused(struct err *e, const char *doing, CK_RV rv)
{
	for (size_t i = 0; i < ARRAY_LEN(answers); i++)
		if (answers[i].rv == rv) {
			err_set(e, ERR_SIGNATURE, "%s: %s", doing, answers[i].what);
			return err_hint(e, "%s", answers[i].todo);
		}
	return err_set(e, ERR_SIGNATURE, "%s: %s (0x%lX)", doing, p11_kit_strerror(rv), rv);
}

/* ---- finding the token ---- */

static int load_modules(struct token *t, const struct search *s, struct err *e)
{
	const char *path = p11_kit_uri_get_module_path(s->uri);
	CK_RV rv;

	p11_kit_be_quiet();
	if (path == NULL) {
		t->modules = p11_kit_modules_load_and_initialize(0);
		if (t->modules != NULL && t->modules[0] != NULL)
			return 0;
		err_set(e, ERR_SIGNATURE, "no PKCS#11 module is installed");
		return err_hint(e, "install the one of your token, or name it: "
				   "'pkcs11:...?module-path=/usr/lib/.../NAME.so'");
	}
	t->own = p11_kit_module_load(path, 0);
	if (t->own == NULL)
		return err_set(e, ERR_SIGNATURE, "cannot load the PKCS#11 module %s", path);
	rv = p11_kit_module_initialize(t->own);
	if (rv == CKR_OK)
		return 0;
	p11_kit_module_release(t->own);
	t->own = NULL;
	return refused(e, path, rv);
}

struct found {
	CK_FUNCTION_LIST *f;
	CK_SLOT_ID slot;
	CK_TOKEN_INFO info;
	unsigned n;       /* that match */
	char labels[160]; /* of those that do not, for the hint */
};

static void note_label(struct found *r, const CK_TOKEN_INFO *info)
{
	char *label = p11_kit_space_strdup(info->label, sizeof(info->label));
	size_t len = strlen(r->labels);

	if (label != NULL && label[0] != '\0')
		snprintf(r->labels + len, sizeof(r->labels) - len, "%s%.32s", len > 0 ? ", " : "",
			label);
	free(label);
}

static void look_into(CK_FUNCTION_LIST *f, const struct search *s, struct found *r)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG n = SLOTS_MAX;

	if (f->C_GetSlotList(CK_TRUE, slots, &n) != CKR_OK || n > SLOTS_MAX)
		return;
	for (CK_ULONG i = 0; i < n; i++) {
		CK_TOKEN_INFO info;

		if (f->C_GetTokenInfo(slots[i], &info) != CKR_OK ||
			(info.flags & CKF_TOKEN_INITIALIZED) == 0)
			continue;
		if (!p11_kit_uri_match_token_info(s->uri, &info)) {
			note_label(r, &info);
			continue;
		}
		r->n++;
		r->f = f;
		r->slot = slots[i];
		r->info = info;
	}
}

static int find_token(struct token *t, const struct search *s, struct found *ret, struct err *e)
{
	if (t->own != NULL)
		look_into(t->own, s, ret);
	for (size_t i = 0; t->modules != NULL && t->modules[i] != NULL; i++)
		look_into(t->modules[i], s, ret);
	if (ret->n == 1) {
		t->f = ret->f;
		return 0;
	}
	if (ret->n > 1) {
		err_set(e, ERR_SIGNATURE, "%s: %u tokens match", s->text, ret->n);
		return err_hint(e, "name one: pkcs11:token=LABEL;object=KEY, or serial=NUMBER");
	}
	err_set(e, ERR_SIGNATURE, "%s: there is no such token", s->text);
	return ret->labels[0] != '\0' ? err_hint(e, "tokens here: %s", ret->labels)
				      : err_hint(e, "is it plugged in?");
}

/* ---- logging in ---- */

static int pin_of(const struct search *s, const struct key_unlock *unlock, const char *label,
	struct passphrase *ret, struct err *e)
{
	const char *value = p11_kit_uri_get_pin_value(s->uri);
	const char *source = p11_kit_uri_get_pin_source(s->uri);
	char what[80];

	if (value != NULL) {
		if (strlen(value) > PASSPHRASE_MAX)
			return err_set(e, ERR_USAGE, "%s: the PIN is too long", s->text);
		log_warn("a PIN on the command line is seen by everybody on this machine: use "
			 "pin-source=FILE");
		ret->len = strlen(value);
		memcpy(ret->text, value, ret->len + 1);
		return 0;
	}
	if (source != NULL)
		return passphrase_read(
			strncmp(source, "file:", 5) == 0 ? source + 5 : source, ret, e);
	snprintf(what, sizeof(what), "PIN of token %.40s", label);
	return passphrase_get(unlock, what, false, ret, e);
}

static int log_in(struct token *t, const struct search *s, const struct key_unlock *unlock,
	const CK_TOKEN_INFO *info, struct err *e)
{
	char label[sizeof(info->label) + 1];
	size_t len = p11_kit_space_strlen(info->label, sizeof(info->label));
	CK_RV rv = CKR_OK;
	int rc;

	snprintf(label, sizeof(label), "%.*s", (int)len, (const char *)info->label);
	if ((info->flags & CKF_LOGIN_REQUIRED) == 0)
		return 0;
	if ((info->flags & CKF_USER_PIN_LOCKED) != 0)
		return refused(e, label, CKR_PIN_LOCKED);
	if ((info->flags & CKF_USER_PIN_FINAL_TRY) != 0) {
		err_set(e, ERR_SIGNATURE, "%s: one more wrong PIN would lock this token", label);
		return err_hint(
			e, "log in once with the tool of the token's maker, then again here");
	}
	/* With a keypad of its own the token asks by itself. */
	if ((info->flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0) {
		rv = t->f->C_Login(t->session, CKU_USER, NULL, 0);
	} else {
		rc = pin_of(s, unlock, label, &t->pin, e);
		if (rc < 0)
			return rc;
		rv = t->f->C_Login(
			t->session, CKU_USER, (CK_UTF8CHAR *)t->pin.text, (CK_ULONG)t->pin.len);
	}
	return rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN ? 0 : refused(e, label, rv);
}

/* ---- the key ---- */

/* Objects of a class that match `more`; at most two are told apart: none, one, several. */
static CK_ULONG find_objects(struct token *t, CK_OBJECT_CLASS class, const CK_ATTRIBUTE *more,
	size_t n_more, CK_OBJECT_HANDLE *ret)
{
	CK_ATTRIBUTE want[8] = {{CKA_CLASS, &class, sizeof(class)}};
	CK_OBJECT_HANDLE found[2] = {0};
	CK_ULONG n = 0, n_want = 1;

	for (size_t i = 0; i < n_more && n_want < ARRAY_LEN(want); i++)
		if (more[i].type != CKA_CLASS)
			want[n_want++] = more[i];
	if (t->f->C_FindObjectsInit(t->session, want, n_want) != CKR_OK)
		return 0;
	if (t->f->C_FindObjects(t->session, found, ARRAY_LEN(found), &n) != CKR_OK)
		n = 0;
	t->f->C_FindObjectsFinal(t->session);
	*ret = found[0];
	return n;
}

/* Bytes of an attribute, 0 if it is missing or longer than `max`. */
static size_t attribute(
	struct token *t, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, void *ret, size_t max)
{
	CK_ATTRIBUTE a = {type, NULL, 0};

	if (t->f->C_GetAttributeValue(t->session, object, &a, 1) != CKR_OK || a.ulValueLen > max)
		return 0;
	a.pValue = ret;
	if (t->f->C_GetAttributeValue(t->session, object, &a, 1) != CKR_OK || a.ulValueLen > max)
		return 0;
	return a.ulValueLen;
}

static int find_key(struct token *t, const struct search *s, struct err *e)
{
	CK_ULONG n_attrs = 0, n;
	CK_ATTRIBUTE *attrs = p11_kit_uri_get_attributes(s->uri, &n_attrs);

	n = find_objects(t, CKO_PRIVATE_KEY, attrs, n_attrs, &t->key);
	if (n == 1)
		return 0;
	err_set(e, ERR_SIGNATURE, "%s: %s private key on the token matches", s->text,
		n == 0 ? "no" : "more than one");
	return err_hint(e, "name it by object=LABEL or id=%%01; 'p11tool --list-all' or "
			   "'pkcs11-tool -O' lists them");
}

/* The last `len` bytes of a point; tokens wrap it as DER or not, with its 04 or not. */
static EVP_PKEY *public_of(const uint8_t *point, size_t len, CK_KEY_TYPE type)
{
	OSSL_PARAM params[3];
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *k = NULL;

	if (type == CKK_EC_EDWARDS)
		return len < 32 ? NULL
				: EVP_PKEY_new_raw_public_key(
					  EVP_PKEY_ED25519, NULL, point + len - 32, 32);
	if (len < 65 || point[len - 65] != 4)
		return NULL;
	params[0] = OSSL_PARAM_construct_utf8_string(
		OSSL_PKEY_PARAM_GROUP_NAME, (char[]){"prime256v1"}, 0);
	params[1] = OSSL_PARAM_construct_octet_string(
		OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)(point + len - 65), 65);
	params[2] = OSSL_PARAM_construct_end();
	ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &k, EVP_PKEY_PUBLIC_KEY, params) != 1)
		k = NULL;
	EVP_PKEY_CTX_free(ctx);
	return k;
}

static bool is_p256(struct token *t)
{
	static const uint8_t oid[] = {0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07};
	uint8_t params[sizeof(oid)];

	return attribute(t, t->key, CKA_EC_PARAMS, params, sizeof(params)) == sizeof(oid) &&
	       memcmp(params, oid, sizeof(oid)) == 0;
}

/* The public key is an object of its own with the same id; some tokens tell it with the private. */
static int read_public(
	struct token *t, const struct search *s, CK_KEY_TYPE type, EVP_PKEY **ret, struct err *e)
{
	uint8_t id[64], point[POINT_MAX];
	size_t id_len = attribute(t, t->key, CKA_ID, id, sizeof(id)), len = 0;
	CK_ATTRIBUTE same_id = {CKA_ID, id, (CK_ULONG)id_len};
	CK_OBJECT_HANDLE object;

	if (id_len > 0 && find_objects(t, CKO_PUBLIC_KEY, &same_id, 1, &object) == 1)
		len = attribute(t, object, CKA_EC_POINT, point, sizeof(point));
	if (len == 0)
		len = attribute(t, t->key, CKA_EC_POINT, point, sizeof(point));
	*ret = len > 0 ? public_of(point, len, type) : NULL;
	if (*ret != NULL)
		return 0;
	err_set(e, ERR_SIGNATURE, "%s: the token does not tell the public key of this pair",
		s->text);
	return err_hint(e, "store the public key beside the private one, with the same id");
}

static int read_key(struct token *t, const struct search *s, EVP_PKEY **ret, struct err *e)
{
	CK_KEY_TYPE type = CK_UNAVAILABLE_INFORMATION;
	CK_BBOOL each = CK_FALSE;

	attribute(t, t->key, CKA_KEY_TYPE, &type, sizeof(type));
	attribute(t, t->key, CKA_ALWAYS_AUTHENTICATE, &each, sizeof(each));
	t->asks_each_time = each != CK_FALSE;
	if (type == CKK_EC_EDWARDS) {
		t->mechanism = CKM_EDDSA;
	} else if (type == CKK_EC && is_p256(t)) {
		t->mechanism = CKM_ECDSA;
	} else {
		err_set(e, ERR_SIGNATURE, "%s is no key of type ed25519 or p256", s->text);
		return err_hint(e, "only ed25519 and p256 keys can sign packages");
	}
	return read_public(t, s, type, ret, e);
}

/* ---- the whole ---- */

static int open_session(struct token *t, const struct search *s, const struct key_unlock *unlock,
	EVP_PKEY **ret_public, struct err *e)
{
	struct found found = {0};
	int rc = load_modules(t, s, e);
	CK_RV rv;

	if (rc == 0)
		rc = find_token(t, s, &found, e);
	if (rc < 0)
		return rc;
	rv = t->f->C_OpenSession(found.slot, CKF_SERIAL_SESSION, NULL, NULL, &t->session);
	if (rv != CKR_OK)
		return refused(e, s->text, rv);
	t->in_session = true;
	rc = log_in(t, s, unlock, &found.info, e);
	if (rc == 0)
		rc = find_key(t, s, e);
	return rc == 0 ? read_key(t, s, ret_public, e) : rc;
}

int token_open(const char *uri, const struct key_unlock *unlock, struct token **ret,
	EVP_PKEY **ret_public, struct err *e)
{
	CLEANUP(search_done) struct search s = {.uri = p11_kit_uri_new()};
	cleanup_free char *shown = strndup(uri, strcspn(uri, "?"));
	struct token *t = calloc(1, sizeof(*t));
	int rc;

	if (s.uri == NULL || t == NULL || shown == NULL) {
		free(t);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	s.text = shown;
	rc = p11_kit_uri_parse(uri, P11_KIT_URI_FOR_ANY, s.uri);
	if (rc != P11_KIT_URI_OK || p11_kit_uri_any_unrecognized(s.uri)) {
		free(t);
		err_set(e, ERR_USAGE, "'%s' is not a good PKCS#11 URI", shown);
		return err_hint(e, "pkcs11:token=LABEL;object=KEY (RFC 7512)");
	}
	rc = open_session(t, &s, unlock, ret_public, e);
	if (rc < 0) {
		token_free(t);
		return rc;
	}
	*ret = t;
	return 0;
}

int token_sign(struct token *t, const uint8_t *data, size_t len, uint8_t ret[KEY_SIGNATURE_SIZE],
	struct err *e)
{
	CK_MECHANISM mechanism = {t->mechanism, NULL, 0};
	CK_ULONG sig_len = KEY_SIGNATURE_SIZE;
	CK_RV rv = t->f->C_SignInit(t->session, &mechanism, t->key);

	if (rv == CKR_OK && t->asks_each_time)
		rv = t->f->C_Login(t->session, CKU_CONTEXT_SPECIFIC,
			t->pin.len > 0 ? (CK_UTF8CHAR *)t->pin.text : NULL, (CK_ULONG)t->pin.len);
	if (rv == CKR_OK)
		rv = t->f->C_Sign(
			t->session, (CK_BYTE *)(uintptr_t)data, (CK_ULONG)len, ret, &sig_len);
	if (rv != CKR_OK)
		return refused(e, "the token did not sign", rv);
	if (sig_len != KEY_SIGNATURE_SIZE)
		return err_set(e, ERR_SIGNATURE, "the token made a signature of %lu bytes, not %d",
			sig_len, KEY_SIGNATURE_SIZE);
	return 0;
}

void token_free(struct token *t)
{
	if (t == NULL)
		return;
	if (t->in_session)
		t->f->C_CloseSession(t->session);
	if (t->modules != NULL)
		p11_kit_modules_finalize_and_release(t->modules);
	if (t->own != NULL) {
		p11_kit_module_finalize(t->own);
		p11_kit_module_release(t->own);
	}
	passphrase_done(&t->pin);
	free(t);
}
