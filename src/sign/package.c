/* SPDX-License-Identifier: Apache-2.0 */
/*
 * package.c - packages are opened and checked
 *
 * The parser is the one of image_format/: host and device cannot disagree about what a package
 * says.
 */
#include <stmota/package.h>

#include <stdio.h>
#include <string.h>

#include <imf/imf_bytes.h>
#include <imf/imf_error.h>
#include <stmota/delta_apply.h>
#include <stmota/strparse.h>

#include "package_priv.h"

const uint8_t package_magic[IMF_MAGIC_SIZE] = {0x89, 'S', 'O', 'T', 'A', '\r', '\n', 0x1A};

bool package_detect(const uint8_t *data, size_t len)
{
	return len >= IMF_MAGIC_SIZE && memcmp(data, package_magic, IMF_MAGIC_SIZE) == 0;
}

/* Whatever shows that a package was changed or damaged is ERR_DAMAGED, wherever it shows. */
static int again(struct err *e)
{
	return err_hint(e, "get the package again from where it was made");
}

static int refuse(int error, const uint8_t *data, size_t len, struct err *e)
{
	switch (error) {
	case IMF_ERR_FORMAT_VERSION:
		err_set(e, ERR_UNSUPPORTED,
			"package of format version %u, this program reads version %u",
			len >= 10 ? imf_get_le16(data + 8) : 0, IMF_FORMAT_VERSION);
		return err_hint(e,
			"a newer stmota made it, or an older one before the format was released");
	case IMF_ERR_ENCODING:
		err_set(e, ERR_UNSUPPORTED, "package with an encoding that is not supported yet");
		return err_hint(e, "compressed components, and ciphers of later versions");
	case IMF_ERR_CRITICAL:
	case IMF_ERR_KIND:
		err_set(e, ERR_UNSUPPORTED, "package with %s", imf_strerror(error));
		return err_hint(e, "a newer stmota may know it");
	case IMF_ERR_TRUNCATED:
		err_set(e, ERR_DAMAGED, "the package is truncated: it ends after %zu bytes", len);
		return again(e);
	case IMF_ERR_MAGIC:
		if (len < 5 || memcmp(data, package_magic, 5) != 0)
			return err_set(e, ERR_FORMAT, "not a stmota package");
		err_set(e, ERR_DAMAGED, "damaged package: its line ends were changed");
		return err_hint(e, "copy it again, in binary mode");
	default:
		err_set(e, ERR_DAMAGED, "damaged package: it %s", imf_strerror(error));
		return again(e);
	}
}

/* ---- opening ---- */

static int read_product(struct package *p, struct err *e)
{
	uint8_t uuid[UUID_SIZE];
	struct imf_tlv t;
	uint32_t at = 0;
	int rc;

	p->product[0] = '\0';
	while (imf_manifest_tlv(&p->manifest, &at, &t)) {
		if (t.type != IMF_TLV_PRODUCT_NAME)
			continue;
		memcpy(p->product, t.value, t.len);
		p->product[t.len] = '\0';
		if (strlen(p->product) != t.len || product_check(p->product, NULL) < 0)
			return err_set(e, ERR_DAMAGED, "damaged package: impossible product name");
		rc = product_uuid(p->product, uuid, e);
		if (rc < 0)
			return rc;
		if (memcmp(uuid, p->header.product, UUID_SIZE) != 0)
			return err_set(e, ERR_DAMAGED,
				"damaged package: product name '%s' does not belong to its "
				"UUID",
				p->product);
	}
	return 0;
}

static int check_payloads(const struct package *p, struct err *e)
{
	uint8_t digest[SHA256_SIZE];

	for (size_t i = 0; i < p->header.n_components; i++) {
		struct imf_component c = package_component(p, i);
		int rc = sha256(p->payload + c.stored_offset, c.stored_size, digest, e);

		if (rc < 0)
			return rc;
		if (imf_differ(digest, c.stored_digest, SHA256_SIZE) == 0)
			continue;
		err_set(e, ERR_DAMAGED,
			"component %zu does not match its digest: the package was changed or "
			"damaged",
			i);
		return again(e);
	}
	return 0;
}

/* True if two wraps are for one key. */
static bool wrapped_twice(const struct package *p)
{
	size_t one = p->n_wraps > 0 ? p->signatures.wrap_size / p->n_wraps : 0;

	for (size_t i = 0; i < p->n_wraps; i++)
		for (size_t k = 0; k < i; k++)
			if (memcmp(p->wraps + i * one, p->wraps + k * one, IMF_KEY_ID_SIZE) == 0)
				return true;
	return false;
}

