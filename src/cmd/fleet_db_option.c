/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_db_option.c - what the commands that tell of a fleet begin with: its file and its memory
 */
#include "cmd_fleet.h"

#include <stmota/fs.h>

int cmd_fleet_look(const struct command_env *env, struct cmd_fleet *ret, struct fleet_db **ret_db,
	struct err *e)
{
	struct cmd_fleet f = {0};
	struct fleet_db *db = NULL;
	int rc = cmd_fleet_open(env, NULL, NULL, &f, e);

	/* Before the first pass there is none, and that is no mistake. */
	if (rc == 0 && fs_exists(f.fleet.state))
		rc = fleet_db_open(f.fleet.state, true, &db, e);
	if (rc < 0) {
		cmd_fleet_close(&f);
		return rc;
	}
	*ret = f;
	if (db != NULL)
		fleet_db_set_fleet(db, &ret->fleet);
	*ret_db = db;
	return 0;
}

void cmd_out_time(struct out *o, const char *key, uint64_t t)
{
	char text[TEXT_TIME_SIZE];

	out_str(o, key, t > 0 ? text_time(t, text) : NULL);
}
