/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_sim_i2c.c - any messages from a host at the virtual ROM on I2C
 *
 * Byte 0 chooses the chip, byte 1 the protection and the adapter's patience. Then messages: a byte
 * from 0x80 on reads (low seven bits: length; 0xFF: silence for 3 s), another one is the length of
 * a write whose bytes follow. Whatever it is: time goes on, at level 2 nobody answers, out of level
 * 1 only a mass erase leads, and after a long silence the ROM is at its command boundary.
 */
#include <stdlib.h>
#include <string.h>

#include "../../src/sim/sim_priv.h"

static const uint16_t pids[] = {0x413, 0x435, 0x447, 0x460, 0x474, 0x495, 0x44C, 0x456};

static void require(bool ok)
{
	if (!ok)
		abort();
}

/* A board whose flash is full, at the RDP level. */
static struct sim_board *board(uint16_t pid, unsigned level)
{
	struct sim_config cfg = {.chip = chip_find(pid), .seed = 1};
	struct sim_board *b;

	require(sim_board_new(&cfg, &b, NULL) == 0);
	memset(b->flash, 0x5A, b->flash_size);
	if (level == 1)
		require(sim_option_set_rdp(b, 0x11));
	if (level == 2)
		require(sim_option_set_rdp(b, 0xCC));
	sim_reset(b);
	return b;
}

/* Sends or reads what data[*at] says; the time after it. */
static uint64_t one_message(
	struct sim_board *b, const uint8_t *data, size_t size, size_t *at, uint64_t now)
{
	uint8_t op = data[(*at)++], buf[0x80], addr = sim_i2c_address(b);
	struct sim_i2c_result r;
	size_t len = op & 0x7F;

	if (op == 0xFF)
		return now + 3000000;
	if (op >= 0x80) {
		r = sim_i2c_read(b, addr, buf, len, true, now);
		require(r.outcome != SIM_I2C_OK || r.done == len);
	} else {
		if (len > size - *at)
			len = size - *at;
		r = sim_i2c_write(b, addr, data + *at, len, (op & 0x40) == 0, now);
		*at += len;
	}
	require(r.done <= len);
	require(r.end_us > now || r.outcome == SIM_I2C_GONE);
	return r.end_us + 50;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sim_board *b;
	enum rdp_level level;
	uint64_t now = 1000000;
	uint8_t byte;

	if (size < 2)
		return 0;
	b = board(pids[data[0] % ARRAY_LEN(pids)], data[1] % 3);
	level = sim_rdp(b);
	if ((data[1] & 0x80) != 0)
		require(sim_board_fault(b, "quirk:adapter-patient", NULL) == 0);
	for (size_t at = 2; at < size;)
		now = one_message(b, data, size, &at, now);
	if (level == RDP_2) {
		require(sim_rdp(b) == RDP_2 && sim_board_stats(b).bytes_from_device == 0);
		require(bytes_all(b->flash, b->flash_size, 0x5A));
	}
	/* Out of level 1 leads only Readout Unprotect, and it erases first. */
	if (level == RDP_1 && sim_rdp(b) == RDP_1 && sim_board_stats(b).erases == 0)
		require(bytes_all(b->flash, b->flash_size, 0x5A));
	if (level == RDP_1 && sim_rdp(b) != RDP_1)
		require(!bytes_all(b->flash, b->flash_size, 0x5A));
	/* Its time-out brings it back, wherever it was; start-up and longest erase are over then. */
	now = (sim_board_busy_until(b) > now ? sim_board_busy_until(b) : now) + 10000000;
	sim_board_time(b, now);
	now += 10000000;
	if (level != RDP_2 && !sim_board_in_application(b)) {
		struct sim_i2c_result r = sim_i2c_write(
			b, sim_i2c_address(b), (const uint8_t *)"\1\376", 2, true, now);

		require(r.outcome == SIM_I2C_OK);
		r = sim_i2c_read(b, sim_i2c_address(b), &byte, 1, true, r.end_us + 50);
		require(r.outcome == SIM_I2C_OK &&
			(byte == 0x79 || b->rom.i2c.hung || byte == 0x1F));
	}
	sim_board_free(b);
	return 0;
}
