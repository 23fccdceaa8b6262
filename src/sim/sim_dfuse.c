/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_dfuse.c - ST's extensions of DFU: addresses, erase, read unprotect, option bytes (AN3156)
 *
 * As over the other links nobody looks at what became of the data: a write to flash that is not
 * erased or that is protected ends without an error.
 */
#include <string.h>

#include "sim_usb_priv.h"

#define CMD_SET_ADDRESS    0x21
#define CMD_ERASE          0x41
#define CMD_READ_UNPROTECT 0x92

#define VOLTAGE_ADDR 0xFFFF0000u

bool dfuse_is_erase(const struct sim_usb *u)
{
	return u->block == 0 && u->len > 0 && u->data[0] == CMD_ERASE;
}

static bool is_voltage(const struct sim_board *b, uint32_t addr)
{
	return addr == VOLTAGE_ADDR && sim_has(b, CHIP_QUIRK_VOLTAGE_RANGE);
}

/* H5 has no read protection levels and no command for them. */
static bool has_read_unprotect(const struct sim_usb *u)
{
	return strcmp(u->b->chip->series, "H5") != 0;
}

/* ---- commands ---- */

static enum dfu_status set_address(struct sim_usb *u)
{
	uint32_t addr = get_le32(u->data + 1);

	if (sim_region_of(u->b, addr) == SIM_NOWHERE && !is_voltage(u->b, addr))
		return DFU_ERR_TARGET;
	u->pointer = addr;
	u->pointer_set = true;
	return DFU_OK;
}

static enum dfu_status erase_unit_at(struct sim_board *b, uint32_t addr)
{
	struct erase_unit unit;

	/* As over the other links a number is made of it. */
	if (sim_region_of(b, addr) != SIM_FLASH || !geometry_unit_at(&b->geometry, addr, &unit))
		return DFU_ERR_TARGET;
	unit = geometry_unit(&b->geometry, sim_flash_named(b, unit.index));
	if (unit.bank == 2 && sim_has(b, CHIP_QUIRK_DFU_BANK2_ERASE_BROKEN))
		return DFU_OK;
	if (unit.bank == 2 && sim_has(b, CHIP_QUIRK_DFU_BANK2_ERASE_SHIFTED)) {
		unit.index += 4;
		if (unit.index >= b->geometry.n_units)
			return DFU_OK;
	}
	sim_flash_erase_unit(b, unit.index);
	return DFU_OK;
}

static enum dfu_status mass_erase(struct sim_board *b)
{
	if (sim_has(b, CHIP_QUIRK_NO_MASS_ERASE))
		return DFU_ERR_STALLEDPKT;
	if (!sim_has(b, CHIP_QUIRK_DFU_MASS_ERASE_BROKEN))
		sim_flash_erase_all(b, 0, false);
	return DFU_OK;
}

/* Without protection only RAM is cleared; in both cases the chip starts again. */
static enum dfu_status read_unprotect(struct sim_usb *u)
{
	struct sim_board *b = u->b;

	if (!has_read_unprotect(u))
		return DFU_ERR_STALLEDPKT;
	if (sim_read_protected(b)) {
		if (!sim_flash_erase_all(b, 0, true) || !sim_option_set_rdp(b, 0xAA))
			return DFU_OK;
		b->reload_at_power = sim_has(b, CHIP_QUIRK_UNPROTECT_POWER_CYCLE);
	}
	if (b->ram != NULL)
		memset(b->ram, 0, b->chip->ram_size);
	if (b->cpu == SIM_CPU_ROM)
		sim_reset(b);
	return DFU_OK;
}

static enum dfu_status command(struct sim_usb *u)
{
	bool closed = sim_read_protected(u->b);

	switch (u->data[0]) {
	case CMD_SET_ADDRESS: return u->len == 5 ? set_address(u) : DFU_ERR_STALLEDPKT;
	case CMD_ERASE:
		if (u->len != 1 && u->len != 5)
			return DFU_ERR_STALLEDPKT;
		if (closed)
			return DFU_ERR_VENDOR;
		return u->len == 1 ? mass_erase(u->b) : erase_unit_at(u->b, get_le32(u->data + 1));
	case CMD_READ_UNPROTECT: return u->len == 1 ? read_unprotect(u) : DFU_ERR_STALLEDPKT;
	default: return DFU_ERR_STALLEDPKT;
	}
}

/* ---- data ---- */

/* Where block `n` of `len` bytes lies; false: nowhere. */
static bool block_address(const struct sim_usb *u, uint16_t n, uint32_t len, uint32_t *ret)
{
	uint32_t step = sim_has(u->b, CHIP_QUIRK_DFU_BLOCK_BY_LENGTH) ? len : usb_transfer_size(u);
	uint64_t addr = u->pointer + (uint64_t)(n - 2u) * step;

	*ret = (uint32_t)addr;
	return addr + len - 1 <= UINT32_MAX;
}

static void options(struct sim_board *b, uint32_t addr, const uint8_t *data, uint32_t len)
{
	if (!sim_option_write(b, addr, data, len))
		return;
	if (!sim_has(b, CHIP_QUIRK_OPTIONS_NOT_RELOADED) && b->cpu == SIM_CPU_ROM)
		sim_reset(b);
}

