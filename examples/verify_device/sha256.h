/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sha256.h - SHA-256 (FIPS 180-4) for small devices: 600 bytes of code, no tables in RAM
 */
#ifndef SHA256_H
#define SHA256_H

#include <stdint.h>

struct sha256 {
	uint32_t state[8];
	uint32_t len; /* bytes so far; a package is below 2 GiB */
	uint8_t block[64];
};

void sha256_init(struct sha256 *s);
void sha256_update(struct sha256 *s, const uint8_t *data, uint32_t len);
void sha256_final(struct sha256 *s, uint8_t ret[32]);

#endif
