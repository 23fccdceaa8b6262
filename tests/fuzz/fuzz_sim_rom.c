/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_sim_rom.c - any bytes from a host at the virtual ROM
 *
 * Byte 0 chooses the chip, byte 1 the protection, the rest is sent. Whatever it is: at level 2
 * nothing changes and nothing is answered, out of level 1 only a mass erase leads.
 */
#include <stdlib.h>
#include <string.h>

#include "../../src/sim/sim_priv.h"

#define FLASH_LEN (32u * 1024)

static const uint16_t pids[] = {0x410, 0x413, 0x447, 0x435, 0x460, 0x474, 0x482, 0x449};

static void require(bool ok)
{
	if (!ok)
		abort();
}

/* A board whose flash is full, at the RDP level. */
static struct sim_board *board(uint16_t pid, unsigned level)
{
	struct sim_config cfg = {.chip = chip_find(pid), .seed = 1};
	const struct chip_layout *l = &cfg.chip->layout;
	struct sim_board *b;

	/* The smallest part that ends at an erase unit and has at least 32 KiB. */
	cfg.flash_size = l->runs[0].size *
			 (FLASH_LEN / l->runs[0].size == 0 ? 1 : FLASH_LEN / l->runs[0].size);
	if (sim_board_new(&cfg, &b, NULL) < 0) {
		cfg.flash_size = 0;
		require(sim_board_new(&cfg, &b, NULL) == 0);
	}
	memset(b->flash, 0x5A, b->flash_size);
	if (level == 1)
		require(sim_option_set_rdp(b, 0x11));
	if (level == 2)
		require(sim_option_set_rdp(b, 0xCC));
	sim_reset(b);
	return b;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sim_board *b;
	enum rdp_level level;
	uint64_t at = 1000000, sent_at;
	size_t answers = 0;
	uint8_t byte;

	if (size < 2)
		return 0;
	b = board(pids[data[0] % ARRAY_LEN(pids)], data[1] % 3);
	level = sim_rdp(b);
	for (size_t i = 2; i < size; i++) {
		/* Mostly a host that waits, sometimes one that does not. */
		at = data[i] == 0x5C || sim_board_busy_until(b) < at ? at + 96
								     : sim_board_busy_until(b) + 96;
		sim_uart_rx(b, data[i], at);
		while (sim_uart_tx(b, &byte, &sent_at))
			answers++;
	}
	if (level == RDP_2) {
		require(sim_rdp(b) == RDP_2);
		require(bytes_all(b->flash, b->flash_size, 0x5A));
		require(answers == 0 || b->chip->pid == 0x449);
	}
	/* Out of level 1 leads only Readout Unprotect, and it erases first. */
	if (level == RDP_1 && sim_rdp(b) == RDP_1 && sim_board_stats(b).erases == 0)
		require(bytes_all(b->flash, b->flash_size, 0x5A));
	if (level == RDP_1 && sim_rdp(b) != RDP_1)
		require(!bytes_all(b->flash, b->flash_size, 0x5A));
	sim_board_free(b);
	return 0;
}
