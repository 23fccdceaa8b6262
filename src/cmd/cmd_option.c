/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_option.c - stmota option list|get|set: the option bytes that have a name
 */
#include "cmd.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <stmota/option_job.h>
#include <stmota/protect_job.h>
#include <stmota/state.h>
#include <stmota/strparse.h>

#define WANTS_MAX 16
#define NAME_MAX_ 32

/* ---- list ---- */

static const char *undo_of(unsigned consequences)
{
	if ((consequences & OPTION_READ_PROTECTS) != 0)
		return "not by option set";
	if ((consequences & OPTION_NOT_UNDONE) != 0)
		return "no";
	return (consequences & OPTION_LOCKS_ROM_OUT) != 0 ? "if the bootloader is still reached"
							  : "yes";
}

static const char *value_text(const struct option_fact *fact, uint32_t value)
{
	return value < ARRAY_LEN(fact->value) ? fact->value[value] : NULL;
}

static void show_field(
	struct out *o, const struct option_words *w, const struct chip_bits *f, const char *name)
{
	const struct option_fact *fact = option_fact_of(w->chip, name);
	uint32_t value = option_value(w, f);

	out_object(o, NULL);
	out_str(o, "name", name);
	if (f->width == 1)
		out_strf(o, "value", "%" PRIu32, value);
	else
		out_strf(o, "value", "0x%0*" PRIX32, (f->width + 3) / 4, value);
	out_str(o, "means", value_text(fact, value));
	out_str(o, "what_it_is", fact->meaning);
	out_str(o, "can_be_undone", undo_of(fact->consequences));
	out_end(o);
}

static void show_fields(struct out *o, const struct option_words *w, const struct chip_bits *list,
	size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		bool repeated = false;

		/* Read at one place and written at another, or once for each bank mode. */
		for (size_t k = 0; k < i; k++)
			repeated |= strcmp(list[k].name, list[i].name) == 0;
		if (!repeated)
			show_field(o, w,
				chip_option_find(w->chip, name != NULL ? name : list[i].name),
				name != NULL ? name : list[i].name);
	}
}

static int open_and_read(
	struct command_env *env, struct device **ret, struct option_words *words, struct err *e)
{
	struct device *d = NULL;
	int rc = cmd_open_device(env, &d, e);

	if (rc == 0)
		rc = option_read(d, words, e);
	if (rc < 0) {
		device_close(d);
		return rc;
	}
	*ret = d;
	return 0;
}

static int run_list(struct command_env *env, struct err *e)
{
	struct option_words words;
	struct device *d = NULL;
	int rc = open_and_read(env, &d, &words, e);

	if (rc < 0)
		return rc;
	out_str(env->out, "device", d->name);
	cmd_out_device_chip(env->out, &d->facts);
	out_table(env->out, "options");
	if (words.chip->options.n_rdp > 0)
		show_fields(env->out, &words, words.chip->options.rdp, 1, "RDP");
	show_fields(env->out, &words, words.chip->options.bits, words.chip->options.n_bits, NULL);
	show_fields(env->out, &words, words.chip->options.wrp, words.chip->options.n_wrp, NULL);
	out_end(env->out);
	device_close(d);
	return 0;
}

/* ---- get ---- */

static int run_get(struct command_env *env, struct err *e)
{
	const struct opts *o = env->opts;
	struct option_words words;
	struct device *d = NULL;
	uint32_t value = 0;
	int rc = open_and_read(env, &d, &words, e);

	if (rc < 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < opt_n_args(o); i++)
		rc = option_find_value(&words, opt_arg(o, i), &value, e);
	for (size_t i = 0; rc == 0 && i < opt_n_args(o); i++) {
		option_find_value(&words, opt_arg(o, i), &value, NULL);
		/* One value alone is a value alone, for scripts. */
		if (out_mode(env->out) != OUT_JSON && opt_n_args(o) == 1)
			out_text(env->out, "0x%" PRIX32, value);
		else
			out_strf(env->out, opt_arg(o, i), "0x%" PRIX32, value);
	}
	device_close(d);
	return rc;
}

