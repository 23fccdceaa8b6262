/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hawkbit_json.c - the answers of a hawkBit server, from their text
 */
#include "hawkbit_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/bytes.h>

/* ---- what they have in common ---- */

int hawkbit_json(const void *text, size_t len, json_t **ret, struct err *e)
{
	json_error_t why;
	char shown[100];
	json_t *j;

	if (len > HAWKBIT_JSON_MAX)
		return err_set(e, ERR_FORMAT, "an answer of more than %u bytes", HAWKBIT_JSON_MAX);
	j = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	if (j == NULL) {
		hawkbit_show(why.text, shown, sizeof(shown));
		return err_set(e, ERR_FORMAT, "no JSON: line %d: %s", why.line, shown);
	}
	if (!json_is_object(j)) {
		json_decref(j);
		return err_set(e, ERR_FORMAT, "JSON, but no object");
	}
	*ret = j;
	return 0;
}

void hawkbit_show(const char *text, char *ret, size_t size)
{
	snprintf(ret, size, "%s", text);
	for (char *p = ret; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
}

bool hawkbit_text(const json_t *j, const char *key, char *ret, size_t size)
{
	const char *text = json_string_value(json_object_get(j, key));

	hawkbit_show(text != NULL ? text : "", ret, size);
	return text != NULL;
}

bool hawkbit_uint(const json_t *j, const char *key, uint64_t *ret)
{
	const json_t *v = json_object_get(j, key);

	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return false;
	*ret = (uint64_t)json_integer_value(v);
	return true;
}

bool hawkbit_id_ok(const char *id)
{
	size_t n = strlen(id);

	return n > 0 && n < HAWKBIT_ID_SIZE &&
	       strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == n;
}

int hawkbit_id(const json_t *v, char ret[HAWKBIT_ID_SIZE], struct err *e)
{
	char number[HAWKBIT_ID_SIZE];
	const char *id = json_string_value(v);

	if (json_is_integer(v)) {
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(v));
		id = number;
	}
	if (id == NULL || !hawkbit_id_ok(id))
		return err_set(e, ERR_FORMAT, "an action without a usable id");
	snprintf(ret, HAWKBIT_ID_SIZE, "%s", id);
	return 0;
}

/* ---- the poll ---- */

/* "00:05:00"; what is out of range is left to the default of who polls. */
static bool parse_sleep(const char *text, uint32_t *ret)
{
	unsigned h, m, s;
	int end = -1;

	if (strlen(text) != 8 || sscanf(text, "%2u:%2u:%2u%n", &h, &m, &s, &end) != 3 || end != 8)
		return false;
	if (m > 59 || s > 59 || h * 3600 + m * 60 + s > HAWKBIT_SLEEP_MAX || h + m + s == 0)
		return false;
	*ret = h * 3600 + m * 60 + s;
	return true;
}

static bool url_ok(const char *url)
{
	size_t n = strlen(url);

	for (size_t i = 0; i < n; i++)
		if (url[i] <= ' ' || url[i] > '~')
			return false;
	return n < FETCH_URL_SIZE &&
	       (strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0);
}

/* A link to more talk: with our token, so on the server that we chose and on no other. */
static int judge_link(const char *server, const char *rel, const char *url, struct err *e)
{
	char shown[120];

	hawkbit_show(url, shown, sizeof(shown));
	if (!url_ok(url))
		return err_set(e, ERR_FORMAT, "link %s: '%s' is no URL", rel, shown);
	if (fetch_same_server(server, url))
		return 0;
	err_set(e, ERR_NETWORK, "link %s leads to another server: %s", rel, shown);
	return err_hint(e, "behind a proxy hawkBit needs server.forward-headers-strategy=NATIVE "
			   "and the proxy's X-Forwarded headers to make its links right");
}

/* NULL: there is no such link. */
static int get_href(
	const json_t *links, const char *server, const char *rel, const char **ret, struct err *e)
{
	const json_t *link = json_object_get(links, rel);
	const char *href = json_string_value(json_object_get(link, "href"));

	*ret = NULL;
	if (link == NULL || json_is_null(link))
		return 0;
	if (href == NULL)
		return err_set(e, ERR_FORMAT, "link %s has no href", rel);
	*ret = href;
	return judge_link(server, rel, href, e);
}

/* The segment behind the name of the resource. */
static int read_link(const json_t *links, const char *server, const char *rel,
	struct hawkbit_link *ret, struct err *e)
{
	char mark[40], id[HAWKBIT_ID_SIZE] = "";
	const char *href, *at = NULL;
	size_t n;
	int rc = get_href(links, server, rel, &href, e);

