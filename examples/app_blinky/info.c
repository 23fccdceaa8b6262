/* SPDX-License-Identifier: Apache-2.0 */
/*
 * info.c - the record by which stmota, and a loader at its first boot, see what this image is
 */
#include "info.h"

#include <imf/imf_app_info.h>

#ifndef BOOT_CHIP
#define BOOT_CHIP 0
#endif

/* acme.com/streetlight; hardware revisions 1 to 4 */
IMF_APP_INFO(app_info, VERSION_MAJOR, VERSION_MINOR, 0, 0, COUNTER, 1, 4, BOOT_CHIP, 0xE739C04C,
	0xCA5AFCA9, 0xB2A5CC99, 0xBB43F3FB);
