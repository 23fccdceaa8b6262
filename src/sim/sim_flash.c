/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_flash.c - what flash memory does with an erase or a program pulse, wanted or not
 *
 * The families differ in what happens to a word that is not erased, and none of them says so on the
 * wire: the ROM acknowledges and the data are wrong. That is why hosts must verify.
 */
#include <string.h>

#include "sim_priv.h"

static const struct {
	const char *series;
	enum sim_program_rule rule;
} rules[] = {
	{"F0", SIM_PROGRAM_ZERO},
	{"F1", SIM_PROGRAM_ZERO},
	{"F3", SIM_PROGRAM_ZERO},
	{"F2", SIM_PROGRAM_AND},
	{"F4", SIM_PROGRAM_AND},
	{"F7", SIM_PROGRAM_AND},
	{"L1", SIM_PROGRAM_OR},
	{"H7", SIM_PROGRAM_GARBLE},
	{"H7RS", SIM_PROGRAM_GARBLE},
	{"H5", SIM_PROGRAM_GARBLE},
};

enum sim_program_rule sim_program_rule_of(const struct chip *c)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (strcmp(rules[i].series, c->series) == 0)
			return rules[i].rule;
	return SIM_PROGRAM_REFUSE;
}

bool sim_op_begin(struct sim_board *b, enum sim_op op)
{
	const struct sim_fault *f;

	b->ops++;
	if (op == SIM_OP_ERASE)
		b->stats.erases++;
	else
		b->stats.programs++;
	f = sim_fault_at(b, SIM_AT_OP, 0);
	if (f == NULL)
		return false;
	if (f->kind == SIM_DELAY) {
		b->delays_us += (uint64_t)f->arg * 1000;
		sim_spend(b, (uint64_t)f->arg * 1000);
		return false;
	}
	if (f->kind == SIM_STUCK) {
		b->cpu = SIM_CPU_STUCK;
		return false;
	}
	return true;
}

void sim_op_end(struct sim_board *b, uint64_t us)
{
	b->stats.flash_us += us;
	sim_spend(b, us);
	if (b->on_op != NULL)
		b->on_op(b->on_op_ctx);
}

bool sim_flash_map(const struct sim_board *b, uint32_t addr, uint32_t *ret_off)
{
	uint32_t off = addr - b->chip->flash_base;

	if (off >= b->flash_size)
		return false;
	/* With the banks swapped the upper half of the array is seen at the base. */
	if (b->swapped)
		off = (off + b->flash_size / 2) % b->flash_size;
	*ret_off = off;
	return true;
}

uint32_t sim_flash_named(const struct sim_board *b, uint32_t index)
{
	const struct geometry *g = &b->geometry;

	if (!b->swapped || !sim_has(b, SQ_NUMBERS_BY_ADDRESS) || sim_has(b, SQ_NUMBERS_BY_BANK))
		return index;
	return (index + g->n_units / 2) % g->n_units;
}

void sim_flash_mark(struct sim_board *b, uint32_t off, uint32_t len, bool programmed)
{
	memset(b->written + off / b->word, programmed, len / b->word);
}

static void program_half_words(uint8_t *flash, const uint8_t *data, uint32_t len)
{
	for (uint32_t i = 0; i + 1 < len; i += 2)
		if (get_le16(flash + i) == 0xFFFF || get_le16(data + i) == 0)
			memcpy(flash + i, data + i, 2);
}

