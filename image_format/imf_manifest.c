/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_manifest.c - manifest and signature area, checked rule by rule as SPEC.md numbers them
 *
 * One meaning has one encoding: whatever is not needed must be zero, sorted and exactly as long
 * as it says, so that two checkers cannot read two packages out of the same bytes.
 */
#include <imf/imf_manifest.h>
#include <imf/imf_bytes.h>
#include <imf/imf_config.h>

#include "imf_manifest_priv.h"
#include "imf_priv.h"

static const uint8_t magic[IMF_MAGIC_SIZE] = {0x89, 'S', 'O', 'T', 'A', '\r', '\n', 0x1A};

/* True if addr + size passes 2^32; a range may end there. */
static bool passes_end(uint32_t addr, uint32_t size)
{
	return size != 0 && addr > UINT32_MAX - (size - 1);
}

/* ---- refusal header ---- */

static void header_fields(const uint8_t *p, struct imf_header *h)
{
	h->n_components = imf_get_le16(p + 10);
	h->manifest_size = imf_get_le32(p + 12);
	h->payload_size = imf_get_le32(p + 16);
	h->counter = imf_get_le32(p + 20);
	h->version = imf_version_get(p + 24);
	h->min_version = imf_version_get(p + 32);
	IMF_MEMCPY(h->product, p + 40, IMF_UUID_SIZE);
	h->hw_min = imf_get_le16(p + 56);
	h->hw_max = imf_get_le16(p + 58);
	h->chip = imf_get_le16(p + 60);
	h->encodings = imf_get_le16(p + 62);
	h->load_addr = imf_get_le32(p + 64);
	h->plain_size = imf_get_le32(p + 68);
	h->decoder_ram = imf_get_le32(p + 72);
	IMF_MEMCPY(h->base_prefix, p + 80, IMF_BASE_PREFIX_SIZE);
}

static int header_sizes(const struct imf_header *h)
{
	if (h->n_components == 0)
		return IMF_ERR_FORMAT;
	if (h->n_components > IMF_COMPONENTS_MAX ||
		h->manifest_size > IMF_HEAD_MAX - IMF_SIG_HEADER_SIZE ||
		h->payload_size > IMF_PAYLOAD_MAX)
		return IMF_ERR_LIMIT;
	if (h->manifest_size % 4 != 0 ||
		h->manifest_size < IMF_HEADER_SIZE + h->n_components * IMF_COMPONENT_SIZE)
		return IMF_ERR_FORMAT;
	if (h->plain_size == 0 || passes_end(h->load_addr, h->plain_size))
		return IMF_ERR_FORMAT;
	return IMF_OK;
}

static bool ram_fits(uint32_t ram)
{
	return ram == 4096 || ram == 8192 || ram == 16384;
}

int imf_header_parse(const uint8_t p[IMF_HEADER_SIZE], struct imf_header *ret)
{
	struct imf_header h;
	int rc;

	if (IMF_MEMCMP(p, magic, IMF_MAGIC_SIZE) != 0)
		return IMF_ERR_MAGIC;
	if (imf_get_le16(p + 8) != IMF_FORMAT_VERSION)
		return IMF_ERR_FORMAT_VERSION;
	header_fields(p, &h);
	rc = header_sizes(&h);
	if (rc < 0)
		return rc;
	if (!imf_all_zero(p + 76, 4) || !imf_all_zero(p + 96, 32))
		return IMF_ERR_FORMAT;
	if (h.hw_min > h.hw_max || h.chip > 0xFFF ||
		imf_version_compare(h.min_version, h.version) > 0)
		return IMF_ERR_FORMAT;
	if ((h.encodings & ~IMF_ENC_KNOWN) != 0 || (h.encodings & ~IMF_ENC_BUILT) != 0)
		return IMF_ERR_ENCODING;
	if ((h.encodings & (IMF_ENC_DELTA | IMF_ENC_COMPRESSED)) == 0 ? h.decoder_ram != 0
								      : !ram_fits(h.decoder_ram))
		return IMF_ERR_FORMAT;
	if ((h.encodings & IMF_ENC_DELTA) == 0 &&
		!imf_all_zero(h.base_prefix, IMF_BASE_PREFIX_SIZE))
		return IMF_ERR_FORMAT;
	*ret = h;
	return IMF_OK;
}

