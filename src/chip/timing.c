/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timing.c - how long chips take to erase and to program
 *
 * Typical times are for estimates and for the simulator; longest times are for time-outs. Rows
 * below say where a typical time comes from. "assumed": no figure was read, the class of a similar
 * part is taken; such a row never decides more than an estimate. Longest times are ceilings that
 * other hosts use with success: 5 s for each unit, 35 s for everything (stm32flash; F4 with 2 MB
 * takes up to 32 s), 60 s as the safe ceiling.
 */
#include <stmota/chip.h>

#include <string.h>

#define UNIT_MS_MAX       5000  /* stm32flash: one page or sector, up to 256 KiB */
#define MASS_MS_MAX       35000 /* stm32flash, AN2606: 2 MiB of F4 take up to 32 s */
#define MASS_MS_MAX_LARGE 60000 /* dies above 2 MiB: safe ceiling, no figure was read */

/* Typical times; the last row is for all others. */
static const struct timing {
	const char *series;
	uint32_t erase_ms;       /* a unit of at most 16 KiB */
	uint32_t erase_ms_16k;   /* each further 16 KiB of a larger unit; 0: no larger ones */
	uint32_t program_us_256; /* 256 bytes */
} timings[] = {
	/* AN2606: G071 40 ms for a page; programming assumed */
	{"G0", 40, 0, 3000},
	/* datasheet: L452 25 ms for a page; programming assumed */
	{"L4", 25, 0, 3000},
	/* ST forum (ST employee): H743 erases 128 KiB in 1.1 s; the rest assumed */
	{"H7", 250, 122, 2000},
	/* assumed: as the sectors of H7 */
	{"F2", 250, 122, 4000},
	{"F4", 250, 122, 4000},
	{"F7", 250, 122, 4000},
	/* assumed: pages of 128 and 256 bytes are quick to erase and slow to program */
	{"L0", 4, 0, 13000},
	{"L1", 4, 0, 7000},
	/* assumed */
	{NULL, 30, 0, 6000},
};

static const struct timing *timing_of(const struct chip *c)
{
	const struct timing *t = timings;

	while (t->series != NULL && strcmp(t->series, c->series) != 0)
		t++;
	return t;
}

uint32_t chip_erase_ms_typical(const struct chip *c, uint32_t size)
{
	const struct timing *t = timing_of(c);
	uint32_t steps = size / (16 * 1024);

	return t->erase_ms + (steps > 1 ? (steps - 1) * t->erase_ms_16k : 0);
}

uint32_t chip_erase_ms_max(const struct chip *c, uint32_t size)
{
	(void)c;
	(void)size;
	return UNIT_MS_MAX;
}

uint32_t chip_mass_erase_ms_max(const struct chip *c, uint32_t flash_size)
{
	(void)c;
	return flash_size > 2 * 1024 * 1024 ? MASS_MS_MAX_LARGE : MASS_MS_MAX;
}

uint32_t chip_program_us(const struct chip *c)
{
	return timing_of(c)->program_us_256;
}

/* AN2606, AN4221: silence inside a command after which the ROM resets the chip. */
static const struct {
	uint16_t pid; /* 0: see series */
	const char *series;
	uint32_t ms;
} i2c_timeouts[] = {
	{0x422, NULL, 10}, /* F358; its sisters have no I2C in their ROM */
	{0x432, NULL, 10}, /* F378, likewise */
	{0x446, NULL, 1500},
	{0x449, NULL, 500},
	{0x44C, NULL, 2200},
	{0, "C0", 2000},
};

uint32_t chip_i2c_timeout_ms(const struct chip *c)
{
	for (size_t i = 0; i < ARRAY_LEN(i2c_timeouts); i++)
		if (i2c_timeouts[i].pid != 0 ? i2c_timeouts[i].pid == c->pid
					     : strcmp(i2c_timeouts[i].series, c->series) == 0)
			return i2c_timeouts[i].ms;
	return 1000;
}
