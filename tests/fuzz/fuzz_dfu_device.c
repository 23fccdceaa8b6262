/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The USB DFU driver against a device that is honest until the input says otherwise. Each call must
 * end in bounded time, with a reason if it fails, and nothing destructive may leave that was not
 * asked for; a file goes to a plain device in its order or not at all.
 *
 * Input: byte 0 is the kind of device (bit 0: plain, bit 1: an application first, bit 2: tolerant,
 * bit 3: gives nothing back). Then a byte for each transfer: C0 STALL, C1 no answer, C2 noise, C3 the
 * device is gone, C4 NN: it sends the NN bytes that follow; anything else, and the end: an honest
 * answer. Where the device is looked for again: an odd byte is "not there", else bits 1 and 2 say
 * what it is now (bit 1: an application, bit 2: the other kind of bootloader).
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/bytes.h>
#include <stmota/dfu.h>

#define TIME_MAX_MS   (30 * 60000u)
#define TRANSFERS_MAX 20000u
#define MAP           "@Internal Flash  /0x08000000/04*016Kg,01*064Kg"

enum {
	IDLE = 2,
	SYNC = 3,
	BUSY = 4,
	DN_IDLE = 5,
	MANIFEST_SYNC = 6,
	MANIFEST = 7,
	UP_IDLE = 9,
	ERROR = 10
};

struct fuzz_usb {
	struct usb_link u; /* first */
	struct clock clock;
	uint64_t now_ms;
	const uint8_t *data;
	size_t size, at;
	bool gone, plain;
	bool lied; /* it sent what its state machine would not have */
	uint8_t state, kind;
	uint32_t next_block; /* of a plain download */
	bool may_erase, may_mass, may_write, may_go, may_send;
};

static uint8_t take(struct fuzz_usb *s)
{
	return s->at < s->size ? s->data[s->at++] : 0;
}

static void be(struct fuzz_usb *s, bool runtime, bool plain)
{
	s->u.dfu = (struct dfu_descriptor){.vid = 0x1209,
		.pid = 1,
		.alts = {{0, 4}},
		.n_alts = 1,
		.runtime = runtime,
		.dfuse = !plain,
		.has_functional = true,
		.attributes = (uint8_t)(1 | ((s->kind & 8) != 0 ? 0 : 2) | (s->kind & 4)),
		.detach_ms = 100,
		.transfer_size = 1024,
		.version = plain ? 0x0110 : 0x011A};
	s->plain = plain;
	s->state = IDLE;
	s->next_block = 0;
}

/* ---- what may be sent ---- */

static void judge_command(const struct fuzz_usb *s, const uint8_t *d, uint16_t len)
{
	assert(d[0] == 0x21 || d[0] == 0x41);
	assert(d[0] != 0x21 || len == 5);
	assert(d[0] != 0x41 || (len == 5 ? s->may_erase : s->may_mass));
}

static void judge(struct fuzz_usb *s, const struct usb_setup *p, const uint8_t *d)
{
	assert(p->length <= 1024 || p->request_type == 0x80);
	if (p->request != 1)
		return;
	if (s->plain) {
		assert(s->may_send && !s->u.dfu.runtime);
		return;
	}
	if (p->length == 0)
		assert(s->may_go);
	else if (p->value == 0)
		judge_command(s, d, p->length);
	else
		assert(p->value >= 2 && s->may_write);
}

/* ---- an honest device ---- */

static bool honest_download(struct fuzz_usb *s, const struct usb_setup *p)
{
	if (s->state != IDLE && s->state != DN_IDLE)
		return false;
	if (s->plain && s->state == IDLE)
		s->next_block = 0;
	/* What it would do with them in another order is not known; who lied has to bear it. */
	if (s->plain && !s->lied)
		assert(p->value == s->next_block);
	s->next_block++;
	s->state = p->length == 0 ? MANIFEST_SYNC : SYNC;
	return true;
}

static void honest_status(struct fuzz_usb *s, uint8_t *d)
{
	memset(d, 0, 6);
	switch (s->state) {
	case SYNC: s->state = BUSY; break;
	case BUSY: s->state = DN_IDLE; break;
	case MANIFEST_SYNC: s->state = MANIFEST; break;
	case MANIFEST: s->state = IDLE; break;
	default: break;
	}
	d[1] = s->state == BUSY;
	d[0] = s->state == ERROR ? 0x0F : 0;
	d[4] = s->state;
}

