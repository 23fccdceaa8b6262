/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/fleet_adopt.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <imf/imf_app_info.h>

#include <stmota/device.h>
#include <stmota/memory_job.h>

#define RECORD_WITHIN                                                                              \
	4096u /* the record lies close behind the vector table, or is not looked for */

/* ---- what a device says ---- */

static void learn_version(struct device *d, struct fleet_known *k)
{
	const struct geometry *g = &d->facts.geometry;
	uint8_t bytes[RECORD_WITHIN];
	struct imf_app_info info;
	uint32_t at = 0;

	if (!d->facts.has_geometry || d->facts.read_refused || g->size < sizeof(bytes))
		return;
	/* Twice: no checksum goes over the wire with it. */
	if (memory_read(d, (struct span){g->base, sizeof(bytes)}, true, bytes, NULL, NULL) < 0 ||
		imf_app_info_find(bytes, sizeof(bytes), &at, &info) != 0)
		return;
	k->has_version = true;
	k->version = info.version;
	k->counter = k->highest_counter = info.counter;
	uuid_format(info.product, k->product_uuid);
}

static void learn(struct device *d, struct fleet_adoptee *a)
{
	const struct device_facts *f = &d->facts;

	a->asked = true;
	if (f->n_candidates <= 1 && f->chip != NULL) {
		a->pid = f->chip->pid;
		a->chip = f->chip->name;
	}
	if (f->has_uid)
		for (size_t i = 0; i < sizeof(f->uid); i++)
			snprintf(a->known.uid + 2 * i, 3, "%02x", f->uid[i]);
	learn_version(d, &a->known);
}

/* Its program was stopped for the question. */
static void start_again(struct device *d)
{
	const struct target_ops *ops = d->target->ops;

	if (ops->reset != NULL && !d->facts.empty_latched)
		ops->reset(d->target, NULL);
	else if (d->facts.has_geometry)
		ops->go(d->target, d->facts.geometry.base, NULL);
}

int fleet_adopt_look(const char *url, const struct fleet_adopt_settings *set,
	const struct config *config, const struct event_sink *events, struct fleet_adoptee *ret,
	struct err *e)
{
	struct device_request rq = {
		.device = url, .baud = set->baud, .before = set->before, .takes_files = true};
	struct device_url where;
	struct device *d = NULL;
	int rc;

	if (!device_url_is_url(url)) {
		err_set(e, ERR_USAGE, "'%.80s' is no URL of a device", url);
		return err_hint(e, "uart:/dev/ttyUSB0, or NAME=uart:/dev/ttyUSB0");
	}
	if (snprintf(ret->url, sizeof(ret->url), "%s", url) >= (int)sizeof(ret->url))
		return err_set(e, ERR_USAGE, "the URL is too long: '%.60s...'", url);
	rc = device_resolve(&rq, config, &where, e);
	if (rc < 0 || where.scheme == DEVICE_YMODEM || where.scheme == DEVICE_TCP)
		return rc;
	rc = device_open(&rq, config, events, &d, e);
	if (rc < 0)
		return rc;
	if (d->target != NULL) {
		learn(d, ret);
		start_again(d);
	}
	device_close(d);
	return 0;
}

/* ---- the file ---- */

static bool is_taken(
	const struct config *config, const struct fleet_adoptee *others, size_t n, const char *name)
{
	for (size_t i = 0; i < config_n_devices(config); i++)
		if (strcmp(config_device_name(config, i), name) == 0)
			return true;
	for (size_t i = 0; i < n; i++)
		if (strcmp(others[i].name, name) == 0)
			return true;
	return false;
}

void fleet_adopt_name(const struct config *config, const struct fleet_adoptee *others, size_t n,
	char ret[FLEET_NAME_SIZE])
{
	unsigned i = 0;

	do
		snprintf(ret, FLEET_NAME_SIZE, "device-%u", ++i);
	while (is_taken(config, others, n, ret));
}

static int add(struct buf *b, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int add(struct buf *b, struct err *e, const char *fmt, ...)
{
	char text[400];
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(text))
		return err_set(e, ERR_CONFIG, "a line is too long");
	return buf_append(b, text, (size_t)len, e);
}

static int add_text(struct buf *b, const char *key, const char *value, struct err *e)
{
	return value != NULL ? add(b, e, "%s = %s\n", key, value) : 0;
}

static int add_number(struct buf *b, const char *key, uint32_t value, struct err *e)
{
	return value != 0 ? add(b, e, "%s = %" PRIu32 "\n", key, value) : 0;
}

static int add_section(struct buf *b, const struct fleet_adoptee *a,
	const struct fleet_adopt_settings *set, struct err *e)
{
	char version[VERSION_TEXT_SIZE];
	int rc = add(b, e, "\n[device %s]\n", a->name);

	if (rc == 0 && a->known.uid[0] != '\0')
		rc = add(b, e, "# unique id %s%s%s\n", a->known.uid,
			a->known.has_version ? ", version " : "",
			a->known.has_version ? version_format(a->known.version, version) : "");
	if (rc == 0)
		rc = add_text(b, "url", a->url, e);
	if (rc == 0 && a->pid != 0)
		rc = add(b, e, "chip = 0x%03x\n", a->pid);
	if (rc == 0)
		rc = add_number(b, "baud", set->baud, e);
	if (rc == 0)
		rc = add_text(b, "before", set->before, e);
	if (rc == 0)
		rc = add_text(b, "product", set->product, e);
	if (rc == 0)
		rc = add_text(b, "group", set->group, e);
	if (rc == 0)
		rc = add_text(b, "confirm", set->confirm, e);
	return rc == 0 ? add_number(b, "wave", set->wave, e) : rc;
}

static int begin(struct buf *b, struct err *e)
{
	return add(b, e,
		"# The devices behind this gateway: stmota-fleet(5).\n"
		"# 'stmota fleet check' says what is missing.\n"
		"\n"
		"[fleet]\n"
		"# gateway = NAME\n"
		"# channel = https://ota.example.com/lamps\n"
		"# root = lamps.root\n");
}

/* The whole, as everybody will read it. */
static int judge(const char *path, const struct buf *text, struct err *e)
{
	struct config *c = NULL;
	struct fleet f = FLEET_INIT;
	int rc = config_load(NULL, &c, e);

	if (rc == 0)
		rc = config_parse(c, path, (const char *)text->data, text->len, e);
	if (rc == 0)
		rc = fleet_load(c, path, NULL, NULL, &f, e);
	fleet_done(&f);
	config_free(c);
	return rc;
}

int fleet_adopt_extend(const char *path, struct buf *text, const struct fleet_adoptee *v, size_t n,
	const struct fleet_adopt_settings *set, struct err *e)
{
	size_t before = text->len;
	int rc = 0;

	if (text->len == 0)
		rc = begin(text, e);
	else if (text->data[text->len - 1] != '\n')
		rc = buf_append(text, "\n", 1, e);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = add_section(text, &v[i], set, e);
	if (rc == 0)
		rc = judge(path, text, e);
	if (rc < 0)
		text->len = before;
	return rc;
}
