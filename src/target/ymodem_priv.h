/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ymodem_priv.h - what sender and receiver share
 */
#ifndef STMOTA_TARGET_YMODEM_PRIV_H
#define STMOTA_TARGET_YMODEM_PRIV_H

#include <stmota/ymodem.h>

enum ymodem_byte {
	YM_SOH = 0x01, /* block of 128 bytes */
	YM_STX = 0x02, /* block of 1024 bytes */
	YM_EOT = 0x04,
	YM_ACK = 0x06,
	YM_NAK = 0x15,
	YM_CAN = 0x18, /* twice: the end */
	YM_PAD = 0x1A,
	YM_C = 'C', /* CRC wanted; ST receivers answer every error with it */
	YM_G = 'G', /* stream wanted */
};

#define YM_SMALL     128u
#define YM_LARGE     1024u
#define YM_HEAD      3u /* SOH or STX, number, its complement */
#define YM_TRIES     10u
#define YM_QUIET_MS  20
#define YM_SECOND_MS 1000

struct ymodem {
	struct link *l;
	const struct ymodem_options *opt;
	struct ymodem_report *report;
	bool sum;    /* one byte of sum instead of a CRC */
	bool stream; /* no acknowledgements */
};

static inline bool ymodem_has(const struct ymodem *y, enum ymodem_trait t)
{
	return (y->opt->traits >> t & 1u) != 0;
}

/* Keeps a byte that is no part of the protocol: the device says something. */
void ymodem_hear(struct ymodem *y, uint8_t byte);

/*
 * Next byte with a meaning for a sender (ACK, NAK, C, G, or CAN for two of them); all others are
 * heard. ERR_TIMEOUT if none comes within `timeout_ms` in all.
 */
int ymodem_reply(struct ymodem *y, uint32_t timeout_ms, enum ymodem_byte *ret, struct err *e);

struct ymodem_heard {
	uint8_t last;  /* last byte with a meaning, 0: none */
	unsigned acks; /* among them */
	unsigned all;  /* bytes with a meaning */
};

/* Takes in what has arrived until `quiet_ms` of silence. */
int ymodem_drain(struct ymodem *y, uint32_t quiet_ms, struct ymodem_heard *ret, struct err *e);

/* Tells the other side that this is the end: two CAN, no more (more are keys for a menu). */
void ymodem_cancel(struct ymodem *y);

/* ERR_NACK: the other side has sent two CAN. Its words of the next second become the hint. */
int ymodem_given_up(struct ymodem *y, struct err *e);

#endif
