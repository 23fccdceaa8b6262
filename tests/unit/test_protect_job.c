/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_protect_job.c - protection of virtual boards: set, lifted, lifted for one update
 *
 * The board is the judge: whether a unit is protected is found out by erasing it. Updates with a
 * lift are cut at every flash operation and at many bytes; whatever happens, the next run ends with
 * the image on the board and the protection as it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <stmota/flash_job.h>
#include <stmota/protect_job.h>
#include <stmota/rom.h>

#include "sim_link.h"

struct bench {
	struct sim_board *board;
	struct device d;
	struct err e;
};

/* Whatever the target was, a new one; false if the device does not answer. */
static bool reconnect(struct bench *b)
{
	struct rom_options opt = ROM_OPTIONS_INIT;
	struct entry entry = ENTRY_INIT;
	struct link *l;

	target_close(b->d.target);
	memset(&b->d, 0, sizeof(b->d));
	b->e = ERR_INIT;
	l = sim_link_new(b->board, NULL);
	assert_non_null(l);
	assert_int_equal(rom_target_new(l, &opt, &b->d.target, &b->e), 0);
	b->d.url.entry = entry;
	return b->d.target->ops->connect(b->d.target, NULL, &b->e) == 0 &&
	       device_gather(b->d.target, &entry, CHIP_BANKS_DEFAULT, NULL, &b->d.facts, &b->e) ==
		       0;
}

static bool bench_open(struct bench *b, const struct chip *c, uint32_t seed)
{
	struct sim_config sim = {.chip = c, .seed = seed};

	memset(b, 0, sizeof(*b));
	b->e = ERR_INIT;
	return sim_board_new(&sim, &b->board, &b->e) == 0 && reconnect(b);
}

static void bench_close(struct bench *b)
{
	target_close(b->d.target);
	sim_board_free(b->board);
}

/* ---- wrp-on, wrp-off ---- */

static bool resists(struct bench *b, uint32_t index)
{
	struct erase_unit u = geometry_unit(&b->d.facts.geometry, index);
	uint8_t *at = sim_board_flash(b->board, NULL) + (u.addr - b->d.facts.geometry.base);

	memset(at, 0x5A, u.size);
	if (b->d.target->ops->erase(b->d.target, &u, 1, &b->e) < 0)
		fail_msg("0x%03X: %s", b->d.facts.pid, b->e.msg);
	return bytes_all(at, u.size, 0x5A);
}

/* Grows the range until the chip can protect exactly that. */
static int plan_from(struct bench *b, uint32_t first, struct span *ret, struct wrp_change *c)
{
	const struct geometry *g = &b->d.facts.geometry;
	struct erase_unit u = geometry_unit(g, first);
	int rc = ERR_NO_FIT;

	*ret = (struct span){u.addr, u.size};
	for (uint32_t i = first + 1; i <= g->n_units && rc == ERR_NO_FIT; i++) {
		rc = protect_plan_wrp(&b->d, true, ret, 1, c, &b->e);
		if (rc == ERR_NO_FIT && i < g->n_units)
			ret->len += geometry_unit(g, i).size;
	}
	return rc;
}

