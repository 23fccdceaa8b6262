/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_option.c - option bytes: plans for every chip of the table, and the writes on virtual boards
 *
 * Planning is looked at from outside: the bytes that would be sent are taken apart here, with the
 * places of the chip table. Then the plans are carried out on every chip that can be simulated.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/option_job.h>
#include <stmota/rom.h>

#include "sim_link.h"

static uint32_t mask_of(const struct chip_bits *f)
{
	return f->width >= 32 ? UINT32_MAX : (1u << f->width) - 1;
}

/* ---- pure planning ---- */

static uint8_t *at(struct option_words *w, uint32_t addr)
{
	for (size_t i = 0; i < w->n; i++)
		if (addr >= w->block[i].at.addr && addr + 4 <= span_end(w->block[i].at))
			return w->block[i].data + (addr - w->block[i].at.addr);
	return NULL;
}

/* The words of a device as it left the factory: nothing protected, complements where they are. */
static bool fill(const struct chip *c, struct option_words *w)
{
	struct span blocks[OPTION_BLOCKS_MAX];
	enum option_complement kind = option_complement_of(c);

	memset(w, 0, sizeof(*w));
	w->chip = c;
	w->n = option_blocks(c, blocks);
	for (size_t i = 0; i < w->n; i++) {
		w->block[i].at = blocks[i];
		memset(w->block[i].data, 0xFF, blocks[i].len);
		for (uint32_t k = 0; k < blocks[i].len; k += 4)
			if (kind != COMPLEMENT_NONE)
				put_le32(w->block[i].data + k,
					kind == COMPLEMENT_BYTES ? 0x00FF00FF : 0x0000FFFF);
	}
	for (size_t i = 0; i < c->options.n_rdp; i++) {
		const struct chip_bits *f = &c->options.rdp[i];
		uint8_t open = strcmp(c->series, "F1") == 0 ? 0xA5 : 0xAA;
		uint8_t *p = at(w, f->addr);

		assert_non_null(p);
		p[f->bit / 8] = open;
		if (kind == COMPLEMENT_BYTES)
			p[f->bit / 8 + 1] = (uint8_t)~open;
		if (kind == COMPLEMENT_HALVES)
			p[2] = (uint8_t)~open;
	}
	return w->n > 0;
}

/* Every value of read-out protection that the planned bytes hold is the one that stood. */
static void check_rdp_kept(struct option_plan *p)
{
	const struct chip *c = p->before.chip;

	for (size_t i = 0; i < c->options.n_rdp; i++) {
		const struct chip_bits *f = &c->options.rdp[i];
		uint32_t is = get_le32(at(&p->after, f->addr)) >> f->bit & 0xFF;

		assert_int_equal(is, strcmp(c->series, "F1") == 0 ? 0xA5 : 0xAA);
	}
}

/* All bits outside the field and its complement stand as they were. */
static void check_nothing_else(struct option_plan *p, const struct chip_bits *f)
{
	const struct chip *c = p->before.chip;
	enum option_complement kind = option_complement_of(c);

	for (size_t i = 0; i < p->after.n; i++) {
		for (uint32_t k = 0; k < p->after.block[i].at.len; k += 4) {
			uint32_t addr = p->after.block[i].at.addr + k;
			uint32_t diff = get_le32(p->before.block[i].data + k) ^
					get_le32(p->after.block[i].data + k);
			uint32_t may = 0;

			for (size_t b = 0; b < c->options.n_bits + c->options.n_wrp; b++) {
				const struct chip_bits *x =
					b < c->options.n_bits
						? &c->options.bits[b]
						: &c->options.wrp[b - c->options.n_bits];

				if (x->addr == addr && strcmp(x->name, f->name) == 0)
					may |= mask_of(x) << x->bit;
			}
			if (kind == COMPLEMENT_BYTES)
				may |= (may & 0x00FF00FF) << 8;
			if (kind == COMPLEMENT_HALVES)
				may |= may << 16;
			if ((diff & ~may) != 0)
				fail_msg("0x%03X %s: 0x%08X changes by 0x%08X", c->pid, f->name,
					addr, diff);
		}
	}
}

