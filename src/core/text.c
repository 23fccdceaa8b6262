/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/text.h>

#include <stdio.h>
#include <time.h>

void text_size(uint64_t bytes, char *ret, size_t size)
{
	if (bytes < 1024)
		snprintf(ret, size, "%u byte%s", (unsigned)bytes, bytes == 1 ? "" : "s");
	else if (bytes < 1024 * 1024 && bytes % 1024 == 0)
		snprintf(ret, size, "%u KiB", (unsigned)(bytes / 1024));
	else if (bytes < 1023 * 1024)
		snprintf(ret, size, "%.1f KiB", (double)bytes / 1024);
	else
		snprintf(ret, size, "%.1f MiB", (double)bytes / (1024 * 1024));
}

void text_size_exact(uint64_t bytes, char *ret, size_t size)
{
	char rounded[32];

	text_size(bytes, rounded, sizeof(rounded));
	if (bytes < 1024)
		snprintf(ret, size, "%s", rounded);
	else
		snprintf(ret, size, "%llu bytes (%s)", (unsigned long long)bytes, rounded);
}

void text_duration(uint64_t ms, char *ret, size_t size)
{
	uint64_t s = (ms + 500) / 1000;

	if (ms < 9950)
		snprintf(ret, size, "%.1f s", (double)ms / 1000);
	else if (s < 60)
		snprintf(ret, size, "%u s", (unsigned)s);
	else if (s < 3600)
		snprintf(ret, size, "%u:%02u", (unsigned)(s / 60), (unsigned)(s % 60));
	else
		snprintf(ret, size, "%llu:%02u:%02u", (unsigned long long)(s / 3600),
			(unsigned)(s / 60 % 60), (unsigned)(s % 60));
}

const char *text_time(uint64_t unix_time, char ret[TEXT_TIME_SIZE])
{
	time_t t = (time_t)unix_time;
	struct tm tm;

	/* Year 9999 is the last one with four digits. */
	if (unix_time > UINT64_C(253402300799) || gmtime_r(&t, &tm) == NULL ||
		strftime(ret, TEXT_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(ret, TEXT_TIME_SIZE, "9999-12-31T23:59:59Z");
	return ret;
}

const char *text_age(uint64_t seconds, char *ret, size_t size)
{
	static const struct {
		uint64_t below, unit;
		const char *name;
	} rows[] = {{3600, 60, "min"}, {48 * 3600, 3600, "h"}, {UINT64_MAX, 86400, "d"}};
	size_t i = 0;

	if (seconds < 60) {
		snprintf(ret, size, "now");
		return ret;
	}
	while (seconds >= rows[i].below && rows[i].below != UINT64_MAX)
		i++;
	snprintf(ret, size, "%llu %s", (unsigned long long)(seconds / rows[i].unit), rows[i].name);
	return ret;
}

size_t text_width(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xC0) != 0x80;
	return n;
}
