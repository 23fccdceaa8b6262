/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd.h"

#include <stdio.h>

#include <stmota/chip.h>
#include <stmota/device.h>

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

void cmd_out_device_chip(struct out *o, const struct device_facts *f)
{
	char text[400] = "";
	size_t at = 0;

	if (f->n_candidates <= 1 || out_mode(o) != OUT_HUMAN)
		cmd_out_chip(o, f->pid);
	if (f->chip_assumed && out_mode(o) != OUT_HUMAN)
		out_hex(o, "chip_assumed", f->chip->pid, 3);
	else if (f->chip_assumed)
		out_strf(o, "chip_assumed", "0x%03X %s", f->chip->pid, f->chip->name);
	if (f->n_candidates <= 1)
		return;
	if (out_mode(o) != OUT_HUMAN) {
		out_list(o, "candidates");
		for (size_t i = 0; i < f->n_candidates; i++)
			out_hex(o, NULL, f->candidates[i]->pid, 3);
		out_end(o);
		return;
	}
	for (size_t i = 0; i < f->n_candidates && at < sizeof(text); i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s0x%03X %s",
			i > 0 ? ", or " : "", f->candidates[i]->pid, f->candidates[i]->name);
	out_str(o, "chip", text);
}