/* One flash word goes in; true if it was not ruined by what was there before. */
static void program_word(struct sim_board *b, uint32_t off, const uint8_t *data)
{
	uint32_t len = b->geometry.write_align;
	uint8_t *flash = b->flash + off;
	bool written = !bytes_all(b->written + off / b->word, len / b->word, 0);
	bool erased = bytes_all(flash, len, b->chip->erased_value);

	switch (b->rule) {
	case SIM_PROGRAM_AND:
		for (uint32_t i = 0; i < len; i++)
			flash[i] &= data[i];
		return;
	case SIM_PROGRAM_OR:
		for (uint32_t i = 0; i < len; i++)
			flash[i] |= data[i];
		return;
	case SIM_PROGRAM_ZERO: program_half_words(flash, data, len); return;
	case SIM_PROGRAM_REFUSE:
		/* With ECC a word of ones counts as programmed too. On L0 the value counts. */
		if (!erased || (written && b->chip->erased_value != 0))
			return;
		memcpy(flash, data, len);
		sim_flash_mark(b, off, len, true);
		return;
	case SIM_PROGRAM_GARBLE:
		if (erased && !written)
			memcpy(flash, data, len);
		else if (memcmp(flash, data, len) != 0)
			for (uint32_t i = 0; i < len; i++)
				flash[i] = (uint8_t)((flash[i] & data[i]) ^ sim_random(b));
		sim_flash_mark(b, off, len, true);
		return;
	}
}

/* The power fails while a word is programmed: some of its bits are there. */
static void program_partly(struct sim_board *b, uint32_t off, const uint8_t *data)
{
	uint32_t len = b->geometry.write_align;

	for (uint32_t i = 0; i < len; i++) {
		uint8_t take = (uint8_t)sim_random(b);

		b->flash[off + i] = (uint8_t)((b->flash[off + i] & ~take) | (data[i] & take));
	}
	sim_flash_mark(b, off, len, true);
}

/* Bytes that F2, F4 and F7 program at once, by the supply voltage that the host has declared. */
static uint32_t program_width(const struct sim_board *b)
{
	static const uint8_t widths[] = {1, 2, 2, 4, 8};

	return b->voltage_range < sizeof(widths) ? widths[b->voltage_range] : 1;
}

void sim_flash_write(struct sim_board *b, uint32_t addr, const uint8_t *data, uint32_t len)
{
	uint32_t align = b->geometry.write_align;
	uint64_t word_us = (uint64_t)chip_program_us(b->chip) * align / 256 / program_width(b);
	uint32_t skip = 0;

	if (sim_has(b, CHIP_QUIRK_WRITE_AFTER_READ_LOSES_32) && b->rom.after_read)
		skip = 32;
	b->rom.after_read = false;
	if (sim_has(b, CHIP_QUIRK_WRITE_128) && (addr % 128 != 0 || len != 128))
		return;
	if (b->rom.poisoned || b->flash_busy_us > b->now_us)
		return;
	if (addr % align != 0 || len % align != 0)
		b->rom.poisoned = sim_has(b, CHIP_QUIRK_UNALIGNED_WRITE_POISONS);
	if (addr % align != 0)
		return;
	for (uint32_t i = skip; i + align <= len; i += align) {
		struct erase_unit u;
		uint32_t off;

		if (!sim_flash_map(b, addr + i, &off) ||
			!geometry_unit_at(&b->geometry, b->geometry.base + off, &u) ||
			b->unit_protected[u.index])
			continue;
		if (sim_op_begin(b, SIM_OP_PROGRAM)) {
			program_partly(b, off, data + i);
			sim_op_end(b, word_us / 2);
			sim_power_lost(b);
			return;
		}
		program_word(b, off, data + i);
		sim_op_end(b, word_us);
		if (b->cpu != SIM_CPU_ROM)
			return;
	}
}

static void erase_now(struct sim_board *b, const struct erase_unit *u)
{
	uint32_t off = u->addr - b->geometry.base;

	memset(b->flash + off, b->chip->erased_value, u->size);
	sim_flash_mark(b, off, u->size, false);
}

/* The power fails while a unit is erased: as before, erased, or neither. */
static void erase_partly(struct sim_board *b, const struct erase_unit *u)
{
	uint32_t off = u->addr - b->geometry.base;
	uint8_t erased = b->chip->erased_value;

	switch (sim_random(b) % 4) {
	case 0: return;
	case 1: erase_now(b, u); return;
	default:
		for (uint32_t i = 0; i < u->size; i++) {
			uint8_t gone = (uint8_t)sim_random(b);

			b->flash[off + i] =
				(uint8_t)((b->flash[off + i] & ~gone) | (erased & gone));
		}
		sim_flash_mark(b, off, u->size, true);
	}
}

