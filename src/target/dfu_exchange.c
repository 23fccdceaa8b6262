/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dfu_exchange.c - requests, states and the way back to dfuIDLE
 *
 * A DNLOAD does nothing until a GETSTATUS follows: that one starts the work, a later one tells its
 * end. Nothing is asked before the device's own poll time is over, because some ROMs answer that
 * with STALL; and no device is believed when it names hours, or nothing at all.
 */
#include "dfu_priv.h"

#include <inttypes.h>
#include <string.h>

#include <stmota/log.h>
#include <stmota/signals.h>

#define POLL_FLOOR_MS  5u /* for devices that always say 0 */
#define ZERO_POLLS_MAX 100u
#define STALLS_MAX     3u
#define ROUNDS_MAX     5u

/* ---- requests ---- */

static int control(struct dfu *d, uint8_t type, uint8_t request, uint16_t value, uint16_t index,
	void *data, uint16_t len, uint32_t timeout_ms, uint16_t *ret_len, struct err *e)
{
	struct usb_setup setup = {type, request, value, index, len};

	d->u->n_transfers++;
	return d->u->ops->control(d->u, &setup, data, timeout_ms, ret_len, e);
}

/* What has no effect on the device may be asked again where noise was the answer. */
int dfu_ask(struct dfu *d, const struct usb_setup *setup, void *data, uint16_t *ret_len,
	struct err *e)
{
	int rc = ERR_PROTOCOL;

	for (int try = 0; try < 2 && rc == ERR_PROTOCOL; try++) {
		d->u->n_transfers++;
		rc = d->u->ops->control(d->u, setup, data, DFU_TRANSFER_MS, ret_len, e);
	}
	return rc;
}

int dfu_out(struct dfu *d, enum dfu_request r, uint16_t value, const void *data, uint16_t len,
	struct err *e)
{
	uint8_t copy[DFU_TRANSFER_MAX];
	uint16_t done = 0;

	if (len > 0)
		memcpy(copy, data, len);
	return control(d, 0x21, (uint8_t)r, value, d->u->dfu.interface, len > 0 ? copy : NULL, len,
		DFU_TRANSFER_MS, &done, e);
}

static int get_state(struct dfu *d, uint8_t *ret, struct err *e)
{
	uint16_t n = 0;
	int rc = control(
		d, 0xA1, DFU_GETSTATE, 0, d->u->dfu.interface, ret, 1, DFU_TRANSFER_MS, &n, e);

	return rc == 0 && n != 1 ? err_set(e, ERR_PROTOCOL, "state: no answer") : rc;
}

int dfu_get_status(struct dfu *d, uint32_t timeout_ms, struct dfu_status *ret, struct err *e)
{
	uint8_t r[6] = {0};
	uint16_t n = 0;
	int rc = control(
		d, 0xA1, DFU_GETSTATUS, 0, d->u->dfu.interface, r, sizeof(r), timeout_ms, &n, e);

	if (rc < 0)
		return rc;
	if (n != sizeof(r) || r[4] > DFU_ERROR)
		return err_set(e, ERR_PROTOCOL, "status: the answer is no status");
	*ret = (struct dfu_status){
		r[0], r[4], (uint32_t)r[1] | (uint32_t)r[2] << 8 | (uint32_t)r[3] << 16};
	d->state = (enum dfu_state)r[4];
	return 0;
}

/* UTF-16 on the wire; what is not ASCII becomes '?': some devices send UTF-8 in its place. */
int dfu_string(struct dfu *d, uint8_t index, char *ret, size_t size, struct err *e)
{
	const struct usb_setup setup = {0x80, 6, (uint16_t)(0x0300 | index), 0x0409, 255};
	uint8_t r[255];
	uint16_t n = 0;
	size_t len = 0;
	int rc = dfu_ask(d, &setup, r, &n, e);

	if (rc < 0)
		return rc;
	if (n < 2 || r[0] > n || r[0] < 2 || r[1] != 3)
		return err_set(e, ERR_PROTOCOL, "string %u: the answer is no string", index);
	for (size_t i = 2; i + 1 < r[0] && len + 1 < size; i += 2)
		ret[len++] = (char)(r[i + 1] == 0 && r[i] >= ' ' && r[i] < 0x7F ? r[i] : '?');
	ret[len] = '\0';
	return 0;
}

