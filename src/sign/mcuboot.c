/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mcuboot.c - makes MCUboot images: header, entries, hash, signature, encryption, slot trailer
 *
 * Entries stand in the order of MCUboot's own tool, so that the same input gives the same bytes
 * wherever no random number is in them (Ed25519, unsigned): the tests compare whole files.
 */
#include <stmota/mcuboot.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <stmota/bytes.h>
#include <stmota/digest.h>

#include "mcuboot_priv.h"

#define ALIGN_MIN 8 /* of the fields of a trailer */

/* ---- settings ---- */

static bool is_one_of(uint32_t v, const uint32_t *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == v)
			return true;
	return false;
}

static int check_signing(const struct mcuboot_spec *s, struct err *e)
{
	if (s->key == NULL && (s->pure || s->full_key))
		return err_set(e, ERR_USAGE, "%s is for a signed image: give --key",
			s->pure ? "--pure" : "--public-key-format");
	if (s->pure && key_type(s->key) != KEY_ED25519)
		return err_set(e, ERR_USAGE, "--pure is for Ed25519 keys");
	if (s->pure && s->hash_bits != 0 && s->hash_bits != 512)
		return err_set(e, ERR_USAGE, "with --pure the hash is SHA-512");
	if (s->key == NULL || s->hash_bits == 0)
		return 0;
	if (key_type(s->key) == KEY_P256 && s->hash_bits != 256)
		return err_set(e, ERR_USAGE, "MCUboot signs SHA-256 with a P-256 key");
	if (key_type(s->key) == KEY_ED25519 && s->hash_bits == 384)
		return err_set(
			e, ERR_USAGE, "MCUboot signs SHA-256 or SHA-512 with an Ed25519 key");
	return 0;
}

static int check_place(const struct mcuboot_spec *s, struct err *e)
{
	static const uint32_t aligns[] = {1, 2, 4, 8, 16, 32};

	if (!is_one_of(s->align, aligns, ARRAY_LEN(aligns)))
		return err_set(e, ERR_USAGE, "--align is 1, 2, 4, 8, 16 or 32");
	if (s->max_align != 0 && !is_one_of(s->max_align, aligns + 3, 3))
		return err_set(e, ERR_USAGE, "--max-align is 8, 16 or 32");
	if (s->max_align != 0 && s->max_align < s->align)
		return err_set(e, ERR_USAGE, "--max-align is smaller than --align");
	if (s->load_addr != 0 && s->rom_fixed != 0)
		return err_set(e, ERR_USAGE, "--load-addr and --rom-fixed exclude each other");
	if ((s->pad || s->confirm) && s->slot_size == 0)
		return err_set(e, ERR_USAGE, "to fill the slot its size is needed: --slot-size");
	/* Nothing looks at image_ok there, but a tool that drops a wish in silence is a trap. */
	if (s->confirm && s->overwrite_only)
		return err_set(e, ERR_USAGE,
			"--confirm means nothing with --overwrite-only: there is no way back");
	if (s->max_sectors == 0 || s->max_sectors > 65536)
		return err_set(e, ERR_USAGE, "--max-sectors is 1 to 65536");
	return 0;
}

static int check_spec(const struct mcuboot_spec *s, struct err *e)
{
	int rc = check_signing(s, e);

	if (rc == 0)
		rc = check_place(s, e);
	if (rc < 0)
		return rc;
	if (s->header_size < MCUBOOT_HEADER_SIZE || s->header_size > UINT16_MAX ||
		s->header_size % 4 != 0)
		return err_set(e, ERR_USAGE, "a header has 32 to 65532 bytes, a multiple of 4");
	if (s->encrypt != NULL && s->header_size % 16 != 0)
		return err_set(
			e, ERR_USAGE, "the header of an encrypted image is a multiple of 16 bytes");
	if (s->encrypt == NULL && (s->aes256 || s->clear || s->sha512))
		return err_set(e, ERR_USAGE, "--%s is for encrypted images: give --encrypt",
			s->clear    ? "clear"
			: s->aes256 ? "encrypt-keylen"
				    : "hmac-sha");
	if (s->sw_type != NULL &&
		(strlen(s->sw_type) == 0 || strlen(s->sw_type) > MCUBOOT_SW_TYPE_MAX))
		return err_set(e, ERR_USAGE, "the type of a boot record has 1 to %d characters",
			MCUBOOT_SW_TYPE_MAX);
	return s->product != NULL ? product_check(s->product, e) : 0;
}

