/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_sim_state.c - any bytes as the state file of a virtual board, and as a fault
 *
 * Byte 0 even: a fault. Odd: the rest is laid over a good state file from byte 1 on, with a right
 * checksum if byte 0 says so: what comes back from such a board must still be a board.
 */
#include <stdlib.h>
#include <string.h>

#include "../../src/sim/sim_priv.h"

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void as_fault(struct sim_board *b, const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct err e = ERR_INIT;

	require(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	require(sim_board_fault(b, text, &e) == 0 || (e.code == ERR_USAGE && e.msg[0] != '\0'));
	free(text);
}

static uint32_t crc32_of(const uint8_t *p, size_t len)
{
	uint32_t crc = 0xFFFFFFFF;

	for (size_t i = 0; i < len; i++) {
		crc ^= p[i];
		for (int k = 0; k < 8; k++)
			crc = (crc & 1) != 0 ? crc >> 1 ^ 0xEDB88320 : crc >> 1;
	}
	return ~crc;
}

static void as_state(struct sim_board *b, bool right_sum, const uint8_t *data, size_t size)
{
	cleanup_buf struct buf good = BUF_INIT;
	uint64_t at;
	uint8_t byte;
	int rc;

	require(sim_state_bytes(b, &good, NULL) == 0);
	memcpy(good.data, data, size < good.len ? size : good.len);
	if (right_sum)
		put_le32(good.data + good.len - 4, crc32_of(good.data, good.len - 4));
	rc = sim_state_parse(b, good.data, right_sum ? good.len : size, NULL);
	require(rc == 0 || rc == ERR_FORMAT || rc == ERR_IDENTITY);
	sim_board_power(b, false);
	sim_board_power(b, true);
	sim_uart_rx(b, 0x7F, sim_board_busy_until(b) + 1000);
	while (sim_uart_tx(b, &byte, &at))
		;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t pids[] = {0x410, 0x413, 0x447, 0x460};
	struct sim_config cfg = {.flash_size = 32768};
	struct sim_board *b;

	if (size < 1)
		return 0;
	cfg.chip = chip_find(pids[data[0] >> 2 & 3]);
	require(sim_board_new(&cfg, &b, NULL) == 0);
	if ((data[0] & 1) == 0)
		as_fault(b, data + 1, size - 1);
	else
		as_state(b, (data[0] & 2) != 0, data + 1, size - 1);
	sim_board_free(b);
	return 0;
}
