/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_ports.c - serial ports, USB bootloaders, I2C buses and GPIO chips: there, and permitted
 *
 * None is opened: a serial port that is opened moves its lines, and on many boards that is a reset.
 */
#include "doctor.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stmota/cleanup.h>
#include <stmota/link_i2c.h>
#include <stmota/usb.h>

#define RULES "examples/udev/60-stmota.rules (the Debian package installs it)"

/* ---- rights ---- */

static const char *user_name(char *buf, size_t size)
{
	const struct passwd *p = getpwuid(geteuid());

	if (p != NULL)
		return p->pw_name;
	snprintf(buf, size, "%u", (unsigned)geteuid());
	return buf;
}

/* The group file says yes, this login does not know it yet. */
static bool is_new_member(const struct group *g, const char *user)
{
	for (char **m = g->gr_mem; *m != NULL; m++)
		if (strcmp(*m, user) == 0)
			return true;
	return false;
}

/* Why this user may not use the node, and what helps. */
static void refused(struct doctor *d, const char *check, const char *path, const char *other_group)
{
	int why = errno;
	char buf[16];
	const char *user = user_name(buf, sizeof(buf));
	const struct group *g = NULL;
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & 060) == 060 && st.st_gid != 0)
		g = getgrgid(st.st_gid);
	doctor_say(d, DOCTOR_WRONG, check, "%s: %s for user %s", path, strerror(why), user);
	if (g == NULL)
		doctor_advise(d, "install " RULES " and add the user to group %s", other_group);
	else if (is_new_member(g, user))
		doctor_advise(d,
			"the user is in group %s, but not since this login: log in again, "
			"or restart the service",
			g->gr_name);
	else
		doctor_advise(d,
			"sudo adduser %s %s, then log in again (a service: "
			"SupplementaryGroups=%s)",
			user, g->gr_name, g->gr_name);
}

static bool permitted(const char *path)
{
	return access(path, R_OK | W_OK) == 0;
}

/* ---- serial ports ---- */

/* "/dev/serial/by-id/..." is the port that it leads to. */
static bool is_port(const struct serial_port *p, const char *path)
{
	char *resolved = realpath(path, NULL);
	bool same =
		strcmp(p->name, path) == 0 || (resolved != NULL && strcmp(p->name, resolved) == 0);

	free(resolved);
	return same;
}

static void named_node(struct doctor *d, const struct doctor_device *v, const char *group)
{
	const char *path = v->url.path;

	if (access(path, F_OK) < 0) {
		doctor_say(d, v->must ? DOCTOR_WRONG : DOCTOR_WARNING, v->what, "%s is not there",
			path);
		doctor_advise(d,
			v->url.scheme == DEVICE_I2C
				? "load the driver: 'sudo modprobe i2c-dev', and put i2c-dev into "
				  "/etc/modules-load.d/i2c.conf"
				: "is it plugged in? 'stmota devices' lists what is there; names "
				  "under /dev/serial/by-id stay the same");
	} else if (!permitted(path)) {
		refused(d, v->what, path, group);
	} else {
		doctor_say(d, DOCTOR_OK, v->what, "%s may be used", path);
	}
}

static void named_serial(struct doctor *d, const struct doctor_device *v)
{
	char holder[96];

	if (!serial_port_holder(v->url.path, holder, sizeof(holder))) {
		named_node(d, v, "dialout");
		return;
	}
	doctor_say(d, v->must ? DOCTOR_WRONG : DOCTOR_WARNING, v->what, "%s is held by %s",
		v->url.path, holder);
	doctor_advise(d, "end that program, or let it leave this port alone");
}

static void devices(struct doctor *d)
{
	for (size_t i = 0; i < d->n_devices; i++) {
		const struct doctor_device *v = &d->devices[i];

		if (v->url.scheme == DEVICE_UART || v->url.scheme == DEVICE_YMODEM)
			named_serial(d, v);
		else if (v->url.scheme == DEVICE_I2C)
			named_node(d, v, "i2c");
		/* One that is in its bootloader stands among the USB devices, the others nowhere. */
	}
}

static bool is_named(const struct doctor *d, const struct serial_port *p)
{
	for (size_t i = 0; i < d->n_devices; i++)
		if (is_port(p, d->devices[i].url.path))
			return true;
	return false;
}

