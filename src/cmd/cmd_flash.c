/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_flash.c - stmota flash: bring a package or an image onto a device, and prove it
 */
#include "flash_call.h"
#include "many.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <stmota/clock.h>
#include <stmota/image.h>
#include <stmota/protect_job.h>
#include <stmota/signals.h>

static const struct opt opts[] = {
	OPT_FILES(
		"trust", "PUB.pem|DIR", "public keys to believe; the package must then be signed"),
	CMD_OPT_DECRYPT,
	OPT_U32("address", "ADDR", "where a raw binary begins"),
	{.name = "dry-run",
		.letter = 'n',
		.type = OPT_TYPE_FLAG,
		.text = "compare and print the plan, change nothing"},
	OPT_FLAG("verify-only", "compare device and file, change nothing"),
	OPT_CHOICE("after", "auto|reset|go|none",
		"what happens at the end (default auto: reset if wired, else go)"),
	OPT_FLAG("allow-downgrade", "accept a lower version; never a lower security counter"),
	OPT_FLAG("entry-by-hand", "accept that a person must set BOOT0 after an interruption"),
	OPT_FLAG(
		"lift-wrp", "lift write protection that is in the way, and put it back afterwards"),
	OPT_SPANS("lose", "ADDR:LEN", "these bytes outside the image need not survive"),
	OPT_STRINGS("component", "NAME", "write only this component of the package; or its number"),
	OPT_FILES("base", "FILE|DIR", "where the old image of a delta may be found"),
	OPT_FLAG("data", "FILE is data, not a program: no vector table"),
	OPT_STRING("slot", "NAME", "into this slot of the configuration, and nowhere else"),
	OPT_CHOICE("bank", "inactive", "into the bank that does not run, which runs then"),
	OPT_FILE("backup", "FILE", "keep what was there, and restore it if the new one fails"),
	OPT_STRING("confirm", "HOW",
		"wait for a proof of health: 'uart: expect \"TEXT\" within 30s' or 'command: CMD'"),
	OPT_FLAG("yes", "do not ask before bytes named by --lose are lost"),
	OPT_STRINGS("all-matching", "PATTERN",
		"all devices of the configuration, or ports, with such names: 'lamp-*'"),
	OPT_U32("jobs", "N", "of several devices, so many at a time (default 64)"),
	OPT_END,
};

const char *flash_device_section(const struct flash_call *c)
{
	const char *name = c->env->device;

	/* Only a section has further settings; a URL has none. */
	return name != NULL && !device_url_is_url(name) ? name : NULL;
}

/* ---- the file ---- */

int flash_load(struct flash_call *c, bool for_updater, bool whole, struct err *e)
{
	const struct opts *o = c->env->opts;
	cleanup_secret struct secret secret = SECRET_INIT;
	struct fetch_settings fetch;
	struct firmware_options options = {
		.has_address = opt_given(o, "address"),
		.address = opt_u32(o, "address", 0),
		.data = opt_given(o, "data"),
		.for_updater = for_updater,
		.whole_package = whole,
		.trust = &c->trust,
		.secret = &secret,
		.now = (uint64_t)time(NULL),
		.fetch = &fetch,
		.events = c->env->events,
	};
	bool required = false;
	int rc = cmd_load_secret(c->env, &secret, e);

	if (rc < 0)
		return rc;
	options.n_components = opt_count(o, "component");
	if (options.n_components > ARRAY_LEN(options.components))
		return err_set(e, ERR_USAGE, "more than %zu times --component",
			ARRAY_LEN(options.components));
	for (size_t i = 0; i < options.n_components; i++)
		options.components[i] = opt_str_at(o, "component", i);
	rc = config_bool(c->env->config, "flash", NULL, "require_signature", false, &required, e);

	options.must_be_signed = required || opt_given(o, "trust");
	if (c->has_slot) {
		options.has_raw_address = true;
		options.raw_address = c->slot.purpose == SLOT_DATA ? c->slot.at.addr : c->slot.link;
		options.data |= c->slot.purpose == SLOT_DATA;
	}
	if (c->order != NULL) {
		options.name = c->order->name;
		options.trust = c->order->trust;
		options.must_be_signed = !c->order->restore;
		options.sha256 = c->order->sha256;
	} else if (rc == 0) {
		trust_done(&c->trust);
		rc = cmd_load_trust(c->env, &c->trust, e);
	}
	if (rc == 0)
		rc = cmd_fetch_settings(c->env, &fetch, e);
	if (rc == 0)
		rc = firmware_load(opt_arg(o, 0), &options, &c->firmware, e);
	if (rc == 0 && c->order != NULL && c->order->check != NULL)
		rc = c->order->check(c->order->ctx, &c->firmware.package, e);
	return rc;
}

