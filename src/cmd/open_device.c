/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd.h"

#include <stmota/device.h>

int cmd_open_device(const struct command_env *env, struct device **ret, struct err *e)
{
	struct device_request rq = {
		.device = env->device,
		.baud = opt_u32(env->opts, "baud", 0),
		.before = opt_str(env->opts, "before", NULL),
		.wait_s = opt_u32(env->opts, "wait", 0),
		.chip = opt_str(env->opts, "chip", NULL),
	};

	return device_open(&rq, env->config, env->events, ret, e);
}
