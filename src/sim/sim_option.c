/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_option.c - option bytes: protection, boot source, bank mode
 *
 * Two copies: what option memory holds, and what the chip took over at the last reload. The ROM
 * erases and rewrites the whole area on each write, so bytes that the host does not send are lost.
 */
#include <string.h>

#include "sim_priv.h"

/* Where the factory value is not all ones. Boot bits stand so that the BOOT0 pin decides. */
static const struct {
	const char *name;
	uint32_t value;
} factory[] = {
	{"BFB2", 0},
	{"nBOOT_SEL", 0},
	{"BOOT_SEL", 1},
	{"SWAP_BANK", 0},
	{"BOOT_LOCK", 0},
	{"TZEN", 0},
	{"PRODUCT_STATE", 0xED},
	{"SPRMOD", 0},
	{"WPRMOD", 0},
	{"DB1M", 0},
	{"NSBOOT_LOCK", 0xC3},
	{"BOOT_UBE", 0xB4},
};

#define PRODUCT_OPEN         0xEDu
#define PRODUCT_PROVISIONING 0x17u

static bool series_in(const struct chip *c, const char *list)
{
	size_t len = strlen(c->series);

	for (const char *p = list; (p = strstr(p, c->series)) != NULL; p += len)
		if ((p == list || p[-1] == ' ') && (p[len] == ' ' || p[len] == '\0'))
			return true;
	return false;
}

static bool bytes_carry_complement(const struct chip *c)
{
	return series_in(c, "F0 F1 F3");
}

static bool halves_carry_complement(const struct chip *c)
{
	return series_in(c, "L0 L1");
}

/*
 * A word is followed by its complement, which the controller works out (RM0444 Rev 5, page 90, "the
 * complementary values are automatically computed"). Of the others no manual was read: their fields
 * too lie in every other word only (chips.json; RM0453 Rev 5, page 114, steps of 8 bytes).
 */
static bool words_carry_complement(const struct chip *c)
{
	return !c->options.registers && series_in(c, "L4 L4+ G4 G0 C0 WB WL");
}

/* The flash controller writes it, whatever the ROM was sent. */
static void complement_words(const struct sim_board *b, struct sim_option_area *a)
{
	for (uint32_t k = 0; k + 8 <= a->len && words_carry_complement(b->chip); k += 8)
		put_le32(a->nv + k + 4, ~get_le32(a->nv + k));
}

static struct sim_option_area *area_of(struct sim_board *b, uint32_t addr, uint32_t len)
{
	for (size_t i = 0; i < b->n_options; i++) {
		struct sim_option_area *a = &b->options[i];

		if (addr >= a->base && addr - a->base < a->len && len <= a->len - (addr - a->base))
			return a;
	}
	return NULL;
}

static uint32_t word_at(const struct sim_board *b, uint32_t addr)
{
	const struct sim_option_area *a = area_of((struct sim_board *)b, addr, 4);

	return a == NULL ? 0xFFFFFFFF : get_le32(a->live + (addr - a->base));
}

static uint32_t field_mask(const struct chip_bits *f)
{
	return f->width >= 32 ? 0xFFFFFFFF : (1u << f->width) - 1;
}

static uint32_t field_get(const struct sim_board *b, const struct chip_bits *f)
{
	return word_at(b, f->addr) >> f->bit & field_mask(f);
}

/* Into option memory; the complement that F0, F1, F3, L0 and L1 keep beside it goes along. */
static void field_put(struct sim_board *b, const struct chip_bits *f, uint32_t value)
{
	struct sim_option_area *a = area_of(b, f->addr, 4);
	uint32_t word;

	if (a == NULL)
		return;
	word = get_le32(a->nv + (f->addr - a->base));
	word = (word & ~(field_mask(f) << f->bit)) | (value & field_mask(f)) << f->bit;
	if (bytes_carry_complement(b->chip))
		word = (word & 0x00FF00FF) | (~word & 0x00FF00FF) << 8;
	else if (halves_carry_complement(b->chip))
		word = (word & 0xFFFF) | (~word & 0xFFFF) << 16;
	put_le32(a->nv + (f->addr - a->base), word);
	complement_words(b, a);
}