static void test_wrp__on_and_off_on_each_chip(void **state)
{
	static struct wrp_change c;
	size_t chips = 0, refused = 0;

	for (size_t i = 0; i < chip_count(); i++) {
		enum option_outcome outcome = OPTION_STOOD;
		struct span range;
		struct bench b;
		uint32_t first;

		if (!bench_open(&b, chip_at(i), 0) || !b.d.facts.wrp_known ||
			b.d.facts.banks_assumed || b.d.facts.geometry.n_numbered < 2) {
			bench_close(&b);
			continue;
		}
		/* A unit of bank 2, too, where an erase command can name it. */
		for (int bank = 1; bank <= 2; bank++) {
			first = bank == 2 ? b.d.facts.geometry.n_bank1 : 0;
			if (first >= b.d.facts.geometry.n_numbered)
				continue;
			if (plan_from(&b, first, &range, &c) < 0) {
				/* The last bit of F1 XL begins in bank 1. */
				if (b.e.code != ERR_UNSUPPORTED &&
					(bank == 1 || b.d.facts.pid != 0x430))
					fail_msg("0x%03X: %s", b.d.facts.pid, b.e.msg);
				refused++;
				continue;
			}
			if (protect_apply_wrp(&b.d, &c, NULL, &outcome, &b.e) < 0)
				fail_msg("0x%03X: %s", b.d.facts.pid, b.e.msg);
			assert_int_equal(outcome, OPTION_DONE);
			assert_int_equal(b.d.facts.n_wrp, 1);
			assert_memory_equal(&b.d.facts.wrp[0], &range, sizeof(range));
			assert_true(resists(&b, first));
			if (bank == 2)
				assert_false(resists(&b, 0));
			assert_int_equal(protect_plan_wrp(&b.d, false, NULL, 0, &c, &b.e), 0);
			assert_int_equal(protect_apply_wrp(&b.d, &c, NULL, &outcome, &b.e), 0);
			assert_int_equal(b.d.facts.n_wrp, 0);
			assert_false(resists(&b, first));
			/* Off is off: nothing is written. */
			assert_int_equal(protect_plan_wrp(&b.d, false, NULL, 0, &c, &b.e), 0);
			assert_int_equal(c.plan.n_changes, 0);
			chips += bank == 1;
		}
		bench_close(&b);
	}
	print_message("%zu chips, %zu times refused\n", chips, refused);
	if (chips < 45)
		fail_msg("only %zu chips", chips);
}

/* H7 over UART: its option area is longer than one write; the ROM's own command lifts all of it. */
static void test_wrp__off_by_command(void **state)
{
	static const uint8_t sectors[] = {1};
	static struct wrp_change c;
	enum option_outcome outcome = OPTION_STOOD;
	struct bench b;

	assert_true(bench_open(&b, chip_find(0x450), 0));
	assert_int_equal(
		b.d.target->ops->protect(b.d.target, TARGET_WRITE_PROTECT, sectors, 1, &b.e), 0);
	assert_true(reconnect(&b));
	assert_int_equal(b.d.facts.n_wrp, 1);
	assert_int_equal(protect_plan_wrp(&b.d, true, NULL, 0, &c, &b.e), ERR_UNSUPPORTED);
	assert_int_equal(protect_plan_wrp(&b.d, false, NULL, 0, &c, &b.e), 0);
	assert_true(c.by_command);
	assert_int_equal(protect_apply_wrp(&b.d, &c, NULL, &outcome, &b.e), 0);
	assert_int_equal(b.d.facts.n_wrp, 0);
	bench_close(&b);
}

/* ---- read-out protection ---- */

static size_t count_erased(struct bench *b)
{
	uint32_t size = 0;
	const uint8_t *flash = sim_board_flash(b->board, &size);

	return bytes_all(flash, size, b->d.facts.chip->erased_value);
}

static void test_rdp__set_and_lifted(void **state)
{
	static const uint16_t pids[] = {0x410, 0x413, 0x435, 0x447, 0x460, 0x472};

	for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
		bool erases, stands;
		struct bench b;

		assert_true(bench_open(&b, chip_find(pids[i]), 0));
		memset(sim_board_flash(b.board, NULL), 0x5A, 4096);
		/* Off already: nothing is sent, whatever was agreed to. */
		assert_int_equal(protect_set_rdp(&b.d, 0, true, NULL, &b.e), 0);
		assert_int_equal(sim_board_ops(b.board), 0);
		if (protect_set_rdp(&b.d, 1, false, NULL, &b.e) < 0)
			fail_msg("0x%03X: %s", pids[i], b.e.msg);
		assert_true(b.d.facts.read_refused);
		assert_int_equal(protect_check_rdp(&b.d.facts, 0, &erases, &stands, &b.e), 0);
		assert_true(erases);
		/* Without the word for it nothing is lost. */
		assert_int_equal(protect_set_rdp(&b.d, 0, false, NULL, &b.e), ERR_USAGE);
		assert_int_equal(sim_board_flash(b.board, NULL)[0], 0x5A);
		if (protect_set_rdp(&b.d, 0, true, NULL, &b.e) < 0)
			fail_msg("0x%03X: %s", pids[i], b.e.msg);
		assert_int_equal(b.d.facts.rdp, RDP_0);
		assert_true(count_erased(&b));
		bench_close(&b);
	}
}

