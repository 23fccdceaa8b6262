/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - messages for people that are not results and not errors
 *
 * The library writes nowhere by itself: without a handler messages are dropped.
 */
#ifndef STMOTA_LOG_H
#define STMOTA_LOG_H

#include <stdio.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Gets one line without newline. */
typedef void (*log_handler)(void *ctx, enum log_level level, const char *line);

/* Sends messages up to `max` to `handler`; NULL drops all. Not thread-safe: call it once at start. */
void log_set_handler(log_handler handler, void *ctx, enum log_level max);

void log_at(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * "<4>" before a line that goes to `to`, if that is the journal of systemd (JOURNAL_STREAM names it),
 * which takes it for the priority of the line; else "", and always for LOG_INFO: it is the default.
 */
const char *log_priority(FILE *to, enum log_level level);

#define log_warn(...)  log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)

#endif