static bool honest(struct fuzz_usb *s, const struct usb_setup *p, uint8_t *d, uint16_t *ret_len)
{
	*ret_len = p->length;
	if (p->request_type == 0x80) {
		d[0] = (uint8_t)(2 + 2 * strlen(MAP));
		d[1] = 3;
		for (size_t i = 0; i < strlen(MAP); i++)
			put_le16(d + 2 + 2 * i, (uint8_t)MAP[i]);
		*ret_len = d[0];
		return true;
	}
	switch (p->request) {
	case 1: return honest_download(s, p);
	case 2:
		if (s->state != IDLE && s->state != UP_IDLE)
			return false;
		memset(d, p->value == 0 && !s->plain ? 0x21 : 0x5A, p->length);
		if (s->plain && p->value == 3)
			*ret_len = 100;
		s->state = *ret_len == p->length ? UP_IDLE : IDLE;
		return true;
	case 3:
		honest_status(s, d);
		*ret_len = 6;
		return true;
	case 5: d[0] = s->state; return true;
	default: s->state = IDLE; return true;
	}
}

/* ---- the link ---- */

static int fuzz_control(struct usb_link *u, const struct usb_setup *p, void *data,
	uint32_t timeout_ms, uint16_t *ret_len, struct err *e)
{
	struct fuzz_usb *s = (struct fuzz_usb *)u;
	bool in = (p->request_type & 0x80) != 0;
	uint8_t *d = data, n;

	assert(u->n_transfers < TRANSFERS_MAX);
	*ret_len = 0;
	if (s->gone)
		return err_set(e, ERR_LINK, "gone");
	judge(s, p, d);
	s->now_ms++;
	switch (take(s)) {
	case 0xC0: s->state = ERROR; return err_set(e, ERR_NACK, "stall");
	case 0xC1: s->now_ms += timeout_ms; return err_set(e, ERR_TIMEOUT, "no answer");
	case 0xC2: return err_set(e, ERR_PROTOCOL, "noise");
	case 0xC3: s->gone = true; return err_set(e, ERR_LINK, "gone");
	case 0xC4:
		s->lied = true;
		n = take(s);
		*ret_len = in ? n : p->length;
		for (uint8_t i = 0; in && i < n && i < p->length; i++)
			d[i] = take(s);
		if (in && n > p->length)
			*ret_len = p->length;
		return 0;
	default: break;
	}
	if (honest(s, p, d, ret_len))
		return 0;
	s->state = ERROR;
	*ret_len = 0;
	return err_set(e, ERR_NACK, "stall");
}

static int fuzz_set_alt(struct usb_link *u, uint8_t alt, struct err *e)
{
	struct fuzz_usb *s = (struct fuzz_usb *)u;

	(void)alt;
	return s->gone ? err_set(e, ERR_LINK, "gone") : 0;
}

static int fuzz_reset(struct usb_link *u, struct err *e)
{
	struct fuzz_usb *s = (struct fuzz_usb *)u;

	if (s->gone || (take(s) & 1) != 0)
		return err_set(e, ERR_LINK, "another device after the reset");
	be(s, false, s->plain);
	return 0;
}

static bool fuzz_wait_gone(struct usb_link *u, uint32_t timeout_ms)
{
	struct fuzz_usb *s = (struct fuzz_usb *)u;

	if ((take(s) & 1) != 0)
		s->gone = true;
	if (!s->gone)
		s->now_ms += timeout_ms;
	return s->gone;
}

static int fuzz_reopen(struct usb_link *u, uint32_t timeout_ms, struct err *e)
{
	struct fuzz_usb *s = (struct fuzz_usb *)u;
	uint8_t how = take(s);

	s->now_ms += 50;
	s->gone = (how & 1) != 0;
	if (s->gone) {
		s->now_ms += timeout_ms;
		return err_set(e, ERR_TIMEOUT, "nothing came back");
	}
	be(s, (how & 2) != 0, (how & 4) != 0 ? !s->plain : s->plain);
	return 0;
}

static void fuzz_close(struct link *l)
{
	(void)l;
}

