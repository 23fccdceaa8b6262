/* SPDX-License-Identifier: Apache-2.0 */
/*
 * package.h - stmota's own package (.sota): made, opened, checked
 *
 * image_format/SPEC.md has every byte. Reading goes through the same parser that devices use.
 */
#ifndef STMOTA_PACKAGE_H
#define STMOTA_PACKAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <imf/imf_app_info.h>
#include <imf/imf_manifest.h>
#include <stmota/buf.h>
#include <stmota/chip.h>
#include <stmota/err.h>
#include <stmota/key.h>
#include <stmota/secret.h>
#include <stmota/segments.h>
#include <stmota/trust.h>
#include <stmota/version.h>

/* ---- making ---- */

struct package_delta {          /* borrows its bytes */
	const uint8_t *payload; /* makes the item's image from the base */
	size_t len;
	uint32_t ram; /* what the decoder may use: 4096, 8192 or 16384 */
	uint32_t base_addr, base_len;
	uint8_t base_digest[SHA256_SIZE];
	bool has_base_version; /* it is known, and told to people */
	struct imf_version base_version;
	const struct imf_groups *groups; /* NULL: from slot to slot; else in place */
};

struct package_packed {         /* borrows its bytes */
	const uint8_t *payload; /* makes the item's image, see delta_pack() */
	size_t len;
	uint32_t ram; /* what the decoder may use: 4096, 8192 or 16384 */
};

#define PACKAGE_NAME_SIZE (IMF_COMPONENT_NAME_MAX + 1)
#define PACKAGE_DATE_MAX  253402300799u /* the last second of the year 9999 */
#define PACKAGE_DATE_TEXT 32

/* What a package tells people; "" where it says nothing. Filled by package_meta_set(). */
struct package_meta {
	char title[IMF_TITLE_MAX + 1];
	char build_id[IMF_BUILD_ID_MAX + 1];
	char revision[IMF_REVISION_MAX + 1];
	char notes[IMF_NOTES_MAX + 1]; /* lines, no line feed at the end */
	bool has_date;
	uint64_t date; /* Unix time */
};

/*
 * Sets the text "title", "build id", "revision" or "notes". ERR_USAGE if it is empty, too long, or
 * holds what a terminal might take for more than text.
 */
int package_meta_set(struct package_meta *m, const char *name, const char *text, struct err *e);
/* ERR_USAGE behind the year 9999. */
int package_meta_date(struct package_meta *m, uint64_t date, struct err *e);
/* "2026-11-21T12:00:00Z" */
const char *package_date_format(uint64_t date, char ret[PACKAGE_DATE_TEXT]);
/* The reverse, of exactly that form. ERR_USAGE. */
int package_date_parse(const char *text, uint64_t *ret, struct err *e);

/* ERR_USAGE if this is no name for a component. */
int package_name_check(const char *name, struct err *e);

struct package_item { /* a component to be packed, plain */
	enum imf_kind kind;
	const char *name;                  /* borrowed; NULL: none */
	uint16_t slot;                     /* IMF_NO_SLOT, or the device's slot number */
	uint32_t entry;                    /* run once after the update, Thumb bit set; 0: none */
	uint32_t app_info;                 /* offset of the record in the plain bytes; 0: none */
	const struct segments *image;      /* not empty; holes are kept as holes */
	const struct package_delta *delta; /* NULL: no delta */
	const struct package_packed *packed; /* NULL: not compressed */
	bool encrypt;                      /* with package_spec.lock */
	uint32_t chunk_size;               /* chained: 1024, 2048 or 4096; 0: not */
};

/* The key that encrypts a package, and for whom. */
struct package_lock {
	enum imf_key_source source;
	uint8_t key[IMF_KEY_MAX]; /* the product key; or one of this package, random */
	size_t key_len;           /* 16: AES-128, 32: AES-256 */
	struct key *const *to;    /* IMF_KEY_WRAPPED: public keys of devices, borrowed */
	size_t n_to;
};

