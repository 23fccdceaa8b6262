/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_pack.c - makes a package of firmware files
 *
 * What the firmware says about itself (its imf_app_info record) fills in what the command line
 * leaves out, and stops the command where the two contradict each other: a package that lies about
 * its content would be refused by devices after the release, not before.
 */
#include "cmd.h"

#include <stdio.h>
#include <string.h>

#include <imf/imf_bytes.h>
#include <stmota/chip.h>
#include <stmota/fmt.h>
#include <stmota/fs.h>
#include <stmota/image.h>
#include <stmota/log.h>
#include <stmota/package.h>
#include <stmota/strparse.h>

static const struct opt opts[] = {
	OPT_U32("address", "ADDR", "where a raw binary begins"),
	OPT_STRING("product", "NAME", "product, such as acme.com/streetlight"),
	OPT_STRING("version", "VERSION",
		"version, such as 1.2.3+4 (default: of the firmware's record)"),
	OPT_CHOICE("kind", "application|second-image|configuration|ram-init|ram-code|data",
		"what the file is (default application)"),
	OPT_STRING("chip", "PID", "only for this chip, such as 0x413 or STM32F407"),
	OPT_STRING("hw", "MIN..MAX", "only for these hardware revisions"),
	OPT_U32("counter", "N", "security counter: devices never go below the highest they had"),
	OPT_STRING("min-version", "VERSION", "only over this version or a later one"),
	OPT_STRINGS("component", "KIND:FILE[@ADDR]", "one more component"),
	OPT_FILES("key", "KEY.pem", "private key to sign with"),
	OPT_OUT("OUT.sota", "the package"),
	OPT_END,
};

struct pack {
	const struct opts *opts;
	struct package_spec spec;
	const struct chip *chip; /* NULL: any */
	struct package_item items[IMF_COMPONENTS_MAX];
	struct segments images[IMF_COMPONENTS_MAX];
	bool has_version, has_counter, has_hw;
};

static void pack_done(struct pack *p)
{
	for (size_t i = 0; i < IMF_COMPONENTS_MAX; i++)
		segments_done(&p->images[i]);
}

/* ---- the command line ---- */

static int parse_spec(struct pack *p, struct err *e)
{
	const char *text;
	int rc = 0;

	p->spec = (struct package_spec){.hw_max = UINT16_MAX, .items = p->items};
	p->spec.product = opt_str(p->opts, "product", NULL);
	if (p->spec.product == NULL || !opt_given(p->opts, "out")) {
		err_set(e, ERR_USAGE, "%s",
			p->spec.product == NULL ? "which product is it for?"
						: "where should the package go?");
		return err_hint(e, "stmota pack IN --product acme.com/streetlight --version 1.2.3 "
				   "--out OUT.sota");
	}
	rc = product_check(p->spec.product, e);
	text = opt_str(p->opts, "version", NULL);
	p->has_version = text != NULL;
	if (rc == 0 && text != NULL)
		rc = version_parse(text, &p->spec.version, e);
	text = opt_str(p->opts, "min-version", NULL);
	if (rc == 0 && text != NULL)
		rc = version_parse(text, &p->spec.min_version, e) < 0 ? err_wrap(e, "--min-version")
								      : 0;
	text = opt_str(p->opts, "hw", NULL);
	p->has_hw = text != NULL;
	if (rc == 0 && text != NULL)
		rc = parse_u16_pair(text, &p->spec.hw_min, &p->spec.hw_max, e) < 0
			     ? err_wrap(e, "--hw")
			     : 0;
	text = opt_str(p->opts, "chip", NULL);
	if (rc == 0 && text != NULL)
		rc = chip_find_name(text, &p->chip, e);
	if (p->chip != NULL)
		p->spec.chip = p->chip->pid;
	p->has_counter = opt_given(p->opts, "counter");
	p->spec.counter = opt_u32(p->opts, "counter", 0);
	return rc;
}

/* ---- files ---- */

