/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hawkbit.c - one exchange with a hawkBit server after the other
 */
#include "hawkbit_priv.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include <stmota/clock.h>
#include <stmota/fs.h>
#include <stmota/signals.h>

#define REST_MS    60000u /* for all tries of one exchange */
#define REST_TRIES 3u
#define CONFLICTS  10u /* 409: somebody else changed the same thing; another try cures it */

/* ---- who we are, and where the server is ---- */

int hawkbit_escape(const char *text, char *ret, size_t size)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~";
	size_t n = strlen(ret);

	for (; *text != '\0'; text++) {
		int k = strchr(plain, *text) != NULL
				? snprintf(ret + n, size - n, "%c", *text)
				: snprintf(ret + n, size - n, "%%%02X", (unsigned char)*text);

		if (k < 0 || (size_t)k >= size - n)
			return ERR_USAGE;
		n += (size_t)k;
	}
	return 0;
}

/* "." and ".." are no names for a segment of a path. */
static bool segment_ok(const char *text)
{
	return text[0] != '\0' && strcmp(text, ".") != 0 && strcmp(text, "..") != 0 &&
	       strlen(text) <= HAWKBIT_CONTROLLER_MAX;
}

static int make_base(struct hawkbit *h, const struct hawkbit_login *l, struct err *e)
{
	const char *tenant = l->tenant != NULL ? l->tenant : "DEFAULT";
	size_t n = strlen(l->url);
	int rc = 0;

	while (n > 0 && l->url[n - 1] == '/')
		n--;
	if (strncmp(l->url, "https://", 8) != 0 && strncmp(l->url, "http://", 7) != 0) {
		err_set(e, ERR_CONFIG, "'%.60s' is no URL of a hawkBit server", l->url);
		return err_hint(e, "https://HOST[:PORT]");
	}
	if (!segment_ok(tenant) || !segment_ok(l->controller))
		return err_set(e, ERR_CONFIG,
			"'%.60s' of tenant '%.60s' is no name for a target of hawkBit",
			l->controller, tenant);
	if (n + 32 >= sizeof(h->base) || strpbrk(l->url, "?# \t\r\n") != NULL)
		return err_set(e, ERR_CONFIG, "the URL of the hawkBit server is none");
	snprintf(h->base, sizeof(h->base), "%.*s/", (int)n, l->url);
	rc = hawkbit_escape(tenant, h->base, sizeof(h->base) - 32);
	if (rc == 0) {
		snprintf(h->base + strlen(h->base), sizeof(h->base) - strlen(h->base),
			"/controller/v1/");
		rc = hawkbit_escape(l->controller, h->base, sizeof(h->base));
	}
	return rc == 0 ? 0 : err_set(e, ERR_CONFIG, "the URL of the hawkBit server is too long");
}

