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

static void reload_options(struct sim_board *b)
{
	if (!sim_has(b, CHIP_QUIRK_OPTIONS_NOT_RELOADED) && rom_alive(b))
		sim_reset(b);
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
		sim_rom_after(b, reload_options);
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

	if (!sim_rom_xor_ok(b, len + 2) ||
		(rom_on_i2c(b) && len > 64 && sim_has(b, CHIP_QUIRK_I2C_WRITE_64))) {
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
	bool i2c = rom_on_i2c(b);

	if (!rom_alive(b))
		return;
	if (i2c && b->rom.n_units > 1 && sim_has(b, CHIP_QUIRK_I2C_ERASE_NACKED_DONE))
		sim_rom_nack(b);
	else if (!i2c || b->rom.n_units == 0 || !sim_has(b, CHIP_QUIRK_I2C_ERASE_NO_LAST_ACK))
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
	index = sim_flash_named(b, index);
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

	b->rom.n_units = n;
	if ((n > 512 && sim_has(b, CHIP_QUIRK_ERASE_MAX_512)) ||
		(n > 2 && rom_on_i2c(b) && sim_has(b, CHIP_QUIRK_I2C_ERASE_MAX_2))) {
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
	if (sim_flash_named(b, 0) != 0)
		bank = 3 - bank;
	if (!sim_flash_erase_all(b, bank, false))
		return;
	if (bank == 2 && sim_has(b, CHIP_QUIRK_BANK2_ERASE_EARLY_ACK)) {
		b->flash_busy_us = b->now_us;
		b->now_us = from_us;
	}
	erase_done(b);
}

static bool mass_erase_refused(const struct sim_board *b)
{
	return sim_has(b, CHIP_QUIRK_NO_MASS_ERASE) ||
	       (rom_on_i2c(b) && sim_has(b, CHIP_QUIRK_I2C_ERASE_MAX_2));
}

static void mass_erase(struct sim_board *b)
{
	bool half = rom_on_i2c(b) && sim_has(b, CHIP_QUIRK_I2C_MASS_ERASE_BANK2_ONLY);

	if (sim_flash_erase_all(b, half && b->geometry.banks == 2 ? 2 : 0, false))
		erase_done(b);
}

static void on_extended_special(struct sim_board *b)
{
	uint16_t code = get_be16(b->rom.buf);

	b->rom.n_units = 0;
	if (b->rom.cmd == 0x45)
		b->rom.i2c.sticky_busy = sim_has(b, SQ_I2C_BUSY_STICKY);
	if (!sim_rom_xor_ok(b, 3)) {
		sim_rom_refuse(b);
	} else if (code == 0xFFFF && !mass_erase_refused(b)) {
		mass_erase(b);
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

/* I2C: the count comes in a packet of its own, and each packet has its checksum. */
static void on_i2c_pages(struct sim_board *b)
{
	uint32_t n = b->rom.n_units;
	uint8_t x = 0;

	for (uint32_t i = 0; i < 2 * n + 1; i++)
		x ^= b->rom.buf[i];
	if (sim_has(b, CHIP_QUIRK_I2C_ERASE_XOR_COUNT))
		x = (uint8_t)(x ^ (n - 1) >> 8 ^ (n - 1));
	if (x != 0)
		sim_rom_refuse(b);
	else
		erase_list(b, b->rom.buf, n, true);
}

static void on_i2c_count(struct sim_board *b)
{
	uint16_t code = get_be16(b->rom.buf);

	if (code >= 0xFFF0) {
		on_extended_special(b);
		return;
	}
	/* AN4221: at most 512 pages. */
	if (!sim_rom_xor_ok(b, 3) || code >= 512) {
		sim_rom_refuse(b);
		return;
	}
	b->rom.n_units = code + 1u;
	sim_rom_ack(b);
	sim_rom_expect(b, 2 * b->rom.n_units + 1, on_i2c_pages);
}

void sim_rom_extended_erase(struct sim_board *b)
{
	if (rom_on_i2c(b))
		sim_rom_expect(b, 3, on_i2c_count);
	else
		sim_rom_expect(b, 2, on_extended_count);
}

/* ---- protection: each ends in a system reset ---- */

static void reset_now(struct sim_board *b)
{
	if (rom_alive(b))
		sim_reset(b);
}

static void ack_and_reset(struct sim_board *b)
{
	if (!rom_alive(b))
		return;
	sim_rom_ack(b);
	sim_rom_after(b, reset_now);
}

/* Replaces the former set; the numbers are not looked at. */
static void protect_sectors(struct sim_board *b, const uint8_t *sectors, uint32_t n)
{
	if (sim_option_set_wrp(b, sectors, n))
		ack_and_reset(b);
}

static void on_sectors(struct sim_board *b)
{
	uint32_t n = b->rom.buf[0] + 1u;

	if (!sim_rom_xor_ok(b, n + 2))
		sim_rom_refuse(b);
	else
		protect_sectors(b, b->rom.buf + 1, n);
}

static void on_sector_count(struct sim_board *b)
{
	sim_rom_expect_more(b, b->rom.buf[0] + 3u, on_sectors);
}

/* I2C: the count and its complement, then the sectors and their own checksum (OpenBL). */
static void on_i2c_sectors(struct sim_board *b)
{
	if (!sim_rom_xor_ok(b, b->rom.n_units + 1))
		sim_rom_refuse(b);
	else
		protect_sectors(b, b->rom.buf, b->rom.n_units);
}

static void on_i2c_sector_count(struct sim_board *b)
{
	if ((b->rom.buf[0] ^ b->rom.buf[1]) != 0xFF) {
		sim_rom_refuse(b);
		return;
	}
	b->rom.n_units = b->rom.buf[0] + 1u;
	sim_rom_ack(b);
	sim_rom_expect(b, b->rom.n_units + 1, on_i2c_sectors);
}

void sim_rom_write_protect(struct sim_board *b)
{
	if (rom_on_i2c(b) && !sim_has(b, SQ_I2C_WP_ONE_PACKET))
		sim_rom_expect(b, 2, on_i2c_sector_count);
	else
		sim_rom_expect(b, 1, on_sector_count);
}

void sim_rom_write_unprotect(struct sim_board *b)
{
	if (rom_on_i2c(b) && b->rom.cmd == 0x73 &&
		sim_has(b, CHIP_QUIRK_I2C_WRITE_UNPROTECT_ERASES))
		sim_rom_readout_unprotect(b);
	else if (sim_option_set_wrp(b, NULL, 0))
		ack_and_reset(b);
}

void sim_rom_readout_protect(struct sim_board *b)
{
	if (sim_option_set_rdp(b, 0x00))
		ack_and_reset(b);
}

/* Mass erase, then the option byte, then RAM. False: the power failed. */
static bool unprotect(struct sim_board *b)
{
	if (!rom_alive(b) || !sim_flash_erase_all(b, 0, true) ||
		!sim_option_set_rdp(b, strcmp(b->chip->series, "F1") == 0 ? 0xA5 : 0xAA))
		return false;
	if (b->ram != NULL)
		memset(b->ram, 0, b->chip->ram_size);
	b->reload_at_power = sim_has(b, CHIP_QUIRK_UNPROTECT_POWER_CYCLE);
	return true;
}

static void unprotect_and_reset(struct sim_board *b)
{
	if (unprotect(b))
		reset_now(b);
}

void sim_rom_readout_unprotect(struct sim_board *b)
{
	/* The form that answers "busy" acknowledges when it is done, the others before. */
	if (b->rom.cmd == 0x93) {
		if (unprotect(b))
			ack_and_reset(b);
		return;
	}
	sim_rom_ack(b);
	sim_rom_after(b, unprotect_and_reset);
}
