/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_protect.c - stmota protect status|wrp-on|wrp-off|rdp-set
 *
 * What a command destroys is said before it is asked for. Only rdp-set 0 on a chip at level 1
 * erases anything, and it has an option of its own for that.
 */
#include "cmd.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/device.h>
#include <stmota/protect_job.h>
#include <stmota/state.h>

#define RANGES_MAX 32

/* ---- status ---- */

static int run_status(struct command_env *env, struct err *e)
{
	struct device *d = NULL;
	int rc = cmd_open_device(env, &d, e);

	if (rc < 0)
		return rc;
	out_str(env->out, "device", d->name);
	cmd_out_device_chip(env->out, &d->facts);
	cmd_out_protection(env->out, d, NULL);
	device_close(d);
	return 0;
}

/* ---- write protection ---- */

struct wrp_call {
	struct command_env *env;
	struct device *device;
	struct state *state;
	bool on;
	struct span ranges[RANGES_MAX];
	size_t n; /* 0: the whole flash */
	struct wrp_change change;
};

static int check_ranges(const struct command_env *env, struct err *e)
{
	const struct opts *o = env->opts;

	if (opt_count(o, "range") > RANGES_MAX)
		return err_set(e, ERR_USAGE, "more than %d times --range", RANGES_MAX);
	if (opt_given(o, "all") != opt_given(o, "range"))
		return 0;
	err_set(e, ERR_USAGE, "either --range or --all says which part of the flash");
	return err_hint(e, "--range 0x08000000:32K");
}

static void show_spans(struct out *o, const char *key, const struct span *v, size_t n)
{
	out_table(o, key);
	for (size_t i = 0; i < n; i++) {
		out_object(o, NULL);
		out_hex(o, "address", v[i].addr, 8);
		out_size(o, "size", v[i].len);
		out_end(o);
	}
	out_end(o);
}

static bool nothing_to_do(const struct wrp_change *c)
{
	return !c->by_command && c->plan.n_changes == 0;
}

static int ask_wrp(const struct wrp_call *c, struct err *e)
{
	char text[400];

	snprintf(text, sizeof(text),
		"Write protection of %s: %zu area%s now, %zu area%s then. Nothing is erased. The "
		"device resets itself.",
		c->device->name, c->change.n_before, c->change.n_before == 1 ? "" : "s",
		c->change.n_after, c->change.n_after == 1 ? "" : "s");
	return cmd_confirm(c->env, text, e);
}

static int change_wrp(struct wrp_call *c, struct err *e)
{
	enum option_outcome outcome = OPTION_STOOD;
	struct out *o = c->env->out;
	bool dry_run = opt_given(c->env->opts, "dry-run");
	int rc = cmd_open_state(c->env, c->device, &c->state, e);

	if (rc == 0)
		rc = protect_plan_wrp(c->device, c->on, c->ranges, c->n, &c->change, e);
	if (rc == 0 && !dry_run && !nothing_to_do(&c->change))
		rc = ask_wrp(c, e);
	if (rc == 0 && !dry_run)
		rc = protect_apply_wrp(c->device, &c->change, c->env->events, &outcome, e);
	if (rc < 0)
		return rc;
	out_str(o, "device", c->device->name);
	cmd_out_device_chip(o, &c->device->facts);
	show_spans(o, "protected_before", c->change.before, c->change.n_before);
	show_spans(o, "protected", c->change.after, c->change.n_after);
	out_str(o, "result",
		dry_run                     ? "nothing was changed"
		: outcome == OPTION_STOOD   ? "stood already, nothing was written"
		: outcome == OPTION_PENDING ? "written; holds from the next power-up on"
					    : "written and read back");
	return 0;
}

static int run_wrp(struct command_env *env, bool on, struct err *e)
{
	struct wrp_call c = {.env = env, .on = on};
	int rc;

	for (; c.n < opt_count(env->opts, "range"); c.n++)
		c.ranges[c.n] = opt_span_at(env->opts, "range", c.n);
	rc = cmd_open_device(env, &c.device, e);
	if (rc == 0)
		rc = change_wrp(&c, e);
	state_close(c.state);
	device_close(c.device);
	return rc;
}

static int run_wrp_on(struct command_env *env, struct err *e)
{
	return run_wrp(env, true, e);
}

static int run_wrp_off(struct command_env *env, struct err *e)
{
	return run_wrp(env, false, e);
}

/* ---- read-out protection ---- */

static int check_level(const struct command_env *env, struct err *e)
{
	const char *level = opt_arg(env->opts, 0);

	if (strcmp(level, "0") == 0 || strcmp(level, "1") == 0)
		return 0;
	err_set(e, ERR_USAGE, "'%.20s' is no level that is set here", level);
	return err_hint(e, strcmp(level, "2") == 0
				   ? "level 2 can never be undone; this program never sets it"
				   : "0 or 1");
}

static int ask_rdp(
	struct command_env *env, const struct device *d, unsigned level, bool erases, struct err *e)
{
	char text[400];

