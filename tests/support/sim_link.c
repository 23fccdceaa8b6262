/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_link.c - a virtual board as a link, see sim_link.h
 */
#include <stdlib.h>
#include <string.h>

#include "sim_link.h"

struct sim_link {
	struct link link;
	struct clock clock;
	struct sim_board *board;
	uint64_t now_us;
	bool boot0, nrst;
	bool has_next; /* a byte that was taken from the board and has not arrived */
	uint8_t next;
	uint64_t next_us;
};

static struct sim_link *self(struct link *l)
{
	return (struct sim_link *)l;
}

static uint64_t byte_us(const struct sim_link *s)
{
	return 11000000u / s->link.baud;
}

static int gone(struct sim_link *s, struct err *e)
{
	if (!sim_board_vanished(s->board))
		return 0;
	return err_set(e, ERR_LINK, "%s is gone", s->link.name);
}

static int sim_write(struct link *l, const void *buf, size_t len, struct err *e)
{
	struct sim_link *s = self(l);
	const uint8_t *p = buf;
	int rc = gone(s, e);

	for (size_t i = 0; i < len && rc == 0; i++) {
		s->now_us += byte_us(s);
		sim_uart_rx(s->board, p[i], s->now_us);
		rc = gone(s, e);
	}
	return rc;
}

/* True if there is a byte that has arrived or will. */
static bool look(struct sim_link *s)
{
	if (!s->has_next && sim_uart_tx(s->board, &s->next, &s->next_us)) {
		s->has_next = true;
		s->next_us += (uint64_t)s->link.latency_ms * 1000;
	}
	return s->has_next;
}

/* The same, after what the device does by itself up to `until`. */
static bool look_until(struct sim_link *s, uint64_t until)
{
	while (sim_board_next_us(s->board) <= s->now_us)
		sim_board_time(s->board, s->now_us);
	while (!look(s) && sim_board_next_us(s->board) <= until)
		sim_board_time(s->board, sim_board_next_us(s->board));
	return s->has_next;
}

static int sim_read(struct link *l, void *buf, size_t len, uint32_t timeout_ms, struct err *e)
{
	struct sim_link *s = self(l);
	uint8_t *p = buf;
	int rc;

	for (size_t i = 0; i < len; i++) {
		uint64_t until = s->now_us + (uint64_t)timeout_ms * 1000;

		rc = gone(s, e);
		if (rc < 0)
			return rc;
		if (!look_until(s, until) || s->next_us > until) {
			s->now_us = until;
			return err_set(
				e, ERR_TIMEOUT, "%s: no answer in %u ms", l->name, timeout_ms);
		}
		if (s->next_us > s->now_us)
			s->now_us = s->next_us;
		p[i] = s->next;
		s->has_next = false;
	}
	return 0;
}

static int sim_flush(struct link *l, struct err *e)
{
	struct sim_link *s = self(l);

	while (look_until(s, s->now_us) && s->next_us <= s->now_us)
		s->has_next = false;
	return gone(s, e);
}

static int sim_set_line(struct link *l, enum link_line line, bool level, struct err *e)
{
	struct sim_link *s = self(l);
	int rc = gone(s, e);

	if (rc < 0)
		return rc;
	if (line == LINK_BOOT0)
		s->boot0 = level;
	else
		s->nrst = level;
	sim_board_time(s->board, s->now_us);
	sim_board_lines(s->board, s->boot0, s->nrst);
	if (!s->nrst)
		s->has_next = false;
	return 0;
}

static int sim_set_baud(struct link *l, uint32_t baud, struct err *e)
{
	struct sim_link *s = self(l);

	if (baud == 0)
		return err_set(e, ERR_UNSUPPORTED, "%s: no such speed", l->name);
	l->baud = baud;
	sim_board_set_baud(s->board, baud);
	return 0;
}

/* The board's program has its own speed; the frame does not matter to the model. */
static int sim_set_frame(struct link *l, uint32_t baud, bool even, struct err *e)
{
	(void)even;
	return sim_set_baud(l, baud, e);
}

static void sim_close(struct link *l)
{
	free(self(l));
}

static const struct link_ops ops_with_lines = {
	.name = "sim",
	.write = sim_write,
	.read = sim_read,
	.flush = sim_flush,
	.set_line = sim_set_line,
	.set_baud = sim_set_baud,
	.set_frame = sim_set_frame,
	.close = sim_close,
};

static const struct link_ops ops_without_lines = {
	.name = "sim",
	.write = sim_write,
	.read = sim_read,
	.flush = sim_flush,
	.set_baud = sim_set_baud,
	.set_frame = sim_set_frame,
	.close = sim_close,
};

static uint64_t clock_now(void *ctx)
{
	return ((struct sim_link *)ctx)->now_us / 1000;
}

static void clock_sleep(void *ctx, uint32_t ms)
{
	((struct sim_link *)ctx)->now_us += (uint64_t)ms * 1000;
}

struct link *sim_link_new(struct sim_board *b, const struct sim_link_config *cfg)
{
	struct sim_link *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->board = b;
	s->boot0 = cfg == NULL || !cfg->boot0_low;
	s->nrst = true;
	s->link.baud = cfg != NULL && cfg->baud != 0 ? cfg->baud : 115200;
	s->link.latency_ms = cfg != NULL ? cfg->latency_ms : 0;
	s->link.ops = cfg != NULL && cfg->lines ? &ops_with_lines : &ops_without_lines;
	s->link.caps = LINK_CAN_SET_BAUD | (cfg != NULL && cfg->lines ? LINK_HAS_LINES : 0);
	s->clock = (struct clock){s, clock_now, clock_sleep};
	s->link.clock = &s->clock;
	memcpy(s->link.name, "virtual board", sizeof("virtual board"));
	/* The host takes its time: the start-up of a fresh board and anything it did is over. */
	s->now_us = sim_board_busy_until(b) + 1000;
	sim_board_set_baud(b, s->link.baud);
	return &s->link;
}

uint64_t sim_link_now_us(const struct link *l)
{
	return ((const struct sim_link *)l)->now_us;
}

void sim_link_wait_us(struct link *l, uint64_t us)
{
	self(l)->now_us += us;
}
