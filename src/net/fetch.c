/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/fetch.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <stmota/bytes.h>
#include <stmota/clock.h>
#include <stmota/digest.h>
#include <stmota/fs.h>
#include <stmota/log.h>
#include <stmota/signals.h>

#include "curl_lib.h"
#include "fetch_priv.h"

#define REDIRECTS_MAX     5
#define RETRY_MAX_MS      60000u
#define RETRY_AFTER_MAX_S 300u

int fetch_library(char *ret, size_t size, struct err *e)
{
	const struct curl_lib *curl = NULL;
	int rc = curl_lib_get(&curl, e);

	if (rc == 0)
		snprintf(ret, size, "%s", curl->version_info(CURLVERSION_NOW)->version);
	return rc;
}

bool fetch_is_url(const char *text)
{
	return strncmp(text, "https:", 6) == 0 || strncmp(text, "http:", 5) == 0 ||
	       strncmp(text, "file:", 5) == 0;
}

static bool is_file_url(const char *url)
{
	return strncmp(url, "file:", 5) == 0;
}

int fetch_settings_check(const struct fetch_settings *s, struct err *e)
{
	if (s->tries == 0)
		return err_set(e, ERR_CONFIG, "[fetch] tries must be at least 1");
	if ((s->client_cert == NULL) != (s->client_key == NULL))
		return err_set(e, ERR_CONFIG,
			"[fetch] client_cert and client_key go together: one of them is missing");
	return 0;
}

/* ---- URLs, by libcurl's own parser ---- */

/* Copies a part of a URL; "" if it has none. */
static bool url_part(const char *url, CURLUPart part, unsigned flags, char *ret, size_t size)
{
	const struct curl_lib *curl;
	char *text = NULL;
	CURLU *u;
	bool ok;

	ret[0] = '\0';
	if (curl_lib_get(&curl, NULL) < 0 || (u = curl->url()) == NULL)
		return false;
	ok = curl->url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
	     curl->url_set(u, CURLUPART_USER, NULL, 0) == CURLUE_OK &&
	     curl->url_set(u, CURLUPART_PASSWORD, NULL, 0) == CURLUE_OK &&
	     curl->url_get(u, part, &text, flags) == CURLUE_OK && strlen(text) < size;
	if (ok)
		snprintf(ret, size, "%s", text);
	curl->free(text);
	curl->url_cleanup(u);
	return ok;
}

void fetch_show_url(const char *url, char *ret, size_t size)
{
	if (is_file_url(url))
		snprintf(ret, size, "%s", url);
	else if (!url_part(url, CURLUPART_URL, 0, ret, size))
		snprintf(ret, size, "the URL"); /* what cannot be taken apart may hold a password */
}

static bool same_host(const char *a, const char *b)
{
	char x[256], y[256], port_x[16], port_y[16];

	return url_part(a, CURLUPART_HOST, 0, x, sizeof(x)) &&
	       url_part(b, CURLUPART_HOST, 0, y, sizeof(y)) && strcasecmp(x, y) == 0 &&
	       url_part(a, CURLUPART_PORT, CURLU_DEFAULT_PORT, port_x, sizeof(port_x)) &&
	       url_part(b, CURLUPART_PORT, CURLU_DEFAULT_PORT, port_y, sizeof(port_y)) &&
	       strcmp(port_x, port_y) == 0;
}

bool fetch_same_server(const char *a, const char *b)
{
	char x[16], y[16];

	return same_host(a, b) && url_part(a, CURLUPART_SCHEME, 0, x, sizeof(x)) &&
	       url_part(b, CURLUPART_SCHEME, 0, y, sizeof(y)) && strcasecmp(x, y) == 0;
}

/* ---- one mirror ---- */

struct fetching {
	const struct fetch_settings *s;
	const struct fetch_request *rq;
	struct fetch_store *store;
	struct fetch_result result;
	uint64_t end_ms; /* of all tries; 0: none */
	uint32_t retry_after_s;
};

