/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_layout.c - stmota layout: a partition table for a chip, an application and wishes
 */
#include "cmd.h"

#include <stdio.h>
#include <string.h>

#include <stmota/chip.h>
#include <stmota/fs.h>
#include <stmota/layout.h>

#include "layout_show.h"

static const struct opt opts[] = {
	OPT_STRING("chip", "PID|NAME", "the chip, such as 0x447 or STM32L072"),
	OPT_U32("app", "SIZE", "bytes of the application, such as 93K"),
	OPT_U32("bootloader", "SIZE", "bytes of the bootloader, such as 4K; 0 with --scheme self"),
	OPT_U32("slots", "N", "slots and staging areas together; default: 2"),
	OPT_U32("external", "SIZE", "bytes of external flash, for staging"),
	OPT_CHOICE("scheme", "slots|staging|swap|self", "what the slots are for"),
	OPT_U32("slot-size", "SIZE", "as much for each slot; default: as much as there is"),
	OPT_U32("flash-size", "SIZE", "flash of this part, such as 64K; default: the largest"),
	OPT_CHOICE("banks", "single|dual", "what the option bytes of the part say"),
	OPT_CHOICE("format", "table|ld|c-header|conf", "print this instead of the table"),
	OPT_FILE("svg", "FILE", "draw a picture too"),
	OPT_END,
};

static int find_part(const struct command_env *env, struct geometry *ret, struct err *e)
{
	const char *banks = opt_str(env->opts, "banks", "");
	const struct chip *chip = NULL;
	enum chip_banks mode = CHIP_BANKS_DEFAULT;
	int rc;

	rc = chip_find_name(opt_str(env->opts, "chip", ""), &chip, e);
	if (rc < 0)
		return rc;
	if (banks[0] != '\0')
		mode = strcmp(banks, "dual") == 0 ? CHIP_BANKS_FORCE_DUAL : CHIP_BANKS_FORCE_SINGLE;
	rc = geometry_init(ret, chip, opt_u32(env->opts, "flash-size", 0), mode, e);
	/* That a smaller part has two banks too is not confirmed: one bank is right in either case. */
	if (rc == 0 && banks[0] == '\0' && chip->bank_mode == BANKS_DUAL_AT_MAXIMUM_SIZE &&
		ret->banks == 2 && ret->size < chip->flash_size_max)
		rc = geometry_init(ret, chip, ret->size, CHIP_BANKS_FORCE_SINGLE, e);
	if (rc == ERR_UNSUPPORTED && banks[0] == '\0')
		err_hint(e, "--banks single or --banks dual");
	return rc;
}

static int check(const struct command_env *env, struct err *e)
{
	static const char *const needed[] = {"chip", "app", "bootloader"};

	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (!opt_given(env->opts, needed[i]))
			return err_set(e, ERR_USAGE, "--%s is needed", needed[i]);
	return 0;
}

static enum layout_scheme scheme_of(const char *name)
{
	for (unsigned s = LAYOUT_SLOTS; s <= LAYOUT_SELF; s++)
		if (strcmp(name, layout_scheme_name((enum layout_scheme)s)) == 0)
			return (enum layout_scheme)s;
	return LAYOUT_AUTO;
}

static void show_areas(struct out *o, const struct layout *l)
{
	out_table(o, "areas");
	for (size_t i = 0; i < l->n; i++) {
		const struct layout_area *a = &l->area[i];
		char name[40];

		snprintf(name, sizeof(name), a->number != 0 ? "%s %u" : "%s",
			layout_kind_name(a->kind), a->number);
		out_object(o, NULL);
		out_str(o, "area", name);
		out_str(o, "in", a->external ? "external" : "flash");
		out_hex(o, "address", a->addr, 8);
		out_hex(o, "last", (uint64_t)a->addr + a->size - 1, 8);
		out_size(o, "size", a->size);
		if (a->link != 0)
			out_hex(o, "link_address", a->link, 8);
		else
			out_str(o, "link_address", NULL);
		out_end(o);
	}
	out_end(o);
}

static void show_notes(struct out *o, const struct layout *l)
{
	if (out_mode(o) != OUT_HUMAN)
		out_list(o, "notes");
	for (size_t i = 0; i < l->n_notes; i++) {
		if (out_mode(o) == OUT_HUMAN)
			out_text(o, "note: %s", l->note[i]);
		else
			out_str(o, NULL, l->note[i]);
	}
	if (out_mode(o) != OUT_HUMAN)
		out_end(o);
}

/* A product ID stands for parts of several sizes, and a part's name is not looked into. */
static void note_size(const struct command_env *env, const struct geometry *part, struct layout *l)
{
	if (!opt_given(env->opts, "flash-size") && l->n_notes < LAYOUT_NOTES_MAX)
		snprintf(l->note[l->n_notes++], sizeof(l->note[0]),
			"%u KiB of flash are those of the largest part with product ID 0x%03X; "
			"--flash-size for a smaller one",
			part->size / 1024, part->chip->pid);
}

