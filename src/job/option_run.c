/* SPDX-License-Identifier: Apache-2.0 */
/*
 * option_run.c - reads the option area of a device, and writes a planned change into it
 *
 * The one write ends in a reset that the device makes itself, so every write is followed by lining
 * up again. What the device says about the write is not believed: what is read back counts.
 */
#include <stmota/option_job.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <stmota/clock.h>
#include <stmota/quirks.h>
#include <stmota/signals.h>

#define PIECE 256u

/* AN2606: the slowest ROM that does not look for a crystal starts in 545 ms. */
#define RESTART_MS 600u
#define RECOVERIES 2

/* ---- reading ---- */

static int read_piece(struct target *t, uint32_t addr, uint8_t *ret, uint32_t len, struct err *e)
{
	uint8_t again[PIECE];
	int rc = t->ops->read(t, addr, ret, len, e);

	if (rc == 0)
		rc = t->ops->read(t, addr, again, len, e);
	if (rc == ERR_NACK || rc == ERR_UNSUPPORTED)
		return err_set(
			e, ERR_UNSUPPORTED, "the bootloader does not let the option bytes be read");
	if (rc < 0)
		return err_wrap(e, "option bytes");
	if (memcmp(ret, again, len) == 0)
		return 0;
	err_set(e, ERR_IDENTITY, "two readings of the option bytes differ");
	return err_hint(e, "a bad connection: check ground and cable, or lower --baud");
}

int option_read(struct device *d, struct option_words *ret, struct err *e)
{
	const struct chip *c = d->facts.chip;
	struct span blocks[OPTION_BLOCKS_MAX];
	struct option_words w = {.chip = c};
	size_t n = option_blocks(c, blocks);

	if (d->facts.read_refused) {
		err_set(e, ERR_PROTECTED,
			"read-out protection is on: the option bytes cannot be read");
		return err_hint(e, "'stmota protect status' says what lifting it would destroy");
	}
	if (n == 0)
		return err_set(e, ERR_UNSUPPORTED,
			"the place of the option bytes of %s is not confirmed", c->name);
	for (size_t i = 0; i < n; i++) {
		struct option_block *b = &w.block[i];

		b->at = blocks[i];
		for (uint32_t off = 0; off < b->at.len; off += PIECE) {
			uint32_t len = b->at.len - off < PIECE ? b->at.len - off : PIECE;
			int rc = read_piece(d->target, b->at.addr + off, b->data + off, len, e);

			if (rc < 0)
				return rc;
		}
	}
	w.n = n;
	*ret = w;
	return 0;
}

/* ---- after the reset ---- */

static int pause_ms(struct device *d, uint32_t ms, struct err *e)
{
	const struct clock *clock = d->target->link != NULL && d->target->link->clock != NULL
					    ? d->target->link->clock
					    : &clock_monotonic;
	int rc = 0;

	for (uint32_t done = 0; rc == 0 && done < ms; done += 100) {
		clock_sleep_ms(clock, 100);
		rc = signals_check(e);
	}
	return rc;
}

static int gone(const char *what, struct err *e)
{
	char was[sizeof(e->msg)] = "";

	if (e != NULL)
		snprintf(was, sizeof(was), "%s", e->msg);
	err_set(e, ERR_UNFINISHED, "%s, and the device does not answer after its reset: %s", what,
		was);
	return err_hint(e, "bring it back into its bootloader (BOOT0, power) and look: "
			   "stmota protect status");
}

int option_after_reset(
	struct device *d, const char *what, const struct event_sink *events, struct err *e)
{
	struct event note = {
		.type = EVENT_NOTE, .phase = "options", .text = "the device resets itself"};
	struct device_facts again = {0};
	int rc = 0;

	event_emit(events, &note);
	for (int i = 0; i < RECOVERIES; i++) {
		rc = pause_ms(d, RESTART_MS, e);
		if (rc == 0)
			rc = d->target->ops->recover(d->target, e);
		if (rc == 0)
			rc = device_gather(d->target, &d->url.entry, d->url.banks, NULL, &again, e);
		if (rc == 0 || rc == ERR_INTERRUPTED || rc == ERR_IDENTITY)
			break;
	}
	if (rc == ERR_INTERRUPTED || rc == ERR_IDENTITY)
		return rc;
	if (rc < 0)
		return gone(what, e);
	/* Read-protected, it does not say who it is. */
	if (again.pid != d->facts.pid ||
		(again.has_uid && d->facts.has_uid && memcmp(again.uid, d->facts.uid, 12) != 0))
		return err_set(e, ERR_IDENTITY, "%s: another device answers now", d->name);
	d->facts = again;
	return 0;
}

/* ---- writing ---- */

static bool same_words(const struct option_words *a, const struct option_words *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (memcmp(a->block[i].data, b->block[i].data, a->block[i].at.len) != 0)
			return false;
	return true;
}

static int holds_other(uint32_t addr, uint32_t now, uint32_t want, struct err *e)
{
	err_set(e, ERR_VERIFY,
		"option word 0x%08" PRIX32 " holds 0x%08" PRIX32 " instead of 0x%08" PRIX32, addr,
		now, want);
	err_at(e, addr);
	return err_hint(e, "it is not written again; 'stmota option list' shows what it holds");
}

