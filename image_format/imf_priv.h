/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_priv.h - what all of this library shares, inside
 *
 * Three functions of the C library are used. <string.h> is no freestanding header, so their
 * prototypes stand here.
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

/* Fills secrets with zeros; volatile, so that the compiler does not leave it out. */
static inline void imf_wipe(void *p, size_t len)
{
	volatile unsigned char *to = p;

	while (len-- > 0)
		*to++ = 0;
}

#endif