	if (rc < 0 || href == NULL)
		return rc;
	snprintf(mark, sizeof(mark), "/%s/", rel);
	for (const char *p = href; (p = strstr(p, mark)) != NULL; p++)
		at = p + strlen(mark);
	n = at != NULL ? strcspn(at, "?#") : 0;
	if (n > 0 && n < sizeof(id))
		memcpy(id, at, n);
	if (!hawkbit_id_ok(id))
		return err_set(e, ERR_FORMAT, "link %s names no action", rel);
	snprintf(ret->id, sizeof(ret->id), "%s", id);
	snprintf(ret->url, sizeof(ret->url), "%s", href);
	return 0;
}

int hawkbit_poll_parse(
	const char *url, const void *text, size_t len, struct hawkbit_poll *ret, struct err *e)
{
	const struct {
		const char *rel;
		size_t offset;
	} links[] = {
		{"deploymentBase", offsetof(struct hawkbit_poll, deployment)},
		{"cancelAction", offsetof(struct hawkbit_poll, cancel)},
		{"confirmationBase", offsetof(struct hawkbit_poll, confirmation)},
		{"installedBase", offsetof(struct hawkbit_poll, installed)},
	};
	cleanup_json json_t *j = NULL;
	struct hawkbit_poll p = {0};
	const char *sleep, *href = NULL;
	int rc = hawkbit_json(text, len, &j, e);
	const json_t *all = json_object_get(j, "_links");

	if (rc < 0)
		return rc;
	sleep = json_string_value(
		json_object_get(json_object_get(json_object_get(j, "config"), "polling"), "sleep"));
	p.has_sleep = sleep != NULL && parse_sleep(sleep, &p.sleep_s);
	if (all != NULL && !json_is_null(all) && !json_is_object(all))
		return err_set(e, ERR_FORMAT, "_links is no object");
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(links); i++)
		rc = read_link(all, url, links[i].rel,
			(struct hawkbit_link *)((char *)&p + links[i].offset), e);
	if (rc == 0)
		rc = get_href(all, url, "configData", &href, e);
	if (rc < 0)
		return rc;
	snprintf(p.config_data, sizeof(p.config_data), "%s", href != NULL ? href : "");
	*ret = p;
	return 0;
}

/* ---- a deployment ---- */

/* What a file may be found under: `download` is the one over TLS of old servers. */
static void read_download(const json_t *links, char ret[FETCH_URL_SIZE])
{
	static const char *const rels[] = {"download", "download-http"};

	for (size_t i = 0; i < ARRAY_LEN(rels); i++) {
		const char *href =
			json_string_value(json_object_get(json_object_get(links, rels[i]), "href"));

		if (href != NULL && url_ok(href)) {
			snprintf(ret, FETCH_URL_SIZE, "%s", href);
			return;
		}
	}
}

static int read_artifact(const json_t *j, struct hawkbit_artifact *ret, struct err *e)
{
	const char *sum =
		json_string_value(json_object_get(json_object_get(j, "hashes"), "sha256"));

	if (!hawkbit_text(j, "filename", ret->filename, sizeof(ret->filename)))
		return err_set(e, ERR_FORMAT, "an artifact without a file name");
	if (!hawkbit_uint(j, "size", &ret->size))
		return err_set(e, ERR_FORMAT, "artifact %s has no size", ret->filename);
	ret->has_sha256 = sum != NULL;
	if (sum != NULL && sha256_parse(sum, ret->sha256, NULL) < 0)
		return err_set(e, ERR_FORMAT, "artifact %s: its sha256 is none", ret->filename);
	read_download(json_object_get(j, "_links"), ret->url);
	return 0;
}

