/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_provision.c - stmota provision: a new board, from nothing to protected, as one plan
 */
#include "cmd.h"
#include "flash_call.h"
#include "provision_parts.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <stmota/digest.h>
#include <stmota/protect_job.h>
#include <stmota/provision.h>
#include <stmota/strparse.h>

#define NAME_SIZE 32

static const struct opt opts[] = {
	OPT_FILE("loader", "FILE", "what the chip starts: a boot loader, or the only program"),
	{.name = "app",
		.type = OPT_TYPE_FILE,
		.arg = "FILE",
		.text = "an application for it; packages are checked as by flash",
		.many = true},
	OPT_STRINGS("slot", "NAME",
		"the first --app goes into this slot of the configuration, and so on"),
	OPT_STRINGS("key-block", "FILE@ADDR", "raw bytes, such as keys or a serial number"),
	OPT_SPANS("blank", "ADDR:LEN",
		"whole erase units that shall be blank, for the loader's state"),
	CMD_OPT_DECRYPT,
	OPT_FILES("trust", "PUB.pem|DIR", "public keys to believe; all files must then be signed"),
	OPT_STRING("confirm", "HOW",
		"wait for a proof of health before anything is protected; as of flash"),
	OPT_STRINGS("option", "NAME=VALUE", "option bytes, as of 'option set'"),
	OPT_STRINGS(
		"irreversible", "NAME", "NAME may be set although that may never be taken back"),
	OPT_FLAG("wrp-loader", "write-protect the erase units of the loader"),
	OPT_CHOICE("rdp", "1", "read-out protection, set last"),
	OPT_FLAG("erase-everything",
		"a board at read-out protection level 1 is erased completely, and begun anew"),
	OPT_CHOICE("after", "auto|reset|go|none", "what happens at the end (default auto)"),
	OPT_FLAG("entry-by-hand", "accept that a person must set BOOT0 after an interruption"),
	{.name = "dry-run",
		.letter = 'n',
		.type = OPT_TYPE_FLAG,
		.text = "check everything and print the plan, change nothing"},
	OPT_FLAG("yes", "do not ask before option bytes and protection are changed"),
	OPT_END,
};

struct provision_call {
	struct command_env *env;
	struct provision_parts parts;
	struct device *device;
	struct state *state;
	struct proof proof;
	struct provision_request rq;
	struct provision_result result;
	char names[PROVISION_WANTS_MAX][NAME_SIZE];
	const char *irreversible[PROVISION_WANTS_MAX];
	char journal[PATH_MAX];
	struct installed installed;
	char unchecked[80];
};

/* ---- options ---- */

static int parse_want(struct provision_call *c, const char *text, struct err *e)
{
	const char *mark = strchr(text, '=');
	size_t len = mark != NULL ? (size_t)(mark - text) : 0;
	struct option_want *w = &c->rq.want[c->rq.n_wants];
	char *name = c->names[c->rq.n_wants];

	if (c->rq.n_wants == PROVISION_WANTS_MAX)
		return err_set(e, ERR_USAGE, "more than %d options", PROVISION_WANTS_MAX);
	if (len == 0 || len >= NAME_SIZE)
		return err_set(e, ERR_USAGE, "'%.60s' is not NAME=VALUE", text);
	memcpy(name, text, len);
	name[len] = '\0';
	if (parse_u32(mark + 1, &w->value, e) < 0)
		return err_wrap(e, "%s", name);
	w->name = name;
	c->rq.n_wants++;
	return 0;
}

static enum flash_after after_of(const char *text)
{
	return strcmp(text, "reset") == 0  ? AFTER_RESET
	       : strcmp(text, "go") == 0   ? AFTER_GO
	       : strcmp(text, "none") == 0 ? AFTER_NONE
					   : AFTER_AUTO;
}

static int parse_request(struct provision_call *c, const struct opts *o, struct err *e)
{
	int rc = 0;

	if (opt_count(o, "irreversible") > PROVISION_WANTS_MAX)
		return err_set(
			e, ERR_USAGE, "more than %d times --irreversible", PROVISION_WANTS_MAX);
	for (size_t i = 0; i < opt_count(o, "irreversible"); i++)
		c->irreversible[c->rq.n_irreversible++] = opt_str_at(o, "irreversible", i);
	c->rq.irreversible = c->irreversible;
	for (size_t i = 0; rc == 0 && i < opt_count(o, "option"); i++)
		rc = parse_want(c, opt_str_at(o, "option", i), e);
	if (rc == 0 && opt_given(o, "confirm")) {
		rc = proof_parse(opt_str(o, "confirm", ""), &c->proof, e);
		c->rq.proof = &c->proof;
	}
	c->rq.wrp_loader = opt_given(o, "wrp-loader");
	c->rq.rdp = opt_given(o, "rdp");
	c->rq.after = after_of(opt_str(o, "after", "auto"));
	c->rq.wait_s = opt_u32(o, "wait", 0);
	c->rq.entry_by_hand = opt_given(o, "entry-by-hand");
	return rc;
}