static uint64_t now_ms(void *ctx)
{
	return ((struct fuzz_usb *)ctx)->now_ms;
}

static void sleep_ms(void *ctx, uint32_t ms)
{
	((struct fuzz_usb *)ctx)->now_ms += ms;
}

static const struct link_ops link_ops = {.name = "fuzz", .close = fuzz_close};
static const struct usb_ops usb_ops = {
	.control = fuzz_control,
	.set_alt = fuzz_set_alt,
	.reset = fuzz_reset,
	.wait_gone = fuzz_wait_gone,
	.reopen = fuzz_reopen,
};

/* ---- calls ---- */

static int ended(struct fuzz_usb *s, uint64_t *since_ms, int rc, struct err *e)
{
	assert(rc <= 0 && rc >= ERR_LAST);
	assert(rc == 0 || e->msg[0] != '\0');
	assert(s->now_ms - *since_ms < TIME_MAX_MS);
	*since_ms = s->now_ms;
	s->may_erase = s->may_mass = s->may_write = s->may_go = s->may_send = false;
	err_clear(e);
	return rc;
}

static void use_memory(struct fuzz_usb *s, struct target *t)
{
	static uint8_t data[4096], back[4096];
	struct erase_unit unit = {.addr = 0x08004000, .size = 16384};
	uint64_t since = s->now_ms;
	struct err e = ERR_INIT;

	ended(s, &since, t->ops->read(t, 0x08000000, back, 3000, &e), &e);
	ended(s, &since, t->ops->recover(t, &e), &e);
	s->may_erase = true;
	ended(s, &since, t->ops->erase(t, &unit, 1, &e), &e);
	s->may_write = true;
	ended(s, &since, t->ops->write(t, 0x08004000, data, t->write_max, &e), &e);
	ended(s, &since, t->ops->recover(t, &e), &e);
	ended(s, &since, t->ops->read(t, 0x1FFF7A22, back, 2, &e), &e);
	s->may_mass = true;
	ended(s, &since, t->ops->mass_erase(t, 128 * 1024, &e), &e);
	s->may_go = true;
	ended(s, &since, t->ops->go(t, 0x08000000, &e), &e);
}

static void use_updater(struct fuzz_usb *s, struct updater *u)
{
	static uint8_t data[3000], back[8192];
	struct updater_file f = {.name = "file",
		.data = data,
		.len = sizeof(data),
		.vid = UPDATER_ANY_ID,
		.pid = UPDATER_ANY_ID,
		.release = UPDATER_ANY_ID};
	struct updater_result r = {0};
	uint64_t since = s->now_ms;
	struct err e = ERR_INIT;
	size_t n = 0;
	int rc;

	memset(data, 0x5A, sizeof(data));
	s->may_send = true;
	rc = ended(s, &since, u->ops->send(u, &f, &r, &e), &e);
	assert(rc < 0 || r.proof != UPDATER_READ_BACK || u->ops->receive != NULL);
	if (u->ops->receive != NULL &&
		ended(s, &since, u->ops->receive(u, back, sizeof(back), &n, &e), &e) == 0)
		assert(n <= sizeof(back));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_usb s = {.data = data, .size = size};
	struct updater *u = NULL;
	struct target *t = NULL;
	struct err e = ERR_INIT;
	uint64_t since = 0;
	int rc;

	s.clock = (struct clock){&s, now_ms, sleep_ms};
	s.u.link = (struct link){.ops = &link_ops, .clock = &s.clock, .name = "fuzz"};
	s.u.ops = &usb_ops;
	s.kind = take(&s);
	be(&s, (s.kind & 2) != 0, (s.kind & 1) != 0);
	if (dfu_target_new(&s.u, NULL, &t, &e) < 0)
		return 0;
	rc = ended(&s, &since, t->ops->connect(t, NULL, &e), &e);
	if (rc == 0) {
		use_memory(&s, t);
	} else if (rc == ERR_UNSUPPORTED && dfu_plain_is(t) &&
		   ended(&s, &since, dfu_plain_open(t, &u, &e), &e) == 0) {
		use_updater(&s, u);
	}
	if (u != NULL)
		updater_close(u);
	else
		target_close(t);
	return 0;
}
