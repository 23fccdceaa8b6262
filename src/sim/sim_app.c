/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_app.c - which program a reset starts, and what it says
 *
 * Some chips exchange the addresses of their banks (SWAP_BANK). On others the ROM starts first and
 * looks for a stack pointer at the start of bank 2, then of bank 1 (BFB2); if it finds none it goes
 * on listening as if BOOT0 had asked for it (AN2606, dual bank boot).
 *
 * The program itself is not run. If its bytes hold "stmota-sim says: TEXT" it sends TEXT and a line
 * end, once, 20 ms after its start, at 115200 baud; otherwise it is silent.
 */
#include <string.h>

#include "sim_priv.h"

#define SAYS         "stmota-sim says: "
#define SAYS_MAX     200u
#define START_UP_US  20000u
#define G47_ROM_MEND 0xD4 /* V13.4 */

static bool series_is(const struct sim_board *b, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(b->chip->series, list[i]) == 0)
			return true;
	return false;
}

/* Where the ROM maps the bank that it starts to the start of flash (SYSCFG FB_MODE, UFB). */
static bool rom_maps_bank(const struct sim_board *b)
{
	static const char *const series[] = {"L0", "L4", "L4+", "G4", "F4"};

	return series_is(b, series, ARRAY_LEN(series));
}

static bool asks_bank2(const struct sim_board *b)
{
	if (b->geometry.banks != 2)
		return false;
	if (b->chip->pid == 0x430) /* F1 XL: 0 asks for bank 2 */
		return sim_option_get(b, "BFB2", 1) == 0;
	return sim_option_get(b, "BFB2", 0) == 1 || sim_option_get(b, "nBFB2", 1) == 0;
}

/* Is this first word of a bank one that the ROM takes for a program? */
static bool rom_takes(const struct sim_board *b, uint32_t off)
{
	uint32_t sp = get_le32(b->flash + off);

	/* ES0335: the SRAM2 alias from 0x20040000 up is not among what it knows. */
	if (b->chip->pid == 0x461)
		return sp - 0x20000000u <= 0x3FFFFu || sp - 0x10000000u <= 0xFFFFu;
	return sim_is_stack(b, sp);
}

/* 0: the ROM finds nothing to start, or does not leave. */
static uint8_t bank_of_reset(const struct sim_board *b)
{
	if (!asks_bank2(b))
		return 1;
	/* ES0335 2.2.9 */
	if (b->chip->pid == 0x461 && sim_option_get(b, "nSWBOOT0", 1) == 1 && !b->boot0)
		return 1;
	/* AN2606, G47x below V13.4 */
	if (b->chip->pid == 0x469 && b->rom_id < G47_ROM_MEND &&
		(sim_option_get(b, "nBOOT0", 1) != 1 || sim_option_get(b, "nBOOT1", 1) != 0))
		return 0;
	if (rom_takes(b, b->flash_size / 2))
		return 2;
	return rom_takes(b, 0) ? 1 : 0;
}

static bool bank2_program(const struct sim_board *b)
{
	uint32_t half = b->flash_size / 2;
	uint32_t sp = get_le32(b->flash + half), pc = get_le32(b->flash + half + 4);
	uint32_t base = rom_maps_bank(b) ? b->chip->flash_base : b->geometry.bank2_base;

	return sp % 4 == 0 && sim_is_stack(b, sp) && (pc & 1) != 0 && (pc & ~1u) - base < half;
}

/* ---- what it says ---- */

static const uint8_t *find_text(const uint8_t *p, uint32_t len)
{
	uint32_t n = sizeof(SAYS) - 1;

	for (uint32_t i = 0; i + n < len; i++)
		if (p[i] == SAYS[0] && memcmp(p + i, SAYS, n) == 0)
			return p + i + n;
	return NULL;
}

static void say(struct sim_board *b)
{
	const uint8_t *p = b->flash + b->running.addr, *end = p + b->running.len, *text;

	if (sim_has(b, SQ_APP_SILENT))
		return;
	text = find_text(p, b->running.len);
	if (text == NULL)
		return;
	if ((uint32_t)(end - text) > SAYS_MAX)
		end = text + SAYS_MAX;
	if (b->tx_free_us < b->now_us + START_UP_US)
		b->tx_free_us = b->now_us + START_UP_US;
	for (; text < end && *text >= 0x20 && *text < 0x7F; text++)
		sim_app_send(b, *text);
	sim_app_send(b, '\r');
	sim_app_send(b, '\n');
}

/* ---- start ---- */

void sim_app_run(struct sim_board *b, uint32_t off)
{
	uint32_t half = b->geometry.banks == 2 ? b->flash_size / 2 : b->flash_size;

	b->cpu = SIM_CPU_APP;
	b->running = (struct span){off, half - off % half};
	say(b);
}

/* The program that a reset starts: if the board has an updater, that is it. */
static void run_from(struct sim_board *b, uint32_t off)
{
	sim_app_run(b, off);
	if (b->updater != NULL)
		sim_updater_start(b);
}

bool sim_app_bank_starts(const struct sim_board *b, uint8_t bank)
{
	return bank == 2 ? bank2_program(b) : sim_program_at(b, b->chip->flash_base);
}

bool sim_app_start(struct sim_board *b)
{
	uint8_t bank = bank_of_reset(b);
	uint32_t off = 0;

	b->running = (struct span){0, 0};
	if (bank == 0)
		return false;
	if (bank == 2) {
		b->cpu = SIM_CPU_LOCKED;
		if (bank2_program(b))
			run_from(b, b->flash_size / 2);
		return true;
	}
	b->cpu = SIM_CPU_LOCKED;
	if (sim_program_at(b, b->chip->flash_base) && sim_flash_map(b, b->chip->flash_base, &off))
		run_from(b, off);
	return true;
}

void sim_app_go(struct sim_board *b, uint32_t addr)
{
	uint32_t off = 0;

	b->running = (struct span){0, 0};
	b->cpu = SIM_CPU_APP;
	if (sim_flash_map(b, addr, &off))
		run_from(b, off);
}

bool sim_board_running(const struct sim_board *b, struct span *ret)
{
	*ret = b->running;
	return b->cpu == SIM_CPU_APP && b->running.len > 0;
}
