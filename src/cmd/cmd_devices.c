/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_devices.c - what is configured, and what ports there are
 *
 * Sends nothing: who knows what is behind a port that nobody named.
 */
#include "cmd.h"

#include <stdlib.h>
#include <string.h>

#include <stmota/bytes.h>
#include <stmota/cleanup.h>
#include <stmota/link_i2c.h>
#include <stmota/serial_ports.h>
#include <stmota/usb.h>

static const struct opt opts[] = {
	OPT_FLAG("show", "show every setting too, and who made it"),
	OPT_END,
};

static void show_configured(struct out *o, const struct config *c)
{
	out_table(o, "configured");
	for (size_t i = 0; i < config_n_devices(c); i++) {
		const char *name = config_device_name(c, i);

		out_object(o, NULL);
		out_str(o, "name", name);
		out_str(o, "url", config_get(c, "device", name, "url"));
		out_str(o, "chip", config_get(c, "device", name, "chip"));
		out_str(o, "product", config_get(c, "device", name, "product"));
		out_end(o);
	}
	out_end(o);
}

static void show_setting(
	struct out *o, const struct config *c, const struct config_key *k, const char *name)
{
	const char *value = config_get(c, k->section, name, k->key);

	if (value == NULL)
		return;
	out_object(o, NULL);
	if (name != NULL)
		out_strf(o, "section", "%s %s", k->section, name);
	else
		out_str(o, "section", k->section);
	out_str(o, "key", k->key);
	out_str(o, "value", value);
	out_str(o, "set_by", config_origin(c, k->section, name, k->key));
	out_end(o);
}

static void show_settings(struct out *o, const struct config *c)
{
	static const char *const named[] = {"device", "entry"};

	out_table(o, "settings");
	for (const struct config_key *k = config_keys; k->section != NULL; k++)
		if (strcmp(k->section, named[0]) != 0 && strcmp(k->section, named[1]) != 0)
			show_setting(o, c, k, NULL);
	for (size_t s = 0; s < ARRAY_LEN(named); s++)
		for (size_t i = 0; i < config_n_sections(c, named[s]); i++)
			for (const struct config_key *k = config_keys; k->section != NULL; k++)
				if (strcmp(k->section, named[s]) == 0)
					show_setting(o, c, k, config_section_name(c, named[s], i));
	out_end(o);
}

static void show_ports(struct out *o, const struct serial_port *ports, size_t n)
{
	out_table(o, "ports");
	for (size_t i = 0; i < n; i++) {
		const struct serial_port *p = &ports[i];

		out_object(o, NULL);
		out_strf(o, "url", "uart:%s", p->name);
		if (p->is_usb)
			out_strf(o, "usb_id", "%04x:%04x", p->vid, p->pid);
		else
			out_str(o, "usb_id", NULL);
		out_str(o, "kind", p->what[0] != '\0' ? p->what : NULL);
		out_str(o, "description", p->description[0] != '\0' ? p->description : NULL);
		out_str(o, "serial", p->serial[0] != '\0' ? p->serial : NULL);
		out_bool(o, "may_be_board", p->may_be_board);
		out_str(o, "held_by", p->holder[0] != '\0' ? p->holder : NULL);
		out_end(o);
	}
	out_end(o);
}

static void show_buses(struct out *o, const struct i2c_bus *buses, size_t n)
{
	out_table(o, "buses");
	for (size_t i = 0; i < n; i++) {
		out_object(o, NULL);
		out_strf(o, "url", "i2c:%s", buses[i].path);
		out_str(o, "name", buses[i].name[0] != '\0' ? buses[i].name : NULL);
		out_end(o);
	}
	out_end(o);
}

static const char *usb_kind(const struct usb_entry *u)
{
	if (u->is_st_rom)
		return "STM32 bootloader";
	if (u->runtime)
		return "application with DFU";
	return u->dfuse ? "DfuSe bootloader" : "DFU bootloader";
}

static void show_usb(struct out *o, const struct usb_entry *list, size_t n)
{
	out_table(o, "usb");
	for (size_t i = 0; i < n; i++) {
		const struct usb_entry *u = &list[i];

		out_object(o, NULL);
		/* Port before serial number: only the port is unique. */
		out_strf(o, "url", "dfu:%04x:%04x#%s", u->vid, u->pid, u->port);
		out_str(o, "kind", usb_kind(u));
		out_str(o, "description", u->product[0] != '\0' ? u->product : NULL);
		out_str(o, "serial", u->serial[0] != '\0' ? u->serial : NULL);
		out_bool(o, "may_be_board", u->is_st_rom || u->dfuse);
		out_bool(o, "permitted", !u->no_permission);
		out_str(o, "held_by", u->holder[0] != '\0' ? u->holder : NULL);
		out_end(o);
	}
	out_end(o);
}

static int run(struct command_env *env, struct err *e)
{
	cleanup_free struct serial_port *ports = NULL;
	cleanup_free struct i2c_bus *buses = NULL;
	cleanup_free struct usb_entry *usb = NULL;
	size_t n = 0, n_buses = 0, n_usb = 0;
	int rc = serial_ports_list(&ports, &n, e);

	if (rc == 0)
		rc = i2c_buses_list(&buses, &n_buses, e);

	if (rc < 0)
		return rc;
	/* A machine without USB is none the worse for its serial ports. */
	usb_list(true, &usb, &n_usb, NULL);
	show_configured(env->out, env->config);
	show_ports(env->out, ports, n);
	show_buses(env->out, buses, n_buses);
	show_usb(env->out, usb, n_usb);
	if (opt_given(env->opts, "show"))
		show_settings(env->out, env->config);
	if (n == 0 && n_usb == 0)
		out_text(env->out,
			"no serial ports and no USB bootloader here; 'stmota-sim run' makes a virtual board");
	return 0;
}

const struct command cmd_devices = {
	.name = "devices",
	.args = "",
	.summary = "list configured devices, serial ports, I2C buses and USB bootloaders",
	.details =
		"Nothing is sent to any of them, except that USB devices with a DFU interface are\n"
		"asked for their name and serial number.\n",
	.examples = "stmota devices\n"
		    "stmota devices --show --config my.conf\n",
	.group = COMMAND_DEVICE,
	.opts = opts,
	.flags = CMD_JSON,
	.run = run,
};
