/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_job.c - reading and erasing with a bounded number of new attempts
 */
#include <stmota/memory_job.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/bank_numbers.h>
#include <stmota/quirks.h>
#include <stmota/signals.h>

#define BLOCK          2048u /* bytes read between two looks at the progress */
#define FAILURES_MAX   5     /* in a row, without progress */
#define ERASE_GROUP_MS 4000  /* typical time of the units that are erased between two looks */

static void tell(const struct event_sink *events, enum event_type type, const char *phase,
	uint64_t done, uint64_t total, const char *text)
{
	struct event ev = {
		.type = type, .phase = phase, .done = done, .total = total, .text = text};

	event_emit(events, &ev);
}

/*
 * Decides about a failure: 0 if the device is in step again and the work may be repeated, else
 * the failure itself.
 */
static int try_again(
	struct device *d, unsigned *failures, const struct event_sink *events, struct err *e)
{
	struct err why = *e;

	if (!err_is_transient(e->code) || ++*failures >= FAILURES_MAX)
		return e->code;
	tell(events, EVENT_RETRY, NULL, 0, 0, e->msg);
	err_clear(e);
	if (device_recover(d, e) == 0)
		return 0;
	/* A recovery that fails for the same kind of reason adds nothing to the first message. */
	if (err_is_transient(e->code) && ++*failures < FAILURES_MAX && device_recover(d, e) == 0)
		return 0;
	if (err_is_transient(e->code))
		*e = why;
	return e->code;
}

/* ---- read ---- */

static int read_block(
	struct device *d, uint32_t addr, uint8_t *ret, uint32_t len, bool twice, struct err *e)
{
	const struct target_ops *ops = d->target->ops;
	uint8_t again[BLOCK];
	int rc = ops->read(d->target, addr, ret, len, e);

	if (rc == 0 && twice)
		rc = ops->read(d->target, addr, again, len, e);
	if (rc < 0 || !twice || memcmp(ret, again, len) == 0)
		return rc;
	err_set(e, ERR_PROTOCOL, "two readings at 0x%08" PRIX32 " differ", addr);
	return err_at(e, addr);
}

static int read_all(struct device *d, struct span range, bool twice, uint8_t *ret,
	const char *phase, const struct event_sink *events, struct err *e)
{
	unsigned failures = 0;
	uint32_t done = 0;

	tell(events, EVENT_PHASE, phase, 0, range.len, NULL);
	while (done < range.len) {
		uint32_t n = range.len - done < BLOCK ? range.len - done : BLOCK;
		int rc = read_block(d, range.addr + done, ret + done, n, twice, e);

		if (rc < 0) {
			rc = try_again(d, &failures, events, e);
			if (rc < 0)
				return rc;
			continue;
		}
		failures = 0;
		done += n;
		tell(events, EVENT_PROGRESS, phase, done, range.len, NULL);
	}
	return 0;
}

static int need_readable(const struct device_facts *f, struct err *e)
{
	if (!f->read_refused)
		return 0;
	err_set(e, ERR_PROTECTED,
		"the device is read-protected: it can be neither read nor erased");
	err_hint(e,
		"'stmota protect rdp-set 0 --erase-everything' lifts it and erases the whole flash; "
		"stmota never does that unasked");
	return ERR_PROTECTED;
}

int memory_read(struct device *d, struct span range, bool twice, uint8_t *ret,
	const struct event_sink *events, struct err *e)
{
	struct err local = ERR_INIT;
	int rc;

	e = e != NULL ? e : &local;
	rc = need_readable(&d->facts, e);
	return rc < 0 ? rc : read_all(d, range, twice, ret, "read", events, e);
}

/* ---- erase ---- */

static int prove_blank(
	struct device *d, struct span range, const struct event_sink *events, struct err *e)
{
	uint8_t blank = d->facts.chip->erased_value;
	uint8_t block[BLOCK];
	unsigned failures = 0;
	uint32_t done = 0;

