/* SPDX-License-Identifier: Apache-2.0 */
/*
 * geometry.c - the erase units of one real part: addresses, banks and the numbers they go by
 *
 * The table describes the largest part of a die. A smaller one ends earlier, and where it has two
 * banks each of them is half of what it has (chips.md, banks.bank2_base).
 *
 * How an erase command names a unit is a fact of its own. With one bank the number is the index of
 * the page or sector (AN3155 Extended Erase; stm32flash drives the parts that it knows that way).
 * With two banks "sectors 0..N/2-1 are bank 1, the rest bank 2" (AN3155): that settles bank 1 at
 * every size and bank 2 at the full size of the die. On smaller parts some reference manuals leave
 * a hole in the numbers, so what is known of each die is a row below.
 *
 * SWAP_BANK exchanges the addresses of the banks. What then becomes of the numbers: the flash
 * controllers of U5, H5 and G0 go on to count physical banks (RM0456 7.5.8, RM0481; wolfBoot #821,
 * NuttX #20054 on hardware), those of H7 and L5 go with the addresses (Zephyr's flash_stm32h7x.c;
 * RM0438, NSBKER is the top bit of the page number). What the ROMs make of the number before they
 * hand it on is written nowhere, so the device is asked.
 */
#include <stmota/chip.h>

#include <string.h>

#define KIB 1024U

enum bank2_rule {
	BANK2_RUNS_ON,  /* counts on from bank 1 at every size */
	BANK2_FIXED,    /* begins with `number` at every size */
	BANK2_AT_MAX,   /* counts on at full size; smaller parts not confirmed */
	BANK2_DISPUTED, /* sources contradict each other */
};

static const struct bank2_row {
	uint16_t pid;
	enum bank2_rule rule;
	uint16_t number;
	const char *source;
} bank2_rows[] = {
	/* These erase by address, not by number: the ROM computes base + number * size. */
	{0x430, BANK2_RUNS_ON, 0, "AN3155, stm32flash; PM0068 erases by address"},
	{0x436, BANK2_RUNS_ON, 0, "AN3155, stm32flash; L1 erases by address"},
	{0x437, BANK2_RUNS_ON, 0, "AN3155, stm32flash; L1 erases by address"},
	{0x447, BANK2_RUNS_ON, 0, "AN3155, stm32flash; L0 erases by address"},
	{0x419, BANK2_FIXED, 12,
		"RM0090: bank 2 begins with sector 12, also on 1 MB with DB1M = 1"},
	{0x434, BANK2_FIXED, 12,
		"RM0090: bank 2 begins with sector 12, also on 1 MB with DB1M = 1"},
	{0x467, BANK2_DISPUTED, 0,
		"stm32flash counts on from bank 1, RM0444 numbers bank 2 from 256"},
};

static const struct bank2_row other_dual = {
	0, BANK2_AT_MAX, 0, "AN3155: the first half is bank 1, the rest bank 2"};

static const struct bank2_row *bank2_row(const struct chip *c)
{
	for (size_t i = 0; i < ARRAY_LEN(bank2_rows); i++)
		if (bank2_rows[i].pid == c->pid)
			return &bank2_rows[i];
	return &other_dual;
}

static bool same_runs(const struct chip_layout *a, const struct chip_layout *b)
{
	if (a->n_runs != b->n_runs)
		return false;
	for (size_t i = 0; i < a->n_runs; i++)
		if (a->runs[i].count != b->runs[i].count || a->runs[i].size != b->runs[i].size)
			return false;
	return true;
}

/* Unit `index` of `layout` counted from its start: false behind the end. */
static bool layout_unit(
	const struct chip_layout *l, uint32_t index, uint32_t *ret_offset, uint32_t *ret_size)
{
	uint32_t offset = 0;

	for (size_t i = 0; i < l->n_runs; i++) {
		const struct chip_run *r = &l->runs[i];

		if (index < r->count) {
			*ret_offset = offset + index * r->size;
			*ret_size = r->size;
			return true;
		}
		index -= r->count;
		offset += r->count * r->size;
	}
	return false;
}

