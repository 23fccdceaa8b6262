/* SPDX-License-Identifier: Apache-2.0 */
/*
 * product.c - product names and the UUIDs made of them
 */
#include <stmota/version.h>

#include <ctype.h>
#include <string.h>

#include <openssl/evp.h>

/* RFC 9562, appendix: 6ba7b810-9dad-11d1-80b4-00c04fd430c8 */
static const uint8_t dns_namespace[UUID_SIZE] = {0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
	0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};

static int refuse(const char *name, const char *why, struct err *e)
{
	err_set(e, ERR_USAGE, "product name '%.140s' %s", name, why);
	return err_hint(e,
		"a product name is VENDOR/PRODUCT in lower-case letters, digits and . _ -, "
		"such as acme.com/streetlight");
}

int product_check(const char *name, struct err *e)
{
	size_t len = strlen(name);

	if (len == 0 || len >= PRODUCT_NAME_SIZE)
		return refuse(name, len == 0 ? "is empty" : "is longer than 127 characters", e);
	for (const char *p = name; *p != '\0'; p++) {
		if (isupper((unsigned char)*p))
			return refuse(name, "has upper-case letters", e);
		if (!islower((unsigned char)*p) && !isdigit((unsigned char)*p) &&
			strchr("._-/", *p) == NULL)
			return refuse(name, "has characters that are not allowed", e);
		if (!isalnum((unsigned char)*p) && (p == name || p[1] == '\0' || p[-1] == '/'))
			return refuse(name,
				"has a part that does not begin or end with a letter or digit", e);
	}
	return 0;
}

static int uuid_v5(const uint8_t space[UUID_SIZE], const char *name, size_t len,
	uint8_t ret[UUID_SIZE], struct err *e)
{
	uint8_t text[UUID_SIZE + PRODUCT_NAME_SIZE], hash[EVP_MAX_MD_SIZE];

	memcpy(text, space, UUID_SIZE);
	memcpy(text + UUID_SIZE, name, len);
	if (EVP_Digest(text, UUID_SIZE + len, hash, NULL, EVP_sha1(), NULL) != 1)
		return err_set(
			e, ERR_FAILED, "the crypto library offers no SHA-1 for product UUIDs");
	memcpy(ret, hash, UUID_SIZE);
	ret[6] = (uint8_t)((ret[6] & 0x0F) | 0x50);
	ret[8] = (uint8_t)((ret[8] & 0x3F) | 0x80);
	return 0;
}

int product_vendor_uuid(const char *name, uint8_t ret[UUID_SIZE], struct err *e)
{
	int rc = product_check(name, e);

	return rc < 0 ? rc : uuid_v5(dns_namespace, name, strcspn(name, "/"), ret, e);
}

int product_uuid(const char *name, uint8_t ret[UUID_SIZE], struct err *e)
{
	const char *slash = strchr(name, '/');
	const char *rest = slash != NULL ? slash + 1 : "";
	uint8_t vendor[UUID_SIZE];
	int rc = product_vendor_uuid(name, vendor, e);

	return rc < 0 ? rc : uuid_v5(vendor, rest, strlen(rest), ret, e);
}

const char *uuid_format(const uint8_t uuid[UUID_SIZE], char ret[UUID_TEXT_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	char *p = ret;

	for (int i = 0; i < UUID_SIZE; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = digits[uuid[i] >> 4];
		*p++ = digits[uuid[i] & 15];
	}
	*p = '\0';
	return ret;
}
