/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_compare.c - stmota compare: may the new program take over the RAM of the old one?
 */
#include "cmd.h"

#include <string.h>

#include <stmota/fmt.h>
#include <stmota/fs.h>
#include <stmota/segments.h>

#include "compare_show.h"

static const struct opt opts[] = {
	OPT_STRINGS("frozen", "SECTION", "must be the same bytes at the same address in both"),
	OPT_U32("fail-above", "N", "exit status 20 + severity if it is above N (0 to 4)"),
	OPT_FLAG("by-size", "with --fail-above: also without debug information"),
	OPT_FILE("ram-init", "OUT.hex", "first values of the added variables, as Intel HEX"),
	OPT_END,
};

struct side { /* one of the two programs */
	struct buf file;
	struct program program;
};

static void side_done(struct side *s)
{
	program_done(&s->program);
	buf_done(&s->file);
}

static int load(struct side *s, const char *path, struct err *e)
{
	int rc = fs_read(path, FS_FILE_MAX, &s->file, e);

	if (rc == 0 && program_read(s->file.data, s->file.len, &s->program, e) < 0) {
		rc = e->code;
		err_wrap(e, "%s", path);
	}
	return rc;
}

static int check(const struct command_env *env, struct err *e)
{
	const struct opts *o = env->opts;

	if (opt_u32(o, "fail-above", 0) > COMPARE_CHANGED)
		return err_set(e, ERR_USAGE, "--fail-above %u: severities are 0 to 4",
			opt_u32(o, "fail-above", 0));
	if (opt_given(o, "by-size") && !opt_given(o, "fail-above"))
		return err_set(e, ERR_USAGE, "--by-size is for --fail-above");
	return 0;
}

/* Variables that start as zeros are written too: the old program left something there. */
static int write_init(const char *path, const struct comparison *c, struct err *e)
{
	cleanup_segments struct segments image = SEGMENTS_INIT;
	cleanup_buf struct buf made = BUF_INIT, zeros = BUF_INIT;
	struct fmt_write_options w = {0};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < c->n_changes; i++) {
		const struct program_symbol *s = c->changes[i].new;

		if (c->changes[i].severity != COMPARE_ADDED)
			continue;
		if (s->init == NULL && zeros.len < s->size)
			rc = buf_fill(&zeros, 0, s->size - zeros.len, e);
		if (rc == 0)
			rc = segments_add(&image, s->addr, s->init != NULL ? s->init : zeros.data,
				s->size, e);
	}
	if (rc == 0 && image.n == 0)
		return err_set(e, ERR_USAGE, "--ram-init: no variable was added");
	if (rc == 0)
		rc = fmt_write(fmt_find("ihex"), &image, &w, &made, e);
	return rc == 0 ? fs_write(path, made.data, made.len, 0644, e) : rc;
}

/* A gate that cannot see types must not open by itself. */
static int judge(
	const struct command_env *env, const struct comparison *c, bool has_types, struct err *e)
{
	static const enum err_code codes[] = {
		ERR_NONE, ERR_SEVERITY_1, ERR_SEVERITY_2, ERR_SEVERITY_3, ERR_SEVERITY_4};

	if (!opt_given(env->opts, "fail-above"))
		return 0;
	if (c->severity > opt_u32(env->opts, "fail-above", 0)) {
		err_set(e, codes[c->severity], "severity %d: variables %s", c->severity,
			compare_severity_name(c->severity));
		return err_hint(e, "%s", compare_severity_action(c->severity));
	}
	if (has_types || opt_given(env->opts, "by-size"))
		return 0;
	err_set(e, ERR_UNSUPPORTED,
		"without debug information in both programs their types cannot be compared");
	return err_hint(e, "build with -g, or say --by-size if place and size are enough");
}

static int run(struct command_env *env, struct err *e)
{
	CLEANUP(side_done) struct side old = {0}, new = {0};
	cleanup_comparison struct comparison c = COMPARISON_INIT;
	const char *ram_init = opt_str(env->opts, "ram-init", NULL);
	int rc = load(&old, opt_arg(env->opts, 0), e);

	if (rc == 0)
		rc = load(&new, opt_arg(env->opts, 1), e);
	for (size_t i = 0; rc == 0 && i < opt_count(env->opts, "frozen"); i++)
		rc = compare_frozen(
			&old.program, &new.program, opt_str_at(env->opts, "frozen", i), e);
	if (rc == 0)
		rc = compare_programs(&old.program, &new.program, &c, e);
	if (rc == 0)
		compare_show(env->out, &c, &old.program, &new.program);
	if (rc == 0 && ram_init != NULL)
		rc = write_init(ram_init, &c, e);
	if (rc == 0)
		rc = judge(env, &c, old.program.has_types && new.program.has_types, e);
	return rc;
}

const struct command cmd_compare = {
	.name = "compare",
	.args = "OLD.elf NEW.elf",
	.summary = "say what a live update from one program to the other meets in RAM",
	.details = "In a live update the new code starts while the variables of the old one stay\n"
		   "(AN4767). The worst difference between the two memory maps is the severity:\n"
		   "0 same, 1 removed, 2 added, 3 moved, 4 changed, type by type and field by\n"
		   "field. Types and source lines need debug information (-g) in both files; what\n"
		   "is flashed does not. Also shown: what takes more or less flash.\n\n"
		   "--frozen proves that a section, such as the code that swaps the banks, is the\n"
		   "same in both: exit status 9 if it is not.",
	.examples = "stmota compare v1.elf v2.elf\n"
		    "stmota compare v1.elf v2.elf --frozen .bankswap --fail-above 1\n"
		    "stmota compare v1.elf v2.elf --ram-init added.hex",
	.group = COMMAND_PACKAGE,
	.opts = opts,
	.flags = CMD_JSON,
	.min_args = 2,
	.max_args = 2,
	.check = check,
	.run = run,
};
