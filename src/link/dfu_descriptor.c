/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/dfu_descriptor.h>

#include <stmota/bytes.h>

#define TYPE_DEVICE     1
#define TYPE_CONFIG     2
#define TYPE_INTERFACE  4
#define TYPE_FUNCTIONAL 0x21

#define CLASS_APPLICATION 0xFE
#define SUBCLASS_DFU      0x01
#define PROTOCOL_RUNTIME  0x01
#define PROTOCOL_DFU      0x02

#define TRANSFER_MIN     8u    /* an erase command has five bytes */
#define TRANSFER_ASSUMED 1024u /* every STM32 ROM takes that much */

struct walk {
	struct dfu_descriptor d;
	bool found;                 /* a DFU interface */
	bool inside;                /* the interface at hand is the one that was found */
	uint32_t smallest, largest; /* wTransferSize of the functional descriptors */
};

static void take_interface(struct walk *w, const uint8_t *p)
{
	bool dfu = p[5] == CLASS_APPLICATION && p[6] == SUBCLASS_DFU &&
		   (p[7] == PROTOCOL_DFU || p[7] == PROTOCOL_RUNTIME);
	bool runtime = p[7] == PROTOCOL_RUNTIME;

	w->inside = false;
	if (!dfu)
		return;
	/* A bootloader counts for more than an application beside it. */
	if (w->found && w->d.runtime && !runtime) {
		w->found = false;
		w->d.n_alts = 0;
		w->d.has_functional = false;
		w->smallest = w->largest = 0;
	}
	if (w->found && (w->d.interface != p[2] || w->d.runtime != runtime))
		return;
	w->found = w->inside = true;
	w->d.interface = p[2];
	w->d.runtime = runtime;
	if (w->d.n_alts < DFU_ALTS_MAX)
		w->d.alts[w->d.n_alts++] = (struct dfu_alt){p[3], p[8]};
}

static void take_functional(struct walk *w, const uint8_t *p, uint8_t len)
{
	uint32_t size = get_le16(p + 5);

	if (!w->inside || (len != 7 && len != 9) || size == 0)
		return;
	if (!w->d.has_functional) {
		w->d.attributes = p[2];
		w->d.detach_ms = get_le16(p + 3);
		w->d.version = len == 9 ? get_le16(p + 7) : 0x0100;
	}
	w->d.has_functional = true;
	if (w->smallest == 0 || size < w->smallest)
		w->smallest = size;
	if (size > w->largest)
		w->largest = size;
}

static int walk_config(struct walk *w, const uint8_t *config, size_t len, struct err *e)
{
	for (size_t at = 0; at < len;) {
		const uint8_t *p = config + at;
		size_t left = len - at;
		uint8_t n = p[0];

		if (left < 2 || n < 2 || n > left)
			return err_set(e, ERR_PROTOCOL, "a USB descriptor is cut short");
		if (p[1] == TYPE_CONFIG && n >= 9)
			w->d.configuration = p[5];
		else if (p[1] == TYPE_INTERFACE && n >= 9)
			take_interface(w, p);
		else if (p[1] == TYPE_FUNCTIONAL && n >= 7)
			take_functional(w, p, n);
		at += n;
	}
	return 0;
}

/* Sizes that contradict each other, or that no transfer can have, are not believed. */
static int settle_transfer_size(struct walk *w, struct err *e)
{
	struct dfu_descriptor *d = &w->d;

	if (!d->has_functional) {
		if (!dfu_descriptor_is_st_rom(d))
			return err_set(e, ERR_UNSUPPORTED,
				"the device has a DFU interface but does not describe it");
		d->attributes = DFU_CAN_DNLOAD | DFU_CAN_UPLOAD;
		d->version = 0x011A;
		d->transfer_size = TRANSFER_ASSUMED;
		d->transfer_size_doubtful = true;
		return 0;
	}
	if (w->smallest < TRANSFER_MIN)
		return err_set(e, ERR_UNSUPPORTED, "the device takes %u bytes at once: too few",
			w->smallest);
	d->transfer_size_doubtful = w->smallest != w->largest || w->largest > DFU_TRANSFER_MAX;
	d->transfer_size =
		(uint16_t)(w->smallest < DFU_TRANSFER_MAX ? w->smallest : DFU_TRANSFER_MAX);
	return 0;
}

int dfu_descriptor_parse(const uint8_t *device, size_t device_len, const uint8_t *config,
	size_t config_len, struct dfu_descriptor *ret, struct err *e)
{
	struct walk w = {0};
	int rc;

	if (device_len < 18 || device[0] < 18 || device[1] != TYPE_DEVICE)
		return err_set(e, ERR_PROTOCOL, "the USB device descriptor is damaged");
	w.d.vid = get_le16(device + 8);
	w.d.pid = get_le16(device + 10);
	w.d.bcd_device = get_le16(device + 12);
	w.d.product_index = device[15];
	w.d.serial_index = device[16];
	rc = walk_config(&w, config, config_len, e);
	if (rc < 0)
		return rc;
	if (!w.found)
		return err_set(e, ERR_UNSUPPORTED, "the device has no DFU interface");
	rc = settle_transfer_size(&w, e);
	if (rc < 0)
		return rc;
	w.d.dfuse = w.d.version == 0x011A || dfu_descriptor_is_st_rom(&w.d);
	*ret = w.d;
	return 0;
}
