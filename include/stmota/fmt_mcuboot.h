/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fmt_mcuboot.h - the header of an MCUboot image and the entries behind its body
 *
 * MCUboot's design document and boot/bootutil/include/bootutil/image.h. Nothing here is believed:
 * hashes and signatures are for the caller to check.
 */
#ifndef STMOTA_FMT_MCUBOOT_H
#define STMOTA_FMT_MCUBOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/err.h>

#define MCUBOOT_ENCRYPTED_AES128 0x0004u
#define MCUBOOT_ENCRYPTED_AES256 0x0008u
#define MCUBOOT_ENCRYPTED        (MCUBOOT_ENCRYPTED_AES128 | MCUBOOT_ENCRYPTED_AES256)
#define MCUBOOT_COMPRESSED       0x0600u /* LZMA1 or LZMA2 */

#define MCUBOOT_NON_BOOTABLE 0x0010u
#define MCUBOOT_RAM_LOAD     0x0020u
#define MCUBOOT_ROM_FIXED    0x0100u

#define MCUBOOT_MAGIC       0x96f3b83du
#define MCUBOOT_HEADER_SIZE 32
#define MCUBOOT_TLV_HEAD    4
#define MCUBOOT_PROTECTED   0x6908 /* heads of the two areas of entries */
#define MCUBOOT_UNPROTECTED 0x6907

#define MCUBOOT_TLV_KEYHASH     0x01
#define MCUBOOT_TLV_PUBKEY      0x02
#define MCUBOOT_TLV_SHA256      0x10
#define MCUBOOT_TLV_SHA384      0x11
#define MCUBOOT_TLV_SHA512      0x12
#define MCUBOOT_TLV_RSA2048     0x20
#define MCUBOOT_TLV_ECDSA       0x22
#define MCUBOOT_TLV_RSA3072     0x23
#define MCUBOOT_TLV_ED25519     0x24
#define MCUBOOT_TLV_SIG_PURE    0x25
#define MCUBOOT_TLV_ENC_FIRST   0x30 /* the wrapped key of an encrypted body */
#define MCUBOOT_TLV_ENC_LAST    0x34
#define MCUBOOT_TLV_DEPENDENCY  0x40
#define MCUBOOT_TLV_SEC_CNT     0x50
#define MCUBOOT_TLV_BOOT_RECORD 0x60
#define MCUBOOT_TLV_UUID_VID    0x74
#define MCUBOOT_TLV_UUID_CID    0x75

#define MCUBOOT_TRAILER_MAGIC 16

struct mcuboot_version {
	uint8_t major, minor;
	uint16_t revision;
	uint32_t build;
};

struct mcuboot_tlv {
	uint16_t type;
	bool is_protected;
	const char *name; /* "SHA256"; static; NULL if the type is not known */
	uint16_t len;
	const uint8_t *data; /* borrowed */
};

struct mcuboot_info {
	uint32_t load_addr;
	uint32_t header_size, body_size;
	uint32_t flags;
	struct mcuboot_version version;
	size_t protected_size; /* bytes with their 4-byte head; 0: none */
	size_t tlv_size;       /* the same of the unprotected entries */
	size_t hashed;         /* header, body and protected entries: what the hash is of */
	size_t end;            /* behind the last entry */
	bool pure;             /* signed itself, not by its hash: needs none */
	unsigned hash_bits;    /* 256, 384, 512; 0: none */
	const uint8_t *hash;   /* borrowed */
	unsigned n_signatures;
	bool has_trailer; /* behind the end the slot is filled up, with MCUboot's magic last */
};

/*
 * Checks sizes and walks all entries: a hash must be there, exactly one, unless `pure`.
 * ERR_FORMAT with the offset, ERR_UNSUPPORTED (images of MCUboot before 1.0).
 */
int mcuboot_inspect(const uint8_t *data, size_t len, struct mcuboot_info *ret, struct err *e);

/* The entries of an inspected file, protected ones first. `*at` is 0 at the start; false at the
 * end. */
bool mcuboot_tlv_next(
	const uint8_t *data, const struct mcuboot_info *info, size_t *at, struct mcuboot_tlv *ret);

/* Eight bytes as they stand in header and dependencies. */
struct mcuboot_version mcuboot_version_at(const uint8_t *p);

/* What stands at the very end of a slot that was padded; max_align 8, 16 or 32. */
void mcuboot_trailer_magic(uint32_t max_align, uint8_t ret[MCUBOOT_TRAILER_MAGIC]);

/*
 * Of an image that lies at `data`: the offset of its vector table. 0 if there is no MCUboot header,
 * or if its body is not a plain program (encrypted or compressed). Reads 32 bytes at most.
 */
uint32_t mcuboot_table_offset(const uint8_t *data, size_t len);
/* Where its slot seems to be, from its vector table; false if nothing or more than one place fits. */
bool mcuboot_guess_slot(const uint8_t *data, const struct mcuboot_info *info, uint32_t *ret);

/* True for an MCUboot header whose body no vector table can be read from. */
bool mcuboot_is_opaque(const uint8_t *data, size_t len);

/* Name of the flag `1 << bit`; NULL if it is not known. */
const char *mcuboot_flag_name(unsigned bit);

#endif
