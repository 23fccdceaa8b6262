/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_sender.h - ST's Ymodem_Transmit: the device sends its flash
 *
 * As its code does it: one byte is read after each block, whatever it is; the C behind the ACK of
 * the header is taken for a bad answer to block 1, which is sent twice for that. Nothing is
 * believed to be lost: it waits for an answer for a quarter of an hour.
 */
#ifndef STMOTA_SIM_SENDER_H
#define STMOTA_SIM_SENDER_H

#include <stdbool.h>
#include <stdint.h>

enum sim_sent { SIM_SENDING, SIM_SENT, SIM_SEND_ABORTED, SIM_SEND_FAILED };

struct sim_sender {
	void (*send)(void *ctx, uint8_t byte);
	void *ctx;
	const char *name;
	const uint8_t *data;
	uint32_t len, at, block;
	uint8_t number;
	int state;
	bool cancel; /* one CAN came */
	unsigned errors;
	enum sim_sent end;
};

void sim_sender_start(struct sim_sender *s, const char *name, const uint8_t *data, uint32_t len,
	void (*send)(void *ctx, uint8_t byte), void *ctx);
void sim_sender_byte(struct sim_sender *s, uint8_t byte);

#endif
