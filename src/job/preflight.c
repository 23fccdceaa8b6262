/* SPDX-License-Identifier: Apache-2.0 */
/*
 * preflight.c - what speaks against writing an image, found without touching the flash
 */
#include <stmota/flash_job.h>

#include <stdlib.h>
#include <string.h>

#include <stmota/cleanup.h>
#include <stmota/fmt_mcuboot.h>
#include <stmota/image.h>

/* ---- programs in an image ---- */

static int check_in_flash(const struct segments *image, struct span flash, struct err *e)
{
	struct span at;

	if (image_outside(image, flash, &at)) {
		err_set(e, ERR_NO_FIT,
			"0x%08X..0x%08X of the image is outside the flash of this chip "
			"(0x%08X..0x%08X)",
			at.addr, (unsigned)(span_end(at) - 1), flash.addr,
			(unsigned)(span_end(flash) - 1));
		err_at(e, at.addr);
		return err_hint(e, "check the link address, and that the image is for this chip");
	}
	if (image->n == 0)
		return err_set(e, ERR_NO_FIT, "the image is empty");
	return 0;
}

int image_find_heads(const struct segments *image, const struct chip *chip, struct image_heads *ret,
	char *ret_warn, size_t warn_size, struct err *e)
{
	struct span flash = {chip->flash_base, chip->flash_size_max};
	struct image_heads h = {0};
	int rc = check_in_flash(image, flash, e);

	if (rc < 0)
		return rc;
	h.base = calloc(image->n, sizeof(*h.base));
	if (h.base == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; rc == 0 && i < image->n; i++) {
		const struct segment *g = &image->v[i];
		uint32_t base = g->addr + mcuboot_table_offset(g->data, g->len);
		bool first = i == 0;

		/* Nothing that could be judged here. */
		if (image_is_opaque(image, g->addr)) {
			h.base[h.n++] = g->addr;
			continue;
		}
		rc = image_check_vectors(image, base, chip, first ? ret_warn : NULL,
			first ? warn_size : 0, first ? e : NULL);
		/* MCUboot looks at the magic of the header before anything else. */
		if (rc == 0)
			h.base[h.n++] = g->addr;
		else if (!first)
			rc = 0;
	}
	if (rc < 0) {
		image_heads_done(&h);
		return rc;
	}
	*ret = h;
	return 0;
}

void image_heads_done(struct image_heads *h)
{
	free(h->base);
	*h = (struct image_heads){0};
}

int image_heads_shift(
	const struct image_heads *h, uint32_t by, struct image_heads *ret, struct err *e)
{
	ret->base = calloc(h->n + 1, sizeof(*ret->base));
	if (ret->base == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (ret->n = 0; ret->n < h->n; ret->n++)
		ret->base[ret->n] = h->base[ret->n] + by;
	return 0;
}

/* ---- the device ---- */

static int check_read_protection(const struct device_facts *f, struct err *e)
{
	if (!f->read_refused && f->rdp != RDP_1 && f->rdp != RDP_2 && f->rdp != RDP_0_5)
		return 0;
	err_set(e, ERR_PROTECTED,
		"read-out protection is on: the device refuses to be read, erased and written");
	if (f->chip->options.n_rdp == 0)
		return err_hint(e, "no command of this program lifts it on this chip");
	return err_hint(e, "'stmota protect rdp-set 0 --erase-everything' lifts it and erases the "
			   "whole flash; 'stmota protect status' shows more");
}

static int check_unit_unprotected(
	const struct device_facts *f, const struct erase_unit *u, struct err *e)
{
	for (size_t i = 0; i < f->n_wrp; i++) {
		if (!span_overlaps((struct span){u->addr, u->size}, f->wrp[i]))
			continue;
		err_set(e, ERR_PROTECTED,
			"0x%08X..0x%08X is write-protected and the image needs it", f->wrp[i].addr,
			(unsigned)(span_end(f->wrp[i]) - 1));
		err_at(e, f->wrp[i].addr);
		return err_hint(e,
			"--lift-wrp lifts it for this update and puts it back; 'stmota protect "
			"wrp-off --range 0x%08X:0x%X' for good; nothing is lost by either",
			f->wrp[i].addr, f->wrp[i].len);
	}
	return 0;
}

/* An erase unit may be larger than what the image needs of it: the whole unit counts. */
static int check_write_protection(
	const struct device_facts *f, const struct segments *image, struct err *e)
{
	for (size_t k = 0; f->wrp_known && k < image->n; k++) {
		uint64_t addr = image->v[k].addr, end = addr + image->v[k].len;
		struct erase_unit u;

		while (addr < end && geometry_unit_at(&f->geometry, (uint32_t)addr, &u)) {
			int rc = check_unit_unprotected(f, &u, e);

			if (rc < 0)
				return rc;
			addr = (uint64_t)u.addr + u.size;
		}
	}
	return 0;
}

static int check_way_back(const struct device_facts *f, bool entry_by_hand, struct err *e)
{
	if (f->reach != REACH_APPLICATION || entry_by_hand)
		return 0;
	err_set(e, ERR_USAGE,
		"only the application that is to be replaced can bring this device back into its "
		"bootloader");
	return err_hint(e, "wire BOOT0 and NRST, or accept it with --entry-by-hand");
}

int preflight_check_read(const struct device_facts *f, const struct segments *image, struct err *e)
{
	int rc = check_read_protection(f, e);

	if (rc == 0 && !f->has_geometry) {
		err_set(e, ERR_UNSUPPORTED, "the erase units of this chip are not known: %s",
			f->geometry_why);
		rc = err_hint(e, "see 'stmota probe' for what is known about it");
	}
	if (rc == 0)
		rc = check_in_flash(image, (struct span){f->geometry.base, f->geometry.size}, e);
	return rc;
}

int preflight_check(
	const struct device_facts *f, const struct segments *image, unsigned accepts, struct err *e)
{
	int rc = preflight_check_read(f, image, e);

	if (rc == 0 && f->banks_assumed) {
		err_set(e, ERR_UNSUPPORTED,
			"it cannot be read whether this chip runs in single or dual bank mode, so "
			"its erase units are uncertain");
		rc = err_hint(e, "say it in the configuration: 'banks = single' or 'banks = dual' "
				 "in the [device] section");
	}
	if (rc == 0 && !f->lists_erase)
		rc = err_set(e, ERR_UNSUPPORTED,
			"the bootloader of this device offers no erase command");
	if (rc == 0 && f->write_max != 0 && f->write_max < f->geometry.write_align) {
		err_set(e, ERR_UNSUPPORTED,
			"this chip is written in words of %u bytes, and the adapter takes %u at once",
			(unsigned)f->geometry.write_align, (unsigned)f->write_max);
		rc = err_hint(e, "another I2C adapter is needed, or another way to the device");
	}
	if (rc == 0 && !(accepts & PREFLIGHT_LIFT_WRP))
		rc = check_write_protection(f, image, e);
	if (rc == 0)
		rc = check_way_back(f, (accepts & PREFLIGHT_BY_HAND) != 0, e);
	return rc;
}
