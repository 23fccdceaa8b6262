/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/trace.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <stmota/buf.h>

#define LINE_BYTES 32

static struct {
	int fd;     /* -1: no trace */
	int failed; /* errno of the first write that did not work */
	uint64_t start_us;
	char path[256];
} trace = {.fd = -1};

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* In one go: another process may write to the same file. */
static void put(const char *text, size_t len)
{
	ssize_t n = write(trace.fd, text, len);

	if (n != (ssize_t)len && trace.failed == 0)
		trace.failed = n < 0 ? errno : ENOSPC;
}

/* "   0.204410 /dev/ttyUSB0 > " */
static int head(char *ret, size_t size, const char *name, char mark)
{
	uint64_t us = now_us() - trace.start_us;

	return snprintf(ret, size, "%4" PRIu64 ".%06u %.127s %c ", us / 1000000,
		(unsigned)(us % 1000000), name, mark);
}

int trace_open(const char *path, struct err *e)
{
	time_t now = time(NULL);
	struct tm tm;
	char line[80];
	size_t n;

	trace.fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (trace.fd < 0)
		return err_set_errno(e, ERR_IO, errno, "cannot write the trace %s", path);
	snprintf(trace.path, sizeof(trace.path), "%s", path);
	trace.failed = 0;
	trace.start_us = now_us();
	gmtime_r(&now, &tm);
	n = strftime(line, sizeof(line), "# stmota trace 1, %Y-%m-%dT%H:%M:%SZ\n", &tm);
	put(line, n);
	return 0;
}

int trace_close(struct err *e)
{
	if (trace.fd < 0)
		return 0;
	if (close(trace.fd) < 0 && trace.failed == 0)
		trace.failed = errno;
	trace.fd = -1;
	if (trace.failed == 0)
		return 0;
	return err_set_errno(e, ERR_IO, trace.failed, "cannot write the trace %s", trace.path);
}

bool trace_on(void)
{
	return trace.fd >= 0;
}

void trace_bytes(const char *name, enum trace_dir dir, const void *buf, size_t len)
{
	static const char digits[] = "0123456789ABCDEF";
	cleanup_buf struct buf text = BUF_INIT;
	const uint8_t *p = buf;
	char line[200 + 3 * LINE_BYTES + 2];

	if (!trace_on() || len == 0)
		return;
	for (size_t at = 0; at < len; at += LINE_BYTES) {
		char mark = at > 0 ? '.' : dir == TRACE_OUT ? '>' : '<';
		size_t n = (size_t)head(line, 200, name, mark);

		for (size_t i = at; i < len && i < at + LINE_BYTES; i++) {
			line[n++] = digits[p[i] >> 4];
			line[n++] = digits[p[i] & 15];
			line[n++] = ' ';
		}
		line[n - 1] = '\n';
		if (buf_append(&text, line, n, NULL) < 0) {
			trace.failed = ENOMEM;
			return;
		}
	}
	put((const char *)text.data, text.len);
}

void trace_note(const char *name, const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int n, more;

	if (!trace_on())
		return;
	n = head(line, sizeof(line) - 1, name, '*');
	va_start(ap, fmt);
	more = vsnprintf(line + n, sizeof(line) - 1 - (size_t)n, fmt, ap);
	va_end(ap);
	if (more < 0)
		return;
	n += more;
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	line[n++] = '\n';
	put(line, (size_t)n);
}
