/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ymodem_receive.c - the receiving side
 *
 * Blocks of 128 and 1024 bytes in any mixture. A block that comes twice is acknowledged and
 * dropped; any other wrong number ends the transfer, because nobody knows what is missing.
 */
#include "ymodem_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/bytes.h>
#include <stmota/crc.h>

#define ASK_MS        3000 /* between requests for a file */
#define BLOCK_MS      10000
#define BYTE_MS       1000 /* inside a block */
#define NAME_MAX_KEPT 200

enum got {
	GOT_BLOCK,
	GOT_EOT,
	GOT_BAD, /* noise: to be asked for again */
	GOT_NOTHING,
};

struct incoming {
	uint8_t number;
	uint8_t data[YM_LARGE];
	size_t len;
};

static int say(struct ymodem *y, uint8_t byte, struct err *e)
{
	return y->l->ops->write(y->l, &byte, 1, e);
}

/* What is left of a broken block runs out before anything is asked for. */
static int bad_block(struct ymodem *y, enum got *ret, struct err *e)
{
	struct ymodem_heard heard;

	*ret = GOT_BAD;
	return ymodem_drain(y, YM_QUIET_MS, &heard, e);
}

static int read_block(
	struct ymodem *y, size_t size, struct incoming *in, enum got *ret, struct err *e)
{
	uint8_t head[2], crc[2];
	int rc = y->l->ops->read(y->l, head, sizeof(head), BYTE_MS, e);

	if (rc == 0)
		rc = y->l->ops->read(y->l, in->data, size, BYTE_MS, e);
	if (rc == 0)
		rc = y->l->ops->read(y->l, crc, sizeof(crc), BYTE_MS, e);
	if (rc == ERR_TIMEOUT) {
		err_clear(e);
		*ret = GOT_BAD;
		return 0;
	}
	if (rc < 0)
		return rc;
	if ((head[0] ^ head[1]) != 0xFF || crc_xmodem(in->data, size) != get_be16(crc))
		return bad_block(y, ret, e);
	in->number = head[0];
	in->len = size;
	*ret = GOT_BLOCK;
	return 0;
}

/* ERR_NACK after two CAN. */
static int read_next(
	struct ymodem *y, uint32_t timeout_ms, struct incoming *in, enum got *ret, struct err *e)
{
	uint8_t byte = 0;
	int rc = y->l->ops->read(y->l, &byte, 1, timeout_ms, e);

	if (rc == ERR_TIMEOUT) {
		err_clear(e);
		*ret = GOT_NOTHING;
		return 0;
	}
	if (rc < 0)
		return rc;
	switch (byte) {
	case YM_SOH: return read_block(y, YM_SMALL, in, ret, e);
	case YM_STX: return read_block(y, YM_LARGE, in, ret, e);
	case YM_EOT: *ret = GOT_EOT; return 0;
	case YM_CAN:
		rc = y->l->ops->read(y->l, &byte, 1, YM_SECOND_MS, e);
		if (rc == 0 && byte == YM_CAN)
			return ymodem_given_up(y, e);
		if (rc < 0 && rc != ERR_TIMEOUT)
			return rc;
		err_clear(e);
		return bad_block(y, ret, e);
	default: ymodem_hear(y, byte); return bad_block(y, ret, e);
	}
}

/* ---- the header ---- */

/* Only the last part of a path, and nothing that a terminal or file system takes for a command. */
static int take_name(const struct incoming *in, char ret[NAME_MAX_KEPT + 1], struct err *e)
{
	const char *text = (const char *)in->data, *base;
	size_t len = strnlen(text, in->len);

	if (len == in->len || len == 0)
		return err_set(e, ERR_FORMAT, "the sender's header has no name");
	base = memrchr(text, '/', len);
	base = base != NULL ? base + 1 : text;
	len -= (size_t)(base - text);
	if (len == 0 || len > NAME_MAX_KEPT || strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
		return err_set(e, ERR_FORMAT, "the sender names a file that cannot be");
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)base[i];

		ret[i] = c > ' ' && c < 0x7F && c != '\\' ? base[i] : '_';
	}
	ret[len] = '\0';
	return 0;
}

static int take_size(const struct incoming *in, uint64_t max, uint64_t *ret, struct err *e)
{
	size_t at = strnlen((const char *)in->data, in->len) + 1, digits = 0;
	uint64_t size = 0;

	while (at + digits < in->len && in->data[at + digits] >= '0' &&
		in->data[at + digits] <= '9' && digits < 19)
		size = size * 10 + (uint64_t)(in->data[at + digits++] - '0');
	*ret = digits > 0 ? size : UINT64_MAX;
	if (digits == 0 || size <= max)
		return 0;
	return err_set(e, ERR_FORMAT,
		"the sender announces %" PRIu64 " bytes, more than the %" PRIu64 " that are taken",
		size, max);
}

/* ---- one file ---- */

struct receiving {
	const struct ymodem_sink *sink;
	uint64_t size, have; /* bytes; size UINT64_MAX: not said */
	uint32_t next;       /* block number */
	unsigned errors;     /* in a row */
	bool eot_once;
};

static int keep(struct ymodem *y, struct receiving *r, const struct incoming *in, struct err *e)
{
	struct event ev = {.type = EVENT_PROGRESS, .phase = "receive"};
	uint64_t left = r->size != UINT64_MAX ? r->size - r->have : y->opt->size_max - r->have;
	size_t n = in->len < left ? in->len : (size_t)left;
	int rc;

	if (r->size == UINT64_MAX && n < in->len)
		return err_set(e, ERR_FORMAT, "the file is larger than %" PRIu64 " bytes",
			y->opt->size_max);
	rc = r->sink->data(r->sink->ctx, in->data, n, e);
	if (rc < 0)
		return rc;
	r->have += n;
	r->next++;
	ev.done = r->have;
	ev.total = r->size != UINT64_MAX ? r->size : 0;
	event_emit(y->opt->events, &ev);
	return 0;
}

