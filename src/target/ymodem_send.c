/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ymodem_send.c - the sending side
 *
 * A block is sent once and again only when the receiver asks, or when it has been silent and would
 * notice a block that comes twice.
 */
#include "ymodem_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <stmota/bytes.h>
#include <stmota/crc.h>

#define YM_NAME_ROOM  (YMODEM_NAME_MAX + 1)
#define BLOCKS_8_BITS 255u
#define START_C_MS    5000 /* for the C behind the ACK of the header; then the first block goes */
#define EOT_MS        2500 /* lrzsz believes an EOT only after a second of silence */
#define LAST_C_MS     400  /* for the C before the last header: ST's receivers ask after a second */
#define BATCH_C_MS    15000 /* for the C before the header of another file */
#define LATE_ACK_MS   400   /* flash takes a block in less; receivers ask again after a second */
#define FEW_ASKS      5u    /* a block that came too late; a broken one makes a C of each byte */
#define LAST_QUIET_MS 100   /* no receiver talks between the last block and our EOT */

struct block {
	uint8_t bytes[YM_HEAD + YM_LARGE + 2];
	size_t len;
};

static uint32_t block_size(const struct ymodem *y)
{
	return ymodem_has(y, YMODEM_SMALL_BLOCKS) ? YM_SMALL : YM_LARGE;
}

/* Fills what follows the data; `data` lies in the block already. */
static void finish(const struct ymodem *y, struct block *b, uint32_t size, uint32_t number)
{
	uint8_t *data = b->bytes + YM_HEAD;

	b->bytes[0] = size == YM_SMALL ? YM_SOH : YM_STX;
	b->bytes[1] = (uint8_t)number;
	b->bytes[2] = (uint8_t)~number;
	b->len = YM_HEAD + size;
	if (y->sum) {
		uint8_t sum = 0;

		for (uint32_t i = 0; i < size; i++)
			sum = (uint8_t)(sum + data[i]);
		b->bytes[b->len++] = sum;
		return;
	}
	put_be16(b->bytes + b->len, crc_xmodem(data, size));
	b->len += 2;
}

/* Name, size, and nothing that only some receivers understand. `f` NULL: the end of the batch. */
static void make_header(const struct ymodem *y, struct block *b, const struct ymodem_file *f)
{
	uint8_t *data = b->bytes + YM_HEAD;
	int n;

	memset(data, 0, YM_SMALL);
	if (f != NULL) {
		n = snprintf((char *)data, YM_NAME_ROOM, "%.*s", (int)YMODEM_NAME_MAX, f->name);
		/* A space behind the size: ST's parser runs over its buffer without it. */
		snprintf((char *)data + n + 1, YM_SMALL - (size_t)n - 1, "%zu 0 0", f->len);
	}
	finish(y, b, YM_SMALL, 0);
}

static int put(struct ymodem *y, const struct block *b, struct err *e)
{
	return y->l->ops->write(y->l, b->bytes, b->len, e);
}

static int out_of_step(uint32_t number, struct err *e)
{
	return err_set(e, ERR_PROTOCOL, "the device is out of step at block %" PRIu32, number);
}

/*
 * What a C to a block means. Noise makes a burst of them: all of it is one request. An ACK in the
 * middle of it belongs to something that was taken for an EOT: the device believes that the file is
 * over (YM_G: no answer to a block). Of a block that came late there are requests from before it,
 * and the device has it: its ACK is still to come. A second copy would reach it while it writes the
 * first to its flash, deaf, and what it hears of the rest is noise: it gives up, and that rest is
 * typed into its menu. A header and a first block may be followed by an erase that takes any time:
 * there only a further request says that they are wanted again.
 */
