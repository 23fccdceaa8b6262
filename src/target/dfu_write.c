/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dfu_write.c - erase and DNLOAD
 *
 * Three control transfers for each block: the block, the GETSTATUS that starts the programming,
 * the one that sees its end. Full blocks are counted from the start of flash, with the address
 * pointer set once for all that follow each other; a short one gets its own, because sources differ
 * about what its number is multiplied with.
 */
#include "dfu_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct span in_flash(const struct dfu *d)
{
	const struct chip *c = d->t.info.chip;

	return c != NULL ? (struct span){c->flash_base, c->flash_size_max} : (struct span){0, 0};
}

/* ---- write ---- */

static int write_block(struct dfu *d, struct span zone, uint32_t addr, const void *buf,
	uint32_t len, bool vanishes, struct err *e)
{
	char what[32];
	struct dfu_work work = {.what = what,
		.deadline_ms = DFU_BLOCK_MS,
		.transfer_ms = DFU_TRANSFER_MS,
		.poll_cap_ms = DFU_BLOCK_MS,
		.vanishes = vanishes};
	bool counted = false;
	uint32_t n = 0, pointer;
	int rc = 0;

	snprintf(what, sizeof(what), "write at 0x%08" PRIX32, addr);
	if (len == d->block && (addr - zone.addr) % d->block == 0)
		counted = dfu_counts(d, zone, addr, &n);
	/* Block 0 begins where the pointer is, whatever its length. */
	pointer = counted ? DFUSE_HOME : addr;
	if (pointer != DFUSE_HOME || !d->pointer_valid || d->pointer != pointer ||
		d->opt.pointer_per_block)
		rc = dfu_set_pointer(d, pointer, e);
	if (rc == 0)
		rc = dfu_download(d, (uint16_t)(DFU_FIRST_BLOCK + (counted ? n : 0)), buf,
			(uint16_t)len, &work, e);
	d->uploads = 2;
	return rc;
}

/* A device may take less at once than it said when it was connected. */
static int write_blocks(struct dfu *d, struct span zone, uint32_t addr, const uint8_t *buf,
	uint32_t len, struct err *e)
{
	int rc = 0;

	while (rc == 0 && len > 0) {
		uint32_t n = len < d->block ? len : d->block;

		rc = write_block(d, zone, addr, buf, n, false, e);
		addr += n;
		buf += n;
		len -= n;
	}
	return rc;
}

/* Option bytes and the like: the whole zone, from its base, in one block. */
static int write_zone(struct dfu *d, struct span zone, uint32_t addr, const void *buf, uint32_t len,
	struct err *e)
{
	uint8_t all[DFU_TRANSFER_MAX], again[DFU_TRANSFER_MAX];
	int rc = 0;

	if (addr != zone.addr || len != zone.len) {
		rc = dfu_read(&d->t, zone.addr, all, zone.len, e);
		if (rc == 0)
			rc = dfu_read(&d->t, zone.addr, again, zone.len, e);
		if (rc == 0 && memcmp(all, again, zone.len) != 0)
			rc = err_set(e, ERR_IDENTITY, "two readings at 0x%08" PRIX32 " differ",
				zone.addr);
		if (rc < 0)
			return rc;
	}
	memcpy(all + (addr - zone.addr), buf, len);
	d->pointer_valid = false;
	return write_block(d, zone, zone.addr, all, zone.len, true, e);
}

static int check_block(const struct dfu *d, uint32_t addr, uint32_t len, struct err *e)
{
	uint32_t align = d->t.info.chip != NULL ? chip_word_min(d->t.info.chip) : 4;

	if (!span_overlaps(in_flash(d), (struct span){addr, len}))
		align = 2;
	if (len >= 2 && len <= d->t.write_max && addr % align == 0 && len % align == 0)
		return 0;
	return err_set(e, ERR_NO_FIT,
		"write of %" PRIu32 " bytes: not made of whole words of %" PRIu32 " bytes", len,
		align);
}

int dfu_write(struct target *t, uint32_t addr, const void *buf, uint32_t len, struct err *e)
{
	struct dfu *d = dfu_of(t);
	const struct dfu_layout *l = NULL;
	const struct dfu_run *run = dfu_run_at(d, addr, &l);
	struct span zone = {0, 0};
	int rc = dfu_ready(d, e);

	if (rc == 0 && run == NULL)
		rc = err_set(e, ERR_NO_FIT, "the device has no memory at 0x%08" PRIX32, addr);
	else if (rc == 0 && (run->access & DFU_MAY_WRITE) == 0)
		rc = err_set(e, ERR_UNSUPPORTED, "%s cannot be written", l->name);
	if (rc == 0)
		zone = dfu_layout_zone(l, run);
	if (rc == 0 && !span_contains(zone, (struct span){addr, len}))
		rc = err_set(e, ERR_NO_FIT, "a write across the end of %s", l->name);
	if (rc == 0)
		rc = dfu_set_alt(d, l->alt, e);
	if (rc == 0 && !span_overlaps(in_flash(d), zone) && zone.len <= d->block &&
		strncmp(l->name, "Option", 6) == 0) {
		rc = write_zone(d, zone, addr, buf, len, e);
	} else if (rc == 0) {
		rc = check_block(d, addr, len, e);
		if (rc == 0)
			rc = write_blocks(d, zone, addr, buf, len, e);
	}
	if (rc < 0)
		err_at(e, addr);
	return rc;
}

