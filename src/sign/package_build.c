/* SPDX-License-Identifier: Apache-2.0 */
/*
 * package_build.c - packages are put together and signed
 *
 * No clock, no random number, no order that depends on memory: the same input gives the same
 * bytes. What was built is read again by the parser that devices use before it leaves.
 */
#include <stmota/package.h>

#include <string.h>

#include <imf/imf_bytes.h>
#include <imf/imf_patch.h>

#include "package_priv.h"

static const struct {
	enum imf_kind kind;
	const char *name;
} kinds[] = {
	{IMF_KIND_APPLICATION, "application"},
	{IMF_KIND_SECOND_IMAGE, "second-image"},
	{IMF_KIND_CONFIGURATION, "configuration"},
	{IMF_KIND_RAM_INIT, "ram-init"},
	{IMF_KIND_RAM_CODE, "ram-code"},
	{IMF_KIND_OPAQUE, "data"},
};

const char *package_kind_name(enum imf_kind kind)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].kind == kind)
			return kinds[i].name;
	return "unknown";
}

int package_kind_parse(const char *text, enum imf_kind *ret, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (strcmp(text, kinds[i].name) == 0) {
			*ret = kinds[i].kind;
			return 0;
		}
	}
	err_set(e, ERR_USAGE, "'%.60s' is no kind of component", text);
	return err_hint(
		e, "kinds are application, second-image, configuration, ram-init, ram-code, data");
}

/* ---- what is asked for ---- */

static bool is_program(enum imf_kind kind)
{
	return kind == IMF_KIND_APPLICATION || kind == IMF_KIND_SECOND_IMAGE;
}

static int check_item(const struct package_item *it, size_t i, struct err *e)
{
	struct span extent = segments_extent(it->image);
	uint64_t size = segments_size(it->image);

	if (it->image->n == 0)
		return err_set(e, ERR_USAGE, "component %zu holds no bytes", i);
	if (size > IMF_PAYLOAD_MAX)
		return err_set(e, ERR_UNSUPPORTED, "component %zu is larger than 2 GiB", i);
	if (it->entry != 0) {
		if (!is_program(it->kind) && it->kind != IMF_KIND_RAM_CODE)
			return err_set(e, ERR_USAGE,
				"component %zu of kind %s cannot have an entry point", i,
				package_kind_name(it->kind));
		if ((it->entry & 1) == 0)
			return err_set(e, ERR_USAGE,
				"entry point 0x%08X is even: Thumb code needs bit 0 set",
				it->entry);
		if (!span_contains(extent, (struct span){it->entry - 1, 2}))
			return err_set(e, ERR_USAGE,
				"entry point 0x%08X lies outside component %zu", it->entry, i);
	}
	if (it->kind == IMF_KIND_OPAQUE && it->image->n > 1)
		return err_set(e, ERR_USAGE, "component %zu of kind data has holes", i);
	if (it->kind == IMF_KIND_OPAQUE && it->name == NULL) {
		err_set(e, ERR_USAGE, "component %zu is data for another chip and has no name", i);
		return err_hint(e, "who passes it on goes by the name: "
				   "--component radio=data:FILE, or [component radio]");
	}
	return it->name != NULL ? package_name_check(it->name, e) : 0;
}

/* Components that name their own address share the flash or the RAM; 0: neither. */
static int memory_of(const struct package_item *it)
{
	if (it->slot != IMF_NO_SLOT || it->kind == IMF_KIND_OPAQUE)
		return 0;
	return it->kind <= IMF_KIND_CONFIGURATION ? 1 : 2;
}

static int check_pair(const struct package_spec *s, size_t k, size_t i, struct err *e)
{
	const struct package_item *a = &s->items[k], *b = &s->items[i];

	if (a->name != NULL && b->name != NULL && strcmp(a->name, b->name) == 0)
		return err_set(
			e, ERR_USAGE, "components %zu and %zu are both called '%s'", k, i, a->name);
	if (a->slot != IMF_NO_SLOT && a->slot == b->slot)
		return err_set(e, ERR_USAGE, "components %zu and %zu go to the same slot %u", k, i,
			a->slot);
	if (memory_of(a) == 0 || memory_of(a) != memory_of(b) ||
		!span_overlaps(segments_extent(a->image), segments_extent(b->image)))
		return 0;
	err_set(e, ERR_USAGE, "components %zu and %zu overlap", k, i);
	return err_at(e, b->image->v[0].addr);
}