/* ---- component table ---- */

static void component_fields(const uint8_t *p, struct imf_component *c)
{
	c->kind = imf_get_le16(p);
	c->encoding = imf_get_le16(p + 2);
	c->slot = imf_get_le16(p + 4);
	c->load_addr = imf_get_le32(p + 8);
	c->entry = imf_get_le32(p + 12);
	c->app_info = imf_get_le32(p + 16);
	c->stored_size = imf_get_le32(p + 20);
	c->plain_size = imf_get_le32(p + 24);
	c->plain_digest = p + 32;
	c->stored_digest = p + 64;
	c->stored_offset = 0;
}

static bool is_program(uint16_t kind)
{
	return kind == IMF_KIND_APPLICATION || kind == IMF_KIND_SECOND_IMAGE;
}

/* Without holes; imf_manifest_parse() looks again where there are some. */
static bool entry_fits(const struct imf_component *c)
{
	if (c->entry == 0)
		return true;
	if (!is_program(c->kind) && c->kind != IMF_KIND_RAM_CODE)
		return false;
	/* Thumb: bit 0 set. The address itself is even and not below the component. */
	return (c->entry & 1u) != 0 && c->entry - 1 >= c->load_addr;
}

static bool app_info_fits(const struct imf_component *c)
{
	if (c->app_info == 0)
		return true;
	return is_program(c->kind) && c->app_info % 4 == 0 && c->plain_size >= 64 &&
	       c->app_info <= c->plain_size - 64;
}

static int component_check(const uint8_t *p, const struct imf_component *c)
{
	if (c->kind < IMF_KIND_APPLICATION || c->kind > IMF_KIND_OPAQUE)
		return IMF_ERR_KIND;
	if ((c->encoding & ~IMF_ENC_BUILT) != 0)
		return IMF_ERR_ENCODING;
	if ((c->encoding & (IMF_ENC_DELTA | IMF_ENC_COMPRESSED)) ==
		(IMF_ENC_DELTA | IMF_ENC_COMPRESSED))
		return IMF_ERR_FORMAT;
	if (!imf_all_zero(p + 6, 2) || !imf_all_zero(p + 28, 4))
		return IMF_ERR_FORMAT;
	if (c->plain_size == 0 || c->stored_size == 0 || passes_end(c->load_addr, c->plain_size))
		return IMF_ERR_FORMAT;
	if (!entry_fits(c) || !app_info_fits(c))
		return IMF_ERR_FORMAT;
	if (c->encoding == 0 &&
		(c->stored_size != c->plain_size ||
			IMF_MEMCMP(c->plain_digest, c->stored_digest, IMF_DIGEST_SIZE) != 0))
		return IMF_ERR_FORMAT;
	return IMF_OK;
}

static int components_check(const struct imf_manifest *m)
{
	const struct imf_header *h = &m->header;
	uint32_t left = h->payload_size, i;
	uint16_t encodings = 0;
	struct imf_component c;

	for (i = 0; i < h->n_components; i++) {
		const uint8_t *p = m->bytes + IMF_HEADER_SIZE + i * IMF_COMPONENT_SIZE;
		int rc;

		component_fields(p, &c);
		rc = component_check(p, &c);
		if (rc < 0)
			return rc;
		if (c.stored_size > left)
			return IMF_ERR_FORMAT;
		left -= c.stored_size;
		encodings = (uint16_t)(encodings | c.encoding);
		if (i == 0 && (c.load_addr != h->load_addr || c.plain_size != h->plain_size))
			return IMF_ERR_FORMAT;
	}
	return left == 0 && encodings == h->encodings ? IMF_OK : IMF_ERR_FORMAT;
}

void imf_manifest_component(const struct imf_manifest *m, uint32_t i, struct imf_component *ret)
{
	const uint8_t *table = m->bytes + IMF_HEADER_SIZE;
	uint32_t offset = 0, k;

	for (k = 0; k < i; k++)
		offset += imf_get_le32(table + k * IMF_COMPONENT_SIZE + 20);
	component_fields(table + i * IMF_COMPONENT_SIZE, ret);
	ret->stored_offset = offset;
}

