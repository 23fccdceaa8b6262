/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_ymodem.h - a receiver with a memory of its own: no menu, no flash, no board
 *
 * For tests of a sender against every kind of receiver (sim_receiver.h), with a virtual clock.
 */
#ifndef STMOTA_SIM_YMODEM_H
#define STMOTA_SIM_YMODEM_H

#include "sim_receiver.h"

/* Receivers as the fact files describe them; `name` NULL ends. */
extern const struct sim_ymodem_config sim_ymodem_receivers[];

struct sim_ymodem;

/* NULL without memory. */
struct sim_ymodem *sim_ymodem_new(const struct sim_ymodem_config *cfg);
void sim_ymodem_free(struct sim_ymodem *d);

/* The menu's download key was pressed: what was received before is forgotten. */
void sim_ymodem_start(struct sim_ymodem *d, uint64_t now_us);

void sim_ymodem_rx(struct sim_ymodem *d, uint8_t byte, uint64_t now_us);
/* Next byte that it sends; false: none yet. */
bool sim_ymodem_tx(struct sim_ymodem *d, uint8_t *ret, uint64_t *ret_at_us);
/* Time passes; to be called before bytes arrive, and at sim_ymodem_next_us(). */
void sim_ymodem_tick(struct sim_ymodem *d, uint64_t now_us);
/* When it will do something by itself. */
uint64_t sim_ymodem_next_us(const struct sim_ymodem *d);

/* True after the end of a batch that it believes in. */
bool sim_ymodem_happy(const struct sim_ymodem *d);
/* It is back in its menu. */
bool sim_ymodem_left(const struct sim_ymodem *d);
/* What it wrote, padding included, and the size that the header said. */
const uint8_t *sim_ymodem_written(const struct sim_ymodem *d, size_t *ret_len, uint64_t *ret_size);

#endif
