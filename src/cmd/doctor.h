/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor.h - what `stmota doctor` looks at: one function for each matter, rows as result
 *
 * A check looks and changes nothing: no port is opened, nothing is sent to a device, no file is
 * made. It says in a row what it found, and behind it what is to be done.
 */
#ifndef STMOTA_CMD_DOCTOR_H
#define STMOTA_CMD_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

#include <stmota/command.h>
#include <stmota/device_url.h>
#include <stmota/serial_ports.h>

enum doctor_result {
	DOCTOR_OK,
	DOCTOR_WARNING, /* it works today, or only somebody else is concerned */
	DOCTOR_WRONG,   /* work that is configured cannot be done */
};

struct doctor_row {
	enum doctor_result result;
	char check[128];
	char found[320];
	char advice[400]; /* "": nothing is to be done */
};

/* A device that somebody named: its port must be there. */
struct doctor_device {
	char what[96]; /* "device lamp" */
	struct device_url url;
	bool must; /* a fleet needs it; else it may lie in a drawer */
};

struct doctor {
	const struct command_env *env;
	const struct config *config;
	struct doctor_row *rows;
	size_t n;
	struct doctor_device *devices;
	size_t n_devices;
	bool nomem;
};

/* Adds a row. */
void doctor_say(struct doctor *d, enum doctor_result result, const char *check, const char *fmt,
	...) __attribute__((format(printf, 4, 5)));
/* What to do about the latest row. */
void doctor_advise(struct doctor *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A row from a failure: its message, and its hint as the advice. */
void doctor_failed(
	struct doctor *d, enum doctor_result result, const char *check, const struct err *e);

/* ---- doctor_host.c ---- */
void doctor_libraries(struct doctor *d);
void doctor_locale(struct doctor *d);
void doctor_clock(struct doctor *d);
/* Folders for what is remembered, and the room in them. */
void doctor_folders(struct doctor *d);

/*
 * A folder that is written to: whether it can be, and how much room is left there. What does not
 * exist yet would be made.
 *
 * need  bytes that should be free
 */
void doctor_folder(struct doctor *d, const char *check, const char *path, unsigned long long need);

/* ---- doctor_fleet.c ---- */
struct cmd_fleet;
/* The fleet file that is named, or stands where it is looked for. False: there is none to go on with. */
bool doctor_fleet_open(struct doctor *d, struct cmd_fleet *ret);
/* Its database, its secrets, the server that it follows. */
void doctor_fleet(struct doctor *d, const struct cmd_fleet *cf);

/* ---- doctor_trust.c ---- */
void doctor_trust(struct doctor *d);

/* ---- doctor_ports.c ---- */
void doctor_ports(struct doctor *d);

/* ---- doctor_rules.c ---- */
/* Programs that take serial ports for themselves. `ports` are those of the machine. */
void doctor_rivals(struct doctor *d, const struct serial_port *ports, size_t n);

#endif
