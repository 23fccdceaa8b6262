/* SPDX-License-Identifier: Apache-2.0 */
/*
 * execute.h - walks a plan
 */
#ifndef STMOTA_EXECUTE_H
#define STMOTA_EXECUTE_H

#include <stmota/event.h>
#include <stmota/plan.h>
#include <stmota/state.h>
#include <stmota/target.h>

struct execution {
	struct target *target;
	struct state *state; /* NULL: the plan has no PLAN_SAVE step */
	const struct event_sink *events;
	bool begun;          /* set once something was erased */
	struct span suspect; /* what the failed operation was about; len 0: none */
};

/*
 * Does all steps in order and stops at the first failure, which is not repeated here.
 *
 * ERR_VERIFY (two readings show other bytes than were written, or an erased unit is not blank),
 * ERR_INTERRUPTED, ERR_IO (state file), link errors.
 */
int plan_execute(const struct flash_plan *plan, struct execution *x, struct err *e);

#endif
