/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta_choice.h - the patch or the full package, for a device that decodes patches itself
 */
#ifndef STMOTA_DELTA_CHOICE_H
#define STMOTA_DELTA_CHOICE_H

#include <stddef.h>
#include <stdint.h>

#include <stmota/package.h>

/*
 * Why the full package is the better one, as static text for people; NULL: send the patch.
 *
 * full_len     bytes of the full package
 * decoder_ram  what the device has for the decoder; 0: it decodes nothing
 *
 * Whether the device holds the base of the patch is not judged here.
 */
const char *delta_against(const struct package *patch, size_t full_len, uint32_t decoder_ram);

#endif
