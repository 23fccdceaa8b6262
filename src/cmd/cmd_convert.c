/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_convert.c - stmota convert: the same image in another file format
 *
 * Into an image that a boot loader checks is convert_mcuboot.c and convert_sfb.c, out of one is here;
 * files that are AES-CTR and nothing else are convert_aes.c.
 */
#include "cmd.h"
#include "convert.h"

#include <stdio.h>
#include <string.h>

#include <stmota/chip.h>
#include <stmota/fmt.h>
#include <stmota/fmt_uf2.h>
#include <stmota/fs.h>
#include <stmota/image.h>
#include <stmota/log.h>
#include <stmota/mcuboot.h>
#include <stmota/sfb.h>

#define ERASED_USUAL 0xff

static const struct opt opts[] = {
	OPT_CHOICE("to", "bin|hex|srec|uf2|dfu|mcuboot|sfb|aes", "the format to make"),
	OPT_CHOICE("from", "aes", "what IN is, where nothing in it says so"),
	OPT_OUT("OUT", "the new file; - is standard output"),
	OPT_U32("address", "ADDR", "where a raw binary begins"),
	OPT_STRING("chip", "PID|NAME", "its UF2 family; bin: its erased value fills holes"),
	OPT_STRING("family", "NAME|ID", "the UF2 family itself, such as STM32F4"),
	OPT_FLAG("payload", "of an MCUboot or SBSFU image only its program"),
	CMD_OPT_DECRYPT_IMAGE,
	CONVERT_OPTS_SIGNED,
	CONVERT_OPTS_MCUBOOT,
	CONVERT_OPTS_SFB,
	CONVERT_OPTS_AES,
	OPT_END,
};

/* What an option is for; others do not take it. */
static const struct {
	const char *name;
	bool mcuboot, sfb, aes;
} signed_options[] = {
	{"version", true, true},
	{"header-size", true, true},
	{"key", true, true},
	{"pad-header", true, false},
	{"slot-size", true, false},
	{"align", true, false},
	{"max-align", true, false},
	{"max-sectors", true, false},
	{"overwrite-only", true, false},
	{"pad", true, false},
	{"confirm", true, false},
	{"security-counter", true, false},
	{"dependencies", true, false},
	{"product", true, false},
	{"boot-record", true, false},
	{"load-addr", true, false},
	{"rom-fixed", true, false},
	{"non-bootable", true, false},
	{"public-key-format", true, false},
	{"pure", true, false},
	{"sha", true, false},
	{"encrypt", true, false},
	{"encrypt-keylen", true, false},
	{"hmac-sha", true, false},
	{"clear", true, false},
	{"scheme", false, true},
	{"image", false, true},
	{"aes-key", false, true, true},
};

static int check_signed(const struct opts *o, struct err *e)
{
	bool mcuboot = strcmp(opt_str(o, "to", ""), "mcuboot") == 0;
	bool sfb = strcmp(opt_str(o, "to", ""), "sfb") == 0;
	bool aes = strcmp(opt_str(o, "to", ""), "aes") == 0;

	for (size_t i = 0; i < ARRAY_LEN(signed_options); i++) {
		if (!opt_given(o, signed_options[i].name) ||
			(mcuboot && signed_options[i].mcuboot) || (sfb && signed_options[i].sfb) ||
			(aes && signed_options[i].aes))
			continue;
		return err_set(e, ERR_USAGE, "--%s is for --to %s", signed_options[i].name,
			signed_options[i].aes        ? "sfb and aes"
			: !signed_options[i].sfb     ? "mcuboot"
			: !signed_options[i].mcuboot ? "sfb"
						     : "mcuboot and sfb");
	}
	if (opt_given(o, "passphrase-file") && !opt_given(o, "key") && !opt_given(o, "decrypt-key"))
		return err_set(e, ERR_USAGE, "--passphrase-file is for --key or --decrypt-key");
	return 0;
}

