/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fmt_sfb.h - the header of an image for ST's SBSFU (.sfb)
 *
 * X-CUBE-SBSFU 2.x, se_def_metadata.h and its image tool: 320 bytes in three schemes, erased bytes
 * up to the place of the vector table, the program. Nothing here is believed.
 */
#ifndef STMOTA_FMT_SFB_H
#define STMOTA_FMT_SFB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/err.h>

#define SFB_HEADER_SIZE 320
#define SFB_AES_KEY     16
#define SFB_TAG_MAX     32
#define SFB_IV_MAX      16
#define SFB_SLOTS       3

enum sfb_scheme { SFB_ECDSA_AES_CBC, SFB_ECDSA, SFB_AES_GCM };

/* Where the fields of a scheme lie; offset 0: it has none. */
struct sfb_layout {
	const char *name; /* "ecdsa-aes-cbc" */
	size_t tag_size;  /* of FwTag at 20, PartialFwTag behind it */
	size_t iv, iv_size;
	size_t reserved, reserved_size; /* zeros */
	size_t signature, signature_size;
};

const struct sfb_layout *sfb_layout(enum sfb_scheme scheme);
/* ERR_USAGE. */
int sfb_scheme_parse(const char *text, enum sfb_scheme *ret, struct err *e);

struct sfb_info {
	enum sfb_scheme scheme; /* as the zeros between the fields tell it */
	const struct sfb_layout *layout;
	unsigned slot; /* 1, 2, 3 */
	uint16_t protocol, version;
	uint32_t size;                         /* of the whole program */
	uint32_t partial_offset, partial_size; /* what of it is in the file */
	bool is_partial;
	size_t offset;                                     /* of the body in the file */
	const uint8_t *tag, *partial_tag, *iv, *signature; /* borrowed; iv may be NULL */
	const char *state;          /* static: "new", "valid"..., "unknown" */
	const uint8_t *fingerprint; /* of the header it replaced, 32 bytes */
};

/* Checks sizes, zeros and erased bytes. ERR_FORMAT. */
int sfb_inspect(const uint8_t *data, size_t len, struct sfb_info *ret, struct err *e);

#endif
