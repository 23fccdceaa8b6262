/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.c - the rules of vector tables, applied to an image with holes
 *
 * The table and the code it points to are often apart: EEPROM emulation uses the pages between.
 */
#include <stmota/image.h>

#include <inttypes.h>

#include <stmota/vectors.h>

bool image_vector_base(const struct segments *s, const struct chip *chip, uint32_t *ret)
{
	if (s->n == 0)
		return false;
	*ret = s->v[0].addr;
	if (chip != NULL && segments_at(s, chip->flash_base) != NULL)
		*ret = chip->flash_base;
	return true;
}

static bool holds(const void *image, uint32_t addr)
{
	return segments_at(image, addr) != NULL;
}

int image_check_vectors(const struct segments *s, uint32_t base, const struct chip *chip,
	char *ret_warn, size_t warn_size, struct err *e)
{
	const struct segment *g = segments_at(s, base);
	uint32_t off;

	if (g == NULL) {
		err_set(e, ERR_NO_FIT, "the image has no vector table at 0x%08" PRIX32, base);
		err_at(e, base);
		return ERR_NO_FIT;
	}
	off = base - g->addr;
	return vectors_check_parts(g->data + off, g->len - off, base, holds, s, chip, ret_warn,
		warn_size, e);
}
