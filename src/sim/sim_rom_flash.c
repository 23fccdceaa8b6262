/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_rom_flash.c - the ROM's commands that change memory: write, erase, protect
 *
 * The result of the flash driver is never looked at: a packet with a right checksum is ACKed,
 * whatever became of its content. That is what OpenBL does and what AN3155 lets expect.
 */
#include <string.h>

#include "sim_rom.h"

#define UNITS_KEPT 581u /* OpenBL keeps only the last ones of a longer erase packet */

/* ---- Write Memory ---- */

/* F2, F4, F7: one byte at this address tells the supply voltage. */
#define VOLTAGE_ADDR 0xFFFF0000u

static bool is_voltage(const struct sim_board *b)
{
	return b->rom.addr == VOLTAGE_ADDR && sim_has(b, CHIP_QUIRK_VOLTAGE_RANGE);
}

static void store(struct sim_board *b, const uint8_t *data, uint32_t len)
{
	uint32_t addr = b->rom.addr;

	switch (sim_region_of(b, addr)) {
	case SIM_FLASH: sim_flash_write(b, addr, data, len); break;
	case SIM_RAM: sim_write_ram(b, addr, data, len); break;
	case SIM_EEPROM: sim_write_eeprom(b, addr, data, len); break;
	case SIM_OTP: sim_write_otp(b, addr, data, len); break;
	case SIM_OPTION:
		/* Reloading resets the chip; the link is lost after the ACK. */
		if (!sim_option_write(b, addr, data, len))
			return;
		sim_rom_ack(b);
		sim_rom_idle(b);
		if (!sim_has(b, CHIP_QUIRK_OPTIONS_NOT_RELOADED) && rom_alive(b))
			sim_reset(b);
		return;
	default:
		if (is_voltage(b) && bytes_all(data + 1, len - 1, 0xFF))
			b->voltage_range = data[0];
		break;
	}
	if (!rom_alive(b))
		return;
	sim_rom_ack(b);
	sim_rom_idle(b);
}

static void on_write_data(struct sim_board *b)
{
	uint32_t len = b->rom.buf[0] + 1u;

	if (!sim_rom_xor_ok(b, len + 2)) {
		sim_rom_refuse(b);
		return;
	}
	store(b, b->rom.buf + 1, len);
}

static void on_write_length(struct sim_board *b)
{
	sim_rom_expect_more(b, b->rom.buf[0] + 3u, on_write_data);
}

static void on_write_address(struct sim_board *b)
{
	enum sim_region r;

	if (!sim_rom_take_address(b))
		return;
	r = sim_region_of(b, b->rom.addr);
	if ((r == SIM_NOWHERE && !is_voltage(b)) || r == SIM_SYSTEM || r == SIM_INFO) {
		sim_rom_bad_address(b);
		return;
	}
	sim_rom_ack(b);
	sim_rom_expect(b, 1, on_write_length);
}

void sim_rom_write(struct sim_board *b)
{
	sim_rom_expect(b, 5, on_write_address);
}

/* ---- Erase ---- */

static void erase_done(struct sim_board *b)
{
	if (!rom_alive(b))
		return;
	sim_rom_ack(b);
	sim_rom_idle(b);
	if (sim_has(b, CHIP_QUIRK_ERASE_PAUSE_40_MS))
		b->flash_busy_us = b->now_us + 40000;
}

/* Index of the unit that an erase packet calls `number`; n_units if there is none. */
static uint32_t unit_index(const struct sim_board *b, uint32_t number)
{
	const struct geometry *g = &b->geometry;

	if (sim_has(b, SQ_BANK2_FROM_256) && g->banks == 2) {
		if (number >= 256)
			return number - 256 + g->n_units / 2;
		if (number >= g->n_units / 2)
			return g->n_units;
	}
	return number < g->n_units ? number : g->n_units;
}

static bool erase_numbered(struct sim_board *b, uint32_t number, bool *bank2_done)
{
	uint32_t index = unit_index(b, number);
	uint64_t from_us = b->now_us;
	bool bank2;

	if (index == b->geometry.n_units)
		return true; /* no such unit: not reported */
	bank2 = geometry_unit(&b->geometry, index).bank == 2;
	if (bank2 && *bank2_done && sim_has(b, CHIP_QUIRK_BANK2_ONE_PAGE_PER_ERASE))
		return true;
	*bank2_done = *bank2_done || bank2;
	if (!sim_flash_erase_unit(b, index))
		return false;
	if (bank2 && sim_has(b, CHIP_QUIRK_BANK2_ERASE_EARLY_ACK)) {
		b->flash_busy_us = b->now_us;
		b->now_us = from_us;
	}
	return true;
}

/* `wide`: two bytes for each number. */
static void erase_list(struct sim_board *b, const uint8_t *list, uint32_t n, bool wide)
{
	uint32_t first = n > UNITS_KEPT ? n - UNITS_KEPT : 0;
	bool bank2_done = false;

	if (n > 512 && sim_has(b, CHIP_QUIRK_ERASE_MAX_512)) {
		sim_rom_refuse(b);
		return;
	}
	for (uint32_t i = first; i < n; i++) {
		if (!erase_numbered(b, wide ? get_be16(list + 2 * i) : list[i], &bank2_done))
			return;
		if (sim_has(b, CHIP_QUIRK_ONE_PAGE_PER_ERASE))
			break;
	}
	erase_done(b);
}