/* ---- set ---- */

struct set_call {
	struct command_env *env;
	struct device *device;
	struct state *state;
	struct option_want want[WANTS_MAX];
	char names[WANTS_MAX][NAME_MAX_];
	size_t n;
	struct option_plan plan;
};

/* "BFB2=1", "WRP1A_STRT=0x10" */
static int parse_want(struct set_call *c, const char *text, struct err *e)
{
	const char *mark = strchr(text, '=');
	size_t len = mark != NULL ? (size_t)(mark - text) : 0;
	struct option_want *w = &c->want[c->n];

	if (mark == NULL || len == 0 || len >= NAME_MAX_) {
		err_set(e, ERR_USAGE, "'%.60s' is not NAME=VALUE", text);
		return err_hint(e, "such as BFB2=1; 'stmota option list' shows the names");
	}
	memcpy(c->names[c->n], text, len);
	if (parse_u32(mark + 1, &w->value, e) < 0)
		return err_wrap(e, "%s", c->names[c->n]);
	w->name = c->names[c->n++];
	return 0;
}

static int parse_wants(struct set_call *c, const struct opts *o, struct err *e)
{
	int rc = 0;

	if (opt_n_args(o) > WANTS_MAX)
		return err_set(e, ERR_USAGE, "more than %d options at once", WANTS_MAX);
	for (size_t i = 0; rc == 0 && i < opt_n_args(o); i++)
		rc = parse_want(c, opt_arg(o, i), e);
	return rc;
}

static int check_set(const struct command_env *env, struct err *e)
{
	struct set_call c = {0};

	return parse_wants(&c, env->opts, e);
}

static int plan_set(struct set_call *c, struct err *e)
{
	const struct opts *o = c->env->opts;
	const char *names[WANTS_MAX];
	struct option_limits limits = {
		.irreversible = names, .write_max = c->device->target->write_max};
	struct option_words words;
	int rc = option_read(c->device, &words, e);

	for (size_t i = 0; i < opt_count(o, "irreversible") && i < WANTS_MAX; i++)
		names[limits.n_irreversible++] = opt_str_at(o, "irreversible", i);
	return rc == 0 ? option_plan_make(&words, c->want, c->n, &limits, &c->plan, e) : rc;
}

static const struct {
	unsigned consequence;
	const char *text;
} sayings[] = {
	{OPTION_CHANGES_GEOMETRY, "Other erase units: what the flash holds must be written anew."},
	{OPTION_CHANGES_BOOT, "The chip may start something else after its reset."},
	{OPTION_LOCKS_ROM_OUT, "The bootloader may be out of reach for ever."},
	{OPTION_NOT_UNDONE, "This cannot be undone, or only by erasing everything."},
	{OPTION_PROTECTS, "Write protection changes."},
};

static void show_plan(struct set_call *c)
{
	struct out *o = c->env->out;

	out_str(o, "device", c->device->name);
	cmd_out_device_chip(o, &c->device->facts);
	out_table(o, "changes");
	for (size_t i = 0; i < c->plan.n_changes; i++) {
		const struct option_change *ch = &c->plan.change[i];

		out_object(o, NULL);
		out_str(o, "name", ch->field->name);
		out_strf(o, "from", "0x%" PRIX32, ch->from);
		out_strf(o, "to", "0x%" PRIX32, ch->to);
		out_end(o);
	}
	out_end(o);
	out_bool(o, "resets_device", c->plan.n_writes > 0);
	out_bool(o, "changes_erase_units", (c->plan.consequences & OPTION_CHANGES_GEOMETRY) != 0);
	out_bool(o, "can_be_undone", !option_needs_consent(c->plan.consequences));
}