/* ---- TLVs ---- */

bool imf_manifest_tlv(const struct imf_manifest *m, uint32_t *offset, struct imf_tlv *ret)
{
	uint32_t start = IMF_HEADER_SIZE + m->header.n_components * IMF_COMPONENT_SIZE;
	uint32_t left = m->header.manifest_size - start;
	const uint8_t *p;

	if (*offset > left || left - *offset < IMF_TLV_HEADER_SIZE)
		return false;
	p = m->bytes + start + *offset;
	ret->type = imf_get_le16(p);
	ret->len = imf_get_le16(p + 2);
	ret->value = p + IMF_TLV_HEADER_SIZE;
	/* Rounded up to a multiple of 4; 65,535 + 3 + 4 cannot wrap. */
	*offset += IMF_TLV_HEADER_SIZE + (((uint32_t)ret->len + 3u) & ~3u);
	return *offset <= left;
}

bool imf_tlv_of(const struct imf_manifest *m, uint16_t type, uint32_t i, struct imf_tlv *ret)
{
	uint32_t offset = 0;

	while (imf_manifest_tlv(m, &offset, ret))
		if (ret->type == type && imf_get_le16(ret->value) == i)
			return true;
	return false;
}

const uint8_t *imf_manifest_name(const struct imf_manifest *m, uint32_t i, uint32_t *ret_len)
{
	struct imf_tlv t;

	if (!imf_tlv_of(m, IMF_TLV_COMPONENT_NAME, i, &t))
		return NULL;
	*ret_len = t.len - 2u;
	return t.value + 2;
}

#ifndef IMF_NO_SEGMENTS

/* Value of a segment map: component u16, zero u16, then (address u32, length u32) pairs. */
static int segments_check(const struct imf_manifest *m, const struct imf_tlv *t)
{
	uint32_t sum = 0, end = 0, at;
	struct imf_component c;

	if ((t->len - 4) % 8 != 0 || !imf_all_zero(t->value + 2, 2))
		return IMF_ERR_FORMAT;
	imf_manifest_component(m, imf_get_le16(t->value), &c);
	if (c.kind == IMF_KIND_OPAQUE)
		return IMF_ERR_FORMAT;
	for (at = 4; at < t->len; at += 8) {
		uint32_t addr = imf_get_le32(t->value + at);
		uint32_t len = imf_get_le32(t->value + at + 4);

		if (len == 0 || passes_end(addr, len) || len > c.plain_size - sum)
			return IMF_ERR_FORMAT;
		/* `end` is the last byte of the segment before: a hole of at least one byte. */
		if (at == 4 ? addr != c.load_addr : addr <= end || addr - end < 2)
			return IMF_ERR_FORMAT;
		end = addr + (len - 1);
		sum += len;
	}
	return sum == c.plain_size ? IMF_OK : IMF_ERR_FORMAT;
}

#endif

/* ---- deltas ---- */

#ifndef IMF_NO_PATCH

#define DELTA_SIZE  48u
#define DELTA_CODEC 1u
#define DELTA_MAX   0xFFFFFFu /* bytes of either image */

/* Value: component u16, codec u16, RAM u32, address u32, length u32, SHA-256. */
static int delta_check(const struct imf_manifest *m, const struct imf_tlv *t)
{
	struct imf_component c;
	uint32_t len;

	if (imf_get_le16(t->value + 2) != DELTA_CODEC)
		return IMF_ERR_ENCODING;
	imf_manifest_component(m, imf_get_le16(t->value), &c);
	len = imf_get_le32(t->value + 12);
	if ((c.encoding & IMF_ENC_DELTA) == 0 || !ram_fits(imf_get_le32(t->value + 4)) ||
		len == 0 || len > DELTA_MAX || c.plain_size > DELTA_MAX ||
		passes_end(imf_get_le32(t->value + 8), len))
		return IMF_ERR_FORMAT;
	return IMF_OK;
}

