/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_fleet_adopt.c - stmota fleet adopt: what is attached becomes part of a fleet file
 *
 * Serial ports are asked only where they are named.
 */
#include "cmd.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <stmota/fleet_adopt.h>
#include <stmota/fs.h>
#include <stmota/signals.h>
#include <stmota/usb.h>

#define FILE_MAX ((size_t)1 << 20)

static const struct opt opts[] = {
	CMD_OPT_FLEET,
	OPT_STRING("product", "NAME", "product that runs on them, such as acme.com/lamp"),
	OPT_STRING("group", "NAME", "cable or street that they belong to"),
	OPT_STRING("confirm", "HOW", "how they prove that they are healthy; as for flash"),
	OPT_U32("wave", "N", "those with a lower number are updated first"),
	OPT_U32("baud", "BAUD", "speed of their serial ports"),
	OPT_STRING("before", "RECIPE", "how their bootloader is entered"),
	OPT_FLAG("dry-run", "show the file, and write nothing"),
	OPT_END,
};

struct call {
	struct command_env *env;
	const char *path;
	struct buf text; /* of the file */
	bool is_new;
	struct config *config; /* with the file, if there is one */
	struct fleet fleet;    /* as it is now */
	struct fleet_db *db;
	struct fleet_adopt_settings set;
	struct fleet_adoptee v[FLEET_DEVICES_MAX];
	size_t n, failed;
};

/* ---- what is there already ---- */

static int open_file(struct call *c, struct err *e)
{
	int rc = config_load(NULL, &c->config, e);

	c->is_new = !fs_exists(c->path);
	if (rc < 0 || c->is_new)
		return rc;
	rc = fs_read(c->path, FILE_MAX, &c->text, e);
	if (rc == 0)
		rc = config_parse(c->config, c->path, (const char *)c->text.data, c->text.len, e);
	/* One that has no devices yet is no good fleet, and the best reason to adopt some. */
	if (rc == 0 && config_n_devices(c->config) > 0)
		rc = fleet_load(c->config, c->path, NULL, NULL, &c->fleet, e);
	return rc;
}

/* A port that has a section, whatever the file calls it. */
static const char *by_port(const struct call *c, const char *url)
{
	struct device_url u, v;

	if (device_url_parse(url, &u, NULL) < 0)
		return NULL;
	for (size_t i = 0; i < c->fleet.n; i++) {
		char a[PATH_MAX], b[PATH_MAX];

		v = c->fleet.devices[i].where;
		if (strcmp(u.path, v.path) != 0 &&
			(realpath(u.path, a) == NULL || realpath(v.path, b) == NULL ||
				strcmp(a, b) != 0))
			continue;
		if (u.i2c_addr == v.i2c_addr)
			return c->fleet.devices[i].name;
	}
	return NULL;
}

struct search {
	const char *uid;
	char name[FLEET_NAME_SIZE];
};

static int compare_uid(void *ctx, const struct fleet_known *k, struct err *e)
{
	struct search *s = ctx;

	if (strcmp(k->uid, s->uid) != 0)
		return 0;
	snprintf(s->name, sizeof(s->name), "%s", k->name);
	return 1;
}

/* The same chip under another port: it was moved. "" if it is new. */
static void by_uid(struct call *c, const struct fleet_adoptee *a, char ret[FLEET_NAME_SIZE])
{
	struct search s = {.uid = a->known.uid};

	if (a->known.uid[0] != '\0' && c->db != NULL)
		fleet_db_each_device(c->db, compare_uid, &s, NULL);
	for (size_t i = 0; a->known.uid[0] != '\0' && i < c->n; i++)
		if (strcmp(c->v[i].known.uid, a->known.uid) == 0)
			snprintf(s.name, sizeof(s.name), "%s", c->v[i].name);
	if (s.name[0] != '\0' && fleet_find(&c->fleet, s.name) == NULL) {
		bool here = false;

		for (size_t i = 0; i < c->n; i++)
			here |= strcmp(c->v[i].name, s.name) == 0;
		if (!here)
			s.name[0] = '\0'; /* it was taken out of the file */
	}
	snprintf(ret, FLEET_NAME_SIZE, "%s", s.name);
}

/* ---- one after the other ---- */

