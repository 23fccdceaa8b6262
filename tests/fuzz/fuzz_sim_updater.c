/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_sim_updater.c - any bytes from a host at the virtual updaters
 *
 * Byte 0 chooses the updater, the rest is sent; 0x5C lets two seconds pass instead. Sixteen bytes
 * behind FF 00 FF 00 become a good block: 128 bytes of them with the number they begin with, so that
 * the file behind the frames is reached. The updater's own code is never overwritten by it.
 */
#include <stdlib.h>
#include <string.h>

#include "../../src/sim/sim_priv.h"

static void feed(struct sim_board *b, uint8_t byte, uint64_t *at)
{
	uint64_t sent_at;
	uint8_t answer;

	*at = (sim_board_busy_until(b) > *at ? sim_board_busy_until(b) : *at) + 96;
	sim_uart_rx(b, byte, *at);
	while (sim_uart_tx(b, &answer, &sent_at))
		;
}

static void feed_block(struct sim_board *b, const uint8_t *p, uint64_t *at)
{
	uint8_t block[133] = {1, p[0], (uint8_t)~p[0]};
	uint32_t crc = 0;

	for (size_t i = 3; i < 131; i++) {
		block[i] = p[i % 16];
		crc ^= (uint32_t)block[i] << 8;
		for (int k = 0; k < 8; k++)
			crc = (crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1;
	}
	block[131] = (uint8_t)(crc >> 8);
	block[132] = (uint8_t)crc;
	for (size_t i = 0; i < sizeof(block); i++)
		feed(b, block[i], at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t mark[] = {0xFF, 0, 0xFF, 0};
	struct sim_config cfg = {.seed = 1, .boot0_low = true};
	struct sim_board *b;
	const char *what;
	uint64_t at = 1000000;
	size_t n = 0;

	while (sim_updater_name(n, &what, &cfg.chip) != NULL)
		n++;
	if (size < 2)
		return 0;
	cfg.updater = sim_updater_name(data[0] % n, &what, &cfg.chip);
	if (sim_board_new(&cfg, &b, NULL) < 0)
		abort();
	for (size_t i = 1; i < size; i++) {
		if (size - i >= 20 && memcmp(data + i, mark, sizeof(mark)) == 0) {
			feed_block(b, data + i + 4, &at);
			i += 19;
		} else if (data[i] == 0x5C) {
			at += 2000000;
			sim_board_time(b, at);
		} else {
			feed(b, data[i], &at);
		}
	}
	/* Bank 1 of the dual-bank demo is fair game while bank 2 runs; loaders guard theirs. */
	if (strncmp(cfg.updater, "x-cube-dbfu", 11) != 0 && get_le32(b->flash) != 0x20001000)
		abort();
	sim_board_free(b);
	return 0;
}
