/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bank_swap.h - what comes next for a device with two banks (AN4767): a function of what it says
 *
 * The program runs from one bank; an option bit (BFB2) says which one a reset starts: set, bank 2 if
 * its first word is a stack pointer, else bank 1. Nothing is remembered that the device does not say
 * itself, but for what a bank was given.
 */
#ifndef STMOTA_TARGET_BANK_SWAP_H
#define STMOTA_TARGET_BANK_SWAP_H

#include <stdbool.h>
#include <stdint.h>

#include <stmota/digest.h>
#include <stmota/err.h>

enum bank_stage {
	BANK_NOTHING, /* nothing is known of the other bank */
	BANK_SENDING, /* the target is being written: what is in it is worth nothing */
	BANK_SENT,    /* the target holds the new program, and was checked */
	BANK_PROVEN,  /* it runs from there, and a reset starts it */
	BANK_COPYING, /* the other one is being rewritten: what is in it is worth nothing */
	BANK_COPIED,  /* both hold it */
};

enum bank_action {
	BANK_DO_SEND,   /* the file into the bank that does not run */
	BANK_DO_SWITCH, /* run the other bank until the next reset */
	BANK_DO_SELECT, /* change the option bit: the bank that runs is the one a reset starts */
	BANK_DO_COPY,   /* the bank that runs into the other one */
	BANK_DO_NOTHING,
};

struct bank_now {    /* as the device says */
	int bank;    /* 1 or 2 */
	bool system; /* the option bit is set */
};

struct bank_journal {
	enum bank_stage stage;
	int target; /* 1 or 2; of the stages from BANK_SENDING on */
	uint8_t image[SHA256_SIZE];
};

/* True if a reset starts the bank that runs. */
bool bank_settled(const struct bank_now *now);

/*
 * What to do next. Two rules stand above the order of steps: a bank is written only while a reset
 * starts the other one, and the option bit is changed only towards the bank that is running, which
 * proves that it can. So bank 1 is never left to start without a program in it.
 *
 * both  the bank that ran before gets the new program too, and bank 1 runs in the end
 */
enum bank_action bank_next(const struct bank_now *now, const struct bank_journal *j, bool both);

/* A journal that is missing or damaged is an empty one: it saves work, and decides nothing. */
void bank_journal_load(const char *path, struct bank_journal *ret);
/* Synced before it returns; BANK_NOTHING removes it. `path` NULL: none is kept. */
int bank_journal_save(const char *path, const struct bank_journal *j, struct err *e);

#endif
