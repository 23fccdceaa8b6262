/* SPDX-License-Identifier: Apache-2.0 */
/*
 * package_priv.h - what package.c and package_build.c share
 */
#ifndef STMOTA_PACKAGE_PRIV_H
#define STMOTA_PACKAGE_PRIV_H

#include <stmota/package.h>

extern const uint8_t package_magic[IMF_MAGIC_SIZE];


/* Names and texts of a parsed manifest into p->meta and p->names. ERR_DAMAGED. */
int package_read_meta(struct package *p, struct err *e);

/* The TLVs 0x0002 to 0x0007, in their order. */
int package_append_meta(struct buf *b, const struct package_spec *s, struct err *e);
int package_append_tlv(struct buf *b, uint16_t type, const void *value, size_t len, struct err *e);

#endif
