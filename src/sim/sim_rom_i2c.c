/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_rom_i2c.c - the ROM bootloader as an I2C target (AN4221)
 *
 * The host's side is messages: START, address, bytes, STOP. The ROM's side is a program that waits
 * for one certain thing after the other: a packet of so many bytes, or that the host comes and
 * reads an answer of so many bytes. Whatever else comes leaves it waiting with the clock held low,
 * until its own time-out resets the whole chip. What becomes of the clock was seen with OpenBL on a
 * model of the peripheral, not on silicon.
 */
#include <assert.h>
#include <string.h>

#include "sim_rom.h"

struct call {
	struct sim_board *b;
	struct sim_i2c_adapter adapter;
	struct sim_i2c_result r;
	uint64_t begin_us, t; /* now, on the bus */
	bool complete;        /* write: the packet was taken, what follows is surplus */
};

/* ---- the adapter ---- */

struct sim_i2c_adapter sim_i2c_adapter(const struct sim_board *b)
{
	struct sim_i2c_adapter a = b->adapter;

	if (sim_has(b, SQ_ADAPTER_32) && a.max_len > 32)
		a.max_len = 32;
	if (sim_has(b, SQ_ADAPTER_PATIENT) && a.stretch_ms < 60000)
		a.stretch_ms = 60000;
	if (sim_has(b, SQ_ADAPTER_STRETCH_25_MS) && a.stretch_ms > 25)
		a.stretch_ms = 25;
	a.smbus_only = a.smbus_only || sim_has(b, SQ_ADAPTER_SMBUS);
	return a;
}

void sim_i2c_set_adapter(struct sim_board *b, const struct sim_i2c_adapter *a)
{
	b->adapter = *a;
}

uint8_t sim_i2c_address(const struct sim_board *b)
{
	if (b->chip->has_i2c != CHIP_YES || sim_has(b, CHIP_QUIRK_I2C_ABSENT))
		return 0;
	if (sim_has(b, SQ_I2C_OTHER_ADDRESS) && b->chip->i2c_address_other != 0)
		return b->chip->i2c_address_other;
	return b->chip->i2c_address;
}

/* ---- the ROM's side ---- */

static uint64_t timeout_us(const struct sim_board *b)
{
	return (uint64_t)chip_i2c_timeout_ms(b->chip) * 1000;
}

/* Between commands it waits for ever, inside a command not. */
static void arm(struct sim_board *b, uint64_t from_us)
{
	struct sim_i2c *i = &b->rom.i2c;
	uint64_t from = from_us > b->now_us ? from_us : b->now_us;

	if (!rom_alive(b) || !rom_on_i2c(b) || i->hung)
		return;
	i->deadline_us = sim_rom_at_boundary(b) ? 0 : from + timeout_us(b);
}

/* From now on it waits for what does not come. */
static void get_lost(struct sim_board *b, uint64_t now_us)
{
	struct sim_i2c *i = &b->rom.i2c;

	if (i->hung || !rom_alive(b) || !rom_on_i2c(b))
		return;
	i->hung = true;
	i->deadline_us = (now_us > b->now_us ? now_us : b->now_us) + timeout_us(b);
}

void sim_i2c_tick(struct sim_board *b, uint64_t now_us)
{
	uint64_t deadline = b->rom.i2c.deadline_us;

	if (deadline == 0 || now_us < deadline || !rom_alive(b))
		return;
	if (deadline > b->now_us)
		b->now_us = deadline;
	sim_reset(b);
}

static bool answers_busy(const struct sim_board *b)
{
	switch (b->rom.cmd) {
	case 0x44: return b->rom.i2c.sticky_busy;
	case 0x45: return !sim_has(b, CHIP_QUIRK_I2C_NO_STRETCH_STRETCHES);
	case 0x32:
	case 0x64:
	case 0x74:
	case 0x83:
	case 0x93:
	case 0xA1: return true;
	default: return false;
	}
}

