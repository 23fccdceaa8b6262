/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update_child.c - the process of a device in `update`: does what `flash` does, by stricter rules
 */
#include "flash_call.h"
#include "update_call.h"

#include <string.h>

#include <stmota/bytes.h>
#include <stmota/strparse.h>

/* Who was killed with its parent puts its lines back first. */
#define BUSY_MS 15000u

#define WORDS_MAX 16

extern const struct command cmd_flash;

struct words {
	char *v[WORDS_MAX];
	int n;
};

static void add(struct words *w, const char *option, const char *value)
{
	w->v[w->n++] = (char *)(uintptr_t)option;
	if (value != NULL)
		w->v[w->n++] = (char *)(uintptr_t)value;
}

/* What a person would have typed. */
static void make_words(const struct pass_delivery *d, const char *decrypt_key, struct words *w)
{
	const struct fleet_device *dev = d->device;

	add(w, "--device", dev->name);
	if (dev->has_confirm)
		add(w, "--confirm", dev->confirm_text);
	if (d->backup != NULL)
		add(w, "--backup", d->backup);
	if (dev->rollback == FLEET_ROLLBACK_BANK && !dev->takes_files && !d->back)
		add(w, "--bank", "inactive");
	if (dev->rollback == FLEET_ROLLBACK_SLOT && !dev->takes_files)
		add(w, "--slot", dev->slot);
	if (d->base != NULL)
		add(w, "--base", d->base);
	if (decrypt_key != NULL && !dev->takes_files)
		add(w, "--decrypt-key", decrypt_key);
	add(w, d->path, NULL);
}

static bool uuid_parse(const char *text, uint8_t ret[UUID_SIZE])
{
	char digits[2 * UUID_SIZE + 1];
	size_t n = 0;

	for (; *text != '\0' && n < sizeof(digits) - 1; text++)
		if (*text != '-')
			digits[n++] = *text;
	return *text == '\0' && parse_hex(digits, n, ret, UUID_SIZE);
}

static struct installed_now remembered(const struct fleet_known *k)
{
	struct installed_now now = {0};

	if (k->has_version) {
		now.version_source = INSTALLED_STATE;
		now.version = k->version;
		now.counter = k->counter;
	}
	if (uuid_parse(k->product_uuid, now.product))
		now.product_source = INSTALLED_STATE;
	return now;
}

static int check(void *ctx, const struct package *p, struct err *e)
{
	const struct pass_delivery *d = ctx;

	/* What leads back was judged by the one who chose it. */
	return d->back ? 0 : pass_check_package(d->offer, d->device, d->delta, p, e);
}

struct child {
	const struct pass_delivery *delivery;
	const char *decrypt_key;
};

static int flash_it(struct command_env *env, void *ctx, struct err *e)
{
	const struct child *c = ctx;
	const struct pass_delivery *d = c->delivery;
	struct installed_now known = remembered(d->known);
	const struct opt *tables[COMMAND_TABLES];
	struct words w = {.n = 0};
	struct flash_order order = {.trust = d->trust,
		.name = d->name,
		.restore = d->sha256 == NULL,
		.sha256 = d->sha256,
		.check = d->sha256 != NULL ? check : NULL,
		.ctx = (void *)(uintptr_t)d,
		.known = &known,
		.uid = d->known->uid[0] != '\0' ? d->known->uid : NULL,
		.may_go_back = d->offer->may_go_back || d->back,
		.busy_ms = BUSY_MS};
	struct opts *opts = NULL;
	int rc;

	make_words(d, c->decrypt_key, &w);
	command_tables(&cmd_flash, tables);
	rc = opt_parse(tables, w.n, w.v, &opts, e);
	if (rc < 0)
		return rc;
	env->opts = opts;
	return flash_run_order(env, &order, e);
}

int update_child(void *ctx, const struct pass_delivery *d, FILE *to)
{
	const struct update_call *c = ctx;
	struct child own = {d, c->fleet.fleet.decrypt_key};

	return many_child(&c->fleet.env, d->device->name, flash_it, &own, to);
}