static void on_erase_global(struct sim_board *b)
{
	/* Anything but FF 00: no erase, and yet an ACK. */
	if (b->rom.buf[1] == 0x00 && !sim_flash_erase_all(b, 0, false))
		return;
	erase_done(b);
}

static void on_erase_pages(struct sim_board *b)
{
	uint32_t n = b->rom.buf[0] + 1u;

	if (!sim_rom_xor_ok(b, n + 2))
		sim_rom_refuse(b);
	else
		erase_list(b, b->rom.buf + 1, n, false);
}

static void on_erase_count(struct sim_board *b)
{
	if (b->rom.buf[0] == 0xFF)
		sim_rom_expect_more(b, 2, on_erase_global);
	else
		sim_rom_expect_more(b, b->rom.buf[0] + 3u, on_erase_pages);
}

void sim_rom_erase(struct sim_board *b)
{
	sim_rom_expect(b, 1, on_erase_count);
}

/* ---- Extended Erase ---- */

static void erase_bank(struct sim_board *b, uint8_t bank)
{
	uint64_t from_us = b->now_us;

	if (b->geometry.banks != 2) {
		sim_rom_refuse(b);
		return;
	}
	if (sim_has(b, CHIP_QUIRK_BANK_ERASE_BROKEN)) {
		/* L496 says so, H74 does not. */
		if (b->chip->series[0] == 'L')
			sim_rom_refuse(b);
		else
			erase_done(b);
		return;
	}
	if (!sim_flash_erase_all(b, bank, false))
		return;
	if (bank == 2 && sim_has(b, CHIP_QUIRK_BANK2_ERASE_EARLY_ACK)) {
		b->flash_busy_us = b->now_us;
		b->now_us = from_us;
	}
	erase_done(b);
}

static void on_extended_special(struct sim_board *b)
{
	uint16_t code = get_be16(b->rom.buf);

	if (!sim_rom_xor_ok(b, 3)) {
		sim_rom_refuse(b);
	} else if (code == 0xFFFF && !sim_has(b, CHIP_QUIRK_NO_MASS_ERASE)) {
		if (sim_flash_erase_all(b, 0, false))
			erase_done(b);
	} else if (code == 0xFFFE || code == 0xFFFD) {
		erase_bank(b, code == 0xFFFE ? 1 : 2);
	} else {
		sim_rom_refuse(b); /* FFFC to FFF0 are reserved */
	}
}

static void on_extended_pages(struct sim_board *b)
{
	uint32_t n = get_be16(b->rom.buf) + 1u;

	if (!sim_rom_xor_ok(b, 2 * n + 3))
		sim_rom_refuse(b);
	else
		erase_list(b, b->rom.buf + 2, n, true);
}

static void on_extended_count(struct sim_board *b)
{
	uint16_t code = get_be16(b->rom.buf);

	if (code >= 0xFFF0)
		sim_rom_expect_more(b, 3, on_extended_special);
	else
		sim_rom_expect_more(b, 2 * (code + 1u) + 3, on_extended_pages);
}

void sim_rom_extended_erase(struct sim_board *b)
{
	sim_rom_expect(b, 2, on_extended_count);
}

/* ---- protection: each ends in a system reset ---- */

static void ack_and_reset(struct sim_board *b)
{
	if (!rom_alive(b))
		return;
	sim_rom_ack(b);
	if (rom_alive(b))
		sim_reset(b);
}

static void on_sectors(struct sim_board *b)
{
	uint32_t n = b->rom.buf[0] + 1u;

	if (!sim_rom_xor_ok(b, n + 2)) {
		sim_rom_refuse(b);
		return;
	}
	/* Replaces the former set; the numbers are not looked at. */
	if (sim_option_set_wrp(b, b->rom.buf + 1, n))
		ack_and_reset(b);
}

static void on_sector_count(struct sim_board *b)
{
	sim_rom_expect_more(b, b->rom.buf[0] + 3u, on_sectors);
}

void sim_rom_write_protect(struct sim_board *b)
{
	sim_rom_expect(b, 1, on_sector_count);
}

void sim_rom_write_unprotect(struct sim_board *b)
{
	if (sim_option_set_wrp(b, NULL, 0))
		ack_and_reset(b);
}

void sim_rom_readout_protect(struct sim_board *b)
{
	if (sim_option_set_rdp(b, 0x00))
		ack_and_reset(b);
}

void sim_rom_readout_unprotect(struct sim_board *b)
{
	sim_rom_ack(b);
	/* Silent: mass erase, then the option byte, then RAM and reset. */
	if (!rom_alive(b) || !sim_flash_erase_all(b, 0, true))
		return;
	if (!sim_option_set_rdp(b, strcmp(b->chip->series, "F1") == 0 ? 0xA5 : 0xAA))
		return;
	if (b->ram != NULL)
		memset(b->ram, 0, b->chip->ram_size);
	b->reload_at_power = sim_has(b, CHIP_QUIRK_UNPROTECT_POWER_CYCLE);
	if (rom_alive(b))
		sim_reset(b);
}