int dfu_ready(const struct dfu *d, struct err *e)
{
	int rc = signals_check(e);

	if (rc == 0 && d->lost)
		rc = err_set(e, ERR_PROTOCOL, "the conversation broke off");
	return rc;
}

/* A failure other than a refusal leaves the device somewhere inside an operation. */
static int outcome(struct dfu *d, int rc)
{
	if (rc == ERR_TIMEOUT || rc == ERR_PROTOCOL || rc == ERR_LINK) {
		d->lost = true;
		d->pointer_valid = false;
		dfu_forget_ahead(d);
	}
	return rc;
}

/* ---- refusals ---- */

static const struct {
	enum err_code code;
	const char *text;
} statuses[] = {
	[0x00] = {ERR_NACK, "refused without a reason"},
	[0x01] = {ERR_NACK, "there is no such memory"},
	[0x02] = {ERR_NACK, "the file is not for this device"},
	[0x03] = {ERR_NACK, "the memory could not be written"},
	[0x04] = {ERR_NACK, "the erase failed"},
	[0x05] = {ERR_NACK, "the memory is not erased"},
	[0x06] = {ERR_NACK, "programming failed"},
	[0x07] = {ERR_NACK, "what was programmed reads differently"},
	[0x08] = {ERR_NACK, "the address is out of range"},
	[0x09] = {ERR_NACK, "the download is not complete"},
	[0x0A] = {ERR_NACK, "the firmware on the device is damaged"},
	[0x0B] = {ERR_PROTECTED, "read-out protection is on"},
	[0x0C] = {ERR_PROTOCOL, "there was a USB reset"},
	[0x0D] = {ERR_PROTOCOL, "there was a power-on reset"},
	[0x0E] = {ERR_NACK, "an unknown error"},
	[0x0F] = {ERR_NACK, "an unexpected request"},
};

static int say_status(const struct dfu_status *s, const char *what, struct err *e)
{
	if (s->status >= ARRAY_LEN(statuses))
		return err_set(e, ERR_NACK, "%s: the device reports error 0x%02X", what, s->status);
	err_set(e, statuses[s->status].code, "%s: %s", what, statuses[s->status].text);
	return statuses[s->status].code;
}

/* Out of dfuERROR. CLRSTATUS elsewhere makes some ROMs stall, so it is sent there only. */
static int clear_error(struct dfu *d, struct err *e)
{
	struct dfu_status s;
	int rc = dfu_out(d, DFU_CLRSTATUS, 0, NULL, 0, e);

	if (rc == 0)
		rc = dfu_get_status(d, DFU_TRANSFER_MS, &s, e);
	if (rc == 0 && s.state != DFU_IDLE)
		rc = err_set(e, ERR_PROTOCOL, "the device stays in state %u", s.state);
	return outcome(d, rc);
}

int dfu_say_error(struct dfu *d, const struct dfu_status *s, const char *what, struct err *e)
{
	int rc = say_status(s, what, e);

	d->pointer_valid = false;
	d->refusal = s->status;
	if (clear_error(d, NULL) < 0)
		d->lost = true;
	return rc;
}

int dfu_refused(struct dfu *d, const char *what, struct err *e)
{
	struct dfu_status s;
	struct err why = ERR_INIT;
	int rc = dfu_get_status(d, DFU_TRANSFER_MS, &s, e);

	d->pointer_valid = false;
	if (rc < 0) {
		err_wrap(e, "%s", what);
		d->lost = true;
		return rc == ERR_NACK ? err_set(e, ERR_PROTOCOL, "%s: only refusals", what) : rc;
	}
	d->refusal = s.status;
	rc = say_status(&s, what, e);
	if (s.state == DFU_ERROR && clear_error(d, &why) < 0) {
		if (why.code == ERR_LINK && e != NULL)
			*e = why;
		return why.code == ERR_LINK ? ERR_LINK : rc;
	}
	/* A STALL without an error: the device and we disagree about where we are. */
	if (s.state != DFU_ERROR && s.state != DFU_IDLE)
		d->lost = true;
	return rc;
}

