/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/progress.h>

#include <langinfo.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <stmota/log.h>
#include <stmota/text.h>

#define REDRAW_MS  100  /* a bar that is drawn more often costs more than it tells */
#define LINE_MS    5000 /* between two lines of a log */
#define SETTLE_MS  1000 /* before a speed and a time left mean something */
#define NAME_WIDTH 9
#define BAR_MIN    8
#define BAR_MAX    40
#define SHARES_MAX 16

struct progress {
	struct progress_config cfg;
	uint64_t job_start_ms;

	const char *phase; /* NULL: none runs */
	uint64_t done, total, first_done;
	uint64_t phase_start_ms, drawn_ms;
	bool bar_visible;
	uint64_t logged_ms;
	uint64_t logged_tenth;

	struct event_share shares[SHARES_MAX];
	bool past[SHARES_MAX]; /* the phase is behind us */
	size_t n_shares;
	double shown; /* part of the whole; never goes back */
};

/* A line being put together; written at once, so that nothing flickers. */
struct line {
	char text[1024];
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void add(struct line *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->text + l->len, sizeof(l->text) - l->len, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	l->len += (size_t)n;
	if (l->len >= sizeof(l->text))
		l->len = sizeof(l->text) - 1;
}

static void add_style(const struct progress *p, struct line *l, const char *code)
{
	if (p->cfg.colour)
		add(l, "\033[%sm", code);
}

static void write_line(struct progress *p, const struct line *l)
{
	fwrite(l->text, 1, l->len, p->cfg.to);
	fflush(p->cfg.to);
}

static uint64_t now(const struct progress *p)
{
	return clock_now_ms(p->cfg.clock);
}

static unsigned terminal_width(const struct progress *p)
{
	struct winsize size;

	if (p->cfg.width > 0)
		return p->cfg.width;
	if (ioctl(fileno(p->cfg.to), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return 80;
}

/* --- numbers -------------------------------------------------------------------------------- */

static double phase_part(const struct progress *p)
{
	if (p->total == 0)
		return 0;
	return p->done >= p->total ? 1 : (double)p->done / (double)p->total;
}

/* Part of the whole, or of the phase where no shares are known. */
static double whole_part(struct progress *p)
{
	double sum = 0, behind = 0;

	if (p->n_shares == 0)
		return phase_part(p);
	for (size_t i = 0; i < p->n_shares; i++) {
		double weight = (double)p->shares[i].weight;

		sum += weight;
		if (p->past[i])
			behind += weight;
		else if (p->phase != NULL && strcmp(p->shares[i].phase, p->phase) == 0)
			behind += weight * phase_part(p);
	}
	if (sum > 0 && behind / sum > p->shown)
		p->shown = behind / sum;
	return p->shown;
}

/* "41.2 KiB/s", or "" while it means nothing. */
static void speed_text(const struct progress *p, uint64_t ms, char *ret, size_t size)
{
	char per_second[32];

	ret[0] = '\0';
	if (ms < SETTLE_MS || p->done <= p->first_done)
		return;
	text_size((p->done - p->first_done) * 1000 / ms, per_second, sizeof(per_second));
	snprintf(ret, size, "%s/s", per_second);
}

static void left_text(const struct progress *p, double part, char *ret, size_t size)
{
	uint64_t start = p->n_shares > 0 ? p->job_start_ms : p->phase_start_ms;
	uint64_t ms = now(p) - start;

	ret[0] = '\0';
	if (ms < SETTLE_MS || part < 0.02)
		return;
	uint64_t s = (uint64_t)((double)ms * (1 - part) / part / 1000 + 0.5);

	/* Long times in the usual way: "12:07", "1:02:07". */
	if (s < 3600)
		snprintf(ret, size, "%u:%02u left", (unsigned)(s / 60), (unsigned)(s % 60));
	else
		snprintf(ret, size, "%u:%02u:%02u left", (unsigned)(s / 3600),
			(unsigned)(s / 60 % 60), (unsigned)(s % 60));
}

/* "17.3 of 28.0 KiB": the unit of both is that of the total. */
static void amount_text(const struct progress *p, char *ret, size_t size)
{
	char total[32];

	if (p->total < 1024) {
		snprintf(ret, size, "%u of %u bytes", (unsigned)p->done, (unsigned)p->total);
		return;
	}
	text_size(p->total, total, sizeof(total));
	snprintf(ret, size, "%.1f of %s",
		(double)p->done / (strstr(total, "MiB") != NULL ? 1024 * 1024 : 1024), total);
}

/* --- bar ------------------------------------------------------------------------------------ */

static void add_repeated(struct line *l, const char *s, size_t n)
{
	while (n-- > 0)
		add(l, "%s", s);
}

static void add_bar(const struct progress *p, struct line *l, size_t width, double part)
{
	size_t halves = (size_t)(part * (double)width * 2);
	size_t full = halves / 2;

	if (!p->cfg.unicode) {
		add(l, "[");
		add_repeated(l, "=", full);
		add_repeated(l, full < width ? ">" : "", 1);
		add_repeated(l, " ", full < width ? width - full - 1 : 0);
		add(l, "]");
		return;
	}
	add_style(p, l, "36");
	add_repeated(l, "━", full);
	if (halves % 2 != 0)
		add(l, "╸");
	/* Thinner as well as paler: not every terminal has the colours, not everybody sees them. */
	add_style(p, l, "0;90");
	add_repeated(l, "─", width - full - halves % 2);
	add_style(p, l, "0");
}

/* What stands right of the bar has fixed widths, or the bar would shiver. */
#define PERCENT_WIDTH 6  /* " 100 %" */
#define AMOUNT_WIDTH  20 /* "  100.0 of 512.0 KiB" */
#define SPEED_WIDTH   14 /* "  1023 bytes/s" */
#define LEFT_WIDTH    14 /* "  1:02:33 left" */

/* Nothing is known about how much there is to do. */
static void draw_name(struct progress *p)
{
	struct line l = {.len = 0};

	add(&l, "\r%-*s %s\033[K", NAME_WIDTH, p->phase, p->cfg.unicode ? "…" : "...");
	write_line(p, &l);
	p->bar_visible = true;
	p->drawn_ms = now(p);
}

static void draw(struct progress *p)
{
	struct line l = {.len = 0};
	char amount[48], speed[40] = "", left[40];
	double part = whole_part(p);
	size_t brackets = p->cfg.unicode ? 0 : 2;
	size_t need = NAME_WIDTH + 1 + brackets + BAR_MIN + PERCENT_WIDTH + LEFT_WIDTH;
	/* The last column stays free: some terminals wrap as soon as it is written. */
	size_t width = terminal_width(p) - 1;
	bool with_bar = width >= need;
	bool with_amount = width >= need + AMOUNT_WIDTH;
	bool with_speed = width >= need + AMOUNT_WIDTH + SPEED_WIDTH;

	if (p->total == 0) {
		draw_name(p);
		return;
	}
	amount_text(p, amount, sizeof(amount));
	if (with_speed)
		speed_text(p, now(p) - p->phase_start_ms, speed, sizeof(speed));
	left_text(p, part, left, sizeof(left));
	add(&l, "\r%-*s ", NAME_WIDTH, p->phase);
	if (with_bar) {
		size_t bar = width - need + BAR_MIN - (with_amount ? AMOUNT_WIDTH : 0) -
			     (with_speed ? SPEED_WIDTH : 0);

		add_bar(p, &l, bar < BAR_MAX ? bar : BAR_MAX, part);
	}
	add(&l, " %3u %%", (unsigned)(part * 100));
	if (with_amount)
		add(&l, "%*s", AMOUNT_WIDTH, amount);
	if (speed[0] != '\0' || (with_speed && left[0] != '\0'))
		add(&l, "%*s", SPEED_WIDTH, speed);
	if (left[0] != '\0' && width >= NAME_WIDTH + 1 + PERCENT_WIDTH + LEFT_WIDTH)
		add(&l, "  %s", left);
	add(&l, "\033[K");
	write_line(p, &l);
	p->bar_visible = true;
	p->drawn_ms = now(p);
}

static void clear_bar(struct progress *p, struct line *l)
{
	if (p->bar_visible)
		add(l, "\r\033[K");
	p->bar_visible = false;
}

/* --- lines ---------------------------------------------------------------------------------- */

static void log_line(struct progress *p)
{
	uint64_t tenth = p->total > 0 ? p->done * 10 / p->total : 0;
	struct line l = {.len = 0};
	char amount[48], left[40];

	if (tenth <= p->logged_tenth || tenth >= 10 || now(p) - p->logged_ms < LINE_MS)
		return;
	amount_text(p, amount, sizeof(amount));
	left_text(p, whole_part(p), left, sizeof(left));
	add(&l, "%-*s %s", NAME_WIDTH, p->phase, amount);
	add(&l, left[0] != '\0' ? ", %s\n" : "%s\n", left);
	write_line(p, &l);
	p->logged_tenth = tenth;
	p->logged_ms = now(p);
}

/* "128 KiB in 0.8 s, 160 KiB/s"; "" where the time is not worth a line. */
static void outcome_text(const struct progress *p, bool ok, char *ret, size_t size)
{
	uint64_t ms = now(p) - p->phase_start_ms;
	char amount[48], spent[32], speed[40];

	ret[0] = '\0';
	text_duration(ms, spent, sizeof(spent));
	if (p->total == 0) {
		/* If it failed, the error tells what it was about. */
		if (ok && ms >= SETTLE_MS)
			snprintf(ret, size, "%s", spent);
		return;
	}
	if (ok) {
		text_size(p->total, amount, sizeof(amount));
		speed_text(p, ms, speed, sizeof(speed));
		snprintf(ret, size, "%s in %s%s%s", amount, spent, speed[0] ? ", " : "", speed);
	} else {
		amount_text(p, amount, sizeof(amount));
		snprintf(ret, size, "stopped after %s, %s", amount, spent);
	}
}

static void end_phase(struct progress *p, bool ok)
{
	struct line l = {.len = 0};
	char outcome[200];

	if (p->phase == NULL)
		return;
	outcome_text(p, ok, outcome, sizeof(outcome));
	clear_bar(p, &l);
	if (outcome[0] != '\0')
		add(&l, "%-*s %s\n", NAME_WIDTH, p->phase, outcome);
	write_line(p, &l);
	for (size_t i = 0; ok && i < p->n_shares; i++)
		if (strcmp(p->shares[i].phase, p->phase) == 0)
			p->past[i] = true;
	p->phase = NULL;
}

static void begin_phase(struct progress *p, const struct event *ev)
{
	p->phase = ev->phase;
	p->total = ev->total;
	p->done = p->first_done = ev->done;
	p->phase_start_ms = p->logged_ms = now(p);
	p->logged_tenth = 0;
	p->drawn_ms = 0;
	if (p->cfg.terminal)
		draw(p);
}

static void take_plan(struct progress *p, const struct event *ev)
{
	p->n_shares = ev->n_shares < SHARES_MAX ? ev->n_shares : SHARES_MAX;
	for (size_t i = 0; i < p->n_shares; i++) {
		p->shares[i] = ev->shares[i];
		p->past[i] = false;
	}
	p->shown = 0;
	p->job_start_ms = now(p);
}

static void on_event(void *ctx, const struct event *ev)
{
	struct progress *p = ctx;
	char text[512];

	switch (ev->type) {
	case EVENT_PLAN: take_plan(p, ev); break;
	case EVENT_PHASE:
		/* The same once more is a new attempt: it has not ended. */
		if (ev->phase == NULL || p->phase == NULL || strcmp(ev->phase, p->phase) != 0)
			end_phase(p, true);
		if (ev->phase != NULL)
			begin_phase(p, ev);
		break;
	case EVENT_PROGRESS:
		if (p->phase == NULL)
			break;
		p->done = ev->done;
		p->total = ev->total;
		if (!p->cfg.terminal)
			log_line(p);
		else if (now(p) - p->drawn_ms >= REDRAW_MS)
			draw(p);
		break;
	case EVENT_NOTE:
	case EVENT_WARNING:
	case EVENT_RETRY:
		/* What is said behind the last byte of a phase is no longer about it. */
		if (p->total > 0 && p->done >= p->total)
			end_phase(p, true);
		snprintf(text, sizeof(text), "%s%s%s",
			log_priority(p->cfg.to, ev->type == EVENT_NOTE ? LOG_INFO : LOG_WARN),
			ev->type == EVENT_WARNING ? "warning: "
			: ev->type == EVENT_RETRY ? "trying again: "
						  : "",
			ev->text);
		progress_message(p, text);
		break;
	}
}

/* --- life ----------------------------------------------------------------------------------- */

struct progress_config progress_config_for(FILE *to)
{
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
	bool terminal =
		isatty(fileno(to)) && term != NULL && term[0] != '\0' && strcmp(term, "dumb") != 0;

	return (struct progress_config){
		.to = to,
		.terminal = terminal,
		.colour = terminal && (no_color == NULL || no_color[0] == '\0'),
		.unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
		.clock = &clock_monotonic,
	};
}

struct progress *progress_new(const struct progress_config *cfg)
{
	struct progress *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->cfg = *cfg;
	p->job_start_ms = now(p);
	return p;
}

void progress_finish(struct progress *p, bool ok)
{
	if (p != NULL)
		end_phase(p, ok);
}

void progress_free(struct progress *p)
{
	progress_finish(p, false);
	free(p);
}

struct event_sink progress_sink(struct progress *p)
{
	return (struct event_sink){.fn = p != NULL ? on_event : NULL, .ctx = p};
}

void progress_message(struct progress *p, const char *line)
{
	struct line l = {.len = 0};
	FILE *to = p != NULL ? p->cfg.to : stderr;
	bool redraw = p != NULL && p->bar_visible;

	if (redraw) {
		clear_bar(p, &l);
		write_line(p, &l);
	}
	/* Not through the line buffer: a message may be longer. */
	fprintf(to, "%s\n", line);
	if (redraw)
		draw(p);
}