static void test_rdp__refusals(void **state)
{
	struct device_facts f = {.chip = chip_find(0x413), .rdp = RDP_2};
	bool erases, stands;

	assert_int_equal(protect_check_rdp(&f, 0, &erases, &stands, NULL), ERR_PROTECTED);
	f.rdp = RDP_UNKNOWN;
	assert_int_equal(protect_check_rdp(&f, 0, &erases, &stands, NULL), ERR_UNSUPPORTED);
	f.rdp = RDP_0_5;
	assert_int_equal(protect_check_rdp(&f, 1, &erases, &stands, NULL), ERR_UNSUPPORTED);
	f = (struct device_facts){.chip = chip_find(0x484), .read_refused = true};
	assert_int_equal(protect_check_rdp(&f, 0, &erases, &stands, NULL), ERR_UNSUPPORTED);
}

/* ---- a lift for one update ---- */

static char dir[] = "/tmp/stmota-protect.XXXXXX";

struct lift {
	struct bench b;
	struct segments image;
	uint8_t bytes[6000];
	struct span protected; /* what stood at first */
};

static struct state *state_of(void)
{
	struct state *s = NULL;
	struct err e = ERR_INIT;

	if (state_open(dir, "board", &s, &e) < 0)
		fail_msg("%s", e.msg);
	return s;
}

static bool waits(void)
{
	struct state *s = state_of();
	bool yes = state_lifted(s) != NULL;

	state_close(s);
	return yes;
}

/* A board whose first part is protected, and an image for its first 6000 bytes. */
static void lift_open(struct lift *l, uint16_t pid, uint32_t seed)
{
	static struct wrp_change c;
	enum option_outcome outcome = OPTION_STOOD;
	char path[64];

	memset(l, 0, sizeof(*l));
	snprintf(path, sizeof(path), "%s/board.json", dir);
	unlink(path);
	for (size_t i = 0; i < sizeof(l->bytes); i++)
		l->bytes[i] = (uint8_t)(i * 7 + (i >> 8));
	assert_true(bench_open(&l->b, chip_find(pid), seed));
	assert_int_equal(segments_add(&l->image, l->b.d.facts.geometry.base, l->bytes,
				 sizeof(l->bytes), NULL),
		0);
	assert_int_equal(plan_from(&l->b, 0, &l->protected, &c), 0);
	assert_int_equal(protect_apply_wrp(&l->b.d, &c, NULL, &outcome, &l->b.e), 0);
}

static void lift_close(struct lift *l)
{
	segments_done(&l->image);
	bench_close(&l->b);
}

static int update(struct lift *l, bool lift)
{
	struct image_heads heads = {0};
	struct flash_request rq = {.image = &l->image, .heads = &heads, .lift_wrp = lift};
	struct flash_result result;
	int rc;

	rq.state = state_of();
	rc = flash_run(&l->b.d, &rq, &result, &l->b.e);
	if (rc == 0)
		assert_int_equal(state_finish(rq.state, NULL, NULL), 0);
	state_close(rq.state);
	return rc;
}

