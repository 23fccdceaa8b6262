/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_plan.c - properties of every plan, on random surveys of one chip of each geometry class
 *
 * A plan is walked on a byte array that behaves like flash: erase sets a unit to the erased value,
 * a write is only allowed onto blank bytes. What holds after each step is checked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/plan.h>

static const uint16_t classes[] = {
	0x410, /* F1: 1 KiB pages */
	0x413, /* F4: sectors of 16, 64, 128 KiB */
	0x435, /* L4: 2 KiB pages, 8-byte words */
	0x447, /* L0: 128-byte pages, erased to 0x00 */
	0x450, /* H7: 128 KiB sectors, 32-byte words */
	0x482, /* U5: 8 KiB pages, 16-byte words, two banks */
};

static uint32_t rng_state;

static uint32_t rng(uint32_t below)
{
	rng_state = rng_state * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)(rng_state >> 8) * below >> 24);
}

struct world {
	struct geometry g;
	struct survey s;
	uint32_t heads[2];
	uint8_t *flash; /* of the whole part */
	uint32_t size;
	uint8_t blank;
};

static uint8_t *at(struct world *w, uint32_t addr)
{
	assert_true(addr - w->g.base < w->size);
	return w->flash + (addr - w->g.base);
}

/* A random image over `n` units from unit `first`, some of them equal to the flash already. */
static void make_world(struct world *w, uint16_t pid, uint32_t n, uint32_t seed)
{
	rng_state = seed;
	memset(w, 0, sizeof(*w));
	assert_int_equal(0, geometry_init(&w->g, chip_find(pid), 0, CHIP_BANKS_DEFAULT, NULL));
	w->size = w->g.size;
	w->blank = w->g.chip->erased_value;
	w->flash = malloc(w->size);
	for (uint32_t i = 0; i < w->size; i++)
		w->flash[i] = (uint8_t)rng(256);
	w->s.geometry = &w->g;
	w->s.units = calloc(n, sizeof(*w->s.units));
	w->s.n = n;
	w->heads[0] = geometry_unit(&w->g, 0).addr;
	w->s.heads = w->heads;
	w->s.n_heads = 1;
	for (uint32_t i = 0; i < n; i++)
		w->s.units[i].unit = geometry_unit(&w->g, i);
	assert_int_equal(0, survey_make_room(&w->s, NULL));
	for (uint32_t i = 0; i < n; i++) {
		struct survey_unit *u = &w->s.units[i];
		uint32_t from = 0, to;

		u->is_head = i == 0;
		memset(u->want, w->blank, u->unit.size);
		to = i + 1 < n ? u->unit.size : 8 + rng(u->unit.size - 8);
		for (uint32_t k = from; k < to; k++) {
			u->what[k] = BYTE_IMAGE;
			/* Stretches of blank bytes are part of real images. */
			u->want[k] = k / 512 % 3 == 2 ? w->blank : (uint8_t)rng(256);
		}
		for (uint32_t k = to; k < u->unit.size; k++) {
			if (rng(2) == 0)
				continue;
			u->what[k] = BYTE_KEPT;
			u->want[k] = *at(w, u->unit.addr + k);
			u->kept++;
		}
		u->equal = rng(2) == 0;
		u->rewrite = !u->equal || i == 0;
		if (u->equal)
			memcpy(at(w, u->unit.addr), u->want, u->unit.size);
	}
}

static void free_world(struct world *w)
{
	survey_done(&w->s);
	free(w->flash);
}

static struct plan_options options_of(const struct world *w, bool whole_blocks)
{
	return (struct plan_options){.write_max = w->g.chip->erased_value == 0 ? 128 : 256,
		.whole_blocks = whole_blocks,
		.baud = 115200,
		.latency_ms = 1};
}

static void walk_write(struct world *w, const struct plan_step *s, const struct plan_options *o)
{
	uint32_t align = w->g.write_align;

	assert_true(s->len > 0 && s->len <= o->write_max);
	assert_int_equal(0, s->addr % align);
	assert_int_equal(0, s->len % align);
	/* One Write command never crosses a block border. */
	assert_int_equal(s->addr / o->write_max, (s->addr + s->len - 1) / o->write_max);
	if (o->whole_blocks)
		assert_int_equal(o->write_max, s->len);
	for (uint32_t i = 0; i < s->len; i++)
		assert_int_equal(w->blank, *at(w, s->addr + i));
	memcpy(at(w, s->addr), s->data, s->len);
}