static int take_block(
	struct ymodem *y, struct receiving *r, const struct incoming *in, struct err *e)
{
	int rc = 0;

	r->errors = 0;
	if (in->number == (uint8_t)r->next)
		rc = keep(y, r, in, e);
	else if (in->number != (uint8_t)(r->next - 1) || y->stream)
		rc = err_set(e, ERR_PROTOCOL, "block %u came instead of block %u", in->number,
			(uint8_t)r->next);
	else
		y->report->resends++;
	if (rc == 0 && !y->stream)
		rc = say(y, YM_ACK, e);
	/* The header again: its ACK was lost, and so may have been the request behind it. */
	return rc == 0 && r->next == 1 ? say(y, YM_C, e) : rc;
}

/* A lone EOT may be noise: the reference asks for a second one. */
static int take_end(struct ymodem *y, struct receiving *r, bool *ret_done, struct err *e)
{
	if (!r->eot_once && !y->stream) {
		r->eot_once = true;
		return say(y, YM_NAK, e);
	}
	if (r->size != UINT64_MAX && r->have < r->size)
		return err_set(e, ERR_PROTOCOL,
			"the sender stopped after %" PRIu64 " of %" PRIu64 " bytes", r->have,
			r->size);
	*ret_done = true;
	return say(y, YM_ACK, e);
}

static int receive_data(struct ymodem *y, struct receiving *r, struct err *e)
{
	bool done = false;
	int rc = 0;

	while (rc == 0 && !done) {
		struct incoming in;
		enum got got;

		rc = read_next(y, BLOCK_MS, &in, &got, e);
		if (rc < 0)
			return rc;
		switch (got) {
		case GOT_BLOCK: rc = take_block(y, r, &in, e); break;
		case GOT_EOT: rc = take_end(y, r, &done, e); break;
		default:
			if (y->stream || ++r->errors > YM_TRIES)
				return err_set(e, ERR_PROTOCOL, "too many damaged blocks");
			y->report->resends++;
			/* Before the first block the sender still waits for the request. */
			rc = say(y, r->next == 1 ? YM_C : YM_NAK, e);
		}
	}
	return rc;
}

static int receive_file(struct ymodem *y, const struct ymodem_sink *sink,
	const struct incoming *header, struct err *e)
{
	struct receiving r = {.sink = sink, .next = 1};
	struct event ev = {.type = EVENT_PHASE, .phase = "receive"};
	char name[NAME_MAX_KEPT + 1];
	int rc = take_name(header, name, e);

	if (rc == 0)
		rc = take_size(header, y->opt->size_max, &r.size, e);
	if (rc == 0)
		rc = sink->begin(sink->ctx, name, r.size, e);
	if (rc < 0)
		return rc;
	ev.total = r.size != UINT64_MAX ? r.size : 0;
	event_emit(y->opt->events, &ev);
	if (!y->stream)
		rc = say(y, YM_ACK, e);
	if (rc == 0)
		rc = say(y, y->stream ? YM_G : YM_C, e);
	if (rc == 0)
		rc = receive_data(y, &r, e);
	if (rc == 0)
		rc = sink->end(sink->ctx, e);
	if (rc < 0)
		return rc;
	y->report->bytes += r.have;
	y->report->files++;
	return 0;
}

/* ---- the batch ---- */

/* Asks until a header comes. ret_end: the header that says that there are no more files. */
static int ask_for_file(
	struct ymodem *y, uint32_t wait_ms, struct incoming *ret, bool *ret_end, struct err *e)
{
	uint64_t until = clock_now_ms(y->l->clock) + wait_ms;

	do {
		enum got got;
		int rc = say(y, y->stream ? YM_G : YM_C, e);

		if (rc == 0)
			rc = read_next(y, ASK_MS, ret, &got, e);
		/* The ACK of the end was lost, and it is said again. */
		if (rc == 0 && got == GOT_EOT)
			rc = say(y, YM_ACK, e);
		if (rc < 0)
			return rc;
		if (got != GOT_BLOCK || ret->number != 0)
			continue;
		*ret_end = ret->data[0] == 0;
		return *ret_end ? say(y, YM_ACK, e) : 0;
	} while (clock_now_ms(y->l->clock) < until);
	return err_set(e, ERR_TIMEOUT, "nobody sends a file by YMODEM");
}

int ymodem_receive(struct link *l, const struct ymodem_sink *sink, const struct ymodem_options *opt,
	struct ymodem_report *ret, struct err *e)
{
	struct err own = ERR_INIT;
	struct ymodem y = {.l = l, .opt = opt, .report = ret};
	uint32_t wait_ms = opt->start_ms;
	bool end = false;
	int rc = 0;

	if (e == NULL)
		e = &own;
	*ret = (struct ymodem_report){0};
	y.stream = ymodem_has(&y, YMODEM_STREAM);
	while (rc == 0 && !end) {
		struct incoming header;

		rc = ask_for_file(&y, wait_ms, &header, &end, e);
		if (rc == 0 && !end)
			rc = receive_file(&y, sink, &header, e);
		wait_ms = BLOCK_MS;
	}
	if (rc < 0 && rc != ERR_LINK && rc != ERR_NACK)
		ymodem_cancel(&y);
	return rc;
}
