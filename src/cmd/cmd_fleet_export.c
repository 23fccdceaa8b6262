/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_fleet_export.c - stmota fleet export: all that is remembered of a fleet, for other programs
 */
#include "cmd_fleet.h"

#include <string.h>

#include <stmota/fleet_export.h>
#include <stmota/fs.h>

static const struct opt opts[] = {
	CMD_OPT_FLEET,
	OPT_OUT("FILE", "write there (default: standard output)"),
	OPT_CHOICE("format", "ndjson|csv", "one object a line, or a table for spreadsheets"),
	OPT_CHOICE("table", "device|attempt|halt|channel|note|outbox",
		"only this table (CSV: attempt by default)"),
	OPT_END,
};

static int run(struct command_env *env, struct err *e)
{
	bool csv = strcmp(opt_str(env->opts, "format", "ndjson"), "csv") == 0;
	const char *table = opt_str(env->opts, "table", csv ? "attempt" : NULL);
	cleanup_buf struct buf b = BUF_INIT;
	struct cmd_fleet f = {0};
	struct fleet_db *db = NULL;
	int rc = cmd_fleet_look(env, &f, &db, e);

	if (rc < 0)
		return rc;
	if (db == NULL) {
		rc = err_set(e, ERR_IO, "nothing is known of this fleet yet: there is no %s",
			f.fleet.state);
		err_hint(e, "the first pass of stmota update makes it");
	} else {
		rc = csv ? fleet_export_csv(db, table, &b, e) : fleet_export_json(db, table, &b, e);
	}
	if (rc == 0)
		rc = fs_write(opt_str(env->opts, "out", "-"), b.data, b.len, 0644, e);
	fleet_db_close(db);
	cmd_fleet_close(&f);
	return rc;
}

const struct command cmd_fleet_export = {
	.name = "fleet export",
	.args = "",
	.summary = "write out all that is remembered of a fleet, evidence included",
	.details =
		"As NDJSON all tables, each row an object that names its table; as CSV one table.\n"
		"The database is only read; that works while a pass runs too.\n",
	.examples = "stmota fleet export --fleet street.conf --out street.ndjson\n"
		    "stmota fleet export --fleet street.conf --format csv --out attempts.csv\n",
	.group = COMMAND_FLEET,
	.opts = opts,
	.min_args = 0,
	.max_args = 0,
	.run = run,
};
