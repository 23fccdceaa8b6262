/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.h - may this package be installed?
 */
#ifndef CHECK_H
#define CHECK_H

#include <imf/imf.h>

/*
 * Checks the package that lies at `area`, which is `size` bytes long; the package may be shorter.
 *
 * key_id, key   the one trusted key; `key` is handed to crypto_check()
 * ret_size      bytes of the package, set on success
 *
 * 0, or a negative enum imf_error. Uses about 1.9 KiB of stack: 1 KiB for manifest and signatures.
 */
int check_package(const uint8_t *area, uint32_t size, const struct imf_device *device,
	const uint8_t key_id[IMF_KEY_ID_SIZE], const void *key, uint32_t *ret_size);

#endif
