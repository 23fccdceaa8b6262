/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device_url.h - a device as people name it: uart:/dev/ttyUSB0?baud=57600&boot0=rts&nrst=!dtr
 * or i2c:/dev/i2c-1@0x4a
 *
 * `,` stands for `?` and `&` as well, because zsh takes `?` for a file name pattern.
 */
#ifndef STMOTA_DEVICE_URL_H
#define STMOTA_DEVICE_URL_H

#include <stdbool.h>
#include <stdint.h>

#include <stmota/entry.h>
#include <stmota/err.h>
#include <stmota/usb.h>

enum device_scheme {
	DEVICE_UART,
	DEVICE_I2C,
	DEVICE_DFU,
	DEVICE_YMODEM, /* a serial port behind which a program takes files */
	DEVICE_TCP,    /* bytes of one, passed on by a server: HOST:PORT */
};

struct device_url {
	enum device_scheme scheme;
	/* "/dev/ttyUSB0", "/dev/i2c-1"; of dfu: what stands behind the colon, maybe "" */
	char path[108];
	uint8_t i2c_addr;      /* 7 bit; 0: not given */
	uint32_t i2c_max;      /* bytes of one message on the bus; 0: not given */
	struct usb_match usb;  /* of dfu: the path, taken apart */
	bool has_alt;          /* of dfu: the alternate setting that a file goes to */
	uint32_t alt;
	uint32_t baud;         /* 0: not given */
	struct entry entry;    /* wiring and times, ENTRY_INIT where not given */
	char playbook[64];     /* of ymodem and tcp: name or path; "": not given */
	char before[64];       /* entry recipe, see entry_parse(); "": not given */
	enum chip_banks banks; /* what the user says where the device cannot tell; or _DEFAULT */
};

/* True if the text is a URL by its form; else it is the name of a [device] section. */
bool device_url_is_url(const char *text);

/*
 * Takes a URL apart. ERR_USAGE names what is wrong. Keys: baud (uart, ymodem), max (i2c), alt (dfu), boot0, nrst, before, banks (single
 * or dual), reset_ms, settle_ms, boot_ms.
 */
int device_url_parse(const char *text, struct device_url *ret, struct err *e);

#endif
