/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dfu_read.c - UPLOAD: as few transfers as the reading pattern of the layers above permits
 *
 * They read small pieces in address order. A device sends a whole block for the price of any part
 * of it, so whole blocks are asked for and the rest is kept for the next piece. Each byte that was
 * received is given out once only: who reads an address again, in order to compare two readings,
 * makes the device send it again.
 *
 * Within a memory the address pointer stays where it is and the block number does the rest, which
 * needs full blocks: what a short one counts as is not agreed upon (dfu-bootloader.md 3.4).
 */
#include "dfu_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <stmota/log.h>

#define BLOCK_NUMBER_MAX 0xFFFFu
#define SHORT_MAX        4u /* blocks in a row that come back short */

void dfu_forget_ahead(struct dfu *d)
{
	d->ahead_len = 0;
}

const struct dfu_run *dfu_run_at(
	const struct dfu *d, uint32_t addr, const struct dfu_layout **ret_layout)
{
	for (size_t i = 0; i < d->n_layouts; i++) {
		const struct dfu_run *run = dfu_layout_at(&d->layouts[i], addr);

		if (run == NULL)
			continue;
		if (ret_layout != NULL)
			*ret_layout = &d->layouts[i];
		return run;
	}
	return NULL;
}

/* What one UPLOAD shall bring, so that `want` gets its first bytes from it. */
struct window {
	uint32_t pointer; /* where the address pointer must be */
	uint32_t block;   /* counts from it */
	uint32_t len;
};

/* Option bytes are given out as a whole only (AN3156). */
static bool small_zone(const struct dfu *d, const struct dfu_layout *l, const struct dfu_run *run,
	struct span *ret)
{
	*ret = dfu_layout_zone(l, run);
	return ret->len <= d->block && (run->access & DFU_MAY_ERASE) == 0;
}

static struct window window_of(
	struct dfu *d, uint32_t addr, uint32_t len, const struct dfu_layout *l, struct span zone)
{
	uint32_t left = (uint32_t)(span_end(zone) - addr);
	uint64_t from_pointer;

	if (l == NULL) /* no memory that the device tells of: exactly what is asked for */
		return (struct window){addr, 0, len < d->block ? len : d->block};
	if (zone.len <= d->block)
		return (struct window){zone.addr, 0, zone.len};
	from_pointer = (uint64_t)addr - d->pointer;
	if (d->pointer_valid && dfu_runs(d) && d->pointer >= zone.addr && addr >= d->pointer &&
		from_pointer / d->block <= BLOCK_NUMBER_MAX - DFU_FIRST_BLOCK) {
		uint32_t k = (uint32_t)(from_pointer / d->block);
		uint32_t begin = d->pointer + k * d->block;

		/* Reading past the end of flash makes some ROMs crash. */
		if (span_end(zone) - begin >= d->block)
			return (struct window){d->pointer, k, d->block};
	}
	return (struct window){addr, 0, left < d->block ? left : d->block};
}

static int upload(struct dfu *d, uint32_t block, uint32_t len, uint32_t addr, uint16_t *ret_len,
	struct err *e)
{
	struct usb_setup setup = {0xA1, DFU_UPLOAD, (uint16_t)(DFU_FIRST_BLOCK + block),
		d->u->dfu.interface, (uint16_t)len};
	char what[40];
	int rc = 0;

	snprintf(what, sizeof(what), "read at 0x%08" PRIX32, addr);
	for (int try = 0; try < 2; try++) {
		d->u->n_transfers++;
		rc = d->u->ops->control(d->u, &setup, d->ahead, DFU_TRANSFER_MS, ret_len, e);
		/* The block number says what is wanted: asking again does no harm. */
		if (rc != ERR_PROTOCOL)
			break;
	}
	if (rc == ERR_NACK)
		return dfu_refused(d, what, e);
	if (rc == 0 && *ret_len > len)
		rc = err_set(
			e, ERR_PROTOCOL, "%s: %u bytes instead of %" PRIu32, what, *ret_len, len);
	if (rc < 0) {
		d->lost = true;
		return rc;
	}
	d->state = *ret_len == len ? DFU_UPLOAD_IDLE : DFU_IDLE;
	return 0;
}

