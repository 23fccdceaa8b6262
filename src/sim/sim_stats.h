/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_stats.h - what went over the wires of a board, as a JSON file
 */
#ifndef STMOTA_SIM_STATS_H
#define STMOTA_SIM_STATS_H

#include <stdint.h>

#include "sim.h"

/* `uart_us`: modelled time of the serial wire. Nothing to do where `path` is NULL. ERR_IO. */
int sim_stats_write(const char *path, const struct sim_board *b, uint64_t uart_us, struct err *e);

#endif