static int check_aes(const struct opts *o, struct err *e)
{
	bool from = opt_given(o, "from"), to = strcmp(opt_str(o, "to", ""), "aes") == 0;

	for (size_t i = 0; !from && !to && i < 2; i++)
		if (opt_given(o, i == 0 ? "iv" : "salt"))
			return err_set(e, ERR_USAGE, "--%s is for --to aes and --from aes",
				i == 0 ? "iv" : "salt");
	if (from && to) {
		err_set(e, ERR_USAGE, "from AES to AES: one step at a time");
		return err_hint(e, "--from aes --to bin first: --iv and --salt are of one file");
	}
	if (from && opt_given(o, "payload"))
		return err_set(e, ERR_USAGE, "--payload is for MCUboot and SBSFU images");
	return 0;
}

static int check(const struct command_env *env, struct err *e)
{
	const struct opts *o = env->opts;
	int rc;

	if (!opt_given(o, "to") || !opt_given(o, "out")) {
		err_set(e, ERR_USAGE, "--%s is missing",
			opt_given(o, "to") ? "out OUT" : "to FORMAT");
		return err_hint(e, "stmota convert app.elf --to hex --out app.hex");
	}
	if (opt_given(o, "family") && strcmp(opt_str(o, "to", ""), "uf2") != 0)
		return err_set(e, ERR_USAGE, "--family is for --to uf2");
	rc = check_aes(o, e);
	if (rc < 0)
		return rc;
	if (strcmp(opt_str(o, "out", ""), "-") == 0 && opt_given(o, "json"))
		return err_set(e, ERR_USAGE, "--json and --out - both write to standard output");
	return check_signed(o, e);
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
	const struct chip **ret_chip, struct fmt_write_options *ret, struct err *e)
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
	*ret_chip = chip;
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

/* ---- out of an image that a boot loader checks ---- */

static bool makes_signed(const struct convert_job *j)
{
	return j->to->kind == FMT_MCUBOOT || j->to->kind == FMT_SFB;
}

/* Where a raw binary belongs is of no matter for what a loader puts into its slot. */
static bool needs_no_place(const struct convert_job *j)
{
	return makes_signed(j) || j->to->kind == FMT_AES;
}

int convert_check_program(const struct convert_job *j, uint32_t offset, struct err *e)
{
	char warning[160] = "";
	uint32_t base = 0;
	int rc;

	if (!j->placed || !image_vector_base(j->image, j->chip, &base))
		return 0;
	rc = image_check_vectors(j->image, base + offset, j->chip, warning, sizeof(warning), e);
	if (rc == 0 && warning[0] != '\0')
		log_warn("%s", warning);
	return rc;
}

/* Where the program was linked for: with the slot's address, else as its vector table looks. */
static uint32_t program_address(const struct convert_job *j, const struct mcuboot_info *m,
	const uint8_t *plain, bool *ret_known)
{
	const struct opts *o = j->env->opts;
	struct mcuboot_info as_plain = *m;
	uint32_t slot;

	*ret_known = true;
	if (opt_given(o, "address"))
		return opt_u32(o, "address", 0) + m->header_size;
	if ((m->flags & MCUBOOT_ROM_FIXED) != 0)
		return m->load_addr + m->header_size;
	as_plain.flags &= ~MCUBOOT_ENCRYPTED;
	if (mcuboot_guess_slot(plain, &as_plain, &slot))
		return slot + m->header_size;
	*ret_known = false;
	return 0;
}

static int program_of(
	struct convert_job *j, const struct mcuboot_info *m, const uint8_t *plain, struct err *e)
{
	const uint8_t *program = plain + m->header_size;
	uint32_t addr = program_address(j, m, plain, &j->placed);

	if ((m->flags & MCUBOOT_COMPRESSED) != 0)
		return err_set(
			e, ERR_UNSUPPORTED, "the program is compressed: unpacking it is not built");
	if (m->body_size == 0)
		return err_set(e, ERR_FORMAT, "the image has no program");
	if (!j->placed && j->to->kind != FMT_BIN && !makes_signed(j)) {
		err_set(e, ERR_USAGE, "an MCUboot image does not say where its slot is");
		return err_hint(e, "give the start of the slot with --address ADDR");
	}
	if ((uint64_t)addr + m->body_size > (uint64_t)1 << 32)
		return err_set(e, ERR_USAGE, "the program would pass the end of the address space");
	return segments_add(j->image, addr, program, m->body_size, e);
}

