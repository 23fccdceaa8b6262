/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_file.c - the section [fleet], and the devices in the order in which they are updated
 */
#include <stmota/fleet.h>

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <stmota/bytes.h>
#include <stmota/channel.h>
#include <stmota/fetch.h>
#include <stmota/state.h>
#include <stmota/strparse.h>

#include "fleet_priv.h"

#define SECTION "fleet"

/* ---- mistakes ---- */

void fleet_complain(struct fleet_reading *r, const struct err *why)
{
	struct err what = *why;

	if (what.code != ERR_NOMEM)
		what.code = ERR_CONFIG;
	if (r->first.code == ERR_NONE)
		r->first = what;
	if (r->fn != NULL)
		r->fn(r->ctx, false, &what);
}

void fleet_complain_of(
	struct fleet_reading *r, const char *name, const char *key, const char *fmt, ...)
{
	const char *section = name != NULL ? "device" : SECTION;
	struct err why = ERR_INIT;
	char text[sizeof(why.msg)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (key != NULL && config_get(r->config, section, name, key) != NULL)
		err_set(&why, ERR_CONFIG, "%s: %s", config_origin(r->config, section, name, key),
			text);
	else if (name != NULL)
		err_set(&why, ERR_CONFIG, "%s: [device %s]: %s", r->path, name, text);
	else
		err_set(&why, ERR_CONFIG, "%s: [fleet]: %s", r->path, text);
	fleet_complain(r, &why);
}

static void no_memory(struct fleet_reading *r)
{
	struct err why = ERR_INIT;

	err_set(&why, ERR_NOMEM, "out of memory");
	fleet_complain(r, &why);
}

/* ---- texts ---- */

bool fleet_is_word(const char *text)
{
	if (!isalnum((unsigned char)text[0]))
		return false;
	for (; *text != '\0'; text++)
		if (!isalnum((unsigned char)*text) && strchr("-_.", *text) == NULL)
			return false;
	return true;
}

/* NULL: it is as it must be. */
static const char *text_fault(enum fleet_text_kind kind, const char *text)
{
	bool url = fetch_is_url(text);

	if (text[0] == '\0')
		return "it is empty";
	switch (kind) {
	case FLEET_TEXT_WORD:
		if (!fleet_is_word(text) || strlen(text) >= FLEET_NAME_SIZE)
			return "letters, digits, - _ . are meant, 63 at most";
		return NULL;
	case FLEET_TEXT_FILE: return url ? "a file is meant, not a URL" : NULL;
	case FLEET_TEXT_WEB:
		return strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0
			       ? NULL
			       : "https://HOST is meant";
	case FLEET_TEXT_PRODUCT:
		return product_check(text, NULL) < 0 ? "a product such as acme.com/lamp is meant"
						     : NULL;
	case FLEET_TEXT_PLACE: return NULL;
	}
	return NULL;
}

/* Names of files are those beside the fleet file: what cron's working folder is nobody knows. */
static char *complete(const struct fleet_reading *r, enum fleet_text_kind kind, const char *text)
{
	bool relative = kind == FLEET_TEXT_FILE || kind == FLEET_TEXT_PLACE;
	char *ret = NULL;

	relative = relative && text[0] != '/' && !fetch_is_url(text) &&
		   strncmp(text, "pkcs11:", 7) != 0;
	return asprintf(&ret, "%s%s", relative ? r->folder : "", text) < 0 ? NULL : ret;
}

void fleet_read_texts(struct fleet_reading *r, const char *section, const char *name,
	const struct fleet_text *rules, size_t n, void *to)
{
	for (size_t i = 0; i < n; i++) {
		const char *text = config_get(r->config, section, name, rules[i].key);
		const char *fault = text != NULL ? text_fault(rules[i].kind, text) : NULL;
		char **slot = (char **)(void *)((char *)to + rules[i].offset);

		if (text == NULL)
			continue;
		if (fault != NULL) {
			fleet_complain_of(r, name, rules[i].key, "%s = '%.60s': %s", rules[i].key,
				text, fault);
			continue;
		}
		*slot = complete(r, rules[i].kind, text);
		if (*slot == NULL)
			no_memory(r);
	}
}

/* ---- [fleet] ---- */

static const struct fleet_text texts[] = {
	{"channel", FLEET_TEXT_PLACE, offsetof(struct fleet, channel)},
	{"channel_name", FLEET_TEXT_WORD, offsetof(struct fleet, channel_name)},
	{"root", FLEET_TEXT_FILE, offsetof(struct fleet, root)},
	{"hawkbit", FLEET_TEXT_WEB, offsetof(struct fleet, hawkbit)},
	{"hawkbit_tenant", FLEET_TEXT_WORD, offsetof(struct fleet, hawkbit_tenant)},
	{"hawkbit_token_file", FLEET_TEXT_FILE, offsetof(struct fleet, hawkbit_token_file)},
	{"report", FLEET_TEXT_PLACE, offsetof(struct fleet, report)},
	{"report_key", FLEET_TEXT_FILE, offsetof(struct fleet, report_key)},
	{"decrypt_key", FLEET_TEXT_FILE, offsetof(struct fleet, decrypt_key)},
	{"state", FLEET_TEXT_FILE, offsetof(struct fleet, state)},
};

static const struct {
	const char *key;
	uint32_t min, max;
	size_t offset;
} numbers[] = {
	{"parallel", 1, 256, offsetof(struct fleet, parallel)},
	{"per_group", 1, 256, offsetof(struct fleet, per_group)},
	{"canaries", 1, FLEET_DEVICES_MAX, offsetof(struct fleet, canaries)},
	{"stop_after", 1, FLEET_DEVICES_MAX, offsetof(struct fleet, stop_after)},
	{"attempts", 1, 1000, offsetof(struct fleet, attempts)},
};

static void read_numbers(struct fleet_reading *r)
{
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		uint32_t *to = (uint32_t *)(void *)((char *)r->fleet + numbers[i].offset);

		config_u32(r->config, SECTION, NULL, numbers[i].key, 0, to, NULL);
		if (*to < numbers[i].min || *to > numbers[i].max)
			fleet_complain_of(r, NULL, numbers[i].key, "%s = %u: %u to %u",
				numbers[i].key, *to, numbers[i].min, numbers[i].max);
	}
}

