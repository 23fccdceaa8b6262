/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_usb.c - a virtual board on the bus: when it is there, and its control transfers
 *
 * Modelled on full speed: 1 ms for the stages of a control transfer and 77 us for each packet of
 * 64 bytes. While the flash works the device does not answer (NAK), and the host's time runs.
 */
#include "sim_usb_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XFER_US      1000u
#define PACKET_US    77u
#define DEBOUNCE_US  100000u /* the hub sees the pull-up, resets the port, reads descriptors */
#define FLAKY_PERIOD 40u     /* DFU_FIRST_TRY_FAILS: so many transfers from failure to failure */

/* AN2606: without a 32 kHz crystal; F105 with 8 MHz. */
static uint64_t slow_start_us(const struct sim_board *b)
{
	if (!sim_has(b, CHIP_QUIRK_DFU_SLOW_START))
		return 0;
	return strcmp(b->chip->series, "F1") == 0 ? 13700000 : 2500000;
}

int sim_usb_new(const struct sim_usb_config *cfg, struct sim_usb **ret, struct err *e)
{
	const struct chip *c = cfg->board->chip;
	struct sim_usb *u;

	if (cfg->kind != SIM_USB_PLAIN && c->has_usb_dfu != CHIP_YES) {
		err_set(e, ERR_UNSUPPORTED, "%s: its ROM %s", c->name,
			c->has_usb_dfu == CHIP_NO ? "has no USB DFU"
						  : "is not confirmed to have USB DFU");
		return err_hint(e, "choose another chip, or --uart");
	}
	if (cfg->kind == SIM_USB_PLAIN && cfg->plain_offset >= cfg->board->flash_size)
		return err_set(e, ERR_USAGE, "a bootloader of %u bytes leaves no flash",
			cfg->plain_offset);
	u = calloc(1, sizeof(*u));
	if (u == NULL)
		return err_set(e, ERR_NOMEM, "no memory for a virtual USB device");
	u->b = cfg->board;
	u->cfg = *cfg;
	u->attach_at = UINT64_MAX;
	u->starts = u->b->starts - 1;
	if (cfg->serial != NULL)
		snprintf(u->serial, sizeof(u->serial), "%s", cfg->serial);
	else
		usb_serial_default(u);
	sim_usb_attached(u, u->b->now_us);
	*ret = u;
	return 0;
}

void sim_usb_free(struct sim_usb *u)
{
	free(u);
}

/* ---- coming and going ---- */

static enum usb_face face_of(const struct sim_usb *u)
{
	if (!u->b->power || u->b->vanished)
		return FACE_NONE;
	switch (u->b->cpu) {
	case SIM_CPU_ROM:
	case SIM_CPU_STUCK:
		/* The interface that is spoken to first has the ROM until the next reset. */
		if (u->b->rom.iface != SIM_IFACE_NONE && u->b->rom.iface != SIM_IFACE_USB)
			return FACE_NONE;
		return u->cfg.kind == SIM_USB_PLAIN ? FACE_PLAIN : FACE_ROM;
	case SIM_CPU_APP:
		return u->cfg.kind == SIM_USB_RUNTIME || u->cfg.runtime_too ? FACE_RUNTIME
									    : FACE_NONE;
	default: return FACE_NONE;
	}
}

/* The application jumps to the ROM; a watchdog that it had started brings it back. */
static void enter_rom(struct sim_usb *u)
{
	if (sim_has(u->b, SQ_DFU_WATCHDOG))
		sim_reset(u->b);
	else
		sim_enter_rom(u->b);
}

/* Things that happen by themselves: the jump after a leave, the end of appDETACH. */
static void pass_time(struct sim_usb *u, uint64_t now_us)
{
	if (u->leave_at != 0 && now_us >= u->leave_at) {
		u->leave_at = 0;
		sim_board_time(u->b, now_us);
		if (u->state == APP_DETACH)
			enter_rom(u);
		else if (!dfuse_leave(u))
			sim_reset(u->b);
	}
	if (u->face == FACE_RUNTIME && u->state == APP_DETACH && now_us >= u->detach_until)
		u->state = APP_IDLE;
}

