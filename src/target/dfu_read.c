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

#define SHORT_MAX 16u /* blocks in a row that come back short: 2048 bytes halved to 1 */
#define BLOCK_MIN 64u /* no device that takes less has been heard of */

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

bool dfu_counts(const struct dfu *d, struct span zone, uint32_t addr, uint32_t *ret_n)
{
	if (d->opt.pointer_per_block || zone.addr != DFUSE_HOME || addr < zone.addr)
		return false;
	*ret_n = (addr - zone.addr) / d->block;
	return *ret_n <= DFU_BLOCK_NUMBER_MAX;
}

static struct window window_of(
	struct dfu *d, uint32_t addr, uint32_t len, const struct dfu_layout *l, struct span zone)
{
	uint32_t left = (uint32_t)(span_end(zone) - addr), n;

	if (l == NULL) /* no memory that the device tells of: exactly what is asked for */
		return (struct window){addr, 0, len < d->block ? len : d->block};
	if (zone.len <= d->block)
		return (struct window){zone.addr, 0, zone.len};
	/* Reading past the end of flash makes some ROMs crash. */
	if (dfu_counts(d, zone, addr, &n) && zone.len / d->block > n)
		return (struct window){DFUSE_HOME, n, d->block};
	return (struct window){addr, 0, left < d->block ? left : d->block};
}

/* Reading the same again needs no other pointer: one that was lost shows in what comes. */
static bool pointer_serves(const struct dfu *d, const struct window *w)
{
	if (!d->pointer_valid || d->pointer != w->pointer)
		return false;
	return w->pointer == DFUSE_HOME ||
	       (d->uploads == 1 && d->before_len == w->len && !d->no_repeats);
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

static int fetch_window(
	struct dfu *d, const struct window *w, uint32_t addr, uint16_t *ret_len, struct err *e)
{
	bool repeat = pointer_serves(d, w);
	uint32_t n = w->len < sizeof(d->before) ? w->len : (uint32_t)sizeof(d->before);
	int rc = repeat ? 0 : dfu_set_pointer(d, w->pointer, e);

	if (rc == 0)
		rc = dfu_for_upload(d, e);
	if (rc == 0)
		rc = upload(d, w->block, w->len, addr, ret_len, e);
	if (rc < 0 || w->pointer == DFUSE_HOME || *ret_len < n)
		return rc;
	if (repeat && memcmp(d->before, d->ahead, n) != 0) {
		log_info("%s: the address is set for each reading", d->u->link.name);
		d->no_repeats = true;
		return fetch_window(d, w, addr, ret_len, e);
	}
	memcpy(d->before, d->ahead, n);
	d->before_len = w->len;
	d->uploads++;
	return 0;
}

/*
 * An unexpected request: the ABORT before it was not heard, or the device takes less at once than
 * it says. Then block numbers cannot be trusted either. False: it is another refusal.
 */
static bool give_way(struct dfu *d, bool after_abort)
{
	if (d->lost || d->refusal != DFU_ERR_UNEXPECTED)
		return false;
	if (after_abort && !d->check_abort) {
		d->check_abort = true;
		return true;
	}
	if (d->block <= BLOCK_MIN)
		return false;
	d->block /= 2;
	d->opt.pointer_per_block = true;
	log_info("%s: it takes less than it says: %" PRIu32 " bytes at once", d->u->link.name,
		d->block);
	return true;
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
	do {
		bool after_abort = false;

		w = window_of(d, addr, len, l, zone);
		after_abort = !pointer_serves(d, &w) || d->state == DFU_DNLOAD_IDLE;
		rc = fetch_window(d, &w, addr, &got, e);
		if (rc != ERR_NACK || w.len == 0 || !give_way(d, after_abort))
			break;
	} while (true);
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
