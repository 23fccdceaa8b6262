/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target_dfu.c - a DfuSe bootloader as a memory target: connecting, leaving, protection
 *
 * Reading is in dfu_read.c, writing in dfu_write.c, requests and states in dfu_exchange.c.
 */
#include "dfu_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/log.h>

#define BLOCK_MAX    2048u /* AN3156 */
#define SEEN_MS      3000u /* until an application that was reset on the bus has gone */
#define SEEN_STEP_MS 100u
#define DETACH_MS    10000u /* until the bootloader of a run-time device is there */
#define REOPEN_MS    15000u /* F105 with a slow crystal needs 13.7 s (AN2606) */
#define LEAVE_MS     2000u

static const struct target_ops ops, ops_with_reset;

bool target_is_dfu(const struct target *t)
{
	return t->ops == &ops || t->ops == &ops_with_reset;
}

size_t dfu_target_layouts(const struct target *t, const struct dfu_layout **ret)
{
	const struct dfu *d = (const struct dfu *)t;

	*ret = d->layouts;
	return d->n_layouts;
}

uint16_t dfu_target_bcd_device(const struct target *t)
{
	return ((const struct dfu *)t)->u->dfu.bcd_device;
}

void dfu_target_set_chip(struct target *t, const struct chip *c, uint16_t pid)
{
	t->info.chip = c;
	t->info.pid = pid;
	if (quirk_certain(c, t->info.boot_id, CHIP_QUIRK_DFU_POINTER_PER_BLOCK))
		dfu_of(t)->opt.pointer_per_block = true;
}

/* ---- connect ---- */

static void note(const struct dfu *d, const char *text)
{
	struct event ev = {.type = EVENT_NOTE, .phase = "connect", .text = text};

	event_emit(d->opt.events, &ev);
}

/* The application may be seen for a while yet: until it leaves, or because it came back. */
static int reopen_bootloader(struct dfu *d, struct err *e)
{
	const struct clock *clock = d->u->link.clock;
	uint64_t until_ms = clock_now_ms(clock) + SEEN_MS;
	int rc = d->u->ops->reopen(d->u, DETACH_MS, e);

	while (rc == 0 && d->u->dfu.runtime && clock_now_ms(clock) < until_ms) {
		clock_sleep_ms(clock, SEEN_STEP_MS);
		rc = d->u->ops->reopen(d->u, DETACH_MS, e);
	}
	return rc;
}

/* From the application into its bootloader (DFU 1.1, 5.1). */
static int detach(struct dfu *d, struct err *e)
{
	const struct dfu_descriptor *f = &d->u->dfu;
	bool itself = (f->attributes & DFU_WILL_DETACH) != 0;
	uint16_t ms = f->detach_ms < 5000 ? f->detach_ms : 5000;
	int rc;

	note(d, "an application answers: asking it to start its bootloader");
	d->app_vid = f->vid;
	d->app_pid = f->pid;
	d->app_release = f->bcd_device;
	rc = dfu_out(d, DFU_DETACH, ms, NULL, 0, e);
	/* An application that leaves at once does not answer any more. */
	if (rc == ERR_NACK)
		return err_wrap(e, "the application refuses to start its bootloader");
	err_clear(e);
	if (rc == 0 && !itself)
		d->u->ops->reset(d->u, NULL);
	if (!d->u->ops->wait_gone(d->u, itself ? (uint32_t)ms + 2000 : 500))
		log_debug("%s: still there after the detach", d->u->link.name);
	rc = reopen_bootloader(d, e);
	if (rc == ERR_TIMEOUT) {
		err_set(e, ERR_TIMEOUT, "it left the application but no bootloader appeared");
		return err_hint(e, "a watchdog of the application may reset the chip on the way");
	}
	if (rc == 0 && d->u->dfu.runtime) {
		err_set(e, ERR_PROTOCOL, "the application came back instead of a bootloader");
		return err_hint(e, "a watchdog that the application started may reset the chip");
	}
	return rc;
}