static void show(struct out *o, const struct fleet_adoptee *a, const char *name, const char *result)
{
	char version[VERSION_TEXT_SIZE];

	out_object(o, NULL);
	out_str(o, "name", name);
	out_str(o, "url", a->url);
	out_str(o, "chip", a->chip);
	out_str(o, "unique_id", a->known.uid[0] != '\0' ? a->known.uid : NULL);
	out_str(o, "version",
		a->known.has_version ? version_format(a->known.version, version) : NULL);
	out_str(o, "result", result);
	out_end(o);
}

/* "lamp-1=uart:/dev/ttyUSB0"; a URL may have '=' too, but no name ends before a ':'. */
static const char *split(const char *text, char name[FLEET_NAME_SIZE])
{
	size_t len = strcspn(text, "=:/");

	name[0] = '\0';
	if (text[len] != '=' || len >= FLEET_NAME_SIZE)
		return text;
	snprintf(name, FLEET_NAME_SIZE, "%.*s", (int)len, text);
	return text + len + 1;
}

static int adopt(struct call *c, const char *text, struct err *e)
{
	struct fleet_adoptee *a = &c->v[c->n];
	char name[FLEET_NAME_SIZE], known_as[FLEET_NAME_SIZE];
	const char *url = split(text, name), *there = by_port(c, url);
	struct err why = ERR_INIT;
	int rc;

	*a = (struct fleet_adoptee){.url = ""};
	if (c->fleet.n + c->n >= FLEET_DEVICES_MAX - 1)
		return err_set(
			e, ERR_USAGE, "one gateway has %d devices at most", FLEET_DEVICES_MAX);
	if (there != NULL) {
		snprintf(a->url, sizeof(a->url), "%s", url);
		show(c->env->out, a, there, "in the fleet already");
		return 0;
	}
	rc = fleet_adopt_look(url, &c->set, c->config, c->env->events, a, &why);
	if (rc == ERR_USAGE || rc == ERR_INTERRUPTED) {
		*e = why;
		return rc;
	}
	if (rc < 0) {
		c->failed++;
		snprintf(a->url, sizeof(a->url), "%s", url);
		show(c->env->out, a, NULL, why.msg);
		return 0;
	}
	by_uid(c, a, known_as);
	if (known_as[0] != '\0') {
		c->failed++;
		show(c->env->out, a, known_as, "is this chip on another port: change its url");
		return 0;
	}
	if (name[0] != '\0')
		snprintf(a->name, sizeof(a->name), "%s", name);
	else
		fleet_adopt_name(c->config, c->v, c->n, a->name);
	show(c->env->out, a, a->name, "adopted");
	c->n++;
	return 0;
}

static int adopt_usb(struct call *c, struct err *e)
{
	cleanup_free struct usb_entry *list = NULL;
	size_t n = 0, n_roms = 0;
	int rc = usb_list(false, &list, &n, e);

	for (size_t i = 0; rc == 0 && i < n; i++) {
		char url[80];

		if (!list[i].is_st_rom)
			continue;
		n_roms++;
		snprintf(url, sizeof(url), "dfu:%04x:%04x#%s", list[i].vid, list[i].pid,
			list[i].port);
		rc = adopt(c, url, e);
	}
	if (rc < 0 || n_roms > 0)
		return rc;
	err_set(e, ERR_USAGE, "no STM32 bootloader is on USB");
	return err_hint(e, "serial ports are asked only if they are named: 'stmota devices' lists "
			   "them, 'stmota fleet adopt lamp-1=uart:/dev/ttyUSB0' adopts one");
}

/* ---- the end ---- */

/*
 * The database that the file will have. To look at only if it is there; who writes makes it.
 */
static int open_db(struct call *c, bool look, struct err *e)
{
	static const char one[] = "[device x]\nurl = uart:/dev/null\n";
	struct config *config = NULL;
	struct fleet f = FLEET_INIT;
	const char *state = c->fleet.state;
	int rc = 0;

	if (state == NULL) {
		rc = config_load(NULL, &config, e);
		if (rc == 0)
			rc = config_parse(config, c->path, (const char *)c->text.data,
				c->is_new ? 0 : c->text.len, e);
		/* As if it had a device: that it has none yet is why we are here. */
		if (rc == 0)
			rc = config_parse(config, c->path, one, sizeof(one) - 1, e);
		if (rc == 0)
			rc = fleet_load(config, c->path, NULL, NULL, &f, e);
		state = f.state;
	}
	fleet_db_close(c->db);
	c->db = NULL;
	if (rc == 0 && (!look || fs_exists(state)))
		rc = fleet_db_open(state, look, &c->db, e);
	fleet_done(&f);
	config_free(config);
	return rc;
}

