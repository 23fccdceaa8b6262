/* SPDX-License-Identifier: Apache-2.0 */
/* test_bank_move.c - the other bank: planned for every chip, and cut at every operation */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <stmota/bank_move.h>
#include <stmota/device.h>
#include <stmota/option_job.h>
#include <stmota/rom.h>
#include <stmota/state.h>
#include <stmota/trial.h>

#include "../../src/sim/sim.h"
#include "../support/sim_link.h"

#define IMAGE_LEN 2608u

/* ---- planning ---- */

struct words {
	const struct chip_bits *bit;
	uint32_t value;
};

static int read_word(void *ctx, uint32_t addr, uint32_t *ret, struct err *e)
{
	const struct words *w = ctx;

	(void)e;
	*ret = 0;
	if (addr == w->bit->addr)
		*ret = w->value << w->bit->bit;
	return 0;
}

static void put_program(uint8_t head[8], uint32_t sp)
{
	put_le32(head, sp);
	put_le32(head + 4, 0x08000401);
}

static void test_bank_move_plan__every_chip(void **state)
{
	unsigned planned = 0, refused = 0, single = 0;

	(void)state;
	for (size_t i = 0; i < chip_count(); i++) {
		const struct chip *c = chip_at(i);
		const char *name = c->bank_swap_bit != NULL ? c->bank_swap_bit : c->bank_boot_bit;
		struct words w = {.bit = name != NULL ? chip_option_find(c, name) : NULL};
		uint8_t heads[2][8];
		struct geometry g;
		struct bank_move m[2];

		if (geometry_init(&g, c, 0, CHIP_BANKS_TABLE, NULL) < 0)
			continue;
		put_program(heads[0], c->ram_base + 0x800);
		put_program(heads[1], c->ram_base + 0x800);
		if (g.banks == 1) {
			assert_int_equal(bank_move_plan(&g, 0xFF, read_word, &w, heads, m, NULL),
				ERR_UNSUPPORTED);
			single++;
			continue;
		}
		if (w.bit == NULL || bank_move_plan(&g, 0xFF, read_word, &w, heads, m, NULL) < 0) {
			refused++;
			continue;
		}
		for (w.value = 0; w.value < 2; w.value++) {
			struct bank_move *now = &m[w.value];
			struct err e = ERR_INIT;

			/* L496 wants nBOOT0 = 1, which these words do not have: no way to bank 2. */
			if (bank_move_plan(&g, 0xFF, read_word, &w, heads, now, &e) < 0)
				fail_msg("0x%03X: %s", c->pid, e.msg);
			assert_int_equal(now->running + now->other, 3);
			assert_int_equal(now->link, g.base);
			assert_int_equal(now->size, g.size / 2);
			assert_int_equal(now->value_back, w.value);
			assert_int_equal(now->value_new, w.value ^ 1);
			if (now->by_rom)
				assert_int_equal(
					now->to, now->running == 1 ? g.bank2_base : g.base);
			else
				assert_int_equal(now->to, g.bank2_base);
		}
		/* The other value, the other bank. */
		assert_int_equal(m[0].running, m[1].other);
		planned++;
	}
	print_message("%u planned, %u with two banks refused as not confirmed, %u with one bank\n",
		planned, refused, single);
	assert_true(planned >= 15);
}

static void test_bank_move_plan__bank2_without_a_program(void **state)
{
	const struct chip *c = chip_find(0x470);
	struct words w = {.bit = chip_option_find(c, "BFB2"), .value = 1};
	uint8_t heads[2][8];
	struct geometry g;
	struct bank_move m;

	(void)state;
	assert_int_equal(geometry_init(&g, c, 0, CHIP_BANKS_TABLE, NULL), 0);
	put_program(heads[0], 0x20001000);
	memset(heads[1], 0xFF, 8);
	/* The bit stands already: bank 1 runs because bank 2 has nothing to run. */
	assert_int_equal(bank_move_plan(&g, 0, read_word, &w, heads, &m, NULL), 0);
	assert_int_equal(m.running, 1);
	assert_int_equal(m.to, g.bank2_base);
	assert_int_equal(m.value_new, 1);
	assert_int_equal(m.value_back, 0);
	assert_int_equal(bank_move_check_stack(&m, c, 0x20001000, NULL), 0);
	assert_int_equal(bank_move_check_stack(&m, c, 0xFFFFFFFF, NULL), ERR_NO_FIT);
}

/* ---- cut at every operation ---- */

struct scene {
	const struct chip *chip;
	struct geometry geometry;
	struct sim_board *board;
	uint8_t old[IMAGE_LEN], new[IMAGE_LEN];
	struct segments image;
	char dir[40];
};