static int plain_dfu(const struct dfu *d, struct err *e)
{
	err_set(e, ERR_UNSUPPORTED,
		"%s is a DFU %x.%x device without addresses: it takes a file, its memory cannot be "
		"reached",
		d->u->link.name, d->u->dfu.version >> 8, d->u->dfu.version >> 4 & 15);
	return err_hint(e, "'stmota flash' gives it one, 'stmota read --all' reads it back");
}

int dfu_enter(struct dfu *d, struct err *e)
{
	return d->u->dfu.runtime ? detach(d, e) : 0;
}

/* Every alternate setting is a memory; what is no memory map is left alone. */
static int read_layouts(struct dfu *d, struct err *e)
{
	const struct dfu_descriptor *f = &d->u->dfu;
	struct err why = ERR_INIT;
	char text[128];

	d->n_layouts = 0;
	for (size_t i = 0; i < f->n_alts && d->n_layouts < DFU_LAYOUTS_MAX; i++) {
		struct dfu_layout *l = &d->layouts[d->n_layouts];
		int rc;

		if (f->alts[i].name_index == 0)
			continue;
		rc = dfu_string(d, f->alts[i].name_index, text, sizeof(text), e);
		if (rc == ERR_LINK)
			return rc;
		if (rc == 0)
			rc = dfu_layout_parse(text, l, &why);
		if (rc < 0) {
			log_debug("%s: memory %zu: %s", d->u->link.name, i,
				why.msg[0] != '\0' ? why.msg : "no name");
			continue;
		}
		l->alt = f->alts[i].number;
		d->n_layouts++;
	}
	err_clear(e);
	if (d->n_layouts > 0)
		return 0;
	err_set(e, ERR_PROTOCOL, "the device does not say what memory it has");
	return why.msg[0] != '\0' ? err_hint(e, "%.200s", why.msg) : ERR_PROTOCOL;
}

/* The list of commands; a ROM that does not give one has the basic ones. */
static int read_commands(struct dfu *d, struct target_info *info, struct err *e)
{
	struct usb_setup setup = {0xA1, DFU_UPLOAD, 0, d->u->dfu.interface, 0};
	uint8_t list[64];
	uint16_t n = 0;
	int rc;

	setup.length = sizeof(list) < d->block ? sizeof(list) : (uint16_t)d->block;
	rc = dfu_ask(d, &setup, list, &n, e);
	if (rc == ERR_LINK)
		return rc;
	if (rc == 0 && n > 0 && n <= sizeof(list) && list[0] == DFUSE_GET_COMMANDS) {
		for (uint16_t i = 0; i < n; i++)
			info->commands[list[i]] = 1;
	} else {
		info->commands[DFUSE_GET_COMMANDS] = info->commands[DFUSE_SET_POINTER] =
			info->commands[DFUSE_ERASE] = 1;
	}
	return dfu_line_up(d, e);
}

static void settle_block(struct dfu *d)
{
	const struct dfu_descriptor *f = &d->u->dfu;

	d->block = f->transfer_size < BLOCK_MAX ? f->transfer_size : BLOCK_MAX;
	d->block &= ~31u; /* whole flash words of every chip */
	if (f->transfer_size_doubtful || d->block != f->transfer_size)
		d->opt.pointer_per_block = true;
}

static int start(struct dfu *d, struct err *e)
{
	int rc;

	d->lost = true; /* until it is lined up */
	rc = dfu_enter(d, e);
	if (rc == 0 && !d->u->dfu.dfuse)
		return plain_dfu(d, e);
	if (rc < 0)
		return rc;
	d->alt = 0;
	settle_block(d);
	if (d->block < 32)
		return err_set(e, ERR_UNSUPPORTED, "the device takes %u bytes at once: too few",
			d->u->dfu.transfer_size);
	return dfu_line_up(d, e);
}