/* Each location that has the name: on register parts one to read and one to write. */
static void named_put(struct sim_board *b, const struct chip_bits *list, size_t n, const char *name,
	uint32_t value)
{
	for (size_t i = 0; i < n; i++)
		if (name == NULL || strcmp(list[i].name, name) == 0)
			field_put(b, &list[i], value);
}

uint32_t sim_option_get(const struct sim_board *b, const char *name, uint32_t fallback)
{
	const struct chip_option_bytes *o = &b->chip->options;

	for (size_t i = 0; i < o->n_bits; i++)
		if (strcmp(o->bits[i].name, name) == 0 &&
			(o->bits[i].access & CHIP_ACCESS_READ) != 0)
			return field_get(b, &o->bits[i]);
	return fallback;
}

static bool option_commit(struct sim_board *b, const struct sim_option_area *before);

bool sim_option_set(struct sim_board *b, const char *name, uint32_t value)
{
	struct sim_option_area before[SIM_OPTION_AREAS];

	memcpy(before, b->options, sizeof(before));
	named_put(b, b->chip->options.bits, b->chip->options.n_bits, name, value);
	return option_commit(b, before);
}

bool sim_option_set_rdp(struct sim_board *b, uint8_t value)
{
	struct sim_option_area before[SIM_OPTION_AREAS];

	memcpy(before, b->options, sizeof(before));
	named_put(b, b->chip->options.rdp, b->chip->options.n_rdp, NULL, value);
	return option_commit(b, before);
}

/* ---- write protection ---- */

static bool is_start(const struct chip_bits *f)
{
	return strstr(f->name, "STRT") != NULL;
}

static bool is_range(const struct chip *c)
{
	return c->options.n_wrp > 0 &&
	       (is_start(&c->options.wrp[0]) || strstr(c->options.wrp[0].name, "END") != NULL);
}

/* Bank of a range field: WRP2A_STRT belongs to bank 2. */
static uint8_t range_bank(const struct sim_board *b, const struct chip_bits *f)
{
	return b->geometry.banks == 2 && strstr(f->name, "WRP2") != NULL ? 2 : 1;
}

/* On the mask families the listed fields, one after another, are one row of bits. */
static bool mask_field_counts(const struct chip_option_bytes *o, size_t i)
{
	const struct chip_bits *f = &o->wrp[i];

	if ((f->access & CHIP_ACCESS_READ) == 0)
		return false;
	for (size_t k = 0; k < i; k++)
		if (o->wrp[k].addr == f->addr && (o->wrp[k].access & CHIP_ACCESS_READ) != 0 &&
			o->wrp[k].bit <= f->bit &&
			o->wrp[k].bit + o->wrp[k].width >= f->bit + f->width)
			return false; /* the same bits in another bank mode */
	return true;
}

static uint32_t mask_bits(const struct chip *c)
{
	uint32_t n = 0;

	for (size_t i = 0; i < c->options.n_wrp; i++)
		n += mask_field_counts(&c->options, i) ? c->options.wrp[i].width : 0;
	return n;
}

static bool mask_set_means_protected(const struct chip *c)
{
	return halves_carry_complement(c);
}

/* How many bits of the row stand for bank 1: the fields of the first word. */
static uint32_t mask_bits_of_bank1(const struct chip *c)
{
	const struct chip_option_bytes *o = &c->options;
	uint32_t n = 0, addr = 0;

	for (size_t i = 0; i < o->n_wrp; i++) {
		if (!mask_field_counts(o, i))
			continue;
		if (n > 0 && o->wrp[i].addr != addr)
			break;
		addr = o->wrp[i].addr;
		n += o->wrp[i].width;
	}
	return n;
}

/* Erase units of the largest part: a bit stands for as many units on a smaller one. */
static uint32_t units_of_die(const struct sim_board *b)
{
	const struct chip_layout *l = b->geometry.layout;
	uint32_t n = 0;

	for (size_t i = 0; i < l->n_runs; i++)
		n += l->runs[i].count;
	return n;
}

/*
 * Which bit of the row guards this unit. Where each bank has a word of its own, the sectors of bank
 * 2 count from the first bit of the second word, however large the part is.
 */
