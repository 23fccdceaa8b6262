/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serial_line.h - the line to a program that runs on a device, as opposed to its ROM bootloader
 */
#ifndef STMOTA_SERIAL_LINE_H
#define STMOTA_SERIAL_LINE_H

#include <stdint.h>

#include <stmota/config.h>
#include <stmota/err.h>
#include <stmota/link.h>

/*
 * Opens a line with 8 data bits, no parity.
 *
 * device  URL (uart:, ymodem: or tcp:), or the name of a [device] section that has one
 * baud    0: as URL or section say, else 115200
 * ret     release with link_close()
 *
 * ERR_USAGE, ERR_CONFIG, ERR_LINK, ERR_BUSY, ERR_INTERRUPTED.
 */
int serial_line_open(const char *device, const struct config *config, uint32_t baud,
	struct link **ret, struct err *e);

#endif
