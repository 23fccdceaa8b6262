/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_manifest.h - the signed part of a package and its signatures, taken apart
 *
 * SPEC.md has every byte. Parsing copies nothing but the 128-byte header: the structs point into
 * the caller's buffer, which must stay. Nothing that was parsed is trusted before
 * imf_verify.h said so: until then it may only lead to a refusal.
 */
#ifndef IMF_MANIFEST_H
#define IMF_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>

#include <imf/imf_config.h>
#include <imf/imf_error.h>
#include <imf/imf_version.h>

#define IMF_FORMAT_VERSION 0 /* draft */

#define IMF_MAGIC_SIZE       8
#define IMF_HEADER_SIZE      128u
#define IMF_COMPONENT_SIZE   96u
#define IMF_COMPONENTS_MAX   16u
#define IMF_SIG_HEADER_SIZE  8u
#define IMF_SIG_RECORD_SIZE  12u /* before the signature itself */
#define IMF_SIGNATURES_MAX   16u
#define IMF_SIGNATURE_SIZE   64u /* Ed25519; ECDSA P-256 as r || s */
#define IMF_KEY_ID_SIZE      8u
#define IMF_DIGEST_SIZE      32u
#define IMF_UUID_SIZE        16u
#define IMF_BASE_PREFIX_SIZE 16u
#define IMF_TLV_HEADER_SIZE  4u
#define IMF_PRODUCT_NAME_MAX 127u

/* Texts of the manifest, bytes without an end mark. */
#define IMF_TITLE_MAX          64u
#define IMF_BUILD_ID_MAX       64u
#define IMF_REVISION_MAX       64u
#define IMF_NOTES_MAX          1024u
#define IMF_COMPONENT_NAME_MAX 31u

/* Manifest and signatures: of a device package, and of any. */
#define IMF_HEAD_MAX_DEVICE 1024u
#define IMF_HEAD_MAX        16384u
#define IMF_PAYLOAD_MAX     0x7FFFFFFFu

/* What is signed: this text with its NUL, then SHA-256 of the manifest. */
#define IMF_SIGN_DOMAIN       "stmota-package-v1"
#define IMF_SIGN_DOMAIN_SIZE  18u
#define IMF_SIGN_MESSAGE_SIZE (IMF_SIGN_DOMAIN_SIZE + IMF_DIGEST_SIZE)

enum imf_kind {
	IMF_KIND_APPLICATION = 1,
	IMF_KIND_SECOND_IMAGE = 2,  /* another program: radio stack, second core, loader */
	IMF_KIND_CONFIGURATION = 3, /* a block of settings */
	IMF_KIND_RAM_INIT = 4,      /* values for RAM of the running application */
	IMF_KIND_RAM_CODE = 5,      /* loaded to RAM and run */
	IMF_KIND_OPAQUE = 6         /* data for another chip on the board */
};

/* Encodings: bits, applied in this order when made, undone in the opposite one. */
#define IMF_ENC_DELTA      1u
#define IMF_ENC_COMPRESSED 2u
#define IMF_ENC_ENCRYPTED  4u
#define IMF_ENC_CHAINED    8u
#define IMF_ENC_KNOWN      15u
#if !defined(IMF_NO_PATCH) && !defined(IMF_NO_WHOLE)
#define IMF_ENC_BUILT_DELTA (IMF_ENC_DELTA | IMF_ENC_COMPRESSED)
#elif !defined(IMF_NO_PATCH)
#define IMF_ENC_BUILT_DELTA IMF_ENC_DELTA
#else
#define IMF_ENC_BUILT_DELTA 0u
#endif
#ifndef IMF_NO_DECRYPT
#define IMF_ENC_BUILT_ENCRYPTED IMF_ENC_ENCRYPTED
#else
#define IMF_ENC_BUILT_ENCRYPTED 0u
#endif
#ifndef IMF_NO_CHAIN
#define IMF_ENC_BUILT_CHAINED IMF_ENC_CHAINED
#else
#define IMF_ENC_BUILT_CHAINED 0u
#endif
/* What this library can undo. */
#define IMF_ENC_BUILT (IMF_ENC_BUILT_DELTA | IMF_ENC_BUILT_ENCRYPTED | IMF_ENC_BUILT_CHAINED)

/* TLV types; with the critical bit, who does not know the type refuses the package. */
#define IMF_TLV_CRITICAL       0x8000u
#define IMF_TLV_PRODUCT_NAME   0x0001u
#define IMF_TLV_TITLE          0x0002u
#define IMF_TLV_BUILD_ID       0x0003u
#define IMF_TLV_REVISION       0x0004u
#define IMF_TLV_BUILD_DATE     0x0005u /* seconds since 1970, 8 bytes */
#define IMF_TLV_NOTES          0x0006u
#define IMF_TLV_COMPONENT_NAME 0x0007u
#define IMF_TLV_BASE_VERSION   0x0008u /* of a delta's base, for people */
#define IMF_TLV_SEGMENTS       0x8001u
#define IMF_TLV_DELTA_BASE     0x8002u
#define IMF_TLV_CHAIN          0x8003u
#define IMF_TLV_ENCRYPTION     0x8004u
#define IMF_TLV_COMPRESSED     0x8005u
#define IMF_TLV_IN_PLACE       0x8006u