/* ---- the device ---- */

int flash_configured(const struct flash_call *c, struct installed_now *ret, struct err *e)
{
	const struct config *cfg = c->env->config;
	const char *name = flash_device_section(c);
	const char *product, *version, *hw;
	uint32_t n = 0;
	int rc = 0;

	*ret = (struct installed_now){0};
	if (name == NULL)
		return 0;
	product = config_get(cfg, "device", name, "product");
	version = config_get(cfg, "device", name, "version");
	hw = config_get(cfg, "device", name, "hw");
	if (product != NULL) {
		rc = product_uuid(product, ret->product, e);
		ret->product_source = INSTALLED_CONFIG;
	}
	if (rc == 0 && version != NULL) {
		rc = version_parse(version, &ret->version, e);
		if (rc == 0)
			rc = config_u32(cfg, "device", name, "counter", 0, &ret->counter, e);
		ret->version_source = INSTALLED_CONFIG;
	}
	if (rc == 0 && hw != NULL) {
		rc = config_u32(cfg, "device", name, "hw", 0, &n, e);
		if (rc == 0 && n > UINT16_MAX)
			rc = err_set(e, ERR_CONFIG, "hw of [device %s] is above 65535", name);
		ret->has_hw = rc == 0;
		ret->hw = (uint16_t)n;
	}
	if (rc < 0 && e->code == ERR_USAGE) {
		e->code = ERR_CONFIG;
		err_wrap(e, "[device %s]", name);
	}
	if (rc == 0 && c->order != NULL)
		flash_overlay(ret, c->order->known);
	return rc;
}

static int check_release(struct flash_call *c, struct err *e)
{
	struct release_policy policy = flash_policy(c);
	struct installed_now said = {0};
	int rc = config_bool(c->env->config, "flash", NULL, "require_known", policy.require_known,
		&policy.require_known, e);

	policy.require_known |= flash_policy(c).require_known;
	if (rc == 0)
		rc = flash_configured(c, &said, e);
	/* Two tries: a garbled reading is no reason to send somebody away. */
	for (int try = 0; rc == 0 && try < 2; try++) {
		rc = installed_find(c->device, &c->firmware, c->state, &said, &c->now, e);
		if (rc == 0 || !err_is_transient((enum err_code)rc) || try > 0)
			break;
		rc = device_recover(c->device, e);
	}
	if (rc == 0)
		rc = release_check(
			&c->firmware, &c->now, &policy, c->unchecked, sizeof(c->unchecked), e);
	return flash_check_known(c, rc, e);
}

/* ---- the plan ---- */

static bool loses_something(const struct flash_call *c, const struct flash_plan *plan)
{
	for (size_t i = 0; i < plan->n_erase; i++)
		for (size_t k = 0; k < c->n_lose; k++)
			if (span_overlaps(c->lose[k], (struct span){plan->erase_order[i].addr,
							      plan->erase_order[i].size}))
				return true;
	return false;
}

static int on_plan(void *ctx, const struct flash_plan *plan, struct err *e)
{
	struct flash_call *c = ctx;
	struct out *o = c->env->out;
	int rc = 0;

	if (c->dry_run) {
		flash_show_what(c);
		flash_show_totals(o, plan);
		flash_show_steps(o, plan);
		flash_note_numbers(c, plan);
		return FLASH_STOP;
	}
	if (out_mode(o) == OUT_JSON) {
		flash_show_totals(o, plan);
		out_event(o, "plan");
	}
	flash_note_plan(c, plan);
	if (loses_something(c, plan))
		rc = cmd_confirm(
			c->env, "Bytes outside the image will be lost, as --lose says.", e);
	return rc == 0 ? flash_keep(c, plan, e) : rc;
}

/* ---- all of it ---- */

static int verify_only(struct flash_call *c, struct err *e)
{
	int rc = flash_verify(c->device, &c->placed, c->env->events, e);

	if (rc < 0)
		return rc;
	flash_show_what(c);
	out_bool(c->env->out, "verified", true);
	return 0;
}

