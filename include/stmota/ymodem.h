/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ymodem.h - files over a serial line: YMODEM batch and YMODEM-G, both directions
 *
 * Forsberg's protocol reference (1988), and what receivers in real devices do instead: those
 * differences are traits, so that the code asks for a behaviour and never for a product.
 */
#ifndef STMOTA_YMODEM_H
#define STMOTA_YMODEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/err.h>
#include <stmota/event.h>
#include <stmota/link.h>

#define YMODEM_NAME_MAX 63u /* ST receivers hold 64 bytes */
#define YMODEM_TEXT_MAX 4096u

enum ymodem_trait {
	/* Every block has 128 bytes of data; without it 1024, the last one too. */
	YMODEM_SMALL_BLOCKS,
	/* It counts blocks in 8 bits and takes the 256th for a header (ST's IAP for F0, F1, F3, F7,
	 * L4; X-CUBE-DBFU): files of more than 255 blocks are refused. */
	YMODEM_COUNTS_8_BITS,
	/* It does not look at block numbers: what is sent twice is written twice (RT-Thread). */
	YMODEM_WRITES_TWICE,
	/* NAK says "number not expected" and nothing else, bad data get C: to a block that was sent
	 * again it means that the block is there already (ST's IAP). */
	YMODEM_NAK_IS_NUMBER,
	/* A receiver that starts with G gets a stream without acknowledgements. */
	YMODEM_STREAM,
	YMODEM_TRAITS
};

/* "small-blocks", ...; NULL behind the last. */
const char *ymodem_trait_name(size_t i);
/* Sets one bit of `traits` by its name. ERR_USAGE; the hint names all. */
int ymodem_trait_parse(const char *name, unsigned *traits, struct err *e);

struct ymodem_options {
	unsigned traits;   /* bit set of enum ymodem_trait */
	uint32_t start_ms; /* until the other side starts */
	uint32_t first_ms; /* for the header and the first block: receivers erase meanwhile */
	uint32_t block_ms; /* for any other block */
	uint64_t size_max; /* receive: bytes of one file, more is refused */
	const struct event_sink *events; /* may be NULL */
};

#define YMODEM_OPTIONS_INIT                                                                        \
	((struct ymodem_options){.start_ms = 15000,                                                \
		.first_ms = 60000,                                                                 \
		.block_ms = 10000,                                                                 \
		.size_max = (uint64_t)256 << 20})

struct ymodem_report {
	uint64_t bytes; /* of all files */
	unsigned files;
	unsigned resends; /* blocks that went over the line again */
	bool open_end;    /* send: nobody acknowledged the end of the batch; the files are there */
	char text[YMODEM_TEXT_MAX + 1]; /* what the device said in between; cut at its front */
	size_t text_len;
};

struct ymodem_file {      /* to send */
	const char *name; /* without folders; at most YMODEM_NAME_MAX characters are sent */
	const uint8_t *data;
	size_t len;
};

/* ERR_NO_FIT: a file has more blocks than a receiver with these traits can count. */
int ymodem_check(const struct ymodem_file *files, size_t n, unsigned traits, struct err *e);

/*
 * Sends files as one batch. Nothing is sent before the receiver has asked; text that it prints in
 * between is collected. After any failure the receiver was told with two CAN, if it listens.
 *
 * ret  filled also on failure
 *
 * ERR_NO_FIT (more blocks than it can count; nothing was sent), ERR_TIMEOUT, ERR_NACK (it gave up:
 * the hint quotes its last words), ERR_PROTOCOL, ERR_UNSUPPORTED (it wants a stream), ERR_LINK,
 * ERR_INTERRUPTED.
 */
int ymodem_send(struct link *l, const struct ymodem_file *files, size_t n,
	const struct ymodem_options *opt, struct ymodem_report *ret, struct err *e);

/* Where received files go; each call may refuse with an error, which ends the batch. */
struct ymodem_sink {
	void *ctx;
	/* A file begins. `name` has no folders and no control characters. size UINT64_MAX: the
	 * sender does not say it, and the padding of the last block will stay. */
	int (*begin)(void *ctx, const char *name, uint64_t size, struct err *e);
	int (*data)(void *ctx, const uint8_t *p, size_t len, struct err *e);
	int (*end)(void *ctx, struct err *e);
};

/*
 * Receives a batch until its end. Traits: YMODEM_STREAM asks for a stream.
 * Errors as above, and those of the sink; ERR_FORMAT: a name or size that cannot be.
 */
int ymodem_receive(struct link *l, const struct ymodem_sink *sink, const struct ymodem_options *opt,
	struct ymodem_report *ret, struct err *e);

#endif
