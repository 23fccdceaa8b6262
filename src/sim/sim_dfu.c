/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_dfu.c - the state machine of DFU 1.1, as ST's ROMs and plain bootloaders have it
 *
 * A DNLOAD only lays the request down; the GETSTATUS after it starts the work and is answered with
 * dfuDNBUSY; the GETSTATUS after the work has the result. What is not expected is answered with
 * STALL and leads to dfuERROR.
 */
#include <string.h>

#include "sim_usb_priv.h"

enum dfu_request { DETACH, DNLOAD, UPLOAD, GETSTATUS, CLRSTATUS, GETSTATE, ABORT };

#define SET_ADDRESS_SLOW_MS 3000u
#define POLL_SHORT_MS       100u
#define LEAVE_US            10000u /* from the answer to the jump */

void dfu_start(struct sim_usb *u)
{
	u->state = u->face == FACE_RUNTIME ? APP_IDLE : DFU_IDLE;
	u->status = u->result = DFU_OK;
	u->pointer = u->b->chip->flash_base;
	u->pointer_set = false;
	u->stuck = u->stuck_done = false;
	u->len = 0;
	if (u->face == FACE_ROM && sim_has(u->b, CHIP_QUIRK_DFU_STARTS_BUSY)) {
		u->state = DFU_DNBUSY;
		u->stuck = true;
	}
}

static bool is_rom(const struct sim_usb *u)
{
	return u->face == FACE_ROM;
}

/* STALL and dfuERROR. */
static bool unexpected(struct sim_usb *u)
{
	if (u->state != DFU_ERROR) {
		u->state = DFU_ERROR;
		u->status = DFU_ERR_STALLEDPKT;
	}
	return false;
}

/* ---- GETSTATUS ---- */

static bool tell(struct sim_usb *u, struct usb_request *r, uint32_t poll_ms)
{
	uint8_t s[6] = {(uint8_t)u->status, (uint8_t)poll_ms, (uint8_t)(poll_ms >> 8),
		(uint8_t)(poll_ms >> 16), (uint8_t)u->state, 0};

	r->actual = r->length < sizeof(s) ? r->length : (uint32_t)sizeof(s);
	memcpy(r->data, s, r->actual);
	return true;
}

/* What it says about how long the work takes. */
static uint32_t poll_time(const struct sim_usb *u, uint64_t us, bool is_erase)
{
	const struct sim_board *b = u->b;
	uint64_t ms = (us + 999) / 1000;

	if (sim_has(b, CHIP_QUIRK_DFU_POLL_STALL) && ms > 1)
		ms = (ms + 1) / 2;
	if (is_erase && u->len == 1 && sim_has(b, CHIP_QUIRK_DFU_POLL_SHORT) && ms > POLL_SHORT_MS)
		ms = POLL_SHORT_MS;
	if (u->block == 0 && u->len == 5 && u->data[0] == 0x21 && is_rom(u) &&
		sim_has(b, CHIP_QUIRK_DFU_SET_ADDRESS_SLOW))
		ms = SET_ADDRESS_SLOW_MS;
	if (u->cfg.poll_ms_max != 0 && ms > u->cfg.poll_ms_max)
		ms = u->cfg.poll_ms_max;
	if (sim_has(b, CHIP_QUIRK_DFU_POLL_LONG))
		ms *= 1000;
	if (sim_has(b, CHIP_QUIRK_DFU_POLL_ZERO))
		ms = 0;
	return ms > 0xFFFFFF ? 0xFFFFFF : (uint32_t)ms;
}

static void finish(struct sim_usb *u)
{
	u->status = u->result;
	u->state = u->result == DFU_OK ? DFU_DNLOAD_IDLE : DFU_ERROR;
}

/* The first GETSTATUS after a DNLOAD. */
static bool start_work(struct sim_usb *u, struct usb_request *r)
{
	bool is_erase = is_rom(u) && dfuse_is_erase(u);
	uint64_t flash_us = u->b->stats.flash_us;
	uint32_t starts = u->b->starts;

	u->state = DFU_DNBUSY;
	u->result = is_rom(u) ? dfuse_work(u) : plain_work(u);
	flash_us = u->b->stats.flash_us - flash_us;
	u->poll_ms = poll_time(u, flash_us, is_erase);
	u->b->stats.usb.poll_us += (uint64_t)u->poll_ms * 1000;
	if (is_erase && sim_has(u->b, CHIP_QUIRK_DFU_STUCK_BUSY) && !u->stuck_done)
		u->stuck = u->stuck_done = true;
	/* It is gone after that; the answer was on the wire before. */
	if (u->b->starts != starts || !u->b->power)
		return tell(u, r, u->poll_ms);
	if (is_erase && sim_has(u->b, CHIP_QUIRK_DFU_ERASE_BLOCKS))
		r->not_before_us = u->b->now_us;
	if (is_rom(u) && sim_has(u->b, CHIP_QUIRK_DFU_ANSWERS_IDLE)) {
		r->not_before_us = u->b->now_us;
		finish(u);
	}
	return tell(u, r, u->state == DFU_DNBUSY ? u->poll_ms : 0);
}

