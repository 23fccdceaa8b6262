/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch.h - bytes from HTTP servers: bounded, resumed, tried again, never trusted
 *
 * Everything that comes over the network comes through here. A server decides nothing but the
 * bytes: how many are taken, where it may send us on to, how long is waited are ours. What the bytes
 * are worth is for signatures and digests to say.
 */
#ifndef STMOTA_FETCH_H
#define STMOTA_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/buf.h>
#include <stmota/err.h>
#include <stmota/event.h>

#define FETCH_ETAG_SIZE   128
#define FETCH_URL_SIZE    2048
#define FETCH_MIRRORS_MAX 8

/* Where a server may send us on to; never from https to http. */
enum fetch_redirects { FETCH_REDIRECT_ANY_HOST, FETCH_REDIRECT_SAME_HOST, FETCH_REDIRECT_NONE };

struct fetch_settings {          /* strings are borrowed; NULL: what libcurl does by itself */
	const char *ca_file;     /* PEM: the only CAs to believe */
	const char *client_cert; /* PEM: who we are, for servers that ask (mTLS) */
	const char *client_key;  /* PEM */
	const char *proxy;       /* URL; else the environment's https_proxy and no_proxy */
	bool allow_http;         /* without TLS */
	enum fetch_redirects redirects;
	unsigned tries;       /* over all mirrors, at least 1 */
	uint32_t retry_ms;    /* before the second round; doubled each time, with jitter */
	uint32_t connect_ms;  /* until a connection stands */
	uint32_t stall_ms;    /* so long under 10 bytes a second ends a try */
	uint32_t total_ms;    /* for all tries together; 0: no limit */
	uint64_t bytes_per_s; /* 0: no limit */
};

#define FETCH_SETTINGS_INIT                                                                        \
	((struct fetch_settings){.tries = 5,                                                       \
		.retry_ms = 1000,                                                                  \
		.connect_ms = 20000,                                                               \
		.stall_ms = 30000,                                                                 \
		.total_ms = 3600000})

struct fetch_request {
	const char *urls[FETCH_MIRRORS_MAX]; /* the same bytes at each; tried in this order */
	size_t n_urls;
	uint64_t max;     /* one byte more is refused as soon as it is announced or arrives */
	const char *etag; /* what is there already: "not modified" is an answer; NULL: none */
	const uint8_t
		*sha256; /* the bytes must have it, else the next mirror is asked; NULL: any */
	const char *const *headers; /* "Name: value", NULL ends; only for the host of the URL */
	const char *method;         /* NULL: GET */
	const void *body;           /* of POST or PUT */
	size_t body_len;
	const char *content_type; /* of the body */
	/* A status that is no success is an answer, not an error: the caller looks at `status`. */
	bool any_status;
	const struct event_sink *events; /* "download"; NULL: nobody listens */
};

struct fetch_result {
	int status;                 /* of HTTP; 200 for a file */
	bool not_modified;          /* it is what `etag` names; nothing was stored */
	char etag[FETCH_ETAG_SIZE]; /* "" if the server says none */
	uint64_t size;              /* of the whole */
	uint64_t resumed_from;      /* bytes that an earlier run had fetched already */
	unsigned tries;             /* that were needed */
	char url[FETCH_URL_SIZE];   /* where it came from, without credentials */
};

/* True for what is a URL and no file name: "https:", "http:", "file:". */
bool fetch_is_url(const char *text);

/* "7.88.1" of the library that fetches, loaded now. ERR_UNSUPPORTED if there is none. */
int fetch_library(char *ret, size_t size, struct err *e);

/* ERR_USAGE, ERR_CONFIG if these settings cannot work; a client key without certificate, say. */
int fetch_settings_check(const struct fetch_settings *s, struct err *e);

/*
 * Fetches into memory: appends to `ret`, which is as it was after a failure.
 *
 * Time-outs, broken connections, truncated answers and the status codes 408, 425, 429 and 5xx are
 * tried again (RFC 9110, 15; Retry-After up to five minutes is heeded), going on where the last
 * try ended (RFC 9110, 14: If-Range, and 206 only with the offset that was asked for).
 *
 * ret_result  may be NULL
 *
 * ERR_NETWORK, ERR_USAGE (no URL that may be used), ERR_INTERRUPTED, ERR_NOMEM;
 * ERR_DAMAGED if no mirror has bytes with the digest that is asked for.
 */
int fetch_buf(const struct fetch_settings *s, const struct fetch_request *rq, struct buf *ret,
	struct fetch_result *ret_result, struct err *e);

/*
 * Fetches into a file, which has the old or the new content at any time. What arrives is kept in
 * PATH.part (and its ETag in PATH.part.etag) until it is whole: the next run goes on there.
 * ERR_BUSY if another process is at it; ERR_IO; else as fetch_buf().
 */
int fetch_file(const struct fetch_settings *s, const struct fetch_request *rq, const char *path,
	struct fetch_result *ret_result, struct err *e);

/*
 * A file name, "-" for standard input, or a URL: the whole content in memory, appended to `ret`.
 * `s` NULL: as FETCH_SETTINGS_INIT.
 */
int fetch_input(const char *where, const struct fetch_settings *s, size_t max,
	const struct event_sink *events, struct buf *ret, struct err *e);

/* True if both lead to the same server: scheme, host and port. */
bool fetch_same_server(const char *a, const char *b);

/* The URL without user name and password, for people; cut to fit. */
void fetch_show_url(const char *url, char *ret, size_t size);

#endif
