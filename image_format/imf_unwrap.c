/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_unwrap.c - the key of a package, as it was wrapped to a device's public key
 *
 * Wraps are not signed, so that a package can be made for another device without its signer. What
 * binds them is a MAC over the digest of the signed manifest; and what comes out must still prove
 * itself in imf_decrypt_begin() against the check value in that manifest.
 */
#include <imf/imf_decrypt.h>
#include <imf/imf_bytes.h>

#if !defined(IMF_NO_DECRYPT) && !defined(IMF_NO_UNWRAP)

#include "imf_priv.h"

#define DOMAIN      "stmota-wrap-v1"
#define DOMAIN_SIZE 15u /* with its NUL */
#define MAC_KEY_AT  32u /* behind the mask of the key */
#define DERIVED     64u

/* The mask and the MAC key that device and sender agree on. */
static int agree(const struct imf_crypto *crypto, const struct imf_device_key *device,
	const uint8_t *wrap, uint8_t ret[DERIVED])
{
	static const char domain[DOMAIN_SIZE] = DOMAIN;
	uint8_t shared[IMF_DIGEST_SIZE];
	struct imf_bytes secret, info[2];
	int rc;

	if (device->ecdh(device->ctx, wrap + IMF_KEY_ID_SIZE, shared) != 0)
		return IMF_ERR_KEY;
	secret.data = shared;
	secret.len = sizeof(shared);
	info[0].data = (const uint8_t *)domain;
	info[0].len = DOMAIN_SIZE;
	info[1].data = wrap; /* key id and ephemeral key */
	info[1].len = IMF_KEY_ID_SIZE + IMF_POINT_SIZE;
	rc = imf_hkdf(crypto, NULL, 0, &secret, info, 2, ret, DERIVED);
	imf_wipe(shared, sizeof(shared));
	return rc;
}

static int digest_of(
	const struct imf_crypto *c, const struct imf_manifest *m, uint8_t ret[IMF_DIGEST_SIZE])
{
	if (c->sha256_init(c->ctx) != 0 ||
		c->sha256_update(c->ctx, m->bytes, m->header.manifest_size) != 0 ||
		c->sha256_final(c->ctx, ret) != 0)
		return IMF_ERR_CRYPTO;
	return IMF_OK;
}

int imf_unwrap(const struct imf_crypto *crypto, const struct imf_device_key *device,
	const struct imf_manifest *m, const uint8_t *wrap, uint32_t len, uint8_t ret[IMF_KEY_MAX])
{
	const uint8_t *wrapped = wrap + IMF_KEY_ID_SIZE + IMF_POINT_SIZE;
	uint8_t digest[IMF_DIGEST_SIZE], mac[IMF_DIGEST_SIZE], derived[DERIVED];
	struct imf_bytes pieces[2];
	uint32_t size, i;
	int rc;

	if (len == 0 || len != imf_manifest_wrap_size(m))
		return IMF_ERR_ARGUMENT;
	if (IMF_MEMCMP(wrap, device->id, IMF_KEY_ID_SIZE) != 0)
		return IMF_ERR_NOT_FOUND;
	size = len - IMF_KEY_ID_SIZE - IMF_POINT_SIZE - IMF_DIGEST_SIZE;
	rc = agree(crypto, device, wrap, derived);
	if (rc == IMF_OK)
		rc = digest_of(crypto, m, digest);
	pieces[0].data = digest;
	pieces[0].len = sizeof(digest);
	pieces[1].data = wrapped;
	pieces[1].len = size;
	if (rc == IMF_OK)
		rc = imf_hmac(crypto, derived + MAC_KEY_AT, IMF_DIGEST_SIZE, pieces, 2, mac);
	if (rc == IMF_OK && imf_differ(mac, wrapped + size, IMF_DIGEST_SIZE) != 0)
		rc = IMF_ERR_KEY;
	for (i = 0; rc == IMF_OK && i < size; i++)
		ret[i] = (uint8_t)(wrapped[i] ^ derived[i]);
	imf_wipe(derived, sizeof(derived));
	return rc;
}

#endif
