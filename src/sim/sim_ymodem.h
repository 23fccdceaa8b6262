/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_ymodem.h - a device that takes a file by YMODEM, as real ones do it
 *
 * Pure state machine, like the boards: bytes in, bytes out, time as a parameter. What ST's, RT-
 * Thread's and other receivers do differently is in the configuration.
 */
#ifndef STMOTA_SIM_YMODEM_H
#define STMOTA_SIM_YMODEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sim_ymodem_number {   /* what becomes of a block with an unexpected number */
	SIM_YMODEM_NAK,    /* ST's IAP, X-CUBE-DBFU */
	SIM_YMODEM_SILENT, /* X-CUBE-SBSFU */
	SIM_YMODEM_TAKE,   /* RT-Thread: not looked at, written */
	SIM_YMODEM_ACK, /* the protocol reference: the previous one is acknowledged and dropped */
};

struct sim_ymodem_config {
	const char *name;
	uint32_t
		interval_ms; /* time-out for a block and between two C; the first C comes after it */
	enum sim_ymodem_number number;
	bool errors_by_c;   /* a bad block is answered by C, else by NAK */
	bool counts_8_bits; /* block 256 is taken for a header */
	bool end_nak;       /* the first EOT is answered by NAK */
	bool end_without_c; /* after the EOT no C comes until the time-out */
	bool large_only;    /* counts 1024 bytes for each block, whatever came */
	bool stays;         /* after too many errors: CAN CAN for ever, until it is told to stop */
	unsigned max_errors;
	const char *erase_text; /* said between header and ACK; NULL: nothing */
	uint32_t erase_ms;
	uint32_t size_max; /* bytes; CAN CAN for more */
};

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