/* A byte of what the host is to read; `alone`: in a message of its own. */
void sim_i2c_send(struct sim_board *b, uint8_t byte, bool alone)
{
	struct sim_i2c *i = &b->rom.i2c;

	if (!rom_alive(b))
		return;
	if (alone || !i->open) {
		assert(i->n_frames < SIM_I2C_FRAMES);
		i->frames[i->n_frames++] = (struct sim_i2c_frame){
			.ready_us = b->now_us, .busy = alone && answers_busy(b)};
	}
	assert(i->out_len < SIM_I2C_OUT);
	i->open = !alone;
	i->out[i->out_len++] = byte;
	i->frames[i->n_frames - 1].len++;
}

/* The first answer was read. */
static void pop_frame(struct sim_board *b)
{
	struct sim_i2c *i = &b->rom.i2c;
	uint32_t len = i->frames[0].len;
	rom_step after = i->after;

	i->out_len -= len;
	memmove(i->out, i->out + len, i->out_len);
	i->n_frames--;
	memmove(i->frames, i->frames + 1, i->n_frames * sizeof(i->frames[0]));
	if (i->n_frames > 0)
		return;
	i->open = false;
	i->after = NULL;
	if (after != NULL)
		after(b);
}

/* ---- the bus ---- */

static void pass_bits(struct call *c, uint32_t n)
{
	c->t += ((uint64_t)n * 1000000 + c->adapter.hz - 1) / c->adapter.hz;
}

/* The clock is low until `until`. False: the adapter gave up before. */
static bool stretch(struct call *c, uint64_t until)
{
	uint64_t limit = c->t + (uint64_t)c->adapter.stretch_ms * 1000;

	if (until <= c->t)
		return true;
	c->r.stretched_us += (until > limit ? limit : until) - c->t;
	if (until > limit) {
		c->t = limit;
		c->r.outcome = SIM_I2C_TIMED_OUT;
		return false;
	}
	c->t = until;
	return true;
}

/* The ROM waits for what does not come. True: its reset has let the clock go, nobody answers. */
static bool hang(struct call *c)
{
	struct sim_board *b = c->b;
	struct sim_i2c *i = &b->rom.i2c;
	uint64_t until;

	get_lost(b, c->t);
	until = b->cpu == SIM_CPU_STUCK ? UINT64_MAX : i->deadline_us;
	if (!stretch(c, until))
		return false;
	sim_i2c_tick(b, until);
	return true;
}

static bool is_called(const struct sim_board *b, uint8_t addr, uint64_t t)
{
	return (b->cpu == SIM_CPU_ROM || b->cpu == SIM_CPU_STUCK) && t >= b->ready_us &&
	       addr != 0 && addr == sim_i2c_address(b) &&
	       (b->rom.iface == SIM_IFACE_NONE || rom_on_i2c(b));
}

/* What a fault does to a whole call. False: the call is over. */
static bool address_fault(struct call *c, const struct sim_fault *f)
{
	struct sim_board *b = c->b;

	switch (f->kind) {
	case SIM_NACK: c->r.outcome = SIM_I2C_ADDR_NACK; return false;
	case SIM_DELAY:
		b->delays_us += (uint64_t)f->arg * 1000;
		return stretch(c, c->t + (uint64_t)f->arg * 1000);
	case SIM_CUT:
		sim_board_time(b, c->t);
		sim_power_lost(b);
		c->r.outcome = SIM_I2C_ADDR_NACK;
		return false;
	case SIM_STUCK: b->cpu = SIM_CPU_STUCK; return true;
	case SIM_VANISH:
		b->vanished = true;
		c->r.outcome = SIM_I2C_GONE;
		return false;
	default: return true;
	}
}

/* START and address. False: the call is over. */
static bool begin(struct call *c, struct sim_board *b, uint8_t addr, uint64_t now_us)
{
	const struct sim_fault *f;

	*c = (struct call){.b = b, .adapter = sim_i2c_adapter(b), .begin_us = now_us, .t = now_us};
	b->stats.messages++;
	if (b->vanished) {
		c->r.outcome = SIM_I2C_GONE;
		return false;
	}
	pass_bits(c, 10);
	sim_i2c_tick(b, c->t);
	if (!is_called(b, addr, c->t)) {
		c->r.outcome = SIM_I2C_ADDR_NACK;
		return false;
	}
	f = sim_fault_at(b, SIM_AT_ADDR, 0);
	if (f != NULL && !address_fault(c, f))
		return false;
	b->rom.iface = SIM_IFACE_I2C;
	return true;
}

