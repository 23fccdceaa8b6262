/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_receiver.c - see sim_receiver.h; written from the receivers' sources and from measurements,
 * not from the sender that stmota has
 */
#include "sim_receiver.h"

#include <string.h>

#define NAME_ROOM 64u
#define SIZE_ROOM 16u
#define DIGITS    10u

enum { SOH = 0x01, STX = 0x02, EOT = 0x04, ACK = 0x06, NAK = 0x15, CAN = 0x18 };

enum state {
	OFF,
	HEAD,   /* waits for the first byte of a block */
	BODY,   /* inside a block */
	CANCEL, /* one CAN came */
};

static void send(struct sim_receiver *r, uint8_t byte)
{
	r->io.send(r->io.ctx, byte);
}

static void wait_in(struct sim_receiver *r, enum state state)
{
	r->state = (int)state;
	r->deadline_us = r->io.now_us(r->io.ctx) + (uint64_t)r->cfg->interval_ms * 1000;
}

static void leave(struct sim_receiver *r, enum sim_received how)
{
	r->state = OFF;
	r->deadline_us = SIM_NEVER;
	r->end = how;
}

static void send_cancel(struct sim_receiver *r)
{
	unsigned n = r->cfg->cancels == 0 ? 2 : r->cfg->cancels;

	while (n-- > 0)
		send(r, CAN);
}

/* A time-out, an unknown byte or a bad block: to ST's code all the same. */
static void error(struct sim_receiver *r)
{
	if (r->started)
		r->errors++;
	else if (r->cfg->handshakes != 0 && ++r->asked > r->cfg->handshakes) {
		send_cancel(r);
		leave(r, SIM_GAVE_UP);
		return;
	}
	if (r->errors > r->cfg->max_errors) {
		send(r, CAN);
		send(r, CAN);
		if (!r->cfg->stays) {
			leave(r, SIM_GAVE_UP);
			return;
		}
	} else {
		send(r, r->cfg->errors_by_c || !r->started ? 'C' : NAK);
		if (r->cfg->dots) {
			send(r, 0x08);
			send(r, '.');
		}
	}
	wait_in(r, HEAD);
}

void sim_receiver_start(struct sim_receiver *r, const struct sim_ymodem_config *cfg,
	const struct sim_receiver_io *io)
{
	memset(r, 0, sizeof(*r));
	r->cfg = cfg;
	r->io = *io;
	if (cfg->at_once)
		send(r, 'C');
	wait_in(r, HEAD);
}

/* ---- blocks ---- */

/* The long way round, bit by bit. */
static uint16_t crc16(const uint8_t *p, size_t len)
{
	uint32_t crc = 0;

	for (size_t i = 0; i < len; i++) {
		crc ^= (uint32_t)p[i] << 8;
		for (int k = 0; k < 8; k++)
			crc = (crc & 0x8000) != 0 ? (crc << 1 ^ 0x1021) : crc << 1;
	}
	return (uint16_t)crc;
}

/*
 * ST's parser: decimal with at most ten digits, or 0x and hexadecimal, perhaps k or m behind it.
 * Anything else leaves the value that was there before.
 */
static void parse_size(const uint8_t *text, size_t room, uint64_t *ret)
{
	uint64_t n = 0, base = 10;
	size_t i = 0;

	if (room > 2 && text[0] == '0' && (text[1] | 0x20) == 'x') {
		base = 16;
		i = 2;
	}
	for (size_t digits = 0; i < room && text[i] != ' ' && text[i] != 0; i++, digits++) {
		uint8_t c = (uint8_t)(text[i] | 0x20);
		uint64_t d = text[i] >= '0' && text[i] <= '9' ? text[i] - (uint64_t)'0'
			     : c >= 'a' && c <= 'f'           ? c - (uint64_t)'a' + 10
							      : 99;

		if (digits > 0 && base == 10 && (c == 'k' || c == 'm')) {
			*ret = n << (c == 'k' ? 10 : 20);
			return;
		}
		if (d >= base || digits == DIGITS)
			return;
		n = n * base + d;
	}
	*ret = n;
}

static void take_header(struct sim_receiver *r, const uint8_t *data, size_t len)
{
	size_t n = 0;
	enum sim_taken taken;

	if (data[0] == 0) {
		send(r, ACK);
		leave(r, SIM_RECEIVED);
		return;
	}
	while (n < NAME_ROOM && n + 1 < len && data[n] != 0)
		n++;
	memcpy(r->name, data, n);
	r->name[n] = '\0';
	n++;
	r->size = data[n] == 0 || data[n] == ' ' ? 0 : r->size;
	parse_size(data + n, len - n < SIZE_ROOM ? len - n : SIZE_ROOM, &r->size);
	if (r->cfg->header_ms != 0)
		r->io.spend_us(r->io.ctx, (uint64_t)r->cfg->header_ms * 1000);
	taken = r->io.begin(r->io.ctx, r->name, r->size);
	if (taken == SIM_DEAD) {
		leave(r, SIM_CUT_OFF);
		return;
	}
	if (taken == SIM_TOO_LARGE || taken == SIM_NOT_WRITTEN)
		send_cancel(r);
	if (taken == SIM_TAKEN || taken == SIM_TOO_LARGE_LATE) {
		send(r, ACK);
		send(r, 'C');
	}
	if (taken != SIM_TAKEN) {
		leave(r, taken == SIM_NOT_WRITTEN ? SIM_WRITE_ERROR : SIM_REFUSED);
		return;
	}
	r->count = 1;
	r->ended = r->end_asked = false;
	wait_in(r, HEAD);
}

