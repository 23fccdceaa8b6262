/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/plan.h>

#include <stdlib.h>

/* All write alignments divide it; pads the last piece of a run (uart-bootloader: section 6). */
#define PAD 32
/* A hole shorter than this is cheaper to read than a new Read command. */
#define JOIN 64

struct maker {
	const struct survey *survey;
	const struct plan_options *opt;
	struct flash_plan *plan;
	size_t cap;
	uint8_t erased;
};

static int add(struct maker *m, struct plan_step step, struct err *e)
{
	struct flash_plan *p = m->plan;

	if (p->n_steps == m->cap) {
		size_t cap = m->cap > 0 ? 2 * m->cap : 64;
		struct plan_step *v = realloc(p->steps, cap * sizeof(*v));

		if (v == NULL)
			return err_set(e, ERR_NOMEM, "out of memory");
		p->steps = v;
		m->cap = cap;
	}
	p->steps[p->n_steps++] = step;
	return 0;
}

static struct span unit_span(const struct survey_unit *u)
{
	return (struct span){u->unit.addr, u->unit.size};
}

static const struct survey_unit *unit_of(const struct survey *s, uint32_t addr)
{
	for (size_t i = 0; i < s->n; i++)
		if (addr - s->units[i].unit.addr < s->units[i].unit.size)
			return &s->units[i];
	return NULL;
}

/* The flash words with words 0 and 1 of a program: written when all else is proven. */
static struct span held_back(const struct maker *m, uint32_t head)
{
	uint32_t align =
		m->opt->whole_blocks ? m->opt->write_max : m->survey->geometry->write_align;
	uint32_t begin = head / align * align;
	uint32_t end = (head + 8 + align - 1) / align * align;

	return (struct span){begin, end - begin};
}

static bool head_rewritten(const struct maker *m, size_t k)
{
	const struct survey_unit *u = unit_of(m->survey, m->survey->heads[k]);

	return u != NULL && u->rewrite;
}

/* Start of the first held-back span at or behind `addr` in this stretch, else its end. */
static struct span next_held(const struct maker *m, struct span within, uint32_t addr)
{
	struct span end = {within.addr + within.len, 0};

	for (size_t k = 0; k < m->survey->n_heads; k++) {
		struct span held = held_back(m, m->survey->heads[k]);

		if (span_contains(within, held) && span_end(held) > addr)
			return held;
	}
	return end;
}

/* ---- erase ---- */

static int add_erase(
	struct maker *m, const struct survey_unit *const *units, size_t n, struct err *e)
{
	struct flash_plan *p = m->plan;
	struct plan_step step = {
		.kind = PLAN_ERASE, .first = (uint32_t)p->n_erase, .n = (uint32_t)n};

	if (n == 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		int rc = geometry_need_numbers(m->survey->geometry, units[i]->unit.index, 1, e);

		if (rc < 0)
			return rc;
		p->erase_order[p->n_erase++] = units[i]->unit;
		p->totals.bytes_erased += units[i]->unit.size;
	}
	return add(m, step, e);
}