static struct sim_i2c_result end(struct call *c)
{
	if (c->r.outcome != SIM_I2C_GONE)
		pass_bits(c, 1);
	c->r.end_us = c->t;
	c->b->stats.bus_us += c->t - c->begin_us;
	return c->r;
}

/* ---- a write ---- */

/* False: the clock is held, or the device is gone; the outcome says which. */
static bool take_byte(struct call *c, uint8_t byte)
{
	struct sim_board *b = c->b;
	struct sim_rom *r = &b->rom;

	if (!rom_alive(b)) {
		if (b->cpu != SIM_CPU_STUCK || hang(c))
			c->r.outcome = SIM_I2C_DATA_NACK;
		return false;
	}
	if (c->complete) {
		/* One surplus byte fits into the data register, and is the first of the next packet. */
		if (r->i2c.has_stale) {
			if (hang(c))
				c->r.outcome = SIM_I2C_DATA_NACK;
			return false;
		}
		r->i2c.has_stale = true;
		r->i2c.stale = byte;
		return true;
	}
	if (c->t > b->now_us)
		b->now_us = c->t;
	if (r->have < sizeof(r->buf))
		r->buf[r->have++] = byte;
	if (r->have < r->need)
		return true;
	r->more = false;
	r->next(b);
	c->complete = !r->more;
	return true;
}

/* One byte on the bus, with what befalls it. */
static bool put_byte(struct call *c, uint8_t byte)
{
	struct sim_board *b = c->b;
	const struct sim_fault *f = sim_fault_at(b, SIM_AT_RX, 0);

	pass_bits(c, 9);
	b->stats.bytes_to_device++;
	b->rx_since_tx = true;
	if (f == NULL)
		return take_byte(c, byte);
	switch (f->kind) {
	case SIM_DROP: return true;
	case SIM_DOUBLE: return take_byte(c, byte) && take_byte(c, byte);
	case SIM_GARBLE: return take_byte(c, (uint8_t)(byte ^ f->arg));
	case SIM_INSERT: return take_byte(c, (uint8_t)f->arg) && take_byte(c, byte);
	case SIM_NACK: c->r.outcome = SIM_I2C_DATA_NACK; return false;
	case SIM_CUT:
		sim_board_time(b, c->t);
		sim_power_lost(b);
		break;
	case SIM_STUCK: b->cpu = SIM_CPU_STUCK; break;
	case SIM_VANISH:
		b->vanished = true;
		c->r.outcome = SIM_I2C_GONE;
		return false;
	default: break;
	}
	return take_byte(c, byte);
}

/* STOP, or a repeated START instead, which the ROM does not wait for. */
static void end_write(struct call *c, bool stop)
{
	struct sim_board *b = c->b;

	if (!c->complete || !stop)
		get_lost(b, c->t);
	arm(b, c->t);
}

struct sim_i2c_result sim_i2c_write(struct sim_board *b, uint8_t addr, const uint8_t *data,
	size_t len, bool stop, uint64_t now_us)
{
	struct call c;
	struct sim_i2c *i = &b->rom.i2c;

	if (!begin(&c, b, addr, now_us))
		return end(&c);
	if (i->hung || i->n_frames > 0 || b->cpu == SIM_CPU_STUCK) {
		if (hang(&c))
			c.r.outcome = SIM_I2C_DATA_NACK;
		return end(&c);
	}
	if (i->has_stale) {
		i->has_stale = false;
		take_byte(&c, i->stale);
	}
	while (c.r.done < len && put_byte(&c, data[c.r.done]))
		c.r.done++;
	end_write(&c, stop);
	return end(&c);
}

/* ---- a read ---- */

struct reply {
	uint8_t *buf;
	size_t len, have; /* what the host asked for, what it has */
};