/* The image is there, the protection is as it was, nothing waits. */
static void check_all_well(struct lift *l, const char *when, uint64_t n)
{
	struct bench *b = &l->b;

	assert_true(reconnect(b));
	if (memcmp(sim_board_flash(b->board, NULL), l->bytes, sizeof(l->bytes)) != 0)
		fail_msg(
			"0x%03X, %s %u: the image is not there", b->d.facts.pid, when, (unsigned)n);
	if (b->d.facts.n_wrp != 1 ||
		memcmp(&b->d.facts.wrp[0], &l->protected, sizeof(l->protected)) != 0)
		fail_msg("0x%03X, %s %u: the protection is not what it was", b->d.facts.pid, when,
			(unsigned)n);
	assert_false(waits());
}

static const uint16_t lift_pids[] = {0x410, 0x413, 0x415, 0x419, 0x432, 0x436, 0x447, 0x467, 0x472};

static void test_lift__update(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(lift_pids); i++) {
		struct lift l;
		uint64_t ops;

		lift_open(&l, lift_pids[i], 0);
		assert_int_equal(update(&l, false), ERR_PROTECTED);
		assert_non_null(strstr(l.b.e.hint, "--lift-wrp"));
		ops = sim_board_ops(l.b.board);
		if (update(&l, true) < 0)
			fail_msg("0x%03X: %s", lift_pids[i], l.b.e.msg);
		check_all_well(&l, "no cut", 0);
		/* Nothing to write: nothing is lifted either. */
		ops = sim_board_ops(l.b.board);
		assert_int_equal(update(&l, true), 0);
		assert_int_equal(sim_board_ops(l.b.board), ops);
		lift_close(&l);
	}
}

/*
 * The power of the board fails in flash operation N, for each N: the first is the lift, the last
 * puts back. A cut inside the option window may leave level 1: then the next run says so, and
 * changes nothing. Everywhere else it ends well.
 */
static void test_lift__cut_at_every_operation(void **state)
{
	size_t cuts = 0, closed = 0;

	for (size_t i = 0; i < ARRAY_LEN(lift_pids); i++) {
		uint64_t total;
		struct lift l;

		lift_open(&l, lift_pids[i], 0);
		total = sim_board_ops(l.b.board);
		assert_int_equal(update(&l, true), 0);
		total = sim_board_ops(l.b.board) - total;
		lift_close(&l);
		for (uint64_t n = 1; n <= total; n += n < 3 || n + 3 > total ? 1 : total / 14 + 1) {
			bool option_op = n == 1 || n == total;
			char fault[32];
			int rc;

			lift_open(&l, lift_pids[i], (uint32_t)n);
			snprintf(fault, sizeof(fault), "cut@op:%u", (unsigned)n);
			assert_int_equal(sim_board_fault(l.b.board, fault, NULL), 0);
			assert_true(update(&l, true) < 0);
			assert_true(waits());
			sim_board_power(l.b.board, true);
			assert_true(reconnect(&l.b));
			rc = update(&l, true);
			if (rc == ERR_PROTECTED && option_op && l.b.d.facts.rdp == RDP_1) {
				assert_true(waits());
				closed++;
			} else if (rc < 0) {
				fail_msg(
					"0x%03X, cut %u: %s", lift_pids[i], (unsigned)n, l.b.e.msg);
			} else {
				check_all_well(&l, "cut", n);
			}
			lift_close(&l);
			cuts++;
		}
	}
	print_message("%zu cuts, %zu of them in the option window left read-out protection\n", cuts,
		closed);
	assert_true(cuts > 120);
}

