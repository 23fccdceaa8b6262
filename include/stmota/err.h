/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err.h - what went wrong, where, and what to do about it
 *
 * Functions that can fail return 0 or a negative enum err_code and describe the failure in a
 * struct err that the caller owns. Nothing below src/cmd prints it.
 */
#ifndef STMOTA_ERR_H
#define STMOTA_ERR_H

#include <stdbool.h>
#include <stdint.h>

enum err_code {
	ERR_NONE = 0,
	ERR_FAILED = -1, /* nothing more exact applies */
	ERR_NOMEM = -2,
	ERR_IO = -3,          /* a file of the host: missing, unreadable, disk full */
	ERR_USAGE = -4,       /* command line */
	ERR_CONFIG = -5,      /* configuration file or environment */
	ERR_FORMAT = -6,      /* a file that is damaged or not what it should be */
	ERR_UNSUPPORTED = -7, /* known, but not built, or not offered by this device */
	ERR_LINK = -8,        /* port missing, vanished, misconfigured */
	ERR_BUSY = -9,        /* port or state file held by another process */
	ERR_TIMEOUT = -10,    /* the device did not answer in time */
	ERR_NACK = -11,       /* the device refused a command */
	ERR_PROTOCOL = -12,   /* the device answered nonsense */
	ERR_IDENTITY = -13,   /* another device, chip, product or hardware than expected */
	ERR_PROTECTED = -14,  /* read-out or write protection is in the way */
	ERR_NO_FIT = -15,     /* image, address or vector table does not fit the chip */
	ERR_SIGNATURE = -16,  /* signature or key */
	ERR_DOWNGRADE = -17,  /* version or security counter goes backwards */
	ERR_VERIFY = -18,     /* the device does not hold what it should hold */
	ERR_UNFINISHED = -19, /* work was begun and can be finished by the same command */
	ERR_SOME_FAILED = -20,
	ERR_NETWORK = -21,
	ERR_INTERRUPTED = -22, /* Ctrl-C */
	/* `compare` found a difference of severity 1 to 4, and was asked to fail for it. */
	ERR_SEVERITY_1 = -23,
	ERR_SEVERITY_2 = -24,
	ERR_SEVERITY_3 = -25,
	ERR_SEVERITY_4 = -26,
	ERR_DAMAGED = -27, /* a package that was changed or damaged */
	ERR_LAST = -27,
};

#define ERR_NO_ADDR UINT32_MAX

struct err {
	enum err_code code;
	uint32_t addr;  /* device address, ERR_NO_ADDR if none */
	char msg[280];  /* what failed: one line, lower case, no full stop */
	char hint[240]; /* what the user can do, "" if nothing is known */
};

#define ERR_INIT ((struct err){.code = ERR_NONE, .addr = ERR_NO_ADDR})

/*
 * Describes a failure and returns `code`, so that callers can write `return err_set(...)`.
 * Replaces message, hint and address of an earlier failure.
 *
 * `e` may be NULL in all functions here: then err_wrap(), err_hint() and err_at() return the code
 * of this thread's latest err_set().
 */
int err_set(struct err *e, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Like err_set() for a failed system call: appends the text of `errno_value`. */
int err_set_errno(struct err *e, enum err_code code, int errno_value, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Puts "context: " before the message, keeps code, hint and address; returns the code. */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Sets the hint; returns the code. */
int err_hint(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Sets the device address; returns the code. */
int err_at(struct err *e, uint32_t addr);

/* Takes back a failure that was dealt with. */
void err_clear(struct err *e);

/* Exit status of the program for a code, as listed in stmota(1). */
int err_exit_status(enum err_code code);

/* Stable name for JSON, such as "timeout"; static, never NULL. */
const char *err_code_name(enum err_code code);

/* True for failures of the conversation that a new attempt may cure: time-out, nonsense, NACK. */
bool err_is_transient(enum err_code code);

#endif
