/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/config.h>

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <stmota/bytes.h>
#include <stmota/fs.h>
#include <stmota/ini_text.h>
#include <stmota/similar.h>
#include <stmota/strparse.h>

#define FILE_MAX       ((size_t)1 << 20)
#define SYSTEM_FILE    "/etc/stmota/stmota.conf"
#define DEVICE_SECTION "device"

/* Sections that come with a name, and any number of times. */
static const char *const named_sections[] = {DEVICE_SECTION, "entry", "slot"};

struct setting {
	const struct config_key *key;
	char *name; /* of [device NAME] and the like, else NULL */
	char *value;
	char *origin;
	unsigned source; /* number of the file; the same key twice in one is a mistake */
};

struct config {
	struct setting *settings;
	size_t n_settings;
	struct named {
		const char *section; /* static */
		char *name;
		unsigned source; /* number of the last file that it stands in */
	} * named;
	size_t n_named;
	unsigned source;
};

int config_new(struct config **ret, struct err *e)
{
	struct config *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	*ret = c;
	return 0;
}

void config_free(struct config *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->n_settings; i++) {
		free(c->settings[i].name);
		free(c->settings[i].value);
		free(c->settings[i].origin);
	}
	for (size_t i = 0; i < c->n_named; i++)
		free(c->named[i].name);
	free(c->settings);
	free(c->named);
	free(c);
}

/* --- settings ------------------------------------------------------------------------------- */

static const struct config_key *find_key(const char *section, const char *key)
{
	for (const struct config_key *k = config_keys; k->section != NULL; k++)
		if (strcmp(k->section, section) == 0 && strcmp(k->key, key) == 0)
			return k;
	return NULL;
}

