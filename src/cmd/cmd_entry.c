/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_entry.c - stmota entry list and entry test: ways into the bootloader
 */
#include "cmd.h"

#include <stdio.h>
#include <string.h>

#include <stmota/device.h>
#include <stmota/entry_test.h>

/* ---- list ---- */

static const struct {
	const char *name, *what;
} built_in[] = {
	{"none", "nothing: BOOT0 and reset by hand"},
	{"lines", "the lines of the URL or of the [device] section"},
	{"dtr-rts", "NRST on dtr, BOOT0 on rts"},
	{"rts-dtr", "NRST on rts, BOOT0 on dtr"},
};

static void recipe_row(struct out *o, const char *name, const char *what, const char *set_by)
{
	out_object(o, NULL);
	out_str(o, "recipe", name);
	out_str(o, "enters_by", what);
	out_str(o, "set_by", set_by);
	out_end(o);
}

static int list_run(struct command_env *env, struct err *e)
{
	const struct config *c = env->config;
	int rc = 0;

	out_table(env->out, "recipes");
	for (size_t i = 0; i < ARRAY_LEN(built_in); i++)
		recipe_row(env->out, built_in[i].name, built_in[i].what, "built in");
	for (size_t i = 0; rc == 0 && i < config_n_sections(c, "entry"); i++) {
		const char *name = config_section_name(c, "entry", i), *origin = NULL;
		struct entry en;
		char text[256];

		rc = entry_from_section(c, name, &en, e);
		if (rc < 0)
			break;
		entry_describe(&en, text, sizeof(text));
		for (const struct config_key *k = config_keys; k->section != NULL && !origin; k++)
			if (strcmp(k->section, "entry") == 0 &&
				strcmp(config_origin(c, "entry", name, k->key), "built in") != 0)
				origin = config_origin(c, "entry", name, k->key);
		recipe_row(env->out, name, text, origin);
	}
	out_end(env->out);
	return rc;
}

const struct command cmd_entry_list = {
	.name = "entry list",
	.args = "",
	.summary = "list the ways into the bootloader that --before knows",
	.details = "The sections [entry NAME] of the configuration are checked too.\n",
	.examples = "stmota entry list\n",
	.group = COMMAND_DEVICE,
	.flags = CMD_JSON,
	.run = list_run,
};

/* ---- test ---- */

static void describe_trials(struct out *o, const struct entry_test_result *r)
{
	out_table(o, "tried");
	for (size_t i = 0; i < r->n; i++) {
		const struct entry *en = &r->trials[i].entry;
		char nrst[80], boot0[80];

		entry_pin_format(&en->nrst, nrst, sizeof(nrst));
		entry_pin_format(&en->boot0, boot0, sizeof(boot0));
		out_object(o, NULL);
		out_str(o, "nrst", nrst);
		out_str(o, "boot0", boot0);
		out_str(o, "result", entry_trial_text(r->trials[i].result));
		out_end(o);
	}
	out_end(o);
}

/* What is to be put into the configuration. */
static void describe_best(struct out *o, const struct device_url *u, const struct entry *en)
{
	char nrst[80], boot0[80];

	out_bool(o, "works", true);
	if (en->way != ENTRY_BY_LINES) {
		out_str(o, "recipe", en->recipe);
		return;
	}
	entry_pin_format(&en->nrst, nrst, sizeof(nrst));
	entry_pin_format(&en->boot0, boot0, sizeof(boot0));
	out_strf(o, "url", "uart:%s?boot0=%s&nrst=%s", u->path, boot0, nrst);
	if (en->nrst.wire != ENTRY_WIRE_GPIO && en->boot0.wire != ENTRY_WIRE_GPIO)
		out_strf(o, "before", "%s-%s", nrst, boot0);
	out_text(o, "%s", "");
	out_text(o, "Put it into the configuration, stmota.conf(5):");
	out_text(o, "  [device NAME]");
	out_text(o, "  url = uart:%s", u->path);
	out_text(o, "  boot0 = %s", boot0);
	out_text(o, "  nrst = %s", nrst);
}

static bool seen(const struct entry_test_result *r, enum trial_result what)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->trials[i].result == what)
			return true;
	return false;
}

static int none_works(const struct entry_test_result *r, struct err *e)
{
	if (seen(r, TRIAL_ALWAYS)) {
		err_set(e, ERR_FAILED, "NRST is found, BOOT0 is not");
		return err_hint(e,
			"the bootloader starts with BOOT0 low too: take a jumper on BOOT0 "
			"away, and put a program into an empty chip first");
	}
	if (seen(r, TRIAL_NO_RESET)) {
		err_set(e, ERR_FAILED, "no line resets the board");
		return err_hint(e,
			"its bootloader runs, so TX and RX are right; look at the wire to "
			"NRST");
	}
	err_set(e, ERR_TIMEOUT, "no combination of the lines brings up a bootloader");
	return err_hint(e, "check TX, RX and ground by setting BOOT0 and resetting by hand: "
			   "'stmota probe --before none'");
}

static int test_run(struct command_env *env, struct err *e)
{
	struct device_request rq = {
		.device = env->device,
		.baud = opt_u32(env->opts, "baud", 0),
		.before = opt_str(env->opts, "before", NULL),
	};
	struct entry_test_result result;
	struct device_url url;
	int rc = device_resolve(&rq, env->config, &url, e);

	if (rc == 0)
		rc = entry_test(&url, env->events, &result, e);
	if (rc < 0)
		return rc;
	describe_trials(env->out, &result);
	if (result.best < 0) {
		out_bool(env->out, "works", false);
		return none_works(&result, e);
	}
	describe_best(env->out, &url, &result.trials[result.best].entry);
	return 0;
}

const struct command cmd_entry_test = {
	.name = "entry test",
	.args = "",
	.summary = "find out which lines are wired to BOOT0 and NRST",
	.details =
		"Tries DTR and RTS in both orders and polarities, or the two lines that the URL "
		"names, until\nthe board does what only the right combination makes it do. Sends "
		"sync bytes only; the program\non the board is restarted.\n",
	.examples = "stmota entry test --device uart:/dev/ttyUSB0\n"
		    "stmota entry test --device uart:/dev/ttyAMA0,boot0=gpio:gpiochip0/17,"
		    "nrst=gpio:gpiochip0/27\n",
	.group = COMMAND_DEVICE,
	.flags = CMD_JSON | CMD_DEVICE,
	.run = test_run,
};