static int dfu_connect(struct target *t, struct target_info *ret, struct err *e)
{
	struct dfu *d = dfu_of(t);
	struct target_info info = {0};
	int rc = start(d, e);

	if (rc == 0)
		rc = read_layouts(d, e);
	if (rc == 0)
		rc = read_commands(d, &info, e);
	if (rc == 0 && d->layouts[0].alt != 0)
		rc = dfu_set_alt(d, d->layouts[0].alt, e);
	if (rc < 0)
		return rc;
	snprintf(info.transport, sizeof(info.transport), "dfu");
	t->info = info;
	t->write_max = d->block;
	/* As dfu-util does on chips with small pages; sectors are made of whole blocks anyway. */
	t->writes_across_units = true;
	d->connected = true;
	if (ret != NULL)
		*ret = info;
	return 0;
}

/*
 * A device that restarts is left alone until it has gone: a reset in the middle of its option bytes
 * or of a mass erase could cost more than time. Then, where there are lines, they choose what
 * starts; without them it comes back by itself or never.
 */
static int find_again(struct dfu *d, struct err *e)
{
	bool gone = d->u->ops->wait_gone(d->u, d->leave_ms);
	int rc = 0;

	if (entry_can_enter(&d->opt.entry)) {
		rc = entry_enter(NULL, &d->opt.entry, e);
		if (rc == 0 && !gone)
			d->u->ops->wait_gone(d->u, LEAVE_MS);
	}
	if (rc == 0)
		rc = d->u->ops->reopen(d->u, REOPEN_MS, e);
	if (rc == 0)
		d->restarted = false;
	return rc;
}

/* One bank or two are other units of the same flash. */
static bool same_memory(const struct dfu *d, const struct dfu_layout *was)
{
	const struct dfu_layout *is = &d->layouts[0];
	struct span before, now;

	if (!d->remade)
		return memcmp(was->runs, is->runs, sizeof(was->runs)) == 0;
	before = dfu_layout_zone(was, &was->runs[0]);
	now = dfu_layout_zone(is, &is->runs[0]);
	return before.addr == now.addr && before.len == now.len;
}

/* After a restart the device has to be found again, and must have the same memory. */
static int dfu_recover(struct target *t, struct err *e)
{
	struct dfu *d = dfu_of(t);
	struct dfu_layout was = d->layouts[0];
	bool restarts = d->restarted;
	int rc = restarts ? find_again(d, e) : 0;

	if (rc == 0)
		rc = start(d, e);
	/* It was still the one before its restart, which goes only now. */
	if (rc == ERR_LINK && restarts) {
		d->leave_ms = LEAVE_MS;
		rc = find_again(d, e);
		if (rc == 0)
			rc = start(d, e);
	}
	/* What does not come to rest by itself is reset where a line can do it. */
	if (rc < 0 && rc != ERR_INTERRUPTED && rc != ERR_BUSY && entry_can_enter(&d->opt.entry)) {
		d->leave_ms = 0;
		rc = find_again(d, e);
		if (rc == 0)
			rc = start(d, e);
	}
	if (rc == 0 && d->connected)
		rc = read_layouts(d, e);
	if (rc < 0)
		return rc;
	if (d->connected && !same_memory(d, &was)) {
		d->lost = true;
		return err_set(e, ERR_IDENTITY, "another device answers now: its memory differs");
	}
	d->remade = false;
	return 0;
}

/* ---- protection and leaving ---- */

static int dfu_protect(
	struct target *t, enum target_protect what, const uint8_t *sectors, size_t n, struct err *e)
{
	struct dfu *d = dfu_of(t);
	struct dfu_work work = {.what = "readout unprotect",
		.deadline_ms = DFU_MASS_MS,
		.transfer_ms = 35000,
		.poll_cap_ms = DFU_MASS_MS,
		.vanishes = true};
	int rc = dfu_ready(d, e);

