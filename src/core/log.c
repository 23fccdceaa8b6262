/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/log.h>

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static struct {
	log_handler handler;
	void *ctx;
	enum log_level max;
} sink;

void log_set_handler(log_handler handler, void *ctx, enum log_level max)
{
	sink.handler = handler;
	sink.ctx = ctx;
	sink.max = max;
}

void log_at(enum log_level level, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	if (sink.handler == NULL || level > sink.max)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	sink.handler(sink.ctx, level, line);
}

/* systemd.exec(5): device and inode of the stream, so that what was redirected is known for it. */
static bool is_journal(FILE *to)
{
	const char *named = getenv("JOURNAL_STREAM");
	unsigned long long dev, inode;
	struct stat st;

	return named != NULL && sscanf(named, "%llu:%llu", &dev, &inode) == 2 &&
	       fstat(fileno(to), &st) == 0 && st.st_dev == dev && st.st_ino == inode;
}

const char *log_priority(FILE *to, enum log_level level)
{
	static const char *const prefix[] = {
		[LOG_ERROR] = "<3>", [LOG_WARN] = "<4>", [LOG_INFO] = "", [LOG_DEBUG] = "<7>"};

	return is_journal(to) ? prefix[level] : "";
}
