/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protect_job.c - changes of write and read-out protection
 *
 * Write protection is set in option words, unit by unit, because they say exactly what is
 * protected; the bootloader's own command replaces all of it at once and does not check its
 * numbers. Read-out protection is changed by the bootloader's commands; USB DFU has none to set it,
 * so there level 1 is an option write, which may change nothing else.
 */
#include <stmota/protect_job.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/dfu.h>

/* ---- spans as sets ---- */

static int by_addr(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* `v` and `ranges`, joined and in order. */
static int join(
	struct span *v, size_t *n, const struct span *ranges, size_t n_ranges, struct err *e)
{
	size_t last = 0;

	if (*n + n_ranges > DEVICE_MAX_WRP)
		return err_set(e, ERR_USAGE, "more than %d areas", DEVICE_MAX_WRP);
	if (n_ranges > 0)
		memcpy(v + *n, ranges, n_ranges * sizeof(*v));
	*n += n_ranges;
	if (*n == 0)
		return 0;
	qsort(v, *n, sizeof(*v), by_addr);
	for (size_t i = 1; i < *n; i++) {
		if (v[i].addr > span_end(v[last]))
			v[++last] = v[i];
		else if (span_end(v[i]) > span_end(v[last]))
			v[last].len = (uint32_t)(span_end(v[i]) - v[last].addr);
	}
	*n = last + 1;
	return 0;
}

/* `v` without `cut`. */
static int subtract(struct span *v, size_t *n, struct span cut, struct err *e)
{
	struct span out[DEVICE_MAX_WRP];
	size_t m = 0;

	for (size_t i = 0; i < *n; i++) {
		uint64_t a = v[i].addr, b = span_end(v[i]);

		if (m + 2 > DEVICE_MAX_WRP)
			return err_set(e, ERR_USAGE, "more than %d areas", DEVICE_MAX_WRP);
		if (!span_overlaps(v[i], cut)) {
			out[m++] = v[i];
			continue;
		}
		if (a < cut.addr)
			out[m++] = (struct span){v[i].addr, (uint32_t)(cut.addr - a)};
		if (b > span_end(cut))
			out[m++] = (struct span){
				(uint32_t)span_end(cut), (uint32_t)(b - span_end(cut))};
	}
	memcpy(v, out, m * sizeof(*v));
	*n = m;
	return 0;
}

/* ---- write protection ---- */

static int check_known(const struct device_facts *f, struct err *e)
{
	if (f->read_refused || f->rdp == RDP_1 || f->rdp == RDP_2) {
		err_set(e, ERR_PROTECTED,
			"read-out protection is on: write protection can be neither read nor changed");
		return err_hint(e, "'stmota protect status' says what lifting it would destroy");
	}
	if (!f->has_geometry)
		return err_set(e, ERR_UNSUPPORTED, "the erase units of this chip are not known: %s",
			f->geometry_why);
	if (f->banks_assumed) {
		err_set(e, ERR_UNSUPPORTED,
			"it cannot be read whether this chip runs in single or dual bank mode");
		return err_hint(e,
			"say it in the configuration: 'banks = single' or 'banks = dual' "
			"in the [device] section");
	}
	if (!f->wrp_known)
		return err_set(e, ERR_UNSUPPORTED, "%s", f->wrp_why);
	return 0;
}

static int check_units(const struct geometry *g, struct span range, struct err *e)
{
	struct span flash = {g->base, g->size};
	struct erase_unit first = {0}, last = {0};
	struct span whole;

	if (range.len == 0 || !span_contains(flash, range)) {
		err_set(e, ERR_NO_FIT,
			"0x%08" PRIX32 ":%" PRIu32 " is not in the flash of this chip", range.addr,
			range.len);
		return err_hint(
			e, "its flash is 0x%08" PRIX32 ":0x%" PRIX32, flash.addr, flash.len);
	}
	geometry_unit_at(g, range.addr, &first);
	geometry_unit_at(g, (uint32_t)(span_end(range) - 1), &last);
	whole = (struct span){first.addr, last.addr + last.size - first.addr};
	if (whole.addr == range.addr && whole.len == range.len)
		return 0;
	err_set(e, ERR_NO_FIT, "0x%08" PRIX32 ":%" PRIu32 " is not made of whole erase units",
		range.addr, range.len);
	return err_hint(
		e, "--range 0x%08" PRIX32 ":0x%" PRIX32 " covers it", whole.addr, whole.len);
}

/* Never over I2C on WB: its Write Unprotect is a Readout Unprotect and erases everything. */
static bool command_is_safe(const struct device *d)
{
	const struct target *t = d->target;
	bool uart = strcmp(d->facts.transport, "uart") == 0;

	return uart && t->ops->protect != NULL && t->info.commands[0x73] != 0 &&
	       strcmp(d->facts.chip->series, "WB") != 0;
}

/* Changes of WRP fields of two banks lie in two blocks: two writes, and no way around it. */
static int plan_words(
	struct device *d, const struct option_words *words, struct wrp_change *c, struct err *e)
{
	struct chip_wrp_value values[CHIP_WRP_VALUES];
	struct option_want want[CHIP_WRP_VALUES];
	struct option_limits limits = {
		.max_writes = OPTION_BLOCKS_MAX, .write_max = d->target->write_max};
	size_t n = 0;
	int rc = chip_wrp_values(&d->facts.geometry, option_words_reader, (void *)words, c->after,
		c->n_after, values, &n, e);

	for (size_t i = 0; rc == 0 && i < n; i++)
		want[i] = (struct option_want){
			values[i].field->name, values[i].field, values[i].value};
	return rc == 0 ? option_plan_make(words, want, n, &limits, &c->plan, e) : rc;
}

int protect_plan_wrp(struct device *d, bool on, const struct span *ranges, size_t n,
	struct wrp_change *ret, struct err *e)
{
	const struct device_facts *f = &d->facts;
	struct span all = {f->geometry.base, f->geometry.size};
	struct option_words words;
	int rc = check_known(f, e);

	if (rc < 0)
		return rc;
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->before, f->wrp, f->n_wrp * sizeof(*f->wrp));
	memcpy(ret->after, f->wrp, f->n_wrp * sizeof(*f->wrp));
	ret->n_before = ret->n_after = f->n_wrp;
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = check_units(&f->geometry, ranges[i], e);
	if (rc == 0 && on)
		rc = join(ret->after, &ret->n_after, n > 0 ? ranges : &all, n > 0 ? n : 1, e);
	for (size_t i = 0; rc == 0 && !on && i < (n > 0 ? n : 1); i++)
		rc = subtract(ret->after, &ret->n_after, n > 0 ? ranges[i] : all, e);
	if (rc == 0)
		rc = option_read(d, &words, e);
	if (rc == 0)
		rc = plan_words(d, &words, ret, e);
	if (rc == ERR_UNSUPPORTED && ret->n_after == 0 && ret->n_before > 0 && command_is_safe(d)) {
		err_clear(e);
		ret->by_command = true;
		return 0;
	}
	return rc;
}

