/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command.h - a subcommand as a row of data and a function
 */
#ifndef STMOTA_COMMAND_H
#define STMOTA_COMMAND_H

#include <stdbool.h>

#include <stmota/config.h>
#include <stmota/err.h>
#include <stmota/event.h>
#include <stmota/opt.h>
#include <stmota/out.h>

#define CMD_JSON     1u /* has --json */
#define CMD_DEVICE   2u /* has --device, --baud, --before and --wait */
#define CMD_DESTROYS 4u /* has --yes; run() is only entered after consent */

struct command_env {
	const struct opts *opts;     /* parsed */
	const struct config *config; /* all sources merged */
	struct out *out;             /* results */
	const struct event_sink *events; /* progress: bar, sparse lines, or nothing */
	bool quiet;
};

struct command {
	const char *name;      /* "flash", or two words: "key show" */
	const char *args;      /* "FILE", "[FILE...]", "" */
	const char *summary;   /* one line, no full stop */
	const char *examples;  /* lines for the help text, without prompt; NULL if none */
	const struct opt *opts; /* ends with OPT_END; NULL: none of its own */
	unsigned flags;
	int min_args, max_args; /* positional; max -1: any number */
	/* 0 or a negative code with `e` filled; results go to env->out only. */
	int (*run)(struct command_env *env, struct err *e);
	/* For CMD_DESTROYS: one sentence that says what will be lost. */
	void (*describe_loss)(struct command_env *env, char *ret, size_t size);
};

#endif