/* The image as a whole, or its program, with its body in plain if a key is given. */
static int read_mcuboot(struct convert_job *j, const struct buf *file,
	const struct fmt_options *read, struct err *e)
{
	const struct opts *o = j->env->opts;
	cleanup_mcuboot_enc_key struct mcuboot_enc_key *key = NULL;
	cleanup_buf struct buf plain = BUF_INIT;
	struct key_unlock unlock = cmd_unlock(j->env);
	struct mcuboot_info m;
	int rc = mcuboot_inspect(file->data, file->len, &m, e);

	if (rc == 0 && opt_given(o, "decrypt-key"))
		rc = mcuboot_enc_private(opt_str(o, "decrypt-key", ""), &unlock, &key, e);
	if (rc == 0)
		rc = mcuboot_plain(file->data, &m, key, &plain, NULL, e);
	if (rc < 0)
		return err_wrap(e, "%s", j->in);
	if (opt_given(o, "payload"))
		return program_of(j, &m, plain.data, e);
	rc = buf_append(&plain, file->data + m.end, file->len - m.end, e);
	if (rc == 0 && j->to->kind == FMT_BIN) /* as a file of its own it is nowhere */
		return segments_add(j->image, read->address, plain.data, (uint32_t)plain.len, e);
	return rc < 0 ? rc : fmt_read(plain.data, plain.len, j->in, read, j->image, NULL, e);
}

/* A program alone: where its loader puts it in a slot, the file does not say. */
static int read_sfb(struct convert_job *j, const struct buf *file, struct err *e)
{
	const struct opts *o = j->env->opts;
	const char *key = opt_str(o, "decrypt-key", NULL);
	cleanup_buf struct buf plain = BUF_INIT;
	uint8_t aes_key[SFB_AES_KEY];
	struct sfb_info in;
	int rc = sfb_inspect(file->data, file->len, &in, e);

	if (rc == 0 && key != NULL)
		rc = sfb_load_key(key, aes_key, e);
	if (rc == 0)
		rc = sfb_plain(file->data, &in, key != NULL ? aes_key : NULL, &plain, e);
	explicit_bzero(aes_key, sizeof(aes_key));
	if (rc < 0)
		return err_wrap(e, "%s", j->in);
	j->placed = opt_given(o, "address");
	if (!j->placed && j->to->kind != FMT_BIN && !makes_signed(j)) {
		err_set(e, ERR_USAGE, "an SBSFU image does not say where its program belongs");
		return err_hint(e, "give the place of its vector table with --address ADDR");
	}
	return fmt_read(plain.data, plain.len, j->in,
		&(struct fmt_options){
			.has_address = true, .address = opt_u32(o, "address", 0), .raw = true},
		j->image, NULL, e);
}

/* Rubbish or not is not known: so the bytes are taken as they come. */
static int read_aes(
	struct convert_job *j, const struct buf *file, struct fmt_options *read, struct err *e)
{
	cleanup_buf struct buf image = BUF_INIT;
	int rc;

	j->from = fmt_find("aes");
	rc = convert_from_aes(j, file, &image, e);
	if (rc < 0)
		return rc;
	j->placed = read->has_address;
	read->has_address |= j->to->kind == FMT_BIN || needs_no_place(j);
	read->raw = true;
	return fmt_read(image.data, image.len, j->in, read, j->image, NULL, e);
}