static int add_file(struct pack *p, const char *path, enum imf_kind kind, bool has_address,
	uint32_t address, struct err *e)
{
	/* Data for another chip is bytes, whatever they look like, and has no address here. */
	bool opaque = kind == IMF_KIND_OPAQUE;
	struct fmt_options opt = {
		.has_address = has_address || opaque,
		.address = address,
		.raw = opaque || kind == IMF_KIND_CONFIGURATION || kind == IMF_KIND_RAM_INIT,
		.allow_ram = kind == IMF_KIND_RAM_CODE || kind == IMF_KIND_RAM_INIT,
	};
	size_t i = p->spec.n_items;
	cleanup_buf struct buf b = BUF_INIT;
	int rc;

	if (i >= IMF_COMPONENTS_MAX)
		return err_set(e, ERR_UNSUPPORTED, "more than %u components", IMF_COMPONENTS_MAX);
	rc = fs_read(path, FS_FILE_MAX, &b, e);
	if (rc < 0)
		return rc;
	if (opaque)
		rc = b.len > 0 ? segments_add(&p->images[i], address, b.data, (uint32_t)b.len, e)
			       : err_set(e, ERR_FORMAT, "%s is empty", path);
	else
		rc = fmt_read(b.data, b.len, path, &opt, &p->images[i], NULL, e);
	if (rc < 0)
		return rc;
	p->items[i] = (struct package_item){.kind = kind, .image = &p->images[i]};
	p->spec.n_items++;
	return 0;
}

/* KIND:FILE[@ADDR]; a file name may hold ':' and, if no number follows, '@'. */
static int add_component(struct pack *p, const char *text, struct err *e)
{
	const char *colon = strchr(text, ':');
	char kind_text[32], path[4096];
	enum imf_kind kind = IMF_KIND_APPLICATION;
	uint32_t address = 0;
	bool has_address;
	char *at;
	int rc;

	if (colon == NULL || (size_t)(colon - text) >= sizeof(kind_text) ||
		strlen(colon + 1) >= sizeof(path) || colon[1] == '\0') {
		err_set(e, ERR_USAGE, "'%.80s' is not KIND:FILE[@ADDR]", text);
		return err_hint(e, "such as --component configuration:settings.bin@0x0800F000");
	}
	memcpy(kind_text, text, (size_t)(colon - text));
	kind_text[colon - text] = '\0';
	rc = package_kind_parse(kind_text, &kind, e);
	if (rc < 0)
		return rc;
	snprintf(path, sizeof(path), "%s", colon + 1);
	at = strrchr(path, '@');
	has_address = at != NULL && parse_u32(at + 1, &address, NULL) == 0;
	if (has_address)
		*at = '\0';
	return add_file(p, path, kind, has_address, address, e);
}

static int load_files(struct pack *p, struct err *e)
{
	enum imf_kind kind = IMF_KIND_APPLICATION;
	int rc = package_kind_parse(opt_str(p->opts, "kind", "application"), &kind, e);

	if (rc == 0)
		rc = add_file(p, opt_arg(p->opts, 0), kind, opt_given(p->opts, "address"),
			opt_u32(p->opts, "address", 0), e);
	for (size_t i = 0; rc == 0 && i < opt_count(p->opts, "component"); i++)
		rc = add_component(p, opt_str_at(p->opts, "component", i), e);
	return rc;
}

/* ---- will it run, and is it what it says ---- */

static int check_program(const struct pack *p, size_t i, struct err *e)
{
	const struct package_item *it = &p->items[i];
	struct span extent = segments_extent(it->image);
	char warning[160] = "";
	uint32_t base = extent.addr;
	int rc;

	if (it->kind != IMF_KIND_APPLICATION)
		return 0;
	if (p->chip != NULL && extent.addr >= p->chip->flash_base &&
		extent.addr - p->chip->flash_base < p->chip->flash_size_max &&
		span_end(extent) - p->chip->flash_base > p->chip->flash_size_max) {
		err_set(e, ERR_NO_FIT, "the image ends behind the flash of %s", p->chip->name);
		return err_hint(e, "the largest part of 0x%03X has %u KiB", p->chip->pid,
			p->chip->flash_size_max / 1024);
	}
	image_vector_base(it->image, p->chip, &base);
	rc = image_check_vectors(it->image, base, p->chip, warning, sizeof(warning), e);
	if (rc == 0 && warning[0] != '\0')
		log_warn("%s", warning);
	return rc;
}

