/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_version.h - version numbers and their order
 */
#ifndef IMF_VERSION_H
#define IMF_VERSION_H

#include <stdint.h>

#define IMF_VERSION_SIZE 8 /* bytes in a package */

/* "1.2.3+4", the fields of MCUboot's image version. */
struct imf_version {
	uint8_t major, minor;
	uint16_t revision;
	uint32_t build;
};

/* Below 0, 0, above 0. All four fields count, the build number last. */
int imf_version_compare(struct imf_version a, struct imf_version b);

struct imf_version imf_version_get(const uint8_t p[IMF_VERSION_SIZE]);
void imf_version_put(uint8_t p[IMF_VERSION_SIZE], struct imf_version v);

#endif
