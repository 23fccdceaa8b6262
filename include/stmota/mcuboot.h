/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mcuboot.h - MCUboot images: made, checked against trusted keys, decrypted
 *
 * MCUboot's design document, its boot/bootutil and scripts/imgtool. The form of such a file is
 * fmt_mcuboot.h.
 */
#ifndef STMOTA_MCUBOOT_H
#define STMOTA_MCUBOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <imf/imf_version.h>
#include <stmota/buf.h>
#include <stmota/cleanup.h>
#include <stmota/err.h>
#include <stmota/fmt_mcuboot.h>
#include <stmota/key.h>
#include <stmota/trust.h>
#include <stmota/version.h>

/* ---- keys for encryption ---- */

struct mcuboot_enc_key; /* X25519, P-256 or, for decryption only, RSA-2048 */

/* The device's public key in PEM. ERR_IO, ERR_SIGNATURE (another type). */
int mcuboot_enc_public(const char *path, struct mcuboot_enc_key **ret, struct err *e);
/* The device's private key in PEM. ERR_IO, ERR_SIGNATURE. */
int mcuboot_enc_private(const char *path, const struct key_unlock *unlock,
	struct mcuboot_enc_key **ret, struct err *e);
void mcuboot_enc_free(struct mcuboot_enc_key *k);

static inline void cleanup_mcuboot_enc_key_(struct mcuboot_enc_key **k)
{
	mcuboot_enc_free(*k);
}

#define cleanup_mcuboot_enc_key CLEANUP(cleanup_mcuboot_enc_key_)

/* ---- making ---- */

#define MCUBOOT_DEPENDENCIES_MAX 16
#define MCUBOOT_SW_TYPE_MAX      12
#define MCUBOOT_SECTORS_USUAL    128

struct mcuboot_spec {
	struct imf_version version;
	uint32_t header_size; /* 32..65535 */
	/* The program begins behind room for the header, which holds zeros or erased bytes. */
	bool has_room;
	uint32_t load_addr; /* RAM it is copied to; 0: none */
	uint32_t rom_fixed; /* flash address it must be at; 0: any */
	bool non_bootable;
	bool has_counter;
	uint32_t counter;
	const char *sw_type; /* of a boot record, at most MCUBOOT_SW_TYPE_MAX; NULL: none */
	struct {
		uint8_t image;
		struct imf_version version;
	} dependencies[MCUBOOT_DEPENDENCIES_MAX];
	size_t n_dependencies;
	const char *product; /* "vendor/class" for the two UUIDs; NULL: none */

	unsigned hash_bits;    /* 256, 384, 512; 0: what the key wants */
	const struct key *key; /* NULL: not signed */
	bool full_key;         /* the public key itself in place of its hash */
	bool pure;             /* Ed25519 over the image instead of its hash */

	const struct mcuboot_enc_key *encrypt; /* NULL: plain */
	bool aes256;                           /* else AES-128 */
	bool sha512;                           /* X25519: HKDF and HMAC with SHA-512 */
	bool clear; /* plain body with the key beside it: encrypted when it is swapped out */

	uint32_t slot_size; /* 0: not known */
	uint32_t align;     /* write unit of the flash: 1, 2, 4, 8, 16, 32 */
	uint32_t max_align; /* 8, 16, 32; 0: the larger of 8 and align */
	uint32_t max_sectors;
	bool overwrite_only;
	bool pad;     /* fill the slot and put the trailer at its end */
	bool confirm; /* permanent, not for a test; needs pad */
	uint8_t erased;
};

/*
 * Appends the image of `program`, `len` bytes. ERR_USAGE (settings that contradict each other),
 * ERR_FORMAT (no room for the header), ERR_NO_FIT (slot), ERR_SIGNATURE, ERR_NOMEM.
 */
int mcuboot_build(const struct mcuboot_spec *spec, const uint8_t *program, size_t len,
	struct buf *ret, struct err *e);

/* ---- reading ---- */

#define MCUBOOT_SIGNERS_MAX 8

struct mcuboot_verdict {
	struct trust_signer signers[MCUBOOT_SIGNERS_MAX];
	size_t n_signers;
	bool decrypted;
};

/*
 * Appends the plain image, header and entries included: the file itself if its body is plain (also
 * of the `clear` kind), else what `key` opens (NULL: none).
 *
 * ret_decrypted  may be NULL
 *
 * ERR_SIGNATURE (no key, another key), ERR_UNSUPPORTED (key wrap), ERR_DAMAGED (the hash).
 */
int mcuboot_plain(const uint8_t *data, const struct mcuboot_info *info,
	const struct mcuboot_enc_key *key, struct buf *ret, bool *ret_decrypted, struct err *e);

/*
 * The hash alone, without any key. *ret_checked is false if it is of a body that is encrypted here.
 * ERR_DAMAGED.
 */
int mcuboot_check_hash(
	const uint8_t *data, const struct mcuboot_info *info, bool *ret_checked, struct err *e);

/* The security counter; false if none is among the protected entries. */
bool mcuboot_counter(const uint8_t *data, const struct mcuboot_info *info, uint32_t *ret);

/*
 * Hash, signatures, and that what a loader acts upon is covered by them.
 *
 * trust  with any_type set
 * key    for an encrypted image; NULL: none
 *
 * ERR_SIGNATURE (unsigned; by keys that are not trusted; encrypted without `key`), ERR_DAMAGED.
 */
int mcuboot_verify(const uint8_t *data, const struct mcuboot_info *info, const struct trust *trust,
	uint64_t now, const struct mcuboot_enc_key *key, struct mcuboot_verdict *ret,
	struct err *e);

struct imf_version mcuboot_to_version(struct mcuboot_version v);

#endif