static void test_plan__each_field_of_each_chip(void **state)
{
	static struct option_plan p;
	static struct option_words w;
	size_t fields = 0, refused = 0;

	for (size_t i = 0; i < chip_count(); i++) {
		const struct chip *c = chip_at(i);

		if (!fill(c, &w))
			continue;
		for (size_t k = 0; k < c->options.n_bits; k++) {
			const struct chip_bits *f = chip_option_find(c, c->options.bits[k].name);
			struct option_want want = {
				.name = f->name, .value = option_value(&w, f) ^ 1};
			const char *names[] = {f->name};
			struct option_limits consent = {.irreversible = names, .n_irreversible = 1};
			unsigned what = option_fact_of(c, f->name)->consequences;
			struct err e = ERR_INIT;
			int rc = option_plan_make(&w, &want, 1, NULL, &p, &e);

			if ((what & OPTION_READ_PROTECTS) != 0) {
				assert_int_equal(rc, ERR_USAGE);
				assert_int_equal(option_plan_make(&w, &want, 1, &consent, &p, &e),
					ERR_USAGE);
				refused++;
				continue;
			}
			if (option_needs_consent(what)) {
				assert_int_equal(rc, ERR_USAGE);
				assert_non_null(strstr(e.hint, f->name));
				rc = option_plan_make(&w, &want, 1, &consent, &p, &e);
			}
			if (rc < 0)
				fail_msg("0x%03X %s: %s", c->pid, f->name, e.msg);
			assert_int_equal(p.n_changes, 1);
			assert_int_equal(p.n_writes, 1);
			assert_int_equal(p.change[0].to, want.value);
			check_rdp_kept(&p);
			check_nothing_else(&p, f);
			fields++;
			/* What stands already is no change. */
			want.value ^= 1;
			assert_int_equal(option_plan_make(&w, &want, 1, NULL, &p, &e), 0);
			assert_int_equal(p.n_changes, 0);
			assert_int_equal(p.n_writes, 0);
		}
	}
	if (fields < 200 || refused < 10)
		fail_msg("%zu fields planned, %zu refused", fields, refused);
}

static void test_plan__rdp_is_never_an_option(void **state)
{
	static struct option_plan p;
	static struct option_words w;
	const char *names[] = {"RDP"};
	struct option_limits consent = {.irreversible = names, .n_irreversible = 1};
	const uint32_t values[] = {0xAA, 0xA5, 0xBB, 0xCC, 0x55, 0x00};

	for (size_t i = 0; i < chip_count(); i++) {
		if (chip_at(i)->options.n_rdp == 0 || !fill(chip_at(i), &w))
			continue;
		for (size_t k = 0; k < ARRAY_LEN(values); k++) {
			struct option_want want = {.name = "RDP", .value = values[k]};

			assert_int_equal(
				option_plan_make(&w, &want, 1, &consent, &p, NULL), ERR_USAGE);
		}
	}
}

/* Even a chip table that places an option into the RDP byte cannot make level 2 of it. */
static void test_plan__no_overlap_reaches_rdp(void **state)
{
	static struct option_plan p;
	static struct option_words w;
	struct chip evil = *chip_find(0x413);
	struct chip_bits bits[] = {
		{"TRAP", evil.options.rdp[0].addr, 8, 8, CHIP_ACCESS_READ | CHIP_ACCESS_WRITE}};
	const char *names[] = {"TRAP"};
	struct option_limits consent = {.irreversible = names, .n_irreversible = 1};
	struct option_want want = {.name = "TRAP", .value = 0xCC};
	struct err e = ERR_INIT;

	evil.options.bits = bits;
	evil.options.n_bits = 1;
	assert_true(fill(&evil, &w));
	assert_int_equal(option_plan_make(&w, &want, 1, &consent, &p, &e), ERR_UNSUPPORTED);
	assert_non_null(strstr(e.msg, "0xCC"));
	want.value = 0x55;
	assert_int_equal(option_plan_make(&w, &want, 1, &consent, &p, &e), ERR_UNSUPPORTED);
}