/* A lock that nobody uses would leave plain what somebody thinks is not. */
static int check_encodings(const struct package_spec *s, struct err *e)
{
	bool encrypts = false;

	for (size_t i = 0; i < s->n_items; i++) {
		uint32_t size = s->items[i].chunk_size;

		encrypts = encrypts || s->items[i].encrypt;
		if (size != 0 && size != IMF_CHUNK_MIN && size != 2048 && size != IMF_CHUNK_MAX)
			return err_set(e, ERR_USAGE, "chunks are of 1024, 2048 or 4096 bytes");
	}
	if (encrypts && s->lock == NULL) {
		err_set(e, ERR_USAGE, "a component is to be encrypted, and there is no key");
		return err_hint(e, "--encrypt-key PRODUCT.key, or --encrypt-to DEVICE.pub.pem");
	}
	if (!encrypts && s->lock != NULL)
		return err_set(e, ERR_USAGE, "there is a key, and no component is to be encrypted");
	return 0;
}

static int check_spec(const struct package_spec *s, struct err *e)
{
	int rc = product_check(s->product, e);

	if (rc < 0)
		return rc;
	if (s->n_items == 0)
		return err_set(e, ERR_USAGE, "a package needs at least one component");
	if (s->n_items > IMF_COMPONENTS_MAX)
		return err_set(e, ERR_UNSUPPORTED, "more than %u components", IMF_COMPONENTS_MAX);
	if (s->hw_min > s->hw_max || s->chip > 0xFFF)
		return err_set(e, ERR_USAGE, "impossible hardware range or chip");
	if (imf_version_compare(s->min_version, s->version) > 0)
		return err_set(
			e, ERR_USAGE, "the minimum version is above the package's own version");
	for (size_t i = 0; i < s->n_items; i++) {
		rc = check_item(&s->items[i], i, e);
		for (size_t k = 0; rc == 0 && k < i; k++)
			rc = check_pair(s, k, i, e);
		if (rc < 0)
			return rc;
	}
	return check_encodings(s, e);
}

/* ---- bytes ---- */

int package_append_tlv(struct buf *b, uint16_t type, const void *value, size_t len, struct err *e)
{
	uint8_t head[IMF_TLV_HEADER_SIZE];
	int rc;

	imf_put_le16(head, type);
	imf_put_le16(head + 2, (uint16_t)len);
	rc = buf_append(b, head, sizeof(head), e);
	if (rc == 0)
		rc = buf_append(b, value, len, e);
	return rc < 0 ? rc : buf_fill(b, 0, (4 - len % 4) % 4, e);
}

static int append_segment_map(struct buf *b, size_t i, const struct segments *s, struct err *e)
{
	cleanup_buf struct buf map = BUF_INIT;
	uint8_t pair[8];
	int rc;

	imf_put_le32(pair, (uint32_t)i);
	rc = buf_append(&map, pair, 4, e);
	for (size_t k = 0; rc == 0 && k < s->n; k++) {
		imf_put_le32(pair, s->v[k].addr);
		imf_put_le32(pair + 4, s->v[k].len);
		rc = buf_append(&map, pair, sizeof(pair), e);
	}
	if (rc == 0 && map.len > IMF_HEAD_MAX) {
		err_set(e, ERR_UNSUPPORTED,
			"component %zu has %zu holes, more than a package can tell", i, s->n - 1);
		rc = err_hint(e, "close small holes before: objcopy --gap-fill 0xff");
	}
	return rc < 0 ? rc : package_append_tlv(b, IMF_TLV_SEGMENTS, map.data, map.len, e);
}

static int append_delta(struct buf *b, size_t i, const struct package_delta *d, struct err *e)
{
	uint8_t v[48];

	imf_put_le16(v, (uint16_t)i);
	imf_put_le16(v + 2, IMF_PATCH_CODEC);
	imf_put_le32(v + 4, d->ram);
	imf_put_le32(v + 8, d->base_addr);
	imf_put_le32(v + 12, d->base_len);
	memcpy(v + 16, d->base_digest, SHA256_SIZE);
	return package_append_tlv(b, IMF_TLV_DELTA_BASE, v, sizeof(v), e);
}

