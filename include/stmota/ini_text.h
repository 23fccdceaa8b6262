/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ini_text.h - INI text through inih, so that a mistake has a file and a line
 *
 * inih alone would cut a long line in two and a long section name short, end a line at a NUL, and
 * take an indented one as the continuation of the value above. Here the first three are refused, and
 * indentation has no meaning.
 */
#ifndef STMOTA_INI_TEXT_H
#define STMOTA_INI_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include <stmota/err.h>

struct ini_text_reader {
	void *ctx;
	/*
	 * One setting, texts are borrowed; `section` is "" before the first one. 0, or a negative
	 * code with `e` set: "FILE:LINE: " is put before the message, and nothing more is read.
	 */
	int (*setting)(void *ctx, unsigned line, const char *section, const char *key,
		const char *value, struct err *e);
	bool no_empty_section; /* a section without a setting is a mistake */
};

/*
 * Reads all settings of a text; `path` is for messages.
 * ERR_CONFIG with file and line, ERR_NOMEM, or what `setting` returned.
 */
int ini_text_read(const char *path, const char *text, size_t len, const struct ini_text_reader *r,
	struct err *e);

#endif
