/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_failure.c - what went wrong, with the end of what was said to the device
 */
#include "page.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <stmota/cleanup.h>

#define SHOWN_MAX   50
#define EXCERPT_MAX 3000 /* bytes, from its end */

/* The end of a regular file, from the beginning of a line; its length, -1 if it cannot be read. */
static ssize_t read_end(const char *path, char ret[EXCERPT_MAX], bool *ret_cut)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	const char *line;
	ssize_t n;
	off_t at;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -1;
	at = st.st_size > EXCERPT_MAX ? st.st_size - EXCERPT_MAX : 0;
	n = pread(fd, ret, EXCERPT_MAX, at);
	*ret_cut = at > 0;
	line = n > 0 && at > 0 ? memchr(ret, '\n', (size_t)n) : NULL;
	if (line != NULL) {
		n -= line + 1 - ret;
		memmove(ret, line + 1, (size_t)n);
	}
	return n;
}

static void transcript(struct page *p, const char *path)
{
	char text[EXCERPT_MAX];
	bool cut = false;
	ssize_t n = read_end(path, text, &cut);

	page_raw(p, "<details><summary>What was said to the device</summary>");
	if (n < 0) {
		page_raw(p, "<p class=\"dim\">The transcript ");
		page_text(p, path);
		page_raw(p, " is not there any more.</p></details>");
		return;
	}
	page_raw(p, cut ? "<pre>&hellip;\n" : "<pre>");
	page_text_n(p, text, (size_t)n);
	page_raw(p, "</pre><p class=\"dim\"><small>from ");
	page_text(p, path);
	page_raw(p, "</small></p></details>");
}

static void failure(struct page *p, const struct fleet_attempt *a)
{
	page_raw(p, "<div class=\"fail\"><div class=\"top\"><div><h3>");
	page_text(p, a->device);
	page_raw(p, "</h3></div><p class=\"dim\">");
	page_time(p, a->ended);
	page_raw(p, "</p></div><p>");
	page_outcome(p, a->outcome);
	page_raw(p, " &ensp;");
	page_text(p, a->text[0] != '\0' ? a->text : "no reason was given");
	page_raw(p, "</p><p class=\"dim\"><small>");
	page_text(p, a->rollout);
	page_raw(p, ": ");
	if (a->has_from) {
		page_version(p, true, a->from);
		page_raw(p, " to ");
	}
	page_version(p, true, a->version);
	page_raw(p, a->delta ? ", as a delta" : "");
	page_raw(p, a->canary ? ", as the canary" : "");
	if (a->error != 0)
		page_fmt(p, ", error %s", err_code_name((enum err_code)a->error));
	page_raw(p, "</small></p>");
	if (a->evidence != NULL) {
		page_raw(p, "<details><summary>Evidence</summary><pre>");
		page_text(p, a->evidence);
		page_raw(p, "</pre></details>");
	}
	if (a->transcript != NULL)
		transcript(p, a->transcript);
	page_raw(p, "</div>\n");
}

void page_failures(struct page *p, const struct fleet_view *v)
{
	size_t n = v->n_failures < SHOWN_MAX ? v->n_failures : SHOWN_MAX;

	if (n == 0) {
		page_raw(p, "<p class=\"card dim\">Nothing has failed so far.</p>");
		return;
	}
	page_raw(p, "<div class=\"card long\">");
	for (size_t i = 0; i < n; i++)
		failure(p, &v->failures[i]);
	page_raw(p, "</div>");
	if (v->n_failures_all > n)
		page_fmt(p,
			"<p class=\"dim\">%zu older ones: <code>stmota fleet history</code>.</p>",
			v->n_failures_all - n);
}
