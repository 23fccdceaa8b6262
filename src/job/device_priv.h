/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device_priv.h - what device_facts.c asks device_dfu.c
 */
#ifndef STMOTA_DEVICE_PRIV_H
#define STMOTA_DEVICE_PRIV_H

#include <stmota/device.h>

/* Bytes of flash from `base` on that the memory map of a DFU target tells of; 0: none. */
uint32_t device_dfu_map_size(const struct target *t, uint32_t base);

/* True if the memory map has exactly the erase units of `g`, as far as `g` reaches. */
bool device_dfu_agrees(const struct target *t, const struct geometry *g);

/* The bank mode in which chip and map agree; two banks if both do. _DEFAULT: none. */
enum chip_banks device_dfu_banks(const struct target *t, const struct chip *c, uint32_t size);

/* True if all candidates have the erase units of `g`; else the reason. */
bool device_dfu_geometry_shared(
	const struct target *t, const struct geometry *g, char *ret_why, size_t size);

/* True if all candidates have the words of read-out and write protection in the same places. */
bool device_options_shared(const struct target_info *info);

/* True if all candidates have their unique id in the same place. */
bool device_registers_shared(const struct target_info *info);

#endif
