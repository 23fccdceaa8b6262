/* SPDX-License-Identifier: Apache-2.0 */
/*
 * info.c - the record by which stmota sees what a device runs
 *
 * blinky.ld keeps section .stmota_info. The four words are the UUID of the product name
 * "example.com/blinky"; `stmota pack` compares record and package.
 */
#include <imf/imf_app_info.h>

IMF_APP_INFO(app_info, 1, VERSION_MINOR, 0, 0, /* version and build */
	0,                                     /* security counter */
	0, 0xFFFF,                             /* any hardware revision */
	0x410,                                 /* STM32F103 with 64 or 128 KiB */
	0xb8829b1d, 0x8a56ffdf, 0x7c8e1bb6, 0xe814df6d);
