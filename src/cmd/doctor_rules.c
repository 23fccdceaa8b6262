/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_rules.c - programs that take serial ports for themselves
 *
 * ModemManager opens new ttyACM and ttyUSB ports and says "AT" to them, for up to half a minute; a
 * bootloader takes that for commands. brltty (Braille displays) takes CH340, CP210x and FTDI
 * adapters away from the kernel's driver, so that their port vanishes.
 */
#include "doctor.h"

#include <ctype.h>
#include <dirent.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <stmota/bytes.h>
#include <stmota/cleanup.h>

static bool runs(const char *program)
{
	glob_t g;
	bool found = false;

	if (glob("/proc/[0-9]*/comm", GLOB_NOSORT, NULL, &g) != 0)
		return false;
	for (size_t i = 0; i < g.gl_pathc && !found; i++) {
		cleanup_file FILE *f = fopen(g.gl_pathv[i], "re");
		char name[32] = "";

		if (f == NULL || fgets(name, sizeof(name), f) == NULL)
			continue;
		name[strcspn(name, "\n")] = '\0';
		found = strcmp(name, program) == 0;
	}
	globfree(&g);
	return found;
}

/* What udev's rules say of a port: ModemManager reads the same properties. */
static bool told_to_leave(const char *node)
{
	static const char *const wanted[] = {"E:ID_MM_DEVICE_IGNORE=1", "E:ID_MM_PORT_IGNORE=1"};
	cleanup_file FILE *f = NULL;
	char path[64], line[256];
	struct stat st;

	if (stat(node, &st) < 0)
		return false;
	snprintf(path, sizeof(path), "/run/udev/data/c%u:%u", major(st.st_rdev), minor(st.st_rdev));
	f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
			if (strcmp(line, wanted[i]) == 0)
				return true;
	}
	return false;
}

static void modem_manager(struct doctor *d, const struct serial_port *ports, size_t n)
{
	char names[160] = "";
	size_t at = 0;

	if (!runs("ModemManager")) {
		doctor_say(d, DOCTOR_OK, "ModemManager", "does not run");
		return;
	}
	for (size_t i = 0; i < n && at < sizeof(names); i++)
		if (ports[i].is_usb && !told_to_leave(ports[i].name))
			at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s",
				at > 0 ? ", " : "", ports[i].name);
	if (names[0] == '\0') {
		doctor_say(d, DOCTOR_OK, "ModemManager", "runs, and leaves the ports here alone");
		return;
	}
	doctor_say(d, DOCTOR_WARNING, "ModemManager", "runs, and may talk to %s", names);
	doctor_advise(d, "install examples/udev/60-stmota.rules (the Debian package does), which "
			 "sets ID_MM_PORT_IGNORE for adapters, or remove ModemManager");
}

/* A file of the same name under /etc takes the place of the packaged one; an empty one, or a link
 * to /dev/null, switches it off. */
static bool rules_of_brltty(void)
{
	static const char *const dirs[] = {"/etc/udev/rules.d", "/run/udev/rules.d",
		"/usr/lib/udev/rules.d", "/lib/udev/rules.d"};

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		char pattern[64];
		struct stat st;
		glob_t g;
		bool there, on;

		snprintf(pattern, sizeof(pattern), "%s/*brltty*.rules", dirs[i]);
		there = glob(pattern, 0, NULL, &g) == 0;
		on = there && stat(g.gl_pathv[0], &st) == 0 && S_ISREG(st.st_mode) &&
		     st.st_size > 0;
		if (there) {
			globfree(&g);
			return on;
		}
	}
	return false;
}

static bool read_id(const char *folder, const char *name, unsigned *ret)
{
	char path[512];
	cleanup_file FILE *f = NULL;

	snprintf(path, sizeof(path), "%.400s/%s", folder, name);
	f = fopen(path, "re");
	return f != NULL && fscanf(f, "%4x", ret) == 1;
}

/* Adapters that its rules claim; without a port the list of ports does not show them. */
static bool adapter_attached(void)
{
	static const struct {
		unsigned vid, pid;
	} claimed[] = {{0x1A86, 0x7523}, {0x10C4, 0xEA60}, {0x0403, 0x6001}};
	bool found = false;
	glob_t g;

	if (glob("/sys/bus/usb/devices/*", GLOB_NOSORT, NULL, &g) != 0)
		return false;
	for (size_t i = 0; i < g.gl_pathc && !found; i++) {
		unsigned vid, pid;

		if (!read_id(g.gl_pathv[i], "idVendor", &vid) ||
			!read_id(g.gl_pathv[i], "idProduct", &pid))
			continue;
		for (size_t k = 0; k < ARRAY_LEN(claimed); k++)
			found |= claimed[k].vid == vid && claimed[k].pid == pid;
	}
	globfree(&g);
	return found;
}

static void brltty(struct doctor *d)
{
	bool on = rules_of_brltty() || runs("brltty");

	if (!on) {
		doctor_say(d, DOCTOR_OK, "brltty", "not installed, or switched off");
	} else if (!adapter_attached()) {
		doctor_say(
			d, DOCTOR_OK, "brltty", "installed; no adapter that it claims is attached");
	} else {
		doctor_say(d, DOCTOR_WARNING, "brltty",
			"installed, and takes adapters for Braille displays");
		doctor_advise(d,
			"if the port of your adapter vanishes: 'sudo apt-get remove brltty', "
			"or mask its rules in /etc/udev/rules.d");
	}
}

void doctor_rivals(struct doctor *d, const struct serial_port *ports, size_t n)
{
	modem_manager(d, ports, n);
	brltty(d);
}
