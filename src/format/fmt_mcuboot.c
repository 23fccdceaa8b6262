/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fmt_mcuboot.c - MCUboot images: header, body, entries (type, length, value), padding
 *
 * Where the slot is that such a file belongs into stands in the file only if it is ROM_FIXED; else
 * somebody has to say it, as with a raw binary. It is read as it lies there, header and entries
 * included. Making one, and checking it against keys, is src/sign/mcuboot*.c.
 */
#include <stmota/fmt_mcuboot.h>

#include "fmt_impl.h"

#include <inttypes.h>
#include <string.h>

#include <stmota/vectors.h>

#define MAGIC_V1    0x96f3b83cu
#define GUESSES_MAX 4
#define SLOT_ALIGN  1024u /* no erase unit that a slot begins with is smaller, L0 and L1 apart */

static const char *const flag_names[] = {
	[0] = "pic",
	[2] = "encrypted-aes128",
	[3] = "encrypted-aes256",
	[4] = "non-bootable",
	[5] = "ram-load",
	[8] = "rom-fixed",
	[9] = "compressed-lzma1",
	[10] = "compressed-lzma2",
	[11] = "compressed-arm-thumb",
};

static const struct tlv_type {
	uint16_t type;
	const char *name;
	uint16_t min, max;  /* bytes; 0: any */
	unsigned hash_bits; /* of the image */
	bool signature;
} types[] = {
	{0x01, "KEYHASH", 32, 64, 0, false},
	{0x02, "PUBKEY", 0, 0, 0, false},
	{0x10, "SHA256", 32, 32, 256, false},
	{0x11, "SHA384", 48, 48, 384, false},
	{0x12, "SHA512", 64, 64, 512, false},
	{0x20, "RSA2048_PSS", 256, 256, 0, true},
	{0x21, "ECDSA224", 0, 0, 0, true},
	{0x22, "ECDSA_SIG", 8, 104, 0, true},
	{0x23, "RSA3072_PSS", 384, 384, 0, true},
	{0x24, "ED25519", 64, 64, 0, true},
	{MCUBOOT_TLV_SIG_PURE, "SIG_PURE", 1, 1, 0, false},
	{0x30, "ENC_RSA2048", 256, 256, 0, false},
	{0x31, "ENC_KW", 24, 40, 0, false},
	{0x32, "ENC_EC256", 113, 129, 0, false},
	{0x33, "ENC_X25519", 80, 96, 0, false},
	{0x34, "ENC_X25519_SHA512", 112, 128, 0, false},
	{MCUBOOT_TLV_DEPENDENCY, "DEPENDENCY", 12, 12, 0, false},
	{MCUBOOT_TLV_SEC_CNT, "SEC_CNT", 4, 4, 0, false},
	{0x60, "BOOT_RECORD", 0, 0, 0, false},
	{0x70, "DECOMP_SIZE", 4, 4, 0, false},
	{0x71, "DECOMP_SHA", 32, 64, 0, false},
	{0x72, "DECOMP_SIGNATURE", 0, 0, 0, false},
	{0x73, "COMP_DEC_SIZE", 4, 4, 0, false},
	{0x74, "UUID_VID", 16, 16, 0, false},
	{0x75, "UUID_CID", 16, 16, 0, false},
};

/* The last 16 bytes of a slot: largest alignment 8, else two bytes of alignment before a tail. */
static const uint8_t trailer_8[16] = {0x77, 0xc2, 0x95, 0xf3, 0x60, 0xd2, 0xef, 0x7f, 0x35, 0x52,
	0x50, 0x0f, 0x2c, 0xb6, 0x79, 0x80};
static const uint8_t trailer_tail[14] = {
	0x2d, 0xe1, 0x5d, 0x29, 0x41, 0x0b, 0x8d, 0x77, 0x67, 0x9c, 0x11, 0x0f, 0x1f, 0x8a};

static int bad(size_t offset, struct err *e, const char *what)
{
	return err_set(e, ERR_FORMAT, "offset 0x%zX: %s", offset, what);
}

const char *mcuboot_flag_name(unsigned bit)
{
	return bit < ARRAY_LEN(flag_names) ? flag_names[bit] : NULL;
}

struct mcuboot_version mcuboot_version_at(const uint8_t *p)
{
	return (struct mcuboot_version){p[0], p[1], get_le16(p + 2), get_le32(p + 4)};
}

static const struct tlv_type *find_type(uint16_t type)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i].type == type)
			return &types[i];
	return NULL;
}

/* ---- entries ---- */

