/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_check.c - what a look at this host adds to a fleet file that reads well
 *
 * A warning that holds for many devices is one line.
 */
#include <stmota/fleet.h>

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/bytes.h>
#include <stmota/chip.h>
#include <stmota/fs.h>
#include <stmota/playbook.h>

#define NAMES_SHOWN 3

struct checking {
	const struct fleet *f;
	const struct config *config;
	fleet_finding_fn *fn;
	void *ctx;
	size_t mistakes;
};

static void find(struct checking *c, bool warning, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void find(struct checking *c, bool warning, const char *hint, const char *fmt, ...)
{
	struct err what = ERR_INIT;
	char text[sizeof(what.msg)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	err_set(&what, ERR_CONFIG, "%s", text);
	if (hint != NULL)
		err_hint(&what, "%s", hint);
	c->mistakes += !warning;
	if (c->fn != NULL)
		c->fn(c->ctx, warning, &what);
}

static const char *origin(const struct checking *c, const char *name, const char *key)
{
	return config_origin(c->config, name != NULL ? "device" : "fleet", name, key);
}

static void must_exist(struct checking *c, const char *name, const char *key, const char *file)
{
	if (file != NULL && strncmp(file, "pkcs11:", 7) != 0 && !fs_exists(file))
		find(c, false, NULL, "%s: %s: there is no file %s", origin(c, name, key), key,
			file);
}

/* ---- [fleet] ---- */

static void check_web(struct checking *c, const char *key, const char *url)
{
	bool plain = false;

	if (url == NULL || strncmp(url, "http:", 5) != 0)
		return;
	config_bool(c->config, "fetch", NULL, "allow_http", false, &plain, NULL);
	if (!plain)
		find(c, false, "write https:, or allow_http = yes in [fetch]",
			"%s: %s is without TLS", origin(c, NULL, key), key);
}

static void check_gateway(struct checking *c)
{
	const struct fleet *f = c->f;

	if (f->source == FLEET_SOURCE_NONE)
		find(c, true, "add channel = URL and root = FILE, or hawkbit = URL",
			"%s: nothing to follow: update will have nothing to do", f->path);
	must_exist(c, NULL, "root", f->root);
	must_exist(c, NULL, "report_key", f->report_key);
	must_exist(c, NULL, "decrypt_key", f->decrypt_key);
	must_exist(c, NULL, "hawkbit_token_file", f->hawkbit_token_file);
	check_web(c, "channel", f->channel);
	check_web(c, "hawkbit", f->hawkbit);
	check_web(c, "report", f->report);
	if (f->n > 1 && f->canaries >= f->n)
		find(c, true, NULL, "%s: canaries = %u of %zu devices: all go one by one",
			origin(c, NULL, "canaries"), f->canaries, f->n);
	if (f->source != FLEET_SOURCE_NONE &&
		config_get(c->config, "fleet", NULL, "gateway") == NULL)
		find(c, true, "add gateway = NAME: then the ids are NAME.DEVICE",
			"%s: ids are those of one gateway only", f->path);
}

/* ---- one device ---- */

static void check_playbook(struct checking *c, const struct fleet_device *d)
{
	struct playbook *p = NULL;
	struct err why = ERR_INIT;

	if (d->where.scheme != DEVICE_YMODEM && d->where.scheme != DEVICE_TCP)
		return;
	if (d->where.playbook[0] == '\0')
		find(c, false, "add ?playbook=NAME: 'stmota playbook list' names them",
			"%s: %s does not say which updater is there", origin(c, d->name, "url"),
			d->name);
	else if (playbook_load(d->where.playbook, &p, &why) < 0)
		find(c, false, why.hint[0] != '\0' ? why.hint : NULL, "%s: %s",
			origin(c, d->name, "url"), why.msg);
	playbook_free(p);
}

static void check_device(struct checking *c, const struct fleet_device *d)
{
	const char *chip = config_get(c->config, "device", d->name, "chip");
	const struct chip *found = NULL;
	struct err why = ERR_INIT;

	if (chip != NULL && chip_find_name(chip, &found, &why) < 0)
		find(c, false, why.hint[0] != '\0' ? why.hint : NULL, "%s: %s",
			origin(c, d->name, "chip"), why.msg);
	must_exist(c, d->name, "golden", d->golden);
	must_exist(c, d->name, "token_file", d->token_file);
	check_playbook(c, d);
}

/* ---- warnings that hold for many ---- */

static bool lacks_confirm(const struct checking *c, const struct fleet_device *d)
{
	return !d->has_confirm;
}

static bool rolls_back_unasked(const struct checking *c, const struct fleet_device *d)
{
	return !d->has_confirm && d->rollback_given && d->rollback != FLEET_ROLLBACK_NONE;
}

static bool lacks_golden(const struct checking *c, const struct fleet_device *d)
{
	return d->rollback == FLEET_ROLLBACK_GOLDEN && d->golden == NULL;
}

static bool is_away(const struct checking *c, const struct fleet_device *d)
{
	return d->where.path[0] == '/' && !d->excused && !fs_exists(d->where.path);
}

static bool lacks_token(const struct checking *c, const struct fleet_device *d)
{
	return c->f->source == FLEET_SOURCE_HAWKBIT && !c->f->hawkbit_gateway_token &&
	       d->token_file == NULL && config_get(c->config, "fetch", NULL, "client_cert") == NULL;
}

static const struct {
	bool (*holds)(const struct checking *c, const struct fleet_device *d);
	const char *text, *hint;
} warnings[] = {
	{lacks_confirm, "no confirm: what was written and read back is all that is known",
		"add confirm = uart: expect \"TEXT\" within 30s, or confirm = command: ..."},
	{rolls_back_unasked, "rollback without confirm: nothing tells when it is needed", NULL},
	{lacks_golden, "rollback = golden, and no golden = FILE: nothing to go back to at first",
		NULL},
	{is_away, "the port is not there", NULL},
	{lacks_token, "no token_file: the server will ask who it is", NULL},
};

static void warn_of_all(struct checking *c, size_t w)
{
	char names[(FLEET_NAME_SIZE + 2) * NAMES_SHOWN] = "";
	size_t n = 0, len = 0;

	for (size_t i = 0; i < c->f->n; i++) {
		const struct fleet_device *d = &c->f->devices[i];

		if (!warnings[w].holds(c, d))
			continue;
		if (n < NAMES_SHOWN)
			len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s",
				n > 0 ? ", " : "", d->name);
		n++;
	}
	if (n > NAMES_SHOWN)
		find(c, true, warnings[w].hint, "%s and %zu more: %s", names, n - NAMES_SHOWN,
			warnings[w].text);
	else if (n > 0)
		find(c, true, warnings[w].hint, "%s: %s", names, warnings[w].text);
}

/* ---- two devices ---- */

/* /dev/serial/by-id/... and /dev/ttyUSB0 may be one thing. */
static void check_ports(struct checking *c)
{
	char **real = calloc(c->f->n, sizeof(*real));

	for (size_t i = 0; real != NULL && i < c->f->n; i++) {
		const struct device_url *u = &c->f->devices[i].where;

		real[i] = u->path[0] == '/' ? realpath(u->path, NULL) : NULL;
		for (size_t k = 0; real[i] != NULL && k < i; k++) {
			const struct device_url *v = &c->f->devices[k].where;

			if (real[k] == NULL || strcmp(real[i], real[k]) != 0)
				continue;
			if (u->scheme != DEVICE_I2C)
				find(c, false, NULL, "%s: %s and %s are both %s",
					origin(c, c->f->devices[i].name, "url"),
					c->f->devices[k].name, c->f->devices[i].name, real[i]);
			else if (v->i2c_addr == u->i2c_addr)
				find(c, false, NULL, "%s: %s and %s are both address 0x%02x of %s",
					origin(c, c->f->devices[i].name, "url"),
					c->f->devices[k].name, c->f->devices[i].name, u->i2c_addr,
					real[i]);
		}
	}
	for (size_t i = 0; real != NULL && i < c->f->n; i++)
		free(real[i]);
	free(real);
}

/* Two on one bus that may be updated at the same time: one that goes silent takes the other along. */
static void check_buses(struct checking *c)
{
	const struct fleet *f = c->f;

	for (size_t i = 1; i < f->n; i++)
		for (size_t k = 0; k < i; k++) {
			const struct fleet_device *a = &f->devices[k], *b = &f->devices[i];

			if (a->where.scheme != DEVICE_I2C || b->where.scheme != DEVICE_I2C ||
				strcmp(a->where.path, b->where.path) != 0)
				continue;
			if (a->group != NULL && b->group != NULL && strcmp(a->group, b->group) == 0)
				continue;
			find(c, true, "give them the same group =",
				"%s and %s are on one bus, %s, and in no common group", a->name,
				b->name, a->where.path);
			return; /* one is enough to make somebody look */
		}
}

size_t fleet_check(
	const struct fleet *f, const struct config *config, fleet_finding_fn *fn, void *ctx)
{
	struct checking c = {.f = f, .config = config, .fn = fn, .ctx = ctx};

	check_gateway(&c);
	for (size_t i = 0; i < f->n; i++)
		check_device(&c, &f->devices[i]);
	check_ports(&c);
	check_buses(&c);
	for (size_t w = 0; w < ARRAY_LEN(warnings); w++)
		warn_of_all(&c, w);
	return c.mistakes;
}
