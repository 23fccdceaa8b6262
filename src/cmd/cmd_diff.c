/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_diff.c - makes a package that holds only what is new
 *
 * What the package says about itself comes from NEW where that is a package; a plain image is
 * packed as the command line and its own record say.
 */
#include "cmd.h"

#include <string.h>

#include <stmota/fs.h>
#include <stmota/log.h>

#include "delta_files.h"

/* For deltas of plain images that stay on the host. */
#define NO_PRODUCT "unnamed"

static const struct opt opts[] = {
	OPT_U32("address", "ADDR", "where raw binaries begin (default: as the vector table says)"),
	OPT_CHOICE("ram", "4|8|16", "KiB of RAM that the decoder may use (default 8)"),
	OPT_FLAG("in-place", "for devices without a second slot: not supported yet"),
	OPT_FLAG("stats", "tell where the bytes went"),
	OPT_STRING("product", "NAME", "product, where NEW is no package"),
	OPT_STRING("version", "VERSION", "version, where NEW is no package and has no record"),
	CMD_OPT_KEYS,
	OPT_OUT("PATCH.sota", "the package"),
	OPT_END,
};

struct diff {
	const struct opts *opts;
	struct delta_file old, new;
	struct buf payload, package;
	struct delta_stats stats;
	struct package_delta delta;
	struct package_item item;
	struct package_spec spec;
};

/* ---- what the package says about itself ---- */

static int spec_of_package(struct diff *d, struct err *e)
{
	const struct package *p = &d->new.package;
	struct imf_component c = package_component(p, 0);

	if (opt_given(d->opts, "product") || opt_given(d->opts, "version"))
		return err_set(e, ERR_USAGE,
			"the new package says itself of which product and version it is");
	if (p->product[0] == '\0')
		return err_set(e, ERR_UNSUPPORTED,
			"the new package does not tell the name of its product");
	d->spec.product = p->product;
	d->spec.version = p->header.version;
	d->spec.min_version = p->header.min_version;
	d->spec.counter = p->header.counter;
	d->spec.hw_min = p->header.hw_min;
	d->spec.hw_max = p->header.hw_max;
	d->spec.chip = p->header.chip;
	d->item.kind = (enum imf_kind)c.kind;
	d->item.slot = c.slot;
	d->item.entry = c.entry;
	d->item.app_info = c.app_info;
	return 0;
}

static int spec_of_image(struct diff *d, struct err *e)
{
	const char *version = opt_str(d->opts, "version", NULL);
	struct imf_app_info info;
	bool found = false;
	int rc = package_find_app_info(&d->new.image, &d->item.app_info, &info, &found, e);

	d->spec.product = opt_str(d->opts, "product", NO_PRODUCT);
	d->spec.hw_max = UINT16_MAX;
	d->item.kind = IMF_KIND_APPLICATION;
	if (rc == 0 && found) {
		d->spec.version = info.version;
		d->spec.counter = info.counter;
		d->spec.hw_min = info.hw_min;
		d->spec.hw_max = info.hw_max;
		d->spec.chip = info.chip;
	}
	if (rc == 0 && version != NULL)
		rc = version_parse(version, &d->spec.version, e);
	if (rc == 0 && version != NULL && found &&
		imf_version_compare(d->spec.version, info.version) != 0)
		rc = err_set(e, ERR_USAGE, "the firmware's own record says another version");
	if (rc == 0 && !opt_given(d->opts, "product"))
		log_warn("no --product: the delta is good for 'stmota patch', devices will not "
			 "take it");
	return rc;
}

/* ---- making ---- */

static int make_delta(struct diff *d, struct err *e)
{
	struct delta_image base = delta_file_image(&d->old), image = delta_file_image(&d->new);
	const char *ram = opt_str(d->opts, "ram", "8");
	int rc;

	d->delta.ram = strcmp(ram, "4") == 0 ? 4096 : strcmp(ram, "16") == 0 ? 16384 : 8192;
	rc = delta_make(&base, &image, d->delta.ram, &d->payload, &d->stats, e);
	if (rc == 0)
		rc = sha256(base.data, base.len, d->delta.base_digest, e);
	d->delta.payload = d->payload.data;
	d->delta.len = d->payload.len;
	d->delta.base_addr = base.addr;
	d->delta.base_len = (uint32_t)base.len;
	d->item.image = &d->new.image;
	d->item.delta = &d->delta;
	d->spec.items = &d->item;
	d->spec.n_items = 1;
	return rc;
}

