/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/ini_text.h>

#include <ctype.h>
#include <ini.h>
#include <stdint.h>
#include <string.h>

/* inih would cut a longer name, and take two of them for one. */
#define SECTION_MAX 49

struct reading {
	const struct ini_text_reader *reader;
	const char *path;
	const char *rest; /* text not yet read */
	size_t left;
	unsigned line;
	unsigned header; /* line of a section that has no setting yet, else 0 */
	struct err *e;
	int rc; /* first failure; everything after it is skipped */
};

/* Puts "FILE:LINE: " before the message that is there. */
static void fail(struct reading *r, unsigned line, int rc)
{
	err_wrap(r->e, "%s:%u", r->path, line);
	r->rc = rc;
}

static void check_section(struct reading *r)
{
	if (r->header != 0 && r->reader->no_empty_section && r->rc == 0)
		fail(r, r->header, err_set(r->e, ERR_CONFIG, "a section without settings"));
	r->header = 0;
}

/* Gives inih one line. */
static char *next_line(char *line, int size, void *stream)
{
	struct reading *r = stream;
	const char *end, *text;
	size_t len;

	if (r->left == 0 || r->rc < 0)
		return NULL;
	end = memchr(r->rest, '\n', r->left);
	len = end != NULL ? (size_t)(end - r->rest) : r->left;
	r->line++;
	text = r->rest;
	r->rest += len + (end != NULL);
	r->left -= len + (end != NULL);
	while (len > 0 && isspace((unsigned char)*text)) {
		text++;
		len--;
	}
	if (len + 2 > (size_t)size) {
		fail(r, r->line,
			err_set(r->e, ERR_CONFIG, "the line is longer than %d characters",
				size - 2));
		return NULL;
	}
	if (memchr(text, '\0', len) != NULL) {
		fail(r, r->line, err_set(r->e, ERR_CONFIG, "not a text file"));
		return NULL;
	}
	if (len > 0 && text[0] == '[') {
		const char *close = memchr(text, ']', len);

		check_section(r);
		if (close != NULL && close - text - 1 > SECTION_MAX && r->rc == 0)
			fail(r, r->line,
				err_set(r->e, ERR_CONFIG,
					"the name of the section is longer than %d characters",
					SECTION_MAX));
		r->header = r->line;
		if (r->rc < 0)
			return NULL;
	}
	memcpy(line, text, len);
	line[len] = '\n';
	line[len + 1] = '\0';
	return line;
}

static int on_setting(void *user, const char *section, const char *key, const char *value)
{
	struct reading *r = user;
	int rc;

	if (r->rc < 0)
		return 0;
	r->header = 0;
	rc = r->reader->setting(
		r->reader->ctx, r->line, section, key, value != NULL ? value : "", r->e);
	if (rc < 0)
		fail(r, r->line, rc);
	return rc == 0;
}

int ini_text_read(const char *path, const char *text, size_t len, const struct ini_text_reader *rd,
	struct err *e)
{
	struct reading r = {.reader = rd, .path = path, .rest = text, .left = len, .e = e};
	/* inih takes reader and handler context as two pointers; here they are one. */
	int line = ini_parse_stream(next_line, &r, on_setting, &r);

	if (r.rc == 0 && line == 0)
		check_section(&r);
	if (r.rc < 0)
		return r.rc;
	if (line > 0)
		return err_set(
			e, ERR_CONFIG, "%s:%d: neither [section] nor key = value", path, line);
	if (line < 0)
		return err_set(e, ERR_NOMEM, "out of memory");
	return 0;
}