static unsigned hash_bits(const struct mcuboot_spec *s)
{
	return s->pure ? 512 : s->hash_bits != 0 ? s->hash_bits : 256;
}

static uint16_t hash_type(unsigned bits)
{
	return bits == 256   ? MCUBOOT_TLV_SHA256
	       : bits == 384 ? MCUBOOT_TLV_SHA384
			     : MCUBOOT_TLV_SHA512;
}

/* ---- entries ---- */

static int add(struct buf *area, uint16_t type, const void *data, size_t len, struct err *e)
{
	uint8_t head[MCUBOOT_TLV_HEAD];
	int rc;

	put_le16(head, type);
	put_le16(head + 2, (uint16_t)len);
	rc = buf_append(area, head, sizeof(head), e);
	return rc < 0 ? rc : buf_append(area, data, len, e);
}

static int open_area(struct buf *area, uint16_t magic, struct err *e)
{
	uint8_t head[MCUBOOT_TLV_HEAD] = {0};

	put_le16(head, magic);
	return buf_append(area, head, sizeof(head), e);
}

static void put_version(uint8_t *p, struct imf_version v)
{
	p[0] = v.major;
	p[1] = v.minor;
	put_le16(p + 2, v.revision);
	put_le32(p + 4, v.build);
}

/* Hash of the public key as MCUboot knows it; zeros without a key. */
static int key_hash(const struct mcuboot_spec *s, uint8_t ret[SHA2_MAX], struct err *e)
{
	cleanup_buf struct buf der = BUF_INIT;
	int rc;

	memset(ret, 0, SHA2_MAX);
	if (s->key == NULL)
		return 0;
	rc = key_public_der(s->key, &der, e);
	return rc < 0 ? rc : sha2(hash_bits(s), der.data, der.len, ret, e);
}

static int cbor_text(struct buf *b, uint8_t key, const char *text, struct err *e)
{
	/* Keys and lengths are below 24: one byte each (RFC 8949, 3). */
	uint8_t head[2] = {key, (uint8_t)(0x60 + strlen(text))};
	int rc = buf_append(b, head, sizeof(head), e);

	return rc < 0 ? rc : buf_append(b, text, strlen(text), e);
}

static int cbor_bytes(struct buf *b, uint8_t key, const uint8_t *data, size_t len, struct err *e)
{
	uint8_t head[3] = {key, 0x58, (uint8_t)len};
	int rc = buf_append(b, head, sizeof(head), e);

	return rc < 0 ? rc : buf_append(b, data, len, e);
}

/* A software component of Arm's PSA attestation; the loader fills in the measurement, the last. */
static int add_boot_record(struct buf *area, const struct mcuboot_spec *s, struct err *e)
{
	enum { TYPE = 1, MEASUREMENT = 2, VERSION = 4, SIGNER = 5, DESCRIPTION = 6 };
	static const uint8_t nothing[SHA2_MAX];
	cleanup_buf struct buf b = BUF_INIT;
	uint8_t signer[SHA2_MAX], map = 0xa5;
	unsigned bits = hash_bits(s);
	char version[16], hash[16];
	int rc = key_hash(s, signer, e);

	snprintf(version, sizeof(version), "%u.%u.%u", s->version.major, s->version.minor,
		s->version.revision);
	snprintf(hash, sizeof(hash), "SHA%u", bits);
	if (rc == 0)
		rc = buf_append(&b, &map, 1, e);
	if (rc == 0)
		rc = cbor_text(&b, TYPE, s->sw_type, e);
	if (rc == 0)
		rc = cbor_text(&b, VERSION, version, e);
	if (rc == 0)
		rc = cbor_bytes(&b, SIGNER, signer, s->key != NULL ? bits / 8 : SHA256_SIZE, e);
	if (rc == 0)
		rc = cbor_text(&b, DESCRIPTION, hash, e);
	if (rc == 0)
		rc = cbor_bytes(&b, MEASUREMENT, nothing, bits / 8, e);
	return rc < 0 ? rc : add(area, MCUBOOT_TLV_BOOT_RECORD, b.data, b.len, e);
}