/* ---- erase ---- */

static uint32_t erase_deadline(const struct dfu *d, uint32_t size)
{
	const struct chip *c = d->t.info.chip;
	uint32_t ms = c != NULL ? 2 * chip_erase_ms_max(c, size) : 0;

	return ms > DFU_ERASE_MS ? ms : DFU_ERASE_MS;
}

static int erase_at(struct dfu *d, uint32_t addr, uint32_t size, struct err *e)
{
	const struct dfu_layout *l = NULL;
	const struct dfu_run *run = dfu_run_at(d, addr, &l);
	char what[32];
	struct dfu_work work = {.what = what,
		.deadline_ms = erase_deadline(d, size),
		.transfer_ms = DFU_TRANSFER_MS,
		.poll_cap_ms = erase_deadline(d, size)};
	bool stays;
	int rc = dfu_ready(d, e);

	snprintf(what, sizeof(what), "erase at 0x%08" PRIX32, addr);
	if (rc < 0)
		return rc;
	/* Old ROMs call option bytes and OTP erasable: only main flash ever is. */
	if (run == NULL || (run->access & DFU_MAY_ERASE) == 0 || addr >> 16 == 0x1FFF)
		return err_set(e, ERR_UNSUPPORTED, "%s: the device cannot erase there", what);
	/* ST's code takes the pointer along to what it erases, others leave it where it is. */
	stays = addr == DFUSE_HOME && d->pointer_valid && d->pointer == addr &&
		!d->opt.pointer_per_block && d->alt == l->alt;
	rc = dfu_set_alt(d, l->alt, e);
	if (rc == 0)
		rc = dfu_command(d, DFUSE_ERASE, &addr, &work, e);
	d->pointer_valid |= rc == 0 && stays;
	return rc;
}

int dfu_erase(struct target *t, const struct erase_unit *units, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t at = units[i].addr + units[i].erase_shift;
		int rc = units[i].number == UNIT_NUMBER_UNKNOWN
				 ? err_set(e, ERR_UNSUPPORTED,
					   "which unit an erase at 0x%08" PRIX32 " means is open",
					   at)
				 : erase_at(dfu_of(t), at, units[i].size, e);

		if (rc < 0) {
			err_at(e, units[i].addr);
			return rc;
		}
	}
	return 0;
}

/* Unit after unit, as the memory map has them. */
static int erase_each(struct dfu *d, uint32_t flash_size, struct err *e)
{
	struct span flash = in_flash(d);

	for (size_t k = 0; k < d->n_layouts; k++) {
		const struct dfu_layout *l = &d->layouts[k];

		for (size_t i = 0; i < l->n_runs; i++) {
			const struct dfu_run *r = &l->runs[i];

			for (uint32_t u = 0; u < r->count; u++) {
				uint32_t addr = r->addr + u * r->size;
				int rc;

				if (addr < flash.addr || addr - flash.addr >= flash_size)
					continue;
				rc = erase_at(d, addr, r->size, e);
				if (rc < 0)
					return rc;
			}
		}
	}
	return 0;
}

int dfu_mass_erase(struct target *t, uint32_t flash_size, struct err *e)
{
	struct dfu *d = dfu_of(t);
	uint32_t ms = t->info.chip != NULL ? chip_mass_erase_ms_max(t->info.chip, flash_size) : 0;
	struct dfu_work work = {.what = "mass erase",
		.deadline_ms = ms > DFU_MASS_MS ? ms : DFU_MASS_MS,
		.transfer_ms = 35000,
		.poll_cap_ms = DFU_MASS_MS};
	int rc = dfu_ready(d, e);

	if (rc < 0)
		return rc;
	if (dfu_quirk(d, CHIP_QUIRK_DFU_MASS_ERASE_BROKEN))
		return erase_each(d, flash_size, e);
	rc = dfu_set_alt(d, d->layouts[0].alt, e);
	return rc < 0 ? rc : dfu_command(d, DFUSE_ERASE, NULL, &work, e);
}
