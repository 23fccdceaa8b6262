/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_adopt.h - devices that are attached become sections of a fleet file
 *
 * What stands in the file already stays byte for byte; sections are added at its end, and only if
 * the whole reads well afterwards.
 */
#ifndef STMOTA_FLEET_ADOPT_H
#define STMOTA_FLEET_ADOPT_H

#include <stmota/buf.h>
#include <stmota/event.h>
#include <stmota/fleet.h>
#include <stmota/fleet_db.h>

struct fleet_adoptee {
	char name[FLEET_NAME_SIZE]; /* of the section to be */
	char url[160];
	bool asked;               /* it answered; a device that takes files is not asked */
	uint16_t pid;             /* 0: not known */
	const char *chip;         /* its name, static; NULL: not known */
	struct fleet_known known; /* unique id, version, counter, as far as it said */
};

/* Settings that all new sections get; NULL: none. */
struct fleet_adopt_settings {
	const char *product, *group, *before, *confirm;
	uint32_t wave, baud; /* 0: not written */
};

/*
 * Asks a device who it is: opens it, reads, and starts its program again. One that takes files is
 * not opened: nobody knows what a menu makes of keys. ERR_USAGE, else as device_open().
 */
int fleet_adopt_look(const char *url, const struct fleet_adopt_settings *set,
	const struct config *config, const struct event_sink *events, struct fleet_adoptee *ret,
	struct err *e);

/* A name that no section has: "device-1", "device-2"... */
void fleet_adopt_name(const struct config *config, const struct fleet_adoptee *others, size_t n,
	char ret[FLEET_NAME_SIZE]);

/*
 * Appends sections to the text of a file; an empty one gets a [fleet] first. ERR_CONFIG if the whole
 * would not be a good fleet file; `text` is then as it was.
 */
int fleet_adopt_extend(const char *path, struct buf *text, const struct fleet_adoptee *v, size_t n,
	const struct fleet_adopt_settings *set, struct err *e);

#endif
