/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/log.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

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
