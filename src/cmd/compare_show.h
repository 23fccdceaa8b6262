/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare_show.h - a comparison for people and as JSON
 */
#ifndef STMOTA_CMD_COMPARE_SHOW_H
#define STMOTA_CMD_COMPARE_SHOW_H

#include <stmota/compare.h>
#include <stmota/out.h>

void compare_show(struct out *o, const struct comparison *c, const struct program *old,
	const struct program *new);

#endif