/* ---- before a block ---- */

static int abort_to_idle(struct dfu *d, bool check, struct err *e)
{
	struct dfu_status s;
	int rc = dfu_out(d, DFU_ABORT, 0, NULL, 0, e);

	if (rc == ERR_NACK)
		rc = dfu_refused(d, "abort", e);
	else if (rc == 0)
		d->state = DFU_IDLE;
	if (rc == 0 && check) {
		rc = dfu_get_status(d, DFU_TRANSFER_MS, &s, e);
		if (rc == 0 && s.state != DFU_IDLE)
			rc = err_set(
				e, ERR_PROTOCOL, "abort: the device stays in state %u", s.state);
	}
	return outcome(d, rc);
}

int dfu_for_download(struct dfu *d, struct err *e)
{
	dfu_forget_ahead(d);
	return d->state == DFU_UPLOAD_IDLE ? abort_to_idle(d, false, e) : 0;
}

/*
 * UPLOAD right after a DNLOAD is answered with STALL, so an ABORT comes between. Whether that has
 * worked shows the UPLOAD; it is asked for on devices where it had not.
 */
int dfu_for_upload(struct dfu *d, struct err *e)
{
	return d->state == DFU_DNLOAD_IDLE ? abort_to_idle(d, d->check_abort, e) : 0;
}

/* ---- download ---- */

/*
 * Noise on the wire: whether the device has the block is asked for, so that it is sent once more
 * only if it has not. Full-speed parts behind fast hosts need that (AN2606: F04x, F07x, F3, L0).
 */
static int send_block(struct dfu *d, uint16_t value, const void *data, uint16_t len, struct err *e)
{
	enum dfu_state before = d->state;
	uint8_t state = 0xFF;
	int rc = dfu_out(d, DFU_DNLOAD, value, data, len, e);

	if (rc != ERR_PROTOCOL)
		return rc;
	log_debug("%s: a transfer was damaged", d->u->link.name);
	rc = get_state(d, &state, e);
	if (rc < 0)
		return rc;
	if (state == DFU_DNLOAD_SYNC)
		return 0;
	if (state != before)
		return err_set(e, ERR_PROTOCOL,
			"a transfer was damaged and the device is in state %u", state);
	return dfu_out(d, DFU_DNLOAD, value, data, len, e);
}

struct polling {
	uint64_t begin_ms;
	uint32_t sleep_ms; /* the latest time that the device named */
	unsigned zeros, stalls;
};

static int poll_pause(
	struct dfu *d, const struct dfu_work *w, struct polling *p, uint32_t told_ms, struct err *e)
{
	const struct clock *clock = d->u->link.clock;
	uint32_t ms = told_ms;

	if (clock_now_ms(clock) - p->begin_ms > w->deadline_ms)
		return err_set(e, ERR_TIMEOUT, "%s: not done after %" PRIu32 " s", w->what,
			w->deadline_ms / 1000);
	if (ms == 0) {
		ms = POLL_FLOOR_MS;
		if (++p->zeros > (w->zero_polls_max != 0 ? w->zero_polls_max : ZERO_POLLS_MAX))
			return err_set(e, ERR_TIMEOUT, "%s: the device stays busy", w->what);
	}
	if (ms > w->poll_cap_ms)
		ms = w->poll_cap_ms;
	clock_sleep_ms(clock, ms);
	return 0;
}

/* One GETSTATUS after the first; a STALL because it came too early is no failure (L4). */
static int poll_once(struct dfu *d, const struct dfu_work *w, struct polling *p,
	struct dfu_status *s, struct err *e)
{
	int rc = dfu_get_status(d, w->transfer_ms, s, e);

