/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/trial.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <stmota/backup.h>
#include <stmota/cleanup.h>
#include <stmota/fs.h>
#include <stmota/option_job.h>

struct trial {
	struct device *d;
	const struct trial_request *rq;
	struct trial_result *ret;
	struct segments old; /* of the backup; empty: none was needed */
	bool unfinished;     /* an earlier run was interrupted */
	uint32_t rom_baud;   /* what the port speaks with the bootloader */
};

static void note(const struct trial *t, const char *text)
{
	event_emit(t->rq->flash.events, &(struct event){.type = EVENT_NOTE, .text = text});
}

/* ---- before ---- */

int trial_check(const struct device *d, const struct trial_request *rq, struct err *e)
{
	bool leads_back = rq->backup != NULL || rq->bank != NULL;

	if (rq->proof == NULL)
		return 0;
	if (proof_check_port(rq->proof, d->target->link, e) < 0)
		return ERR_USAGE;
	if (rq->after == AFTER_NONE || !rq->has_start)
		return err_set(e, ERR_USAGE,
			"only a program that is started can confirm: leave out %s",
			rq->has_start ? "--after none" : "--confirm");
	if (rq->bank != NULL && rq->bank->by_rom && !d->facts.can_reset) {
		err_set(e, ERR_USAGE, "only a reset starts the bank that the option bytes choose");
		return err_hint(e, "wire NRST, or leave out --confirm and reset the board by hand");
	}
	if (!leads_back || entry_can_enter(&d->url.entry) || rq->flash.entry_by_hand)
		return 0;
	err_set(e, ERR_USAGE,
		"if the program is not confirmed, somebody must bring the device back into its "
		"bootloader by hand");
	return err_hint(e, "wire BOOT0 and NRST, or accept it with --entry-by-hand (and --wait)");
}

/* The plan is made, nothing is touched: now or never. */
static int on_plan(void *ctx, const struct flash_plan *plan, struct err *e)
{
	struct trial *t = ctx;
	const struct flash_request *f = &t->rq->flash;
	int rc = f->on_plan != NULL ? f->on_plan(f->on_plan_ctx, plan, e) : 0;

	if (rc != 0 || t->rq->backup == NULL)
		return rc;
	/* All is there, but an interrupted run has not seen the proof: its backup still counts. */
	if (plan->n_steps == 0 && !(t->unfinished && fs_exists(t->rq->backup)))
		return 0;
	if (t->rq->own_backup && !t->unfinished)
		unlink(t->rq->backup);
	rc = backup_take(t->d, plan->survey, t->rq->backup, t->unfinished, f->events, &t->old,
		&t->ret->backup_kept, e);
	t->ret->backup_taken = rc == 0 && !t->ret->backup_kept;
	return rc;
}

/* ---- the other bank ---- */

/* Plans the option write that makes the bit `value`; carries it out too if `write`. */
static int set_bank(struct trial *t, uint32_t value, bool write, struct err *e)
{
	const struct bank_move *m = t->rq->bank;
	struct option_want want = {.name = m->bit->name, .field = m->bit, .value = value};
	struct option_limits limits = {.write_max = t->d->target->write_max};
	struct option_words *now = calloc(1, sizeof(*now));
	struct option_plan *plan = calloc(1, sizeof(*plan));
	enum option_outcome outcome = OPTION_STOOD;
	int rc = 0;

	if (now == NULL || plan == NULL)
		rc = err_set(e, ERR_NOMEM, "out of memory");
	if (rc == 0)
		rc = option_read(t->d, now, e);
	if (rc == 0)
		rc = option_plan_make(now, &want, 1, &limits, plan, e);
	if (rc == 0 && write)
		rc = option_execute(t->d, plan, t->rq->flash.events, &outcome, e);
	if (rc == 0 && outcome == OPTION_PENDING)
		rc = err_set(e, ERR_UNFINISHED,
			"%s = %u takes effect at the next power-up only: power the board off and on",
			m->bit->name, value);
	free(now);
	free(plan);
	return rc < 0 ? err_wrap(e, "%s", m->bit->name) : 0;
}