static int append_base_version(
	struct buf *b, size_t i, const struct package_delta *d, struct err *e)
{
	uint8_t v[4 + IMF_VERSION_SIZE];

	imf_put_le32(v, (uint32_t)i);
	imf_version_put(v + 4, d->base_version);
	return package_append_tlv(b, IMF_TLV_BASE_VERSION, v, sizeof(v), e);
}

static int append_packed(struct buf *b, size_t i, const struct package_packed *d, struct err *e)
{
	uint8_t v[8];

	imf_put_le16(v, (uint16_t)i);
	imf_put_le16(v + 2, IMF_PATCH_CODEC);
	imf_put_le32(v + 4, d->ram);
	return package_append_tlv(b, IMF_TLV_COMPRESSED, v, sizeof(v), e);
}

static int append_in_place(struct buf *b, size_t i, const struct imf_groups *g, struct err *e)
{
	uint8_t v[8 + 8 * IMF_GROUP_RUNS_MAX] = {0};

	imf_put_le16(v, (uint16_t)i);
	imf_put_le32(v + 4, g->journal);
	for (uint32_t k = 0; k < g->n_runs; k++) {
		imf_put_le32(v + 8 + k * 8, g->runs[k].n);
		imf_put_le32(v + 12 + k * 8, g->runs[k].size);
	}
	return package_append_tlv(b, IMF_TLV_IN_PLACE, v, 8 + 8 * g->n_runs, e);
}

static int append_tlvs(struct buf *b, const struct package_spec *s,
	const struct package_sealed *sealed, struct err *e)
{
	int rc = package_append_tlv(b, IMF_TLV_PRODUCT_NAME, s->product, strlen(s->product), e);

	if (rc == 0)
		rc = package_append_meta(b, s, e);
	for (size_t i = 0; rc == 0 && i < s->n_items; i++)
		if (s->items[i].delta != NULL && s->items[i].delta->has_base_version)
			rc = append_base_version(b, i, s->items[i].delta, e);
	for (size_t i = 0; rc == 0 && i < s->n_items; i++)
		if (s->items[i].image->n > 1)
			rc = append_segment_map(b, i, s->items[i].image, e);
	for (size_t i = 0; rc == 0 && i < s->n_items; i++)
		if (s->items[i].delta != NULL)
			rc = append_delta(b, i, s->items[i].delta, e);
	if (rc == 0)
		rc = package_append_encodings(b, s, sealed, e);
	for (size_t i = 0; rc == 0 && i < s->n_items; i++)
		if (s->items[i].packed != NULL)
			rc = append_packed(b, i, s->items[i].packed, e);
	for (size_t i = 0; rc == 0 && i < s->n_items; i++)
		if (s->items[i].delta != NULL && s->items[i].delta->groups != NULL)
			rc = append_in_place(b, i, s->items[i].delta->groups, e);
	return rc;
}

static int append_component(struct buf *b, const struct package_item *it,
	const struct package_sealed *sealed, struct err *e)
{
	uint8_t p[IMF_COMPONENT_SIZE] = {0};

	imf_put_le16(p, (uint16_t)it->kind);
	imf_put_le16(p + 2, sealed->encoding);
	imf_put_le16(p + 4, it->slot);
	imf_put_le32(p + 8, it->image->v[0].addr);
	imf_put_le32(p + 12, it->entry);
	imf_put_le32(p + 16, it->app_info);
	imf_put_le32(p + 20, sealed->stored_size);
	imf_put_le32(p + 24, (uint32_t)segments_size(it->image));
	memcpy(p + 32, sealed->plain_digest, SHA256_SIZE);
	memcpy(p + 64, sealed->stored_digest, SHA256_SIZE);
	return buf_append(b, p, sizeof(p), e);
}

static int fill_header(uint8_t *p, const struct package_spec *s,
	const struct package_sealed *sealed, size_t manifest_size, uint64_t payload_size,
	struct err *e)
{
	uint16_t encodings = 0;

