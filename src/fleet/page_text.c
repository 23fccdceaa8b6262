/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_text.c - text in a page of HTML, wherever it comes from
 */
#include "page.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <stmota/text.h>

void page_raw(struct page *p, const char *html)
{
	if (p->rc == 0)
		p->rc = buf_append(p->to, html, strlen(html), p->e);
}

void page_fmt(struct page *p, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	page_raw(p, text);
}

/* One character of UTF-8 (RFC 3629, 4); its length, 0 if it is none. */
static size_t next_char(const uint8_t *p, size_t len, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xC2 ? 0 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
	uint32_t c = n == 1 ? p[0] : n == 2 ? p[0] & 0x1Fu : n == 3 ? p[0] & 0x0Fu : p[0] & 0x07u;

	if (n == 0 || n > len || p[0] > 0xF4)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xC0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3Fu);
	}
	if (c < least[n] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
		return 0;
	*ret = c;
	return n;
}

/* Nothing to see, or it changes how its neighbours are seen. */
static bool is_hidden(uint32_t c)
{
	return (c >= 0x200B && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) ||
	       (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || (c & 0xFFFE) == 0xFFFE ||
	       (c >= 0xFFF9 && c <= 0xFFFB) || (c >= 0xFDD0 && c <= 0xFDEF);
}

static const char *entity(uint32_t c)
{
	switch (c) {
	case '&': return "&amp;";
	case '<': return "&lt;";
	case '>': return "&gt;";
	case '"': return "&quot;";
	case '\'': return "&#39;";
	default: return NULL;
	}
}

void page_text_n(struct page *p, const char *text, size_t len)
{
	const uint8_t *at = (const uint8_t *)text;

	while (len > 0 && p->rc == 0) {
		uint32_t c = 0;
		size_t n = next_char(at, len, &c);

		if (n == 0) {
			page_raw(p, "\xEF\xBF\xBD"); /* U+FFFD */
			n = 1;
		} else if (entity(c) != NULL) {
			page_raw(p, entity(c));
		} else if ((c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7F && c < 0xA0)) {
			page_fmt(p, "\\x%02X", (unsigned)c);
		} else if (is_hidden(c)) {
			page_fmt(p, "\\u%04X", (unsigned)c);
		} else {
			p->rc = buf_append(p->to, at, n, p->e);
		}
		at += n;
		len -= n;
	}
}

void page_text(struct page *p, const char *text)
{
	if (text != NULL)
		page_text_n(p, text, strlen(text));
}

void page_version(struct page *p, bool has, struct imf_version v)
{
	char text[VERSION_TEXT_SIZE];

	page_raw(p, has ? version_format(v, text) : "unknown");
}

void page_time(struct page *p, uint64_t t)
{
	char full[TEXT_TIME_SIZE], brief[32];
	time_t as_time = (time_t)t;
	struct tm tm;

	if (t == 0 || gmtime_r(&as_time, &tm) == NULL ||
		strftime(brief, sizeof(brief), "%e %b %H:%M", &tm) == 0) {
		page_raw(p, "<span class=\"dim\">never</span>");
		return;
	}
	text_time(t, full);
	page_fmt(p, "<time datetime=\"%s\" title=\"%s\">%s</time>", full, full, brief);
}

/* ---- states ---- */

static const struct {
	const char *mark; /* and the class */
} states[] = {
	[FLEET_VIEW_NEW] = {"new"},
	[FLEET_VIEW_OK] = {"ok"},
	[FLEET_VIEW_RUNNING] = {"run"},
	[FLEET_VIEW_RETRYING] = {"warn"},
	[FLEET_VIEW_ASIDE] = {"bad"},
	[FLEET_VIEW_REFUSED] = {"stop"},
	[FLEET_VIEW_INTERRUPTED] = {"warn"},
	[FLEET_VIEW_EXCUSED] = {"new"},
	[FLEET_VIEW_GONE] = {"new"},
};

const char *page_state_class(enum fleet_view_state s)
{
	return states[s].mark;
}

static void mark(struct page *p, const char *name, const char *word)
{
	page_fmt(p, "<span class=\"st %s\"><svg class=\"i\" aria-hidden=\"true\">", name);
	page_fmt(p, "<use href=\"#%s\"/></svg>%s</span>", name, word);
}

void page_state(struct page *p, enum fleet_view_state s)
{
	mark(p, states[s].mark, fleet_view_state_text(s));
}

void page_outcome(struct page *p, enum fleet_outcome o)
{
	static const char *const marks[] = {
		[FLEET_OPEN] = "run",
		[FLEET_OK] = "ok",
		[FLEET_ALREADY] = "ok",
		[FLEET_FAILED] = "bad",
		[FLEET_UNHEALTHY] = "bad",
		[FLEET_ROLLED_BACK] = "back",
		[FLEET_REFUSED] = "stop",
		[FLEET_UNREACHABLE] = "bad",
		[FLEET_INTERRUPTED] = "warn",
	};

	mark(p, marks[o], fleet_outcome_text(o));
}
