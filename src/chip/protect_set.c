/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protect_set.c - which option values write-protect a given part of flash
 *
 * The counterpart of chip_wrp_spans(), and checked by it: a result that does not decode to what was
 * asked for is never given out.
 */
#include <stmota/chip.h>

#include <inttypes.h>
#include <string.h>

#include <stmota/option_facts.h>

#include "protect_priv.h"

#define SPANS_MAX 128

struct wrp_setter {
	const struct geometry *g;
	chip_option_reader read;
	void *ctx;
	const struct span *want;
	size_t n_want;
	struct chip_wrp_value *ret;
	size_t n;
	struct err *e;
};

static int add_value(struct wrp_setter *s, const struct chip_bits *f, uint32_t value)
{
	if (s->n == CHIP_WRP_VALUES)
		return err_set(
			s->e, ERR_UNSUPPORTED, "%s has too many WRP fields", s->g->chip->name);
	s->ret[s->n++] = (struct chip_wrp_value){f, value};
	return 0;
}

/* How much of `at` is to be protected: nothing, all, or (refused) a part. */
enum share { SHARE_NONE, SHARE_ALL, SHARE_PART };

static enum share share_of(const struct wrp_setter *s, struct span at)
{
	for (size_t i = 0; i < s->n_want; i++) {
		if (span_contains(s->want[i], at))
			return SHARE_ALL;
		if (span_overlaps(s->want[i], at))
			return SHARE_PART;
	}
	return SHARE_NONE;
}

static int partly(struct wrp_setter *s, struct span at)
{
	err_set(s->e, ERR_NO_FIT,
		"%s protects 0x%08" PRIX32 ":%" PRIu32 " as a whole or not at all",
		s->g->chip->name, at.addr, at.len);
	err_at(s->e, at.addr);
	return err_hint(s->e, "--range 0x%08" PRIX32 ":0x%" PRIX32 " covers it", at.addr, at.len);
}

/* What of `addr`, `len` lies within the flash of this part; len 0: nothing. */
static struct span clipped(const struct geometry *g, uint64_t addr, uint64_t len)
{
	uint64_t end = (uint64_t)g->base + g->size;

	if (addr >= end)
		return (struct span){g->base, 0};
	return (struct span){(uint32_t)addr, (uint32_t)(addr + len > end ? end - addr : len)};
}