/*
 * A word that was erased, by a cut in an earlier write perhaps, has no complement; the controller gives
 * it one when the block is written. Its value is the same.
 */
static bool is_completed(const struct chip *c, uint32_t is, uint32_t erased)
{
	enum option_complement kind = option_complement_of(c);

	return erased == UINT32_MAX && ((kind == COMPLEMENT_BYTES && is == 0x00FF00FF) ||
					       (kind == COMPLEMENT_HALVES && is == 0x0000FFFF));
}

/* Named fields must agree on any chip; in option memory every byte must. */
static int compare(const struct option_words *now, const struct option_words *want, struct err *e)
{
	const struct chip_option_bytes *o = &want->chip->options;
	const struct chip_bits *const lists[] = {o->rdp, o->wrp, o->bits};
	const size_t counts[] = {o->n_rdp, o->n_wrp, o->n_bits};

	for (size_t l = 0; l < ARRAY_LEN(lists); l++)
		for (size_t i = 0; i < counts[l]; i++) {
			const struct chip_bits *f = &lists[l][i];
			uint32_t is = option_value(now, f);
			const struct chip_bits *from = f;

			if (!(f->access & CHIP_ACCESS_READ))
				continue;
			/* Planned values stand where they are written. */
			for (size_t k = 0; k < counts[l]; k++)
				if (lists[l][k].access == CHIP_ACCESS_WRITE &&
					strcmp(lists[l][k].name, f->name) == 0 &&
					lists[l][k].bit == f->bit && lists[l][k].width == f->width)
					from = &lists[l][k];
			if (is != option_value(want, from))
				return holds_other(f->addr, is, option_value(want, from), e);
		}
	for (size_t i = 0; i < want->n && !o->registers; i++)
		for (uint32_t k = 0; k + 4 <= want->block[i].at.len; k += 4) {
			uint32_t is = get_le32(now->block[i].data + k);
			uint32_t w = get_le32(want->block[i].data + k);

			if (is != w && !is_completed(want->chip, is, w))
				return holds_other(want->block[i].at.addr + k, is, w, e);
		}
	return 0;
}

/*
 * One block, once. A lost answer is no verdict: the device may have done it, so it is asked what
 * it holds. `ret_why` has the failure, should nothing have changed.
 */
static int write_block(struct device *d, const struct option_block *b,
	const struct event_sink *events, struct err *ret_why, struct err *e)
{
	int rc = d->target->ops->write(d->target, b->at.addr, b->data, b->at.len, ret_why);

	if (rc < 0 && !err_is_transient((enum err_code)rc)) {
		if (e != NULL)
			*e = *ret_why;
		return err_wrap(e, "option bytes");
	}
	if (rc == 0)
		err_clear(ret_why);
	return option_after_reset(d, "the option bytes were written", events, e);
}

/* Known to happen on a ROM that does not reload: the old value stands until the next power-up. */
static bool waits_for_power(const struct device *d)
{
	const struct device_facts *f = &d->facts;

	return quirk_applies(
		f->chip, f->has_boot_id ? f->boot_id : 0, CHIP_QUIRK_OPTIONS_NOT_RELOADED);
}

static int still_as_planned(struct device *d, const struct option_plan *plan, struct err *e)
{
	struct option_words now;
	int rc = option_read(d, &now, e);

	if (rc < 0 || same_words(&now, &plan->before))
		return rc;
	return err_set(e, ERR_IDENTITY,
		"the option bytes are not what they were a moment ago; nothing was written");
}

int option_write(struct device *d, const struct option_plan *plan, const struct event_sink *events,
	struct err *e)
{
	struct event phase = {.type = EVENT_PHASE, .phase = "options"};
	struct err why = ERR_INIT;
	int rc;

	event_emit(events, &phase);
	rc = still_as_planned(d, plan, e);
	for (size_t i = 0; rc == 0 && i < plan->after.n; i++)
		if (plan->dirty[i])
			return write_block(d, &plan->after.block[i], events, &why, e);
	return rc;
}

int option_execute(struct device *d, const struct option_plan *plan,
	const struct event_sink *events, enum option_outcome *ret, struct err *e)
{
	struct event phase = {.type = EVENT_PHASE, .phase = "options"};
	struct option_words now;
	struct err why = ERR_INIT;
	int rc;

	*ret = OPTION_STOOD;
	if (plan->n_changes == 0)
		return 0;
	event_emit(events, &phase);
	rc = still_as_planned(d, plan, e);
	for (size_t i = 0; rc == 0 && i < plan->after.n; i++)
		if (plan->dirty[i] && why.code == ERR_NONE)
			rc = write_block(d, &plan->after.block[i], events, &why, e);
	if (rc == 0)
		rc = option_read(d, &now, e);
	if (rc < 0)
		return rc;
	if (same_words(&now, &plan->before)) {
		if (why.code == ERR_NONE && waits_for_power(d)) {
			*ret = OPTION_PENDING;
			return 0;
		}
		if (why.code != ERR_NONE && e != NULL)
			*e = why;
		if (why.code != ERR_NONE)
			return err_wrap(e, "the option bytes stand as before");
	}
	rc = compare(&now, &plan->after, e);
	if (rc < 0)
		return rc;
	err_clear(e);
	*ret = OPTION_DONE;
	return 0;
}
