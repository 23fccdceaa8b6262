/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec_dfu.c - the boards' USB devices, as libusb finds them in /sys and /dev/bus/usb
 *
 * A device that starts again comes back under another number, as a real one does. There are no
 * events about that (umockdev sends them for devices of its own process only): who looks again, by
 * a new libusb context, finds it. What programs do with an open node is in exec_usbfs.c.
 */
#include <stdio.h>
#include <string.h>

#include "exec_usb.h"

#define HUB       "/devices/pci0/usb1/1-"
#define REPLUG_US 1000000u /* until somebody pushes the plug in again */

static struct {
	struct usb_port ports[EXEC_USB_PORTS];
	size_t n;
	UMockdevIoctlBase *handler;
	unsigned number; /* the latest that was given to a device */
} bus;

struct usb_port *exec_usb_port_at(const char *node)
{
	for (size_t i = 0; i < bus.n; i++)
		if (bus.ports[i].shown && strcmp(bus.ports[i].node, node) == 0)
			return &bus.ports[i];
	return NULL;
}

/* ---- coming and going ---- */

static int show(struct usb_port *p, struct err *e)
{
	uint8_t d[SIM_USB_DESCRIPTORS_MAX];
	char hex[2 * SIM_USB_DESCRIPTORS_MAX + 1], record[sizeof(hex) + 800];
	size_t n = sim_usb_descriptors(p->u, d);
	int rc;

	for (size_t i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", d[i]);
	p->number = ++bus.number;
	p->generation = sim_usb_generation(p->u);
	snprintf(p->node, sizeof(p->node), "/dev/bus/usb/001/%03u", p->number);
	snprintf(record, sizeof(record),
		"P: " HUB "%u\nN: bus/usb/001/%03u\nE: DEVNAME=%s\nE: SUBSYSTEM=usb\n"
		"E: DEVTYPE=usb_device\nE: BUSNUM=001\nE: DEVNUM=%03u\nE: MAJOR=189\nE: MINOR=%u\n"
		"A: busnum=1\\n\nA: devnum=%u\\n\nA: dev=189:%u\\n\nA: speed=12\\n\n"
		"A: bConfigurationValue=1\\n\nA: idVendor=%04x\\n\nA: idProduct=%04x\\n\n"
		"A: serial=%s\\n\nH: descriptors=%s\n",
		p->port, p->number, p->node, p->number, p->number - 1, p->number, p->number - 1,
		get_le16(d + 8), get_le16(d + 10), sim_usb_serial(p->u), hex);
	/* Whoever sees the node finds somebody who answers, also when the device has gone again: then
	   it is "no such device". So it is answered for before it is there, and to the end. */
	rc = exec_answer(p->x, p->node, g_object_ref(bus.handler), e);
	if (rc == 0)
		rc = exec_add(p->x, record, e);
	p->shown = rc == 0;
	return rc;
}

static void hide(struct usb_port *p)
{
	char sysfs[40];

	p->shown = false;
	snprintf(sysfs, sizeof(sysfs), "/sys" HUB "%u", p->port);
	umockdev_testbed_remove_device(p->x->testbed, sysfs);
	usbfs_gone(p);
}

/* A plug that was pulled, and power that has failed: somebody sees to it a second later. */
static void help(struct usb_port *p)
{
	bool vanished = sim_board_vanished(p->board), powered = sim_board_powered(p->board);
	uint64_t now = exec_now_us(p->x);

	if (!vanished && powered) {
		p->replug_us = 0;
	} else if (p->replug_us == 0) {
		p->replug_us = now + REPLUG_US;
	} else if (now >= p->replug_us) {
		sim_board_replug(p->board);
		sim_board_power(p->board, true);
	}
}

static void serve(struct exec *x)
{
	for (size_t i = 0; i < bus.n; i++) {
		struct usb_port *p = &bus.ports[i];
		struct err e = ERR_INIT;
		bool there;

		/* Nor is the flash waited for that works while the device is away. */
		if (!p->shown)
			exec_reach_us(x, sim_usb_busy_until(p->u));
		sim_board_time(p->board, exec_now_us(x));
		help(p);
		there = sim_usb_attached(p->u, exec_now_us(x));
		if (p->shown && (!there || p->generation != sim_usb_generation(p->u)))
			hide(p);
		if (!p->shown && there)
			show(p, &e);
	}
}

static const struct {
	const char *name;
	struct sim_usb_config cfg;
} kinds[] = {
	{"rom", {.kind = SIM_USB_ROM}},
	{"runtime", {.kind = SIM_USB_RUNTIME}},
	{"runtime-leaves", {.kind = SIM_USB_RUNTIME, .will_detach = true}},
	{"plain", {.kind = SIM_USB_PLAIN}},
	{"plain-tolerant", {.kind = SIM_USB_PLAIN, .tolerant = true}},
	{"plain-leaves", {.kind = SIM_USB_PLAIN, .leaves = true, .runtime_too = true}},
	{"plain-mute", {.kind = SIM_USB_PLAIN, .tolerant = true, .mute = true}},
	{"plain-places", {.kind = SIM_USB_PLAIN, .tolerant = true, .places = true}},
};

#define PLAIN_OFFSET 0x4000u /* a bootloader of somebody's own is so large */

static int plug_in(struct exec *x, struct sim_board *board, struct err *e)
{
	struct usb_port *p = &bus.ports[bus.n];
	struct sim_usb_config cfg;
	size_t k = 0;
	int rc;

	while (k + 1 < ARRAY_LEN(kinds) && strcmp(kinds[k].name, x->dfu_as) != 0)
		k++;
	cfg = kinds[k].cfg;
	cfg.board = board;
	cfg.plain_offset = PLAIN_OFFSET;
	cfg.poll_ms_max = 1;
	*p = (struct usb_port){.x = x, .board = board, .port = (unsigned)bus.n + 1};
	rc = sim_usb_new(&cfg, &p->u, e);
	if (rc < 0)
		return rc;
	bus.n++;
	/* It was plugged in before the program starts. */
	if (sim_usb_attach_at(p->u) != UINT64_MAX)
		exec_reach_us(x, sim_usb_attach_at(p->u));
	return sim_usb_attached(p->u, exec_now_us(x)) ? show(p, e) : 0;
}

static int attach(struct exec *x, struct err *e)
{
	int rc;

	bus.number = 4;
	bus.handler = usbfs_new(x);
	rc = plug_in(x, x->board, e);
	for (size_t i = 0; rc == 0 && i < x->n_more && bus.n < EXEC_USB_PORTS; i++)
		rc = plug_in(x, x->more[i], e);
	return rc;
}

static void detach(struct exec *x)
{
	exec_lock(x);
	for (size_t i = 0; i < bus.n; i++)
		if (bus.ports[i].shown)
			hide(&bus.ports[i]);
	usbfs_done();
	while (bus.n > 0)
		sim_usb_free(bus.ports[--bus.n].u);
	exec_unlock(x);
	if (bus.handler != NULL)
		g_object_unref(bus.handler);
	bus.handler = NULL;
}

const struct exec_transport exec_dfu = {
	.option = "dfu",
	.what = "the bootloader as USB device 0483:df11",
	.attach = attach,
	.serve = serve,
	.detach = detach,
};
