/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec_dfu.c - the board's USB device, as libusb finds it in /sys and /dev/bus/usb
 *
 * Transfers are done when they are submitted; libusb fetches them afterwards. One that the device
 * does not answer stays away until the program's own time is over. A device that starts again comes
 * back under another number, as a real one does. There are no events about that (umockdev sends them
 * for devices of its own process only): who looks again, by a new libusb context, finds it.
 */
#include <errno.h>
#include <linux/usbdevice_fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "../sim_usb.h"
#include "exec.h"

#define DEVPATH   "/devices/pci0/usb1/1-1"
#define SYSFS     "/sys" DEVPATH
#define URBS_MAX  64
#define REPLUG_US 1000000u /* until somebody pushes the plug in again */
#define TIMEOUT_S 60u      /* no host waits longer for one transfer */

struct urb {
	UMockdevIoctlData *data; /* owned */
	bool done;
};

static struct {
	struct exec *x;
	struct sim_usb *u;
	UMockdevIoctlBase *handler;
	bool shown; /* the node is there */
	uint32_t generation;
	unsigned number; /* of the device on its bus */
	char node[32];
	uint64_t replug_us;
	struct urb urbs[URBS_MAX]; /* in the order in which they were submitted */
	size_t n_urbs;
} dfu;

static struct usbdevfs_urb *urb_of(UMockdevIoctlData *d)
{
	return (struct usbdevfs_urb *)(void *)d->data;
}

static void drop_urb(size_t i)
{
	umockdev_ioctl_data_unref(dfu.urbs[i].data);
	dfu.n_urbs--;
	memmove(&dfu.urbs[i], &dfu.urbs[i + 1], (dfu.n_urbs - i) * sizeof(dfu.urbs[0]));
}

/* ---- transfers ---- */

/* 0, or a negative errno as the kernel puts it into an urb; 1: there is no answer. */
static int control(uint8_t *setup_and_data, int *ret_actual)
{
	struct exec *x = dfu.x;
	struct sim_usb_xfer t = {.data = setup_and_data + 8, .timeout_ms = TIMEOUT_S * 1000};
	enum sim_usb_result r;

	/* The program need not wait for the modelled flash. */
	exec_reach_us(x, sim_usb_busy_until(dfu.u));
	memcpy(t.setup, setup_and_data, 8);
	t.now_us = exec_now_us(x);
	r = sim_usb_control(dfu.u, &t);
	exec_wait_delays(x);
	if (r == SIM_USB_OK)
		exec_reach_us(x, t.done_us);
	*ret_actual = (int)t.actual;
	switch (r) {
	case SIM_USB_OK: return 0;
	case SIM_USB_STALL: return -EPIPE;
	case SIM_USB_ERROR: return -EPROTO;
	case SIM_USB_GONE: return -ENODEV;
	default: return 1;
	}
}

static int submit(UMockdevIoctlData *arg)
{
	cleanup_data UMockdevIoctlData *data =
		umockdev_ioctl_data_resolve(arg, 0, sizeof(struct usbdevfs_urb), NULL);
	cleanup_data UMockdevIoctlData *buffer = NULL;
	struct usbdevfs_urb *urb;
	int rc, actual = 0;

	if (data == NULL)
		return -EFAULT;
	urb = urb_of(data);
	if (urb->type != USBDEVFS_URB_TYPE_CONTROL || urb->buffer_length < 8)
		return -EINVAL;
	buffer = umockdev_ioctl_data_resolve(
		data, offsetof(struct usbdevfs_urb, buffer), (gsize)urb->buffer_length, NULL);
	if (buffer == NULL)
		return -EFAULT;
	if (get_le16(buffer->data + 6) > urb->buffer_length - 8 || dfu.n_urbs == URBS_MAX)
		return -EINVAL;
	if (!dfu.shown)
		return -ENODEV;
	rc = control(buffer->data, &actual);
	if (rc == -ENODEV)
		return rc;
	urb->status = rc < 0 ? rc : 0;
	urb->actual_length = actual;
	dfu.urbs[dfu.n_urbs].data = umockdev_ioctl_data_ref(data);
	dfu.urbs[dfu.n_urbs++].done = rc <= 0;
	return 0;
}