/* Before anything is erased: can it be switched, there and back? */
static int check_switch(struct trial *t, struct err *e)
{
	int rc;

	if (t->rq->bank == NULL)
		return 0;
	rc = set_bank(t, t->rq->bank->value_new, false, e);
	return rc == 0 ? set_bank(t, t->rq->bank->value_back, false, e) : rc;
}

static int switch_over(struct trial *t, struct err *e)
{
	char text[80];
	int rc;

	snprintf(text, sizeof(text), "bank %u is written and verified: it runs from now on",
		t->rq->bank->other);
	note(t, text);
	rc = set_bank(t, t->rq->bank->value_new, true, e);
	t->ret->switched = rc == 0;
	return rc;
}

/* ---- start and proof ---- */

static int start(struct trial *t, struct err *e)
{
	const struct event_sink *events = t->rq->flash.events;
	struct event ev = {.type = EVENT_WARNING,
		.text = "the chip was empty: until its next power cycle a reset leads into its "
			"bootloader"};
	int rc;

	if (t->rq->after == AFTER_NONE || !t->rq->has_start)
		return 0;
	if (t->d->facts.empty_latched && t->rq->after == AFTER_RESET)
		event_emit(events, &ev);
	rc = flash_start(t->d, t->rq->after, t->rq->start, e);
	if (rc == 0 && t->d->facts.empty_latched && t->rq->after == AFTER_AUTO)
		note(t, "the chip was empty: started without a reset; until its next power cycle a "
			"reset leads into its bootloader");
	return rc;
}

static void start_without_proof(struct trial *t)
{
	struct err why = ERR_INIT;

	if (t->rq->after == AFTER_NONE || !t->rq->has_start)
		return;
	/* Go jumps to an address, and does not map what BFB2 would. */
	if (t->rq->bank != NULL && t->rq->bank->by_rom && !t->d->facts.can_reset)
		return;
	t->ret->started = "yes";
	if (start(t, &why) == 0)
		return;
	t->ret->started = "failed";
	snprintf(t->ret->why_not, sizeof(t->ret->why_not),
		"written and verified, but the program could not be started: %s", why.msg);
}

static bool starts_by_reset(const struct trial *t)
{
	return t->rq->after == AFTER_RESET || (t->rq->after == AFTER_AUTO && t->d->facts.can_reset);
}

static int start_and_wait(struct trial *t, struct err *e)
{
	const struct proof *p = t->rq->proof;
	struct event ev = {.type = EVENT_PHASE, .phase = "confirm"};
	struct link *link = t->d->target->link;
	struct proof_session session = {0};
	/* Go is a command of the bootloader: the port must speak its way until it was given. */
	bool before = starts_by_reset(t) || !proof_on_device(p);
	int rc;

	event_emit(t->rq->flash.events, &ev);
	t->rom_baud = link != NULL ? link->baud : 0;
	rc = before ? proof_begin(&session, p, link, e) : 0;
	if (rc == 0)
		rc = start(t, e);
	if (rc == 0) {
		t->ret->started = "yes";
		if (!before)
			rc = proof_begin(&session, p, link, e);
	}
	/* The command may want to talk to the device itself. */
	if (rc == 0 && p->kind == PROOF_COMMAND)
		device_leave(t->d);
	if (rc == 0)
		rc = proof_wait(&session, t->ret->seen, sizeof(t->ret->seen), e);
	proof_end(&session);
	t->ret->confirmed = rc == 0;
	return rc;
}

/* ---- and back ---- */

/* From the application into the bootloader. */
static int reach_bootloader(struct trial *t, struct err *e)
{
	struct link *l = t->d->target != NULL ? t->d->target->link : NULL;
	int rc = 0;

	if (l == NULL || !entry_can_enter(&t->d->url.entry))
		return device_come_back(t->d, t->rq->wait_s, t->rq->flash.events, e);
	if (proof_on_device(t->rq->proof))
		rc = l->ops->set_frame(l, t->rom_baud, true, e);
	return rc == 0 ? device_recover(t->d, e) : rc;
}

