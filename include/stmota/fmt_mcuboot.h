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

#define MCUBOOT_TLV_DEPENDENCY 0x40
#define MCUBOOT_TLV_SEC_CNT    0x50

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

/* Name of the flag `1 << bit`; NULL if it is not known. */
const char *mcuboot_flag_name(unsigned bit);

#endif
