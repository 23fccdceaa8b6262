/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_boot.c - where a reset leads, and how long it takes until the ROM listens
 */
#include <string.h>

#include "sim_priv.h"

/* AN2606: reset until 0x7F can be sent, with the delays of an oscillator that does not start. */
static const struct {
	const char *series; /* NULL: pid */
	uint16_t pid;
	uint32_t us;
} boot_times[] = {
	{NULL, 0x418, 1400},
	{NULL, 0x413, 85000},
	{NULL, 0x423, 74500},
	{NULL, 0x433, 74500},
	{NULL, 0x431, 74500},
	{NULL, 0x419, 82000},
	{NULL, 0x421, 73600},
	{NULL, 0x434, 74000},
	{NULL, 0x441, 600},
	{NULL, 0x463, 600},
	{NULL, 0x452, 18000},
	{NULL, 0x449, 18000},
	{NULL, 0x480, 545000},
	{NULL, 0x415, 55000},
	{NULL, 0x461, 77000},
	{NULL, 0x470, 10000},
	{NULL, 0x471, 10000},
	{"F1", 0, 1200},
	{"F2", 0, 134000},
	{"F3", 0, 7500},
	{"H7", 0, 54000},
};

uint32_t sim_boot_us(const struct sim_board *b)
{
	for (size_t i = 0; i < ARRAY_LEN(boot_times); i++)
		if (boot_times[i].series == NULL
				? boot_times[i].pid == b->chip->pid
				: strcmp(boot_times[i].series, b->chip->series) == 0)
			return boot_times[i].us;
	return 6000;
}

/*
 * Who decides, the pin or the nBOOT0 bit: nSWBOOT0 = 1 and BOOT_SEL = 1 mean the pin,
 * nBOOT_SEL = 1 means the bit.
 */
static bool pin_decides(const struct sim_board *b)
{
	return sim_option_get(b, "nSWBOOT0", 1) == 1 && sim_option_get(b, "nBOOT_SEL", 0) == 0 &&
	       sim_option_get(b, "BOOT_SEL", 1) == 1 && !sim_has(b, SQ_BOOT0_IGNORED);
}

bool sim_boots_rom(const struct sim_board *b)
{
	bool high = pin_decides(b) ? b->boot0 : sim_option_get(b, "nBOOT0", 1) == 0;

	if (sim_option_get(b, "BOOT_LOCK", 0) == 1)
		return false;
	if (high) /* nBOOT1 = 0 starts SRAM */
		return sim_option_get(b, "nBOOT1", 1) == 1;
	return b->empty;
}

static uint32_t word_from(const struct sim_board *b, uint32_t addr)
{
	uint8_t w[4];
	uint32_t off;

	for (uint32_t i = 0; i < 4; i++) {
		if (sim_region_of(b, addr + i) == SIM_RAM)
			w[i] = b->ram[addr + i - b->chip->ram_base];
		else if (sim_flash_map(b, addr + i, &off))
			w[i] = b->flash[off];
		else
			return 0xFFFFFFFF;
	}
	return get_le32(w);
}

bool sim_is_stack(const struct sim_board *b, uint32_t sp)
{
	const struct chip *c = b->chip;
	uint64_t limit = sim_has(b, CHIP_QUIRK_MSP_BELOW_RAM_END_16) ? 16 : 0;

	if (c->n_ram == 0)
		return sp > 0x20000000 && sp <= 0x20200000;
	for (size_t i = 0; i < c->n_ram; i++)
		if (sp > c->ram[i].base && sp <= (uint64_t)c->ram[i].base + c->ram[i].size - limit)
			return true;
	return false;
}

bool sim_program_at(const struct sim_board *b, uint32_t addr)
{
	uint32_t sp = word_from(b, addr), pc = word_from(b, addr + 4);
	enum sim_region r = sim_region_of(b, pc & ~1u);

	return sp % 4 == 0 && sim_is_stack(b, sp) && (pc & 1) != 0 &&
	       (r == SIM_FLASH || r == SIM_RAM);
}
