/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page.c - the report page: one file of HTML that needs nothing else
 *
 * No script, no font, no picture from anywhere; the policy in its head forbids them, should a text
 * ever slip through as markup.
 */
#include "page.h"

#include <string.h>

#include <stmota/fleet_report.h>
#include <stmota/text.h>

#define ROLLOUTS_SHOWN 12

static void head(struct page *p, const struct fleet_view *v, const char *gateway)
{
	page_raw(p, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
		    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		    "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
		    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		    "<meta name=\"color-scheme\" content=\"light dark\">\n"
		    "<meta name=\"referrer\" content=\"no-referrer\">\n<title>");
	page_text(p, gateway);
	page_raw(p, ": fleet report</title>\n<style>");
	page_raw(p, page_css);
	page_raw(p, "</style></head>\n<body>");
	page_raw(p, page_marks);
	page_raw(p, "<main>\n<header><div><p class=\"kicker\">Fleet report</p><h1>");
	page_text(p, gateway);
	page_raw(p, "</h1></div><p class=\"dim\">");
	page_time(p, v->now);
	page_raw(p, " UTC</p></header>\n");
}

/* ---- headline ---- */

static void number(struct page *p, const char *class, const char *value, const char *text)
{
	page_fmt(p, "<div class=\"card\"><b class=\"%s\">%s</b><span>%s</span></div>", class, value,
		text);
}

static uint64_t newest_sign_of_life(const struct fleet_view *v)
{
	uint64_t t = 0;

	for (size_t i = 0; i < v->n_devices; i++)
		if (v->devices[i].known.seen > t)
			t = v->devices[i].known.seen;
	return t;
}

static void headline(struct page *p, const struct fleet_view *v)
{
	const uint32_t *s = v->states;
	uint32_t trouble = s[FLEET_VIEW_RETRYING] + s[FLEET_VIEW_ASIDE] + s[FLEET_VIEW_REFUSED] +
			   s[FLEET_VIEW_INTERRUPTED];
	uint64_t seen = newest_sign_of_life(v);
	char value[64], age[32];

	page_raw(p, "<div class=\"heads\">");
	snprintf(value, sizeof(value), "%zu", v->fleet->n);
	number(p, "", value, v->fleet->n == 1 ? "device" : "devices");
	snprintf(value, sizeof(value), "%u", s[FLEET_VIEW_OK]);
	number(p, s[FLEET_VIEW_OK] > 0 ? "ok" : "", value, "ok");
	snprintf(value, sizeof(value), "%u", trouble);
	number(p, trouble > 0 ? "bad" : "", value,
		trouble == 1 ? "needs attention" : "need attention");
	if (seen > 0)
		snprintf(value, sizeof(value), "%s",
			v->now < seen + 60 ? "&lt; 1 min"
					   : text_age(v->now - seen, age, sizeof(age)));
	number(p, "", seen > 0 ? value : "&ndash;", "since last contact");
	if (v->waiting > 0) {
		snprintf(value, sizeof(value), "%llu", (unsigned long long)v->waiting);
		number(p, "", value, "reports wait");
	}
	page_raw(p, "</div>\n");
	if (v->disk != NULL) {
		page_raw(p, "<div class=\"card note\"><b class=\"st stop\"><svg class=\"i\"><use "
			    "href=\"#stop\"/></svg>Nothing is updated:</b> ");
		page_text(p, v->disk);
		page_raw(p, "</div>\n");
	}
	for (size_t i = 0; i < v->n_rollouts; i++) {
		const struct fleet_view_rollout *r = &v->rollouts[i];

		if (!r->matters)
			continue;
		page_raw(p, "<div class=\"card note\"><b class=\"st stop\"><svg class=\"i\"><use "
			    "href=\"#stop\"/></svg>Halted on this gateway:</b> ");
		page_text(p, r->id);
		page_raw(p, " &ndash; ");
		page_text(p, r->halts[r->n_halts - 1].why);
		page_raw(p, "</div>\n");
	}
	page_raw(p, "<div class=\"card\">");
	page_state_bar(p, v);
	page_raw(p, "</div>\n");
}

/* ---- devices ---- */

static void cell(struct page *p, const char *label, const char *class)
{
	page_fmt(p, "<td data-l=\"%s\" class=\"%s\">", label, class);
}

static void device_reason(
	struct page *p, const struct fleet_view *v, const struct fleet_view_device *d)
{
	bool well = d->state == FLEET_VIEW_OK || d->state == FLEET_VIEW_NEW ||
		    d->state == FLEET_VIEW_RUNNING || d->state == FLEET_VIEW_GONE;

