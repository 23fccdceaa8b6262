/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare.h - may the new program take over the RAM of the old one?
 *
 * In a live update (AN4767) the new code starts while the variables of the old one stay. How much
 * work that is depends on how far the two memory maps agree; the worst difference decides.
 */
#ifndef STMOTA_COMPARE_H
#define STMOTA_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/cleanup.h>
#include <stmota/err.h>
#include <stmota/program.h>

enum compare_severity { /* AN4767, table 2 */
	COMPARE_SAME,
	COMPARE_REMOVED,
	COMPARE_ADDED,
	COMPARE_MOVED,
	COMPARE_CHANGED,
	COMPARE_SEVERITIES,
};

struct compare_change {
	enum compare_severity severity;
	const struct program_symbol *old, *new; /* NULL: added, removed */
	const char **details;                   /* owned array: each field that differs, in words */
	size_t n_details;
};

/* A type that both programs reach only through pointers: what lies in heap or pools. */
struct compare_type {
	const char *name;
	uint64_t old_size, new_size; /* bytes */
	const char **details;        /* owned array */
	size_t n_details;
};

struct compare_growth { /* a symbol that takes more or less flash than before */
	const char *name, *unit;
	uint32_t old_size, new_size; /* bytes, 0: not there */
};

struct comparison {                     /* borrows both programs */
	enum compare_severity severity; /* the worst of all changes */
	struct compare_change *changes; /* owned; worst first, then by address; no COMPARE_SAME */
	size_t n_changes;
	struct compare_type *types; /* owned; by name; each counts as COMPARE_CHANGED */
	size_t n_types;
	size_t n_same;
	/* Of those, how many could be compared by size only: no debug information in one of both. */
	size_t n_unproven;
	struct compare_growth *growth; /* owned; the largest difference first */
	size_t n_growth;
	const char **notes; /* owned array: what else must be thought of, in words */
	size_t n_notes;
	struct textpool texts;
};

#define COMPARISON_INIT ((struct comparison){0})

/* Pure; ERR_NOMEM. Release with comparison_done(). Both programs must stay. */
int compare_programs(const struct program *old, const struct program *new, struct comparison *ret,
	struct err *e);

/*
 * Proves that a section is the same bytes at the same address in both.
 * ERR_USAGE (neither or only one has it), ERR_VERIFY with the first address that differs.
 */
int compare_frozen(
	const struct program *old, const struct program *new, const char *section, struct err *e);

/* "moved", and what such a difference asks for; static. */
const char *compare_severity_name(enum compare_severity s);
const char *compare_severity_action(enum compare_severity s);

void comparison_done(struct comparison *c);

#define cleanup_comparison CLEANUP(comparison_done)

#endif
