/* SPDX-License-Identifier: Apache-2.0 */
#include "channel_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/bytes.h>
#include <stmota/package.h>

#define EXACT_MAX ((UINT64_C(1) << 53) - 1)
#define IDS_MAX   100000u

static bool is_name(const char *text)
{
	return text[0] != '\0' &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "0123456789-_.:") == strlen(text);
}

/* Devices are called GATEWAY/NAME; no file of a channel is. */
bool channel_is_id(const char *text)
{
	return text[0] != '\0' && strlen(text) < CHANNEL_ID_SIZE &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "0123456789-_.:/") == strlen(text);
}

int channel_name_check(const char *name, struct err *e)
{
	if (is_name(name) && strchr(name, ':') == NULL && name[0] != '.' &&
		strlen(name) < CHANNEL_NAME_SIZE)
		return 0;
	err_set(e, ERR_USAGE, "'%.70s' is no name for a channel", name);
	return err_hint(e, "letters, digits, '-', '_' and '.'");
}

void channel_ids_done(struct channel_ids *ids)
{
	for (size_t i = 0; i < ids->n; i++)
		free(ids->v[i]);
	free(ids->v);
	*ids = (struct channel_ids){0};
}

bool channel_ids_have(const struct channel_ids *ids, const char *id)
{
	for (size_t i = 0; i < ids->n; i++)
		if (strcmp(ids->v[i], id) == 0)
			return true;
	return false;
}

/* ---- reading ---- */

#define SHOWN_SIZE 100

/* What a server sent, for a message: nothing of it moves the cursor of a terminal. */
static const char *shown(const char *text, char ret[SHOWN_SIZE])
{
	snprintf(ret, SHOWN_SIZE, "%.*s", SHOWN_SIZE - 1, text);
	for (char *p = ret; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return ret;
}

int channel_json_parse(const void *text, size_t len, const char *type, json_t **ret, struct err *e)
{
	json_error_t why;
	json_t *j = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	char reason[SHOWN_SIZE];
	const char *is;

	if (j == NULL)
		return err_set(
			e, ERR_FORMAT, "no JSON: line %d: %s", why.line, shown(why.text, reason));
	is = json_string_value(json_object_get(j, "type"));
	if (is == NULL || strcmp(is, type) != 0) {
		json_decref(j);
		return err_set(e, ERR_FORMAT, "its type is not \"%s\"", type);
	}
	*ret = j;
	return 0;
}

static int read_integer(const json_t *v, uint64_t max, uint64_t *ret)
{
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v) || n < 0 || (uint64_t)n > max)
		return ERR_FORMAT;
	*ret = (uint64_t)n;
	return 0;
}

static int read_ids(const json_t *v, struct channel_ids *ret)
{
	size_t n = json_array_size(v);

	if (!json_is_array(v) || n > IDS_MAX)
		return ERR_FORMAT;
	ret->v = calloc(n + 1, sizeof(*ret->v));
	for (size_t i = 0; ret->v != NULL && i < n; i++) {
		const char *id = json_string_value(json_array_get(v, i));

		if (id == NULL || !channel_is_id(id))
			return ERR_FORMAT;
		ret->v[i] = strdup(id);
		if (ret->v[i] == NULL)
			return ERR_NOMEM;
		ret->n++;
	}
	return ret->v != NULL ? 0 : ERR_NOMEM;
}

static int read_text(const json_t *v, const struct member *m, void *field)
{
	const char *text = json_string_value(v);

	if (text == NULL || (m->type == MEMBER_NAME && (!is_name(text) || strlen(text) >= m->size)))
		return ERR_FORMAT;
	if (m->type == MEMBER_NAME) {
		snprintf(field, m->size, "%s", text);
		return 0;
	}
	*(char **)field = strdup(text);
	return *(char **)field != NULL ? 0 : ERR_NOMEM;
}

static int read_member(const json_t *v, const struct member *m, void *field)
{
	uint64_t n = 0;
	int rc = 0;

	switch (m->type) {
	case MEMBER_NAME:
	case MEMBER_STRING: return read_text(v, m, field);
	case MEMBER_U16:
		rc = read_integer(v, UINT16_MAX, &n);
		*(uint16_t *)field = (uint16_t)n;
		return rc;
	case MEMBER_U32:
		rc = read_integer(v, UINT32_MAX, &n);
		*(uint32_t *)field = (uint32_t)n;
		return rc;
	case MEMBER_U64: return read_integer(v, EXACT_MAX, field);
	case MEMBER_BOOL:
		*(bool *)field = json_is_true(v);
		return json_is_boolean(v) ? 0 : ERR_FORMAT;
	case MEMBER_TIME:
		return json_is_string(v) &&
				       package_date_parse(json_string_value(v), field, NULL) == 0
			       ? 0
			       : ERR_FORMAT;
	case MEMBER_SHA256:
		return json_is_string(v) && sha256_parse(json_string_value(v), field, NULL) == 0
			       ? 0
			       : ERR_FORMAT;
	case MEMBER_VERSION:
		return json_is_string(v) && version_parse(json_string_value(v), field, NULL) == 0
			       ? 0
			       : ERR_FORMAT;
	case MEMBER_IDS: return read_ids(v, field);
	case MEMBER_OTHER: return 0;
	}
	return ERR_FORMAT;
}