	tell(events, EVENT_PHASE, "verify", 0, range.len, NULL);
	while (done < range.len) {
		uint32_t n = range.len - done < BLOCK ? range.len - done : BLOCK;
		int rc = read_block(d, range.addr + done, block, n, false, e);

		/* A garbled byte looks the same as one that is not blank: only the second counts. */
		if (rc == 0 && !bytes_all(block, n, blank))
			rc = read_block(d, range.addr + done, block, n, true, e);
		if (rc < 0) {
			rc = try_again(d, &failures, events, e);
			if (rc < 0)
				return rc;
			continue;
		}
		for (uint32_t i = 0; i < n; i++) {
			if (block[i] == blank)
				continue;
			err_set(e, ERR_VERIFY, "0x%08" PRIX32 " is not blank after the erase",
				range.addr + done + i);
			err_hint(e, "the ROM acknowledges erases that write protection prevents");
			return err_at(e, range.addr + done + i);
		}
		failures = 0;
		done += n;
		tell(events, EVENT_PROGRESS, "verify", done, range.len, NULL);
	}
	return 0;
}

static int need_erasable(const struct device_facts *f, struct err *e)
{
	int rc = need_readable(f, e);

	if (rc < 0)
		return rc;
	if (!f->lists_erase)
		return err_set(e, ERR_UNSUPPORTED, "the bootloader offers no erase command");
	if (f->has_geometry && !f->banks_assumed)
		return 0;
	err_set(e, ERR_UNSUPPORTED, "the erase units are not confirmed: %s", f->geometry_why);
	if (f->banks_assumed)
		err_hint(e, "say which it is: uart:PORT?banks=single or banks=dual");
	return ERR_UNSUPPORTED;
}

static int need_unprotected(const struct device_facts *f, struct span range, struct err *e)
{
	for (size_t i = 0; f->wrp_known && i < f->n_wrp; i++) {
		if (!span_overlaps(f->wrp[i], range))
			continue;
		err_set(e, ERR_PROTECTED, "flash from 0x%08" PRIX32 " is write-protected",
			f->wrp[i].addr);
		err_hint(e, "the device would say that it is erased, and keep it");
		return err_at(e, f->wrp[i].addr);
	}
	return 0;
}

static size_t group_of(const struct chip *c, const struct erase_unit *units, size_t n)
{
	uint32_t ms = 0;
	size_t i = 0;

	while (i < n && i < 128) {
		ms += chip_erase_ms_typical(c, units[i].size);
		if (i > 0 && ms > ERASE_GROUP_MS)
			break;
		i++;
	}
	return i;
}

static int erase_groups(struct device *d, const struct erase_unit *units, size_t n,
	struct span range, const struct event_sink *events, struct err *e)
{
	unsigned failures = 0;
	size_t done = 0;

	tell(events, EVENT_PHASE, "erase", 0, range.len, NULL);
	while (done < n) {
		size_t group = group_of(d->facts.chip, &units[done], n - done);
		int rc = d->target->ops->erase(d->target, &units[done], group, e);

		if (rc < 0) {
			rc = try_again(d, &failures, events, e);
			if (rc < 0)
				return rc;
			continue;
		}
		failures = 0;
		done += group;
		tell(events, EVENT_PROGRESS, "erase",
			units[done - 1].addr + units[done - 1].size - range.addr, range.len, NULL);
	}
	return 0;
}

/* Of swapped banks. */
static int find_numbers(struct device *d, struct erase_unit *units, size_t n,
	const struct event_sink *events, struct err *e)
{
	struct span marking = {0, 0};
	unsigned failures = 0;
	int rc;

	while ((rc = bank_numbers_find(d, NULL, &marking, events, e)) < 0) {
		rc = try_again(d, &failures, events, e);
		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; i < n; i++)
		units[i] = geometry_unit(&d->facts.geometry, units[i].index);
	return 0;
}

