/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_info.c - stmota info: what is in a file, and would it start?
 */
#include "cmd.h"

#include <string.h>

#include <imf/imf_app_info.h>
#include <stmota/chip.h>
#include <stmota/digest.h>
#include <stmota/fmt.h>
#include <stmota/fmt_dfuse.h>
#include <stmota/fs.h>
#include <stmota/package.h>
#include <stmota/vectors.h>

#include "info.h"

#define GUESSES_MAX 4

static const struct opt opts[] = {
	OPT_U32("address", "ADDR", "where a raw binary begins"),
	OPT_STRING("chip", "PID|NAME", "judge the vector table for this chip"),
	OPT_END,
};

struct image_call {
	struct out *out;
	const char *name; /* of the file */
	const struct buf *file;
	const struct fmt *format;
	const struct chip *chip; /* NULL: not named */
	struct fmt_options read;
	bool guessing;                 /* a raw binary without address */
	uint32_t guesses[GUESSES_MAX]; /* best first */
	size_t n_guesses;
	struct segments image;
	struct package package; /* borrows `file` */
	struct err refused;     /* a sound container that holds no image for an STM32 */
};

/* A raw binary is shown at the only address that fits, else at 0 and without judgement. */
static void guess_address(struct image_call *c)
{
	size_t suffix = c->format->kind == FMT_DFU ? DFU_SUFFIX_SIZE : 0;

	c->n_guesses = vectors_guess_base(
		c->file->data, c->file->len - suffix, c->guesses, ARRAY_LEN(c->guesses));
	c->read.has_address = true;
	c->read.address = c->n_guesses > 0 ? c->guesses[0] : 0;
}

static void show_guesses(const struct image_call *c)
{
	if (c->n_guesses == 0)
		out_text(c->out,
			"no address: nothing in a raw binary tells it, and no vector table "
			"hints at one (--address ADDR)");
	if (c->n_guesses == 0 && out_mode(c->out) == OUT_HUMAN)
		return;
	out_list(c->out, "guessed_addresses");
	for (size_t i = 0; i < c->n_guesses; i++)
		out_hex(c->out, NULL, c->guesses[i], 8);
	out_end(c->out);
	if (c->n_guesses > 1)
		out_text(c->out,
			"several addresses fit; what follows is shown for the first of them");
}

static void show_record(const struct image_call *c)
{
	struct imf_app_info record;
	uint32_t offset;
	bool found = false;

	int rc = package_find_app_info(&c->image, &offset, &record, &found, NULL);

	if (rc < 0)
		out_text(c->out, "several app_info records: pack would refuse this image");
	else if (found)
		info_app_info(c->out, &record);
}

/* Everything that can fail for the file's fault, before anything is described. */
static int load(struct image_call *c, struct err *e)
{
	int rc;

	c->format = fmt_detect(c->file->data, c->file->len);
	if (c->format->kind == FMT_SOTA) {
		rc = package_open(c->file->data, c->file->len, &c->package, e);
		if (rc < 0)
			err_wrap(e, "%s", c->name);
		return rc;
	}
	if (c->format->read == NULL || c->format->kind == FMT_MCUBOOT) {
		rc = info_container(NULL, c->format, c->file, e);
		return rc < 0 ? err_wrap(e, "%s", c->name) : 0;
	}
	c->guessing = !c->format->has_addresses && !c->read.has_address;
	if (c->guessing)
		guess_address(c);
	rc = fmt_read(c->file->data, c->file->len, c->name, &c->read, &c->image, NULL, e);
	if (rc == ERR_UNSUPPORTED && info_is_container(c->format) &&
		info_container(NULL, c->format, c->file, NULL) == 0) {
		c->refused = *e;
		err_clear(e);
		rc = 0;
	}
	return rc;
}

static int show_image(struct image_call *c, struct err *e)
{
	uint8_t id[64];
	size_t id_len = fmt_elf_build_id(c->file->data, c->file->len, id, sizeof(id));
	int rc;

	if (c->image.has_entry)
		out_hex(c->out, "entry", c->image.entry, 8);
	if (id_len > 0)
		out_bytes(c->out, "build_id", id, id_len);
	if (c->guessing)
		show_guesses(c);
	out_size(c->out, "image_size", segments_size(&c->image));
	if (c->format->kind == FMT_BIN && c->file->len % 4 != 0)
		out_text(c->out, "the size is no multiple of 4: was the file cut off?");
	rc = info_segments(c->out, &c->image, e);
	if (rc == 0 && !(c->guessing && c->n_guesses != 1))
		info_vectors(c->out, &c->image, c->chip);
	if (rc == 0)
		show_record(c);
	return rc;
}

static int show_file(struct image_call *c, struct err *e)
{
	uint8_t digest[SHA256_SIZE];
	int rc = sha256(c->file->data, c->file->len, digest, e);

	if (rc < 0)
		return rc;
	out_str(c->out, "file", c->name);
	out_str(c->out, "format", c->format->name);
	out_size(c->out, "file_size", c->file->len);
	out_bytes(c->out, "sha256", digest, sizeof(digest));
	if (c->format->kind == FMT_SOTA)
		return info_package(c->out, &c->package, e);
	if (info_is_container(c->format)) {
		rc = info_container(c->out, c->format, c->file, e);
		if (rc < 0)
			return rc;
	}
	out_bool(c->out, "readable", c->format->read != NULL && c->refused.code == ERR_NONE);
	if (c->refused.code != ERR_NONE) {
		out_str(c->out, "reason", c->refused.msg);
		return 0;
	}
	if (c->format->kind == FMT_MCUBOOT || c->format->kind == FMT_SFB) /* all of it has been said */
		return 0;
	if (c->format->read != NULL)
		return show_image(c, e);
	out_text(c->out, "recognised, but reading an image from the format %s is not built",
		c->format->description);
	return 0;
}

static int run(struct command_env *env, struct err *e)
{
	cleanup_buf struct buf file = BUF_INIT;
	struct image_call c = {.out = env->out, .file = &file, .name = opt_arg(env->opts, 0)};
	int rc;

	if (opt_given(env->opts, "chip")) {
		rc = chip_find_name(opt_str(env->opts, "chip", ""), &c.chip, e);
		if (rc < 0)
			return rc;
	}
	rc = cmd_read_input(env, c.name, FS_FILE_MAX, &file, e);
	if (rc < 0)
		return rc;
	c.read.has_address = opt_given(env->opts, "address");
	c.read.address = opt_u32(env->opts, "address", 0);
	c.read.allow_ram = true;
	rc = load(&c, e);
	if (rc == 0)
		rc = show_file(&c, e);
	segments_done(&c.image);
	return rc;
}

const struct command cmd_info = {
	.name = "info",
	.args = "FILE",
	.summary = "show what is in an image or package",
	.details = "Format, digests, segments and holes, vector table and what is wrong with it,\n"
		   "guessed address of a raw binary; of a package the manifest, its components\n"
		   "and who signed. Signatures are shown, not believed: that is verify.",
	.examples = "stmota info app.elf\n"
		    "stmota info app.bin --chip STM32F407\n"
		    "stmota info lamp.sota --json",
	.group = COMMAND_PACKAGE,
	.opts = opts,
	.flags = CMD_JSON,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
