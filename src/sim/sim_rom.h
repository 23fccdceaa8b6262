/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_rom.h - what the files of the simulated ROM bootloader share
 *
 * The real ROM reads byte after byte and waits for ever; here it names the next packet and a
 * function that gets it.
 */
#ifndef STMOTA_SIM_ROM_H
#define STMOTA_SIM_ROM_H

#include "sim_priv.h"

#define ROM_ACK  0x79
#define ROM_NACK 0x1F

typedef void (*rom_step)(struct sim_board *b);

/* Waits for a fresh packet of `need` bytes. */
void sim_rom_expect(struct sim_board *b, uint32_t need, rom_step next);
/* Waits until the packet that has begun is `need` bytes long. */
void sim_rom_expect_more(struct sim_board *b, uint32_t need, rom_step next);
/* Back to the command boundary. */
void sim_rom_idle(struct sim_board *b);

void sim_rom_ack(struct sim_board *b);
/* NACK and back to the command boundary. */
void sim_rom_refuse(struct sim_board *b);
/* Of buf[0..len): true if the last byte is the XOR of those before it. */
bool sim_rom_xor_ok(const struct sim_board *b, uint32_t len);
/* Takes the address packet; false: it was refused or swallowed, the command is over. */
bool sim_rom_take_address(struct sim_board *b);
/* No memory there: what the ROM does about it. */
void sim_rom_bad_address(struct sim_board *b);
static inline bool rom_alive(const struct sim_board *b)
{
	return b->cpu == SIM_CPU_ROM;
}

/* Handlers, entered after the command pair was found good and permitted. */
void sim_rom_write(struct sim_board *b);
void sim_rom_erase(struct sim_board *b);
void sim_rom_extended_erase(struct sim_board *b);
void sim_rom_write_protect(struct sim_board *b);
void sim_rom_write_unprotect(struct sim_board *b);
void sim_rom_readout_protect(struct sim_board *b);
void sim_rom_readout_unprotect(struct sim_board *b);
void sim_rom_checksum(struct sim_board *b);
void sim_rom_special(struct sim_board *b);

#endif
