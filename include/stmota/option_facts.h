/* SPDX-License-Identifier: Apache-2.0 */
/*
 * option_facts.h - option bytes of a chip: which bytes are written together, what a name means
 */
#ifndef STMOTA_OPTION_FACTS_H
#define STMOTA_OPTION_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/chip.h>

#define OPTION_BLOCKS_MAX 4
#define OPTION_BLOCK_MAX  704u /* bytes; the largest of the table has 640 */

/* What a change of a field means; a bit set. */
#define OPTION_CHANGES_GEOMETRY 1u  /* other erase units: what flash holds must be written anew */
#define OPTION_CHANGES_BOOT     2u  /* another program may start after the reset */
#define OPTION_LOCKS_ROM_OUT    4u  /* the BOOT0 pin may no longer lead into the bootloader */
#define OPTION_NOT_UNDONE       8u  /* cannot be taken back, or only by erasing everything */
#define OPTION_PROTECTS         16u /* changes write protection */
#define OPTION_READ_PROTECTS    32u /* read-out protection: never by name, see protect_job.h */

struct option_fact {
	const char *name;      /* as in the chip table; a '*' at the end stands for any more */
	const char *series;    /* NULL: all */
	unsigned consequences; /* OPTION_* */
	const char *meaning;   /* one line */
	const char *value[2];  /* what 0 and 1 mean; NULL: the number says it all */
};

/* What is known about the field `name` of this chip; never NULL: an unknown name has no undo. */
const struct option_fact *option_fact_of(const struct chip *c, const char *name);

/* The two consequences that need consent by name. */
static inline bool option_needs_consent(unsigned consequences)
{
	return (consequences & (OPTION_LOCKS_ROM_OUT | OPTION_NOT_UNDONE)) != 0;
}

/*
 * The parts of the option area that one write must carry whole: areas of the table that touch or
 * overlap are one. In address order; `ret` has room for OPTION_BLOCKS_MAX. Returns how many, 0
 * where no area is confirmed.
 */
size_t option_blocks(const struct chip *c, struct span ret[OPTION_BLOCKS_MAX]);

/* How a family guards option memory against half-done writes. */
enum option_complement {
	COMPLEMENT_NONE,  /* not at all, or where nothing else is known: a word beside the word */
	COMPLEMENT_BYTES, /* F0, F1, F3: each byte is followed by its complement */
	COMPLEMENT_HALVES /* L0, L1: the upper half of each word */
};

enum option_complement option_complement_of(const struct chip *c);

#endif
