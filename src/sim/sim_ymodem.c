/* SPDX-License-Identifier: Apache-2.0 */
#include "sim_ymodem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTE_US   87u /* 115200 baud, 8N1 */
#define TX_MAX    512u
#define IMAGE_MAX (2u << 20)
#define PACKET    (2u + 1024u + 2u)
#define NEVER     UINT64_MAX

enum { SOH = 0x01, STX = 0x02, EOT = 0x04, ACK = 0x06, NAK = 0x15, CAN = 0x18 };

enum state {
	MENU,   /* bytes are keys */
	HEAD,   /* waits for the first byte of a block */
	BODY,   /* inside a block */
	CANCEL, /* one CAN came */
	BUSY,   /* erases; the receiver is not read */
	STUCK,  /* too many errors: CAN CAN at each time-out */
};

struct sim_ymodem {
	const struct sim_ymodem_config *cfg;
	enum state state;
	uint64_t deadline_us; /* of the state */
	uint8_t packet[PACKET];
	size_t have, need;
	uint32_t count; /* data blocks so far; 0: a header is expected */
	bool ended;     /* EOT was taken: the next header ends the batch */
	bool end_asked; /* the first EOT was answered by NAK */
	bool started;   /* a good block came: errors count from now on */
	bool happy;
	unsigned errors;
	uint64_t size;
	uint8_t *image;
	size_t len;
	struct {
		uint8_t byte;
		uint64_t at_us;
	} tx[TX_MAX];
	size_t tx_head, tx_len;
	uint64_t tx_free_us;
};

const struct sim_ymodem_config sim_ymodem_receivers[] = {
	{.name = "iap-f1",
		.interval_ms = 1000,
		.number = SIM_YMODEM_NAK,
		.errors_by_c = true,
		.counts_8_bits = true,
		.end_without_c = true,
		.stays = true,
		.max_errors = 5,
		.erase_ms = 2000,
		.size_max = IMAGE_MAX},
	{.name = "iap-h7",
		.interval_ms = 10000,
		.number = SIM_YMODEM_NAK,
		.errors_by_c = true,
		.end_without_c = true,
		.stays = true,
		.max_errors = 5,
		.erase_ms = 8000,
		.size_max = IMAGE_MAX},
	{.name = "dbfu",
		.interval_ms = 1000,
		.number = SIM_YMODEM_NAK,
		.errors_by_c = true,
		.counts_8_bits = true,
		.end_without_c = true,
		.max_errors = 5,
		.erase_text = "Erasing bank 2.\r\n",
		.erase_ms = 4000,
		.size_max = 512u << 10},
	{.name = "sbsfu",
		.interval_ms = 1000,
		.number = SIM_YMODEM_SILENT,
		.errors_by_c = true,
		.large_only = true,
		.end_without_c = true,
		.max_errors = 5,
		.erase_ms = 1000,
		.size_max = IMAGE_MAX},
	{.name = "rt-thread",
		.interval_ms = 3000,
		.number = SIM_YMODEM_TAKE,
		.end_nak = true,
		.max_errors = 5,
		.erase_text = "erase flash, please wait\r\n",
		.erase_ms = 1500,
		.size_max = IMAGE_MAX},
	{.name = "reference",
		.interval_ms = 3000,
		.number = SIM_YMODEM_ACK,
		.end_nak = true,
		.max_errors = 10,
		.size_max = IMAGE_MAX},
	{.name = NULL},
};

struct sim_ymodem *sim_ymodem_new(const struct sim_ymodem_config *cfg)
{
	struct sim_ymodem *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->cfg = cfg;
	d->deadline_us = NEVER;
	d->image = malloc(IMAGE_MAX);
	if (d->image == NULL) {
		free(d);
		return NULL;
	}
	return d;
}

void sim_ymodem_free(struct sim_ymodem *d)
{
	if (d == NULL)
		return;
	free(d->image);
	free(d);
}

/* ---- out ---- */

static void send(struct sim_ymodem *d, uint8_t byte, uint64_t now_us)
{
	if (d->tx_len == TX_MAX)
		return;
	if (d->tx_free_us < now_us)
		d->tx_free_us = now_us;
	d->tx_free_us += BYTE_US;
	d->tx[(d->tx_head + d->tx_len) % TX_MAX].byte = byte;
	d->tx[(d->tx_head + d->tx_len++) % TX_MAX].at_us = d->tx_free_us;
}