static bool same_name(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static struct setting *find_setting(
	const struct config *c, const struct config_key *key, const char *name)
{
	for (size_t i = 0; i < c->n_settings; i++)
		if (c->settings[i].key == key && same_name(c->settings[i].name, name))
			return &c->settings[i];
	return NULL;
}

static int parse_bool(const char *text, bool *ret)
{
	static const struct {
		const char *text;
		bool value;
	} words[] = {
		{"yes", true},
		{"true", true},
		{"on", true},
		{"1", true},
		{"no", false},
		{"false", false},
		{"off", false},
		{"0", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcasecmp(text, words[i].text) == 0) {
			*ret = words[i].value;
			return 0;
		}
	return ERR_CONFIG;
}

static int check_value(const struct config_key *key, const char *value, struct err *e)
{
	uint32_t number;
	uint64_t seconds;
	bool flag;
	int rc = 0;

	if (key->type == CONFIG_BOOL && parse_bool(value, &flag) < 0)
		return err_set(e, ERR_CONFIG, "%s is '%s', not yes or no", key->key, value);
	if (key->type == CONFIG_U32)
		rc = parse_u32(value, &number, e);
	else if (key->type == CONFIG_TIME)
		rc = parse_duration(value, &seconds, e);
	if (rc < 0) {
		err_wrap(e, "%s", key->key);
		if (e != NULL)
			e->code = ERR_CONFIG;
		return ERR_CONFIG;
	}
	return 0;
}

/* Takes a copy of all texts. */
static int put(struct config *c, const struct config_key *key, const char *name, const char *value,
	const char *origin, struct err *e)
{
	struct setting *s = find_setting(c, key, name);
	char *value_copy, *origin_copy;

	if (s != NULL && s->source == c->source)
		return err_set(e, ERR_CONFIG, "%s was set in %s already", key->key, s->origin);
	if (s == NULL) {
		struct setting *more =
			realloc(c->settings, (c->n_settings + 1) * sizeof(*c->settings));

		if (more == NULL)
			return err_set(e, ERR_NOMEM, "out of memory");
		c->settings = more;
		s = &more[c->n_settings++];
		*s = (struct setting){.key = key};
		if (name != NULL && (s->name = strdup(name)) == NULL) {
			c->n_settings--;
			return err_set(e, ERR_NOMEM, "out of memory");
		}
	}
	value_copy = strdup(value);
	origin_copy = strdup(origin);
	if (value_copy == NULL || origin_copy == NULL) {
		free(value_copy);
		free(origin_copy);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	free(s->value);
	free(s->origin);
	s->value = value_copy;
	s->origin = origin_copy;
	s->source = c->source;
	return 0;
}

static bool is_named(const char *section)
{
	for (size_t i = 0; i < ARRAY_LEN(named_sections); i++)
		if (strcmp(named_sections[i], section) == 0)
			return true;
	return false;
}

/* `section` is that of a key: static text. */
static int add_named(struct config *c, const char *section, const char *name, struct err *e)
{
	struct named *more;

	for (size_t i = 0; i < c->n_named; i++)
		if (strcmp(c->named[i].section, section) == 0 &&
			strcmp(c->named[i].name, name) == 0) {
			c->named[i].source = c->source;
			return 0;
		}
	more = realloc(c->named, (c->n_named + 1) * sizeof(*c->named));
	if (more == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	c->named = more;
	more[c->n_named] = (struct named){section, strdup(name), c->source};
	if (more[c->n_named].name == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	c->n_named++;
	return 0;
}

/* --- files ---------------------------------------------------------------------------------- */

struct reading {
	struct config *c;
	const char *path;
};

static int unknown_section(const char *section, struct err *e)
{
	struct similar s = SIMILAR_INIT(section);

	err_set(e, ERR_CONFIG, "unknown section [%s]", section);
	if (strcmp(section, DEVICE_SECTION) == 0)
		return err_hint(
			e, "write [device NAME]; the default device is device = in [defaults]");
	if (is_named(section))
		return err_hint(e, "write [%s NAME]", section);
	for (const struct config_key *k = config_keys; k->section != NULL; k++)
		similar_offer(&s, k->section);
	if (s.best != NULL)
		err_hint(e, "did you mean [%s]?", s.best);
	return ERR_CONFIG;
}

static int unknown_key(const char *section, const char *key, struct err *e)
{
	struct similar s = SIMILAR_INIT(key);

	err_set(e, ERR_CONFIG, "unknown key '%s' in section [%s]", key, section);
	for (const struct config_key *k = config_keys; k->section != NULL; k++)
		if (strcmp(k->section, section) == 0)
			similar_offer(&s, k->key);
	if (s.best != NULL)
		err_hint(e, "did you mean '%s'?", s.best);
	return ERR_CONFIG;
}

static bool section_exists(const char *section)
{
	for (const struct config_key *k = config_keys; k->section != NULL; k++)
		if (strcmp(k->section, section) == 0)
			return true;
	return false;
}

/* Splits "device NAME"; the others have no name. */
static int split_section(
	const char *text, char *section, size_t size, const char **ret_name, struct err *e)
{
	size_t len = strcspn(text, " \t");
	const char *name = text + len;

	snprintf(section, size, "%.*s", (int)len, text);
	name += strspn(name, " \t");
	if (is_named(section) && *name != '\0') {
		*ret_name = name;
		return 0;
	}
	*ret_name = NULL;
	if (text[0] == '\0')
		return err_set(e, ERR_CONFIG, "a setting stands before the first [section]");
	if (is_named(section) || *name != '\0' || !section_exists(section))
		return unknown_section(text, e);
	return 0;
}

static int on_setting(void *ctx, unsigned line, const char *section_text, const char *key_text,
	const char *value, struct err *e)
{
	struct reading *r = ctx;
	char section[64], origin[PATH_MAX + 16];
	const struct config_key *key;
	const char *name = NULL;
	int rc = split_section(section_text, section, sizeof(section), &name, e);

	if (rc < 0)
		return rc;
	key = find_key(section, key_text);
	if (key == NULL)
		return unknown_key(section, key_text, e);
	rc = check_value(key, value, e);
	if (rc < 0)
		return rc;
	if (name != NULL) {
		rc = add_named(r->c, key->section, name, e);
		if (rc < 0)
			return rc;
	}
	snprintf(origin, sizeof(origin), "%s:%u", r->path, line);
	return put(r->c, key, name, value, origin, e);
}

int config_parse(struct config *c, const char *path, const char *text, size_t len, struct err *e)
{
	struct reading r = {.c = c, .path = path};
	struct ini_text_reader reader = {.ctx = &r, .setting = on_setting};

	c->source++;
	return ini_text_read(path, text, len, &reader, e);
}

static int parse_file(struct config *c, const char *path, bool must_exist, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT;
	int rc;

	if (!must_exist && !fs_exists(path))
		return 0;
	rc = fs_read(path, FILE_MAX, &text, e);
	if (rc < 0) {
		if (e != NULL)
			e->code = ERR_CONFIG;
		return ERR_CONFIG;
	}
	return config_parse(c, path, (const char *)text.data, text.len, e);
}

int config_load_file(struct config *c, const char *path, struct err *e)
{
	return parse_file(c, path, true, e);
}

bool config_in_last_file(const struct config *c, const char *section, const char *name)
{
	for (size_t i = 0; i < c->n_named; i++)
		if (strcmp(c->named[i].section, section) == 0 &&
			strcmp(c->named[i].name, name) == 0)
			return c->named[i].source == c->source;
	return false;
}

/* --- environment ---------------------------------------------------------------------------- */

/* The variable's name without STMOTA_, in lower case: "flash_require_known". */
static bool variable_word(const char *entry, char *word, size_t size)
{
	static const char prefix[] = "STMOTA_";
	size_t len = strcspn(entry, "="), skip = sizeof(prefix) - 1;

	if (strncmp(entry, prefix, skip) != 0 || entry[len] != '=' || len - skip >= size)
		return false;
	for (size_t i = skip; i < len; i++)
		word[i - skip] = (char)tolower((unsigned char)entry[i]);
	word[len - skip] = '\0';
	return true;
}

/*
 * Key of a variable. NULL with `ret_section` set if it names a section that exists: that is a
 * misspelled setting. Other STMOTA_ variables belong to scripts around us.
 */
static const struct config_key *variable_key(const char *word, const char **ret_section)
{
	*ret_section = NULL;
	for (const struct config_key *k = config_keys; k->section != NULL; k++) {
		size_t len = strlen(k->section);

		if (is_named(k->section))
			continue;
		if (strncmp(word, k->section, len) != 0 || word[len] != '_')
			continue;
		*ret_section = k->section;
		if (strcmp(word + len + 1, k->key) == 0)
			return k;
	}
	return NULL;
}

int config_parse_env(struct config *c, char *const *env, struct err *e)
{
	c->source++;
	for (; *env != NULL; env++) {
		char word[128];
		const char *section = NULL, *value;
		const struct config_key *key;
		int rc;

		if (!variable_word(*env, word, sizeof(word)))
			continue;
		value = strchr(*env, '=') + 1;
		key = variable_key(word, &section);
		if (key == NULL && section == NULL)
			continue;
		rc = key == NULL ? unknown_key(section, word + strlen(section) + 1, e)
				 : check_value(key, value, e);
		if (rc == 0)
			rc = put(c, key, NULL, value, "environment", e);
		if (rc < 0) {
			err_wrap(e, "environment variable %.*s", (int)strcspn(*env, "="), *env);
			return rc;
		}
	}
	return 0;
}

/* --- all sources ---------------------------------------------------------------------------- */

/* Empty if there is no home. */
static void user_file(char *path, size_t size)
{
	const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	int n = 0;

	path[0] = '\0';
	if (base != NULL && base[0] == '/')
		n = snprintf(path, size, "%s/stmota/stmota.conf", base);
	else if (home != NULL && home[0] == '/')
		n = snprintf(path, size, "%s/.config/stmota/stmota.conf", home);
	if (n >= (int)size)
		path[0] = '\0';
}

int config_load(const char *extra_file, struct config **ret, struct err *e)
{
	struct config *c = NULL;
	char user[PATH_MAX];
	int rc = config_new(&c, e);

	if (rc < 0)
		return rc;
	user_file(user, sizeof(user));
	rc = parse_file(c, SYSTEM_FILE, false, e);
	if (rc == 0 && user[0] != '\0')
		rc = parse_file(c, user, false, e);
	if (rc == 0)
		rc = config_parse_env(c, environ, e);
	if (rc == 0 && extra_file != NULL)
		rc = parse_file(c, extra_file, true, e);
	if (rc < 0) {
		config_free(c);
		return rc;
	}
	*ret = c;
	return 0;
}

/* --- answers -------------------------------------------------------------------------------- */

const char *config_get(
	const struct config *c, const char *section, const char *name, const char *key)
{
	const struct config_key *k = find_key(section, key);
	const struct setting *s = k != NULL ? find_setting(c, k, name) : NULL;

	if (s != NULL)
		return s->value;
	return k != NULL ? k->fallback : NULL;
}

const char *config_origin(
	const struct config *c, const char *section, const char *name, const char *key)
{
	const struct config_key *k = find_key(section, key);
	const struct setting *s = k != NULL ? find_setting(c, k, name) : NULL;

	return s != NULL ? s->origin : "built in";
}

static int bad_value(const struct config *c, const char *section, const char *name, const char *key,
	const char *text, const char *wanted, struct err *e)
{
	return err_set(e, ERR_CONFIG, "%s: %s is '%s', not %s",
		config_origin(c, section, name, key), key, text, wanted);
}

int config_bool(const struct config *c, const char *section, const char *name, const char *key,
	bool fallback, bool *ret, struct err *e)
{
	const char *text = config_get(c, section, name, key);

	if (text == NULL) {
		*ret = fallback;
		return 0;
	}
	if (parse_bool(text, ret) < 0)
		return bad_value(c, section, name, key, text, "yes or no", e);
	return 0;
}

int config_u32(const struct config *c, const char *section, const char *name, const char *key,
	uint32_t fallback, uint32_t *ret, struct err *e)
{
	const char *text = config_get(c, section, name, key);

	if (text == NULL) {
		*ret = fallback;
		return 0;
	}
	if (parse_u32(text, ret, NULL) < 0)
		return bad_value(c, section, name, key, text, "a number", e);
	return 0;
}

int config_time(const struct config *c, const char *section, const char *name, const char *key,
	uint64_t fallback_s, uint64_t *ret_s, struct err *e)
{
	const char *text = config_get(c, section, name, key);

	if (text == NULL) {
		*ret_s = fallback_s;
		return 0;
	}
	if (parse_duration(text, ret_s, NULL) < 0)
		return bad_value(c, section, name, key, text, "a time such as 30m", e);
	return 0;
}

size_t config_n_sections(const struct config *c, const char *section)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_named; i++)
		n += strcmp(c->named[i].section, section) == 0;
	return n;
}

const char *config_section_name(const struct config *c, const char *section, size_t i)
{
	for (size_t k = 0; k < c->n_named; k++)
		if (strcmp(c->named[k].section, section) == 0 && i-- == 0)
			return c->named[k].name;
	return NULL;
}

size_t config_n_devices(const struct config *c)
{
	return config_n_sections(c, DEVICE_SECTION);
}

const char *config_device_name(const struct config *c, size_t i)
{
	return config_section_name(c, DEVICE_SECTION, i);
}
