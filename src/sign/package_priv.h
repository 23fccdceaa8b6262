/* SPDX-License-Identifier: Apache-2.0 */
/*
 * package_priv.h - what the files that make and read packages share
 */
#ifndef STMOTA_PACKAGE_PRIV_H
#define STMOTA_PACKAGE_PRIV_H

#include <stmota/package.h>

extern const uint8_t package_magic[IMF_MAGIC_SIZE];

/* Names and texts of a parsed manifest into p->meta and p->names. ERR_DAMAGED. */
int package_read_meta(struct package *p, struct err *e);

/* The TLVs 0x0002 to 0x0007, in their order. */
int package_append_meta(struct buf *b, const struct package_spec *s, struct err *e);
int package_append_tlv(struct buf *b, uint16_t type, const void *value, size_t len, struct err *e);

/* ---- encoding: package_seal.c ---- */

struct package_raw { /* the payload of a delta or a compressed image, before it is encrypted */
	const uint8_t *data; /* NULL: the image as it is */
	size_t len;
	uint16_t encoding;
	uint32_t ram;
};

struct package_raw package_raw_of(const struct package_item *it);

struct package_sealed { /* a component as it is stored, and what its manifest says about that */
	uint16_t encoding;
	struct buf stored; /* empty: image or delta are stored as they are */
	uint32_t stored_size;
	uint8_t plain_digest[SHA256_SIZE], stored_digest[SHA256_SIZE];
	uint8_t chain_digest[SHA256_SIZE];
	uint8_t salt[IMF_SALT_SIZE], check[IMF_KEYCHECK_SIZE];
};

/* `ret` is released with package_sealed_done(), also on failure. */
int package_seal(const struct package_spec *s, size_t i, struct package_sealed *ret, struct err *e);
void package_sealed_done(struct package_sealed *s);
/* The TLVs 0x8003 and 0x8004. */
int package_append_encodings(struct buf *b, const struct package_spec *s,
	const struct package_sealed *sealed, struct err *e);

/* ---- key wraps: package_wrap.c ---- */

/*
 * Puts wraps in place of the `old_size` bytes of wraps at offset `at` of a package.
 * area  offset of the signature area
 */
int package_put_wraps(struct buf *pkg, size_t area, size_t at, size_t old_size,
	const struct package_lock *lock, struct err *e);

#endif