static int add_uuids(struct buf *area, const char *product, struct err *e)
{
	uint8_t vendor[UUID_SIZE], class[UUID_SIZE];
	int rc = product_vendor_uuid(product, vendor, e);

	if (rc == 0)
		rc = product_uuid(product, class, e);
	if (rc == 0)
		rc = add(area, MCUBOOT_TLV_UUID_VID, vendor, sizeof(vendor), e);
	return rc < 0 ? rc : add(area, MCUBOOT_TLV_UUID_CID, class, sizeof(class), e);
}

/* The area stays empty if nothing has to be in it. */
static int make_protected(const struct mcuboot_spec *s, struct buf *area, struct err *e)
{
	uint8_t counter[4], dependency[12] = {0};
	int rc;

	if (!s->has_counter && s->sw_type == NULL && s->n_dependencies == 0 && s->product == NULL)
		return 0;
	rc = open_area(area, MCUBOOT_PROTECTED, e);
	put_le32(counter, s->counter);
	if (rc == 0 && s->has_counter)
		rc = add(area, MCUBOOT_TLV_SEC_CNT, counter, sizeof(counter), e);
	if (rc == 0 && s->sw_type != NULL)
		rc = add_boot_record(area, s, e);
	for (size_t i = 0; rc == 0 && i < s->n_dependencies; i++) {
		dependency[0] = s->dependencies[i].image;
		put_version(dependency + 4, s->dependencies[i].version);
		rc = add(area, MCUBOOT_TLV_DEPENDENCY, dependency, sizeof(dependency), e);
	}
	if (rc == 0 && s->product != NULL)
		rc = add_uuids(area, s->product, e);
	if (rc == 0)
		put_le16(area->data + 2, (uint16_t)area->len);
	return rc;
}

/* ---- signature ---- */

static int add_signature(struct buf *area, const struct mcuboot_spec *s,
	const struct buf *signed_part, const uint8_t *digest, struct err *e)
{
	uint8_t raw[KEY_SIGNATURE_SIZE], der[KEY_DER_MAX];
	size_t len;
	int rc;

	if (key_type(s->key) == KEY_P256) {
		rc = key_sign(s->key, signed_part->data, signed_part->len, raw, e);
		len = rc == 0 ? key_signature_der(raw, der) : 0;
		if (rc == 0 && len == 0)
			rc = err_set(e, ERR_SIGNATURE, "the crypto library could not sign");
		return rc < 0 ? rc : add(area, MCUBOOT_TLV_ECDSA, der, len, e);
	}
	/* Not the image is the message of Ed25519, but its hash: MCUboot reads the image once. */
	rc = s->pure ? key_sign(s->key, signed_part->data, signed_part->len, raw, e)
		     : key_sign(s->key, digest, hash_bits(s) / 8, raw, e);
	return rc < 0 ? rc : add(area, MCUBOOT_TLV_ED25519, raw, sizeof(raw), e);
}

static int add_key(struct buf *area, const struct mcuboot_spec *s, struct err *e)
{
	cleanup_buf struct buf der = BUF_INIT;
	uint8_t hash[SHA2_MAX];
	int rc;

	if (!s->full_key) {
		rc = key_hash(s, hash, e);
		return rc < 0 ? rc : add(area, MCUBOOT_TLV_KEYHASH, hash, hash_bits(s) / 8, e);
	}
	rc = key_public_der(s->key, &der, e);
	return rc < 0 ? rc : add(area, MCUBOOT_TLV_PUBKEY, der.data, der.len, e);
}