struct package_spec {
	const char *product; /* checked by product_check() */
	struct imf_version version, min_version;
	uint32_t counter;
	uint16_t hw_min, hw_max; /* 0 and 0xFFFF: any revision */
	uint16_t chip;           /* product ID, 0: any */
	struct package_meta meta;
	const struct package_lock *lock; /* NULL: nothing is encrypted */
	const struct package_item *items;
	size_t n_items;
};

/*
 * Makes an unsigned package in `ret`, in place of what it holds. The same input gives the same bytes,
 * but for key wraps, which hold random numbers.
 * ERR_USAGE (product name, kinds, places that overlap), ERR_UNSUPPORTED (larger than the format
 * allows: too many holes, too much payload), ERR_NOMEM.
 */
int package_build(const struct package_spec *spec, struct buf *ret, struct err *e);

/*
 * Adds a signature behind those that are there. ERR_USAGE if this key has signed already,
 * ERR_DAMAGED if `pkg` is no sound package (payload digests are not looked at), ERR_UNSUPPORTED if
 * there is no room for one more.
 */
int package_sign(struct buf *pkg, const struct key *k, struct err *e);

/*
 * Adds a signature that was made elsewhere over imf_sign_message() of the package's digest, after
 * checking it against the public key `k`.
 *
 * signature  64 bytes; or DER for P-256, as openssl writes it
 *
 * Errors as package_sign(); ERR_SIGNATURE if it is not a good one.
 */
int package_attach(
	struct buf *pkg, const struct key *k, const void *signature, size_t len, struct err *e);

/* "application", "second-image", "configuration", "ram-init", "ram-code", "data". */
const char *package_kind_name(enum imf_kind kind);
/* ERR_USAGE. */
int package_kind_parse(const char *text, enum imf_kind *ret, struct err *e);

/*
 * Whether a component of this kind may lie where its image lies: kinds 1 to 3 in flash (settings
 * also in data EEPROM), RAM-init values and RAM code in RAM. External memory is not judged.
 *
 * chip  NULL: only what holds for every Cortex-M is checked
 *
 * ERR_NO_FIT.
 */
int package_place_check(
	enum imf_kind kind, const struct segments *image, const struct chip *chip, struct err *e);

/* ---- reading ---- */

#define PACKAGE_SIGNATURES_MAX IMF_SIGNATURES_MAX

struct package { /* borrows the bytes it was opened on */
	const uint8_t *data;
	size_t len;
	struct imf_manifest manifest;
	struct imf_header
		header; /* copy of the manifest's: chip, hw range, version, counter, ... */
	char product[PRODUCT_NAME_SIZE]; /* name, "" if the package does not tell it */
	struct package_meta meta;
	char names[IMF_COMPONENTS_MAX][PACKAGE_NAME_SIZE]; /* of the components; "": none */
	struct imf_signatures signatures;
	size_t n_signatures;
	const uint8_t *wraps;        /* signatures.wrap_size bytes */
	size_t n_wraps;
	const uint8_t *payload;      /* header.payload_size bytes */
	uint8_t root[IMF_KEY_MAX];   /* key of its encrypted components, see package_unlock() */
	size_t root_len;             /* 0: locked, or nothing is encrypted */
	uint8_t digest[SHA256_SIZE]; /* of the manifest: names the release */
};

/* True if the bytes begin like a package, also one of another format version. */
bool package_detect(const uint8_t *data, size_t len);

/*
 * Takes a package apart and checks its form completely, payload digests included. It is not
 * trusted by that: see package_verify().
 *
 * data, len  the whole file; must stay while `ret` is used
 *
 * ERR_FORMAT (no package at all), ERR_DAMAGED (truncated, breaks a rule, a payload does not match
 * its digest), ERR_UNSUPPORTED (another format version, an encoding that is not built yet). `ret`
 * needs no release.
 */
int package_open(const uint8_t *data, size_t len, struct package *ret, struct err *e);

/* Without the digests of the payloads, which cost the time: for bytes that were just made here. */
int package_parse(const uint8_t *data, size_t len, struct package *ret, struct err *e);

