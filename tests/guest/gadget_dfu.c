/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gadget_dfu.c - the ROM's own USB device
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/sim/sim_usb.h"
#include "gadget.h"

static int control(struct gadget *g, const uint8_t setup[8], uint8_t *data)
{
	struct sim_usb *u = g->ctx;
	struct sim_usb_xfer x = {.data = data, .timeout_ms = 60000};

	memcpy(x.setup, setup, sizeof(x.setup));
	/* The host has waited; it never waits for the modelled flash. */
	if (sim_usb_busy_until(u) > *g->us)
		*g->us = sim_usb_busy_until(u);
	x.now_us = *g->us;
	switch (sim_usb_control(u, &x)) {
	case SIM_USB_OK: *g->us = x.done_us; return (int)x.actual;
	case SIM_USB_STALL: return -EPIPE;
	case SIM_USB_ERROR: return -EPROTO;
	case SIM_USB_GONE: return -ENODEV;
	default: return GADGET_HOLD;
	}
}

static bool present(struct gadget *g, bool *ret_changed)
{
	static uint32_t generations[16];
	struct sim_usb *u = g->ctx;
	uint64_t at;
	bool there = sim_usb_attached(u, *g->us);

	/* What takes time by itself, the jump to the application, the start of the ROM, is over. */
	for (int i = 0; i < 3 && (!there || i == 0); i++) {
		at = sim_usb_attach_at(u);
		if (at == UINT64_MAX)
			break;
		if (at > *g->us)
			*g->us = at;
		there = sim_usb_attached(u, *g->us);
	}
	*ret_changed = generations[g->port] != sim_usb_generation(u);
	generations[g->port] = sim_usb_generation(u);
	return there;
}

static const struct gadget_ops ops = {.control = control, .present = present};

bool gadget_dfu(struct gadget *g)
{
	struct sim_usb_config cfg = {.board = g->board, .kind = SIM_USB_ROM, .poll_ms_max = 1};
	struct sim_usb *u;

	if (sim_usb_new(&cfg, &u, NULL) < 0)
		return false;
	g->ctx = u;
	g->ops = &ops;
	return true;
}
