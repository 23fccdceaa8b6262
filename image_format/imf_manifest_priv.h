/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_manifest_priv.h - what the parser of the manifest shares with that of its encodings
 */
#ifndef IMF_MANIFEST_PRIV_H
#define IMF_MANIFEST_PRIV_H

#include <imf/imf_manifest.h>

#define IMF_CHAIN_TLV_SIZE      36u
#define IMF_ENCRYPTION_TLV_SIZE 36u

/* The TLV of this type that belongs to component `i`. */
bool imf_tlv_of(const struct imf_manifest *m, uint16_t type, uint32_t i, struct imf_tlv *ret);

/* Rules of the entries alone; their component and length have been checked. */
int imf_chain_check(const struct imf_manifest *m, const struct imf_tlv *t);
int imf_encryption_check(const struct imf_manifest *m, const struct imf_tlv *t);

#endif
