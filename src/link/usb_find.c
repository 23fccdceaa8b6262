/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usb_find.c - which devices with a DFU interface are there, and which one is meant
 *
 * Serial numbers of STM32 bootloaders are not unique, so bus and port tell devices apart. Nothing
 * is sent to a device here, except that its serial number is read where it matters.
 */
#include "usb_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/cleanup.h>

/* ---- descriptors, as bytes ---- */

static size_t put(uint8_t *to, size_t size, size_t at, const void *from, size_t len)
{
	if (from != NULL && len <= size - at) {
		memcpy(to + at, from, len);
		at += len;
	}
	return at;
}

/* libusb has taken them apart already; the parser of ours wants to see all of it. */
static size_t configuration_bytes(
	const struct libusb_config_descriptor *c, uint8_t *to, size_t size)
{
	uint8_t head[9] = {9, LIBUSB_DT_CONFIG, 0, 0, c->bNumInterfaces, c->bConfigurationValue};
	size_t at = put(to, size, 0, head, sizeof(head));

	at = put(to, size, at, c->extra, (size_t)c->extra_length);
	for (uint8_t i = 0; i < c->bNumInterfaces; i++) {
		for (int k = 0; k < c->interface[i].num_altsetting; k++) {
			const struct libusb_interface_descriptor *d =
				&c->interface[i].altsetting[k];
			uint8_t p[9] = {9, LIBUSB_DT_INTERFACE, d->bInterfaceNumber,
				d->bAlternateSetting, d->bNumEndpoints, d->bInterfaceClass,
				d->bInterfaceSubClass, d->bInterfaceProtocol, d->iInterface};

			at = put(to, size, at, p, sizeof(p));
			at = put(to, size, at, d->extra, (size_t)d->extra_length);
			for (uint8_t n = 0; n < d->bNumEndpoints; n++)
				at = put(to, size, at, d->endpoint[n].extra,
					(size_t)d->endpoint[n].extra_length);
		}
	}
	return at;
}

int usb_describe(libusb_device *dev, struct dfu_descriptor *ret, struct err *e)
{
	struct libusb_device_descriptor dd;
	struct libusb_config_descriptor *config = NULL;
	uint8_t device[18] = {18, LIBUSB_DT_DEVICE};
	uint8_t bytes[4096];
	size_t len;

	if (libusb_get_device_descriptor(dev, &dd) < 0 ||
		(libusb_get_active_config_descriptor(dev, &config) < 0 &&
			libusb_get_config_descriptor(dev, 0, &config) < 0))
		return err_set(e, ERR_LINK, "the device does not describe itself");
	device[8] = (uint8_t)dd.idVendor;
	device[9] = (uint8_t)(dd.idVendor >> 8);
	device[10] = (uint8_t)dd.idProduct;
	device[11] = (uint8_t)(dd.idProduct >> 8);
	device[12] = (uint8_t)dd.bcdDevice;
	device[13] = (uint8_t)(dd.bcdDevice >> 8);
	device[15] = dd.iProduct;
	device[16] = dd.iSerialNumber;
	len = configuration_bytes(config, bytes, sizeof(bytes));
	libusb_free_config_descriptor(config);
	return dfu_descriptor_parse(device, sizeof(device), bytes, len, ret, e);
}

void usb_port_of(libusb_device *dev, char *ret, size_t size)
{
	uint8_t ports[8];
	int n = libusb_get_port_numbers(dev, ports, (int)sizeof(ports));
	size_t at = (size_t)snprintf(ret, size, "%u", libusb_get_bus_number(dev));

	for (int i = 0; i < n && at < size; i++)
		at += (size_t)snprintf(ret + at, size - at, "%c%u", i == 0 ? '-' : '.', ports[i]);
	/* A root hub's place, or a system that does not say: the address tells it apart for now. */
	if (n <= 0 && at < size)
		snprintf(ret + at, size - at, "-@%u", libusb_get_device_address(dev));
}

void usb_node_of(libusb_device *dev, char *ret, size_t size)
{
	snprintf(ret, size, "/dev/bus/usb/%03u/%03u", libusb_get_bus_number(dev),
		libusb_get_device_address(dev));
}

/* ---- the list ---- */

static void read_text(libusb_device_handle *h, uint8_t index, char *ret, size_t size)
{
	unsigned char text[128];
	int n = index != 0 ? libusb_get_string_descriptor_ascii(h, index, text, sizeof(text)) : 0;
	size_t len = 0;

	for (int i = 0; i < n && len + 1 < size; i++)
		ret[len++] = (char)(text[i] >= ' ' && text[i] < 0x7F ? text[i] : '?');
	ret[len] = '\0';
}

static void read_texts(libusb_device *dev, struct usb_entry *entry)
{
	struct libusb_device_descriptor dd;
	libusb_device_handle *h = NULL;
	int rc = libusb_open(dev, &h);

	entry->no_permission = rc == LIBUSB_ERROR_ACCESS;
	if (rc < 0)
		return;
	if (libusb_get_device_descriptor(dev, &dd) == 0) {
		read_text(h, dd.iSerialNumber, entry->serial, sizeof(entry->serial));
		read_text(h, dd.iProduct, entry->product, sizeof(entry->product));
	}
	libusb_close(h);
}

