/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec_usbfs.c - what a kernel does for programs that have a USB device open
 *
 * Transfers are done when they are submitted; the program fetches them afterwards. One that the
 * device does not answer stays away until the program takes it back or the device leaves: then it
 * ends as -ESHUTDOWN, what had ended before can still be fetched, and everything else is -ENODEV.
 * An interface belongs to the open file that has claimed it; to all others it is busy.
 */
#include "exec_usb.h"

#include <errno.h>
#include <linux/usbdevice_fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define URBS_MAX  64
#define TIMEOUT_S 60u /* no host waits longer for one transfer */

struct urb {
	UMockdevIoctlData *data; /* owned */
	bool done;
};

struct usbfs_file { /* a program's open node */
	struct usbfs_file *next;
	UMockdevIoctlClient *client; /* not owned: it goes when the program closes the node */
	unsigned number;             /* of the device; its successor at the port has another */
	uint32_t claimed;            /* interfaces, a bit each */
	struct urb urbs[URBS_MAX];   /* in the order in which they were submitted */
	size_t n_urbs;
};

static struct usbfs_file *files;

/* A claim that found the interface busy; see claim(). */
struct waiting_claim {
	struct exec *x;
	UMockdevIoctlClient *client; /* owned */
	unsigned interface;
};

/* ---- open files ---- */

static struct usbdevfs_urb *urb_of(UMockdevIoctlData *d)
{
	return (struct usbdevfs_urb *)(void *)d->data;
}

static void drop_urb(struct usbfs_file *f, size_t i)
{
	umockdev_ioctl_data_unref(f->urbs[i].data);
	f->n_urbs--;
	memmove(&f->urbs[i], &f->urbs[i + 1], (f->n_urbs - i) * sizeof(f->urbs[0]));
}

static void forget(struct usbfs_file **at)
{
	struct usbfs_file *f = *at;

	*at = f->next;
	while (f->n_urbs > 0)
		drop_urb(f, 0);
	free(f);
}

static void on_close(gpointer user, GObject *client)
{
	struct exec *x = user;

	exec_lock(x);
	for (struct usbfs_file **at = &files; *at != NULL; at = &(*at)->next) {
		if ((void *)(*at)->client != (void *)client)
			continue;
		forget(at);
		break;
	}
	exec_unlock(x);
}

static struct usbfs_file *file_of(struct exec *x, UMockdevIoctlClient *client)
{
	const struct usb_port *p = exec_usb_port_at(umockdev_ioctl_client_get_devnode(client));
	struct usbfs_file *f = files;

	while (f != NULL && f->client != client)
		f = f->next;
	if (f != NULL)
		return f;
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return NULL;
	f->client = client;
	f->number = p != NULL ? p->number : 0;
	f->next = files;
	files = f;
	g_object_weak_ref(G_OBJECT(client), on_close, x);
	return f;
}

void usbfs_gone(const struct usb_port *p)
{
	for (struct usbfs_file *f = files; f != NULL; f = f->next) {
		if (f->number != p->number)
			continue;
		f->claimed = 0;
		for (size_t i = 0; i < f->n_urbs; i++) {
			if (f->urbs[i].done)
				continue;
			urb_of(f->urbs[i].data)->status = -ESHUTDOWN;
			f->urbs[i].done = true;
		}
	}
}

void usbfs_done(void)
{
	while (files != NULL)
		forget(&files);
}

/* ---- interfaces ---- */

static int claim_now(struct usbfs_file *f, unsigned interface)
{
	if (interface >= 32)
		return -EINVAL;
	for (const struct usbfs_file *o = files; o != NULL; o = o->next)
		if (o != f && o->number == f->number && (o->claimed & 1u << interface) != 0)
			return -EBUSY;
	f->claimed |= 1u << interface;
	return 0;
}

static gboolean claim_again(gpointer user)
{
	struct waiting_claim *w = user;
	struct usbfs_file *f;
	int rc = -ENODEV;

	exec_lock(w->x);
	f = file_of(w->x, w->client);
	if (f != NULL && exec_usb_port_at(umockdev_ioctl_client_get_devnode(w->client)) != NULL)
		rc = claim_now(f, w->interface);
	exec_unlock(w->x);
	umockdev_ioctl_client_complete(w->client, rc < 0 ? -1 : 0, rc < 0 ? -rc : 0);
	g_object_unref(w->client);
	free(w);
	return G_SOURCE_REMOVE;
}

/*
 * The kernel knows at once when a program closes the node, this thread when its turn comes. So
 * "busy" is the answer only after everything else that has happened until now was looked at.
 */
