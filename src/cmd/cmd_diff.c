/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_diff.c - makes a package that holds only what is new
 */
#include "diff_job.h"
#include "in_place.h"

#include <string.h>

#include <stmota/fs.h>
#include <stmota/log.h>

static const struct opt opts[] = {
	OPT_U32("address", "ADDR", "where raw binaries begin (default: as the vector table says)"),
	OPT_CHOICE("ram", "4|8|16", "KiB of RAM that the decoder may use (default 8)"),
	IN_PLACE_OPTIONS,
	OPT_FLAG("stats", "tell where the bytes went"),
	OPT_STRING("product", "NAME", "product, where NEW is no package"),
	OPT_STRING("version", "VERSION", "version, where NEW is no package and has no record"),
	OPT_FILE("from", "DIR", "from every release in this folder; then there is no OLD"),
	OPT_FILE("out-dir", "DIR", "with --from: where the packages go"),
	CMD_OPT_ENCRYPT,
	CMD_OPT_KEYS,
	OPT_OUT("PATCH.sota", "the package"),
	OPT_END,
};

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

static void report(const struct diff_job *d, const struct command_env *env, const char *to)
{
	struct out *o = env->out;

	out_str(o, "file", to);
	out_size(o, "base", d->delta.base_len);
	out_size(o, "image", segments_size(&d->new->image));
	out_size(o, "delta", d->payload.len);
	out_size(o, "size", d->package.len);
	out_size(o, "decoder_ram", d->delta.ram);
	out_bool(o, "in_place", d->delta.groups != NULL);
	out_bool(o, "encrypted", d->item.encrypt);
	if (d->delta.groups != NULL) {
		out_size(o, "journal", d->groups.journal);
		out_size(o, "largest_group", d->groups.largest);
		out_uint(o, "groups_made", d->stats.groups);
	}
	if (d->delta.groups != NULL && opt_given(env->opts, "stats"))
		out_size(o, "delta_with_two_slots", d->two_slots);
	if (opt_given(env->opts, "stats"))
		show_stats(o, &d->stats);
	if (!opt_given(env->opts, "key"))
		log_warn("%s is not signed: 'stmota sign' signs it", to);
}

static int diff_two(const struct command_env *env, struct err *e)
{
	const struct opts *o = env->opts;
	const char *to = opt_str(o, "out", NULL);
	uint32_t address = opt_u32(o, "address", 0);
	const uint32_t *given = opt_given(o, "address") ? &address : NULL;
	struct diff_settings settings = diff_settings_of(env);
	struct delta_file old = DELTA_FILE_INIT, new = DELTA_FILE_INIT;
	struct diff_job d = {.old = &old, .new = &new};
	int rc = delta_file_read(opt_arg(o, 0), given, &old, e);

	if (rc == 0)
		rc = delta_file_read(opt_arg(o, 1), given, &new, e);
	if (rc == 0)
		rc = diff_job_make(&d, &settings, e);
	if (rc == 0)
		rc = cmd_sign_package(env, to, &d.package, e);
	if (rc == 0)
		rc = fs_write(to, d.package.data, d.package.len, 0644, e);
	if (rc == 0 && strcmp(to, "-") != 0)
		report(&d, env, to);
	diff_job_done(&d);
	delta_file_done(&new);
	delta_file_done(&old);
	return rc;
}

static int run(struct command_env *env, struct err *e)
{
	const struct opts *o = env->opts;
	bool from = opt_given(o, "from");

	if (!opt_given(o, "in-place") &&
		(opt_given(o, "chip") || opt_given(o, "erase-unit") || opt_given(o, "journal")))
		return err_set(e, ERR_USAGE,
			"--chip, --erase-unit and --journal are for deltas --in-place");
	if (opt_given(o, from ? "out" : "out-dir") || (from && opt_given(o, "stats")))
		return err_set(e, ERR_USAGE, "--%s %s",
			from ? (opt_given(o, "out") ? "out" : "stats") : "out-dir",
			from ? "is for one delta, --from makes several: --out-dir DIR"
			     : "goes with --from DIR");
	if (!opt_given(o, from ? "out-dir" : "out")) {
		err_set(e, ERR_USAGE, "where should the delta%s go?", from ? "s" : "");
		return err_hint(e, from ? "stmota diff --from DIR NEW --out-dir DIR"
					: "stmota diff OLD NEW --out PATCH.sota");
	}
	if (opt_n_args(o) != (from ? 1 : 2)) {
		err_set(e, ERR_USAGE,
			from ? "with --from there is one file: NEW"
			     : "two files are compared: OLD and NEW");
		return err_hint(e,
			"stmota diff OLD NEW --out PATCH.sota, or stmota diff --from DIR "
			"NEW --out-dir DIR");
	}
	return from ? diff_from(env, e) : diff_two(env, e);
}

const struct command cmd_diff = {
	.name = "diff",
	.args = "[OLD] NEW",
	.needs = "--out PATCH.sota",
	.summary = "make a package that holds only the difference to an older version",
	.details =
		"OLD and NEW are firmware images of any format, or packages of one component. If\n"
		"NEW is a package, the delta has its product, version and limits. The device, or\n"
		"'stmota patch', makes NEW again from OLD, which must be the very same image: its\n"
		"digest is in the signed manifest. Images are below 16 MiB and have no holes.\n\n"
		"A device needs room for both images, unless the delta is made --in-place: then NEW\n"
		"takes the place of OLD step by step, and a journal in flash brings the device over\n"
		"any power cut.\n\n"
		"With a key to encrypt the delta is encrypted, after it was made: a device needs the\n"
		"same product key, or its own private key.\n\n"
		"With --from DIR a delta is made from each older release in that folder to NEW; what\n"
		"is no base is skipped, and said so.\n",
	.examples =
		"stmota diff app-1.0.sota app-1.1.sota --key release.pem --out patch.sota\n"
		"stmota diff --from releases/ app-1.1.sota --key release.pem --out-dir patches/\n"
		"stmota diff old.bin new.bin --address 0x08004000 --out patch.sota\n"
		"stmota diff old.sota new.sota --in-place --chip 0x460 --out patch.sota\n"
		"stmota diff old.sota new.sota --encrypt-key lamp.key --chain 1024 --key release.pem \\\n"
		"    --out patch.sota\n",
	.group = COMMAND_PACKAGE,
	.opts = opts,
	.flags = CMD_JSON,
	.min_args = 1,
	.max_args = 2,
	.run = run,
};
