/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec_usb.h - what the two files of the USB transport share
 *
 * exec_dfu.c plugs boards in and out; exec_usbfs.c is the kernel between them and programs.
 */
#ifndef STMOTA_SIM_EXEC_USB_H
#define STMOTA_SIM_EXEC_USB_H

#include "../sim_usb.h"
#include "exec.h"

#define EXEC_USB_PORTS SIM_EXEC_BOARDS

struct usb_port { /* one port of the hub, and the board that is plugged in there */
	struct exec *x;
	struct sim_board *board;
	struct sim_usb *u;
	unsigned port;   /* of bus 1, from 1 */
	unsigned number; /* of the device on its bus: another one each time it comes */
	bool shown;      /* the node is there */
	uint32_t generation;
	char node[32];
	uint64_t replug_us;
};

/* The port whose device is at `node` now; NULL: none, it has left. */
struct usb_port *exec_usb_port_at(const char *node);

/* ---- exec_usbfs.c ---- */

/* Answers for all nodes; one reference is the caller's. */
UMockdevIoctlBase *usbfs_new(struct exec *x);
/* The device at `p` leaves: transfers that have no answer end, interfaces are free. */
void usbfs_gone(const struct usb_port *p);
/* Forgets all open files. */
void usbfs_done(void);

#endif