static int claim(struct exec *x, struct usbfs_file *f, unsigned interface)
{
	struct waiting_claim *w;
	GSource *source;
	int rc = claim_now(f, interface);

	if (rc != -EBUSY)
		return rc;
	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return -ENOMEM;
	*w = (struct waiting_claim){x, g_object_ref(f->client), interface};
	source = g_idle_source_new();
	g_source_set_priority(source, G_PRIORITY_LOW);
	g_source_set_callback(source, claim_again, w, NULL);
	g_source_attach(source, g_main_context_get_thread_default());
	g_source_unref(source);
	return -EINPROGRESS;
}

static int interface_request(
	struct exec *x, struct usbfs_file *f, unsigned request, UMockdevIoctlData *arg)
{
	cleanup_data UMockdevIoctlData *data =
		umockdev_ioctl_data_resolve(arg, 0, sizeof(unsigned), NULL);
	unsigned n;

	if (data == NULL)
		return -EFAULT;
	memcpy(&n, data->data, sizeof(n));
	if (request == USBDEVFS_CLAIMINTERFACE)
		return claim(x, f, n);
	if (n >= 32 || (f->claimed & 1u << n) == 0)
		return -EINVAL;
	f->claimed &= ~(1u << n);
	return 0;
}

static int driver_of(const struct usbfs_file *f, UMockdevIoctlData *arg)
{
	cleanup_data UMockdevIoctlData *data =
		umockdev_ioctl_data_resolve(arg, 0, sizeof(struct usbdevfs_getdriver), NULL);
	struct usbdevfs_getdriver d;

	if (data == NULL)
		return -EFAULT;
	memcpy(&d, data->data, sizeof(d));
	for (const struct usbfs_file *o = files; o != NULL; o = o->next) {
		if (o->number != f->number || d.interface >= 32 ||
			(o->claimed & 1u << d.interface) == 0)
			continue;
		memset(d.driver, 0, sizeof(d.driver));
		memcpy(d.driver, "usbfs", 6);
		umockdev_ioctl_data_update(data, 0, (guint8 *)&d, sizeof(d));
		return 0;
	}
	return -ENODATA;
}

/* ---- transfers ---- */

/* 0, or a negative errno as the kernel puts it into an urb; 1: there is no answer. */
static int control(struct usb_port *p, uint8_t *setup_and_data, int *ret_actual)
{
	struct exec *x = p->x;
	struct sim_usb_xfer t = {.data = setup_and_data + 8, .timeout_ms = TIMEOUT_S * 1000};
	enum sim_usb_result r;

	/* The program need not wait for the modelled flash. */
	exec_reach_us(x, sim_usb_busy_until(p->u));
	memcpy(t.setup, setup_and_data, 8);
	t.now_us = exec_now_us(x);
	r = sim_usb_control(p->u, &t);
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

/* Requests to an interface claim it, and fail where another program has it. */
static int may_send(struct usbfs_file *f, const uint8_t *setup)
{
	bool vendor = (setup[0] & 0x60) == 0x40, to_interface = (setup[0] & 0x1F) == 1;

	return vendor || !to_interface ? 0 : claim_now(f, setup[4]);
}

static int submit(struct usb_port *p, struct usbfs_file *f, UMockdevIoctlData *arg)
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
	if (get_le16(buffer->data + 6) > urb->buffer_length - 8 || f->n_urbs == URBS_MAX)
		return -EINVAL;
	rc = may_send(f, buffer->data);
	if (rc == 0)
		rc = control(p, buffer->data, &actual);
	if (rc == -ENODEV || rc == -EBUSY)
		return rc;
	urb->status = rc < 0 ? rc : 0;
	urb->actual_length = actual;
	f->urbs[f->n_urbs].data = umockdev_ioctl_data_ref(data);
	f->urbs[f->n_urbs++].done = rc <= 0;
	return 0;
}

static int discard(struct usbfs_file *f, UMockdevIoctlData *arg)
{
	cleanup_data UMockdevIoctlData *data =
		umockdev_ioctl_data_resolve(arg, 0, sizeof(struct usbdevfs_urb), NULL);

	for (size_t i = 0; data != NULL && i < f->n_urbs; i++) {
		if (f->urbs[i].data->client_addr != data->client_addr || f->urbs[i].done)
			continue;
		urb_of(f->urbs[i].data)->status = -ENOENT;
		f->urbs[i].done = true;
		return 0;
	}
	return -EINVAL;
}