bool imf_manifest_delta(const struct imf_manifest *m, uint32_t i, struct imf_delta *ret)
{
	struct imf_tlv t;

	if (!imf_tlv_of(m, IMF_TLV_DELTA_BASE, i, &t))
		return false;
	ret->ram = imf_get_le32(t.value + 4);
	ret->addr = imf_get_le32(t.value + 8);
	ret->len = imf_get_le32(t.value + 12);
	ret->digest = t.value + 16;
	return true;
}

/* Value: component u16, zero u16, version. */
static int base_version_check(const struct imf_manifest *m, const struct imf_tlv *t)
{
	struct imf_component c;

	imf_manifest_component(m, imf_get_le16(t->value), &c);
	return (c.encoding & IMF_ENC_DELTA) != 0 && imf_all_zero(t->value + 2, 2) ? IMF_OK
										  : IMF_ERR_FORMAT;
}

bool imf_manifest_base_version(const struct imf_manifest *m, uint32_t i, struct imf_version *ret)
{
	struct imf_tlv t;

	if (!imf_tlv_of(m, IMF_TLV_BASE_VERSION, i, &t))
		return false;
	*ret = imf_version_get(t.value + 4);
	return true;
}

#ifndef IMF_NO_WHOLE

/* Value: component u16, codec u16, RAM u32. */
static int compressed_check(const struct imf_manifest *m, const struct imf_tlv *t)
{
	struct imf_component c;

	if (imf_get_le16(t->value + 2) != DELTA_CODEC)
		return IMF_ERR_ENCODING;
	imf_manifest_component(m, imf_get_le16(t->value), &c);
	return (c.encoding & IMF_ENC_COMPRESSED) != 0 && ram_fits(imf_get_le32(t->value + 4)) &&
			       c.plain_size <= DELTA_MAX
		       ? IMF_OK
		       : IMF_ERR_FORMAT;
}

uint32_t imf_manifest_compressed(const struct imf_manifest *m, uint32_t i)
{
	struct imf_tlv t;

	return imf_tlv_of(m, IMF_TLV_COMPRESSED, i, &t) ? imf_get_le32(t.value + 4) : 0;
}

#endif

#ifndef IMF_NO_INPLACE

/* Value: component u16, zero u16, journal u32, then runs of groups (number u32, size u32). */
static int in_place_check(const struct imf_manifest *m, const struct imf_tlv *t)
{
	uint32_t n = 0, end = 0, largest = 0, at;
	struct imf_component c;
	struct imf_delta d;
	struct imf_tlv map;

	if (t->len % 8 != 0 || !imf_all_zero(t->value + 2, 2) ||
		!imf_manifest_delta(m, imf_get_le16(t->value), &d) ||
		imf_tlv_of(m, IMF_TLV_SEGMENTS, imf_get_le16(t->value), &map))
		return IMF_ERR_FORMAT;
	imf_manifest_component(m, imf_get_le16(t->value), &c);
	for (at = 8; at < t->len; at += 8) {
		uint32_t count = imf_get_le32(t->value + at);
		uint32_t size = imf_get_le32(t->value + at + 4);

		if (count == 0 || count > IMF_GROUPS_MAX - n || size == 0 || size > DELTA_MAX + 1 ||
			size % IMF_GROUP_UNIT != 0)
			return IMF_ERR_FORMAT;
		/* Each group begins within the image, so that nothing here wraps. */
		if (end >= c.plain_size || count - 1 > (c.plain_size - 1 - end) / size)
			return IMF_ERR_FORMAT;
		n += count;
		end += count * size;
		if (size > largest)
			largest = size;
	}
	/* The last group holds the last byte; the new image takes the place of the old. */
	if (end < c.plain_size || d.addr != c.load_addr ||
		imf_get_le32(t->value + 4) != IMF_JOURNAL_NEED(largest, d.ram))
		return IMF_ERR_FORMAT;
	return IMF_OK;
}

