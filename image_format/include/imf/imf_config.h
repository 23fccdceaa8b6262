/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_config.h - lets a device replace or leave out parts, see imf.h
 */
#ifndef IMF_CONFIG_INCLUDED
#define IMF_CONFIG_INCLUDED

#ifdef IMF_CONFIG_H
#include IMF_CONFIG_H
#endif

#endif