static int read_chunk(const json_t *j, struct hawkbit_chunk *ret, struct err *e)
{
	const json_t *all = json_object_get(j, "artifacts");
	size_t n = json_array_size(all);
	int rc = 0;

	hawkbit_text(j, "part", ret->part, sizeof(ret->part));
	ret->encrypted = json_is_true(json_object_get(j, "encrypted"));
	if (!hawkbit_text(j, "name", ret->name, sizeof(ret->name)) ||
		!hawkbit_text(j, "version", ret->version, sizeof(ret->version)))
		return err_set(e, ERR_FORMAT, "a chunk without name and version");
	if ((all != NULL && !json_is_array(all)) || n > HAWKBIT_ARTIFACTS_MAX)
		return err_set(e, ERR_FORMAT, "chunk %s: no list of at most %u artifacts",
			ret->name, HAWKBIT_ARTIFACTS_MAX);
	ret->artifacts = calloc(n + 1, sizeof(*ret->artifacts));
	if (ret->artifacts == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (; rc == 0 && ret->n < n; ret->n++)
		rc = read_artifact(json_array_get(all, ret->n), &ret->artifacts[ret->n], e);
	return rc;
}

static int read_handling(
	const json_t *j, const char *key, enum hawkbit_handling *ret, struct err *e)
{
	static const char *const words[] = {"skip", "attempt", "forced"};
	const char *text = json_string_value(json_object_get(j, key));

	for (size_t i = 0; text != NULL && i < ARRAY_LEN(words); i++)
		if (strcmp(text, words[i]) == 0) {
			*ret = (enum hawkbit_handling)i;
			return 0;
		}
	return err_set(e, ERR_FORMAT, "'%s' is none of skip, attempt and forced", key);
}

/* Absent: no schedule. A word that is not known keeps the window closed. */
static enum hawkbit_window read_window(const json_t *j)
{
	const json_t *v = json_object_get(j, "maintenanceWindow");

	if (v == NULL || json_is_null(v))
		return HAWKBIT_NO_WINDOW;
	return json_is_string(v) && strcmp(json_string_value(v), "available") == 0
		       ? HAWKBIT_WINDOW_OPEN
		       : HAWKBIT_WINDOW_CLOSED;
}

static int read_deployment(const json_t *j, struct hawkbit_deployment *ret, struct err *e)
{
	const json_t *d = json_object_get(j, "deployment"), *all;
	size_t n;
	int rc = hawkbit_id(json_object_get(j, "id"), ret->id, e);

	if (d == NULL)
		d = json_object_get(j, "confirmation");
	all = json_object_get(d, "chunks");
	n = json_array_size(all);
	if (rc == 0)
		rc = read_handling(d, "download", &ret->download, e);
	if (rc == 0)
		rc = read_handling(d, "update", &ret->update, e);
	if (rc < 0)
		return rc;
	ret->window = read_window(d);
	if (!json_is_array(all) || n > HAWKBIT_CHUNKS_MAX)
		return err_set(e, ERR_FORMAT, "no list of at most %u chunks", HAWKBIT_CHUNKS_MAX);
	ret->chunks = calloc(n + 1, sizeof(*ret->chunks));
	if (ret->chunks == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (; rc == 0 && ret->n < n; ret->n++)
		rc = read_chunk(json_array_get(all, ret->n), &ret->chunks[ret->n], e);
	return rc;
}

int hawkbit_deployment_parse(
	const void *text, size_t len, struct hawkbit_deployment *ret, struct err *e)
{
	cleanup_json json_t *j = NULL;
	struct hawkbit_deployment d = {0};
	int rc = hawkbit_json(text, len, &j, e);

	if (rc == 0)
		rc = read_deployment(j, &d, e);
	if (rc == 0)
		*ret = d;
	else
		hawkbit_deployment_done(&d);
	return rc;
}

void hawkbit_deployment_done(struct hawkbit_deployment *d)
{
	for (size_t i = 0; i < d->n; i++)
		free(d->chunks[i].artifacts);
	free(d->chunks);
	*d = (struct hawkbit_deployment){0};
}

static bool is_package(const char *name)
{
	size_t n = strlen(name);

	return n > 5 && strcmp(name + n - 5, ".sota") == 0;
}

int hawkbit_package(const struct hawkbit_deployment *d, const struct hawkbit_artifact **ret,
	const struct hawkbit_chunk **ret_chunk, struct err *e)
{
	const struct hawkbit_artifact *found = NULL;
	const struct hawkbit_chunk *in = NULL;

	for (size_t c = 0; c < d->n; c++)
		for (size_t a = 0; a < d->chunks[c].n; a++) {
			if (!is_package(d->chunks[c].artifacts[a].filename))
				continue;
			if (found != NULL)
				return err_set(e, ERR_FORMAT,
					"more than one package in the distribution set: %.60s, "
					"%.60s",
					found->filename, d->chunks[c].artifacts[a].filename);
			found = &d->chunks[c].artifacts[a];
			in = &d->chunks[c];
		}
	if (found == NULL)
		return err_set(e, ERR_FORMAT, "no package (*.sota) in the distribution set");
	if (!found->has_sha256)
		return err_set(e, ERR_FORMAT, "package %.60s has no sha256", found->filename);
	if (found->url[0] == '\0')
		return err_set(e, ERR_FORMAT, "package %.60s has no link to it", found->filename);
	*ret = found;
	if (ret_chunk != NULL)
		*ret_chunk = in;
	return 0;
}

int hawkbit_cancel_parse(
	const void *text, size_t len, char ret_stop[HAWKBIT_ID_SIZE], struct err *e)
{
	cleanup_json json_t *j = NULL;
	int rc = hawkbit_json(text, len, &j, e);

	return rc == 0 ? hawkbit_id(json_object_get(json_object_get(j, "cancelAction"), "stopId"),
				 ret_stop, e)
		       : rc;
}
