/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_rom.h - what the files of the simulated ROM bootloader share
 *
 * The real ROM reads byte after byte and waits for ever (UART) or until its time-out (I2C); here it
 * names the next packet and a function that gets it. The commands are the same on both wires: what
 * they send goes out at once on the UART, and waits on I2C until the host comes to read it.
 */
#ifndef STMOTA_SIM_ROM_H
#define STMOTA_SIM_ROM_H

#include "sim_priv.h"

#define ROM_ACK  0x79
#define ROM_NACK 0x1F
#define ROM_BUSY 0x76

typedef void (*rom_step)(struct sim_board *b);

/* Waits for a fresh packet of `need` bytes. */
void sim_rom_expect(struct sim_board *b, uint32_t need, rom_step next);
/* Waits until the packet that has begun is `need` bytes long. */
void sim_rom_expect_more(struct sim_board *b, uint32_t need, rom_step next);
/* Back to the command boundary. */
void sim_rom_idle(struct sim_board *b);

void sim_rom_ack(struct sim_board *b);
void sim_rom_nack(struct sim_board *b);
/* NACK and back to the command boundary. */
void sim_rom_refuse(struct sim_board *b);
/* A byte of an answer. On I2C it is read together with those sent just before. */
void sim_rom_send(struct sim_board *b, uint8_t byte);
/* What is sent from now on is read apart. */
void sim_rom_apart(struct sim_board *b);
/* Goes on with `step` once the host has what was sent. */
void sim_rom_after(struct sim_board *b, rom_step step);
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
static inline bool rom_on_i2c(const struct sim_board *b)
{
	return b->rom.iface == SIM_IFACE_I2C;
}

/* sim_rom_sets.c: what Get answers on the interface in use. */
struct sim_rom_set {
	uint8_t version; /* BCD */
	uint8_t codes[32];
	uint8_t n;
};
void sim_rom_set_of(const struct sim_board *b, struct sim_rom_set *ret);

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