/* Hash and signature of all that stands in `made`. */
static int make_unprotected(
	const struct mcuboot_spec *s, const struct buf *made, struct buf *area, struct err *e)
{
	unsigned bits = hash_bits(s);
	uint8_t digest[SHA2_MAX], yes = 1;
	int rc = sha2(bits, made->data, made->len, digest, e);

	if (rc == 0)
		rc = open_area(area, MCUBOOT_UNPROTECTED, e);
	if (rc == 0)
		rc = add(area, hash_type(bits), digest, bits / 8, e);
	if (rc == 0 && s->pure)
		rc = add(area, MCUBOOT_TLV_SIG_PURE, &yes, 1, e);
	if (rc == 0 && s->key != NULL)
		rc = add_key(area, s, e);
	if (rc == 0 && s->key != NULL)
		rc = add_signature(area, s, made, digest, e);
	return rc;
}

/* ---- encryption ---- */

/* Encrypts the body and adds the wrapped key to the entries. */
static int encrypt(
	const struct mcuboot_spec *s, uint8_t *body, size_t len, struct buf *area, struct err *e)
{
	uint8_t aes_key[MCUBOOT_AES_MAX], entry[MCUBOOT_ENC_MAX];
	size_t key_len = s->aes256 ? 32 : 16, entry_len = 0;
	uint16_t type = 0;
	int rc;

	if (RAND_priv_bytes(aes_key, (int)key_len) != 1)
		return err_set(e, ERR_FAILED, "the crypto library has no random numbers");
	rc = mcuboot_wrap(s->encrypt, s->sha512, aes_key, key_len, &type, entry, &entry_len, e);
	if (rc == 0)
		rc = add(area, type, entry, entry_len, e);
	if (rc == 0 && !s->clear)
		rc = mcuboot_ctr(aes_key, key_len, body, len, e);
	OPENSSL_cleanse(aes_key, sizeof(aes_key));
	return rc;
}

/* ---- header, body, slot ---- */

static uint32_t flags_of(const struct mcuboot_spec *s)
{
	uint32_t flags = 0;

	if (s->encrypt != NULL)
		flags |= s->aes256 ? MCUBOOT_ENCRYPTED_AES256 : MCUBOOT_ENCRYPTED_AES128;
	if (s->load_addr != 0)
		flags |= MCUBOOT_RAM_LOAD;
	if (s->rom_fixed != 0)
		flags |= MCUBOOT_ROM_FIXED;
	if (s->non_bootable)
		flags |= MCUBOOT_NON_BOOTABLE;
	return flags;
}

static void put_header(
	uint8_t *p, const struct mcuboot_spec *s, size_t protected_size, uint32_t body_size)
{
	memset(p, 0, MCUBOOT_HEADER_SIZE);
	put_le32(p, MCUBOOT_MAGIC);
	put_le32(p + 4, s->rom_fixed != 0 ? s->rom_fixed : s->load_addr);
	put_le16(p + 8, (uint16_t)s->header_size);
	put_le16(p + 10, (uint16_t)protected_size);
	put_le32(p + 12, body_size);
	put_le32(p + 16, flags_of(s));
	put_version(p + 20, s->version);
}

static int check_room(
	const struct mcuboot_spec *s, const uint8_t *program, size_t len, struct err *e)
{
	if (!s->has_room)
		return 0;
	if (len > s->header_size && (bytes_all(program, s->header_size, 0) ||
					    bytes_all(program, s->header_size, s->erased)))
		return 0;
	err_set(e, ERR_FORMAT, "the file does not begin with %" PRIu32 " free bytes for the header",
		s->header_size);
	return err_hint(e, "--pad-header puts the header before the program");
}

static int make_body(const struct mcuboot_spec *s, const uint8_t *program, size_t len,
	struct buf *ret, struct err *e)
{
	int rc = 0;

