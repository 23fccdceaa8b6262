/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proof.h - how a program that was just started proves that it is healthy
 *
 * Silence is failure: what is not seen in time was not said. The text form is that of --confirm:
 *
 *   uart: expect "TEXT" [at BAUD] [within TIME]
 *   uart:PORT expect "TEXT" [at BAUD] [within TIME]
 *   command: COMMAND [within TIME]
 *
 * TEXT knows \" \\ \n \r \t. TIME is a number with s or m, 1 s to 60 m; without it 30 s. BAUD is
 * 115200 if not given; ports are 8N1. `uart:` without PORT is the port of the device itself.
 * COMMAND goes to /bin/sh and proves by its exit status 0.
 */
#ifndef STMOTA_PROOF_H
#define STMOTA_PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/err.h>
#include <stmota/event.h>
#include <stmota/link.h>

enum proof_kind { PROOF_UART, PROOF_COMMAND };

struct proof {
	enum proof_kind kind;
	char port[128]; /* "": that of the device */
	char expect[128];
	size_t expect_len;
	uint32_t baud;
	char command[512];
	uint32_t within_ms;
};

/* ERR_USAGE with a hint that shows the form. */
int proof_parse(const char *text, struct proof *ret, struct err *e);

/* True if the port of the device itself is listened to. */
bool proof_on_device(const struct proof *p);

/*
 * For before anything is touched: over I2C and USB nobody hears what a program says, and another
 * port must be named. ERR_USAGE.
 */
int proof_check_port(const struct proof *p, const struct link *device, struct err *e);

/* Somebody who listens. All zero before proof_begin(). */
struct proof_session {
	const struct proof *proof;
	struct link *link; /* borrowed from the device, or own */
	bool own;
};

/*
 * Gets ready to hear what is said from the first moment on: to be called before the program is
 * started by a reset.
 *
 * device  link of the device, NULL if it has none or it was closed
 *
 * ERR_USAGE (`uart:` where the device is on no serial port), or the link's.
 */
int proof_begin(struct proof_session *s, const struct proof *p, struct link *device, struct err *e);

/*
 * Waits for the proof.
 *
 * ret_seen  what was seen, for people and results: the line that held the text, "exit status 0"
 *
 * ERR_VERIFY if it did not come; the message says what came instead. ERR_INTERRUPTED; the link's.
 */
int proof_wait(struct proof_session *s, char *ret_seen, size_t size, struct err *e);

/* Closes what proof_begin() opened. The device's link keeps the speed of the application. */
void proof_end(struct proof_session *s);

#endif