static int product_differs(const struct pack *p, const struct imf_app_info *info, struct err *e)
{
	uint8_t uuid[UUID_SIZE];
	char text[UUID_TEXT_SIZE];
	int rc = product_uuid(p->spec.product, uuid, e);

	if (rc < 0 || memcmp(uuid, info->product, UUID_SIZE) == 0)
		return rc;
	err_set(e, ERR_IDENTITY, "the firmware is of product %s, not of %.100s",
		uuid_format(info->product, text), p->spec.product);
	return err_hint(e, "words of %s for IMF_APP_INFO(): 0x%08x, 0x%08x, 0x%08x, 0x%08x",
		p->spec.product, imf_get_le32(uuid), imf_get_le32(uuid + 4), imf_get_le32(uuid + 8),
		imf_get_le32(uuid + 12));
}

static int contradicts(struct err *e, const char *what, const char *hint)
{
	err_set(e, ERR_USAGE, "the firmware's own record says %s", what);
	return err_hint(e, "%s", hint);
}

/* Component 0 speaks for the package: the record fills in what the command line leaves out. */
static int adopt_record(struct pack *p, const struct imf_app_info *info, struct err *e)
{
	struct package_spec *s = &p->spec;
	char version[VERSION_TEXT_SIZE], text[64];
	int rc = product_differs(p, info, e);

	if (rc < 0)
		return rc;
	if (p->has_version && imf_version_compare(s->version, info->version) != 0) {
		snprintf(text, sizeof(text), "version %s", version_format(info->version, version));
		return contradicts(
			e, text, "leave out --version, or build the firmware of that version");
	}
	if (p->has_counter && s->counter != info->counter) {
		snprintf(text, sizeof(text), "security counter %u", info->counter);
		return contradicts(
			e, text, "leave out --counter, or build the firmware with that counter");
	}
	/* A package may be for fewer boards than its firmware could run on, never for more. */
	if (p->has_hw && (s->hw_min < info->hw_min || s->hw_max > info->hw_max)) {
		snprintf(text, sizeof(text), "hardware %u..%u", info->hw_min, info->hw_max);
		return contradicts(
			e, text, "leave out --hw, or build the firmware for that hardware");
	}
	if (p->chip != NULL && info->chip != 0 && info->chip != s->chip) {
		snprintf(text, sizeof(text), "chip 0x%03X", info->chip);
		return contradicts(
			e, text, "leave out --chip, or build the firmware for that chip");
	}
	s->version = info->version;
	s->counter = info->counter;
	if (!p->has_hw) {
		s->hw_min = info->hw_min;
		s->hw_max = info->hw_max;
	}
	if (info->chip != 0)
		s->chip = info->chip;
	p->has_version = true;
	return 0;
}

static int check_item(struct pack *p, size_t i, struct err *e)
{
	struct package_item *it = &p->items[i];
	struct imf_app_info info;
	bool found = false;
	int rc = check_program(p, i, e);

	if (rc == 0 && (it->kind == IMF_KIND_APPLICATION || it->kind == IMF_KIND_SECOND_IMAGE))
		rc = package_find_app_info(it->image, &it->app_info, &info, &found, e);
	return rc == 0 && found && i == 0 ? adopt_record(p, &info, e) : rc;
}

static int check(struct pack *p, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < p->spec.n_items; i++) {
		rc = check_item(p, i, e);
		if (rc < 0 && p->spec.n_items > 1)
			err_wrap(e, "component %zu", i);
	}
	if (rc == 0 && !p->has_version) {
		err_set(e, ERR_USAGE, "which version is it?");
		rc = err_hint(e, "--version 1.2.3+4, or an IMF_APP_INFO() record in the firmware");
	}
	return rc;
}