	if (!s->has_room)
		rc = buf_fill(ret, s->erased, s->header_size, e);
	if (rc == 0)
		rc = buf_append(ret, program, len, e);
	if (rc == 0 && s->encrypt != NULL && ret->len % 16 != 0)
		rc = buf_fill(ret, 0, 16 - ret->len % 16, e);
	return rc;
}

static uint32_t align_up(uint32_t v, uint32_t align)
{
	return (v + align - 1) / align * align;
}

static uint32_t largest_align(const struct mcuboot_spec *s)
{
	if (s->max_align != 0)
		return s->max_align;
	return s->align > ALIGN_MIN ? s->align : ALIGN_MIN;
}

/* image-formats: magic, image_ok, copy_done, swap info and size, keys, state of each sector. */
static uint32_t trailer_size(const struct mcuboot_spec *s)
{
	uint32_t align = largest_align(s), magic = align_up(MCUBOOT_TRAILER_MAGIC, align);

	if (s->overwrite_only)
		return 2 * align + magic;
	return s->max_sectors * 3 * s->align +
	       (s->encrypt != NULL ? 2 * align_up(s->aes256 ? 32 : 16, align) : 0) + 4 * align +
	       magic;
}

static int fill_slot(const struct mcuboot_spec *s, struct buf *b, struct err *e)
{
	uint32_t trailer = trailer_size(s), align = largest_align(s);
	uint8_t magic[MCUBOOT_TRAILER_MAGIC];
	int rc = 0;

	if (s->slot_size == 0)
		return 0;
	if ((uint64_t)b->len + trailer > s->slot_size) {
		err_set(e, ERR_NO_FIT,
			"the image has %zu bytes, with the %" PRIu32 " of MCUboot's trailer "
			"%" PRIu64 ": the slot has %" PRIu32,
			b->len, trailer, (uint64_t)b->len + trailer, s->slot_size);
		return err_hint(e, s->overwrite_only
					   ? "a larger slot, or a smaller program"
					   : "a larger slot, a smaller program, fewer "
					     "--max-sectors, or a loader that only overwrites");
	}
	if (!s->pad && !s->confirm)
		return 0;
	mcuboot_trailer_magic(align, magic);
	rc = buf_fill(b, s->erased, s->slot_size - b->len - sizeof(magic), e);
	if (rc == 0)
		rc = buf_append(b, magic, sizeof(magic), e);
	if (rc == 0 && s->confirm)
		b->data[b->len - align_up(sizeof(magic), align) - align] = 1;
	return rc;
}

int mcuboot_build(const struct mcuboot_spec *s, const uint8_t *program, size_t len, struct buf *ret,
	struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT, prot = BUF_INIT, area = BUF_INIT;
	size_t body_end;
	int rc = check_spec(s, e);

	if (rc == 0)
		rc = check_room(s, program, len, e);
	if (rc == 0 && len > INT32_MAX)
		rc = err_set(e, ERR_NO_FIT, "%zu bytes are no program", len);
	if (rc == 0)
		rc = make_protected(s, &prot, e);
	if (rc == 0)
		rc = make_body(s, program, len, &b, e);
	if (rc < 0)
		return rc;
	body_end = b.len;
	put_header(b.data, s, prot.len, (uint32_t)(body_end - s->header_size));
	rc = buf_append(&b, prot.data, prot.len, e);
	if (rc == 0)
		rc = make_unprotected(s, &b, &area, e);
	if (rc == 0 && s->encrypt != NULL)
		rc = encrypt(s, b.data + s->header_size, body_end - s->header_size, &area, e);
	if (rc < 0)
		return rc;
	put_le16(area.data + 2, (uint16_t)area.len);
	rc = buf_append(&b, area.data, area.len, e);
	if (rc == 0)
		rc = fill_slot(s, &b, e);
	return rc < 0 ? rc : buf_append(ret, b.data, b.len, e);
}
