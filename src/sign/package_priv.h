/* SPDX-License-Identifier: Apache-2.0 */
/*
 * package_priv.h - what package.c and package_build.c share
 */
#ifndef STMOTA_PACKAGE_PRIV_H
#define STMOTA_PACKAGE_PRIV_H

#include <stmota/package.h>

extern const uint8_t package_magic[IMF_MAGIC_SIZE];

/* package_open() without the digests of the payloads, which cost the time. */
int package_parse(const uint8_t *data, size_t len, struct package *ret, struct err *e);

#endif