	memcpy(p, package_magic, IMF_MAGIC_SIZE);
	imf_put_le16(p + 8, IMF_FORMAT_VERSION);
	imf_put_le16(p + 10, (uint16_t)s->n_items);
	imf_put_le32(p + 12, (uint32_t)manifest_size);
	imf_put_le32(p + 16, (uint32_t)payload_size);
	imf_put_le32(p + 20, s->counter);
	imf_version_put(p + 24, s->version);
	imf_version_put(p + 32, s->min_version);
	imf_put_le16(p + 56, s->hw_min);
	imf_put_le16(p + 58, s->hw_max);
	imf_put_le16(p + 60, s->chip);
	imf_put_le32(p + 64, s->items[0].image->v[0].addr);
	imf_put_le32(p + 68, (uint32_t)segments_size(s->items[0].image));
	for (size_t i = s->n_items; i-- > 0;) {
		const struct package_delta *d = s->items[i].delta;
		uint32_t ram = package_raw_of(&s->items[i]).ram;

		encodings |= sealed[i].encoding;
		if (ram > imf_get_le32(p + 72))
			imf_put_le32(p + 72, ram);
		if (d != NULL)
			memcpy(p + 80, d->base_digest, IMF_BASE_PREFIX_SIZE);
	}
	imf_put_le16(p + 62, encodings);
	return product_uuid(s->product, p + 40, e);
}

static int append_payload(struct buf *b, const struct package_item *it,
	const struct package_sealed *sealed, struct err *e)
{
	struct package_raw raw = package_raw_of(it);
	int rc = 0;

	if (sealed->stored.len > 0)
		return buf_append(b, sealed->stored.data, sealed->stored.len, e);
	if (raw.encoding != 0)
		return buf_append(b, raw.data, raw.len, e);
	for (size_t k = 0; rc == 0 && k < it->image->n; k++)
		rc = buf_append(b, it->image->v[k].data, it->image->v[k].len, e);
	return rc;
}

static int append_manifest(struct buf *b, const struct package_spec *s,
	const struct package_sealed *sealed, uint64_t payload_size, struct err *e)
{
	int rc = buf_fill(b, 0, IMF_HEADER_SIZE, e);

	for (size_t i = 0; rc == 0 && i < s->n_items; i++)
		rc = append_component(b, &s->items[i], &sealed[i], e);
	if (rc == 0)
		rc = append_tlvs(b, s, sealed, e);
	if (rc == 0 && b->len > IMF_HEAD_MAX - IMF_SIG_HEADER_SIZE) {
		err_set(e, ERR_UNSUPPORTED, "the manifest would be %zu bytes, the format takes %u",
			b->len, IMF_HEAD_MAX - IMF_SIG_HEADER_SIZE);
		rc = err_hint(
			e, "fewer components, or fewer holes: objcopy --gap-fill 0xff closes them");
	}
	return rc < 0 ? rc : fill_header(b->data, s, sealed, b->len, payload_size, e);
}

static int build(
	const struct package_spec *s, struct package_sealed *sealed, struct buf *b, struct err *e)
{
	uint64_t payload_size = 0;
	size_t area;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < s->n_items; i++) {
		rc = package_seal(s, i, &sealed[i], e);
		payload_size += sealed[i].stored_size;
	}
	if (rc == 0 && payload_size > IMF_PAYLOAD_MAX)
		rc = err_set(e, ERR_UNSUPPORTED, "the components are larger than 2 GiB together");
	if (rc == 0)
		rc = append_manifest(b, s, sealed, payload_size, e);
	area = b->len;
	if (rc == 0)
		rc = buf_fill(b, 0, IMF_SIG_HEADER_SIZE, e);
	for (size_t i = 0; rc == 0 && i < s->n_items; i++)
		rc = append_payload(b, &s->items[i], &sealed[i], e);
	if (rc == 0 && s->lock != NULL && s->lock->source == IMF_KEY_WRAPPED)
		rc = package_put_wraps(b, area, area + IMF_SIG_HEADER_SIZE, 0, s->lock, e);
	return rc;
}