static int settle(struct ymodem *y, uint32_t number, enum ymodem_byte *reply, struct err *e)
{
	bool erases = number <= 1;
	struct ymodem_heard heard;
	int rc = ymodem_drain(y, YM_QUIET_MS, &heard, e);

	if (rc < 0)
		return rc;
	if (heard.last == YM_CAN)
		*reply = YM_CAN;
	else if (heard.acks == 1 && heard.last == YM_ACK && heard.all <= FEW_ASKS)
		*reply = YM_ACK;
	else if (heard.acks > 0)
		*reply = YM_G;
	else if (heard.all < FEW_ASKS)
		rc = ymodem_reply(y, erases ? y->opt->first_ms : LATE_ACK_MS, reply, e);
	if (rc == ERR_TIMEOUT && !erases) {
		err_clear(e);
		rc = 0;
	}
	return rc;
}

/* Sends a block again. */
static int again(struct ymodem *y, const struct block *b, unsigned *tries, struct err *e)
{
	struct ymodem_heard heard;
	int rc = ymodem_drain(y, YM_QUIET_MS, &heard, e);

	if (rc < 0)
		return rc;
	if (heard.last == YM_CAN)
		return ymodem_given_up(y, e);
	if (heard.acks > 0)
		return out_of_step(b->bytes[1], e);
	if (++*tries > YM_TRIES)
		return err_set(e, ERR_PROTOCOL, "the device asked for one block %u times", *tries);
	y->report->resends++;
	return put(y, b, e);
}

/*
 * Between an ACK and the next block there is silence. A receiver that talks has seen something else
 * than was sent, such as an EOT in what was the first byte of a block: it may have ended the file;
 * or it has begun anew and took the block for a header. Behind the last block it is given the time
 * to say so: a C would look like its answer to our EOT.
 */
static int expect_silence(struct ymodem *y, uint32_t number, bool last, struct err *e)
{
	enum ymodem_byte reply = YM_ACK;
	int rc = ymodem_reply(y, last ? LAST_QUIET_MS : 0, &reply, e);

	if (rc == ERR_TIMEOUT) {
		err_clear(e);
		return 0;
	}
	if (rc == 0 && reply == YM_CAN)
		return ymodem_given_up(y, e);
	return rc < 0 ? rc : out_of_step(number, e);
}

/* Sends a block until it is acknowledged. */
static int send_block(struct ymodem *y, const struct block *b, uint32_t number, uint32_t timeout_ms,
	struct err *e)
{
	bool may_repeat = !ymodem_has(y, YMODEM_WRITES_TWICE);
	unsigned tries = 0, silences = 0;
	uint64_t sent_ms = 0;
	int rc = put(y, b, e);

	while (rc == 0) {
		enum ymodem_byte reply = YM_ACK;

		sent_ms = clock_now_ms(y->l->clock);
		rc = ymodem_reply(y, timeout_ms, &reply, e);
		if (rc == 0 && reply == YM_C && may_repeat) {
			rc = settle(y, number, &reply, e);
			if (rc == ERR_TIMEOUT)
				return err_set(
					e, ERR_TIMEOUT, "no answer to block %" PRIu32, number);
			if (rc == 0 && reply == YM_G)
				return out_of_step(number, e);
		}
		if (rc == ERR_TIMEOUT && may_repeat && number > 0 && silences++ == 0) {
			err_clear(e);
			rc = again(y, b, &tries, e);
		} else if (rc == ERR_TIMEOUT) {
			return err_set(e, ERR_TIMEOUT, "no answer to block %" PRIu32, number);
		} else if (rc == 0 && reply == YM_ACK) {
			return 0;
		} else if (rc == 0 && reply == YM_CAN) {
			return ymodem_given_up(y, e);
		} else if (rc == 0 && reply == YM_NAK && ymodem_has(y, YMODEM_NAK_IS_NUMBER)) {
			/* To a block that was sent again: its ACK was lost, the next one is due. */
			return tries > 0 ? 0 : out_of_step(number, e);
		} else if (rc == 0 && !may_repeat && number > 0 &&
			   (reply != YM_NAK ||
				   clock_now_ms(y->l->clock) - sent_ms >= YM_SECOND_MS)) {
			/*
			 * Not what it says to a bad block, or its time-out: it may well have the
			 * block, and wait for the next.
			 */
			return out_of_step(number, e);
		} else if (rc == 0) {
			rc = again(y, b, &tries, e);
		}
	}
	return rc;
}

