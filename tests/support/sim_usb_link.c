/* SPDX-License-Identifier: Apache-2.0 */
#include "sim_usb_link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sim_usb_link {
	struct usb_link u; /* first */
	struct clock clock;
	struct sim_usb *device;
	uint64_t *now_us;
	uint32_t generation;
};

static struct sim_usb_link *self(struct usb_link *u)
{
	return (struct sim_usb_link *)u;
}

static bool there(struct sim_usb_link *s)
{
	return sim_usb_attached(s->device, *s->now_us) &&
	       sim_usb_generation(s->device) == s->generation;
}

static int transfer(struct sim_usb_link *s, const struct usb_setup *p, void *data,
	uint32_t timeout_ms, uint16_t *ret_len, struct err *e)
{
	struct sim_usb_xfer x = {
		.setup = {p->request_type, p->request, (uint8_t)p->value, (uint8_t)(p->value >> 8),
			(uint8_t)p->index, (uint8_t)(p->index >> 8), (uint8_t)p->length,
			(uint8_t)(p->length >> 8)},
		.data = data,
		.now_us = *s->now_us,
		.timeout_ms = timeout_ms,
	};
	enum sim_usb_result rc;

	if (!there(s))
		return err_set(e, ERR_LINK, "%s is gone", s->u.link.name);
	rc = sim_usb_control(s->device, &x);
	if (x.done_us > *s->now_us)
		*s->now_us = x.done_us;
	switch (rc) {
	case SIM_USB_OK: break;
	case SIM_USB_STALL: return err_set(e, ERR_NACK, "%s: stall", s->u.link.name);
	case SIM_USB_TIMEOUT: return err_set(e, ERR_TIMEOUT, "%s: no answer", s->u.link.name);
	case SIM_USB_ERROR: return err_set(e, ERR_PROTOCOL, "%s: failed", s->u.link.name);
	case SIM_USB_GONE: return err_set(e, ERR_LINK, "%s is gone", s->u.link.name);
	}
	*ret_len = (uint16_t)x.actual;
	return 0;
}

static int sim_control(struct usb_link *u, const struct usb_setup *p, void *data,
	uint32_t timeout_ms, uint16_t *ret_len, struct err *e)
{
	return transfer(self(u), p, data, timeout_ms, ret_len, e);
}

static int sim_set_alt(struct usb_link *u, uint8_t alt, struct err *e)
{
	struct usb_setup p = {0x01, 0x0B, alt, u->dfu.interface, 0};
	uint16_t n;

	return transfer(self(u), &p, NULL, 5000, &n, e);
}

static int sim_reset(struct usb_link *u, struct err *e)
{
	struct sim_usb_link *s = self(u);

	if (!there(s))
		return err_set(e, ERR_LINK, "%s is gone", u->link.name);
	sim_usb_bus_reset(s->device, *s->now_us);
	/* As the kernel does it: the same device answers again, or another one is found. */
	*s->now_us += 50000;
	return there(s) ? 0
			: err_set(e, ERR_LINK, "%s: another device after the reset", u->link.name);
}

static bool sim_wait_gone(struct usb_link *u, uint32_t timeout_ms)
{
	struct sim_usb_link *s = self(u);
	uint64_t until = *s->now_us + (uint64_t)timeout_ms * 1000;

	while (there(s) && *s->now_us < until)
		*s->now_us += 10000;
	return !there(s);
}

static int attach(struct sim_usb_link *s, uint32_t timeout_ms, struct err *e)
{
	uint64_t until = *s->now_us + (uint64_t)timeout_ms * 1000;
	uint8_t bytes[SIM_USB_DESCRIPTORS_MAX];
	size_t n;

	while (!sim_usb_attached(s->device, *s->now_us)) {
		uint64_t at = sim_usb_attach_at(s->device);

		if (at > until) {
			*s->now_us = until;
			return err_set(e, ERR_TIMEOUT, "nothing came back on USB");
		}
		*s->now_us = at > *s->now_us ? at : *s->now_us + 1000;
	}
	*s->now_us += 100000; /* enumeration by the host */
	s->generation = sim_usb_generation(s->device);
	n = sim_usb_descriptors(s->device, bytes);
	return dfu_descriptor_parse(bytes, 18, bytes + 18, n - 18, &s->u.dfu, e);
}

static int sim_reopen(struct usb_link *u, uint32_t timeout_ms, struct err *e)
{
	return attach(self(u), timeout_ms, e);
}

static void sim_close(struct link *l)
{
	free(l);
}

static const struct link_ops link_ops = {.name = "sim-usb", .close = sim_close};

static const struct usb_ops usb_ops = {
	.control = sim_control,
	.set_alt = sim_set_alt,
	.reset = sim_reset,
	.wait_gone = sim_wait_gone,
	.reopen = sim_reopen,
};

static uint64_t clock_now(void *ctx)
{
	return *((struct sim_usb_link *)ctx)->now_us / 1000;
}

static void clock_sleep(void *ctx, uint32_t ms)
{
	*((struct sim_usb_link *)ctx)->now_us += (uint64_t)ms * 1000;
}

int sim_usb_link_open(struct sim_usb *u, uint64_t *now_us, struct usb_link **ret, struct err *e)
{
	struct sim_usb_link *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	s->device = u;
	s->now_us = now_us;
	s->clock = (struct clock){s, clock_now, clock_sleep};
	s->u.link.ops = &link_ops;
	s->u.link.clock = &s->clock;
	s->u.ops = &usb_ops;
	snprintf(s->u.link.name, sizeof(s->u.link.name), "virtual USB device");
	snprintf(s->u.port, sizeof(s->u.port), "1-1");
	rc = attach(s, 20000, e);
	if (rc < 0) {
		free(s);
		return rc == ERR_TIMEOUT ? ERR_LINK : rc;
	}
	*ret = &s->u;
	return 0;
}