static void look(struct sim_usb *u, uint64_t now_us)
{
	enum usb_face face;
	bool started;

	pass_time(u, now_us);
	face = face_of(u);
	started = u->starts != u->b->starts;
	if (face == FACE_NONE) {
		u->face = FACE_NONE;
		u->attach_at = UINT64_MAX;
		return;
	}
	if (started || (u->face != FACE_NONE && u->face != face)) {
		u->starts = u->b->starts;
		u->face = FACE_NONE;
		u->leave_at = 0;
		u->attach_at = UINT64_MAX;
	}
	if (u->attach_at == UINT64_MAX)
		u->attach_at = (u->b->ready_us > now_us ? u->b->ready_us : now_us) + DEBOUNCE_US +
			       (face == FACE_ROM ? slow_start_us(u->b) : 0);
	if (u->face == FACE_NONE && now_us >= u->attach_at) {
		u->face = face;
		u->generation++;
		u->alt = 0;
		u->configuration = 1;
		usb_map_make(u);
		dfu_start(u);
	}
}

bool sim_usb_attached(struct sim_usb *u, uint64_t now_us)
{
	look(u, now_us);
	return u->face != FACE_NONE;
}

uint64_t sim_usb_attach_at(struct sim_usb *u)
{
	/* What is due by then counts: a leave, and then the start of the ROM. */
	look(u, u->b->now_us);
	return u->leave_at != 0 ? u->leave_at : u->attach_at;
}

uint32_t sim_usb_generation(const struct sim_usb *u)
{
	return u->generation;
}

void sim_usb_bus_reset(struct sim_usb *u, uint64_t now_us)
{
	look(u, now_us);
	if (u->face == FACE_NONE || u->b->cpu == SIM_CPU_STUCK)
		return;
	sim_board_time(u->b, now_us);
	if (u->face == FACE_RUNTIME && u->state == APP_DETACH) {
		enter_rom(u);
		look(u, now_us);
		return;
	}
	if (u->face == FACE_PLAIN && u->state == DFU_MANIFEST_WAIT_RESET && dfuse_leave(u)) {
		look(u, now_us);
		return;
	}
	u->alt = 0;
	dfu_start(u);
}

uint64_t sim_usb_busy_until(const struct sim_usb *u)
{
	return u->b->now_us;
}

const char *sim_usb_serial(const struct sim_usb *u)
{
	return sim_has(u->b, CHIP_QUIRK_DFU_SERIAL_SAME) ? "STM32FxSTM32" : u->serial;
}

struct sim_usb_stats sim_usb_stats(const struct sim_usb *u)
{
	return u->b->stats.usb;
}

/* ---- standard requests ---- */

#define USB_GET_STATUS        0
#define USB_CLEAR_FEATURE     1
#define USB_SET_FEATURE       3
#define USB_SET_ADDRESS       5
#define USB_GET_DESCRIPTOR    6
#define USB_GET_CONFIGURATION 8
#define USB_SET_CONFIGURATION 9
#define USB_GET_INTERFACE     10
#define USB_SET_INTERFACE     11

static bool answer(struct usb_request *r, const uint8_t *data, size_t len)
{
	if (len == 0)
		return false;
	r->actual = len < r->length ? (uint32_t)len : r->length;
	memcpy(r->data, data, r->actual);
	return true;
}