static int check(const struct command_env *env, struct err *e)
{
	struct provision_call c = {0};
	const struct opts *o = env->opts;

	if (!opt_given(o, "loader")) {
		err_set(e, ERR_USAGE, "what should the chip start? --loader is missing");
		return err_hint(e, "stmota provision --loader LOADER.elf --app APP.elf");
	}
	if (opt_count(o, "slot") > opt_count(o, "app"))
		return err_set(e, ERR_USAGE, "more --slot than --app");
	return parse_request(&c, o, e);
}

/* ---- the plan ---- */

static const char *result_of(const struct provision_call *c, const struct provision_step *s)
{
	if (s->stands)
		return "stands already";
	if (!s->done)
		return "to be done";
	switch (s->kind) {
	case PROVISION_PART: return "written and verified";
	case PROVISION_PROOF: return "seen";
	case PROVISION_RDP: return "set, and seen on the device";
	default:
		return c->result.pending ? "written, holds from the next power-up on"
					 : "written and read back";
	}
}

static void show_steps(const struct provision_call *c)
{
	const struct provision_plan *p = &c->result.plan;
	struct out *o = c->env->out;

	out_table(o, "steps");
	for (size_t i = 0; i < p->n; i++) {
		const struct provision_step *s = &p->step[i];

		out_object(o, NULL);
		out_str(o, "step", s->what);
		if (s->where.len > 0)
			out_strf(o, "where", "0x%08X..0x%08X", s->where.addr,
				(unsigned)(span_end(s->where) - 1));
		else
			out_str(o, "where", NULL);
		out_str(o, "result", result_of(c, s));
		out_str(o, "detail", s->detail);
		out_end(o);
	}
	out_end(o);
}

static int ask(const struct provision_call *c, const struct provision_plan *p, struct err *e)
{
	char text[500];
	size_t len = 0;
	bool rdp = false;

	for (size_t i = 0; i < p->n; i++)
		rdp |= p->step[i].kind == PROVISION_RDP && !p->step[i].stands;
	if (!p->changes_options && !rdp)
		return 0;
	if (p->changes_options)
		len += (size_t)snprintf(text, sizeof(text),
			"The option bytes of %.60s are changed%s%s; it resets itself. ",
			c->device->name,
			(p->consequences & OPTION_PROTECTS) != 0 ? ", with its write protection"
								 : "",
			option_needs_consent(p->consequences) ? ", in a way that cannot be undone"
							      : "");
	if (rdp)
		snprintf(text + len, sizeof(text) - len,
			"At the end %.60s refuses to be read, erased and written through its "
			"bootloader; the way back erases its whole flash.",
			c->device->name);
	return cmd_confirm(c->env, text, e);
}

static int on_plan(void *ctx, const struct provision_plan *p, struct err *e)
{
	struct provision_call *c = ctx;

	event_emit(c->env->events, &(struct event){.type = EVENT_PHASE});
	return opt_given(c->env->opts, "dry-run") ? FLASH_STOP : ask(c, p, e);
}

/* ---- all of it ---- */

static int check_release(struct provision_call *c, struct err *e)
{
	const struct firmware *f = provision_release(&c->parts);
	struct flash_call said_by = {.env = c->env};
	struct installed_now said = {0}, now = {0};
	struct release_policy policy = {0};
	int rc;

	if (f == NULL)
		return 0;
	rc = flash_configured(&said_by, &said, e);
	for (int try = 0; rc == 0 && try < 2; try++) {
		rc = installed_find(c->device, f, c->state, &said, &now, e);
		if (rc == 0 || !err_is_transient((enum err_code)rc) || try > 0)
			break;
		rc = device_recover(c->device, e);
	}
	if (rc == 0)
		rc = release_check(f, &now, &policy, c->unchecked, sizeof(c->unchecked), e);
	if (rc == 0)
		rc = firmware_installed(f, &c->installed, e);
	c->rq.installed = rc == 0 ? &c->installed : NULL;
	return rc;
}

/* One for each place where boards are put, not for each board: it cannot be asked any more then. */
static int name_journal(struct provision_call *c, struct err *e)
{
	char folder[PATH_MAX - 64];
	uint8_t sum[SHA256_SIZE];
	int rc = state_folder(
		config_get(c->env->config, "state", NULL, "dir"), folder, sizeof(folder), e);

	if (rc == 0)
		rc = sha256(c->device->name, strlen(c->device->name), sum, e);
	if (rc == 0)
		snprintf(c->journal, sizeof(c->journal), "%s/provision-%02x%02x%02x%02x%02x%02x",
			folder, sum[0], sum[1], sum[2], sum[3], sum[4], sum[5]);
	c->rq.journal = c->journal;
	return rc;
}

