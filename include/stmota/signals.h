/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signals.h - Ctrl-C as a question that loops ask between two blocks
 */
#ifndef STMOTA_SIGNALS_H
#define STMOTA_SIGNALS_H

#include <stdbool.h>

#include <stmota/err.h>

/*
 * Lets SIGINT, SIGTERM and SIGHUP set a flag. Another one at least half a second later leaves the
 * process at once with status 130; one that comes sooner is taken for the same. SIGPIPE is ignored. For programs, not for libraries.
 */
void signals_install(void);

/* True once a signal asked to stop. */
bool signals_pending(void);

/*
 * While held, a signal that came is not seen: for the seconds in which something is put back that
 * must not stay as it is. It is seen again afterwards; a second signal ends the process as ever.
 */
void signals_hold(bool on);

/* 0, or ERR_INTERRUPTED with a message. */
int signals_check(struct err *e);

#endif