/* The GETSTATUS after the zero-length DNLOAD. */
static bool manifest(struct sim_usb *u, struct usb_request *r)
{
	bool silent = is_rom(u) &&
		      (sim_has(u->b, CHIP_QUIRK_DFU_LEAVE_SILENT) || sim_has(u->b, SQ_DFU_GD32));

	/* A bootloader of somebody's own looks at what it got. */
	u->status = is_rom(u) ? u->status : plain_manifest(u);
	if (u->status != DFU_OK) {
		u->state = DFU_ERROR;
		return tell(u, r, 0);
	}
	u->state = DFU_MANIFEST;
	if (is_rom(u) || u->cfg.leaves) {
		u->leave_at = u->b->now_us + LEAVE_US;
		r->silent = silent;
	}
	return tell(u, r, 1);
}

static bool get_status(struct sim_usb *u, struct usb_request *r)
{
	switch (u->state) {
	case DFU_DNLOAD_SYNC: return start_work(u, r);
	case DFU_DNBUSY:
		if (u->stuck)
			return tell(u, r, 0);
		finish(u);
		return tell(u, r, 0);
	case DFU_MANIFEST_SYNC: return manifest(u, r);
	case DFU_MANIFEST:
		if (is_rom(u))
			break;
		u->state = u->cfg.tolerant ? DFU_IDLE : DFU_MANIFEST_WAIT_RESET;
		break;
	case DFU_MANIFEST_WAIT_RESET: r->silent = true; break;
	default: break;
	}
	return tell(u, r, 0);
}

/* ---- the other requests ---- */

static bool download(struct sim_usb *u, const struct usb_request *r)
{
	if (u->state != DFU_IDLE && u->state != DFU_DNLOAD_IDLE)
		return unexpected(u);
	if (r->length == 0) {
		/* The ROM leaves from dfuIDLE too, plain DFU does not. */
		if (u->state == DFU_IDLE && !is_rom(u))
			return unexpected(u);
		u->state = DFU_MANIFEST_SYNC;
		u->block = r->value;
		return true;
	}
	if (r->length > usb_transfer_real(u))
		return unexpected(u);
	if (u->state == DFU_IDLE) {
		u->next_block = 0;
		u->short_seen = false;
	}
	u->block = r->value;
	u->len = r->length;
	memcpy(u->data, r->data, r->length);
	u->state = DFU_DNLOAD_SYNC;
	return true;
}

static bool upload(struct sim_usb *u, struct usb_request *r)
{
	enum dfu_status s;

	if (u->state != DFU_IDLE && u->state != DFU_UPLOAD_IDLE)
		return unexpected(u);
	if (r->length > usb_transfer_real(u))
		return unexpected(u);
	if (!is_rom(u) && u->cfg.mute)
		return unexpected(u);
	s = is_rom(u) ? dfuse_upload(u, r) : plain_upload(u, r);
	if (s != DFU_OK) {
		u->state = DFU_ERROR;
		u->status = s;
		return false;
	}
	u->state =
		r->actual < r->length || (is_rom(u) && r->value == 0) ? DFU_IDLE : DFU_UPLOAD_IDLE;
	return true;
}

/* ST's code knows two cases: an error is cleared, and everything else becomes one. */
static bool clear_status(struct sim_usb *u)
{
	if (u->state == DFU_ERROR) {
		u->state = DFU_IDLE;
		u->status = DFU_OK;
		u->stuck = false;
		return true;
	}
	if (!is_rom(u))
		return unexpected(u);
	if (sim_has(u->b, CHIP_QUIRK_DFU_CLRSTATUS_STALL))
		return false;
	u->state = DFU_ERROR;
	u->status = DFU_ERR_UNKNOWN;
	return true;
}

static bool abort_request(struct sim_usb *u)
{
	switch (u->state) {
	case DFU_IDLE:
	case DFU_DNLOAD_SYNC:
	case DFU_DNLOAD_IDLE:
	case DFU_MANIFEST_SYNC:
	case DFU_UPLOAD_IDLE:
		u->state = DFU_IDLE;
		u->len = 0;
		return true;
	case DFU_DNBUSY: return false;
	default: return unexpected(u);
	}
}

static bool get_state(const struct sim_usb *u, struct usb_request *r)
{
	r->data[0] = (uint8_t)u->state;
	r->actual = 1;
	return true;
}

/* Run-time mode has these three, and STALLs the others without going anywhere. */
static bool runtime_request(struct sim_usb *u, struct usb_request *r)
{
	switch (r->request) {
	case DETACH:
		u->state = APP_DETACH;
		u->detach_until = u->b->now_us + (uint64_t)r->value * 1000;
		if (u->cfg.will_detach) {
			u->detach_until = UINT64_MAX;
			u->leave_at = u->b->now_us + LEAVE_US;
		}
		return true;
	case GETSTATUS: return tell(u, r, 0);
	case GETSTATE: return get_state(u, r);
	default: return false;
	}
}

bool dfu_request(struct sim_usb *u, struct usb_request *r)
{
	bool in = (r->type & 0x80) != 0;
	bool wants_in = r->request == UPLOAD || r->request == GETSTATUS || r->request == GETSTATE;

	if ((r->type & 0x1F) != 1 || r->index != usb_dfu_interface(u) || in != wants_in)
		return false;
	if (in && r->length == 0)
		return false;
	if (u->face == FACE_RUNTIME)
		return runtime_request(u, r);
	if (u->state == DFU_MANIFEST_WAIT_RESET) {
		r->silent = true;
		return true;
	}
	switch (r->request) {
	case DNLOAD: return download(u, r);
	case UPLOAD: return upload(u, r);
	case GETSTATUS: return get_status(u, r);
	case CLRSTATUS: return clear_status(u);
	case GETSTATE: return get_state(u, r);
	case ABORT: return abort_request(u);
	default: return unexpected(u);
	}
}
