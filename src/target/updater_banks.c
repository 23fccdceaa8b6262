/* SPDX-License-Identifier: Apache-2.0 */
/*
 * updater_banks.c - walks the sequence of AN4767, wherever it was left
 *
 * Before each step the menu is read, twice, and the step follows from that. So a power cut, a lost
 * host or a person at the keyboard in between changes what is done next, not whether it is right.
 */
#include "updater_menu_priv.h"

#include <stdio.h>
#include <string.h>

#include <stmota/digest.h>

#include "bank_swap.h"

#define READ_TRIES  3
#define ACTIONS_MAX 24 /* the longest way has eight; more is a device that goes round */

/* ---- what the device says ---- */

static int read_once(struct menu_updater *mu, bool anew, struct bank_now *ret, struct err *e)
{
	const struct playbook *p = mu->p;
	bool is[2], system[2];
	int rc = menu_reach(&mu->menu, anew, e);

	if (rc < 0)
		return rc;
	for (int i = 0; i < 2; i++) {
		is[i] = talk_has(mu->talk, &p->bank[i]);
		system[i] = talk_has(mu->talk, &p->system[i]);
	}
	if (is[0] == is[1] || system[0] == system[1])
		return err_set(e, ERR_PROTOCOL,
			"its menu does not say which bank runs, or which one a reset starts");
	*ret = (struct bank_now){.bank = is[1] ? 2 : 1, .system = system[1]};
	return 0;
}

/* Nothing on the line has a checksum: two readings that agree steer what is written. */
static int read_state(struct menu_updater *mu, struct bank_now *ret, struct err *e)
{
	struct bank_now first = {0}, second = {0};
	int rc = 0;

	for (int i = 0; i < READ_TRIES; i++) {
		rc = read_once(mu, true, &first, e);
		if (rc == 0)
			rc = read_once(mu, true, &second, e);
		if (rc == 0 && first.bank == second.bank && first.system == second.system) {
			*ret = first;
			return 0;
		}
		if (rc == 0)
			rc = err_set(e, ERR_PROTOCOL, "its menu says something else each time");
		if (rc != ERR_PROTOCOL)
			break;
	}
	return rc;
}

/* ---- doing ---- */

struct walk {
	struct menu_updater *mu;
	const struct updater_file *f;
	struct bank_journal j;
	const char *path;
	bool final; /* trying again would not help */
};

static int note(struct walk *w, enum bank_stage stage, struct err *e)
{
	w->j.stage = stage;
	transcript_note(
		w->mu->talk->transcript, "stage %d, target bank %d", (int)stage, w->j.target);
	return bank_journal_save(w->path, &w->j, e);
}

static int step(struct walk *w, const char *name, struct err *e)
{
	struct event ev = {.type = EVENT_NOTE, .text = name};
	char said[PLAYBOOK_TEXT_SIZE], text[80];

	snprintf(text, sizeof(text), "%s the %s", name,
		strcmp(name, "select") == 0 ? "running bank for resets" : "other bank");
	ev.text = text;
	event_emit(w->mu->u.events, &ev);
	return menu_step(&w->mu->menu, playbook_step(w->mu->p, name), said, sizeof(said), e);
}

/* What the device says about the new content of a bank: then it is not what it should be. */
static int check_other(struct walk *w, struct err *e)
{
	int rc = step(w, "check", e);

	if (rc != ERR_NACK)
		return rc;
	e->code = ERR_VERIFY;
	return ERR_VERIFY;
}

static int send_file(struct walk *w, const struct bank_now *now, struct err *e)
{
	char said[PLAYBOOK_TEXT_SIZE];
	int rc;

	w->j.target = 3 - now->bank;
	rc = sha256(w->f->data, w->f->len, w->j.image, e);
	if (rc == 0)
		rc = note(w, BANK_SENDING, e);
	if (rc == 0)
		rc = updater_menu_session(w->mu, w->f, false, said, sizeof(said), &w->final, e);
	if (rc == 0)
		rc = check_other(w, e);
	return rc == 0 ? note(w, BANK_SENT, e) : rc;
}

static int copy(struct walk *w, struct err *e)
{
	int rc = note(w, BANK_COPYING, e);

	if (rc == 0)
		rc = step(w, "rewrite", e);
	if (rc == 0)
		rc = check_other(w, e);
	return rc == 0 ? note(w, BANK_COPIED, e) : rc;
}