static void show_request(struct out *o, const struct layout_request *r)
{
	cmd_out_chip(o, r->part->chip->pid);
	out_size(o, "flash_size", r->part->size);
	out_uint(o, "banks", r->part->banks);
	out_size(o, "application_size", r->app);
	out_size(o, "bootloader_size", r->bootloader);
}

static void show(struct out *o, const struct layout *l, const struct layout_request *r)
{
	show_request(o, r);
	out_str(o, "scheme", layout_scheme_name(l->scheme));
	out_bool(o, "by_banks", l->by_banks);
	out_size(o, "slot_size", l->slot_size);
	out_size(o, "room", l->room);
	out_real(o, "room_percent", 100.0 * l->room / l->slot_size, 1);
	show_areas(o, l);
	layout_show_bar(o, l, r);
	show_notes(o, l);
}

/* A fragment is the whole output, so that it can go into a file as it is. */
static int show_as(
	const char *format, const struct layout *l, const struct layout_request *r, struct err *e)
{
	static const struct {
		const char *format;
		int (*show)(const struct layout *l, const struct layout_request *r, struct buf *ret,
			struct err *e);
	} shows[] = {
		{"ld", layout_show_ld}, {"c-header", layout_show_c}, {"conf", layout_show_conf}};
	cleanup_buf struct buf text = BUF_INIT;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(shows); i++)
		if (strcmp(format, shows[i].format) == 0)
			rc = shows[i].show(l, r, &text, e);
	return rc < 0 ? rc : fs_write("-", text.data, text.len, 0644, e);
}

static int draw(
	const char *path, const struct layout *l, const struct layout_request *r, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT;
	int rc = layout_show_svg(l, r, &text, e);

	return rc < 0 ? rc : fs_write(path, text.data, text.len, 0644, e);
}

static int run(struct command_env *env, struct err *e)
{
	const char *format = opt_str(env->opts, "format", "table");
	const char *svg = opt_str(env->opts, "svg", NULL);
	bool table = strcmp(format, "table") == 0 || out_mode(env->out) == OUT_JSON;
	struct geometry part;
	struct layout_request r = {.part = &part,
		.scheme = scheme_of(opt_str(env->opts, "scheme", "")),
		.app = opt_u32(env->opts, "app", 0),
		.bootloader = opt_u32(env->opts, "bootloader", 0),
		.slots = opt_u32(env->opts, "slots", 2),
		.slot_size = opt_u32(env->opts, "slot-size", 0),
		.external = opt_u32(env->opts, "external", 0)};
	struct layout l;
	int rc = find_part(env, &part, e);

	if (rc < 0)
		return rc;
	if (r.slots == 0)
		return err_set(e, ERR_USAGE, "--slots 0: an application needs one");
	rc = layout_make(&r, &l, e);
	note_size(env, &part, &l);
	if (rc < 0) {
		show_request(env->out, &r);
		show_notes(env->out, &l);
		return rc;
	}
	if (svg != NULL)
		rc = draw(svg, &l, &r, e);
	if (rc == 0 && table)
		show(env->out, &l, &r);
	else if (rc == 0)
		rc = show_as(format, &l, &r, e);
	return rc;
}

const struct command cmd_layout = {
	.name = "layout",
	.args = "",
	.needs = "--chip PID --app SIZE --bootloader SIZE",
	.summary = "divide the flash of a chip into bootloader and slots",
	.details =
		"Every area is made of whole erase units, every slot begins where a vector\n"
		"table may lie, and the areas add up to the flash. What cannot be is refused\n"
		"with the reason, the most that is possible, and what else can be done. Without\n"
		"--scheme: staging if there is external flash or no VTOR, else slots.\n\n"
		"slots: the program runs from whichever slot holds it. staging: it runs from\n"
		"slot 1, and the bootloader copies it there. swap: the bootloader exchanges two\n"
		"slots through a scratch area. self: no bootloader, the application replaces\n"
		"itself.\n\n"
		"--format conf prints [slot NAME] sections for stmota.conf(5): flash --slot and\n"
		"check --slot take their names.",
	.examples = "stmota layout --chip 0x447 --app 93K --bootloader 4K\n"
		    "stmota layout --chip STM32F429 --flash-size 1M --banks single --app 200K \\\n"
		    "    --bootloader 96K --scheme swap --format c-header",
	.group = COMMAND_PACKAGE,
	.opts = opts,
	.flags = CMD_JSON,
	.min_args = 0,
	.max_args = 0,
	.check = check,
	.run = run,
};
