/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout_show.h - a partition table as picture and as fragments of other languages
 */
#ifndef STMOTA_CMD_LAYOUT_SHOW_H
#define STMOTA_CMD_LAYOUT_SHOW_H

#include <stmota/buf.h>
#include <stmota/err.h>
#include <stmota/layout.h>
#include <stmota/out.h>

/* One bar in proportion, with a line that explains its signs; people only. */
void layout_show_bar(struct out *o, const struct layout *l, const struct layout_request *r);

/* Appends MEMORY lines of a GNU linker script, a C header, or [slot NAME] sections. ERR_NOMEM. */
int layout_show_ld(
	const struct layout *l, const struct layout_request *r, struct buf *ret, struct err *e);
int layout_show_c(
	const struct layout *l, const struct layout_request *r, struct buf *ret, struct err *e);
int layout_show_conf(
	const struct layout *l, const struct layout_request *r, struct buf *ret, struct err *e);

/* Appends a picture as SVG. ERR_NOMEM. */
int layout_show_svg(
	const struct layout *l, const struct layout_request *r, struct buf *ret, struct err *e);

#endif
