/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command.h - a subcommand as a row of data and a function
 */
#ifndef STMOTA_COMMAND_H
#define STMOTA_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include <stmota/buf.h>
#include <stmota/config.h>
#include <stmota/err.h>
#include <stmota/event.h>
#include <stmota/opt.h>
#include <stmota/out.h>

#define CMD_JSON     1u /* has --json */
#define CMD_DEVICE   2u /* has --device, --baud, --before, --wait and --chip */
#define CMD_DESTROYS 4u /* has --yes; run() is only entered after consent, or with --dry-run */
#define CMD_EVENTS   8u /* with --json: one object a line, progress included; "result" is the last */

#define CMD_MANY 16u /* --device may be given more than once; run() sees to it */
/* A configuration that cannot be read does not keep it from running: env->config_error. */
#define CMD_ANY_CONFIG 64u
#define CMD_LOOKS 32u /* it asks the device only: what of an earlier run cannot be ended is a warning */

/* Heading under which `stmota --help` lists a command. */
enum command_group { COMMAND_OTHER, COMMAND_DEVICE, COMMAND_PACKAGE, COMMAND_FLEET };

struct command_env {
	const struct opts *opts;         /* parsed */
	const struct config *config;     /* all sources merged */
	struct out *out;                 /* results */
	const struct event_sink *events; /* bar, sparse lines, JSON lines, or nothing; never NULL */
	/* CMD_DEVICE: --device, else device of [defaults], as written there; else NULL. */
	const char *device;
	bool quiet;
	bool looks; /* CMD_LOOKS */
	struct err config_error; /* CMD_ANY_CONFIG: `config` holds built-in values only */
};

struct command {
	const char *name;    /* "flash", or two words: "key show" */
	const char *args;    /* "FILE", "[FILE...]", "" */
	const char *needs;   /* options it cannot do without, for the usage line; NULL: none */
	const char *summary; /* one line, no full stop */
	/* More for the help text, NULL if none: paragraphs, filled anew; a blank line between them. */
	const char *details;
	/* Command lines without prompt, NULL if none; long ones are broken before an option. */
	const char *examples;
	enum command_group group;
	const struct opt *opts; /* ends with OPT_END; NULL: none of its own */
	unsigned flags;
	int min_args, max_args; /* positional; max -1: any number */
	/* What can be judged before a person is asked or a device is opened; NULL: nothing. */
	int (*check)(const struct command_env *env, struct err *e);
	/* 0 or a negative code with `e` filled; results go to env->out only. */
	int (*run)(struct command_env *env, struct err *e);
	/* For CMD_DESTROYS: one sentence that says what will be lost. */
	void (*describe_loss)(struct command_env *env, char *ret, size_t size);
};

/* Options that all commands have, those of the program alone, and those that come with a flag. */
extern const struct opt command_opts_global[], command_opts_program[], command_opts_json[],
	command_opts_json_lines[], command_opts_device[], command_opts_destroys[];

#define COMMAND_TABLES 8

/*
 * All tables of a command, its own first, for opt_parse(); NULL ends. `c` NULL: all that may stand
 * before the name of a command.
 */
void command_tables(const struct command *c, const struct opt *ret[COMMAND_TABLES]);

/*
 * Finds the command that words[0..n) begin with; two words win over one. NULL if there is none.
 * `commands` ends with NULL.
 */
const struct command *command_find(
	const struct command *const *commands, size_t n, char *const *words, size_t *ret_used);

/* Name that is similar to a mistyped one, NULL if none is. */
const char *command_similar(const struct command *const *commands, const char *word);

/* "stmota pack [options] --out OUT.sota IN" */
void command_usage(const struct command *c, char *ret, size_t size);

/* Appends the help text of a command, or the overview of all. ERR_NOMEM. */
int command_help(const struct command *c, struct buf *ret, struct err *e);
int command_overview(const struct command *const *commands, struct buf *ret, struct err *e);

#endif
