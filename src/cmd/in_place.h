/* SPDX-License-Identifier: Apache-2.0 */
/*
 * in_place.h - which erase units a delta in place has to do with
 */
#ifndef STMOTA_IN_PLACE_H
#define STMOTA_IN_PLACE_H

#include <stmota/delta.h>
#include <stmota/opt.h>

#define IN_PLACE_OPTIONS                                                                           \
	OPT_FLAG("in-place", "for devices with one slot: the image takes the place of OLD"),       \
		OPT_STRING("chip", "PID|NAME", "in place: the chip, for its erase units"),         \
		OPT_U32("erase-unit", "SIZE", "in place: erase units of this size instead"),       \
		OPT_U32("journal", "SIZE", "in place: flash that the device has for its journal")

/*
 * Cuts the slot of an image into groups, as --chip, --erase-unit and --journal say.
 *
 * chip  product ID that the package tells, 0: none
 *
 * ERR_USAGE, ERR_NO_FIT, ERR_UNSUPPORTED.
 */
int in_place_groups(const struct opts *o, uint16_t chip, const struct delta_image *image,
	uint32_t ram, struct imf_groups *ret, struct err *e);

#endif
