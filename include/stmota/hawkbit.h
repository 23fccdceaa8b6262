/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hawkbit.h - what a device says to a hawkBit server, and what it is told: DDI version 1
 *
 * Pull only: a poll answers with links, a link leads to an action, feedback ends it. Nothing here
 * decides or remembers anything. What a server sends is bounded before it is parsed, its links are
 * followed on that server alone, and its file names name nothing on this machine.
 *
 * Action ids are opaque: they are kept as the server writes them.
 */
#ifndef STMOTA_HAWKBIT_H
#define STMOTA_HAWKBIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/buf.h>
#include <stmota/cleanup.h>
#include <stmota/digest.h>
#include <stmota/err.h>
#include <stmota/fetch.h>

#define HAWKBIT_ID_SIZE        32
#define HAWKBIT_CONTROLLER_MAX 256u
#define HAWKBIT_TOKEN_MAX      512u
#define HAWKBIT_JSON_MAX       (256u << 10) /* bytes of any answer but a file */
#define HAWKBIT_CHUNKS_MAX     32u
#define HAWKBIT_ARTIFACTS_MAX  64u /* of a chunk */
#define HAWKBIT_SLEEP_MAX      86400u
#define HAWKBIT_DETAILS_MAX    8u
#define HAWKBIT_DETAIL_MAX     512u /* a server cuts longer ones in pieces */

/* ---- what a server answers ---- */

struct hawkbit_link {
	char id[HAWKBIT_ID_SIZE]; /* of the action; "": no such link */
	char url[FETCH_URL_SIZE]; /* as the server wrote it: with `c=` */
};

struct hawkbit_poll {
	bool has_sleep;
	uint32_t sleep_s;                 /* until the next poll; 1 s to a day */
	char config_data[FETCH_URL_SIZE]; /* "": the server wants no attributes */
	struct hawkbit_link deployment, cancel, confirmation, installed;
};

enum hawkbit_handling { HAWKBIT_SKIP, HAWKBIT_ATTEMPT, HAWKBIT_FORCED };
enum hawkbit_window { HAWKBIT_NO_WINDOW, HAWKBIT_WINDOW_OPEN, HAWKBIT_WINDOW_CLOSED };

struct hawkbit_artifact { /* what people see of it is printable ASCII */
	char filename[160];
	uint64_t size;
	bool has_sha256;
	uint8_t sha256[SHA256_SIZE];
	char url[FETCH_URL_SIZE]; /* "": the server gave no link */
};

struct hawkbit_chunk { /* a software module */
	char part[64], name[160], version[80];
	bool encrypted;
	struct hawkbit_artifact *artifacts; /* owned */
	size_t n;
};

struct hawkbit_deployment {
	char id[HAWKBIT_ID_SIZE];
	enum hawkbit_handling download, update;
	enum hawkbit_window window;
	struct hawkbit_chunk *chunks; /* owned */
	size_t n;
};

/*
 * The answers, from their text. Members that are not known are skipped, what is known must be what
 * it should be. ERR_FORMAT, ERR_NOMEM.
 *
 * url  of the server that was asked: links to any other are refused, but those of artifacts
 */
int hawkbit_poll_parse(
	const char *url, const void *text, size_t len, struct hawkbit_poll *ret, struct err *e);
/* Of deploymentBase, confirmationBase and installedBase. */
int hawkbit_deployment_parse(
	const void *text, size_t len, struct hawkbit_deployment *ret, struct err *e);
void hawkbit_deployment_done(struct hawkbit_deployment *d);
/* Which action shall be stopped. */
int hawkbit_cancel_parse(
	const void *text, size_t len, char ret_stop[HAWKBIT_ID_SIZE], struct err *e);

/*
 * The one package (*.sota) of a deployment. ERR_FORMAT if it has none, more than one, or one
 * without SHA-256 or link; other files do not matter. NULL `ret_chunk`: not wanted.
 */
int hawkbit_package(const struct hawkbit_deployment *d, const struct hawkbit_artifact **ret,
	const struct hawkbit_chunk **ret_chunk, struct err *e);

/* ---- what a device says ---- */

enum hawkbit_execution {
	HAWKBIT_PROCEEDING,
	HAWKBIT_RESUMED,
	HAWKBIT_DOWNLOAD,
	HAWKBIT_DOWNLOADED,
	HAWKBIT_REJECTED, /* cannot do it now; the action stays open */
	HAWKBIT_CLOSED,   /* the end; only this ends it */
};

enum hawkbit_finished { HAWKBIT_NONE, HAWKBIT_SUCCESS, HAWKBIT_FAILURE };