int package_build(const struct package_spec *spec, struct buf *ret, struct err *e)
{
	struct package_sealed sealed[IMF_COMPONENTS_MAX] = {0};
	cleanup_buf struct buf b = BUF_INIT;
	struct package check;
	int rc = check_spec(spec, e);

	if (rc == 0)
		rc = build(spec, sealed, &b, e);
	for (size_t i = 0; i < ARRAY_LEN(sealed); i++)
		package_sealed_done(&sealed[i]);
	if (rc == 0)
		rc = package_parse(b.data, b.len, &check, e);
	if (rc < 0)
		return rc;
	buf_done(ret);
	*ret = b;
	b = BUF_INIT;
	return 0;
}

/* ---- signing ---- */

static bool signed_by(const struct package *p, const struct key *k)
{
	struct imf_signature one;
	uint32_t at = 0;

	while (imf_signatures_next(&p->signatures, &at, &one))
		if (memcmp(one.key_id, key_id(k), KEY_ID_SIZE) == 0)
			return true;
	return false;
}

/* Puts the record of a signature behind those that are there. */
static int add_record(struct buf *pkg, const struct package *p, const struct key *k,
	const uint8_t signature[KEY_SIGNATURE_SIZE], struct err *e)
{
	uint8_t record[IMF_SIG_RECORD_SIZE + IMF_SIGNATURE_SIZE] = {0};
	size_t at = p->header.manifest_size;
	size_t head = at + IMF_SIG_HEADER_SIZE + p->signatures.size;
	uint32_t size = p->signatures.size + (uint32_t)sizeof(record);

	if (buf_fill(pkg, 0, sizeof(record), e) < 0)
		return ERR_NOMEM;
	memcpy(record, key_id(k), KEY_ID_SIZE);
	imf_put_le16(record + KEY_ID_SIZE, IMF_SIGNATURE_SIZE);
	memcpy(record + IMF_SIG_RECORD_SIZE, signature, IMF_SIGNATURE_SIZE);
	memmove(pkg->data + head + sizeof(record), pkg->data + head,
		pkg->len - sizeof(record) - head);
	memcpy(pkg->data + head, record, sizeof(record));
	imf_put_le32(pkg->data + at, size);
	return 0;
}

/* Takes the package apart and sees whether `k` may add a signature. */
static int open_to_sign(
	const struct buf *pkg, const struct key *k, struct package *ret, struct err *e)
{
	int rc = package_parse(pkg->data, pkg->len, ret, e);

	if (rc < 0)
		return rc;
	if (signed_by(ret, k)) {
		err_set(e, ERR_USAGE, "this key has signed the package already");
		return err_hint(e, "one key counts once: sign with another one");
	}
	if (ret->n_signatures >= PACKAGE_SIGNATURES_MAX ||
		ret->header.manifest_size + IMF_SIG_HEADER_SIZE + ret->signatures.size +
				IMF_SIG_RECORD_SIZE + IMF_SIGNATURE_SIZE >
			IMF_HEAD_MAX)
		return err_set(e, ERR_UNSUPPORTED, "no room for another signature");
	return 0;
}

int package_sign(struct buf *pkg, const struct key *k, struct err *e)
{
	uint8_t message[IMF_SIGN_MESSAGE_SIZE], signature[KEY_SIGNATURE_SIZE];
	struct package p;
	int rc = open_to_sign(pkg, k, &p, e);

	if (rc < 0)
		return rc;
	imf_sign_message(p.digest, message);
	rc = key_sign(k, message, sizeof(message), signature, e);
	return rc < 0 ? rc : add_record(pkg, &p, k, signature, e);
}

int package_attach(
	struct buf *pkg, const struct key *k, const void *signature, size_t len, struct err *e)
{
	uint8_t message[IMF_SIGN_MESSAGE_SIZE], raw[KEY_SIGNATURE_SIZE];
	struct package p;
	int rc = open_to_sign(pkg, k, &p, e);

	if (rc == 0)
		rc = key_signature_read(k, signature, len, raw, e);
	if (rc < 0)
		return rc;
	imf_sign_message(p.digest, message);
	if (!key_verify(k, message, sizeof(message), raw)) {
		err_set(e, ERR_SIGNATURE, "this is no signature of this key for this package");
		return err_hint(e, "the message to sign is what --digest-out writes, unchanged");
	}
	return add_record(pkg, &p, k, raw, e);
}
