/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker.h - work in a process of its own, which tells line by line how it goes
 *
 * Nothing that goes wrong in it, a crash included, touches the others, and no driver needs to be safe
 * for threads. It ends when its parent does: then it gets SIGTERM.
 */
#ifndef STMOTA_WORKER_H
#define STMOTA_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include <stmota/err.h>

struct worker {
	pid_t pid;
	int fd;     /* readable: there is something for worker_listen(); -1: it does not run */
	char *text; /* of a line that has not ended yet */
	size_t len;
	int status; /* of waitpid(), once it has ended */
};

#define WORKER_INIT ((struct worker){.fd = -1})

/*
 * Runs `run` in a new process; what it returns is the exit status, what it writes to `to` comes back
 * as lines. Ctrl-C at the terminal goes to the parent alone.
 *
 * alone  every other file that is open here is closed there: databases, locks
 * input  becomes its standard input; -1: that is empty
 *
 * ERR_IO.
 */
int worker_start(struct worker *w, bool alone, int input, int (*run)(void *ctx, FILE *to),
	void *ctx, struct err *e);

/*
 * Takes what it has said; `line` is called for each whole line, without its end. False: it has
 * ended, `status` is there and everything released.
 */
bool worker_listen(struct worker *w, void (*line)(void *ctx, const char *text), void *ctx);

/* Asks it to end its work and put its lines back. */
void worker_stop(const struct worker *w);

/* True if it ended by itself with exit status 0. */
bool worker_is_ok(const struct worker *w);
/* "status 3", "signal 9"; returns `ret`. */
const char *worker_status_text(const struct worker *w, char *ret, size_t size);

#endif