static enum flash_after after_of(const char *text)
{
	static const struct {
		const char *text;
		enum flash_after after;
	} table[] = {{"reset", AFTER_RESET}, {"go", AFTER_GO}, {"none", AFTER_NONE}};

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (strcmp(text, table[i].text) == 0)
			return table[i].after;
	return AFTER_AUTO;
}

/* Where it begins to run; a staged program is started by its boot loader, after a reset. */
static bool has_start(const struct flash_call *c)
{
	const struct device_facts *f = &c->device->facts;
	enum flash_after after = after_of(opt_str(c->env->opts, "after", "auto"));

	if (c->firmware.heads.n == 0)
		return false;
	/* Without component 0 nobody knows what the device should go on with, but a reset does. */
	if (after == AFTER_AUTO && !f->can_reset && !firmware_is_release(&c->firmware))
		return false;
	if (image_needs_loader(&c->placed))
		return f->can_reset;
	return !c->has_slot || c->slot.purpose == SLOT_APPLICATION || f->can_reset;
}

static int write_it(struct flash_call *c, struct err *e)
{
	const struct opts *o = c->env->opts;
	struct installed in = {0};
	struct trial_request rq = {
		.flash =
			{
				.image = &c->placed,
				.heads = &c->heads,
				.entry_by_hand = opt_given(o, "entry-by-hand"),
				.lift_wrp = opt_given(o, "lift-wrp"),
				.dry_run = c->dry_run,
				.lose = c->lose,
				.n_lose = c->n_lose,
				.state = c->state,
				.events = c->env->events,
				.on_plan = on_plan,
				.on_plan_ctx = c,
			},
		.backup = opt_str(o, "backup", NULL),
		.own_backup = c->order != NULL,
		.bank = c->has_bank ? &c->bank : NULL,
		.proof = c->has_proof ? &c->proof : NULL,
		.after = after_of(opt_str(o, "after", "auto")),
		.has_start = has_start(c),
		.start = c->has_bank      ? c->bank.link
			 : c->heads.n > 0 ? c->heads.base[0]
					  : 0,
		.wait_s = opt_u32(o, "wait", 0),
	};
	struct trial_result result;
	/* Data beside a program, or a program in waiting, does not change what is installed. */
	bool installs = firmware_is_release(&c->firmware) &&
			(!c->has_slot || c->slot.purpose == SLOT_APPLICATION);
	int rc = installs ? firmware_installed(&c->firmware, &in, e) : 0;

	rq.installed = installs ? &in : NULL;
	if (rc == 0) {
		rc = trial_run(c->device, &rq, &result, e);
		c->begun = result.flash.begun;
		c->written = result.written;
		c->taken_back = result.taken_back;
	}
	if (rc == ERR_PROTECTED)
		cmd_out_protection(c->env->out, c->device, &c->placed);
	if (rc < 0 || result.flash.stopped)
		return rc;
	flash_remember(c);
	if (result.why_not[0] != '\0')
		flash_warn(c, result.why_not);
	flash_show_result(c, &result);
	return 0;
}

static int preflight(
	const struct flash_call *c, const struct segments *image, unsigned accepts, struct err *e)
{
	int rc = preflight_check(&c->device->facts, image, accepts, e);

	if (rc == ERR_PROTECTED)
		cmd_out_protection(c->env->out, c->device, image);
	return rc;
}

/*
 * All that can be said against a delta package is said before its old image is looked for: where the
 * new one goes is known, what it holds is not.
 */
static int make_image(struct flash_call *c, unsigned accepts, struct err *e)
{
	cleanup_segments struct segments shape = SEGMENTS_INIT;
	bool only_looks = opt_given(c->env->opts, "verify-only");
	int rc = segments_shift(&c->firmware.image, c->by, &shape, e);

	if (rc == 0 && only_looks)
		rc = preflight_check_read(&c->device->facts, &shape, e);
	if (rc == 0 && !only_looks)
		rc = cmd_open_state(c->env, c->device, &c->state, e);
	if (rc == 0 && !only_looks)
		rc = preflight(c, &shape, accepts, e);
	if (rc == 0 && !only_looks)
		rc = check_release(c, e);
	if (rc == 0)
		rc = flash_rebuild(c, e);
	return rc == 0 ? flash_fit(c, e) : rc;
}