/* Chained payloads: bytes of a chunk, its digest of the next included. */
#define IMF_CHUNK_MIN 1024u
#define IMF_CHUNK_MAX 4096u

/* Encryption. */
#define IMF_SALT_SIZE     16u
#define IMF_KEY_MAX       32u /* bytes of a content or product key */
#define IMF_KEYCHECK_SIZE 16u
#define IMF_POINT_SIZE    64u /* a P-256 public key, x || y */
#define IMF_WRAPS_MAX     8u
#define IMF_WRAP_MAX      (IMF_KEY_ID_SIZE + IMF_POINT_SIZE + IMF_KEY_MAX + IMF_DIGEST_SIZE)

enum imf_cipher { IMF_CIPHER_AES128_CTR = 1, IMF_CIPHER_AES256_CTR = 2 };

/* Where the key of a component comes from. */
enum imf_key_source {
	IMF_KEY_PRODUCT = 1, /* a key that all devices of the product hold */
	IMF_KEY_WRAPPED = 2  /* a key of this package, wrapped to the public keys of devices */
};

#define IMF_NO_SLOT 0u

/* The refusal header, bytes 0..127. */
struct imf_header {
	uint16_t n_components;
	uint32_t manifest_size;                  /* bytes, from 0 */
	uint32_t payload_size;                   /* bytes, all components as stored */
	uint32_t counter;                        /* security counter */
	struct imf_version version, min_version; /* min 0.0.0+0: over anything */
	uint8_t product[IMF_UUID_SIZE];
	uint16_t hw_min, hw_max;        /* both included */
	uint16_t chip;                  /* STM32 product ID, 0: any */
	uint16_t encodings;             /* of all components together */
	uint32_t load_addr, plain_size; /* of component 0 */
	uint32_t decoder_ram;           /* bytes */
	uint8_t base_prefix[IMF_BASE_PREFIX_SIZE];
};

struct imf_component {
	uint16_t kind;      /* enum imf_kind */
	uint16_t encoding;  /* IMF_ENC_* */
	uint16_t slot;      /* IMF_NO_SLOT: goes to load_addr; else the device's slot number */
	uint32_t load_addr; /* where it runs or lies; with a slot: the address it is linked for */
	uint32_t entry;     /* run once after the update, Thumb bit set; 0: none */
	uint32_t app_info;  /* offset of the imf_app_info record in the plain bytes; 0: none */
	uint32_t stored_size, plain_size;            /* bytes */
	const uint8_t *plain_digest, *stored_digest; /* IMF_DIGEST_SIZE bytes each */
	uint32_t stored_offset;                      /* from the first payload byte */
};

struct imf_manifest {
	struct imf_header header;
	const uint8_t *bytes; /* header.manifest_size bytes */
};

/* What a delta component was made from, and what it takes to decode it. */
struct imf_delta {
	uint32_t ram;          /* bytes: 4096, 8192 or 16384 */
	uint32_t addr, len;    /* of the base: linked for, bytes */
	const uint8_t *digest; /* of these bytes, IMF_DIGEST_SIZE */
};

/* How a chained component is divided. */
struct imf_chain_info {
	uint32_t chunk_size;  /* 1024, 2048 or 4096; the last chunk may be shorter */
	uint32_t stored_size; /* of the component */
	uint32_t n_chunks;
	uint32_t content_size; /* bytes without the digests of next chunks */
	const uint8_t *digest; /* of chunk 0, IMF_DIGEST_SIZE */
};

/* How a component is encrypted. */
struct imf_encryption {
	uint8_t cipher;       /* enum imf_cipher */
	uint8_t key_source;   /* enum imf_key_source */
	uint32_t key_size;    /* bytes: 16 or 32 */
	const uint8_t *salt;  /* IMF_SALT_SIZE */
	const uint8_t *check; /* IMF_KEYCHECK_SIZE: shows that a key is the right one */
};

#define IMF_GROUPS_MAX     255u /* groups of a delta that is decoded in place */
#define IMF_GROUP_RUNS_MAX 8u
#define IMF_GROUP_UNIT     64u /* bytes; sizes of groups are multiples of it */

/* `n` groups of erase units, `size` bytes each. */
struct imf_group_run {
	uint32_t n, size;
};

/* How a delta that overwrites its own base is cut up: runs from the load address on. */
struct imf_groups {
	uint32_t journal; /* bytes that the journal takes, before rounding to its erase units */
	uint32_t largest; /* bytes of the largest group */
	uint32_t n_runs;
	struct imf_group_run runs[IMF_GROUP_RUNS_MAX];
};

struct imf_tlv {
	uint16_t type;
	uint16_t len; /* bytes, without padding */
	const uint8_t *value;
};

struct imf_signatures {
	const uint8_t *records;
	uint32_t size;      /* bytes of all records */
	uint32_t wrap_size; /* bytes of the key wraps behind them */
};

