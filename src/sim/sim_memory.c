/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_memory.c - the address map as the ROM sees it
 */
#include <string.h>

#include "sim_priv.h"

static bool in_span(struct span s, uint32_t addr)
{
	return s.len != 0 && addr >= s.addr && addr - s.addr < s.len;
}

/* The page of factory data that holds the word at `reg`. */
static bool in_info_page(uint32_t reg, uint32_t addr)
{
	return reg != CHIP_UNKNOWN && (reg & ~0xFFu) == (addr & ~0xFFu);
}

enum sim_region sim_region_of(const struct sim_board *b, uint32_t addr)
{
	const struct chip *c = b->chip;

	if (addr >= c->flash_base && addr - c->flash_base < b->flash_size)
		return SIM_FLASH;
	if (b->ram != NULL && c->ram_host_start != CHIP_UNKNOWN && addr >= c->ram_host_start &&
		addr < c->ram_host_end)
		return sim_has(b, CHIP_QUIRK_RAM_ACCESS_NONE) ? SIM_NOWHERE : SIM_RAM;
	if (sim_option_covers(b, addr))
		return SIM_OPTION;
	if (in_span(c->eeprom, addr))
		return SIM_EEPROM;
	if (in_span(c->otp, addr))
		return SIM_OTP;
	/* WB0 and WL3 keep the size register where the ROM does not read. */
	if (c->rom_product_byte == 0 &&
		(in_info_page(c->uid_register, addr) || in_info_page(c->flash_size_register, addr)))
		return SIM_INFO;
	if (in_span(c->system_memory, addr) ||
		(c->boot_id_addr != CHIP_UNKNOWN && addr == c->boot_id_addr))
		return SIM_SYSTEM;
	return SIM_NOWHERE;
}

bool sim_range_touches(uint32_t addr, uint32_t len, uint32_t at, uint32_t at_len)
{
	return at != CHIP_UNKNOWN && (uint64_t)addr + len > at && addr < (uint64_t)at + at_len;
}

/* Something that is the same at each reading and looks like code. */
static uint8_t rubbish(uint32_t addr)
{
	uint32_t x = addr * 2654435761u;

	return (uint8_t)(x >> 24 ^ x >> 13);
}

static bool uid_byte(const struct sim_board *b, uint32_t addr, uint8_t *ret)
{
	uint32_t off = addr - b->chip->uid_register;

	if (b->chip->uid_register == CHIP_UNKNOWN)
		return false;
	if (off < 8)
		*ret = b->uid[off];
	else if (off >= b->chip->uid_third_word && off - b->chip->uid_third_word < 4)
		*ret = b->uid[8 + off - b->chip->uid_third_word];
	else
		return false;
	return true;
}

static bool size_byte(const struct sim_board *b, uint32_t addr, uint8_t *ret)
{
	uint32_t off = addr - b->chip->flash_size_register;

	if (b->chip->flash_size_register == CHIP_UNKNOWN || off > 1)
		return false;
	*ret = (uint8_t)(b->flash_size / 1024 >> 8 * off);
	return true;
}

uint8_t sim_read_byte(struct sim_board *b, uint32_t addr)
{
	uint32_t off;
	uint8_t v;

	switch (sim_region_of(b, addr)) {
	case SIM_FLASH:
		/* An erase that was acknowledged too early is still going on. */
		if (b->flash_busy_us > b->now_us)
			return (uint8_t)sim_random(b);
		return sim_flash_map(b, addr, &off) ? b->flash[off] : 0;
	case SIM_RAM: return b->ram[addr - b->chip->ram_base];
	case SIM_EEPROM: return b->eeprom[addr - b->chip->eeprom.addr];
	case SIM_OTP:
		return uid_byte(b, addr, &v) || size_byte(b, addr, &v)
			       ? v
			       : b->otp[addr - b->chip->otp.addr];
	case SIM_OPTION: return sim_option_byte(b, addr);
	case SIM_INFO:
	case SIM_SYSTEM:
		if (uid_byte(b, addr, &v) || size_byte(b, addr, &v))
			return v;
		if (addr == b->chip->boot_id_addr && b->rom_id != 0)
			return b->rom_id;
		return rubbish(addr);
	case SIM_NOWHERE: break;
	}
	return (uint8_t)(rubbish(addr) ^ 0xA5);
}

void sim_write_ram(struct sim_board *b, uint32_t addr, const uint8_t *data, uint32_t len)
{
	/* Whole words: what was left in the buffer goes behind the data. */
	for (uint32_t i = 0; i < ((len + 3) & ~3u); i++)
		if (sim_region_of(b, addr + i) == SIM_RAM)
			b->ram[addr + i - b->chip->ram_base] =
				i < len ? data[i] : (uint8_t)sim_random(b);
}

void sim_write_eeprom(struct sim_board *b, uint32_t addr, const uint8_t *data, uint32_t len)
{
	/* Erased by the write itself, word by word; a word that is not whole is lost. */
	for (uint32_t i = 0; addr % 4 == 0 && i + 4 <= len; i += 4) {
		if (sim_region_of(b, addr + i) != SIM_EEPROM)
			return;
		if (sim_op_begin(b, SIM_OP_PROGRAM)) {
			b->eeprom[addr + i - b->chip->eeprom.addr] = (uint8_t)sim_random(b);
			sim_op_end(b, 1600);
			sim_power_lost(b);
			return;
		}
		memcpy(b->eeprom + (addr + i - b->chip->eeprom.addr), data + i, 4);
		sim_op_end(b, 3200);
		if (b->cpu != SIM_CPU_ROM)
			return;
	}
}

void sim_write_otp(struct sim_board *b, uint32_t addr, const uint8_t *data, uint32_t len)
{
	for (uint32_t i = 0; i < len && sim_region_of(b, addr + i) == SIM_OTP; i++)
		b->otp[addr + i - b->chip->otp.addr] &= data[i];
}
