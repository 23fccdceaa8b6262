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
	OPT_SPANS("range", "ADDR:LEN", "whole erase units only"),
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
	size_t n = opt_count(env->opts, "range");
	struct span range;

	if (n == 0) {
		snprintf(ret, size, "The whole flash of %s will be erased.", device);
		return;
	}
	range = opt_span_at(env->opts, "range", 0);
	snprintf(ret, size, "0x%08" PRIX32 " to 0x%08" PRIX32 "%s of %s will be erased.",
		range.addr, (uint32_t)(span_end(range) - 1), n > 1 ? " and more" : "", device);
}

/* All ranges are checked before the first of them is erased. */
static int check_ranges(const struct opts *o, const struct device *d, struct err *e)
{
	for (size_t i = 0; i < opt_count(o, "range"); i++) {
		struct erase_unit *units = NULL;
		size_t n = 0;
		int rc = memory_units(&d->facts, opt_span_at(o, "range", i), &units, &n, e);

		free(units);
		if (rc < 0)
			return rc;
	}
	return 0;
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

static void show_range(struct out *o, struct span range)
{
	out_object(o, NULL);
	out_hex(o, "address", range.addr, 8);
	out_size(o, "size", range.len);
	out_end(o);
}

static int run(struct command_env *env, struct err *e)
{
	const struct opts *o = env->opts;
	size_t n = opt_count(o, "range");
	struct device *d = NULL;
	int rc = cmd_open_device(env, &d, e);

	if (rc == 0)
		rc = check_ranges(o, d, e);
	if (rc == 0 && n == 0)
		rc = memory_erase_all(d, env->events, e);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = erase_range(env, d, opt_span_at(o, "range", i), e);
	if (rc == 0) {
		out_str(env->out, "device", d->name);
		out_bool(env->out, "blank", true);
		out_table(env->out, "erased");
		if (n == 0)
			show_range(env->out,
				(struct span){d->facts.geometry.base, d->facts.geometry.size});
		for (size_t i = 0; i < n; i++)
			show_range(env->out, opt_span_at(o, "range", i));
		out_end(env->out);
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
