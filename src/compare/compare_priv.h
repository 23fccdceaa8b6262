/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare_priv.h - what the parts of a comparison share
 */
#ifndef STMOTA_COMPARE_COMPARE_PRIV_H
#define STMOTA_COMPARE_COMPARE_PRIV_H

#include <stmota/compare.h>

#include "program_priv.h"

/*
 * By name and unit; NULL comes last. Units count only where both programs have them: 'strip -g' takes
 * them away.
 */
int compare_order(const struct program *old, const struct program *new,
	const struct program_symbol *a, const struct program_symbol *b);

/* What takes more or less flash, for the growth list. ERR_NOMEM. */
int compare_growth(
	const struct program *old, const struct program *new, struct comparison *c, struct err *e);

#endif
