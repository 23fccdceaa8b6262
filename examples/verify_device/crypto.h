/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypto.h - the signature check that the device's maker brings
 */
#ifndef CRYPTO_H
#define CRYPTO_H

#include <stdbool.h>
#include <stdint.h>

/*
 * True only if `signature` (64 bytes) over `msg` was made with `key`.
 *
 * Ed25519: key of 32 bytes, over the message itself (RFC 8032, not prehashed).
 * ECDSA P-256: key x || y, signature r || s, big endian, over SHA-256 of the message.
 */
bool crypto_check(const void *key, const uint8_t *msg, uint32_t len, const uint8_t signature[64]);

#endif
