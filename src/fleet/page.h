/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page.h - pieces of the report page: text that stays text, charts
 */
#ifndef STMOTA_FLEET_PAGE_H
#define STMOTA_FLEET_PAGE_H

#include <stmota/buf.h>
#include <stmota/fleet_view.h>

/* The first failure stays and stops the rest. */
struct page {
	struct buf *to;
	struct err *e;
	int rc;
};

void page_raw(struct page *p, const char *html);
/* Numbers and our own constants only; at most 1023 bytes. */
void page_fmt(struct page *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/*
 * Text from anywhere: never markup, always valid UTF-8. Control characters and those that turn the
 * direction of writing are shown as \x1B, \u202E. NULL is nothing.
 */
void page_text(struct page *p, const char *text);
void page_text_n(struct page *p, const char *text, size_t len);

void page_version(struct page *p, bool has, struct imf_version v);
/* <time>: "21 Nov 18:40", in full in its title; UTC. 0: a dash. */
void page_time(struct page *p, uint64_t t);

/* The mark and the word of a state or an outcome. */
void page_state(struct page *p, enum fleet_view_state s);
void page_outcome(struct page *p, enum fleet_outcome o);
const char *page_state_class(enum fleet_view_state s);

/* page_css.c */
extern const char page_css[], page_marks[];

/* page_chart.c: how a rollout went over time, and which wave was when. */
void page_rollout(struct page *p, const struct fleet_view *v, const struct fleet_view_rollout *r);
void page_state_bar(struct page *p, const struct fleet_view *v);
void page_version_bar(struct page *p, const struct fleet_view *v);

/* page_failure.c: what went wrong, with what was said to the device. */
void page_failures(struct page *p, const struct fleet_view *v);

#endif
