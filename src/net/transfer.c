/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/bytes.h>
#include <stmota/signals.h>

#include "curl_lib.h"

#define STALL_BYTES_PER_S 10L

struct exchange {
	struct transfer *t;
	const struct curl_lib *curl;
	CURL *handle;
	struct curl_slist *headers;
	bool looked;        /* at status and headers, before the first byte */
	bool wanted;        /* these bytes are what was asked for */
	bool fatal;         /* `failure` is ours, not the server's */
	struct err failure; /* that ended it from within a callback */
};

/* ---- what the server says before the bytes ---- */

static const char *header_of(struct exchange *x, const char *name)
{
	struct curl_header *h;

	return x->curl->easy_header(x->handle, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK
		       ? h->value
		       : NULL;
}

static void note_etag(struct exchange *x)
{
	const char *etag = header_of(x, "ETag");

	x->t->etag[0] = '\0';
	if (etag != NULL && strlen(etag) < FETCH_ETAG_SIZE)
		snprintf(x->t->etag, FETCH_ETAG_SIZE, "%s", etag);
}

/* "bytes 100-199/200": does it begin where we left off? RFC 9110, 14.4 */
static bool range_begins_at(const char *content_range, uint64_t from)
{
	char want[32];

	snprintf(want, sizeof(want), "bytes %" PRIu64 "-", from);
	return content_range != NULL && strncmp(content_range, want, strlen(want)) == 0;
}

/* RFC 9110, 15: what another try may cure. */
static bool is_temporary(int status)
{
	return status == 408 || status == 425 || status == 429 || (status >= 500 && status != 501);
}

/* No success, but something that the caller wants to know. */
static bool is_answer(const struct transfer *t, int status)
{
	return t->request->any_status && status >= 400 && !is_temporary(status);
}

/* What is there does not go together with what the server has: from the beginning, next time. */
static int begin_anew(struct exchange *x, const char *why)
{
	int rc = x->t->sink.restart(x->t->sink.ctx, "", &x->failure);

	x->fatal = rc < 0;
	return rc < 0 ? rc : err_set(&x->failure, ERR_NETWORK, "%s", why);
}

/* Decides once whether the bytes that follow are kept. */
static int look(struct exchange *x)
{
	struct transfer *t = x->t;
	long status = 0;
	int rc = 0;

	if (x->looked)
		return 0;
	x->looked = true;
	x->curl->easy_getinfo(x->handle, CURLINFO_RESPONSE_CODE, &status);
	t->status = (int)status;
	note_etag(x);
	if (status == 206 && t->from > 0) {
		t->size = t->from;
		x->wanted = range_begins_at(header_of(x, "Content-Range"), t->from);
		if (!x->wanted)
			rc = begin_anew(x, "the server sent another part than the one asked for");
	} else if ((status >= 200 && status < 300 && status != 206) || is_answer(t, (int)status)) {
		t->begun_anew = t->from > 0;
		t->size = 0;
		x->wanted = true;
		rc = t->sink.restart(t->sink.ctx, t->etag, &x->failure);
		x->fatal = rc < 0;
	}
	return rc;
}

/* ---- callbacks ---- */

static size_t on_bytes(char *data, size_t one, size_t len, void *ctx)
{
	struct exchange *x = ctx;
	struct transfer *t = x->t;

	(void)one;
	if (look(x) < 0)
		return CURL_WRITEFUNC_ERROR;
	if (!x->wanted)
		return len; /* the text of an error page */
	if (len > t->request->max - t->size) {
		err_set(&x->failure, ERR_NETWORK, "larger than the %" PRIu64 " bytes it may be",
			t->request->max);
		x->fatal = true;
		return CURL_WRITEFUNC_ERROR;
	}
	if (t->sink.write(t->sink.ctx, data, len, &x->failure) < 0) {
		x->fatal = true;
		return CURL_WRITEFUNC_ERROR;
	}
	t->size += len;
	return len;
}

static int on_progress(
	void *ctx, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up)
{
	struct exchange *x = ctx;
	const struct event ev = {.type = EVENT_PROGRESS,
		.phase = "download",
		.done = x->t->size,
		.total = total > 0 ? (uint64_t)total + (x->t->size - (uint64_t)now) : 0};

	(void)up_total;
	(void)up;
	if (signals_check(&x->failure) < 0) {
		x->fatal = true;
		return 1;
	}
	if (x->wanted && total > 0 && (uint64_t)now <= x->t->size)
		event_emit(x->t->request->events, &ev);
	return 0;
}

/* ---- asking ---- */

static int add_line(struct exchange *x, const char *line, struct err *e)
{
	struct curl_slist *more = x->curl->slist_append(x->headers, line);

	if (more == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	x->headers = more;
	return 0;
}

static int add_header(struct exchange *x, const char *name, const char *value, struct err *e)
{
	char line[FETCH_ETAG_SIZE + 64];

	snprintf(line, sizeof(line), "%s: %s", name, value);
	return add_line(x, line, e);
}

static int add_headers(struct exchange *x, struct err *e)
{
	const struct transfer *t = x->t;
	const struct fetch_request *rq = t->request;
	int rc = 0;

	if (rq->etag != NULL && rq->etag[0] != '\0' && t->from == 0)
		rc = add_header(x, "If-None-Match", rq->etag, e);
	if (rc == 0 && t->from > 0 && t->if_range[0] != '\0')
		rc = add_header(x, "If-Range", t->if_range, e);
	if (rc == 0 && rq->body != NULL)
		rc = add_header(x, "Content-Type", rq->content_type, e);
	for (size_t i = 0; rc == 0 && !t->foreign && rq->headers != NULL && rq->headers[i] != NULL;
		i++)
		rc = add_line(x, rq->headers[i], e);
	return rc;
}

static void set_text(struct exchange *x, CURLoption option, const char *text)
{
	if (text != NULL)
		x->curl->easy_setopt(x->handle, option, text);
}

static void set_number(struct exchange *x, CURLoption option, long n)
{
	x->curl->easy_setopt(x->handle, option, n);
}

static void set_limits(struct exchange *x)
{
	const struct fetch_settings *s = x->t->settings;
	char range[32];

	set_number(x, CURLOPT_CONNECTTIMEOUT_MS, (long)s->connect_ms);
	set_number(x, CURLOPT_LOW_SPEED_LIMIT, STALL_BYTES_PER_S);
	set_number(x, CURLOPT_LOW_SPEED_TIME, (long)((s->stall_ms + 999) / 1000));
	set_number(x, CURLOPT_TIMEOUT_MS, (long)x->t->left_ms);
	x->curl->easy_setopt(x->handle, CURLOPT_MAX_RECV_SPEED_LARGE, (curl_off_t)s->bytes_per_s);
	if (x->t->request->max <= INT64_MAX)
		x->curl->easy_setopt(
			x->handle, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)x->t->request->max);
	/* Not RESUME_FROM: with that libcurl fails where a server sends the whole. */
	snprintf(range, sizeof(range), "%" PRIu64 "-", x->t->from);
	if (x->t->from > 0)
		set_text(x, CURLOPT_RANGE, range);
}

static void set_tls(struct exchange *x)
{
	const struct fetch_settings *s = x->t->settings;

	set_number(x, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
	set_text(x, CURLOPT_CAINFO, s->ca_file);
	if (s->ca_file != NULL)
		x->curl->easy_setopt(x->handle, CURLOPT_CAPATH, NULL); /* that file and no other */
	if (!x->t->foreign) {
		set_text(x, CURLOPT_SSLCERT, s->client_cert);
		set_text(x, CURLOPT_SSLKEY, s->client_key);
	}
	set_text(x, CURLOPT_PROXY, s->proxy);
}

static void set_body(struct exchange *x)
{
	const struct fetch_request *rq = x->t->request;

	if (rq->body != NULL) {
		set_number(x, CURLOPT_POST, 1);
		x->curl->easy_setopt(
			x->handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)rq->body_len);
		x->curl->easy_setopt(x->handle, CURLOPT_POSTFIELDS, rq->body);
	}
	set_text(x, CURLOPT_CUSTOMREQUEST, rq->method);
}

static int prepare(struct exchange *x, struct err *e)
{
	int rc = add_headers(x, e);

	set_text(x, CURLOPT_URL, x->t->url);
	set_text(x, CURLOPT_PROTOCOLS_STR, x->t->settings->allow_http ? "https,http" : "https");
	set_text(x, CURLOPT_USERAGENT, "stmota/" STMOTA_VERSION);
	set_number(x, CURLOPT_NOSIGNAL, 1);
	set_number(x, CURLOPT_NOPROGRESS, 0);
	set_limits(x);
	set_tls(x);
	set_body(x);
	x->curl->easy_setopt(x->handle, CURLOPT_HTTPHEADER, x->headers);
	x->curl->easy_setopt(x->handle, CURLOPT_WRITEFUNCTION, on_bytes);
	x->curl->easy_setopt(x->handle, CURLOPT_WRITEDATA, x);
	x->curl->easy_setopt(x->handle, CURLOPT_XFERINFOFUNCTION, on_progress);
	x->curl->easy_setopt(x->handle, CURLOPT_XFERINFODATA, x);
	return rc;
}

/* ---- what came of it ---- */

/* libcurl's findings that need other words than its own, or another verdict than "again". */
static const struct {
	CURLcode code;
	enum transfer_end end;
	const char *text; /* NULL: libcurl's */
	const char *hint;
} findings[] = {
	{CURLE_UNSUPPORTED_PROTOCOL, TRANSFER_REFUSED, "only https: is allowed",
		"[fetch] allow_http = yes takes http: too"},
	{CURLE_URL_MALFORMAT, TRANSFER_REFUSED, NULL, NULL},
	{CURLE_PEER_FAILED_VERIFICATION, TRANSFER_REFUSED,
		"the server's certificate is not one to believe",
		"a CA of your own is named by [fetch] ca_file"},
	{CURLE_SSL_CACERT_BADFILE, TRANSFER_STOP, "the CA file cannot be read", "[fetch] ca_file"},
	{CURLE_SSL_CERTPROBLEM, TRANSFER_STOP, "the client certificate or its key cannot be used",
		"[fetch] client_cert and client_key"},
	{CURLE_FILESIZE_EXCEEDED, TRANSFER_STOP, NULL, NULL},
	{CURLE_RANGE_ERROR, TRANSFER_AGAIN, NULL, NULL},
	{CURLE_OUT_OF_MEMORY, TRANSFER_STOP, NULL, NULL},
	{CURLE_PARTIAL_FILE, TRANSFER_AGAIN, "the connection ended before the whole was there",
		NULL},
	{CURLE_OPERATION_TIMEDOUT, TRANSFER_AGAIN, "no answer in time", NULL},
};

static enum transfer_end judge_failure(struct exchange *x, CURLcode code, struct err *e)
{
	const char *text = NULL, *hint = NULL;
	enum transfer_end end = TRANSFER_AGAIN;

	if (x->failure.code != ERR_NONE) {
		if (e != NULL)
			*e = x->failure;
		return x->fatal ? TRANSFER_STOP : TRANSFER_AGAIN;
	}
	for (size_t i = 0; i < ARRAY_LEN(findings); i++)
		if (findings[i].code == code) {
			end = findings[i].end;
			text = findings[i].text;
			hint = findings[i].hint;
		}
	if (code == CURLE_FILESIZE_EXCEEDED)
		err_set(e, ERR_NETWORK, "larger than the %" PRIu64 " bytes it may be",
			x->t->request->max);
	else
		err_set(e, ERR_NETWORK, "%s", text != NULL ? text : x->curl->easy_strerror(code));
	if (hint != NULL)
		err_hint(e, "%s", hint);
	return end;
}

static enum transfer_end judge_redirect(struct exchange *x, struct err *e)
{
	char *to = NULL;

	x->curl->easy_getinfo(x->handle, CURLINFO_REDIRECT_URL, &to);
	if (to == NULL || strlen(to) >= sizeof(x->t->location)) {
		err_set(e, ERR_NETWORK, "status %d without a place to go to", x->t->status);
		return TRANSFER_REFUSED;
	}
	snprintf(x->t->location, FETCH_URL_SIZE, "%s", to);
	return TRANSFER_REDIRECT;
}

static enum transfer_end judge_status(struct exchange *x, struct err *e)
{
	struct transfer *t = x->t;
	curl_off_t after = 0;

	if (x->wanted)
		return TRANSFER_DONE;
	if (t->status == 304 && t->request->etag != NULL) {
		t->not_modified = true;
		return TRANSFER_DONE;
	}
	if (t->status == 301 || t->status == 302 || t->status == 303 || t->status == 307 ||
		t->status == 308)
		return judge_redirect(x, e);
	x->curl->easy_getinfo(x->handle, CURLINFO_RETRY_AFTER, &after);
	t->retry_after_s = after > 0 && after < UINT32_MAX ? (uint32_t)after : 0;
	err_set(e, ERR_NETWORK, "the server says %d", t->status);
	if (t->status == 401 || t->status == 403)
		err_hint(e, "it wants other credentials, or a client certificate");
	/* What is there is more than the file has: begin anew. */
	if (t->status == 416 && t->from > 0)
		return t->sink.restart(t->sink.ctx, "", e) < 0 ? TRANSFER_STOP : TRANSFER_AGAIN;
	return is_temporary(t->status) ? TRANSFER_AGAIN : TRANSFER_REFUSED;
}

/*
 * One handle for all transfers of a process: its connections, and what TLS agreed on, serve the next
 * one too. A child of ours gets its own: it would speak in the middle of its parent's connections.
 */
static struct {
	const struct curl_lib *curl;
	CURL *handle;
	pid_t pid;
} kept;

static CURL *take_handle(const struct curl_lib *curl)
{
	if (kept.handle != NULL && kept.pid == getpid()) {
		curl->easy_reset(kept.handle);
		return kept.handle;
	}
	kept.curl = curl;
	kept.handle = curl->easy_init();
	kept.pid = getpid();
	return kept.handle;
}

__attribute__((destructor)) static void close_handle(void)
{
	if (kept.handle != NULL && kept.pid == getpid())
		kept.curl->easy_cleanup(kept.handle);
	kept.handle = NULL;
}

enum transfer_end transfer_run(struct transfer *t, struct err *e)
{
	struct exchange x = {.t = t, .failure = ERR_INIT};
	enum transfer_end end = TRANSFER_STOP;
	CURLcode code;

	if (curl_lib_get(&x.curl, e) < 0)
		return TRANSFER_STOP;
	x.handle = take_handle(x.curl);
	if (x.handle == NULL) {
		err_set(e, ERR_NOMEM, "out of memory");
		return TRANSFER_STOP;
	}
	if (prepare(&x, e) == 0) {
		code = x.curl->easy_perform(x.handle);
		/* An empty answer calls no one. */
		if (code == CURLE_OK && look(&x) < 0)
			code = CURLE_WRITE_ERROR;
		end = code == CURLE_OK ? judge_status(&x, e) : judge_failure(&x, code, e);
	}
	x.curl->slist_free_all(x.headers);
	return end;
}