static void test_plan__refusals(void **state)
{
	static struct option_plan p;
	static struct option_words w;
	struct option_want want[2] = {{.name = "BFB2", .value = 1}, {.name = "BFB2", .value = 0}};
	struct option_limits small = {.write_max = 8};
	struct err e = ERR_INIT;

	assert_true(fill(chip_find(0x415), &w));
	assert_int_equal(option_plan_make(&w, want, 2, NULL, &p, &e), ERR_USAGE);
	want[0].name = want[1].name = "bfb2";
	assert_int_equal(option_plan_make(&w, want, 1, NULL, &p, &e), ERR_USAGE);
	assert_non_null(strstr(e.hint, "BFB2"));
	want[0].name = "BFB2";
	want[0].value = 2;
	assert_int_equal(option_plan_make(&w, want, 1, NULL, &p, &e), ERR_USAGE);
	want[0].value = 0;
	assert_int_equal(option_plan_make(&w, want, 1, &small, &p, &e), ERR_UNSUPPORTED);
	/* Each bank has an area of its own: two writes. */
	want[0] = (struct option_want){.name = "WRP1A_STRT", .value = 3};
	want[1] = (struct option_want){.name = "WRP2A_STRT", .value = 3};
	assert_int_equal(option_plan_make(&w, want, 2, NULL, &p, &e), ERR_UNSUPPORTED);
	assert_int_equal(
		option_plan_make(&w, want, 2, &(struct option_limits){.max_writes = 2}, &p, &e), 0);
	assert_int_equal(p.n_writes, 2);
	/* Damaged complements are not guessed at. */
	assert_true(fill(chip_find(0x410), &w));
	w.block[0].data[9] ^= 0x10;
	want[0] = (struct option_want){.name = "WRP0", .value = 3};
	assert_int_equal(option_plan_make(&w, want, 1, NULL, &p, &e), ERR_FORMAT);
}

/* L4 and its like: a word is followed by its complement. */
static void test_plan__complement_beside_the_word(void **state)
{
	static struct option_plan p;
	static struct option_words w;
	struct option_want want = {.name = "WRP1A_STRT", .value = 5};
	uint8_t *b;

	assert_true(fill(chip_find(0x435), &w));
	for (uint32_t k = 0; k + 8 <= w.block[0].at.len; k += 8)
		put_le32(w.block[0].data + k + 4, ~get_le32(w.block[0].data + k));
	assert_int_equal(option_plan_make(&w, &want, 1, NULL, &p, NULL), 0);
	b = p.after.block[0].data;
	assert_int_equal(get_le32(b + 0x18) & 0xFF, 5);
	assert_int_equal(get_le32(b + 0x1C), ~get_le32(b + 0x18));
	assert_int_equal(get_le32(b + 0x04), ~get_le32(b));
}

/* ---- on boards ---- */

struct bench {
	struct sim_board *board;
	struct device d;
	struct err e;
};

static bool bench_open(struct bench *b, const struct chip *c, const char *fault)
{
	struct sim_config sim = {.chip = c, .faults = &fault, .n_faults = fault != NULL};
	struct rom_options opt = ROM_OPTIONS_INIT;
	struct entry entry = ENTRY_INIT;
	struct link *l;

	memset(b, 0, sizeof(*b));
	b->e = ERR_INIT;
	if (sim_board_new(&sim, &b->board, &b->e) < 0)
		return false;
	l = sim_link_new(b->board, NULL);
	assert_non_null(l);
	assert_int_equal(rom_target_new(l, &opt, &b->d.target, &b->e), 0);
	b->d.url.entry = entry;
	return b->d.target->ops->connect(b->d.target, NULL, &b->e) == 0 &&
	       device_gather(b->d.target, &entry, CHIP_BANKS_DEFAULT, NULL, &b->d.facts, &b->e) ==
		       0;
}

static void bench_close(struct bench *b)
{
	target_close(b->d.target);
	sim_board_free(b->board);
}

