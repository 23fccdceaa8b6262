/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_check.c - stmota check: will this image run there, and what speaks against it?
 */
#include "cmd.h"

#include <string.h>

#include <stmota/chip.h>
#include <stmota/fmt.h>
#include <stmota/fmt_mcuboot.h>
#include <stmota/fs.h>
#include <stmota/image.h>
#include <stmota/slot.h>

static const struct opt opts[] = {
	OPT_STRING("chip", "PID|NAME", "the chip, such as 0x413 or STM32F407"),
	OPT_U32("at", "ADDR", "where its vector table will lie (MCUboot image: its slot)"),
	OPT_STRING("slot", "NAME", "for this slot of the configuration, instead of --at"),
	OPT_U32("flash-size", "SIZE", "flash of this part, such as 64K; default: the largest"),
	OPT_END,
};

struct check_call {
	struct out *out;
	const char *name; /* of the file */
	struct buf file;
	struct segments image;
	const struct fmt *format;
	struct geometry geometry;
	bool has_at;
	uint32_t at;
	bool has_slot;
	struct slot slot;
	unsigned n_errors;
};

/* Bank modes differ in their erase units, not in where flash ends: the table's will do. */
static int find_part(struct check_call *c, const struct command_env *env, struct err *e)
{
	const struct chip *chip = NULL;
	int rc;

	if (c->has_slot)
		chip = c->slot.chip;
	if (!opt_given(env->opts, "chip") && chip == NULL) {
		err_set(e, ERR_USAGE, "for which chip?");
		return err_hint(e, "--chip 0x413 or --chip STM32F407: an image does not say it");
	}
	rc = opt_given(env->opts, "chip") ? chip_find_name(opt_str(env->opts, "chip", ""), &chip, e)
					  : 0;
	if (rc == 0)
		rc = geometry_init(&c->geometry, chip, opt_u32(env->opts, "flash-size", 0),
			CHIP_BANKS_TABLE, e);
	if (rc == 0 && c->has_slot)
		rc = slot_check_part(&c->slot, env->config, &c->geometry, e);
	return rc;
}

static int find_slot(struct check_call *c, const struct command_env *env, struct err *e)
{
	int rc;

	if (!opt_given(env->opts, "slot"))
		return 0;
	if (c->has_at)
		return err_set(e, ERR_USAGE, "--at and --slot both say where it goes");
	rc = slot_find(env->config, opt_str(env->opts, "slot", ""), &c->slot, e);
	if (rc == 0 && c->slot.purpose == SLOT_DATA) {
		err_set(e, ERR_USAGE, "slot %s is for data: no program runs there", c->slot.name);
		return err_hint(
			e, "purpose = application in %s makes it one for programs", c->slot.origin);
	}
	c->has_slot = c->has_at = rc == 0;
	c->at = c->slot.link;
	return rc;
}

/* A raw binary lies at --at, else at the only address that its table fits. */
static int place_raw(struct check_call *c, struct fmt_options *read, struct err *e)
{
	char text[160];
	uint32_t fits[2];
	size_t n = 0;

	if (!c->has_at)
		n = vectors_guess_base(c->file.data, c->file.len, fits, ARRAY_LEN(fits));
	if (c->has_at || n == 1) {
		read->has_address = true;
		read->address = c->has_at ? c->at : fits[0];
		return 0;
	}
	err_set(e, ERR_USAGE, "%s is a raw binary, which does not say where it goes", c->name);
	if (vectors_guess_text(c->file.data, c->file.len, "--at ", text, sizeof(text)))
		return err_hint(e, "%s", text);
	return err_hint(e, "--at ADDR");
}

/* --at is where the slot begins; without it the reader says what the file tells about it. */
static int place_mcuboot(struct check_call *c, struct fmt_options *read, struct err *e)
{
	struct mcuboot_info m;
	uint32_t slot;
	int rc = mcuboot_inspect(c->file.data, c->file.len, &m, e);

	if (rc < 0)
		return err_wrap(e, "%s", c->name);
	if (mcuboot_is_opaque(c->file.data, c->file.len)) {
		err_set(e, ERR_UNSUPPORTED,
			"%s is encrypted or compressed: its program cannot be judged", c->name);
		return err_hint(e, "'stmota convert --payload --decrypt-key KEY.pem' takes it out");
	}
	read->has_address = c->has_at;
	read->address = c->at;
	if (!c->has_at && (m.flags & MCUBOOT_ROM_FIXED) == 0 &&
		mcuboot_guess_slot(c->file.data, &m, &slot)) {
		read->has_address = true;
		read->address = slot;
	}
	return 0;
}

static bool is_raw(const struct check_call *c)
{
	return c->format->kind == FMT_BIN || c->format->kind == FMT_DFU ||
	       c->format->kind == FMT_MCUBOOT;
}

static int load(struct check_call *c, const struct command_env *env, struct err *e)
{
	struct fmt_options read = {.allow_ram = true};
	int rc = cmd_read_input(env, c->name, FS_FILE_MAX, &c->file, e);

	if (rc < 0)
		return rc;
	c->format = fmt_detect(c->file.data, c->file.len);
	if (c->format->kind == FMT_SOTA) {
		err_set(e, ERR_UNSUPPORTED, "%s is a package: its programs were judged by pack",
			c->name);
		return err_hint(e, "'stmota info' shows the verdict on each of them");
	}
	if (c->format->kind == FMT_MCUBOOT)
		rc = place_mcuboot(c, &read, e);
	else if (is_raw(c))
		rc = place_raw(c, &read, e);
	if (rc == 0)
		rc = fmt_read(c->file.data, c->file.len, c->name, &read, &c->image, NULL, e);
	return rc;
}

