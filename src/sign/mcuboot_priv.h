/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mcuboot_priv.h - how the body of an MCUboot image is encrypted; shared by making and reading
 */
#ifndef STMOTA_SIGN_MCUBOOT_PRIV_H
#define STMOTA_SIGN_MCUBOOT_PRIV_H

#include <stmota/mcuboot.h>

#define MCUBOOT_AES_MAX 32
#define MCUBOOT_ENC_MAX 256 /* bytes of an ENC entry */

/* AES-CTR, counter from 0, in place. */
int mcuboot_ctr(const uint8_t *aes_key, size_t key_len, uint8_t *data, size_t len, struct err *e);

/* Wraps the body key for a device; *ret_type is that of the entry. */
int mcuboot_wrap(const struct mcuboot_enc_key *k, bool sha512, const uint8_t *aes_key,
	size_t key_len, uint16_t *ret_type, uint8_t ret[MCUBOOT_ENC_MAX], size_t *ret_len,
	struct err *e);

/* Opens the entry; `key_len` is what the flags of the image ask for. ERR_SIGNATURE. */
int mcuboot_unwrap(const struct mcuboot_enc_key *k, const struct mcuboot_tlv *entry, size_t key_len,
	uint8_t ret[MCUBOOT_AES_MAX], struct err *e);

#endif