/* Number of units in the first `len` bytes of a layout; false if `len` cuts through a unit. */
static bool units_in(const struct chip_layout *l, uint32_t len, uint32_t *ret_n)
{
	uint32_t n = 0;

	for (size_t i = 0; i < l->n_runs && len > 0; i++) {
		const struct chip_run *r = &l->runs[i];
		uint32_t whole = len / r->size < r->count ? len / r->size : r->count;

		n += whole;
		len -= whole * r->size;
		if (whole < r->count && len > 0)
			return false;
	}
	*ret_n = n;
	return len == 0;
}

/* ---- which layout ---- */

/* A part with a single erase unit (H750) has one bank, whatever its die has. */
static bool can_be_dual(const struct chip *c, uint32_t size)
{
	return c->bank_mode != BANKS_SINGLE && size > c->layout.runs[0].size;
}

/* Smaller parts of a die that is dual at its full size may have one bank or two. */
static bool can_be_single(const struct chip *c, uint32_t size)
{
	if (c->bank_mode == BANKS_DUAL_AT_MAXIMUM_SIZE)
		return size < c->flash_size_max;
	return c->bank_mode != BANKS_DUAL_FIXED || !can_be_dual(c, size);
}

static const struct chip_layout *layout_for(const struct chip *c, uint8_t banks)
{
	if (c->alternative.n_runs > 0 && c->alternative.banks == banks)
		return &c->alternative;
	return &c->layout;
}

/*
 * Without the option bytes: settled where the part has one mode only, or where both modes have the
 * same units under the same numbers.
 */
static int banks_undecided(const struct chip *c, uint32_t size, uint8_t *ret_banks, struct err *e)
{
	const struct bank2_row *row = bank2_row(c);
	bool numbers_agree;
	int rc;

	if (!can_be_dual(c, size) || !can_be_single(c, size)) {
		*ret_banks = can_be_dual(c, size) ? 2 : 1;
		return 0;
	}
	numbers_agree = row->rule == BANK2_RUNS_ON ||
			(row->rule == BANK2_AT_MAX && size == c->flash_size_max);
	if (numbers_agree && same_runs(layout_for(c, 1), layout_for(c, 2))) {
		*ret_banks = 2;
		return 0;
	}
	rc = err_set(e, ERR_UNSUPPORTED,
		"one bank or two is not confirmed: %s with %u KiB has both, and its erase units "
		"differ",
		c->name, size / KIB);
	err_hint(e,
		"say it in the configuration: banks = single or banks = dual in the [device] section");
	return rc;
}

static int choose_banks(const struct chip *c, uint32_t size, enum chip_banks banks,
	uint8_t *ret_banks, struct err *e)
{
	switch (banks) {
	case CHIP_BANKS_FORCE_SINGLE:
		if (!can_be_single(c, size))
			return err_set(e, ERR_UNSUPPORTED, "%s with %u KiB always has two banks",
				c->name, size / KIB);
		*ret_banks = 1;
		return 0;
	case CHIP_BANKS_FORCE_DUAL:
		if (!can_be_dual(c, size))
			return err_set(e, ERR_UNSUPPORTED, "%s has one bank", c->name);
		*ret_banks = 2;
		return 0;
	case CHIP_BANKS_TABLE: *ret_banks = can_be_dual(c, size) ? c->layout.banks : 1; return 0;
	case CHIP_BANKS_DEFAULT: break;
	}
	return banks_undecided(c, size, ret_banks, e);
}

/* ---- numbers ---- */

