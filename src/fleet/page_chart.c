/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_chart.c - bars and curves of the report page
 *
 * The curves are stretched to whatever width there is; marks and words lie over them as HTML, so
 * that they keep their shape and size on a phone.
 */
#include "page.h"

#include <stdlib.h>
#include <string.h>

#include <stmota/bytes.h>

#define WIDE       10000.0 /* units of a chart's width */
#define LANES_MAX  12
#define CANARY_MAX 8
#define LOW        4u /* devices; a curve of fewer needs no height */
#define VERSIONS   5  /* shades */

/* ---- bars ---- */

static const char *plural(uint32_t n)
{
	return n == 1 ? "" : "s";
}

void page_state_bar(struct page *p, const struct fleet_view *v)
{
	static const enum fleet_view_state order[] = {FLEET_VIEW_OK, FLEET_VIEW_RUNNING,
		FLEET_VIEW_RETRYING, FLEET_VIEW_INTERRUPTED, FLEET_VIEW_ASIDE, FLEET_VIEW_REFUSED,
		FLEET_VIEW_EXCUSED, FLEET_VIEW_NEW};

	page_raw(p, "<div class=\"bar\" aria-hidden=\"true\">");
	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		if (v->states[order[i]] > 0)
			page_fmt(p, "<span class=\"%s\" style=\"flex:%u 0 0\"></span>",
				page_state_class(order[i]), v->states[order[i]]);
	page_raw(p, "</div><ul class=\"key\">");
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		if (v->states[order[i]] == 0)
			continue;
		page_raw(p, "<li>");
		page_state(p, order[i]);
		page_fmt(p, " <span class=\"num\">%u</span></li>", v->states[order[i]]);
	}
	page_raw(p, "</ul>");
}

struct share {
	bool known;
	struct imf_version version;
	uint32_t n;
};

/* Newest first, what is unknown last. */
static int by_version(const void *a, const void *b)
{
	const struct share *x = a, *y = b;

	if (x->known != y->known)
		return x->known ? -1 : 1;
	return -imf_version_compare(x->version, y->version);
}

static size_t count_versions(const struct fleet_view *v, struct share *s)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n_devices; i++) {
		const struct fleet_known *k = &v->devices[i].known;
		size_t at = 0;

		if (v->devices[i].device == NULL)
			continue;
		while (at < n && (s[at].known != k->has_version ||
					 (k->has_version && imf_version_compare(s[at].version,
								    k->version) != 0)))
			at++;
		if (at == n)
			s[n++] = (struct share){.known = k->has_version, .version = k->version};
		s[at].n++;
	}
	qsort(s, n, sizeof(*s), by_version);
	return n;
}

static void version_class(const struct share *s, size_t i, char ret[4])
{
	snprintf(ret, 4, s->known ? "v%u" : "vx", (unsigned)(i < VERSIONS ? i : VERSIONS - 1));
}

void page_version_bar(struct page *p, const struct fleet_view *v)
{
	struct share *s = calloc(v->n_devices + 1, sizeof(*s));
	size_t n = s != NULL ? count_versions(v, s) : 0;
	uint32_t all = (uint32_t)v->fleet->n;
	char class[4];

	if (s == NULL) {
		p->rc = err_set(p->e, ERR_NOMEM, "out of memory");
		return;
	}
	page_raw(p, "<div class=\"bar\" aria-hidden=\"true\">");
	for (size_t i = 0; i < n; i++) {
		version_class(&s[i], i, class);
		page_fmt(p, "<span class=\"%s\" style=\"flex:%u 0 0\">", class, s[i].n);
		if (s[i].n * 8 >= all) /* else it has no room */
			page_version(p, s[i].known, s[i].version);
		page_raw(p, "</span>");
	}
	page_raw(p, "</div><ul class=\"key\">");
	for (size_t i = 0; i < n; i++) {
		version_class(&s[i], i, class);
		page_fmt(p, "<li><span class=\"sw %s\"></span><b>", class);
		page_version(p, s[i].known, s[i].version);
		page_fmt(p,
			"</b> <span class=\"num\">%u</span> <span class=\"dim\">%u %%</span></li>",
			s[i].n, all > 0 ? (100 * s[i].n + all / 2) / all : 0);
	}
	page_raw(p, "</ul>");
	free(s);
}

/* ---- curves ---- */

struct axes {
	uint64_t from, span; /* seconds */
	uint32_t top;        /* devices */
};