static const struct member *find_member(const struct member *members, const char *name)
{
	for (; members->name != NULL; members++)
		if (strcmp(members->name, name) == 0)
			return members;
	return NULL;
}

int channel_json_read(
	const json_t *j, const struct member *members, const char *what, void *to, struct err *e)
{
	const char *key;
	char text[SHOWN_SIZE];
	json_t *v;

	if (!json_is_object(j))
		return err_set(e, ERR_FORMAT, "%s is no object", what);
	for (void *it = json_object_iter((json_t *)j); it != NULL;
		it = json_object_iter_next((json_t *)j, it)) {
		const struct member *m = find_member(members, json_object_iter_key(it));
		int rc;

		key = json_object_iter_key(it);
		v = json_object_iter_value(it);
		if (m == NULL && strcmp(key, "type") == 0)
			continue;
		if (m == NULL)
			return err_set(
				e, ERR_FORMAT, "%s: '%s' is not known", what, shown(key, text));
		rc = read_member(v, m, (char *)to + m->offset);
		if (rc == ERR_NOMEM)
			return err_set(e, ERR_NOMEM, "out of memory");
		if (rc < 0)
			return err_set(
				e, ERR_FORMAT, "%s: '%s' is not what it should be", what, key);
	}
	for (; members->name != NULL; members++)
		if (!members->optional && json_object_get(j, members->name) == NULL)
			return err_set(e, ERR_FORMAT, "%s: '%s' is missing", what, members->name);
	return 0;
}

/* ---- writing ---- */

static json_t *hex_json(const uint8_t *bytes, size_t len)
{
	char text[2 * SHA256_SIZE + 1];

	for (size_t i = 0; i < len; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return json_string(text);
}

static json_t *ids_json(const struct channel_ids *ids)
{
	json_t *a = json_array();

	for (size_t i = 0; i < ids->n; i++)
		json_array_append_new(a, json_string(ids->v[i]));
	return a;
}

static json_t *member_json(const struct member *m, const void *field)
{
	char version[VERSION_TEXT_SIZE], date[PACKAGE_DATE_TEXT];

	switch (m->type) {
	case MEMBER_NAME: return json_string(field);
	case MEMBER_STRING: return json_string(*(char *const *)field);
	case MEMBER_U16: return json_integer(*(const uint16_t *)field);
	case MEMBER_U32: return json_integer(*(const uint32_t *)field);
	case MEMBER_U64: return json_integer((json_int_t) * (const uint64_t *)field);
	case MEMBER_BOOL: return json_boolean(*(const bool *)field);
	case MEMBER_TIME: return json_string(package_date_format(*(const uint64_t *)field, date));
	case MEMBER_SHA256: return hex_json(field, SHA256_SIZE);
	case MEMBER_VERSION:
		return json_string(version_format(*(const struct imf_version *)field, version));
	case MEMBER_IDS: return ids_json(field);
	case MEMBER_OTHER: return NULL;
	}
	return NULL;
}

/* An optional one that says nothing: zero bytes in every type there is. */
static bool is_empty(const struct member *m, const void *field)
{
	static const uint8_t zeros[sizeof(struct channel_ids)];
	static const size_t sizes[] = {[MEMBER_STRING] = sizeof(char *),
		[MEMBER_U16] = 2,
		[MEMBER_U32] = 4,
		[MEMBER_U64] = 8,
		[MEMBER_BOOL] = sizeof(bool),
		[MEMBER_TIME] = 8,
		[MEMBER_VERSION] = sizeof(struct imf_version)};

	if (m->type == MEMBER_IDS)
		return ((const struct channel_ids *)field)->n == 0;
	if (m->type == MEMBER_NAME)
		return *(const char *)field == '\0';
	return m->type < ARRAY_LEN(sizes) && sizes[m->type] > 0 &&
	       memcmp(field, zeros, sizes[m->type]) == 0;
}

int channel_json_write(json_t *j, const struct member *members, const void *from, struct err *e)
{
	for (; members->name != NULL; members++) {
		const void *field = (const char *)from + members->offset;
		json_t *v;

		if (members->type == MEMBER_OTHER ||
			(members->optional && is_empty(members, field)))
			continue;
		v = member_json(members, field);
		if (v == NULL || json_object_set_new(j, members->name, v) < 0)
			return err_set(e, ERR_NOMEM, "out of memory");
	}
	return 0;
}

int channel_json_text(json_t *j, struct buf *ret, struct err *e)
{
	char *text = json_dumps(j, JSON_INDENT(1));
	int rc = text != NULL ? buf_append(ret, text, strlen(text), e)
			      : err_set(e, ERR_NOMEM, "out of memory");

	if (rc == 0)
		rc = buf_append(ret, "\n", 1, e);
	free(text);
	json_decref(j);
	return rc;
}