struct imf_signature {
	const uint8_t *key_id; /* IMF_KEY_ID_SIZE bytes; a hint which key to try, no more */
	uint16_t len;
	const uint8_t *signature;
};

/* Takes the first 128 bytes apart and checks them alone. */
int imf_header_parse(const uint8_t p[IMF_HEADER_SIZE], struct imf_header *ret);

/*
 * Takes a manifest apart and checks every rule of SPEC.md for it.
 *
 * p, len  the package from byte 0; at least the manifest, more is not looked at
 *
 * IMF_ERR_TRUNCATED if len is less than the manifest.
 */
int imf_manifest_parse(const uint8_t *p, uint32_t len, struct imf_manifest *ret);

/* Component `i` < header.n_components of a parsed manifest. */
void imf_manifest_component(const struct imf_manifest *m, uint32_t i, struct imf_component *ret);

/*
 * The name of component `i`, *ret_len bytes without an end mark; NULL if it has none. Data for
 * another chip always has one.
 */
const uint8_t *imf_manifest_name(const struct imf_manifest *m, uint32_t i, uint32_t *ret_len);

#ifndef IMF_NO_PATCH
/* False if component `i` is no delta. */
bool imf_manifest_delta(const struct imf_manifest *m, uint32_t i, struct imf_delta *ret);

/* The version that the base of delta `i` is said to be; the digest decides. False: not told. */
bool imf_manifest_base_version(const struct imf_manifest *m, uint32_t i, struct imf_version *ret);

#ifndef IMF_NO_WHOLE
/* Bytes of RAM that component `i` takes to be decompressed; 0 if it is not compressed. */
uint32_t imf_manifest_compressed(const struct imf_manifest *m, uint32_t i);
#endif

#ifndef IMF_NO_INPLACE
/* False if component `i` is no delta, or one from slot to slot. */
bool imf_manifest_in_place(const struct imf_manifest *m, uint32_t i, struct imf_groups *ret);

/* Where group `i` lies, from the load address on. False if there is none. */
bool imf_group_place(
	const struct imf_groups *g, uint32_t i, uint32_t *ret_start, uint32_t *ret_len);

/* What the journal takes for groups of at most `largest` bytes and a decoder of `ram` bytes. */
#define IMF_JOURNAL_RECORD(ram)        ((ram) + 512u)
#define IMF_JOURNAL_NEED(largest, ram) ((largest) + 2u * IMF_JOURNAL_RECORD(ram))
#endif
#endif

/*
 * The bytes that come out of the chain, or were stored without one: encrypted or not, a delta or
 * not. Not above the stored size.
 */
uint32_t imf_manifest_content_size(const struct imf_manifest *m, uint32_t i);

#ifndef IMF_NO_CHAIN
/* False if component `i` is not chained. */
bool imf_manifest_chain(const struct imf_manifest *m, uint32_t i, struct imf_chain_info *ret);
#endif

#ifndef IMF_NO_DECRYPT
/* False if component `i` is not encrypted. */
bool imf_manifest_encryption(const struct imf_manifest *m, uint32_t i, struct imf_encryption *ret);

/*
 * Bytes of one key wrap of this package; 0: it has none, its keys come from elsewhere. All
 * encrypted components of a package have the same cipher and the same source.
 */
uint32_t imf_manifest_wrap_size(const struct imf_manifest *m);
#endif

/* Walks the TLVs of a parsed manifest: *offset starts at 0. False behind the last one. */
bool imf_manifest_tlv(const struct imf_manifest *m, uint32_t *offset, struct imf_tlv *ret);

/*
 * Where byte `offset` of the plain bytes of component `i` goes.
 *
 * ret_addr  the address
 * ret_run   bytes from there on that lie together, at least 1
 *
 * False if offset is not below the component's plain size.
 */
bool imf_manifest_place(const struct imf_manifest *m, uint32_t i, uint32_t offset,
	uint32_t *ret_addr, uint32_t *ret_run);

/*
 * Takes the signature area apart that follows the manifest.
 *
 * p, len  the bytes behind the manifest; at least the area, more is not looked at
 * head    the manifest size, for the limit of both together
 */
int imf_signatures_parse(const uint8_t *p, uint32_t len, uint32_t head, struct imf_signatures *ret);

/* Checks the 8 bytes that begin the area; gives the sizes before the records are there. */
int imf_signatures_header(
	const uint8_t p[IMF_SIG_HEADER_SIZE], uint32_t head, struct imf_signatures *ret);

/* Walks the records: *offset starts at 0. False behind the last one. */
bool imf_signatures_next(
	const struct imf_signatures *s, uint32_t *offset, struct imf_signature *ret);

/*
 * Whether the size of the key wraps is one that the manifest allows: 1 to 8 wraps if its keys are
 * wrapped, else none. The bytes of the wraps are judged by who opens them.
 */
int imf_wraps_check(const struct imf_manifest *m, const struct imf_signatures *s);

/* Writes the message that is signed for a manifest with this digest. */
void imf_sign_message(const uint8_t digest[IMF_DIGEST_SIZE], uint8_t ret[IMF_SIGN_MESSAGE_SIZE]);

#endif
