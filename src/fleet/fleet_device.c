/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_device.c - one [device NAME] of a fleet file, and what two of them must not share
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/bytes.h>
#include <stmota/device.h>
#include <stmota/slot.h>

#include "fleet_priv.h"

#define SECTION    "device"
#define WAVE_MAX   1000u
#define LABELS_MAX 32

static const struct fleet_text texts[] = {
	{"product", FLEET_TEXT_PRODUCT, offsetof(struct fleet_device, product)},
	{"group", FLEET_TEXT_WORD, offsetof(struct fleet_device, group)},
	{"golden", FLEET_TEXT_FILE, offsetof(struct fleet_device, golden)},
	{"token_file", FLEET_TEXT_FILE, offsetof(struct fleet_device, token_file)},
};

static const char *const rollback_names[] = {
	[FLEET_ROLLBACK_BACKUP] = "backup",
	[FLEET_ROLLBACK_BANK] = "bank",
	[FLEET_ROLLBACK_SLOT] = "slot",
	[FLEET_ROLLBACK_GOLDEN] = "golden",
	[FLEET_ROLLBACK_NONE] = "none",
};

const char *fleet_rollback_name(enum fleet_rollback r)
{
	return rollback_names[r];
}

void fleet_device_done(struct fleet_device *d)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(*(char **)(void *)((char *)d + texts[i].offset));
	for (size_t i = 0; i < d->n_labels; i++)
		free(d->label[i]);
	free(d->label);
	free(d->url);
	free(d->confirm_text);
	free(d->slot);
}

/* ---- one setting each ---- */

static const char *get(const struct fleet_reading *r, const struct fleet_device *d, const char *key)
{
	return config_get(r->config, SECTION, d->name, key);
}

static char *copy(struct fleet_reading *r, const char *text)
{
	char *ret = strdup(text);
	struct err why = ERR_INIT;

	if (ret == NULL) {
		err_set(&why, ERR_NOMEM, "out of memory");
		fleet_complain(r, &why);
	}
	return ret;
}

static void read_url(struct fleet_reading *r, struct fleet_device *d)
{
	struct device_request rq = {.device = d->name};
	const char *url = get(r, d, "url");
	struct err why = ERR_INIT;

	if (url == NULL) {
		fleet_complain_of(r, d->name, NULL, "no url");
		return;
	}
	d->url = copy(r, url);
	if (device_resolve(&rq, r->config, &d->where, &why) < 0) {
		d->where = (struct device_url){0};
		if (strncmp(why.msg, r->path, strlen(r->path)) != 0)
			err_wrap(&why, "%s: [device %s]", r->path, d->name);
		fleet_complain(r, &why);
	}
	d->takes_files = d->where.scheme == DEVICE_YMODEM || d->where.scheme == DEVICE_TCP ||
			 (d->where.scheme == DEVICE_DFU && d->where.has_alt);
}