	if (erases && !opt_given(env->opts, "erase-everything")) {
		err_set(e, ERR_USAGE,
			"lifting the read-out protection erases the whole flash of %s", d->name);
		return err_hint(e, "--erase-everything says that this is wanted");
	}
	if (erases)
		snprintf(text, sizeof(text),
			"The WHOLE FLASH of %s is erased, data EEPROM and backup registers with "
			"it.",
			d->name);
	else
		snprintf(text, sizeof(text),
			"%s will refuse to be read, erased and written through its bootloader. The "
			"way back to level %u erases its whole flash.",
			d->name, level - 1);
	return cmd_confirm(env, text, e);
}

static int run_rdp(struct command_env *env, struct err *e)
{
	unsigned level = opt_arg(env->opts, 0)[0] == '1';
	bool erases = false, stands = false, dry_run = opt_given(env->opts, "dry-run");
	struct device *d = NULL;
	int rc = cmd_open_device(env, &d, e);

	if (rc == 0)
		rc = protect_check_rdp(&d->facts, level, &erases, &stands, e);
	if (rc == 0 && !stands && !dry_run)
		rc = ask_rdp(env, d, level, erases, e);
	if (rc == 0 && !stands && !dry_run)
		rc = protect_set_rdp(
			d, level, opt_given(env->opts, "erase-everything"), env->events, e);
	if (rc == 0) {
		out_str(env->out, "device", d->name);
		cmd_out_device_chip(env->out, &d->facts);
		out_uint(env->out, "level", level);
		out_bool(
			env->out, dry_run ? "would_erase_everything" : "erased_everything", erases);
		out_str(env->out, "result",
			stands    ? "stood already, nothing was sent"
			: dry_run ? "nothing was changed"
				  : "done, and seen on the device");
	}
	device_close(d);
	return rc;
}

/* ---- the four ---- */

#define OPT_DRY_RUN                                                                                \
	{                                                                                          \
		.name = "dry-run", .letter = 'n', .type = OPT_TYPE_FLAG,                           \
		.text = "print what would change, change nothing"                                  \
	}

static const struct opt wrp_opts[] = {
	OPT_SPANS("range", "ADDR:LEN", "whole erase units only"),
	OPT_FLAG("all", "the whole flash"),
	OPT_DRY_RUN,
	OPT_FLAG("yes", "do not ask"),
	OPT_END,
};

static const struct opt rdp_opts[] = {
	OPT_FLAG("erase-everything", "accept that lifting level 1 erases the whole flash"),
	OPT_DRY_RUN,
	OPT_FLAG("yes", "do not ask"),
	OPT_END,
};

const struct command cmd_protect_status = {
	.name = "protect status",
	.args = "",
	.summary = "show what protects a device, what it forbids, what undoing it destroys",
	.details = "Nothing is written, but write protection that an interrupted update had lifted\n"
		   "is put back first. No command that could erase is sent to find out.\n",
	.examples = "stmota protect status --device uart:/dev/ttyUSB0\n",
	.group = COMMAND_DEVICE,
	.flags = CMD_JSON | CMD_DEVICE | CMD_LOOKS,
	.run = run_status,
};

const struct command cmd_protect_wrp_on = {
	.name = "protect wrp-on",
	.args = "",
	.needs = "--range ADDR:LEN|--all",
	.summary = "protect flash from being erased and written",
	.details = "Nothing is erased. What is protected already stays so.\n",
	.examples = "stmota protect wrp-on --device lamp --range 0x08000000:16K\n",
	.group = COMMAND_DEVICE,
	.opts = wrp_opts,
	.flags = CMD_JSON | CMD_DEVICE,
	.check = check_ranges,
	.run = run_wrp_on,
};

const struct command cmd_protect_wrp_off = {
	.name = "protect wrp-off",
	.args = "",
	.needs = "--range ADDR:LEN|--all",
	.summary = "lift write protection",
	.details = "Nothing is erased. For the time of one update, see flash --lift-wrp.\n",
	.examples = "stmota protect wrp-off --device lamp --range 0x08000000:16K\n",
	.group = COMMAND_DEVICE,
	.opts = wrp_opts,
	.flags = CMD_JSON | CMD_DEVICE,
	.check = check_ranges,
	.run = run_wrp_off,
};

const struct command cmd_protect_rdp_set = {
	.name = "protect rdp-set",
	.args = "0|1",
	.summary = "set or lift read-out protection; lifting it erases everything",
	.details = "Level 2, from which there is no way back, is never set.\n",
	.examples = "stmota protect rdp-set 1 --device lamp\n"
		    "stmota protect rdp-set 0 --device lamp --erase-everything\n",
	.group = COMMAND_DEVICE,
	.opts = rdp_opts,
	.flags = CMD_JSON | CMD_DEVICE,
	.min_args = 1,
	.max_args = 1,
	.check = check_level,
	.run = run_rdp,
};
