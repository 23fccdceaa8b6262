/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout_show.c - a partition table as picture and as fragments of other languages
 */
#include "layout_show.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <stmota/text.h>

#define BAR_WIDTH 64u

static int put(struct buf *b, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int put(struct buf *b, struct err *e, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return buf_append(b, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1, e);
}

/* ---- the bar ---- */

static char sign(const struct layout_area *a)
{
	switch (a->kind) {
	case LAYOUT_BOOTLOADER:
	case LAYOUT_BOOTLOADER_COPY: return 'B';
	case LAYOUT_SLOT:
	case LAYOUT_STAGING_AREA: return (char)('0' + a->number);
	case LAYOUT_SCRATCH: return 'S';
	case LAYOUT_FREE: break;
	}
	return '.';
}

/* Each area has a column at least; what the application leaves free in a slot is drawn as '-'. */
static void draw(const struct layout_area *a, uint32_t app, uint32_t whole, char *bar, size_t *at)
{
	uint32_t width = (uint32_t)(((uint64_t)a->size * BAR_WIDTH + whole / 2) / whole);
	uint32_t full = width;

	if (a->usable != 0)
		full = (uint32_t)(((uint64_t)app * BAR_WIDTH + whole - 1) / whole);
	if (width == 0)
		width = 1;
	for (uint32_t i = 0; i < width; i++)
		bar[(*at)++] = i == 0 || i < full ? sign(a) : '-';
}

void layout_show_bar(struct out *o, const struct layout *l, const struct layout_request *r)
{
	char bar[BAR_WIDTH + LAYOUT_AREAS_MAX + 1];
	size_t at = 0;

	for (size_t i = 0; i < l->n; i++)
		if (!l->area[i].external)
			draw(&l->area[i], r->app, r->part->size, bar, &at);
	bar[at] = '\0';
	out_text(o, "0x%08" PRIX32 " [%s] 0x%08" PRIX32, r->part->base, bar,
		r->part->base + r->part->size);
	out_text(o, "B bootloader, 1 2 slots and staging areas, - room in them, S scratch, . free");
}

/* ---- fragments ---- */

/* "SLOT_1", "BOOTLOADER_COPY". */
static void identifier(const struct layout_area *a, char *ret, size_t size)
{
	int n = snprintf(ret, size, "%s", layout_kind_name(a->kind));

	if (a->number != 0)
		snprintf(ret + n, size - (size_t)n, "_%u", a->number);
	for (; *ret != '\0'; ret++)
		*ret = (char)(*ret == ' ' ? '_' : *ret >= 'a' && *ret <= 'z' ? *ret - 32 : *ret);
}

int layout_show_ld(
	const struct layout *l, const struct layout_request *r, struct buf *ret, struct err *e)
{
	int rc = put(ret, e,
		"/* %s, %u KiB. Link an application into one region that is marked rx. */\nMEMORY\n{\n",
		r->part->chip->name, r->part->size / 1024);

	for (size_t i = 0; rc == 0 && i < l->n; i++) {
		const struct layout_area *a = &l->area[i];
		bool runs = a->link != 0 || a->kind == LAYOUT_BOOTLOADER;
		char name[40];

		if (a->external || a->kind == LAYOUT_FREE)
			continue;
		identifier(a, name, sizeof(name));
		rc = put(ret, e,
			"\t%-16s (%s) : ORIGIN = 0x%08" PRIX32 ", LENGTH = 0x%08" PRIX32 "%s\n",
			name, runs ? "rx" : "r", runs && a->link != 0 ? a->link : a->addr,
			a->usable != 0 ? a->usable : a->size,
			a->link != 0 && a->link != a->addr
				? " /* runs there after the banks are swapped */"
				: "");
	}
	return rc < 0 ? rc : put(ret, e, "}\n");
}

int layout_show_c(
	const struct layout *l, const struct layout_request *r, struct buf *ret, struct err *e)
{
	int rc = put(ret, e,
		"/* %s, %u KiB: addresses, bytes. External areas count from the start of that flash. */\n"
		"#ifndef FLASH_LAYOUT_H\n#define FLASH_LAYOUT_H\n\n",
		r->part->chip->name, r->part->size / 1024);

	for (size_t i = 0; rc == 0 && i < l->n; i++) {
		const struct layout_area *a = &l->area[i];
		char name[40];

		if (a->kind == LAYOUT_FREE)
			continue;
		identifier(a, name, sizeof(name));
		rc = put(ret, e,
			"#define FLASH_%s_%s 0x%08" PRIX32 "u\n#define FLASH_%s_SIZE 0x%08" PRIX32
			"u\n",
			name, a->external ? "EXTERNAL_OFFSET" : "BASE", a->addr, name, a->size);
		if (rc == 0 && a->link != 0)
			rc = put(ret, e, "#define FLASH_%s_LINK 0x%08" PRIX32 "u\n", name, a->link);
	}
	if (rc == 0)
		rc = put(ret, e, "#define FLASH_IMAGE_SIZE_MAX 0x%08" PRIX32 "u\n\n#endif\n",
			l->slot_size);
	return rc;
}

/* ---- sections of the configuration ---- */

static const char *purpose(const struct layout_area *a)
{
	switch (a->kind) {
	case LAYOUT_SLOT: return "application";
	case LAYOUT_STAGING_AREA: return "staging";
	default: return NULL;
	}
}

/* Where a program in this area runs: a staged one, in slot 1. */
static uint32_t conf_link(const struct layout *l, const struct layout_area *a)
{
	if (a->link != 0)
		return a->link;
	for (size_t i = 0; i < l->n; i++)
		if (l->area[i].kind == LAYOUT_SLOT && l->area[i].link != 0)
			return l->area[i].link;
	return a->addr;
}

/* Only what `flash` may write by name: the boot loader and its scratch area are not among it. */
int layout_show_conf(
	const struct layout *l, const struct layout_request *r, struct buf *ret, struct err *e)
{
	int rc = put(ret, e, "# %s, %u KiB\n", r->part->chip->name, r->part->size / 1024);

	for (size_t i = 0; rc == 0 && i < l->n; i++) {
		const struct layout_area *a = &l->area[i];

		if (a->external || purpose(a) == NULL)
			continue;
		rc = put(ret, e,
			"\n[slot %s%u]\naddress = 0x%08" PRIX32 "\nsize = 0x%" PRIX32
			"\npurpose = %s\nchip = 0x%03X\n",
			a->kind == LAYOUT_SLOT ? "slot" : "staging", a->number, a->addr, a->size,
			purpose(a), r->part->chip->pid);
		if (rc == 0 && conf_link(l, a) != a->addr)
			rc = put(ret, e, "link = 0x%08" PRIX32 "\n", conf_link(l, a));
	}
	return rc;
}

/* ---- SVG ---- */

#define SVG_WIDTH  600u
#define SVG_LEFT   110u
#define SVG_BAR    240u
#define SVG_HEIGHT 480u /* of the whole flash */
#define SVG_LEAST  24u  /* so that text fits */

static const char *const colours[] = {
	[LAYOUT_BOOTLOADER] = "#5b7083",
	[LAYOUT_BOOTLOADER_COPY] = "#8fa1b0",
	[LAYOUT_SLOT] = "#2f7fbf",
	[LAYOUT_STAGING_AREA] = "#3a9d6e",
	[LAYOUT_SCRATCH] = "#c98a2b",
	[LAYOUT_FREE] = "#e4e7ea",
};

static unsigned svg_height(const struct layout_area *a, uint32_t whole)
{
	unsigned h = (unsigned)((uint64_t)a->size * SVG_HEIGHT / whole);

	return h > SVG_HEIGHT ? SVG_HEIGHT : h < SVG_LEAST ? SVG_LEAST : h;
}

static int svg_area(const struct layout_area *a, const struct layout_request *r, unsigned y,
	struct buf *ret, struct err *e)
{
	unsigned h = svg_height(a, r->part->size), app = 0;
	char size[24], name[40];
	int rc;

	text_size(a->size, size, sizeof(size));
	snprintf(name, sizeof(name), a->number != 0 ? "%s %u" : "%s", layout_kind_name(a->kind),
		a->number);
	if (a->usable != 0)
		app = (unsigned)((uint64_t)h * r->app / a->size);
	rc = put(ret, e,
		"<rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" fill=\"%s\"%s stroke=\"#fff\"/>\n",
		SVG_LEFT, y, SVG_BAR, h, colours[a->kind],
		app != 0 ? " fill-opacity=\"0.45\"" : "");
	if (rc == 0 && app != 0)
		rc = put(ret, e,
			"<rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" fill=\"%s\"/>\n",
			SVG_LEFT, y, SVG_BAR, app, colours[a->kind]);
	if (rc == 0)
		rc = put(ret, e,
			"<text x=\"%u\" y=\"%u\" text-anchor=\"end\" font-family=\"monospace\">%s%08" PRIX32
			"</text>\n<text x=\"%u\" y=\"%u\">%s%s, %s</text>\n",
			SVG_LEFT - 8, y + 12, a->external ? "+" : "0x", a->addr,
			SVG_LEFT + SVG_BAR + 12, y + h / 2 + 4, a->external ? "external " : "",
			name, size);
	return rc;
}

int layout_show_svg(
	const struct layout *l, const struct layout_request *r, struct buf *ret, struct err *e)
{
	char app[24], room[24];
	unsigned y = 56, height = 80;
	int rc;

	text_size(r->app, app, sizeof(app));
	text_size(l->room, room, sizeof(room));
	for (size_t i = 0; i < l->n; i++)
		height += svg_height(&l->area[i], r->part->size) + (l->area[i].external ? 12 : 0);
	rc = put(ret, e,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
		"font-family=\"sans-serif\" font-size=\"13\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n"
		"<text x=\"16\" y=\"24\" font-size=\"16\">%s, %u KiB: %s</text>\n"
		"<text x=\"16\" y=\"44\">application %s, room %s in each slot (paler)</text>\n",
		SVG_WIDTH, height, r->part->chip->name, r->part->size / 1024,
		layout_scheme_name(l->scheme), app, room);
	for (size_t i = 0; rc == 0 && i < l->n; i++) {
		if (l->area[i].external)
			y += 12;
		rc = svg_area(&l->area[i], r, y, ret, e);
		y += svg_height(&l->area[i], r->part->size);
	}
	return rc < 0 ? rc : put(ret, e, "</svg>\n");
}
