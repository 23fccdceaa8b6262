/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/bank_numbers.h>

#include <string.h>

#include <stmota/bytes.h>
#include <stmota/log.h>
#include <stmota/signals.h>

#define PIECE 256
#define MARK  32 /* a multiple of what any chip programs at once */

static const uint8_t mark[MARK + 1] = "stmota: which bank is this unit?";

struct asking {
	struct device *d;
	const struct geometry *g;
	struct erase_unit lower, upper; /* the same unit of either half */
	struct state *state;            /* NULL: what is begun is not remembered */
	struct span *marking;
	bool marked; /* the upper one is */
	bool torn;   /* an earlier mark in it was cut short */
	struct err *e;
};

static int read_at(const struct asking *a, uint32_t addr, uint8_t *buf, uint32_t len)
{
	int rc = signals_check(a->e);

	return rc < 0 ? rc : a->d->target->ops->read(a->d->target, addr, buf, len, a->e);
}

/* Blank from `from` to the end of the unit, or of the first piece if `first_only`. */
static int is_blank(const struct asking *a, const struct erase_unit *u, uint32_t from,
	bool first_only, bool *ret)
{
	uint32_t end = first_only && u->size > PIECE ? PIECE : u->size;
	uint8_t now[PIECE];

	*ret = true;
	for (uint32_t off = from; *ret && off < end;) {
		uint32_t len = end - off < PIECE ? end - off : PIECE;
		int rc = read_at(a, u->addr + off, now, len);

		if (rc < 0)
			return rc;
		*ret = bytes_all(now, len, a->g->chip->erased_value);
		off += len;
	}
	return 0;
}

static int is_marked(const struct asking *a, bool *ret)
{
	uint8_t now[MARK];
	int rc = read_at(a, a->upper.addr, now, MARK);

	*ret = rc == 0 && memcmp(now, mark, MARK) == 0;
	return rc;
}

static bool was_begun(const struct asking *a)
{
	return a->marking->len == a->upper.size && a->marking->addr == a->upper.addr;
}

/* A pair of units that hold nothing; an earlier run may have left its mark, or a part of it. */
static int is_free(struct asking *a, bool *ret)
{
	int rc = is_marked(a, &a->marked);

	*ret = false;
	a->torn = !a->marked && was_begun(a);
	for (int whole = 0; rc == 0 && whole <= 1; whole++) {
		bool quick = whole == 0;

		rc = is_blank(a, &a->upper, a->marked || a->torn ? MARK : 0, quick, ret);
		if (rc == 0 && *ret)
			rc = is_blank(a, &a->lower, 0, quick, ret);
		if (!*ret)
			break;
	}
	return rc;
}

/* From the end down: programs fill a bank from its start. */
static int find_pair(struct asking *a)
{
	bool found = false;
	int rc = 0;

	for (uint32_t i = a->g->n_bank1; rc == 0 && !found && i-- > 0;) {
		a->lower = geometry_unit(a->g, i);
		a->upper = geometry_unit(a->g, i + a->g->n_bank1);
		rc = is_free(a, &found);
	}
	if (rc < 0 || found)
		return rc;
	err_set(a->e, ERR_UNSUPPORTED,
		"the banks are swapped, and no erase unit is blank in both of them: how this "
		"bootloader numbers them now cannot be tried out without a loss");
	return err_hint(a->e, "leave one unit of a bank free at its end, or write SWAP_BANK back "
			      "first: stmota option set");
}

static int erase_number(const struct asking *a, const struct erase_unit *u, uint32_t number)
{
	struct erase_unit named = *u;

	named.number = (uint16_t)number;
	named.erase_shift = 0;
	return a->d->target->ops->erase(a->d->target, &named, 1, a->e);
}

/* Both of the pair, which hold nothing: whichever number means which, the two are the two. */
static int wipe(const struct asking *a)
{
	uint32_t at = a->lower.index;
	int rc = erase_number(a, &a->lower, at);

	return rc < 0 ? rc : erase_number(a, &a->upper, a->g->bank2_number + at);
}

/*
 * A unit whose erase was cut short may read blank and yet not take a word, since its check bits are
 * neither here nor there: it is erased before it is given up.
 */
static int put_mark(const struct asking *a)
{
	struct target *t = a->d->target;
	bool there = a->marked;
	int rc = 0;

	*a->marking = (struct span){a->upper.addr, a->upper.size};
	if (a->state != NULL)
		state_note_current(a->state, *a->marking);
	for (int again = 0; rc == 0 && !there && again <= 1; again++) {
		if (a->torn || again > 0)
			rc = wipe(a);
		if (rc == 0)
			rc = t->ops->write(t, a->upper.addr, mark, MARK, a->e);
		if (rc == 0)
			rc = is_marked(a, &there);
	}
	if (rc == 0 && !there) {
		err_set(a->e, ERR_VERIFY, "what was written to 0x%08X is not there", a->upper.addr);
		rc = err_hint(a->e, "the area may be write-protected: see 'stmota protect status'");
	}
	return rc;
}

/* Erases `u` by its name while the banks are not swapped; is the mark gone? */
static int erase_named(
	const struct asking *a, const struct erase_unit *u, uint32_t number, bool *ret_gone)
{
	bool there = true;
	int rc = erase_number(a, u, number);

	if (rc == 0)
		rc = is_marked(a, &there);
	if (rc == 0 && !there)
		rc = is_blank(a, &a->upper, 0, true, ret_gone);
	if (rc == 0 && there)
		*ret_gone = false;
	if (rc == 0 && !there && !*ret_gone)
		rc = err_set(a->e, ERR_VERIFY, "0x%08X was erased but is not blank", a->upper.addr);
	return rc;
}

static int ask(struct asking *a, bool *ret_crossed)
{
	uint32_t at = a->lower.index;
	bool gone = false;
	int rc = put_mark(a);

	if (rc == 0)
		rc = erase_named(a, &a->lower, at, &gone);
	*ret_crossed = gone;
	if (rc < 0 || gone)
		return rc;
	/* It was the other one, which is blank. The proof is that the other number does it. */
	rc = erase_named(a, &a->upper, a->g->bank2_number + at, &gone);
	if (rc < 0 || gone)
		return rc;
	err_set(a->e, ERR_UNSUPPORTED,
		"the banks are swapped, and no number erases the unit at 0x%08X", a->upper.addr);
	return err_hint(a->e, "the area may be write-protected: see 'stmota protect status'");
}

int bank_numbers_find(struct device *d, struct state *state, struct span *marking,
	const struct event_sink *events, struct err *e)
{
	struct err own = ERR_INIT;
	struct asking a = {.d = d,
		.g = &d->facts.geometry,
		.state = state,
		.marking = marking,
		.e = e != NULL ? e : &own};
	struct event note = {.type = EVENT_NOTE,
		.text = "the banks are swapped: which erase units their numbers mean now is tried "
			"out on two blank ones"};
	bool crossed = false;
	int rc;

	if (!d->facts.geometry.numbers_open)
		return 0;
	rc = geometry_need_numbers(a.g, 0, a.g->n_units, a.e);
	if (rc < 0)
		return rc;
	event_emit(events, &note);
	rc = find_pair(&a);
	if (rc == 0)
		rc = ask(&a, &crossed);
	if (rc < 0)
		return err_wrap(a.e, "erase units");
	log_info("the numbers of erase units mean the %s", crossed ? "bank" : "address");
	geometry_settle_numbers(&d->facts.geometry, crossed);
	return 0;
}