static void send_text(struct sim_ymodem *d, const char *text, uint64_t now_us)
{
	for (; text != NULL && *text != '\0'; text++)
		send(d, (uint8_t)*text, now_us);
}

bool sim_ymodem_tx(struct sim_ymodem *d, uint8_t *ret, uint64_t *ret_at_us)
{
	if (d->tx_len == 0)
		return false;
	*ret = d->tx[d->tx_head].byte;
	*ret_at_us = d->tx[d->tx_head].at_us;
	d->tx_head = (d->tx_head + 1) % TX_MAX;
	d->tx_len--;
	return true;
}

/* ---- states ---- */

static void wait_for_head(struct sim_ymodem *d, uint64_t now_us)
{
	d->state = HEAD;
	d->deadline_us = now_us + (uint64_t)d->cfg->interval_ms * 1000;
}

static void leave(struct sim_ymodem *d, bool happy, const char *words, uint64_t now_us)
{
	d->state = MENU;
	d->deadline_us = NEVER;
	d->happy = happy;
	send_text(d, words, now_us);
}

static void give_up(struct sim_ymodem *d, const char *words, uint64_t now_us)
{
	send(d, CAN, now_us);
	send(d, CAN, now_us);
	if (!d->cfg->stays) {
		leave(d, false, words, now_us);
		return;
	}
	d->state = STUCK;
	d->deadline_us = now_us + (uint64_t)d->cfg->interval_ms * 1000;
}

static void error(struct sim_ymodem *d, uint64_t now_us)
{
	if (d->started)
		d->errors++;
	if (d->errors > d->cfg->max_errors) {
		give_up(d, "\r\nToo many errors\r\n", now_us);
		return;
	}
	send(d, d->cfg->errors_by_c || !d->started ? 'C' : NAK, now_us);
	wait_for_head(d, now_us);
}

void sim_ymodem_start(struct sim_ymodem *d, uint64_t now_us)
{
	d->count = 0;
	d->ended = d->end_asked = d->started = d->happy = false;
	d->errors = 0;
	d->len = 0;
	d->size = 0;
	wait_for_head(d, now_us);
}

/* ---- blocks ---- */

static uint16_t crc16(const uint8_t *p, size_t len)
{
	uint16_t crc = 0;

	while (len-- > 0) {
		crc = (uint16_t)(crc >> 8 | crc << 8);
		crc ^= *p++;
		crc ^= (crc & 0xFF) >> 4;
		crc = (uint16_t)(crc ^ crc << 12);
		crc = (uint16_t)(crc ^ (crc & 0xFF) << 5);
	}
	return crc;
}

static void take_header(struct sim_ymodem *d, const uint8_t *data, uint64_t now_us)
{
	const char *name = (const char *)data;

	if (data[0] == 0) {
		send(d, ACK, now_us);
		leave(d, true, "\r\nProgramming Completed Successfully!\r\n", now_us);
		return;
	}
	d->size = strtoull(name + strnlen(name, 100) + 1, NULL, 10);
	if (d->size > d->cfg->size_max) {
		give_up(d, "\r\nThe image size is higher than the allowed space memory!\r\n",
			now_us);
		return;
	}
	/* The write address is not set back: a second header makes a gap nowhere. */
	d->count = 1;
	d->ended = false;
	send_text(d, d->cfg->erase_text, now_us);
	d->state = BUSY;
	d->deadline_us = now_us + (uint64_t)d->cfg->erase_ms * 1000;
}

static void take_data(struct sim_ymodem *d, const uint8_t *data, size_t size, uint64_t now_us)
{
	size_t room = d->cfg->large_only ? 1024 : size;

	if (d->len + room > IMAGE_MAX) {
		give_up(d, "\r\nNo room\r\n", now_us);
		return;
	}
	memset(d->image + d->len, 0, room);
	memcpy(d->image + d->len, data, size);
	d->len += room;
	d->count++;
	if (d->cfg->counts_8_bits)
		d->count &= 0xFF;
	send(d, ACK, now_us);
	wait_for_head(d, now_us);
}

