/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_usb_desc.c - what a virtual USB device says of itself before anything is asked of it
 *
 * The run-time device is a composite one with a HID interface in front, whose descriptor has the
 * same type number as DFU's.
 */
#include <stdio.h>
#include <string.h>

#include "sim_usb_priv.h"

#define CLASS_APPLICATION 0xFE
#define SUBCLASS_DFU      0x01

static const struct face {
	uint16_t vendor, product;
	uint16_t dfu_version;
	uint8_t protocol; /* 1 run-time, 2 DFU mode */
	const char *manufacturer, *name;
} faces[] = {
	[FACE_ROM] = {0x0483, 0xDF11, 0x011A, 2, "STMicroelectronics", "STM32  BOOTLOADER"},
	/* 1209:0001 is pid.codes' number for tests. */
	[FACE_RUNTIME] = {0x0483, 0x5740, 0x0110, 1, "stmota-sim", "Application"},
	[FACE_PLAIN] = {0x1209, 0x0001, 0x0110, 2, "stmota-sim", "Plain DFU bootloader"},
};

static const struct face *face(const struct sim_usb *u)
{
	return &faces[u->face == FACE_NONE ? FACE_ROM : u->face];
}

void usb_serial_default(struct sim_usb *u)
{
	const uint8_t *id = u->b->uid;

	/* As ST's USB examples and ROMs make it of the unique id. */
	snprintf(u->serial, sizeof(u->serial), "%08X%04X", get_le32(id) + get_le32(id + 8),
		get_le32(id + 4) >> 16);
}

uint8_t usb_dfu_interface(const struct sim_usb *u)
{
	return u->face == FACE_RUNTIME ? 1 : 0;
}

uint32_t usb_transfer_real(const struct sim_usb *u)
{
	const struct chip *c = u->b->chip;
	bool small = u->face == FACE_ROM && (c->pid == 0x468 || strcmp(c->series, "C5") == 0);

	return small || sim_has(u->b, SQ_DFU_SIZE_LIES) ? 1024 : 2048;
}

uint32_t usb_transfer_size(const struct sim_usb *u)
{
	return sim_has(u->b, SQ_DFU_SIZE_LIES) ? 2048 : usb_transfer_real(u);
}

/* bcdDevice: the protocol on F4, something of its own elsewhere. */
static uint16_t device_release(const struct sim_usb *u)
{
	return u->face == FACE_ROM && strcmp(u->b->chip->series, "F4") == 0 ? 0x2200 : 0x0200;
}

size_t usb_device_descriptor(const struct sim_usb *u, uint8_t *ret)
{
	bool gd32 = u->face == FACE_ROM && sim_has(u->b, SQ_DFU_GD32);
	uint8_t d[18] = {18, 1, 0x00, 0x02, 0, 0, 0, 64};

	put_le16(d + 8, gd32 ? 0x28E9 : face(u)->vendor);
	put_le16(d + 10, gd32 ? 0x0189 : face(u)->product);
	put_le16(d + 12, device_release(u));
	d[14] = 1;
	d[15] = 2;
	d[16] = sim_usb_serial(u)[0] != '\0' ? 3 : 0;
	d[17] = 1;
	memcpy(ret, d, sizeof(d));
	return sizeof(d);
}

size_t usb_functional_descriptor(const struct sim_usb *u, uint8_t *ret)
{
	uint8_t d[9] = {9, 0x21};

	d[2] = u->face == FACE_PLAIN && u->cfg.mute ? 0x01 : 0x03; /* download, upload */
	if (u->face == FACE_ROM || (u->face == FACE_RUNTIME && u->cfg.will_detach))
		d[2] |= 0x08;
	if (u->face == FACE_PLAIN && u->cfg.tolerant)
		d[2] |= 0x04;
	put_le16(d + 3, u->face == FACE_RUNTIME ? 1000 : 255);
	put_le16(d + 5, (uint16_t)usb_transfer_size(u));
	put_le16(d + 7, face(u)->dfu_version);
	memcpy(ret, d, sizeof(d));
	return sizeof(d);
}

static size_t put_hid(uint8_t *p)
{
	static const uint8_t hid[] = {9, 4, 0, 0, 0, 3, 0, 0, 0, /* interface 0: HID */
		9, 0x21, 0x11, 0x01, 0, 1, 0x22, 34, 0};

	memcpy(p, hid, sizeof(hid));
	return sizeof(hid);
}

size_t usb_configuration_descriptor(const struct sim_usb *u, uint8_t *ret)
{
	uint8_t n_interfaces = (uint8_t)(usb_dfu_interface(u) + 1);
	uint8_t head[9] = {9, 2, 0, 0, n_interfaces, 1, 0, 0xC0, 50};
	size_t len = sizeof(head);

	if (u->face == FACE_RUNTIME)
		len += put_hid(ret + len);
	for (size_t i = 0; i < u->n_alts; i++) {
		const uint8_t d[9] = {9, 4, usb_dfu_interface(u), (uint8_t)i, 0, CLASS_APPLICATION,
			SUBCLASS_DFU, face(u)->protocol, (uint8_t)(4 + i)};

		memcpy(ret + len, d, sizeof(d));
		len += sizeof(d);
	}
	len += usb_functional_descriptor(u, ret + len);
	put_le16(head + 2, (uint16_t)len);
	memcpy(ret, head, sizeof(head));
	return len;
}

size_t sim_usb_descriptors(const struct sim_usb *u, uint8_t ret[SIM_USB_DESCRIPTORS_MAX])
{
	size_t n = usb_device_descriptor(u, ret);

	return n + usb_configuration_descriptor(u, ret + n);
}

static size_t put_text(const char *text, uint8_t *ret, bool utf8)
{
	size_t n = strlen(text);

	if (n > USB_STRING_MAX)
		n = USB_STRING_MAX;
	ret[1] = 3;
	for (size_t i = 0; i < n; i++) {
		if (utf8) { /* GD32: one byte a character, against the standard */
			ret[2 + i] = (uint8_t)text[i];
		} else {
			ret[2 + 2 * i] = (uint8_t)text[i];
			ret[3 + 2 * i] = 0;
		}
	}
	ret[0] = (uint8_t)(2 + (utf8 ? n : 2 * n));
	return ret[0];
}

size_t usb_string_descriptor(const struct sim_usb *u, uint8_t index, uint8_t ret[255])
{
	static const uint8_t languages[] = {4, 3, 0x09, 0x04};

	switch (index) {
	case 0: memcpy(ret, languages, sizeof(languages)); return sizeof(languages);
	case 1: return put_text(face(u)->manufacturer, ret, false);
	case 2: return put_text(face(u)->name, ret, false);
	case 3: return put_text(sim_usb_serial(u), ret, sim_has(u->b, SQ_DFU_GD32));
	default: return index - 4u < u->n_alts ? put_text(u->alts[index - 4], ret, false) : 0;
	}
}
