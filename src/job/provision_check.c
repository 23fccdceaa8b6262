/* SPDX-License-Identifier: Apache-2.0 */
/*
 * provision_check.c - what speaks against a first programming, and the plan as rows for people
 */
#include "provision_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/dfu.h>
#include <stmota/protect_job.h>

/* ---- one image ---- */

static int by_address(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static const struct provision_part *first_overlap(
	const struct provision_request *rq, size_t i, struct span *ret)
{
	for (size_t k = 0; k < i; k++)
		for (size_t s = 0; s < rq->part[i].image->n; s++)
			for (size_t t = 0; t < rq->part[k].image->n; t++) {
				const struct segment *a = &rq->part[i].image->v[s];
				const struct segment *b = &rq->part[k].image->v[t];

				*ret = (struct span){a->addr, a->len};
				if (span_overlaps(*ret, (struct span){b->addr, b->len}))
					return &rq->part[k];
			}
	return NULL;
}

static int join_part(struct provision_run *r, size_t i, struct err *e)
{
	const struct provision_part *p = &r->rq->part[i], *other;
	struct span at;
	int rc = 0;

	other = first_overlap(r->rq, i, &at);
	if (other != NULL) {
		err_set(e, ERR_NO_FIT, "%s %s lies where the %s is, at 0x%08" PRIX32, p->what,
			p->from, other->what, at.addr);
		return err_hint(e, "link it for another place, or give it a --slot");
	}
	for (size_t s = 0; rc == 0 && s < p->image->n; s++)
		rc = segments_add(
			&r->image, p->image->v[s].addr, p->image->v[s].data, p->image->v[s].len, e);
	for (size_t h = 0; rc == 0 && p->heads != NULL && h < p->heads->n; h++)
		r->heads.base[r->heads.n++] = p->heads->base[h];
	return rc;
}

int provision_join(struct provision_run *r, struct err *e)
{
	size_t n = 1;
	int rc = 0;

	for (size_t i = 0; i < r->rq->n_parts; i++)
		n += r->rq->part[i].heads != NULL ? r->rq->part[i].heads->n : 0;
	r->heads.base = calloc(n, sizeof(*r->heads.base));
	if (r->heads.base == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; rc == 0 && i < r->rq->n_parts; i++)
		rc = join_part(r, i, e);
	if (rc == 0 && r->heads.n == 0)
		rc = err_set(e, ERR_NO_FIT, "%s holds no program", r->rq->part[0].from);
	qsort(r->heads.base, r->heads.n, sizeof(*r->heads.base), by_address);
	return rc;
}

/* ---- where things lie ---- */

/* From the first to behind the last erase unit that the part touches; len 0 outside the flash. */
static struct span units_of(const struct provision_run *r, const struct segments *image)
{
	struct span at = segments_extent(image);
	struct erase_unit first, last;

	if (at.len == 0 || !geometry_unit_at(&r->d->facts.geometry, at.addr, &first) ||
		!geometry_unit_at(&r->d->facts.geometry, at.addr + at.len - 1, &last))
		return (struct span){at.addr, 0};
	return (struct span){first.addr, last.addr + last.size - first.addr};
}

static bool touches_unit(const struct segments *image, struct span unit)
{
	for (size_t i = 0; i < image->n; i++)
		if (span_overlaps(unit, (struct span){image->v[i].addr, image->v[i].len}))
			return true;
	return false;
}

/* What is updated later must not be erased with what stays, so they do not share erase units. */
static int check_shared(const struct provision_run *r, struct err *e)
{
	const struct provision_part *part = r->rq->part;
	const struct geometry *g = &r->d->facts.geometry;
	struct erase_unit u;

	for (size_t i = 1; i < r->rq->n_parts; i++)
		for (size_t s = 0; s < part[i].image->n; s++) {
			const struct segment *x = &part[i].image->v[s];
			uint64_t end = (uint64_t)x->addr + x->len;

			for (uint64_t at = x->addr;
				at < end && geometry_unit_at(g, (uint32_t)at, &u);
				at = (uint64_t)u.addr + u.size)
				for (size_t k = 0; k < i; k++)
					if (touches_unit(
						    part[k].image, (struct span){u.addr, u.size}))
						return err_set(e, ERR_NO_FIT,
							"%s and %s share the erase unit at 0x%08" PRIX32
							" (%u bytes): one could not be replaced "
							"without the other",
							part[k].what, part[i].what, u.addr,
							(unsigned)u.size);
		}
	return 0;
}

static int check_loader(const struct provision_run *r, struct err *e)
{
	const struct provision_part *p = &r->rq->part[0];
	uint32_t base = r->d->facts.geometry.base;

	if (p->heads != NULL && p->heads->n > 0 && p->heads->base[0] == base)
		return 0;
	err_set(e, ERR_NO_FIT, "%s has no vector table at 0x%08" PRIX32 ", where this chip starts",
		p->from, base);
	return err_hint(e, "the loader is what stands at the start of flash");
}

/* The loader's units, rounded up to what the chip can protect. */
static int find_wrp(struct provision_run *r, struct err *e)
{
	const struct chip *c = r->d->facts.chip;
	struct span at = units_of(r, r->rq->part[0].image);
	uint32_t step = c->wrp_unit;

	if (step > 0)
		at.len = (at.addr - r->d->facts.geometry.base + at.len + step - 1) / step * step -
			 (at.addr - r->d->facts.geometry.base);
	for (size_t i = 1; i < r->rq->n_parts; i++)
		if (touches_unit(r->rq->part[i].image, at))
			return err_set(e, ERR_NO_FIT,
				"the chip protects 0x%08" PRIX32 "..0x%08" PRIX32
				" with the loader, and the %s lies in it",
				at.addr, (uint32_t)(span_end(at) - 1), r->rq->part[i].what);
	r->loader = at;
	return 0;
}

/* ---- option bytes ---- */

int provision_plan_options(struct provision_run *r, struct err *e)
{
	const struct provision_request *rq = r->rq;
	struct option_want want[PROVISION_WANTS_MAX + OPTION_CHANGES_MAX];
	struct option_limits limits = {.irreversible = rq->irreversible,
		.n_irreversible = rq->n_irreversible,
		.write_max = r->d->target->write_max};
	struct wrp_change *wrp = calloc(1, sizeof(*wrp));
	struct option_words *now = calloc(1, sizeof(*now));
	size_t n = 0;
	int rc = wrp == NULL || now == NULL ? err_set(e, ERR_NOMEM, "out of memory") : 0;

	for (size_t i = 0; i < rq->n_wants; i++)
		want[n++] = rq->want[i];
	if (rc == 0 && rq->wrp_loader)
		rc = protect_plan_wrp(r->d, true, &r->loader, 1, wrp, e);
	for (size_t i = 0; rc == 0 && i < wrp->plan.n_changes; i++) {
		const struct option_change *c = &wrp->plan.change[i];

		want[n++] = (struct option_want){
			.name = c->field->name, .field = c->field, .value = c->to};
	}
	if (rc == 0 && n > 0)
		rc = option_read(r->d, now, e);
	if (rc == 0 && n > 0)
		rc = option_plan_make(now, want, n, &limits, &r->options, e);
	else if (rc == 0)
		r->options = (struct option_plan){0};
	free(wrp);
	free(now);
	if (rc == 0 && (r->options.consequences & OPTION_CHANGES_GEOMETRY) != 0) {
		err_set(e, ERR_USAGE,
			"an option that changes the erase units comes before the bytes");
		rc = err_hint(e, "set it by 'stmota option set', then provision the board");
	}
	return rc;
}

/* ---- the rows ---- */

static struct provision_step *add_step(
	struct provision_run *r, enum provision_kind kind, const char *what)
{
	struct provision_plan *p = &r->ret->plan;

	if (p->n == PROVISION_STEPS_MAX)
		return &p->step[p->n - 1];
	p->step[p->n] = (struct provision_step){.kind = kind, .what = what};
	return &p->step[p->n++];
}

static void list_options(struct provision_run *r)
{
	for (size_t i = 0; i < r->rq->n_wants; i++) {
		struct provision_step *s = add_step(r, PROVISION_OPTION, "option");
		const struct option_want *w = &r->rq->want[i];

		s->stands = true;
		snprintf(s->detail, sizeof(s->detail), "%s = 0x%" PRIX32, w->name, w->value);
		for (size_t k = 0; k < r->options.n_changes; k++) {
			const struct option_change *c = &r->options.change[k];

			if (strcmp(c->field->name, w->name) != 0)
				continue;
			s->stands = false;
			snprintf(s->detail, sizeof(s->detail), "%s: 0x%" PRIX32 " -> 0x%" PRIX32,
				w->name, c->from, c->to);
		}
	}
}

static bool wrp_stands(const struct provision_run *r)
{
	const struct device_facts *f = &r->d->facts;

	for (size_t i = 0; i < f->n_wrp; i++)
		if (span_contains(f->wrp[i], r->loader))
			return true;
	return false;
}

void provision_list_steps(struct provision_run *r)
{
	const struct provision_request *rq = r->rq;
	struct provision_step *s;

	r->ret->plan.n = 0;
	for (size_t i = 0; i < rq->n_parts; i++) {
		s = add_step(r, PROVISION_PART, rq->part[i].what);
		s->where = segments_extent(rq->part[i].image);
		snprintf(s->detail, sizeof(s->detail), "%.120s", rq->part[i].from);
	}
	if (rq->proof != NULL)
		snprintf(add_step(r, PROVISION_PROOF, "proof of health")->detail, 128, "%.100s",
			rq->proof->kind == PROOF_COMMAND ? rq->proof->command : rq->proof->expect);
	list_options(r);
	if (rq->wrp_loader) {
		s = add_step(r, PROVISION_WRP, "write protection");
		s->where = r->loader;
		s->stands = r->loader.len > 0 && wrp_stands(r);
		snprintf(s->detail, sizeof(s->detail), "of the loader");
	}
	if (rq->rdp) {
		s = add_step(r, PROVISION_RDP, "read-out protection");
		snprintf(s->detail, sizeof(s->detail), "level 0 -> 1");
	}
	r->ret->plan.changes_options = r->options.n_changes > 0;
	r->ret->plan.consequences = r->options.consequences;
}

void provision_note_units(struct provision_run *r, const struct flash_plan *plan)
{
	struct provision_plan *p = &r->ret->plan;
	bool all = plan->n_steps == 0;

	p->totals = plan->totals;
	for (size_t i = 0; i < r->rq->n_parts; i++) {
		p->step[i].stands = true;
		for (size_t k = 0; k < plan->n_erase; k++)
			if (touches_unit(
				    r->rq->part[i].image, (struct span){plan->erase_order[k].addr,
								  plan->erase_order[k].size}))
				p->step[i].stands = false;
		/* Blank units that are only written. */
		for (size_t k = 0; !all && k < plan->n_steps; k++)
			if (plan->steps[k].kind == PLAN_WRITE &&
				touches_unit(r->rq->part[i].image,
					(struct span){plan->steps[k].addr, plan->steps[k].len}))
				p->step[i].stands = false;
	}
}

bool provision_needs_writing(const struct provision_run *r)
{
	const struct device_facts *f = &r->d->facts;

	for (size_t i = 0; f->wrp_known && i < f->n_wrp; i++)
		for (size_t k = 0; k < r->rq->n_parts; k++)
			if (touches_unit(r->rq->part[k].image, f->wrp[i]))
				return false;
	return true;
}

/* ---- all of it ---- */

int provision_check(struct provision_run *r, struct err *e)
{
	const struct provision_request *rq = r->rq;
	const struct device_facts *f = &r->d->facts;
	bool erases = false, stands = false;
	int rc = provision_needs_writing(r) ? preflight_check(f, &r->image,
						      rq->entry_by_hand ? PREFLIGHT_BY_HAND : 0, e)
					    : preflight_check_read(f, &r->image, e);

	if (rc == 0)
		rc = check_loader(r, e);
	if (rc == 0)
		rc = check_shared(r, e);
	if (rc == 0 && rq->wrp_loader)
		rc = find_wrp(r, e);
	if (rc == 0)
		rc = provision_plan_options(r, e);
	if (rc == 0 && rq->rdp)
		rc = protect_check_rdp(f, 1, &erases, &stands, e);
	if (rc == 0 && rq->rdp && !target_is_dfu(r->d->target) &&
		r->d->target->ops->protect == NULL)
		rc = err_set(e, ERR_UNSUPPORTED,
			"the bootloader of this device has no command for read-out protection");
	if (rc == 0)
		provision_list_steps(r);
	return rc;
}
