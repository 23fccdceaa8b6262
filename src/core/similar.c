/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/similar.h>

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Longer words are never offered; command, option and key names are far shorter. */
#define WORD_MAX 40

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Insertions, deletions, replacements and swaps of neighbours; each counts 1. */
static unsigned distance(const char *a, size_t na, const char *b, size_t nb)
{
	unsigned row[3][WORD_MAX + 1];
	unsigned *before = row[0], *above = row[1], *here = row[2];

	for (unsigned j = 0; j <= nb; j++)
		above[j] = j;
	for (size_t i = 1; i <= na; i++) {
		unsigned *next = before;

		here[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			here[j] = min3(above[j] + 1, here[j - 1] + 1,
				above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				before[j - 2] + 1 < here[j])
				here[j] = before[j - 2] + 1;
		}
		before = above;
		above = here;
		here = next;
	}
	return above[nb];
}

void similar_offer(struct similar *s, const char *candidate)
{
	size_t na = strlen(s->word), nb = strlen(candidate);
	unsigned d;

	if (na == 0 || na > WORD_MAX || nb > WORD_MAX)
		return;
	/* The beginning of a word means the word. */
	if (na >= 3 && strncmp(s->word, candidate, na) == 0)
		d = 1;
	else
		d = distance(s->word, na, candidate, nb);
	/* One slip in three letters is a slip; more is another word. */
	if (d * 3 > (na > nb ? na : nb) + 1)
		return;
	if (s->best == NULL || d < s->distance) {
		s->best = candidate;
		s->distance = d;
	}
}