/* Component `i` < header.n_components. */
struct imf_component package_component(const struct package *p, size_t i);

/* True if a component is encrypted; *ret_source may be NULL. */
bool package_is_encrypted(const struct package *p, enum imf_key_source *ret_source);

/*
 * Finds the key of the encrypted components and proves it on each of them. Nothing happens if
 * nothing is encrypted. To be called after package_verify(): what is not signed proves nothing.
 *
 * secret  NULL or empty: ERR_SIGNATURE if a key would be needed
 *
 * ERR_SIGNATURE: the wrong key or kind of key, wrapped for other devices, a damaged wrap.
 */
int package_unlock(struct package *p, const struct secret *secret, struct err *e);

/*
 * What component `i` holds without chain and encryption, appended to `ret`: its plain bytes, or the
 * payload of a delta. Each chunk's digest is checked before it is decrypted, and plain bytes at the
 * end. ERR_NOMEM, ERR_SIGNATURE (locked), ERR_DAMAGED.
 */
int package_content(const struct package *p, size_t i, struct buf *ret, struct err *e);

/*
 * The 16 bytes that are hashed before the plain bytes of component `i`; false: none, it is not
 * encrypted. The package is unlocked.
 */
bool package_plain_salt(const struct package *p, size_t i, uint8_t ret[IMF_SALT_SIZE]);

/*
 * Plain bytes of component `i` at their addresses, copied into `ret` (empty); decompressed.
 * ERR_NOMEM, ERR_SIGNATURE (encrypted, and not unlocked), ERR_DAMAGED (does not make what the
 * manifest says), ERR_UNSUPPORTED for a delta: its plain bytes are not in the package.
 */
int package_segments(const struct package *p, size_t i, struct segments *ret, struct err *e);

/*
 * The firmware's own record in component `i`; none is found in what is locked.
 * ERR_DAMAGED if the manifest names a place where there is no sound record. *ret_found false: none.
 */
int package_app_info(const struct package *p, size_t i, struct imf_app_info *ret, bool *ret_found,
	struct err *e);

/*
 * Wraps the key of an unlocked package (see package_unlock) for other devices; the wraps that were
 * there go. Signatures stay good.
 *
 * p  opened on `pkg`, must not be used afterwards
 *
 * ERR_USAGE (not encrypted for device keys, none or too many of them, one twice), ERR_SIGNATURE (a
 * key that is no device key, or not unlocked).
 */
int package_rewrap(struct buf *pkg, const struct package *p, struct key *const *to, size_t n_to,
	struct err *e);

/*
 * The component that `text` names, or whose number it is.
 * ERR_USAGE; the hint lists the names that there are.
 */
int package_component_find(const struct package *p, const char *text, size_t *ret, struct err *e);

/* "component 'app'" or "component 0", for messages; `ret` has room for PACKAGE_LABEL_SIZE. */
#define PACKAGE_LABEL_SIZE (PACKAGE_NAME_SIZE + 24)
const char *package_component_label(
	const struct package *p, size_t i, char ret[PACKAGE_LABEL_SIZE]);

struct package_verdict {
	struct trust_signer signers[TRUST_KEYS_MAX]; /* trusted keys whose signature is good */
	size_t n_signers;
};

/*
 * Checks the signatures of an opened package for role `release`.
 *
 * now  Unix time, for keys with not-after
 * ret  may be NULL; filled also when the package is refused
 *
 * ERR_SIGNATURE with the reason and a hint.
 */
int package_verify(const struct package *p, const struct trust *t, uint64_t now,
	struct package_verdict *ret, struct err *e);

/* ---- the record in a firmware ---- */

/*
 * Looks for the imf_app_info record in an image.
 *
 * ret_offset  in the plain bytes (all segments one behind the other)
 *
 * ERR_FORMAT if there are several. *ret_found false: none.
 */
int package_find_app_info(const struct segments *image, uint32_t *ret_offset,
	struct imf_app_info *ret, bool *ret_found, struct err *e);

#endif
