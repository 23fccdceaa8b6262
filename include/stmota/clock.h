/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.h - time as a parameter, so that tests run without waiting
 */
#ifndef STMOTA_CLOCK_H
#define STMOTA_CLOCK_H

#include <stdint.h>

struct clock {
	void *ctx;
	uint64_t (*now_ms)(void *ctx);            /* monotonic, milliseconds */
	void (*sleep_ms)(void *ctx, uint32_t ms); /* returns early on a signal */
};

/* The machine's monotonic clock. */
extern const struct clock clock_monotonic;

static inline uint64_t clock_now_ms(const struct clock *c)
{
	return c->now_ms(c->ctx);
}

static inline void clock_sleep_ms(const struct clock *c, uint32_t ms)
{
	c->sleep_ms(c->ctx, ms);
}

#endif
