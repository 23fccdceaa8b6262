/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dfu_descriptor.h - what the descriptors of a USB device say about firmware updates
 *
 * Works on bytes, so that a lying device can be tried without USB. Type 0x21 is the HID
 * descriptor's as well: it counts only inside an interface of class FE/01.
 */
#ifndef STMOTA_DFU_DESCRIPTOR_H
#define STMOTA_DFU_DESCRIPTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/err.h>

#define DFU_ALTS_MAX 16

#define DFU_CAN_DNLOAD             0x01u
#define DFU_CAN_UPLOAD             0x02u
#define DFU_MANIFESTATION_TOLERANT 0x04u
#define DFU_WILL_DETACH            0x08u

#define DFU_VID_ST       0x0483
#define DFU_PID_ST       0xDF11 /* the ROM bootloader of every STM32 that has one on USB */
#define DFU_TRANSFER_MAX 4096u  /* what Linux lets through in one control transfer */

struct dfu_alt {
	uint8_t number;     /* for SET_INTERFACE */
	uint8_t name_index; /* of its string descriptor; 0: none */
};

struct dfu_descriptor {
	uint16_t vid, pid, bcd_device;
	uint8_t product_index; /* string descriptor; 0: none */
	uint8_t serial_index;  /* string descriptor; 0: none */
	uint8_t configuration; /* value for SET_CONFIGURATION */
	uint8_t interface;
	bool runtime; /* FE/01/01: an application that can start its bootloader */
	bool dfuse;   /* ST's extension: addresses, erase, memory maps */
	struct dfu_alt alts[DFU_ALTS_MAX];
	size_t n_alts; /* at least 1 */

	bool has_functional; /* else what follows is assumed */
	uint8_t attributes;  /* DFU_CAN_... */
	uint16_t detach_ms;
	uint16_t transfer_size; /* 8..DFU_TRANSFER_MAX */
	/* The device named several sizes, one that is too large, or none: what it multiplies
	   block numbers with is not sure. */
	bool transfer_size_doubtful;
	uint16_t version; /* bcdDFUVersion: 0x0100, 0x0110, 0x011A */
};

/*
 * device  the device descriptor; config: the whole configuration descriptor with all that
 *         belongs to it
 *
 * ERR_UNSUPPORTED if the device has no DFU interface or says nothing usable about it;
 * ERR_PROTOCOL if the descriptors are damaged.
 */
int dfu_descriptor_parse(const uint8_t *device, size_t device_len, const uint8_t *config,
	size_t config_len, struct dfu_descriptor *ret, struct err *e);

/* True for the ROM bootloader of an STM32. */
static inline bool dfu_descriptor_is_st_rom(const struct dfu_descriptor *d)
{
	return d->vid == DFU_VID_ST && d->pid == DFU_PID_ST && !d->runtime;
}

#endif
