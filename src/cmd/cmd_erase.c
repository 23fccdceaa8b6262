/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_erase.c - erases whole erase units, and proves that they are blank
 */
#include "cmd.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <stmota/device.h>
#include <stmota/memory_job.h>

static const struct opt opts[] = {
	OPT_SPAN("range", "ADDR:LEN", "whole erase units only"),
	OPT_FLAG("all", "erase the whole flash"),
	OPT_END,
};

static int check(const struct command_env *env, struct err *e)
{
	const struct opts *o = env->opts;

	if (opt_given(o, "all") != opt_given(o, "range"))
		return 0;
	err_set(e, ERR_USAGE, "either --range or --all says what to erase");
	return err_hint(e, "--range 0x08004000:16K");
}

static void describe_loss(struct command_env *env, char *ret, size_t size)
{
	const char *device = env->device != NULL ? env->device : "the device";
	struct span range;

	if (opt_given(env->opts, "all")) {
		snprintf(ret, size, "The whole flash of %s will be erased.", device);
		return;
	}
	range = opt_span_at(env->opts, "range", 0);
	snprintf(ret, size, "0x%08" PRIX32 " to 0x%08" PRIX32 " of %s will be erased.", range.addr,
		(uint32_t)(span_end(range) - 1), device);
}

static int erase_range(struct command_env *env, struct device *d, struct span range, struct err *e)
{
	struct erase_unit *units = NULL;
	size_t n = 0;
	int rc = memory_units(&d->facts, range, &units, &n, e);

	if (rc == 0)
		rc = memory_erase(d, units, n, env->events, e);
	free(units);
	return rc;
}

static int run(struct command_env *env, struct err *e)
{
	bool all = opt_given(env->opts, "all");
	struct device *d = NULL;
	struct span range = {0};
	int rc = cmd_open_device(env, &d, e);

	if (rc < 0)
		return rc;
	range = all ? (struct span){d->facts.geometry.base, d->facts.geometry.size} :
		      opt_span_at(env->opts, "range", 0);
	rc = all ? memory_erase_all(d, env->events, e) : erase_range(env, d, range, e);
	if (rc == 0) {
		out_str(env->out, "device", d->name);
		out_hex(env->out, "address", range.addr, 8);
		out_size(env->out, "size", range.len);
		out_bool(env->out, "blank", true);
	}
	device_close(d);
	return rc;
}

const struct command cmd_erase = {
	.name = "erase",
	.args = "",
	.needs = "--range ADDR:LEN|--all",
	.summary = "erase flash, by range or completely, and prove it",
	.details = "Everything that was erased is read back: the bootloader acknowledges erases\n"
		   "that write protection prevents.\n",
	.examples = "stmota erase --device uart:/dev/ttyUSB0 --range 0x08004000:16K --yes\n"
		    "stmota erase --device lamp --all\n",
	.group = COMMAND_DEVICE,
	.opts = opts,
	.flags = CMD_JSON | CMD_DEVICE | CMD_DESTROYS,
	.check = check,
	.run = run,
	.describe_loss = describe_loss,
};
