/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dfu_plain.c - USB DFU 1.1 without ST's extensions: a device that takes a file, block after block
 *
 * Nobody knows where the bytes go: they are numbered from 0 and the device does the rest. So a
 * download that broke off is begun anew from block 0, and what the device did with the file is
 * proven by reading it back, where it can be read and is still there to be asked.
 *
 * The end (DFU 1.1, 6.1.3 and 7): an empty block, then the device manifests. One that is tolerant
 * to that comes to rest in dfuIDLE. Any other waits for a reset of the bus or leaves by itself, and
 * is looked for again: as the same bootloader, as an application that can be told to start it, or
 * not at all.
 */
#include "dfu_priv.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <stmota/log.h>
#include <stmota/signals.h>

#define SESSIONS_MAX     4u
#define BLOCKS_MAX       0x10000u /* block numbers have 16 bits */
#define BLOCK_WORK_MS    60000u   /* the first block may erase all of it */
#define ZERO_POLLS       4000u    /* for those that never name a time: 20 s */
#define MANIFEST_MS      60000u
#define MANIFEST_POLL_MS 5000u /* longest pause */
#define SEEN_MS          1000u /* until it is seen to have gone */
#define SEEN_STEP_MS     200u
#define BACK_MS          10000u
#define BACK_SEEN_MS     4000u /* until a device that said that it is done has come back */

struct sending {
	struct dfu *d;
	const struct updater_file *f;
	uint32_t n_blocks;
	bool begun; /* the device may hold a part of it */
	bool ended; /* the empty block went out */
};

static struct dfu *plain_of(struct updater *u)
{
	return (struct dfu *)((char *)u - offsetof(struct dfu, up));
}

static void tell(const struct dfu *d, enum event_type type, const char *phase, uint64_t done,
	uint64_t total, const char *text)
{
	struct event ev = {
		.type = type, .phase = phase, .done = done, .total = total, .text = text};

	event_emit(d->opt.events, &ev);
}

/* ---- before anything is sent ---- */

static bool id_fits(uint16_t wanted, uint16_t now, uint16_t before)
{
	return wanted == UPDATER_ANY_ID || wanted == now || (before != 0 && wanted == before);
}

static int plain_check(struct updater *u, const struct updater_file *f, struct err *e)
{
	const struct dfu *d = plain_of(u);
	const struct dfu_descriptor *now = &d->u->dfu;

	if (!u->info.takes_files)
		return err_set(e, ERR_UNSUPPORTED, "the device can be read, but takes no file");
	if (f->len == 0)
		return err_set(e, ERR_FORMAT, "%s is empty", f->name);
	if (f->len > (size_t)BLOCKS_MAX * d->block)
		return err_set(e, ERR_NO_FIT,
			"%s has %zu bytes: more than 65536 blocks of %" PRIu32, f->name, f->len,
			d->block);
	if (!id_fits(f->vid, now->vid, d->app_vid) || !id_fits(f->pid, now->pid, d->app_pid)) {
		err_set(e, ERR_IDENTITY, "%s is for USB device %04x:%04x, this is %04x:%04x",
			f->name, f->vid, f->pid, now->vid, now->pid);
		return err_hint(e, "the DFU suffix of the file says so; FFFF there is any device");
	}
	if (!id_fits(f->release, now->bcd_device, d->app_release))
		return err_set(e, ERR_IDENTITY,
			"%s is for release %x.%02x of the device, this is %x.%02x", f->name,
			f->release >> 8, f->release & 0xFF, now->bcd_device >> 8,
			now->bcd_device & 0xFF);
	return 0;
}

/* ---- the blocks ---- */

