/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/flash_job.h>

#include <stdio.h>

#include <stmota/bank_numbers.h>
#include <stmota/cleanup.h>
#include <stmota/execute.h>
#include <stmota/protect_job.h>
#include <stmota/quirks.h>
#include <stmota/signals.h>

#define MAX_ATTEMPTS 5

struct job {
	struct device *d;
	const struct flash_request *rq;
	struct flash_result *ret;
	struct span suspects[2]; /* of an earlier run, of the attempt before */
	struct span marking;     /* a unit by which the numbers of swapped banks are found out */
	unsigned refusals;       /* attempts that failed although the conversation was sound */
	bool planned;            /* the first plan was made and accepted */
	bool final;              /* what failed must not be repeated */
	bool gone;               /* the device did not answer when it was last tried */
};

/*
 * Some ROMs of this chip take only full blocks. That leaves a window in which the vector table is
 * there and the rest of its block is not, so it is done only after the better order was refused
 * twice.
 */
static bool needs_whole_blocks(const struct job *j)
{
	const struct device_facts *f = &j->d->facts;

	return j->refusals >= 2 && !j->d->target->writes_across_units &&
	       quirk_applies(f->chip, f->has_boot_id ? f->boot_id : 0, CHIP_QUIRK_WRITE_128);
}

static struct plan_options plan_options_of(const struct job *j)
{
	const struct target *t = j->d->target;

	return (struct plan_options){
		.write_max = t->write_max,
		.across_units = t->writes_across_units,
		.whole_blocks = needs_whole_blocks(j),
		.baud = t->link != NULL ? t->link->baud : 0,
		.bus_hz = t->link != NULL ? t->link->bus_hz : 0,
		.latency_ms = t->link != NULL ? t->link->latency_ms : 0,
	};
}

static int survey_device(struct job *j, struct survey *ret, struct err *e)
{
	struct survey_request rq = {
		.target = j->d->target,
		.geometry = &j->d->facts.geometry,
		.image = j->rq->image,
		.heads = j->rq->heads->base,
		.n_heads = j->rq->heads->n,
		.saved = j->rq->state != NULL ? state_saved(j->rq->state) : NULL,
		.lose = j->rq->lose,
		.n_lose = j->rq->n_lose,
		.suspects = j->suspects,
		.n_suspects = ARRAY_LEN(j->suspects),
		.events = j->rq->events,
	};

	return survey_make(&rq, ret, e);
}

static int needs_state(const struct flash_plan *plan, const struct state *state, struct err *e)
{
	if (plan->n_steps == 0 || plan->steps[0].kind != PLAN_SAVE || state != NULL)
		return 0;
	return err_set(e, ERR_IO,
		"bytes outside the image must be kept, but there is no state file to keep them in");
}

/* Of swapped banks: by now all else is known to be right. */
static int settle_numbers(struct job *j, struct flash_plan *plan, struct err *e)
{
	int rc = plan->n_erase > 0
			 ? bank_numbers_find(j->d, j->rq->state, &j->marking, j->rq->events, e)
			 : 0;

	for (size_t i = 0; rc == 0 && i < plan->n_erase; i++)
		plan->erase_order[i] =
			geometry_unit(&j->d->facts.geometry, plan->erase_order[i].index);
	return rc;
}

/* FLASH_STOP, 0 or a negative code. */
static int attempt(struct job *j, struct err *e)
{
	CLEANUP(survey_done) struct survey survey = SURVEY_INIT;
	CLEANUP(plan_done) struct flash_plan plan = FLASH_PLAN_INIT;
	struct plan_options options = plan_options_of(j);
	struct execution x = {
		.target = j->d->target, .state = j->rq->state, .events = j->rq->events};
	int rc = survey_device(j, &survey, e);
	bool first;

	if (rc == 0)
		rc = plan_make(&survey, &options, &plan, e);
	if (rc == 0)
		rc = needs_state(&plan, j->rq->state, e);
	/* An attempt that failed before the plan was accepted does not count: nothing was asked. */
	first = rc == 0 && !j->planned;
	if (first) {
		j->ret->first = plan.totals;
		if (j->rq->on_plan != NULL)
			rc = j->rq->on_plan(j->rq->on_plan_ctx, &plan, e);
		j->planned = rc == 0;
	}
	/* Last, when all else is known to be right: each lift is two writes of option bytes. */
	if (rc == 0 && first && j->rq->lift_wrp && plan.n_steps > 0) {
		rc = wrp_lift(j->d, j->rq->state, j->rq->image, j->rq->events, e);
		j->final = rc < 0; /* option bytes are not written twice in a run */
	}
	if (rc == 0)
		rc = settle_numbers(j, &plan, e);
	if (rc != 0)
		return rc;
	rc = plan_execute(&plan, &x, e);
	j->ret->begun |= x.begun;
	/* A failed operation is not trusted, even if its unit reads well. */
	if (rc < 0 && x.suspect.len > 0)
		j->suspects[1] = x.suspect;
	return rc;
}

static bool worth_another(int rc)
{
	return err_is_transient((enum err_code)rc) || rc == ERR_VERIFY;
}

static int take_up_again(struct job *j, struct err *e)
{
	struct event ev = {.type = EVENT_RETRY, .text = e->msg};
	struct err why = ERR_INIT;
	int rc;

	event_emit(j->rq->events, &ev);
	rc = device_recover(j->d, &why);
	if (rc == ERR_IDENTITY || rc == ERR_INTERRUPTED)
		*e = why;
	return rc;
}

