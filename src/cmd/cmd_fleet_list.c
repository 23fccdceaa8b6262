/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_fleet_list.c - stmota fleet list: the devices of a fleet, and what is known of each
 *
 * Sends nothing and changes nothing.
 */
#include "cmd.h"

#include <string.h>
#include <time.h>

#include <stmota/fleet_db.h>
#include <stmota/fs.h>
#include <stmota/text.h>

static const struct opt opts[] = {
	CMD_OPT_FLEET,
	OPT_STRINGS("label", "WORD", "only devices that have this label"),
	OPT_END,
};

static bool has_label(const struct fleet_device *d, const char *label)
{
	for (size_t i = 0; i < d->n_labels; i++)
		if (strcmp(d->label[i], label) == 0)
			return true;
	return false;
}

static bool is_wanted(const struct command_env *env, const struct fleet_device *d)
{
	for (size_t i = 0; i < opt_count(env->opts, "label"); i++)
		if (!has_label(d, opt_str_at(env->opts, "label", i)))
			return false;
	return true;
}

/* What a table has no room for. */
static void show_settings(struct out *o, const struct fleet_device *d)
{
	out_str(o, "product", d->product);
	out_list(o, "labels");
	for (size_t i = 0; i < d->n_labels; i++)
		out_str(o, NULL, d->label[i]);
	out_end(o);
	out_str(o, "confirm", d->confirm_text);
	out_str(o, "rollback", fleet_rollback_name(d->rollback));
	if (d->slot != NULL)
		out_str(o, "slot", d->slot);
	out_str(o, "golden", d->golden);
	out_bool(o, "excused", d->excused);
}

static void show_known(struct out *o, const struct fleet_known *k)
{
	char version[VERSION_TEXT_SIZE], age[32];
	uint64_t now = (uint64_t)time(NULL);

	out_str(o, "version", k->has_version ? version_format(k->version, version) : NULL);
	if (out_mode(o) == OUT_JSON) {
		out_uint(o, "counter", k->counter);
		out_str(o, "unique_id", k->uid[0] != '\0' ? k->uid : NULL);
		out_uint(o, "seen", k->seen);
		out_uint(o, "tried", k->tried);
		out_str(o, "last", k->tried > 0 ? fleet_outcome_text(k->last) : NULL);
		out_str(o, "last_text", k->text[0] != '\0' ? k->text : NULL);
		return;
	}
	out_str(o, "last", k->tried > 0 ? fleet_outcome_text(k->last) : NULL);
	out_str(o, "seen",
		k->seen > 0 ? text_age(now > k->seen ? now - k->seen : 0, age, sizeof(age)) : NULL);
}

static int show_device(
	struct out *o, const struct fleet_device *d, struct fleet_db *db, struct err *e)
{
	struct fleet_known k = {0};
	int rc = db != NULL ? fleet_db_device(db, d->name, &k, e) : 0;

	if (rc < 0)
		return rc;
	out_object(o, NULL);
	out_str(o, "name", d->name);
	out_str(o, "id", d->id);
	out_uint(o, "wave", d->wave);
	out_str(o, "group", d->group);
	out_str(o, "url", d->url);
	if (out_mode(o) == OUT_JSON)
		show_settings(o, d);
	show_known(o, &k);
	out_end(o);
	return 0;
}

static int run(struct command_env *env, struct err *e)
{
	struct cmd_fleet f = {0};
	struct fleet_db *db = NULL;
	int rc = cmd_fleet_open(env, NULL, NULL, &f, e);

	if (rc == 0 && fs_exists(f.fleet.state))
		rc = fleet_db_open(f.fleet.state, true, &db, e);
	if (rc == 0) {
		out_table(env->out, "devices");
		for (size_t i = 0; rc == 0 && i < f.fleet.n; i++)
			if (is_wanted(env, &f.fleet.devices[i]))
				rc = show_device(env->out, &f.fleet.devices[i], db, e);
		out_end(env->out);
	}
	fleet_db_close(db);
	cmd_fleet_close(&f);
	return rc;
}

const struct command cmd_fleet_list = {
	.name = "fleet list",
	.args = "",
	.summary = "list the devices of a fleet, in the order in which they are updated",
	.details =
		"With what is known of each; sends nothing. 'stmota fleet status' tells how a rollout\n"
		"goes.\n",
	.examples = "stmota fleet list --fleet street.conf\n"
		    "stmota fleet list --fleet street.conf --label north --json\n",
	.group = COMMAND_FLEET,
	.opts = opts,
	.flags = CMD_JSON,
	.min_args = 0,
	.max_args = 0,
	.run = run,
};
