/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event.h - what a running job tells its listeners
 *
 * Progress bars, JSON lines and logs listen to the same events.
 */
#ifndef STMOTA_EVENT_H
#define STMOTA_EVENT_H

#include <stddef.h>
#include <stdint.h>

enum event_type {
	EVENT_PLAN,     /* optional, before the first phase: `shares` of the phases in the whole */
	EVENT_PHASE,    /* a phase begins: `phase`, `total` bytes of work in it; the one before is
			   done. `phase` NULL: that was the last, or people are asked something */
	EVENT_PROGRESS, /* `done` of `total` bytes of the phase */
	EVENT_NOTE,     /* `text`: something a person may want to know */
	EVENT_WARNING,  /* `text` */
	EVENT_RETRY,    /* the conversation broke and is taken up again: `text` says why */
};

/* How much of the whole a phase is, in any unit; estimated milliseconds make an honest bar. */
struct event_share {
	const char *phase;
	uint64_t weight;
};

struct event {
	enum event_type type;
	const char *phase; /* "connect", "compare", "erase", "write", "verify", ...; static text */
	uint64_t done;     /* bytes */
	uint64_t total;    /* bytes */
	const char *text;  /* valid during the call only; NULL if none */
	const struct event_share *shares; /* of EVENT_PLAN, in order; valid during the call only */
	size_t n_shares;
};

/* `fn` NULL: nobody listens. */
struct event_sink {
	void (*fn)(void *ctx, const struct event *ev);
	void *ctx;
};

static inline void event_emit(const struct event_sink *s, const struct event *ev)
{
	if (s != 0 && s->fn != 0)
		s->fn(s->ctx, ev);
}

#endif
