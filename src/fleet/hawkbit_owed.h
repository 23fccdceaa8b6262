/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hawkbit_owed.h - results that a hawkBit server has not taken yet
 */
#ifndef STMOTA_FLEET_HAWKBIT_OWED_H
#define STMOTA_FLEET_HAWKBIT_OWED_H

#include "hawkbit_target.h"

/* Durable when it returns. */
int hawkbit_owed_add(struct hawkbit_target *t, enum hawkbit_about about, const char *id,
	const struct hawkbit_feedback *f, struct err *e);

/*
 * Sends all of it, oldest first. What the server does not know any more counts as sent. An error
 * leaves the rest for the next time.
 */
int hawkbit_owed_send(struct hawkbit_target *t, struct err *e);

#endif
