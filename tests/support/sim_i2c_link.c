/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_i2c_link.c - see sim_i2c_link.h
 */
#include <stdio.h>
#include <stdlib.h>

#include "sim_i2c_link.h"

struct sim_i2c_link {
	struct link link; /* first */
	struct clock clock;
	struct sim_board *board;
	uint8_t addr;
	uint64_t now_us;
	bool boot0, nrst;
};

static struct sim_i2c_link *self(struct link *l)
{
	return (struct sim_i2c_link *)l;
}

static int outcome(struct sim_i2c_link *s, struct sim_i2c_result r, struct err *e)
{
	s->now_us = r.end_us;
	switch (r.outcome) {
	case SIM_I2C_OK: return 0;
	case SIM_I2C_ADDR_NACK: return err_set(e, ERR_TIMEOUT, "nobody at 0x%02x", s->addr);
	case SIM_I2C_DATA_NACK: return err_set(e, ERR_NACK, "not acknowledged");
	case SIM_I2C_TIMED_OUT: return err_set(e, ERR_PROTOCOL, "the clock is held low");
	default: return err_set(e, ERR_LINK, "%s is gone", s->link.name);
	}
}

static int too_long(struct sim_i2c_link *s, size_t len, struct err *e)
{
	struct sim_i2c_adapter a = sim_i2c_adapter(s->board);

	if (a.max_len == 0 || len <= a.max_len)
		return 0;
	s->link.max_frame = a.max_len;
	return err_set(e, ERR_NO_FIT, "%zu bytes are too many", len);
}

static int sim_write(struct link *l, const void *buf, size_t len, struct err *e)
{
	struct sim_i2c_link *s = self(l);
	int rc = too_long(s, len, e);

	if (rc < 0)
		return rc;
	return outcome(s, sim_i2c_write(s->board, s->addr, buf, len, true, s->now_us), e);
}

static int sim_read(struct link *l, void *buf, size_t len, uint32_t timeout_ms, struct err *e)
{
	struct sim_i2c_link *s = self(l);
	int rc = too_long(s, len, e);

	(void)timeout_ms;
	if (rc < 0)
		return rc;
	return outcome(s, sim_i2c_read(s->board, s->addr, buf, len, true, s->now_us), e);
}

static int sim_flush(struct link *l, struct err *e)
{
	(void)l;
	(void)e;
	return 0;
}

static int sim_set_line(struct link *l, enum link_line line, bool level, struct err *e)
{
	struct sim_i2c_link *s = self(l);

	(void)e;
	if (line == LINK_BOOT0)
		s->boot0 = level;
	else
		s->nrst = level;
	sim_board_time(s->board, s->now_us);
	sim_board_lines(s->board, s->boot0, s->nrst);
	return 0;
}

static void sim_close(struct link *l)
{
	free(self(l));
}

static const struct link_ops ops = {
	.name = "sim",
	.write = sim_write,
	.read = sim_read,
	.flush = sim_flush,
	.set_line = sim_set_line,
	.close = sim_close,
};

static uint64_t clock_now(void *ctx)
{
	return ((struct sim_i2c_link *)ctx)->now_us / 1000;
}

static void clock_sleep(void *ctx, uint32_t ms)
{
	((struct sim_i2c_link *)ctx)->now_us += (uint64_t)ms * 1000;
}

struct link *sim_i2c_link_new(struct sim_board *b, uint8_t addr, bool lines)
{
	struct sim_i2c_link *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->board = b;
	s->addr = addr != 0 ? addr : sim_i2c_address(b);
	s->boot0 = true;
	s->nrst = true;
	s->link.ops = &ops;
	s->link.caps = LINK_FRAMED | (lines ? LINK_HAS_LINES : 0);
	s->link.bus_hz = sim_i2c_adapter(b).hz;
	s->clock = (struct clock){s, clock_now, clock_sleep};
	s->link.clock = &s->clock;
	snprintf(s->link.name, sizeof(s->link.name), "virtual bus");
	/* The host takes its time: the start-up of a fresh board and anything it did is over. */
	s->now_us = sim_board_busy_until(b) + 1000;
	return &s->link;
}

uint64_t sim_i2c_link_now_us(const struct link *l)
{
	return ((const struct sim_i2c_link *)l)->now_us;
}