	if (rc == ERR_NACK && ++p->stalls <= STALLS_MAX) {
		s->state = DFU_DNBUSY;
		s->poll_ms = p->sleep_ms;
		err_clear(e);
		return 0;
	}
	if (rc == ERR_NACK)
		return err_set(
			e, ERR_PROTOCOL, "%s: the device refuses to tell its state", w->what);
	/* GETSTATUS of a busy device has no side effect: noise is answered by asking again. */
	return rc == ERR_PROTOCOL ? dfu_get_status(d, w->transfer_ms, s, e) : rc;
}

/* It resets itself: what it holds then is asked when it is back. */
static int restarts(struct dfu *d, const struct dfu_work *w, struct err *e)
{
	d->restarted = d->lost = d->remade = true;
	d->leave_ms = w->deadline_ms;
	err_clear(e);
	return 0;
}

static int await_end(struct dfu *d, const struct dfu_work *w, struct err *e)
{
	struct polling p = {.begin_ms = clock_now_ms(d->u->link.clock)};
	struct dfu_status s = {0};
	int rc = dfu_get_status(d, w->transfer_ms, &s, e);

	/* The request that starts it may be the last that it hears. */
	if (rc == ERR_LINK && w->vanishes)
		return restarts(d, w, e);
	if (rc == ERR_NACK || rc == ERR_PROTOCOL) {
		p.sleep_ms = POLL_FLOOR_MS;
		rc = poll_once(d, w, &p, &s, e);
	}
	while (rc == 0 && (s.state == DFU_DNBUSY || s.state == DFU_DNLOAD_SYNC)) {
		if (s.poll_ms > 0)
			p.sleep_ms = s.poll_ms;
		rc = poll_pause(d, w, &p, s.poll_ms, e);
		/* It is about to, and not there to be asked. */
		if (rc == 0 && w->vanishes)
			return restarts(d, w, e);
		if (rc == 0)
			rc = poll_once(d, w, &p, &s, e);
	}
	if (rc < 0)
		return rc;
	if (s.state == DFU_DNLOAD_IDLE || (s.state == DFU_IDLE && s.status == 0))
		return 0;
	if (s.state != DFU_ERROR)
		return err_set(e, ERR_PROTOCOL, "%s: the device is in state %u", w->what, s.state);
	return dfu_say_error(d, &s, w->what, e);
}

int dfu_download(struct dfu *d, uint16_t value, const void *data, uint16_t len,
	const struct dfu_work *work, struct err *e)
{
	int rc = dfu_for_download(d, e);

	if (rc == 0)
		rc = outcome(d, send_block(d, value, data, len, e));
	if (rc == ERR_NACK)
		return dfu_refused(d, work->what, e);
	if (rc < 0)
		return err_wrap(e, "%s", work->what);
	d->state = DFU_DNLOAD_SYNC;
	return outcome(d, await_end(d, work, e));
}

int dfu_command(struct dfu *d, uint8_t code, const uint32_t *addr, const struct dfu_work *work,
	struct err *e)
{
	uint8_t packet[5] = {code};

	if (addr != NULL)
		put_le32(packet + 1, *addr);
	d->pointer_valid = false;
	return dfu_download(d, 0, packet, addr != NULL ? 5 : 1, work, e);
}

int dfu_set_pointer(struct dfu *d, uint32_t addr, struct err *e)
{
	static const struct dfu_work work = {"set address", DFU_POINTER_MS, DFU_TRANSFER_MS, 1000};
	int rc = dfu_command(d, DFUSE_SET_POINTER, &addr, &work, e);

	d->pointer = addr;
	d->pointer_valid = rc == 0;
	d->uploads = 0;
	return rc < 0 ? err_at(e, addr) : 0;
}

int dfu_set_alt(struct dfu *d, uint8_t alt, struct err *e)
{
	int rc;

	if (d->alt == alt)
		return 0;
	dfu_forget_ahead(d);
	if (d->state == DFU_UPLOAD_IDLE || d->state == DFU_DNLOAD_IDLE) {
		rc = abort_to_idle(d, false, e);
		if (rc < 0)
			return rc;
	}
	d->u->n_transfers++;
	d->pointer_valid = false;
	rc = outcome(d, d->u->ops->set_alt(d->u, alt, e));
	if (rc < 0)
		return err_wrap(e, "memory %u of the device", alt);
	d->alt = alt;
	return 0;
}

