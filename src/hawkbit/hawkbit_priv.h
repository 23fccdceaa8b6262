/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hawkbit_priv.h - JSON of a server, read with bounds
 */
#ifndef STMOTA_HAWKBIT_PRIV_H
#define STMOTA_HAWKBIT_PRIV_H

#include <jansson.h>

#include <stmota/hawkbit.h>

/* An object, or ERR_FORMAT. What is larger than HAWKBIT_JSON_MAX is none. */
int hawkbit_json(const void *text, size_t len, json_t **ret, struct err *e);

/* Copies a text; what is not printable ASCII becomes '?', what is too long is cut. */
void hawkbit_show(const char *text, char *ret, size_t size);

/* A member that is a text, shown; "" and false if it is none. */
bool hawkbit_text(const json_t *j, const char *key, char *ret, size_t size);

/* A member that is a number of at least 0; false if it is none. */
bool hawkbit_uint(const json_t *j, const char *key, uint64_t *ret);

/* An id, which may be a text or a number; ERR_FORMAT. */
int hawkbit_id(const json_t *v, char ret[HAWKBIT_ID_SIZE], struct err *e);
bool hawkbit_id_ok(const char *id);

/* Appends `text` with everything escaped that is special in a segment of a path. */
int hawkbit_escape(const char *text, char *ret, size_t size);

/* Appends it as text; takes `j`, NULL is ERR_NOMEM. */
int hawkbit_json_text(json_t *j, struct buf *ret, struct err *e);

/* ---- one exchange ---- */

#define HAWKBIT_ACCEPT "Accept: application/hal+json, application/json;q=0.9"

struct hawkbit_exchange {
	const char *url, *method;
	const char *etag;
	const void *body; /* NULL: none */
	size_t body_len;
	struct buf *answer; /* NULL: not wanted */
	struct fetch_result result;
};

/* Bounds for talk, out of those for files. */
void hawkbit_rest_settings(struct fetch_settings *s);

/* Whatever the server says, but for what a second try may cure, is an answer. */
int hawkbit_ask(const struct fetch_settings *rest, const char *const *headers,
	struct hawkbit_exchange *x, struct err *e);

/* ERR_NETWORK for what is no success. */
int hawkbit_judge_status(const struct hawkbit_exchange *x, struct err *e);

static inline void hawkbit_decref_(json_t **j)
{
	json_decref(*j);
}

#define cleanup_json CLEANUP(hawkbit_decref_)

#endif
