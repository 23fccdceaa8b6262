/* SPDX-License-Identifier: Apache-2.0 */
/*
 * many.h - one command for several devices at once
 *
 * Each device has a process of its own: nothing that goes wrong with one, a crash included, touches
 * another, and no driver needs to be safe for threads. The processes report as `--json` does.
 */
#ifndef STMOTA_MANY_H
#define STMOTA_MANY_H

#include <jansson.h>
#include <stdio.h>

#include <stmota/clock.h>
#include <stmota/command.h>
#include <stmota/progress.h>
#include <stmota/worker.h>

/* --device, as often as it was given, and what --all-matching finds; owned strings. */
struct device_names {
	char **v;
	size_t n;
};

/*
 * Collects the names. `n` 0: neither option was given more than once, the command has at most one
 * device. ERR_USAGE: a name twice, or a pattern that matches nothing.
 */
int device_names_collect(const struct command_env *env, struct device_names *ret, struct err *e);
void device_names_done(struct device_names *names);

/* What is done for one device, in a process of its own: `env` has its name and its own output. */
typedef int (*many_run)(struct command_env *env, void *ctx, struct err *e);

/*
 * Runs `run` for all of them, at most `jobs` at a time (0: all). Describes the result of each and
 * the sums to env->out. ERR_SOME_FAILED, ERR_INTERRUPTED (all have ended, their lines are back).
 */
int many_do(struct command_env *env, const struct device_names *names, size_t jobs, many_run run,
	void *ctx, struct err *e);

/*
 * In a process of a device: `env` with the name and an output of its own, which goes to `to` line by
 * line. Returns the exit status.
 */
int many_child(
	const struct command_env *env, const char *device, many_run run, void *ctx, FILE *to);

/* ---- many_show.c: a line for each, redrawn in place ---- */

enum many_state { MANY_WAITS, MANY_RUNS, MANY_OK, MANY_FAILED };

struct many_device {
	const char *name;
	enum many_state state;
	struct worker worker;
	char phase[24];
	uint64_t done, total;
	uint64_t start_ms, ms;
	json_t *result; /* its last line */
	char error[200];
};

struct many_show;

/* NULL if nothing is to be shown (quiet, JSON). */
struct many_show *many_show_new(const struct progress_config *cfg);
/* Draws if it is time to, or `now`. Both take NULL. */
void many_show_draw(struct many_show *s, const struct many_device *d, size_t n, bool now);
/* A line of its own above the others. */
void many_show_say(struct many_show *s, const char *device, const char *text);
/* Takes the lines away again. */
void many_show_free(struct many_show *s);

#endif
