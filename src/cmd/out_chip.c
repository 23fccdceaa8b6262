/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd.h"

#include <stmota/chip.h>

void cmd_out_chip(struct out *o, uint16_t pid)
{
	const struct chip *c = chip_find(pid);
	const char *name = c != NULL ? c->name : NULL;

	if (out_mode(o) != OUT_HUMAN) {
		if (pid != 0)
			out_hex(o, "chip", pid, 3);
		else
			out_str(o, "chip", NULL);
		out_str(o, "chip_name", name);
	} else if (pid == 0) {
		out_str(o, "chip", "any");
	} else {
		out_strf(o, "chip", "0x%03X %s", pid, name != NULL ? name : "(unknown)");
	}
}
