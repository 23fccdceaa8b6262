/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_usb.h - the USB side of a virtual board: descriptors, control transfers, coming and going
 *
 * A device of its own kind: control endpoint only. Pure state machine: a transport (in process,
 * umockdev, USB/IP) hands it control transfers with the time, and asks whether it is on the bus.
 */
#ifndef STMOTA_SIM_USB_H
#define STMOTA_SIM_USB_H

#include "sim.h"

enum sim_usb_kind {
	SIM_USB_ROM,     /* the chip's ROM: DFU with ST's extensions, 0483:df11 */
	SIM_USB_RUNTIME, /* an application with a run-time DFU interface; DETACH leads to the ROM */
	SIM_USB_PLAIN,   /* a bootloader of plain DFU 1.1 at the base of flash, without DfuSe */
};

struct sim_usb;

struct sim_usb_config {
	struct sim_board *board; /* not owned; must outlive the device */
	enum sim_usb_kind kind;
	const char *serial; /* NULL: made of the chip's unique id */
	bool will_detach;   /* SIM_USB_RUNTIME: leaves by itself; else it waits for a bus reset */
	/* SIM_USB_PLAIN: */
	bool tolerant;    /* manifestation tolerant; else it waits for a bus reset at the end */
	bool leaves;      /* ... or leaves by itself */
	bool mute;        /* it gives nothing back */
	bool places;      /* two alternate settings: what runs (not to be written), and the next */
	bool runtime_too; /* its application has a run-time DFU interface that leads back to it */
	uint32_t plain_offset; /* SIM_USB_PLAIN: its own size, before the application; bytes */
	uint32_t poll_ms_max;  /* caps bwPollTimeout for hosts that shall not wait; 0: as it is */
};

enum sim_usb_result {
	SIM_USB_OK,
	SIM_USB_STALL,   /* LIBUSB_ERROR_PIPE, -EPIPE */
	SIM_USB_TIMEOUT, /* no answer within the host's time; the transfer has to be cancelled */
	SIM_USB_ERROR,   /* the wire failed: LIBUSB_ERROR_IO, -EPROTO */
	SIM_USB_GONE,    /* not on the bus (any more): LIBUSB_ERROR_NO_DEVICE, -ENODEV */
};

struct sim_usb_xfer {
	uint8_t setup[8]; /* as on the wire, little endian */
	uint8_t *data;    /* OUT: wLength bytes that the host sends; IN: room for wLength bytes */
	uint64_t now_us;  /* when the host starts it */
	uint32_t timeout_ms; /* of the host; 0: for ever */
	/* set by sim_usb_control() */
	uint32_t actual;  /* bytes moved */
	uint64_t done_us; /* when it ended; with SIM_USB_TIMEOUT: when the host gave up */
};

/* ERR_UNSUPPORTED where the chip's ROM has no confirmed USB; ERR_NOMEM, ERR_USAGE. */
int sim_usb_new(const struct sim_usb_config *cfg, struct sim_usb **ret, struct err *e);
void sim_usb_free(struct sim_usb *u);

/*
 * True if a device is on the bus at `now_us`. Time passes here: the ROM appears some time after a
 * reset, a device that was pulled comes back with sim_board_replug().
 */
bool sim_usb_attached(struct sim_usb *u, uint64_t now_us);
/* When it will be there, UINT64_MAX: not by itself. For virtual clocks. */
uint64_t sim_usb_attach_at(struct sim_usb *u);
/* Counts appearances on the bus. A handle opened under another number has lost its device. */
uint32_t sim_usb_generation(const struct sim_usb *u);

/* The device descriptor (18 bytes) and all of the configuration behind it, as sysfs has them. */
#define SIM_USB_DESCRIPTORS_MAX 512
size_t sim_usb_descriptors(const struct sim_usb *u, uint8_t ret[SIM_USB_DESCRIPTORS_MAX]);
/* The serial number as text, for sysfs; "" if the device has none. */
const char *sim_usb_serial(const struct sim_usb *u);

/* One control transfer, also SET_INTERFACE, SET_CONFIGURATION and GET_DESCRIPTOR. */
enum sim_usb_result sim_usb_control(struct sim_usb *u, struct sim_usb_xfer *x);

/* What the host's port reset does. The device may be another one afterwards, or gone for a while:
 * see sim_usb_attached(). */
void sim_usb_bus_reset(struct sim_usb *u, uint64_t now_us);

/* Until when an erase or a write keeps the device busy; for transports that pass over time. */
uint64_t sim_usb_busy_until(const struct sim_usb *u);

struct sim_usb_stats sim_usb_stats(const struct sim_usb *u);

#endif
