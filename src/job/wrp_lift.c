/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wrp_lift.c - write protection out of the way for one update, and back again
 *
 * What stood is written to the state file, synced, before the device is touched; it leaves the file
 * only when it was read back from the device. So whatever cuts the update short, the next run knows
 * what to put back.
 */
#include <stmota/protect_job.h>

#include <string.h>

#include <stmota/log.h>

#define READ_TRIES 3

static const struct chip_bits *field_of(const struct chip *c, const struct lifted_field *l)
{
	for (size_t i = 0; i < c->options.n_wrp; i++) {
		const struct chip_bits *f = &c->options.wrp[i];

		if (f->addr == l->addr && f->bit == l->bit && f->width == l->width)
			return f;
	}
	return NULL;
}

/* After a failure the conversation may be out of step: lined up once in a while. */
static int read_words(struct device *d, struct option_words *ret, struct err *e)
{
	int rc = 0;

	for (int i = 0; i < READ_TRIES; i++) {
		rc = option_read(d, ret, e);
		if (rc == 0 || !err_is_transient((enum err_code)rc))
			return rc;
		rc = device_recover(d, e);
		if (rc < 0)
			return rc;
	}
	return option_read(d, ret, e);
}

/* ---- back ---- */

static int put_back_words(
	struct device *d, const struct lifted *l, const struct event_sink *events, struct err *e)
{
	struct option_limits limits = {
		.max_writes = OPTION_BLOCKS_MAX, .write_max = d->target->write_max};
	struct option_want want[LIFTED_FIELDS];
	struct option_words words;
	struct option_plan plan;
	enum option_outcome outcome;
	int rc;

	for (size_t i = 0; i < l->n; i++) {
		const struct chip_bits *f = field_of(d->facts.chip, &l->field[i]);

		if (f == NULL)
			return err_set(e, ERR_FORMAT,
				"the state file names an option word that %s does not have",
				d->facts.chip->name);
		want[i] = (struct option_want){f->name, f, l->field[i].value};
	}
	rc = read_words(d, &words, e);
	if (rc == 0)
		rc = option_plan_make(&words, want, l->n, &limits, &plan, e);
	return rc == 0 ? option_execute(d, &plan, events, &outcome, e) : rc;
}

int wrp_put_back(struct device *d, struct state *s, const struct event_sink *events, struct err *e)
{
	static const struct lifted none;
	const struct lifted *l = state_lifted(s);
	struct event note = {
		.type = EVENT_NOTE, .text = "putting back the write protection that was lifted"};
	int rc;

	if (l == NULL)
		return 0;
	event_emit(events, &note);
	rc = put_back_words(d, l, events, e);
	if (rc < 0)
		return err_wrap(e, "the lifted write protection could not be put back");
	return state_set_lifted(s, &none, e);
}

/* ---- away ---- */

/* The units of the image that are protected; `whole`: all of each protected area that they touch. */
static size_t in_the_way(const struct device_facts *f, const struct segments *image, bool whole,
	struct span *ret, size_t max)
{
	size_t n = 0;

	for (size_t k = 0; k < image->n; k++) {
		uint64_t addr = image->v[k].addr, end = addr + image->v[k].len;
		struct erase_unit u;

		while (addr < end && n < max &&
			geometry_unit_at(&f->geometry, (uint32_t)addr, &u)) {
			struct span unit = {u.addr, u.size};

			addr = (uint64_t)u.addr + u.size;
			for (size_t i = 0; i < f->n_wrp; i++) {
				struct span at = whole ? f->wrp[i] : unit;

				if (!span_overlaps(unit, f->wrp[i]))
					continue;
				/* Neighbours are one. */
				if (n > 0 && span_end(ret[n - 1]) == at.addr)
					ret[n - 1].len += at.len;
				else if (n == 0 || !span_contains(ret[n - 1], at))
					ret[n++] = at;
				break;
			}
		}
	}
	return n;
}

/* A chip may not be able to open just these units: then the whole areas they lie in. */
static int plan_lift(struct device *d, const struct segments *image, struct wrp_change *ret,
	bool *ret_needed, struct err *e)
{
	struct span ways[DEVICE_MAX_WRP];
	int rc = 0;

	for (int whole = 0; whole <= 1; whole++) {
		size_t n = in_the_way(&d->facts, image, whole == 1, ways, DEVICE_MAX_WRP);

		*ret_needed = n > 0;
		if (n == 0)
			return 0;
		rc = protect_plan_wrp(d, false, ways, n, ret, e);
		if (rc != ERR_NO_FIT)
			break;
	}
	if (rc == 0 && ret->by_command)
		return err_set(e, ERR_UNSUPPORTED,
			"write protection of %s cannot be put back over this connection",
			d->facts.chip->name);
	return rc;
}

/* What stood before, next to what an earlier run recorded: the older record counts. */
static int record(struct state *s, const struct option_plan *p, struct err *e)
{
	struct lifted l = {0};

	if (state_lifted(s) != NULL)
		l = *state_lifted(s);
	for (size_t i = 0; i < p->n_changes; i++) {
		const struct chip_bits *f = p->change[i].field;
		bool known = false;

		for (size_t k = 0; k < l.n; k++)
			known |= l.field[k].addr == f->addr && l.field[k].bit == f->bit &&
				 l.field[k].width == f->width;
		if (known)
			continue;
		if (l.n == LIFTED_FIELDS)
			return err_set(e, ERR_UNSUPPORTED, "too many option words to remember");
		l.field[l.n++] =
			(struct lifted_field){f->addr, f->bit, f->width, p->change[i].from};
	}
	return state_set_lifted(s, &l, e);
}

int wrp_lift(struct device *d, struct state *s, const struct segments *image,
	const struct event_sink *events, struct err *e)
{
	struct event note = {.type = EVENT_NOTE,
		.text = "write protection is lifted for this update, and put back after it"};
	struct wrp_change c;
	enum option_outcome outcome;
	bool needed = false;
	int rc = plan_lift(d, image, &c, &needed, e);

	if (rc < 0 || !needed)
		return rc;
	rc = record(s, &c.plan, e);
	if (rc < 0)
		return rc;
	event_emit(events, &note);
	rc = protect_apply_wrp(d, &c, events, &outcome, e);
	if (rc == 0 && outcome == OPTION_PENDING) {
		err_set(e, ERR_UNFINISHED,
			"the lift of the write protection waits for the next power-up of the device");
		rc = err_hint(e, "cut its power, then run the same command again");
	}
	return rc < 0 ? err_wrap(e, "lift of the write protection") : 0;
}
