/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout.c - slots in flash: as large as erase units, banks and vector tables allow
 *
 * Slots lie one behind the other. Whether N of them with S bytes each fit is found by taking whole
 * units from the front; the largest S is found by halving, because what fits for S fits for less.
 * Units of different sizes (F2, F4, F7) make slots of different sizes: an image may use what the
 * smallest offers.
 */
#include <stmota/layout.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/text.h>
#include <stmota/vectors.h>

#define EXTERNAL_UNIT 4096u  /* the smallest erase unit of nearly all serial NOR flash */
#define ALIGN_SAFE    0x400u /* fits all parts where the number of interrupts is not confirmed */
#define ROOM_LITTLE   10u    /* percent of a slot; below it a way to more is told */
#define SCRATCH_PART  32u    /* of the flash: a smaller scratch area is worn out sooner */

struct maker {
	const struct layout_request *r;
	const struct geometry *g;
	struct layout *l;
	unsigned slots;
	uint32_t first; /* first unit behind the bootloader */
	uint32_t limit; /* unit behind the last one for slots */
};

const char *layout_scheme_name(enum layout_scheme s)
{
	static const char *const names[] = {"auto", "slots", "staging", "swap", "self"};

	return names[s];
}

const char *layout_kind_name(enum layout_kind k)
{
	static const char *const names[] = {
		"bootloader", "bootloader copy", "slot", "staging", "scratch", "free"};

	return names[k];
}

