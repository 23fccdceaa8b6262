/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/execute.h>

#include <stdlib.h>
#include <string.h>

#include <stmota/crc.h>
#include <stmota/signals.h>

#define PIECE        256
#define CMD_CHECKSUM 0xA1

struct phase {
	const char *name;
	uint64_t done, total;
};

struct walk {
	const struct flash_plan *plan;
	struct execution *x;
	struct phase phase;
};

static uint64_t work_of(const struct flash_plan *plan, const struct plan_step *s)
{
	uint64_t bytes = 0;

	if (s->kind == PLAN_ERASE)
		for (uint32_t i = s->first; i < s->first + s->n; i++)
			bytes += plan->erase_order[i].size;
	else if (s->kind == PLAN_WRITE || s->kind == PLAN_VERIFY)
		bytes = s->len;
	return bytes;
}

static const char *phase_name(enum plan_step_kind kind)
{
	switch (kind) {
	case PLAN_ERASE: return "erase";
	case PLAN_WRITE: return "write";
	case PLAN_VERIFY: return "verify";
	default: return NULL;
	}
}

/* A phase is a run of steps of one kind; the last words of a program belong to no new phase. */
static void begin_phase(struct walk *w, size_t i)
{
	const struct plan_step *s = &w->plan->steps[i];
	const char *name = phase_name(s->kind);
	struct event ev = {.type = EVENT_PHASE, .phase = name};

	if (name == NULL || (w->phase.name != NULL && strcmp(name, w->phase.name) == 0))
		return;
	if (w->phase.name != NULL && strcmp(w->phase.name, "verify") == 0)
		return;
	w->phase = (struct phase){.name = name};
	for (size_t k = 0; k < w->plan->n_steps; k++)
		if (w->plan->steps[k].kind == s->kind)
			w->phase.total += work_of(w->plan, &w->plan->steps[k]);
	ev.total = w->phase.total;
	event_emit(w->x->events, &ev);
}

/* So that a listener can show how far the whole is, not only the phase. */
static void announce(const struct walk *w)
{
	static const enum plan_step_kind kinds[] = {PLAN_ERASE, PLAN_WRITE, PLAN_VERIFY};
	struct event_share shares[ARRAY_LEN(kinds)];
	struct event ev = {.type = EVENT_PLAN, .shares = shares, .n_shares = ARRAY_LEN(kinds)};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		shares[i] = (struct event_share){phase_name(kinds[i]),
			(uint64_t)(w->plan->totals.seconds_of[kinds[i]] * 1000)};
	event_emit(w->x->events, &ev);
}

static void progress(struct walk *w, uint64_t bytes)
{
	struct event ev = {.type = EVENT_PROGRESS, .phase = w->phase.name, .total = w->phase.total};

	w->phase.done += bytes;
	if (w->phase.done > w->phase.total)
		w->phase.done = w->phase.total;
	ev.done = w->phase.done;
	event_emit(w->x->events, &ev);
}

/* All units that the bytes at hand lie in. */
static void note_current(struct walk *w, uint32_t addr, uint32_t len)
{
	const struct geometry *g = w->plan->survey->geometry;
	struct erase_unit first, last;

	if (span_contains(w->x->suspect, (struct span){addr, len}))
		return;
	if (!geometry_unit_at(g, addr, &first) || !geometry_unit_at(g, addr + len - 1, &last))
		return;
	w->x->suspect = (struct span){first.addr, last.addr + last.size - first.addr};
	if (w->x->state != NULL)
		state_note_current(w->x->state, w->x->suspect);
}

/* ---- steps ---- */

static int do_save(struct walk *w, struct err *e)
{
	const struct survey *s = w->plan->survey;
	CLEANUP(saved_units_done) struct saved_units saved = {0};
	int rc = 0;

	saved.units = calloc(s->n, sizeof(*saved.units));
	if (saved.units == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; rc == 0 && i < s->n; i++) {
		const struct survey_unit *u = &s->units[i];

		if (!u->rewrite || bytes_all(u->what, u->unit.size, BYTE_IMAGE))
			continue;
		saved.units[saved.n++] = (struct span){u->unit.addr, u->unit.size};
		for (uint32_t k = 0; rc == 0 && k < u->unit.size; k++) {
			uint32_t end = k;

			while (end < u->unit.size && u->what[end] == BYTE_KEPT)
				end++;
			if (end > k)
				rc = segments_add(
					&saved.bytes, u->unit.addr + k, u->want + k, end - k, e);
			k = end;
		}
	}
	return rc == 0 ? state_save_units(w->x->state, &saved, e) : rc;
}

