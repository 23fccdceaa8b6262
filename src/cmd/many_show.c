/* SPDX-License-Identifier: Apache-2.0 */
/*
 * many_show.c - the progress of several devices, one line each
 *
 *	lamp-03  write     ━━━━━━━━━━━━━───────────────  43 %
 *	lamp-07  verify    ━━━━━━━━━━━━━━━━━━━━━━━─────  81 %
 *	18 of 20 done, 1 failed
 *
 * Only running devices have a line, and no more than the terminal has room for.
 */
#include "many.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <stmota/buf.h>
#include <stmota/text.h>

#define REDRAW_MS   100
#define NAME_MAX_W  32
#define PHASE_WIDTH 9
#define BAR_MIN     6
#define BAR_MAX     40

struct many_show {
	struct progress_config cfg;
	unsigned lines; /* on the screen now */
	uint64_t drawn_ms;
};

struct screen {
	size_t rows, columns;
};

static struct screen screen_of(const struct many_show *s)
{
	struct winsize size = {0};
	struct screen ret = {24, 80};

	if (ioctl(fileno(s->cfg.to), TIOCGWINSZ, &size) == 0) {
		ret.rows = size.ws_row > 0 ? size.ws_row : ret.rows;
		ret.columns = size.ws_col > 0 ? size.ws_col : ret.columns;
	}
	return ret;
}

struct many_show *many_show_new(const struct progress_config *cfg)
{
	struct many_show *s = calloc(1, sizeof(*s));

	if (s != NULL)
		s->cfg = *cfg;
	return s;
}

static void put(struct buf *b, const char *text)
{
	buf_append(b, text, strlen(text), NULL);
}

static void put_padded(struct buf *b, const char *text, size_t width)
{
	size_t len = strlen(text);

	/* The end of a URL tells more than its beginning. */
	put(b, len > width ? text + (len - width) : text);
	for (; len < width; len++)
		put(b, " ");
}

static void put_bar(const struct many_show *s, struct buf *b, size_t width, unsigned percent)
{
	size_t full = width * percent / 100;

	if (s->cfg.colour)
		put(b, "\033[36m");
	for (size_t i = 0; i < width; i++) {
		if (i == full && s->cfg.colour)
			put(b, "\033[0;90m");
		if (s->cfg.unicode)
			put(b, i < full ? "━" : "─");
		else
			put(b, i < full ? "=" : ".");
	}
	if (s->cfg.colour)
		put(b, "\033[0m");
}

static void put_device(const struct many_show *s, struct buf *b, const struct many_device *d,
	size_t name_width, size_t columns)
{
	unsigned percent =
		d->total == 0 ? 0
			      : (unsigned)(d->done >= d->total ? 100 : d->done * 100 / d->total);
	size_t fixed = name_width + 2 + PHASE_WIDTH + 1 + 6;
	char text[16];

	put_padded(b, d->name, name_width);
	put(b, "  ");
	put_padded(b, d->phase[0] != '\0' ? d->phase : "start", PHASE_WIDTH);
	if (d->total > 0) {
		put(b, " ");
		if (columns >= fixed + BAR_MIN) {
			size_t bar = columns - fixed;

			put_bar(s, b, bar < BAR_MAX ? bar : BAR_MAX, percent);
		}
		snprintf(text, sizeof(text), " %3u %%", percent);
		put(b, text);
	}
	put(b, "\033[K\n");
}

/* The cursor goes to the first of our lines, and everything from there on is cleared. */
static void put_home(struct many_show *s, struct buf *b)
{
	char text[24];

	if (s->lines > 0) {
		snprintf(text, sizeof(text), "\r\033[%uA", s->lines);
		put(b, text);
	}
	s->lines = 0;
}

static void put_sum(struct buf *b, const struct many_device *d, size_t n, size_t running,
	size_t shown, size_t columns)
{
	size_t ok = 0, failed = 0;
	char text[120], more[48] = "";

	for (size_t i = 0; i < n; i++) {
		ok += d[i].state == MANY_OK;
		failed += d[i].state == MANY_FAILED;
	}
	if (running > shown)
		snprintf(more, sizeof(more), ", %zu more are running", running - shown);
	snprintf(text, sizeof(text), "%zu of %zu done, %zu failed%s", ok + failed, n, failed, more);
	if (strlen(text) >= columns)
		text[columns - 1] = '\0';
	put(b, text);
	put(b, "\033[K\n");
}

void many_show_draw(struct many_show *s, const struct many_device *d, size_t n, bool now)
{
	cleanup_buf struct buf b = BUF_INIT;
	size_t running = 0, shown = 0, name_width = 4, room;
	struct screen screen;

	if (s == NULL || !s->cfg.terminal ||
		(!now && clock_now_ms(s->cfg.clock) - s->drawn_ms < REDRAW_MS))
		return;
	screen = screen_of(s);
	room = screen.rows > 3 ? screen.rows - 2 : 1;
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(d[i].name);

		running += d[i].state == MANY_RUNS;
		name_width = len > name_width ? len : name_width;
	}
	if (name_width > NAME_MAX_W)
		name_width = NAME_MAX_W;
	/* The percentage counts more than the beginning of a name. */
	if (screen.columns < name_width + PHASE_WIDTH + 12)
		name_width =
			screen.columns > PHASE_WIDTH + 16 ? screen.columns - PHASE_WIDTH - 12 : 4;
	put_home(s, &b);
	for (size_t i = 0; i < n && shown < room; i++) {
		if (d[i].state != MANY_RUNS)
			continue;
		put_device(s, &b, &d[i], name_width, screen.columns - 1);
		shown++;
	}
	put_sum(&b, d, n, running, shown, screen.columns);
	put(&b, "\033[J");
	s->lines = (unsigned)shown + 1;
	s->drawn_ms = clock_now_ms(s->cfg.clock);
	fwrite(b.data, 1, b.len, s->cfg.to);
	fflush(s->cfg.to);
}

void many_show_say(struct many_show *s, const char *device, const char *text)
{
	cleanup_buf struct buf b = BUF_INIT;

	if (s == NULL)
		return;
	put_home(s, &b);
	if (s->cfg.terminal)
		put(&b, "\033[J");
	put(&b, device);
	put(&b, ": ");
	put(&b, text);
	put(&b, "\n");
	fwrite(b.data, 1, b.len, s->cfg.to);
	fflush(s->cfg.to);
}

void many_show_free(struct many_show *s)
{
	if (s == NULL)
		return;
	if (s->lines > 0)
		fprintf(s->cfg.to, "\r\033[%uA\033[J", s->lines);
	fflush(s->cfg.to);
	free(s);
}
