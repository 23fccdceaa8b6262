/* SPDX-License-Identifier: Apache-2.0 */
#include "sim_sender.h"

#include <stdio.h>
#include <string.h>

#define SMALL      128u
#define LARGE      1024u
#define MAX_ERRORS 5u

enum { SOH = 0x01, STX = 0x02, EOT = 0x04, ACK = 0x06, CAN = 0x18, PAD = 0x1A };

enum state { HEADER, DATA, END, LAST };

static void packet(struct sim_sender *s, uint8_t number, const uint8_t *data, uint32_t len)
{
	uint32_t crc = 0;

	s->send(s->ctx, len == SMALL ? SOH : STX);
	s->send(s->ctx, number);
	s->send(s->ctx, (uint8_t)~number);
	for (uint32_t i = 0; i < len; i++) {
		s->send(s->ctx, data[i]);
		crc ^= (uint32_t)data[i] << 8;
		for (int k = 0; k < 8; k++)
			crc = (crc & 0x8000) != 0 ? (crc << 1 ^ 0x1021) : crc << 1;
	}
	s->send(s->ctx, (uint8_t)(crc >> 8));
	s->send(s->ctx, (uint8_t)crc);
}

/* Name and size, no space behind it, no date. */
static void send_header(struct sim_sender *s)
{
	uint8_t data[SMALL] = {0};
	size_t n = strlen(s->name);

	memcpy(data, s->name, n);
	snprintf((char *)data + n + 1, SMALL - n - 1, "%u", (unsigned)s->len);
	packet(s, 0, data, SMALL);
}

static void send_data(struct sim_sender *s)
{
	uint8_t data[LARGE];
	uint32_t left = s->len - s->at;

	s->block = left >= LARGE ? LARGE : SMALL;
	memset(data, PAD, sizeof(data));
	memcpy(data, s->data + s->at, left < s->block ? left : s->block);
	packet(s, s->number, data, s->block);
}

void sim_sender_start(struct sim_sender *s, const char *name, const uint8_t *data, uint32_t len,
	void (*send)(void *ctx, uint8_t byte), void *ctx)
{
	*s = (struct sim_sender){.send = send, .ctx = ctx, .name = name, .data = data, .len = len};
	send_header(s);
}

static void next_data(struct sim_sender *s)
{
	s->errors = 0;
	if (s->at < s->len) {
		s->state = DATA;
		s->number++;
		send_data(s);
		return;
	}
	s->state = END;
	s->send(s->ctx, EOT);
}

static void send_last(struct sim_sender *s)
{
	static const uint8_t nothing[SMALL];

	s->state = LAST;
	packet(s, 0, nothing, SMALL);
}

void sim_sender_byte(struct sim_sender *s, uint8_t byte)
{
	if (s->end != SIM_SENDING)
		return;
	if (s->cancel) {
		s->cancel = false;
		if (byte == CAN) {
			s->end = SIM_SEND_ABORTED;
			return;
		}
	} else if (byte == CAN && s->state != DATA) {
		/* While data go out it is no more than a bad answer. */
		s->cancel = true;
		return;
	}
	switch (s->state) {
	case HEADER:
		if (byte == ACK)
			next_data(s);
		else
			send_header(s);
		break;
	case DATA:
		if (byte == ACK) {
			s->at += s->block;
			next_data(s);
		} else if (++s->errors >= MAX_ERRORS) {
			s->end = SIM_SEND_FAILED;
		} else {
			send_data(s);
		}
		break;
	case END:
		if (byte == ACK)
			send_last(s);
		else
			s->send(s->ctx, EOT);
		break;
	default: s->end = SIM_SENT; break;
	}
}
