/* SPDX-License-Identifier: Apache-2.0 */
/*
 * i2c_scan.h - at which address of a bus a bootloader is
 */
#ifndef STMOTA_I2C_SCAN_H
#define STMOTA_I2C_SCAN_H

#include <stdint.h>

#include <stmota/device_url.h>
#include <stmota/err.h>
#include <stmota/event.h>

/*
 * The address of the bootloader on the bus that `u` names. With `chip` (may be NULL) it is the one
 * of that chip, and nothing is looked for unless sources name two. Else all addresses of the chip
 * table are looked at, by reading only; what is found is told as a note.
 *
 * ERR_UNSUPPORTED (no confirmed address for that chip), ERR_TIMEOUT (none there), ERR_USAGE
 * (several: the message names them), or the link's.
 */
int i2c_scan(const struct device_url *u, const char *chip, const struct event_sink *events,
	uint8_t *ret_addr, struct err *e);

#endif
