/* SPDX-License-Identifier: Apache-2.0 */
#include "ymodem_priv.h"

#include <ctype.h>
#include <string.h>

#include <stmota/bytes.h>

static const char *const traits[] = {
	[YMODEM_SMALL_BLOCKS] = "small-blocks",
	[YMODEM_COUNTS_8_BITS] = "counts-8-bits",
	[YMODEM_WRITES_TWICE] = "writes-twice",
	[YMODEM_NAK_IS_NUMBER] = "nak-is-number",
	[YMODEM_STREAM] = "stream",
};

const char *ymodem_trait_name(size_t i)
{
	return i < ARRAY_LEN(traits) ? traits[i] : NULL;
}

int ymodem_trait_parse(const char *name, unsigned *set, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(traits); i++)
		if (strcmp(name, traits[i]) == 0) {
			*set |= 1u << i;
			return 0;
		}
	err_set(e, ERR_USAGE, "'%.40s' is no trait of a YMODEM receiver", name);
	return err_hint(e,
		"traits are small-blocks, counts-8-bits, writes-twice, nak-is-number and stream");
}

void ymodem_hear(struct ymodem *y, uint8_t byte)
{
	struct ymodem_report *r = y->report;

	if (r->text_len == YMODEM_TEXT_MAX) {
		/* The last words tell most. */
		memmove(r->text, r->text + YMODEM_TEXT_MAX / 2, YMODEM_TEXT_MAX / 2);
		r->text_len = YMODEM_TEXT_MAX / 2;
	}
	r->text[r->text_len++] = isprint(byte) || byte == '\n' ? (char)byte : ' ';
	r->text[r->text_len] = '\0';
}

static bool has_meaning(uint8_t byte)
{
	return byte == YM_ACK || byte == YM_NAK || byte == YM_C || byte == YM_G || byte == YM_CAN;
}

/* One CAN is noise or the first of two: the next byte tells. */
static int second_can(struct ymodem *y, enum ymodem_byte *ret, struct err *e)
{
	uint8_t byte = 0;
	int rc = y->l->ops->read(y->l, &byte, 1, YM_SECOND_MS, e);

	if (rc == ERR_TIMEOUT) {
		err_clear(e);
		return 0;
	}
	if (rc < 0)
		return rc;
	if (has_meaning(byte)) {
		*ret = (enum ymodem_byte)byte;
		return 1;
	}
	ymodem_hear(y, byte);
	return 0;
}

int ymodem_reply(struct ymodem *y, uint32_t timeout_ms, enum ymodem_byte *ret, struct err *e)
{
	uint64_t until = clock_now_ms(y->l->clock) + timeout_ms;

	for (;;) {
		uint64_t now = clock_now_ms(y->l->clock);
		uint8_t byte = 0;
		int rc = y->l->ops->read(
			y->l, &byte, 1, now < until ? (uint32_t)(until - now) : 0, e);

		if (rc < 0)
			return rc;
		if (byte == YM_CAN) {
			rc = second_can(y, ret, e);
			if (rc != 0)
				return rc < 0 ? rc : 0;
		} else if (has_meaning(byte)) {
			*ret = (enum ymodem_byte)byte;
			return 0;
		} else {
			ymodem_hear(y, byte);
		}
	}
}

/* `over`: two CAN were there, all that follows is words. */
static int take_in(
	struct ymodem *y, uint32_t quiet_ms, bool over, struct ymodem_heard *ret, struct err *e)
{
	/* A device that never stops talking is read for this long. */
	uint64_t until = clock_now_ms(y->l->clock) + 5 * YM_SECOND_MS;
	bool can = false;

	*ret = (struct ymodem_heard){0};
	while (clock_now_ms(y->l->clock) < until) {
		uint8_t byte = 0;
		int rc = y->l->ops->read(y->l, &byte, 1, quiet_ms, e);

		if (rc == ERR_TIMEOUT) {
			err_clear(e);
			return 0;
		}
		if (rc < 0)
			return rc;
		if (over || !has_meaning(byte)) {
			ymodem_hear(y, byte);
			can = false;
			continue;
		}
		over = can && byte == YM_CAN;
		can = byte == YM_CAN;
		ret->last = byte;
		ret->acks += byte == YM_ACK;
		ret->all++;
	}
	return err_set(e, ERR_PROTOCOL, "%s does not stop talking", y->l->name);
}

int ymodem_drain(struct ymodem *y, uint32_t quiet_ms, struct ymodem_heard *ret, struct err *e)
{
	return take_in(y, quiet_ms, false, ret, e);
}

void ymodem_cancel(struct ymodem *y)
{
	static const uint8_t cancel[] = {YM_CAN, YM_CAN};

	y->l->ops->write(y->l, cancel, sizeof(cancel), NULL);
}

int ymodem_given_up(struct ymodem *y, struct err *e)
{
	struct ymodem_report *r = y->report;
	struct err ignored = ERR_INIT;
	size_t from, end;
	struct ymodem_heard heard;

	take_in(y, YM_SECOND_MS, true, &heard, &ignored);
	err_set(e, ERR_NACK, "the device has given up");
	/* Its last line that says something. */
	for (end = r->text_len; end > 0 && isspace((unsigned char)r->text[end - 1]); end--)
		continue;
	for (from = end; from > 0 && r->text[from - 1] != '\n' && end - from < 120; from--)
		continue;
	while (from < end && isspace((unsigned char)r->text[from]))
		from++;
	return from < end ? err_hint(e, "it said: %.*s", (int)(end - from), r->text + from)
			  : ERR_NACK;
}