/* ---- the package ---- */

static int sign(const struct pack *p, struct buf *b, struct err *e)
{
	for (size_t i = 0; i < opt_count(p->opts, "key"); i++) {
		const char *path = opt_str_at(p->opts, "key", i);
		cleanup_key struct key *k = NULL;
		int rc = key_load_private(path, &k, e);

		if (rc == 0 && package_sign(b, k, e) < 0)
			rc = err_wrap(e, "%s", path);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static void report(struct out *o, const char *path, const struct package *p)
{
	char version[VERSION_TEXT_SIZE], uuid[UUID_TEXT_SIZE];
	uint32_t head = p->header.manifest_size + IMF_SIG_HEADER_SIZE + p->signatures.size;

	out_str(o, "file", path);
	out_str(o, "product", p->product);
	out_str(o, "product_uuid", uuid_format(p->header.product, uuid));
	out_str(o, "version", version_format(p->header.version, version));
	out_uint(o, "components", p->header.n_components);
	out_uint(o, "signatures", p->n_signatures);
	out_size(o, "payload", p->header.payload_size);
	out_size(o, "size", p->len);
	out_bytes(o, "manifest_digest", p->digest, SHA256_SIZE);
	if (head > IMF_HEAD_MAX_DEVICE)
		log_warn("manifest and signatures are %u bytes: devices that check packages "
			 "themselves "
			 "take at most %u",
			head, IMF_HEAD_MAX_DEVICE);
	if (p->n_signatures == 0)
		log_warn("%s is not signed: 'stmota sign' signs it", path);
}

static int run_pack(struct pack *p, const struct command_env *env, struct err *e)
{
	const char *to = opt_str(p->opts, "out", NULL);
	cleanup_buf struct buf b = BUF_INIT;
	struct package made;
	int rc = parse_spec(p, e);

	if (rc == 0)
		rc = load_files(p, e);
	if (rc == 0)
		rc = check(p, e);
	if (rc == 0)
		rc = package_build(&p->spec, &b, e);
	if (rc == 0)
		rc = sign(p, &b, e);
	if (rc == 0)
		rc = package_open(b.data, b.len, &made, e);
	if (rc == 0)
		rc = fs_write(to, b.data, b.len, 0644, e);
	if (rc == 0 && strcmp(to, "-") != 0)
		report(env->out, to, &made);
	return rc;
}

static int run(struct command_env *env, struct err *e)
{
	struct pack p = {.opts = env->opts};
	int rc = run_pack(&p, env, e);

	pack_done(&p);
	return rc;
}

const struct command cmd_pack = {
	.name = "pack",
	.args = "IN",
	.needs = "--out OUT.sota",
	.summary = "make a package of a firmware file",
	.details =
		"IN is an ELF, Intel HEX, S-record, UF2, DfuSe or raw binary file; a raw binary\n"
		"(with or without a DFU suffix) needs --address.\n"
		"If the firmware carries an IMF_APP_INFO() record, version, counter, hardware\n"
		"and chip come from there, and options that contradict it are refused. The same\n"
		"input gives the same bytes (signatures of p256 keys excepted: they hold a\n"
		"random number).\n",
	.examples = "stmota pack app.elf --product acme.com/lamp --version 1.2.3 \\\n"
		    "    --key release.pem --out app.sota\n"
		    "stmota pack app.bin --address 0x08000000 --product acme.com/lamp \\\n"
		    "    --version 1.2.3 --chip 0x413 --out app.sota\n"
		    "stmota pack app.hex --product acme.com/lamp --version 1.2.3 \\\n"
		    "    --component configuration:settings.bin@0x0800F000 --out app.sota\n",
	.group = COMMAND_PACKAGE,
	.opts = opts,
	.flags = CMD_JSON,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
