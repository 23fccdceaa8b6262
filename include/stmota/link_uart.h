/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_uart.h - serial ports and pseudo terminals as links
 */
#ifndef STMOTA_LINK_UART_H
#define STMOTA_LINK_UART_H

#include <stdbool.h>
#include <stdint.h>

#include <stmota/entry.h>
#include <stmota/err.h>
#include <stmota/link.h>

enum uart_parity { UART_PARITY_EVEN, UART_PARITY_NONE, UART_PARITY_ODD };

struct uart_config {
	const char
		*path; /* "/dev/ttyUSB0", "/dev/serial/by-id/...", "/dev/pts/3", or a link to one */
	uint32_t baud;
	enum uart_parity parity; /* the ROM: even; none for WB0 and WL3 */
	struct entry entry; /* wiring of BOOT0 and NRST; lines are left alone if not in use */
};

/*
 * Opens and locks the port, sets it up (raw, 8E1, lowest latency that is permitted), brings the
 * wired lines to idle (NRST released, BOOT0 low), and throws away what was waiting.
 *
 * ret  release with link_close(): lines idle, lock released
 *
 * ERR_LINK (missing, no permission, parity not possible; the hint names the ports there are),
 * ERR_BUSY (the message names the holder), ERR_INTERRUPTED. Blocks up to half a second.
 * A pseudo terminal has no parity and no lines.
 */
int link_uart_open(const struct uart_config *cfg, struct link **ret, struct err *e);

#endif