static int check_entry(const uint8_t *data, size_t at, struct mcuboot_info *info, struct err *e)
{
	const struct tlv_type *t = find_type(get_le16(data + at));
	uint16_t len = get_le16(data + at + 2);

	if (t == NULL)
		return 0;
	if (t->max > 0 && (len < t->min || len > t->max))
		return err_set(
			e, ERR_FORMAT, "offset 0x%zX: %s cannot have %u bytes", at, t->name, len);
	if (t->hash_bits > 0 && info->hash_bits > 0)
		return bad(at, e, "a second hash of the image");
	if (t->hash_bits > 0) {
		info->hash_bits = t->hash_bits;
		info->hash = data + at + MCUBOOT_TLV_HEAD;
	}
	info->n_signatures += t->signature;
	info->pure |= t->type == MCUBOOT_TLV_SIG_PURE && data[at + MCUBOOT_TLV_HEAD] == 1;
	return 0;
}

/* An area of entries at `at`; `ret` is its length with the head. */
static int check_area(const uint8_t *data, size_t len, size_t at, uint16_t magic,
	struct mcuboot_info *info, size_t *ret, struct err *e)
{
	size_t size, end;

	if (len - at < MCUBOOT_TLV_HEAD || get_le16(data + at) != magic)
		return bad(at, e,
			magic == MCUBOOT_UNPROTECTED
				? "no entries (TLV) behind the body"
				: "no protected entries, which the header announces");
	size = get_le16(data + at + 2);
	if (size < MCUBOOT_TLV_HEAD || size > len - at)
		return bad(at, e, "the entries (TLV) pass the end of the file");
	end = at + size;
	for (size_t p = at + MCUBOOT_TLV_HEAD; p < end;
		p += MCUBOOT_TLV_HEAD + get_le16(data + p + 2)) {
		int rc;

		if (end - p < MCUBOOT_TLV_HEAD ||
			end - p - MCUBOOT_TLV_HEAD < get_le16(data + p + 2))
			return bad(p, e, "an entry (TLV) passes the end of its area");
		rc = check_entry(data, p, info, e);
		if (rc < 0)
			return rc;
	}
	*ret = size;
	return 0;
}

bool mcuboot_tlv_next(
	const uint8_t *data, const struct mcuboot_info *info, size_t *at, struct mcuboot_tlv *ret)
{
	size_t first = info->hashed - info->protected_size;
	const struct tlv_type *t;

	if (*at == 0)
		*at = first + MCUBOOT_TLV_HEAD;
	if (info->protected_size > 0 && *at == info->hashed)
		*at += MCUBOOT_TLV_HEAD;
	if (*at >= info->end)
		return false;
	t = find_type(get_le16(data + *at));
	*ret = (struct mcuboot_tlv){
		.type = get_le16(data + *at),
		.is_protected = *at < info->hashed,
		.name = t != NULL ? t->name : NULL,
		.len = get_le16(data + *at + 2),
		.data = data + *at + MCUBOOT_TLV_HEAD,
	};
	*at += (size_t)MCUBOOT_TLV_HEAD + ret->len;
	return true;
}

/* ---- the file ---- */

static bool has_trailer(const uint8_t *data, size_t from, size_t len)
{
	if (len - from < sizeof(trailer_8))
		return false;
	return memcmp(data + len - sizeof(trailer_8), trailer_8, sizeof(trailer_8)) == 0 ||
	       memcmp(data + len - sizeof(trailer_tail), trailer_tail, sizeof(trailer_tail)) == 0;
}

int mcuboot_inspect(const uint8_t *data, size_t len, struct mcuboot_info *ret, struct err *e)
{
	struct mcuboot_info info = {0};
	uint64_t body_end;
	size_t announced;
	int rc = 0;

	if (len >= 4 && get_le32(data) == MAGIC_V1)
		return err_set(e, ERR_UNSUPPORTED, "an image of MCUboot before 1.0 is not known");
	if (len < MCUBOOT_HEADER_SIZE || get_le32(data) != MCUBOOT_MAGIC)
		return err_set(e, ERR_FORMAT, "no MCUboot header of 32 bytes");
	info.load_addr = get_le32(data + 4);
	info.header_size = get_le16(data + 8);
	announced = get_le16(data + 10);
	info.body_size = get_le32(data + 12);
	info.flags = get_le32(data + 16);
	info.version = mcuboot_version_at(data + 20);
	body_end = (uint64_t)info.header_size + info.body_size;
	if (info.header_size < MCUBOOT_HEADER_SIZE)
		return err_set(e, ERR_FORMAT,
			"the header says that it has %" PRIu32 " bytes, fewer than 32",
			info.header_size);
	if (body_end > len) {
		err_set(e, ERR_FORMAT,
			"the header says that the body ends at 0x%" PRIX64
			", but the file has 0x%zX bytes",
			body_end, len);
		return err_hint(e, "the file was cut off: fetch or build it again");
	}
	info.hashed = (size_t)body_end;
	if (announced > 0)
		rc = check_area(
			data, len, info.hashed, MCUBOOT_PROTECTED, &info, &info.protected_size, e);
	if (rc == 0 && info.protected_size != announced)
		rc = bad(
			info.hashed, e, "the protected entries are not as long as the header says");
	info.hashed += info.protected_size;
	if (rc == 0)
		rc = check_area(
			data, len, info.hashed, MCUBOOT_UNPROTECTED, &info, &info.tlv_size, e);
	if (rc < 0)
		return rc;
	info.end = info.hashed + info.tlv_size;
	if (info.hash_bits == 0 && !info.pure)
		return bad(info.hashed, e, "no hash of the image among the entries (TLV)");
	info.has_trailer = has_trailer(data, info.end, len);
	*ret = info;
	return 0;
}