/* Waits for the request that starts a file. `late_ok`: some never ask, and wait all the same. */
static int wait_start(struct ymodem *y, uint32_t timeout_ms, bool late_ok, struct err *e)
{
	enum ymodem_byte reply = YM_C;
	struct ymodem_heard heard;
	int rc;

	do {
		rc = ymodem_reply(y, timeout_ms, &reply, e);
	} while (rc == 0 && reply == YM_ACK);
	if (rc == ERR_TIMEOUT && late_ok) {
		err_clear(e);
		return 0;
	}
	if (rc < 0)
		return rc == ERR_TIMEOUT
			       ? err_set(e, ERR_TIMEOUT, "nobody asks for a file by YMODEM")
			       : rc;
	/* Requests pile up while nobody reads them: an old one would look like "send it again". */
	rc = ymodem_drain(y, YM_QUIET_MS, &heard, e);
	if (rc < 0)
		return rc;
	if (heard.last != 0)
		reply = (enum ymodem_byte)heard.last;
	if (reply == YM_CAN)
		return ymodem_given_up(y, e);
	y->sum = reply == YM_NAK;
	y->stream = reply == YM_G;
	if (!y->stream || ymodem_has(y, YMODEM_STREAM))
		return 0;
	err_set(e, ERR_UNSUPPORTED,
		"the device asks for a stream without acknowledgements (YMODEM-G)");
	return err_hint(e, "a byte that is lost there ends the transfer; --trait stream allows it");
}

/* In a stream the receiver speaks only to end it. */
static int stream_block(struct ymodem *y, const struct block *b, struct err *e)
{
	enum ymodem_byte reply = YM_ACK;
	int rc = put(y, b, e);

	if (rc == 0)
		rc = ymodem_reply(y, 0, &reply, e);
	if (rc == ERR_TIMEOUT) {
		err_clear(e);
		return 0;
	}
	return rc == 0 && reply == YM_CAN ? ymodem_given_up(y, e) : rc;
}

static int send_data(struct ymodem *y, const struct ymodem_file *f, struct err *e)
{
	uint32_t size = block_size(y), number = 1;
	struct event ev = {.type = EVENT_PROGRESS, .phase = "send", .total = f->len};
	int rc = 0;

	for (size_t at = 0; rc == 0 && at < f->len; at += size, number++) {
		size_t n = f->len - at < size ? f->len - at : size;
		struct block b;

		memset(b.bytes + YM_HEAD, YM_PAD, size);
		memcpy(b.bytes + YM_HEAD, f->data + at, n);
		finish(y, &b, size, number);
		rc = y->stream ? stream_block(y, &b, e)
			       : send_block(y, &b, number,
					 number == 1 ? y->opt->first_ms : y->opt->block_ms, e);
		if (rc == 0 && !y->stream)
			rc = expect_silence(y, number, at + n == f->len, e);
		ev.done = at + n;
		if (rc == 0)
			event_emit(y->opt->events, &ev);
	}
	return rc;
}

/* NAK asks for it once more (the reference wants that); C means that noise hit it. */
static int send_end(struct ymodem *y, struct err *e)
{
	static const uint8_t eot = YM_EOT;

	for (unsigned i = 0; i < YM_TRIES; i++) {
		enum ymodem_byte reply = YM_ACK;
		int rc = y->l->ops->write(y->l, &eot, 1, e);

		if (rc == 0)
			rc = ymodem_reply(y, y->stream ? y->opt->block_ms : EOT_MS, &reply, e);
		if (rc < 0 && rc != ERR_TIMEOUT)
			return rc;
		if (rc == 0 && reply == YM_ACK)
			return 0;
		if (rc == 0 && reply == YM_CAN)
			return ymodem_given_up(y, e);
		err_clear(e);
	}
	return err_set(e, ERR_TIMEOUT, "the end of the file was not acknowledged");
}

