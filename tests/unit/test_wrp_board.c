/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_wrp_board.c - what option words are read to say about write protection is what a board does
 *
 * The simulator and chip_wrp_spans() read the same words with code of two people. Here they meet:
 * sectors are protected by the ROM's own command, the words are read back over the wire, and then
 * every unit is erased to see which ones resist.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/device.h>
#include <stmota/rom.h>

#include "sim_link.h"

#define FILL 0x5A

struct bench {
	struct sim_board *board;
	struct target *t;
	struct device_facts facts;
	struct err e;
};

static bool gather(struct bench *b)
{
	struct entry entry = ENTRY_INIT;

	return b->t->ops->connect(b->t, NULL, &b->e) == 0 &&
	       device_gather(b->t, &entry, CHIP_BANKS_DEFAULT, NULL, &b->facts, &b->e) == 0;
}

/* False for a chip whose bootloader this program does not speak to (WB0, WL3). */
static bool bench_open(struct bench *b, const struct chip *c, uint32_t flash_size)
{
	struct sim_config sim = {.chip = c, .flash_size = flash_size};
	struct rom_options opt = ROM_OPTIONS_INIT;
	struct link *l;

	memset(b, 0, sizeof(*b));
	b->e = ERR_INIT;
	if (sim_board_new(&sim, &b->board, &b->e) < 0)
		return false;
	l = sim_link_new(b->board, NULL);
	assert_non_null(l);
	assert_int_equal(rom_target_new(l, &opt, &b->t, &b->e), 0);
	return gather(b) && b->facts.has_geometry;
}

static void bench_close(struct bench *b)
{
	target_close(b->t);
	sim_board_free(b->board);
}

static bool said_protected(const struct device_facts *f, const struct erase_unit *u)
{
	for (size_t i = 0; i < f->n_wrp; i++)
		if (span_overlaps(f->wrp[i], (struct span){u->addr, u->size}))
			return true;
	return false;
}

/* Erases `u` alone; true if its bytes were still there afterwards. */
static bool resists(struct bench *b, const struct erase_unit *u)
{
	uint32_t size = 0;
	uint8_t *flash = sim_board_flash(b->board, &size);
	uint8_t *at = flash + (u->addr - b->facts.geometry.base);
	bool kept;

	memset(at, FILL, u->size);
	if (b->t->ops->erase(b->t, u, 1, &b->e) < 0)
		fail_msg("0x%03X: erase of 0x%08X: %s", b->facts.pid, u->addr, b->e.msg);
	kept = bytes_all(at, u->size, FILL);
	if (!kept && !bytes_all(at, u->size, b->facts.chip->erased_value))
		fail_msg("0x%03X: 0x%08X is half erased", b->facts.pid, u->addr);
	return kept;
}

/* The first units, where the protected sectors are, and the last ones. */
static size_t compare(struct bench *b)
{
	const struct geometry *g = &b->facts.geometry;
	size_t n_protected = 0;

	for (uint32_t i = 0; i < g->n_numbered; i++) {
		struct erase_unit u = geometry_unit(g, i);

		/* 0x43 names the first 256 only. */
		if ((i > 150 && i + 3 < g->n_numbered) ||
			(!b->t->info.commands[0x44] && u.number > 255))
			continue;
		if (resists(b, &u) != said_protected(&b->facts, &u))
			fail_msg("0x%03X: unit %u at 0x%08X", b->facts.pid, i, u.addr);
		n_protected += said_protected(&b->facts, &u);
	}
	return n_protected;
}

static void protect(struct bench *b, const uint8_t *sectors, size_t n)
{
	if (b->t->ops->protect(b->t, TARGET_WRITE_PROTECT, sectors, n, &b->e) < 0)
		fail_msg("0x%03X: %s", b->facts.pid, b->e.msg);
	sim_board_power(b->board, false);
	sim_board_power(b->board, true);
	if (!gather(b))
		fail_msg("0x%03X: %s", b->facts.pid, b->e.msg);
}

/* How many chips could be compared; `half`: on a part with half the flash of the die. */
static size_t compare_all(bool half)
{
	static const uint8_t sets[][2] = {{0, 1}, {1, 2}, {2, 5}};
	size_t chips = 0;

	for (size_t i = 0; i < chip_count(); i++) {
		uint32_t size = half ? chip_at(i)->flash_size_max / 2 : 0;

		for (size_t s = 0; s < ARRAY_LEN(sets); s++) {
			struct bench b;

			if (bench_open(&b, chip_at(i), size) && b.facts.wrp_known &&
				b.t->ops->protect != NULL && b.t->info.commands[0x63] &&
				!b.facts.banks_assumed && b.facts.geometry.n_numbered > 8) {
				assert_int_equal(b.facts.n_wrp, 0);
				assert_int_equal(compare(&b), 0);
				protect(&b, sets[s], 2);
				if (!b.facts.wrp_known && !half)
					fail_msg("0x%03X: %s", b.facts.pid, b.facts.wrp_why);
				/* Half of a small die may end before the sectors of the set. */
				if (b.facts.wrp_known && compare(&b) > 0)
					chips += s == 0;
				else if (!half)
					fail_msg("0x%03X: nothing is protected", b.facts.pid);
			}
			bench_close(&b);
		}
	}
	return chips;
}

static void test_wrp__boards_do_what_their_words_say(void **state)
{
	size_t chips = compare_all(false);

	/* F0 to F7, G0, G4, C0, L0 to L5, U0, H7, H5, WB, WL: those with a described ROM. */
	if (chips < 50)
		fail_msg("only %zu chips were compared", chips);
}

/* Where each bank has its own word, bank 2 of a smaller part begins at the same bit. */
static void test_wrp__smaller_parts_too(void **state)
{
	size_t chips = compare_all(true);

	if (chips < 35)
		fail_msg("only %zu chips were compared", chips);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrp__smaller_parts_too),
		cmocka_unit_test(test_wrp__boards_do_what_their_words_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