static int do_erase(struct walk *w, const struct plan_step *s, struct err *e)
{
	const struct erase_unit *units = w->plan->erase_order + s->first;
	struct target *t = w->x->target;
	/* Few at a time, so that progress is seen and Ctrl-C is heard. */
	uint32_t group = units[0].size >= 16384 ? 1 : 32;
	int rc;

	for (uint32_t i = 0; i < s->n; i += group) {
		uint32_t n = s->n - i < group ? s->n - i : group;
		uint64_t bytes = 0;

		rc = signals_check(e);
		if (rc < 0)
			return rc;
		note_current(w, units[i].addr, 1);
		w->x->begun = true;
		rc = t->ops->erase(t, units + i, n, e);
		if (rc < 0)
			return rc;
		for (uint32_t k = i; k < i + n; k++)
			bytes += units[k].size;
		progress(w, bytes);
	}
	return 0;
}

static int do_blank(struct walk *w, const struct plan_step *s, struct err *e)
{
	struct target *t = w->x->target;
	uint8_t now[PIECE];
	uint32_t len = s->len < PIECE ? s->len : PIECE;

	for (int reading = 0; reading < 2; reading++) {
		int rc = t->ops->read(t, s->addr, now, len, e);

		if (rc < 0)
			return err_wrap(e, "blank check");
		if (bytes_all(now, len, w->plan->survey->geometry->chip->erased_value))
			return 0;
	}
	err_set(e, ERR_VERIFY, "0x%08X was erased but is not blank", s->addr);
	err_at(e, s->addr);
	return err_hint(e, "the area may be write-protected: see 'stmota probe'");
}

static int do_write(struct walk *w, const struct plan_step *s, struct err *e)
{
	struct target *t = w->x->target;
	int rc = signals_check(e);

	if (rc < 0)
		return rc;
	note_current(w, s->addr, s->len);
	w->x->begun = true;
	rc = t->ops->write(t, s->addr, s->data, s->len, e);
	if (rc < 0)
		return rc;
	progress(w, s->len);
	return 0;
}

static int piece_verify(
	struct walk *w, uint32_t addr, const uint8_t *want, uint32_t len, struct err *e)
{
	struct target *t = w->x->target;
	uint8_t now[PIECE];
	uint32_t at = 0;

	for (int reading = 0; reading < 2; reading++) {
		int rc = signals_check(e);

		if (rc == 0)
			rc = t->ops->read(t, addr, now, len, e);
		if (rc < 0)
			return err_wrap(e, "verify");
		if (memcmp(now, want, len) == 0)
			return 0;
	}
	while (now[at] == want[at])
		at++;
	note_current(w, addr + at, 1);
	err_set(e, ERR_VERIFY, "0x%08X holds 0x%02X instead of 0x%02X", addr + at, now[at],
		want[at]);
	err_at(e, addr + at);
	return err_hint(e, "the area may be write-protected (see 'stmota probe') or worn out");
}

static bool by_checksum(const struct walk *w, const struct plan_step *s)
{
	const struct target *t = w->x->target;

	return t->ops->checksum != NULL && t->info.commands[CMD_CHECKSUM] && s->addr % 4 == 0 &&
	       s->len % 4 == 0 && s->len > PIECE;
}

static int do_verify(struct walk *w, const struct plan_step *s, struct err *e)
{
	struct target *t = w->x->target;
	uint32_t crc = 0;
	int rc;

	if (by_checksum(w, s)) {
		rc = t->ops->checksum(t, (struct span){s->addr, s->len}, &crc, e);
		if (rc < 0)
			return err_wrap(e, "verify");
		if (crc == crc_stm32(s->data, s->len)) {
			progress(w, s->len);
			return 0;
		}
		/* Reading finds the byte. */
	}
	for (uint32_t off = 0; off < s->len; off += PIECE) {
		uint32_t len = s->len - off < PIECE ? s->len - off : PIECE;

		rc = piece_verify(w, s->addr + off, s->data + off, len, e);
		if (rc < 0)
			return rc;
		progress(w, len);
	}
	return 0;
}

int plan_execute(const struct flash_plan *plan, struct execution *x, struct err *e)
{
	struct walk w = {.plan = plan, .x = x};
	int rc = 0;

	x->suspect = (struct span){0, 0};
	if (plan->n_steps > 0)
		announce(&w);
	for (size_t i = 0; rc == 0 && i < plan->n_steps; i++) {
		const struct plan_step *s = &plan->steps[i];

		begin_phase(&w, i);
		switch (s->kind) {
		case PLAN_SAVE: rc = do_save(&w, e); break;
		case PLAN_ERASE: rc = do_erase(&w, s, e); break;
		case PLAN_BLANK: rc = do_blank(&w, s, e); break;
		case PLAN_WRITE: rc = do_write(&w, s, e); break;
		case PLAN_VERIFY: rc = do_verify(&w, s, e); break;
		}
	}
	return rc;
}