int memory_erase(struct device *d, struct erase_unit *units, size_t n,
	const struct event_sink *events, struct err *e)
{
	struct err local = ERR_INIT;
	struct span range;
	int rc;

	e = e != NULL ? e : &local;
	if (n == 0)
		return 0;
	range.addr = units[0].addr;
	range.len = units[n - 1].addr + units[n - 1].size - units[0].addr;
	rc = need_erasable(&d->facts, e);
	if (rc == 0)
		rc = need_unprotected(&d->facts, range, e);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = geometry_need_numbers(&d->facts.geometry, units[i].index, 1, e);
	if (rc == 0)
		rc = find_numbers(d, units, n, events, e);
	if (rc == 0)
		rc = erase_groups(d, units, n, range, events, e);
	return rc < 0 ? rc : prove_blank(d, range, events, e);
}

int memory_erase_all(struct device *d, const struct event_sink *events, struct err *e)
{
	const struct device_facts *f = &d->facts;
	struct err local = ERR_INIT;
	struct erase_unit *units = NULL;
	unsigned failures = 0;
	size_t n = 0;
	struct span all;
	int rc;

	e = e != NULL ? e : &local;
	rc = need_erasable(f, e);
	if (rc < 0)
		return rc;
	all = (struct span){f->geometry.base, f->geometry.size};
	rc = need_unprotected(f, all, e);
	if (rc < 0)
		return rc;
	if (f->chip->mass_erase == CHIP_NO ||
		quirk_applies(f->chip, f->boot_id, CHIP_QUIRK_NO_MASS_ERASE)) {
		rc = memory_units(f, all, &units, &n, e);
		if (rc == 0)
			rc = memory_erase(d, units, n, events, e);
		free(units);
		return rc;
	}
	tell(events, EVENT_PHASE, "erase", 0, all.len, NULL);
	for (;;) {
		rc = d->target->ops->mass_erase(d->target, f->flash_size, e);
		if (rc < 0)
			rc = try_again(d, &failures, events, e);
		else
			break;
		if (rc < 0)
			return rc;
	}
	tell(events, EVENT_PROGRESS, "erase", all.len, all.len, NULL);
	return prove_blank(d, all, events, e);
}

/* ---- units of a range ---- */

static int not_whole_units(const struct geometry *g, struct span range, struct err *e)
{
	struct erase_unit first, last;

	err_set(e, ERR_NO_FIT, "0x%08" PRIX32 ":0x%" PRIX32 " is not made of whole erase units",
		range.addr, range.len);
	if (geometry_unit_at(g, range.addr, &first) &&
		geometry_unit_at(g, (uint32_t)(span_end(range) - 1), &last))
		err_hint(e, "whole units around it: 0x%08" PRIX32 ":0x%" PRIX32, first.addr,
			last.addr + last.size - first.addr);
	return ERR_NO_FIT;
}

int memory_units(const struct device_facts *f, struct span range, struct erase_unit **ret,
	size_t *ret_n, struct err *e)
{
	const struct geometry *g = &f->geometry;
	struct erase_unit first, last, *units;
	int rc = need_erasable(f, e);

	if (rc < 0)
		return rc;
	if (range.len == 0 || !span_contains((struct span){g->base, g->size}, range)) {
		err_set(e, ERR_NO_FIT, "0x%08" PRIX32 ":0x%" PRIX32 " does not lie in flash",
			range.addr, range.len);
		err_hint(e, "the flash of this device is 0x%08" PRIX32 ":0x%" PRIX32, g->base,
			g->size);
		return ERR_NO_FIT;
	}
	if (!geometry_unit_at(g, range.addr, &first) ||
		!geometry_unit_at(g, (uint32_t)(span_end(range) - 1), &last) ||
		first.addr != range.addr || (uint64_t)last.addr + last.size != span_end(range))
		return not_whole_units(g, range, e);
	units = calloc(last.index - first.index + 1, sizeof(*units));
	if (units == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (uint32_t i = first.index; i <= last.index; i++)
		units[i - first.index] = geometry_unit(g, i);
	*ret = units;
	*ret_n = last.index - first.index + 1;
	return 0;
}
