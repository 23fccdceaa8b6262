/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_convert.c - stmota convert: the same image in another file format
 */
#include "cmd.h"

#include <stdio.h>
#include <string.h>

#include <stmota/chip.h>
#include <stmota/fmt.h>
#include <stmota/fmt_uf2.h>
#include <stmota/fs.h>

#define ERASED_USUAL 0xff

static const struct opt opts[] = {
	OPT_CHOICE("to", "bin|hex|srec|uf2|dfu|mcuboot", "the format to make"),
	OPT_OUT("OUT", "the new file; - is standard output"),
	OPT_U32("address", "ADDR", "where a raw binary begins"),
	OPT_STRING("chip", "PID|NAME", "its UF2 family; bin: its erased value fills holes"),
	OPT_STRING("family", "NAME|ID", "the UF2 family itself, such as STM32F4"),
	OPT_END,
};

static int check(const struct command_env *env, struct err *e)
{
	const struct opts *o = env->opts;

	if (!opt_given(o, "to") || !opt_given(o, "out")) {
		err_set(e, ERR_USAGE, "--%s is missing",
			opt_given(o, "to") ? "out OUT" : "to FORMAT");
		return err_hint(e, "stmota convert app.elf --to hex --out app.hex");
	}
	if (opt_given(o, "family") && strcmp(opt_str(o, "to", ""), "uf2") != 0)
		return err_set(e, ERR_USAGE, "--family is for --to uf2");
	if (strcmp(opt_str(o, "out", ""), "-") == 0 && opt_given(o, "json"))
		return err_set(e, ERR_USAGE, "--json and --out - both write to standard output");
	return 0;
}

/* Chips of one series share an id; F407 has ids of its own, which only --family can mean. */
static int family_of(const struct chip *chip, struct fmt_write_options *w, struct err *e)
{
	char name[32];
	int rc;

	snprintf(name, sizeof(name), "STM32%s", chip->series);
	rc = uf2_family_parse(name, &w->family, NULL);
	if (rc < 0) {
		err_set(e, ERR_UNSUPPORTED, "the UF2 family of %s is not confirmed", name);
		return err_hint(e, "if you know it, give --family ID");
	}
	w->has_family = true;
	return 0;
}

static int write_options(const struct command_env *env, const struct fmt *to,
	struct fmt_write_options *ret, struct err *e)
{
	const struct opts *o = env->opts;
	const struct chip *chip = NULL;
	int rc = 0;

	*ret = (struct fmt_write_options){.erased = ERASED_USUAL};
	if (opt_given(o, "chip"))
		rc = chip_find_name(opt_str(o, "chip", ""), &chip, e);
	if (rc < 0)
		return rc;
	if (chip != NULL)
		ret->erased = chip->erased_value;
	if (opt_given(o, "family")) {
		ret->has_family = true;
		return uf2_family_parse(opt_str(o, "family", ""), &ret->family, e);
	}
	return to->kind == FMT_UF2 && chip != NULL ? family_of(chip, ret, e) : 0;
}

static void report(struct out *o, const char *path, const struct fmt *from, const struct fmt *to,
	const struct segments *s, size_t size)
{
	uint64_t bytes = segments_size(s);
	uint64_t filled = to->kind == FMT_BIN ? size - bytes : 0;

	out_str(o, "file", path);
	out_str(o, "from", from->name);
	out_str(o, "format", to->name);
	out_hex(o, "address", s->v[0].addr, 8);
	out_uint(o, "segments", s->n);
	out_size(o, "image_size", bytes);
	out_size(o, "filled", filled);
	out_size(o, "size", size);
}

static int run(struct command_env *env, struct err *e)
{
	const char *path = opt_str(env->opts, "out", NULL), *in = opt_arg(env->opts, 0);
	const struct fmt *to = fmt_called(opt_str(env->opts, "to", "")), *from = NULL;
	struct fmt_options read = {
		.has_address = opt_given(env->opts, "address"),
		.address = opt_u32(env->opts, "address", 0),
		.allow_ram = true,
	};
	cleanup_buf struct buf file = BUF_INIT, made = BUF_INIT;
	cleanup_segments struct segments image = SEGMENTS_INIT;
	struct fmt_write_options w;
	int rc = write_options(env, to, &w, e);

	if (rc == 0)
		rc = fs_read(in, FS_FILE_MAX, &file, e);
	if (rc == 0)
		rc = fmt_read(file.data, file.len, in, &read, &image, &from, e);
	if (rc == 0)
		rc = fmt_write(to, &image, &w, &made, e);
	if (rc == 0)
		rc = fs_write(path, made.data, made.len, 0644, e);
	if (rc == 0 && strcmp(path, "-") != 0)
		report(env->out, path, from, to, &image, made.len);
	return rc;
}

const struct command cmd_convert = {
	.name = "convert",
	.args = "IN",
	.needs = "--to FORMAT --out OUT",
	.summary = "write a firmware file in another format",
	.details =
		"IN is of any format that info calls readable; a raw binary needs --address.\n"
		"Addresses, bytes and holes stay what they are. A raw binary has no holes: they\n"
		"are filled with the erased value of the chip (0xFF without --chip), up to 4 MiB\n"
		"in all. The address where the program starts is kept by hex and srec.\n",
	.examples = "stmota convert app.elf --to hex --out app.hex\n"
		    "stmota convert app.bin --address 0x08004000 --to dfu --out app.dfu\n"
		    "stmota convert app.hex --to uf2 --chip STM32F407 --out app.uf2",
	.group = COMMAND_PACKAGE,
	.opts = opts,
	.flags = CMD_JSON,
	.min_args = 1,
	.max_args = 1,
	.check = check,
	.run = run,
};