static void tell_people(struct out *o, const struct finding *f)
{
	out_text(o, "%-8s  %s", verdict_name(f->verdict), f->what);
	if (f->todo[0] != '\0')
		out_text(o, "          %s", f->todo);
}

static void tell(void *ctx, const struct finding *f)
{
	struct check_call *c = ctx;
	struct out *o = c->out;

	c->n_errors += f->verdict == VERDICT_ERROR;
	if (out_mode(o) == OUT_HUMAN) {
		tell_people(o, f);
		return;
	}
	out_object(o, NULL);
	out_str(o, "verdict", verdict_name(f->verdict));
	out_str(o, "rule", f->rule);
	if (f->word >= 0)
		out_uint(o, "word", (uint64_t)f->word);
	else
		out_str(o, "word", NULL);
	out_hex(o, "address", f->addr, 8);
	out_str(o, "what", f->what);
	out_str(o, "todo", f->todo[0] != '\0' ? f->todo : NULL);
	out_end(o);
}

/* A file that knows its address was linked for it: it can be nowhere else. */
static void judge_at(struct check_call *c, uint32_t base)
{
	struct finding f = {
		.verdict = VERDICT_ERROR, .rule = "link_address", .word = -1, .addr = c->at};

	if (!c->has_at || c->at == base)
		return;
	snprintf(
		f.what, sizeof(f.what), "the file is made for 0x%08X, not for 0x%08X", base, c->at);
	snprintf(f.todo, sizeof(f.todo), "link it for 0x%08X", c->at);
	tell(c, &f);
}

/* Where it runs it takes as much as the slot holds: behind that lies something else. */
static void judge_slot(struct check_call *c)
{
	struct finding f = {.verdict = VERDICT_ERROR, .rule = "slot", .word = -1};
	struct span room = {c->slot.link, c->slot.at.len}, out;

	if (!c->has_slot || !image_outside(&c->image, room, &out))
		return;
	f.addr = out.addr;
	snprintf(f.what, sizeof(f.what),
		"0x%08X..0x%08X of it are outside slot %s (0x%08X..0x%08X)", out.addr,
		(unsigned)(span_end(out) - 1), c->slot.name, room.addr,
		(unsigned)(span_end(room) - 1));
	snprintf(f.todo, sizeof(f.todo), "slot %s has %u bytes: %s", c->slot.name, room.len,
		c->slot.origin);
	tell(c, &f);
}

static int judge(struct check_call *c, struct err *e)
{
	bool list = out_mode(c->out) != OUT_HUMAN;
	enum verdict worst;
	uint32_t base = 0;

	if (!image_vector_base(&c->image, c->geometry.chip, &base))
		return err_set(e, ERR_NO_FIT, "%s is empty", c->name);
	/* An image that covers more than its program: the table is where it is said to be. */
	if (c->has_at && segments_at(&c->image, c->at) != NULL && !is_raw(c))
		base = c->at;
	if (c->format->kind == FMT_MCUBOOT) /* --at was its slot */
		c->at = base;
	out_str(c->out, "file", c->name);
	out_str(c->out, "format", c->format->name);
	cmd_out_chip(c->out, c->geometry.chip->pid);
	out_hex(c->out, "address", base, 8);
	if (c->has_slot)
		out_str(c->out, "slot", c->slot.name);
	if (list)
		out_list(c->out, "findings");
	judge_at(c, base);
	judge_slot(c);
	worst = image_judge(&c->image, base, &c->geometry, tell, c);
	if (list)
		out_end(c->out);
	if (c->n_errors > 0)
		worst = VERDICT_ERROR;
	out_bool(c->out, "runs", worst != VERDICT_ERROR);
	out_str(c->out, "verdict", verdict_name(worst));
	if (worst != VERDICT_ERROR)
		return 0;
	err_set(e, ERR_NO_FIT, "%s will not run at 0x%08X on %s: %u %s", c->name,
		c->has_at ? c->at : base, c->geometry.chip->name, c->n_errors,
		c->n_errors == 1 ? "reason" : "reasons");
	return err_at(e, base);
}

static int run(struct command_env *env, struct err *e)
{
	struct check_call c = {.out = env->out,
		.name = opt_arg(env->opts, 0),
		.has_at = opt_given(env->opts, "at"),
		.at = opt_u32(env->opts, "at", 0)};
	int rc = find_slot(&c, env, e);

	if (rc == 0)
		rc = find_part(&c, env, e);
	if (rc == 0)
		rc = load(&c, env, e);
	if (rc == 0)
		rc = judge(&c, e);
	segments_done(&c.image);
	buf_done(&c.file);
	return rc;
}

const struct command cmd_check = {
	.name = "check",
	.args = "IMAGE",
	.needs = "--chip PID",
	.summary = "say whether an image will run at an address of a chip, and why not",
	.details =
		"Looks at the vector table, at the address that the code was linked for, at\n"
		"what the chip's VTOR needs, at loaders that refuse some stack pointers, and at\n"
		"the room in flash. pack and flash judge by the same rules. Exit status 6 if it\n"
		"will not run there; what is only doubtful changes nothing about it.",
	.examples = "stmota check app.elf --chip STM32F407\n"
		    "stmota check app.bin --chip 0x447 --at 0x08018800 --json\n"
		    "stmota check app.bin --slot slot2",
	.group = COMMAND_PACKAGE,
	.opts = opts,
	.flags = CMD_JSON,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