static void set_numbers(struct geometry *g)
{
	const struct chip *c = g->chip;
	const struct bank2_row *row = bank2_row(c);

	if (!c->in_an2606 && c->erase_sequential != CHIP_YES) {
		g->n_numbered = 0;
		g->numbering = "no source describes the ROM of this chip";
		return;
	}
	g->n_numbered = g->n_units;
	g->bank2_number = g->n_bank1;
	if (g->banks == 1) {
		g->numbering = "AN3155: index of the page or sector";
		return;
	}
	g->numbering = row->source;
	if (row->rule == BANK2_FIXED) {
		g->bank2_number = row->number;
	} else if (row->rule == BANK2_DISPUTED) {
		g->n_numbered = g->n_bank1;
	} else if (row->rule == BANK2_AT_MAX && g->size < c->flash_size_max) {
		g->n_numbered = g->n_bank1;
		g->numbering = "no source tells how bank 2 of a smaller part is numbered";
	}
}

void geometry_set_swapped(struct geometry *g)
{
	g->swapped = true;
	g->numbers_open = true;
	g->crossed = false;
	/* Half of the numbers are of no use: which half, only the other one could tell. */
	if (g->n_numbered < g->n_units)
		g->n_numbered = 0;
}

void geometry_settle_numbers(struct geometry *g, bool crossed)
{
	g->numbers_open = false;
	g->crossed = crossed;
}

void geometry_set_by_address(struct geometry *g, bool bank2_works)
{
	g->n_numbered = bank2_works || g->banks == 1 ? g->n_units : g->n_bank1;
	g->bank2_number = g->n_bank1;
	g->numbering = bank2_works ? "erased by address"
				   : "this bootloader does not erase bank 2 over USB: use the UART";
}

int geometry_need_numbers(const struct geometry *g, uint32_t first, uint32_t n, struct err *e)
{
	struct erase_unit u;
	uint32_t bad = first > g->n_numbered ? first : g->n_numbered;

	if (first + n <= g->n_numbered)
		return 0;
	u = geometry_unit(g, bad);
	err_set(e, ERR_UNSUPPORTED, "the number of the erase unit at 0x%08X is not confirmed (%s)",
		u.addr, g->numbering);
	err_hint(e, "mass erase needs no numbers: erase --all");
	return err_at(e, u.addr);
}

/* ---- the part ---- */

static int check_size(const struct chip *c, uint32_t size, struct err *e)
{
	int rc;

	if (size == 0xFFFF * KIB)
		rc = err_set(
			e, ERR_NO_FIT, "the flash size register of %s is not programmed", c->name);
	else if (size > c->flash_size_max)
		rc = err_set(e, ERR_NO_FIT, "%u KiB of flash are more than %s can have (%u KiB)",
			size / KIB, c->name, c->flash_size_max / KIB);
	else
		return 0;
	err_hint(e, "the flash size register was misread, or this is another chip");
	return rc;
}

int geometry_init(struct geometry *g, const struct chip *c, uint32_t flash_size,
	enum chip_banks banks, struct err *e)
{
	uint32_t size = flash_size != 0 ? flash_size : c->flash_size_max;
	uint32_t bank_size, n = 0;
	uint8_t n_banks = 1;
	int rc;

	rc = check_size(c, size, e);
	if (rc < 0)
		return rc;
	rc = choose_banks(c, size, banks, &n_banks, e);
	if (rc < 0)
		return rc;
	/* Both banks of a die begin alike, so a smaller bank is the beginning of the layout. */
	bank_size = size / n_banks;
	if (size % n_banks != 0 || !units_in(layout_for(c, n_banks), bank_size, &n) || n == 0)
		return err_set(e, ERR_NO_FIT, "%u KiB of flash do not end at an erase unit of %s",
			size / KIB, c->name);
	*g = (struct geometry){
		.chip = c,
		.layout = layout_for(c, n_banks),
		.base = c->flash_base,
		.size = size,
		.banks = n_banks,
		.bank2_base = n_banks == 2 ? c->flash_base + bank_size : 0,
		.write_align = layout_for(c, n_banks)->write_align,
		.n_units = n * n_banks,
		.n_bank1 = n,
	};
	set_numbers(g);
	return 0;
}

struct erase_unit geometry_unit(const struct geometry *g, uint32_t index)
{
	bool second = index >= g->n_bank1;
	uint32_t within = second ? index - g->n_bank1 : index;
	bool bank2_number = second != g->crossed;
	struct erase_unit u = {.index = index,
		.number = UNIT_NUMBER_UNKNOWN,
		.bank = second ? 2 : 1,
		.swapped = g->swapped};