/*
 * Runs the other bank. If it does not start there, a reset goes back, and what that bank holds is
 * not believed any more: the next attempt writes it anew.
 */
static int change_over(struct walk *w, const struct bank_now *now, struct err *e)
{
	struct bank_now then = {0};
	int rc = step(w, "switch", e);

	if (rc == 0)
		rc = read_once(w->mu, false, &then, e);
	if (rc == 0 && then.bank == now->bank)
		rc = err_set(e, ERR_VERIFY, "bank %d does not start: bank %d runs still",
			3 - now->bank, now->bank);
	if (rc == ERR_TIMEOUT) {
		err_set(e, ERR_VERIFY, "the program in bank %d does not show its menu",
			3 - now->bank);
		err_hint(e, "a reset of the device starts bank %d again", now->bank);
		rc = ERR_VERIFY;
	}
	if (rc == ERR_VERIFY || rc == ERR_NACK) {
		struct err ignored = ERR_INIT;

		note(w, w->j.stage == BANK_COPIED ? BANK_PROVEN : BANK_SENDING, &ignored);
	}
	return rc;
}

static int act(struct walk *w, enum bank_action action, const struct bank_now *now, struct err *e)
{
	struct bank_now then;
	int rc;

	switch (action) {
	case BANK_DO_SEND: return send_file(w, now, e);
	case BANK_DO_COPY: return copy(w, e);
	case BANK_DO_SWITCH: return change_over(w, now, e);
	default: break;
	}
	rc = step(w, "select", e);
	if (rc == 0)
		rc = read_once(w->mu, false, &then, e);
	if (rc == 0 && then.system == now->system)
		rc = err_set(e, ERR_PROTOCOL, "the option bit has not changed");
	return rc;
}

static int walk(struct walk *w, struct bank_now *now, struct err *e)
{
	unsigned failures = 0;
	int rc = 0;

	for (unsigned i = 0; i < ACTIONS_MAX; i++) {
		enum bank_action action;

		rc = read_state(w->mu, now, e);
		if (rc == 0) {
			transcript_note(w->mu->talk->transcript, "bank %d runs, option bit %s",
				now->bank, now->system ? "set" : "clear");
			action = bank_next(now, &w->j, w->mu->p->both_banks);
			if (action == BANK_DO_NOTHING)
				return 0;
			if (action == BANK_DO_COPY && w->j.stage == BANK_SENT)
				rc = note(w, BANK_PROVEN, e);
			if (rc == 0)
				rc = act(w, action, now, e);
		}
		if (rc == 0)
			continue;
		if (w->final || (rc != ERR_VERIFY && !err_is_transient((enum err_code)rc)) ||
			failures++ >= w->mu->p->restarts)
			return rc;
		rc = updater_menu_back_off(w->mu, failures, e->msg, e);
		if (rc < 0)
			return rc;
	}
	return err_set(e, ERR_PROTOCOL, "the device does not come to an end of its banks");
}

int updater_menu_banks(struct menu_updater *mu, const struct updater_file *f, char *ret_said,
	size_t size, struct err *e)
{
	struct walk w = {.mu = mu, .f = f, .path = mu->journal[0] != '\0' ? mu->journal : NULL};
	struct bank_now now = {0};
	uint8_t image[SHA256_SIZE];
	int rc = sha256(f->data, f->len, image, e);

	if (rc < 0)
		return rc;
	bank_journal_load(w.path, &w.j);
	/* Of another file only this is of use: which bank holds nothing. */
	if (memcmp(w.j.image, image, sizeof(image)) != 0 && w.j.stage != BANK_SENDING &&
		w.j.stage != BANK_COPYING)
		w.j.stage = BANK_NOTHING;
	if (memcmp(w.j.image, image, sizeof(image)) != 0 && w.j.stage == BANK_COPYING) {
		w.j.stage = BANK_SENDING;
		w.j.target = 3 - w.j.target;
	}
	rc = walk(&w, &now, e);
	if (rc < 0)
		return rc;
	snprintf(
		ret_said, size, "%s, %s", mu->p->bank[now.bank - 1].s, mu->p->system[now.system].s);
	w.j.stage = BANK_NOTHING;
	return bank_journal_save(w.path, &w.j, e);
}
