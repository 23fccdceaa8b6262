/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf.h - the package format of stmota for devices and hosts: all of it
 *
 * C99, no heap, no globals, of the C library only memcpy, memset and memcmp. Define IMF_CONFIG_H
 * as the name of a header of yours to replace those (IMF_MEMCPY, IMF_MEMSET, IMF_MEMCMP) or to
 * leave parts out:
 *
 *   IMF_NO_VERIFY     only the parser, no streaming check
 *   IMF_NO_SEGMENTS   images with holes are refused
 *   IMF_NO_PATCH      no delta or compressed components
 *   IMF_NO_WHOLE      no images compressed without a base
 *   IMF_NO_INPLACE    no deltas that overwrite their own base
 *   IMF_NO_CHAIN      no chained components
 *   IMF_NO_DECRYPT    no encrypted components
 *   IMF_NO_UNWRAP     encrypted with a product key only, no keys of devices
 *   IMF_NO_RECEIVE    only the parts, not imf_receive, which puts them in order
 *   IMF_NO_APP_INFO   no reading of imf_app_info records
 *   IMF_NO_STRERROR   no texts
 */
#ifndef IMF_H
#define IMF_H

#include <imf/imf_app_info.h>
#include <imf/imf_bytes.h>
#include <imf/imf_chain.h>
#include <imf/imf_decrypt.h>
#include <imf/imf_error.h>
#include <imf/imf_inplace.h>
#include <imf/imf_manifest.h>
#include <imf/imf_patch.h>
#include <imf/imf_receive.h>
#include <imf/imf_verify.h>
#include <imf/imf_version.h>

#endif