bool imf_manifest_in_place(const struct imf_manifest *m, uint32_t i, struct imf_groups *ret)
{
	struct imf_tlv t;
	uint32_t k;

	if (!imf_tlv_of(m, IMF_TLV_IN_PLACE, i, &t))
		return false;
	ret->journal = imf_get_le32(t.value + 4);
	ret->n_runs = t.len / 8u - 1;
	ret->largest = 0;
	for (k = 0; k < ret->n_runs; k++) {
		struct imf_group_run *r = &ret->runs[k];

		r->n = imf_get_le32(t.value + 8 + k * 8);
		r->size = imf_get_le32(t.value + 12 + k * 8);
		if (r->size > ret->largest)
			ret->largest = r->size;
	}
	return true;
}

bool imf_group_place(const struct imf_groups *g, uint32_t i, uint32_t *ret_start, uint32_t *ret_len)
{
	uint32_t start = 0, k;

	for (k = 0; k < g->n_runs; k++) {
		const struct imf_group_run *r = &g->runs[k];

		if (i < r->n) {
			*ret_start = start + i * r->size;
			*ret_len = r->size;
			return true;
		}
		i -= r->n;
		start += r->n * r->size;
	}
	return false;
}

#endif

/*
 * Every delta has its base, everything compressed its RAM; the header tells the first base and
 * the most RAM.
 */
static int deltas_check(const struct imf_manifest *m)
{
	uint32_t ram = 0, i;
#ifndef IMF_NO_WHOLE
	uint32_t ram_of_it;
#endif
	struct imf_component c;
	struct imf_delta d;
	bool first = true;

	for (i = 0; i < m->header.n_components; i++) {
		imf_manifest_component(m, i, &c);
#ifndef IMF_NO_WHOLE
		ram_of_it = imf_manifest_compressed(m, i);
		if ((c.encoding & IMF_ENC_COMPRESSED) != 0 && ram_of_it == 0)
			return IMF_ERR_FORMAT;
		if (ram_of_it > ram)
			ram = ram_of_it;
#endif
		if ((c.encoding & IMF_ENC_DELTA) == 0)
			continue;
		if (!imf_manifest_delta(m, i, &d))
			return IMF_ERR_FORMAT;
		if (first && IMF_MEMCMP(m->header.base_prefix, d.digest, IMF_BASE_PREFIX_SIZE) != 0)
			return IMF_ERR_FORMAT;
		first = false;
		if (d.ram > ram)
			ram = d.ram;
	}
	return ram == m->header.decoder_ram ? IMF_OK : IMF_ERR_FORMAT;
}

#endif

/* ---- encodings ---- */

/* Every encoding has its entry; what is no delta keeps its size. */
static int encodings_check(const struct imf_manifest *m)
{
	struct imf_component c;
	uint32_t i;

	for (i = 0; i < m->header.n_components; i++) {
		struct imf_tlv t;

		imf_manifest_component(m, i, &c);
		if ((c.encoding & IMF_ENC_CHAINED) != 0 && !imf_tlv_of(m, IMF_TLV_CHAIN, i, &t))
			return IMF_ERR_FORMAT;
		if ((c.encoding & IMF_ENC_ENCRYPTED) != 0 &&
			!imf_tlv_of(m, IMF_TLV_ENCRYPTION, i, &t))
			return IMF_ERR_FORMAT;
		if ((c.encoding & (IMF_ENC_DELTA | IMF_ENC_COMPRESSED)) == 0 &&
			imf_manifest_content_size(m, i) != c.plain_size)
			return IMF_ERR_FORMAT;
	}
	return IMF_OK;
}

/* ---- the TLVs that are known ---- */

enum tlv_use {
	TLV_ONCE,
	TLV_BY_COMPONENT, /* the value begins with a component's number, u16; one for each */
};