/* Fills `ahead` so that it begins at `addr`. */
static int fetch(struct dfu *d, uint32_t addr, uint32_t len, unsigned *shorts, struct err *e)
{
	const struct dfu_layout *l = NULL;
	const struct dfu_run *run = dfu_run_at(d, addr, &l);
	struct span zone = {0, 0};
	struct window w;
	uint32_t skip;
	uint16_t got = 0;
	int rc;

	dfu_forget_ahead(d);
	if (run != NULL && !small_zone(d, l, run, &zone) && zone.len <= d->block)
		zone = (struct span){addr, (uint32_t)(span_end(zone) - addr)};
	rc = dfu_set_alt(d, l != NULL ? l->alt : d->layouts[0].alt, e);
	if (rc < 0)
		return rc;
	w = window_of(d, addr, len, l, zone);
	if (!dfu_runs(d) || !d->pointer_valid || d->pointer != w.pointer)
		rc = dfu_set_pointer(d, w.pointer, e);
	if (rc == 0)
		rc = dfu_for_upload(d, e);
	if (rc == 0)
		rc = upload(d, w.block, w.len, addr, &got, e);
	if (rc < 0)
		return rc;
	skip = addr - (w.pointer + w.block * d->block);
	if (got < w.len) {
		/* The next one starts where this one ended. */
		d->pointer_valid = false;
		if (got <= skip || ++*shorts > SHORT_MAX) {
			d->lost = true;
			return err_set(e, ERR_PROTOCOL,
				"read at 0x%08" PRIX32 ": %u bytes came instead of %" PRIu32, addr,
				got, w.len);
		}
	} else {
		*shorts = 0;
	}
	d->ahead_addr = w.pointer + w.block * d->block;
	d->ahead_len = got;
	return 0;
}

/* The bytes from `addr` on that were received and not given out yet. */
static uint32_t take_ahead(struct dfu *d, uint32_t addr, uint8_t *buf, uint32_t len)
{
	uint32_t skip = addr - d->ahead_addr, n;

	if (d->ahead_len == 0 || addr < d->ahead_addr || skip >= d->ahead_len)
		return 0;
	n = d->ahead_len - skip < len ? d->ahead_len - skip : len;
	memcpy(buf, d->ahead + skip, n);
	memmove(d->ahead, d->ahead + skip + n, d->ahead_len - skip - n);
	d->ahead_addr += skip + n;
	d->ahead_len -= skip + n;
	return n;
}

int dfu_read(struct target *t, uint32_t addr, void *buf, uint32_t len, struct err *e)
{
	struct dfu *d = dfu_of(t);
	uint8_t *p = buf;
	unsigned shorts = 0;
	int rc = 0;

	while (rc == 0 && len > 0) {
		uint32_t n = take_ahead(d, addr, p, len);

		addr += n;
		p += n;
		len -= n;
		if (len == 0)
			break;
		rc = dfu_ready(d, e);
		if (rc == 0)
			rc = fetch(d, addr, len, &shorts, e);
	}
	if (rc < 0)
		err_at(e, addr);
	return rc;
}

int dfu_target_prove_pointer(
	struct target *t, uint32_t addr, uint8_t *ret, uint32_t len, struct err *e)
{
	struct dfu *d = dfu_of(t);
	uint8_t base[256], once[256], again[256];
	const struct chip *c = t->info.chip;
	bool usual = d->opt.pointer_per_block;
	int rc = dfu_ready(d, e);

	/* What a pointer that is lost would lead to must look different, or nothing is proven. */
	d->pointer_holds = false;
	if (rc == 0)
		rc = dfu_read(t, c != NULL ? c->flash_base : 0x08000000u, base, len, e);
	dfu_forget_ahead(d);
	if (rc == 0)
		rc = dfu_read(t, addr, once, len, e);
	dfu_forget_ahead(d);
	d->opt.pointer_per_block = false;
	d->pointer_holds = true;
	if (rc == 0)
		rc = dfu_read(t, addr, again, len, e);
	dfu_forget_ahead(d);
	d->opt.pointer_per_block = usual;
	d->pointer_holds = rc == 0 && memcmp(once, again, len) == 0 && memcmp(once, base, len) != 0;
	if (rc == 0 && memcmp(once, again, len) != 0) {
		rc = dfu_read(t, addr, again, len, e);
		dfu_forget_ahead(d);
		if (rc == 0 && memcmp(once, again, len) != 0)
			rc = err_set(
				e, ERR_IDENTITY, "two readings at 0x%08" PRIX32 " differ", addr);
		if (rc == 0)
			log_info("%s: the address is set for each block", d->u->link.name);
	}
	if (rc < 0)
		return rc;
	memcpy(ret, once, len);
	return 0;
}
