/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flash_show.c - what flash tells: the plan, what is written where, how it ended
 */
#include "flash_call.h"

#include <stdio.h>

#include <stmota/text.h>

void flash_note(const struct flash_call *c, const char *text)
{
	struct event ev = {.type = EVENT_NOTE, .text = text};

	event_emit(c->env->events, &ev);
}

void flash_warn(const struct flash_call *c, const char *text)
{
	struct event ev = {.type = EVENT_WARNING, .text = text};

	event_emit(c->env->events, &ev);
}

static const char *step_name(enum plan_step_kind kind)
{
	switch (kind) {
	case PLAN_SAVE: return "save";
	case PLAN_ERASE: return "erase";
	case PLAN_BLANK: return "blank-check";
	case PLAN_WRITE: return "write";
	default: return "verify";
	}
}

void flash_show_totals(struct out *o, const struct flash_plan *plan)
{
	const struct plan_totals *t = &plan->totals;

	out_uint(o, "units_same", t->units_same);
	out_uint(o, "units_rewritten", t->units_rewritten);
	out_size(o, "bytes_same", t->bytes_same);
	out_size(o, "bytes_erased", t->bytes_erased);
	out_size(o, "bytes_written", t->bytes_written);
	out_size(o, "bytes_verified", t->bytes_verified);
	out_size(o, "bytes_kept", t->bytes_kept);
	out_real(o, "estimated_seconds", t->seconds, 1);
}

static void step_row(struct out *o, const char *name, uint64_t addr, uint64_t len, uint64_t units)
{
	out_object(o, NULL);
	out_str(o, "step", name);
	out_hex(o, "address", addr, 8);
	out_size(o, "bytes", len);
	if (units > 0)
		out_uint(o, "units", units);
	else
		out_str(o, "units", NULL);
	out_end(o);
}

/* Neighbouring steps of one kind are one row: people and scripts count bytes, not packets. */
void flash_show_steps(struct out *o, const struct flash_plan *plan)
{
	out_table(o, "plan");
	for (size_t i = 0; i < plan->n_steps;) {
		const struct plan_step *s = &plan->steps[i];
		uint64_t addr = s->addr, end = (uint64_t)s->addr + s->len;

		i++;
		if (s->kind == PLAN_SAVE)
			continue;
		if (s->kind == PLAN_ERASE) {
			for (uint32_t k = s->first; k < s->first + s->n;) {
				uint32_t from = k;

				addr = end = plan->erase_order[k].addr;
				while (k < s->first + s->n && plan->erase_order[k].addr == end)
					end += plan->erase_order[k++].size;
				step_row(o, "erase", addr, end - addr, k - from);
			}
			continue;
		}
		while (i < plan->n_steps && plan->steps[i].kind == s->kind &&
			plan->steps[i].addr == end)
			end += plan->steps[i++].len;
		step_row(o, step_name(s->kind), addr, end - addr, 0);
	}
	out_end(o);
}

void flash_note_numbers(const struct flash_call *c, const struct flash_plan *plan)
{
	if (plan->n_erase > 0 && plan->survey->geometry->numbers_open)
		flash_note(c, "before the first erase it is tried out on two blank erase units "
			      "which numbers they have in swapped banks");
}

void flash_note_plan(const struct flash_call *c, const struct flash_plan *plan)
{
	const struct plan_totals *t = &plan->totals;
	char erased[32], written[32], kept[32], time_text[32], text[200];

	/* The comparison is over, also where it did not have to look at every byte. */
	event_emit(c->env->events, &(struct event){.type = EVENT_PHASE});
	if (plan->n_steps == 0) {
		flash_note(c, "the device holds this already: nothing to write");
		return;
	}
	text_size(t->bytes_erased, erased, sizeof(erased));
	text_size(t->bytes_written, written, sizeof(written));
	text_size(t->bytes_kept, kept, sizeof(kept));
	text_duration((uint64_t)(t->seconds * 1000), time_text, sizeof(time_text));
	snprintf(text, sizeof(text),
		"plan: rewrite %u of %u erase units (erase %s, write %s%s%s), about %s",
		t->units_rewritten, t->units_rewritten + t->units_same, erased, written,
		t->bytes_kept > 0 ? ", keep " : "", t->bytes_kept > 0 ? kept : "", time_text);
	flash_note(c, text);
}

static void describe_components(const struct flash_call *c)
{
	const struct package *p = &c->firmware.package;
	struct out *o = c->env->out;

	out_table(o, "components");
	for (size_t i = 0; i < p->header.n_components; i++) {
		struct imf_component part = package_component(p, i);

		out_object(o, NULL);
		out_str(o, "name", p->names[i][0] != '\0' ? p->names[i] : NULL);
		out_str(o, "kind", package_kind_name((enum imf_kind)part.kind));
		out_hex(o, "address", part.load_addr, 8);
		out_size(o, "size", part.plain_size);
		out_bool(o, "selected", c->firmware.selected[i]);
		out_end(o);
	}
	out_end(o);
}

void flash_show_what(const struct flash_call *c)
{
	const struct device_facts *f = &c->device->facts;
	const struct package *p = &c->firmware.package;
	struct out *o = c->env->out;
	char version[VERSION_TEXT_SIZE];

	out_str(o, "device", c->device->name);
	cmd_out_device_chip(o, f);
	out_str(o, "file", c->firmware.path);
	if (c->firmware.is_package) {
		out_str(o, "product", p->product[0] != '\0' ? p->product : NULL);
		out_str(o, "version", version_format(p->header.version, version));
		if (p->header.n_components > 1)
			describe_components(c);
	}
	if (c->base != NULL)
		out_str(o, "base", c->base);
	if (c->unchecked[0] != '\0')
		out_str(o, "not_checked", c->unchecked);
}

void flash_show_result(const struct flash_call *c, const struct trial_result *r)
{
	struct out *o = c->env->out;

	flash_show_what(c);
	if (c->has_slot)
		out_str(o, "slot", c->slot.name);
	if (c->has_bank)
		out_uint(o, "bank", c->bank.other);
	out_size(o, "bytes_written", r->flash.first.bytes_written);
	out_size(o, "bytes_same", r->flash.first.bytes_same);
	out_uint(o, "attempts", r->flash.attempts);
	out_bool(o, "verified", true);
	if (r->backup_taken || r->backup_kept)
		out_str(o, "backup", opt_str(c->env->opts, "backup", NULL));
	out_str(o, "started", r->started);
	if (c->has_proof) {
		out_bool(o, "confirmed", r->confirmed);
		out_str(o, "seen", r->seen);
	}
}
