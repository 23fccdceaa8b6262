/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dfu.h - DfuSe bootloaders on USB as a target
 *
 * The driver knows control transfers, not libusb. It never repeats an operation whose outcome is
 * not known: after a time-out the caller calls recover(), and until then every operation fails
 * without sending anything.
 */
#ifndef STMOTA_DFU_H
#define STMOTA_DFU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/dfu_layout.h>
#include <stmota/entry.h>
#include <stmota/err.h>
#include <stmota/event.h>
#include <stmota/target.h>
#include <stmota/updater.h>
#include <stmota/usb.h>

struct dfu_options {
	struct entry entry; /* how the device is reset, if at all */
	/* Set the address pointer for each block whatever the device can do. */
	bool pointer_per_block;
	bool has_alt; /* plain DFU: which alternate setting a file goes to */
	uint8_t alt;
	const struct event_sink *events; /* notes while somebody waits; may be NULL */
};

#define DFU_OPTIONS_INIT ((struct dfu_options){.entry = ENTRY_INIT})

/*
 * A target over `link`, which belongs to the target from then on, on failure too.
 * Nothing is sent before connect(). ERR_NOMEM.
 *
 * DFU names no product: connect() leaves info.pid 0 and info.chip NULL. Who finds out sets
 * them with dfu_target_set_chip().
 */
int dfu_target_new(
	struct usb_link *link, const struct dfu_options *opt, struct target **ret, struct err *e);

/* True for a target made by dfu_target_new(). */
bool target_is_dfu(const struct target *t);

/* True if what was connected to is a plain DFU device. */
bool dfu_plain_is(const struct target *t);

/*
 * Where connect() ended in ERR_UNSUPPORTED: the device as one that takes a file, if it is a plain one
 * (DFU 1.1 without ST's extensions). It has the target then, which is not to be closed any more.
 *
 * ERR_UNSUPPORTED (sizes that contradict each other), ERR_USAGE (which of several alternate settings? the hint
 * lists them), the link's.
 */
int dfu_plain_open(struct target *t, struct updater **ret, struct err *e);

/* The memory maps of the alternate settings, in their order. */
size_t dfu_target_layouts(const struct target *t, const struct dfu_layout **ret);

/* bcdDevice as the device says it. */
uint16_t dfu_target_bcd_device(const struct target *t);

/*
 * `c` decides about times and about what this chip's bootloader does otherwise. pid: 0 where
 * several chips are possible.
 */
void dfu_target_set_chip(struct target *t, const struct chip *c, uint16_t pid);

#endif
