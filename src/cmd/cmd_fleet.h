/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_fleet.h - what the commands that tell of a fleet share
 */
#ifndef STMOTA_CMD_FLEET_H
#define STMOTA_CMD_FLEET_H

#include "cmd.h"

#include <stmota/fleet_db.h>
#include <stmota/fleet_view.h>
#include <stmota/text.h>

/*
 * The fleet file, and its database for reading; NULL before the first pass. Release with
 * fleet_db_close() and cmd_fleet_close(), in this order.
 */
int cmd_fleet_look(const struct command_env *env, struct cmd_fleet *ret, struct fleet_db **ret_db,
	struct err *e);

/* As in every JSON of ours; 0 is null. */
void cmd_out_time(struct out *o, const char *key, uint64_t t);

/* Devices, rollouts and sums as fields; `fleet status` and the report have the same. */
void cmd_out_fleet_view(struct out *o, const struct fleet_view *v);

/* Fields of one attempt; with evidence as text. */
void cmd_out_attempt(struct out *o, const struct fleet_attempt *a);

#endif
