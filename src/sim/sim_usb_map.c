/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_usb_map.c - the memory maps that a ROM tells as names of its alternate settings
 *
 * Made of the chip table, written as real ROMs write them: sectors "04*016Kg", pages "0256*0002Kg".
 */
#include <stdio.h>
#include <string.h>

#include "sim_usb_priv.h"

#define VOLTAGE_ADDR 0xFFFF0000u

static void add(struct sim_usb *u, const char *text)
{
	if (u->n_alts < USB_ALTS_MAX)
		snprintf(u->alts[u->n_alts++], sizeof(u->alts[0]), "%s", text);
}

/* "04*016Kg": sizes below 1 KiB and odd ones in bytes, with a space for the multiplier. */
static size_t put_run(
	char *to, size_t room, bool sectors, uint32_t count, uint32_t size, char letter)
{
	bool kilo = size % 1024 == 0;
	int n = snprintf(to, room, sectors ? "%02u*%03u%c%c" : "%03u*%04u%c%c", count,
		kilo ? size / 1024 : size, kilo ? 'K' : ' ', letter);

	return n < 0 || (size_t)n >= room ? 0 : (size_t)n;
}

static void add_flash(struct sim_usb *u)
{
	const struct geometry *g = &u->b->geometry;
	char text[USB_STRING_MAX + 1];
	size_t len = (size_t)snprintf(
		text, sizeof(text), "@Internal Flash  /0x%08X/", u->b->chip->flash_base);
	uint32_t i = 0, n;

	while (i < g->n_units) {
		uint32_t size = geometry_unit(g, i).size;

		for (n = 1; i + n < g->n_units && geometry_unit(g, i + n).size == size;)
			n++;
		i += n;
		/* H72, H7A3: unit sizes of another part. */
		if (sim_has(u->b, CHIP_QUIRK_DFU_LAYOUT_WRONG) && size % 4096 == 0) {
			size /= 4;
			n *= 4;
		}
		len += put_run(
			text + len, sizeof(text) - len, u->b->chip->erase_by_sector, n, size, 'g');
		if (i < g->n_units && len + 1 < sizeof(text))
			text[len++] = ',';
	}
	text[len] = '\0';
	add(u, text);
}

static char letter_of(const struct sim_usb *u)
{
	return sim_has(u->b, CHIP_QUIRK_DFU_ZONES_MISLABELLED) ? 'g' : 'e';
}

static void add_options(struct sim_usb *u)
{
	const struct sim_board *b = u->b;
	char text[USB_STRING_MAX + 1];
	size_t len = (size_t)snprintf(text, sizeof(text), "@Option Bytes  ");

	if (b->n_options == 0 || strcmp(b->chip->series, "C5") == 0)
		return;
	for (size_t i = 0; i < b->n_options; i++) {
		int n = snprintf(text + len, sizeof(text) - len, "/0x%08X/01*%03u %c",
			b->options[i].base, b->options[i].len, letter_of(u));

		if (n > 0 && (size_t)n < sizeof(text) - len)
			len += (size_t)n;
	}
	text[len] = '\0';
	add(u, text);
}

static void add_others(struct sim_usb *u)
{
	const struct chip *c = u->b->chip;
	char text[USB_STRING_MAX + 1];

	if (c->otp.len == 528) { /* 512 bytes and the lock bytes */
		snprintf(text, sizeof(text), "@OTP Memory /0x%08X/01*512 %c,01*016 %c", c->otp.addr,
			letter_of(u), letter_of(u));
		add(u, text);
	} else if (c->otp.len != 0 && c->otp.len < 10000) {
		size_t n =
			(size_t)snprintf(text, sizeof(text), "@OTP Memory /0x%08X/", c->otp.addr);

		put_run(text + n, sizeof(text) - n, false, 1, c->otp.len, letter_of(u));
		add(u, text);
	}
	if (c->eeprom.len != 0 && c->eeprom.len % 1024 == 0) {
		snprintf(text, sizeof(text), "@Data EEPROM  /0x%08X/01*%03uKe", c->eeprom.addr,
			c->eeprom.len / 1024);
		add(u, text);
	}
	if (strcmp(c->series, "F4") == 0) {
		snprintf(text, sizeof(text), "@Device Feature/0x%08X/01*004 e", VOLTAGE_ADDR);
		add(u, text);
	}
}

void usb_map_make(struct sim_usb *u)
{
	u->n_alts = 0;
	switch (u->face) {
	case FACE_ROM:
		add_flash(u);
		add_options(u);
		add_others(u);
		break;
	case FACE_RUNTIME: add(u, "DFU run-time"); break;
	case FACE_PLAIN:
		add(u, "Application");
		if (u->cfg.places)
			add(u, "Next application");
		break;
	case FACE_NONE: break;
	}
}