static int check_result(const struct device_facts *f, const struct wrp_change *c, struct err *e)
{
	if (f->wrp_known && f->n_wrp == c->n_after &&
		(c->n_after == 0 || memcmp(f->wrp, c->after, c->n_after * sizeof(*f->wrp)) == 0))
		return 0;
	err_set(e, ERR_VERIFY, "write protection is not what it should be now");
	return err_hint(e, "'stmota protect status' shows what it is");
}

int protect_apply_wrp(struct device *d, const struct wrp_change *c, const struct event_sink *events,
	enum option_outcome *ret, struct err *e)
{
	int rc;

	*ret = OPTION_STOOD;
	if (!c->by_command) {
		rc = option_execute(d, &c->plan, events, ret, e);
		return rc == 0 && *ret == OPTION_DONE ? check_result(&d->facts, c, e) : rc;
	}
	rc = d->target->ops->protect(d->target, TARGET_WRITE_UNPROTECT, NULL, 0, e);
	if (rc < 0 && !err_is_transient((enum err_code)rc))
		return rc;
	rc = option_after_reset(d, "Write Unprotect was sent", events, e);
	if (rc == 0)
		rc = check_result(&d->facts, c, e);
	if (rc == 0)
		*ret = OPTION_DONE;
	return rc;
}