static int reap(struct usbfs_file *f, bool connected, UMockdevIoctlData *arg)
{
	cleanup_data UMockdevIoctlData *pointer =
		umockdev_ioctl_data_resolve(arg, 0, sizeof(void *), NULL);

	for (size_t i = 0; pointer != NULL && i < f->n_urbs; i++) {
		if (!f->urbs[i].done)
			continue;
		umockdev_ioctl_data_set_ptr(pointer, 0, f->urbs[i].data);
		drop_urb(f, i);
		return 0;
	}
	return connected ? -EAGAIN : -ENODEV;
}

/* ---- the other requests ---- */

static int set_interface(struct usb_port *p, struct usbfs_file *f, UMockdevIoctlData *arg)
{
	cleanup_data UMockdevIoctlData *data =
		umockdev_ioctl_data_resolve(arg, 0, sizeof(struct usbdevfs_setinterface), NULL);
	struct usbdevfs_setinterface s;
	uint8_t setup[8] = {0x01, 11};
	int rc, actual;

	if (data == NULL)
		return -EFAULT;
	memcpy(&s, data->data, sizeof(s));
	setup[2] = (uint8_t)s.altsetting;
	setup[4] = (uint8_t)s.interface;
	rc = may_send(f, setup);
	if (rc == 0)
		rc = control(p, setup, &actual);
	return rc == 1 ? -ETIMEDOUT : rc;
}

static int capabilities(UMockdevIoctlData *arg)
{
	cleanup_data UMockdevIoctlData *data =
		umockdev_ioctl_data_resolve(arg, 0, sizeof(__u32), NULL);
	__u32 caps = USBDEVFS_CAP_ZERO_PACKET | USBDEVFS_CAP_NO_PACKET_SIZE_LIM |
		     USBDEVFS_CAP_REAP_AFTER_DISCONNECT;

	if (data == NULL)
		return -EFAULT;
	umockdev_ioctl_data_update(data, 0, (guint8 *)&caps, sizeof(caps));
	return 0;
}

static int bus_reset(struct usb_port *p)
{
	sim_usb_bus_reset(p->u, exec_now_us(p->x));
	/* Another device behind the same port: libusb is told that the handle is worthless. */
	return sim_usb_attached(p->u, exec_now_us(p->x)) ? 0 : -ENODEV;
}

/* -EINPROGRESS: it will be answered later. */
static int on_request(struct exec *x, UMockdevIoctlClient *client)
{
	unsigned request = (unsigned)umockdev_ioctl_client_get_request(client);
	UMockdevIoctlData *arg = umockdev_ioctl_client_get_arg(client);
	struct usb_port *p = exec_usb_port_at(umockdev_ioctl_client_get_devnode(client));
	struct usbfs_file *f = file_of(x, client);

	if (f == NULL)
		return -ENOMEM;
	if (request == USBDEVFS_REAPURB || request == USBDEVFS_REAPURBNDELAY)
		return reap(f, p != NULL, arg);
	if (p == NULL)
		return -ENODEV;
	switch (request) {
	case USBDEVFS_SUBMITURB: return submit(p, f, arg);
	case USBDEVFS_DISCARDURB: return discard(f, arg);
	case USBDEVFS_GET_CAPABILITIES: return capabilities(arg);
	case USBDEVFS_GETDRIVER: return driver_of(f, arg);
	case USBDEVFS_CLAIMINTERFACE:
	case USBDEVFS_RELEASEINTERFACE: return interface_request(x, f, request, arg);
	case USBDEVFS_SETCONFIGURATION:
	case USBDEVFS_CLEAR_HALT: return 0;
	case USBDEVFS_SETINTERFACE: return set_interface(p, f, arg);
	case USBDEVFS_RESET: return bus_reset(p);
	default: return -ENOTTY;
	}
}

static gboolean on_ioctl(UMockdevIoctlBase *base, UMockdevIoctlClient *client, gpointer user)
{
	struct exec *x = user;
	int rc;

	exec_lock(x);
	rc = on_request(x, client);
	exec_unlock(x);
	if (rc != -EINPROGRESS)
		umockdev_ioctl_client_complete(client, rc < 0 ? -1 : rc, rc < 0 ? -rc : 0);
	return TRUE;
}

UMockdevIoctlBase *usbfs_new(struct exec *x)
{
	UMockdevIoctlBase *base = umockdev_ioctl_base_new();

	g_signal_connect(base, "handle-ioctl", G_CALLBACK(on_ioctl), x);
	return base;
}
