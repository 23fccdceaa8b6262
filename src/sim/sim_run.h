/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_run.h - a virtual board in real time, behind a pseudo terminal
 */
#ifndef STMOTA_SIM_RUN_H
#define STMOTA_SIM_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "sim.h"

struct sim_run_config {
	const char *uart;       /* path of the link */
	const char *stats_file; /* NULL: none */
	uint32_t wire_baud;     /* 0: as fast as it goes */
	uint32_t latency_ms;    /* of the adapter */
	bool boot0_low;         /* the strap, as in sim_config */
	bool updater;           /* its application has time-outs, and BOOT0 stays low */
	bool reset_on_open;     /* while the port is open BOOT0 is high, whatever the strap says */
	void (*note)(const char *text); /* something happened that a person may want to see */
};

/*
 * Serves the port until SIGTERM or SIGINT. SIGUSR1 is the reset button, SIGUSR2 a power cycle. The
 * state and the statistics are written at the end and whenever the host closes the port.
 * Returns 0, or ERR_IO (terminal, files).
 */
int sim_run(struct sim_board *b, const struct sim_run_config *cfg, struct err *e);

#endif
