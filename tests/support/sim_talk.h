/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_talk.h - conversations with a virtual board, typed as bytes
 */
#ifndef STMOTA_TESTS_SIM_TALK_H
#define STMOTA_TESTS_SIM_TALK_H

#include <stddef.h>
#include <stdint.h>

#include "../../src/sim/sim.h"

/*
 * A board of the chip named `pid`; ends the test if it cannot be made.
 *
 * flash_kib  0: the largest part
 * rom        bootloader id, 0: the newest
 * fault      NULL: none
 */
struct sim_board *talk_board(uint16_t pid, uint32_t flash_kib, uint8_t rom, const char *fault);

/*
 * The host sends a packet ("31 CE") once the device is idle, and everything that the device then
 * sends must be `reply` ("79"; "" for silence). Fails the test with both texts otherwise.
 */
#define talk(b, packet, reply) talk_at(__FILE__, __LINE__, b, packet, reply)
void talk_at(
	const char *file, int line, struct sim_board *b, const char *packet, const char *reply);

/* Whole commands, each with every step ACKed. */
void talk_write(struct sim_board *b, uint32_t addr, const uint8_t *data, size_t len);
void talk_read(struct sim_board *b, uint32_t addr, uint8_t *ret, size_t len);
void talk_option_word(struct sim_board *b, uint32_t addr, uint32_t *ret);

#endif