static enum dfu_status write_block(struct sim_usb *u)
{
	struct sim_board *b = u->b;
	uint32_t addr, len = u->len;
	enum sim_region region;

	if (sim_read_protected(b))
		return sim_has(b, CHIP_QUIRK_DFU_RDP_DROPS) ? DFU_OK : DFU_ERR_VENDOR;
	if (!block_address(u, u->block, len, &addr))
		return DFU_ERR_TARGET;
	if (sim_has(b, CHIP_QUIRK_DFU_POINTER_PER_BLOCK))
		u->pointer = b->chip->flash_base;
	u->pointer_set = false;
	region = sim_region_of(b, addr);
	if (!is_voltage(b, addr) && sim_region_of(b, addr + len - 1) != region)
		return DFU_ERR_TARGET; /* it crosses the end of its zone */
	if (len > 256 && len % 8 != 0 && sim_has(b, CHIP_QUIRK_DFU_WRITE_CORRUPTS))
		for (uint32_t i = 256; i < len; i++)
			u->data[i] = (uint8_t)sim_random(b);
	switch (region) {
	case SIM_FLASH: sim_flash_write(b, addr, u->data, len); return DFU_OK;
	case SIM_RAM: sim_write_ram(b, addr, u->data, len); return DFU_OK;
	case SIM_EEPROM: sim_write_eeprom(b, addr, u->data, len); return DFU_OK;
	case SIM_OTP: sim_write_otp(b, addr, u->data, len); return DFU_OK;
	case SIM_OPTION: options(b, addr, u->data, len); return DFU_OK;
	default:
		if (!is_voltage(b, addr))
			return DFU_ERR_TARGET;
		b->voltage_range = u->data[0];
		return DFU_OK;
	}
}

enum dfu_status dfuse_work(struct sim_usb *u)
{
	if (u->block == 1)
		return DFU_ERR_STALLEDPKT;
	return u->block == 0 ? command(u) : write_block(u);
}

static enum dfu_status list_commands(struct sim_usb *u, struct usb_request *r)
{
	const uint8_t list[] = {0x00, CMD_SET_ADDRESS, CMD_ERASE, CMD_READ_UNPROTECT};
	uint32_t n = has_read_unprotect(u) ? 4 : 3;

	r->actual = r->length < n ? r->length : n;
	memcpy(r->data, list, r->actual);
	return DFU_OK;
}

/* Facts that steer an erase can be wrong without a trace on the wire. */
static void garble(struct sim_board *b, uint32_t addr, uint8_t *data, uint32_t len)
{
	uint32_t reg = b->chip->flash_size_register;
	const struct sim_fault *f;

	if (sim_range_touches(addr, len, reg, 2) && (f = sim_fault_at(b, SIM_AT_SIZE, 0)) != NULL)
		for (uint32_t i = 0; i < 2; i++)
			if (reg + i >= addr && reg + i - addr < len)
				data[reg + i - addr] =
					(uint8_t)(data[reg + i - addr] ^ f->arg >> 8 * i);
	if (sim_region_of(b, addr) == SIM_OPTION && (f = sim_fault_at(b, SIM_AT_OPTION, 0)) != NULL)
		data[0] = (uint8_t)(data[0] ^ f->arg);
}

enum dfu_status dfuse_upload(struct sim_usb *u, struct usb_request *r)
{
	struct sim_board *b = u->b;
	enum sim_region region;
	uint32_t addr;

	if (r->value == 0)
		return list_commands(u, r);
	if (r->value == 1)
		return DFU_ERR_STALLEDPKT;
	if (sim_read_protected(b))
		return DFU_ERR_VENDOR;
	if (!block_address(u, r->value, r->length, &addr))
		return DFU_ERR_TARGET;
	region = sim_region_of(b, addr);
	if (region == SIM_NOWHERE)
		return DFU_ERR_TARGET;
	r->actual = sim_has(b, SQ_DFU_SHORT_UPLOAD) && r->length > 1 ? r->length / 2 : r->length;
	for (uint32_t i = 0; i < r->actual; i++) {
		/* The end of the memory is not looked for: what lies behind it, or a fault. */
		if (sim_has(b, SQ_READ_PAST_END_FAULT) && sim_region_of(b, addr + i) != region) {
			b->cpu = SIM_CPU_STUCK;
			r->silent = true;
			return DFU_OK;
		}
		r->data[i] = sim_read_byte(b, addr + i);
	}
	garble(b, addr, r->data, r->actual);
	return DFU_OK;
}

/* ---- leave ---- */

bool dfuse_leave(struct sim_usb *u)
{
	struct sim_board *b = u->b;
	uint32_t addr = u->cfg.kind == SIM_USB_PLAIN ? b->chip->flash_base + u->cfg.plain_offset
						     : u->pointer;

	if (b->cpu != SIM_CPU_ROM)
		return true; /* somebody has reset it in the meantime */
	if (sim_has(b, CHIP_QUIRK_DFU_LEAVE_NEEDS_ADDRESS) && !u->pointer_set)
		return false;
	if (!sim_program_at(b, addr))
		return false;
	sim_app_go(b, addr);
	if (sim_has(b, CHIP_QUIRK_GO_BROKEN))
		b->cpu = SIM_CPU_LOCKED;
	b->starts++;
	return true;
}
