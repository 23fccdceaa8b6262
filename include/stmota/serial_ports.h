/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serial_ports.h - the serial ports of this machine, without touching them
 */
#ifndef STMOTA_SERIAL_PORTS_H
#define STMOTA_SERIAL_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/err.h>

struct serial_port {
	char name[108]; /* "/dev/ttyUSB0" */
	bool is_usb;
	uint16_t vid, pid;    /* USB ids; 0 if not USB */
	char description[96]; /* what the device says of itself; "" if nothing */
	char serial[64];      /* USB serial number; "" if none */
	const char *what;     /* what the ids tell, "" if nothing is known; static */
	bool may_be_board;    /* a board in its UART bootloader could be behind it */
	char holder[96];      /* "minicom (pid 12)", "" if nobody is seen holding it */
};

/*
 * Lists the ports by asking the system only: none is opened, nothing is sent.
 *
 * ret  owned by the caller, free()
 *
 * ERR_LINK, ERR_NOMEM.
 */
int serial_ports_list(struct serial_port **ret, size_t *ret_n, struct err *e);

/* "minicom (pid 12)": who has the port open; false: nobody that can be seen. Opens nothing. */
bool serial_port_holder(const char *path, char *ret, size_t size);

#endif