static int with_device(struct flash_call *c, struct err *e)
{
	const struct device_facts *f = &c->device->facts;
	unsigned accepts = (opt_given(c->env->opts, "entry-by-hand") ? PREFLIGHT_BY_HAND : 0) |
			   (opt_given(c->env->opts, "lift-wrp") ? PREFLIGHT_LIFT_WRP : 0);
	bool delta = firmware_waits_any(&c->firmware);
	int rc = flash_fit(c, e);

	if (rc == 0 && (c->has_slot || c->has_bank) && (!f->has_geometry || f->banks_assumed))
		rc = preflight_check(f, &c->firmware.image, PREFLIGHT_BY_HAND, e);
	if (rc == 0)
		rc = flash_locate(c, e);
	if (rc == 0 && delta)
		rc = make_image(c, accepts, e);
	if (rc < 0)
		return rc;
	if (c->firmware.warning[0] != '\0')
		flash_warn(c, c->firmware.warning);
	if (c->firmware.not_run[0] != '\0')
		flash_warn(c, c->firmware.not_run);
	rc = flash_place(c, e);
	if (rc < 0)
		return rc;
	if (opt_given(c->env->opts, "verify-only"))
		return verify_only(c, e);
	if (!delta)
		rc = cmd_open_state(c->env, c->device, &c->state, e);
	if (rc == 0)
		rc = preflight(c, &c->placed, accepts, e);
	if (rc < 0)
		return rc;
	if (!f->wrp_known && f->wrp_why[0] != '\0')
		flash_warn(c, f->wrp_why);
	if (!delta)
		rc = check_release(c, e);
	return rc == 0 ? write_it(c, e) : rc;
}

/* A process that was killed with its parent puts its lines back before it lets go of the port. */
static int find_device(struct flash_call *c, struct err *e)
{
	uint16_t chip = c->firmware.is_package ? c->firmware.package.header.chip : 0;
	uint64_t start = clock_now_ms(&clock_monotonic);
	int rc;

	while ((rc = cmd_find_any_device(c->env, chip, &c->device, e)) == ERR_BUSY &&
		c->order != NULL && !signals_pending() &&
		clock_now_ms(&clock_monotonic) - start < c->order->busy_ms) {
		clock_sleep_ms(&clock_monotonic, 200);
		err_clear(e);
	}
	return rc;
}

static void remember_uid(struct flash_call *c)
{
	const struct device *d = c->device;

	for (size_t i = 0; d != NULL && d->facts.has_uid && i < sizeof(d->facts.uid); i++)
		snprintf(c->uid + 2 * i, 3, "%02x", d->facts.uid[i]);
}

static int flash_one(struct command_env *env, void *ctx, struct err *e)
{
	struct flash_call *c = ctx;
	int rc;

	c->env = env;
	rc = find_device(c, e);
	remember_uid(c);
	if (rc == 0)
		rc = flash_check_board(c, e);
	if (rc == 0 && c->device->updater != NULL) {
		rc = flash_file(c, e);
	} else if (rc == 0 && c->no_image.code != 0) {
		*e = c->no_image;
		rc = e->code;
	} else if (rc == 0) {
		rc = with_device(c, e);
	}
	state_close(c->state);
	device_close(c->device);
	segments_done(&c->placed);
	image_heads_done(&c->heads);
	return rc;
}

/* Known before it is opened only by its URL: which device is behind it shows later. */
static bool may_take_files(const struct command_env *env, const char *device)
{
	struct device_request rq = {.device = device};
	struct device_url url;

	if (device_resolve(&rq, env->config, &url, NULL) < 0)
		return false;
	return url.scheme == DEVICE_YMODEM || url.scheme == DEVICE_TCP ||
	       (url.scheme == DEVICE_DFU &&
		       (url.usb.has_id || url.usb.serial[0] != '\0' || url.usb.port[0] != '\0'));
}

/* Behind some URLs there is a program: it takes files, of whatever form its playbook says. */
static bool is_program(const struct command_env *env)
{
	struct device_request rq = {.device = env->device};
	struct device_url url;

	return device_resolve(&rq, env->config, &url, NULL) == 0 &&
	       (url.scheme == DEVICE_YMODEM || url.scheme == DEVICE_TCP);
}

