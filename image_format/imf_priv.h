/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_priv.h - the three functions of the C library that this library uses
 *
 * <string.h> is no freestanding header, so the prototypes stand here.
 */
#ifndef IMF_PRIV_H
#define IMF_PRIV_H

#include <stddef.h>

#include <imf/imf_config.h>

#ifndef IMF_MEMCPY
void *memcpy(void *to, const void *from, size_t len);
#define IMF_MEMCPY memcpy
#endif
#ifndef IMF_MEMSET
void *memset(void *to, int value, size_t len);
#define IMF_MEMSET memset
#endif
#ifndef IMF_MEMCMP
int memcmp(const void *a, const void *b, size_t len);
#define IMF_MEMCMP memcmp
#endif

#endif