static void fill(const struct scene *s, uint8_t *p, uint8_t seed, const char *says)
{
	for (uint32_t i = 0; i < IMAGE_LEN; i++)
		p[i] = (uint8_t)(i * 7 + seed);
	put_le32(p, s->chip->ram_base + 0x800);
	for (uint32_t i = 1; i < 256; i++)
		put_le32(p + 4 * i, (i >= 7 && i <= 10) || i == 13 ? 0 : s->geometry.base + 0x601);
	snprintf((char *)p + 2000, 60, "stmota-sim says: %s", says);
}

static void scene_init(struct scene *s, uint16_t pid)
{
	memset(s, 0, sizeof(*s));
	s->chip = chip_find(pid);
	assert_int_equal(geometry_init(&s->geometry, s->chip, 0, CHIP_BANKS_TABLE, NULL), 0);
	fill(s, s->old, 1, "old");
	fill(s, s->new, 2, "new");
	assert_int_equal(segments_add(&s->image, s->geometry.base, s->new, IMAGE_LEN, NULL), 0);
	snprintf(s->dir, sizeof(s->dir), "%s/stmota-bank-XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(s->dir));
}

static void forget(const struct scene *s)
{
	static const char *const suffixes[] = {"json", "unit"};
	char path[80];

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		snprintf(path, sizeof(path), "%s/bench.%s", s->dir, suffixes[i]);
		unlink(path);
	}
}

static void scene_done(struct scene *s)
{
	forget(s);
	rmdir(s->dir);
	segments_done(&s->image);
}

static void new_board(struct scene *s, const char *fault)
{
	struct sim_config cfg = {.chip = s->chip, .seed = 11};
	struct err e = ERR_INIT;

	forget(s);
	if (sim_board_new(&cfg, &s->board, &e) < 0)
		fail_msg("%s", e.msg);
	memcpy(sim_board_flash(s->board, NULL), s->old, IMAGE_LEN);
	if (fault != NULL)
		assert_int_equal(sim_board_fault(s->board, fault, &e), 0);
}

static int open_device(struct scene *s, struct device *d, struct err *e)
{
	struct rom_options options = ROM_OPTIONS_INIT;
	int rc;

	options.entry.boot0.wire = ENTRY_WIRE_RTS;
	options.entry.nrst.wire = ENTRY_WIRE_DTR;
	rc = rom_target_new(sim_link_new(s->board, &(struct sim_link_config){.lines = true}),
		&options, &d->target, e);
	if (rc < 0)
		return rc;
	snprintf(d->name, sizeof(d->name), "bench");
	d->url.entry = options.entry;
	rc = d->target->ops->connect(d->target, &d->target->info, e);
	if (rc == 0)
		rc = device_gather(
			d->target, &options.entry, CHIP_BANKS_DEFAULT, NULL, &d->facts, e);
	return rc;
}

static int option_of(void *ctx, uint32_t addr, uint32_t *ret, struct err *e)
{
	struct device *d = ctx;
	uint8_t raw[4];
	int rc = d->target->ops->read(d->target, addr, raw, 4, e);

	*ret = get_le32(raw);
	return rc;
}

/* As the command does it. `expect`: what must be said. */
static int update(struct scene *s, const char *expect, struct trial_result *ret, struct err *e)
{
	struct device d = {0};
	struct segments placed = SEGMENTS_INIT;
	struct bank_move m = {0};
	struct proof proof = {.kind = PROOF_UART, .baud = 115200, .within_ms = 2000};
	uint8_t heads[2][8];
	uint32_t head = 0;
	struct state *state = NULL;
	int rc = open_device(s, &d, e);

	if (rc == 0)
		rc = state_open(s->dir, "bench", &state, e);
	proof.expect_len = strlen(expect);
	memcpy(proof.expect, expect, proof.expect_len);
	for (uint32_t i = 0; rc == 0 && i < 2; i++)
		rc = d.target->ops->read(
			d.target, s->geometry.base + i * s->geometry.size / 2, heads[i], 8, e);
	if (rc == 0)
		rc = bank_move_plan(
			&d.facts.geometry, d.facts.boot_id, option_of, &d, heads, &m, e);
	if (rc == 0) {
		struct image_heads at = {&head, 1};
		struct trial_request rq = {
			.flash = {.image = &placed, .heads = &at, .state = state},
			.bank = &m,
			.proof = &proof,
			.has_start = true,
			.start = m.link,
		};

		head = m.to;
		rc = segments_shift(&s->image, m.to - m.link, &placed, e);
		if (rc == 0)
			rc = trial_run(&d, &rq, ret, e);
	}
	state_close(state);
	segments_done(&placed);
	target_close(d.target);
	return rc;
}