static void show(const struct provision_call *c)
{
	const struct provision_result *r = &c->result;
	struct out *o = c->env->out;

	out_str(o, "device", c->device->name);
	cmd_out_device_chip(o, &c->device->facts);
	if (c->unchecked[0] != '\0')
		out_str(o, "not_checked", c->unchecked);
	show_steps(c);
	if (r->seen[0] != '\0')
		out_str(o, "confirmed_by", r->seen);
	if (r->stopped) {
		out_str(o, "result", "nothing was changed");
		return;
	}
	out_str(o, "started", r->started);
	out_str(o, "result",
		r->trusted_journal
			? "protected; what it holds was verified by the run that was interrupted"
			: "provisioned");
	if (c->rq.rdp && strcmp(r->started, "yes") != 0)
		out_text(o, "set BOOT0 low, then power it off and on: it starts what was written");
}

static bool is_readable(const struct device *d)
{
	return !d->facts.read_refused && d->facts.rdp != RDP_1;
}

/*
 * A board that was protected, or whose option bytes were cut in mid-write: on most families that reads
 * as level 1. What it holds cannot be seen, so nothing of it is kept.
 */
static int begin_anew(struct provision_call *c, bool *ret_stop, struct err *e)
{
	struct out *o = c->env->out;
	char text[200];
	int rc;

	*ret_stop = opt_given(c->env->opts, "dry-run");
	if (*ret_stop) {
		out_str(o, "device", c->device->name);
		cmd_out_device_chip(o, &c->device->facts);
		out_str(o, "result",
			"nothing was changed; everything would be erased to lift read-out "
			"protection, then begun anew");
		return 0;
	}
	snprintf(text, sizeof(text),
		"%.60s is at read-out protection level 1: its WHOLE FLASH is erased first.",
		c->device->name);
	rc = cmd_confirm(c->env, text, e);
	if (rc == 0)
		rc = protect_set_rdp(c->device, 0, true, c->env->events, e);
	if (rc == 0)
		rc = protect_clear_wrp(c->device, c->env->events, e);
	if (rc == 0)
		rc = provision_parts_place(&c->parts, c->env, c->device, &c->rq, e);
	return rc;
}

static int with_device(struct provision_call *c, struct err *e)
{
	bool readable = is_readable(c->device), stop = false;
	int rc = provision_parts_place(&c->parts, c->env, c->device, &c->rq, e);

	if (rc == 0 && !readable && opt_given(c->env->opts, "erase-everything")) {
		rc = begin_anew(c, &stop, e);
		readable = is_readable(c->device);
	}
	if (stop)
		return rc;
	if (rc == 0 && readable)
		rc = cmd_open_state(c->env, c->device, &c->state, e);
	if (rc == 0 && readable)
		rc = check_release(c, e);
	if (rc == 0)
		rc = name_journal(c, e);
	c->rq.state = c->state;
	if (rc == 0)
		rc = provision_run(c->device, &c->rq, &c->result, e);
	if (rc == ERR_PROTECTED && readable)
		cmd_out_protection(c->env->out, c->device, NULL);
	if (rc == 0)
		show(c);
	return rc;
}

static int run(struct command_env *env, struct err *e)
{
	struct provision_call c = {.env = env};
	int rc = parse_request(&c, env->opts, e);

	c.rq.events = env->events;
	c.rq.on_plan = on_plan;
	c.rq.on_plan_ctx = &c;
	if (rc == 0)
		rc = provision_parts_load(&c.parts, env, e);
	if (rc == 0)
		rc = cmd_find_device(env, provision_chip(&c.parts), &c.device, e);
	if (rc == 0)
		rc = with_device(&c, e);
	state_close(c.state);
	device_close(c.device);
	provision_parts_done(&c.parts);
	return rc;
}

const struct command cmd_provision = {
	.name = "provision",
	.args = "",
	.needs = "--loader FILE",
	.summary = "a new board: loader, application, options and protection as one plan",
	.details =
		"All is checked before the first erase. Then, in this order: everything is written\n"
		"and verified; with --confirm it is started and must prove that it is healthy;\n"
		"option bytes and write protection, in one write; read-out protection, last. What\n"
		"stands already is skipped: after whatever interruption the same command goes on.\n\n"
		"A cut while option bytes are written may leave a board at level 1, which only erasing\n"
		"everything lifts: --erase-everything says that this is wanted. Without it a board\n"
		"at level 1 is refused, unless it was this very command that was cut at its last\n"
		"step. Level 2 is never set.\n",
	.examples = "stmota provision --device uart:/dev/ttyUSB0 --loader loader.elf --app app.elf "
		    "--dry-run\n"
		    "stmota provision --device lamp --loader loader.elf --app app.sota --trust "
		    "release.pub.pem --wrp-loader --rdp 1 --yes\n"
		    "stmota provision --device lamp --loader loader.elf --app a.elf --slot slot1 "
		    "--key-block unit-17.key@0x08010000 --option BOR_LEV=1\n",
	.group = COMMAND_DEVICE,
	.opts = opts,
	.flags = CMD_JSON | CMD_DEVICE | CMD_EVENTS,
	.check = check,
	.run = run,
};
