/* SPDX-License-Identifier: Apache-2.0 */
/*
 * package_wrap.c - the key of a package, wrapped to the public keys of devices
 *
 * Wraps stand behind the signatures and are bound to the signed manifest by a MAC, so a package can
 * be made for another device by who can open it, without who signed it.
 */
#include <stmota/package.h>

#include <string.h>

#include <imf/imf_bytes.h>

#include "package_priv.h"

#define WRAP_DOMAIN "stmota-wrap-v1" /* with its NUL */
#define INFO_SIZE   (sizeof(WRAP_DOMAIN) + IMF_KEY_ID_SIZE + IMF_POINT_SIZE)
#define MAC_KEY_AT  32 /* behind the mask */
#define DERIVED     64

static int make_wrap(const struct package_lock *lock, const struct key *to,
	const uint8_t digest[SHA256_SIZE], struct buf *ret, struct err *e)
{
	uint8_t wrap[IMF_WRAP_MAX], info[INFO_SIZE] = WRAP_DOMAIN;
	uint8_t shared[SHA256_SIZE], derived[DERIVED], message[SHA256_SIZE + IMF_KEY_MAX];
	uint8_t *wrapped = wrap + IMF_KEY_ID_SIZE + IMF_POINT_SIZE;
	int rc;

	memcpy(wrap, key_id(to), IMF_KEY_ID_SIZE);
	rc = secret_agree_new(to, wrap + IMF_KEY_ID_SIZE, shared, e);
	if (rc < 0)
		return rc;
	memcpy(info + sizeof(WRAP_DOMAIN), wrap, IMF_KEY_ID_SIZE + IMF_POINT_SIZE);
	rc = secret_hkdf(256, NULL, 0, shared, sizeof(shared), info, sizeof(info), derived,
		sizeof(derived), e);
	for (size_t i = 0; i < lock->key_len; i++)
		wrapped[i] = lock->key[i] ^ derived[i];
	memcpy(message, digest, SHA256_SIZE);
	memcpy(message + SHA256_SIZE, wrapped, lock->key_len);
	if (rc == 0)
		rc = secret_hmac(256, derived + MAC_KEY_AT, SHA256_SIZE, message,
			SHA256_SIZE + lock->key_len, wrapped + lock->key_len, e);
	secret_wipe(shared, sizeof(shared));
	secret_wipe(derived, sizeof(derived));
	return rc < 0 ? rc
		      : buf_append(ret, wrap,
				IMF_KEY_ID_SIZE + IMF_POINT_SIZE + lock->key_len + SHA256_SIZE, e);
}

static int check_recipients(const struct package_lock *lock, struct err *e)
{
	if (lock->n_to == 0)
		return err_set(e, ERR_USAGE, "for which devices should it be encrypted?");
	if (lock->n_to > IMF_WRAPS_MAX) {
		err_set(e, ERR_USAGE, "a package is encrypted for %u devices at most, not for %zu",
			IMF_WRAPS_MAX, lock->n_to);
		return err_hint(e, "'stmota rewrap' makes copies for others without the signer");
	}
	for (size_t i = 0; i < lock->n_to; i++) {
		int rc = secret_check_device(lock->to[i], "this device key", e);

		if (rc < 0)
			return rc;
		for (size_t k = 0; k < i; k++)
			if (memcmp(key_id(lock->to[k]), key_id(lock->to[i]), KEY_ID_SIZE) == 0)
				return err_set(e, ERR_USAGE, "one device key is named twice");
	}
	return 0;
}

int package_put_wraps(struct buf *pkg, size_t area, size_t at, size_t old_size,
	const struct package_lock *lock, struct err *e)
{
	cleanup_buf struct buf wraps = BUF_INIT, made = BUF_INIT;
	uint8_t digest[SHA256_SIZE];
	int rc = check_recipients(lock, e);

	if (rc == 0)
		rc = sha256(pkg->data, area, digest, e);
	for (size_t i = 0; rc == 0 && i < lock->n_to; i++)
		rc = make_wrap(lock, lock->to[i], digest, &wraps, e);
	if (rc == 0)
		rc = buf_append(&made, pkg->data, at, e);
	if (rc == 0)
		rc = buf_append(&made, wraps.data, wraps.len, e);
	if (rc == 0)
		rc = buf_append(&made, pkg->data + at + old_size, pkg->len - at - old_size, e);
	if (rc < 0)
		return rc;
	imf_put_le32(made.data + area + 4, (uint32_t)wraps.len);
	buf_done(pkg);
	*pkg = made;
	made = BUF_INIT;
	return 0;
}

int package_rewrap(
	struct buf *pkg, const struct package *p, struct key *const *to, size_t n_to, struct err *e)
{
	struct package_lock lock = {
		.source = IMF_KEY_WRAPPED, .key_len = p->root_len, .to = to, .n_to = n_to};
	enum imf_key_source source;
	size_t at = (size_t)(p->wraps - p->data);
	int rc;

	if (!package_is_encrypted(p, &source) || source != IMF_KEY_WRAPPED) {
		err_set(e, ERR_USAGE, "the package is not encrypted for device keys");
		return err_hint(e, "only 'stmota pack --encrypt-to' makes packages whose keys can "
				   "be wrapped again");
	}
	if (p->root_len == 0)
		return err_set(e, ERR_SIGNATURE, "the package is locked");
	memcpy(lock.key, p->root, p->root_len);
	rc = package_put_wraps(pkg, p->header.manifest_size, at, p->signatures.wrap_size, &lock, e);
	secret_wipe(&lock, sizeof(lock));
	return rc;
}
