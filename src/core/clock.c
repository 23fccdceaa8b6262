/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/clock.h>

#include <time.h>

static uint64_t monotonic_now_ms(void *ctx)
{
	struct timespec ts;

	(void)ctx;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void monotonic_sleep_ms(void *ctx, uint32_t ms)
{
	struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	(void)ctx;
	nanosleep(&ts, NULL);
}

const struct clock clock_monotonic = {
	.now_ms = monotonic_now_ms,
	.sleep_ms = monotonic_sleep_ms,
};