	layout_unit(g->layout, within, &u.addr, &u.size);
	u.addr += second ? g->bank2_base : g->base;
	if (index < g->n_numbered && !g->numbers_open)
		u.number = (uint16_t)(bank2_number ? g->bank2_number + within : within);
	if (g->crossed)
		u.erase_shift = second ? g->base - g->bank2_base : g->bank2_base - g->base;
	return u;
}

/* Offset within one bank to the index of the unit there. */
static uint32_t index_within(const struct chip_layout *l, uint32_t offset)
{
	uint32_t index = 0;

	for (size_t i = 0; i < l->n_runs; i++) {
		const struct chip_run *r = &l->runs[i];

		if (offset / r->size < r->count)
			return index + offset / r->size;
		index += r->count;
		offset -= r->count * r->size;
	}
	return index;
}

bool geometry_unit_at(const struct geometry *g, uint32_t addr, struct erase_unit *ret)
{
	uint32_t offset = addr - g->base, bank_size = g->size / g->banks;

	if (addr < g->base || offset >= g->size)
		return false;
	if (offset < bank_size)
		*ret = geometry_unit(g, index_within(g->layout, offset));
	else
		*ret = geometry_unit(g, g->n_bank1 + index_within(g->layout, offset - bank_size));
	return true;
}

bool geometry_unit_numbered(const struct geometry *g, uint32_t number, struct erase_unit *ret)
{
	uint32_t n_bank2 = g->n_units - g->n_bank1, index;

	if (number < g->n_bank1)
		index = number;
	else if (number >= g->bank2_number && number - g->bank2_number < n_bank2)
		index = g->n_bank1 + number - g->bank2_number;
	else
		return false;
	if (index >= g->n_numbered || g->numbers_open)
		return false;
	if (g->crossed)
		index = index < g->n_bank1 ? index + g->n_bank1 : index - g->n_bank1;
	*ret = geometry_unit(g, index);
	return true;
}

/* ---- what the option bytes say ---- */

static int read_bit(const struct chip *c, const char *name, chip_option_reader read, void *ctx,
	int *ret_value, struct err *e)
{
	const struct chip_bits *b = name != NULL ? chip_option_find(c, name) : NULL;
	uint32_t word = 0;
	int rc;

	*ret_value = -1;
	if (b == NULL || !(b->access & CHIP_ACCESS_READ))
		return 0;
	rc = read(ctx, b->addr, &word, e);
	if (rc < 0)
		return rc;
	*ret_value = (int)(word >> b->bit & 1);
	return 0;
}

int chip_banks_read(const struct chip *c, uint32_t flash_size, chip_option_reader read, void *ctx,
	enum chip_banks *ret_banks, bool *ret_swapped, struct err *e)
{
	/* nSWAP_BANK (G0B1): 0 means swapped; SWAP_BANK: 1 does. */
	int swapped_value = c->bank_swap_bit != NULL && c->bank_swap_bit[0] == 'n' ? 0 : 1;
	enum chip_banks banks = CHIP_BANKS_DEFAULT;
	int select = -1, swap = -1, rc;

	rc = read_bit(c, c->bank_select_bit, read, ctx, &select, e);
	if (rc < 0)
		return rc;
	rc = read_bit(c, c->bank_swap_bit, read, ctx, &swap, e);
	if (rc < 0)
		return rc;
	if (select >= 0 && c->bank_select_dual >= 0)
		banks = select == c->bank_select_dual ? CHIP_BANKS_FORCE_DUAL
						      : CHIP_BANKS_FORCE_SINGLE;
	/* The bit matters only where the part can have one bank: chips.md, banks.mode. */
	if (!can_be_single(c, flash_size != 0 ? flash_size : c->flash_size_max))
		banks = CHIP_BANKS_DEFAULT;
	*ret_banks = banks;
	*ret_swapped = swap == swapped_value;
	return 0;
}