	cell(p, "Reason", "why");
	if (!well)
		page_text(p, d->known.text);
	if (d->tries > 0 && !well)
		page_fmt(p, "<small class=\"dim\">tried %u of %u times", d->tries,
			v->fleet->attempts);
	if (d->tries > 0 && !well && d->retry_at > 0) {
		page_raw(p, ", again ");
		page_time(p, d->retry_at);
	}
	if (d->tries > 0 && !well)
		page_raw(p, "</small>");
	page_raw(p, "</td>");
}

static void device_row(
	struct page *p, const struct fleet_view *v, const struct fleet_view_device *d)
{
	const struct fleet_known *k = &d->known;

	page_raw(p, "<tr>");
	cell(p, "Device", "who");
	page_raw(p, "<b>");
	page_text(p, k->name);
	page_raw(p, "</b>");
	if (d->device == NULL)
		page_raw(p, "<small class=\"dim\">not in the fleet file</small>");
	else if (d->device->excused && d->state != FLEET_VIEW_EXCUSED)
		page_raw(p, "<small class=\"dim\">excused</small>");
	page_raw(p, "</td>");
	cell(p, "State", "s");
	page_state(p, d->state);
	page_raw(p, "</td>");
	cell(p, "Version", "n");
	page_version(p, k->has_version, k->version);
	page_raw(p, "</td>");
	cell(p, "Counter", "n");
	page_fmt(p, "%u</td>", k->counter);
	cell(p, "Last", "x");
	page_raw(p, k->tried > 0 ? fleet_outcome_text(k->last) : "&ndash;");
	page_raw(p, "</td>");
	cell(p, "Seen", "n");
	page_raw(p, "<span class=\"nb\">");
	page_time(p, k->seen);
	page_raw(p, "</span></td>");
	device_reason(p, v, d);
	page_raw(p, "</tr>\n");
}

/* Those that somebody should look at come first. */
static void devices(struct page *p, const struct fleet_view *v)
{
	static const uint8_t rank[FLEET_VIEW_STATES] = {[FLEET_VIEW_ASIDE] = 0,
		[FLEET_VIEW_REFUSED] = 1,
		[FLEET_VIEW_RETRYING] = 2,
		[FLEET_VIEW_INTERRUPTED] = 3,
		[FLEET_VIEW_RUNNING] = 4,
		[FLEET_VIEW_NEW] = 5,
		[FLEET_VIEW_OK] = 6,
		[FLEET_VIEW_EXCUSED] = 7,
		[FLEET_VIEW_GONE] = 8};

	page_raw(p, "<div class=\"card long\"><table><thead><tr><th>Device</th><th>State</th>"
		    "<th>Version</th><th>Counter</th><th>Last attempt</th><th>Seen</th>"
		    "<th>Reason</th></tr></thead><tbody>\n");
	for (unsigned r = 0; r < FLEET_VIEW_STATES; r++)
		for (size_t i = 0; i < v->n_devices; i++)
			if (rank[v->devices[i].state] == r)
				device_row(p, v, &v->devices[i]);
	page_raw(p, "</tbody></table></div>\n");
}

/* ---- all of it ---- */

int fleet_page(const struct fleet_view *v, const char *gateway, struct buf *ret, struct err *e)
{
	struct page p = {.to = ret, .e = e};
	char time[TEXT_TIME_SIZE];

	head(&p, v, gateway);
	headline(&p, v);
	page_raw(&p, "<h2>Versions</h2><div class=\"card\">");
	page_version_bar(&p, v);
	page_raw(&p, "</div>\n<h2>Rollouts</h2>\n");
	for (size_t i = 0; i < v->n_rollouts && i < ROLLOUTS_SHOWN; i++)
		page_rollout(&p, v, &v->rollouts[i]);
	if (v->n_rollouts == 0)
		page_raw(&p, "<p class=\"card dim\">There was none yet.</p>\n");
	if (v->n_rollouts > ROLLOUTS_SHOWN)
		page_fmt(&p, "<p class=\"dim\">%zu older ones are in the history.</p>\n",
			v->n_rollouts - ROLLOUTS_SHOWN);
	page_raw(&p, "<h2>Devices</h2>\n");
	devices(&p, v);
	page_raw(&p, "<h2>Failures</h2>\n");
	page_failures(&p, v);
	page_fmt(&p, "\n<footer>Made by stmota " STMOTA_VERSION " on ");
	page_text(&p, gateway);
	page_fmt(&p,
		", %s, from %zu attempt%s. All times are UTC. This page is one file and loads nothing.",
		text_time(v->now, time), v->n_attempts, v->n_attempts == 1 ? "" : "s");
	page_raw(&p, "</footer>\n</main></body></html>\n");
	return p.rc;
}
