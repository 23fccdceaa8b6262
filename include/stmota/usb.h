/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usb.h - a USB device with a DFU interface as a link: control transfers and nothing else
 *
 * The link neither retries nor knows the protocol. A test puts a device of its own behind
 * struct usb_ops.
 */
#ifndef STMOTA_USB_H
#define STMOTA_USB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/dfu_descriptor.h>
#include <stmota/err.h>
#include <stmota/link.h>

struct usb_link;

struct usb_setup {
	uint8_t request_type; /* bit 7: to the host */
	uint8_t request;
	uint16_t value, index, length;
};

struct usb_ops {
	/*
	 * One control transfer on endpoint 0.
	 *
	 * data     setup->length bytes, to or from the device; NULL if 0
	 * ret_len  bytes that were transferred; to the device it is all or a failure
	 *
	 * ERR_NACK (the device answered with STALL), ERR_TIMEOUT, ERR_LINK (the device is gone),
	 * ERR_PROTOCOL (anything else on the wire), ERR_INTERRUPTED never.
	 */
	int (*control)(struct usb_link *u, const struct usb_setup *setup, void *data,
		uint32_t timeout_ms, uint16_t *ret_len, struct err *e);
	int (*set_alt)(struct usb_link *u, uint8_t alt, struct err *e);
	/* Resets the port. The device may come back as another one: reopen() follows. */
	int (*reset)(struct usb_link *u, struct err *e);
	/* True as soon as the device has left the bus, false after `timeout_ms`. */
	bool (*wait_gone)(struct usb_link *u, uint32_t timeout_ms);
	/*
	 * Waits for a device with a DFU interface at the same bus and port, whatever its ids and
	 * serial number are now, and takes it; u->dfu is new. ERR_TIMEOUT, ERR_BUSY, ERR_LINK,
	 * ERR_INTERRUPTED.
	 */
	int (*reopen)(struct usb_link *u, uint32_t timeout_ms, struct err *e);
};

struct usb_link {
	struct link link; /* first; link.ops has close() only */
	const struct usb_ops *ops;
	struct dfu_descriptor dfu;
	char port[32];        /* "1-1.4": bus and ports */
	uint32_t n_transfers; /* control transfers so far, counted by who calls control() */
};

/* Which device is meant. All that is given must fit. */
struct usb_match {
	bool has_id;
	uint16_t vid, pid;
	char serial[64]; /* "": any */
	char port[32];   /* "": any */
};

/*
 * [VID:PID][@SERIAL][#BUS-PORT], all hexadecimal but bus and port; "" is any ROM bootloader of an
 * STM32. ERR_USAGE.
 */
int usb_match_parse(const char *text, struct usb_match *ret, struct err *e);

#define USB_SERIAL_MAX 64

/* A device with a DFU interface. */
struct usb_entry {
	uint16_t vid, pid, bcd_device;
	char port[32];
	char serial[USB_SERIAL_MAX]; /* "": none, or it cannot be opened */
	char product[64];            /* likewise */
	char node[64];               /* "/dev/bus/usb/001/005" */
	bool runtime, dfuse;
	bool is_st_rom;
	bool no_permission;
	char holder[80]; /* program that has it open; "": none that can be seen */
};

/*
 * All devices with a DFU interface, in the order of their ports. ret is the caller's, free().
 * Without `strings` none is opened: serial, product and holder are not looked for.
 */
int usb_list(bool strings, struct usb_entry **ret, size_t *ret_n, struct err *e);

/*
 * Finds the one device that fits, opens it and claims its DFU interface.
 *
 * ret  release with link_close(&ret->link)
 *
 * Without ids, serial number and port only ROM bootloaders of STM32 fit (0483:df11), never some
 * camera or sound card that happens to have a DFU interface.
 * ERR_LINK (none there: the hint lists what there is; no permission), ERR_USAGE (several fit:
 * the hint lists their ports), ERR_BUSY (the message names who has it).
 */
int link_usb_open(const struct usb_match *match, struct usb_link **ret, struct err *e);

#endif