/* False after a power cut. `us`: how long it takes. */
static bool erase_unit(struct sim_board *b, const struct erase_unit *u, uint64_t us)
{
	if (sim_op_begin(b, SIM_OP_ERASE)) {
		erase_partly(b, u);
		sim_op_end(b, us / 2);
		sim_power_lost(b);
		return false;
	}
	erase_now(b, u);
	sim_op_end(b, us);
	return sim_cpu_runs(b);
}

bool sim_flash_erase_unit(struct sim_board *b, uint32_t index)
{
	struct erase_unit u = geometry_unit(&b->geometry, index);

	if (b->unit_protected[index] || b->flash_busy_us > b->now_us)
		return true;
	return erase_unit(b, &u, (uint64_t)chip_erase_ms_typical(b->chip, u.size) * 1000);
}

bool sim_flash_erase_all(struct sim_board *b, uint8_t bank, bool despite_wrp)
{
	bool first = true;

	/* One protected unit and the controller refuses the whole operation. */
	for (uint32_t i = 0; i < b->geometry.n_units && !despite_wrp; i++)
		if ((bank == 0 || geometry_unit(&b->geometry, i).bank == bank) &&
			b->unit_protected[i])
			return true;
	/* Pages go together, sectors one after another: 22 ms on an L4, 16 s on a large F4. */
	for (uint32_t i = 0; i < b->geometry.n_units; i++) {
		struct erase_unit u = geometry_unit(&b->geometry, i);
		uint64_t us = (uint64_t)chip_erase_ms_typical(b->chip, u.size) * 1000;

		if (bank != 0 && u.bank != bank)
			continue;
		if (!erase_unit(b, &u, first || b->chip->erase_by_sector ? us : 0))
			return false;
		first = false;
	}
	return true;
}

/* ---- what a program does ---- */

enum sim_wrote sim_app_program(struct sim_board *b, uint32_t off, const uint8_t *data, uint32_t len)
{
	uint32_t align = b->geometry.write_align, step = align < 4 ? 4 : align;
	uint64_t us = (uint64_t)chip_program_us(b->chip) * step / 256;

	for (uint32_t i = 0; i < len; i += step) {
		uint8_t word[64];
		struct erase_unit u;

		/* The last word is filled up with what erased flash holds. */
		memset(word, b->chip->erased_value, step);
		memcpy(word, data + i, len - i < step ? len - i : step);
		if (off + i + step > b->flash_size ||
			!geometry_unit_at(&b->geometry, b->geometry.base + off + i, &u) ||
			b->unit_protected[u.index])
			return SIM_WROTE_WRONG;
		if (sim_op_begin(b, SIM_OP_PROGRAM)) {
			for (uint32_t k = 0; k < step; k += align)
				program_partly(b, off + i + k, word + k);
			sim_op_end(b, us / 2);
			sim_power_lost(b);
			return SIM_WROTE_CUT;
		}
		for (uint32_t k = 0; k < step; k += align)
			program_word(b, off + i + k, word + k);
		sim_op_end(b, us);
		if (!sim_cpu_runs(b))
			return SIM_WROTE_CUT;
		if (memcmp(b->flash + off + i, word, step) != 0)
			return SIM_WROTE_WRONG;
	}
	return SIM_WROTE;
}

enum sim_wrote sim_app_erase(struct sim_board *b, uint32_t off, uint32_t len)
{
	enum sim_wrote w = SIM_WROTE;

	for (uint32_t i = 0; i < b->geometry.n_units; i++) {
		struct erase_unit u = geometry_unit(&b->geometry, i);
		uint32_t at = u.addr - b->geometry.base;

		if (at < off || at - off >= len)
			continue;
		if (b->unit_protected[i])
			w = SIM_WROTE_WRONG;
		else if (!erase_unit(
				 b, &u, (uint64_t)chip_erase_ms_typical(b->chip, u.size) * 1000))
			return SIM_WROTE_CUT;
	}
	return w;
}