static int send_block(struct sending *s, uint32_t n, struct err *e)
{
	struct dfu *d = s->d;
	size_t at = (size_t)n * d->block, left = s->f->len - at;
	uint16_t len = (uint16_t)(left < d->block ? left : d->block);
	char what[40];
	const struct dfu_work work = {.what = what,
		.deadline_ms = BLOCK_WORK_MS,
		.transfer_ms = DFU_TRANSFER_MS,
		.poll_cap_ms = BLOCK_WORK_MS,
		.zero_polls_max = ZERO_POLLS};
	int rc = signals_check(e);

	snprintf(what, sizeof(what), "block %" PRIu32, n);
	if (rc < 0)
		return rc;
	s->begun = true;
	rc = dfu_download(d, (uint16_t)n, s->f->data + at, len, &work, e);
	/* In dfuIDLE it has forgotten the download, and would take the next block for its first. */
	if (rc == 0 && d->state != DFU_DNLOAD_IDLE) {
		d->lost = true;
		return err_set(e, ERR_PROTOCOL, "%s: the device ended the download", what);
	}
	tell(d, EVENT_PROGRESS, "write", at + len, s->f->len, NULL);
	return rc;
}

static int send_blocks(struct sending *s, struct err *e)
{
	int rc = 0;

	tell(s->d, EVENT_PHASE, "write", 0, s->f->len, NULL);
	for (uint32_t n = 0; rc == 0 && n < s->n_blocks; n++)
		rc = send_block(s, n, e);
	return rc;
}

/* ---- the end of it ---- */

enum ending {
	END_UNKNOWN, /* it went without a word */
	END_IDLE,    /* done, and there for the next file */
	END_RESET,   /* done, it waits for a reset of the bus */
	END_LEFT,    /* it said that it is at it, and left the bus */
};

/* It said that it is at it; what follows depends on what kind of device it is. */
static int await_manifest(struct dfu *d, struct dfu_status s, enum ending *ret, struct err *e)
{
	const struct clock *clock = d->u->link.clock;
	bool tolerant = (d->u->dfu.attributes & DFU_MANIFESTATION_TOLERANT) != 0;
	uint64_t until_ms = clock_now_ms(clock) + MANIFEST_MS;
	int rc = 0;

	while (s.state == DFU_MANIFEST || s.state == DFU_MANIFEST_SYNC) {
		uint32_t ms = s.poll_ms < 5 ? 5 : s.poll_ms;

		clock_sleep_ms(clock, ms < MANIFEST_POLL_MS ? ms : MANIFEST_POLL_MS);
		rc = signals_check(e);
		if (rc < 0)
			return rc;
		if (clock_now_ms(clock) >= until_ms)
			return err_set(e, ERR_TIMEOUT, "the device does not come to an end");
		rc = dfu_get_status(d, DFU_TRANSFER_MS, &s, e);
		if (rc == 0)
			continue;
		if (rc == ERR_PROTOCOL && dfu_get_status(d, DFU_TRANSFER_MS, &s, e) == 0)
			continue;
		/* One that is not tolerant need not answer while it is at it, nor stay. */
		*ret = rc == ERR_LINK ? END_LEFT : END_RESET;
		if (tolerant && rc != ERR_LINK)
			return rc;
		err_clear(e);
		return 0;
	}
	if (s.state == DFU_ERROR)
		return dfu_say_error(d, &s, "end of the download", e);
	*ret = s.state == DFU_IDLE ? END_IDLE : END_RESET;
	if (s.state != DFU_IDLE && s.state != DFU_MANIFEST_WAIT_RESET)
		return err_set(
			e, ERR_PROTOCOL, "end of the download: the device is in state %u", s.state);
	return 0;
}