static uint32_t mask_sector(const struct sim_board *b, const struct erase_unit *u)
{
	uint32_t n = mask_bits(b->chip), bank1 = mask_bits_of_bank1(b->chip);
	uint32_t group = units_of_die(b) / n, sector;
	uint32_t first = b->geometry.n_bank1;

	group = group == 0 ? 1 : group;
	if (b->chip->wrp_unit != 0)
		sector = (u->addr - b->geometry.base) / b->chip->wrp_unit;
	else if (b->geometry.banks == 2 && bank1 < n)
		sector = u->index < first ? u->index / group : bank1 + (u->index - first) / group;
	else
		sector = u->index / group;
	/* The last bit guards all that is left: F0, F1 and F3; F413 has one bit too few. */
	if (sector >= n)
		sector = n - 1;
	return sector;
}

static bool mask_protects(const struct sim_board *b, uint32_t sector)
{
	const struct chip_option_bytes *o = &b->chip->options;

	for (size_t i = 0; i < o->n_wrp; i++) {
		if (!mask_field_counts(o, i))
			continue;
		if (sector < o->wrp[i].width)
			return ((field_get(b, &o->wrp[i]) >> sector & 1) != 0) ==
			       mask_set_means_protected(b->chip);
		sector -= o->wrp[i].width;
	}
	return false;
}

/* First page of the bank that `f` belongs to. */
static uint32_t bank_first(const struct sim_board *b, uint8_t bank)
{
	return bank == 2 ? b->geometry.n_units / 2 : 0;
}

static bool range_protects(const struct sim_board *b, const struct erase_unit *u)
{
	const struct chip_option_bytes *o = &b->chip->options;

	for (size_t i = 0; i + 1 < o->n_wrp; i++) {
		const struct chip_bits *start = &o->wrp[i], *end = &o->wrp[i + 1];
		uint32_t first;

		if (!is_start(start) || (start->access & CHIP_ACCESS_READ) == 0)
			continue;
		first = bank_first(b, range_bank(b, start));
		if (b->geometry.banks == 1 && strstr(start->name, "WRP2") != NULL)
			continue;
		if (u->index >= first + field_get(b, start) &&
			u->index <= first + field_get(b, end))
			return true;
	}
	return false;
}

static void protect_nothing(struct sim_board *b)
{
	const struct chip_option_bytes *o = &b->chip->options;

	for (size_t i = 0; i < o->n_wrp; i++) {
		bool ones = is_range(b->chip) ? is_start(&o->wrp[i])
					      : !mask_set_means_protected(b->chip);

		field_put(b, &o->wrp[i], ones ? 0xFFFFFFFF : 0);
	}
}

static void protect_sector(struct sim_board *b, uint32_t sector)
{
	const struct chip_option_bytes *o = &b->chip->options;

	for (size_t i = 0; i < o->n_wrp; i++) {
		struct sim_option_area *a = area_of(b, o->wrp[i].addr, 4);
		uint32_t word;

		if (!mask_field_counts(o, i) || a == NULL)
			continue;
		if (sector >= o->wrp[i].width) {
			sector -= o->wrp[i].width;
			continue;
		}
		word = get_le32(a->nv + (o->wrp[i].addr - a->base)) >> o->wrp[i].bit;
		word = mask_set_means_protected(b->chip) ? word | 1u << sector
							 : word & ~(1u << sector);
		for (size_t k = 0; k < o->n_wrp; k++) /* on register parts: both locations */
			if (k == i || (strcmp(o->wrp[k].name, o->wrp[i].name) == 0 &&
					      o->wrp[k].bit == o->wrp[i].bit &&
					      o->wrp[k].width == o->wrp[i].width))
				field_put(b, &o->wrp[k], word);
		return;
	}
}

/* Parts with start and end: one range from the lowest to the highest sector of the bank. */
static void protect_range(struct sim_board *b, const uint8_t *sectors, uint32_t n)
{
	const struct chip_option_bytes *o = &b->chip->options;
	uint8_t done = 0;

	for (size_t i = 0; i + 1 < o->n_wrp; i++) {
		uint8_t bank = range_bank(b, &o->wrp[i]);
		uint32_t first = bank_first(b, bank), lo = UINT32_MAX, hi = 0;

		if (!is_start(&o->wrp[i]) || (done & 1u << bank) != 0)
			continue;
		done |= (uint8_t)(1u << bank);
		for (uint32_t k = 0; k < n; k++) {
			if (sectors[k] < first || (bank == 1 && b->geometry.banks == 2 &&
							  sectors[k] >= bank_first(b, 2)))
				continue;
			lo = sectors[k] - first < lo ? sectors[k] - first : lo;
			hi = sectors[k] - first > hi ? sectors[k] - first : hi;
		}
		if (lo == UINT32_MAX)
			continue;
		field_put(b, &o->wrp[i], lo);
		field_put(b, &o->wrp[i + 1], hi);
	}
}

