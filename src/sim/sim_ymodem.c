/* SPDX-License-Identifier: Apache-2.0 */
#include "sim_ymodem.h"

#include <stdlib.h>
#include <string.h>

#define BYTE_US   87u /* 115200 baud, 8N1 */
#define TX_MAX    512u
#define IMAGE_MAX (2u << 20)

struct sim_ymodem {
	struct sim_receiver r;
	const struct sim_ymodem_config *cfg;
	uint64_t now_us; /* what the device has done until now */
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
		.dots = true,
		.preamble = true,
		.header_ms = 1000,
		.max_errors = 5,
		.erase_ms = 1000,
		.size_max = IMAGE_MAX},
	{.name = "rt-thread",
		.interval_ms = 3000,
		.at_once = true,
		.cancels = 7,
		.number = SIM_YMODEM_TAKE,
		.end_nak = true,
		.max_errors = 5,
		.erase_text = "erase flash, please wait\r\n",
		.erase_ms = 1500,
		.size_max = IMAGE_MAX},
	{.name = "reference",
		.interval_ms = 3000,
		.at_once = true,
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
	d->r.deadline_us = SIM_NEVER;
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

/* ---- what the receiver asks of its device ---- */

static uint64_t now(void *ctx)
{
	return ((struct sim_ymodem *)ctx)->now_us;
}

static void spend(void *ctx, uint64_t us)
{
	((struct sim_ymodem *)ctx)->now_us += us;
}

static void send(void *ctx, uint8_t byte)
{
	struct sim_ymodem *d = ctx;

	if (d->tx_len == TX_MAX)
		return;
	if (d->tx_free_us < d->now_us)
		d->tx_free_us = d->now_us;
	d->tx_free_us += BYTE_US;
	d->tx[(d->tx_head + d->tx_len) % TX_MAX].byte = byte;
	d->tx[(d->tx_head + d->tx_len++) % TX_MAX].at_us = d->tx_free_us;
}

static void send_text(struct sim_ymodem *d, const char *text)
{
	for (; text != NULL && *text != '\0'; text++)
		send(d, (uint8_t)*text);
}

static enum sim_taken begin(void *ctx, const char *name, uint64_t size)
{
	struct sim_ymodem *d = ctx;

	(void)name;
	if (size > d->cfg->size_max)
		return SIM_TOO_LARGE;
	/* The write address is not set back by a second header. */
	send_text(d, d->cfg->erase_text);
	spend(d, (uint64_t)d->cfg->erase_ms * 1000);
	return SIM_TAKEN;
}

static enum sim_taken data(void *ctx, const uint8_t *p, size_t len)
{
	struct sim_ymodem *d = ctx;

	if (d->len + len > IMAGE_MAX)
		return SIM_TOO_LARGE;
	memcpy(d->image + d->len, p, len);
	d->len += len;
	return SIM_TAKEN;
}

static const char *words_of(enum sim_received end)
{
	static const char *const words[] = {
		[SIM_RECEIVED] = "\r\nProgramming Completed Successfully!\r\n",
		[SIM_REFUSED] = "\r\nThe image size is higher than the allowed space memory!\r\n",
		[SIM_WRITE_ERROR] = "\r\nVerification failed!\r\n",
		[SIM_ABORTED] = "\r\nAborted by user.\r\n",
		[SIM_GAVE_UP] = "\r\nFailed to receive the file!\r\n",
		[SIM_CUT_OFF] = NULL,
	};

	return words[end];
}

/* Says how it went, once. */
static void after(struct sim_ymodem *d, enum sim_received before)
{
	if (before == SIM_RECEIVING && d->r.end != SIM_RECEIVING)
		send_text(d, words_of(d->r.end));
}

/* ---- from outside ---- */

void sim_ymodem_start(struct sim_ymodem *d, uint64_t now_us)
{
	const struct sim_receiver_io io = {d, now, spend, send, begin, data};

	d->len = 0;
	if (d->now_us < now_us)
		d->now_us = now_us;
	sim_receiver_start(&d->r, d->cfg, &io);
}

void sim_ymodem_rx(struct sim_ymodem *d, uint8_t byte, uint64_t now_us)
{
	enum sim_received before;

	sim_ymodem_tick(d, now_us);
	if (now_us < d->now_us)
		return; /* busy with flash: nobody reads the UART */
	before = d->r.end;
	sim_receiver_byte(&d->r, byte);
	after(d, before);
}

void sim_ymodem_tick(struct sim_ymodem *d, uint64_t now_us)
{
	while (d->r.end == SIM_RECEIVING && d->r.deadline_us <= now_us) {
		if (d->now_us < d->r.deadline_us)
			d->now_us = d->r.deadline_us;
		sim_receiver_tick(&d->r);
		after(d, SIM_RECEIVING);
	}
	if (d->now_us < now_us)
		d->now_us = now_us;
}

uint64_t sim_ymodem_next_us(const struct sim_ymodem *d)
{
	return d->r.deadline_us;
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

bool sim_ymodem_happy(const struct sim_ymodem *d)
{
	return d->r.end == SIM_RECEIVED;
}

bool sim_ymodem_left(const struct sim_ymodem *d)
{
	return d->r.end != SIM_RECEIVING;
}

const uint8_t *sim_ymodem_written(const struct sim_ymodem *d, size_t *ret_len, uint64_t *ret_size)
{
	*ret_len = d->len;
	*ret_size = d->r.size;
	return d->image;
}