static int discard(UMockdevIoctlData *arg)
{
	cleanup_data UMockdevIoctlData *data =
		umockdev_ioctl_data_resolve(arg, 0, sizeof(struct usbdevfs_urb), NULL);

	for (size_t i = 0; data != NULL && i < dfu.n_urbs; i++) {
		if (dfu.urbs[i].data->client_addr != data->client_addr || dfu.urbs[i].done)
			continue;
		urb_of(dfu.urbs[i].data)->status = -ENOENT;
		dfu.urbs[i].done = true;
		return 0;
	}
	return -EINVAL;
}

static int reap(UMockdevIoctlData *arg)
{
	cleanup_data UMockdevIoctlData *pointer =
		umockdev_ioctl_data_resolve(arg, 0, sizeof(void *), NULL);

	for (size_t i = 0; pointer != NULL && i < dfu.n_urbs; i++) {
		if (!dfu.urbs[i].done)
			continue;
		umockdev_ioctl_data_set_ptr(pointer, 0, dfu.urbs[i].data);
		drop_urb(i);
		return 0;
	}
	return dfu.shown ? -EAGAIN : -ENODEV;
}

/* Requests that the kernel sends for a program. */
static int simple_request(uint8_t type, uint8_t request, uint16_t value, uint16_t index)
{
	uint8_t setup[8] = {type, request};
	int actual;

	setup[2] = (uint8_t)value;
	setup[3] = (uint8_t)(value >> 8);
	setup[4] = (uint8_t)index;
	return dfu.shown ? control(setup, &actual) : -ENODEV;
}

static int set_interface(UMockdevIoctlData *arg)
{
	cleanup_data UMockdevIoctlData *data =
		umockdev_ioctl_data_resolve(arg, 0, sizeof(struct usbdevfs_setinterface), NULL);
	const struct usbdevfs_setinterface *s;
	int rc;

	if (data == NULL)
		return -EFAULT;
	s = (const struct usbdevfs_setinterface *)(void *)data->data;
	rc = simple_request(0x01, 11, (uint16_t)s->altsetting, (uint16_t)s->interface);
	return rc == 1 ? -ETIMEDOUT : rc;
}

static int capabilities(UMockdevIoctlData *arg)
{
	cleanup_data UMockdevIoctlData *data =
		umockdev_ioctl_data_resolve(arg, 0, sizeof(__u32), NULL);
	__u32 caps = USBDEVFS_CAP_ZERO_PACKET | USBDEVFS_CAP_NO_PACKET_SIZE_LIM;

	if (data == NULL)
		return -EFAULT;
	umockdev_ioctl_data_update(data, 0, (guint8 *)&caps, sizeof(caps));
	return 0;
}

static int bus_reset(void)
{
	if (!dfu.shown)
		return -ENODEV;
	sim_usb_bus_reset(dfu.u, exec_now_us(dfu.x));
	/* Another device behind the same port: libusb is told that the handle is worthless. */
	return sim_usb_attached(dfu.u, exec_now_us(dfu.x)) ? 0 : -ENODEV;
}

static int on_request(unsigned request, UMockdevIoctlData *arg)
{
	switch (request) {
	case USBDEVFS_SUBMITURB: return submit(arg);
	case USBDEVFS_REAPURB:
	case USBDEVFS_REAPURBNDELAY: return reap(arg);
	case USBDEVFS_DISCARDURB: return discard(arg);
	case USBDEVFS_GET_CAPABILITIES: return capabilities(arg);
	case USBDEVFS_GETDRIVER: return -ENODATA;
	case USBDEVFS_CLAIMINTERFACE:
	case USBDEVFS_RELEASEINTERFACE:
	case USBDEVFS_SETCONFIGURATION:
	case USBDEVFS_CLEAR_HALT: return dfu.shown ? 0 : -ENODEV;
	case USBDEVFS_SETINTERFACE: return set_interface(arg);
	case USBDEVFS_RESET: return bus_reset();
	default: return -ENOTTY;
	}
}

static gboolean on_ioctl(UMockdevIoctlBase *base, UMockdevIoctlClient *client, gpointer user)
{
	struct exec *x = user;
	int rc;

	exec_lock(x);
	rc = on_request((unsigned)umockdev_ioctl_client_get_request(client),
		umockdev_ioctl_client_get_arg(client));
	exec_unlock(x);
	umockdev_ioctl_client_complete(client, rc < 0 ? -1 : rc, rc < 0 ? -rc : 0);
	return TRUE;
}