void mcuboot_trailer_magic(uint32_t max_align, uint8_t ret[MCUBOOT_TRAILER_MAGIC])
{
	if (max_align == 8) {
		memcpy(ret, trailer_8, sizeof(trailer_8));
		return;
	}
	put_le16(ret, (uint16_t)max_align);
	memcpy(ret + 2, trailer_tail, sizeof(trailer_tail));
}

/* ---- as an image at an address ---- */

static bool has_header(const uint8_t *data, size_t len)
{
	return len >= MCUBOOT_HEADER_SIZE && get_le32(data) == MCUBOOT_MAGIC &&
	       get_le16(data + 8) >= MCUBOOT_HEADER_SIZE && get_le16(data + 8) < len;
}

bool mcuboot_is_opaque(const uint8_t *data, size_t len)
{
	return has_header(data, len) &&
	       (get_le32(data + 16) & (MCUBOOT_ENCRYPTED | MCUBOOT_COMPRESSED)) != 0;
}

uint32_t mcuboot_table_offset(const uint8_t *data, size_t len)
{
	return has_header(data, len) && !mcuboot_is_opaque(data, len) ? get_le16(data + 8) : 0;
}

/*
 * Slots begin with an erase unit; guesses for raw binaries lean towards programs that do. So each
 * guess is taken for the program and for its slot.
 */
bool mcuboot_guess_slot(const uint8_t *data, const struct mcuboot_info *m, uint32_t *ret)
{
	const uint8_t *body = data + m->header_size;
	uint32_t fits[GUESSES_MAX], found = 0;
	size_t n_found = 0, n;

	if ((m->flags & (MCUBOOT_ENCRYPTED | MCUBOOT_COMPRESSED)) != 0)
		return false;
	n = vectors_guess_base(body, m->body_size, fits, ARRAY_LEN(fits));
	for (size_t i = 0; i < 2 * n; i++) {
		uint32_t slot = fits[i / 2] - (i % 2 == 0 ? m->header_size : 0);

		if (slot % SLOT_ALIGN != 0 || (n_found > 0 && slot == found) ||
			vectors_check(
				body, m->body_size, slot + m->header_size, NULL, NULL, 0, NULL) < 0)
			continue;
		found = slot;
		n_found++;
	}
	if (n_found == 1)
		*ret = found;
	return n_found == 1;
}

static int need_address(const uint8_t *data, const struct mcuboot_info *m, struct err *e)
{
	uint32_t slot;

	err_set(e, ERR_USAGE, "an MCUboot image does not say where its slot is");
	if (mcuboot_guess_slot(data, m, &slot))
		return err_hint(e,
			"its program looks linked for a slot at 0x%08X: --address 0x%08X",
			(unsigned)slot, (unsigned)slot);
	return err_hint(e, "give the start of the slot with --address ADDR");
}

/* The whole file as it lies in its slot. */
static int mcuboot_read(const uint8_t *data, size_t len, const struct fmt_options *opt,
	struct segments *ret, struct err *e)
{
	struct mcuboot_info m;
	uint32_t addr = opt->address;
	int rc = mcuboot_inspect(data, len, &m, e);

	if (rc < 0)
		return rc;
	if ((m.flags & MCUBOOT_ROM_FIXED) != 0) {
		if (opt->has_address && opt->address != m.load_addr)
			return err_set(e, ERR_USAGE,
				"the image is made for a slot at 0x%08X, not at 0x%08X",
				(unsigned)m.load_addr, (unsigned)opt->address);
		addr = m.load_addr;
	} else if (!opt->has_address) {
		return need_address(data, &m, e);
	}
	if ((uint64_t)addr + len > (uint64_t)1 << 32)
		return err_set(e, ERR_FORMAT,
			"%zu bytes at 0x%08X pass the end of the address space", len,
			(unsigned)addr);
	return segments_add(ret, addr, data, (uint32_t)len, e);
}

static bool mcuboot_detect(const uint8_t *data, size_t len)
{
	return len >= 4 && (get_le32(data) == MCUBOOT_MAGIC || get_le32(data) == MAGIC_V1);
}

const struct fmt fmt_mcuboot = {
	.kind = FMT_MCUBOOT,
	.name = "mcuboot",
	.description = "MCUboot",
	.detect = mcuboot_detect,
	.read = mcuboot_read,
};