bool sim_option_set_wrp(struct sim_board *b, const uint8_t *sectors, uint32_t n)
{
	struct sim_option_area before[SIM_OPTION_AREAS];

	memcpy(before, b->options, sizeof(before));
	protect_nothing(b);
	if (is_range(b->chip))
		protect_range(b, sectors, n);
	else
		for (uint32_t i = 0; i < n; i++)
			protect_sector(b, sectors[i]);
	return option_commit(b, before);
}

/* Parts with start and end: the first area of each bank. */
static void protect_pages_from(struct sim_board *b, uint32_t off)
{
	const struct chip_option_bytes *o = &b->chip->options;
	uint32_t first = 0, n = b->geometry.n_units / b->geometry.banks;
	uint8_t done = 0;

	while (first < b->geometry.n_units &&
		geometry_unit(&b->geometry, first).addr - b->geometry.base < off)
		first++;
	for (size_t i = 0; i + 1 < o->n_wrp; i++) {
		uint8_t bank = range_bank(b, &o->wrp[i]);
		uint32_t base = bank_first(b, bank);

		if (!is_start(&o->wrp[i]) || (done & 1u << bank) != 0 || first >= base + n)
			continue;
		done |= (uint8_t)(1u << bank);
		field_put(b, &o->wrp[i], first > base ? first - base : 0);
		field_put(b, &o->wrp[i + 1], n - 1);
	}
}

bool sim_option_protect_from(struct sim_board *b, uint32_t off, bool on)
{
	struct sim_option_area before[SIM_OPTION_AREAS];

	memcpy(before, b->options, sizeof(before));
	protect_nothing(b);
	if (on && is_range(b->chip))
		protect_pages_from(b, off);
	for (uint32_t i = 0; on && !is_range(b->chip) && i < b->geometry.n_units; i++) {
		struct erase_unit u = geometry_unit(&b->geometry, i);

		if (u.addr - b->geometry.base >= off)
			protect_sector(b, mask_sector(b, &u));
	}
	return option_commit(b, before);
}

bool sim_option_clear_wrp2(struct sim_board *b)
{
	const struct chip_option_bytes *o = &b->chip->options;
	struct sim_option_area before[SIM_OPTION_AREAS];

	memcpy(before, b->options, sizeof(before));
	for (size_t i = 0; i < o->n_wrp; i++)
		if (strstr(o->wrp[i].name, "WRP2") != NULL)
			field_put(b, &o->wrp[i], is_start(&o->wrp[i]) ? 0xFFFFFFFF : 0);
	return option_commit(b, before);
}

/* ---- read-out protection ---- */

enum rdp_level sim_rdp(const struct sim_board *b)
{
	const struct chip_option_bytes *o = &b->chip->options;
	uint32_t word, state;
	uint8_t value;

	if (o->n_rdp == 0) {
		state = sim_option_get(b, "PRODUCT_STATE", PRODUCT_OPEN);
		return state == PRODUCT_OPEN || state == PRODUCT_PROVISIONING ? RDP_0 : RDP_1;
	}
	value = (uint8_t)field_get(b, &o->rdp[0]);
	word = word_at(b, o->rdp[0].addr);
	if (bytes_carry_complement(b->chip) && (word >> 8 & 0xFF) != (~word & 0xFF))
		return RDP_1;
	if (halves_carry_complement(b->chip) && word >> 16 != (~word & 0xFFFF))
		return RDP_1;
	if (strcmp(b->chip->series, "F1") == 0)
		return value == 0xA5 ? RDP_0 : RDP_1;
	if (value == 0xAA)
		return RDP_0;
	if (value == 0xCC)
		return RDP_2;
	return value == 0x55 && series_in(b->chip, "L5 U5") ? RDP_0_5 : RDP_1;
}

