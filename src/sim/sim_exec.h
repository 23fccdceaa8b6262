/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_exec.h - runs a program that finds the devices of a virtual board at their usual places
 */
#ifndef STMOTA_SIM_SIM_EXEC_H
#define STMOTA_SIM_SIM_EXEC_H

#include <stdbool.h>
#include <stddef.h>

#include <stmota/err.h>

struct sim_board;

#define SIM_EXEC_BOARDS 8 /* so many ports has the USB hub */

/* The option (without --) and one line about transport `i`; NULL at the end. */
const char *sim_exec_transport(size_t i, const char **ret_what);

struct sim_exec_config {
	bool transports[8];     /* by index as above */
	struct sim_board *const *more; /* further boards, on USB only */
	size_t n_more;
	const char *stats_file; /* NULL: none; of the first board */
	const char *dfu_as;     /* as of --dfu-as */
	bool boot0_low;         /* the strap, as in sim_config */
	char **command;         /* NULL at its end */
};

/*
 * Runs the command until it ends; state and statistics are written then.
 *
 * ret_status  its exit status; 128 and the number of the signal that ended it
 *
 * ERR_UNSUPPORTED if this program was built without umockdev; ERR_IO (files, the command cannot be
 * started); ERR_FAILED (umockdev).
 */
int sim_exec(
	struct sim_board *b, const struct sim_exec_config *cfg, int *ret_status, struct err *e);

#endif