static bool token_ok(const char *token)
{
	for (const char *p = token; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	return token[0] != '\0' && strlen(token) <= HAWKBIT_TOKEN_MAX;
}

static int make_headers(struct hawkbit *h, const struct hawkbit_login *l, struct err *e)
{
	h->headers[0] = HAWKBIT_ACCEPT;
	if (l->auth == HAWKBIT_NO_TOKEN)
		return 0;
	if (l->token == NULL || !token_ok(l->token))
		return err_set(e, ERR_CONFIG,
			"the token for hawkBit is none: 1 to %u printable "
			"characters without spaces",
			HAWKBIT_TOKEN_MAX);
	snprintf(h->authorization, sizeof(h->authorization), "Authorization: %s %s",
		l->auth == HAWKBIT_TARGET_TOKEN ? "TargetToken" : "GatewayToken", l->token);
	h->headers[1] = h->authorization;
	return 0;
}

void hawkbit_rest_settings(struct fetch_settings *s)
{
	if (s->total_ms == 0 || s->total_ms > REST_MS)
		s->total_ms = REST_MS;
	if (s->tries > REST_TRIES)
		s->tries = REST_TRIES;
	if (s->redirects == FETCH_REDIRECT_ANY_HOST)
		s->redirects = FETCH_REDIRECT_SAME_HOST;
}

int hawkbit_init(struct hawkbit *h, const struct hawkbit_login *l, struct err *e)
{
	int rc;

	memset(h, 0, sizeof(*h));
	h->fetch = *l->fetch;
	h->rest = *l->fetch;
	hawkbit_rest_settings(&h->rest);
	rc = make_base(h, l, e);
	if (rc == 0)
		rc = make_headers(h, l, e);
	if (rc < 0)
		hawkbit_done(h);
	return rc;
}

void hawkbit_done(struct hawkbit *h)
{
	buf_done(&h->answer);
	OPENSSL_cleanse(h, sizeof(*h));
}

int hawkbit_token_read(const char *path, char ret[HAWKBIT_TOKEN_MAX + 1], struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT;
	size_t n;
	int rc = fs_read(path, HAWKBIT_TOKEN_MAX + 16, &b, e);

	if (rc < 0)
		return rc;
	for (n = 0; n < b.len && b.data[n] != '\n' && b.data[n] != '\r'; n++)
		;
	if (n <= HAWKBIT_TOKEN_MAX) {
		memcpy(ret, b.data != NULL ? b.data : (const uint8_t *)"", n);
		ret[n] = '\0';
	}
	if (n > HAWKBIT_TOKEN_MAX || !token_ok(ret))
		rc = err_set(e, ERR_CONFIG, "%s: its first line is no token", path);
	if (b.data != NULL)
		OPENSSL_cleanse(b.data, b.cap);
	return rc;
}

/* ---- one exchange ---- */

static int ask_once(const struct fetch_settings *rest, const char *const *headers,
	struct hawkbit_exchange *x, struct buf *answer, struct err *e)
{
	const struct fetch_request rq = {.urls = {x->url},
		.n_urls = 1,
		.max = HAWKBIT_JSON_MAX,
		.etag = x->etag,
		.headers = headers,
		.method = x->method,
		.body = x->body,
		.body_len = x->body_len,
		.content_type = "application/json",
		.any_status = true};

	x->result = (struct fetch_result){0};
	return fetch_buf(rest, &rq, answer, &x->result, e);
}

int hawkbit_ask(const struct fetch_settings *rest, const char *const *headers,
	struct hawkbit_exchange *x, struct err *e)
{
	int rc;

	for (unsigned i = 0;; i++) {
		cleanup_buf struct buf answer = BUF_INIT;

		rc = ask_once(rest, headers, x, &answer, e);
		if (rc < 0 || x->result.status != 409 || i >= CONFLICTS) {
			if (rc == 0 && x->answer != NULL) {
				struct buf old = *x->answer;

				*x->answer = answer;
				answer = old;
			}
			return rc;
		}
		if (signals_check(e) < 0)
			return ERR_INTERRUPTED;
		clock_sleep_ms(&clock_monotonic, rest->retry_ms);
	}
}

/* What a status says that is no success. */
int hawkbit_judge_status(const struct hawkbit_exchange *x, struct err *e)
{
	const int status = x->result.status;
	char shown[120];

	if (status >= 200 && status < 300)
		return 0;
	fetch_show_url(x->url, shown, sizeof(shown));
	err_set(e, ERR_NETWORK, "%s: the server says %d", shown, status);
	if (status == 401)
		return err_hint(e, "token, tenant and name of the target must be those of the "
				   "server, and its authentication by token be switched on");
	if (status == 403)
		return err_hint(e, "the server does not let this target in");
	return ERR_NETWORK;
}

static bool is_gone(int status)
{
	return status == 404 || status == 405 || status == 410;
}

static int ask(struct hawkbit *h, struct hawkbit_exchange *x, struct err *e)
{
	return hawkbit_ask(&h->rest, h->headers, x, e);
}

/* ---- the resources ---- */

int hawkbit_poll(struct hawkbit *h, struct hawkbit_poll *ret, int *ret_status, struct err *e)
{
	cleanup_buf struct buf answer = BUF_INIT;
	struct hawkbit_exchange x = {.url = h->base, .answer = &answer};
	int rc;

	if (h->answer.len > 0 && h->etag[0] != '\0')
		x.etag = h->etag;
	rc = ask(h, &x, e);
	if (ret_status != NULL)
		*ret_status = x.result.status;
	if (rc == 0 && !x.result.not_modified)
		rc = hawkbit_judge_status(&x, e);
	if (rc < 0)
		return rc;
	if (x.result.not_modified)
		return hawkbit_poll_parse(h->base, h->answer.data, h->answer.len, ret, e);
	rc = hawkbit_poll_parse(h->base, answer.data, answer.len, ret, e);
	if (rc < 0)
		return rc;
	buf_done(&h->answer);
	h->answer = answer;
	answer = BUF_INIT;
	snprintf(h->etag, sizeof(h->etag), "%s", x.result.etag);
	return 0;
}

/* A resource that may have gone since the poll. */
static int get(struct hawkbit *h, const char *url, struct buf *ret, bool *ret_gone, struct err *e)
{
	struct hawkbit_exchange x = {.url = url, .answer = ret};
	int rc = ask(h, &x, e);

	if (rc < 0)
		return rc;
	*ret_gone = is_gone(x.result.status);
	return *ret_gone ? 0 : hawkbit_judge_status(&x, e);
}

int hawkbit_deployment(struct hawkbit *h, const struct hawkbit_link *l,
	struct hawkbit_deployment *ret, bool *ret_gone, struct err *e)
{
	cleanup_buf struct buf answer = BUF_INIT;
	struct hawkbit_deployment d = {0};
	int rc = get(h, l->url, &answer, ret_gone, e);

	if (rc < 0 || *ret_gone)
		return rc;
	rc = hawkbit_deployment_parse(answer.data, answer.len, &d, e);
	if (rc == 0 && strcmp(d.id, l->id) != 0)
		rc = err_set(
			e, ERR_FORMAT, "the link of action %s leads to action %s", l->id, d.id);
	if (rc == 0)
		*ret = d;
	else
		hawkbit_deployment_done(&d);
	return rc;
}

int hawkbit_cancel(struct hawkbit *h, const struct hawkbit_link *l, char ret_stop[HAWKBIT_ID_SIZE],
	bool *ret_gone, struct err *e)
{
	cleanup_buf struct buf answer = BUF_INIT;
	int rc = get(h, l->url, &answer, ret_gone, e);

	return rc < 0 || *ret_gone ? rc
				   : hawkbit_cancel_parse(answer.data, answer.len, ret_stop, e);
}

int hawkbit_post(struct hawkbit *h, enum hawkbit_about about, const char *id, const void *text,
	size_t len, bool *ret_gone, struct err *e)
{
	static const char *const names[] = {[HAWKBIT_DEPLOYMENT] = "deploymentBase",
		[HAWKBIT_CANCEL] = "cancelAction",
		[HAWKBIT_CONFIRMATION] = "confirmationBase"};
	char url[FETCH_URL_SIZE];
	struct hawkbit_exchange x = {.url = url, .method = "POST", .body = text, .body_len = len};
	int rc;

	if (!hawkbit_id_ok(id))
		return err_set(e, ERR_USAGE, "'%.40s' is no id of an action", id);
	if (snprintf(url, sizeof(url), "%s/%s/%s/feedback", h->base, names[about], id) >=
		(int)sizeof(url))
		return err_set(e, ERR_USAGE, "the URL of the feedback is too long");
	rc = ask(h, &x, e);
	if (rc < 0)
		return rc;
	*ret_gone = is_gone(x.result.status);
	return *ret_gone ? 0 : hawkbit_judge_status(&x, e);
}

int hawkbit_put_attributes(
	struct hawkbit *h, const char *url, const void *text, size_t len, struct err *e)
{
	struct hawkbit_exchange x = {.url = url, .method = "PUT", .body = text, .body_len = len};
	int rc = ask(h, &x, e);

	return rc == 0 ? hawkbit_judge_status(&x, e) : rc;
}

int hawkbit_download(const struct hawkbit *h, const struct hawkbit_artifact *a,
	struct fetch_request *ret, struct err *e)
{
	char shown[120];

	fetch_show_url(a->url, shown, sizeof(shown));
	if (strncmp(h->base, "https:", 6) == 0 && strncmp(a->url, "https:", 6) != 0) {
		err_set(e, ERR_NETWORK, "the server sends us from https to %s", shown);
		return err_hint(e, "behind a proxy hawkBit needs "
				   "server.forward-headers-strategy=NATIVE");
	}
	*ret = (struct fetch_request){.urls = {a->url},
		.n_urls = 1,
		.max = a->size,
		.sha256 = a->has_sha256 ? a->sha256 : NULL};
	/* A CDN with a signed query must not get the token. */
	if (fetch_same_server(h->base, a->url))
		ret->headers = h->headers + 1; /* not Accept: a file is no JSON */
	return 0;
}