bool sim_read_protected(const struct sim_board *b)
{
	enum rdp_level level = sim_rdp(b);

	return level == RDP_1 || level == RDP_2;
}

/* ---- the area as a whole ---- */

bool sim_option_covers(const struct sim_board *b, uint32_t addr)
{
	return area_of((struct sim_board *)b, addr, 1) != NULL;
}

uint8_t sim_option_byte(const struct sim_board *b, uint32_t addr)
{
	const struct sim_option_area *a = area_of((struct sim_board *)b, addr, 1);

	return a == NULL ? 0xFF : a->live[addr - a->base];
}

void sim_option_defaults(struct sim_board *b)
{
	const struct chip *c = b->chip;
	struct span blocks[OPTION_BLOCKS_MAX];

	b->n_options = option_blocks(c, blocks);
	for (size_t i = 0; i < b->n_options; i++) {
		struct sim_option_area *a = &b->options[i];

		a->base = blocks[i].addr;
		a->len = blocks[i].len;
		memset(a->nv, 0xFF, sizeof(a->nv));
		/* A valid pair everywhere: value 0xFF and its complement. */
		for (uint32_t k = 0; k + 4 <= a->len && bytes_carry_complement(c); k += 4)
			put_le32(a->nv + k, 0x00FF00FF);
		for (uint32_t k = 0; k + 4 <= a->len && halves_carry_complement(c); k += 4)
			put_le32(a->nv + k, k < 8 ? 0x0000FFFF : 0xFFFF0000);
		complement_words(b, a);
	}
	for (size_t i = 0; i < ARRAY_LEN(factory); i++)
		named_put(b, c->options.bits, c->options.n_bits, factory[i].name, factory[i].value);
	if (c->pid == 0x430) /* F1 XL: here 0 asks for bank 2 */
		named_put(b, c->options.bits, c->options.n_bits, "BFB2", 1);
	if (c->bank_select_bit != NULL && c->bank_select_dual >= 0)
		named_put(b, c->options.bits, c->options.n_bits, c->bank_select_bit,
			(c->layout.banks == 2) == (c->bank_select_dual == 1));
	named_put(b, c->options.rdp, c->options.n_rdp, NULL,
		strcmp(c->series, "F1") == 0 ? 0xA5 : 0xAA);
	protect_nothing(b);
}

/* Bank mode as the select bit says; the chip table's own mode where there is no such bit. */
static void load_geometry(struct sim_board *b)
{
	const struct chip *c = b->chip;
	enum chip_banks mode = CHIP_BANKS_DEFAULT;
	struct geometry g;

	if (c->bank_mode == BANKS_DUAL_BY_OPTION && c->bank_select_bit != NULL &&
		c->bank_select_dual >= 0)
		mode = sim_option_get(b, c->bank_select_bit, 0) == (uint32_t)c->bank_select_dual
			       ? CHIP_BANKS_FORCE_DUAL
			       : CHIP_BANKS_FORCE_SINGLE;
	if (geometry_init(&g, c, b->flash_size, mode, NULL) == 0 && g.n_units <= SIM_UNITS_MAX)
		b->geometry = g;
}

void sim_option_load(struct sim_board *b)
{
	for (size_t i = 0; i < b->n_options; i++)
		memcpy(b->options[i].live, b->options[i].nv, sizeof(b->options[i].live));
	b->reload_at_power = false;
	b->options_written = false;
	load_geometry(b);
	b->swapped = b->geometry.banks == 2 && (sim_option_get(b, "SWAP_BANK", 0) == 1 ||
						       sim_option_get(b, "nSWAP_BANK", 1) == 0);
	for (uint32_t i = 0; i < b->geometry.n_units; i++) {
		struct erase_unit u = geometry_unit(&b->geometry, i);

		b->unit_protected[i] =
			is_range(b->chip)
				? range_protects(b, &u)
				: mask_bits(b->chip) > 0 && mask_protects(b, mask_sector(b, &u));
	}
}

/*
 * What a cut inside the one write leaves. Option memory is erased as a whole and written again
 * (AN3155, Write Memory), so there is a state between. Of parts whose controller has registers for
 * it no source tells the state between; that option bytes are damaged by a cut is reported of STM32
 * as such (rusefi#8926), and the worst that does not end the part is read-out protection. RDP level
 * 2 is never made: no source reports it.
 */
