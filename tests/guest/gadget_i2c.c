/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gadget_i2c.c - an i2c-tiny-usb adapter with the board on its bus
 */
#include <errno.h>
#include <string.h>

#include <stmota/bytes.h>

#include "gadget.h"

#define CMD_GET_FUNC   1
#define CMD_SET_DELAY  2
#define CMD_GET_STATUS 3
#define CMD_I2C_IO     4 /* bit 0: first message, bit 1: last one */

#define STATUS_ACK 1
#define STATUS_NAK 2

#define FLAG_READ 1
#define FUNCTIONS 0x0EFF0001u /* plain I2C, SMBus made of it */
#define GAP_US    100u        /* the host's work between two messages */

static const uint8_t device[18] = {
	18, 1, 0x10, 0x01, 0xFF, 0, 0, 8, 0x03, 0x04, 0x31, 0xC6, 0x05, 0x02, 1, 2, 3, 1};
static const uint8_t configuration[18] = {
	9, 2, 18, 0, 1, 1, 0, 0x80, 50, 9, 4, 0, 0, 0, 0xFF, 0, 0, 0};

static uint8_t status;

static int message(struct gadget *g, const uint8_t setup[8], uint8_t *data)
{
	uint8_t addr = (uint8_t)get_le16(setup + 4);
	uint16_t len = get_le16(setup + 6);
	bool stop = (setup[1] & 2) != 0;
	struct sim_i2c_result r;

	*g->us += GAP_US;
	r = (get_le16(setup + 2) & FLAG_READ) != 0
		    ? sim_i2c_read(g->board, addr, data, len, stop, *g->us)
		    : sim_i2c_write(g->board, addr, data, len, stop, *g->us);
	*g->us = r.end_us;
	status = r.outcome == SIM_I2C_ADDR_NACK ? STATUS_NAK : STATUS_ACK;
	/* Nobody there yet: whoever tries again has waited for the ROM to start. */
	if (r.outcome == SIM_I2C_ADDR_NACK && sim_board_busy_until(g->board) > *g->us)
		*g->us = sim_board_busy_until(g->board);
	switch (r.outcome) {
	case SIM_I2C_OK: return len;
	case SIM_I2C_ADDR_NACK: return len; /* what counts is the status */
	case SIM_I2C_DATA_NACK: return (int)r.done;
	case SIM_I2C_GONE: return -ENODEV;
	default: return -EPIPE;
	}
}

static int control(struct gadget *g, const uint8_t setup[8], uint8_t *data)
{
	if ((setup[0] & 0x60) != 0x40)
		return gadget_standard(setup, data, device, sizeof(device), configuration,
			sizeof(configuration), "1");
	switch (setup[1]) {
	case CMD_GET_FUNC: put_le32(data, FUNCTIONS); return 4;
	case CMD_SET_DELAY: return 0;
	case CMD_GET_STATUS: data[0] = status; return 1;
	default: return (setup[1] & ~3u) == CMD_I2C_IO ? message(g, setup, data) : -EPIPE;
	}
}

static const struct gadget_ops ops = {.control = control};

bool gadget_i2c(struct gadget *g)
{
	g->ops = &ops;
	return sim_i2c_address(g->board) != 0;
}
