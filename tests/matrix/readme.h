/* SPDX-License-Identifier: Apache-2.0 */
/*
 * readme.h - the table of chips and transports between its two marks in README.md
 */
#ifndef STMOTA_TESTS_README_H
#define STMOTA_TESTS_README_H

#include <stmota/buf.h>

/* rows  lines of a Markdown table, without its head. Both say on stderr why they return -1. */
int readme_write(const char *path, const struct buf *rows);
/* -1, and the first line that differs, where another table stands there. */
int readme_compare(const char *path, const struct buf *rows);

#endif
