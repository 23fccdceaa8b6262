/* SPDX-License-Identifier: Apache-2.0 */
/*
 * similar.h - "did you mean": the known word nearest to a mistyped one
 */
#ifndef STMOTA_SIMILAR_H
#define STMOTA_SIMILAR_H

struct similar {
	const char *word;  /* what was typed; borrowed */
	const char *best;  /* nearest candidate so far, NULL while none is near enough; borrowed */
	unsigned distance; /* of `best` */
};

#define SIMILAR_INIT(w) ((struct similar){.word = (w)})

/* Compares one candidate; it must live as long as `s` is used. Call for each, then read `best`. */
void similar_offer(struct similar *s, const char *candidate);

#endif