static int ask(struct set_call *c, struct err *e)
{
	char text[900];
	size_t len = 0;

	for (size_t i = 0; i < c->plan.n_changes && len < 500; i++) {
		const struct option_change *ch = &c->plan.change[i];

		len += (size_t)snprintf(text + len, sizeof(text) - len,
			"%s: 0x%" PRIX32 " -> 0x%" PRIX32 "%s", ch->field->name, ch->from, ch->to,
			i + 1 < c->plan.n_changes ? ", " : ". ");
	}
	len += (size_t)snprintf(text + len, sizeof(text) - len, "The device resets itself.");
	for (size_t i = 0; i < ARRAY_LEN(sayings); i++)
		if ((c->plan.consequences & sayings[i].consequence) != 0 && len < 800)
			len += (size_t)snprintf(
				text + len, sizeof(text) - len, " %s", sayings[i].text);
	return cmd_confirm(c->env, text, e);
}

static const char *outcome_text(enum option_outcome outcome)
{
	switch (outcome) {
	case OPTION_STOOD: return "stood already, nothing was written";
	case OPTION_PENDING: return "written; holds from the next power-up on";
	default: return "written and read back";
	}
}

static int set_it(struct set_call *c, struct err *e)
{
	enum option_outcome outcome = OPTION_STOOD;
	bool dry_run = opt_given(c->env->opts, "dry-run");
	int rc = cmd_open_state(c->env, c->device, &c->state, e);

	if (rc == 0)
		rc = plan_set(c, e);
	if (rc == 0 && !dry_run && c->plan.n_changes > 0)
		rc = ask(c, e);
	if (rc == 0 && !dry_run)
		rc = option_execute(c->device, &c->plan, c->env->events, &outcome, e);
	if (rc < 0)
		return rc;
	show_plan(c);
	out_str(c->env->out, "result", dry_run ? "nothing was changed" : outcome_text(outcome));
	return 0;
}

static int run_set(struct command_env *env, struct err *e)
{
	struct set_call c = {.env = env};
	int rc = parse_wants(&c, env->opts, e);

	if (rc == 0)
		rc = cmd_open_device(env, &c.device, e);
	if (rc == 0)
		rc = set_it(&c, e);
	state_close(c.state);
	device_close(c.device);
	return rc;
}

/* ---- the three ---- */

static const struct opt set_opts[] = {
	OPT_STRINGS(
		"irreversible", "NAME", "NAME may be set although that may never be taken back"),
	{.name = "dry-run",
		.letter = 'n',
		.type = OPT_TYPE_FLAG,
		.text = "print what would change, change nothing"},
	OPT_FLAG("yes", "do not ask"),
	OPT_END,
};

const struct command cmd_option_list = {
	.name = "option list",
	.args = "",
	.summary = "show the option bytes: name, value, meaning, whether there is a way back",
	.details = "Nothing is written.\n",
	.examples = "stmota option list --device uart:/dev/ttyUSB0\n",
	.group = COMMAND_DEVICE,
	.flags = CMD_JSON | CMD_DEVICE | CMD_LOOKS,
	.run = run_list,
};

const struct command cmd_option_get = {
	.name = "option get",
	.args = "NAME...",
	.summary = "print the value of option bytes",
	.details = "The value of one name is printed alone.\n",
	.examples = "stmota option get --device lamp BFB2\n",
	.group = COMMAND_DEVICE,
	.flags = CMD_JSON | CMD_DEVICE | CMD_LOOKS,
	.min_args = 1,
	.max_args = WANTS_MAX,
	.run = run_get,
};

const struct command cmd_option_set = {
	.name = "option set",
	.args = "NAME=VALUE...",
	.summary = "change option bytes, once, and prove it",
	.details = "The whole area is read, changed, written in one go and read back after the\n"
		   "reset that follows. A value that stands already is not written. Nothing is\n"
		   "repeated. RDP is not an option: see stmota protect.\n",
	.examples = "stmota option set --device lamp BFB2=1 --dry-run\n"
		    "stmota option set --device lamp BFB2=1 --yes\n",
	.group = COMMAND_DEVICE,
	.opts = set_opts,
	.flags = CMD_JSON | CMD_DEVICE,
	.min_args = 1,
	.max_args = WANTS_MAX,
	.check = check_set,
	.run = run_set,
};
