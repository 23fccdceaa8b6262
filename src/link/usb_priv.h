/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usb_priv.h - what the files of the USB link share
 */
#ifndef STMOTA_USB_PRIV_H
#define STMOTA_USB_PRIV_H

#include <libusb.h>

#include <stmota/usb.h>

struct usb_found {
	libusb_device *dev; /* a reference */
	struct dfu_descriptor dfu;
	struct usb_entry entry;
};

/* link_usb.c */
int usb_init(libusb_context **ret, struct err *e);

/* usb_find.c */

/* ERR_UNSUPPORTED if the device has no DFU interface. */
int usb_describe(libusb_device *dev, struct dfu_descriptor *ret, struct err *e);
void usb_port_of(libusb_device *dev, char *ret, size_t size);
void usb_node_of(libusb_device *dev, char *ret, size_t size);

/*
 * All devices with a DFU interface by their ports. texts: read serial numbers and names too, which
 * opens each of them for a moment.
 */
int usb_scan(libusb_context *ctx, bool texts, struct usb_found **ret, size_t *ret_n, struct err *e);
void usb_found_free(struct usb_found *v, size_t n);

/* Index of the one that fits; ERR_LINK, ERR_USAGE. */
int usb_pick(
	const struct usb_found *v, size_t n, const struct usb_match *m, size_t *ret, struct err *e);

/* The program that has the node open; false if none can be seen. */
bool usb_holder(const char *node, char *ret, size_t size);

#endif
