/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ymodem.h - receives one file over the serial line
 *
 * Blocks of 128 and 1024 bytes in any mixture, CRC only. Nothing is received while the sink works: the
 * sender waits for the acknowledgement, so erasing and checking may take their time.
 */
#ifndef BOOT_YMODEM_H
#define BOOT_YMODEM_H

#include "port.h"

enum ymodem_result {
	YMODEM_OK = 0,
	YMODEM_ABORTED = -1, /* by the sender */
	YMODEM_SILENT = -2,  /* no sender came */
	YMODEM_ERRORS = -3,  /* too many damaged or missing blocks */
	YMODEM_REFUSED = -4  /* by the sink */
};

/*
 * sink     gets the bytes of the file, without the padding of the last block where the sender told
 *          the size; 0, or something else to stop the sender
 * wait_ms  how long to ask for a sender
 *
 * Returns an enum ymodem_result; the line is quiet then.
 */
int ymodem_receive(const struct boot_port *p,
	int (*sink)(void *ctx, const uint8_t *data, uint32_t len), void *ctx, uint32_t wait_ms);

#endif
