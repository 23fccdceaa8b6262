/* SPDX-License-Identifier: Apache-2.0 */
#include "ymodem.h"

#define SOH  0x01
#define STX  0x02
#define EOT  0x04
#define ACK  0x06
#define NAK  0x15
#define CAN  0x18
#define ASK  'C'
#define DATA 1024u

#define SECOND     1000u
#define ERRORS_MAX 10u

/* What came, besides the control bytes. */
enum { GOT_BLOCK = 0x100, GOT_NOTHING, GOT_DAMAGE };

struct receiver {
	const struct boot_port *p;
	int (*sink)(void *ctx, const uint8_t *data, uint32_t len);
	void *ctx;
	uint32_t left;  /* bytes of the file that are still to come; all ones: nobody told */
	uint8_t number; /* of the block that is due */
	bool header;    /* block 0 has come */
};

static uint8_t block[DATA];
static uint32_t block_len;
static uint8_t block_number;

/* As zlib's CRC is no use here: CRC-16 of XMODEM, bit by bit; the line is slower. */
static uint16_t crc16(const uint8_t *p, uint32_t len)
{
	uint32_t crc = 0, i;

	for (; len > 0; len--) {
		crc ^= (uint32_t)*p++ << 8;
		for (i = 0; i < 8; i++)
			crc = (crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1;
	}
	return (uint16_t)crc;
}

static void drain(const struct boot_port *p)
{
	uint32_t n;

	/* A line that never gets quiet does not hold us for ever. */
	for (n = 0; n < 100000 && p->get(p, 200) >= 0; n++)
		;
}

static int get_block(const struct boot_port *p, uint32_t len)
{
	uint32_t i, crc;
	int number, inverse, c;

	number = p->get(p, SECOND);
	inverse = p->get(p, SECOND);
	for (i = 0; inverse >= 0 && i < len; i++) {
		c = p->get(p, SECOND);
		if (c < 0)
			return GOT_DAMAGE;
		block[i] = (uint8_t)c;
	}
	c = p->get(p, SECOND);
	crc = (uint32_t)c << 8;
	c = p->get(p, SECOND);
	if (c < 0 || (crc | (uint32_t)c) != crc16(block, len) || (number ^ inverse) != 0xFF)
		return GOT_DAMAGE;
	block_len = len;
	block_number = (uint8_t)number;
	return GOT_BLOCK;
}

/* GOT_*, EOT, CAN. */
static int get_something(const struct boot_port *p)
{
	int c = p->get(p, SECOND);

	switch (c) {
	case SOH: return get_block(p, 128);
	case STX: return get_block(p, DATA);
	case CAN: return p->get(p, SECOND) == CAN ? CAN : GOT_DAMAGE;
	case 'a':
	case 'A': return CAN;
	case EOT: return EOT;
	default: return c < 0 ? GOT_NOTHING : GOT_DAMAGE;
	}
}

/* Block 0: the name is of no interest, the size behind it is decimal. */
static uint32_t told_size(void)
{
	uint32_t i = 0, size = 0, digits = 0;

	while (i < block_len && block[i] != 0)
		i++;
	for (i++; i < block_len && block[i] >= '0' && block[i] <= '9' && digits < 9; i++, digits++)
		size = size * 10 + (uint32_t)(block[i] - '0');
	return digits > 0 ? size : 0xFFFFFFFFu;
}

/* 0, or the result that ends all. */
static int take_block(struct receiver *r)
{
	const struct boot_port *p = r->p;

	if (r->header && block_number == (uint8_t)(r->number - 1)) {
		/* Our acknowledgement was lost. */
		p->put(p, ACK);
		if (block_number == 0)
			p->put(p, ASK);
		return 0;
	}
	if (block_number != r->number)
		return YMODEM_ERRORS;
	if (!r->header) {
		if (block[0] == 0) {
			p->put(p, ACK); /* a batch of no files */
			return YMODEM_ABORTED;
		}
		r->left = told_size();
		r->header = true;
		p->put(p, ACK);
		p->put(p, ASK);
	} else {
		uint32_t n = block_len < r->left ? block_len : r->left;

		if (r->left != 0xFFFFFFFFu)
			r->left -= n;
		if (r->sink(r->ctx, block, n) != 0)
			return YMODEM_REFUSED;
		p->put(p, ACK);
	}
	r->number++;
	return 0;
}

/* After the file: the sender closes the batch; it is all the same if it does not. */
static void close_batch(const struct boot_port *p)
{
	uint32_t tries;
	int got;

	p->put(p, ACK);
	for (tries = 0; tries < 3; tries++) {
		p->put(p, ASK);
		got = get_something(p);
		if (got == GOT_BLOCK && block[0] != 0)
			break; /* one file is enough */
		if (got == GOT_BLOCK) {
			p->put(p, ACK);
			return;
		}
		if (got == EOT)
			p->put(p, ACK);
	}
	p->put(p, CAN);
	p->put(p, CAN);
}

int ymodem_receive(const struct boot_port *p,
	int (*sink)(void *ctx, const uint8_t *data, uint32_t len), void *ctx, uint32_t wait_ms)
{
	struct receiver r = {p, sink, ctx, 0, 0, false};
	uint32_t errors = 0, waited = 0;
	bool eot = false;
	int rc = 0;

	p->put(p, ASK);
	while (rc == 0) {
		int got = get_something(p);

		if (got == GOT_BLOCK) {
			errors = 0;
			eot = false;
			rc = take_block(&r);
			continue;
		}
		if (got == CAN) {
			p->put(p, ACK);
			drain(p);
			return YMODEM_ABORTED;
		}
		/* With bytes outstanding it may have been noise: a sender that means it says it again. */
		if (got == EOT && r.header && (eot || r.left == 0 || r.left == 0xFFFFFFFFu)) {
			close_batch(p);
			return YMODEM_OK;
		}
		eot = got == EOT && r.header;
		if (got == GOT_DAMAGE)
			drain(p);
		waited += SECOND;
		if (!r.header && waited > wait_ms)
			return YMODEM_SILENT;
		if (r.header && ++errors > ERRORS_MAX)
			rc = YMODEM_ERRORS;
		else
			p->put(p, r.number == 0 || (r.number == 1 && !eot) ? ASK : NAK);
	}
	p->put(p, CAN);
	p->put(p, CAN);
	drain(p);
	return rc;
}
