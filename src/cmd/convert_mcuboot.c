/* SPDX-License-Identifier: Apache-2.0 */
/*
 * convert_mcuboot.c - the options of convert that make an MCUboot image, named as imgtool's are
 */
#include "cmd.h"
#include "convert.h"

#include <string.h>

#include <stmota/mcuboot.h>
#include <stmota/strparse.h>

#define ALIGN_USUAL 8

/* ---- from text ---- */

static int bad_dependencies(const char *text, struct err *e)
{
	err_set(e, ERR_USAGE, "'%.100s' is no list of dependencies", text);
	return err_hint(e, "number of an image and the version it must have at least, such as "
			   "'(1, 2.3.4+5), (2, 1.0.0)'");
}

/* "1, 2.3.4+5" between its brackets. */
static int one_dependency(char *text, struct mcuboot_spec *s, struct err *e)
{
	char *comma = strchr(text, ','), *version;
	uint32_t image;

	if (comma == NULL || s->n_dependencies == MCUBOOT_DEPENDENCIES_MAX)
		return ERR_USAGE;
	*comma = '\0';
	version = comma + 1 + strspn(comma + 1, " ");
	if (parse_u32(text + strspn(text, " "), &image, NULL) < 0 || image > UINT8_MAX ||
		version_parse(version, &s->dependencies[s->n_dependencies].version, e) < 0)
		return ERR_USAGE;
	s->dependencies[s->n_dependencies++].image = (uint8_t)image;
	return 0;
}

static int parse_dependencies(const char *text, struct mcuboot_spec *s, struct err *e)
{
	const char *p = text;

	while (*p != '\0') {
		const char *open = p + strspn(p, ", "), *close = strchr(open, ')');
		char item[64];

		if (*open != '(' || close == NULL || (size_t)(close - open) > sizeof(item))
			return bad_dependencies(text, e);
		snprintf(item, sizeof(item), "%.*s", (int)(close - open - 1), open + 1);
		if (one_dependency(item, s, e) < 0)
			return bad_dependencies(text, e);
		p = close + 1;
	}
	return s->n_dependencies > 0 ? 0 : bad_dependencies(text, e);
}

static int parse_counter(const char *text, struct mcuboot_spec *s, struct err *e)
{
	s->has_counter = true;
	if (strcmp(text, "auto") == 0) {
		s->counter = (uint32_t)s->version.major << 24 | (uint32_t)s->version.minor << 16 |
			     s->version.revision;
		return 0;
	}
	return parse_u32(text, &s->counter, e);
}

static unsigned bits_of(const struct opts *o, const char *name)
{
	uint32_t bits = 0;

	/* "auto" and an option that was not given: nobody wished for anything. */
	return parse_u32(opt_str(o, name, "auto"), &bits, NULL) == 0 ? bits : 0;
}

/* ---- settings ---- */

