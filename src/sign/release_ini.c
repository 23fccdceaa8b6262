/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/release_ini.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/buf.h>
#include <stmota/ini_text.h>
#include <stmota/package.h>
#include <stmota/similar.h>

struct key_row {
	const char *name;
	bool is_path;
};

static const struct key_row package_keys[RELEASE_N] = {
	[RELEASE_PRODUCT] = {"product", false},
	[RELEASE_VERSION] = {"version", false},
	[RELEASE_CHIP] = {"chip", false},
	[RELEASE_COUNTER] = {"counter", false},
	[RELEASE_HW] = {"hw", false},
	[RELEASE_MIN_VERSION] = {"min-version", false},
	[RELEASE_TITLE] = {"title", false},
	[RELEASE_BUILD_ID] = {"build-id", false},
	[RELEASE_REVISION] = {"revision", false},
	[RELEASE_DATE] = {"date", false},
	[RELEASE_NOTES] = {"notes", false},
	[RELEASE_NOTES_FILE] = {"notes-file", true},
	[RELEASE_OUT] = {"out", true},
};

static const struct key_row part_keys[PART_N] = {
	[PART_KIND] = {"kind", false},
	[PART_FILE] = {"file", true},
	[PART_FORMAT] = {"format", false},
	[PART_ADDRESS] = {"address", false},
	[PART_SLOT] = {"slot", false},
	[PART_ENTRY] = {"entry", false},
	[PART_COMPRESS] = {"compress", false},
	[PART_ENCRYPT] = {"encrypt", false},
	[PART_CHAIN] = {"chain", false},
};

const char *release_key_name(enum release_key key)
{
	return package_keys[key].name;
}

const char *release_part_name(enum release_part part)
{
	return part_keys[part].name;
}

struct parser {
	struct release_ini r;
	const char *(*lookup)(const char *name);
};

/* ---- variables ---- */

static bool is_name(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '_')
			return false;
	return len > 0 && !isdigit((unsigned char)s[0]);
}

/* ${NAME} or ${NAME:-default}; `p` stands behind the brace, *ret_end behind the closing one. */
static int variable(
	const struct parser *ps, const char *p, const char **ret_end, struct buf *to, struct err *e)
{
	const char *end = strchr(p, '}');
	size_t len = end != NULL ? (size_t)(end - p) : 0, name_len;
	const char *fallback, *value;
	char name[128];

	if (end == NULL) {
		err_set(e, ERR_CONFIG, "'${%.60s' has no closing brace", p);
		return err_hint(e, "$$ stands for a dollar sign");
	}
	*ret_end = end + 1;
	fallback = strstr(p, ":-");
	if (fallback == NULL || fallback > end)
		fallback = NULL;
	name_len = fallback != NULL ? (size_t)(fallback - p) : len;
	if (!is_name(p, name_len) || name_len >= sizeof(name)) {
		err_set(e, ERR_CONFIG, "'${%.*s}' is no variable", len > 60 ? 60 : (int)len, p);
		return err_hint(e, "${NAME}, or ${NAME:-default}");
	}
	memcpy(name, p, name_len);
	name[name_len] = '\0';
	value = ps->lookup(name);
	if (value != NULL && (value[0] != '\0' || fallback == NULL))
		return buf_append(to, value, strlen(value), e);
	if (fallback != NULL)
		return buf_append(to, fallback + 2, (size_t)(end - fallback) - 2, e);
	err_set(e, ERR_CONFIG, "the variable %s is not set", name);
	return err_hint(e, "set it in the environment, or write ${%s:-default}", name);
}

/*
 * Replaces variables, once: what a variable brings is text. $$ is a dollar sign, and $; a
 * semicolon, which would begin a comment behind a blank.
 */
static int expand(const struct parser *ps, const char *value, struct buf *to, struct err *e)
{
	int rc = 0;

	for (const char *p = value; rc == 0 && *p != '\0';) {
		size_t plain = strcspn(p, "$");

		rc = plain > 0 ? buf_append(to, p, plain, e) : 0;
		p += plain;
		if (rc < 0 || *p == '\0')
			continue;
		if (p[1] == '{') {
			rc = variable(ps, p + 2, &p, to, e);
		} else if (p[1] == '$' || p[1] == ';') {
			rc = buf_append(to, p + 1, 1, e);
			p += 2;
		} else {
			err_set(e, ERR_CONFIG, "a single $ in '%.60s'", value);
			rc = err_hint(e, "${NAME} is a variable, $$ a dollar sign, $; a semicolon");
		}
	}
	return rc < 0 ? rc : buf_append(to, "", 1, e);
}

/* ---- settings ---- */

/* Relative to the folder of the file that names it. */
static int put_path(const char *ini, const char *text, struct buf *to, struct err *e)
{
	const char *slash = strrchr(ini, '/');
	int rc = 0;

	if (text[0] != '/' && slash != NULL)
		rc = buf_append(to, ini, (size_t)(slash - ini) + 1, e);
	/* A file called "-" is no standard input. */
	if (rc == 0 && strcmp(text, "-") == 0 && to->len == 0)
		rc = buf_append(to, "./", 2, e);
	return rc < 0 ? rc : buf_append(to, text, strlen(text) + 1, e);
}

static int put_value(const struct parser *ps, const struct key_row *key, struct release_value *v,
	unsigned line, const char *text, struct err *e)
{
	cleanup_buf struct buf expanded = BUF_INIT, path = BUF_INIT;
	const char *result;
	int rc;

	if (v->text != NULL)
		return err_set(e, ERR_CONFIG, "%s stands in line %u already", key->name, v->line);
	rc = expand(ps, text, &expanded, e);
	if (rc < 0)
		return err_wrap(e, "%s", key->name);
	result = (const char *)expanded.data;
	if (result[0] == '\0') {
		err_set(e, ERR_CONFIG, "%s is empty", key->name);
		return err_hint(e, "leave out the line if there is nothing to say");
	}
	if (key->is_path) {
		rc = put_path(ps->r.path, result, &path, e);
		if (rc < 0)
			return rc;
		result = (const char *)path.data;
	}
	v->text = strdup(result);
	v->line = line;
	return v->text != NULL ? 0 : err_set(e, ERR_NOMEM, "out of memory");
}

