/* SPDX-License-Identifier: Apache-2.0 */
/*
 * out.h - results of a command, for people or as JSON
 *
 * A command describes its result once, as named fields, objects and lists; the back end prints it
 * as aligned text, as one JSON object, or not at all (quiet). A JSON key, once released, stays.
 */
#ifndef STMOTA_OUT_H
#define STMOTA_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <stmota/err.h>
#include <stmota/event.h>

enum out_mode { OUT_HUMAN, OUT_JSON, OUT_QUIET };

struct out;

/* `to` is borrowed. Ends the process if there is no memory for it: nothing could be reported. */
struct out *out_new(enum out_mode mode, FILE *to);
enum out_mode out_mode(const struct out *o);

/*
 * Fields. `key` is the JSON key (lower_case); people see it with blanks for underscores.
 * In a list, `key` is NULL.
 */
void out_str(struct out *o, const char *key, const char *value); /* NULL: JSON null, text "-" */
void out_strf(struct out *o, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void out_uint(struct out *o, const char *key, uint64_t value);
void out_bool(struct out *o, const char *key, bool value);
void out_real(struct out *o, const char *key, double value, int digits);
/* JSON string "0x0800ABCD" with `digits` digits. */
void out_hex(struct out *o, const char *key, uint64_t value, int digits);
/* Bytes as lower-case hexadecimal digits. */
void out_bytes(struct out *o, const char *key, const void *data, size_t len);
/* Bytes as a number in JSON; people see "17736 bytes (17.3 KiB)". */
void out_size(struct out *o, const char *key, uint64_t bytes);

void out_object(struct out *o, const char *key);
void out_list(struct out *o, const char *key);
/* A list whose items are objects with the same keys; people see a table. */
void out_table(struct out *o, const char *key);
void out_end(struct out *o); /* closes the innermost object, list or table */

/* A line that only people see; nothing in JSON. */
void out_text(struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * NDJSON: what was described since the last call leaves as one line {"event": name, ...}, at
 * once. From then on the result itself is one line too, {"event": "result", "schema": 1, ...}.
 * For people an event is nothing: what was described for it is dropped.
 */
void out_event(struct out *o, const char *name);

/* One line a result even if no event came before; set by the dispatcher for CMD_EVENTS. */
void out_set_lines(struct out *o);

/* A listener that turns the events of a job into NDJSON lines; `o` must outlive it. */
struct event_sink out_event_sink(struct out *o);

/*
 * "error": {code, message, hint, address, exit_status}; for JSON only, people get it on standard
 * error. Closes what is open.
 */
void out_error(struct out *o, const struct err *e);

/*
 * Prints the result ("schema": 1 comes first in JSON) and frees everything; containers left open
 * are closed. Returns 0, or ERR_IO if it could not be written (disk full, closed pipe).
 */
int out_finish(struct out *o, struct err *e);

#endif
