/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_stats.c - what went over the wires of a board, as a JSON file
 */
#include "sim_stats.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <stmota/fs.h>

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
		(double)(uart_us + s.bus_us) / 1e6, "flash_seconds", (double)s.flash_us / 1e6);
	if (j != NULL && s.messages > 0)
		json_object_update_new(
			j, json_pack("{s:I, s:I}", "i2c_messages", (json_int_t)s.messages,
				   "i2c_busy_polls", (json_int_t)s.busy_polls));
	text = j == NULL ? NULL : json_dumps(j, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
	json_decref(j);
	if (text == NULL)
		return err_set(e, ERR_NOMEM, "no memory for the statistics");
	rc = fs_write(path, text, strlen(text), 0644, e);
	free(text);
	return rc;
}
