/* SPDX-License-Identifier: Apache-2.0 */
/*
 * readme.c - see readme.h
 */
#include "readme.h"

#include <stdio.h>
#include <string.h>

#include <stmota/fs.h>

#define README_MAX ((size_t)1 << 20)

static const char begin_mark[] = "<!-- chips: made by scripts/readme-chips -->\n";
static const char end_mark[] = "<!-- chips: end -->\n";
static const char head[] = "| product ID | chip | UART | I2C | at | USB DFU |\n"
			   "| --- | --- | --- | --- | --- | --- |\n";

/* Where the table is: from behind the first mark up to the second one. */
static int find(const char *path, struct buf *text, size_t *ret_at, size_t *ret_end)
{
	struct err e = ERR_INIT;
	const char *at, *end;

	if (fs_read(path, README_MAX, text, &e) < 0 || buf_append(text, "", 1, &e) < 0) {
		fprintf(stderr, "%s\n", e.msg);
		return -1;
	}
	text->len--;
	at = strstr((const char *)text->data, begin_mark);
	end = at != NULL ? strstr(at, end_mark) : NULL;
	if (end == NULL) {
		fprintf(stderr, "%s: the marks of the chip table are missing\n", path);
		return -1;
	}
	*ret_at = (size_t)(at - (const char *)text->data) + sizeof(begin_mark) - 1;
	*ret_end = (size_t)(end - (const char *)text->data);
	return 0;
}

static int whole_table(const struct buf *rows, struct buf *ret)
{
	/* With a NUL behind it, which does not count. */
	if (buf_append(ret, "\n", 1, NULL) < 0 ||
		buf_append(ret, head, sizeof(head) - 1, NULL) < 0 ||
		buf_append(ret, rows->data, rows->len, NULL) < 0 ||
		buf_append(ret, "\n", 2, NULL) < 0)
		return -1;
	ret->len--;
	return 0;
}

int readme_write(const char *path, const struct buf *rows)
{
	cleanup_buf struct buf text = BUF_INIT, table = BUF_INIT, out = BUF_INIT;
	struct err e = ERR_INIT;
	size_t at = 0, end = 0;

	if (find(path, &text, &at, &end) < 0)
		return -1;
	if (whole_table(rows, &table) < 0 || buf_append(&out, text.data, at, &e) < 0 ||
		buf_append(&out, table.data, table.len, &e) < 0 ||
		buf_append(&out, text.data + end, text.len - end, &e) < 0 ||
		fs_write(path, out.data, out.len, 0644, &e) < 0) {
		fprintf(stderr, "%s\n", e.msg);
		return -1;
	}
	return 0;
}

int readme_compare(const char *path, const struct buf *rows)
{
	cleanup_buf struct buf text = BUF_INIT, table = BUF_INIT;
	size_t at = 0, end = 0, same = 0, line = 0, len;

	if (find(path, &text, &at, &end) < 0 || whole_table(rows, &table) < 0)
		return -1;
	if (table.len == end - at && memcmp(table.data, text.data + at, table.len) == 0)
		return 0;
	for (; same < table.len && same < end - at && table.data[same] == text.data[at + same];
		same++)
		if (table.data[same] == '\n')
			line = same + 1;
	len = strcspn((const char *)table.data + line, "\n");
	fprintf(stderr, "%s: the chip table is stale: scripts/readme-chips makes it anew\n%.*s\n",
		path, (int)len, (const char *)table.data + line);
	return -1;
}
