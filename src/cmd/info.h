/* SPDX-License-Identifier: Apache-2.0 */
/*
 * info.h - parts of `stmota info` that stand in several files
 */
#ifndef STMOTA_CMD_INFO_H
#define STMOTA_CMD_INFO_H

#include <imf/imf_app_info.h>
#include <stmota/chip.h>
#include <stmota/err.h>
#include <stmota/fmt.h>
#include <stmota/out.h>
#include <stmota/package.h>
#include <stmota/segments.h>

/* The table of segments with their digests, and the holes between them. */
int info_segments(struct out *o, const struct segments *s, struct err *e);

/* Describes an opened package; nobody is trusted. */
int info_package(struct out *o, const struct package *p, struct err *e);

/* The firmware's own record as an object. */
void info_app_info(struct out *o, const struct imf_app_info *a);

/* The vector table of a program and whether it would start on `chip` (NULL: any). */
void info_vectors(struct out *o, const struct segments *s, const struct chip *chip);

/* Formats that hold more than an image: for whom it is, what else is in the file. */
bool info_is_container(const struct fmt *f);
/* Describes such a file; `o` NULL: only checks it. */
int info_container(struct out *o, const struct fmt *f, const struct buf *file, struct err *e);
int info_mcuboot(struct out *o, const struct buf *file, struct err *e);
int info_sfb(struct out *o, const struct buf *file, struct err *e);

/* "hardware" for people, "hw_min" and "hw_max" in JSON; both included. */
void info_hw(struct out *o, uint16_t min, uint16_t max);

#endif