static void walk(struct world *w, const struct flash_plan *p, const struct plan_options *o)
{
	bool saved = false, erased_any = false, head_done = false;
	uint32_t head = w->heads[0];

	for (size_t i = 0; i < p->n_steps; i++) {
		const struct plan_step *s = &p->steps[i];

		switch (s->kind) {
		case PLAN_SAVE:
			saved = true;
			assert_false(erased_any);
			break;
		case PLAN_ERASE:
			for (uint32_t k = s->first; k < s->first + s->n; k++) {
				struct erase_unit u = p->erase_order[k];

				if (!erased_any)
					assert_int_equal(head, u.addr);
				erased_any = true;
				memset(at(w, u.addr), w->blank, u.size);
			}
			break;
		case PLAN_BLANK:
			for (uint32_t k = 0; k < s->len; k++)
				assert_int_equal(w->blank, *at(w, s->addr + k));
			break;
		case PLAN_WRITE:
			assert_true(erased_any);
			/* Nothing is written once the head stands. */
			assert_false(head_done);
			walk_write(w, s, o);
			head_done = s->addr <= head && head - s->addr < s->len;
			if (!head_done)
				assert_int_equal(w->blank, *at(w, head));
			break;
		case PLAN_VERIFY: assert_memory_equal(at(w, s->addr), s->data, s->len); break;
		}
	}
	assert_true(head_done);
	for (size_t i = 0; i < w->s.n; i++)
		if (w->s.units[i].rewrite && w->s.units[i].kept > 0)
			assert_true(saved);
}

static uint8_t covered(const struct flash_plan *p, uint32_t addr)
{
	for (size_t i = 0; i < p->n_steps; i++)
		if (p->steps[i].kind == PLAN_VERIFY && addr - p->steps[i].addr < p->steps[i].len)
			return 1;
	return 0;
}

static void check_result(struct world *w, const struct flash_plan *p)
{
	for (size_t i = 0; i < w->s.n; i++) {
		const struct survey_unit *u = &w->s.units[i];

		assert_memory_equal(at(w, u->unit.addr), u->want, u->unit.size);
		/* All that was asked for is read back; checked at a few places, it is slow. */
		for (int k = 0; u->rewrite && k < 50; k++) {
			uint32_t off = rng(u->unit.size);

			if (u->what[off] != BYTE_FREE)
				assert_int_equal(1, covered(p, u->unit.addr + off));
		}
	}
}

static void test_plan__properties_hold_on_random_surveys(void **state)
{
	(void)state;
	for (size_t c = 0; c < sizeof(classes) / sizeof(classes[0]); c++) {
		for (uint32_t seed = 1; seed <= 12; seed++) {
			struct world w;
			struct flash_plan p = FLASH_PLAN_INIT;
			struct plan_options o;

			make_world(&w, classes[c], 1 + seed % 5, seed);
			o = options_of(&w, false);
			assert_int_equal(0, plan_make(&w.s, &o, &p, NULL));
			walk(&w, &p, &o);
			check_result(&w, &p);
			assert_true(p.totals.seconds > 0);
			plan_done(&p);
			free_world(&w);
		}
	}
}

/* As over USB: small pages are written together, in blocks larger than they are. */
static void test_plan__writes_go_across_units(void **state)
{
	(void)state;
	for (size_t c = 0; c < sizeof(classes) / sizeof(classes[0]); c++) {
		for (uint32_t seed = 1; seed <= 8; seed++) {
			struct world w;
			struct flash_plan p = FLASH_PLAN_INIT;
			struct plan_options o;

			make_world(&w, classes[c], 1 + seed, seed);
			o = options_of(&w, false);
			o.across_units = true;
			o.write_max = 2048;
			assert_int_equal(0, plan_make(&w.s, &o, &p, NULL));
			walk(&w, &p, &o);
			check_result(&w, &p);
			plan_done(&p);
			free_world(&w);
		}
	}
}

