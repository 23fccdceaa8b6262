/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_playbook.c - stmota playbook list, show, check: what updaters can be driven, and how
 */
#include "cmd.h"

#include <stdio.h>
#include <string.h>

#include <stmota/fs.h>
#include <stmota/playbook.h>
#include <stmota/ymodem.h>

static const char *where_name(const struct playbook_entry *p)
{
	return p->where == PLAYBOOK_BUILT_IN ? "built in" : p->path;
}

/* ---- list ---- */

static int run_list(struct command_env *env, struct err *e)
{
	cleanup_free struct playbook_entry *v = NULL;
	size_t n = 0;
	int rc = playbook_list(&v, &n, e);

	if (rc < 0)
		return rc;
	out_table(env->out, "playbooks");
	for (size_t i = 0; i < n; i++) {
		struct playbook *p = NULL;
		struct err why = ERR_INIT;
		bool ok = playbook_load(v[i].name, &p, &why) == 0;

		out_object(env->out, NULL);
		out_str(env->out, "name", v[i].name);
		out_str(env->out, "file", ok ? playbook_form_name(p->form) : NULL);
		out_str(env->out, "where", where_name(&v[i]));
		out_str(env->out, "title", ok ? p->title : why.msg);
		if (out_mode(env->out) == OUT_JSON)
			out_bool(env->out, "valid", ok);
		out_end(env->out);
		playbook_free(p);
	}
	out_end(env->out);
	return 0;
}

const struct command cmd_playbook_list = {
	.name = "playbook list",
	.args = "",
	.summary = "list the device updaters that can be driven",
	.details =
		"A playbook is a text file that says how one kind of updater is driven: its menu, its\n"
		"file, its answers. Own ones lie in ~/.config/stmota/playbooks/NAME.playbook or\n"
		"/etc/stmota/playbooks; one of a name that is built in takes its place.\n",
	.examples = "stmota playbook list\n",
	.group = COMMAND_DEVICE,
	.flags = CMD_JSON,
	.min_args = 0,
	.max_args = 0,
	.run = run_list,
};

/* ---- show ---- */

static int run_show(struct command_env *env, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct playbook_entry found;
	int rc = playbook_text(opt_arg(env->opts, 0), &found, &text, e);

	if (rc < 0)
		return rc;
	if (out_mode(env->out) != OUT_JSON)
		return fs_write("-", text.data, text.len, 0644, e);
	rc = buf_append(&text, "", 1, e);
	if (rc < 0)
		return rc;
	out_str(env->out, "name", opt_arg(env->opts, 0));
	out_str(env->out, "where", where_name(&found));
	out_str(env->out, "text", (const char *)text.data);
	return 0;
}

const struct command cmd_playbook_show = {
	.name = "playbook show",
	.args = "NAME",
	.summary = "print a playbook, to read it or to begin an own one with it",
	.examples = "stmota playbook show iap-f4\n"
		    "stmota playbook show iap-f4 > ~/.config/stmota/playbooks/ours.playbook\n",
	.group = COMMAND_DEVICE,
	.flags = CMD_JSON,
	.min_args = 1,
	.max_args = 1,
	.run = run_show,
};

/* ---- check ---- */

/* One text, as a playbook would have it. */
static void out_texts(struct out *o, const char *key, const struct playbook_texts *t)
{
	if (t->n == 0)
		return;
	out_list(o, key);
	for (size_t i = 0; i < t->n; i++)
		out_str(o, NULL, t->v[i].s);
	out_end(o);
}

static void out_seconds(struct out *o, const char *key, uint32_t ms)
{
	out_real(o, key, ms / 1000.0, 1);
}

static void describe(struct out *o, const struct playbook *p)
{
	char traits[160] = "";

	for (size_t i = 0; ymodem_trait_name(i) != NULL; i++)
		if ((p->traits >> i & 1u) != 0)
			snprintf(traits + strlen(traits), sizeof(traits) - strlen(traits), "%s%s",
				traits[0] != '\0' ? " " : "", ymodem_trait_name(i));
	out_str(o, "name", p->name);
	out_str(o, "title", p->title);
	if (p->based_on[0] != '\0')
		out_str(o, "based_on", p->based_on);
	out_strf(o, "line", "%u 8%c1", (unsigned)p->baud, p->even ? 'E' : 'N');
	out_str(o, "file_form", playbook_form_name(p->form));
	if (p->has_address)
		out_hex(o, "address", p->address, 8);
	if (p->size_max > 0)
		out_size(o, "size_max", p->size_max);
	out_str(o, "traits", traits[0] != '\0' ? traits : NULL);
	out_seconds(o, "first_block_seconds", p->first_ms);
	out_seconds(o, "block_seconds", p->block_ms);
	out_uint(o, "restarts", p->restarts);
	out_texts(o, "success", &p->success);
	out_texts(o, "failure", &p->failure);
	out_texts(o, "again", &p->again);
	if (p->n_steps > 0) {
		out_list(o, "steps");
		for (size_t i = 0; i < p->n_steps; i++)
			out_str(o, NULL, p->step[i].name);
		out_end(o);
	}
	out_texts(o, "health", &p->health);
	if (p->banks)
		out_str(o, "banks", p->both_banks ? "both" : "one");
}

static int run_check(struct command_env *env, struct err *e)
{
	const char *path = opt_arg(env->opts, 0);
	struct playbook *p = NULL;
	char here[512];
	int rc;

	/* A file, also one of this folder; a name only where there is no such file. */
	if (strchr(path, '/') == NULL && fs_exists(path)) {
		if (snprintf(here, sizeof(here), "./%s", path) >= (int)sizeof(here))
			return err_set(e, ERR_USAGE, "the path is too long");
		path = here;
	}
	rc = playbook_load(path, &p, e);
	if (rc == 0)
		describe(env->out, p);
	playbook_free(p);
	return rc;
}

const struct command cmd_playbook_check = {
	.name = "playbook check",
	.args = "FILE",
	.summary = "check a playbook and print what it comes to",
	.details =
		"Mistakes are told with file and line. What is inherited by based-on and what is\n"
		"left to its default is shown as it will be used.\n",
	.examples = "stmota playbook check ours.playbook\n",
	.group = COMMAND_DEVICE,
	.flags = CMD_JSON,
	.min_args = 1,
	.max_args = 1,
	.run = run_check,
};
