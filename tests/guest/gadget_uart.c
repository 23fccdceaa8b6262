/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gadget_uart.c - a CP2104 with the board at its UART: parity, modem lines, four GPIO lines
 *
 * Bytes sent with another format than the ROM's are noise to it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/bytes.h>

#include "gadget.h"

enum {
	IFC_ENABLE = 0x00,
	SET_LINE_CTL = 0x03,
	GET_LINE_CTL = 0x04,
	SET_MHS = 0x07,
	GET_MDMSTS = 0x08,
	GET_COMM_STATUS = 0x10,
	PURGE = 0x12,
	GET_FLOW = 0x14,
	EMBED_EVENTS = 0x15,
	GET_BAUDRATE = 0x1D,
	SET_BAUDRATE = 0x1E,
	VENDOR_SPECIFIC = 0xFF,
};

enum {
	READ_LATCH = 0x00C2,
	GET_PARTNUM = 0x370B,
	GET_PORTCONFIG = 0x370C,
	WRITE_LATCH = 0x37E1,
};

#define PARTNUM_CP2104 0x04
#define LINE_8E1       0x0820
#define OUT_MAX        65536u

static const uint8_t device[18] = {
	18, 1, 0x10, 0x01, 0, 0, 0, 64, 0xC4, 0x10, 0x60, 0xEA, 0x00, 0x01, 1, 2, 3, 1};
static const uint8_t configuration[32] = {9, 2, 32, 0, 1, 1, 0, 0x80, 50, /* */
	9, 4, 0, 0, 2, 0xFF, 0, 0, 2,                                     /* */
	7, 5, 0x81, 2, 64, 0, 0, 7, 5, 0x01, 2, 64, 0, 0};

struct uart {
	bool lines; /* modem lines are wired */
	uint32_t baud;
	uint16_t line_ctl;
	uint8_t mhs;   /* bit 0 DTR, bit 1 RTS */
	uint8_t latch; /* GPIO levels */
	uint8_t event_char;
	uint8_t flow[16];
	uint8_t out[OUT_MAX];
	size_t head, len;
};

static void apply_lines(struct gadget *g)
{
	const struct uart *u = g->ctx;
	bool boot0 = (u->latch & 1) != 0, nrst = (u->latch & 2) != 0;

	if (u->lines) {
		boot0 = boot0 && (u->mhs & 2) == 0;
		nrst = nrst && (u->mhs & 1) == 0;
	}
	sim_board_time(g->board, *g->us);
	sim_board_lines(g->board, boot0, nrst);
}

static void put_out(struct uart *u, uint8_t byte)
{
	if (u->len < OUT_MAX)
		u->out[(u->head + u->len++) % OUT_MAX] = byte;
}

static void bulk_out(struct gadget *g, const uint8_t *data, size_t len)
{
	struct uart *u = g->ctx;
	uint8_t byte;
	uint64_t at;

	for (size_t i = 0; i < len; i++) {
		if (sim_board_busy_until(g->board) > *g->us)
			*g->us = sim_board_busy_until(g->board);
		*g->us += 11000000u / u->baud;
		sim_uart_rx(
			g->board, u->line_ctl == LINE_8E1 ? data[i] : (uint8_t)~data[i], *g->us);
		while (sim_uart_tx(g->board, &byte, &at)) {
			if (at > *g->us)
				*g->us = at;
			put_out(u, byte);
			/* Since EMBED_EVENTS this byte announces an event; 00 means itself. */
			if (u->event_char != 0 && byte == u->event_char)
				put_out(u, 0x00);
		}
	}
}

static size_t bulk_in(struct gadget *g, uint8_t *ret, size_t max)
{
	struct uart *u = g->ctx;
	size_t n = 0;

	while (n < max && n < 64 && u->len > 0) {
		ret[n++] = u->out[u->head];
		u->head = (u->head + 1) % OUT_MAX;
		u->len--;
	}
	return n;
}

static int vendor_specific(struct gadget *g, const uint8_t setup[8], uint8_t *data)
{
	struct uart *u = g->ctx;
	uint8_t mask = setup[4], state = setup[5];

	switch (get_le16(setup + 2)) {
	case GET_PARTNUM: data[0] = PARTNUM_CP2104; return 1;
	case GET_PORTCONFIG: /* all push-pull and high, no other function */
		memset(data, 0, 13);
		data[1] = 0x0F;
		data[5] = 0x0F;
		return 13;
	case READ_LATCH: data[0] = u->latch; return 1;
	case WRITE_LATCH:
		u->latch = (uint8_t)((u->latch & ~mask) | (state & mask));
		apply_lines(g);
		return 0;
	default: return -EPIPE;
	}
}

static void modem_lines(struct gadget *g, uint16_t value)
{
	struct uart *u = g->ctx;
	uint8_t mask = (uint8_t)(value >> 8 & 3);

	u->mhs = (uint8_t)((u->mhs & ~mask) | (value & mask));
	if (u->lines)
		apply_lines(g);
}

static int control(struct gadget *g, const uint8_t setup[8], uint8_t *data)
{
	struct uart *u = g->ctx;
	uint16_t value = get_le16(setup + 2), len = get_le16(setup + 6);

	if ((setup[0] & 0x60) != 0x40)
		return gadget_standard(setup, data, device, sizeof(device), configuration,
			sizeof(configuration), "2104");
	switch (setup[1]) {
	case VENDOR_SPECIFIC: return vendor_specific(g, setup, data);
	case SET_LINE_CTL: u->line_ctl = value; return 0;
	case GET_LINE_CTL: put_le16(data, u->line_ctl); return 2;
	case SET_MHS: modem_lines(g, value); return 0;
	case GET_MDMSTS: data[0] = (uint8_t)(u->mhs | 0x30); return 1;
	case GET_COMM_STATUS: memset(data, 0, 19); return 19;
	case GET_FLOW: memcpy(data, u->flow, 16); return 16;
	case EMBED_EVENTS: u->event_char = (uint8_t)value; return 0;
	case GET_BAUDRATE: put_le32(data, u->baud); return 4;
	case PURGE:
		if ((value & 0x0A) != 0) /* what waits for the host */
			u->len = 0;
		return 0;
	case SET_BAUDRATE:
		if (len == 4 && get_le32(data) != 0)
			u->baud = get_le32(data);
		sim_board_set_baud(g->board, u->baud);
		return len;
	default:
		if ((setup[0] & 0x80) != 0)
			memset(data, 0, len);
		return len;
	}
}

static const struct gadget_ops ops = {.control = control, .bulk_out = bulk_out, .bulk_in = bulk_in};

bool gadget_uart(struct gadget *g, bool lines)
{
	struct uart *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return false;
	u->lines = lines;
	u->baud = 115200;
	u->latch = 0x0F;
	g->ops = &ops;
	g->ctx = u;
	return true;
}