/* Those that nobody named: adapters a board may be behind. Ports of the machine itself are counted. */
static void other_serial(struct doctor *d, const struct serial_port *ports, size_t n)
{
	size_t own = 0;

	for (size_t i = 0; i < n; i++) {
		const struct serial_port *p = &ports[i];
		const char *kind = p->what[0] != '\0' ? p->what : "serial port";

		if (is_named(d, p))
			continue;
		if (!p->is_usb) {
			own++;
			continue;
		}
		if (p->holder[0] != '\0')
			doctor_say(d, DOCTOR_OK, kind, "%s is held by %s", p->name, p->holder);
		else if (permitted(p->name))
			doctor_say(d, DOCTOR_OK, kind, "%s may be used", p->name);
		else
			refused(d, kind, p->name, "dialout");
	}
	doctor_say(d, DOCTOR_OK, "other serial ports", "%zu", own);
}

/* ---- USB ---- */

static void usb(struct doctor *d)
{
	cleanup_free struct usb_entry *list = NULL;
	struct err e = ERR_INIT;
	size_t n = 0;

	/* Without their texts: for these they would be opened. */
	if (usb_list(false, &list, &n, &e) < 0) {
		bool wanted = false;

		for (size_t i = 0; i < d->n_devices; i++)
			wanted |= d->devices[i].url.scheme == DEVICE_DFU;
		doctor_failed(d, wanted ? DOCTOR_WRONG : DOCTOR_WARNING, "USB", &e);
		return;
	}
	if (n == 0)
		doctor_say(d, DOCTOR_OK, "USB", "no device with DFU is attached");
	for (size_t i = 0; i < n; i++) {
		const struct usb_entry *u = &list[i];
		char check[64];

		snprintf(check, sizeof(check), "USB %04x:%04x", u->vid, u->pid);
		if (permitted(u->node))
			doctor_say(d, DOCTOR_OK, check, "%s at port %s may be used",
				u->is_st_rom ? "STM32 bootloader" : "device with DFU", u->port);
		else if (u->is_st_rom || u->dfuse)
			refused(d, check, u->node, "plugdev");
		else /* A camera or a sound card that can be updated so is none of ours. */
			doctor_say(d, DOCTOR_OK, check, "device with DFU at port %s, not permitted",
				u->port);
	}
}

/* ---- I2C and GPIO ---- */

static void buses(struct doctor *d)
{
	cleanup_free struct i2c_bus *v = NULL;
	size_t n = 0, open = 0;

	if (i2c_buses_list(&v, &n, NULL) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		open += permitted(v[i].path);
	if (n == 0)
		doctor_say(d, DOCTOR_OK, "I2C buses", "none");
	else
		doctor_say(d, DOCTOR_OK, "I2C buses", "%zu, of which %zu may be used", n, open);
}

/* "gpio:gpiochip0/17", "!gpio:/dev/gpiochip0/17": its chip, if it is named as a file is. */
static bool chip_of(const char *pin, char *ret, size_t size)
{
	const char *at = strstr(pin, "gpio:");
	size_t len;

	if (at == NULL)
		return false;
	at += strlen("gpio:");
	if (strncmp(at, "/dev/", 5) == 0)
		at += 5;
	len = strcspn(at, "/");
	if (strncmp(at, "gpiochip", 8) != 0 || at[len] != '/')
		return false;
	return snprintf(ret, size, "/dev/%.*s", (int)len, at) < (int)size;
}

static void line_of(struct doctor *d, const char *section, const char *name, const char *key)
{
	const char *pin = config_get(d->config, section, name, key);
	char check[128], chip[64];

	if (pin == NULL || !chip_of(pin, chip, sizeof(chip)))
		return;
	snprintf(check, sizeof(check), "%s %.60s %s", section, name, key);
	if (access(chip, F_OK) < 0) {
		doctor_say(d, DOCTOR_WRONG, check, "%s is not there", chip);
		doctor_advise(d, "'gpiodetect' lists the chips of this machine");
	} else if (!permitted(chip)) {
		refused(d, check, chip, "gpio");
	} else {
		doctor_say(d, DOCTOR_OK, check, "%s may be used", chip);
	}
}

static void lines(struct doctor *d)
{
	static const char *const sections[] = {"device", "entry"};

	for (size_t s = 0; s < sizeof(sections) / sizeof(sections[0]); s++)
		for (size_t i = 0; i < config_n_sections(d->config, sections[s]); i++) {
			const char *name = config_section_name(d->config, sections[s], i);

			line_of(d, sections[s], name, "boot0");
			line_of(d, sections[s], name, "nrst");
		}
}

void doctor_ports(struct doctor *d)
{
	cleanup_free struct serial_port *ports = NULL;
	struct err e = ERR_INIT;
	size_t n = 0;

	if (serial_ports_list(&ports, &n, &e) < 0)
		doctor_failed(d, DOCTOR_WRONG, "serial ports", &e);
	devices(d);
	other_serial(d, ports, n);
	usb(d);
	buses(d);
	lines(d);
	doctor_rivals(d, ports, n);
}
