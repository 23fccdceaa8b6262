/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protect.c - what option words say about read-out and write protection
 *
 * Where the words lie is in the chip table; what their bits mean is a row here. A chip without a
 * row, or words that say something which no source explains, are refused as "not confirmed".
 */
#include <stmota/chip.h>

#include <stdlib.h>
#include <string.h>

#include "protect_priv.h"

/* ---- read-out protection ---- */

enum rdp_level chip_rdp_level(const struct chip *c, uint8_t value)
{
	bool has_half_level = strcmp(c->series, "L5") == 0 || strcmp(c->series, "U5") == 0;

	if (c->options.n_rdp == 0)
		return RDP_UNKNOWN;
	/* chips.md, option_bytes.rdp: F1 knows 0xA5 and "everything else", and has no level 2. */
	if (strcmp(c->series, "F1") == 0)
		return value == 0xA5 ? RDP_0 : RDP_1;
	if (value == 0xAA)
		return RDP_0;
	if (value == 0xCC)
		return RDP_2;
	return value == 0x55 && has_half_level ? RDP_0_5 : RDP_1;
}

/* ---- write protection ---- */

static const struct wrp_rule rules[] = {
	/* one bit for two pages of 2 KiB or four of 1 KiB; the last one covers the rest */
	{"F0", 0, WRP_BYTES, 0, false, "RM0091 4, RM0365 5: 0 protects; chips.md wrp_unit"},
	{"F1", 0, WRP_BYTES, 0, false, "PM0075 2.5; chips.md wrp_unit"},
	{"F3", 0, WRP_BYTES, 0, false, "RM0365 5, tables 12 and 13: 0 protects; chips.md wrp_unit"},
	{"L0", 0, WRP_HALVES, 0, false, "RM0367 3.4.4, 3.8.2: with WPRMOD = 0 a 1 protects"},
	{"L1", 0, WRP_HALVES, 0, false, "chips.md: complement in the upper half; as L0"},
	{"F2", 0, WRP_UNITS, 1, false, "RM0090 3.6.4 for the like F4: nWRPi low protects sector i"},
	{"F4", 0, WRP_UNITS, 1, false, "RM0090 3.6.4, RM0402 3.6.4: nWRPi low protects sector i"},
	{"F7", 0x449, WRP_UNITS, 1, false, "nWRPi as on F4, one bit for each of 8 sectors"},
	{"F7", 0x452, WRP_UNITS, 1, false, "nWRPi as on F4, one bit for each of 8 sectors"},
	{"F7", 0x451, WRP_UNITS, 1, false, "nWRPi as on F4, with one bank"},
	{"H7", 0x450, WRP_UNITS, 1, false, "OpenOCD stm32h7x: 0 protects sector i of the bank"},
	{"H7", 0x483, WRP_UNITS, 1, false, "OpenOCD stm32h7x: 0 protects sector i of the bank"},
	{"H7", 0x480, WRP_UNITS, 4, false, "OpenOCD stm32h7x, HAL: four sectors for each bit"},
	{"H5", 0x474, WRP_UNITS, 1, true, "HAL of H5: OB_WRP_SECTOR_0, 0 protects"},
	{"H5", 0x478, WRP_UNITS, 4, true, "HAL of H5: OB_WRP_SECTOR_0TO3, 0 protects"},
	{"H5", 0x484, WRP_UNITS, 4, true, "HAL of H5: OB_WRP_SECTOR_0TO3, 0 protects"},
	/* RM0394 3.5.4: from base + STRT * page to base + (END + 1) * page; none if STRT > END */
	{"L4", 0, WRP_RANGES, 0, false, "RM0351, RM0394 3.5.4"},
	{"L4+", 0, WRP_RANGES, 0, false, "the fields of L4 under the same names"},
	{"G4", 0, WRP_RANGES, 0, false, "the fields of L4 under the same names"},
	{"G0", 0, WRP_RANGES, 0, false, "RM0444 3.5.2; the fields of L4"},
	{"C0", 0, WRP_RANGES, 0, false, "the fields of G0 under the same names"},
	{"U0", 0, WRP_RANGES, 0, false, "the fields of G0 under the same names"},
	{"WB", 0, WRP_RANGES, 0, false, "the fields of L4 under the same names"},
	{"WL", 0, WRP_RANGES, 0, false, "the fields of L4 under the same names"},
	{"L5", 0, WRP_RANGES, 0, false, "the fields of L4, with a P for page"},
	{"U3", 0, WRP_RANGES, 0, false, "the fields of L5 under the same names"},
	{"U5", 0, WRP_RANGES, 0, false, "ST forum on WRP2A of U5: pages count within the bank"},
	{"WBA", 0, WRP_RANGES, 0, false, "the fields of L5 under the same names"},
};

