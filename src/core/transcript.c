/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/transcript.h>

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <stmota/clock.h>
#include <stmota/fs.h>

#define LINE_ROOM 160
#define SUFFIX    ".log"
#define STAMP_LEN 26 /* "-20261121T120000Z-0012345" + NUL */

struct transcript {
	int fd;
	size_t size;
	bool full;
	uint64_t start_ms;
	char line[LINE_ROOM + 8]; /* heard, not yet written */
	size_t len;
	char path[1024];
};

static void put(struct transcript *t, char mark, const char *text)
{
	uint64_t ms = clock_now_ms(&clock_monotonic) - t->start_ms;
	char out[LINE_ROOM + 64];
	int n = snprintf(out, sizeof(out), "%5" PRIu64 ".%03u %c %s\n", ms / 1000,
		(unsigned)(ms % 1000), mark, text);

	if (t->full || n <= 0)
		return;
	if ((size_t)n >= sizeof(out))
		n = sizeof(out) - 1;
	if (t->size + (size_t)n > TRANSCRIPT_MAX - 64) {
		static const char end[] = "      ... the rest is not kept\n";

		t->full = true;
		n = sizeof(end) - 1;
		memcpy(out, end, sizeof(end));
	}
	t->full |= write(t->fd, out, (size_t)n) != (ssize_t)n;
	t->size += (size_t)n;
}

static void flush_line(struct transcript *t)
{
	if (t->len == 0)
		return;
	t->line[t->len] = '\0';
	t->len = 0;
	put(t, '<', t->line);
}

/* ---- files ---- */

/* "uart:/dev/ttyUSB0" -> "uart--dev-ttyUSB0" */
static void plain_name(const char *device, char *ret, size_t size)
{
	size_t n = 0;

	for (const char *p = device; *p != '\0' && strchr("?,", *p) == NULL && n < size - 1; p++) {
		bool plain = isalnum((unsigned char)*p) || *p == '_' || (*p == '.' && n > 0);

		ret[n++] = plain ? *p : '-';
	}
	ret[n] = '\0';
}

static bool is_of(const char *file, const char *name)
{
	size_t len = strlen(name), all = strlen(file);

	return all == len + STAMP_LEN - 1 + strlen(SUFFIX) && strncmp(file, name, len) == 0 &&
	       file[len] == '-' && isdigit((unsigned char)file[len + 1]) &&
	       strcmp(file + all - strlen(SUFFIX), SUFFIX) == 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names sort by time. Keeps one less than allowed: a new one follows. */
static void prune(const char *folder, const char *name)
{
	char **v = NULL;
	size_t n = 0;
	struct dirent *d;
	DIR *dir = opendir(folder);

	while (dir != NULL && (d = readdir(dir)) != NULL) {
		char **more = is_of(d->d_name, name) ? realloc(v, (n + 1) * sizeof(*v)) : NULL;

		if (more == NULL)
			continue;
		v = more;
		v[n] = strdup(d->d_name);
		n += v[n] != NULL;
	}
	if (n > 0)
		qsort(v, n, sizeof(*v), by_name);
	for (size_t i = 0; i < n; i++) {
		char path[1024];

		if (i + TRANSCRIPT_KEEP <= n &&
			snprintf(path, sizeof(path), "%s/%s", folder, v[i]) < (int)sizeof(path))
			unlink(path);
		free(v[i]);
	}
	free(v);
	if (dir != NULL)
		closedir(dir);
}

int transcript_open(const char *folder, const char *device, struct transcript **ret, struct err *e)
{
	struct transcript *t;
	char name[100], stamp[STAMP_LEN + 24];
	time_t now = time(NULL);
	struct tm tm;
	int rc = fs_mkdir(folder, e);

	if (rc < 0)
		return rc;
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	plain_name(device, name, sizeof(name));
	prune(folder, name);
	gmtime_r(&now, &tm);
	snprintf(stamp, sizeof(stamp), "-%04d%02d%02dT%02d%02d%02dZ-%07ld", tm.tm_year + 1900,
		tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		(long)getpid() % 10000000);
	t->fd = -1;
	if (snprintf(t->path, sizeof(t->path), "%s/%s%s" SUFFIX, folder, name, stamp) <
		(int)sizeof(t->path))
		t->fd = open(t->path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (t->fd < 0) {
		err_set_errno(e, ERR_IO, errno, "cannot write the transcript %s", t->path);
		free(t);
		return ERR_IO;
	}
	t->start_ms = clock_now_ms(&clock_monotonic);
	transcript_note(t, "stmota " STMOTA_VERSION ", %s%s", device, stamp);
	*ret = t;
	return 0;
}

void transcript_close(struct transcript *t)
{
	if (t == NULL)
		return;
	flush_line(t);
	close(t->fd);
	free(t);
}

const char *transcript_path(const struct transcript *t)
{
	return t != NULL ? t->path : "";
}

/* ---- what goes in ---- */

void transcript_heard(struct transcript *t, const uint8_t *p, size_t len)
{
	for (size_t i = 0; t != NULL && i < len; i++) {
		if (p[i] == '\n' || t->len >= LINE_ROOM)
			flush_line(t);
		if (isprint(p[i]))
			t->line[t->len++] = (char)p[i];
		else if (p[i] != '\n' && p[i] != '\r')
			t->len += (size_t)snprintf(
				t->line + t->len, sizeof(t->line) - t->len, "<%02X>", p[i]);
	}
}

void transcript_sent(struct transcript *t, const uint8_t *p, size_t len)
{
	char text[LINE_ROOM] = "";
	size_t n = 0;

	if (t == NULL || len == 0)
		return;
	flush_line(t);
	if ((p[0] == 0x01 && len >= 132) || (p[0] == 0x02 && len >= 1028)) {
		snprintf(text, sizeof(text), "[block %u, %u bytes]", p[1],
			p[0] == 0x01 ? 128u : 1024u);
		put(t, '>', text);
		return;
	}
	for (size_t i = 0; i < len && n + 8 < sizeof(text); i++)
		n += (size_t)snprintf(
			text + n, sizeof(text) - n, isprint(p[i]) ? "%c" : "<%02X>", p[i]);
	put(t, '>', text);
}

void transcript_note(struct transcript *t, const char *fmt, ...)
{
	char text[LINE_ROOM + 1];
	va_list ap;

	if (t == NULL)
		return;
	flush_line(t);
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put(t, '*', text);
}