/* A row for each type. Texts are not read here: only a host shows them. */
static const struct tlv_rule {
	uint16_t type;
	uint16_t min, max; /* bytes of the value */
	uint16_t use;      /* enum tlv_use */
	int (*check)(const struct imf_manifest *m, const struct imf_tlv *t); /* NULL: no more */
} tlv_rules[] = {
	{IMF_TLV_PRODUCT_NAME, 1, IMF_PRODUCT_NAME_MAX, TLV_ONCE, NULL},
	{IMF_TLV_TITLE, 1, IMF_TITLE_MAX, TLV_ONCE, NULL},
	{IMF_TLV_BUILD_ID, 1, IMF_BUILD_ID_MAX, TLV_ONCE, NULL},
	{IMF_TLV_REVISION, 1, IMF_REVISION_MAX, TLV_ONCE, NULL},
	{IMF_TLV_BUILD_DATE, 8, 8, TLV_ONCE, NULL},
	{IMF_TLV_NOTES, 1, IMF_NOTES_MAX, TLV_ONCE, NULL},
	{IMF_TLV_COMPONENT_NAME, 3, 2 + IMF_COMPONENT_NAME_MAX, TLV_BY_COMPONENT, NULL},
#ifndef IMF_NO_SEGMENTS
	/* One segment needs no map. */
	{IMF_TLV_SEGMENTS, 4 + 2 * 8, UINT16_MAX, TLV_BY_COMPONENT, segments_check},
#endif
#ifndef IMF_NO_PATCH
	{IMF_TLV_BASE_VERSION, 4 + IMF_VERSION_SIZE, 4 + IMF_VERSION_SIZE, TLV_BY_COMPONENT,
		base_version_check},
	{IMF_TLV_DELTA_BASE, DELTA_SIZE, DELTA_SIZE, TLV_BY_COMPONENT, delta_check},
#ifndef IMF_NO_WHOLE
	{IMF_TLV_COMPRESSED, 8, 8, TLV_BY_COMPONENT, compressed_check},
#endif
#ifndef IMF_NO_INPLACE
	{IMF_TLV_IN_PLACE, 16, 8 + 8 * IMF_GROUP_RUNS_MAX, TLV_BY_COMPONENT, in_place_check},
#endif
#endif
#ifndef IMF_NO_CHAIN
	{IMF_TLV_CHAIN, IMF_CHAIN_TLV_SIZE, IMF_CHAIN_TLV_SIZE, TLV_BY_COMPONENT, imf_chain_check},
#endif
#ifndef IMF_NO_DECRYPT
	{IMF_TLV_ENCRYPTION, IMF_ENCRYPTION_TLV_SIZE, IMF_ENCRYPTION_TLV_SIZE, TLV_BY_COMPONENT,
		imf_encryption_check},
#endif
};

#define N_TLV_RULES (sizeof(tlv_rules) / sizeof(tlv_rules[0]))

static const struct tlv_rule *tlv_rule(uint16_t type)
{
	uint32_t i;

	for (i = 0; i < N_TLV_RULES; i++)
		if (tlv_rules[i].type == type)
			return &tlv_rules[i];
	return NULL;
}

static int tlv_check(const struct imf_manifest *m, const struct imf_tlv *t)
{
	const struct tlv_rule *r = tlv_rule(t->type);

	if (t->type == 0 || !imf_all_zero(t->value + t->len, (4u - t->len % 4u) % 4u))
		return IMF_ERR_FORMAT;
	if (r == NULL)
		return (t->type & IMF_TLV_CRITICAL) != 0 ? IMF_ERR_CRITICAL : IMF_OK;
	if (t->len < r->min || t->len > r->max)
		return IMF_ERR_FORMAT;
	if (r->use == TLV_BY_COMPONENT && imf_get_le16(t->value) >= m->header.n_components)
		return IMF_ERR_FORMAT;
	return r->check != NULL ? r->check(m, t) : IMF_OK;
}

/* Types ascend; equal types ascend in the number that begins their value. */
static bool tlv_follows(const struct imf_tlv *before, const struct imf_tlv *t)
{
	const struct tlv_rule *r = tlv_rule(t->type);

	if (t->type != before->type)
		return t->type > before->type;
	if ((r != NULL && r->use == TLV_ONCE) || t->len < 2 || before->len < 2)
		return false;
	return imf_get_le16(t->value) > imf_get_le16(before->value);
}