static void fill_entry(
	libusb_device *dev, const struct dfu_descriptor *f, bool texts, struct usb_entry *ret)
{
	*ret = (struct usb_entry){
		.vid = f->vid,
		.pid = f->pid,
		.bcd_device = f->bcd_device,
		.runtime = f->runtime,
		.dfuse = f->dfuse,
		.is_st_rom = dfu_descriptor_is_st_rom(f),
	};
	usb_port_of(dev, ret->port, sizeof(ret->port));
	usb_node_of(dev, ret->node, sizeof(ret->node));
	if (!texts)
		return;
	usb_holder(ret->node, ret->holder, sizeof(ret->holder));
	read_texts(dev, ret);
}

static int by_port(const void *a, const void *b)
{
	const struct usb_found *x = a, *y = b;

	return strverscmp(x->entry.port, y->entry.port);
}

void usb_found_free(struct usb_found *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		libusb_unref_device(v[i].dev);
	free(v);
}

int usb_scan(libusb_context *ctx, bool texts, struct usb_found **ret, size_t *ret_n, struct err *e)
{
	libusb_device **list = NULL;
	ssize_t n_list = libusb_get_device_list(ctx, &list);
	struct usb_found *v;
	size_t n = 0;

	if (n_list < 0)
		return err_set(e, ERR_LINK, "USB devices cannot be listed: %s",
			libusb_strerror((int)n_list));
	v = calloc((size_t)n_list + 1, sizeof(*v));
	for (ssize_t i = 0; v != NULL && i < n_list; i++) {
		struct dfu_descriptor f;

		if (usb_describe(list[i], &f, NULL) < 0)
			continue;
		v[n].dev = libusb_ref_device(list[i]);
		v[n].dfu = f;
		fill_entry(list[i], &f, texts, &v[n++].entry);
	}
	libusb_free_device_list(list, 1);
	if (v == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	qsort(v, n, sizeof(*v), by_port);
	*ret = v;
	*ret_n = n;
	return 0;
}

int usb_list(bool strings, struct usb_entry **ret, size_t *ret_n, struct err *e)
{
	libusb_context *ctx = NULL;
	struct usb_found *v = NULL;
	struct usb_entry *list;
	size_t n = 0;
	int rc = usb_init(&ctx, e);

	if (rc < 0)
		return rc;
	rc = usb_scan(ctx, strings, &v, &n, e);
	list = rc == 0 ? calloc(n + 1, sizeof(*list)) : NULL;
	for (size_t i = 0; list != NULL && i < n; i++)
		list[i] = v[i].entry;
	usb_found_free(v, n);
	libusb_exit(ctx);
	if (rc < 0)
		return rc;
	if (list == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	*ret = list;
	*ret_n = n;
	return 0;
}

/* ---- which one ---- */

static bool fits(const struct usb_match *m, const struct usb_entry *x)
{
	bool named = m->has_id || m->serial[0] != '\0' || m->port[0] != '\0';

	if (!named && !x->is_st_rom)
		return false;
	if (m->has_id && (m->vid != x->vid || m->pid != x->pid))
		return false;
	if (m->serial[0] != '\0' && strcmp(m->serial, x->serial) != 0)
		return false;
	return m->port[0] == '\0' || strcmp(m->port, x->port) == 0;
}

/* "0483:df11 at 1-1, 0483:df11 at 1-2.4" */
static void names_of(
	const struct usb_found *v, size_t n, const struct usb_match *m, char *ret, size_t size)
{
	size_t at = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < n && at < size; i++)
		if (m == NULL || fits(m, &v[i].entry))
			at += (size_t)snprintf(ret + at, size - at, "%sdfu:%04x:%04x#%s",
				at > 0 ? ", " : "", v[i].entry.vid, v[i].entry.pid,
				v[i].entry.port);
}

static int none_fits(const struct usb_found *v, size_t n, const struct usb_match *m, struct err *e)
{
	char names[200];

	err_set(e, ERR_LINK, "%s",
		m->has_id || m->serial[0] != '\0' || m->port[0] != '\0'
			? "no such device is attached"
			: "no STM32 bootloader (0483:df11) is attached to USB");
	names_of(v, n, NULL, names, sizeof(names));
	if (n == 0)
		return err_hint(e, "set BOOT0 and reset the board; 'lsusb' shows what is attached");
	return err_hint(e, "DFU devices that are there: %s", names);
}

static int several_fit(
	const struct usb_found *v, size_t n, const struct usb_match *m, struct err *e)
{
	char names[200];

	names_of(v, n, m, names, sizeof(names));
	err_set(e, ERR_USAGE, "several devices fit%s",
		m->serial[0] != '\0' ? ": this serial number is not unique" : "");
	return err_hint(e, "say which one: %s", names);
}

int usb_pick(
	const struct usb_found *v, size_t n, const struct usb_match *m, size_t *ret, struct err *e)
{
	size_t hits = 0, hit = 0;

	for (size_t i = 0; i < n; i++) {
		if (!fits(m, &v[i].entry))
			continue;
		hit = i;
		hits++;
	}
	if (hits == 0)
		return none_fits(v, n, m, e);
	if (hits > 1)
		return several_fit(v, n, m, e);
	*ret = hit;
	return 0;
}
