/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_usb.c - control transfers over libusb
 *
 * The DFU interface is claimed, so that the kernel lets no second program at it, and the device's
 * node is locked, so that a second stmota can name the first, whoever runs it. A device that leaves
 * the bus makes every later transfer fail at once; it is found again by bus and port.
 */
#include "usb_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <stmota/cleanup.h>
#include <stmota/log.h>
#include <stmota/signals.h>
#include <stmota/trace.h>

#include "uart_priv.h"

#define POLL_MS 50

/* Ctrl-C gives a transfer under way this long to end; who then is silent gets no longer any more. */
#define LAST_WORDS_MS 300
#define EVENTS_MS     100

struct usb_device { /* a struct usb_link over libusb */
	struct usb_link u;
	libusb_context *ctx;
	libusb_device_handle *handle; /* NULL: not open */
	int lock;                     /* of the node; -1: none */
	char node[64];
	bool gone;
	bool silent; /* a transfer was given up because of a signal */
};

struct waiting { /* for a transfer that was handed to the kernel */
	int done;
	bool cancelled;
};

static struct usb_device *self(struct usb_link *u)
{
	return (struct usb_device *)u;
}

int usb_init(libusb_context **ret, struct err *e)
{
	int rc = libusb_init(ret);

	if (rc < 0)
		return err_set(e, ERR_LINK, "USB cannot be used: %s", libusb_strerror(rc));
	return 0;
}

bool usb_holder(const char *node, char *ret, size_t size)
{
	return port_holder(node, ret, size);
}

/* ---- transfers ---- */

static const struct {
	int libusb;
	enum err_code code;
	const char *text;
} results[] = {
	{LIBUSB_ERROR_PIPE, ERR_NACK, "the device refuses (STALL)"},
	{LIBUSB_ERROR_TIMEOUT, ERR_TIMEOUT, "no answer"},
	{LIBUSB_ERROR_NO_DEVICE, ERR_LINK, "the device is gone"},
	{LIBUSB_ERROR_NOT_FOUND, ERR_LINK, "the device is gone"},
	{LIBUSB_ERROR_NO_MEM, ERR_NOMEM, "out of memory"},
};

static int fail(struct usb_device *d, int libusb_rc, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(results); i++) {
		if (results[i].libusb != libusb_rc)
			continue;
		if (results[i].code == ERR_LINK)
			d->gone = true;
		return err_set(e, results[i].code, "%s: %s", d->u.link.name, results[i].text);
	}
	return err_set(e, ERR_PROTOCOL, "%s: transfer failed: %s", d->u.link.name,
		libusb_strerror(libusb_rc));
}

static int need_handle(struct usb_device *d, struct err *e)
{
	if (d->handle != NULL && !d->gone)
		return 0;
	return err_set(e, ERR_LINK, "%s: the device is gone", d->u.link.name);
}

static void on_done(struct libusb_transfer *t)
{
	struct waiting *w = t->user_data;

	w->done = 1;
}

/* Looks for a signal while it waits. */
static void wait_for(struct usb_device *d, struct libusb_transfer *t, struct waiting *w)
{
	const struct clock *clock = d->u.link.clock;
	uint64_t until_ms = 0;

	while (w->done == 0) {
		struct timeval slice = {0, EVENTS_MS * 1000};
		int rc = libusb_handle_events_timeout_completed(d->ctx, &slice, &w->done);

		if (rc < 0 && rc != LIBUSB_ERROR_INTERRUPTED)
			libusb_cancel_transfer(t);
		if (w->done != 0 || w->cancelled || !signals_pending())
			continue;
		if (until_ms == 0)
			until_ms = clock_now_ms(clock) + LAST_WORDS_MS;
		if (clock_now_ms(clock) < until_ms)
			continue;
		w->cancelled = d->silent = true;
		libusb_cancel_transfer(t);
	}
}

static int transfer_result(const struct libusb_transfer *t)
{
	switch (t->status) {
	case LIBUSB_TRANSFER_COMPLETED: return t->actual_length;
	case LIBUSB_TRANSFER_STALL: return LIBUSB_ERROR_PIPE;
	case LIBUSB_TRANSFER_TIMED_OUT:
	case LIBUSB_TRANSFER_CANCELLED: return LIBUSB_ERROR_TIMEOUT;
	case LIBUSB_TRANSFER_NO_DEVICE: return LIBUSB_ERROR_NO_DEVICE;
	case LIBUSB_TRANSFER_OVERFLOW: return LIBUSB_ERROR_OVERFLOW;
	default: return LIBUSB_ERROR_IO;
	}
}

