/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cleanup.h - scope attributes that release a variable when its block is left
 *
 * A variable that carries one is initialised where it is declared.
 */
#ifndef STMOTA_CLEANUP_H
#define STMOTA_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(fn) __attribute__((cleanup(fn)))

static inline void cleanup_free_(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close_(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_file_(FILE **f)
{
	if (*f != NULL)
		fclose(*f);
}

#define cleanup_free  CLEANUP(cleanup_free_)  /* heap memory */
#define cleanup_close CLEANUP(cleanup_close_) /* file descriptor, -1 for none */
#define cleanup_file  CLEANUP(cleanup_file_)  /* FILE *, NULL for none */

#endif