const struct wrp_rule *wrp_rule_of(const struct chip *c)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (strcmp(rules[i].series, c->series) == 0 &&
			(rules[i].pid == 0 || rules[i].pid == c->pid))
			return &rules[i];
	return NULL;
}

/* Everything that the readers below share. */
struct wrp_reader {
	const struct geometry *g;
	chip_option_reader read;
	void *ctx;
	struct span *ret;
	size_t max, n;
	struct err *e;
};

static int not_confirmed(struct wrp_reader *r, const char *why)
{
	return err_set(r->e, ERR_UNSUPPORTED, "write protection of %s is not confirmed: %s",
		r->g->chip->name, why);
}

static int add_span(struct wrp_reader *r, uint32_t addr, uint32_t len)
{
	struct span *last = r->n > 0 ? &r->ret[r->n - 1] : NULL;

	if (last != NULL && span_end(*last) == addr) {
		last->len += len;
		return 0;
	}
	if (r->n == r->max)
		return err_set(r->e, ERR_NOMEM, "more than %zu write-protected areas", r->max);
	r->ret[r->n++] = (struct span){addr, len};
	return 0;
}

/* Adds what of `addr`, `len` lies within the flash of this part. */
static int add_clipped(struct wrp_reader *r, uint64_t addr, uint64_t len)
{
	uint64_t end = (uint64_t)r->g->base + r->g->size;

	if (addr >= end)
		return 0;
	return add_span(r, (uint32_t)addr, (uint32_t)(addr + len > end ? end - addr : len));
}

static uint32_t field(uint32_t word, const struct chip_bits *b)
{
	uint32_t v = word >> b->bit;

	return b->width == 32 ? v : v & ((1U << b->width) - 1);
}

bool wrp_is_repeated(const struct chip_option_bytes *o, size_t index)
{
	const struct chip_bits *b = &o->wrp[index];

	for (size_t i = 0; i < index; i++)
		if (o->wrp[i].addr == b->addr && b->bit >= o->wrp[i].bit &&
			b->bit < o->wrp[i].bit + o->wrp[i].width)
			return true;
	return false;
}

/* Values of SPRMOD and WPRMOD; 0 where the chip has neither. */
static int proprietary_mode(struct wrp_reader *r, bool *ret)
{
	static const char *const names[] = {"SPRMOD", "WPRMOD"};

	*ret = false;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct chip_bits *b = chip_option_find(r->g->chip, names[i]);
		uint32_t word = 0;
		int rc;

		if (b == NULL)
			continue;
		rc = r->read(r->ctx, b->addr, &word, r->e);
		if (rc < 0)
			return rc;
		*ret |= field(word, b) != 0;
	}
	return 0;
}