static void put(struct reply *r, uint8_t byte)
{
	if (r->have < r->len)
		r->buf[r->have++] = byte;
}

/* One byte of the device's. False: the call is over. */
static bool give_byte(struct call *c, struct reply *r, uint8_t byte)
{
	struct sim_board *b = c->b;
	const struct sim_fault *f = sim_fault_at(b, SIM_AT_TX, 0);

	pass_bits(c, 9);
	b->stats.bytes_from_device++;
	if (b->rx_since_tx)
		b->stats.turnarounds++;
	b->rx_since_tx = false;
	switch (f == NULL ? SIM_NACK : f->kind) {
	case SIM_DROP: return true; /* the host clocks one byte later */
	case SIM_DOUBLE: put(r, byte); break;
	case SIM_GARBLE: byte = (uint8_t)(byte ^ f->arg); break;
	case SIM_INSERT: put(r, (uint8_t)f->arg); break;
	case SIM_DELAY:
		b->delays_us += (uint64_t)f->arg * 1000;
		if (!stretch(c, c->t + (uint64_t)f->arg * 1000)) {
			get_lost(b, c->t);
			return false;
		}
		break;
	case SIM_CUT:
		sim_board_time(b, c->t);
		sim_power_lost(b);
		return false;
	case SIM_STUCK: b->cpu = SIM_CPU_STUCK; return hang(c);
	case SIM_VANISH:
		b->vanished = true;
		c->r.outcome = SIM_I2C_GONE;
		return false;
	default: break;
	}
	put(r, byte);
	return true;
}

/* The device is at work. False: the call is over. */
static bool wait_for_answer(struct call *c, struct reply *r)
{
	struct sim_board *b = c->b;
	struct sim_i2c *i = &b->rom.i2c;

	if (c->t >= i->frames[0].ready_us)
		return true;
	if (sim_has(b, SQ_I2C_BUSY_NACK)) {
		c->r.outcome = SIM_I2C_ADDR_NACK;
		return false;
	}
	if (i->frames[0].busy) {
		b->stats.busy_polls++;
		give_byte(c, r, ROM_BUSY);
		if (r->len != 1)
			get_lost(b, c->t);
		return false;
	}
	if (stretch(c, i->frames[0].ready_us))
		return true;
	/* When it lets the clock go nobody is there to take the byte. */
	get_lost(b, c->t);
	return false;
}

static void read_answer(struct call *c, struct reply *r, bool stop)
{
	struct sim_board *b = c->b;
	struct sim_i2c *i = &b->rom.i2c;
	uint32_t len = i->frames[0].len;
	bool going = true;

	for (uint32_t k = 0; k < len && k < r->len && going; k++)
		going = give_byte(c, r, i->out[k]);
	if (c->t > b->now_us)
		b->now_us = c->t;
	if (!rom_alive(b) || i->hung)
		return;
	if (r->len == len && stop && going) {
		pop_frame(b);
		return;
	}
	/* It waits for a NACK and a STOP that do not come where it looks for them. */
	if (r->len > len && going && sim_has(b, SQ_I2C_LONG_READ_STRETCHES))
		hang(c);
	else
		get_lost(b, c->t);
}

struct sim_i2c_result sim_i2c_read(
	struct sim_board *b, uint8_t addr, uint8_t *buf, size_t len, bool stop, uint64_t now_us)
{
	struct call c;
	struct reply r = {buf, len, 0};
	struct sim_i2c *i = &b->rom.i2c;

	if (!begin(&c, b, addr, now_us))
		return end(&c);
	if (i->hung || i->n_frames == 0 || b->cpu == SIM_CPU_STUCK)
		hang(&c);
	else if (wait_for_answer(&c, &r))
		read_answer(&c, &r, stop);
	arm(b, c.t);
	c.r.done = r.have;
	if (c.r.outcome == SIM_I2C_OK) {
		/* Nobody drives the line: it is high. */
		memset(buf + r.have, 0xFF, len - r.have);
		if (len > r.have)
			pass_bits(&c, 9 * (uint32_t)(len - r.have));
		c.r.done = len;
	}
	return end(&c);
}
