/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_stats.c - what went over the wires of a board, as a JSON file
 */
#include "sim_stats.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <stmota/fs.h>

static json_t *usb_stats(const struct sim_usb_stats *u)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f}",
		"usb_transfers", (json_int_t)u->transfers, "usb_dnload", (json_int_t)u->dnload,
		"usb_upload", (json_int_t)u->upload, "usb_getstatus", (json_int_t)u->getstatus,
		"usb_clrstatus", (json_int_t)u->clrstatus, "usb_abort", (json_int_t)u->abort,
		"usb_standard", (json_int_t)u->standard, "usb_bytes_out", (json_int_t)u->bytes_out,
		"usb_bytes_in", (json_int_t)u->bytes_in, "usb_stalls", (json_int_t)u->stalls,
		"usb_lost", (json_int_t)u->lost, "usb_poll_seconds", (double)u->poll_us / 1e6);
}

int sim_stats_write(const char *path, const struct sim_board *b, uint64_t uart_us, struct err *e)
{
	struct sim_stats s = sim_board_stats(b);
	json_t *j;
	char *text;
	int rc;

	if (path == NULL)
		return 0;
	j = json_pack("{s:I, s:I, s:I, s:I, s:I, s:f, s:f}", "bytes_to_device",
		(json_int_t)s.bytes_to_device, "bytes_from_device", (json_int_t)s.bytes_from_device,
		"turnarounds", (json_int_t)s.turnarounds, "erases", (json_int_t)s.erases,
		"programs", (json_int_t)s.programs, "wire_seconds",
		(double)(uart_us + s.bus_us + s.usb.bus_us) / 1e6, "flash_seconds",
		(double)s.flash_us / 1e6);
	if (j != NULL && s.messages > 0)
		json_object_update_new(
			j, json_pack("{s:I, s:I}", "i2c_messages", (json_int_t)s.messages,
				   "i2c_busy_polls", (json_int_t)s.busy_polls));
	if (j != NULL && s.usb.transfers > 0)
		json_object_update_new(j, usb_stats(&s.usb));
	text = j == NULL ? NULL : json_dumps(j, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
	json_decref(j);
	if (text == NULL)
		return err_set(e, ERR_NOMEM, "no memory for the statistics");
	rc = fs_write_soon(path, text, strlen(text), 0644, e);
	free(text);
	return rc;
}