/* As libusb_control_transfer(), but for ERR_INTERRUPTED in ret_code where a signal ended it. */
static int control_transfer(struct usb_device *d, const struct usb_setup *s, uint8_t *data,
	uint32_t timeout_ms, int *ret_code)
{
	struct libusb_transfer *t = libusb_alloc_transfer(0);
	struct waiting w = {0, false};
	uint8_t *buf = malloc(LIBUSB_CONTROL_SETUP_SIZE + (size_t)s->length);
	bool in = (s->request_type & 0x80) != 0;
	int rc = LIBUSB_ERROR_NO_MEM;

	if (d->silent && timeout_ms > LAST_WORDS_MS)
		timeout_ms = LAST_WORDS_MS;
	if (t != NULL && buf != NULL) {
		libusb_fill_control_setup(
			buf, s->request_type, s->request, s->value, s->index, s->length);
		if (!in && s->length > 0)
			memcpy(buf + LIBUSB_CONTROL_SETUP_SIZE, data, s->length);
		libusb_fill_control_transfer(t, d->handle, buf, on_done, &w, timeout_ms);
		rc = libusb_submit_transfer(t);
	}
	if (rc == 0) {
		wait_for(d, t, &w);
		rc = transfer_result(t);
		if (rc == LIBUSB_ERROR_TIMEOUT && w.cancelled)
			*ret_code = ERR_INTERRUPTED;
		if (in && rc > 0)
			memcpy(data, buf + LIBUSB_CONTROL_SETUP_SIZE, (size_t)rc);
	}
	free(buf);
	libusb_free_transfer(t);
	return rc;
}

static int usb_control(struct usb_link *u, const struct usb_setup *s, void *data,
	uint32_t timeout_ms, uint16_t *ret_len, struct err *e)
{
	struct usb_device *d = self(u);
	int rc = need_handle(d, e), code = 0;

	if (rc < 0)
		return rc;
	trace_note(u->link.name, "control %02x %02x %04x %04x %04x", s->request_type, s->request,
		s->value, s->index, s->length);
	rc = control_transfer(d, s, data, timeout_ms, &code);
	if (rc < 0)
		trace_note(u->link.name, "%s", libusb_error_name(rc));
	else if (rc > 0)
		trace_bytes(u->link.name, (s->request_type & 0x80) != 0 ? TRACE_IN : TRACE_OUT,
			data, (size_t)rc);
	if (code != 0)
		return err_set(e, (enum err_code)code, "interrupted");
	if (rc < 0)
		return fail(d, rc, e);
	if ((s->request_type & 0x80) == 0 && rc != s->length)
		return err_set(e, ERR_PROTOCOL, "%s: only %d of %u bytes were sent", u->link.name,
			rc, s->length);
	*ret_len = (uint16_t)rc;
	return 0;
}

static int usb_set_alt(struct usb_link *u, uint8_t alt, struct err *e)
{
	struct usb_device *d = self(u);
	int rc = need_handle(d, e);

	if (rc == 0) {
		rc = libusb_set_interface_alt_setting(d->handle, u->dfu.interface, alt);
		if (rc < 0)
			return fail(d, rc, e);
	}
	return rc;
}

/* ---- opening ---- */

static int no_permission(const struct usb_device *d, const char *node, struct err *e)
{
	err_set(e, ERR_LINK, "%s: no permission to open %s", d->u.link.name, node);
	return err_hint(e, "install the udev rule of stmota (examples/udev) and plug the device in "
			   "again, or run as root");
}

static int in_use(const struct usb_device *d, bool locked, struct err *e)
{
	char holder[96];

	if ((locked && port_lock_holder(d->lock, holder, sizeof(holder))) ||
		usb_holder(d->node, holder, sizeof(holder))) {
		err_set(e, ERR_BUSY, "%s is in use by %s", d->u.link.name, holder);
		return err_hint(e, "end that program, or wait for it");
	}
	err_set(e, ERR_BUSY, "%s is in use by another program", d->u.link.name);
	return err_hint(e, "another stmota or dfu-util may be at it");
}

