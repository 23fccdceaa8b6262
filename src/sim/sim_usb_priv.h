/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_usb_priv.h - what the files of the virtual USB device share
 */
#ifndef STMOTA_SIM_USB_PRIV_H
#define STMOTA_SIM_USB_PRIV_H

#include "sim_priv.h"
#include "sim_usb.h"

#define USB_ALTS_MAX     5
#define USB_STRING_MAX   126u  /* characters of a string descriptor */
#define USB_TRANSFER_MAX 4096u /* the largest wTransferSize there is */

enum dfu_state {
	APP_IDLE,
	APP_DETACH,
	DFU_IDLE,
	DFU_DNLOAD_SYNC,
	DFU_DNBUSY,
	DFU_DNLOAD_IDLE,
	DFU_MANIFEST_SYNC,
	DFU_MANIFEST,
	DFU_MANIFEST_WAIT_RESET,
	DFU_UPLOAD_IDLE,
	DFU_ERROR,
};

enum dfu_status {
	DFU_OK = 0x00,
	DFU_ERR_TARGET = 0x01,
	DFU_ERR_WRITE = 0x03,
	DFU_ERR_FILE = 0x02,
	DFU_ERR_ADDRESS = 0x08,
	DFU_ERR_FIRMWARE = 0x0A,
	DFU_ERR_VENDOR = 0x0B,
	DFU_ERR_UNKNOWN = 0x0E,
	DFU_ERR_STALLEDPKT = 0x0F,
};

/* Which device is on the bus. */
enum usb_face { FACE_NONE, FACE_ROM, FACE_RUNTIME, FACE_PLAIN };

struct sim_usb {
	struct sim_board *b;
	struct sim_usb_config cfg;
	char serial[64];

	enum usb_face face;
	uint32_t generation;
	uint32_t starts;    /* of the board, when it was last looked at */
	uint64_t attach_at; /* when it is on the bus; UINT64_MAX: not known yet */
	uint64_t leave_at;  /* when the application starts after a leave, 0: it does not */

	uint8_t alt, configuration;
	char alts[USB_ALTS_MAX][USB_STRING_MAX + 1];
	size_t n_alts;

	enum dfu_state state;
	enum dfu_status status;
	enum dfu_status result; /* of the work that keeps it busy */
	uint32_t poll_ms;       /* told last */
	bool stuck;             /* dfuDNBUSY without end */
	bool stuck_done;        /* it was once: the quirk happens once after each start */
	uint16_t block;
	uint32_t len; /* of the request that waits for GETSTATUS */
	uint8_t data[USB_TRANSFER_MAX];

	uint16_t next_block; /* of a plain download: the only number that may come now */
	bool short_seen;     /* likewise: the last block was a short one, and so the last */

	uint32_t pointer; /* DfuSe's address pointer */
	bool pointer_set; /* by the host, since the last block */

	uint64_t detach_until; /* appDETACH ends */
};

/* A data stage: IN answers go to `data`. */
struct usb_request {
	uint8_t type, request;
	uint16_t value, index, length;
	uint8_t *data;
	uint32_t actual;
	uint64_t not_before_us; /* the answer comes then at the earliest; 0: at once */
	bool silent;            /* there is no answer */
};

/* sim_usb_desc.c */
size_t usb_device_descriptor(const struct sim_usb *u, uint8_t *ret);
size_t usb_configuration_descriptor(const struct sim_usb *u, uint8_t *ret);
/* 0: there is no such string. */
size_t usb_string_descriptor(const struct sim_usb *u, uint8_t index, uint8_t ret[255]);
size_t usb_functional_descriptor(const struct sim_usb *u, uint8_t *ret);
uint32_t usb_transfer_size(const struct sim_usb *u); /* what it says */
uint32_t usb_transfer_real(const struct sim_usb *u); /* what it bears */
uint8_t usb_dfu_interface(const struct sim_usb *u);
void usb_serial_default(struct sim_usb *u);

/* sim_usb_map.c: the strings of the alternate settings */
void usb_map_make(struct sim_usb *u);

/* sim_dfu.c */
void dfu_start(struct sim_usb *u);
/* False: STALL. */
bool dfu_request(struct sim_usb *u, struct usb_request *r);

/* sim_dfuse.c and sim_dfu_plain.c: the work behind a DNLOAD, and UPLOAD. */
enum dfu_status dfuse_work(struct sim_usb *u);
enum dfu_status dfuse_upload(struct sim_usb *u, struct usb_request *r);
/* The application is started; false: it stays in the bootloader. */
bool dfuse_leave(struct sim_usb *u);
bool dfuse_is_erase(const struct sim_usb *u);
enum dfu_status plain_work(struct sim_usb *u);
/* What it thinks of a download that has come to its end. */
enum dfu_status plain_manifest(struct sim_usb *u);
enum dfu_status plain_upload(struct sim_usb *u, struct usb_request *r);

#endif