static void note(struct maker *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void note(struct maker *m, const char *fmt, ...)
{
	va_list ap;

	if (m->l->n_notes == LAYOUT_NOTES_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(m->l->note[m->l->n_notes++], sizeof(m->l->note[0]), fmt, ap);
	va_end(ap);
}

struct size_text {
	char s[24];
};

static struct size_text kib(uint32_t bytes)
{
	struct size_text t;

	text_size(bytes, t.s, sizeof(t.s));
	return t;
}

/* Address of a unit; of the one behind the last, the end of flash. */
static uint32_t unit_addr(const struct maker *m, uint32_t i)
{
	return i < m->g->n_units ? geometry_unit(m->g, i).addr : m->g->base + m->g->size;
}

/* What would pass 2^32 fits no flash anyway, and stays as large as it can be. */
static uint32_t round_up(uint32_t n, uint32_t to)
{
	uint64_t up = ((uint64_t)n + to - 1) / to * to;

	return up > UINT32_MAX ? UINT32_MAX : (uint32_t)up;
}

/* First unit from `i` on behind `bytes` bytes; `limit` + 1 if they do not fit. */
static uint32_t unit_behind(const struct maker *m, uint32_t i, uint32_t limit, uint32_t bytes)
{
	uint32_t start = unit_addr(m, i);

	while (i < limit && unit_addr(m, i) - start < bytes)
		i++;
	return unit_addr(m, i) - start < bytes ? limit + 1 : i;
}

/* First unit from `i` on that begins at a multiple of `align`. */
static uint32_t unit_aligned(const struct maker *m, uint32_t i, uint32_t limit, uint32_t align)
{
	while (align != 0 && i < limit && unit_addr(m, i) % align != 0)
		i++;
	return i;
}

static uint32_t smallest_unit(const struct maker *m)
{
	uint32_t least = UINT32_MAX;

	for (size_t i = 0; i < m->g->layout->n_runs; i++)
		if (m->g->layout->runs[i].size < least)
			least = m->g->layout->runs[i].size;
	return least;
}

static uint32_t largest_unit(const struct maker *m, uint32_t from)
{
	uint32_t most = 0;

	for (uint32_t i = from; i < m->g->n_units; i++)
		if (geometry_unit(m->g, i).size > most)
			most = geometry_unit(m->g, i).size;
	return most;
}

/* ---- areas ---- */

static struct layout_area *add(
	struct maker *m, enum layout_kind kind, unsigned number, uint32_t addr, uint32_t size)
{
	struct layout_area *a = &m->l->area[m->l->n++];

	*a = (struct layout_area){.kind = kind, .number = number, .addr = addr, .size = size};
	return a;
}

static int by_addr(const void *a, const void *b)
{
	const struct layout_area *x = a, *y = b;

	return (x->addr > y->addr) - (x->addr < y->addr);
}

/* What nobody took, so that the table adds up. Only internal areas are there yet. */
static void add_free(struct maker *m)
{
	size_t n = m->l->n;
	uint32_t at = m->g->base;

	qsort(m->l->area, n, sizeof(m->l->area[0]), by_addr);
	for (size_t i = 0; i <= n; i++) {
		uint32_t next = i < n ? m->l->area[i].addr : m->g->base + m->g->size;

		if (next > at)
			add(m, LAYOUT_FREE, 0, at, next - at);
		if (i < n)
			at = next + m->l->area[i].size;
	}
	qsort(m->l->area, m->l->n, sizeof(m->l->area[0]), by_addr);
}

/* ---- slots one behind the other ---- */

/* What the starts must be a multiple of: of the first slot, and of the others. */
struct starts {
	uint32_t first, others;
};

struct place {
	uint32_t unit, end; /* units */
};

static bool place_slots(
	const struct maker *m, unsigned n, uint32_t size, struct starts starts, struct place *ret)
{
	uint32_t at = m->first;

	for (unsigned i = 0; i < n; i++) {
		at = unit_aligned(m, at, m->limit, i == 0 ? starts.first : starts.others);
		ret[i].unit = at;
		at = unit_behind(m, at, m->limit, size);
		if (at > m->limit)
			return false;
		ret[i].end = at;
	}
	return true;
}

/* The most bytes, a multiple of `step`, that `n` slots can have each; 0: none. */
static uint32_t largest_size(const struct maker *m, unsigned n, uint32_t step, struct starts starts)
{
	struct place at[LAYOUT_SLOTS_MAX];
	uint32_t lo = 0, hi = m->g->size / step + 1; /* lo fits, hi does not */

	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (place_slots(m, n, mid * step, starts, at))
			lo = mid;
		else
			hi = mid;
	}
	return lo * step;
}

/* What one slot could have if the staging area were elsewhere. */
static uint32_t size_alone(const struct maker *m)
{
	struct maker whole = *m;

	whole.limit = m->g->n_units;
	return largest_size(&whole, 1, smallest_unit(m), (struct starts){m->l->align, 0});
}

/* Why it does not fit, and the way to more room. */
static int no_room(struct maker *m, unsigned n, uint32_t most, struct err *e)
{
	uint32_t want = m->r->slot_size > m->r->app ? m->r->slot_size : m->r->app;
	uint32_t alone = size_alone(m);

	if (most == 0)
		err_set(e, ERR_NO_FIT, "%u %s not fit into %s with this bootloader", n,
			n == 1 ? "slot does" : "slots do", kib(m->g->size).s);
	else
		err_set(e, ERR_NO_FIT, "%u %s of %s %s not fit: the most is %s%s", n,
			n == 1 ? "slot" : "slots", kib(want).s, n == 1 ? "does" : "do", kib(most).s,
			n == 1 ? "" : " for each");
	if (n > 1 && alone >= want)
		return err_hint(e,
			"one slot can have %s: put the staging area into external flash (--external %uK)",
			kib(alone).s, round_up(want, EXTERNAL_UNIT) / 1024);
	return err_hint(e, "a larger part of the family, or a smaller application");
}

/* Marks the slots that a placing found; the first `running` of them run programs. */
static void take_slots(
	struct maker *m, const struct place *at, unsigned n, unsigned running, uint32_t size)
{
	for (unsigned i = 0; i < n; i++) {
		uint32_t addr = unit_addr(m, at[i].unit), end = unit_addr(m, at[i].end);
		bool staging = m->l->scheme != LAYOUT_SWAP && i >= running;
		struct layout_area *a = add(
			m, staging ? LAYOUT_STAGING_AREA : LAYOUT_SLOT, i + 1, addr, end - addr);

		a->usable = size;
		a->link = i < running ? addr : 0;
		if (a->size > size)
			note(m,
				"%s %u has %s, of which %s can be used: erase units differ in size, and "
				"no slot can hold more than the smallest",
				layout_kind_name(a->kind), i + 1, kib(a->size).s, kib(size).s);
		if (m->g->banks == 2 && addr < m->g->bank2_base && end > m->g->bank2_base)
			note(m,
				"%s %u lies in both banks (bank 2 begins at 0x%08X): nothing can run from "
				"a bank while it is erased",
				layout_kind_name(a->kind), i + 1, m->g->bank2_base);
	}
	m->l->slot_size = size;
}

static int fit_slots(struct maker *m, unsigned n, unsigned running, uint32_t step,
	struct starts starts, struct err *e)
{
	struct place at[LAYOUT_SLOTS_MAX];
	uint32_t most = largest_size(m, n, step, starts), size = most;

	if (m->r->slot_size != 0)
		size = round_up(m->r->slot_size, step);
	if (most == 0 || most < m->r->app || size > most)
		return no_room(m, n, most, e);
	place_slots(m, n, size, starts, at);
	take_slots(m, at, n, running, size);
	return 0;
}

/* ---- one slot in each bank ---- */

/*
 * The option bit that puts bank 2 at the start of flash, NULL if there is none: SWAP_BANK, or BFB2
 * where the ROM maps the bank that it starts (SYSCFG FB_MODE). Of F1 XL and L1 that is not
 * confirmed: they get slots with an address of their own.
 */
static const char *bank_bit(const struct chip *c)
{
	static const char *const mapped[] = {"L0", "L4", "L4+", "G4", "F4"};

	for (size_t i = 0; c->bank_swap_bit == NULL && i < ARRAY_LEN(mapped); i++)
		if (strcmp(c->series, mapped[i]) == 0)
			return c->bank_boot_bit;
	return c->bank_swap_bit;
}

/*
 * Both banks have the same units, so what fits bank 1 fits bank 2 at the same place, and after a
 * swap of banks a program has the same address in either. False if that gives too little.
 */
static bool fit_banks(struct maker *m)
{
	uint32_t bank = m->g->size / 2, want = m->r->app;
	uint32_t at = unit_aligned(m, m->first, m->g->n_bank1, m->l->align);
	uint32_t offset = unit_addr(m, at) - m->g->base;
	bool has_loader = m->r->bootloader > 0;

	if (m->r->slot_size > want)
		want = m->r->slot_size;
	if (m->g->banks != 2 || bank_bit(m->g->chip) == NULL || m->slots != 2)
		return false;
	if (offset >= bank || bank - offset < want) {
		note(m, "one slot in each bank would have %s, which is too little",
			kib(offset < bank ? bank - offset : 0).s);
		return false;
	}
	for (unsigned i = 0; i < 2; i++) {
		uint32_t base = i == 0 ? m->g->base : m->g->bank2_base;
		struct layout_area *a = add(m, LAYOUT_SLOT, i + 1, base + offset, bank - offset);

		a->usable = a->size;
		a->link = m->g->base + offset;
	}
	if (has_loader)
		add(m, LAYOUT_BOOTLOADER_COPY, 0, m->g->bank2_base,
			unit_addr(m, m->first) - m->g->base);
	m->l->slot_size = bank - offset;
	m->l->by_banks = true;
	note(m,
		"one slot in each bank: %s decides which bank the chip starts from%s, one program is "
		"written while the other runs, and both are linked for 0x%08X",
		bank_bit(m->g->chip), has_loader ? " (so each has the bootloader)" : "",
		m->g->base + offset);
	if (m->g->chip->bank_mode == BANKS_DUAL_BY_OPTION && m->g->chip->bank_select_bit != NULL &&
		m->g->chip->bank_select_dual >= 0)
		note(m, "the part must be set to two banks: %s = %d", m->g->chip->bank_select_bit,
			m->g->chip->bank_select_dual);
	return true;
}

/* ---- the schemes ---- */

static int make_slots(struct maker *m, struct err *e)
{
	if (m->l->align == 0 && m->slots > 1) {
		err_set(e, ERR_NO_FIT,
			"%s cannot move its vector table (no VTOR): a program runs at the start of "
			"flash only, so there is one slot that runs",
			m->g->chip->name);
		return err_hint(e,
			"copy down from a staging area: --scheme staging, or --scheme self without a "
			"bootloader");
	}
	if (fit_banks(m))
		return 0;
	if (m->slots > 1)
		note(m, "each slot has its own link address: build the program once for each");
	return fit_slots(m, m->slots, m->slots, smallest_unit(m),
		(struct starts){m->l->align, m->l->align}, e);
}

static int make_external(struct maker *m, struct err *e)
{
	unsigned n = m->slots - 1;
	uint32_t each = n > 0 ? m->r->external / n / EXTERNAL_UNIT * EXTERNAL_UNIT : 0;
	uint32_t want = m->r->slot_size > m->r->app ? m->r->slot_size : m->r->app;
	int rc;

	if (n == 0 || each < want) {
		err_set(e, ERR_NO_FIT,
			"the external flash of %s has no room for %u staging areas of %s",
			kib(m->r->external).s, n, kib(want).s);
		return err_hint(e, "%uK are enough", n * (round_up(want, EXTERNAL_UNIT) / 1024));
	}
	rc = fit_slots(m, 1, 1, smallest_unit(m), (struct starts){m->l->align, 0}, e);
	if (rc < 0)
		return rc;
	if (each > round_up(m->l->slot_size, EXTERNAL_UNIT))
		each = round_up(m->l->slot_size, EXTERNAL_UNIT);
	if (each < m->l->slot_size) {
		note(m, "the staging area of %s limits the application, the slot has %s",
			kib(each).s, kib(m->l->slot_size).s);
		m->l->slot_size = m->l->area[m->l->n - 1].usable = each;
	}
	note(m, "erase units of the external flash are taken to be 4 KiB");
	add_free(m);
	for (unsigned i = 0; i < n; i++) {
		struct layout_area *a = add(m, LAYOUT_STAGING_AREA, i + 2, i * each, each);

		a->external = true;
		a->usable = m->l->slot_size;
	}
	return 0;
}

static int make_staging(struct maker *m, struct err *e)
{
	if (m->l->align == 0 && m->r->bootloader > 0)
		note(m,
			"%s has no VTOR: behind a bootloader the program must copy its vector table to "
			"0x20000000 and set SYSCFG MEM_MODE = 3; --scheme self needs none of it",
			m->g->chip->name);
	if (m->r->external > 0)
		return make_external(m, e);
	return fit_slots(m, m->slots, 1, smallest_unit(m), (struct starts){m->l->align, 0}, e);
}

/*
 * Blocks of the largest unit are exchanged through a scratch area, so that each block is whole
 * units in both slots wherever small units are.
 */
static int make_swap(struct maker *m, struct err *e)
{
	uint32_t step = largest_unit(m, m->first);
	uint32_t start = step > m->l->align ? step : m->l->align, scratch, at;
	int rc;

	if (m->slots != 2)
		return err_set(e, ERR_USAGE, "swapping has two slots, not %u", m->slots);
	scratch = round_up(m->g->size / SCRATCH_PART, step);
	for (at = m->limit; at > m->first && unit_addr(m, m->limit) - unit_addr(m, at) < scratch;)
		at--;
	m->limit = at;
	rc = fit_slots(m, 2, 1, step, (struct starts){start, start}, e);
	if (rc < 0)
		return rc;
	add(m, LAYOUT_SCRATCH, 0, unit_addr(m, at), m->g->base + m->g->size - unit_addr(m, at));
	note(m, "each swap erases the scratch area %u times: that wears it out first",
		(m->l->slot_size + scratch - 1) / scratch);
	if (step != smallest_unit(m))
		note(m, "both slots begin at a multiple of %s, the largest erase unit, so that blocks match",
			kib(step).s);
	return 0;
}

static int make_self(struct maker *m, struct err *e)
{
	if (m->r->external == 0 && fit_banks(m))
		return 0;
	note(m, "the application copies its successor over itself, from RAM: a power cut meanwhile "
		"leaves nothing that starts but the bootloader in ROM");
	return make_staging(m, e);
}

/* ---- the whole ---- */

static int check(const struct maker *m, struct err *e)
{
	const struct layout_request *r = m->r;

	if (r->app == 0)
		return err_set(e, ERR_USAGE, "an application of 0 bytes");
	if (m->slots > LAYOUT_SLOTS_MAX)
		return err_set(e, ERR_USAGE, "%u slots are too many: %u at most", m->slots,
			LAYOUT_SLOTS_MAX);
	if (m->l->scheme == LAYOUT_SELF && r->bootloader > 0)
		return err_set(e, ERR_USAGE,
			"a self-replacing application has no bootloader: --bootloader 0");
	if (m->l->scheme != LAYOUT_SELF && r->bootloader == 0) {
		err_set(e, ERR_USAGE, "who starts the application, without a bootloader?");
		return err_hint(e, "--bootloader SIZE, or --scheme self");
	}
	if (r->external > 0 && m->l->scheme != LAYOUT_STAGING && m->l->scheme != LAYOUT_SELF) {
		err_set(e, ERR_USAGE,
			"programs do not run from the external flash: it is for staging");
		return err_hint(e, "leave out --external, or --scheme %s",
			layout_scheme_name(m->l->scheme));
	}
	return 0;
}

static enum layout_scheme choose_scheme(const struct layout_request *r)
{
	if (r->scheme != LAYOUT_AUTO)
		return r->scheme;
	return r->external > 0 || !r->part->chip->has_vtor ? LAYOUT_STAGING : LAYOUT_SLOTS;
}

static void advise_room(struct maker *m)
{
	uint32_t percent = (uint32_t)((uint64_t)m->l->room * 100 / m->l->slot_size);
	uint32_t alone = size_alone(m);

	if (percent >= ROOM_LITTLE || m->r->slot_size != 0)
		return;
	if (m->r->external == 0 && alone > m->l->slot_size)
		note(m,
			"little room (%s): staging in external flash is advised (--external %uK), then "
			"the application can have %s",
			kib(m->l->room).s, round_up(alone, EXTERNAL_UNIT) / 1024, kib(alone).s);
	else
		note(m, "little room (%s): a larger part of the family is advised",
			kib(m->l->room).s);
}

int layout_make(const struct layout_request *r, struct layout *ret, struct err *e)
{
	static int (*const schemes[])(struct maker * m, struct err * e) = {
		[LAYOUT_SLOTS] = make_slots,
		[LAYOUT_STAGING] = make_staging,
		[LAYOUT_SWAP] = make_swap,
		[LAYOUT_SELF] = make_self,
	};
	struct maker m = {.r = r, .g = r->part, .l = ret, .slots = r->slots != 0 ? r->slots : 2};
	bool exact;
	int rc;

	*ret = (struct layout){.scheme = choose_scheme(r)};
	rc = check(&m, e);
	if (rc < 0)
		return rc;
	ret->align = vectors_alignment(m.g->chip, &exact);
	if (!exact) {
		ret->align = ALIGN_SAFE;
		note(&m,
			"how vector tables must be aligned on %s is not confirmed: 0x400 fits all parts",
			m.g->chip->name);
	}
	m.limit = m.g->n_units;
	m.first = unit_behind(&m, 0, m.limit, r->bootloader);
	if (m.first >= m.limit) {
		err_set(e, ERR_NO_FIT, "the bootloader of %s leaves nothing of the %s of flash",
			kib(r->bootloader).s, kib(m.g->size).s);
		return err_hint(e, "areas are whole erase units, and the first has %s",
			kib(geometry_unit(m.g, 0).size).s);
	}
	if (m.first > 0)
		add(&m, LAYOUT_BOOTLOADER, 0, m.g->base, unit_addr(&m, m.first) - m.g->base);
	rc = schemes[ret->scheme](&m, e);
	if (rc < 0)
		return rc;
	if (!ret->area[ret->n - 1].external)
		add_free(&m);
	ret->room = ret->slot_size - r->app;
	advise_room(&m);
	return 0;
}