static int manifest(struct sending *s, enum ending *ret, struct err *e)
{
	struct dfu *d = s->d;
	struct dfu_status st = {0};
	int rc = dfu_out(d, DFU_DNLOAD, (uint16_t)s->n_blocks, NULL, 0, e);

	*ret = END_UNKNOWN;
	s->ended = rc == 0;
	if (rc == ERR_NACK)
		return dfu_refused(d, "end of the download", e);
	if (rc < 0) {
		d->lost = true;
		return rc;
	}
	d->state = DFU_MANIFEST_SYNC;
	rc = dfu_get_status(d, DFU_TRANSFER_MS, &st, e);
	if (rc == ERR_PROTOCOL)
		rc = dfu_get_status(d, DFU_TRANSFER_MS, &st, e);
	if (rc == 0 && st.status != 0 && st.state != DFU_ERROR)
		log_debug("%s: status %u in state %u", d->u->link.name, st.status, st.state);
	if (rc == 0)
		rc = await_manifest(d, st, ret, e);
	d->lost = rc < 0;
	return rc;
}

/* ---- reading back ---- */

static int upload_block(struct dfu *d, uint32_t n, uint8_t *buf, uint16_t *ret_len, struct err *e)
{
	struct usb_setup setup = {
		0xA1, DFU_UPLOAD, (uint16_t)n, d->u->dfu.interface, (uint16_t)d->block};
	int rc = signals_check(e);

	if (rc < 0)
		return rc;
	d->u->n_transfers++;
	rc = d->u->ops->control(d->u, &setup, buf, DFU_TRANSFER_MS, ret_len, e);
	if (rc == ERR_NACK)
		return dfu_refused(d, "read", e);
	if (rc == 0 && *ret_len > d->block)
		rc = err_set(
			e, ERR_PROTOCOL, "read: %u bytes instead of %" PRIu32, *ret_len, d->block);
	if (rc < 0) {
		d->lost = true;
		return rc;
	}
	d->state = *ret_len == d->block ? DFU_UPLOAD_IDLE : DFU_IDLE;
	return 0;
}

static bool can_upload(const struct dfu *d)
{
	return (d->u->dfu.attributes & DFU_CAN_UPLOAD) != 0;
}

/* *ret_read false: it does not give anything back. */
static int read_once(struct dfu *d, const struct updater_file *f, bool *ret_read, struct err *e)
{
	uint8_t now[DFU_TRANSFER_MAX];
	size_t at = 0;
	int rc = 0;

	*ret_read = false;
	if (!can_upload(d))
		return 0;
	tell(d, EVENT_PHASE, "verify", 0, f->len, NULL);
	for (uint32_t n = 0; rc == 0 && at < f->len; n++) {
		uint16_t got = 0;
		size_t want;

		rc = upload_block(d, n, now, &got, e);
		if (rc == ERR_NACK && n == 0) {
			err_clear(e);
			return 0;
		}
		if (rc < 0)
			return rc;
		*ret_read = true;
		want = f->len - at < d->block ? f->len - at : d->block;
		for (size_t i = 0; i < want && i < got; i++)
			if (now[i] != f->data[at + i])
				return err_set(e, ERR_VERIFY,
					"byte %zu reads back as 0x%02X instead of 0x%02X", at + i,
					now[i], f->data[at + i]);
		if (got < want)
			return err_set(e, ERR_VERIFY, "the device gives back %zu bytes of %zu",
				at + got, f->len);
		at += want;
		tell(d, EVENT_PROGRESS, "verify", at, f->len, NULL);
	}
	return rc;
}

/* Back to dfuIDLE, so that the device leaves its reading for whoever comes next. */
static void end_reading(struct dfu *d)
{
	if (!d->lost && d->state == DFU_UPLOAD_IDLE && dfu_out(d, DFU_ABORT, 0, NULL, 0, NULL) == 0)
		d->state = DFU_IDLE;
}

/* One reading that differs may be noise; two are what the device has. */
static int read_back(struct dfu *d, const struct updater_file *f, bool *ret_read, struct err *e)
{
	int rc = read_once(d, f, ret_read, e);

	if (rc == ERR_VERIFY) {
		log_info("%s: %s; reading again", d->u->link.name, e->msg);
		end_reading(d);
		rc = read_once(d, f, ret_read, e);
	}
	if (rc == ERR_VERIFY)
		end_reading(d);
	return rc;
}

/* ---- afterwards ---- */

