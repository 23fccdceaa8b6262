/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.h - an image as a program: where its vector table is, whether it will run there
 */
#ifndef STMOTA_IMAGE_H
#define STMOTA_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include <stmota/chip.h>
#include <stmota/err.h>
#include <stmota/segments.h>
#include <stmota/vectors.h>

/*
 * Where the vector table of a program image is: the start of flash if the image has bytes there
 * (`chip` NULL: not known), else its first byte; behind the header if an MCUboot image lies there.
 * False for an empty image.
 */
bool image_vector_base(const struct segments *s, const struct chip *chip, uint32_t *ret);

/* True if what lies at `addr` is an encrypted or compressed image of MCUboot: the vector table in it
 * cannot be judged, and nothing runs there before its loader has unpacked it. */
bool image_is_opaque(const struct segments *s, uint32_t addr);

/* True if MCUboot's header stands at `addr`. */
bool image_starts_with_header(const struct segments *s, uint32_t addr);

/* True if a part of it begins with MCUboot's header: then a boot loader starts it, nobody else. */
bool image_needs_loader(const struct segments *s);

/*
 * vectors_check() for an image with holes: handlers may lie in any part of it.
 * ERR_NO_FIT, also if the image has no byte at `base`.
 */
int image_check_vectors(const struct segments *s, uint32_t base, const struct chip *chip,
	char *ret_warn, size_t warn_size, struct err *e);

/* True if a part of the image lies outside `flash`; *ret is the first such part then. */
bool image_outside(const struct segments *s, struct span flash, struct span *ret);

/*
 * Will it run there? All rules: flash (is there room), erase_unit (does it begin where it can be
 * erased alone), then those of vectors_judge(). Returns the worst verdict.
 *
 * base  of the vector table
 * g     the part
 */
enum verdict image_judge(const struct segments *s, uint32_t base, const struct geometry *g,
	finding_sink sink, void *sink_ctx);

#endif
