/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.h - sizes and times as people read them, and columns on a terminal
 */
#ifndef STMOTA_TEXT_H
#define STMOTA_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* "812 bytes", "17.3 KiB", "2.0 MiB". */
void text_size(uint64_t bytes, char *ret, size_t size);

/* "17736 bytes (17.3 KiB)"; below 1 KiB and for whole KiB without the part that adds nothing. */
void text_size_exact(uint64_t bytes, char *ret, size_t size);

/* "0.8 s", "12 s", "3:07", "1:02:33". */
void text_duration(uint64_t ms, char *ret, size_t size);

#define TEXT_TIME_SIZE 24

/* "2026-11-21T18:40:00Z" of a Unix time, as in every JSON of ours; returns `ret`. */
const char *text_time(uint64_t unix_time, char ret[TEXT_TIME_SIZE]);

/* How long ago, coarsely: "now", "4 min", "3 h", "12 d". Returns `ret`. */
const char *text_age(uint64_t seconds, char *ret, size_t size);

/* Columns that UTF-8 text takes, one for each code point. */
size_t text_width(const char *s);

#endif
