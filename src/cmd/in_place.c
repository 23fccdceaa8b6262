/* SPDX-License-Identifier: Apache-2.0 */
/*
 * in_place.c - which erase units a delta in place has to do with, from the command line
 */
#include "in_place.h"

#include <stdlib.h>

#include <stmota/chip.h>

enum { UNITS_MAX = 16384 };

struct units {
	uint32_t v[UNITS_MAX];
	size_t n;
};

static int units_of_chip(const struct chip *c, uint32_t addr, struct units *u, struct err *e)
{
	struct geometry g;
	int rc = geometry_init(&g, c, 0, CHIP_BANKS_DEFAULT, e);

	if (rc < 0)
		return err_hint(e, "--erase-unit SIZE tells it, where all units are alike");
	for (uint32_t i = 0; i < g.n_units && u->n < UNITS_MAX; i++) {
		struct erase_unit one = geometry_unit(&g, i);

		if (one.addr >= addr)
			u->v[u->n++] = one.size;
		if (one.addr < addr && addr - one.addr < one.size)
			return err_set(e, ERR_NO_FIT,
				"0x%08X is not the start of an erase unit of %s: the unit "
				"at 0x%08X has more than this image",
				addr, c->name, one.addr);
	}
	if (u->n == 0)
		return err_set(e, ERR_NO_FIT, "0x%08X is not in the flash of %s", addr, c->name);
	return 0;
}

static int find_units(const struct opts *o, uint16_t chip, const struct delta_image *image,
	struct units *u, struct err *e)
{
	const char *name = opt_str(o, "chip", NULL);
	uint32_t size = opt_u32(o, "erase-unit", 0);
	const struct chip *c = chip != 0 ? chip_find(chip) : NULL;

	if (name != NULL && opt_given(o, "erase-unit"))
		return err_set(e, ERR_USAGE, "--chip and --erase-unit say the same: give one");
	if (opt_given(o, "erase-unit")) {
		if (size == 0 || image->addr % size != 0)
			return err_set(e, ERR_USAGE,
				"the image at 0x%08X does not begin with an erase unit of %u bytes",
				image->addr, size);
		for (; u->n < UNITS_MAX; u->n++)
			u->v[u->n] = size;
		return 0;
	}
	if (name != NULL && chip_find_name(name, &c, e) < 0)
		return ERR_USAGE;
	if (c != NULL)
		return units_of_chip(c, image->addr, u, e);
	err_set(e, ERR_USAGE, "which erase units does the device have?");
	return err_hint(e, "--chip PID, or --erase-unit SIZE");
}

/* The largest groups that the journal takes. */
static int fit_journal(const struct units *u, size_t len, uint32_t ram, uint32_t journal,
	struct imf_groups *ret, struct err *e)
{
	uint32_t records = IMF_JOURNAL_NEED(0, ram);
	uint32_t target = journal > records ? journal - records : 0;

	for (; target >= IMF_GROUP_UNIT; target -= target / 8) {
		int rc = delta_groups_make(u->v, u->n, len, ram, target, ret, e);

		if (rc < 0 || ret->journal <= journal)
			return rc;
	}
	err_set(e, ERR_NO_FIT,
		"a journal of %u bytes is too small for the erase units of this image", journal);
	return err_hint(
		e, "it takes twice the decoder's RAM and the largest erase unit; see --ram");
}

int in_place_groups(const struct opts *o, uint16_t chip, const struct delta_image *image,
	uint32_t ram, struct imf_groups *ret, struct err *e)
{
	struct units *u = calloc(1, sizeof(*u));
	int rc;

	if (u == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	rc = find_units(o, chip, image, u, e);
	if (rc == 0 && opt_given(o, "journal"))
		rc = fit_journal(u, image->len, ram, opt_u32(o, "journal", 0), ret, e);
	else if (rc == 0)
		rc = delta_groups_make(u->v, u->n, image->len, ram, DELTA_GROUP_DEFAULT, ret, e);
	free(u);
	return rc;
}
