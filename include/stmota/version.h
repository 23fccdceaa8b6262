/* SPDX-License-Identifier: Apache-2.0 */
/*
 * version.h - firmware versions and product names as people write them
 */
#ifndef STMOTA_VERSION_H
#define STMOTA_VERSION_H

#include <stdint.h>

#include <imf/imf_version.h>
#include <stmota/err.h>

#define VERSION_TEXT_SIZE 32 /* "255.255.65535+4294967295" and its NUL */
#define UUID_SIZE         16
#define UUID_TEXT_SIZE    37
#define PRODUCT_NAME_SIZE 128 /* 127 characters and the NUL */

/*
 * "1.2.3+4": major and minor 0..255, revision 0..65535, build 0..4294967295; "+4", ".3" and ".2"
 * may be left out. ERR_USAGE; a pre-release tag ("1.2.3-rc1") has no place in the number and is
 * refused with that reason.
 */
int version_parse(const char *text, struct imf_version *ret, struct err *e);

/* "1.2.3", with "+4" where the build number is not 0. Returns `ret`. */
const char *version_format(struct imf_version v, char ret[VERSION_TEXT_SIZE]);

/*
 * Product names: lower-case ASCII "vendor/product", as "acme.com/streetlight". The vendor is a
 * DNS name; behind the first '/' letters, digits and . _ - / are allowed. ERR_USAGE.
 */
int product_check(const char *name, struct err *e);

/* UUID of a checked name: v5(v5(DNS, part before the first '/'), rest). ERR_FAILED, ERR_USAGE. */
int product_uuid(const char *name, uint8_t ret[UUID_SIZE], struct err *e);

/* Of the part before the first '/' alone: v5(DNS, vendor). */
int product_vendor_uuid(const char *name, uint8_t ret[UUID_SIZE], struct err *e);

/* "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"; returns `ret`. */
const char *uuid_format(const uint8_t uuid[UUID_SIZE], char ret[UUID_TEXT_SIZE]);

#endif