	(void)sectors;
	(void)n;
	if (rc < 0)
		return rc;
	if (what != TARGET_READ_UNPROTECT) {
		err_set(e, ERR_UNSUPPORTED, "USB DFU has no command for this protection");
		return err_hint(e, "it is set by option bytes");
	}
	if (!t->info.commands[DFUSE_UNPROTECT])
		return err_set(e, ERR_UNSUPPORTED,
			"the bootloader does not list the command that lifts read-out protection");
	note(d, "the device erases its whole flash");
	return dfu_command(d, DFUSE_UNPROTECT, NULL, &work, e);
}

/* The answer to the last GETSTATUS is optional, and so is the device's presence after it. */
static int dfu_go(struct target *t, uint32_t addr, struct err *e)
{
	struct dfu *d = dfu_of(t);
	struct dfu_status s = {0};
	const struct dfu_layout *l = NULL;
	int rc = dfu_ready(d, e);

	if (rc == 0 && dfu_run_at(d, addr, &l) != NULL)
		rc = dfu_set_alt(d, l->alt, e);
	if (rc == 0)
		rc = dfu_set_pointer(d, addr, e);
	if (rc == 0)
		rc = dfu_out(d, DFU_DNLOAD, DFU_FIRST_BLOCK, NULL, 0, e);
	if (rc == ERR_NACK)
		rc = dfu_refused(d, "leave", e);
	if (rc < 0)
		return rc;
	d->lost = d->restarted = true;
	d->leave_ms = LEAVE_MS;
	rc = dfu_get_status(d, LEAVE_MS, &s, e);
	err_clear(e);
	if (d->u->ops->wait_gone(d->u, LEAVE_MS) || rc < 0 || s.state == DFU_MANIFEST ||
		s.state == DFU_MANIFEST_WAIT_RESET)
		return 0;
	d->lost = d->restarted = false;
	if (s.state == DFU_ERROR) {
		dfu_refused(d, "leave", e);
		return err_hint(e, "the bootloader does not start what is at 0x%08" PRIX32, addr);
	}
	return err_set(e, ERR_NACK, "the device stays in its bootloader");
}

static int dfu_reset(struct target *t, struct err *e)
{
	struct dfu *d = dfu_of(t);

	d->lost = d->restarted = true;
	d->leave_ms = LEAVE_MS;
	return entry_leave(NULL, &d->opt.entry, e);
}

static void dfu_close(struct target *t)
{
	struct dfu *d = dfu_of(t);

	/* Tidy for whoever comes next; a device in dfuUPLOAD-IDLE refuses a DNLOAD. */
	if (d->connected && !d->lost &&
		(d->state == DFU_UPLOAD_IDLE || d->state == DFU_DNLOAD_IDLE))
		dfu_out(d, DFU_ABORT, 0, NULL, 0, NULL);
	log_debug("%s: %" PRIu32 " control transfers", d->u->link.name, d->u->n_transfers);
	link_close(&d->u->link);
	free(d);
}

static const struct target_ops ops = {
	.name = "dfu",
	.connect = dfu_connect,
	.recover = dfu_recover,
	.erase = dfu_erase,
	.mass_erase = dfu_mass_erase,
	.write = dfu_write,
	.read = dfu_read,
	.protect = dfu_protect,
	.go = dfu_go,
	.close = dfu_close,
};

static const struct target_ops ops_with_reset = {
	.name = "dfu",
	.connect = dfu_connect,
	.recover = dfu_recover,
	.erase = dfu_erase,
	.mass_erase = dfu_mass_erase,
	.write = dfu_write,
	.read = dfu_read,
	.protect = dfu_protect,
	.go = dfu_go,
	.reset = dfu_reset,
	.close = dfu_close,
};

int dfu_target_new(
	struct usb_link *link, const struct dfu_options *opt, struct target **ret, struct err *e)
{
	struct dfu *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		link_close(&link->link);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	d->t.ops = &ops;
	d->t.link = &link->link;
	d->u = link;
	if (opt != NULL)
		d->opt = *opt;
	if (entry_can_reset(&d->opt.entry))
		d->t.ops = &ops_with_reset;
	d->state = DFU_IDLE;
	*ret = &d->t;
	return 0;
}
