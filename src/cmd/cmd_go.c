/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_go.c - starts the program on a device
 */
#include "cmd.h"

#include <inttypes.h>
#include <string.h>

#include <stmota/device.h>
#include <stmota/memory_job.h>
#include <stmota/quirks.h>
#include <stmota/vectors.h>

static const struct opt opts[] = {
	OPT_U32("address", "ADDR", "where its vector table lies (default: start of flash)"),
	OPT_END,
};

/* Go to a place without a program leaves the processor in a fault, and nobody sees why. */
static int check_program(struct device *d, uint32_t addr, struct err *e)
{
	struct span flash = {d->facts.geometry.base, d->facts.geometry.size};
	uint8_t words[8] = {0};
	int rc;

	if (addr % 4 != 0)
		return err_set(
			e, ERR_USAGE, "0x%08" PRIX32 " is no address of a vector table", addr);
	rc = memory_read(d, (struct span){addr, sizeof(words)}, true, words, NULL, e);
	if (rc < 0)
		return rc;
	if (!d->facts.has_geometry || !span_contains(flash, (struct span){addr, sizeof(words)}))
		return 0;
	if (vectors_bootable(words, addr, (uint32_t)(span_end(flash) - addr), d->facts.chip))
		return 0;
	err_set(e, ERR_NO_FIT,
		"there is no program at 0x%08" PRIX32 " (words %08" PRIX32 " %08" PRIX32 ")", addr,
		get_le32(words), get_le32(words + 4));
	return err_at(e, addr);
}

static int run(struct command_env *env, struct err *e)
{
	struct device *d = NULL;
	uint32_t addr;
	int rc = cmd_find_device(env, 0, &d, e);

	if (rc < 0)
		return rc;
	addr = opt_u32(env->opts, "address", d->facts.chip->flash_base);
	rc = check_program(d, addr, e);
	if (rc == 0 && quirk_applies(d->facts.chip, d->facts.boot_id, CHIP_QUIRK_GO_BROKEN))
		event_emit(env->events,
			&(struct event){.type = EVENT_WARNING,
				.text = "Go does not work well on every part of this chip; a reset is safer"});
	if (rc == 0)
		rc = d->target->ops->go(d->target, addr, e);
	if (rc == 0) {
		out_str(env->out, "device", d->name);
		out_hex(env->out, "started", addr, 8);
	}
	device_close(d);
	return rc;
}

const struct command cmd_go = {
	.name = "go",
	.args = "",
	.summary = "start the program on a device",
	.details =
		"The bootloader jumps without a reset: a program that relies on the state after\n"
		"reset is better started by one.\n",
	.examples = "stmota go --device uart:/dev/ttyUSB0\n"
		    "stmota go --device lamp --address 0x08004000\n",
	.group = COMMAND_DEVICE,
	.opts = opts,
	.flags = CMD_JSON | CMD_DEVICE,
	.run = run,
};