static void read_times(struct fleet_reading *r)
{
	struct fleet *f = r->fleet;

	config_time(r->config, SECTION, NULL, "grace", 0, &f->grace_s, NULL);
	config_time(r->config, SECTION, NULL, "retry", 0, &f->retry_s, NULL);
	if (f->retry_s < 1 || f->retry_s > 86400)
		fleet_complain_of(r, NULL, "retry", "retry is 1s to 1d");
	if (f->grace_s > 0 && f->channel != NULL && fetch_is_url(f->channel) &&
		strncmp(f->channel, "file:", 5) != 0)
		fleet_complain_of(
			r, NULL, "grace", "grace is for a channel in a folder, not for a server");
}

/* "22:00" at *text, which goes on behind it. */
static bool take_minute(const char **text, uint16_t *ret)
{
	const char *p = *text;

	for (int i = 0; i < 5; i++)
		if (i == 2 ? p[i] != ':' : !isdigit((unsigned char)p[i]))
			return false;
	*ret = (uint16_t)(((p[0] - '0') * 10 + p[1] - '0') * 60 + (p[3] - '0') * 10 + p[4] - '0');
	*text = p + 5;
	return *ret < 24 * 60 && p[3] < '6';
}

static void read_window(struct fleet_reading *r)
{
	const char *text = config_get(r->config, SECTION, NULL, "window"), *p = text;
	uint16_t from, to;

	if (text == NULL)
		return;
	if (!take_minute(&p, &from) || *p++ != '-' || !take_minute(&p, &to) || *p != '\0' ||
		from == to) {
		fleet_complain_of(
			r, NULL, "window", "window = '%.40s': HH:MM-HH:MM is meant", text);
		return;
	}
	r->fleet->has_window = true;
	r->fleet->window_from = from;
	r->fleet->window_to = to;
}

