/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update_call.h - what the parts of the command update share
 */
#ifndef STMOTA_UPDATE_CALL_H
#define STMOTA_UPDATE_CALL_H

#include "cmd.h"
#include "many.h"

#include <stmota/pass.h>

struct update_call {
	struct command_env *env;
	struct cmd_fleet fleet;
	bool dry_run, verbose, json;
	const struct flushing *flushing; /* of cmd_update.c */
	/* ---- update_show.c ---- */
	struct many_show *show;   /* NULL: nothing is shown while it runs */
	struct many_device *rows; /* one for each device that began */
	size_t n_rows;
	struct update_end { /* how each that ended did so */
		const char *device, *outcome;
		char version[VERSION_TEXT_SIZE], text[256];
		double seconds;
		bool canary;
	} * ends;
	size_t n_ends;
	char (*notes)[300]; /* lines below the table, each once */
	size_t n_notes;
	bool table; /* of decisions: it has been opened */
};

/* ---- update_child.c ---- */

/* As pass_request.deliver; `ctx` is the struct update_call. */
int update_child(void *ctx, const struct pass_delivery *d, FILE *to);

/* ---- update_show.c ---- */

struct pass_listener update_listener(struct update_call *c);
/* The table of decisions is complete. */
void update_end_decisions(struct update_call *c);
/* Describes the result to env->out. */
void update_show_result(struct update_call *c, const struct pass_sums *s);
void update_show_done(struct update_call *c);

#endif
