/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device_priv.h - what the parts of device.c ask each other
 */
#ifndef STMOTA_DEVICE_PRIV_H
#define STMOTA_DEVICE_PRIV_H

#include <stmota/device.h>

#define DEVICE_TWICE_MAX 512u

/*
 * Two readings, one behind the other, that agree. One that was garbled is no reason to send
 * somebody away, so there are a few more; ERR_IDENTITY if no two of them agree. At most
 * DEVICE_TWICE_MAX bytes.
 */
int device_read_twice(
	struct target *t, uint32_t addr, void *buf, uint32_t len, const char *what, struct err *e);

/* Unique id and flash size register, where one reading can reach both; else len 0. */
struct span device_identity_span(const struct chip *c);

/* Bytes of flash from `base` on that the memory map of a DFU target tells of; 0: none. */
uint32_t device_dfu_map_size(const struct target *t, uint32_t base);

/* True if the memory map has exactly the erase units of `g`, as far as `g` reaches. */
bool device_dfu_agrees(const struct target *t, const struct geometry *g);

/* The bank mode in which chip and map agree; two banks if both do. _DEFAULT: none. */
enum chip_banks device_dfu_banks(const struct target *t, const struct chip *c, uint32_t size);

/*
 * True if all candidates have the erase units of `g`; else the reason. The write alignment of `g`
 * becomes that of the candidate that needs the largest.
 */
bool device_dfu_geometry_shared(
	const struct target *t, struct geometry *g, char *ret_why, size_t size);

/* True if all candidates have the byte of read-out protection in the same place. */
bool device_rdp_shared(const struct target_info *info);

/* True if all candidates have their unique id in the same place. */
bool device_registers_shared(const struct target_info *info);

/*
 * Opens the line of a ymodem: or tcp: URL, begins the transcript, and reaches the menu that the
 * playbook describes: d->updater is there then.
 */
int device_open_updater(struct device *d, uint32_t wait_s, const struct config *config,
	const struct event_sink *events, struct err *e);

#endif