static void read_metered(struct fleet_reading *r)
{
	uint32_t max = 0;

	config_bool(r->config, SECTION, NULL, "metered", false, &r->fleet->metered, NULL);
	config_u32(r->config, SECTION, NULL, "metered_max", 0, &max, NULL);
	r->fleet->metered_max = max;
}

static void read_source(struct fleet_reading *r)
{
	struct fleet *f = r->fleet;
	const char *token = config_get(r->config, SECTION, NULL, "hawkbit_token");

	f->source = f->channel != NULL   ? FLEET_SOURCE_CHANNEL
		    : f->hawkbit != NULL ? FLEET_SOURCE_HAWKBIT
					 : FLEET_SOURCE_NONE;
	if (f->channel != NULL && f->hawkbit != NULL)
		fleet_complain_of(
			r, NULL, "hawkbit", "a fleet follows a channel or a hawkBit server");
	if (f->channel != NULL && f->root == NULL &&
		config_get(r->config, SECTION, NULL, "root") == NULL)
		fleet_complain_of(r, NULL, "channel",
			"channel needs root = FILE: its root/1.root, by a way that is trusted");
	if (f->channel_name != NULL && channel_name_check(f->channel_name, NULL) < 0)
		fleet_complain_of(r, NULL, "channel_name", "'%.60s' is no name for a channel",
			f->channel_name);
	f->hawkbit_gateway_token = strcmp(token, "gateway") == 0;
	if (!f->hawkbit_gateway_token && strcmp(token, "target") != 0)
		fleet_complain_of(r, NULL, "hawkbit_token",
			"hawkbit_token = '%.40s': target or gateway", token);
	if (f->hawkbit != NULL && f->hawkbit_gateway_token && f->hawkbit_token_file == NULL &&
		config_get(r->config, SECTION, NULL, "hawkbit_token_file") == NULL)
		fleet_complain_of(r, NULL, "hawkbit_token",
			"hawkbit_token = gateway needs hawkbit_token_file");
}

/* What the host is called, as far as it can stand in an id. */
static void host_name(char ret[FLEET_NAME_SIZE])
{
	char name[256] = "";
	size_t n = 0;

	if (gethostname(name, sizeof(name) - 1) < 0)
		name[0] = '\0';
	for (const char *p = name; *p != '\0' && n + 1 < FLEET_NAME_SIZE; p++)
		if (isalnum((unsigned char)*p) || (n > 0 && strchr("-_.", *p) != NULL))
			ret[n++] = *p;
	ret[n] = '\0';
	if (n == 0)
		snprintf(ret, FLEET_NAME_SIZE, "gateway");
}

static void read_gateway(struct fleet_reading *r)
{
	const char *name = config_get(r->config, SECTION, NULL, "gateway");

	if (name == NULL) {
		host_name(r->fleet->gateway);
		return;
	}
	if (text_fault(FLEET_TEXT_WORD, name) != NULL)
		fleet_complain_of(r, NULL, "gateway", "gateway = '%.60s': %s", name,
			text_fault(FLEET_TEXT_WORD, name));
	snprintf(r->fleet->gateway, sizeof(r->fleet->gateway), "%s", name);
}

/*
 * Called after the fleet file: /etc/stmota/street.conf is remembered in street.db. A link leads to
 * the same memory as the file itself.
 */
static void choose_state(struct fleet_reading *r)
{
	char folder[PATH_MAX], real[PATH_MAX];
	const char *path = realpath(r->path, real) != NULL ? real : r->path;
	const char *slash = strrchr(path, '/'), *base = slash != NULL ? slash + 1 : path;
	size_t len = strcspn(base, ".");
	struct err why = ERR_INIT;

	if (r->fleet->state != NULL || config_get(r->config, SECTION, NULL, "state") != NULL)
		return;
	if (state_folder(config_get(r->config, "state", NULL, "dir"), folder, sizeof(folder),
		    &why) < 0) {
		err_hint(&why, "set state = FILE in [fleet]");
		fleet_complain(r, &why);
		return;
	}
	if (asprintf(&r->fleet->state, "%s/%.*s.db", folder, len > 0 ? (int)len : 5,
		    len > 0 ? base : "fleet") < 0) {
		r->fleet->state = NULL;
		no_memory(r);
	}
}