static void read_id(struct fleet_reading *r, struct fleet_device *d)
{
	bool prefix = config_get(r->config, "fleet", NULL, "gateway") != NULL;
	const char *id = get(r, d, "id");
	int n;

	if (id != NULL)
		n = snprintf(d->id, sizeof(d->id), "%s", id);
	else
		n = snprintf(d->id, sizeof(d->id), "%s%s%s", prefix ? r->fleet->gateway : "",
			prefix ? "." : "", d->name);
	if (n >= (int)sizeof(d->id))
		fleet_complain_of(r, d->name, "id", "the id of %s is longer than %d characters",
			d->name, FLEET_ID_SIZE - 1);
	else if (id != NULL && !fleet_is_word(id))
		fleet_complain_of(r, d->name, "id",
			"id = '%s': letters, digits, - _ . are meant; others do not get through "
			"URLs",
			d->id);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void read_labels(struct fleet_reading *r, struct fleet_device *d)
{
	static const char between[] = ", \t";
	const char *p = get(r, d, "labels");

	if (p == NULL)
		return;
	d->label = calloc(LABELS_MAX, sizeof(*d->label));
	for (p += strspn(p, between); d->label != NULL && *p != '\0'; p += strspn(p, between)) {
		size_t len = strcspn(p, between);
		char word[FLEET_NAME_SIZE];

		if (d->n_labels == LABELS_MAX) {
			fleet_complain_of(r, d->name, "labels", "more than %d labels", LABELS_MAX);
			return;
		}
		snprintf(word, sizeof(word), "%.*s", (int)len, p);
		if (len >= sizeof(word) || !fleet_is_word(word))
			fleet_complain_of(r, d->name, "labels",
				"label '%s': letters, digits, - _ . are meant", word);
		else if ((d->label[d->n_labels] = copy(r, word)) != NULL)
			d->n_labels++;
		p += len;
	}
	if (d->n_labels > 0)
		qsort(d->label, d->n_labels, sizeof(*d->label), by_text);
}

static void read_wave(struct fleet_reading *r, struct fleet_device *d)
{
	config_u32(r->config, SECTION, d->name, "wave", 1, &d->wave, NULL);
	if (d->wave > WAVE_MAX)
		fleet_complain_of(r, d->name, "wave", "wave = %u: 0 to %u", d->wave, WAVE_MAX);
	config_bool(r->config, SECTION, d->name, "excused", false, &d->excused, NULL);
}

static void read_confirm(struct fleet_reading *r, struct fleet_device *d)
{
	const char *text = get(r, d, "confirm");
	struct err why = ERR_INIT;

	if (text == NULL)
		return;
	if (proof_parse(text, &d->confirm, &why) < 0) {
		err_wrap(&why, "%s", config_origin(r->config, SECTION, d->name, "confirm"));
		fleet_complain(r, &why);
		return;
	}
	d->has_confirm = true;
	d->confirm_text = copy(r, text);
	if (proof_on_device(&d->confirm) && d->url != NULL &&
		(d->where.scheme == DEVICE_I2C || d->where.scheme == DEVICE_DFU))
		fleet_complain_of(r, d->name, "confirm",
			"confirm: %s is on no serial port; name one: uart:/dev/ttyUSB1 expect "
			"\"...\"",
			d->name);
}

static void check_slot(struct fleet_reading *r, struct fleet_device *d, const char *slot)
{
	struct slot found;
	struct err why = ERR_INIT;

	if (slot_find(r->config, slot, &found, &why) < 0) {
		err_wrap(&why, "%s", config_origin(r->config, SECTION, d->name, "rollback"));
		fleet_complain(r, &why);
		return;
	}
	d->slot = copy(r, slot);
}

static void read_rollback(struct fleet_reading *r, struct fleet_device *d)
{
	const char *text = get(r, d, "rollback");
	enum fleet_rollback how = FLEET_ROLLBACK_BACKUP;
	bool slot;

	d->rollback = d->takes_files ? FLEET_ROLLBACK_NONE : FLEET_ROLLBACK_BACKUP;
	if (text == NULL)
		return;
	d->rollback_given = true;
	slot = strncmp(text, "slot:", 5) == 0;
	while (how < FLEET_ROLLBACK_NONE &&
		(how == FLEET_ROLLBACK_SLOT || strcmp(text, rollback_names[how]) != 0))
		how++;
	if (slot)
		how = FLEET_ROLLBACK_SLOT;
	if (how == FLEET_ROLLBACK_NONE && strcmp(text, "none") != 0) {
		fleet_complain_of(r, d->name, "rollback",
			"rollback = '%.60s': backup, bank, slot:NAME, golden or none", text);
		return;
	}
	d->rollback = how;
	if (slot)
		check_slot(r, d, text + 5);
	if (d->takes_files && how <= FLEET_ROLLBACK_SLOT)
		fleet_complain_of(r, d->name, "rollback",
			"rollback = %s needs a device whose memory can be written, not one that "
			"takes files: golden or none",
			text);
}

void fleet_read_device(struct fleet_reading *r, const char *name, struct fleet_device *d)
{
	if (!fleet_is_word(name) || strlen(name) >= sizeof(d->name))
		fleet_complain_of(r, name, "url",
			"[device %.70s]: letters, digits, - _ . are meant in a fleet", name);
	if (strlen(name) >= sizeof(d->name))
		return;
	snprintf(d->name, sizeof(d->name), "%s", name);
	read_url(r, d);
	fleet_read_texts(r, SECTION, d->name, texts, ARRAY_LEN(texts), d);
	read_id(r, d);
	read_labels(r, d);
	read_wave(r, d);
	read_confirm(r, d);
	read_rollback(r, d);
}

/* ---- two of them ---- */

static int by_id(const void *a, const void *b)
{
	return strcmp((*(const struct fleet_device *const *)a)->id,
		(*(const struct fleet_device *const *)b)->id);
}

/* A ROM and a program that takes files are one device if they are behind one port. */
static int line_of(const struct device_url *u)
{
	return u->scheme == DEVICE_YMODEM ? DEVICE_UART : (int)u->scheme;
}

static int by_port(const void *a, const void *b)
{
	const struct device_url *x = &(*(const struct fleet_device *const *)a)->where;
	const struct device_url *y = &(*(const struct fleet_device *const *)b)->where;
	int lines = line_of(x) - line_of(y), paths = strcmp(x->path, y->path);

	if (lines != 0 || paths != 0)
		return lines != 0 ? lines : paths;
	return x->i2c_addr - y->i2c_addr;
}

void fleet_check_pairs(struct fleet_reading *r)
{
	struct fleet *f = r->fleet;
	const struct fleet_device **all = calloc(f->n, sizeof(const struct fleet_device *));
	size_t n = 0;

	if (all == NULL)
		return;
	for (size_t i = 0; i < f->n; i++)
		all[i] = &f->devices[i];
	qsort(all, f->n, sizeof(const struct fleet_device *), by_id);
	for (size_t i = 1; i < f->n; i++)
		if (all[i]->id[0] != '\0' && by_id(&all[i - 1], &all[i]) == 0)
			fleet_complain_of(r, all[i]->name, "id", "%s and %s have one id: %s",
				all[i - 1]->name, all[i]->name, all[i]->id);
	for (size_t i = 0; i < f->n; i++)
		if (f->devices[i].where.path[0] != '\0' || f->devices[i].where.scheme == DEVICE_DFU)
			all[n++] = &f->devices[i];
	qsort(all, n, sizeof(const struct fleet_device *), by_port);
	for (size_t i = 1; i < n; i++)
		if (by_port(&all[i - 1], &all[i]) == 0)
			fleet_complain_of(r, all[i]->name, "url", "%s and %s are on one port: %s",
				all[i - 1]->name, all[i]->name, all[i]->url);
	free(all);
}
