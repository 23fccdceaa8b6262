/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sfb.h - images for ST's SBSFU: made, checked, decrypted
 *
 * The three schemes of X-CUBE-SBSFU 2.x. In the one with AES-GCM a shared key is all that
 * authenticates, with one nonce for program and header: that is ST's format, not our advice.
 */
#ifndef STMOTA_SFB_H
#define STMOTA_SFB_H

#include <stddef.h>
#include <stdint.h>

#include <stmota/buf.h>
#include <stmota/err.h>
#include <stmota/fmt_sfb.h>
#include <stmota/key.h>
#include <stmota/trust.h>

struct sfb_spec {
	enum sfb_scheme scheme;
	unsigned slot;     /* 1..3: which image of the loader, its magic */
	uint16_t protocol; /* 1 */
	uint16_t version;
	uint32_t offset;        /* of the program in the slot: 512, 1024, 2048, 4096 */
	const struct key *key;  /* P-256; of the schemes with ECDSA */
	const uint8_t *aes_key; /* SFB_AES_KEY bytes; of the schemes with AES */
	uint8_t erased;         /* fills the program up to whole blocks */
};

/* A key file of ST's tool: 16 raw bytes. ERR_IO, ERR_SIGNATURE. */
int sfb_load_key(const char *path, uint8_t ret[SFB_AES_KEY], struct err *e);

/* Appends the image of a whole program. ERR_USAGE, ERR_SIGNATURE, ERR_NOMEM. */
int sfb_build(const struct sfb_spec *spec, const uint8_t *program, size_t len, struct buf *ret,
	struct err *e);

/*
 * Appends the plain program after its tag was found right.
 *
 * aes_key  NULL: none
 *
 * ERR_SIGNATURE (encrypted, no key), ERR_DAMAGED, ERR_UNSUPPORTED (a part of a program: what its
 * tags are of is not confirmed).
 */
int sfb_plain(const uint8_t *data, const struct sfb_info *info, const uint8_t *aes_key,
	struct buf *ret, struct err *e);

/*
 * Signature of the header, tag of the program. With AES-GCM the key itself is what is trusted, and
 * there are no signers.
 */
int sfb_verify(const uint8_t *data, const struct sfb_info *info, const struct trust *trust,
	uint64_t now, const uint8_t *aes_key, struct trust_signer *ret_signers, size_t max,
	size_t *ret_n, struct err *e);

#endif