static int parse(const uint8_t *data, size_t len, struct package *p, struct err *e)
{
	/* Manifest and signatures are far below 4 GiB; the payload is compared in size_t. */
	uint32_t len32 = len > UINT32_MAX ? UINT32_MAX : (uint32_t)len;
	uint32_t head, at = 0;
	struct imf_signature one;
	int error = package_detect(data, len) ? imf_manifest_parse(data, len32, &p->manifest)
					      : IMF_ERR_MAGIC;

	if (error < 0)
		return refuse(error, data, len, e);
	p->header = p->manifest.header;
	head = p->header.manifest_size;
	error = imf_signatures_parse(data + head, len32 - head, head, &p->signatures);
	if (error < 0)
		return refuse(error, data, len, e);
	p->n_signatures = 0;
	while (imf_signatures_next(&p->signatures, &at, &one))
		p->n_signatures++;
	error = imf_wraps_check(&p->manifest, &p->signatures);
	if (error < 0)
		return refuse(error, data, len, e);
	p->wraps = p->signatures.records + p->signatures.size;
	if (len - (size_t)(p->wraps - data) < p->signatures.wrap_size)
		return refuse(IMF_ERR_TRUNCATED, data, len, e);
	if (p->signatures.wrap_size > 0)
		p->n_wraps = p->signatures.wrap_size / imf_manifest_wrap_size(&p->manifest);
	if (wrapped_twice(p))
		return refuse(IMF_ERR_FORMAT, data, len, e);
	p->payload = p->wraps + p->signatures.wrap_size;
	if (len - (size_t)(p->payload - data) < p->header.payload_size)
		return refuse(IMF_ERR_TRUNCATED, data, len, e);
	if (len - (size_t)(p->payload - data) > p->header.payload_size)
		return err_set(e, ERR_DAMAGED, "damaged package: %zu bytes behind its end",
			len - (size_t)(p->payload - data) - p->header.payload_size);
	return 0;
}

int package_parse(const uint8_t *data, size_t len, struct package *ret, struct err *e)
{
	int rc;

	memset(ret, 0, sizeof(*ret));
	ret->data = data;
	ret->len = len;
	rc = parse(data, len, ret, e);
	if (rc == 0)
		rc = sha256(data, ret->header.manifest_size, ret->digest, e);
	if (rc == 0)
		rc = read_product(ret, e);
	return rc < 0 ? rc : package_read_meta(ret, e);
}

int package_open(const uint8_t *data, size_t len, struct package *ret, struct err *e)
{
	int rc = package_parse(data, len, ret, e);

	return rc < 0 ? rc : check_payloads(ret, e);
}

/* ---- content ---- */

struct imf_component package_component(const struct package *p, size_t i)
{
	struct imf_component c;

	imf_manifest_component(&p->manifest, (uint32_t)i, &c);
	return c;
}

const char *package_component_label(const struct package *p, size_t i, char ret[PACKAGE_LABEL_SIZE])
{
	if (p->names[i][0] != '\0')
		snprintf(ret, PACKAGE_LABEL_SIZE, "component '%s'", p->names[i]);
	else
		snprintf(ret, PACKAGE_LABEL_SIZE, "component %u", (unsigned)i);
	return ret;
}

int package_component_find(const struct package *p, const char *text, size_t *ret, struct err *e)
{
	char list[160] = "";
	uint32_t number;

	if (parse_u32(text, &number, NULL) == 0 && number < p->header.n_components) {
		*ret = number;
		return 0;
	}
	for (size_t i = 0; i < p->header.n_components; i++) {
		size_t len = strlen(list);

		if (p->names[i][0] != '\0' && strcmp(text, p->names[i]) == 0) {
			*ret = i;
			return 0;
		}
		if (p->names[i][0] != '\0')
			snprintf(list + len, sizeof(list) - len, "%s, ", p->names[i]);
		else
			snprintf(list + len, sizeof(list) - len, "%zu, ", i);
	}
	list[strlen(list) - 2] = '\0';
	err_set(e, ERR_USAGE, "no component '%.40s' in the package", text);
	return err_hint(e, "there is: %s", list);
}

