/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uart_priv.h - what link_uart.c needs from the two kinds of port
 */
#ifndef STMOTA_UART_PRIV_H
#define STMOTA_UART_PRIV_H

#include <limits.h>
#include <stddef.h>
#include <sys/types.h>

#include <stmota/link_uart.h>

struct sp_port;

struct uart {
	struct link l; /* first */
	struct uart_config cfg;
	char path[PATH_MAX];  /* symbolic links resolved */
	struct sp_port *port; /* NULL: pseudo terminal */
	int fd;               /* of the port; -1: not open */
};

/* ---- uart_port.c: serial ports, by libserialport ---- */

/* Asks the system for the port; nothing is opened. */
int uart_port_find(struct uart *u, struct err *e);
int uart_port_open(struct uart *u, struct err *e);
/* Speed and frame; lines keep their level as far as the library allows. */
int uart_port_setup(struct uart *u, uint32_t baud, struct err *e);
int uart_port_line(struct uart *u, enum entry_wire wire, bool asserted, struct err *e);
void uart_port_close(struct uart *u);
/* "/dev/ttyUSB0 /dev/ttyACM0", "none" */
void uart_port_list(char *ret, size_t size);

/* ---- pty_termios.c: pseudo terminals, which libserialport refuses ---- */

bool pty_is(const char *resolved_path);
int pty_open(struct uart *u, struct err *e);
int pty_setup(struct uart *u, uint32_t baud, struct err *e);

/* ---- port_holder.c ---- */

/*
 * Finds a process that has `resolved_path` open, but not this one. False if none is seen (it may
 * belong to another user). `ret` becomes "minicom (pid 1234)".
 */
bool port_holder(const char *resolved_path, char *ret, size_t size);

/* The same for the process that holds the lock (flock) of the open port `fd`. */
bool port_lock_holder(int fd, char *ret, size_t size);

#endif
