/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_rom_uart.c - the ROM bootloader behind its UART: the first byte, and the speed it tells
 *
 * There is no time-out anywhere: a command that was half sent waits for the rest for ever.
 */
#include "sim_rom.h"

#define ROM_SYNC 0x7F

static bool too_fast(const struct sim_board *b)
{
	return b->baud < 1200 || (sim_has(b, SQ_SLOW_AUTOBAUD) && b->baud > 118000) ||
	       (sim_has(b, CHIP_QUIRK_BAUD_MAX_57600) && b->baud > 57600);
}

/* Before the first 0x7F. Anything else locks a wrong speed, and only a reset clears it. */
static void on_sync(struct sim_board *b, uint8_t byte)
{
	if (byte == ROM_SYNC && --b->rom.sync_needed > 0)
		return;
	b->rom.synced = true;
	b->rom.iface = SIM_IFACE_UART;
	if (byte != ROM_SYNC || too_fast(b)) {
		b->rom_baud = b->baud / 3 + 1;
		return;
	}
	b->rom_baud = b->baud;
	if (sim_has(b, CHIP_QUIRK_STRAY_ZERO_SYNC))
		sim_uart_send(b, 0x00);
	sim_rom_ack(b);
	if (sim_has(b, CHIP_QUIRK_DOUBLE_ACK_SYNC))
		sim_rom_ack(b);
}

void sim_rom_byte(struct sim_board *b, uint8_t byte)
{
	struct sim_rom *r = &b->rom;

	if (r->iface != SIM_IFACE_NONE && r->iface != SIM_IFACE_UART)
		return;
	if (!r->synced) {
		on_sync(b, byte);
		return;
	}
	/*
	 * Sampled at a wrong speed a byte becomes another one: the same one each time if the line was
	 * idle before it, anything if it follows close behind another.
	 */
	if (b->rom_baud != b->baud) {
		bool close = b->now_us - r->last_us < 1000;

		r->last_us = b->now_us;
		byte = (uint8_t)(close ? sim_random(b) : byte * 0x9Bu ^ b->rom_baud);
	}
	if (r->have < sizeof(r->buf))
		r->buf[r->have++] = byte;
	if (r->have >= r->need)
		r->next(b);
}