static int plan_erases(struct maker *m, struct err *e)
{
	const struct survey *s = m->survey;
	const struct survey_unit **others;
	size_t n = 0;
	int rc = 0;

	others = calloc(s->n + 1, sizeof(*others));
	m->plan->erase_order = calloc(s->n + 1, sizeof(*m->plan->erase_order));
	if (others == NULL || m->plan->erase_order == NULL) {
		free(others);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	for (size_t i = 0; rc == 0 && i < s->n; i++) {
		const struct survey_unit *u = &s->units[i];
		struct span held;

		if (!u->rewrite)
			continue;
		if (!u->is_head) {
			others[n++] = u;
			continue;
		}
		held = next_held(m, unit_span(u), u->unit.addr);
		rc = add_erase(m, &u, 1, e);
		if (rc == 0)
			rc = add(m,
				(struct plan_step){
					.kind = PLAN_BLANK, .addr = held.addr, .len = held.len},
				e);
	}
	if (rc == 0)
		rc = add_erase(m, others, n, e);
	free(others);
	return rc;
}

/* ---- write ---- */

static int add_write(
	struct maker *m, const struct survey_unit *u, uint32_t addr, uint32_t end, struct err *e)
{
	const uint8_t *want = u->want + (addr - u->unit.addr);
	uint32_t len = end - addr;

	/* Blank flash needs no programming; what is left is padded within the erased unit. */
	while (len > 0 && want[len - 1] == m->erased)
		len--;
	if (len == 0)
		return 0;
	if (m->opt->whole_blocks)
		len = end - addr;
	else if ((len + PAD - 1) / PAD * PAD < end - addr)
		len = (len + PAD - 1) / PAD * PAD;
	else
		len = end - addr;
	m->plan->totals.bytes_written += len;
	return add(m,
		(struct plan_step){.kind = PLAN_WRITE, .addr = addr, .len = len, .data = want}, e);
}

/* Units to be rewritten that lie one behind the other, as one stretch; else the first alone. */
static size_t stretch_of(const struct maker *m, size_t first, struct span *ret)
{
	const struct survey_unit *u = &m->survey->units[first];
	size_t n = 1;

	*ret = unit_span(u);
	while (m->opt->across_units && first + n < m->survey->n && u[n].rewrite &&
		u[n].unit.addr == ret->addr + ret->len && u[n].want == u->want + ret->len) {
		ret->len += u[n].unit.size;
		n++;
	}
	return n;
}

static int write_stretch(
	struct maker *m, const struct survey_unit *u, struct span stretch, struct err *e)
{
	uint32_t end = stretch.addr + stretch.len;
	uint32_t addr = stretch.addr;
	int rc = 0;

	while (rc == 0 && addr < end) {
		uint32_t block_end =
			addr / m->opt->write_max * m->opt->write_max + m->opt->write_max;
		struct span held = next_held(m, stretch, addr);

		if (block_end > end)
			block_end = end;
		if (held.addr <= addr && held.len > 0) {
			addr = held.addr + held.len;
			continue;
		}
		if (held.addr < block_end)
			block_end = held.addr;
		rc = add_write(m, u, addr, block_end, e);
		addr = block_end;
	}
	return rc;
}

/* ---- verify ---- */

static int add_verify(
	struct maker *m, const struct survey_unit *u, uint32_t addr, uint32_t end, struct err *e)
{
	if (end <= addr)
		return 0;
	m->plan->totals.bytes_verified += end - addr;
	return add(m,
		(struct plan_step){.kind = PLAN_VERIFY,
			.addr = addr,
			.len = end - addr,
			.data = u->want + (addr - u->unit.addr)},
		e);
}

/* All that is asked of the unit, joined over short holes, without what is held back. */
static int verify_unit(struct maker *m, const struct survey_unit *u, struct err *e)
{
	uint32_t end = u->unit.addr + u->unit.size;
	uint32_t begin = 0, last = 0; /* of the run under way; begin == last: none */
	int rc = 0;

	for (uint32_t addr = u->unit.addr; rc == 0 && addr < end;) {
		struct span held = next_held(m, unit_span(u), addr);

		if (held.len > 0 && held.addr <= addr) {
			rc = add_verify(m, u, begin, last, e);
			begin = last = 0;
			addr = held.addr + held.len;
			continue;
		}
		if (u->what[addr - u->unit.addr] != BYTE_FREE) {
			if (begin == last || addr - last > JOIN) {
				rc = add_verify(m, u, begin, last, e);
				begin = addr;
			}
			last = addr + 1;
		}
		addr++;
	}
	return rc == 0 ? add_verify(m, u, begin, last, e) : rc;
}

/*
 * Word 0 goes last where the flash can be written word by word: chips with an empty check look at
 * it alone, and must find their ROM until the very end.
 */
static int write_held(struct maker *m, const struct survey_unit *u, struct span held, struct err *e)
{
	uint32_t step = m->opt->whole_blocks ? held.len : m->survey->geometry->write_align;
	int rc = 0;

	for (uint32_t addr = held.addr + held.len; rc == 0 && addr > held.addr;) {
		addr -= step;
		m->plan->totals.bytes_written += step;
		rc = add(m,
			(struct plan_step){.kind = PLAN_WRITE,
				.addr = addr,
				.len = step,
				.data = u->want + (addr - u->unit.addr)},
			e);
	}
	return rc;
}

static int plan_heads(struct maker *m, struct err *e)
{
	/* From the last to the first: a boot loader below its applications comes last. */
	for (size_t k = m->survey->n_heads; k-- > 0;) {
		const struct survey_unit *u;
		struct span held;
		int rc;

		if (!head_rewritten(m, k))
			continue;
		held = held_back(m, m->survey->heads[k]);
		u = unit_of(m->survey, held.addr);
		rc = write_held(m, u, held, e);
		if (rc == 0)
			rc = add_verify(m, u, held.addr, held.addr + held.len, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int plan_steps(struct maker *m, struct err *e)
{
	const struct survey *s = m->survey;
	bool save = false;
	int rc = 0;

	for (size_t i = 0; i < s->n; i++) {
		const struct survey_unit *u = &s->units[i];

		save |= u->rewrite && !bytes_all(u->what, u->unit.size, BYTE_IMAGE);
	}
	if (save)
		rc = add(m, (struct plan_step){.kind = PLAN_SAVE}, e);
	if (rc == 0)
		rc = plan_erases(m, e);
	for (size_t i = 0, n; rc == 0 && i < s->n; i += n) {
		struct span stretch;

		n = 1;
		if (!s->units[i].rewrite)
			continue;
		n = stretch_of(m, i, &stretch);
		rc = write_stretch(m, &s->units[i], stretch, e);
	}
	for (size_t i = 0; rc == 0 && i < s->n; i++)
		if (s->units[i].rewrite)
			rc = verify_unit(m, &s->units[i], e);
	return rc == 0 ? plan_heads(m, e) : rc;
}

/* ---- totals ---- */

static uint32_t image_bytes(const struct survey_unit *u)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < u->unit.size; i++)
		n += u->what[i] == BYTE_IMAGE;
	return n;
}

/*
 * Wire cost of AN3155: a command is 2 bytes and an ACK, an address 5 and an ACK, a data block
 * 1 + len + 1 and an ACK; a read brings its bytes with the third ACK. On a bus each of these six
 * messages has an address in front, and a unit is erased by a command of its own.
 */
static double wire_seconds(const struct plan_options *opt, uint64_t bytes, uint64_t turnarounds)
{
	if (opt->bus_hz != 0)
		return (double)(bytes + 2 * turnarounds) * 9 / opt->bus_hz;
	if (opt->baud == 0)
		return 0;
	return (double)bytes * 11 / opt->baud + (double)turnarounds * opt->latency_ms / 1000;
}

static double erase_wire_seconds(const struct plan_options *opt, uint64_t units)
{
	if (opt->bus_hz != 0)
		return wire_seconds(opt, 11 * units, 3 * units);
	return wire_seconds(opt, 7 + 2 * units, 2);
}

static double step_seconds(const struct maker *m, const struct plan_step *s)
{
	const struct chip *chip = m->survey->geometry->chip;
	uint32_t blocks = (s->len + m->opt->write_max - 1) / m->opt->write_max;
	double t = 0;

	switch (s->kind) {
	case PLAN_SAVE: break;
	case PLAN_ERASE:
		t = erase_wire_seconds(m->opt, s->n);
		for (uint32_t i = s->first; i < s->first + s->n; i++)
			t += chip_erase_ms_typical(chip, m->plan->erase_order[i].size) / 1000.0;
		break;
	case PLAN_WRITE:
		t = wire_seconds(m->opt, s->len + 12u * blocks, 3u * blocks) +
		    chip_program_us(chip) * (s->len / 256.0) / 1e6;
		break;
	case PLAN_BLANK:
	case PLAN_VERIFY: t = wire_seconds(m->opt, s->len + 12u * blocks, 3u * blocks); break;
	}
	return t;
}

static void count(struct maker *m)
{
	struct plan_totals *t = &m->plan->totals;

	for (size_t i = 0; i < m->survey->n; i++) {
		const struct survey_unit *u = &m->survey->units[i];

		if (u->rewrite) {
			t->units_rewritten++;
			t->bytes_kept += u->kept;
		} else {
			t->units_same++;
			t->bytes_same += image_bytes(u);
		}
	}
	for (size_t i = 0; i < m->plan->n_steps; i++) {
		double seconds = step_seconds(m, &m->plan->steps[i]);

		t->seconds += seconds;
		t->seconds_of[m->plan->steps[i].kind] += seconds;
	}
}

int plan_make(const struct survey *survey, const struct plan_options *opt, struct flash_plan *ret,
	struct err *e)
{
	struct flash_plan plan = {.survey = survey};
	struct maker m = {.survey = survey,
		.opt = opt,
		.plan = &plan,
		.erased = survey->geometry->chip->erased_value};
	int rc = 0;

	if (survey_n_rewrite(survey) > 0)
		rc = plan_steps(&m, e);
	if (rc < 0) {
		plan_done(&plan);
		return rc;
	}
	count(&m);
	*ret = plan;
	return 0;
}

void plan_done(struct flash_plan *p)
{
	free(p->erase_order);
	free(p->steps);
	*p = FLASH_PLAN_INIT;
}
