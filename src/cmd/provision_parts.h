/* SPDX-License-Identifier: Apache-2.0 */
/*
 * provision_parts.h - the files of a first programming, and where in flash they go
 */
#ifndef STMOTA_CMD_PROVISION_PARTS_H
#define STMOTA_CMD_PROVISION_PARTS_H

#include "cmd.h"

#include <stmota/firmware.h>
#include <stmota/provision.h>

#define PROVISION_PROGRAMS_MAX 5 /* the loader and four applications */

struct provision_parts {
	struct firmware program[PROVISION_PROGRAMS_MAX]; /* the first is the loader */
	size_t n_programs;
	struct segments image[PROVISION_PARTS_MAX]; /* where they will be written */
	struct image_heads heads[PROVISION_PROGRAMS_MAX];
	char from[PROVISION_PARTS_MAX][64]; /* of parts that are no program */
	size_t n;
	struct trust trust;
};

/* Reads and judges all files; needs no device. */
int provision_parts_load(struct provision_parts *p, const struct command_env *env, struct err *e);
/* Product ID that a package is for; 0: none says. */
uint16_t provision_chip(const struct provision_parts *p);
/* The first application, else the loader: whose version the device has then. */
const struct firmware *provision_release(const struct provision_parts *p);
/*
 * Fits them to the device, and puts the parts into `rq`, which borrows them. Anew when it is called
 * again: of a device that cannot be read it is not known where its erase units are.
 */
int provision_parts_place(struct provision_parts *p, const struct command_env *env,
	const struct device *d, struct provision_request *rq, struct err *e);
void provision_parts_done(struct provision_parts *p);

#endif