static int read_input(struct convert_job *j, const struct buf *file, struct err *e)
{
	const struct opts *o = j->env->opts;
	struct fmt_options read = {
		.has_address = opt_given(o, "address"),
		.address = opt_u32(o, "address", 0),
		.allow_ram = true,
	};
	bool taken_apart = opt_given(o, "payload") || opt_given(o, "decrypt-key");

	j->placed = true;
	if (opt_given(o, "from"))
		return read_aes(j, file, &read, e);
	j->from = fmt_detect(file->data, file->len);
	if (j->from->kind == FMT_MCUBOOT && taken_apart)
		return read_mcuboot(j, file, &read, e);
	if (j->from->kind == FMT_SFB && opt_given(o, "payload"))
		return read_sfb(j, file, e);
	if (taken_apart)
		return err_set(e, ERR_USAGE, "--%s is for MCUboot and SBSFU images; %s is %s",
			opt_given(o, "payload") ? "payload" : "decrypt-key", j->in,
			j->from->description);
	if (j->from->kind == FMT_MCUBOOT && makes_signed(j)) {
		err_set(e, ERR_USAGE, "%s is an MCUboot image already", j->in);
		return err_hint(
			e, "--payload --pad-header takes its program and makes a new image");
	}
	if (!read.has_address && !j->from->has_addresses && needs_no_place(j)) {
		j->placed = false;
		read.has_address = true;
	}
	return fmt_read(file->data, file->len, j->in, &read, j->image, NULL, e);
}

static int write_output(
	struct convert_job *j, const struct fmt_write_options *w, struct buf *made, struct err *e)
{
	if (j->to->kind == FMT_MCUBOOT)
		return convert_to_mcuboot(j, made, e);
	if (j->to->kind == FMT_AES)
		return convert_to_aes(j, made, e);
	return j->to->kind == FMT_SFB ? convert_to_sfb(j, made, e)
				      : fmt_write(j->to, j->image, w, made, e);
}

static int run(struct command_env *env, struct err *e)
{
	cleanup_segments struct segments image = SEGMENTS_INIT;
	cleanup_buf struct buf file = BUF_INIT, made = BUF_INIT;
	struct convert_job j = {
		.env = env,
		.in = opt_arg(env->opts, 0),
		.out = opt_str(env->opts, "out", NULL),
		.to = fmt_called(opt_str(env->opts, "to", "")),
		.image = &image,
	};
	struct fmt_write_options w;
	int rc = write_options(env, j.to, &j.chip, &w, e);

	j.erased = w.erased;
	if (rc == 0)
		rc = cmd_read_input(env, j.in, FS_FILE_MAX, &file, e);
	if (rc == 0)
		rc = read_input(&j, &file, e);
	if (rc == 0)
		rc = write_output(&j, &w, &made, e);
	if (rc == 0)
		rc = fs_write(j.out, made.data, made.len, 0644, e);
	if (rc == 0 && strcmp(j.out, "-") != 0 && !needs_no_place(&j))
		report(env->out, j.out, j.from, j.to, &image, made.len);
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
		"in all. The address where the program starts is kept by hex and srec.\n"
		"\n"
		"--to mcuboot makes an image that MCUboot accepts; its options are named as those\n"
		"of imgtool. An MCUboot image as IN is taken as it lies in its slot (--address),\n"
		"with --payload only its program. --to sfb makes an image for ST's SBSFU.\n"
		"\n"
		"--to aes makes a file that is AES-CTR and nothing else, as the encrypted builds of\n"
		"ST's X-CUBE-DBFU take it; --from aes reads one. It protects nothing but secrecy.\n",
	.examples =
		"stmota convert app.elf --to hex --out app.hex\n"
		"stmota convert app.bin --address 0x08004000 --to dfu --out app.dfu\n"
		"stmota convert app.hex --to uf2 --chip STM32F407 --out app.uf2\n"
		"stmota convert app.bin --to mcuboot --version 1.2.3 --header-size 0x200 "
		"--pad-header --slot-size 0x20000 --key release.pem --out app.img\n"
		"stmota convert app.bin --to sfb --scheme ecdsa --version 3 --header-size 512 "
		"--key release.pem --out app.sfb\n"
		"stmota convert app.img --to bin --payload --decrypt-key device.pem --out app.bin\n"
		"stmota convert app.elf --to aes --aes-key dbfu.key "
		"--iv 62797465202a696e426c6f636b2c2063 --out app.aes",
	.group = COMMAND_PACKAGE,
	.opts = opts,
	.flags = CMD_JSON,
	.min_args = 1,
	.max_args = 1,
	.check = check,
	.run = run,
};