struct hawkbit_feedback { /* strings are borrowed */
	enum hawkbit_execution execution;
	enum hawkbit_finished finished;
	uint32_t cnt, of; /* progress; of 0: none */
	int code;         /* 0: none */
	const char *details[HAWKBIT_DETAILS_MAX];
	size_t n_details;
	uint64_t time; /* Unix time */
};

/* Appends the body of the POST. ERR_USAGE (closed without a result), ERR_NOMEM. */
int hawkbit_feedback_text(
	const char *id, const struct hawkbit_feedback *f, struct buf *ret, struct err *e);

struct hawkbit_attribute {
	const char *key, *value; /* cut to the 128 characters that a server takes */
};

int hawkbit_attributes_text(
	const struct hawkbit_attribute *a, size_t n, struct buf *ret, struct err *e);
int hawkbit_confirmation_text(bool confirmed, const char *detail, struct buf *ret, struct err *e);

/* ---- the conversation ---- */

enum hawkbit_auth {
	HAWKBIT_NO_TOKEN, /* a client certificate, for the proxy before the server */
	HAWKBIT_TARGET_TOKEN,
	HAWKBIT_GATEWAY_TOKEN,
};

struct hawkbit_login {                      /* strings are borrowed until hawkbit_init() returns */
	const struct fetch_settings *fetch; /* outlives the target */
	const char *url;                    /* "https://ota.example.com" */
	const char *tenant;                 /* NULL: DEFAULT */
	const char *controller;             /* id of the target */
	enum hawkbit_auth auth;
	const char *token;
};

/* One target. */
struct hawkbit {
	struct fetch_settings fetch, rest; /* for files; for short exchanges */
	char base[FETCH_URL_SIZE];         /* ".../TENANT/controller/v1/ID" */
	char authorization[HAWKBIT_TOKEN_MAX + 40];
	const char *headers[3];
	char etag[FETCH_ETAG_SIZE]; /* of the last poll, with its answer: set them to save bytes */
	struct buf answer;          /* released by hawkbit_done() */
};

/* ERR_USAGE, ERR_CONFIG: a URL, id or token that cannot be used. Must not be moved afterwards. */
int hawkbit_init(struct hawkbit *h, const struct hawkbit_login *l, struct err *e);
void hawkbit_done(struct hawkbit *h);

/*
 * Reads a token from a file: its first line. ERR_IO, ERR_CONFIG. `ret` is wiped by the caller.
 */
int hawkbit_token_read(const char *path, char ret[HAWKBIT_TOKEN_MAX + 1], struct err *e);

/*
 * ERR_NETWORK (not reachable, or an answer that is no success), ERR_FORMAT (nonsense),
 * ERR_INTERRUPTED, ERR_NOMEM, for all of these. What a server is busy with (409, 429, 5xx) is asked
 * again. `ret_status` may be NULL: the HTTP status, 0 if there was none.
 */
int hawkbit_poll(struct hawkbit *h, struct hawkbit_poll *ret, int *ret_status, struct err *e);

/* Also for confirmation and installed: the link says which. `*ret_gone`: 404 or 410, not there. */
int hawkbit_deployment(struct hawkbit *h, const struct hawkbit_link *l,
	struct hawkbit_deployment *ret, bool *ret_gone, struct err *e);
int hawkbit_cancel(struct hawkbit *h, const struct hawkbit_link *l, char ret_stop[HAWKBIT_ID_SIZE],
	bool *ret_gone, struct err *e);

enum hawkbit_about { HAWKBIT_DEPLOYMENT, HAWKBIT_CANCEL, HAWKBIT_CONFIRMATION };

/*
 * Posts a feedback text about an action. `*ret_gone`: the action is closed, unknown, or cannot be
 * cancelled any more (404, 405, 410): nothing more is to be said about it.
 */
int hawkbit_post(struct hawkbit *h, enum hawkbit_about about, const char *id, const void *text,
	size_t len, bool *ret_gone, struct err *e);
int hawkbit_put_attributes(
	struct hawkbit *h, const char *url, const void *text, size_t len, struct err *e);

/*
 * How the file of an artifact is fetched: URL, size, digest, and the token if it lies on the server
 * itself. Borrowed from `h` and `a`.
 *
 * ERR_NETWORK if the link leads from https to http.
 */
int hawkbit_download(const struct hawkbit *h, const struct hawkbit_artifact *a,
	struct fetch_request *ret, struct err *e);

#define cleanup_hawkbit_deployment CLEANUP(hawkbit_deployment_done)

#endif