static int nothing_said(struct err *e)
{
	err_set(e, ERR_LINK, "the device left without saying whether it took the file");
	return ERR_LINK;
}

/*
 * A device that is about to go may be seen for a moment yet: what was opened then is lost at the
 * first word. 0: it is there, as an application or in dfuIDLE. ERR_TIMEOUT, ERR_INTERRUPTED, and
 * what else is wrong with it.
 */
static int come_back(struct dfu *d, uint32_t timeout_ms, struct err *e)
{
	const struct clock *clock = d->u->link.clock;
	uint64_t until_ms = clock_now_ms(clock) + timeout_ms;
	int rc;

	d->u->ops->wait_gone(d->u, SEEN_MS);
	for (;;) {
		uint64_t now_ms;

		/* The host needs a moment to see it go, too. */
		clock_sleep_ms(clock, SEEN_STEP_MS);
		now_ms = clock_now_ms(clock);
		rc = now_ms < until_ms ? d->u->ops->reopen(d->u, (uint32_t)(until_ms - now_ms), e)
				       : err_set(e, ERR_TIMEOUT, "the device did not come back");
		d->alt = 0;
		d->state = DFU_IDLE;
		if (rc < 0 || d->u->dfu.runtime)
			return rc;
		rc = dfu_line_up(d, e);
		if (rc == 0)
			rc = dfu_plain_take_alt(d, e);
		if (rc != ERR_LINK)
			return rc;
	}
}

/* It was reset, or left: as what does it come back? */
static int look_again(struct sending *s, enum ending how, struct updater_result *ret, struct err *e)
{
	struct dfu *d = s->d;
	bool read = false;
	int rc;

	if (how == END_RESET && d->u->ops->reset(d->u, NULL) < 0)
		log_debug("%s: the reset made it leave", d->u->link.name);
	rc = come_back(d, how == END_UNKNOWN ? BACK_MS : BACK_SEEN_MS, e);
	if (rc < 0 && rc != ERR_TIMEOUT)
		return rc;
	if (rc < 0) {
		d->lost = true;
		err_clear(e);
		if (how == END_UNKNOWN)
			return nothing_said(e);
		snprintf(ret->said, sizeof(ret->said), "it has left USB");
		return 0;
	}
	if (d->u->dfu.runtime) {
		d->lost = true; /* an application: nothing to tidy up */
		snprintf(ret->said, sizeof(ret->said), "a program runs and answers on USB");
		return 0;
	}
	rc = read_back(d, s->f, &read, e);
	if (rc < 0)
		return rc;
	end_reading(d);
	if (read)
		ret->proof = UPDATER_READ_BACK;
	else if (how == END_UNKNOWN)
		return nothing_said(e);
	else
		snprintf(ret->said, sizeof(ret->said), "its bootloader is back on USB");
	return 0;
}

static int session(struct sending *s, struct updater_result *ret, struct err *e)
{
	struct dfu *d = s->d;
	enum ending how = END_UNKNOWN;
	bool read = false;
	int rc = send_blocks(s, e);

	if (rc == 0)
		rc = manifest(s, &how, e);
	/* The empty block was taken, and then nothing: it may be on its way. */
	if (s->ended && rc == ERR_LINK)
		return look_again(s, END_UNKNOWN, ret, e);
	if (rc < 0)
		return rc;
	if (how != END_IDLE)
		return look_again(s, how, ret, e);
	rc = read_back(d, s->f, &read, e);
	if (rc == 0) {
		end_reading(d);
		if (read)
			ret->proof = UPDATER_READ_BACK;
	}
	return rc;
}

/* From whatever state to dfuIDLE, also where it had to be plugged in again. */
static int take_up_again(struct dfu *d, int why, struct err *e)
{
	int rc = 0;

	if (why == ERR_LINK)
		rc = come_back(d, BACK_MS, e);
	if (rc == 0)
		rc = dfu_enter(d, e);
	if (rc == 0 && d->u->dfu.dfuse)
		rc = err_set(e, ERR_IDENTITY, "another device answers now");
	if (rc == 0)
		rc = dfu_line_up(d, e);
	return rc == 0 ? dfu_plain_take_alt(d, e) : rc;
}