static int read_spec(const struct convert_job *j, struct mcuboot_spec *s, struct err *e)
{
	const struct opts *o = j->env->opts;
	int rc;

	if (!opt_given(o, "version")) {
		err_set(e, ERR_USAGE, "which version is it?");
		return err_hint(e, "--version 1.2.3+4 stands in the header of an MCUboot image");
	}
	if (!opt_given(o, "header-size")) {
		err_set(e, ERR_USAGE, "how large is the header?");
		return err_hint(e, "the program begins behind it, aligned for its vector table: "
				   "--header-size 0x200, or 0x400 on H5, H7 and U5");
	}
	*s = (struct mcuboot_spec){
		.header_size = opt_u32(o, "header-size", 0),
		.has_room = !opt_given(o, "pad-header"),
		.load_addr = opt_u32(o, "load-addr", 0),
		.rom_fixed = opt_u32(o, "rom-fixed", 0),
		.non_bootable = opt_given(o, "non-bootable"),
		.sw_type = opt_str(o, "boot-record", NULL),
		.product = opt_str(o, "product", NULL),
		.hash_bits = bits_of(o, "sha"),
		.full_key = strcmp(opt_str(o, "public-key-format", "hash"), "full") == 0,
		.pure = opt_given(o, "pure"),
		.aes256 = bits_of(o, "encrypt-keylen") == 256,
		.sha512 = bits_of(o, "hmac-sha") == 512,
		.clear = opt_given(o, "clear"),
		.slot_size = opt_u32(o, "slot-size", 0),
		.align = opt_u32(o, "align", ALIGN_USUAL),
		.max_align = opt_u32(o, "max-align", 0),
		.max_sectors = opt_u32(o, "max-sectors", MCUBOOT_SECTORS_USUAL),
		.overwrite_only = opt_given(o, "overwrite-only"),
		.pad = opt_given(o, "pad"),
		.confirm = opt_given(o, "confirm"),
		.erased = j->erased,
	};
	rc = version_parse(opt_str(o, "version", ""), &s->version, e);
	if (rc == 0 && opt_given(o, "security-counter"))
		rc = parse_counter(opt_str(o, "security-counter", ""), s, e);
	if (rc == 0 && opt_given(o, "dependencies"))
		rc = parse_dependencies(opt_str(o, "dependencies", ""), s, e);
	return rc;
}

/* What is copied to RAM, or is no program, has no place in flash to be judged for. */
static int check_program(const struct convert_job *j, const struct mcuboot_spec *s, struct err *e)
{
	if (s->non_bootable || s->load_addr != 0)
		return 0;
	return convert_check_program(j, s->has_room ? s->header_size : 0, e);
}

static void report(const struct convert_job *j, const struct mcuboot_spec *s, const struct buf *b)
{
	struct out *o = j->env->out;
	char version[VERSION_TEXT_SIZE];
	struct mcuboot_info m;

	if (strcmp(j->out, "-") == 0 || mcuboot_inspect(b->data, b->len, &m, NULL) < 0)
		return;
	out_str(o, "file", j->out);
	out_str(o, "from", j->from->name);
	out_str(o, "format", j->to->name);
	out_str(o, "version", version_format(s->version, version));
	out_size(o, "header_size", m.header_size);
	out_size(o, "body_size", m.body_size);
	if (s->key != NULL) {
		out_str(o, "signed_with", key_type_name(key_type(s->key)));
		out_bytes(o, "key_id", key_id(s->key), KEY_ID_SIZE);
	} else {
		out_str(o, "signed_with", NULL);
	}
	out_bool(o, "encrypted", s->encrypt != NULL && !s->clear);
	out_size(o, "size", b->len);
}

int convert_to_mcuboot(const struct convert_job *j, struct buf *ret, struct err *e)
{
	const struct opts *o = j->env->opts;
	struct fmt_write_options flat = {.erased = j->erased};
	cleanup_mcuboot_enc_key struct mcuboot_enc_key *device = NULL;
	cleanup_buf struct buf program = BUF_INIT;
	struct key_unlock unlock = cmd_unlock(j->env);
	cleanup_key struct key *key = NULL;
	struct mcuboot_spec s;
	int rc = read_spec(j, &s, e);

	if (rc == 0)
		rc = check_program(j, &s, e);
	if (rc == 0)
		rc = fmt_write(fmt_find("bin"), j->image, &flat, &program, e);
	if (rc == 0 && opt_given(o, "key"))
		rc = key_load_private(opt_str(o, "key", ""), &unlock, &key, e);
	if (rc == 0 && opt_given(o, "encrypt"))
		rc = mcuboot_enc_public(opt_str(o, "encrypt", ""), &device, e);
	if (rc < 0)
		return rc;
	s.key = key;
	s.encrypt = device;
	rc = mcuboot_build(&s, program.data, program.len, ret, e);
	if (rc == 0)
		report(j, &s, ret);
	return rc;
}