/* ---- devices ---- */

struct place {
	uint32_t wave;
	size_t at;
};

static int by_wave(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->wave != y->wave)
		return x->wave < y->wave ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

static void sort_devices(struct fleet_reading *r)
{
	struct fleet *f = r->fleet;
	struct fleet_device *sorted = calloc(f->n, sizeof(*sorted));
	struct place *order = calloc(f->n, sizeof(*order));

	if (sorted == NULL || order == NULL) {
		no_memory(r);
	} else {
		for (size_t i = 0; i < f->n; i++)
			order[i] = (struct place){f->devices[i].wave, i};
		qsort(order, f->n, sizeof(*order), by_wave);
		for (size_t i = 0; i < f->n; i++)
			sorted[i] = f->devices[order[i].at];
		memcpy(f->devices, sorted, f->n * sizeof(*sorted));
	}
	free(sorted);
	free(order);
}

static void read_devices(struct fleet_reading *r)
{
	size_t n = 0, all = config_n_devices(r->config);
	struct fleet *f = r->fleet;

	for (size_t i = 0; i < all; i++)
		n += config_in_last_file(r->config, "device", config_device_name(r->config, i));
	if (n == 0 || n > FLEET_DEVICES_MAX) {
		struct err why = ERR_INIT;

		if (n == 0)
			err_set(&why, ERR_CONFIG, "%s: no [device NAME]", r->path);
		else
			err_set(&why, ERR_CONFIG, "%s: %zu devices; one gateway has %d at most",
				r->path, n, FLEET_DEVICES_MAX);
		fleet_complain(r, &why);
		return;
	}
	f->devices = calloc(n, sizeof(*f->devices));
	if (f->devices == NULL) {
		no_memory(r);
		return;
	}
	for (size_t i = 0; i < all; i++) {
		const char *name = config_device_name(r->config, i);

		if (config_in_last_file(r->config, "device", name))
			fleet_read_device(r, name, &f->devices[f->n++]);
	}
	fleet_check_pairs(r);
	sort_devices(r);
}

/* ---- the whole ---- */

int fleet_load(const struct config *config, const char *path, fleet_finding_fn *fn, void *ctx,
	struct fleet *ret, struct err *e)
{
	struct fleet f = FLEET_INIT;
	struct fleet_reading r = {.config = config,
		.path = path,
		.fleet = &f,
		.fn = fn,
		.ctx = ctx,
		.first = ERR_INIT};
	const char *slash = strrchr(path, '/');

	if (slash != NULL)
		snprintf(r.folder, sizeof(r.folder), "%.*s", (int)(slash - path) + 1, path);
	f.path = strdup(path);
	if (f.path == NULL)
		no_memory(&r);
	read_gateway(&r);
	fleet_read_texts(&r, SECTION, NULL, texts, ARRAY_LEN(texts), &f);
	read_numbers(&r);
	read_times(&r);
	read_window(&r);
	read_metered(&r);
	read_source(&r);
	choose_state(&r);
	read_devices(&r);
	if (r.first.code != ERR_NONE) {
		fleet_done(&f);
		if (e != NULL)
			*e = r.first;
		return r.first.code;
	}
	*ret = f;
	return 0;
}

void fleet_done(struct fleet *f)
{
	for (size_t i = 0; i < f->n; i++)
		fleet_device_done(&f->devices[i]);
	free(f->devices);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(*(char **)(void *)((char *)f + texts[i].offset));
	free(f->path);
	*f = FLEET_INIT;
}

const struct fleet_device *fleet_find(const struct fleet *f, const char *name_or_id)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->devices[i].name, name_or_id) == 0)
			return &f->devices[i];
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->devices[i].id, name_or_id) == 0)
			return &f->devices[i];
	return NULL;
}

bool fleet_in_window(const struct fleet *f, uint16_t minute)
{
	if (!f->has_window)
		return true;
	if (f->window_from < f->window_to)
		return minute >= f->window_from && minute < f->window_to;
	return minute >= f->window_from || minute < f->window_to;
}