static bool may_go_to(const struct fetching *f, const char *from, const char *to, struct err *e)
{
	char shown[200];

	fetch_show_url(to, shown, sizeof(shown));
	if (f->s->redirects == FETCH_REDIRECT_NONE ||
		(f->s->redirects == FETCH_REDIRECT_SAME_HOST && !same_host(from, to))) {
		err_set(e, ERR_NETWORK, "the server sends us on to %s", shown);
		err_hint(e, "[fetch] redirects says whom we follow");
		return false;
	}
	if (strncmp(from, "https:", 6) == 0 && strncmp(to, "https:", 6) != 0) {
		err_set(e, ERR_NETWORK, "the server sends us on from https to %s", shown);
		return false;
	}
	return true;
}

/* What is there may be gone on with: the server can tell that it is the same, or the digest will. */
static bool can_resume(const struct fetching *f)
{
	const char *etag = f->store->etag;

	return f->store->len > 0 &&
	       (f->rq->sha256 != NULL || (etag[0] == '"' && strcmp(etag, "\"\"") != 0));
}

static struct transfer transfer_for(struct fetching *f, const char *url)
{
	struct transfer t = {
		.settings = f->s, .request = f->rq, .url = url, .sink = f->store->sink};

	if (can_resume(f)) {
		t.from = f->store->len;
		/* A weak one says "as good as", not "the same bytes": RFC 9110, 13.1.5. */
		t.if_range = f->store->etag[0] == '"' ? f->store->etag : "";
	}
	return t;
}

static enum transfer_end once(struct fetching *f, const char *first, struct err *e)
{
	char url[FETCH_URL_SIZE];

	snprintf(url, sizeof(url), "%s", first);
	for (unsigned hop = 0; hop <= REDIRECTS_MAX; hop++) {
		struct transfer t = transfer_for(f, url);
		uint64_t now = clock_now_ms(&clock_monotonic);
		enum transfer_end end;

		t.foreign = hop > 0 && !same_host(first, url);
		t.left_ms = f->end_ms == 0 ? 0 : f->end_ms > now ? (uint32_t)(f->end_ms - now) : 1;
		end = transfer_run(&t, e);
		f->result.status = t.status;
		f->result.not_modified = t.not_modified;
		f->retry_after_s = t.retry_after_s;
		if (end != TRANSFER_REDIRECT) {
			snprintf(f->result.etag, sizeof(f->result.etag), "%s", t.etag);
			f->result.size = t.size;
			f->result.resumed_from = t.begun_anew ? 0 : t.from;
			fetch_show_url(url, f->result.url, sizeof(f->result.url));
			return end;
		}
		if (!may_go_to(f, url, t.location, e))
			return TRANSFER_REFUSED;
		snprintf(url, sizeof(url), "%s", t.location);
	}
	err_set(e, ERR_NETWORK, "the server sends us on more than %d times", REDIRECTS_MAX);
	return TRANSFER_REFUSED;
}

/* A medium that is attached here: no server, the same bounds. */
static enum transfer_end once_from_file(struct fetching *f, const char *url, struct err *e)
{
	const char *path = url + 5;
	struct buf b = BUF_INIT;
	int rc;

	if (strncmp(path, "//", 2) == 0)
		path += 2;
	if (path[0] != '/') {
		err_set(e, ERR_USAGE, "%s: file:///FOLDER/FILE is meant, from the root", url);
		return TRANSFER_REFUSED;
	}
	rc = fs_read(path, f->rq->max < SIZE_MAX ? (size_t)f->rq->max : SIZE_MAX, &b, e);
	if (rc == 0)
		rc = f->store->sink.restart(f->store->sink.ctx, "", e);
	if (rc == 0)
		rc = f->store->sink.write(f->store->sink.ctx, b.data, b.len, e);
	f->result.status = 200;
	f->result.size = b.len;
	snprintf(f->result.url, sizeof(f->result.url), "%s", url);
	buf_done(&b);
	return rc == 0 ? TRANSFER_DONE : TRANSFER_REFUSED;
}

static enum transfer_end try_url(struct fetching *f, const char *url, struct err *e)
{
	uint8_t sum[SHA256_SIZE];
	enum transfer_end end;