/* Noise, and a device that lost step; not what it says about the file. */
static bool worth_another(const struct dfu *d, int rc)
{
	if (rc == ERR_NACK)
		return d->refusal == 0 || d->refusal == DFU_ERR_UNEXPECTED;
	return err_is_transient((enum err_code)rc) || rc == ERR_LINK || rc == ERR_PROTOCOL ||
	       rc == ERR_TIMEOUT;
}

static int explain(const struct sending *s, int rc, struct err *e)
{
	char was[sizeof(e->msg)];

	if (rc == ERR_NACK) { /* it told why */
		if (e != NULL)
			e->code = ERR_VERIFY;
		return err_hint(e, "the device does not take this file: is it made for it?");
	}
	if (!s->begun || rc == ERR_VERIFY || rc == ERR_IDENTITY || rc == ERR_PROTECTED ||
		rc == ERR_NOMEM || e == NULL)
		return rc;
	snprintf(was, sizeof(was), "%s", e->msg);
	if (rc == ERR_INTERRUPTED)
		err_set(e, ERR_INTERRUPTED, "interrupted: the device does not have the whole file");
	else
		err_set(e, ERR_UNFINISHED, "unfinished: %s", was);
	return err_hint(e, "run the same command again: it begins with the first block");
}

static int plain_send(
	struct updater *u, const struct updater_file *f, struct updater_result *ret, struct err *e)
{
	struct dfu *d = plain_of(u);
	struct sending s = {.d = d, .f = f};
	struct updater_result result = {0};
	struct err own = ERR_INIT;
	int rc;

	if (e == NULL)
		e = &own;
	rc = plain_check(u, f, e);
	if (rc < 0)
		return rc;
	s.n_blocks = (uint32_t)((f->len + d->block - 1) / d->block);
	for (unsigned i = 1;; i++) {
		struct err why = ERR_INIT;

		result = (struct updater_result){0};
		s.ended = false;
		rc = session(&s, &result, e);
		if (rc == 0 || !worth_another(d, rc) || i == SESSIONS_MAX)
			break;
		tell(d, EVENT_RETRY, NULL, 0, 0, e->msg);
		if (take_up_again(d, rc, &why) < 0) {
			if (why.code == ERR_INTERRUPTED || why.code == ERR_IDENTITY) {
				rc = why.code;
				*e = why;
			}
			break;
		}
		err_clear(e);
	}
	if (rc < 0)
		return explain(&s, rc, e);
	*ret = result;
	return 0;
}

static int plain_receive(
	struct updater *u, uint8_t *buf, size_t max, size_t *ret_len, struct err *e)
{
	struct dfu *d = plain_of(u);
	uint8_t block[DFU_TRANSFER_MAX];
	size_t at = 0;
	uint16_t got = (uint16_t)d->block;
	int rc = 0;

	if (!can_upload(d))
		return err_set(e, ERR_UNSUPPORTED, "the device gives nothing back");
	tell(d, EVENT_PHASE, "read", 0, 0, NULL);
	for (uint32_t n = 0; rc == 0 && got == d->block && at < max; n++) {
		if (n == BLOCKS_MAX)
			return err_set(e, ERR_PROTOCOL, "the device has no end");
		rc = upload_block(d, n, block, &got, e);
		/* Without a trace of it the device has not moved: once more does no harm. */
		if (rc == ERR_PROTOCOL) {
			d->lost = false;
			rc = upload_block(d, n, block, &got, e);
		}
		if (rc < 0)
			return rc;
		if (got > max - at)
			got = (uint16_t)(max - at);
		memcpy(buf + at, block, got);
		at += got;
		tell(d, EVENT_PROGRESS, "read", at, at, NULL);
	}
	end_reading(d);
	*ret_len = at;
	return rc;
}

