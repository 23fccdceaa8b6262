/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flash_place.c - whether firmware fits a device, and where on it: as linked, in a slot, in a bank
 */
#include "flash_call.h"

#include <stdlib.h>
#include <string.h>

#include <stmota/image.h>
#include <stmota/option_job.h>

static int read_option(void *ctx, uint32_t addr, uint32_t *ret_word, struct err *e)
{
	const struct option_words *w = ctx;

	for (size_t i = 0; i < w->n; i++) {
		if (!span_contains(w->block[i].at, (struct span){addr, 4}))
			continue;
		*ret_word = get_le32(w->block[i].data + (addr - w->block[i].at.addr));
		return 0;
	}
	return err_set(e, ERR_UNSUPPORTED, "the option word at 0x%08X was not read", addr);
}

/* Words 0 and 1 of both halves of flash, read twice: they tell which bank the ROM starts. */
static int read_heads(struct flash_call *c, uint8_t ret[2][8], struct err *e)
{
	const struct geometry *g = &c->device->facts.geometry;
	struct target *t = c->device->target;
	int rc = 0;

	for (int i = 0; rc == 0 && i < 2; i++) {
		uint32_t addr = i == 0 ? g->base : g->base + g->size / 2;
		uint8_t again[8];

		rc = t->ops->read(t, addr, ret[i], 8, e);
		if (rc == 0)
			rc = t->ops->read(t, addr, again, 8, e);
		if (rc == 0 && memcmp(ret[i], again, 8) != 0)
			rc = err_set(e, ERR_IDENTITY, "two readings of 0x%08X differ", addr);
	}
	return rc;
}

static int find_bank(struct flash_call *c, struct err *e)
{
	const struct device_facts *f = &c->device->facts;
	struct option_words *words = calloc(1, sizeof(*words));
	uint8_t heads[2][8];
	int rc = words == NULL ? err_set(e, ERR_NOMEM, "out of memory")
			       : option_read(c->device, words, e);

	if (rc == 0)
		rc = read_heads(c, heads, e);
	if (rc == 0)
		rc = bank_move_plan(&f->geometry, f->has_boot_id ? f->boot_id : 0, read_option,
			words, heads, &c->bank, e);
	free(words);
	return rc;
}

int flash_locate(struct flash_call *c, struct err *e)
{
	int rc = 0;

	if (c->has_bank)
		rc = find_bank(c, e);
	if (rc == 0 && c->has_bank)
		c->by = c->bank.to - c->bank.link;
	else if (c->has_slot && c->slot.purpose != SLOT_DATA)
		c->by = c->slot.at.addr - c->slot.link;
	return rc;
}

/* The program is linked for the start of flash and goes to wherever the other bank is seen. */
static int check_bank(const struct flash_call *c, struct err *e)
{
	const struct segments *image = &c->firmware.image;
	struct span room, out;
	uint8_t sp[4] = {0};

	/* What runs there now is not where the package's own record says. */
	if (c->bank.by_rom && c->bank.running == 2 && c->firmware.is_package)
		return err_set(e, ERR_UNSUPPORTED,
			"bank 2 runs: the version of a package cannot be compared with it");
	room = (struct span){c->bank.link, c->bank.size};
	if (image_outside(image, room, &out)) {
		err_set(e, ERR_NO_FIT,
			"0x%08X..0x%08X of the image is outside a bank (0x%08X..0x%08X)", out.addr,
			(unsigned)(span_end(out) - 1), room.addr, (unsigned)(span_end(room) - 1));
		return err_hint(
			e, "link it for 0x%08X: either bank is seen there when it runs", room.addr);
	}
	if (c->firmware.heads.n == 0 || c->firmware.heads.base[0] != c->bank.link)
		return err_set(e, ERR_NO_FIT,
			"no program begins at 0x%08X, where a bank is started", c->bank.link);
	segments_copy(image, (struct span){c->bank.link, 4}, sp);
	return bank_move_check_stack(&c->bank, c->device->facts.chip, get_le32(sp), e);
}

int flash_place(struct flash_call *c, struct err *e)
{
	const struct geometry *g = &c->device->facts.geometry;
	const struct image_heads *from = &c->firmware.heads;
	int rc = 0;

	if (c->has_bank)
		rc = check_bank(c, e);
	else if (c->has_slot)
		rc = slot_check_part(&c->slot, c->env->config, g, e);
	if (rc == 0 && c->has_slot)
		rc = slot_place(&c->slot, &c->firmware.image, from->n > 0 ? from->base[0] : 0,
			&c->placed, e);
	else if (rc == 0)
		rc = segments_shift(&c->firmware.image, c->by, &c->placed, e);
	return rc == 0 ? image_heads_shift(from, c->by, &c->heads, e) : rc;
}

/* Where several chips are possible the firmware has to fit one of them. */
int flash_fit(struct flash_call *c, struct err *e)
{
	const struct device_facts *f = &c->device->facts;
	struct err other = ERR_INIT;
	int rc = firmware_fit(&c->firmware, f->chip, e);

	for (size_t i = 1; rc < 0 && i < f->n_candidates; i++)
		if (firmware_fit(&c->firmware, f->candidates[i], &other) == 0)
			rc = 0;
	if (rc == 0)
		err_clear(e);
	return rc;
}
