/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd.h"

#include <stmota/device.h>

static int open_it(const struct command_env *env, bool find_usb, bool takes_files,
	uint16_t chip_hint, struct device **ret, struct err *e)
{
	struct device_request rq = {
		.device = env->device,
		.baud = opt_u32(env->opts, "baud", 0),
		.before = opt_str(env->opts, "before", NULL),
		.wait_s = opt_u32(env->opts, "wait", 0),
		.chip = opt_str(env->opts, "chip", NULL),
		.assume_chip = opt_str(env->opts, "assume-chip", NULL),
		.find_usb = find_usb,
		.takes_files = takes_files,
		.chip_hint = chip_hint,
	};

	struct device *d = NULL;
	int rc = device_open(&rq, env->config, env->events, &d, e);

	if (rc == 0)
		rc = cmd_end_earlier(env, d, e);
	if (rc < 0)
		device_close(d);
	else
		*ret = d;
	return rc;
}

int cmd_open_device(const struct command_env *env, struct device **ret, struct err *e)
{
	return open_it(env, false, false, 0, ret, e);
}

int cmd_find_device(
	const struct command_env *env, uint16_t chip_hint, struct device **ret, struct err *e)
{
	return open_it(env, true, false, chip_hint, ret, e);
}

int cmd_find_any_device(
	const struct command_env *env, uint16_t chip_hint, struct device **ret, struct err *e)
{
	return open_it(env, true, true, chip_hint, ret, e);
}