/* What a power-up with BOOT0 low starts. 1: old, 2: new, 0: neither. */
static int boots(struct scene *s)
{
	struct span at = {0};
	const uint8_t *p;

	sim_board_power(s->board, false);
	sim_board_lines(s->board, false, true);
	sim_board_power(s->board, true);
	if (!sim_board_running(s->board, &at))
		return 0;
	p = sim_board_flash(s->board, NULL) + at.addr;
	return memcmp(p, s->old, IMAGE_LEN) == 0 ? 1 : memcmp(p, s->new, IMAGE_LEN) == 0 ? 2 : 0;
}

static void enter_rom(struct scene *s)
{
	sim_board_power(s->board, false);
	sim_board_lines(s->board, true, true);
	sim_board_power(s->board, true);
}

static void cut_everywhere(uint16_t pid)
{
	unsigned old = 0, new = 0, finished = 0, locked = 0;
	struct trial_result result;
	struct scene s;
	struct err e = ERR_INIT;
	uint64_t ops;

	scene_init(&s, pid);
	new_board(&s, NULL);
	if (update(&s, "new", &result, &e) < 0)
		fail_msg("0x%03X: %s", pid, e.msg);
	assert_true(result.confirmed && result.switched);
	assert_int_equal(boots(&s), 2);
	ops = sim_board_ops(s.board);
	sim_board_free(s.board);
	for (uint64_t i = 1; i <= ops; i++) {
		char fault[40];
		int which, rc;

		snprintf(fault, sizeof(fault), "cut@op:%u", (unsigned)i);
		new_board(&s, fault);
		e = ERR_INIT;
		assert_true(update(&s, "new", &result, &e) < 0);
		sim_board_clear_faults(s.board);
		which = boots(&s);
		if (which == 0)
			fail_msg("0x%03X: %s leaves a chip that starts neither", pid, fault);
		old += which == 1;
		new += which == 2;
		enter_rom(&s);
		e = ERR_INIT;
		rc = which == 1 ? update(&s, "new", &result, &e) : 0;
		if (rc == ERR_PROTECTED && i == ops)
			locked++; /* the option window: read-out protection, and still it runs */
		else if (rc < 0)
			fail_msg("0x%03X: after %s: %s", pid, fault, e.msg);
		else
			finished++;
		sim_board_free(s.board);
	}
	scene_done(&s);
	print_message("0x%03X: %u cuts: old runs after %u, new after %u; finished by the same "
		      "call %u, read-out protected by a cut in the option write %u\n",
		pid, (unsigned)ops, old, new, finished, locked);
}

static void test_bank__cut_at_every_operation(void **state)
{
	static const uint16_t pids[] = {0x482, 0x470, 0x419, 0x447};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pids); i++)
		cut_everywhere(pids[i]);
}

/* H74: one write does not carry its option area. That must be known before the first erase. */
static void test_bank__a_switch_that_cannot_be_made(void **state)
{
	struct trial_result result;
	struct err e = ERR_INIT;
	struct scene s;

	(void)state;
	scene_init(&s, 0x450);
	new_board(&s, NULL);
	assert_int_equal(update(&s, "new", &result, &e), ERR_UNSUPPORTED);
	assert_int_equal(sim_board_ops(s.board), 0);
	assert_int_equal(boots(&s), 1);
	sim_board_free(s.board);
	scene_done(&s);
}

static void test_bank__silence_switches_back(void **state)
{
	static const uint16_t pids[] = {0x482, 0x470, 0x419, 0x447};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
		struct trial_result result;
		struct err e = ERR_INIT;
		struct scene s;

		scene_init(&s, pids[i]);
		new_board(&s, NULL);
		assert_int_equal(update(&s, "something else", &result, &e), ERR_VERIFY);
		if (!result.taken_back)
			fail_msg("0x%03X: %s", pids[i], e.msg);
		assert_non_null(strstr(e.msg, "bank 1 runs again"));
		assert_int_equal(boots(&s), 1);
		sim_board_free(s.board);
		scene_done(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bank_move_plan__every_chip),
		cmocka_unit_test(test_bank_move_plan__bank2_without_a_program),
		cmocka_unit_test(test_bank__cut_at_every_operation),
		cmocka_unit_test(test_bank__a_switch_that_cannot_be_made),
		cmocka_unit_test(test_bank__silence_switches_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