static int tlvs_check(const struct imf_manifest *m)
{
	uint32_t size = m->header.manifest_size - IMF_HEADER_SIZE -
			m->header.n_components * IMF_COMPONENT_SIZE;
	uint32_t offset = 0;
	struct imf_tlv before = {0, 0, NULL}, t = {0, 0, NULL};

	while (imf_manifest_tlv(m, &offset, &t)) {
		int rc = tlv_check(m, &t);

		if (rc < 0)
			return rc;
		if (before.value != NULL && !tlv_follows(&before, &t))
			return IMF_ERR_FORMAT;
		before = t;
	}
	return offset == size ? IMF_OK : IMF_ERR_FORMAT;
}

/* ---- where bytes go ---- */

bool imf_manifest_place(const struct imf_manifest *m, uint32_t i, uint32_t offset,
	uint32_t *ret_addr, uint32_t *ret_run)
{
	struct imf_component c;
#ifndef IMF_NO_SEGMENTS
	struct imf_tlv t;
	uint32_t at;
#endif

	imf_manifest_component(m, i, &c);
	if (offset >= c.plain_size)
		return false;
#ifndef IMF_NO_SEGMENTS
	if (imf_tlv_of(m, IMF_TLV_SEGMENTS, i, &t)) {
		for (at = 4; at + 8 <= t.len; at += 8) {
			uint32_t len = imf_get_le32(t.value + at + 4);

			if (offset < len) {
				*ret_addr = imf_get_le32(t.value + at) + offset;
				*ret_run = len - offset;
				return true;
			}
			offset -= len;
		}
		return false;
	}
#endif
	*ret_addr = c.load_addr + offset;
	*ret_run = c.plain_size - offset;
	return true;
}

/* ---- components against each other ---- */

static uint32_t last_byte(const struct imf_manifest *m, uint32_t i, const struct imf_component *c)
{
	uint32_t addr = c->load_addr, run = 1;

	imf_manifest_place(m, i, c->plain_size - 1, &addr, &run);
	return addr;
}

/* Components that name their own address share the flash (kinds 1 to 3) or the RAM (4 and 5). */
static uint32_t memory_of(const struct imf_component *c)
{
	if (c->slot != IMF_NO_SLOT || c->kind == IMF_KIND_OPAQUE)
		return 0;
	return c->kind <= IMF_KIND_CONFIGURATION ? 1 : 2;
}

static int places_check(const struct imf_manifest *m)
{
	struct imf_component a, b;
	uint32_t i, k, len;

	for (i = 0; i < m->header.n_components; i++) {
		uint32_t end;

		imf_manifest_component(m, i, &a);
		end = last_byte(m, i, &a);
		if (a.entry != 0 && a.entry - 1 > end)
			return IMF_ERR_FORMAT;
		/* Who passes data on must know what it is. */
		if (a.kind == IMF_KIND_OPAQUE && imf_manifest_name(m, i, &len) == NULL)
			return IMF_ERR_FORMAT;
		for (k = 0; k < i; k++) {
			imf_manifest_component(m, k, &b);
			if (a.slot != IMF_NO_SLOT && a.slot == b.slot)
				return IMF_ERR_FORMAT;
			if (memory_of(&a) != 0 && memory_of(&a) == memory_of(&b) &&
				a.load_addr <= last_byte(m, k, &b) && b.load_addr <= end)
				return IMF_ERR_FORMAT;
		}
	}
	return IMF_OK;
}

int imf_manifest_parse(const uint8_t *p, uint32_t len, struct imf_manifest *ret)
{
	struct imf_manifest m;
	int rc;

	if (len < IMF_HEADER_SIZE)
		return IMF_ERR_TRUNCATED;
	rc = imf_header_parse(p, &m.header);
	if (rc < 0)
		return rc;
	if (len < m.header.manifest_size)
		return IMF_ERR_TRUNCATED;
	m.bytes = p;
	rc = components_check(&m);
	if (rc == IMF_OK)
		rc = tlvs_check(&m);
#ifndef IMF_NO_PATCH
	if (rc == IMF_OK)
		rc = deltas_check(&m);
#endif
	if (rc == IMF_OK)
		rc = encodings_check(&m);
	if (rc == IMF_OK)
		rc = places_check(&m);
	if (rc == IMF_OK)
		*ret = m;
	return rc;
}