static int remember(struct call *c, struct err *e)
{
	int rc = open_db(c, false, e);

	for (size_t i = 0; rc == 0 && i < c->n; i++) {
		struct fleet_known k = c->v[i].known;

		snprintf(k.name, sizeof(k.name), "%s", c->v[i].name);
		if (c->v[i].asked)
			rc = fleet_db_learn(c->db, &k, (uint64_t)time(NULL), e);
	}
	return rc;
}

/* The file that a link leads to; its rights stay. */
static int write_file(struct call *c, struct err *e)
{
	char real[PATH_MAX];
	struct stat st = {.st_mode = 0644};

	if (c->is_new || realpath(c->path, real) == NULL)
		snprintf(real, sizeof(real), "%s", c->path);
	else if (stat(real, &st) < 0)
		st.st_mode = 0644;
	return fs_write(real, c->text.data, c->text.len, st.st_mode & 0777, e);
}

static int finish(struct call *c, struct err *e)
{
	int rc = 0;

	if (c->n > 0) {
		rc = fleet_adopt_extend(c->path, &c->text, c->v, c->n, &c->set, e);
		if (rc == 0 && opt_given(c->env->opts, "dry-run")) {
			out_strf(c->env->out, "text", "%.*s", (int)c->text.len,
				(const char *)c->text.data);
		} else if (rc == 0) {
			rc = write_file(c, e);
			if (rc == 0)
				rc = remember(c, e);
		}
	}
	if (rc == 0 && c->failed > 0)
		rc = err_set(e, ERR_SOME_FAILED, "%zu of %zu devices were not adopted", c->failed,
			c->failed + c->n);
	return rc;
}

static int work(struct call *c, struct err *e)
{
	const struct opts *o = c->env->opts;
	int rc = open_file(c, e);

	if (rc == 0)
		rc = open_db(c, true, e);
	if (rc < 0)
		return rc;
	out_table(c->env->out, "devices");
	if (opt_n_args(o) == 0)
		rc = adopt_usb(c, e);
	for (size_t i = 0; rc == 0 && i < opt_n_args(o); i++) {
		rc = adopt(c, opt_arg(o, i), e);
		if (rc == 0)
			rc = signals_check(e);
	}
	out_end(c->env->out);
	return rc == 0 ? finish(c, e) : rc;
}

static int run(struct command_env *env, struct err *e)
{
	const struct opts *o = env->opts;
	struct call *c = calloc(1, sizeof(*c));
	int rc;

	if (c == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	c->env = env;
	c->path = cmd_fleet_path(env);
	c->set = (struct fleet_adopt_settings){
		.product = opt_str(o, "product", NULL),
		.group = opt_str(o, "group", NULL),
		.before = opt_str(o, "before", NULL),
		.confirm = opt_str(o, "confirm", NULL),
		.wave = opt_u32(o, "wave", 0),
		.baud = opt_u32(o, "baud", 0),
	};
	rc = work(c, e);
	fleet_db_close(c->db);
	fleet_done(&c->fleet);
	config_free(c->config);
	buf_done(&c->text);
	free(c);
	return rc;
}

const struct command cmd_fleet_adopt = {
	.name = "fleet adopt",
	.args = "[[NAME=]URL...]",
	.summary = "add devices that are attached to a fleet file",
	.details =
		"Each device is asked for its chip, unique id and version, and its program is started\n"
		"again; one that takes files is not asked. Without URL, the STM32 bootloaders on USB\n"
		"are meant: serial ports and I2C addresses are asked only where they are named.\n"
		"\n"
		"What stands in the file stays as it is. A device that has a section, by its port or by\n"
		"its unique id, gets no second one.\n",
	.examples = "stmota fleet adopt --fleet street.conf lamp-1=uart:/dev/ttyUSB0 "
		    "lamp-2=uart:/dev/ttyUSB1 --before dtr-rts --product acme.com/lamp\n"
		    "stmota fleet adopt --fleet street.conf --dry-run\n",
	.group = COMMAND_FLEET,
	.opts = opts,
	.flags = CMD_JSON,
	.min_args = 0,
	.max_args = -1,
	.run = run,
};