static bool get_descriptor(struct sim_usb *u, struct usb_request *r)
{
	uint8_t d[SIM_USB_DESCRIPTORS_MAX];

	switch (r->value >> 8) {
	case 1: return answer(r, d, usb_device_descriptor(u, d));
	case 2: return answer(r, d, usb_configuration_descriptor(u, d));
	case 3: return answer(r, d, usb_string_descriptor(u, (uint8_t)r->value, d));
	case 0x21:
		r->silent = sim_has(u->b, CHIP_QUIRK_DFU_DESCRIPTOR_HANG);
		return answer(r, d, usb_functional_descriptor(u, d));
	default: return false; /* no device qualifier: full speed only */
	}
}

static bool standard_request(struct sim_usb *u, struct usb_request *r)
{
	static const uint8_t zero[2];

	switch (r->request) {
	case USB_GET_DESCRIPTOR: return get_descriptor(u, r);
	case USB_GET_STATUS: return answer(r, zero, 2);
	case USB_GET_CONFIGURATION: return answer(r, &u->configuration, 1);
	case USB_GET_INTERFACE: return answer(r, &u->alt, 1);
	case USB_SET_CONFIGURATION:
		u->configuration = (uint8_t)r->value;
		u->alt = 0;
		return r->value <= 1;
	case USB_SET_INTERFACE:
		if (r->index == usb_dfu_interface(u) && r->value < u->n_alts)
			u->alt = (uint8_t)r->value;
		else
			return r->value == 0 && r->index < usb_dfu_interface(u);
		return true;
	case USB_SET_ADDRESS:
	case USB_CLEAR_FEATURE:
	case USB_SET_FEATURE: return true;
	default: return false;
	}
}

/* ---- a control transfer ---- */

static void count(struct sim_usb *u, const struct usb_request *r)
{
	struct sim_usb_stats *st = &u->b->stats.usb;
	uint64_t *const by_request[] = {&st->detach, &st->dnload, &st->upload, &st->getstatus,
		&st->clrstatus, &st->getstate, &st->abort};

	u->b->stats.usb.transfers++;
	u->b->stats.usb.bus_us += XFER_US + (r->length + 63u) / 64 * PACKET_US;
	if ((r->type & 0x60) != 0x20)
		u->b->stats.usb.standard++;
	else if (r->request < ARRAY_LEN(by_request))
		++*by_request[r->request];
	if ((r->type & 0x80) == 0)
		u->b->stats.usb.bytes_out += r->length;
}

/* Ends without an answer: the host gives up after its time. */
static enum sim_usb_result unanswered(struct sim_usb *u, struct sim_usb_xfer *x)
{
	u->b->stats.usb.lost++;
	x->actual = 0;
	x->done_us = x->timeout_ms == 0 ? UINT64_MAX : x->now_us + (uint64_t)x->timeout_ms * 1000;
	return SIM_USB_TIMEOUT;
}

static enum sim_usb_result failed(
	struct sim_usb *u, struct sim_usb_xfer *x, enum sim_usb_result why)
{
	x->actual = 0;
	x->done_us = x->now_us + XFER_US;
	if (why == SIM_USB_STALL)
		u->b->stats.usb.stalls++;
	else
		u->b->stats.usb.lost++;
	return why;
}

/* What the device does with it; faults are outside. */
static enum sim_usb_result serve(struct sim_usb *u, struct sim_usb_xfer *x, struct usb_request *r)
{
	uint64_t started_us = x->now_us, wire_us = XFER_US + (r->length + 63u) / 64 * PACKET_US;
	bool ok;