/* ---- coming and going ---- */

static int show(struct err *e)
{
	uint8_t d[SIM_USB_DESCRIPTORS_MAX];
	char hex[2 * SIM_USB_DESCRIPTORS_MAX + 1], record[sizeof(hex) + 800];
	size_t n = sim_usb_descriptors(dfu.u, d);
	int rc;

	for (size_t i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", d[i]);
	dfu.number++;
	dfu.generation = sim_usb_generation(dfu.u);
	snprintf(dfu.node, sizeof(dfu.node), "/dev/bus/usb/001/%03u", dfu.number);
	snprintf(record, sizeof(record),
		"P: " DEVPATH "\nN: bus/usb/001/%03u\nE: DEVNAME=%s\nE: SUBSYSTEM=usb\n"
		"E: DEVTYPE=usb_device\nE: BUSNUM=001\nE: DEVNUM=%03u\nE: MAJOR=189\nE: MINOR=%u\n"
		"A: busnum=1\\n\nA: devnum=%u\\n\nA: dev=189:%u\\n\nA: speed=12\\n\n"
		"A: bConfigurationValue=1\\n\nA: idVendor=%04x\\n\nA: idProduct=%04x\\n\n"
		"A: serial=%s\\n\nH: descriptors=%s\n",
		dfu.number, dfu.node, dfu.number, dfu.number - 1, dfu.number, dfu.number - 1,
		get_le16(d + 8), get_le16(d + 10), sim_usb_serial(dfu.u), hex);
	/* Answered for before it is there, and to the end: a program may have it open yet. */
	rc = exec_answer(dfu.x, dfu.node, g_object_ref(dfu.handler), e);
	if (rc == 0)
		rc = exec_add(dfu.x, record, e);
	dfu.shown = rc == 0;
	return rc;
}

static void hide(void)
{
	dfu.shown = false;
	umockdev_testbed_remove_device(dfu.x->testbed, SYSFS);
	while (dfu.n_urbs > 0)
		drop_urb(0);
}

/* A plug that was pulled, and power that has failed: somebody sees to it a second later. */
static void help(struct exec *x)
{
	bool vanished = sim_board_vanished(x->board), powered = sim_board_powered(x->board);
	uint64_t now = exec_now_us(x);

	if (!vanished && powered) {
		dfu.replug_us = 0;
	} else if (dfu.replug_us == 0) {
		dfu.replug_us = now + REPLUG_US;
	} else if (now >= dfu.replug_us) {
		sim_board_replug(x->board);
		sim_board_power(x->board, true);
	}
}

static void serve(struct exec *x)
{
	struct err e = ERR_INIT;
	bool there;

	help(x);
	there = sim_usb_attached(dfu.u, exec_now_us(x));
	if (dfu.shown && (!there || dfu.generation != sim_usb_generation(dfu.u)))
		hide();
	if (!dfu.shown && there)
		show(&e);
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

static int attach(struct exec *x, struct err *e)
{
	struct sim_usb_config cfg;
	size_t k = 0;
	int rc;

	while (k + 1 < ARRAY_LEN(kinds) && strcmp(kinds[k].name, x->dfu_as) != 0)
		k++;
	cfg = kinds[k].cfg;
	cfg.board = x->board;
	cfg.plain_offset = PLAIN_OFFSET;
	cfg.poll_ms_max = 1;
	rc = sim_usb_new(&cfg, &dfu.u, e);
	if (rc < 0)
		return rc;
	dfu.x = x;
	dfu.number = 4;
	dfu.handler = umockdev_ioctl_base_new();
	g_signal_connect(dfu.handler, "handle-ioctl", G_CALLBACK(on_ioctl), x);
	/* It was plugged in before the program starts. */
	if (sim_usb_attach_at(dfu.u) != UINT64_MAX)
		exec_reach_us(x, sim_usb_attach_at(dfu.u));
	return sim_usb_attached(dfu.u, exec_now_us(x)) ? show(e) : 0;
}

static void detach(struct exec *x)
{
	exec_lock(x);
	if (dfu.shown)
		hide();
	exec_unlock(x);
	g_object_unref(dfu.handler);
	sim_usb_free(dfu.u);
}

const struct exec_transport exec_dfu = {
	.option = "dfu",
	.what = "the bootloader as USB device 0483:df11",
	.attach = attach,
	.serve = serve,
	.detach = detach,
};