int protect_clear_wrp(struct device *d, const struct event_sink *events, struct err *e)
{
	enum option_outcome outcome;
	struct wrp_change *c;
	int rc;

	if (d->facts.wrp_known && d->facts.n_wrp == 0)
		return 0;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	/* No row of `after`: nothing is protected then. */
	c->by_command = !d->facts.wrp_known && command_is_safe(d);
	rc = c->by_command ? 0 : protect_plan_wrp(d, false, NULL, 0, c, e);
	if (rc == 0)
		rc = protect_apply_wrp(d, c, events, &outcome, e);
	free(c);
	return rc;
}

/* ---- read-out protection ---- */

int protect_check_rdp(const struct device_facts *f, unsigned level, bool *ret_erases,
	bool *ret_stands, struct err *e)
{
	*ret_erases = *ret_stands = false;
	if (f->chip->options.n_rdp == 0) {
		err_set(e, ERR_UNSUPPORTED, "%s has no read-out protection level that is confirmed",
			f->chip->name);
		return err_hint(e, "newer chips have PRODUCT_STATE: no command of this program "
				   "changes it");
	}
	switch (f->rdp) {
	case RDP_2: return err_set(e, ERR_PROTECTED, "read-out protection is at level 2, for ever");
	case RDP_0_5:
		return err_set(e, ERR_UNSUPPORTED,
			"read-out protection is at level 0.5: changes from there are not built");
	case RDP_UNKNOWN:
		return err_set(e, ERR_UNSUPPORTED,
			"the read-out protection could not be read: nothing is sent on a guess");
	case RDP_0: *ret_stands = level == 0; return 0;
	default:
		*ret_stands = level == 1;
		*ret_erases = level == 0;
		return 0;
	}
}

static int prove_rdp(const struct device_facts *f, unsigned level, struct err *e)
{
	if (level == 1 ? f->read_refused || f->rdp == RDP_1 : !f->read_refused && f->rdp == RDP_0)
		return 0;
	err_set(e, ERR_VERIFY, "the device does not show read-out protection level %u", level);
	return err_hint(e, "some chips take it over at the next power-up only: cut the power, then "
			   "'stmota protect status'");
}

/* The bytes cannot be read afterwards: that is the proof. */
static int set_rdp_1_by_option(struct device *d, const struct event_sink *events, struct err *e)
{
	struct option_limits limits = {.write_max = d->target->write_max};
	struct option_words words;
	struct option_plan plan;
	int rc = option_read(d, &words, e);

	if (rc == 0)
		rc = option_plan_rdp_1(&words, &limits, &plan, e);
	if (rc == 0)
		rc = option_write(d, &plan, events, e);
	return rc == 0 ? prove_rdp(&d->facts, 1, e) : rc;
}

int protect_set_rdp(struct device *d, unsigned level, bool erase_everything,
	const struct event_sink *events, struct err *e)
{
	enum target_protect what = level == 0 ? TARGET_READ_UNPROTECT : TARGET_READ_PROTECT;
	bool erases = false, stands = false;
	int rc = protect_check_rdp(&d->facts, level, &erases, &stands, e);

	if (rc < 0 || stands)
		return rc;
	if (erases && !erase_everything)
		return err_set(e, ERR_USAGE, "this erases everything and was not asked for");
	if (level == 1 && target_is_dfu(d->target))
		return set_rdp_1_by_option(d, events, e);
	if (d->target->ops->protect == NULL)
		return err_set(
			e, ERR_UNSUPPORTED, "the bootloader of this device has no command for it");
	rc = d->target->ops->protect(d->target, what, NULL, 0, e);
	if (rc < 0 && !err_is_transient((enum err_code)rc))
		return rc;
	rc = option_after_reset(d,
		level == 0 ? "Readout Unprotect was sent" : "Readout Protect was sent", events, e);
	return rc == 0 ? prove_rdp(&d->facts, level, e) : rc;
}
