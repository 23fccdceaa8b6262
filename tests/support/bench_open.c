/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_open.c - see bench_open.h
 */
#include "bench_open.h"

#include <stdio.h>
#include <stdlib.h>

#include <stmota/dfu.h>
#include <stmota/rom.h>

#include "sim_i2c_link.h"
#include "sim_link.h"
#include "sim_usb_link.h"

static int open_usb(const struct bench_wire *w, struct device *d, struct err *e)
{
	struct usb_link *link = NULL;
	struct entry entry = ENTRY_INIT;
	int rc = sim_usb_link_open(w->usb, w->now_us, &link, e);

	if (rc == 0)
		rc = dfu_target_new(link, NULL, &d->target, e);
	if (rc < 0)
		return rc;
	rc = d->target->ops->connect(d->target, NULL, e);
	/* As the command does it: the firmware says which of the candidates it is for. */
	for (int tries = 0; rc == 0 && tries < 3; tries++) {
		rc = device_identify(d->target, NULL, w->hint, e);
		if (rc == 0)
			rc = device_gather(
				d->target, &entry, CHIP_BANKS_DEFAULT, NULL, &d->facts, e);
		if (rc == 0 || !err_is_transient((enum err_code)rc))
			break;
		rc = d->target->ops->recover(d->target, e);
	}
	return rc;
}

int bench_open(const struct bench_wire *w, struct device *d, struct err *e)
{
	struct rom_options options = ROM_OPTIONS_INIT;
	struct link *link;
	int rc;

	snprintf(d->name, sizeof(d->name), "bench");
	if (w->usb != NULL)
		return open_usb(w, d, e);
	options.entry.use_lines = w->lines;
	if (w->lines) {
		options.entry.boot0.wire = ENTRY_WIRE_RTS;
		options.entry.nrst.wire = ENTRY_WIRE_DTR;
	}
	link = w->i2c ? sim_i2c_link_new(w->board, 0, w->lines)
		      : sim_link_new(w->board, &(struct sim_link_config){.lines = w->lines});
	if (link == NULL)
		abort();
	rc = rom_target_new(link, &options, &d->target, e);
	if (rc < 0)
		return rc;
	d->url.entry = options.entry;
	rc = d->target->ops->connect(d->target, &d->target->info, e);
	if (rc == 0)
		rc = device_gather(
			d->target, &options.entry, CHIP_BANKS_DEFAULT, NULL, &d->facts, e);
	return rc;
}