	end = is_file_url(url) ? once_from_file(f, url, e) : once(f, url, e);
	if (end != TRANSFER_DONE || f->result.not_modified || f->rq->sha256 == NULL ||
		f->result.status >= 300)
		return end;
	if (f->store->digest(f->store->sink.ctx, sum, e) < 0)
		return TRANSFER_STOP;
	if (memcmp(sum, f->rq->sha256, SHA256_SIZE) == 0)
		return TRANSFER_DONE;
	err_set(e, ERR_DAMAGED, "what the server has is not what was announced");
	if (f->store->sink.restart(f->store->sink.ctx, "", e) < 0)
		return TRANSFER_STOP;
	/* Perhaps only the part of an earlier day did not belong to it. */
	return f->result.resumed_from > 0 ? TRANSFER_AGAIN : TRANSFER_REFUSED;
}

/* ---- all mirrors, several rounds ---- */

static uint32_t random_below(uint32_t n)
{
	uint32_t r = 0;

	if (getrandom(&r, sizeof(r), 0) != (ssize_t)sizeof(r) || n == 0)
		return 0;
	return r % n;
}

/*
 * Doubled each round, and somewhere in the upper half of that: gateways that lost the same server
 * do not come back in the same second.
 */
static uint32_t pause_ms(const struct fetching *f, unsigned round)
{
	uint64_t ms = (uint64_t)f->s->retry_ms << (round < 16 ? round : 16);
	uint32_t after =
		f->retry_after_s < RETRY_AFTER_MAX_S ? f->retry_after_s : RETRY_AFTER_MAX_S;
	uint32_t bound = ms < RETRY_MAX_MS ? (uint32_t)ms : RETRY_MAX_MS;
	uint32_t own = bound / 2 + random_below(bound / 2 + 1);

	return own > after * 1000 ? own : after * 1000;
}

static bool time_left(const struct fetching *f, uint32_t ms)
{
	return f->end_ms == 0 || clock_now_ms(&clock_monotonic) + ms < f->end_ms;
}

static int wait_for(uint32_t ms, struct err *e)
{
	uint64_t now = clock_now_ms(&clock_monotonic), until = now + ms;

	while (now < until) {
		if (signals_check(e) < 0)
			return ERR_INTERRUPTED;
		clock_sleep_ms(&clock_monotonic, until - now < 200 ? (uint32_t)(until - now) : 200);
		now = clock_now_ms(&clock_monotonic);
	}
	return 0;
}

static void tell_retry(const struct fetching *f, uint32_t ms, const struct err *e)
{
	char text[400];
	const struct event ev = {.type = EVENT_RETRY, .phase = "download", .text = text};

	snprintf(text, sizeof(text), "%s; once more in %.1f s", e->msg, ms / 1000.0);
	event_emit(f->rq->events, &ev);
}

static void name_url(struct err *e, const char *url)
{
	char shown[160];

	fetch_show_url(url, shown, sizeof(shown));
	err_wrap(e, "%s", shown);
}

/* Asks each mirror that did not refuse once; the last answer stays in `e`. */
static enum transfer_end ask_all(struct fetching *f, bool dead[FETCH_MIRRORS_MAX], struct err *e)
{
	enum transfer_end end = TRANSFER_REFUSED;
	bool again = false;

	for (size_t i = 0; i < f->rq->n_urls; i++) {
		if (dead[i])
			continue;
		err_clear(e);
		f->result.tries++;
		end = try_url(f, f->rq->urls[i], e);
		if (end == TRANSFER_DONE || (end == TRANSFER_STOP && e->code == ERR_INTERRUPTED))
			return end;
		name_url(e, f->rq->urls[i]);
		if (end == TRANSFER_STOP)
			return end;
		dead[i] = end == TRANSFER_REFUSED;
		again |= !dead[i];
	}
	return again ? TRANSFER_AGAIN : TRANSFER_REFUSED;
}

static int run(struct fetching *f, struct err *e)
{
	bool dead[FETCH_MIRRORS_MAX] = {false};

	for (unsigned round = 1;; round++) {
		enum transfer_end end = ask_all(f, dead, e);
		uint32_t ms = pause_ms(f, round - 1);

		if (end == TRANSFER_DONE)
			return 0;
		if (end != TRANSFER_AGAIN || round >= f->s->tries || !time_left(f, ms))
			return e->code;
		tell_retry(f, ms, e);
		if (wait_for(ms, e) < 0)
			return ERR_INTERRUPTED;
	}
}

