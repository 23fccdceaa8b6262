/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bank_move.h - which bank runs, where the other one is written, and the option bit between them
 *
 * Two ways: the chip exchanges the addresses of its banks (SWAP_BANK), or its ROM looks for a
 * program in bank 2, then in bank 1, and maps what it starts to the start of flash (BFB2). Either
 * way a program is linked for the start of flash, whichever bank it goes to.
 */
#ifndef STMOTA_BANK_MOVE_H
#define STMOTA_BANK_MOVE_H

#include <stdbool.h>
#include <stdint.h>

#include <stmota/chip.h>
#include <stmota/err.h>

struct bank_move {
	bool by_rom;                 /* BFB2: only a reset starts what it chooses */
	const struct chip_bits *bit; /* the option bit */
	unsigned running, other;     /* 1 or 2, as the datasheet counts them */
	uint32_t link;               /* where a program runs */
	uint32_t to;         /* where the bank that does not run is seen by the bootloader */
	uint32_t size;       /* of a bank */
	uint32_t value_new;  /* of the bit, so that the other bank runs */
	uint32_t value_back; /* so that the one runs again that runs now */
};

/*
 * Works it out from what was read from the device. Pure.
 *
 * boot_id  of the bootloader, 0: not known
 * heads    words 0 and 1 at the start of flash and at the start of its upper half
 *
 * ERR_UNSUPPORTED where the part has one bank, where the place or effect of the bit is not
 * confirmed, or where bank 2 would not start; the hint says what would help. Or the error of `read`.
 */
int bank_move_plan(const struct geometry *g, uint8_t boot_id, chip_option_reader read, void *ctx,
	const uint8_t heads[2][8], struct bank_move *ret, struct err *e);

/*
 * Would the ROM take a program with this initial stack pointer, in the other bank? ERR_NO_FIT.
 */
int bank_move_check_stack(
	const struct bank_move *m, const struct chip *c, uint32_t sp, struct err *e);

#endif