enum cut_leaves {
	CUT_OLD,
	CUT_NEW,
	CUT_ERASED, /* ones everywhere: which is not level 0, and no complement */
	CUT_LOCKED, /* the old or the new bytes, with read-out protection level 1 */
};

static enum cut_leaves cut_leaves(struct sim_board *b)
{
	bool memory = !b->chip->options.registers;
	uint32_t n = sim_random(b) % 3;

	/* F7 raises level 1 by itself (STM32CubeF7#96). */
	if (sim_has(b, SQ_OPTION_CUT_RDP))
		return memory ? CUT_ERASED : CUT_LOCKED;
	if (n < 2)
		return n == 0 ? CUT_OLD : CUT_NEW;
	if (memory)
		return CUT_ERASED;
	/* PRODUCT_STATE: where it stands in option memory has no source. */
	return b->chip->options.n_rdp > 0 ? CUT_LOCKED : CUT_NEW;
}

/* The power fails while options are written. */
static void options_half_done(struct sim_board *b, const struct sim_option_area *before)
{
	const struct chip_option_bytes *o = &b->chip->options;
	enum cut_leaves what = cut_leaves(b);
	bool all_same = memcmp(before, b->options, sizeof(b->options)) == 0;

	/* Also where the same bytes are written again: the ROM does not look. */
	for (size_t i = 0; what == CUT_ERASED && i < b->n_options; i++)
		if (memcmp(before[i].nv, b->options[i].nv, sizeof(before[i].nv)) != 0 ||
			(i == 0 && all_same))
			memset(b->options[i].nv, 0xFF, b->options[i].len);
	if (what == CUT_OLD || (what == CUT_LOCKED && sim_random(b) % 2 == 0))
		memcpy(b->options, before, sizeof(b->options));
	if (what == CUT_LOCKED || sim_has(b, SQ_OPTION_CUT_RDP))
		named_put(b, o->rdp, o->n_rdp, NULL, 0xFF);
}

/* Option memory has new content: one flash operation, then the reload. False after a cut. */
static bool option_commit(struct sim_board *b, const struct sim_option_area *before)
{
	if (sim_op_begin(b, SIM_OP_OPTION)) {
		options_half_done(b, before);
		sim_op_end(b, 10000);
		sim_power_lost(b);
		return false;
	}
	b->options_written = true;
	sim_op_end(b, 20000);
	return sim_cpu_runs(b);
}

/* Register parts: what is written to the second location becomes the value of the first. */
static void registers_take_over(struct sim_board *b, const struct chip_bits *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct sim_option_area *a = area_of(b, list[i].addr, 4);

		if (list[i].access != CHIP_ACCESS_WRITE || a == NULL)
			continue;
		for (size_t k = 0; k < n; k++)
			if (strcmp(list[k].name, list[i].name) == 0 && list[k].bit == list[i].bit &&
				list[k].width == list[i].width &&
				list[k].access == CHIP_ACCESS_READ)
				field_put(b, &list[k],
					get_le32(a->nv + (list[i].addr - a->base)) >> list[i].bit);
	}
}

bool sim_option_write(struct sim_board *b, uint32_t addr, const uint8_t *data, uint32_t len)
{
	const struct chip_option_bytes *o = &b->chip->options;
	struct sim_option_area before[SIM_OPTION_AREAS];
	struct sim_option_area *a = area_of(b, addr, 1);

	if (a == NULL)
		return true;
	memcpy(before, b->options, sizeof(before));
	if (!o->registers)
		memset(a->nv, 0xFF, a->len);
	for (uint32_t i = 0; i < len && addr + i - a->base < a->len; i++)
		a->nv[addr + i - a->base] = data[i];
	/* F0, F1 and F3 work out the complement themselves. */
	for (uint32_t i = 0; i + 4 <= a->len && bytes_carry_complement(b->chip); i += 4) {
		uint32_t word = get_le32(a->nv + i) & 0x00FF00FF;

		put_le32(a->nv + i, word | (~word & 0x00FF00FF) << 8);
	}
	complement_words(b, a);
	registers_take_over(b, o->rdp, o->n_rdp);
	registers_take_over(b, o->wrp, o->n_wrp);
	registers_take_over(b, o->bits, o->n_bits);
	return option_commit(b, before);
}
