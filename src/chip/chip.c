/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chip.c - looks up rows of the chip table
 *
 * The table itself is made from chips.json when the project is built (gen_chips.c).
 */
#include <stmota/chip.h>

#include <string.h>

#include "chip_priv.h"

size_t chip_count(void)
{
	return chip_table_len;
}

const struct chip *chip_at(size_t index)
{
	return index < chip_table_len ? &chip_table[index] : NULL;
}

const struct chip *chip_find(uint16_t pid)
{
	for (size_t i = 0; i < chip_table_len; i++)
		if (chip_table[i].pid == pid)
			return &chip_table[i];
	return NULL;
}

uint32_t chip_word_min(const struct chip *c)
{
	uint32_t other = c->alternative.n_runs > 0 ? c->alternative.write_align : UINT32_MAX;

	return other < c->layout.write_align ? other : c->layout.write_align;
}

bool chip_has_quirk(const struct chip *c, const char *name)
{
	for (size_t i = 0; i < c->n_quirks; i++)
		if (strcmp(c->quirks[i], name) == 0)
			return true;
	return false;
}

/* A field that is read and written at two addresses has two rows: the readable one is meant. */
static const struct chip_bits *find_bits(const struct chip_bits *v, size_t n, const char *name)
{
	const struct chip_bits *found = NULL;

	for (size_t i = 0; i < n; i++) {
		if (strcmp(v[i].name, name) != 0)
			continue;
		if (v[i].access & CHIP_ACCESS_READ)
			return &v[i];
		if (found == NULL)
			found = &v[i];
	}
	return found;
}

const struct chip_bits *chip_option_find(const struct chip *c, const char *name)
{
	const struct chip_option_bytes *o = &c->options;
	const struct chip_bits *b = find_bits(o->bits, o->n_bits, name);

	if (b == NULL)
		b = find_bits(o->wrp, o->n_wrp, name);
	if (b == NULL)
		b = find_bits(o->rdp, o->n_rdp, name);
	return b;
}

const char *chip_core_name(enum chip_core core)
{
	static const char *const names[] = {
		[CORE_M0] = "Cortex-M0",
		[CORE_M0PLUS] = "Cortex-M0+",
		[CORE_M3] = "Cortex-M3",
		[CORE_M4] = "Cortex-M4",
		[CORE_M7] = "Cortex-M7",
		[CORE_M33] = "Cortex-M33",
		[CORE_M85] = "Cortex-M85",
	};

	return names[core];
}
