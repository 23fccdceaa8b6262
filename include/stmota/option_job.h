/* SPDX-License-Identifier: Apache-2.0 */
/*
 * option_job.h - reads option bytes, plans a change of them as data, and carries it out
 *
 * Fields have the names of the chip table. Planning is pure. Carrying out is one write of a whole
 * block, after which the device resets itself; then everything is read back. It is never repeated:
 * a loop of option writes is a loop of resets.
 */
#ifndef STMOTA_OPTION_JOB_H
#define STMOTA_OPTION_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/chip.h>
#include <stmota/device.h>
#include <stmota/event.h>
#include <stmota/option_facts.h>

#define OPTION_CHANGES_MAX 64

/* What the option area holds. Each block is what one write must carry. */
struct option_words {
	const struct chip *chip;
	size_t n;
	struct option_block {
		struct span at;
		uint8_t data[OPTION_BLOCK_MAX];
	} block[OPTION_BLOCKS_MAX];
};

/*
 * Reads every block twice; both readings must agree.
 *
 * ERR_PROTECTED (read-out protection), ERR_UNSUPPORTED (no confirmed option area, or the
 * bootloader does not let it be read), ERR_IDENTITY (the readings differ), or the link's.
 */
int option_read(struct device *d, struct option_words *ret, struct err *e);

/* Value of a field of the chip table; 0 outside the blocks. */
uint32_t option_value(const struct option_words *w, const struct chip_bits *f);

/* A chip_option_reader over words that were read; `ctx` is a const struct option_words. */
int option_words_reader(void *ctx, uint32_t addr, uint32_t *ret_word, struct err *e);

/* By name ("BFB2"); ERR_USAGE if the chip has no such field, the hint has the nearest name. */
int option_find_value(const struct option_words *w, const char *name, uint32_t *ret, struct err *e);

struct option_want {
	const char *name;
	const struct chip_bits *field; /* NULL: found by name; for names that are not unique */
	uint32_t value;
};

struct option_limits {
	const char *const *irreversible; /* names that may be set although it cannot be undone */
	size_t n_irreversible;
	unsigned max_writes; /* blocks; 0: one */
	uint32_t write_max;  /* bytes that one write of the target carries; 0: not checked */
};

struct option_change {
	const struct chip_bits *field; /* where it is read */
	uint32_t from, to;
	unsigned consequences; /* OPTION_* */
};

struct option_plan {
	struct option_change change[OPTION_CHANGES_MAX];
	size_t n_changes;      /* 0: everything stands already, nothing will be written */
	unsigned consequences; /* of all changes */
	unsigned n_writes;     /* blocks that will be written */
	bool dirty[OPTION_BLOCKS_MAX];
	struct option_words before, after; /* whole blocks, complements included */
};

/*
 * Works out what to write. Pure.
 *
 * ERR_USAGE (unknown name, value too large, a name twice with different values, read-out
 * protection, a name that needs --irreversible), ERR_UNSUPPORTED (more writes than allowed, a block
 * larger than one write, a field that cannot be written), ERR_FORMAT (what was read breaks the
 * family's rule of complements).
 */
int option_plan_make(const struct option_words *now, const struct option_want *want, size_t n,
	const struct option_limits *limits, struct option_plan *ret, struct err *e);

/*
 * The one change that option_plan_make() refuses: read-out protection from level 0 to level 1.
 * ERR_UNSUPPORTED if it does not stand at level 0, or more than it would change.
 */
int option_plan_rdp_1(const struct option_words *now, const struct option_limits *limits,
	struct option_plan *ret, struct err *e);

enum option_outcome {
	OPTION_STOOD,   /* nothing was written */
	OPTION_DONE,    /* written, and read back after the reset */
	OPTION_PENDING, /* written; this ROM takes it over at the next power-up only */
};

/*
 * Carries it out: write, reset (the device's own), line up again, read back everything, gather
 * d->facts anew (another bank mode has other erase units). No retry of the write.
 *
 * Returns 0, ERR_UNFINISHED (written, and the device does not answer any more: the hint says how to
 * look), ERR_VERIFY (it holds something else), ERR_IDENTITY (options are not what the plan was made
 * from; nothing was written), or the error of a write after which the old value was read back.
 */
int option_execute(struct device *d, const struct option_plan *plan,
	const struct event_sink *events, enum option_outcome *ret, struct err *e);

/*
 * The write alone, for options that cannot be read back afterwards: what proves it is the caller's
 * business. One block at most. ERR_IDENTITY, ERR_UNFINISHED, or the error of the write.
 */
int option_write(struct device *d, const struct option_plan *plan, const struct event_sink *events,
	struct err *e);

/*
 * For whatever makes the device reset itself: waits for it, lines up, checks that it is the same
 * chip, gathers d->facts anew. ERR_UNFINISHED if it does not come back; `what` names what was done.
 */
int option_after_reset(
	struct device *d, const char *what, const struct event_sink *events, struct err *e);

#endif