/* What is known to be wrong stands in `e`; what became of it is added. */
static int tell_outcome(struct trial *t, int back, const struct err *why, struct err *e)
{
	const struct bank_move *m = t->rq->bank;
	char was[sizeof(e->msg)], hint[sizeof(e->hint)];

	snprintf(was, sizeof(was), "%s", e->msg);
	snprintf(hint, sizeof(hint), "%s", e->hint);
	if (m != NULL && back == 0) {
		err_set(e, ERR_VERIFY, "%.200s; bank %u runs again", was, m->running);
		return err_hint(e, "%s", hint);
	}
	if (m != NULL) {
		err_set(e, ERR_VERIFY, "%.140s; and bank %u could not be made to run again: %.80s",
			was, m->running, why->msg);
		return err_hint(e, "set BOOT0, reset the board, then: stmota option set %s=%u",
			m->bit->name, (unsigned)m->value_back);
	}
	if (back == 0) {
		err_set(e, ERR_VERIFY, "%.180s; what was there before is restored from %.60s", was,
			t->rq->backup);
		err_hint(e, "%s", hint);
		return ERR_VERIFY;
	}
	err_set(e, ERR_VERIFY, "%.150s; and what was there before could not be restored: %.80s",
		was, why->msg);
	return err_hint(e, "set BOOT0, reset the board, then: stmota flash %.120s", t->rq->backup);
}

static int take_back(struct trial *t, bool running, struct err *e)
{
	struct err why = ERR_INIT;
	int rc;

	if (t->old.n == 0 && !t->ret->switched) {
		if (e->hint[0] == '\0')
			err_hint(e,
				"the new firmware stays on the device; --backup FILE keeps a way "
				"back to the old one");
		return e->code;
	}
	note(t, "restoring what was there before");
	rc = running ? reach_bootloader(t, &why) : 0;
	if (rc == 0 && t->ret->switched)
		rc = set_bank(t, t->rq->bank->value_back, true, &why);
	else if (rc == 0)
		rc = backup_restore(t->d, &t->old, t->rq->flash.heads, t->rq->flash.state,
			t->rq->flash.events, &why);
	t->ret->taken_back = rc == 0;
	tell_outcome(t, rc, &why, e);
	if (rc == 0)
		start_without_proof(t);
	return ERR_VERIFY;
}

/* ---- all of it ---- */

static bool is_unfinished(const struct state *s)
{
	return s != NULL && (state_suspect(s).len > 0 || state_saved(s) != NULL);
}

static int write_it(struct trial *t, struct err *e)
{
	struct flash_request rq = t->rq->flash;
	int rc;

	t->unfinished = is_unfinished(rq.state);
	rq.on_plan = on_plan;
	rq.on_plan_ctx = t;
	rc = flash_run(t->d, &rq, &t->ret->flash, e);
	if (rc == 0 && !t->ret->flash.stopped && t->rq->bank != NULL)
		return switch_over(t, e);
	if (rc == ERR_VERIFY && t->ret->flash.begun)
		return take_back(t, false, e);
	return rc;
}

static int confirm(struct trial *t, struct err *e)
{
	int rc;

	if (t->rq->proof == NULL) {
		start_without_proof(t);
		return 0;
	}
	rc = start_and_wait(t, e);
	/* A start that was refused proves nothing either. */
	if (rc == 0 || rc == ERR_INTERRUPTED)
		return rc;
	e->code = ERR_VERIFY;
	return take_back(t, true, e);
}

int trial_run(
	struct device *d, const struct trial_request *rq, struct trial_result *ret, struct err *e)
{
	struct err own = ERR_INIT;
	struct trial t = {.d = d, .rq = rq, .ret = ret};
	int rc;

	if (e == NULL)
		e = &own;
	*ret = (struct trial_result){.started = "no"};
	rc = trial_check(d, rq, e);
	if (rc == 0)
		rc = check_switch(&t, e);
	if (rc == 0)
		rc = write_it(&t, e);
	ret->written = rc == 0 && !ret->flash.stopped;
	if (ret->written) {
		if (rq->proof == NULL && rq->flash.state != NULL)
			rc = state_finish(rq->flash.state, rq->installed, e);
		if (rc == 0)
			rc = confirm(&t, e);
		/* Until it is confirmed an interruption leaves an unfinished run behind. */
		if (rc == 0 && rq->proof != NULL && rq->flash.state != NULL)
			rc = state_finish(rq->flash.state, rq->installed, e);
	}
	segments_done(&t.old);
	return rc;
}
