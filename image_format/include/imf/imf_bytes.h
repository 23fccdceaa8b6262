/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_bytes.h - fields of a package, byte by byte
 *
 * No packed structs over buffers: a Cortex-M0 faults on an unaligned word, and nothing here
 * assumes a byte order.
 */
#ifndef IMF_BYTES_H
#define IMF_BYTES_H

#include <stdbool.h>
#include <stdint.h>

uint16_t imf_get_le16(const uint8_t *p);
uint32_t imf_get_le32(const uint8_t *p);
void imf_put_le16(uint8_t *p, uint16_t v);
void imf_put_le32(uint8_t *p, uint32_t v);

/* True if all `len` bytes are zero. */
bool imf_all_zero(const uint8_t *p, uint32_t len);

/* 0 if equal, something else if not; takes the same time wherever they differ. */
uint32_t imf_differ(const uint8_t *a, const uint8_t *b, uint32_t len);

#endif