/* 64 pages of 128 bytes, all to be rewritten, are four blocks of 2048 and the words held back. */
static void test_plan__contiguous_pages_cost_full_blocks(void **state)
{
	struct world w;
	struct flash_plan p = FLASH_PLAN_INIT;
	struct plan_options o;
	uint32_t writes = 0;

	(void)state;
	make_world(&w, 0x447, 64, 3);
	memset(w.s.bytes, 0x5A, 64 * 128);
	for (size_t i = 0; i < w.s.n; i++)
		w.s.units[i].rewrite = true;
	o = options_of(&w, false);
	o.across_units = true;
	o.write_max = 2048;
	assert_int_equal(0, plan_make(&w.s, &o, &p, NULL));
	for (size_t i = 0; i < p.n_steps; i++)
		writes += p.steps[i].kind == PLAN_WRITE;
	assert_int_equal(4 + 8 / w.g.write_align, writes);
	/* One page that stays parts them. */
	plan_done(&p);
	w.s.units[20].rewrite = false;
	assert_int_equal(0, plan_make(&w.s, &o, &p, NULL));
	for (size_t i = 0; i < p.n_steps; i++)
		if (p.steps[i].kind == PLAN_WRITE)
			assert_false(span_overlaps((struct span){p.steps[i].addr, p.steps[i].len},
				(struct span){w.s.units[20].unit.addr, 128}));
	plan_done(&p);
	free_world(&w);
}

static void test_plan__whole_blocks_keep_the_order(void **state)
{
	struct world w;
	struct flash_plan p = FLASH_PLAN_INIT;
	struct plan_options o;

	(void)state;
	make_world(&w, 0x447, 5, 7);
	o = options_of(&w, true);
	assert_int_equal(0, plan_make(&w.s, &o, &p, NULL));
	walk(&w, &p, &o);
	check_result(&w, &p);
	plan_done(&p);
	free_world(&w);
}

static void test_plan__nothing_to_do_is_no_step(void **state)
{
	struct world w;
	struct flash_plan p = FLASH_PLAN_INIT;
	struct plan_options o;

	(void)state;
	make_world(&w, 0x410, 4, 3);
	for (size_t i = 0; i < w.s.n; i++) {
		w.s.units[i].equal = true;
		w.s.units[i].rewrite = false;
	}
	o = options_of(&w, false);
	assert_int_equal(0, plan_make(&w.s, &o, &p, NULL));
	assert_int_equal(0, p.n_steps);
	assert_int_equal(4, p.totals.units_same);
	assert_int_equal(0, p.totals.bytes_erased);
	plan_done(&p);
	free_world(&w);
}

static void test_plan__data_without_program_has_no_held_back_word(void **state)
{
	struct world w;
	struct flash_plan p = FLASH_PLAN_INIT;
	struct plan_options o;
	uint64_t written = 0;

	(void)state;
	make_world(&w, 0x410, 3, 5);
	w.s.n_heads = 0;
	for (size_t i = 0; i < w.s.n; i++) {
		w.s.units[i].is_head = false;
		w.s.units[i].rewrite = true;
	}
	o = options_of(&w, false);
	assert_int_equal(0, plan_make(&w.s, &o, &p, NULL));
	for (size_t i = 0; i < p.n_steps; i++) {
		assert_int_not_equal(PLAN_BLANK, p.steps[i].kind);
		if (p.steps[i].kind == PLAN_ERASE)
			for (uint32_t k = 0; k < p.steps[i].n; k++)
				memset(at(&w, p.erase_order[k].addr), w.blank,
					p.erase_order[k].size);
		if (p.steps[i].kind == PLAN_WRITE) {
			walk_write(&w, &p.steps[i], &o);
			written += p.steps[i].len;
		}
	}
	assert_int_equal(p.totals.bytes_written, written);
	check_result(&w, &p);
	plan_done(&p);
	free_world(&w);
}

/* Unit numbers that no source confirms are refused while planning, before anything is erased. */
static void test_plan__unconfirmed_unit_numbers_are_refused(void **state)
{
	struct world w;
	struct flash_plan p = FLASH_PLAN_INIT;
	struct plan_options o;
	struct err e = ERR_INIT;

	(void)state;
	make_world(&w, 0x450, 2, 9);
	w.g.n_numbered--; /* one that has no source is enough: swapped, it may be any */
	geometry_set_swapped(&w.g);
	o = options_of(&w, false);
	assert_int_equal(ERR_UNSUPPORTED, plan_make(&w.s, &o, &p, &e));
	assert_int_equal(0x08000000, e.addr);
	assert_non_null(strstr(e.msg, "not confirmed"));
	assert_int_equal(0, p.n_steps);
	plan_done(&p);
	free_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan__properties_hold_on_random_surveys),
		cmocka_unit_test(test_plan__writes_go_across_units),
		cmocka_unit_test(test_plan__contiguous_pages_cost_full_blocks),
		cmocka_unit_test(test_plan__whole_blocks_keep_the_order),
		cmocka_unit_test(test_plan__nothing_to_do_is_no_step),
		cmocka_unit_test(test_plan__data_without_program_has_no_held_back_word),
		cmocka_unit_test(test_plan__unconfirmed_unit_numbers_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
