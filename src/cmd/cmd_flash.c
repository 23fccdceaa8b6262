/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_flash.c - stmota flash: bring a package or an image onto a device, and prove it
 */
#include "cmd.h"
#include "many.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <stmota/device.h>
#include <stmota/firmware.h>
#include <stmota/flash_job.h>
#include <stmota/image.h>
#include <stmota/option_job.h>
#include <stmota/protect_job.h>
#include <stmota/slot.h>
#include <stmota/strparse.h>
#include <stmota/text.h>
#include <stmota/trial.h>

static const struct opt opts[] = {
	OPT_FILES(
		"trust", "PUB.pem|DIR", "public keys to believe; the package must then be signed"),
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

struct flash_call {
	struct command_env *env;
	struct device *device;
	struct firmware firmware;
	struct trust trust;
	struct state *state;
	bool has_slot, has_proof, has_bank;
	struct bank_move bank;
	struct slot slot;
	struct proof proof;
	struct segments placed;   /* the image at the addresses where it will be written */
	struct image_heads heads; /* likewise */
	struct span lose[32];
	size_t n_lose;
	bool dry_run;
	char unchecked[80];
};

static const char *flash_device_name(const struct flash_call *c)
{
	const char *name = c->env->device;

	/* Only a section has further settings; a URL has none. */
	return name != NULL && !device_url_is_url(name) ? name : NULL;
}

static void note(const struct flash_call *c, const char *text)
{
	struct event ev = {.type = EVENT_NOTE, .text = text};

	event_emit(c->env->events, &ev);
}

static void warn(const struct flash_call *c, const char *text)
{
	struct event ev = {.type = EVENT_WARNING, .text = text};

	event_emit(c->env->events, &ev);
}

/* ---- the file ---- */

static int load_firmware(struct flash_call *c, struct err *e)
{
	const struct opts *o = c->env->opts;
	struct firmware_options options = {
		.has_address = opt_given(o, "address"),
		.address = opt_u32(o, "address", 0),
		.data = opt_given(o, "data"),
		.trust = &c->trust,
		.now = (uint64_t)time(NULL),
	};
	bool required = false;
	int rc;

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
	if (rc == 0)
		rc = cmd_load_trust(c->env, &c->trust, e);
	if (rc == 0)
		rc = firmware_load(opt_arg(o, 0), &options, &c->firmware, e);
	return rc;
}

/* ---- the device ---- */

/* What the [device] section says about what is installed. */
static int configured(const struct flash_call *c, struct installed_now *ret, struct err *e)
{
	const struct config *cfg = c->env->config;
	const char *name = flash_device_name(c);
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
	return rc;
}

static int check_release(struct flash_call *c, struct err *e)
{
	struct release_policy policy = {
		.allow_downgrade = opt_given(c->env->opts, "allow-downgrade")};
	struct installed_now is = {0}, said = {0};
	int rc = config_bool(
		c->env->config, "flash", NULL, "require_known", false, &policy.require_known, e);

	if (rc == 0)
		rc = configured(c, &said, e);
	/* Two tries: a garbled reading is no reason to send somebody away. */
	for (int try = 0; rc == 0 && try < 2; try++) {
		rc = installed_find(c->device, &c->firmware, c->state, &said, &is, e);
		if (rc == 0 || !err_is_transient((enum err_code)rc) || try > 0)
			break;
		rc = device_recover(c->device, e);
	}
	if (rc == 0)
		rc = release_check(
			&c->firmware, &is, &policy, c->unchecked, sizeof(c->unchecked), e);
	return rc;
}

/* ---- the plan ---- */

static const char *step_name(enum plan_step_kind kind)
{
	switch (kind) {
	case PLAN_SAVE: return "save";
	case PLAN_ERASE: return "erase";
	case PLAN_BLANK: return "blank-check";
	case PLAN_WRITE: return "write";
	default: return "verify";
	}
}

static void describe_totals(struct out *o, const struct flash_plan *plan)
{
	const struct plan_totals *t = &plan->totals;

	out_uint(o, "units_same", t->units_same);
	out_uint(o, "units_rewritten", t->units_rewritten);
	out_size(o, "bytes_same", t->bytes_same);
	out_size(o, "bytes_erased", t->bytes_erased);
	out_size(o, "bytes_written", t->bytes_written);
	out_size(o, "bytes_verified", t->bytes_verified);
	out_size(o, "bytes_kept", t->bytes_kept);
	out_real(o, "estimated_seconds", t->seconds, 1);
}

static void step_row(struct out *o, const char *name, uint64_t addr, uint64_t len, uint64_t units)
{
	out_object(o, NULL);
	out_str(o, "step", name);
	out_hex(o, "address", addr, 8);
	out_size(o, "bytes", len);
	if (units > 0)
		out_uint(o, "units", units);
	else
		out_str(o, "units", NULL);
	out_end(o);
}

/* Neighbouring steps of one kind are one row: people and scripts count bytes, not packets. */
static void describe_steps(struct out *o, const struct flash_plan *plan)
{
	out_table(o, "plan");
	for (size_t i = 0; i < plan->n_steps;) {
		const struct plan_step *s = &plan->steps[i];
		uint64_t addr = s->addr, end = (uint64_t)s->addr + s->len;

		i++;
		if (s->kind == PLAN_SAVE)
			continue;
		if (s->kind == PLAN_ERASE) {
			for (uint32_t k = s->first; k < s->first + s->n;) {
				uint32_t from = k;

				addr = end = plan->erase_order[k].addr;
				while (k < s->first + s->n && plan->erase_order[k].addr == end)
					end += plan->erase_order[k++].size;
				step_row(o, "erase", addr, end - addr, k - from);
			}
			continue;
		}
		while (i < plan->n_steps && plan->steps[i].kind == s->kind &&
			plan->steps[i].addr == end)
			end += plan->steps[i++].len;
		step_row(o, step_name(s->kind), addr, end - addr, 0);
	}
	out_end(o);
}

static void note_plan(const struct flash_call *c, const struct flash_plan *plan)
{
	const struct plan_totals *t = &plan->totals;
	char erased[32], written[32], kept[32], time_text[32], text[200];

	/* The comparison is over, also where it did not have to look at every byte. */
	event_emit(c->env->events, &(struct event){.type = EVENT_PHASE});
	if (plan->n_steps == 0) {
		note(c, "the device holds this already: nothing to write");
		return;
	}
	text_size(t->bytes_erased, erased, sizeof(erased));
	text_size(t->bytes_written, written, sizeof(written));
	text_size(t->bytes_kept, kept, sizeof(kept));
	text_duration((uint64_t)(t->seconds * 1000), time_text, sizeof(time_text));
	snprintf(text, sizeof(text),
		"plan: rewrite %u of %u erase units (erase %s, write %s%s%s), about %s",
		t->units_rewritten, t->units_rewritten + t->units_same, erased, written,
		t->bytes_kept > 0 ? ", keep " : "", t->bytes_kept > 0 ? kept : "", time_text);
	note(c, text);
}

static bool loses_something(const struct flash_call *c, const struct flash_plan *plan)
{
	for (size_t i = 0; i < plan->n_erase; i++)
		for (size_t k = 0; k < c->n_lose; k++)
			if (span_overlaps(c->lose[k], (struct span){plan->erase_order[i].addr,
							      plan->erase_order[i].size}))
				return true;
	return false;
}

static void describe_components(const struct flash_call *c)
{
	const struct package *p = &c->firmware.package;
	struct out *o = c->env->out;

	out_table(o, "components");
	for (size_t i = 0; i < p->header.n_components; i++) {
		struct imf_component part = package_component(p, i);

		out_object(o, NULL);
		out_str(o, "name", p->names[i][0] != '\0' ? p->names[i] : NULL);
		out_str(o, "kind", package_kind_name((enum imf_kind)part.kind));
		out_hex(o, "address", part.load_addr, 8);
		out_size(o, "size", part.plain_size);
		out_bool(o, "selected", c->firmware.selected[i]);
		out_end(o);
	}
	out_end(o);
}

static void describe_what(const struct flash_call *c)
{
	const struct device_facts *f = &c->device->facts;
	const struct package *p = &c->firmware.package;
	struct out *o = c->env->out;
	char version[VERSION_TEXT_SIZE];

	out_str(o, "device", c->device->name);
	cmd_out_device_chip(o, f);
	out_str(o, "file", c->firmware.path);
	if (c->firmware.is_package) {
		out_str(o, "product", p->product[0] != '\0' ? p->product : NULL);
		out_str(o, "version", version_format(p->header.version, version));
		if (p->header.n_components > 1)
			describe_components(c);
	}
	if (c->unchecked[0] != '\0')
		out_str(o, "not_checked", c->unchecked);
}

static int on_plan(void *ctx, const struct flash_plan *plan, struct err *e)
{
	struct flash_call *c = ctx;
	struct out *o = c->env->out;

	if (c->dry_run) {
		describe_what(c);
		describe_totals(o, plan);
		describe_steps(o, plan);
		return FLASH_STOP;
	}
	if (out_mode(o) == OUT_JSON) {
		describe_totals(o, plan);
		out_event(o, "plan");
	}
	note_plan(c, plan);
	if (loses_something(c, plan))
		return cmd_confirm(
			c->env, "Bytes outside the image will be lost, as --lose says.", e);
	return 0;
}

/* ---- all of it ---- */

static int verify_only(struct flash_call *c, struct err *e)
{
	int rc = flash_verify(c->device, &c->placed, c->env->events, e);

	if (rc < 0)
		return rc;
	describe_what(c);
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
	return !c->has_slot || c->slot.purpose == SLOT_APPLICATION || f->can_reset;
}

static void describe_result(const struct flash_call *c, const struct trial_result *r)
{
	struct out *o = c->env->out;

	describe_what(c);
	if (c->has_slot)
		out_str(o, "slot", c->slot.name);
	if (c->has_bank)
		out_uint(o, "bank", c->bank.other);
	out_size(o, "bytes_written", r->flash.first.bytes_written);
	out_size(o, "bytes_same", r->flash.first.bytes_same);
	out_uint(o, "attempts", r->flash.attempts);
	out_bool(o, "verified", true);
	if (r->backup_taken || r->backup_kept)
		out_str(o, "backup", opt_str(c->env->opts, "backup", NULL));
	out_str(o, "started", r->started);
	if (c->has_proof) {
		out_bool(o, "confirmed", r->confirmed);
		out_str(o, "seen", r->seen);
	}
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
	if (rc == 0)
		rc = trial_run(c->device, &rq, &result, e);
	if (rc == ERR_PROTECTED)
		cmd_out_protection(c->env->out, c->device, &c->placed);
	if (rc < 0 || result.flash.stopped)
		return rc;
	if (result.why_not[0] != '\0')
		warn(c, result.why_not);
	describe_result(c, &result);
	return 0;
}

static int read_option(void *ctx, uint32_t addr, uint32_t *ret_word, struct err *e)
{
	const struct option_words *w = ctx;

	for (size_t i = 0; i < w->n; i++) {
		if (!span_contains(w->block[i].at, (struct span){addr, 4}))
			continue;
		*ret_word = get_le32(w->block[i].data + (addr - w->block[i].at.addr));
		return 0;
	}
	return err_set(e, ERR_UNSUPPORTED, "the option word at 0x%08X was not read", addr);
}

/* Words 0 and 1 of both halves of flash, read twice: they tell which bank the ROM starts. */
static int read_heads(struct flash_call *c, uint8_t ret[2][8], struct err *e)
{
	const struct geometry *g = &c->device->facts.geometry;
	struct target *t = c->device->target;
	int rc = 0;

	for (int i = 0; rc == 0 && i < 2; i++) {
		uint32_t addr = i == 0 ? g->base : g->base + g->size / 2;
		uint8_t again[8];

		rc = t->ops->read(t, addr, ret[i], 8, e);
		if (rc == 0)
			rc = t->ops->read(t, addr, again, 8, e);
		if (rc == 0 && memcmp(ret[i], again, 8) != 0)
			rc = err_set(e, ERR_IDENTITY, "two readings of 0x%08X differ", addr);
	}
	return rc;
}

static int find_bank(struct flash_call *c, struct err *e)
{
	const struct device_facts *f = &c->device->facts;
	struct option_words *words = calloc(1, sizeof(*words));
	uint8_t heads[2][8];
	int rc = words == NULL ? err_set(e, ERR_NOMEM, "out of memory")
			       : option_read(c->device, words, e);

	if (rc == 0)
		rc = read_heads(c, heads, e);
	if (rc == 0)
		rc = bank_move_plan(&f->geometry, f->has_boot_id ? f->boot_id : 0, read_option,
			words, heads, &c->bank, e);
	free(words);
	return rc;
}

/* The program is linked for the start of flash and goes to wherever the other bank is seen. */
static int place_in_bank(struct flash_call *c, struct err *e)
{
	const struct segments *image = &c->firmware.image;
	struct span room, out;
	uint8_t sp[4] = {0};
	int rc = find_bank(c, e);

	if (rc < 0)
		return rc;
	/* What runs there now is not where the package's own record says. */
	if (c->bank.by_rom && c->bank.running == 2 && c->firmware.is_package)
		return err_set(e, ERR_UNSUPPORTED,
			"bank 2 runs: the version of a package cannot be compared with it");
	room = (struct span){c->bank.link, c->bank.size};
	if (image_outside(image, room, &out)) {
		err_set(e, ERR_NO_FIT,
			"0x%08X..0x%08X of the image is outside a bank (0x%08X..0x%08X)", out.addr,
			(unsigned)(span_end(out) - 1), room.addr, (unsigned)(span_end(room) - 1));
		return err_hint(
			e, "link it for 0x%08X: either bank is seen there when it runs", room.addr);
	}
	if (c->firmware.heads.n == 0 || c->firmware.heads.base[0] != c->bank.link)
		return err_set(e, ERR_NO_FIT,
			"no program begins at 0x%08X, where a bank is started", c->bank.link);
	segments_copy(image, (struct span){c->bank.link, 4}, sp);
	return bank_move_check_stack(&c->bank, c->device->facts.chip, get_le32(sp), e);
}

/* From the addresses it was linked for to those where it will be written. */
static int place(struct flash_call *c, struct err *e)
{
	const struct geometry *g = &c->device->facts.geometry;
	const struct image_heads *from = &c->firmware.heads;
	uint32_t by = 0;
	int rc = 0;

	if (c->has_bank) {
		rc = place_in_bank(c, e);
		by = c->bank.to - c->bank.link;
		if (rc == 0)
			rc = segments_shift(&c->firmware.image, by, &c->placed, e);
	} else if (c->has_slot) {
		rc = slot_check_part(&c->slot, c->env->config, g, e);
		if (rc == 0)
			rc = slot_place(&c->slot, &c->firmware.image,
				from->n > 0 ? from->base[0] : 0, &c->placed, e);
		by = c->slot.purpose == SLOT_DATA ? 0 : c->slot.at.addr - c->slot.link;
	} else {
		rc = segments_shift(&c->firmware.image, 0, &c->placed, e);
	}
	return rc == 0 ? image_heads_shift(from, by, &c->heads, e) : rc;
}

/* Where several chips are possible the firmware has to fit one of them. */
static int fit(struct flash_call *c, struct err *e)
{
	const struct device_facts *f = &c->device->facts;
	struct err other = ERR_INIT;
	int rc = firmware_fit(&c->firmware, f->chip, e);

	for (size_t i = 1; rc < 0 && i < f->n_candidates; i++)
		if (firmware_fit(&c->firmware, f->candidates[i], &other) == 0)
			rc = 0;
	if (rc == 0)
		err_clear(e);
	return rc;
}

static int with_device(struct flash_call *c, struct err *e)
{
	const struct device_facts *f = &c->device->facts;
	unsigned accepts = (opt_given(c->env->opts, "entry-by-hand") ? PREFLIGHT_BY_HAND : 0) |
			   (opt_given(c->env->opts, "lift-wrp") ? PREFLIGHT_LIFT_WRP : 0);
	int rc = fit(c, e);

	if (rc < 0)
		return rc;
	if (c->firmware.warning[0] != '\0')
		warn(c, c->firmware.warning);
	if (c->firmware.not_run[0] != '\0')
		warn(c, c->firmware.not_run);
	if ((c->has_slot || c->has_bank) && (!f->has_geometry || f->banks_assumed))
		rc = preflight_check(f, &c->firmware.image, PREFLIGHT_BY_HAND, e);
	if (rc == 0)
		rc = place(c, e);
	if (rc < 0)
		return rc;
	if (opt_given(c->env->opts, "verify-only"))
		return verify_only(c, e);
	rc = cmd_open_state(c->env, c->device, &c->state, e);
	/* What an earlier run lifted goes back first, also where this one will be refused. */
	if (rc == 0 && !c->dry_run && !(accepts & PREFLIGHT_LIFT_WRP))
		rc = wrp_put_back(c->device, c->state, c->env->events, e);
	if (rc < 0)
		return rc;
	rc = preflight_check(f, &c->placed, accepts, e);
	if (rc == ERR_PROTECTED)
		cmd_out_protection(c->env->out, c->device, &c->placed);
	if (rc < 0)
		return rc;
	if (!f->wrp_known && f->wrp_why[0] != '\0')
		warn(c, f->wrp_why);
	rc = check_release(c, e);
	if (rc == 0)
		rc = write_it(c, e);
	return rc;
}

static int flash_one(struct command_env *env, void *ctx, struct err *e)
{
	struct flash_call *c = ctx;
	int rc;

	c->env = env;
	rc = cmd_find_device(env,
		c->firmware.is_package ? c->firmware.package.header.chip : 0, &c->device, e);
	if (rc == 0)
		rc = with_device(c, e);
	state_close(c->state);
	device_close(c->device);
	segments_done(&c->placed);
	image_heads_done(&c->heads);
	return rc;
}

static int run(struct command_env *env, struct err *e)
{
	struct flash_call c = {.env = env, .dry_run = opt_given(env->opts, "dry-run")};
	struct device_names names = {0};
	int rc = device_names_collect(env, &names, e);

	if (rc < 0)
		return rc;
	c.n_lose = opt_count(env->opts, "lose");
	if (c.n_lose > ARRAY_LEN(c.lose))
		rc = err_set(e, ERR_USAGE, "more than %zu times --lose", ARRAY_LEN(c.lose));
	for (size_t i = 0; rc == 0 && i < c.n_lose; i++)
		c.lose[i] = opt_span_at(env->opts, "lose", i);
	c.has_slot = opt_given(env->opts, "slot");
	c.has_bank = opt_given(env->opts, "bank");
	if (rc == 0 && c.has_bank && (c.has_slot || opt_given(env->opts, "backup")))
		rc = err_set(e, ERR_USAGE,
			"--bank goes without --%s: the bank that runs stays as it is",
			c.has_slot ? "slot" : "backup");
	c.has_proof = opt_given(env->opts, "confirm");
	if (rc == 0 && names.n > 1 && opt_given(env->opts, "backup"))
		rc = err_set(
			e, ERR_USAGE, "--backup is for one device: its file holds one content");
	if (rc == 0 && c.has_slot)
		rc = slot_find(env->config, opt_str(env->opts, "slot", ""), &c.slot, e);
	if (rc == 0 && c.has_proof)
		rc = proof_parse(opt_str(env->opts, "confirm", ""), &c.proof, e);
	if (rc == 0)
		rc = load_firmware(&c, e);
	if (rc == 0 && names.n > 0)
		rc = many_do(env, &names, opt_u32(env->opts, "jobs", 64), flash_one, &c, e);
	else if (rc == 0)
		rc = flash_one(env, &c, e);
	firmware_done(&c.firmware);
	trust_done(&c.trust);
	device_names_done(&names);
	return rc;
}

const struct command cmd_flash = {
	.name = "flash",
	.args = "FILE",
	.summary = "write a package or an image to a device, and prove it",
	.details =
		"Only erase units that differ are erased and written; all is read back. Whatever\n"
		"interrupts it: the same command again goes on from what the device holds.\n\n"
		"--confirm waits until the program that was started proves that it is healthy: by\n"
		"a text on a serial port or by the exit status of a command. Silence is failure:\n"
		"exit status 9, and with --backup what was there before is back in place.\n",
	.examples = "stmota flash --device uart:/dev/ttyUSB0 app.elf\n"
		    "stmota flash --device dfu: app.elf\n"
		    "stmota flash --device uart:/dev/ttyUSB0 --address 0x08000000 app.bin\n"
		    "stmota flash --device lamp --trust release.pub.pem --json app.sota\n"
		    "stmota flash --device lamp --dry-run app.sota\n"
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