static int check_request(const struct fetching *f, struct err *e)
{
	for (size_t i = 0; i < f->rq->n_urls; i++) {
		const char *url = f->rq->urls[i];
		char shown[160];

		if (strlen(url) >= FETCH_URL_SIZE)
			return err_set(e, ERR_USAGE, "a URL of more than %d characters",
				FETCH_URL_SIZE - 1);
		fetch_show_url(url, shown, sizeof(shown));
		if (strncmp(url, "http:", 5) == 0 && !f->s->allow_http) {
			err_set(e, ERR_USAGE, "%s: without TLS everyone on the way can read along",
				shown);
			return err_hint(e, "https:, or [fetch] allow_http = yes");
		}
		if (!fetch_is_url(url))
			return err_set(
				e, ERR_USAGE, "'%.60s' is no URL: https:, or file:///...", url);
		if (!is_file_url(url) && !url_part(url, CURLUPART_HOST, 0, shown, sizeof(shown)))
			return err_set(e, ERR_USAGE, "a URL that cannot be taken apart");
	}
	return fetch_settings_check(f->s, e);
}

int fetch_into(const struct fetch_settings *s, const struct fetch_request *rq,
	struct fetch_store *store, struct fetch_result *ret, struct err *e)
{
	struct fetching f = {.s = s, .rq = rq, .store = store};
	const struct event begin = {.type = EVENT_PHASE, .phase = "download"};
	const struct event end = {.type = EVENT_PHASE};
	struct err own = ERR_INIT;
	int rc;

	if (e == NULL)
		e = &own;
	if (s->total_ms > 0)
		f.end_ms = clock_now_ms(&clock_monotonic) + s->total_ms;
	rc = check_request(&f, e);
	if (rc < 0)
		return rc;
	event_emit(rq->events, &begin);
	rc = run(&f, e);
	if (rc < 0)
		return rc;
	event_emit(rq->events, &end);
	if (ret != NULL)
		*ret = f.result;
	return 0;
}

/* ---- into memory ---- */

struct memory {
	struct fetch_store store;
	struct buf *to;
	size_t start; /* what the caller had there already */
};

static int memory_restart(void *ctx, const char *etag, struct err *e)
{
	struct memory *m = ctx;

	(void)e;
	m->to->len = m->start;
	m->store.len = 0;
	snprintf(m->store.etag, sizeof(m->store.etag), "%s", etag);
	return 0;
}

static int memory_write(void *ctx, const void *data, size_t len, struct err *e)
{
	struct memory *m = ctx;
	int rc = buf_append(m->to, data, len, e);

	if (rc == 0)
		m->store.len += len;
	return rc;
}

static int memory_digest(void *ctx, uint8_t ret[SHA256_SIZE], struct err *e)
{
	const struct memory *m = ctx;

	return sha256(m->to->data + m->start, m->to->len - m->start, ret, e);
}

int fetch_buf(const struct fetch_settings *s, const struct fetch_request *rq, struct buf *ret,
	struct fetch_result *ret_result, struct err *e)
{
	struct memory m = {.to = ret, .start = ret->len};
	int rc;

	m.store.sink = (struct transfer_sink){memory_restart, memory_write, &m};
	m.store.digest = memory_digest;
	rc = fetch_into(s, rq, &m.store, ret_result, e);
	if (rc < 0)
		ret->len = m.start;
	return rc;
}

int fetch_input(const char *where, const struct fetch_settings *s, size_t max,
	const struct event_sink *events, struct buf *ret, struct err *e)
{
	const struct fetch_settings usual = FETCH_SETTINGS_INIT;
	const struct fetch_request rq = {
		.urls = {where}, .n_urls = 1, .max = max, .events = events};

	if (!fetch_is_url(where))
		return fs_read(where, max, ret, e);
	return fetch_buf(s != NULL ? s : &usual, &rq, ret, NULL, e);
}