/* Without a lock the claim still keeps others away; only their name is harder to find. */
static int lock_node(struct usb_device *d, struct err *e)
{
	d->lock = open(d->node, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (d->lock < 0 || flock(d->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return errno == EWOULDBLOCK ? in_use(d, true, e) : 0;
}

static void drop_handle(struct usb_device *d)
{
	if (d->handle != NULL) {
		if (!d->gone)
			libusb_release_interface(d->handle, d->u.dfu.interface);
		libusb_close(d->handle);
	}
	if (d->lock >= 0)
		close(d->lock);
	d->handle = NULL;
	d->lock = -1;
}

static int claim(struct usb_device *d, const struct usb_found *f, struct err *e)
{
	int configuration = 0, rc = libusb_open(f->dev, &d->handle);

	if (rc < 0)
		d->handle = NULL;
	if (rc == LIBUSB_ERROR_ACCESS)
		return no_permission(d, d->node, e);
	if (rc < 0)
		return fail(d, rc, e);
	/* Only what was never configured is: doing it again would reset an application. */
	if (libusb_get_configuration(d->handle, &configuration) == 0 && configuration == 0 &&
		f->dfu.configuration != 0)
		libusb_set_configuration(d->handle, f->dfu.configuration);
	rc = libusb_claim_interface(d->handle, f->dfu.interface);
	if (rc == LIBUSB_ERROR_BUSY)
		return in_use(d, false, e);
	return rc < 0 ? fail(d, rc, e) : 0;
}

/* Opens what was found and claims its interface. */
static int take(struct usb_device *d, const struct usb_found *f, struct err *e)
{
	int rc;

	snprintf(d->u.port, sizeof(d->u.port), "%s", f->entry.port);
	snprintf(d->u.link.name, sizeof(d->u.link.name), "dfu:%04x:%04x#%s", f->entry.vid,
		f->entry.pid, f->entry.port);
	snprintf(d->node, sizeof(d->node), "%s", f->entry.node);
	d->gone = false;
	d->u.dfu = f->dfu;
	rc = lock_node(d, e);
	if (rc == 0)
		rc = claim(d, f, e);
	if (rc < 0) {
		d->gone = true; /* nothing of it is ours: no interface to release */
		drop_handle(d);
	}
	return rc;
}

static int find_and_take(struct usb_device *d, const struct usb_match *m, struct err *e)
{
	struct usb_found *v = NULL;
	size_t n = 0, hit = 0;
	int rc = usb_scan(d->ctx, m->serial[0] != '\0', &v, &n, e);

	if (rc == 0)
		rc = usb_pick(v, n, m, &hit, e);
	if (rc == 0)
		rc = take(d, &v[hit], e);
	usb_found_free(v, n);
	return rc;
}

/* ---- coming and going ---- */

static bool listed(const struct usb_device *d)
{
	libusb_device *mine = libusb_get_device(d->handle);
	libusb_device **list = NULL;
	ssize_t n = libusb_get_device_list(d->ctx, &list);
	bool found = n < 0;

	for (ssize_t i = 0; i < n; i++)
		found |= list[i] == mine;
	if (n >= 0)
		libusb_free_device_list(list, 1);
	return found;
}

/* A device that went and came back has another number on its bus, and so another node. */
static bool on_bus(const struct usb_device *d)
{
	if (access(d->node, F_OK) < 0 && errno == ENOENT)
		return false;
	return listed(d);
}

static bool usb_wait_gone(struct usb_link *u, uint32_t timeout_ms)
{
	struct usb_device *d = self(u);
	uint64_t until_ms = clock_now_ms(u->link.clock) + timeout_ms;

	for (;;) {
		if (d->handle == NULL || d->gone)
			return true;
		if (!on_bus(d)) {
			d->gone = true;
			return true;
		}
		if (clock_now_ms(u->link.clock) >= until_ms || signals_pending())
			return false;
		clock_sleep_ms(u->link.clock, POLL_MS);
	}
}

static int usb_reset(struct usb_link *u, struct err *e)
{
	struct usb_device *d = self(u);
	int rc = need_handle(d, e);

	if (rc < 0)
		return rc;
	rc = libusb_reset_device(d->handle);
	return rc < 0 ? fail(d, rc, e) : 0;
}

static int usb_reopen(struct usb_link *u, uint32_t timeout_ms, struct err *e)
{
	struct usb_device *d = self(u);
	uint64_t until_ms = clock_now_ms(u->link.clock) + timeout_ms;
	struct usb_match m = {0};
	int rc;

	snprintf(m.port, sizeof(m.port), "%s", u->port);
	drop_handle(d);
	for (;;) {
		/* Where no udev tells of what comes, libusb sees it in a new context only. */
		if (d->ctx != NULL)
			libusb_exit(d->ctx);
		d->ctx = NULL;
		rc = usb_init(&d->ctx, e);
		if (rc == 0)
			rc = find_and_take(d, &m, e);
		if (rc == 0 || rc == ERR_BUSY || rc == ERR_NOMEM)
			return rc;
		rc = signals_check(e);
		if (rc < 0)
			return rc;
		if (clock_now_ms(u->link.clock) >= until_ms)
			break;
		clock_sleep_ms(u->link.clock, POLL_MS);
	}
	return err_set(e, ERR_TIMEOUT, "no device came back at USB port %s within %" PRIu32 " s",
		u->port, timeout_ms / 1000);
}

static void usb_close(struct link *l)
{
	struct usb_device *d = (struct usb_device *)l;

	drop_handle(d);
	if (d->ctx != NULL)
		libusb_exit(d->ctx);
	free(d);
}

static const struct link_ops link_ops = {.name = "usb", .close = usb_close};

static const struct usb_ops usb_ops = {
	.control = usb_control,
	.set_alt = usb_set_alt,
	.reset = usb_reset,
	.wait_gone = usb_wait_gone,
	.reopen = usb_reopen,
};

int link_usb_open(const struct usb_match *match, struct usb_link **ret, struct err *e)
{
	struct usb_device *d = calloc(1, sizeof(*d));
	int rc;

	if (d == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	d->u.link.ops = &link_ops;
	d->u.link.clock = &clock_monotonic;
	d->u.ops = &usb_ops;
	d->lock = -1;
	snprintf(d->u.link.name, sizeof(d->u.link.name), "USB");
	rc = usb_init(&d->ctx, e);
	if (rc == 0)
		rc = find_and_take(d, match, e);
	if (rc < 0) {
		usb_close(&d->u.link);
		return rc;
	}
	*ret = &d->u;
	return 0;
}