/* F0, F1, F3: bit `k` of all bytes protects bytes k * wrp_unit on; the last of 32 all the rest. */
static int read_bytes(struct wrp_reader *r)
{
	const struct chip *c = r->g->chip;
	uint32_t k = 0;

	for (size_t i = 0; i < c->options.n_wrp; i++) {
		const struct chip_bits *b = &c->options.wrp[i];
		uint32_t word = 0, value, complement;
		int rc = r->read(r->ctx, b->addr, &word, r->e);

		if (rc < 0)
			return rc;
		value = field(word, b);
		complement = word >> (b->bit + 8) & 0xFF;
		/* Both 0xFF: erased, and no error (RM0091 4). */
		if ((value ^ complement) != 0xFF && (value & complement) != 0xFF)
			return not_confirmed(r, "an option byte and its complement do not match");
		for (uint32_t bit = 0; bit < b->width; bit++, k++) {
			uint64_t addr = (uint64_t)c->flash_base + (uint64_t)k * c->wrp_unit;

			if (value >> bit & 1)
				continue;
			rc = add_clipped(r, addr, k == 31 ? c->flash_size_max : c->wrp_unit);
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

/* L0, L1: 16 bits in each word, the upper half is the complement. */
static int read_halves(struct wrp_reader *r, bool proprietary)
{
	const struct chip *c = r->g->chip;
	bool l0 = strcmp(c->series, "L0") == 0;
	uint32_t k = 0;

	if (proprietary && !l0)
		return not_confirmed(r, "proprietary code protection (SPRMOD) is on");
	for (size_t i = 0; i < c->options.n_wrp; i++) {
		const struct chip_bits *b = &c->options.wrp[i];
		uint32_t word = 0, value;
		int rc = r->read(r->ctx, b->addr, &word, r->e);

		if (rc < 0)
			return rc;
		if (((word ^ word >> 16) & 0xFFFF) != 0xFFFF)
			return not_confirmed(r, "an option word and its complement do not match");
		/* RM0367 3.8.2: with WPRMOD = 1 a 0 protects, from reading too. */
		value = proprietary ? ~field(word, b) : field(word, b);
		for (uint32_t bit = 0; bit < b->width; bit++, k++) {
			if (!(value >> bit & 1))
				continue;
			rc = add_clipped(r, (uint64_t)c->flash_base + (uint64_t)k * c->wrp_unit,
				c->wrp_unit);
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

/* Adds `group` units from `index` within a bank on. */
static int add_units(struct wrp_reader *r, uint32_t bank, uint32_t index, uint32_t group)
{
	const struct geometry *g = r->g;
	uint32_t first = bank == 2 ? g->n_bank1 : 0;
	uint32_t end = bank == 2 ? g->n_units : g->n_bank1;

	for (uint32_t i = 0; i < group && first + index + i < end; i++) {
		struct erase_unit u = geometry_unit(g, first + index + i);
		int rc = add_span(r, u.addr, u.size);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* F2, F4, F7, H5, H7: the first word is for bank 1, or all units of one bank; the second for bank 2. */
static int read_units(struct wrp_reader *r, const struct wrp_rule *rule, bool proprietary)
{
	const struct chip *c = r->g->chip;
	uint32_t bank = 0;

	if (proprietary)
		return not_confirmed(r, "proprietary code protection (SPRMOD) is on");
	for (size_t i = 0; i < c->options.n_wrp; i++) {
		const struct chip_bits *b = &c->options.wrp[i];
		uint32_t word = 0, all = b->width == 32 ? UINT32_MAX : (1U << b->width) - 1, units;
		int rc;

		if (!(b->access & CHIP_ACCESS_READ) || wrp_is_repeated(&c->options, i))
			continue;
		rc = r->read(r->ctx, b->addr, &word, r->e);
		if (rc < 0)
			return rc;
		bank++;
		if (field(word, b) == all || bank > r->g->banks)
			continue;
		if (r->g->swapped)
			return not_confirmed(r, "the banks are swapped");
		/* F413 has 15 bits for 16 sectors: what the last one covers has no source. */
		units = bank == 2 ? r->g->n_units - r->g->n_bank1 : r->g->n_bank1;
		if (b->width * rule->group < units && !(field(word, b) >> (b->width - 1) & 1))
			return not_confirmed(r, "there are fewer bits than sectors");
		if (c->pid == 0x451 && r->g->banks == 2)
			return not_confirmed(r, "the bits have another meaning with two banks");
		if (rule->full_size_only && r->g->size != c->flash_size_max)
			return not_confirmed(r, "the bits of smaller parts have no source");
		for (uint32_t bit = 0; bit < b->width; bit++) {
			if (field(word, b) >> bit & 1)
				continue;
			rc = add_units(r, bank, bit * rule->group, rule->group);
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

bool wrp_range_name(const char *name, bool *ret_start, uint32_t *ret_bank, char *ret_area)
{
	if (strncmp(name, "WRP", 3) != 0)
		return false;
	name += 3;
	*ret_bank = *name == '2' ? 2 : 1;
	if (*name == '1' || *name == '2')
		name++;
	*ret_area = *name;
	if ((name[0] != 'A' && name[0] != 'B') || name[1] != '_')
		return false;
	name += name[2] == 'P' ? 3 : 2;
	*ret_start = strcmp(name, "STRT") == 0;
	return *ret_start || strcmp(name, "END") == 0;
}

static int by_addr(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static int add_range(struct wrp_reader *r, uint32_t bank, uint32_t start, uint32_t end)
{
	const struct geometry *g = r->g;
	struct erase_unit page = geometry_unit(g, 0);
	uint32_t bank_end = bank == 2 ? g->n_units - g->n_bank1 : g->n_bank1;

	if (start > end || start >= bank_end)
		return 0;
	if (g->swapped)
		return not_confirmed(r, "the banks are swapped");
	/* With one bank the second pair of areas, and the size of a page, have no source. */
	if (g->banks == 1 && g->chip->bank_mode != BANKS_SINGLE)
		return not_confirmed(r, "the areas have another meaning with one bank");
	if (end >= bank_end)
		end = bank_end - 1;
	return add_span(r, (bank == 2 ? g->bank2_base : g->base) + start * page.size,
		(end - start + 1) * page.size);
}

static int read_ranges(struct wrp_reader *r)
{
	const struct chip_option_bytes *o = &r->g->chip->options;

	for (size_t i = 0; i < o->n_wrp; i++) {
		bool start = false, other_start = false;
		uint32_t bank = 1, other_bank = 1, first = 0, last = 0;
		char area = 0, other_area = 0;
		int rc;

		if (!wrp_range_name(o->wrp[i].name, &start, &bank, &area))
			return not_confirmed(r, "a field has an unknown name");
		if (!start)
			continue;
		/* Each start is followed by its end. */
		if (i + 1 == o->n_wrp ||
			!wrp_range_name(o->wrp[i + 1].name, &other_start, &other_bank, &other_area) ||
			other_start || other_bank != bank || other_area != area)
			return not_confirmed(r, "an area has no end");
		rc = r->read(r->ctx, o->wrp[i].addr, &first, r->e);
		if (rc == 0)
			rc = r->read(r->ctx, o->wrp[i + 1].addr, &last, r->e);
		if (rc == 0)
			rc = add_range(
				r, bank, field(first, &o->wrp[i]), field(last, &o->wrp[i + 1]));
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Sorts the areas, which may lie in any order and overlap, and joins what touches. */
static void join(struct wrp_reader *r)
{
	size_t n = 0;

	if (r->n == 0)
		return;
	qsort(r->ret, r->n, sizeof(*r->ret), by_addr);
	for (size_t i = 1; i < r->n; i++) {
		struct span *last = &r->ret[n];

		if (r->ret[i].addr > span_end(*last))
			r->ret[++n] = r->ret[i];
		else if (span_end(r->ret[i]) > span_end(*last))
			last->len = (uint32_t)(span_end(r->ret[i]) - last->addr);
	}
	r->n = n + 1;
}

int chip_wrp_spans(const struct geometry *g, chip_option_reader read, void *ctx, struct span *ret,
	size_t max, size_t *ret_n, struct err *e)
{
	struct wrp_reader r = {.g = g, .read = read, .ctx = ctx, .ret = ret, .max = max, .e = e};
	const struct wrp_rule *rule = wrp_rule_of(g->chip);
	bool proprietary = false;
	int rc;

	if (g->chip->options.n_wrp == 0)
		return not_confirmed(&r, "the place of its option words has no source");
	if (rule == NULL)
		return not_confirmed(&r, "the meaning of its option words has no source");
	rc = proprietary_mode(&r, &proprietary);
	if (rc < 0)
		return rc;
	switch (rule->form) {
	case WRP_BYTES: rc = read_bytes(&r); break;
	case WRP_HALVES: rc = read_halves(&r, proprietary); break;
	case WRP_UNITS: rc = read_units(&r, rule, proprietary); break;
	case WRP_RANGES: rc = read_ranges(&r); break;
	}
	if (rc < 0)
		return rc;
	join(&r);
	*ret_n = r.n;
	return 0;
}