static void plain_close(struct updater *u)
{
	target_close(&plain_of(u)->t);
}

static const struct updater_ops plain_ops = {
	.name = "dfu",
	.check = plain_check,
	.send = plain_send,
	.receive = plain_receive,
	.close = plain_close,
};

static const struct updater_ops plain_ops_mute = {
	.name = "dfu",
	.check = plain_check,
	.send = plain_send,
	.close = plain_close,
};

/* ---- opening ---- */

static void alt_name(struct dfu *d, const struct dfu_alt *a, char *ret, size_t size)
{
	if (a->name_index == 0 || dfu_string(d, a->name_index, ret, size, NULL) < 0)
		ret[0] = '\0';
}

/* Several memories and no word about which: nothing is guessed. */
static int several_alts(struct dfu *d, struct err *e)
{
	const struct dfu_descriptor *f = &d->u->dfu;
	char names[200] = "", name[64];
	size_t at = 0;

	for (size_t i = 0; i < f->n_alts && at < sizeof(names); i++) {
		alt_name(d, &f->alts[i], name, sizeof(name));
		at += (size_t)snprintf(names + at, sizeof(names) - at, "%salt=%u %s",
			i > 0 ? ", " : "", f->alts[i].number, name);
	}
	err_set(e, ERR_USAGE, "the device has %zu places for a file", f->n_alts);
	return err_hint(e, "say which one in its URL: %s", names);
}

int dfu_plain_take_alt(struct dfu *d, struct err *e)
{
	const struct dfu_descriptor *f = &d->u->dfu;

	if (!d->opt.has_alt && f->n_alts > 1)
		return several_alts(d, e);
	for (size_t i = 0; i < f->n_alts; i++) {
		if (d->opt.has_alt && f->alts[i].number != d->opt.alt)
			continue;
		alt_name(d, &f->alts[i], d->up.info.memory, sizeof(d->up.info.memory));
		return dfu_set_alt(d, f->alts[i].number, e);
	}
	return err_set(e, ERR_USAGE, "the device has no alternate setting %u", d->opt.alt);
}

bool dfu_plain_is(const struct target *t)
{
	return target_is_dfu(t) && !((const struct dfu *)t)->u->dfu.runtime &&
	       !((const struct dfu *)t)->u->dfu.dfuse;
}

int dfu_plain_open(struct target *t, struct updater **ret, struct err *e)
{
	struct dfu *d = dfu_of(t);
	const struct dfu_descriptor *f = &d->u->dfu;
	struct updater_info info = {.vid = f->vid, .pid = f->pid, .release = f->bcd_device};
	int rc;

	d->alt = 0;
	d->block = f->transfer_size;
	if (f->transfer_size_doubtful)
		return err_set(e, ERR_UNSUPPORTED,
			"the device names several sizes of a block: where its bytes would go is "
			"not certain");
	rc = dfu_line_up(d, e);
	if (rc == 0)
		rc = dfu_plain_take_alt(d, e);
	if (rc < 0)
		return rc;
	snprintf(info.transport, sizeof(info.transport), "dfu");
	snprintf(info.memory, sizeof(info.memory), "%s", d->up.info.memory);
	if (f->product_index != 0)
		dfu_string(d, f->product_index, info.product, sizeof(info.product), NULL);
	if (f->serial_index != 0)
		dfu_string(d, f->serial_index, info.serial, sizeof(info.serial), NULL);
	info.block = d->block;
	info.takes_files = (f->attributes & DFU_CAN_DNLOAD) != 0;
	info.stays = (f->attributes & DFU_MANIFESTATION_TOLERANT) != 0;
	d->connected = true;
	d->up.ops = can_upload(d) ? &plain_ops : &plain_ops_mute;
	d->up.link = t->link;
	d->up.events = d->opt.events;
	d->up.info = info;
	*ret = &d->up;
	return 0;
}