static void take_packet(struct sim_ymodem *d, uint64_t now_us)
{
	size_t size = d->need - 4;
	const uint8_t *p = d->packet;
	uint8_t expected = (uint8_t)d->count;

	if ((p[0] ^ p[1]) != 0xFF || crc16(p + 2, size) != (p[2 + size] << 8 | p[3 + size])) {
		error(d, now_us);
		return;
	}
	d->started = true;
	if (d->ended || (d->count == 0 && p[0] == 0)) {
		d->errors = 0;
		take_header(d, p + 2, now_us);
		return;
	}
	if (p[0] != expected && d->cfg->number != SIM_YMODEM_TAKE) {
		if (d->cfg->number == SIM_YMODEM_NAK)
			send(d, NAK, now_us);
		if (d->cfg->number == SIM_YMODEM_ACK && p[0] == (uint8_t)(expected - 1))
			send(d, ACK, now_us);
		wait_for_head(d, now_us);
		return;
	}
	/* RT-Thread drops a header that comes again before the first block, and only that. */
	if (d->cfg->number == SIM_YMODEM_TAKE && p[0] == 0 && d->count == 1) {
		send(d, ACK, now_us);
		send(d, 'C', now_us);
		wait_for_head(d, now_us);
		return;
	}
	d->errors = 0;
	take_data(d, p + 2, size, now_us);
}

static void take_eot(struct sim_ymodem *d, uint64_t now_us)
{
	if (d->cfg->end_nak && !d->end_asked && !d->ended) {
		d->end_asked = true;
		send(d, NAK, now_us);
	} else {
		d->ended = true;
		send(d, ACK, now_us);
		if (!d->cfg->end_without_c)
			send(d, 'C', now_us);
	}
	wait_for_head(d, now_us);
}

static void take_head(struct sim_ymodem *d, uint8_t byte, uint64_t now_us)
{
	switch (byte) {
	case SOH:
	case STX:
		d->state = BODY;
		d->have = 0;
		d->need = byte == SOH ? 132 : 1028;
		d->deadline_us = now_us + (uint64_t)d->cfg->interval_ms * 1000;
		return;
	case EOT: take_eot(d, now_us); return;
	case CAN:
		d->state = CANCEL;
		d->deadline_us = now_us + (uint64_t)d->cfg->interval_ms * 1000;
		return;
	case 'a':
	case 'A':
		if (d->cfg->errors_by_c) {
			give_up(d, "", now_us);
			leave(d, false, "\r\nAborted by user\r\n", now_us);
			return;
		}
		break;
	default: break;
	}
	error(d, now_us);
}

void sim_ymodem_rx(struct sim_ymodem *d, uint8_t byte, uint64_t now_us)
{
	sim_ymodem_tick(d, now_us);
	switch (d->state) {
	case HEAD: take_head(d, byte, now_us); break;
	case BODY:
		d->packet[d->have++] = byte;
		if (d->have == d->need)
			take_packet(d, now_us);
		break;
	case CANCEL:
		if (byte == CAN) {
			send(d, ACK, now_us);
			leave(d, false, "\r\nAborted\r\n", now_us);
		} else {
			error(d, now_us);
		}
		break;
	case STUCK:
		if (byte == CAN || byte == 'a' || byte == 'A')
			leave(d, false, "\r\nAborted\r\n", now_us);
		break;
	default: break; /* a key of the menu; lost while it erases */
	}
}

/* ---- time ---- */

void sim_ymodem_tick(struct sim_ymodem *d, uint64_t now_us)
{
	while (d->deadline_us <= now_us) {
		uint64_t at = d->deadline_us;

		switch (d->state) {
		case BUSY:
			send(d, ACK, at);
			send(d, 'C', at);
			wait_for_head(d, at);
			break;
		case STUCK:
			send(d, CAN, at);
			send(d, CAN, at);
			d->deadline_us = at + (uint64_t)d->cfg->interval_ms * 1000;
			break;
		default: error(d, at); break;
		}
	}
}

uint64_t sim_ymodem_next_us(const struct sim_ymodem *d)
{
	return d->deadline_us;
}

bool sim_ymodem_happy(const struct sim_ymodem *d)
{
	return d->happy;
}

bool sim_ymodem_left(const struct sim_ymodem *d)
{
	return d->state == MENU;
}

const uint8_t *sim_ymodem_written(const struct sim_ymodem *d, size_t *ret_len, uint64_t *ret_size)
{
	*ret_len = d->len;
	*ret_size = d->size;
	return d->image;
}
