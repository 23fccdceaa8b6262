/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_probe.c - what chip is there, and what protects it
 */
#include "cmd.h"

#include <stmota/device.h>
#include <stmota/quirks.h>

static const char *rdp_text(const struct device_facts *f)
{
	static const char *const levels[] = {
		[RDP_UNKNOWN] = NULL,
		[RDP_0] = "0",
		[RDP_0_5] = "0.5",
		[RDP_1] = "1",
		[RDP_2] = "2",
	};

	return levels[f->rdp];
}

static void show_bcd(struct out *o, const char *key, bool known, uint8_t value)
{
	if (known)
		out_strf(o, key, "%u.%u", (unsigned)value >> 4, (unsigned)value & 15);
	else
		out_str(o, key, NULL);
}

static void show_flash(struct out *o, const struct device_facts *f)
{
	out_object(o, "flash");
	if (f->flash_size != 0)
		out_size(o, "size", f->flash_size);
	if (f->has_geometry) {
		out_hex(o, "address", f->geometry.base, 8);
		out_uint(o, "banks", f->geometry.banks);
		out_uint(o, "erase_units", f->geometry.n_units);
		out_size(o, "largest_unit",
			geometry_unit(&f->geometry, f->geometry.n_units - 1).size);
		out_uint(o, "write_align", f->geometry.write_align);
		out_bool(o, "swapped", f->swapped);
	}
	if (f->has_geometry && f->geometry.n_numbered < f->geometry.n_units) {
		out_hex(o, "not_erasable_from",
			geometry_unit(&f->geometry, f->geometry.n_numbered).addr, 8);
		out_str(o, "not_erasable_because", f->geometry.numbering);
	}
	if (f->geometry_why[0] != '\0')
		out_str(o, "not_confirmed", f->geometry_why);
	out_end(o);
}

static void show_write_protection(struct out *o, const struct device_facts *f)
{
	out_object(o, "write_protection");
	out_bool(o, "known", f->wrp_known);
	if (!f->wrp_known)
		out_str(o, "not_confirmed", f->wrp_why);
	out_table(o, "ranges");
	for (size_t i = 0; i < f->n_wrp; i++) {
		out_object(o, NULL);
		out_hex(o, "address", f->wrp[i].addr, 8);
		out_size(o, "size", f->wrp[i].len);
		out_end(o);
	}
	out_end(o);
	out_end(o);
}

static void show_commands(struct out *o, const struct target_info *info)
{
	out_list(o, "commands");
	for (unsigned i = 0; i < 256; i++)
		if (info->commands[i] != 0)
			out_hex(o, NULL, i, 2);
	out_end(o);
}

static void show_quirks(struct out *o, const struct device_facts *f)
{
	const struct quirk_row *q;
	size_t pos = 0;

	if (f->n_candidates > 1)
		return;
	out_table(o, "quirks");
	while ((q = quirk_next(f->chip, f->boot_id, &pos)) != NULL) {
		out_object(o, NULL);
		out_str(o, "name", quirk_name(q->quirk));
		out_str(o, "text", q->text);
		out_end(o);
	}
	out_end(o);
}

static void show(struct out *o, const struct device *d)
{
	const struct device_facts *f = &d->facts;
	const struct link *link = d->target->link;

	out_str(o, "device", d->name);
	out_str(o, "transport", f->transport);
	if (link->baud != 0)
		out_uint(o, "baud", link->baud);
	if (link->bus_hz != 0)
		out_uint(o, "bus_hz", link->bus_hz);
	if ((link->caps & LINK_FRAMED) != 0)
		out_strf(o, "address", "0x%02x", d->url.i2c_addr);
	cmd_out_device_chip(o, f);
	if (f->n_candidates <= 1)
		out_str(o, "core", chip_core_name(f->chip->core));
	show_bcd(o, "protocol", f->protocol != 0, f->protocol);
	show_bcd(o, "bootloader", f->has_boot_id, f->boot_id);
	if (f->has_uid)
		out_bytes(o, "unique_id", f->uid, sizeof(f->uid));
	else
		out_str(o, "unique_id", NULL);
	show_flash(o, f);
	out_str(o, "read_protection_level", rdp_text(f));
	out_bool(o, "read_protected", f->read_refused);
	show_write_protection(o, f);
	out_str(o, "bootloader_reached", entry_reach_text(f->reach));
	out_bool(o, "can_reset", f->can_reset);
	show_commands(o, &d->target->info);
	show_quirks(o, f);
}

static void show_updater(struct out *o, const struct device *d)
{
	const struct updater_info *i = &d->updater->info;

	out_str(o, "device", d->name);
	out_str(o, "transport", i->transport);
	out_str(o, "kind", "takes a file; its memory cannot be reached");
	if (i->vid != 0) {
		out_strf(o, "usb_id", "%04x:%04x", i->vid, i->pid);
		out_strf(o, "release", "%x.%02x", i->release >> 8, i->release & 0xFF);
	}
	out_str(o, "product", i->product[0] != '\0' ? i->product : NULL);
	out_str(o, "version", i->version[0] != '\0' ? i->version : NULL);
	out_str(o, "serial", i->serial[0] != '\0' ? i->serial : NULL);
	out_str(o, "memory", i->memory[0] != '\0' ? i->memory : NULL);
	out_size(o, "block", i->block);
	out_bool(o, "takes_files", i->takes_files);
	out_bool(o, "can_be_read", d->updater->ops->receive != NULL);
	out_bool(o, "restarts", !i->stays);
}

static int run(struct command_env *env, struct err *e)
{
	struct device *d = NULL;
	int rc = cmd_find_any_device(env, 0, &d, e);

	if (rc < 0)
		return rc;
	if (d->updater != NULL)
		show_updater(env->out, d);
	else
		show(env->out, d);
	device_close(d);
	return 0;
}

const struct command cmd_probe = {
	.name = "probe",
	.args = "",
	.summary = "identify a device: chip, bootloader, flash, protection",
	.details = "Nothing is written and nothing is erased.\n",
	.examples = "stmota probe --device uart:/dev/ttyUSB0\n"
		    "stmota probe --device dfu:\n"
		    "stmota probe --device uart:/dev/ttyUSB0 --before dtr-rts --json\n",
	.group = COMMAND_DEVICE,
	.flags = CMD_JSON | CMD_DEVICE | CMD_LOOKS,
	.run = run,
};