	if (u->b->cpu == SIM_CPU_STUCK)
		return unanswered(u, x);
	if (u->b->now_us > started_us) {
		/* Busy: NAK until then, or until the host has enough. L4 STALLs instead. */
		if (sim_has(u->b, CHIP_QUIRK_DFU_POLL_STALL) && u->state == DFU_DNBUSY)
			return failed(u, x, SIM_USB_STALL);
		started_us = u->b->now_us;
		if (x->timeout_ms != 0 &&
			started_us + wire_us > x->now_us + (uint64_t)x->timeout_ms * 1000)
			return unanswered(u, x);
	}
	sim_board_time(u->b, started_us + wire_us);
	x->done_us = started_us + wire_us;
	if ((r->type & 0x60) == 0x20 && u->face != FACE_RUNTIME)
		u->b->rom.iface = SIM_IFACE_USB;
	ok = (r->type & 0x60) == 0x20 ? dfu_request(u, r) : standard_request(u, r);
	if (r->silent)
		return unanswered(u, x);
	if (!ok)
		return failed(u, x, SIM_USB_STALL);
	if (r->not_before_us > x->done_us)
		x->done_us = r->not_before_us;
	if (x->timeout_ms != 0 && x->done_us > x->now_us + (uint64_t)x->timeout_ms * 1000)
		return unanswered(u, x);
	if ((r->type & 0x80) != 0)
		u->b->stats.usb.bytes_in += r->actual;
	else
		r->actual = r->length;
	x->actual = r->actual;
	return SIM_USB_OK;
}

/* Faults that end the transfer before the device has seen it; SIM_USB_OK: none of them. */
static enum sim_usb_result fault_before(
	struct sim_usb *u, struct sim_usb_xfer *x, const struct sim_fault *f)
{
	switch (f->kind) {
	case SIM_DROP: return unanswered(u, x);
	case SIM_STALL: return failed(u, x, SIM_USB_STALL);
	case SIM_FAIL: return failed(u, x, SIM_USB_ERROR);
	case SIM_VANISH:
		u->b->vanished = true;
		look(u, x->now_us);
		return failed(u, x, SIM_USB_GONE);
	case SIM_CUT:
		sim_board_time(u->b, x->now_us);
		sim_power_lost(u->b);
		look(u, x->now_us);
		return failed(u, x, SIM_USB_GONE);
	case SIM_STUCK: u->b->cpu = SIM_CPU_STUCK; return unanswered(u, x);
	case SIM_DELAY:
		u->b->delays_us += (uint64_t)f->arg * 1000;
		sim_board_time(u->b, x->now_us);
		sim_spend(u->b, (uint64_t)f->arg * 1000);
		return SIM_USB_OK;
	default: return SIM_USB_OK;
	}
}

enum sim_usb_result sim_usb_control(struct sim_usb *u, struct sim_usb_xfer *x)
{
	struct usb_request r = {.type = x->setup[0],
		.request = x->setup[1],
		.value = get_le16(x->setup + 2),
		.index = get_le16(x->setup + 4),
		.length = get_le16(x->setup + 6),
		.data = x->data};
	const struct sim_fault *f;
	enum sim_usb_result result = SIM_USB_OK;
	bool out = (r.type & 0x80) == 0;
	uint8_t garble;

	look(u, x->now_us);
	x->actual = 0;
	x->done_us = x->now_us;
	if (u->face == FACE_NONE)
		return SIM_USB_GONE;
	count(u, &r);
	f = sim_fault_at(u->b, SIM_AT_USB, 0);
	if (f != NULL)
		result = fault_before(u, x, f);
	if (result != SIM_USB_OK)
		return result;
	if (sim_has(u->b, CHIP_QUIRK_DFU_FIRST_TRY_FAILS) &&
		u->b->stats.usb.transfers % FLAKY_PERIOD == 0)
		return failed(u, x, SIM_USB_ERROR);
	garble = f != NULL && f->kind == SIM_GARBLE && r.length > 0 ? (uint8_t)f->arg : 0;
	if (out && garble != 0)
		r.data[0] = (uint8_t)(r.data[0] ^ garble);
	result = serve(u, x, &r);
	/* The host's own copy stays as it was; what it reads does not. */
	if (garble != 0 && (out || x->actual > 0))
		x->data[0] = (uint8_t)(x->data[0] ^ garble);
	if (f != NULL && f->kind == SIM_LOSE)
		result = unanswered(u, x);
	/* A cut, a reset or the application's start in the middle of its work. */
	look(u, u->b->now_us);
	return result;
}
