/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_receiver.h - the YMODEM receiver of a device, as ST, RT-Thread and others have it
 *
 * Bytes in, bytes out, time from outside. It knows no flash and no wire: what becomes of a file is
 * told to whoever holds it (struct sim_receiver_io), and that may take its time. What the many
 * receivers do differently is one row of data each.
 */
#ifndef STMOTA_SIM_RECEIVER_H
#define STMOTA_SIM_RECEIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_NEVER UINT64_MAX

enum sim_ymodem_number {   /* what becomes of a block with an unexpected number */
	SIM_YMODEM_NAK,    /* ST's IAP, X-CUBE-DBFU */
	SIM_YMODEM_SILENT, /* X-CUBE-SBSFU */
	SIM_YMODEM_TAKE,   /* RT-Thread: not looked at, written */
	SIM_YMODEM_ACK, /* the protocol reference: the previous one is acknowledged and dropped */
};

struct sim_ymodem_config {
	const char *name;
	uint32_t
		interval_ms; /* time-out for a block and between two C; the first C comes after it */
	enum sim_ymodem_number number;
	bool errors_by_c;   /* a bad block is answered by C, else by NAK */
	bool counts_8_bits; /* block 256 is taken for a header */
	bool end_nak;       /* the first EOT is answered by NAK */
	bool end_without_c; /* after the EOT no C comes until the time-out */
	bool large_only;    /* counts 1024 bytes for each block, whatever came */
	bool stays;         /* too many errors: CAN CAN for each further one, and it stays */
	bool at_once;       /* the first C does not wait for the first time-out */
	bool dots;          /* 08 2E after a C for a time-out or a bad block */
	bool preamble;      /* "rb\r" is swallowed */
	unsigned max_errors;
	unsigned handshakes; /* so many C without an answer, then it gives up; 0: never */
	unsigned cancels;    /* CANs that refuse a file; 0: two */
	uint32_t header_ms;  /* it sleeps before the ACK of a header */
	const char
		*erase_text; /* of sim_ymodem.c only: said between header and ACK; NULL: nothing */
	uint32_t erase_ms;   /* likewise */
	uint32_t size_max;   /* likewise: bytes; CAN CAN for more */
};

/* What its owner says to a header or to data. */
enum sim_taken {
	SIM_TAKEN,
	SIM_TOO_LARGE,      /* CAN CAN, nothing else */
	SIM_TOO_LARGE_LATE, /* CAN CAN was said by begin(): ACK and C all the same, then it leaves */
	SIM_NOT_WRITTEN,    /* CAN CAN */
	SIM_DEAD,           /* the power is gone: not a byte more */
};

struct sim_receiver_io {
	void *ctx;
	uint64_t (*now_us)(void *ctx);
	void (*spend_us)(void *ctx, uint64_t us); /* the device does nothing else for so long */
	void (*send)(void *ctx, uint8_t byte);
	/* The header of a file; `size` as its parser understood it. Erases, and may print. */
	enum sim_taken (*begin)(void *ctx, const char *name, uint64_t size);
	enum sim_taken (*data)(void *ctx, const uint8_t *data, size_t len);
};

enum sim_received {
	SIM_RECEIVING,
	SIM_RECEIVED,    /* the null header came */
	SIM_REFUSED,     /* begin() or data() said too large */
	SIM_WRITE_ERROR, /* data() said that it is not in flash */
	SIM_ABORTED,     /* CAN CAN or 'a' came */
	SIM_GAVE_UP,     /* too many errors */
	SIM_CUT_OFF,     /* SIM_DEAD */
};

#define SIM_RECEIVER_PACKET (2u + 1024u + 2u)

struct sim_receiver {
	const struct sim_ymodem_config *cfg;
	struct sim_receiver_io io;
	int state;
	enum sim_received end;
	uint64_t deadline_us; /* when it will do something by itself; SIM_NEVER */
	uint32_t count;       /* blocks so far; 0: a header is expected */
	uint32_t swallow;     /* bytes of the preamble still to come */
	bool end_asked;       /* the first EOT was answered by NAK */
	bool ended;           /* an EOT was taken, so the end of the batch is due */
	bool started;         /* a good block came: errors count from now on */
	unsigned errors, asked;
	char name[65];
	uint64_t size;
	size_t have, need;
	uint8_t packet[SIM_RECEIVER_PACKET];
};

/* Waits for a batch from now on. */
void sim_receiver_start(struct sim_receiver *r, const struct sim_ymodem_config *cfg,
	const struct sim_receiver_io *io);
/* One byte has arrived, now; what was due before it is done first. */
void sim_receiver_byte(struct sim_receiver *r, uint8_t byte);
/* What is due by now; to be called at `deadline_us`. */
void sim_receiver_tick(struct sim_receiver *r);

#endif