/* The plain bytes of component `i`: as they are stored, or in `unpacked`. */
static int package_plain(
	const struct package *p, size_t i, struct buf *unpacked, const uint8_t **ret, struct err *e)
{
	struct imf_component c = package_component(p, i);
	struct delta_recipe r = {.whole = true, .plain_size = c.plain_size};
	cleanup_buf struct buf content = BUF_INIT;
	const uint8_t *payload = p->payload + c.stored_offset;
	uint32_t len = c.stored_size;
	uint8_t salt[IMF_SALT_SIZE];
	int rc = 0;

	*ret = payload;
	if (c.encoding == 0)
		return 0;
	if ((c.encoding & IMF_ENC_DELTA) != 0) {
		err_set(e, ERR_UNSUPPORTED,
			"component %zu is a delta: it needs the image it was made from", i);
		return err_hint(e,
			"'stmota patch OLD FILE --out NEW' makes the new image; or take the full "
			"package");
	}
	if ((c.encoding & (IMF_ENC_ENCRYPTED | IMF_ENC_CHAINED)) != 0) {
		rc = package_content(p, i, &content, e);
		payload = content.data;
		len = (uint32_t)content.len;
	}
	if (rc < 0)
		return rc;
	if ((c.encoding & IMF_ENC_COMPRESSED) == 0) {
		*unpacked = content;
		content = BUF_INIT;
	} else {
		r.ram = imf_manifest_compressed(&p->manifest, (uint32_t)i);
		memcpy(r.plain_digest, c.plain_digest, SHA256_SIZE);
		if (package_plain_salt(p, i, salt))
			r.plain_salt = salt;
		rc = delta_apply(&r, NULL, payload, len, unpacked, e);
	}
	if (rc < 0)
		return err_wrap(e, "component %zu", i);
	*ret = unpacked->data;
	return 0;
}

int package_segments(const struct package *p, size_t i, struct segments *ret, struct err *e)
{
	cleanup_buf struct buf unpacked = BUF_INIT;
	uint32_t offset = 0, addr, run;
	const uint8_t *plain;
	int made = package_plain(p, i, &unpacked, &plain, e);

	if (made < 0)
		return made;
	while (imf_manifest_place(&p->manifest, (uint32_t)i, offset, &addr, &run)) {
		int rc = segments_add(ret, addr, plain + offset, run, e);

		if (rc < 0)
			return rc;
		offset += run;
	}
	return 0;
}

int package_app_info(
	const struct package *p, size_t i, struct imf_app_info *ret, bool *ret_found, struct err *e)
{
	struct imf_component c = package_component(p, i);
	cleanup_buf struct buf unpacked = BUF_INIT;
	const uint8_t *plain;
	int rc;

	*ret_found = false;
	/* The record of a delta is in the image that it makes; what is locked tells nothing. */
	if (c.app_info == 0 || (c.encoding & IMF_ENC_DELTA) != 0 ||
		((c.encoding & IMF_ENC_ENCRYPTED) != 0 && p->root_len == 0))
		return 0;
	rc = package_plain(p, i, &unpacked, &plain, e);
	if (rc < 0)
		return rc;
	if (imf_app_info_parse(plain + c.app_info, ret) < 0)
		return err_set(e, ERR_DAMAGED,
			"component %zu has no firmware record where the manifest says", i);
	*ret_found = true;
	return 0;
}

/* ---- signatures ---- */

int package_verify(const struct package *p, const struct trust *t, uint64_t now,
	struct package_verdict *ret, struct err *e)
{
	struct trust_signature signatures[PACKAGE_SIGNATURES_MAX];
	uint8_t message[IMF_SIGN_MESSAGE_SIZE];
	struct package_verdict verdict = {0};
	struct imf_signature one;
	uint32_t at = 0;
	size_t n = 0;
	int rc;

	while (imf_signatures_next(&p->signatures, &at, &one))
		if (one.len == KEY_SIGNATURE_SIZE)
			signatures[n++] = (struct trust_signature){one.key_id, one.signature};
	imf_sign_message(p->digest, message);
	rc = trust_judge(t, TRUST_RELEASE, now, message, sizeof(message), signatures, n,
		verdict.signers, ARRAY_LEN(verdict.signers), &verdict.n_signers, e);
	if (ret != NULL)
		*ret = verdict;
	return rc;
}

/* ---- the firmware's own record ---- */

int package_find_app_info(const struct segments *image, uint32_t *ret_offset,
	struct imf_app_info *ret, bool *ret_found, struct err *e)
{
	uint32_t before = 0;

	*ret_found = false;
	for (size_t i = 0; i < image->n; before += image->v[i].len, i++) {
		uint32_t offset = 0;
		int rc = imf_app_info_find(image->v[i].data, image->v[i].len, &offset, ret);

		if (rc == IMF_ERR_NOT_FOUND)
			continue;
		if (rc < 0 || *ret_found) {
			err_set(e, ERR_FORMAT, "the image holds more than one firmware record");
			return err_hint(e, "link only one object with IMF_APP_INFO()");
		}
		/* The manifest counts in words, as a device reads them. */
		if ((before + offset) % 4 != 0 || before + offset == 0)
			return err_set(e, ERR_FORMAT,
				"the firmware record at 0x%08X lies behind a hole that "
				"ends at an odd place",
				image->v[i].addr + offset);
		*ret_offset = before + offset;
		*ret_found = true;
	}
	return 0;
}