/* The host goes away at byte N, as by kill -9; later the image is not even wanted any more. */
static void test_lift__host_vanishes(void **state)
{
	size_t cuts = 0, left_open = 0;

	for (size_t i = 0; i < ARRAY_LEN(lift_pids); i += 2) {
		for (unsigned n = 100; n < 9000; n += 797) {
			char fault[32];
			struct lift l;

			lift_open(&l, lift_pids[i], n);
			snprintf(fault, sizeof(fault), "vanish@rx:%u", n);
			assert_int_equal(sim_board_fault(l.b.board, fault, NULL), 0);
			if (update(&l, true) == 0) {
				lift_close(&l);
				break;
			}
			sim_board_replug(l.b.board);
			sim_board_power(l.b.board, false);
			sim_board_power(l.b.board, true);
			assert_true(reconnect(&l.b));
			left_open += l.b.d.facts.n_wrp == 0;
			/* Without the option: put back first, then refused. */
			assert_int_equal(update(&l, false), ERR_PROTECTED);
			assert_false(waits());
			assert_int_equal(l.b.d.facts.n_wrp, 1);
			assert_int_equal(update(&l, true), 0);
			check_all_well(&l, "byte", n);
			lift_close(&l);
			cuts++;
		}
	}
	print_message("%zu times, the protection was open in %zu\n", cuts, left_open);
	assert_true(cuts > 20 && left_open > 10);
}

/* The device refuses to be written: the run fails, and the protection is back all the same. */
static void test_lift__put_back_after_a_failure(void **state)
{
	struct lift l;
	char fault[32];

	lift_open(&l, 0x410, 0);
	/* The lift is the first write; then all are refused. */
	for (int k = 2; k < 26; k++) {
		snprintf(fault, sizeof(fault), "nack@0x31:%d", k);
		assert_int_equal(sim_board_fault(l.b.board, fault, NULL), 0);
	}
	assert_true(update(&l, true) < 0);
	sim_board_clear_faults(l.b.board);
	if (waits()) { /* the write that puts back was refused, too */
		assert_true(reconnect(&l.b));
		assert_int_equal(update(&l, false), ERR_PROTECTED);
	}
	assert_true(reconnect(&l.b));
	assert_int_equal(l.b.d.facts.n_wrp, 1);
	assert_false(waits());
	assert_int_equal(update(&l, true), 0);
	check_all_well(&l, "failure", 0);
	lift_close(&l);
}

/* ---- the table ---- */

static void test_table__says_what_is_in_the_way(void **state)
{
	struct protect_row rows[PROTECT_ROWS];
	struct option_words words;
	struct lift l;
	size_t n, in_the_way = 0;

	lift_open(&l, 0x435, 0);
	assert_int_equal(option_read(&l.b.d, &words, &l.b.e), 0);
	n = protect_table(&l.b.d.facts, &words, &l.image, rows);
	for (size_t i = 0; i < n; i++)
		in_the_way += rows[i].in_the_way;
	assert_int_equal(in_the_way, 1);
	assert_int_equal(protect_set_rdp(&l.b.d, 1, false, NULL, &l.b.e), 0);
	n = protect_table(&l.b.d.facts, NULL, &l.image, rows);
	assert_int_equal(n, 1);
	assert_true(rows[0].in_the_way);
	assert_non_null(strstr(rows[0].undo, "whole flash"));
	lift_close(&l);
	/* Every chip has a table, also without a device. */
	for (size_t i = 0; i < chip_count(); i++) {
		struct device_facts f = {.chip = chip_at(i), .wrp_why = "a: b"};

		memset(&words, 0, sizeof(words));
		words.chip = f.chip;
		n = protect_table(&f, &words, NULL, rows);
		assert_true(n >= 2 && n < PROTECT_ROWS);
	}
}

static int make_dir(void **state)
{
	return mkdtemp(dir) == NULL;
}

static int remove_dir(void **state)
{
	static const char *const names[] = {"board.json", "board.lock", "board.unit"};
	char path[64];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrp__on_and_off_on_each_chip),
		cmocka_unit_test(test_wrp__off_by_command),
		cmocka_unit_test(test_rdp__set_and_lifted),
		cmocka_unit_test(test_rdp__refusals),
		cmocka_unit_test(test_lift__update),
		cmocka_unit_test(test_lift__cut_at_every_operation),
		cmocka_unit_test(test_lift__host_vanishes),
		cmocka_unit_test(test_lift__put_back_after_a_failure),
		cmocka_unit_test(test_table__says_what_is_in_the_way),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
