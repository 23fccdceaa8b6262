/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry_test.c - finds out which lines are wired to BOOT0 and NRST
 */
#include <stmota/entry_test.h>

#include <stdio.h>

#include <stmota/bytes.h>
#include <stmota/link_uart.h>
#include <stmota/rom.h>
#include <stmota/signals.h>

#define LATE_MS 600 /* H7A3 needs 545 ms to start */

const char *entry_trial_text(enum trial_result result)
{
	static const char *const texts[] = {
		[TRIAL_SILENT] = "no bootloader answers",
		[TRIAL_NO_RESET] = "answers, but is not reset",
		[TRIAL_ALWAYS] = "is reset; its bootloader starts with BOOT0 low too",
		[TRIAL_WORKS] = "works",
	};

	return texts[result];
}

/* All combinations of two lines: which is NRST, and which of them a transistor inverts. */
static size_t combine(const struct device_url *u, struct entry ret[ENTRY_TRIALS_MAX])
{
	struct entry_pin a = {.wire = ENTRY_WIRE_DTR}, b = {.wire = ENTRY_WIRE_RTS};
	bool named =
		u->entry.nrst.wire != ENTRY_WIRE_NONE && u->entry.boot0.wire != ENTRY_WIRE_NONE;
	size_t n = 0;

	if (u->entry.way != ENTRY_BY_LINES) {
		ret[0] = u->entry;
		return 1;
	}
	if (named) {
		a = u->entry.nrst;
		b = u->entry.boot0;
	}
	for (unsigned i = 0; i < ENTRY_TRIALS_MAX; i++) {
		struct entry *en = &ret[n++];

		*en = u->entry;
		en->use_lines = true;
		en->nrst = (i & 4) != 0 ? b : a;
		en->boot0 = (i & 4) != 0 ? a : b;
		/* What is named comes first as it is named. */
		en->nrst.inverted ^= (i & 1) != 0;
		en->boot0.inverted ^= (i & 2) != 0;
	}
	return n;
}

/* The ROM's answer after a reset, late starters included. */
static int answer(struct link *l, enum rom_answer *ret, struct err *e)
{
	int rc = rom_listen(l, ret, e);

	if (rc < 0 || *ret != ROM_SILENT)
		return rc;
	clock_sleep_ms(l->clock, LATE_MS);
	return rom_listen(l, ret, e);
}

static int enter_and_listen(
	struct link *l, const struct entry *en, enum rom_answer *ret, struct err *e)
{
	int rc = entry_enter(l, en, e);

	return rc < 0 ? rc : answer(l, ret, e);
}

static int judge(struct link *l, const struct entry *en, enum trial_result *ret, struct err *e)
{
	enum rom_answer first, second;
	int rc = enter_and_listen(l, en, &first, e);

	*ret = TRIAL_SILENT;
	if (rc < 0 || (first != ROM_FRESH && first != ROM_SYNCED))
		return rc;
	/* It has had its sync byte: only a reset makes it take another one. */
	rc = enter_and_listen(l, en, &second, e);
	*ret = TRIAL_NO_RESET;
	if (rc < 0 || second != ROM_FRESH)
		return rc;
	*ret = TRIAL_ALWAYS;
	if (!entry_can_reset(en))
		return 0;
	rc = entry_leave(l, en, e);
	if (rc < 0)
		return rc;
	clock_sleep_ms(l->clock, LATE_MS);
	rc = rom_listen(l, &first, e);
	if (rc < 0 || first == ROM_FRESH || first == ROM_SYNCED)
		return rc;
	rc = enter_and_listen(l, en, &second, e);
	if (rc == 0 && second == ROM_FRESH)
		*ret = TRIAL_WORKS;
	return rc;
}

static int try_one(const struct device_url *u, struct entry_trial *t, struct err *e)
{
	struct uart_config cfg = {.path = u->path, .baud = u->baud};
	struct link *l = NULL;
	int rc = entry_hold(&t->entry, e);

	cfg.entry = t->entry;
	if (rc == 0)
		rc = link_uart_open(&cfg, &l, e);
	if (rc == 0 && entry_uses_modem_lines(&t->entry) && (l->caps & LINK_HAS_LINES) == 0) {
		rc = err_set(e, ERR_UNSUPPORTED, "%s has no modem lines", u->path);
		err_hint(e, "a pseudo terminal has none; name GPIO lines with boot0= and nrst=");
	}
	if (rc == 0)
		rc = judge(l, &t->entry, &t->result, e);
	/* The application runs again, where a line can make it. */
	if (l != NULL && (t->result == TRIAL_WORKS || t->result == TRIAL_ALWAYS) &&
		entry_can_reset(&t->entry))
		entry_leave(l, &t->entry, NULL);
	link_close(l);
	entry_release(&t->entry);
	t->entry.held = NULL;
	return rc;
}

/* The idle level of a wrong guess may be a reset that lasts: as a closed port leaves them. */
static void let_go(const struct device_url *u)
{
	struct uart_config cfg = {.path = u->path, .baud = u->baud, .entry = ENTRY_INIT};
	struct link *l = NULL;

	cfg.entry.nrst.wire = ENTRY_WIRE_DTR;
	cfg.entry.boot0 = (struct entry_pin){.wire = ENTRY_WIRE_RTS, .inverted = true};
	if (link_uart_open(&cfg, &l, NULL) == 0)
		link_close(l);
}

int entry_test(const struct device_url *u, const struct event_sink *events,
	struct entry_test_result *ret, struct err *e)
{
	struct event phase = {.type = EVENT_PHASE, .phase = "try"};
	struct entry combinations[ENTRY_TRIALS_MAX];
	size_t n = combine(u, combinations);
	bool modem = false;
	int rc = 0;

	if (u->scheme != DEVICE_UART)
		return err_set(e, ERR_UNSUPPORTED, "lines are found out over a serial port only");
	*ret = (struct entry_test_result){.best = -1};
	event_emit(events, &phase);
	for (size_t i = 0; i < n && rc == 0 && ret->best < 0; i++) {
		struct entry_trial *t = &ret->trials[ret->n];

		t->entry = combinations[i];
		modem = modem || entry_uses_modem_lines(&t->entry);
		rc = try_one(u, t, e);
		ret->n += rc == 0;
		/* A ROM that starts whatever BOOT0 is: no other combination can show more. */
		if (rc == 0 && t->result == TRIAL_ALWAYS)
			break;
		if (rc == 0 && t->result == TRIAL_WORKS)
			ret->best = (int)i;
		if (rc == 0)
			rc = signals_check(e);
	}
	if (ret->best < 0 && modem)
		let_go(u);
	return rc;
}
