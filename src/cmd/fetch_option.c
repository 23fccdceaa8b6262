/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch_option.c - the section [fetch], and files that may be URLs
 */
#include "cmd.h"

#include <string.h>

#include <stmota/bytes.h>
#include <stmota/fetch.h>

#define SECONDS_MAX (UINT32_MAX / 1000)

static int load_redirects(const struct config *c, enum fetch_redirects *ret, struct err *e)
{
	static const char *const names[] = {[FETCH_REDIRECT_ANY_HOST] = "any-host",
		[FETCH_REDIRECT_SAME_HOST] = "same-host",
		[FETCH_REDIRECT_NONE] = "none"};
	const char *text = config_get(c, "fetch", NULL, "redirects");

	for (size_t i = 0; text != NULL && i < ARRAY_LEN(names); i++)
		if (strcmp(text, names[i]) == 0) {
			*ret = (enum fetch_redirects)i;
			return 0;
		}
	return text == NULL ? 0
			    : err_set(e, ERR_CONFIG,
				      "%s: [fetch] redirects = '%s': any-host, same-host or none",
				      config_origin(c, "fetch", NULL, "redirects"), text);
}

static int load_seconds(const struct config *c, const char *key, uint32_t *ms, struct err *e)
{
	uint32_t s = *ms / 1000;
	int rc = config_u32(c, "fetch", NULL, key, s, &s, e);

	if (rc == 0 && s > SECONDS_MAX)
		rc = err_set(e, ERR_CONFIG, "%s: [fetch] %s is too long a time",
			config_origin(c, "fetch", NULL, key), key);
	if (rc == 0)
		*ms = s * 1000;
	return rc;
}

int cmd_fetch_settings(const struct command_env *env, struct fetch_settings *ret, struct err *e)
{
	const struct config *c = env->config;
	struct fetch_settings s = FETCH_SETTINGS_INIT;
	uint32_t limit = 0;
	int rc = config_u32(c, "fetch", NULL, "tries", s.tries, &s.tries, e);

	s.ca_file = config_get(c, "fetch", NULL, "ca_file");
	s.client_cert = config_get(c, "fetch", NULL, "client_cert");
	s.client_key = config_get(c, "fetch", NULL, "client_key");
	s.proxy = config_get(c, "fetch", NULL, "proxy");
	if (rc == 0)
		rc = config_bool(c, "fetch", NULL, "allow_http", false, &s.allow_http, e);
	if (rc == 0)
		rc = load_redirects(c, &s.redirects, e);
	if (rc == 0)
		rc = config_u32(c, "fetch", NULL, "retry_ms", s.retry_ms, &s.retry_ms, e);
	if (rc == 0)
		rc = load_seconds(c, "connect_s", &s.connect_ms, e);
	if (rc == 0)
		rc = load_seconds(c, "stall_s", &s.stall_ms, e);
	if (rc == 0)
		rc = load_seconds(c, "total_s", &s.total_ms, e);
	if (rc == 0)
		rc = config_u32(c, "fetch", NULL, "limit", 0, &limit, e);
	s.bytes_per_s = limit;
	if (rc == 0)
		rc = fetch_settings_check(&s, e);
	if (rc == 0)
		*ret = s;
	return rc;
}

int cmd_read_input(const struct command_env *env, const char *where, size_t max, struct buf *ret,
	struct err *e)
{
	struct fetch_settings s;
	int rc = cmd_fetch_settings(env, &s, e);

	return rc == 0 ? fetch_input(where, &s, max, env->events, ret, e) : rc;
}