/* F0, F1, F3, L0, L1: bits in a row, each for wrp_unit bytes. */
static int set_row(struct wrp_setter *s, bool one_protects, bool last_has_rest)
{
	const struct chip *c = s->g->chip;
	uint32_t k = 0;

	for (size_t i = 0; i < c->options.n_wrp; i++) {
		const struct chip_bits *f = &c->options.wrp[i];
		uint32_t all = f->width >= 32 ? UINT32_MAX : (1u << f->width) - 1, set = 0;
		int rc;

		for (uint32_t bit = 0; bit < f->width; bit++, k++) {
			struct span at =
				clipped(s->g, (uint64_t)c->flash_base + (uint64_t)k * c->wrp_unit,
					last_has_rest && k == 31 ? c->flash_size_max : c->wrp_unit);
			enum share share = at.len == 0 ? SHARE_NONE : share_of(s, at);

			if (share == SHARE_PART)
				return partly(s, at);
			if (share == SHARE_ALL)
				set |= 1u << bit;
		}
		rc = add_value(s, f, one_protects ? set : all & ~set);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* The `group` units from `index` within the bank on, as one span; len 0: past its end. */
static struct span group_span(
	const struct geometry *g, uint32_t bank, uint32_t index, uint32_t group)
{
	uint32_t first = bank == 2 ? g->n_bank1 : 0, end = bank == 2 ? g->n_units : g->n_bank1;
	struct span at = {0, 0};

	for (uint32_t i = index; i < index + group && first + i < end; i++) {
		struct erase_unit u = geometry_unit(g, first + i);

		if (at.len == 0)
			at.addr = u.addr;
		at.len += u.size;
	}
	return at;
}

static int set_units(struct wrp_setter *s, const struct wrp_rule *rule)
{
	const struct chip_option_bytes *o = &s->g->chip->options;
	uint32_t bank = 0;

	for (size_t i = 0; i < o->n_wrp; i++) {
		const struct chip_bits *f = &o->wrp[i];
		uint32_t value = f->width >= 32 ? UINT32_MAX : (1u << f->width) - 1;
		int rc;

		if (!(f->access & CHIP_ACCESS_READ) || wrp_is_repeated(o, i))
			continue;
		bank++;
		for (uint32_t bit = 0; bit < f->width && bank <= s->g->banks; bit++) {
			struct span at = group_span(s->g, bank, bit * rule->group, rule->group);
			enum share share = at.len == 0 ? SHARE_NONE : share_of(s, at);

			if (share == SHARE_PART)
				return partly(s, at);
			if (share == SHARE_ALL)
				value &= ~(1u << bit);
		}
		rc = add_value(s, f, value);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* The parts of `want` that lie in a bank, one after another; false when there is none left. */
static bool next_in_bank(const struct wrp_setter *s, uint32_t bank, size_t *pos, struct span *ret)
{
	const struct geometry *g = s->g;
	uint64_t from = bank == 2 ? g->bank2_base : g->base;
	uint64_t end = bank == 1 && g->banks == 2 ? g->bank2_base : (uint64_t)g->base + g->size;

	for (; *pos < s->n_want; (*pos)++) {
		uint64_t a = s->want[*pos].addr, b = span_end(s->want[*pos]);

		a = a < from ? from : a;
		b = b > end ? end : b;
		if (a >= b)
			continue;
		*ret = (struct span){(uint32_t)a, (uint32_t)(b - a)};
		(*pos)++;
		return true;
	}
	return false;
}

static int field_now(struct wrp_setter *s, const struct chip_bits *f, uint32_t *ret)
{
	uint32_t word = 0;
	int rc = s->read(s->ctx, f->addr, &word, s->e);

	*ret = word >> f->bit & (f->width >= 32 ? UINT32_MAX : (1u << f->width) - 1);
	return rc;
}

/* No area: a start above its end. One that is empty already stays as it is. */
static int set_empty(
	struct wrp_setter *s, const struct chip_bits *start, const struct chip_bits *end)
{
	uint32_t first = 0, last = 0;
	int rc = field_now(s, start, &first);

	if (rc == 0)
		rc = field_now(s, end, &last);
	if (rc < 0)
		return rc;
	if (first <= last) {
		first = (1u << start->width) - 1;
		last = 0;
	}
	rc = add_value(s, start, first);
	return rc == 0 ? add_value(s, end, last) : rc;
}

static int set_ranges(struct wrp_setter *s)
{
	const struct chip_option_bytes *o = &s->g->chip->options;
	const struct geometry *g = s->g;
	uint32_t page = geometry_unit(g, 0).size;
	size_t pos[3] = {0, 0, 0};
	struct span left;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i + 1 < o->n_wrp; i++) {
		const struct chip_bits *start = &o->wrp[i], *end = &o->wrp[i + 1];
		bool is_start = false;
		uint32_t bank = 1, base;
		struct span at;
		char area;

		if (!wrp_range_name(start->name, &is_start, &bank, &area) || !is_start)
			continue;
		base = bank == 2 ? g->bank2_base : g->base;
		if ((bank == 2 && g->banks == 1) || !next_in_bank(s, bank, &pos[bank], &at)) {
			rc = set_empty(s, start, end);
			continue;
		}
		rc = add_value(s, start, (at.addr - base) / page);
		if (rc == 0)
			rc = add_value(s, end, (uint32_t)((span_end(at) - base) / page) - 1);
	}
	for (uint32_t bank = 1; rc == 0 && bank <= g->banks; bank++) {
		if (!next_in_bank(s, bank, &pos[bank], &left))
			continue;
		err_set(s->e, ERR_NO_FIT, "%s protects no more than two areas of a bank",
			g->chip->name);
		rc = err_hint(s->e, "join areas, or lift one before another is set");
	}
	return rc;
}

/* ---- the check ---- */

static int read_planned(void *ctx, uint32_t addr, uint32_t *ret_word, struct err *e)
{
	const struct wrp_setter *s = ctx;
	enum option_complement kind = option_complement_of(s->g->chip);
	uint32_t word = 0;
	int rc = s->read(s->ctx, addr, &word, e);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < s->n; i++) {
		const struct chip_bits *f = s->ret[i].field;
		uint32_t mask = f->width >= 32 ? UINT32_MAX : (1u << f->width) - 1;

		if (f->addr != addr)
			continue;
		word = (word & ~(mask << f->bit)) | s->ret[i].value << f->bit;
		if (kind == COMPLEMENT_BYTES)
			word = (word & 0x00FF00FF) | (~word & 0x00FF00FF) << 8;
		else if (kind == COMPLEMENT_HALVES)
			word = (word & 0xFFFF) | (~word & 0xFFFF) << 16;
	}
	*ret_word = word;
	return 0;
}

static int check(struct wrp_setter *s)
{
	struct span got[SPANS_MAX];
	size_t n = 0;
	int rc = chip_wrp_spans(s->g, read_planned, s, got, SPANS_MAX, &n, s->e);

	if (rc < 0)
		return rc;
	if (n == s->n_want && (n == 0 || memcmp(got, s->want, n * sizeof(*got)) == 0))
		return 0;
	return err_set(s->e, ERR_NO_FIT, "%s cannot protect exactly these areas", s->g->chip->name);
}

int chip_wrp_values(const struct geometry *g, chip_option_reader read, void *ctx,
	const struct span *want, size_t n, struct chip_wrp_value ret[CHIP_WRP_VALUES],
	size_t *ret_n, struct err *e)
{
	struct wrp_setter s = {
		.g = g, .read = read, .ctx = ctx, .want = want, .n_want = n, .ret = ret, .e = e};
	const struct wrp_rule *rule = wrp_rule_of(g->chip);
	int rc;

	if (rule == NULL || g->chip->options.n_wrp == 0)
		return err_set(e, ERR_UNSUPPORTED,
			"write protection of %s is not confirmed: its option words have no source",
			g->chip->name);
	switch (rule->form) {
	case WRP_BYTES: rc = set_row(&s, false, true); break;
	case WRP_HALVES: rc = set_row(&s, true, false); break;
	case WRP_UNITS: rc = set_units(&s, rule); break;
	default: rc = set_ranges(&s); break;
	}
	if (rc == 0)
		rc = check(&s);
	if (rc < 0)
		return rc;
	*ret_n = s.n;
	return 0;
}
