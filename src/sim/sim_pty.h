/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_pty.h - a pseudo terminal under a path of the user's choice
 *
 * The board holds both ends: the slave stays open so that closing and opening by the host loses
 * nothing, and inotify tells of both, however quickly they follow each other.
 */
#ifndef STMOTA_SIM_PTY_H
#define STMOTA_SIM_PTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <stmota/err.h>

struct sim_pty {
	int master, slave, watch; /* file descriptors, -1: none */
	char *path;               /* the link; owned */
	char tty[64];             /* what it points to */
	unsigned users;           /* how often the host has it open */
};

#define SIM_PTY_INIT ((struct sim_pty){.master = -1, .slave = -1, .watch = -1})

/* Makes the terminal, raw, and links it at `path`. Only a link is replaced. ERR_IO. */
int sim_pty_open(struct sim_pty *p, const char *path, struct err *e);
/* Removes the link if it is still ours. Takes SIM_PTY_INIT and a closed one. */
void sim_pty_close(struct sim_pty *p);

/* The next opening or closing by the host that has not been told yet; false if there is none. */
bool sim_pty_event(struct sim_pty *p, bool *ret_opened);
/* What the host did not read is gone; a lock it left behind too. */
void sim_pty_forget(struct sim_pty *p);
/* Speed that the host has set; 0 if it cannot be told. */
uint32_t sim_pty_baud(const struct sim_pty *p);

#endif