static int find_key(const struct key_row *rows, size_t n, const char *section, const char *key,
	size_t *ret, struct err *e)
{
	struct similar s = SIMILAR_INIT(key);

	for (size_t i = 0; i < n; i++) {
		similar_offer(&s, rows[i].name);
		if (strcmp(rows[i].name, key) != 0)
			continue;
		*ret = i;
		return 0;
	}
	err_set(e, ERR_CONFIG, "unknown key '%.40s' in [%.48s]", key, section);
	return s.best != NULL ? err_hint(e, "did you mean '%s'?", s.best) : ERR_CONFIG;
}

/* "component NAME" or "component 3". */
static int component_of(struct parser *ps, unsigned line, const char *section,
	struct release_component **ret, struct err *e)
{
	const char *name = section + strlen("component");
	struct release_component *c;
	int rc;

	name += strspn(name, " \t");
	for (size_t i = 0; i < ps->r.n_components; i++) {
		*ret = &ps->r.components[i];
		if (strcmp((*ret)->section, section) == 0)
			return 0;
	}
	if (ps->r.n_components == IMF_COMPONENTS_MAX)
		return err_set(e, ERR_CONFIG, "more than %u components", IMF_COMPONENTS_MAX);
	c = &ps->r.components[ps->r.n_components];
	if (strlen(section) >= sizeof(c->section))
		return err_set(e, ERR_CONFIG, "[%.20s...] is too long", section);
	if (strspn(name, "0123456789") != strlen(name)) {
		rc = package_name_check(name, e);
		if (rc < 0 && e != NULL)
			e->code = ERR_CONFIG;
		if (rc < 0)
			return ERR_CONFIG;
		c->name = strdup(name);
		if (c->name == NULL)
			return err_set(e, ERR_NOMEM, "out of memory");
	}
	snprintf(c->section, sizeof(c->section), "%s", section);
	c->line = line;
	ps->r.n_components++;
	*ret = c;
	return 0;
}

static bool is_component(const char *section)
{
	static const char word[] = "component";
	size_t len = sizeof(word) - 1;

	return strncmp(section, word, len) == 0 && (section[len] == ' ' || section[len] == '\t') &&
	       section[len + strspn(section + len, " \t")] != '\0';
}

static int on_setting(void *ctx, unsigned line, const char *section, const char *key,
	const char *value, struct err *e)
{
	struct parser *ps = ctx;
	struct release_component *c = NULL;
	size_t i = 0;
	int rc;

	if (strcmp(section, "package") == 0) {
		rc = find_key(package_keys, RELEASE_N, section, key, &i, e);
		return rc < 0 ? rc
			      : put_value(ps, &package_keys[i], &ps->r.package[i], line, value, e);
	}
	if (!is_component(section)) {
		if (section[0] == '\0')
			err_set(e, ERR_CONFIG, "a setting stands before the first [section]");
		else
			err_set(e, ERR_CONFIG, "unknown section [%.40s]", section);
		return err_hint(e, "sections are [package], and [component NAME] for each file");
	}
	rc = find_key(part_keys, PART_N, section, key, &i, e);
	if (rc == 0)
		rc = component_of(ps, line, section, &c, e);
	return rc < 0 ? rc : put_value(ps, &part_keys[i], &c->v[i], line, value, e);
}

/* ---- all of it ---- */

static int check(const struct release_ini *r, struct err *e)
{
	const struct release_value *notes = &r->package[RELEASE_NOTES];
	const struct release_value *file = &r->package[RELEASE_NOTES_FILE];

	if (r->n_components == 0) {
		err_set(e, ERR_CONFIG, "%s: no [component NAME]", r->path);
		return err_hint(e, "each file of the package has such a section");
	}
	if (notes->text != NULL && file->text != NULL)
		return err_set(e, ERR_CONFIG, "%s:%u: notes stand in line %u already", r->path,
			file->line, notes->line);
	for (size_t i = 0; i < r->n_components; i++)
		if (r->components[i].v[PART_FILE].text == NULL)
			return err_set(e, ERR_CONFIG, "%s:%u: [%s] names no file", r->path,
				r->components[i].line, r->components[i].section);
	return 0;
}

int release_ini_parse(const char *path, const char *text, size_t len,
	const char *(*lookup)(const char *name), struct release_ini *ret, struct err *e)
{
	struct parser ps = {.r = {.path = path}, .lookup = lookup};
	struct ini_text_reader reader = {
		.ctx = &ps, .setting = on_setting, .no_empty_section = true};
	int rc = len <= RELEASE_INI_MAX ? ini_text_read(path, text, len, &reader, e)
					: err_set(e, ERR_CONFIG, "%s is larger than 64 KiB", path);

	if (rc == 0)
		rc = check(&ps.r, e);
	if (rc < 0) {
		release_ini_done(&ps.r);
		return rc;
	}
	*ret = ps.r;
	return 0;
}

void release_ini_done(struct release_ini *r)
{
	for (size_t i = 0; i < RELEASE_N; i++)
		free(r->package[i].text);
	for (size_t i = 0; i < r->n_components; i++) {
		free(r->components[i].name);
		for (size_t k = 0; k < PART_N; k++)
			free(r->components[i].v[k].text);
	}
	*r = RELEASE_INI_INIT;
}
