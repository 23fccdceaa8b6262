/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_dfu_plain.c - a bootloader of somebody's own that speaks DFU 1.1 and nothing else
 *
 * It lies at the base of flash and writes what comes behind itself, in the order in which it comes:
 * blocks are numbered from 0 without a gap, and a short one is the last. Each erase unit is erased
 * when the first byte for it arrives. At the end it looks whether it has got a program.
 */
#include <string.h>

#include "sim_usb_priv.h"

static uint32_t room(const struct sim_usb *u)
{
	return u->b->flash_size - u->cfg.plain_offset;
}

enum dfu_status plain_work(struct sim_usb *u)
{
	struct sim_board *b = u->b;
	uint32_t pos = u->block * usb_transfer_size(u), align = b->geometry.write_align;
	uint32_t addr = b->chip->flash_base + u->cfg.plain_offset + pos, len;
	struct erase_unit unit;

	if (u->cfg.places && u->alt == 0)
		return DFU_ERR_TARGET;
	if (u->block != u->next_block || u->short_seen)
		return DFU_ERR_FILE;
	u->next_block++;
	u->short_seen = u->len < usb_transfer_size(u);
	if (pos >= room(u) || u->len > room(u) - pos)
		return DFU_ERR_ADDRESS;
	for (uint32_t i = 0; i < u->len; i++)
		if (geometry_unit_at(&b->geometry, addr + i, &unit) && unit.addr == addr + i &&
			!sim_flash_erase_unit(b, unit.index))
			return DFU_ERR_WRITE;
	/* It fills up the last flash word itself. */
	len = (u->len + align - 1) / align * align;
	memset(u->data + u->len, b->chip->erased_value, len - u->len);
	sim_flash_write(b, addr, u->data, len);
	/* It looks whether the data are there, as the ROM does not. */
	for (uint32_t i = 0; i < u->len; i++)
		if (sim_read_byte(b, addr + i) != u->data[i])
			return DFU_ERR_WRITE;
	return DFU_OK;
}

enum dfu_status plain_manifest(struct sim_usb *u)
{
	if (u->block != u->next_block)
		return DFU_ERR_FILE;
	return sim_program_at(u->b, u->b->chip->flash_base + u->cfg.plain_offset)
		       ? DFU_OK
		       : DFU_ERR_FIRMWARE;
}

enum dfu_status plain_upload(struct sim_usb *u, struct usb_request *r)
{
	uint32_t pos = r->value * usb_transfer_size(u);
	uint32_t addr = u->b->chip->flash_base + u->cfg.plain_offset + pos;

	/* A short block is the end. */
	r->actual = pos >= room(u) ? 0 : room(u) - pos;
	if (r->actual > r->length)
		r->actual = r->length;
	for (uint32_t i = 0; i < r->actual; i++)
		r->data[i] = sim_read_byte(u->b, addr + i);
	return DFU_OK;
}
