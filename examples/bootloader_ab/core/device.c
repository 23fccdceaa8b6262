/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device.c - who this device is and whom it trusts: the file to change for a product of your own
 *
 * `stmota pack` prints the UUID of a product name; `stmota key show release.pub.pem --c-array --name
 * release_key` makes release_key.h. BOOT_PRODUCT_KEY is the name of a header with
 * `static const uint8_t product_key[]`, for packages that are encrypted for all devices of the product.
 */
#include <stddef.h>
#include <stdint.h>

#include "crypto.h"
#include "release_key.h"

#ifdef BOOT_PRODUCT_KEY
#include BOOT_PRODUCT_KEY
#endif
#ifndef BOOT_HW_REVISION
#define BOOT_HW_REVISION 3
#endif
#ifndef BOOT_CHIP
#define BOOT_CHIP 0
#endif
#ifndef BOOT_UUID /* acme.com/streetlight */
#define BOOT_UUID                                                                                  \
	0x4C, 0xC0, 0x39, 0xE7, 0xA9, 0xFC, 0x5A, 0xCA, 0x99, 0xCC, 0xA5, 0xB2, 0xFB, 0xF3, 0x43,  \
		0xBB
#endif

const struct device_facts device_facts = {
	{BOOT_UUID}, BOOT_HW_REVISION, BOOT_CHIP, {{release_key_id, release_key}}, 1, 1,
#ifdef BOOT_PRODUCT_KEY
	product_key, sizeof(product_key)
#else
	NULL, 0
#endif
};