/* What is no image for memory may be what a device takes as a file: that is said when it is known. */
static int load_for(struct flash_call *c, const struct device_names *names, struct err *e)
{
	bool program = names->n == 0 && is_program(c->env);
	int rc = flash_load(c, program, program, e);
	bool may = rc < 0 && names->n == 0 && may_take_files(c->env, c->env->device);

	for (size_t i = 0; rc < 0 && i < names->n; i++)
		may |= may_take_files(c->env, names->v[i]);
	if (!may || (rc != ERR_USAGE && rc != ERR_UNSUPPORTED && rc != ERR_NO_FIT))
		return rc;
	c->no_image = *e;
	err_clear(e);
	return 0;
}

int flash_run_call(struct flash_call *call, struct err *e)
{
	struct command_env *env = call->env;
	struct device_names names = {0};
	int rc = device_names_collect(env, &names, e);

	if (rc < 0)
		return rc;
	call->n_lose = opt_count(env->opts, "lose");
	if (call->n_lose > ARRAY_LEN(call->lose))
		rc = err_set(e, ERR_USAGE, "more than %zu times --lose", ARRAY_LEN(call->lose));
	for (size_t i = 0; rc == 0 && i < call->n_lose; i++)
		call->lose[i] = opt_span_at(env->opts, "lose", i);
	call->has_slot = opt_given(env->opts, "slot");
	call->has_bank = opt_given(env->opts, "bank");
	if (rc == 0 && call->has_bank && (call->has_slot || opt_given(env->opts, "backup")))
		rc = err_set(e, ERR_USAGE,
			"--bank goes without --%s: the bank that runs stays as it is",
			call->has_slot ? "slot" : "backup");
	call->has_proof = opt_given(env->opts, "confirm");
	if (rc == 0 && names.n > 1 && opt_given(env->opts, "backup"))
		rc = err_set(
			e, ERR_USAGE, "--backup is for one device: its file holds one content");
	if (rc == 0 && call->has_slot)
		rc = slot_find(env->config, opt_str(env->opts, "slot", ""), &call->slot, e);
	if (rc == 0 && call->has_proof)
		rc = proof_parse(opt_str(env->opts, "confirm", ""), &call->proof, e);
	if (rc == 0)
		rc = flash_open_cache(call, e);
	if (rc == 0)
		rc = load_for(call, &names, e);
	if (rc == 0 && names.n > 0)
		rc = many_do(env, &names, opt_u32(env->opts, "jobs", 64), flash_one, call, e);
	else if (rc == 0)
		rc = flash_one(env, call, e);
	call->signers = call->firmware.verdict;
	firmware_done(&call->firmware);
	trust_done(&call->trust);
	device_names_done(&names);
	return rc;
}

static int run(struct command_env *env, struct err *e)
{
	struct flash_call c = {.env = env, .dry_run = opt_given(env->opts, "dry-run")};

	return flash_run_call(&c, e);
}

const struct command cmd_flash = {
	.name = "flash",
	.args = "FILE",
	.summary = "write a package or an image to a device, and prove it",
	.details =
		"Only erase units that differ are erased and written; all is read back. Whatever\n"
		"interrupts it: the same command again goes on from what the device holds.\n\n"
		"Of a delta package the new image is made here. The old one is taken from the cache,\n"
		"which remembers what was flashed, from --base, or read from the device.\n\n"
		"--confirm waits until the program that was started proves that it is healthy: by\n"
		"a text on a serial port or by the exit status of a command. Silence is failure:\n"
		"exit status 9, and with --backup what was there before is back in place.\n",
	.examples = "stmota flash --device uart:/dev/ttyUSB0 app.elf\n"
		    "stmota flash --device dfu: app.elf\n"
		    "stmota flash --device uart:/dev/ttyUSB0 --address 0x08000000 app.bin\n"
		    "stmota flash --device lamp --trust release.pub.pem --json app.sota\n"
		    "stmota flash --device lamp --dry-run app.sota\n"
		    "stmota flash --device lamp --base releases/ patch.sota\n"
		    "stmota flash --all-matching 'lamp-*' app.sota\n"
		    "stmota flash --device lamp --slot slot2 app.bin\n"
		    "stmota flash --device lamp --backup old.hex "
		    "--confirm 'uart: expect \"ready\" within 30s' app.elf\n",
	.group = COMMAND_DEVICE,
	.opts = opts,
	.flags = CMD_JSON | CMD_DEVICE | CMD_MANY | CMD_EVENTS,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