static struct axes axes_of(const struct fleet_view_rollout *r)
{
	struct axes a = {.from = r->first, .span = r->last > r->first ? r->last - r->first : 1};

	for (size_t i = 0; i < r->n_points; i++)
		if (r->points[i].ok + r->points[i].failed > a.top)
			a.top = r->points[i].ok + r->points[i].failed;
	a.top += r->counts.open;
	if (a.top == 0)
		a.top = 1;
	return a;
}

/* 0..END; what came last has some room behind it to be seen. */
#define END 0.96

static double part(const struct axes *a, uint64_t t)
{
	if (t <= a->from)
		return 0;
	return t - a->from >= a->span ? END : END * (double)(t - a->from) / (double)a->span;
}

/* Steps: what was true stays true until the next point. */
static void curve(struct page *p, const struct axes *a, const struct fleet_view_rollout *r,
	const char *class, bool of_ok, bool area)
{
	page_fmt(p, "<path class=\"%s\" d=\"M0 100", class);
	for (size_t i = 0; i < r->n_points; i++) {
		uint32_t n = of_ok ? r->points[i].ok : r->points[i].failed;

		page_fmt(p, "H%.0fV%.2f", WIDE * part(a, r->points[i].time),
			100.0 - 100.0 * n / a->top);
	}
	page_fmt(p, "H%.0f%s\"/>", WIDE, area ? "V100Z" : "");
}

static void halts(struct page *p, const struct axes *a, const struct fleet_view_rollout *r)
{
	for (size_t i = 0; i < r->n_halts; i++) {
		const uint64_t times[] = {r->halts[i].halted, r->halts[i].resumed};

		for (int k = 0; k < 2; k++) {
			double x = 100 * part(a, times[k]);

			if (times[k] == 0)
				continue;
			page_fmt(p, "<div class=\"hl%s%s\" style=\"left:%.2f%%\"><b>%s</b></div>",
				k == 1 ? " re" : "",
				x < 8    ? " l"
				: x > 92 ? " r"
					 : "",
				x, k == 1 ? "resumed" : "halted");
		}
	}
}

static void canaries(struct page *p, const struct axes *a, const struct fleet_view_rollout *r)
{
	unsigned n = 0;

	for (size_t i = 0; i < r->n_points && n < CANARY_MAX; i++) {
		const struct fleet_view_point *at = &r->points[i];

		if (!at->canary)
			continue;
		n++;
		page_fmt(p,
			"<span class=\"mk %s\" style=\"left:%.2f%%;bottom:%.2f%%\" title=\"canary, %s\">"
			"<svg class=\"i\"><use href=\"#can\"/></svg></span>",
			at->good ? "ok" : "bad", 100 * part(a, at->time),
			100.0 * (at->good ? at->ok : at->failed) / a->top,
			at->good ? "healthy" : "failed");
	}
}

static void plot(struct page *p, const struct axes *a, const struct fleet_view_rollout *r)
{
	page_fmt(p, "<div class=\"plot%s\" role=\"img\" aria-label=\"%u ok, %u failed\">",
		a->top < LOW ? " low" : "", r->counts.ok, r->counts.failed);
	page_fmt(p, "<span class=\"yt\">%u device%s</span>", a->top, plural(a->top));
	page_fmt(
		p, "<svg class=\"c\" viewBox=\"0 0 %.0f 100\" preserveAspectRatio=\"none\">", WIDE);
	curve(p, a, r, "a", true, true);
	curve(p, a, r, "lo", true, false);
	curve(p, a, r, "lb", false, false);
	page_raw(p, "</svg>");
	halts(p, a, r);
	canaries(p, a, r);
	page_raw(p, "</div><div class=\"xt\">");
	page_time(p, r->first);
	page_time(p, r->last);
	page_raw(p, "</div>");
}

/* ---- waves ---- */

struct lane {
	uint32_t wave, n, ok;
};

static const struct fleet_device *device_of(const struct fleet_view *v, size_t i)
{
	return i < v->n_devices ? v->devices[i].device : NULL;
}

/* Has a rollout of what `a` is anything to say to `b`? */
static bool same_product(const struct fleet_device *a, const struct fleet_device *b)
{
	if (a == NULL || a->product == NULL || b->product == NULL)
		return a == NULL || a->product == b->product;
	return strcmp(a->product, b->product) == 0;
}