static void take_data(struct sim_receiver *r, uint8_t *data, size_t len)
{
	/* Each block counts for 1024 bytes, whatever it brought. */
	if (r->cfg->large_only && len < 1024) {
		memset(data + len, 0, 1024 - len);
		len = 1024;
	}
	switch (r->io.data(r->io.ctx, data, len)) {
	case SIM_TAKEN: break;
	case SIM_DEAD: leave(r, SIM_CUT_OFF); return;
	case SIM_NOT_WRITTEN:
		send_cancel(r);
		leave(r, SIM_WRITE_ERROR);
		return;
	default:
		send_cancel(r);
		leave(r, SIM_REFUSED);
		return;
	}
	r->count++;
	if (r->cfg->counts_8_bits)
		r->count &= 0xFF;
	send(r, ACK);
	wait_in(r, HEAD);
}

/* The number is not the one that was due. True if the block is dealt with. */
static bool other_number(struct sim_receiver *r, uint8_t number)
{
	uint8_t due = (uint8_t)r->count;

	switch (r->cfg->number) {
	case SIM_YMODEM_NAK: send(r, NAK); break;
	case SIM_YMODEM_SILENT: break;
	case SIM_YMODEM_TAKE:
		/* A header that comes again before the first block is dropped, and only that. */
		if (r->count == 0 || number != 0 || r->count != 1)
			return false;
		send(r, ACK);
		send(r, 'C');
		break;
	case SIM_YMODEM_ACK:
		if (r->count == 0)
			return false;
		if (number == (uint8_t)(due - 1))
			send(r, ACK);
		if (r->count == 1 && number == 0)
			send(r, 'C');
		break;
	}
	wait_in(r, HEAD);
	return true;
}

static void take_packet(struct sim_receiver *r)
{
	size_t len = r->need - 4;
	uint8_t *p = r->packet;

	if ((p[0] ^ p[1]) != 0xFF || crc16(p + 2, len) != (p[2 + len] << 8 | p[3 + len])) {
		error(r);
		return;
	}
	r->started = true;
	r->errors = 0;
	if (p[0] != (uint8_t)r->count && other_number(r, p[0]))
		return;
	if (r->count == 0)
		take_header(r, p + 2, len);
	else
		take_data(r, p + 2, len);
}

static void take_eot(struct sim_receiver *r)
{
	r->errors = 0;
	if (r->cfg->end_nak && !r->end_asked && !r->ended) {
		r->end_asked = true;
		send(r, NAK);
	} else {
		r->ended = true;
		r->count = 0;
		send(r, ACK);
		if (!r->cfg->end_without_c)
			send(r, 'C');
	}
	wait_in(r, HEAD);
}

static void take_head(struct sim_receiver *r, uint8_t byte)
{
	bool abort = (byte == 'a' || byte == 'A') && r->cfg->errors_by_c;

	if (r->swallow > 0) {
		r->swallow--;
	} else if (byte == SOH || byte == STX) {
		r->have = 0;
		r->need = byte == SOH ? 132 : SIM_RECEIVER_PACKET;
		wait_in(r, BODY);
	} else if (byte == EOT) {
		take_eot(r);
	} else if (byte == CAN) {
		wait_in(r, CANCEL);
	} else if (abort) {
		send(r, CAN);
		send(r, CAN);
		leave(r, SIM_ABORTED);
	} else if (byte == 'r' && r->cfg->preamble) {
		r->swallow = 2;
	} else {
		error(r);
	}
}

void sim_receiver_byte(struct sim_receiver *r, uint8_t byte)
{
	sim_receiver_tick(r);
	switch (r->state) {
	case HEAD: take_head(r, byte); break;
	case BODY:
		r->packet[r->have++] = byte;
		if (r->have == r->need)
			take_packet(r);
		break;
	case CANCEL:
		if (byte == CAN) {
			send(r, ACK);
			leave(r, SIM_ABORTED);
		} else {
			error(r);
		}
		break;
	default: break;
	}
}

void sim_receiver_tick(struct sim_receiver *r)
{
	/* Late by several intervals: each of them has passed. */
	while (r->state != OFF && r->deadline_us <= r->io.now_us(r->io.ctx)) {
		uint64_t at = r->deadline_us;

		error(r);
		if (r->state != OFF)
			r->deadline_us = at + (uint64_t)r->cfg->interval_ms * 1000;
	}
}