/* Some chips ignore all writes after a damaged one: what reads like a worn-out flash is not. */
static void hint_at_reset(const struct job *j, struct err *e)
{
	const struct device_facts *f = &j->d->facts;

	if (!f->can_reset && quirk_applies(f->chip, f->has_boot_id ? f->boot_id : 0,
				     CHIP_QUIRK_UNALIGNED_WRITE_POISONS))
		err_hint(e, "this chip may ignore writes after a damaged one: reset it with BOOT0 "
			    "set and run the same command again");
}

/* What a failure in mid-work means to the user. */
static int explain(const struct job *j, int rc, struct err *e)
{
	char was[sizeof(e->msg)];

	if (!j->ret->begun || rc == ERR_IDENTITY)
		return rc;
	if (rc == ERR_INTERRUPTED) {
		err_set(e, ERR_INTERRUPTED,
			"interrupted: the device does not hold the whole image");
	} else if (rc != ERR_VERIFY) {
		snprintf(was, sizeof(was), "%s", e->msg);
		err_set(e, ERR_UNFINISHED, "unfinished: %s", was);
	} else {
		hint_at_reset(j, e);
		return rc;
	}
	err_hint(e, "run the same command again: it goes on from what the device holds");
	return rc == ERR_INTERRUPTED ? rc : ERR_UNFINISHED;
}

/*
 * However the work ended, also by Ctrl-C. `rc`: how. What cannot be put back now stays in the state
 * file for the next run.
 */
static int end_lift(struct job *j, int rc, struct err *e)
{
	struct err why = ERR_INIT;
	struct event warning = {.type = EVENT_WARNING, .text = why.msg};
	int back;

	if (j->rq->state == NULL || state_lifted(j->rq->state) == NULL || j->rq->dry_run)
		return rc;
	signals_hold(true);
	back = j->gone ? err_set(&why, ERR_TIMEOUT,
				 "the lifted write protection could not be put back: the device "
				 "does not answer; the next run does it")
		       : wrp_put_back(j->d, j->rq->state, j->rq->events, &why);
	signals_hold(false);
	if (back == 0)
		return rc;
	if (rc < 0) {
		event_emit(j->rq->events, &warning);
		return rc;
	}
	err_set(e, ERR_UNFINISHED, "the image is written and verified, but %.100s", why.msg);
	return err_hint(e, "run the same command again: it puts the write protection back");
}

int flash_run(
	struct device *d, const struct flash_request *rq, struct flash_result *ret, struct err *e)
{
	struct err own = ERR_INIT;
	struct job j = {.d = d, .rq = rq, .ret = ret};
	unsigned accepts = (rq->entry_by_hand ? PREFLIGHT_BY_HAND : 0) |
			   (rq->lift_wrp ? PREFLIGHT_LIFT_WRP : 0);
	int rc;

	if (e == NULL)
		e = &own;
	*ret = (struct flash_result){0};
	if (rq->lift_wrp && rq->state == NULL)
		return err_set(e, ERR_IO,
			"write protection is not lifted without a state file to remember it in");
	/* An earlier run's lift ends here, unless this run would lift it again at once. */
	if (rq->state != NULL && !rq->lift_wrp && !rq->dry_run) {
		rc = wrp_put_back(d, rq->state, rq->events, e);
		if (rc < 0)
			return rc;
	}
	rc = preflight_check(&d->facts, rq->image, accepts, e);
	if (rc < 0)
		return rc;
	if (rq->state != NULL)
		j.suspects[0] = j.marking = state_suspect(rq->state);
	for (;;) {
		ret->attempts++;
		rc = attempt(&j, e);
		if (rc >= 0 || j.final || !worth_another(rc) || ret->attempts == MAX_ATTEMPTS)
			break;
		j.refusals += rc == ERR_NACK || rc == ERR_VERIFY;
		if (take_up_again(&j, e) < 0) {
			rc = e->code;
			j.gone = true;
			break;
		}
	}
	if (rc == FLASH_STOP) {
		ret->stopped = true;
		return 0;
	}
	return end_lift(&j, rc < 0 ? explain(&j, rc, e) : 0, e);
}

int flash_verify(struct device *d, const struct segments *image, const struct event_sink *events,
	struct err *e)
{
	CLEANUP(survey_done) struct survey s = SURVEY_INIT;
	struct survey_request rq = {
		.target = d->target,
		.geometry = &d->facts.geometry,
		.image = image,
		.compare_all = true,
		.read_only = true,
		.events = events,
	};
	uint32_t differ = 0, first = 0;
	int rc = preflight_check_read(&d->facts, image, e);

	if (rc == 0)
		rc = survey_make(&rq, &s, e);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < s.n; i++) {
		if (s.units[i].equal)
			continue;
		if (differ++ == 0)
			first = s.units[i].unit.addr;
	}
	if (differ == 0)
		return 0;
	err_set(e, ERR_VERIFY,
		"the device holds something else: %u of %zu erase units differ, the first at "
		"0x%08X",
		differ, s.n, first);
	return err_at(e, first);
}

int flash_start(struct device *d, enum flash_after after, uint32_t base, struct err *e)
{
	struct target *t = d->target;

	if (after == AFTER_AUTO)
		after = d->facts.can_reset && !d->facts.empty_latched ? AFTER_RESET : AFTER_GO;
	switch (after) {
	case AFTER_RESET:
		if (t->ops->reset == NULL)
			return err_set(e, ERR_UNSUPPORTED,
				"no line resets this device: use --after go, or none");
		return t->ops->reset(t, e);
	case AFTER_GO: return t->ops->go(t, base, e);
	default: return 0;
	}
}