/* The fleet's devices are in the order of their waves. */
static size_t lanes_of(const struct fleet_view *v, const struct fleet_view_rollout *r,
	uint8_t *last, struct lane *ret)
{
	const struct fleet_device *first = NULL;
	size_t n = 0;

	if (r->n_points > 0)
		first = device_of(v, r->points[0].device);
	memset(last, 0, v->n_devices);
	for (size_t i = 0; i < r->n_points; i++)
		last[r->points[i].device] = r->points[i].good ? 1 : 2;
	for (size_t i = 0; i < v->n_devices; i++) {
		const struct fleet_device *d = device_of(v, i);

		if (d == NULL || (last[i] == 0 && !same_product(first, d)))
			continue;
		if (n == 0 || ret[n - 1].wave != d->wave) {
			if (n == LANES_MAX)
				break;
			ret[n++] = (struct lane){.wave = d->wave};
		}
		ret[n - 1].n++;
		ret[n - 1].ok += last[i] == 1;
	}
	return n;
}

static void lanes(struct page *p, const struct axes *a, const struct fleet_view *v,
	const struct fleet_view_rollout *r)
{
	struct lane all[LANES_MAX];
	uint8_t *last = malloc(v->n_devices + 1);
	size_t n;

	if (last == NULL) {
		p->rc = err_set(p->e, ERR_NOMEM, "out of memory");
		return;
	}
	n = lanes_of(v, r, last, all);
	free(last);
	for (size_t i = 0; i < n; i++) {
		page_fmt(p,
			"<div class=\"lane\"><span class=\"dim\">wave %u</span><div aria-hidden=\"true\">"
			"<svg class=\"c\" viewBox=\"0 0 %.0f 100\" preserveAspectRatio=\"none\">",
			all[i].wave, WIDE);
		for (size_t k = 0; k < r->n_points; k++) {
			const struct fleet_device *d = device_of(v, r->points[k].device);
			double x = 20 + (WIDE - 40) * part(a, r->points[k].time);

			if (d == NULL || d->wave != all[i].wave)
				continue;
			page_fmt(p,
				"<line class=\"%s\" x1=\"%.0f\" x2=\"%.0f\" y1=\"%d\" y2=\"100\"/>",
				r->points[k].good ? "to" : "tb", x, x, r->points[k].good ? 45 : 0);
		}
		page_fmt(p, "</svg></div><small class=\"num\">%u of %u ok</small></div>", all[i].ok,
			all[i].n);
	}
}

/* ---- all of it ---- */

void page_rollout(struct page *p, const struct fleet_view *v, const struct fleet_view_rollout *r)
{
	struct axes a = axes_of(r);

	page_fmt(p, "<section class=\"card%s\"><div class=\"top\"><div><h3>",
		r->halted ? " note" : "");
	page_text(p, r->id);
	page_raw(p, "</h3><p class=\"dim\"><small>version ");
	page_version(p, true, r->version);
	page_fmt(p, ", counter %u, from ", r->counter);
	page_text(p, r->source[0] != '\0' ? r->source : "an unknown source");
	page_raw(p, "</small></p></div><p>");
	page_fmt(p, "<span class=\"st %s\"><svg class=\"i\"><use href=\"#ok\"/></svg>%u ok</span>",
		r->counts.ok > 0 ? "ok" : "new", r->counts.ok);
	page_fmt(p,
		" &ensp;<span class=\"st %s\"><svg class=\"i\"><use href=\"#bad\"/></svg>%u failed</span>",
		r->counts.failed > 0 ? "bad" : "new", r->counts.failed);
	if (r->counts.open > 0)
		page_fmt(p,
			" &ensp;<span class=\"st run\"><svg class=\"i\"><use href=\"#run\"/></svg>"
			"%u running</span>",
			r->counts.open);
	if (r->canaries > 0)
		page_fmt(p,
			" &ensp;<span class=\"st %s\"><svg class=\"i\"><use href=\"#can\"/></svg>"
			"canary %u of %u healthy</span>",
			r->counts.canaries_ok >= r->canaries ? "ok" : "bad", r->counts.canaries_ok,
			r->canaries);
	page_raw(p, "</p></div>");
	for (size_t i = 0; i < r->n_halts; i++) {
		page_raw(p, r->halts[i].resumed == 0 ? "<p><b class=\"bad\">Halted here</b> "
						     : "<p><b>Was halted</b> ");
		page_time(p, r->halts[i].halted);
		page_raw(p, ": ");
		page_text(p, r->halts[i].why);
		page_raw(p, "</p>");
	}
	if (r->n_points > 0) {
		plot(p, &a, r);
		lanes(p, &a, v, r);
	}
	page_raw(p, "</section>\n");
}