static void show_stats(struct out *o, const struct delta_stats *st)
{
	out_object(o, "stats");
	out_uint(o, "segments", st->segments);
	out_uint(o, "copies", st->copies);
	out_uint(o, "units", st->units);
	out_uint(o, "units_missed", st->misses);
	out_size(o, "fresh", st->fresh);
	out_size(o, "spent_on_segments", st->bytes_list);
	out_size(o, "spent_on_copies", st->bytes_copies);
	out_size(o, "spent_on_fresh", st->bytes_fresh);
	out_size(o, "spent_on_hits", st->bytes_hits);
	out_size(o, "spent_on_misses", st->bytes_misses);
	out_end(o);
}

static void report(const struct diff *d, struct out *o, const char *to)
{
	out_str(o, "file", to);
	out_size(o, "base", d->delta.base_len);
	out_size(o, "image", segments_size(&d->new.image));
	out_size(o, "delta", d->payload.len);
	out_size(o, "size", d->package.len);
	out_size(o, "decoder_ram", d->delta.ram);
	if (opt_given(d->opts, "stats"))
		show_stats(o, &d->stats);
	if (!opt_given(d->opts, "key"))
		log_warn("%s is not signed: 'stmota sign' signs it", to);
}

static int run_diff(struct diff *d, const struct command_env *env, struct err *e)
{
	const char *to = opt_str(d->opts, "out", NULL);
	uint32_t address = opt_u32(d->opts, "address", 0);
	const uint32_t *given = opt_given(d->opts, "address") ? &address : NULL;
	int rc;

	if (to == NULL) {
		err_set(e, ERR_USAGE, "where should the delta go?");
		return err_hint(e, "stmota diff OLD NEW --out PATCH.sota");
	}
	if (opt_given(d->opts, "in-place")) {
		err_set(e, ERR_UNSUPPORTED, "in-place deltas are not supported yet");
		return err_hint(e, "without --in-place the device needs room for both images");
	}
	rc = delta_file_read(opt_arg(d->opts, 0), given, &d->old, e);
	if (rc == 0)
		rc = delta_file_read(opt_arg(d->opts, 1), given, &d->new, e);
	if (rc == 0)
		rc = d->new.is_package ? spec_of_package(d, e) : spec_of_image(d, e);
	if (rc == 0)
		rc = make_delta(d, e);
	if (rc == 0)
		rc = package_build(&d->spec, &d->package, e);
	if (rc == 0)
		rc = cmd_sign_package(env, to, &d->package, e);
	if (rc == 0)
		rc = fs_write(to, d->package.data, d->package.len, 0644, e);
	if (rc == 0 && strcmp(to, "-") != 0)
		report(d, env->out, to);
	return rc;
}

static int run(struct command_env *env, struct err *e)
{
	struct diff d = {.opts = env->opts, .old = DELTA_FILE_INIT, .new = DELTA_FILE_INIT};
	int rc = run_diff(&d, env, e);

	buf_done(&d.package);
	buf_done(&d.payload);
	delta_file_done(&d.new);
	delta_file_done(&d.old);
	return rc;
}

const struct command cmd_diff = {
	.name = "diff",
	.args = "OLD NEW",
	.needs = "--out PATCH.sota",
	.summary = "make a package that holds only the difference to an older version",
	.details =
		"OLD and NEW are firmware images of any format, or packages of one component. If\n"
		"NEW is a package, the delta has its product, version and limits. The device, or\n"
		"'stmota patch', makes NEW again from OLD, which must be the very same image: its\n"
		"digest is in the signed manifest. Images are below 16 MiB and have no holes.\n",
	.examples = "stmota diff app-1.0.sota app-1.1.sota --key release.pem --out patch.sota\n"
		    "stmota diff old.bin new.bin --address 0x08004000 --out patch.sota\n",
	.group = COMMAND_PACKAGE,
	.opts = opts,
	.flags = CMD_JSON,
	.min_args = 2,
	.max_args = 2,
	.run = run,
};