/* ---- lining up ---- */

/* Perhaps it is still at what an earlier run began; perhaps it hangs (H743 rev V). */
static int leave_busy(struct dfu *d, const struct dfu_status *s, uint32_t *waited_ms, struct err *e)
{
	uint32_t ms = s->poll_ms > POLL_FLOOR_MS ? s->poll_ms : POLL_FLOOR_MS;
	uint32_t patience = s->poll_ms > 0 ? DFU_ERASE_MS : 200;

	if (*waited_ms < patience) {
		ms = ms > patience - *waited_ms ? patience - *waited_ms : ms;
		clock_sleep_ms(d->u->link.clock, ms);
		*waited_ms += ms;
		return 0;
	}
	return dfu_out(d, DFU_CLRSTATUS, 0, NULL, 0, e);
}

static int one_round(struct dfu *d, const struct dfu_status *s, uint32_t *waited_ms, struct err *e)
{
	switch (s->state) {
	case DFU_ERROR: return dfu_out(d, DFU_CLRSTATUS, 0, NULL, 0, e);
	case DFU_DNLOAD_IDLE:
	case DFU_UPLOAD_IDLE:
	case DFU_DNLOAD_SYNC: return dfu_out(d, DFU_ABORT, 0, NULL, 0, e);
	case DFU_DNBUSY: return leave_busy(d, s, waited_ms, e);
	default: break;
	}
	clock_sleep_ms(d->u->link.clock, s->poll_ms < 1000 ? s->poll_ms + POLL_FLOOR_MS : 1000);
	return ERR_NACK; /* only a reset helps */
}

/* What comes back may be another device: it is not spoken to as if it were this one. */
static int reset_port(struct dfu *d, struct err *e)
{
	const struct dfu_descriptor was = d->u->dfu, *now = &d->u->dfu;
	int rc;

	log_debug("%s: resetting the USB port", d->u->link.name);
	rc = d->u->ops->reset(d->u, e);
	if (rc < 0)
		rc = d->u->ops->reopen(d->u, 5000, e);
	d->alt = 0;
	if (rc == 0 && now->runtime)
		rc = err_set(e, ERR_LINK, "the device left its bootloader");
	else if (rc == 0 &&
		 (now->dfuse != was.dfuse || now->transfer_size != was.transfer_size))
		rc = err_set(e, ERR_IDENTITY, "another device answers at this USB port now");
	return rc;
}

int dfu_line_up(struct dfu *d, struct err *e)
{
	bool was_reset = false;
	unsigned failures = 0, rounds = 0;
	uint32_t waited_ms = 0;

	d->lost = true;
	d->pointer_valid = false;
	dfu_forget_ahead(d);
	while (rounds < ROUNDS_MAX) {
		struct dfu_status s;
		uint32_t waited = waited_ms;
		int rc = signals_check(e);

		if (rc == 0)
			rc = dfu_get_status(d, DFU_TRANSFER_MS, &s, e);
		if (rc == ERR_LINK || rc == ERR_INTERRUPTED)
			return rc;
		if (rc == 0 && s.state == DFU_IDLE) {
			d->lost = false;
			err_clear(e);
			return 0;
		}
		if (rc == 0)
			rc = one_round(d, &s, &waited_ms, e);
		if (rc == ERR_LINK)
			return rc;
		if (waited_ms == waited)
			rounds++;
		/* A STALL of CLRSTATUS or ABORT says nothing; the next GETSTATUS tells. */
		if (rc == 0 || (++failures < 3 && rounds < ROUNDS_MAX))
			continue;
		if (was_reset)
			break;
		was_reset = true;
		failures = rounds = 0;
		rc = reset_port(d, e);
		if (rc < 0)
			return rc;
	}
	err_set(e, ERR_PROTOCOL, "the bootloader cannot be brought to rest");
	return err_hint(e, "unplug the device or reset it into its bootloader, and try again");
}