/* Written over the wire, taken over by the reset, read back; every field of every chip. */
static void test_execute__each_chip(void **state)
{
	static struct option_plan p;
	static struct option_words w;
	size_t chips = 0, done = 0, too_long = 0;

	for (size_t i = 0; i < chip_count(); i++) {
		const struct chip *c = chip_at(i);

		for (size_t k = 0; k < c->options.n_bits; k++) {
			const struct chip_bits *f = chip_option_find(c, c->options.bits[k].name);
			unsigned what = option_fact_of(c, f->name)->consequences;
			struct option_want want = {.name = f->name};
			struct option_limits l = {0};
			enum option_outcome outcome = OPTION_STOOD;
			struct bench b;
			int rc;

			/* What keeps the ROM from starting cannot be read back through it. */
			if (option_needs_consent(what) || !bench_open(&b, c, NULL)) {
				if (!option_needs_consent(what))
					bench_close(&b);
				continue;
			}
			l.write_max = b.d.target->write_max;
			if (option_read(&b.d, &w, &b.e) < 0)
				fail_msg("0x%03X: %s", c->pid, b.e.msg);
			want.value = option_value(&w, f) ^ 1;
			rc = option_plan_make(&w, &want, 1, &l, &p, &b.e);
			if (rc == ERR_UNSUPPORTED) {
				too_long++;
				bench_close(&b);
				continue;
			}
			if (rc < 0 || option_execute(&b.d, &p, NULL, &outcome, &b.e) < 0)
				fail_msg("0x%03X %s: %s", c->pid, f->name, b.e.msg);
			assert_int_equal(outcome, OPTION_DONE);
			assert_int_equal(option_read(&b.d, &w, &b.e), 0);
			assert_int_equal(option_value(&w, f), want.value);
			assert_int_equal(b.d.facts.rdp == RDP_UNKNOWN || b.d.facts.rdp == RDP_0, 1);
			/* The same again writes nothing. */
			assert_int_equal(option_plan_make(&w, &want, 1, &l, &p, &b.e), 0);
			assert_int_equal(option_execute(&b.d, &p, NULL, &outcome, &b.e), 0);
			assert_int_equal(outcome, OPTION_STOOD);
			bench_close(&b);
			done++;
			chips += k == 0;
		}
	}
	print_message("%zu fields written on boards, %zu refused as too long for one write\n", done,
		too_long);
	if (done < 25)
		fail_msg("only %zu fields on %zu chips", done, chips);
}

/* The power fails in the write: the board holds old, new or level 1, and the host says which. */
static void test_execute__cut(void **state)
{
	static const uint16_t pids[] = {0x415, 0x419, 0x467, 0x472, 0x436};
	static struct option_plan p;
	static struct option_words w;

	for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
		const struct chip *c = chip_find(pids[i]);
		struct option_want want = {
			.name = c->bank_boot_bit != NULL ? c->bank_boot_bit : c->bank_swap_bit};
		enum option_outcome outcome = OPTION_STOOD;
		struct bench b;
		int rc;

		assert_true(bench_open(&b, c, "cut@op:1"));
		assert_int_equal(option_read(&b.d, &w, &b.e), 0);
		want.value = option_value(&w, chip_option_find(c, want.name)) ^ 1;
		assert_int_equal(option_plan_make(&w, &want, 1, NULL, &p, &b.e), 0);
		rc = option_execute(&b.d, &p, NULL, &outcome, &b.e);
		assert_int_equal(rc, ERR_UNFINISHED);
		assert_non_null(strstr(b.e.hint, "protect status"));
		bench_close(&b);
	}
}

/* The answer to the write is lost: the host looks and finds it done; nothing is sent twice. */
static void test_execute__lost_answer(void **state)
{
	static struct option_plan p;
	static struct option_words w;
	const struct chip *c = chip_find(0x415);
	struct option_want want = {.name = "BFB2", .value = 1};
	enum option_outcome outcome = OPTION_STOOD;
	struct bench b;

	assert_true(bench_open(&b, c, NULL));
	assert_int_equal(option_read(&b.d, &w, &b.e), 0);
	assert_int_equal(option_plan_make(&w, &want, 1, NULL, &p, &b.e), 0);
	/* Two blocks are read twice before: 4 reads of 3 ACKs and 40 bytes; then the write's third. */
	assert_int_equal(sim_board_fault(b.board, "drop@tx:175", &b.e), 0);
	assert_int_equal(option_execute(&b.d, &p, NULL, &outcome, &b.e), 0);
	assert_int_equal(outcome, OPTION_DONE);
	assert_int_equal(sim_board_ops(b.board), 1);
	bench_close(&b);
}

