/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flash_order.c - flash by order of `update`: what was signed elsewhere counts, nobody can be asked,
 * and who gave the order wants to know how far it came
 */
#include "flash_call.h"

#include <string.h>

/* ---- what counts ---- */

/* What was proved to be there is newer than what somebody wrote into a file once. */
void flash_overlay(struct installed_now *now, const struct installed_now *known)
{
	if (known->version_source != INSTALLED_UNKNOWN) {
		now->version_source = known->version_source;
		now->version = known->version;
		now->counter = known->counter;
	}
	if (known->product_source != INSTALLED_UNKNOWN &&
		now->product_source == INSTALLED_UNKNOWN) {
		now->product_source = known->product_source;
		memcpy(now->product, known->product, UUID_SIZE);
	}
}

struct release_policy flash_policy(const struct flash_call *c)
{
	const struct flash_order *o = c->order;

	return (struct release_policy){
		.allow_downgrade =
			opt_given(c->env->opts, "allow-downgrade") || (o != NULL && o->may_go_back),
		.allow_counter = o != NULL && o->may_go_back,
		.require_known = o != NULL && !o->restore};
}

int flash_check_known(const struct flash_call *c, int rc, struct err *e)
{
	if (rc != ERR_IDENTITY || c->order == NULL || strncmp(e->msg, "not known", 9) != 0)
		return rc;
	return err_hint(e,
		"what a device runs must be known once: 'version =' in its section, 'stmota fleet "
		"adopt', or flash it by hand");
}

/* What is remembered of a board says nothing of the one that was put in its place. */
int flash_check_board(const struct flash_call *c, struct err *e)
{
	const char *was = c->order != NULL ? c->order->uid : NULL;

	if (was == NULL || c->uid[0] == '\0' || strcmp(was, c->uid) == 0)
		return 0;
	err_set(e, ERR_IDENTITY, "another board is there than before: unique id %s, it was %s",
		c->uid, was);
	return err_hint(e, "if it was replaced: 'stmota fleet adopt' learns it anew");
}

/* ---- doing it ---- */

static void show_order(const struct flash_call *c)
{
	struct out *o = c->env->out;

	out_bool(o, "begun", c->begun);
	out_bool(o, "written", c->written);
	out_bool(o, "taken_back", c->taken_back);
	out_str(o, "uid", c->uid[0] != '\0' ? c->uid : NULL);
	out_list(o, "signers");
	for (size_t i = 0; i < c->signers.n_signers; i++)
		if (c->signers.signers[i].counted)
			out_bytes(o, NULL, key_fingerprint(c->signers.signers[i].key->key),
				SHA256_SIZE);
	out_end(o);
}

int flash_run_order(struct command_env *env, const struct flash_order *order, struct err *e)
{
	struct flash_call c = {.env = env, .order = order};
	int rc = flash_run_call(&c, e);

	if (rc < 0 && strstr(e->hint, "by-hand") != NULL)
		err_hint(e, "nobody is there: wire BOOT0 and NRST, or give the device a recipe "
			    "('before' in its section)");
	show_order(&c);
	return rc;
}