static int send_file(struct ymodem *y, const struct ymodem_file *f, struct err *e)
{
	struct event ev = {.type = EVENT_PHASE, .phase = "send", .total = f->len};
	struct block b;
	int rc;

	make_header(y, &b, f);
	event_emit(y->opt->events, &ev);
	rc = y->stream ? put(y, &b, e) : send_block(y, &b, 0, y->opt->first_ms, e);
	if (rc == 0)
		rc = wait_start(y, y->stream ? y->opt->first_ms : START_C_MS, !y->stream, e);
	if (rc == 0)
		rc = send_data(y, f, e);
	if (rc == 0)
		rc = send_end(y, e);
	if (rc < 0)
		return rc;
	y->report->bytes += f->len;
	y->report->files++;
	return 0;
}

/*
 * ST's receivers wait for the last header at once and ask for it only when they get impatient;
 * others ask. A missing acknowledgement loses nothing: the file has its own.
 */
static int send_last_header(struct ymodem *y, struct err *e)
{
	enum ymodem_byte reply = YM_ACK;
	bool asked = false;
	struct block b;
	int rc = ymodem_reply(y, LAST_C_MS, &reply, e);

	if (rc == 0 && reply == YM_CAN)
		return ymodem_given_up(y, e);
	if (rc < 0 && rc != ERR_TIMEOUT)
		return rc;
	err_clear(e);
	make_header(y, &b, NULL);
	for (unsigned tries = 0; tries < 3; tries++) {
		rc = put(y, &b, e);
		if (rc == 0)
			rc = ymodem_reply(y, 2 * YM_SECOND_MS, &reply, e);
		/* Its impatience and our header crossed: a second header would be typed into a menu. */
		if (rc == 0 && reply == YM_C && !asked) {
			asked = true;
			rc = ymodem_reply(y, 2 * YM_SECOND_MS, &reply, e);
		}
		if (rc == 0 && reply == YM_ACK)
			return 0;
		if (rc < 0 && rc != ERR_TIMEOUT && rc != ERR_LINK)
			return rc;
		err_clear(e);
		/* It has left already: to its menu, where what is sent now are keys, or for good. */
		if (rc < 0)
			break;
	}
	y->report->open_end = true;
	return 0;
}

int ymodem_check(const struct ymodem_file *files, size_t n, unsigned traits, struct err *e)
{
	const struct ymodem y = {.opt = &(struct ymodem_options){.traits = traits}};
	uint32_t size = block_size(&y);
	char last[16];

	for (size_t i = 0; i < n && ymodem_has(&y, YMODEM_COUNTS_8_BITS); i++) {
		if (files[i].len <= (size_t)BLOCKS_8_BITS * size)
			continue;
		snprintf(last, sizeof(last), "%" PRIu32, BLOCKS_8_BITS * size);
		err_set(e, ERR_NO_FIT,
			"%s has %zu bytes, and this device counts blocks in 8 bits: it would take "
			"block 256 for a header",
			files[i].name, files[i].len);
		return err_hint(e, "it takes %s bytes at most%s", last,
			size == YM_SMALL ? "; 261120 without small-blocks" : "");
	}
	return 0;
}

int ymodem_send(struct link *l, const struct ymodem_file *files, size_t n,
	const struct ymodem_options *opt, struct ymodem_report *ret, struct err *e)
{
	struct err own = ERR_INIT;
	struct ymodem y = {.l = l, .opt = opt, .report = ret};
	int rc;

	if (e == NULL)
		e = &own;
	*ret = (struct ymodem_report){0};
	rc = ymodem_check(files, n, opt->traits, e);
	if (rc < 0)
		return rc;
	rc = wait_start(&y, opt->start_ms, false, e);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (i > 0)
			rc = wait_start(&y, BATCH_C_MS, false, e);
		if (rc == 0)
			rc = send_file(&y, &files[i], e);
	}
	if (rc == 0)
		rc = send_last_header(&y, e);
	if (rc < 0 && rc != ERR_LINK && rc != ERR_NACK)
		ymodem_cancel(&y);
	return rc;
}