/* Refused before anything was sent, and refused because the data was damaged on the way. */
static void test_execute__refused(void **state)
{
	static struct option_plan p;
	static struct option_words w;
	struct option_want want = {.name = "BFB2", .value = 1};
	enum option_outcome outcome = OPTION_STOOD;
	struct bench b;

	assert_true(bench_open(&b, chip_find(0x415), "nack@0x31:1"));
	assert_int_equal(sim_board_fault(b.board, "nack@0x31:2", &b.e), 0);
	assert_int_equal(option_read(&b.d, &w, &b.e), 0);
	assert_int_equal(option_plan_make(&w, &want, 1, NULL, &p, &b.e), 0);
	assert_int_equal(option_execute(&b.d, &p, NULL, &outcome, &b.e), ERR_PROTECTED);
	assert_int_equal(sim_board_ops(b.board), 0);
	bench_close(&b);

	assert_true(bench_open(&b, chip_find(0x415), NULL));
	assert_int_equal(option_read(&b.d, &w, &b.e), 0);
	assert_int_equal(option_plan_make(&w, &want, 1, NULL, &p, &b.e), 0);
	/* Four reads of 9 bytes, then command, address, length: byte 50 is data. */
	assert_int_equal(sim_board_fault(b.board, "garble@rx:50", &b.e), 0);
	assert_int_equal(option_execute(&b.d, &p, NULL, &outcome, &b.e), ERR_NACK);
	assert_non_null(strstr(b.e.msg, "stand as before"));
	assert_int_equal(sim_board_ops(b.board), 0);
	bench_close(&b);
}

/* A ROM that does not reload: the truth is "at the next power-up", not "failed". */
static void test_execute__not_reloaded(void **state)
{
	static struct option_plan p;
	static struct option_words w;
	struct option_want want = {.name = "WRP1A_STRT", .value = 0};
	struct sim_config sim = {.chip = chip_find(0x460), .rom_version = 0xB2};
	struct rom_options opt = ROM_OPTIONS_INIT;
	struct entry entry = ENTRY_INIT;
	enum option_outcome outcome = OPTION_STOOD;
	struct bench b = {.e = ERR_INIT};
	struct link *l;

	assert_int_equal(sim_board_new(&sim, &b.board, &b.e), 0);
	l = sim_link_new(b.board, NULL);
	assert_int_equal(rom_target_new(l, &opt, &b.d.target, &b.e), 0);
	b.d.url.entry = entry;
	assert_int_equal(b.d.target->ops->connect(b.d.target, NULL, &b.e), 0);
	assert_int_equal(
		device_gather(b.d.target, &entry, CHIP_BANKS_DEFAULT, NULL, &b.d.facts, &b.e), 0);
	assert_int_equal(option_read(&b.d, &w, &b.e), 0);
	want.value = option_value(&w, chip_option_find(sim.chip, want.name)) ^ 1;
	assert_int_equal(option_plan_make(&w, &want, 1, NULL, &p, &b.e), 0);
	assert_int_equal(option_execute(&b.d, &p, NULL, &outcome, &b.e), 0);
	assert_int_equal(outcome, OPTION_PENDING);
	bench_close(&b);
}

/* What a name is said to mean agrees with what the geometry makes of it. */
static void test_facts__agree_with_the_table(void **state)
{
	for (size_t i = 0; i < chip_count(); i++) {
		const struct chip *c = chip_at(i);
		const struct option_fact *f;

		for (size_t k = 0; k < c->options.n_bits; k++)
			if (option_fact_of(c, c->options.bits[k].name)->name[0] == '\0')
				fail_msg("0x%03X: %s is not explained", c->pid,
					c->options.bits[k].name);
		for (size_t k = 0; k < c->options.n_wrp; k++)
			assert_int_equal(option_fact_of(c, c->options.wrp[k].name)->consequences,
				OPTION_PROTECTS);
		if (c->bank_select_bit == NULL || c->bank_select_dual < 0)
			continue;
		f = option_fact_of(c, c->bank_select_bit);
		assert_true((f->consequences & OPTION_CHANGES_GEOMETRY) != 0);
		assert_string_equal(f->value[c->bank_select_dual], "two banks");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan__each_field_of_each_chip),
		cmocka_unit_test(test_plan__rdp_is_never_an_option),
		cmocka_unit_test(test_plan__no_overlap_reaches_rdp),
		cmocka_unit_test(test_plan__refusals),
		cmocka_unit_test(test_plan__complement_beside_the_word),
		cmocka_unit_test(test_execute__each_chip),
		cmocka_unit_test(test_execute__cut),
		cmocka_unit_test(test_execute__lost_answer),
		cmocka_unit_test(test_execute__refused),
		cmocka_unit_test(test_execute__not_reloaded),
		cmocka_unit_test(test_facts__agree_with_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
